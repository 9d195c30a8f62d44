"""Crossref as documented: GET /works with query, query.*, filter, rows, sort, offset and a deep-paging cursor, and
one work by its DOI."""

from __future__ import annotations

import base64
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry, Text
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Test, everywhere, normalise, words

MOST_ROWS = 1000
MOST_OFFSET = 10_000
#: Seconds a cursor lives after its last use, and cursors kept at a time.
CURSOR_LIFE = 300.0
MOST_CURSORS = 200

_FIELDS: dict[str, Callable[[Text], str]] = {
    "query": lambda text: f"{everywhere(text)} . {text.authors}",
    "query.bibliographic": lambda text: f"{everywhere(text)} . {text.authors}",
    "query.title": lambda text: text.title,
    "query.container-title": lambda text: text.venue,
    "query.author": lambda text: text.authors,
}
_PARAMETERS = {"filter", "rows", "offset", "cursor", "mailto", "sort", "order", *_FIELDS}
_SORTED: dict[str, Callable[[Entry], date]] = {
    "created": lambda entry: entry.entered,
    "published": lambda entry: entry.published,
}


class Failure(Exception):
    """What Crossref answers with 400 or 404: status, the kind of message, and its faults."""

    def __init__(self, kind: str, value: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "status": "failed",
            "message-type": "resource-failure" if status == 404 else "validation-failure",
            "message": [{"type": kind, "value": value, "message": message}],
        }


@dataclass
class Scroll:
    """A result that a cursor walks through; every request moves it on, whoever sends it."""

    found: list[Entry]
    position: int
    used: float


class CrossrefApi:
    """The works of one source. A cursor is one server-side scroll, and stays the same from page to page."""

    def __init__(self, holdings: Holdings, monotonic: Callable[[], float]) -> None:
        self._holdings = holdings
        self._monotonic = monotonic
        self._scrolls: OrderedDict[str, Scroll] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        return [Route("/works", self.works), Route("/works/{doi:path}", self.work)]

    def works(self, request: Request) -> Response:
        headers = _pool(request)
        try:
            return json_answer(self._works(dict(request.query_params)), headers=headers)
        except Failure as failure:
            return json_answer(failure.body, failure.status, headers)

    def work(self, request: Request) -> Response:
        today, doi = self._holdings.today, request.path_params["doi"].lower()
        found = self._holdings.matching(lambda entry: entry.entered <= today, lambda entry: entry.key == doi)
        if not found:
            return not_found(request)
        body = {"status": "ok", "message-type": "work", "message-version": "1.0.0", "message": found[0].wire()}
        return json_answer(body, headers=_pool(request))

    def _works(self, asked: dict[str, str]) -> dict[str, Any]:
        for name in asked:
            if name not in _PARAMETERS:
                raise Failure("parameter-not-allowed", name, f"This route does not support {name}")
        rows = _integer("rows", asked.get("rows", "20"), MOST_ROWS)
        cursor = asked.get("cursor")
        if cursor is None:
            found = self._find(asked)
            start = _integer("offset", asked.get("offset", "0"), MOST_OFFSET)
            return _work_list(found, found[start : start + rows], rows, None)
        if "offset" in asked:
            raise Failure("parameter-not-allowed", "offset", "Offset may not be used together with cursor")
        with self._lock:
            cursor, scroll = self._scroll(cursor, asked)
            page = scroll.found[scroll.position : scroll.position + rows]
            scroll.position += len(page)
        return _work_list(scroll.found, page, rows, cursor)

    def _scroll(self, cursor: str, asked: dict[str, str]) -> tuple[str, Scroll]:
        now = self._monotonic()
        if cursor == "*":
            # Real cursors hold such signs as + and =, so these do too.
            cursor = "DnF1ZXJ5VGhlbkZldGNo+" + base64.b64encode(f"scroll-{next(self._numbers)}-".encode()).decode()
            self._scrolls[cursor] = Scroll(self._find(asked), 0, now)
        scroll = self._scrolls.get(cursor)
        if scroll is None or now - scroll.used > CURSOR_LIFE:
            self._scrolls.pop(cursor, None)
            raise Failure("cursor-invalid", cursor, "Cursor specified but it is invalid", 404)
        scroll.used = now
        self._scrolls.move_to_end(cursor)
        while len(self._scrolls) > MOST_CURSORS:
            self._scrolls.popitem(last=False)
        return cursor, scroll

    def _find(self, asked: dict[str, str]) -> list[Entry]:
        today = self._holdings.today
        tests: list[Test] = [lambda entry: entry.entered <= today, *_filters(asked.get("filter", ""))]
        tests += [_any_word(asked[name], field) for name, field in _FIELDS.items() if name in asked]
        found = self._holdings.matching(*tests)
        if (sort := asked.get("sort")) is None:
            return found
        if sort not in _SORTED:
            raise Failure("sort-not-valid", sort, f"Sort specified as {sort} but there is no such sort")
        return sorted(found, key=_SORTED[sort], reverse=asked.get("order", "desc") == "desc")


