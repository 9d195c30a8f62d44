"""PubMed: searched by the day a citation entered (E-utilities esearch), fetched as XML (efetch)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NoReturn, Unpack
from xml.etree.ElementTree import Element

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, squeeze, text_of
from services.ingest.ports.sources.port import (
    Dating,
    Heard,
    Keep,
    Page,
    Query,
    SourceRefused,
    keep_nothing,
)
from services.ingest.ports.sources.pubmed_record import read_article
from services.ingest.ports.sources.reading import AGAIN, Reader, answered, as_dict, as_list, as_text, read_cursor
from services.ingest.ports.sources.rereading import Asked, read_again
from services.ingest.ports.sources.slices import middle_of, next_slice
from shared import identifiers
from shared.events.base import Value

NAME = "pubmed"
PER_PAGE = 200
#: esearch reaches the first 9,999 records of a result only.
CEILING = 9_999

_DATES: dict[Dating, str] = {"changed": "mdat", "published": "pdat"}
_FAR_AWAY = date(3000, 12, 31)
_TAG = re.compile(r"<[^>]*>")


class Position(Value):
    """Where a walk stands: a slice of the window small enough for esearch, and the highest PMID given of it.

    Numbers do not shift as a place in a list does when works enter meanwhile. `reported` is the count of the whole
    window.
    """

    since: date
    until: date
    after: int = 0
    reported: int | None = None


class PubMed:
    """Walks https://eutils.ncbi.nlm.nih.gov/entrez/eutils: one esearch a slice of days, one efetch a page.

    The strategy is a PubMed query. A window with more than 9,999 citations is halved until each slice has fewer; the
    search lists the numbers of all its citations, and those are fetched, so that none can be left out unseen. Requests
    are POSTs, so that long strategies fit and the key stays out of every URL.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed", "published")
    least_overlap_days = 2
    slack = 0.0
    ids_at_once = 500

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
            position, listed, remarks = self._search(query, position, keep)
            left = [pmid for pmid in listed if pmid > position.after]
            following = _following(position, query)
            # A slice in which nothing is left is a page too, since a walk must end with one.
            for start in range(0, max(len(left), 1), self._per_page):
                batch = left[start : start + self._per_page]
                page = self._fetch(batch, keep)
                more = start + self._per_page < len(left)
                goes_on = position.model_copy(update={"after": batch[-1]}) if more else following
                facts = {"reported": position.reported, "remarks": remarks + page.remarks}
                yield page.model_copy(update=facts | {"cursor": goes_on and goes_on.model_dump_json()})
                remarks = []
            position = following

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """Those of the PMIDs that were changed since (`mdat`)."""
        changed = self._listed(" OR ".join(f"{pmid}[uid]" for pmid in ids), _window("mdat", since, _FAR_AWAY), keep)
        pmids = sorted(changed.pmids)
        for start in range(0, len(pmids), self._per_page):
            yield self._fetch(pmids[start : start + self._per_page], keep)
        if changed.count > len(pmids):
            # It says that more of them were changed; which, nobody can tell.
            listed = {str(pmid) for pmid in pmids}
            yield Page(missing=[pmid for pmid in ids if pmid not in listed])

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page | None:
            return read_page(answer, ()) if asked.address.endswith("/efetch.fcgi") else None

        return read_again(heard, read)

    def _search(self, query: Query, position: Position, keep: Keep) -> tuple[Position, list[int], list[str]]:
        """Searches the slice, halving it until esearch can list all of it; its PMIDs in order."""
        while True:
            found = self._listed(*_term(query, position), keep)
            reported = found.count if position.reported is None else position.reported
            position = position.model_copy(update={"reported": reported})
            if found.count <= self._ceiling:
                return position, sorted(found.pmids), found.remarks
            if position.since == position.until:
                words = f"pubmed has {found.count} citations of {position.since} alone and gives {self._ceiling}"
                raise SourceRefused(f"{words}; narrow the strategy", source=NAME)
            position = position.model_copy(update={"until": middle_of(position.since, position.until)})

    def _listed(self, term: str, window: dict[str, str], keep: Keep) -> Listed:
        """What a search lists; a list that is shorter than its count is asked for again, and what each has counts."""
        asked = {"db": "pubmed", "term": term, "retmode": "json", "retmax": str(self._ceiling)}
        form = asked | window | self._who

        def ask() -> Listed:
            return self._http.ask("POST", "esearch.fcgi", read_search, refused=read_refusal, form=form, keep=keep)

        found = ask()
        for _ in range(AGAIN):
            if len(found.pmids) >= min(found.count, self._ceiling):
                break
            found = found.joined(ask())
        return found

    def _fetch(self, pmids: Sequence[int], keep: Keep) -> Page:
        """The citations with these numbers; those that did not come are asked for again, and then named."""
        page = self._fetched(pmids, keep) if pmids else Page()
        for _ in range(AGAIN):
            if not page.missing:
                break
            page = _joined(page, self._fetched([int(pmid) for pmid in page.missing], keep))
        return page

    def _fetched(self, pmids: Sequence[int], keep: Keep) -> Page:
        form = {"db": "pubmed", "retmode": "xml", "id": ",".join(map(str, pmids))} | self._who
        return self._http.ask(
            "POST", "efetch.fcgi", lambda answer: read_page(answer, pmids), refused=read_refusal, form=form, keep=keep
        )


