"""Europe PMC: PubMed, PubMed Central and preprints, harvested by the day a record was first indexed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Unpack

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.europepmc_record import read_result
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.port import (
    DatedBy,
    Keep,
    Page,
    Query,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_text, walk

NAME = "europepmc"
PAGE_SIZE = 100
START = "*"


class EuropePMC:
    """Walks https://www.ebi.ac.uk/europepmc/webservices/rest/search with a cursorMark.

    The strategy is a Europe PMC query of at most 1,500 characters, the window included. Synonyms are off,
    as the API has it; the website has them on, so its counts differ.
    """

    name = NAME
    dated_by: DatedBy = "entered"
    least_overlap_days = 7

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
        return walk(lambda cursor: self._page(query, cursor, keep), cursor, START)

    def _page(self, query: Query, cursor: str, keep: Keep) -> Page:
        params = request_of(query) | {"pageSize": str(self._page_size), "cursorMark": cursor}
        return self._http.ask("GET", "search", read_page, refused=read_refusal, params=params, keep=keep)


def request_of(query: Query) -> dict[str, str]:
    """The parameters that say what is asked; only `core` results have abstracts."""
    window = f"FIRST_IDATE:[{query.since} TO {query.until}]"
    return {"query": f"({query.text}) AND {window}", "resultType": "core", "format": "json"}


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
