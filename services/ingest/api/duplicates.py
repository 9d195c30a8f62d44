"""The routes of duplicates: pairs that wait for a person, and what people ruled."""

from __future__ import annotations

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import duplicates
from services.ingest.domain.clusters import PairStates
from shared.http.auth import Lead, Reader
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.ingest import (
    DuplicateVerdict,
    DuplicateView,
    NewMerge,
    NewSeparation,
    NewSplit,
    PairState,
    RulingView,
    Undoing,
)


@router.get("/reviews/{review}/duplicates")
def list_duplicates(
    review: Name,
    work: Reading,
    person: Reader,
    page: Fifty,
    state: PairState = PairStates.OPEN,
    record: Word | None = None,
) -> Page[DuplicateView]:
    """Pairs of records that might be one, the oldest first; of one record if given."""
    store.review_of(work, review)
    found = store.page_of_duplicates(work, review, state, record, page)
    return found.shown_as(views.duplicate_views(work, found.rows))


@router.post("/reviews/{review}/duplicates/{duplicate}")
def decide_duplicate(
    review: Name, duplicate: Name, body: DuplicateVerdict, work: Unit, person: Lead, key: IdempotencyKey = None
) -> DuplicateView:
    """Decides a pair, for good: a person outranks the machine."""

    def decide() -> DuplicateView:
        pair = duplicates.decide_duplicate(work, review, duplicate, body.verdict, body.reason)
        work.session.flush()
        return views.duplicate_views(work, [pair])[0]

    return work.once(key, f"decide duplicate {duplicate}", body, decide)


@router.post("/reviews/{review}/records/{record}/merge")
def merge_records(
    review: Name, record: Name, body: NewMerge, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Makes a record and another one, one for good: the older of both takes in the other."""

    def merge() -> RulingView:
        return views.ruling_view(work, duplicates.merge(work, review, record, body.other, body.reason))

    return work.once(key, f"merge {record}", body, merge)


@router.post("/reviews/{review}/records/{record}/split")
def split_record(
    review: Name, record: Name, body: NewSplit, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Parts source records from a record for good, or a record that was absorbed in it, which comes back."""

    def split() -> RulingView:
        ruling = duplicates.split(work, review, record, body.source_records, body.absorbed, body.reason)
        return views.ruling_view(work, ruling)

    return work.once(key, f"split {record}", body, split)


@router.post("/reviews/{review}/records/{record}/keep-apart")
def keep_records_apart(
    review: Name, record: Name, body: NewSeparation, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Keeps a record and another one apart for good, whatever comes."""

    def keep() -> RulingView:
        return views.ruling_view(work, duplicates.keep_apart(work, review, record, body.other, body.reason))

    return work.once(key, f"keep apart {record}", body, keep)


@router.get("/reviews/{review}/rulings")
def list_rulings(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[RulingView]:
    """What people decided about which source records are one work, the newest first; what was undone, too."""
    store.review_of(work, review)
    found = store.page_of_rulings(work, review, page)
    return found.shown_as(views.ruling_views(work, found.rows))


@router.post("/reviews/{review}/rulings/{ruling}/undo")
def undo_ruling(
    review: Name, ruling: Name, body: Undoing, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Takes a ruling back: what was decided before it, and what the machine says, counts again."""

    def undo() -> RulingView:
        return views.ruling_view(work, duplicates.undo(work, review, ruling, body.reason))

    return work.once(key, f"undo {ruling}", body, undo)