class Listed(Value):
    """A search's count and the PMIDs that it lists, with what PubMed remarks on the strategy."""

    count: int
    pmids: frozenset[int]
    remarks: list[str] = []

    def joined(self, other: Listed) -> Listed:
        """What either of two answers to the same search has."""
        count = max(self.count, other.count)
        return Listed(count=count, pmids=self.pmids | other.pmids, remarks=self.remarks)


def _joined(page: Page, rest: Page) -> Page:
    """A page with what came when its missing citations were asked for again."""
    whole = {
        "records": page.records + rest.records, "rejections": page.rejections + rest.rejections,
        "missing": rest.missing, "remarks": list(dict.fromkeys(page.remarks + rest.remarks)), "quota": rest.quota,
    }  # fmt: skip
    return page.model_copy(update=whole)


def _term(query: Query, position: Position) -> tuple[str, dict[str, str]]:
    """The term of a slice, and its window where that is none of the term.

    What came is asked for by the day it entered (edat) and by the day its record was made (crdt, for terms alone):
    for back-files the first is set back to the day of publication (NLM Technical Bulletin 2008 Nov-Dec, "Create Date").
    """
    if query.by != "came":
        return query.text, _window(_DATES[query.by], position.since, position.until)
    days = f"{position.since:%Y/%m/%d}:{position.until:%Y/%m/%d}"
    return f"({query.text}) AND ({days}[edat] OR {days}[crdt])", {}


def _window(datetype: str, since: date, until: date) -> dict[str, str]:
    return {"datetype": datetype, "mindate": f"{since:%Y/%m/%d}", "maxdate": f"{until:%Y/%m/%d}"}


def _position(query: Query, cursor: str | None) -> Position:
    """What a cursor names, or the window's beginning when it names nothing within this window."""
    start = Position(since=query.since, until=query.until)
    position = read_cursor(cursor, Position)
    if position is None:
        return start
    return position if query.since <= position.since <= position.until <= query.until else start


def _following(position: Position, query: Query) -> Position | None:
    """The next slice, twice as long, or none."""
    slice_ = next_slice(position.since, position.until, query.until, grows=True)
    return slice_ and Position(since=slice_[0], until=slice_[1], reported=position.reported)


def read_pace(answer: Answer) -> float | None:
    """Seconds between two requests, out of x-ratelimit-limit (requests a second)."""
    limit = normal.count_of(answer.headers.get("x-ratelimit-limit"))
    return 1 / limit if limit else None


def read_search(answer: Answer) -> Listed:
    """Reads an esearch answer: how many citations, their PMIDs, and what PubMed remarks on the strategy."""
    body = as_dict(answer.json())
    _check_error(body)
    result = as_dict(body.get("esearchresult"))
    if error := as_text(result.get("ERROR")):
        if "backend failed" in error.lower():
            raise Busy(plain(error) or "search backend failed")
        raise Refused(plain(error) or "ERROR")
    count, listed = normal.count_of(result.get("count")), result.get("idlist")
    if count is None or not isinstance(listed, list):
        raise Malformed(f"the answer has no count and idlist: {answer.excerpt()}")
    pmids = [identifiers.pmid(each) for each in listed]
    if not all(pmids):
        raise Malformed(f"the answer lists what is no PMID: {answer.excerpt()}")
    return Listed(count=count, pmids=frozenset(int(pmid) for pmid in pmids if pmid), remarks=_remarks(result))


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
    raise Refused(text)


def read_page(answer: Answer, pmids: Sequence[int]) -> Page:
    """Reads an efetch answer that should hold these citations, and names those that it lacks.

    An item that came and does not say which it is stands for one of those.
    """
    if answer.media_type == "application/json":
        _check_error(as_dict(answer.json()))
    page = answered(read_articles(answer.xml()), answer)
    came = {each.source_id for each in page.records} | {each.source_id for each in page.rejections}
    missing = [str(pmid) for pmid in pmids if str(pmid) not in came]
    nameless = sum(each.source_id is None for each in page.rejections)
    return page.model_copy(update={"missing": missing if len(missing) > nameless else []})


def read_articles(root: Element) -> Page:
    """Reads a PubmedArticleSet; raises Malformed when it is something else."""
    if root.tag in {"eFetchResult", "ePostResult"}:
        _judge_error(text_of(root) or root.tag)
    if root.tag != "PubmedArticleSet":
        raise Malformed(f"a PubmedArticleSet was expected, <{root.tag}> came")
    return Reader(NAME, read_article).page(list(root))
