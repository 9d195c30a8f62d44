"""PubMed: searched by the day a citation entered (E-utilities esearch), fetched as XML (efetch)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NoReturn, Unpack
from xml.etree.ElementTree import Element

import httpx
from pydantic import ValidationError

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, squeeze, text_of
from services.ingest.ports.sources.port import (
    DatedBy,
    Keep,
    Page,
    Query,
    Rejection,
    SourceRefused,
    keep_nothing,
)
from services.ingest.ports.sources.pubmed_record import read_article
from services.ingest.ports.sources.reading import Reader, answered, as_dict, as_list, as_text
from shared.events.base import Value

NAME = "pubmed"
PER_PAGE = 200
#: esearch reaches the first 9,999 records of a result only.
CEILING = 9_999

_TAG = re.compile(r"<[^>]*>")
#: Characters of WebEnv and query_key, which a cursor must hold.
_LONGEST_CURSOR = 1500


class Position(Value):
    """Where a walk stands: a slice of the window small enough for esearch, and how far it has been fetched.

    `webenv` and `key` name the slice's result on NCBI's history server, which forgets it after hours;
    `found` is its size, `reported` that of the whole window.
    """

    since: date
    until: date
    start: int = 0
    found: int = 0
    reported: int | None = None
    webenv: str = ""
    key: str = ""

    @property
    def unsearched(self) -> bool:
        return self.reported is None or not self.webenv


class PubMed:
    """Walks https://eutils.ncbi.nlm.nih.gov/entrez/eutils: one esearch a slice of days, one efetch a page.

    The strategy is a PubMed query. The window is one of entry dates (`edat`); a window with more than
    9,999 citations is halved until each slice has fewer. Requests are POSTs, so that long strategies fit
    and the key stays out of every URL.
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
        per_page: int = PER_PAGE,
        ceiling: int = CEILING,
        **timing: Unpack[Timing],
    ) -> None:
        self._per_page, self._ceiling = per_page, ceiling
        self._who = {"tool": access.tool}
        if access.contact:
            self._who["email"] = access.contact
        if access.key:
            self._who["api_key"] = access.key.get_secret_value()
        interval = 0.1 if access.key else 0.34
        self._http = PoliteClient(
            NAME, access, client, interval=interval, limits=limits or Limits(), pace=read_pace, **timing
        )

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        position: Position | None = _position(query, cursor)
        while position is not None:
            position, page = self._page(query, position, keep)
            position = _following(position, query, self._per_page)
            yield page.model_copy(update={"cursor": position.model_dump_json() if position else None})

    def _page(self, query: Query, position: Position, keep: Keep) -> tuple[Position, Page]:
        remarks: list[str] = []
        if position.unsearched:
            position, remarks = self._search(query, position, keep)
        page = Page(reported=position.reported, remarks=remarks)
        if not position.found:
            return position, page
        try:
            fetched = self._fetch(position, keep)
        except SourceRefused as refusal:
            if not isinstance(refusal.__cause__, Forgotten):
                raise
            # The history server keeps a result for hours only; what follows was partly given before.
            position, remarks = self._search(query, position, keep)
            fetched = self._fetch(position, keep)
        return position, fetched.model_copy(
            update={"reported": position.reported, "remarks": remarks + fetched.remarks}
        )

    def _search(self, query: Query, position: Position, keep: Keep) -> tuple[Position, list[str]]:
        """Searches the slice, halving it until esearch can reach all of it."""
        while True:
            window = {
                "datetype": "edat",
                "mindate": f"{position.since:%Y/%m/%d}",
                "maxdate": f"{position.until:%Y/%m/%d}",
            }
            asked = {"term": query.text, "retmode": "json", "retmax": "0", "usehistory": "y"}
            form = {"db": "pubmed"} | asked | window | self._who
            found, webenv, key, remarks = self._http.ask(
                "POST", "esearch.fcgi", read_search, refused=read_refusal, form=form, keep=keep
            )
            reported = found if position.reported is None else position.reported
            if found <= self._ceiling:
                searched = {"start": 0, "found": found, "webenv": webenv, "key": key, "reported": reported}
                return position.model_copy(update=searched), remarks
            if position.since == position.until:
                words = f"pubmed took in {found} citations on {position.since} alone, and gives {self._ceiling} at most"
                raise SourceRefused(f"{words}; narrow the strategy", source=NAME)
            middle = position.since + (position.until - position.since) // 2
            position = position.model_copy(update={"until": middle, "reported": reported})

    def _fetch(self, position: Position, keep: Keep) -> Page:
        expected = min(self._per_page, position.found - position.start)
        history = {"WebEnv": position.webenv, "query_key": position.key}
        part = {"retstart": str(position.start), "retmax": str(self._per_page)}
        form = {"db": "pubmed", "retmode": "xml"} | history | part | self._who
        return self._http.ask(
            "POST",
            "efetch.fcgi",
            lambda answer: read_page(answer, expected),
            refused=read_refusal,
            form=form,
            keep=keep,
        )


