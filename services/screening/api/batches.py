"""The routes of leads for many records at once: what files state was decided before, batches, and undoing them."""

from __future__ import annotations

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import batches
from shared.http.auth import Lead
from shared.http.bodies import at_most
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import Name
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.screening import BatchRecord, BatchView, NewBatch, Outcome, StatedDecisions, UndoneBatch

Review = Name
Batch = Name

#: Bytes that the names of as many records as a batch may have can take.
_LARGEST = 24 * 1024 * 1024


@router.get("/reviews/{review}/decisions")
def list_decisions(review: Review, work: Reading, person: Lead) -> list[StatedDecisions]:
    """What files state was decided about records before, by file, stage and answer, and how much of it is applied: for
    leads, since it would lead whoever has yet to decide."""
    views.known_plan(work, review)
    return views.stated_decisions(work, review)


@router.post("/reviews/{review}/batches", status_code=202)
@at_most(_LARGEST)
def request_batches(review: Review, body: NewBatch, work: Unit, person: Lead, key: IdempotencyKey = None) -> BatchView:
    """Asks for the same to be done with many records at a stage, by a job, each record's outcome kept."""

    def ask() -> BatchView:
        return views.batch_view(batches.request_batch(work, review, body))

    return work.once(key, f"batch {review}", body, ask)


@router.get("/reviews/{review}/batches")
def list_batches(review: Review, work: Reading, person: Lead, page: Fifty) -> Page[BatchView]:
    """What leads asked for many records at once, the newest first: for leads, since it says what was decided."""
    views.known_plan(work, review)
    return store.page_of_batches(work, review, page).page(views.batch_view)


@router.get("/reviews/{review}/batches/{batch}")
def show_batch(review: Review, batch: Batch, work: Reading, person: Lead) -> BatchView:
    """What a batch asks for, and how far it is."""
    return views.batch_view(store.batch_of(work, review, batch))


@router.get("/reviews/{review}/batches/{batch}/records")
def list_records_of_batch(
    review: Review, batch: Batch, work: Reading, person: Lead, page: Hundred, outcome: Outcome | None = None
) -> Page[BatchRecord]:
    """What became of each record of a batch, by id: of all, or of those with an outcome."""
    found = store.page_of_batch_records(work, store.batch_of(work, review, batch), outcome, page)
    return found.page(lambda row: views.batch_record(*row))


@router.post("/reviews/{review}/batches/{batch}/undo", status_code=202)
def undo_batch(
    review: Review, batch: Batch, body: UndoneBatch, work: Unit, person: Lead, key: IdempotencyKey = None
) -> BatchView:
    """Undoes what a batch did, by a job; what went on since is left alone, and named. One that is not through goes no
    further."""

    def undo() -> BatchView:
        return views.batch_view(batches.undo_batch(work, review, batch, body.reason))

    return work.once(key, f"undo {review} {batch}", body, undo)
