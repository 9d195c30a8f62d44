"""Search's routes: for finding records and what the synthesis says, for searches that people save, for rebuilding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi import Query as Parameter

from services.search import commands, store
from services.search.domain import AT_FIRST, Document, as_kept
from services.search.domain import standing as notices_that_stand
from services.search.models import RebuildRow, SavedSearchRow
from services.search.ports.index import FACETS, NOTICE, FacetCount, Hit, PieceHit, PieceQuery, Query, SearchIndex
from services.search.ports.index.pieces import PieceResults
from services.search.ports.index.port import MAX_ALIKE
from services.search.ports.index.query import parse
from shared.db.work import Work
from shared.errors import NotFound
from shared.http.auth import Anybody, GrandAdmin, Reader, at_least
from shared.http.paging import Cursor, Hundred
from shared.http.parameters import DIGITS, Day, Name, Question, Words, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.ids import new_id
from shared.paging import Page
from shared.tokens import OWN, Person
from shared.wire.search import (
    AlertAsked,
    AlikeFragments,
    AlikeRecords,
    FacetValue,
    FoundFragment,
    FoundLink,
    FoundNotice,
    FoundRecord,
    FoundRelease,
    FoundTheory,
    FragmentPage,
    NewSavedSearch,
    Rebuilds,
    RebuildView,
    ReleasePage,
    SavedSearch,
    SearchPage,
    TheoryPage,
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

Twenty = Annotated[int, Parameter(ge=1, le=200), DIGITS]


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


@router.get("/reviews/{review}/fragments")
def find_fragments(
    review: Name, work: Reading, person: Reader, q: Question = "", cmoc: Words = None, element: Words = None,
    stance: Words = None, inference: Words = None, standing: Words = None, facets: YesNo = False,
    cursor: Cursor | None = None, limit: Twenty = 20,
) -> FragmentPage:  # fmt: skip
    """Finds fragments of the evidence that counts, by what they say, page by page. `q` is as for records. `cmoc`,
    `element`, `stance` and `inference` are what one and the same link of a fragment has; `standing` is `standing`, or
    `suspended` where a notice about its report holds it up. What is held back while two code a report is not found."""
    asked = _tagged(cmoc=cmoc, element=element, stance=stance, inference=inference, standing=standing)
    page = _find(work, PieceQuery(
        review=review, kind="fragment", text=q, tags=asked, facets=facets, limit=limit, cursor=cursor,
    ))  # fmt: skip
    return FragmentPage(items=_fragments(work, page.hits), total=page.total, facets=_facets(page), next=page.next)


@router.get("/reviews/{review}/fragments/{fragment}/alike")
def find_alike_fragments(
    review: Name, fragment: Name, work: Reading, person: Reader,
    limit: Annotated[int, Parameter(ge=1, le=MAX_ALIKE), DIGITS] = 10,
) -> AlikeFragments:  # fmt: skip
    """Finds fragments that say much of what tells one from others, the most alike first."""
    store.require_whole(work.session)
    index = work.resource(SearchIndex).pieces
    known = index.get([fragment]).get(fragment)
    if known is None or (known.review, known.kind) != (review, "fragment") or not known.listed:
        raise NotFound(f"search finds no fragment {fragment!r} in review {review!r}", slug="unknown_fragment")
    return AlikeFragments(items=_fragments(work, index.like(fragment, review, limit)))


@router.get("/reviews/{review}/theories")
def find_theories(
    review: Name, work: Reading, person: Reader, q: Question = "", theory: Words = None, status: Words = None,
    standing: Words = None, facets: YesNo = False, cursor: Cursor | None = None, limit: Twenty = 20,
) -> TheoryPage:  # fmt: skip
    """Finds CMOCs by their words and those of their programme theories, page by page, also those that are stated no
    more (`standing`: stated, set_aside, refuted, merged, split). `status` is what the draft says. `q` is as for
    records."""
    asked = _tagged(theory=theory, status=status, standing=standing)
    page = _find(work, PieceQuery(
        review=review, kind="theory", text=q, tags=asked, facets=facets, limit=limit, cursor=cursor,
    ))  # fmt: skip
    return TheoryPage(items=[*map(_theory, page.hits)], total=page.total, facets=_facets(page), next=page.next)


@router.get("/reviews/{review}/releases")
def find_releases(
    review: Name, work: Reading, person: Anybody, q: Question = "", change_class: Words = None,
    facets: YesNo = False, cursor: Cursor | None = None, limit: Twenty = 20,
) -> ReleasePage:  # fmt: skip
    """Finds signed revisions by their summaries and the words of what they changed, page by page. `q` is as for
    records."""
    page = _find(work, PieceQuery(
        review=review, kind="release", text=q, tags=_tagged(change_class=change_class), facets=facets, limit=limit,
        cursor=cursor,
    ))  # fmt: skip
    return ReleasePage(items=[*map(_release, page.hits)], total=page.total, facets=_facets(page), next=page.next)


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
        notices=_notices(document),
    )  # fmt: skip


def _notices(document: Document) -> list[FoundNotice]:
    return [
        FoundNotice(notice=one.id, kind=one.kind, source=one.source, reason=one.reason, drill=one.drill)
        for one in notices_that_stand(document.notices)
    ]


def _tagged(**asked: list[str] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(values)) for name, values in asked.items() if values)


def _find(work: Work, query: PieceQuery) -> PieceResults:
    store.require_whole(work.session)
    return work.resource(SearchIndex).pieces.search(query)


def _facets(page: PieceResults) -> dict[str, list[FacetValue]]:
    return {name: [_facet(it.value, it.count) for it in values] for name, values in page.facets.items()}


def _fragments(work: Work, hits: Sequence[PieceHit]) -> list[FoundFragment]:
    """Fragments with the notices of their reports, as the index has these."""
    records = work.resource(SearchIndex).get({hit.piece.about["record"] for hit in hits})
    return [_fragment(hit, records.get(hit.piece.about["record"])) for hit in hits]


def _fragment(hit: PieceHit, record: Document | None) -> FoundFragment:
    about = hit.piece.about
    return FoundFragment(
        fragment=hit.piece.piece, record=about["record"], study=about["study"], locator=about["locator"],
        paraphrase=about["paraphrase"], quote=about["quote"], suspended=about["suspended"],
        links=[FoundLink(**link) for link in about["links"]],
        notices=_notices(record) if record is not None and record.review == hit.piece.review else [],
        marked=hit.marked.get("abstract", []), score=hit.score,
    )  # fmt: skip


def _theory(hit: PieceHit) -> FoundTheory:
    about = hit.piece.about
    return FoundTheory(
        cmoc=about["cmoc"], theory=about["theory"], heading=about["heading"], statement=about["statement"],
        context=about["context"], resource=about["resource"], reasoning=about["reasoning"], outcome=about["outcome"],
        standing=about.get("standing", "stated"), why=about.get("why"), into=about.get("into", []),
        status=about.get("status"), support=about.get("support"), marked=_marks(hit), score=hit.score,
    )  # fmt: skip


def _release(hit: PieceHit) -> FoundRelease:
    about = hit.piece.about
    return FoundRelease(
        number=about["number"], title=about["heading"], summary=about["summary"],
        change_class=about["change_class"], drill=about["drill"], withdrawn=about.get("withdrawn"),
        replaced_by=about.get("replaced_by"), marked=_marks(hit), score=hit.score,
    )  # fmt: skip


def _marks(hit: PieceHit) -> list[str]:
    return [*hit.marked.get("title", []), *hit.marked.get("abstract", [])]
