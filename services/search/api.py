"""Search's routes: two for finding, four for the searches that people save, two for rebuilding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi import Query as Parameter

from services.search import commands, store
from services.search.domain import AT_FIRST, as_kept, standing
from services.search.models import RebuildRow, SavedSearchRow
from services.search.ports.index import FACETS, NOTICE, FacetCount, Hit, Query, SearchIndex
from services.search.ports.index.port import MAX_ALIKE
from services.search.ports.index.query import parse
from shared.db.work import Work
from shared.errors import NotFound
from shared.http.auth import GrandAdmin, Reader, at_least
from shared.http.paging import Cursor, Hundred
from shared.http.parameters import DIGITS, Day, Name, Question, Words
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.ids import new_id
from shared.paging import Page
from shared.tokens import OWN, Person
from shared.wire.search import (
    AlertAsked,
    AlikeRecords,
    FacetValue,
    FoundNotice,
    FoundRecord,
    NewSavedSearch,
    Rebuilds,
    RebuildView,
    SavedSearch,
    SearchPage,
)

router = APIRouter(prefix="/search", tags=["search"], route_class=Route)
Unit = Annotated[Work, unit_of("search")]
Reading = Annotated[Work, reading_of("search")]

#: Whoever belongs to a review, about themselves.
Oneself = Annotated[Person, Depends(at_least("reader", OWN))]

Facets = Annotated[
    list[Literal["year", "source", "kind", "language", "status", "stage", "venue", "notice", "all"]] | None,
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
    stage: Words = None,
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
    year, source, kind, language, status, stage, venue or notice; `all` for every one. `stage` is where a record waits,
    or was excluded. `notice` is a kind of notice that stands, such as retraction, or `none`.
    """
    first = store.first_stage(work, review)
    query = Query(
        review=review, text=q, published_from=published_from, published_until=published_until,
        status=tuple(status or ()), stage=as_kept(stage or (), first), source=tuple(source or ()),
        kind=tuple(kind or ()), language=tuple(language or ()), venue=tuple(venue or ()), notice=tuple(notice or ()),
        sort=sort,
        facets=(*FACETS, NOTICE) if "all" in (facet or ()) else tuple(facet or ()), limit=limit, cursor=cursor,
    )  # fmt: skip
    store.require_whole(work.session)
    results = work.resource(SearchIndex).search(query)
    return SearchPage(
        items=[_found(hit, first) for hit in results.hits],
        total=results.total,
        facets={
            name: _by_stage(values, first) if name == "stage" else [_facet(it.value, it.count) for it in values]
            for name, values in results.facets.items()
        },
        next=results.next,
    )


@router.get("/reviews/{review}/records/{record}/alike")
def find_alike(
    review: Name,
    record: Name,
    work: Reading,
    person: Reader,
    limit: Annotated[int, Parameter(ge=1, le=MAX_ALIKE), DIGITS] = 10,
) -> AlikeRecords:
    """Finds records that say much of what tells one from others in its title and abstract, the most alike first. Where
    few records are there, little can be told."""
    first = store.first_stage(work, review)
    store.require_whole(work.session)
    index = work.resource(SearchIndex)
    known = index.get([record]).get(record)
    if known is None or known.review != review or known.bibliography is None:
        raise NotFound(f"search finds no record {record!r} in review {review!r}", slug="unknown_record")
    return AlikeRecords(items=[_found(hit, first) for hit in index.like(record, review, limit)])


@router.post("/reviews/{review}/saved", status_code=201)
def add_saved_search(
    review: Name, body: NewSavedSearch, work: Unit, person: Oneself, key: IdempotencyKey = None
) -> SavedSearch:
    """Saves a search of mine under a name. What cannot be looked for is refused. With `alert` I am told of what comes
    to match it, by those of my subscriptions that bring such alerts."""
    parse(body.q)
    return work.once(key, "save search", body, lambda: _saved(commands.save(work, review, person.id, body)))


@router.get("/reviews/{review}/saved")
def list_saved_searches(review: Name, work: Reading, person: Oneself, page: Hundred) -> Page[SavedSearch]:
    """The searches that I saved in a review, the oldest first."""
    return store.page_of_saved(work, review, person.id, page).page(_saved)


@router.put("/reviews/{review}/saved/{saved}/alert")
def set_alert(review: Name, saved: Name, body: AlertAsked, work: Unit, person: Oneself) -> SavedSearch:
    """Has a search of mine tell of what comes to match it from now on, each record once, or nothing more."""
    return _saved(commands.set_alert(work, review, person.id, saved, alert=body.alert))


@router.delete("/reviews/{review}/saved/{saved}")
def erase_saved_search(review: Name, saved: Name, work: Unit, person: Oneself) -> SavedSearch:
    """Forgets a search of mine."""
    return _saved(store.forget_saved(work, review, person.id, saved))


@router.post("/rebuilds", status_code=202)
def request_rebuild(work: Unit, person: GrandAdmin, key: IdempotencyKey = None) -> RebuildView:
    """Asks for the index to be made anew from the log, beside the live one, which serves until it is done.
    One at a time: asking again while one is not over answers that one."""
    return work.once(key, "rebuild", None, lambda: _view(store.unfinished(work) or work.add(_asked(work))))


@router.get("/rebuilds")
def list_rebuilds(work: Reading, person: GrandAdmin) -> Rebuilds:
    """The newest rebuilds, newest first."""
    return Rebuilds(items=[_view(rebuild) for rebuild in store.newest(work, 20)])


def _saved(row: SavedSearchRow) -> SavedSearch:
    return SavedSearch(
        saved=row.id, name=row.name, saved_at=row.saved_at, alert=row.alerts_since is not None, **row.asked
    )


def _asked(work: Unit) -> RebuildRow:
    return RebuildRow(id=new_id("rebuild"), asked_by=work.actor, asked_at=work.now)


def _view(rebuild: RebuildRow) -> RebuildView:
    return RebuildView.model_validate(rebuild.model_dump())


def _by_stage(counts: Sequence[FacetCount], first: str | None) -> list[FacetValue]:
    """How many records wait at each stage or were excluded there, most first."""
    found: Counter[str] = Counter()
    for it in counts:
        if (stage := it.value if it.value != AT_FIRST else first) is not None:
            found[stage] += it.count
    return [_facet(stage, found[stage]) for stage in sorted(found, key=lambda stage: (-found[stage], stage))]


def _facet(value: str, count: int) -> FacetValue:
    return FacetValue(value=value, count=count)


def _found(hit: Hit, first: str | None) -> FoundRecord:
    document = hit.document
    if document.bibliography is None:
        raise HTTPException(500, "a record that is gone was found")
    screening = document.screening
    return FoundRecord(
        record=document.record, bibliography=document.bibliography, marked=hit.marked, score=hit.score,
        status=screening.status, stage=screening.stage if screening.stage != AT_FIRST else first,
        notices=[
            FoundNotice(notice=one.id, kind=one.kind, source=one.source, reason=one.reason, drill=one.drill)
            for one in standing(document.notices)
        ],
    )  # fmt: skip
