"""Europe PMC as documented: GET /search and POST /searchPOST with query, resultType=core, pageSize and cursorMark."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Notation, QuerySyntax, everywhere, parse, title_and_abstract

MOST_PER_PAGE = 1000
LONGEST_QUERY = 1500
LONGEST_FORM = 1_000_000

_NOTATION = Notation(
    fields={
        "": everywhere,
        "title": lambda text: text.title,
        "title_abs": title_and_abstract,
        "abstract": lambda text: text.abstract,
        "journal": lambda text: text.venue,
        "auth": lambda text: text.authors,
        # No paper here has keywords or headings.
        "kw": lambda text: "",
    },
    dates={
        "first_idate": lambda entry: entry.entered,
        "creation_date": lambda entry: entry.entered,
        "update_date": lambda entry: entry.entered,
        "first_pdate": lambda entry: entry.published,
    },
    keys={
        "src": lambda entry: entry.key.partition(":")[0],
        "doi": lambda entry: entry.wire().get("doi", ""),
        "ext_id": lambda entry: entry.key.partition(":")[2],
    },
)


class Fault(Exception):
    """What Europe PMC answers inside a 200."""


class EuropePmcApi:
    """The results of one source. Parameters it does not know, it passes over."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def routes(self) -> list[Route]:
        return [Route("/search", self.search), Route("/searchPOST", self.search_by_form, methods=["POST"])]

    def search(self, request: Request) -> Response:
        return self._answer(request, dict(request.query_params), LONGEST_QUERY)

    async def search_by_form(self, request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return await run_in_threadpool(self._answer, request, asked, LONGEST_FORM)

    def _answer(self, request: Request, asked: dict[str, str], longest: int) -> Response:
        try:
            return json_answer(self._search(request, asked, longest))
        except Fault as fault:
            return json_answer({"errCode": 404, "errMsg": str(fault)})

    def _search(self, request: Request, asked: dict[str, str], longest: int) -> dict[str, Any]:
        query = asked.get("query", "")
        if not 0 < len(query) < longest:
            words = "No search criteria provided. Please provide a search criteria which is less than 1500 characters."
            raise Fault(words)
        size = asked.get("pageSize", "25")
        if not size.isdigit() or not 1 <= int(size) <= MOST_PER_PAGE:
            raise Fault(f"Invalid page size provided. Valid size is between 1 and {MOST_PER_PAGE}")
        if asked.get("format") != "json" or asked.get("resultType") != "core":
            raise Fault("Only format=json with resultType=core is replayed")
        found = self._find(query)
        mark = asked.get("cursorMark", "*")
        start = 0 if mark in {"*", "%2A"} else _read_mark(mark)
        page = found[start : start + int(size)]
        body: dict[str, Any] = {"version": "6.9", "hitCount": len(found)}
        if start + len(page) < len(found):
            body["nextCursorMark"] = _write_mark(start + len(page))
            body["nextPageUrl"] = f"{request.url.path}?query={query}&cursorMark={body['nextCursorMark']}"
        body["request"] = {
            "queryString": query,
            "resultType": "core",
            "cursorMark": mark,
            "pageSize": int(size),
            "sort": "",
            "synonym": False,
        }
        return body | {"resultList": {"result": [entry.wire() for entry in page]}}

    def _find(self, query: str) -> list[Entry]:
        today = self._holdings.today
        try:
            matches = parse(query, _NOTATION)
        except QuerySyntax as error:
            raise Fault(f"The query cannot be read: {error}") from error
        return self._holdings.matching(lambda entry: entry.entered <= today, matches)


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _write_mark(position: int) -> str:
    return base64.b64encode(f"AoII:{position}".encode()).decode()


def _read_mark(mark: str) -> int:
    try:
        return int(base64.b64decode(mark, validate=True).decode().partition(":")[2])
    except ValueError as error:
        raise Fault(f"Invalid cursorMark provided: {mark}") from error
