"""arXiv as documented: GET or POST /query with search_query or id_list, start, max_results and an order."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings
from demo.replay.matcher import Notation, QuerySyntax, everywhere, parse

MOST_AT_ONCE = 2_000
#: Entries that can be reached of one question.
CEILING = 30_000

ATOM, ARXIV = "http://www.w3.org/2005/Atom", "http://arxiv.org/schemas/atom"
_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"

_NOTATION = Notation(
    fields={
        "": everywhere,
        "all": everywhere,
        "ti": lambda text: text.title,
        "abs": lambda text: text.abstract,
        "jr": lambda text: text.venue,
        "au": lambda text: text.authors,
    },
    # Since November 2025 both are the day of submission.
    dates={"submitteddate": lambda entry: entry.entered, "lastupdateddate": lambda entry: entry.entered},
)
_DAYS = re.compile(r"\b(submittedDate|lastUpdatedDate):\[(\d{8})\d{4} TO (\d{8})(\d{4})\]")
_ID = re.compile(r"(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?")
_LONGEST_FORM = 1_000_000


class Fault(Exception):
    """What arXiv answers as a feed with one entry titled Error; `kind` ends the address of the entry."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.kind = re.sub(r"\W+", "_", message)


class ArxivApi:
    """The entries of one source; each has one version."""

    def __init__(self, holdings: Holdings, ceiling: int = CEILING) -> None:
        self._holdings = holdings
        self._ceiling = ceiling

    def routes(self) -> list[Route]:
        return [Route("/query", self.query, methods=["GET", "POST"])]

    async def query(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > _LONGEST_FORM:
            return HTMLResponse("<html><title>413 Request Entity Too Large</title></html>", 413)
        asked = dict(request.query_params) | dict(parse_qsl(body.decode("utf-8", "replace")))
        return await run_in_threadpool(self._answer, asked)

    def _answer(self, asked: dict[str, str]) -> Response:
        try:
            start, most = _number(asked, "start", 0), _number(asked, "max_results", 10)
            if most > MOST_AT_ONCE or start >= self._ceiling:
                raise Fault("start or max_results is too large")
            found = self._find(asked)
            return _feed([entry.wire() for entry in found[start : start + most]], len(found), start, most)
        except Fault as fault:
            return _feed([_error(fault)], 1, 0, 1, status=400)

    def _find(self, asked: dict[str, str]) -> list[Entry]:
        today = self._holdings.today
        if ids := asked.get("id_list"):
            return self._holdings.matching(lambda entry: entry.entered <= today, _named(ids.split(",")))
        text = _DAYS.sub(_range, asked.get("search_query", "")).replace(" ANDNOT ", " AND NOT ")
        try:
            matches = parse(text, _NOTATION)
        except QuerySyntax as error:
            raise Fault(f"the query cannot be read: {error}") from error
        found = self._holdings.matching(lambda entry: entry.entered <= today, matches)
        if asked.get("sortBy") not in {"submittedDate", "lastUpdatedDate"}:
            raise Fault("only submittedDate and lastUpdatedDate are replayed as an order")
        return sorted(found, key=_entered, reverse=asked.get("sortOrder") != "ascending")


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _entered(entry: Entry) -> date:
    return entry.entered


def _named(ids: list[str]) -> Callable[[Entry], bool]:
    for each in ids:
        if not _ID.fullmatch(each):
            raise Fault(f"incorrect id format for {each}")
    wanted = {re.sub(r"v\d+$", "", each) for each in ids}
    return lambda entry: entry.key in wanted


def _range(found: re.Match[str]) -> str:
    """A range of days as the matcher has it. Every entry here is of noon, so no day is cut in two, and one that is
    named with its first minute alone is not in it."""
    try:
        since, until = (date.fromisoformat(day) for day in (found[2], found[3]))
    except ValueError as error:
        raise Fault(f"{found[0]} is not a range of days") from error
    return f"{found[1].upper()}:[{since} TO {until - timedelta(days=found[4] == '0000')}]"


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdigit() or len(text) > 9:
        raise Fault(f"{name} must be an integer")
    return int(text)


def _error(fault: Fault) -> Element:
    entry = Element(f"{{{ATOM}}}entry")
    for name, text in (
        ("id", f"https://arxiv.org/api/errors#{fault.kind}"),
        ("title", "Error"),
        ("summary", str(fault)),
    ):
        SubElement(entry, f"{{{ATOM}}}{name}").text = text
    return entry


def _feed(entries: list[Element], total: int, start: int, most: int, status: int = 200) -> Response:
    root = Element(f"{{{ATOM}}}feed")
    SubElement(root, f"{{{ATOM}}}title").text = "arXiv Search Results"
    for name, number in (("itemsPerPage", most), ("totalResults", total), ("startIndex", start)):
        SubElement(root, f"{{{_OPENSEARCH}}}{name}").text = str(number)
    root.extend(entries)
    return Response(tostring(root, encoding="utf-8", xml_declaration=True), status, media_type="application/atom+xml")
