"""OpenAlex as documented: GET /works with filter, search, cursor, page, per_page and select."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Notation, QuerySyntax, Test, parse, title_and_abstract

MOST_PER_PAGE = 100
MOST_BY_PAGE = 10_000
MOST_VALUES = 100
#: Credits of a day; a list call costs one, a search ten.
BUDGET = 1_000_000

_PARAMETERS = ("api_key", "cursor", "filter", "mailto", "page", "per-page", "per_page", "search", "select")
_NOTATION = Notation(fields={"": title_and_abstract}, dates={})
_TITLES = Notation(fields={"": lambda text: text.title}, dates={})
_SELECTABLE = [
    *("id", "doi", "title", "display_name", "publication_year", "publication_date", "ids", "language", "type"),
    *("primary_location", "best_oa_location", "open_access", "authorships", "cited_by_count", "biblio", "mesh"),
    *("is_retracted", "is_paratext", "concepts", "topics", "keywords", "locations", "referenced_works"),
    *("related_works", "abstract_inverted_index", "counts_by_year", "updated_date", "created_date"),
]
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


class BadRequest(Exception):
    """What OpenAlex answers with 400: its kind of error and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.body = {"error": f"{kind} error.", "message": message}


class OpenAlexApi:
    """The works of one source."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._used = itertools.count()
        self._found = lru_cache(maxsize=8)(self._find)

    def routes(self) -> list[Route]:
        return [Route("/works", self.works)]

    def works(self, request: Request) -> Response:
        try:
            return self._works(dict(request.query_params))
        except BadRequest as error:
            return json_answer(error.body, 400)

    def _works(self, asked: dict[str, str]) -> Response:
        if unknown := sorted(set(asked) - set(_PARAMETERS)):
            known = ", ".join(_PARAMETERS)
            message = f"{unknown[0]} is not a valid parameter. Valid parameters are: {known}."
            raise BadRequest("Invalid query parameters", message)
        per_page = _per_page(asked)
        fields = _fields(asked.get("select"))
        found = self._found(asked.get("filter", ""), asked.get("search", ""), self._holdings.today)
        page, meta = _page(found, asked, per_page)
        cost = 10 if asked.get("search") else 1
        body = {
            "meta": {"count": len(found), "db_response_time_ms": 1, "per_page": per_page}
            | meta
            | {"groups_count": None, "cost_usd": cost / 10_000},
            "results": [_selected(entry.wire(), fields) for entry in page],
        }
        return json_answer(body, headers=self._metered(cost))

    def _find(self, filters: str, search: str, today: date) -> list[Entry]:
        # Dates first: they need not read the work.
        pairs = sorted(_split(filters), key=lambda pair: not pair[0].endswith("_date"))
        tests = [_test(name, value) for name, value in pairs]
        if search:
            tests.append(_search(search, _NOTATION))
        return self._holdings.matching(lambda entry: entry.entered <= today, *tests)

    def _metered(self, cost: int) -> dict[str, str]:
        used = next(self._used)
        return {
            "X-RateLimit-Limit": str(BUDGET),
            "X-RateLimit-Remaining": str(max(0, BUDGET - used)),
            "X-RateLimit-Credits-Used": str(cost),
            "X-RateLimit-Cost-USD": f"{cost / 10_000:.4f}",
            "X-RateLimit-Reset": "40000",
        }


def not_found(request: Request) -> Response:
    """OpenAlex answers an unknown address with a page for people."""
    return HTMLResponse("<!doctype html><html lang=en><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _per_page(asked: dict[str, str]) -> int:
    text = asked.get("per_page", asked.get("per-page", "25"))
    if not text.isdigit() or not 1 <= int(text) <= MOST_PER_PAGE:
        raise BadRequest("Pagination", f"per-page parameter must be between 1 and {MOST_PER_PAGE}.")
    return int(text)


def _fields(select: str | None) -> list[str] | None:
    if not select:
        return None
    fields = select.split(",")
    for field in fields:
        if field not in _SELECTABLE:
            known = ", ".join(_SELECTABLE)
            message = f"{field} is not a valid select field. Valid fields for select are: {known}."
            raise BadRequest("Invalid query parameters", message)
    return fields


def _selected(work: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    return work if fields is None else {name: work[name] for name in fields if name in work}


def _page(found: list[Entry], asked: dict[str, str], per_page: int) -> tuple[list[Entry], dict[str, Any]]:
    cursor = asked.get("cursor")
    if cursor is None:
        number = asked.get("page", "1")
        if not number.isdigit() or not 1 <= int(number) * per_page <= MOST_BY_PAGE:
            message = f"Maximum results size of {MOST_BY_PAGE} records is exceeded. Cursor pagination is required."
            raise BadRequest("Pagination", message)
        return found[(int(number) - 1) * per_page : int(number) * per_page], {"page": int(number)}
    if "page" in asked:
        raise BadRequest("Pagination", "Cannot use page parameter with cursor.")
    last = _read_cursor(cursor)
    start = next((index for index, entry in enumerate(found, 1) if entry.key == last), None) if last else 0
    if start is None:
        raise BadRequest("Pagination", f"Cursor value is invalid: {cursor}")
    page = found[start : start + per_page]
    # The last full page still has a cursor; the page after it is empty and has none.
    following = _write_cursor(page[-1]) if page else None
    return page, {"page": None, "next_cursor": following}


def _write_cursor(entry: Entry) -> str:
    return base64.b64encode(orjson.dumps([0, f"https://openalex.org/{entry.key}"])).decode()


def _read_cursor(cursor: str) -> str | None:
    """The id of the last work of the page before; None at the beginning."""
    if cursor == "*":
        return None
    try:
        key: str = orjson.loads(base64.b64decode(cursor, validate=True))[1].rpartition("/")[2]
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise BadRequest("Pagination", f"Cursor value is invalid: {cursor}") from error
    return key


def _split(filters: str) -> list[tuple[str, str]]:
    pairs = []
    for part in _COMMA.split(filters) if filters else []:
        name, colon, value = part.partition(":")
        if not colon:
            raise BadRequest("Invalid query parameters", f"Invalid query parameter in {part!r}.")
        pairs.append((name.strip().replace("-", "_"), value.strip()))
    return pairs


def _test(name: str, value: str) -> Test:
    if name not in _FILTERS:
        known = ", ".join(sorted(_FILTERS))
        message = f"{name} is not a valid field. Valid fields are underscore or hyphenated versions of: {known}"
        raise BadRequest("Invalid query parameters", message)
    if value.count("|") >= MOST_VALUES:
        message = f"Maximum number of values exceeded for {name}. Decrease values to {MOST_VALUES} or below."
        raise BadRequest("Invalid query parameters", message)
    return _FILTERS[name](value)


def _dated(compare: Callable[[date, date], bool]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        try:
            bound = date.fromisoformat(value)
        except ValueError:
            message = f"Value for a date filter must be in the format YYYY-MM-DD, not {value!r}."
            raise BadRequest("Invalid query parameters", message) from None
        return lambda entry: compare(entry.published, bound)

    return make


def _flag(read: Callable[[dict[str, Any]], object]) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        if value not in {"true", "false"}:
            raise BadRequest("Invalid query parameters", f"Value must be true or false, not {value!r}.")
        return lambda entry: bool(read(entry.wire())) == (value == "true")

    return make


def _search(value: str, notation: Notation) -> Test:
    try:
        return parse(value, notation)
    except QuerySyntax as error:
        raise BadRequest("Invalid query parameters", f"The search cannot be read: {error}.") from error


def _ids(value: str) -> Test:
    wanted = set(value.upper().split("|"))
    return lambda entry: entry.key in wanted


def _dois(value: str) -> Test:
    wanted = tuple(f"/{each}" for each in value.lower().split("|"))
    return lambda entry: str(entry.wire().get("doi") or "").lower().endswith(wanted)


def _cites(value: str) -> Test:
    wanted = {f"https://openalex.org/{each}" for each in value.upper().split("|")}
    return lambda entry: not wanted.isdisjoint(entry.wire().get("referenced_works") or ())


_FILTERS: dict[str, Callable[[str], Test]] = {
    "cites": _cites,
    "ids.openalex": _ids,
    "ids.pmid": lambda value: lambda entry: str(entry.wire().get("ids", {}).get("pmid", "")).endswith(f"/{value}"),
    "doi": _dois,
    "from_publication_date": _dated(lambda published, bound: published >= bound),
    "to_publication_date": _dated(lambda published, bound: published <= bound),
    "title_and_abstract.search": lambda value: _search(value, _NOTATION),
    "title_and_abstract.search.exact": lambda value: _search(value, _NOTATION),
    "default.search": lambda value: _search(value, _NOTATION),
    "title.search": lambda value: _search(value, _TITLES),
    "display_name.search": lambda value: _search(value, _TITLES),
    "is_retracted": _flag(lambda work: work.get("is_retracted")),
    "is_paratext": _flag(lambda work: work.get("is_paratext")),
    "has_abstract": _flag(lambda work: work.get("abstract_inverted_index")),
    "has_doi": _flag(lambda work: work.get("doi")),
}
