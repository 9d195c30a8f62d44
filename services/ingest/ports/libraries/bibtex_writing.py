"""BibTeX as we write it: in the fields of BibTeX and biblatex, and the rest in some that others pass over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from services.ingest.ports.libraries import latex
from services.ingest.ports.libraries.bibtex_fields import OWN_PREFIX
from services.ingest.ports.libraries.names import joined
from services.ingest.ports.libraries.outgoing import in_pieces
from services.ingest.ports.libraries.port import Exported
from shared.folding import without_marks

#: There is a field for all that a description has, if need be one of ours.
LACKS: frozenset[str] = frozenset()

#: What the files that we write begin with.
OWN_COMMENT = "@comment{living-reviews}\n"

_TYPES = {"article": "article", "review": "article", "editorial": "article", "letter": "article",
          "conference_paper": "inproceedings", "book": "book", "chapter": "incollection", "thesis": "phdthesis",
          "report": "techreport"}  # fmt: skip
_VENUES = {"article": "journal", "inproceedings": "booktitle", "incollection": "booktitle"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NO_KEY = re.compile(r"[^A-Za-z0-9]+")
_NO_NAME = re.compile(r"[^A-Za-z0-9_.:+-]+")
_FAMILY_GIVEN = re.compile(r"[^,{}\\]+, [^,{}\\]+")
_AND = re.compile(r"\band\b|\s-\s", re.IGNORECASE)


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """An entry for each record. Titles stand in two pairs of braces, so that their capitals stay."""
    return in_pieces(_entries(records))


def _entries(records: Iterable[Exported]) -> Iterator[str]:
    yield OWN_COMMENT
    for record in records:
        kind = _TYPES.get(record.bibliography.kind or "", "misc")
        fields = "".join(
            f"  {name} = {value},\n" for name, value in _fields(record, kind) if value not in ("{}", "{{}}")
        )
        yield f"\n@{kind}{{{key_of(record)},\n{fields}}}\n"


def key_of(record: Exported) -> str:
    """The first author's family name, the year and the record's id, which makes it the only one."""
    it = record.bibliography
    family = without_marks((it.authors or [""])[0].split(",")[0])
    parts = [_NO_KEY.sub("", family)[:30], (it.published or "")[:4], _NO_KEY.sub("-", record.record).strip("-")]
    return "-".join(filter(None, [parts[0] + parts[1], parts[2]]))


def _fields(record: Exported, kind: str) -> Iterator[tuple[str, str]]:
    it, ids = record.bibliography, record.bibliography.identifiers
    yield "title", f"{{{{{latex.written(it.title or '')}}}}}"
    yield "author", _braced(" and ".join(map(_person, it.authors)))
    yield "editor", _braced(" and ".join(map(_person, it.editors)))
    yield _VENUES.get(kind, "series"), _text(it.venue)
    yield "year", _braced((it.published or "")[:4])
    if len(it.published or "") > 4:
        yield "month", _MONTHS[int((it.published or "")[5:7]) - 1]
        yield "date", _braced(it.published or "")
    yield "volume", _text(it.volume)
    yield "number", _text(it.issue)
    yield "pages", _text(it.pages)
    yield "eid", _text(it.article_number)
    yield "publisher", _text(it.publisher)
    yield "type", _text(it.kind.replace("_", " ")) if it.kind not in (None, "article", "other") else "{}"
    yield "language", _text(it.language)
    yield "issn", _braced(", ".join(it.issns))
    yield "isbn", _braced(", ".join(it.isbns))
    yield "doi", _braced(latex.written_address(ids.doi or ""))
    yield "pmid", _text(ids.pmid)
    yield "pmcid", _text(ids.pmcid)
    yield "openalex", _text(ids.openalex)
    for number, url in enumerate(it.urls, start=1):
        yield f"url{number if number > 1 else ''}", _braced(latex.written_address(url))
    for number, title in enumerate(it.other_titles, start=1):
        yield f"othertitle{number}", _text(title)
    yield "abstract", _text(it.abstract)
    yield "keywords", _text(joined(it.keywords))
    yield f"{OWN_PREFIX}databases", _text("; ".join(record.databases))
    yield f"{OWN_PREFIX}record", _text(record.record)
    for name, value in record.decisions.items():
        yield OWN_PREFIX + _NO_NAME.sub("-", name), _text(value)


def _text(text: str | None) -> str:
    return _braced(latex.written(text or ""))


def _braced(text: str) -> str:
    return f"{{{text}}}"


def _person(name: str) -> str:
    """A name in braces, unless it is plain which is the family's."""
    written = latex.written(name)
    return written if _FAMILY_GIVEN.fullmatch(name) and not _AND.search(name) else _braced(written)
