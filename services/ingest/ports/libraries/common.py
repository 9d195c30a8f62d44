"""What readers of library files share: how what they found of a record becomes one, and forms of what records hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from services.ingest.ports.libraries.port import Entry, Fault
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.markup import clean, plain, prose, squeeze
from services.ingest.ports.sources.noticing import with_title
from services.ingest.ports.sources.port import EXCERPT, Kind, Notice, Rejection, SourceRecord
from services.ingest.ports.sources.reading import MOST_REMARKS, Reader
from shared import identifiers
from shared.events.bounds import LONGEST_ABSTRACT, LONGEST_ID, LONGEST_TITLE
from shared.events.values import Identifiers
from shared.folding import composed
from shared.languages import language

#: What is kept beside a record's citation: so many fields, of so many characters each.
MOST_FIELDS, LONGEST_FIELD, _LONGEST_NAME = 200, 20_000, 100

#: What of a description a record without a number is known by, whatever file it comes in.
_KNOWN_BY = ("title", "abstract", "authors", "venue", "volume", "issue", "pages", "published", "identifiers")
_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())

#: What may be markup begins with one of these.
_MARKUP = "<&\\$"
#: Characters from which on a text cannot be what it claims to be, whatever of it is markup, and is not read for that.
_LONGEST_LINE, _LONGEST_PROSE = 20 * LONGEST_TITLE, 4 * LONGEST_ABSTRACT
#: Characters of a paragraph that may say no more than that an abstract follows.
_SHORT = 20
_NUMBER = re.compile(r"[0-9][0-9Xx–-]{6,20}")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(?:([0-9]{1,2})(?:st|nd|rd|th)?,?\s+)?([0-9]{4})(?![0-9])")
_COMPACT = re.compile(r"(?<![0-9])([12][0-9]{3})(0[1-9]|1[0-2])([0-3][0-9])(?![0-9])")
#: A number as spreadsheets round it, `2.0201E+11`: many are the same then.
_ROUNDED = re.compile(r"[0-9]{1,20}(?:[.,][0-9]{1,20})?E\+?[0-9]{1,3}", re.IGNORECASE)
_YEAR = re.compile(r"[0-9]{4}")
_MONTH_ONLY = re.compile(
    r"\s*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s+([0-9]{1,2})(?![0-9]))?", re.I
)
_NO_SPACE_AFTER_COMMA = re.compile(r",(?=[^\s,])")

#: Languages by the names that databases have for them, in English.
_LANGUAGES = {
    "afrikaans": "af", "albanian": "sq", "arabic": "ar", "armenian": "hy", "azerbaijani": "az", "bosnian": "bs",
    "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "estonian": "et", "finnish": "fi", "flemish": "nl", "french": "fr", "galician": "gl",
    "georgian": "ka", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "icelandic": "is", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv",
    "lithuanian": "lt", "macedonian": "mk", "malay": "ms", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl",
    "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur",
    "vietnamese": "vi",
}  # fmt: skip

Item = TypeVar("Item")


@dataclass(slots=True)
class Described:
    """What a reader found of a record: fields of `SourceRecord` by their names, all but `source` and `source_id`, the
    number that its database gave it, and what is no part of its citation."""

    described: dict[str, Any]
    accession: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def entry_of(
    item: Item,
    describe: Callable[[Item, Reader], Described],
    *,
    source: str,
    line: int,
    excerpt: str,
    remarks: Iterable[str] = (),
) -> Entry | Fault:
    """The record that `describe` finds in an item, under the rules and bounds that hold for every source's records.

    Whatever `describe` raises is the item's fault. It may leave things out by `Reader.leave_out` and the like.
    """
    found: list[Described] = []

    def read(item: Item, reader: Reader) -> SourceRecord | Rejection:
        it = describe(item, reader)
        accession = squeeze(it.accession or "")
        if _ROUNDED.fullmatch(accession):
            it.remarks += (f"its number {accession} was rounded by a spreadsheet, and is none",)
            accession = ""
        it.accession = accession if 0 < len(accession) <= LONGEST_ID and accession.isprintable() else None
        found.append(it)
        source_id = it.accession or f"sha256:{content_of(it.described)}"
        return reader.record(excerpt, source_id=source_id, **it.described)

    reader = Reader(source, read)
    record = reader.outcome(item)
    if isinstance(record, Rejection):
        return Fault(line, record.reason, squeeze(excerpt[: 2 * EXCERPT])[:EXCERPT])
    (it,) = found
    kept, cut = _kept(it.fields)
    said = [remark.removeprefix(f"{record.source_id}: ") for remark in reader.remarks[:MOST_REMARKS]]
    return Entry(
        line=line,
        record=record,
        accession=it.accession is not None,
        fields=kept,
        remarks=tuple(dict.fromkeys([*remarks, *it.remarks, *said, *cut])),
    )


def content_of(described: Mapping[str, Any]) -> str:
    """A hash (24 hex digits) of what a record is known by, without signs, blanks and case, which programs change."""
    digest = hashlib.sha256()
    for name in _KNOWN_BY:
        value = described.get(name) or ""
        if isinstance(value, Identifiers):
            value = [value.doi or "", value.pmid or "", value.pmcid or "", value.openalex or ""]
        text = "\t".join(value) if isinstance(value, list) else str(value)
        digest.update(name.encode() + b":" + text.casefold().encode("utf-8", "replace").translate(None, _SIGNS) + b"\n")
    return digest.hexdigest()[:24]


def by_content(record: SourceRecord) -> str:
    """What a record is known by whose number is none."""
    return f"sha256:{content_of({name: getattr(record, name) for name in _KNOWN_BY})}"


def _kept(fields: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What may be kept of the fields, and what had to be cut."""
    kept: dict[str, str] = {}
    cut = []
    for name, value in fields.items():
        name, value = tidy(name)[:_LONGEST_NAME], "\n".join(filter(None, map(tidy, value.split("\n"))))
        if not name or not value:
            continue
        if len(kept) == MOST_FIELDS:
            cut.append(f"it has more than {MOST_FIELDS} further fields, of which the rest is left out")
            break
        if len(value) > LONGEST_FIELD:
            cut.append(f"{name} is cut after {LONGEST_FIELD} characters")
        kept[name] = value[:LONGEST_FIELD]
    return kept, cut


