"""DOAJ as documented: GET /search/articles/{query} with page, pageSize and sort."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Notation, QuerySyntax, everywhere, parse

MOST_PER_PAGE = 100
#: Records that can be reached of one question.
CEILING = 1_000

_NOTATION = Notation(
    fields={
        "": everywhere,
        "title": lambda text: text.title,
        "bibjson_title": lambda text: text.title,
        "abstract": lambda text: text.abstract,
        "bibjson_abstract": lambda text: text.abstract,
        "journal": lambda text: text.venue,
        "bibjson_journal_title": lambda text: text.venue,
        "bibjson_author_name": lambda text: text.authors,
    },
    dates={
        "created_date": lambda entry: entry.entered,
        "last_updated": lambda entry: entry.entered,
        "bibjson_year": lambda entry: entry.published,
    },
)
_YEARS = re.compile(r"BIBJSON_YEAR:\[([0-9]{4}) TO ([0-9]{4})\]")
_FIELD = re.compile(r"\b([a-z_]+(?:\.[a-z_]+)*):(\[?)")
_IDS = re.compile(r'id\.exact:\(("[0-9a-f]+"(?: OR "[0-9a-f]+")*)\)')
_SORTS = {f"{field}:{way}" for field in ("created_date", "last_updated") for way in ("asc", "desc")}


class BadRequest(Exception):
    """What DOAJ answers with 400."""


class DoajApi:
    """The articles of one source, the oldest first; other orders are not replayed."""

    def __init__(self, holdings: Holdings, ceiling: int = CEILING) -> None:
        self._holdings = holdings
        self._ceiling = ceiling

    def routes(self) -> list[Route]:
        return [Route("/search/articles/{query:path}", self.search)]

    def search(self, request: Request) -> Response:
        try:
            return json_answer(self._search(request, request.path_params["query"]))
        except BadRequest as error:
            return json_answer({"status": "bad_request", "error": str(error)}, 400)

    def _search(self, request: Request, query: str) -> dict[str, Any]:
        asked = dict(request.query_params)
        number, size = _number(asked, "page", 1), min(_number(asked, "pageSize", 10), MOST_PER_PAGE)
        if asked.get("sort", "created_date:asc") not in _SORTS - {"created_date:desc", "last_updated:desc"}:
            raise BadRequest("Only created_date:asc and last_updated:asc are replayed")
        if (number - 1) * size >= self._ceiling:
            raise BadRequest(f"You cannot access results beyond {self._ceiling} records via this API.")
        found = self._find(query)
        page = found[(number - 1) * size : number * size]
        pages = max(1, -(-len(found) // size))
        body = {"total": len(found), "page": number, "pageSize": size, "query": query}
        body["results"] = [entry.wire() for entry in page]
        address = f"{request.base_url}search/articles/{quote(query)}?pageSize={size}&page="
        # The last page is named even where it cannot be reached.
        return body | ({"next": f"{address}{number + 1}"} if number < pages else {}) | {"last": f"{address}{pages}"}

    def _find(self, query: str) -> list[Entry]:
        today = self._holdings.today
        if named := _IDS.fullmatch(query):
            ids = set(re.findall("[0-9a-f]+", named[1]))
            return self._holdings.matching(lambda entry: entry.entered <= today, lambda entry: entry.key in ids)
        if re.search(r"[^\\][?*]|[^\\]~", query):
            raise BadRequest("Query contains disallowed Lucene features")
        try:
            matches = parse(_YEARS.sub(r"BIBJSON_YEAR:[\1-01-01 TO \2-12-31]", _FIELD.sub(_field, query)), _NOTATION)
        except QuerySyntax as error:
            raise BadRequest(f"There was an error executing your query: {error}") from error
        return self._holdings.matching(lambda entry: entry.entered <= today, matches)


def _field(found: re.Match[str]) -> str:
    """A field's name as the matcher has them: without dots, and in capitals where a range of days comes next."""
    name = found[1].replace(".", "_")
    return f"{name.upper() if found[2] else name}:{found[2]}"


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, "")
    return int(text) if text.isdigit() and len(text) < 10 and int(text) > 0 else default
