"""Writes NBIB, for tools that take PubMed's own form alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.ingest.ports.libraries.dialects import noted
from services.ingest.ports.libraries.port import Exported
from shared.languages import bibliographic

#: What of a description has no tag, nor has where it came from.
LACKS = frozenset({"article_number", "urls", "openalex", "databases"})

_TYPES = {
    "article": "Journal Article", "review": "Review", "preprint": "Preprint", "conference_paper": "Congress",
    "book": "Book", "chapter": "Book Chapter", "thesis": "Academic Dissertation", "report": "Technical Report",
    "editorial": "Editorial", "letter": "Letter", "dataset": "Dataset", "notice": "Published Erratum",
}  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """One piece a record."""
    for each in records:
        lines = [f"{tag:<4}- {' '.join(value.split())}" for tag, value in _tagged(each)]
        yield ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _tagged(exported: Exported) -> Iterator[tuple[str, str]]:
    it = exported.bibliography
    ids = it.identifiers
    # Tools look for this tag to find where a record begins, so it stands there without a number, too.
    yield "PMID", ids.pmid or ""
    # Says that the title is as it is, without the dot and the brackets that NLM adds.
    yield "OWN", "LIVING"
    named: list[tuple[str, list[str]]] = [
        ("IS", it.issns), ("ISBN", it.isbns), ("VI", _one(it.volume)), ("IP", _one(it.issue)),
        ("DP", _date(it.published)),
        ("TI", _one(it.title)), ("PG", _one(it.pages)), ("LID", [f"{ids.doi} [doi]"] if ids.doi else []),
        ("AB", (it.abstract or "").split("\n")), ("FAU", it.authors), ("FED", it.editors),
        ("LA", _language(it.language)),
        ("PT", _one(_TYPES.get(it.kind or ""))), ("TT", it.other_titles), ("PB", _one(it.publisher)),
        ("OT", it.keywords), ("JT", _one(it.venue)), ("PMC", _one(ids.pmcid)),
        ("GN", _one(noted({"record": exported.record, **exported.decisions}))),
    ]  # fmt: skip
    for tag, values in named:
        for value in values:
            if value.strip():
                yield tag, value


def _one(value: str | None) -> list[str]:
    return [value] if value else []


def _date(published: str | None) -> list[str]:
    """As PubMed has dates: `2019 Apr 1`."""
    if not published:
        return []
    year, *rest = published.split("-")
    return [" ".join([year, *(_MONTHS[int(month) - 1] for month in rest[:1]), *(str(int(day)) for day in rest[1:])])]


def _language(code: str | None) -> list[str]:
    """As PubMed has languages: in three letters."""
    try:
        return [bibliographic(code)] if code else []
    except LookupError:
        return _one(code)
