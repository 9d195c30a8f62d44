"""Search's routes: one for finding, two for rebuilding."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from fastapi import Query as Parameter

from services.search import store
from services.search.domain import standing
from services.search.models import RebuildRow
from services.search.ports.index import FACETS, NOTICE, Hit, Query, SearchIndex
from shared.db.work import Work
from shared.http.auth import GrandAdmin, Reader
from shared.http.paging import Cursor
from shared.http.parameters import DIGITS, Day, Name, Question, Words
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.ids import new_id
from shared.wire.search import FacetValue, FoundNotice, FoundRecord, Rebuilds, RebuildView, SearchPage

router = APIRouter(prefix="/search", tags=["search"], route_class=Route)
Unit = Annotated[Work, unit_of("search")]
Reading = Annotated[Work, reading_of("search")]

Facets = Annotated[
    list[Literal["year", "source", "kind", "language", "status", "venue", "notice", "all"]] | None,
    Parameter(max_length=50),
]


@router.get("/reviews/{review}/records")
def find_records(
    review: Name,
    work: Reading,
    person: Reader,
    q: Question = "",
    published_from: Day | None = None,
    published_until: Day | None = None,
    status: Words = None,
    source: Words = None,
    kind: Words = None,
    language: Words = None,
    venue: Words = None,
    notice: Words = None,
    sort: Literal["relevance", "newest"] = "relevance",
    facet: Facets = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Parameter(ge=1, le=200), DIGITS] = 20,
) -> SearchPage:
    """Finds records of a review, or lists them all, page by page.

    `q`: words are all needed; `OR`, `NOT` or `-word`, parentheses, `"a phrase"`, `leader*`, and fields as in
    `title:vision author:chang`; empty, or `*`, it finds every record. `facet` asks for counts by
    year, source, kind, language, status, venue or notice; `all` for every one. `notice` is a kind of notice that
    stands, such as retraction, or `none`.
    """
    query = Query(
        review=review, text=q, published_from=published_from, published_until=published_until,
        status=tuple(status or ()), source=tuple(source or ()), kind=tuple(kind or ()),
        language=tuple(language or ()), venue=tuple(venue or ()),
        notice=tuple(notice or ()), sort=sort,
        facets=(*FACETS, NOTICE) if "all" in (facet or ()) else tuple(facet or ()), limit=limit, cursor=cursor,
    )  # fmt: skip
    store.require_whole(work.session)
    results = work.resource(SearchIndex).search(query)
    return SearchPage(
        items=[_found(hit) for hit in results.hits],
        total=results.total,
        facets={
            name: [FacetValue(value=facet.value, count=facet.count) for facet in values]
            for name, values in results.facets.items()
        },
        next=results.next,
    )


@router.post("/rebuilds", status_code=202)
def request_rebuild(work: Unit, person: GrandAdmin, key: IdempotencyKey = None) -> RebuildView:
    """Asks for the index to be made anew from the log, beside the live one, which serves until it is done.
    One at a time: asking again while one is not over answers that one."""
    return work.once(key, "rebuild", None, lambda: _view(store.unfinished(work) or work.add(_asked(work))))


@router.get("/rebuilds")
def list_rebuilds(work: Reading, person: GrandAdmin) -> Rebuilds:
    """The newest rebuilds, newest first."""
    return Rebuilds(items=[_view(rebuild) for rebuild in store.newest(work, 20)])


def _asked(work: Unit) -> RebuildRow:
    return RebuildRow(id=new_id("rebuild"), asked_by=work.actor, asked_at=work.now)


def _view(rebuild: RebuildRow) -> RebuildView:
    return RebuildView.model_validate(rebuild.model_dump())


def _found(hit: Hit) -> FoundRecord:
    document = hit.document
    if document.bibliography is None:
        raise HTTPException(500, "a record that is gone was found")
    return FoundRecord(
        record=document.record, status=document.screening.status, stage=document.screening.stage,
        bibliography=document.bibliography, marked=hit.marked, score=hit.score,
        notices=[
            FoundNotice(notice=one.id, kind=one.kind, source=one.source, reason=one.reason, drill=one.drill)
            for one in standing(document.notices)
        ],
    )  # fmt: skip
