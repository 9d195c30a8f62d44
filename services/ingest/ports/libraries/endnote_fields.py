"""What the elements of an EndNote record say, in the ways in which EndNote itself and others use them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.ingest.ports.libraries.said import Said, several
from shared import identifiers

_PARTS = {
    "titles/title": "title",
    "titles/short-title": "other_titles",
    "titles/translated-title": "other_titles",
    "titles/secondary-title": "venue",
    "periodical/full-title": "venue",
    "titles/alt-title": "other_venues",
    "periodical/abbr-1": "other_venues",
    "periodical/abbr-2": "other_venues",
    "alt-periodical/full-title": "other_venues",
    "alt-periodical/abbr-1": "other_venues",
    "abstract": "abstract",
    "keywords/keyword": "keywords",
    "contributors/authors/author": "authors",
    "contributors/secondary-authors/author": "editors",
    "authors/author": "authors",
    "volume": "volume",
    "number": "issue",
    "issue": "issue",
    "pages": "pages",
    "publisher": "publisher",
    "dates/year": "year",
    "dates/pub-dates/date": "date",
    "language": "language",
    "electronic-resource-num": "doi",
    "doi": "doi",
    "ref-type": "kinds",
    "work-type": "kinds",
    "isbn": "issns",
    "orig-pub": "other_titles",
    "accession-num": "accession",
}
_LISTS = {"other_titles", "other_venues", "authors", "editors", "kinds"}
_URLS = re.compile(r"(?:urls/(?:\w+-urls/)?)?url(?:/\w+)?")
_PMC = re.compile(r"PMC[0-9]{1,10}")
_OF_THE_FILE = {"source-app", "rec-number", "remote-database-name"}
_FIRST = re.compile(r"[\r\n]+")
_OWN_NUMBERS = {
    "article-number": "article_number",
    "pmid": "pmid",
    "pmcid": "pmcid",
    "openalex": "openalex",
    "kind": "kinds",
}


def said_of(parts: Iterable[tuple[str, str]], *, own: bool) -> Said:
    """What a record says; `parts` are its texts, each with the path of the element that it is in."""
    said = Said(own=own)
    for path, text in parts:
        text = text if own else text.strip()
        if own and path == "custom-living":
            _take_own(said, text)
        elif _URLS.fullmatch(path):
            said.urls.extend([text] if own else _FIRST.split(text))
        elif own and path in _OF_THE_FILE:
            continue
        elif path not in _PARTS or not _take(said, _PARTS[path], path, text):
            _keep(said, path, text)
    if not own:
        _mend(said)
    return said


def _take(said: Said, part: str, path: str, text: str) -> bool:
    """Takes what an element says, and answers whether it was wanted: of two that say the same, the first counts."""
    if part == "issns":
        numbers = [text] if identifiers.isbn(text) else several(text)
        said.issns.extend(number for number in numbers if not identifiers.isbn(number))
        said.isbns.extend(number for number in numbers if identifiers.isbn(number))
    elif part == "keywords":
        said.keywords.extend([text] if said.own else _FIRST.split(text))
        # People keep labels and decisions there as well, so it stays a field too.
        return said.own
    elif part in _LISTS:
        names = [text] if said.own or part not in ("authors", "editors") else _FIRST.split(text)
        getattr(said, part).extend(name.strip() for name in names if name.strip())
    elif getattr(said, part):
        return path == "periodical/full-title" or getattr(said, part) == text
    else:
        setattr(said, part, text)
    return True


def _take_own(said: Said, text: str) -> None:
    """Our own files have what EndNote has no element for as `name: value`."""
    name, _, value = text.partition(": ")
    part = _OWN_NUMBERS.get(name)
    if part == "kinds":
        said.kinds = [value]
    elif part:
        setattr(said, part, value)
    elif name == "isbn":
        said.isbns.append(value)
    else:
        said.fields[name] = value


def _keep(said: Said, path: str, text: str) -> None:
    """Keeps what is no part of a citation by the name of its element: labels, notes, what somebody decided."""
    name = path.rpartition("/")[2] if path.endswith("/keyword") else path
    if name not in said.fields:
        said.fields[name] = text
    elif len(said.fields[name]) < 20_000:
        said.fields[name] += f"; {text}"


def _mend(said: Said) -> None:
    """Reads numbers where they are that EndNote has no element for: in its custom ones, notes and addresses."""
    for name, text in said.fields.items():
        if name.startswith("custom") and not said.pmcid and (found := _PMC.fullmatch(text)):
            said.pmcid = found[0]
    if "remote-database-name" in said.fields and "pubmed" in said.fields["remote-database-name"].lower():
        said.pmid = said.pmid or (said.accession if identifiers.pmid(said.accession) else "")
    database = said.fields.get("remote-database-provider", "") + said.fields.get("remote-database-name", "")
    if not said.pmid and said.accession.isdigit() and re.search(r"nlm|medline|pubmed", database, re.IGNORECASE):
        said.pmid = said.accession