class Forgotten(Refused):
    """The history server no longer has the result of the search."""


def _position(query: Query, cursor: str | None) -> Position:
    """The place a cursor names, or the window's beginning when it names none within this window."""
    start = Position(since=query.since, until=query.until)
    try:
        position = Position.model_validate_json(cursor or "")
    except ValidationError:
        return start
    return position if query.since <= position.since <= position.until <= query.until else start


def _following(position: Position, query: Query, per_page: int) -> Position | None:
    """The place after this page: the next page of the slice, the next slice, or none."""
    if position.start + per_page < position.found:
        return position.model_copy(update={"start": position.start + per_page})
    if position.until >= query.until:
        return None
    since = position.until + timedelta(days=1)
    until = min(query.until, since + (position.until - position.since))
    return Position(since=since, until=until, reported=position.reported)


def read_pace(answer: Answer) -> float | None:
    """Seconds between two requests, out of x-ratelimit-limit (requests a second)."""
    limit = normal.count_of(answer.headers.get("x-ratelimit-limit"))
    return 1 / limit if limit else None


def read_search(answer: Answer) -> tuple[int, str, str, list[str]]:
    """Reads an esearch answer: how many citations, WebEnv, query_key, and what PubMed remarks on the strategy."""
    body = as_dict(answer.json())
    _check_error(body)
    result = as_dict(body.get("esearchresult"))
    if error := as_text(result.get("ERROR")):
        if "backend failed" in error.lower():
            raise Busy(plain(error) or "search backend failed")
        raise Refused(plain(error) or "ERROR")
    count = normal.count_of(result.get("count"))
    webenv, key = (as_text(result.get(name)) or "" for name in ("webenv", "querykey"))
    if count is None or (count and not (webenv and key)) or len(webenv + key) > _LONGEST_CURSOR:
        raise Malformed(f"the answer has no count, webenv and querykey: {answer.excerpt()}")
    return count, webenv, key, _remarks(result)


def _check_error(body: dict[str, Any]) -> None:
    """Reads {"error": ...}, which also comes with status 200."""
    if error := as_text(body.get("error")):
        raise Busy(error) if "rate limit" in error.lower() else Refused(error)


def _remarks(result: dict[str, Any]) -> list[str]:
    lists = as_dict(result.get("errorlist")) | as_dict(result.get("warninglist"))
    return [f"{name}: {plain(str(said))}" for name, all_said in lists.items() for said in as_list(all_said)]


def read_refusal(answer: Answer) -> NoReturn:
    """Reads a client error, some of which mean that the server itself timed out or forgot."""
    if answer.is_json:
        _check_error(as_dict(answer.json()))
    _judge_error(f"HTTP {answer.status}: {squeeze(_TAG.sub(' ', answer.excerpt(600)))}")


def _judge_error(text: str) -> NoReturn:
    low = text.lower()
    if "timeout" in low or "empty response" in low:
        raise Busy(text)
    if "history" in low or "unable to obtain query" in low or "webenv" in low:
        raise Forgotten(text)
    raise Refused(text)


def read_page(answer: Answer, expected: int) -> Page:
    """Reads an efetch answer that should hold `expected` citations; each one missing is a rejection."""
    if answer.media_type == "application/json":
        _check_error(as_dict(answer.json()))
    page = read_articles(answer.xml())
    if not page.found:
        raise Malformed(f"{expected} citations were asked for, and none came")
    missing = [
        Rejection(
            source=NAME,
            source_id=None,
            position=position,
            reason="PubMed counts it in the result of the search, but did not deliver it (deleted meanwhile, perhaps)",
            excerpt="",
        )
        for position in range(page.found, expected)
    ]
    return answered(page, answer).model_copy(update={"rejections": page.rejections + missing})


def read_articles(root: Element) -> Page:
    """Reads a PubmedArticleSet; raises Malformed when it is something else."""
    if root.tag in {"eFetchResult", "ePostResult"}:
        _judge_error(text_of(root) or root.tag)
    if root.tag != "PubmedArticleSet":
        raise Malformed(f"a PubmedArticleSet was expected, <{root.tag}> came")
    return Reader(NAME, read_article).page(list(root))
