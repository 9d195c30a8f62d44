"""What a record of a structured file says of a work, part by part as text, and the entry that it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from services.ingest.ports.libraries import common, keywords
from services.ingest.ports.libraries.dialects import MANAGERS, decisions_of, names_its_database
from services.ingest.ports.libraries.port import UNKNOWN, Entry, Fault
from services.ingest.ports.libraries.words import kind_of
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.markup import squeeze, uncontrolled
from services.ingest.ports.sources.port import EXCERPT, Kind
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.protocol import FILES
from shared.events.values import Identifiers

_AS_FRACTION = re.compile(r"([0-9]{1,12})\.0")
_LINE = re.compile(r"\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
#: What is said of a file in place of its database where that is not known.
_NO_DATABASES = MANAGERS | {UNKNOWN}
_SEVERAL = re.compile(r"[;,|\s]+")
_SAYS_NOTHING = re.compile(
    r"[\[(]?(?:no (?:abstract|title|author name)(?: is)?(?: available)?\.?|n/?a|nan|null|none)[\])]?", re.IGNORECASE
)


@dataclass(slots=True)
class Said:
    """A record as its file has it, each part of it as text.

    `own` where we have written the file ourselves: nothing of it is markup then, and what it holds is taken as it is.
    """

    title: str = ""
    other_titles: list[str] = field(default_factory=list)
    abstract: str = ""
    keywords: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    editors: list[str] = field(default_factory=list)
    venue: str = ""
    other_venues: list[str] = field(default_factory=list)
    volume: str = ""
    issue: str = ""
    pages: str = ""
    first_page: str = ""
    last_page: str = ""
    article_number: str = ""
    issns: list[str] = field(default_factory=list)
    isbns: list[str] = field(default_factory=list)
    publisher: str = ""
    urls: list[str] = field(default_factory=list)
    date: str = ""
    year: str = ""
    month: str = ""
    day: str = ""
    kinds: list[str] = field(default_factory=list)
    language: str = ""
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    openalex: str = ""
    accession: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    own: bool = False

    def entry(self, *, line: int, source: str, excerpt: str) -> Entry | Fault:
        """The entry that begins at `line`; a fault where nothing tells what work it is, or a part cannot be one."""
        return common.entry_of(self, _describe, source=source, line=line, excerpt=excerpt, remarks=self.remarks)


def fault(line: int, reason: str, excerpt: str, *, is_record: bool = True) -> Fault:
    """A fault with the beginning of what is at fault, in one line."""
    return Fault(line, reason, squeeze(excerpt[: 2 * EXCERPT])[:EXCERPT], is_record)


def several(text: str) -> list[str]:
    """Numbers or addresses that stand together."""
    return [each for each in _SEVERAL.split(text) if each]


def _describe(said: Said, reader: Reader) -> common.Described:
    ids = Identifiers(
        doi=reader.doi(said.doi.strip()) or next(filter(None, map(_doi_of_address, said.urls)), None),
        pmid=_identifier(said.pmid, identifiers.pmid, "PubMed id", reader),
        pmcid=_identifier(said.pmcid, identifiers.pmcid, "PMC id", reader),
        openalex=_identifier(said.openalex, identifiers.openalex, "OpenAlex id", reader),
    )
    described: dict[str, Any] = {
        "identifiers": ids,
        "published": _published(said, reader),
        "language": _language(said, reader),
        "issns": said.issns,
        "isbns": said.isbns,
        "urls": [url.strip() for url in said.urls],
        **(_own_texts(said) if said.own else _texts(said)),
    }
    kind, notices = common.with_notices(_kind(said, reader), [], described["title"], described["abstract"], ids)
    described |= {"kind": kind, "notices": notices}
    # What tools wrote into notes comes first, since there may be more fields than are kept.
    fields = decisions_of(said.fields.values()) | said.fields
    number = _number(said.accession, reader.source)
    if said.accession and number is None:
        fields.setdefault("accession number", said.accession)
    return common.Described(described, accession=number or ids.pmid, fields=fields)


def _number(said: str, source: str) -> str | None:
    """The number of a record, where one tells works apart: a bare one is one of a database, and counts the rows of a
    sheet where none is known."""
    database = source.removeprefix(FILES)
    if said.strip() and (database not in _NO_DATABASES or names_its_database(said.strip())):
        return said
    return None


def _own_texts(said: Said) -> dict[str, Any]:
    names = ("title", "abstract", "venue", "volume", "issue", "pages", "article_number", "publisher")
    lists = ("other_titles", "keywords", "authors", "editors", "other_venues")
    # Anybody can write a file that looks like one of ours, so what commands a terminal is no part of a text here, too.
    return {name: uncontrolled(getattr(said, name)).strip() or None for name in names} | {
        name: list(filter(str.strip, map(uncontrolled, getattr(said, name)))) for name in lists
    }


def _texts(said: Said) -> dict[str, Any]:
    title, venue = _text(said.title), _text(said.venue)
    # Two hyphens are a dash of TeX, and one of ours.
    pages = normal.pages(said.pages.replace("--", "-")) if said.pages else normal.pages(said.first_page, said.last_page)
    return {
        "title": title,
        "other_titles": [each for each in dict.fromkeys(map(_text, said.other_titles)) if each and each != title],
        "abstract": _lines(said.abstract),
        "keywords": keywords.tidied(said.keywords),
        "authors": [name for name in map(common.name_of, said.authors) if name],
        "editors": [name for name in map(common.name_of, said.editors) if name],
        "venue": venue,
        "other_venues": list(map(_text, said.other_venues)),
        "volume": _whole(said.volume),
        "issue": _whole(said.issue),
        "pages": pages,
        "article_number": _whole(said.article_number),
        "publisher": _text(said.publisher),
    }


def _text(text: str) -> str | None:
    read = common.one_line(text)
    return None if read is None or _SAYS_NOTHING.fullmatch(read) else read


def _lines(text: str) -> str | None:
    if "\n" in text or "\r" in text:
        text = _LINE.sub("\n", text)
    read = common.lines_of_prose(text)
    return None if read is None or _SAYS_NOTHING.fullmatch(read) else read


def _whole(text: str) -> str | None:
    """A number as it is written, but for the `.0` that programs which know fractions alone have added."""
    read = _text(text)
    found = _AS_FRACTION.fullmatch(read or "")
    return found[1] if found else read


def _published(said: Said, reader: Reader) -> str | None:
    """The most precise of the dates that are said, of those in the year that is said, if any is."""
    year = _AS_FRACTION.sub(r"\1", said.year.strip())
    dates = [normal.partial_date(year, said.month.strip(), said.day.strip())]
    dates += [common.date_of(reader, [text]) for text in (year, said.date) if text.strip()]
    known = [date for date in dates if date]
    return max((date for date in known if date[:4] == known[0][:4]), key=len, default=None)


def _kind(said: Said, reader: Reader) -> Kind:
    kind = kind_of(said.kinds)
    if kind is None and any(each.strip() for each in said.kinds):
        reader.leave_out("kind of work", "; ".join(said.kinds))
    return kind or "other"


def _language(said: Said, reader: Reader) -> str | None:
    language = common.language_of(said.language)
    if language is None and said.language.strip():
        reader.leave_out("language", said.language)
    return language


def _identifier(said: str, read: Any, what: str, reader: Reader) -> str | None:
    said = _AS_FRACTION.sub(r"\1", said.strip())
    found: str | None = read(said)
    if found is None and said:
        reader.leave_out(what, said)
    return found


def _doi_of_address(address: str) -> str | None:
    if "doi.org" not in address:
        return None
    try:
        host = urlsplit(address.strip()).hostname
    except ValueError:
        return None
    return identifiers.doi(address) if host in ("doi.org", "dx.doi.org", "www.doi.org") else None
