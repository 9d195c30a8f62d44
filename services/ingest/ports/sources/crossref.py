"""Crossref: what publishers registered, harvested by the day a record was last indexed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Unpack
from urllib.parse import parse_qsl

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, prose, squeeze
from services.ingest.ports.sources.port import (
    DatedBy,
    Keep,
    Notice,
    Page,
    Query,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_list, as_text
from shared import identifiers
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers
from shared.languages import language

NAME = "crossref"
ROWS = 200
#: A cursor is a place in one server-side scroll, which moves on with every request; it cannot be read again.
AGAIN = "from-the-window's-start"

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


class Crossref:
    """Walks https://api.crossref.org/works with a deep-paging cursor.

    The strategy is a query string of Crossref's own parameters (`query.bibliographic=integrated care&
    filter=type:journal-article`); text without a parameter's name is sent as `query.bibliographic`.
    Crossref has no Boolean operators: any word may match. The index date also moves when nothing we use
    has changed, so most of what comes is known already.
    """

    name = NAME
    dated_by: DatedBy = "entered"
    least_overlap_days = 2

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        rows: int = ROWS,
        **timing: Unpack[Timing],
    ) -> None:
        self._rows = rows
        # One a second is what is always allowed; the answers say when it may be more.
        self._http = PoliteClient(
            NAME, access, client, interval=1.0, limits=limits or Limits(), pace=read_pace, **timing
        )

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        asked = request_of(query) | {"rows": str(self._rows)}
        cursor_now, received = "*", 0
        while True:
            page, following = self._http.ask(
                "GET",
                "works",
                read_page,
                refused=read_refusal,
                params=asked | {"cursor": cursor_now},
                repeatable=cursor_now == "*",
                keep=keep,
            )
            received += page.found
            # The cursor is sent even at the end, and may be the same from page to page: only a page
            # that is not full tells the end.
            if page.found < self._rows:
                following = None
            yield page.model_copy(update={"cursor": AGAIN if following else None})
            if not following:
                return
            if received > 2 * (page.reported or 0) + self._rows:
                raise SourceDrifted(
                    f"crossref sent {received} items of {page.reported}; the walk has no end", source=NAME
                )
            cursor_now = following


def request_of(query: Query) -> dict[str, str]:
    """The parameters that say what is asked. Raises SourceRefused for one that is not part of a strategy."""
    window = f"from-index-date:{query.since},until-index-date:{query.until}"
    asked = _parameters(query.text) if "=" in query.text else {"query.bibliographic": query.text}
    for name in asked:
        if name not in {"query", "filter"} and not name.startswith("query."):
            words = f"crossref strategy: parameter {name!r} is not one of query, query.* and filter"
            raise SourceRefused(words, source=NAME)
    return asked | {"filter": ",".join(filter(None, [asked.get("filter"), window]))}


def _parameters(text: str) -> dict[str, str]:
    """The strategy's parameters. Raises SourceRefused where an `&` of the text would cut one short, and for one
    that is given twice, of which Crossref would take one."""
    listed = parse_qsl(text, keep_blank_values=True)
    for part in text.split("&"):
        if "=" not in part:
            words = f"crossref strategy: {part!r} is no parameter; an & that belongs to a value is written %26"
            raise SourceRefused(words, source=NAME)
    if len(dict(listed)) < len(listed):
        raise SourceRefused("crossref strategy: a parameter is given twice; join its words in one", source=NAME)
    return dict(listed)


def read_pace(answer: Answer) -> float | None:
    """Seconds between two requests, out of x-rate-limit-limit and x-rate-limit-interval (`1s`)."""
    limit = normal.count_of(answer.headers.get("x-rate-limit-limit"))
    seconds = normal.count_of(answer.headers.get("x-rate-limit-interval", "").removesuffix("s"))
    return seconds / limit if limit and seconds is not None else None


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"status": "failed", "message": [{"type", "value", "message"}]}."""
    body = as_dict(answer.json()) if answer.is_json else {}
    faults = [as_dict(fault) for fault in as_list(body.get("message"))]
    if any(fault.get("type") == "cursor-invalid" for fault in faults):
        words = "crossref no longer knows the cursor (it lives five minutes); the window must be walked anew"
        raise SourceUnavailable(words, source=NAME, retry_after=0.0)
    said = [f"{fault.get('message') or fault.get('type')} ({fault.get('value')!r})" for fault in faults]
    raise Refused(squeeze("; ".join(said))[:600] or answer.excerpt())


def read_page(answer: Answer) -> tuple[Page, str | None]:
    """Reads one list answer and the cursor for the next; raises Malformed when it is not one."""
    body = answer.json()
    page = answered(read_items(body), answer)
    return page, as_cursor(as_dict(as_dict(body).get("message")).get("next-cursor"))


def read_items(body: Any) -> Page:
    """Reads the body of a list answer of works; raises Malformed when it is not one."""
    message = as_dict(as_dict(body).get("message"))
    items, total = message.get("items"), normal.count(message.get("total-results"))
    if as_dict(body).get("message-type") != "work-list" or not isinstance(items, list) or total is None:
        raise Malformed("the answer is not a work-list with total-results and items")
    return Reader(NAME, read_work).page(items, reported=total)


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
