"""Crossref: what publishers registered, harvested by the day a record was last indexed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Unpack
from urllib.parse import parse_qsl

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.crossref_record import read_work
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import (
    DatedBy,
    Keep,
    Page,
    Query,
    SourceDrifted,
    SourceRefused,
    SourceUnavailable,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_list

NAME = "crossref"
ROWS = 200
#: A cursor is a place in one server-side scroll, which moves on with every request; it cannot be read again.
AGAIN = "from-the-window's-start"


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
