"""One work of Crossref as a source record: what its publisher deposited, and what was said of it later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.markup import plain, prose
from services.ingest.ports.sources.port import Notice, Rejection, SourceRecord
from services.ingest.ports.sources.reading import Reader, as_dict, as_list, as_text
from shared import identifiers
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers
from shared.languages import language

#: Registered things that are no works of their own, in the words of a methodologist.
_NO_WORKS = {
    "component": "it is a part of a work (a figure, table or supplement)",
    "journal": "it is a journal, not a work in it",
    "journal-volume": "it is a volume of a journal, not a work in it",
    "journal-issue": "it is an issue of a journal, not a work in it",
    "book-set": "it is a set of books, not a work in it",
    "book-series": "it is a series of books, not a work in it",
    "proceedings-series": "it is a series of proceedings, not a work in it",
    "report-series": "it is a series of reports, not a work in it",
    "grant": "it is a grant, not a work",
}
_NOTICES: dict[str, NoticeKind] = {
    "correction": "correction",
    "corrigendum": "correction",
    "erratum": "correction",
    "addendum": "correction",
    "clarification": "correction",
    "expression_of_concern": "expression_of_concern",
    "partial_retraction": "partial_retraction",
    "retraction": "retraction",
    "removal": "withdrawal",
    "withdrawal": "withdrawal",
    "replacement": "replacement",
    "retract_and_replace": "replacement",
    "reinstatement": "reinstatement",
}


def read_work(work: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one work item."""
    work = as_dict(work)
    raw_doi, its_type = as_text(work.get("DOI")), as_text(work.get("type")) or ""
    doi = identifiers.doi(raw_doi)
    if doi is None:
        return reader.reject(work, raw_doi, "it has no well-formed DOI, so nothing identifies it")
    if its_type in _NO_WORKS:
        return reader.reject(work, doi, _NO_WORKS[its_type])
    titles = _titles(work)
    return reader.record(
        work,
        source_id=doi,
        title=titles[0] if titles else None,
        other_titles=titles[1:],
        abstract=prose(as_text(work.get("abstract"))),
        authors=[name for name in map(_author, as_list(work.get("author"))) if name],
        venue=_venue(work),
        published=_published(work, reader),
        kind="notice" if _strikes(work) else normal.kind([its_type]),
        language=language(work.get("language")),
        identifiers=Identifiers(doi=doi),
        notices=_strikes(work) + _struck(work),
        entered=normal.day(as_dict(work.get("created")).get("date-time")),
        updated=normal.day(as_dict(work.get("indexed")).get("date-time")),
    )


def _titles(work: dict[str, Any]) -> list[str]:
    """The title first, then every other form of it: further titles, with the subtitle, the original one."""
    titles = [plain(as_text(title)) for title in as_list(work.get("title"))]
    subtitle = plain(_first(work.get("subtitle")))
    if titles and titles[0] and subtitle:
        titles.append(f"{titles[0].rstrip(':')}: {subtitle}")
    titles += [plain(as_text(title)) for title in as_list(work.get("original-title"))]
    return list(dict.fromkeys(title for title in titles if title))


def _author(author: Any) -> str | None:
    author = as_dict(author)
    family, given = plain(as_text(author.get("family"))), plain(as_text(author.get("given")))
    if not family:
        return plain(as_text(author.get("name"))) or given
    if suffix := plain(as_text(author.get("suffix"))):
        given = f"{given} {suffix}" if given else suffix
    return f"{family}, {given}" if given else family


def _venue(work: dict[str, Any]) -> str | None:
    """The journal or book; for a preprint the server's institution."""
    return plain(_first(work.get("container-title")) or as_text(as_dict(_first_of(work, "institution")).get("name")))


def _published(work: dict[str, Any], reader: Reader) -> str | None:
    """`issued` is the earliest publication Crossref knows; its date may be [[null]]."""
    for name in ("issued", "published", "published-online", "published-print", "posted"):
        parts = as_list(_first_of(as_dict(work.get(name)), "date-parts"))
        if parts and (published := reader.partial_date(*parts[:3])):
            return published
    return None


def _strikes(work: dict[str, Any]) -> list[Notice]:
    """What this work, being a notice itself, says about others (`update-to`)."""
    return [
        Notice(kind=kind, of=Identifiers(doi=struck), by=f"doi:{identifiers.doi(work['DOI'])}", published=published)
        for kind, struck, published in _updates(work, "update-to")
    ]


def _struck(work: dict[str, Any]) -> list[Notice]:
    """What others say about this work (`updated-by`)."""
    return [
        Notice(kind=kind, by=f"doi:{notice}", published=published)
        for kind, notice, published in _updates(work, "updated-by")
    ]


def _updates(work: dict[str, Any], name: str) -> Iterator[tuple[NoticeKind, str, str | None]]:
    for update in map(as_dict, as_list(work.get(name))):
        kind = _NOTICES.get((as_text(update.get("type")) or "").replace("-", "_").lower())
        doi = identifiers.doi(update.get("DOI"))
        if kind and doi:
            parts = as_list(_first_of(as_dict(update.get("updated")), "date-parts"))
            yield kind, doi, normal.partial_date(*parts[:3]) if parts else None


def _first(texts: Any) -> str | None:
    return next((text for text in as_list(texts) if as_text(text)), None)


def _first_of(thing: dict[str, Any], name: str) -> Any:
    values = as_list(thing.get(name))
    return values[0] if values else None