def not_found(request: Request) -> Response:
    return PlainTextResponse("Resource not found.", 404)


def _pool(request: Request) -> dict[str, str]:
    """Who leaves an address of contact gets the polite pool and its higher rate."""
    polite = "mailto" in request.query_params or "mailto:" in request.headers.get("user-agent", "")
    return {
        "x-api-pool": "polite" if polite else "public",
        "x-rate-limit-limit": "10" if polite else "5",
        "x-rate-limit-interval": "1s",
        "x-concurrency-limit": "3" if polite else "1",
    }


def _integer(name: str, text: str, most: int) -> int:
    if not text.isdigit() or int(text) > most:
        message = f"Integer specified as {text} but must be a positive integer less than or equal to {most}. "
        raise Failure("integer-not-valid", text, message)
    return int(text)


def _filters(text: str) -> list[Test]:
    """Filters of one name are alternatives, those of several names go together."""
    tests: dict[str, list[Test]] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition(":")
        if name not in _FILTERS:
            known = ", ".join(sorted(_FILTERS))
            message = f"Filter '{name}' specified but there is no such filter for this route. Valid filters for this "
            raise Failure("filter-not-available", name, f"{message}route are: {known}")
        tests.setdefault(name, []).append(_FILTERS[name](value))
    return [_any(same) for same in tests.values()]


def _any(tests: list[Test]) -> Test:
    return lambda entry: any(test(entry) for test in tests)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        message = f"Date specified as {value} but must be of the form: yyyy or yyyy-MM or yyyy-MM-dd"
        raise Failure("date-not-valid", value, message) from None


def _since(day: Callable[[Entry], date]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        first = _day(value)
        return lambda entry: day(entry) >= first

    return make


def _until(day: Callable[[Entry], date]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        last = _day(value)
        return lambda entry: day(entry) <= last

    return make


def _type(value: str) -> Test:
    return lambda entry: entry.wire().get("type") == value


def _doi(value: str) -> Test:
    return lambda entry: entry.key == value.lower()


_FILTERS: dict[str, Callable[[str], Test]] = {
    "doi": _doi,
    "from-update-date": _since(lambda entry: entry.entered),
    "until-update-date": _until(lambda entry: entry.entered),
    "from-index-date": _since(lambda entry: entry.entered),
    "until-index-date": _until(lambda entry: entry.entered),
    "from-created-date": _since(lambda entry: entry.entered),
    "until-created-date": _until(lambda entry: entry.entered),
    "from-pub-date": _since(lambda entry: entry.published),
    "until-pub-date": _until(lambda entry: entry.published),
    "type": _type,
}


def _any_word(query: str, field: Callable[[Text], str]) -> Test:
    """Crossref has no Boolean operators: a work matches that has any of the words."""
    wanted = set(words(query))
    return lambda entry: not wanted.isdisjoint(normalise(field(entry.text())).split())


def _work_list(found: list[Entry], page: list[Entry], rows: int, cursor: str | None) -> dict[str, Any]:
    message = {
        "facets": {},
        "total-results": len(found),
        "items": [entry.wire() for entry in page],
        "items-per-page": rows,
        "query": {"start-index": 0, "search-terms": None},
    }
    # The cursor comes back at the end too, and past it.
    if cursor is not None:
        message["next-cursor"] = cursor
    return {"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message}