def tidy(text: str) -> str:
    """What `clean` makes of a text, but sooner: what can be printed has none of the characters that it removes."""
    if not text.isprintable():
        return clean(text)
    return squeeze(text if text.isascii() else composed(text))


def one_line(text: str | None) -> str | None:
    """A title or the like as one line, without markup. None for what says nothing; what is too long stays as it is."""
    if not text:
        return None
    if len(text) > _LONGEST_LINE:
        return text
    return plain(text) if _may_be_markup(text) else tidy(text) or None


def lines_of_prose(text: str | None) -> str | None:
    """An abstract, a line a paragraph, without markup. None for what says nothing; what is too long stays as it is."""
    if not text:
        return None
    if len(text) > _LONGEST_PROSE:
        return text
    paragraphs = (
        prose(each) if len(each) < _SHORT or _may_be_markup(each) else tidy(each) for each in text.split("\n")
    )
    return "\n".join(filter(None, paragraphs)) or None


def _may_be_markup(text: str) -> bool:
    """That a text has none of a few signs is seen faster by one after the other than by a pattern."""
    return any([sign in text for sign in _MARKUP])


def name_of(text: str | None) -> str | None:
    """A person's name as it is written, with a blank after its comma."""
    name = one_line(text)
    return name and (_NO_SPACE_AFTER_COMMA.sub(", ", name).strip(" ;,") or None)


def names_of(texts: Iterable[str]) -> list[str]:
    """Persons' names, one a text, or where there is one text only, several with semicolons between them."""
    texts = [text for text in texts if text.strip()]
    if len(texts) == 1 and ";" in texts[0] and "&" not in texts[0]:
        texts = texts[0].split(";")
    return [name for name in map(name_of, texts) if name]


def numbers_of(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The ISSNs and the ISBNs of texts in which several may stand (`1999-7777(Electronic),0222-6666(Print)`)."""
    issns, isbns = [], []
    for text in texts:
        whole = [text] if identifiers.isbn(text) else _NUMBER.findall(text[:LONGEST_FIELD])
        for number in whole:
            if issn := identifiers.issn(number):
                issns.append(issn)
            elif isbn := identifiers.isbn(number):
                isbns.append(isbn)
    return list(dict.fromkeys(issns)), list(dict.fromkeys(isbns))


def language_of(text: str | None) -> str | None:
    """The first language that a text names by a code or in English (`eng`, `English; Spanish`)."""
    for word in re.split(r"[;,/|]", (text or "")[:LONGEST_ID]):
        if found := _LANGUAGES.get(word.strip().lower()) or language(word):
            return found
    return None


def date_of(reader: Reader, texts: Iterable[str]) -> str | None:
    """The earliest of the dates of a work, as precise as they are. A month alone is one of the year beside it; where
    none of the texts is a date, that is remarked."""
    texts = [text.strip()[:LONGEST_ID] for text in texts if text.strip(" /-")]
    dates: list[str | None] = []
    months: list[re.Match[str]] = []
    for text in texts:
        if (month := _MONTH_ONLY.match(text)) and not _YEAR.search(text):
            months.append(month)
        else:
            dates.append(_one_date(text))
    known = normal.earliest(dates)
    if known is None and texts:
        reader.leave_out("date", texts[0])
    if known and len(known) == 4 and months:
        return normal.partial_date(known, months[0][1], months[0][2])
    return known


@lru_cache(maxsize=10_000)
def _one_date(text: str) -> str | None:
    """The date that a text is. Remembered, since most of a file's are years."""
    if compact := _COMPACT.search(text):
        return normal.partial_date(*compact.groups())
    if spelled := _MONTH_FIRST.match(text):
        return normal.partial_date(spelled[3], spelled[1], spelled[2])
    return normal.partial_date_of(text.strip("[]() "))


def with_notices(
    kind: Kind, notices: Iterable[Notice], title: str | None, abstract: str | None, ids: Identifiers
) -> tuple[Kind, list[Notice]]:
    """What a record is and says of published reports when its title is read as well (`Erratum to: ...`)."""
    own = f"pmid:{ids.pmid}" if ids.pmid else f"doi:{ids.doi}" if ids.doi else (title or "")[:250]
    return with_title(kind, notices, title, abstract, own)
