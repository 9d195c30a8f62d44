"""Semantic Scholar as documented: GET /paper/search/bulk with query and token, POST /paper/batch, and GET
/paper/{id}/references and /citations with offset and limit."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Notation, QuerySyntax, parse, title_and_abstract

#: Papers of a page, whatever is asked for, and of a list of ids at most.
BULK_SIZE = 1_000
MOST_IDS = 500
#: Papers of a part of a list, and how far a list reaches.
MOST_LISTED, LAST_LISTED = 1_000, 10_000

_FIELDS = {
    "paperId", "externalIds", "title", "abstract", "venue", "year", "publicationDate", "publicationTypes", "journal",
    "authors",
}  # fmt: skip
_NOTATION = Notation(fields={"": title_and_abstract}, dates={})
_SIGNS = {"|": " OR ", "+": " AND ", "-": " NOT "}
#: What is between quotes, or a sign that begins a term or stands between two.
_SIGN = re.compile(r'"[^"]*"|(?<![\w"])[|+-]|[|+]')
_WINDOW = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})?:([0-9]{4}-[0-9]{2}-[0-9]{2})?")
_LONGEST_BODY = 1_000_000


class BadRequest(Exception):
    """What Semantic Scholar answers with 400."""


class SemanticScholarApi:
    """The papers of one source, in the order of their ids; `bulk_size` of them are a page."""

    def __init__(self, holdings: Holdings, bulk_size: int = BULK_SIZE) -> None:
        self._holdings = holdings
        self._bulk_size = bulk_size

    def routes(self) -> list[Route]:
        return [
            Route("/paper/search/bulk", self.search),
            Route("/paper/batch", self.batch, methods=["POST"]),
            Route("/paper/{paper:path}/references", self.references),
            Route("/paper/{paper:path}/citations", self.citations),
        ]

    def search(self, request: Request) -> Response:
        try:
            return json_answer(self._search(dict(request.query_params)))
        except BadRequest as error:
            return json_answer({"error": str(error)}, 400)

    def references(self, request: Request) -> Response:
        """What a paper cites; one that is not there has a title and no id."""

        def listed(entry: Entry) -> list[dict[str, Any]]:
            return [{"citedPaper": each} for each in entry.wire().get("references", [])]

        return self._list(request, listed)

    def citations(self, request: Request) -> Response:
        """What cites a paper, the newest first."""

        def listed(entry: Entry) -> list[dict[str, Any]]:
            citing = self._holdings.matching(self._is_there, lambda other: _cites(other, entry.key))
            return [{"citingPaper": {"paperId": each.key, "title": each.text().title}} for each in reversed(citing)]

        return self._list(request, listed)

    def _list(self, request: Request, listed: Callable[[Entry], list[dict[str, Any]]]) -> Response:
        asked, name = dict(request.query_params), request.path_params["paper"]
        wanted = name.removeprefix("DOI:").lower()
        found = self._holdings.matching(self._is_there, lambda entry: wanted in (entry.key, _doi(entry)))
        if not found:
            return json_answer({"error": f"Paper with id {name} not found"}, 404)
        try:
            fields, start, limit = _fields(asked), _number(asked, "offset", 0), _number(asked, "limit", 100)
            if limit > MOST_LISTED or start + limit >= LAST_LISTED:
                raise BadRequest(f"offset + limit must be < {LAST_LISTED}")
        except BadRequest as error:
            return json_answer({"error": str(error)}, 400)
        papers = listed(found[0])
        rest = [{inner: _selected(paper, fields) for inner, paper in each.items()} for each in papers[start:]]
        body: dict[str, Any] = {"offset": start, "data": rest[:limit]}
        return json_answer(body | ({"next": start + limit} if len(rest) > limit else {}))

    async def batch(self, request: Request) -> Response:
        body = await request.body()
        try:
            return json_answer(await run_in_threadpool(self._batch, dict(request.query_params), body))
        except BadRequest as error:
            return json_answer({"error": str(error)}, 400)

    def _search(self, asked: dict[str, str]) -> dict[str, Any]:
        fields = _fields(asked)
        found = sorted(self._find(asked), key=lambda entry: entry.key)
        last = _read_token(asked["token"]) if "token" in asked else ""
        rest = [entry for entry in found if entry.key > last]
        page = rest[: self._bulk_size]
        token = _write_token(page[-1]) if len(rest) > len(page) else None
        papers = [_selected(entry.wire(), fields) for entry in page]
        return {"total": len(found), "token": token, "data": papers}

    def _batch(self, asked: dict[str, str], body: bytes) -> list[dict[str, Any] | None]:
        fields = _fields(asked)
        try:
            ids = orjson.loads(body)["ids"] if len(body) <= _LONGEST_BODY else None
        except (ValueError, TypeError, KeyError):
            ids = None
        if not isinstance(ids, list) or not 0 < len(ids) <= MOST_IDS:
            raise BadRequest(f"A list of 1 to {MOST_IDS} ids is needed")
        known = {entry.key: entry for entry in self._holdings.matching(self._is_there)}
        return [_selected(known[each].wire(), fields) if each in known else None for each in map(str, ids)]

    def _is_there(self, entry: Entry) -> bool:
        return entry.entered <= self._holdings.today

    def _find(self, asked: dict[str, str]) -> list[Entry]:
        try:
            matches = parse(_SIGN.sub(_sign, asked.get("query", "")), _NOTATION)
        except QuerySyntax as error:
            raise BadRequest(f"The query cannot be read: {error}") from error
        window = _WINDOW.fullmatch(asked.get("publicationDateOrYear", ":"))
        if window is None:
            raise BadRequest("publicationDateOrYear must be <start>:<end>, each as YYYY-MM-DD or left out")
        since, until = _day(window[1], date.min), _day(window[2], date.max)
        return self._holdings.matching(self._is_there, lambda entry: since <= entry.published <= until, matches)


def _cites(entry: Entry, own: str) -> bool:
    return any(each["paperId"] == own for each in entry.wire().get("references", []))


def _doi(entry: Entry) -> str:
    return str(entry.wire()["externalIds"].get("DOI", "")).lower()


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdigit():
        raise BadRequest(f"{name} must be a number, not {text[:20]}")
    return int(text)


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _sign(found: re.Match[str]) -> str:
    """A sign as the word that the matcher has for it; words side by side mean all of them here too."""
    return _SIGNS.get(found[0], found[0])


def _day(text: str | None, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise BadRequest(f"{text} is no day") from error


def _fields(asked: dict[str, str]) -> set[str]:
    fields = set(asked.get("fields", "title").split(","))
    if unknown := sorted(fields - _FIELDS):
        raise BadRequest(f"Unrecognized or unsupported fields: [{', '.join(unknown)}]")
    return fields | {"paperId"}


def _selected(paper: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in paper.items() if name in fields}


def _write_token(entry: Entry) -> str:
    return base64.b32encode(entry.key.encode()).decode()


def _read_token(token: str) -> str:
    """The id of the last paper of the page before."""
    try:
        return base64.b32decode(token).decode()
    except ValueError as error:
        raise BadRequest(f"Invalid or expired token: {token[:100]}") from error
