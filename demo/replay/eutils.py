"""The E-utilities as documented: esearch.fcgi (JSON, history, windows of entry dates) and efetch.fcgi (XML)."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.corpus import Entry
from demo.replay.holdings import Holdings, json_answer
from demo.replay.matcher import Notation, QuerySyntax, everywhere, parse, title_and_abstract

#: esearch reaches this many records of a result.
CEILING = 9_999
MOST_AT_ONCE = 10_000
MOST_SEARCHES = 1_000
LONGEST_URL = 8_000
LONGEST_FORM = 1_000_000

_DATES: dict[str, Callable[[Entry], date]] = {
    "edat": lambda entry: entry.entered,
    "crdt": lambda entry: entry.entered,
    "mdat": lambda entry: entry.entered,
    "pdat": lambda entry: entry.published,
}


def _doi(entry: Entry) -> str:
    return entry.wire().findtext(".//ELocationID[@EIdType='doi']") or ""


_NOTATION = Notation(
    fields={
        "": everywhere,
        "all": everywhere,
        "all fields": everywhere,
        "ti": lambda text: text.title,
        "title": lambda text: text.title,
        "tiab": title_and_abstract,
        "title/abstract": title_and_abstract,
        "ta": lambda text: text.venue,
        "journal": lambda text: text.venue,
        "au": lambda text: text.authors,
        "author": lambda text: text.authors,
        # No paper here has headings: the words of one stand for it.
        **dict.fromkeys(("mh", "mesh", "mesh terms", "mh:noexp", "majr"), title_and_abstract),
    },
    dates=_DATES,
    keys={"uid": lambda entry: entry.key, "doi": _doi},
)


class EutilsApi:
    """The PubMed records of one source, with a history server that keeps the last searches."""

    def __init__(self, holdings: Holdings, ceiling: int = CEILING) -> None:
        self._holdings = holdings
        self._ceiling = ceiling
        self._history: OrderedDict[str, list[Entry]] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        both = ["GET", "POST"]
        return [
            Route("/esearch.fcgi", self.esearch, methods=both),
            Route("/efetch.fcgi", self.efetch, methods=both),
        ]

    async def esearch(self, request: Request) -> Response:
        return await self._answer(request, self._search)

    async def efetch(self, request: Request) -> Response:
        return await self._answer(request, self._fetch)

    async def _answer(self, request: Request, work: Callable[[dict[str, str]], Response]) -> Response:
        if len(str(request.url)) > LONGEST_URL:
            return HTMLResponse("<html><title>414 Request-URI Too Long</title></html>", 414)
        body = await request.body()
        if len(body) > LONGEST_FORM:
            return HTMLResponse("<html><title>413 Request Entity Too Large</title></html>", 413)
        asked = dict(request.query_params) | dict(parse_qsl(body.decode("utf-8", "replace")))
        response = await run_in_threadpool(work, asked)
        limit = "10" if asked.get("api_key") else "3"
        response.headers["x-ratelimit-limit"] = limit
        response.headers["x-ratelimit-remaining"] = str(int(limit) - 1)
        return response

    def _search(self, asked: dict[str, str]) -> Response:
        if asked.get("retmode") != "json":
            return _fault("eSearchResult", "Only retmode=json is replayed")
        if asked.get("db") != "pubmed":
            return _searched({"ERROR": f"Invalid db name specified: {asked.get('db', '')}"})
        if not asked.get("term"):
            return _searched({"ERROR": "Empty term and query_key - nothing todo"})
        start, most = _number(asked, "retstart", 0), min(_number(asked, "retmax", 20), MOST_AT_ONCE)
        if start >= self._ceiling:
            return _searched({"ERROR": _too_far(self._ceiling)})
        try:
            found = self._find(asked)
        except QuerySyntax as error:
            nothing = {"count": "0", "retmax": "0", "retstart": "0", "idlist": [], "querytranslation": ""}
            said = {"phrasesignored": [], "quotedphrasesnotfound": [], "outputmessages": [str(error)]}
            return _searched(nothing | {"warninglist": said})
        ids = [entry.key for entry in found[: self._ceiling]][start : start + most]
        result: dict[str, Any] = {"count": str(len(found)), "retmax": str(len(ids)), "retstart": str(start)}
        if asked.get("usehistory") == "y":
            result |= {"querykey": "1", "webenv": self._remember(found[: self._ceiling])}
        result |= {"idlist": ids, "translationset": [], "querytranslation": asked["term"]}
        if not found:
            said = {"phrasesignored": [], "quotedphrasesnotfound": [], "outputmessages": ["No items found."]}
            result["warninglist"] = said
        return _searched(result)

    def _find(self, asked: dict[str, str]) -> list[Entry]:
        today = self._holdings.today
        matches = parse(asked["term"], _NOTATION)
        day = _DATES.get(asked.get("datetype", "pdat"), _DATES["pdat"])
        since, until = _day(asked.get("mindate"), date.min), _day(asked.get("maxdate"), date.max)
        if "mindate" not in asked or "maxdate" not in asked:
            # One bound alone does nothing: the E-utilities want both.
            since, until = date.min, date.max
        return self._holdings.matching(
            lambda entry: entry.entered <= today, lambda entry: since <= day(entry) <= until, matches
        )

    def _remember(self, found: list[Entry]) -> str:
        with self._lock:
            webenv = f"MCID_{next(self._numbers):024x}"
            self._history[webenv] = found
            while len(self._history) > MOST_SEARCHES:
                self._history.popitem(last=False)
        return webenv

    def _fetch(self, asked: dict[str, str]) -> Response:
        if asked.get("db") != "pubmed" or asked.get("retmode") != "xml":
            return _fault("eFetchResult", "Only db=pubmed with retmode=xml is replayed")
        start, most = _number(asked, "retstart", 0), min(_number(asked, "retmax", 20), MOST_AT_ONCE)
        if "id" in asked:
            ids = set(asked["id"].split(","))
            chosen = self._holdings.matching(lambda entry: entry.key in ids)
        elif (webenv := asked.get("WebEnv", "")) in self._history and asked.get("query_key") == "1":
            if start >= self._ceiling:
                return _fault("eFetchResult", f"Search backend cannot retrieve history data. {_too_far(self._ceiling)}")
            chosen = self._history[webenv]
        else:
            asked_for = f"query_key: {asked.get('query_key')}, WebEnv: {webenv}, retstart: {start}, retmax: {most}"
            return _fault("eFetchResult", f"Cannot retrieve history data. {asked_for}")
        root = Element("PubmedArticleSet")
        root.extend(entry.wire() for entry in chosen[start : start + most])
        return _xml(root, 200)


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _searched(result: dict[str, Any]) -> Response:
    return json_answer({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result})


def _fault(tag: str, message: str) -> Response:
    root = Element(tag)
    SubElement(root, "ERROR").text = message
    return _xml(root, 400)


def _xml(root: Element, status: int) -> Response:
    return Response(tostring(root, encoding="utf-8", xml_declaration=True), status, media_type="text/xml")


def _too_far(ceiling: int) -> str:
    return (
        f"Search Backend failed: Exception: 'retstart' cannot be larger than {ceiling - 1}. "
        f"For PubMed, ESearch can only retrieve the first {ceiling:,} records matching the query."
    )


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name, "")
    return int(text) if text.isdigit() else default


def _day(text: str | None, default: date) -> date:
    try:
        return date(*(int(part) for part in (text or "").split("/")))
    except (ValueError, TypeError):
        return default
