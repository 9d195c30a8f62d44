"""Writes RIS as Zotero, EndNote and Rayyan keep it.

All three keep `N1` as a note, so that is where what has no tag of its own goes: identifiers other than the DOI, which
kind of article it is, and what was decided. `C1` to `C8` are fields of other things for most types, and Zotero takes
`M3` for a DOI. An abstract's further lines follow the first, as all three read them; one that could be taken for a tag
begins an abstract of its own, which readers put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from services.ingest.ports.libraries.dialects import noted
from services.ingest.ports.libraries.port import Exported
from services.ingest.ports.sources import normal
from shared.events.ingest import Bibliography

#: There is nothing of a description that RIS as it is written here has no field for.
LACKS: frozenset[str] = frozenset()

_LIKE_A_TAG = re.compile(r"(?:[a-z][a-z0-9]|pmid|pmcid|doi) -", re.IGNORECASE)

_TYPES = {
    "article": "JOUR", "review": "JOUR", "editorial": "JOUR", "letter": "JOUR", "notice": "JOUR", "preprint": "UNPB",
    "conference_paper": "CPAPER", "book": "BOOK", "chapter": "CHAP", "thesis": "THES", "report": "RPRT",
    "dataset": "DATA",
}  # fmt: skip
#: The kinds that have no type of their own.
_SORTS = {
    "review": "review", "editorial": "editorial", "letter": "letter", "notice": "erratum", "preprint": "preprint",
}  # fmt: skip


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """One piece a record."""
    for each in records:
        lines = [f"{tag}  - {value}" for tag, value in _tagged(each)]
        yield ("\r\n".join(lines) + "\r\nER  - \r\n\r\n").encode("utf-8", "replace")


def _tagged(exported: Exported) -> Iterator[tuple[str, str]]:
    it = exported.bibliography
    kind = it.kind or "other"
    yield "TY", _TYPES.get(kind, "GEN")
    yield "ID", _line(exported.record)
    if it.title:
        yield "TI", _line(it.title)
    for name, values in (("TT", it.other_titles), ("AU", it.authors), ("A2", it.editors)):
        for value in values:
            yield name, _line(value)
    yield from _dates(it)
    if it.venue:
        yield "T2", _line(it.venue)
    yield from _located(it)
    for name, values in (("SN", [*it.issns, *it.isbns]), ("UR", it.urls)):
        for value in values:
            yield name, _line(value)
    named = (("PB", it.publisher), ("LA", it.language), ("DO", it.identifiers.doi))
    for name, text in named:
        if text:
            yield name, _line(text)
    yield from _abstract(it.abstract)
    for keyword in it.keywords:
        yield "KW", _line(keyword)
    if exported.databases:
        yield "DB", _line("; ".join(exported.databases))
    numbers = (("PMID", it.identifiers.pmid), ("PMCID", it.identifiers.pmcid), ("OpenAlex", it.identifiers.openalex))
    sort = ("Kind", _SORTS.get(kind))
    if notes := [f"{name}: {number}" for name, number in (*numbers, sort) if number]:
        yield "N1", " | ".join(notes)
    if decisions := noted({"record": exported.record, **exported.decisions}):
        yield "N1", decisions


def _dates(it: Bibliography) -> Iterator[tuple[str, str]]:
    if it.published:
        yield "PY", it.published[:4]
        if len(it.published) > 4:
            year, month, day = [*it.published.split("-"), "", ""][:3]
            yield "DA", f"{year}/{month}/{day}/"


def _located(it: Bibliography) -> Iterator[tuple[str, str]]:
    for name, value in (("VL", it.volume), ("IS", it.issue), ("C7", it.article_number)):
        if value:
            yield name, _line(value)
    if it.pages:
        first, _, last = it.pages.partition("-")
        if first and last and "-" not in last and normal.pages(first, last) == it.pages:
            yield "SP", _line(first)
            yield "EP", _line(last)
        else:
            yield "SP", _line(it.pages)


def _abstract(abstract: str | None) -> Iterator[tuple[str, str]]:
    """The abstract, as few times as its lines allow: one that a reader could take for a tag begins it anew."""
    parts: list[str] = []
    for line in (abstract or "").split("\n"):
        line = _line(line)
        if parts and _LIKE_A_TAG.match(line):
            yield "AB", "\r\n".join(parts)
            parts = []
        if line:
            parts.append(line)
    if parts:
        yield "AB", "\r\n".join(parts)


def _line(text: str) -> str:
    return " ".join(text.split())
