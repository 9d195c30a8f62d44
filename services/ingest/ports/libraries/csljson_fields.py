"""An item of CSL-JSON, by the schema of the Citation Style Language (csl-data.json 1.0): as it is read, and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.ingest.ports.libraries import keywords
from services.ingest.ports.libraries.port import Exported
from services.ingest.ports.libraries.said import Said, several

_TEXTS = {
    "title": "title", "abstract": "abstract", "container-title": "venue", "volume": "volume", "issue": "issue",
    "page": "pages", "publisher": "publisher", "language": "language", "DOI": "doi", "PMID": "pmid", "PMCID": "pmcid",
    "number": "article_number", "genre": "kinds", "type": "kinds", "title-short": "other_titles",
    "shortTitle": "other_titles", "original-title": "other_titles", "container-title-short": "other_venues",
    "journalAbbreviation": "other_venues",
}  # fmt: skip
_PEOPLE = {"author": "authors", "editor": "editors"}
_NUMBERS = {"ISSN": "issns", "ISBN": "isbns"}
_LISTS = {"kinds", "other_titles", "other_venues"}
#: Where Zotero keeps what CSL has no field for: `PMID: 123` on a line of its own.
_NOTE = re.compile(r"^(PMID|PMCID|DOI)\s*:\s*(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
_LONGEST = 20_000

_TYPES = {
    "article": "article-journal", "review": "article-journal", "editorial": "article-journal", 
    "letter": "article-journal",
    "conference_paper": "paper-conference", "book": "book", "chapter": "chapter", "thesis": "thesis",
    "report": "report", "dataset": "dataset", "preprint": "article", "notice": "article-journal",
}  # fmt: skip
#: What has a type of its own, and needs no word beside it.
_SAID_BY_TYPE = {"article", "conference_paper", "book", "chapter", "thesis", "report", "dataset", "other", None}
_OWN_LISTS = ("other_titles", "keywords", "issns", "isbns", "urls")
#: What our own files say once more for others, or of what brought a record before.
_OF_OURS = {"keyword", "source"}


def said_of(item: dict[str, Any], *, own: bool) -> Said:
    """What an item says of a work."""
    said = Said(own=own)
    more = item.get("custom")
    custom: dict[str, Any] = more if isinstance(more, dict) else {}
    for name, value in item.items():
        if name in _PEOPLE:
            getattr(said, _PEOPLE[name]).extend(_names(value))
        elif name in _NUMBERS:
            getattr(said, _NUMBERS[name]).extend(several(_text(value)))
        elif name == "issued":
            said.date, said.year = _date(value)
        elif name == "URL":
            said.urls.append(_text(value))
        elif own and name in _OF_OURS:
            continue
        elif name == "keyword" and (text := _text(value)):
            said.keywords = keywords.split(text)
            # People keep labels and decisions there as well, so it stays a field too.
            said.fields[name] = text[:_LONGEST]
        elif name in _TEXTS and (text := _text(value)):
            _take(said, _TEXTS[name], text, name)
        elif name not in ("custom", "id", "issued") and (text := _text(value)):
            said.fields[name] = text[:_LONGEST]
    for name, value in custom.items():
        if own and name in _OWN_LISTS:
            setattr(said, name, [text for each in value if (text := _text(each))] if isinstance(value, list) else [])
        elif own and name == "kind":
            said.kinds = [_text(value)]
        elif own and name == "openalex":
            said.openalex = _text(value)
        elif text := _text(value):
            said.fields[name] = text
    for kind, number in _NOTE.findall(said.fields.get("note", "")):
        setattr(said, kind.lower(), getattr(said, kind.lower()) or number)
    return said


def _take(said: Said, part: str, text: str, name: str) -> None:
    if part in _LISTS:
        getattr(said, part).append(text)
    elif part == "article_number" and not said.own and not re.fullmatch(r"[A-Za-z]?[0-9]{1,12}", text):
        said.fields[name] = text
    else:
        setattr(said, part, text)


def _names(people: Any) -> Iterator[str]:
    for person in people if isinstance(people, list) else ():
        if not isinstance(person, dict):
            continue
        family, given, literal = (_text(person.get(name)) for name in ("family", "given", "literal"))
        particles = [_text(person.get(name)) for name in ("non-dropping-particle", "dropping-particle")]
        family, given = (
            " ".join(filter(None, [*particles, family])),
            " ".join(filter(None, [given, _text(person.get("suffix"))])),
        )
        if name := literal or (f"{family}, {given}" if family and given else family or given):
            yield name


def _date(value: Any) -> tuple[str, str]:
    """A date as text, and its year: out of parts, or as it was written."""
    if not isinstance(value, dict):
        return _text(value), ""
    parts = value.get("date-parts")
    first = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    numbers = [text for part in first[:3] if (text := _text(part)).isdigit() and len(text) < 5]
    if numbers:
        return "-".join([numbers[0], *(f"{int(number):02}" for number in numbers[1:])]), numbers[0]
    return next(filter(None, (_text(value.get(name)) for name in ("raw", "literal"))), ""), ""


def _text(value: Any) -> str:
    """Text, or a number as text; of a list its texts, of a group what it says of itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value[:1_000])))
    return "; ".join(filter(None, map(_text, list(value.values())[:100]))) if isinstance(value, dict) else ""


def csl_of(record: Exported) -> dict[str, Any]:
    """A record as an item. What CSL has no field for stands in `custom`, as its schema allows."""
    it, ids = record.bibliography, record.bibliography.identifiers
    item: dict[str, Any] = {
        "id": record.record,
        "type": _TYPES.get(it.kind or "", "document"),
        "genre": None if it.kind in _SAID_BY_TYPE else (it.kind or "").replace("_", " "),
        "title": it.title,
        "author": [_person(name) for name in it.authors],
        "editor": [_person(name) for name in it.editors],
        "container-title": it.venue,
        "volume": it.volume,
        "issue": it.issue,
        "page": it.pages,
        "number": it.article_number,
        "issued": {"date-parts": [[int(part) for part in it.published.split("-")]]} if it.published else None,
        "abstract": it.abstract,
        "keyword": "; ".join(it.keywords),
        "source": "; ".join(record.databases),
        "publisher": it.publisher,
        "language": it.language,
        "DOI": ids.doi,
        "PMID": ids.pmid,
        "PMCID": ids.pmcid,
        "ISSN": ", ".join(it.issns),
        "ISBN": ", ".join(it.isbns),
        "URL": next(iter(it.urls), None),
    }
    custom = {
        "living_record": record.record,
        **record.decisions,
        "kind": it.kind,
        "openalex": ids.openalex,
        **{name: getattr(it, name) for name in _OWN_LISTS},
    }
    # `custom` comes first, so that the beginning of a file shows whose it is.
    said = {name: value for name, value in item.items() if value}
    return {"custom": {name: value for name, value in custom.items() if value}} | said


def _person(name: str) -> dict[str, str]:
    family, sign, given = name.partition(", ")
    plain = sign and family and given and "," not in given and f"{family.strip()}, {given.strip()}" == name
    return {"family": family, "given": given} if plain else {"literal": name}
