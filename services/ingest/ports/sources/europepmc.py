"""Europe PMC: PubMed, PubMed Central and preprints, harvested by the day a record was first indexed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn, Unpack

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.europepmc_record import read_result
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.port import (
    Dating,
    Heard,
    Keep,
    Page,
    Query,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_text, walk
from services.ingest.ports.sources.rereading import read_again

NAME = "europepmc"
PAGE_SIZE = 100
START = "*"

#: Characters of a query that the search by GET takes; a longer one goes by POST.
LONGEST_QUERY = 1_500

_WINDOWS: dict[Dating, str] = {"came": "FIRST_IDATE", "changed": "UPDATE_DATE", "published": "FIRST_PDATE"}
_FAR_AWAY = date(2999, 12, 31)


class EuropePMC:
    """Walks https://www.ebi.ac.uk/europepmc/webservices/rest/search with a cursorMark.

    The strategy is a Europe PMC query; one that is too long for an address goes by POST (searchPOST). Synonyms are
    off, as the API has it; the website has them on, so its counts differ.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed", "published")
    least_overlap_days = 7
    slack = 0.0
    ids_at_once = 100

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        page_size: int = PAGE_SIZE,
        **timing: Unpack[Timing],
    ) -> None:
        self._page_size = page_size
        self._http = PoliteClient(NAME, access, client, interval=0.2, limits=limits or Limits(), **timing)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        return self._walk(text_of(query), cursor, keep, self._page_size)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """Those of the ids (source and number there, MED:123) whose record was changed since."""
        named = [f'(SRC:{origin} AND EXT_ID:"{number}")' for origin, _, number in (each.partition(":") for each in ids)]
        text = f"({' OR '.join(named)}) AND UPDATE_DATE:[{since} TO {_FAR_AWAY}]"
        came: set[str | None] = set()
        reported = 0
        for page in self._walk(text, None, keep, self.ids_at_once):
            came |= {each.source_id for each in page.records} | {each.source_id for each in page.rejections}
            reported = max(reported, page.reported or 0)
            yield page.model_copy(update={"cursor": None})
        if reported > len(came):
            # It says that more of them were changed; which, nobody can tell.
            yield Page(missing=[each for each in ids if each not in came])

    def read_again(self, heard: Heard) -> Page | None:
        return read_again(heard, lambda answer, asked: read_page(answer))

    def _walk(self, text: str, cursor: str | None, keep: Keep, size: int) -> Iterator[Page]:
        asked = {"query": text, "resultType": "core", "format": "json", "pageSize": str(size)}
        return walk(lambda cursor: self._page(asked | {"cursorMark": cursor}, keep), cursor, START, size)

    def _page(self, asked: Mapping[str, str], keep: Keep) -> Page:
        if len(asked["query"]) < LONGEST_QUERY:
            return self._http.ask("GET", "search", read_page, refused=read_refusal, params=asked, keep=keep)
        return self._http.ask("POST", "searchPOST", read_page, refused=read_refusal, form=asked, keep=keep)


def text_of(query: Query) -> str:
    """The strategy and its window as one query."""
    return f"({query.text}) AND {_WINDOWS[query.by]}:[{query.since} TO {query.until}]"


def read_refusal(answer: Answer) -> NoReturn:
    body = as_dict(answer.json()) if answer.is_json else {}
    raise Refused(as_text(body.get("errMsg")) or answer.excerpt())


def read_page(answer: Answer) -> Page:
    """Reads one search answer; raises Malformed when it is not one, Refused or Busy for an error inside it."""
    body = as_dict(answer.json())
    if "errCode" in body or "errMsg" in body:
        said = as_text(body.get("errMsg")) or f"errCode {body.get('errCode')}"
        raise Busy(said) if normal.count(body.get("errCode")) in {429, 500, 502, 503, 504} else Refused(said)
    return answered(read_results(body), answer)


def read_results(body: Any) -> Page:
    """Reads the body of a search answer, of result type idlist, lite or core; raises Malformed when it is none."""
    body = as_dict(body)
    results, total = as_dict(body.get("resultList")).get("result"), normal.count(body.get("hitCount"))
    if not isinstance(results, list) or total is None:
        raise Malformed("the answer has no hitCount or no resultList.result")
    return Reader(NAME, read_result).page(results, cursor=as_cursor(body.get("nextCursorMark")), reported=total)
