"""The routes of runs: what came, what was rejected, and what sources answered."""

from __future__ import annotations

from typing import Annotated

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import reparses
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.http.auth import Lead, Reader
from shared.http.blobs import BlobResponse, blobs_of
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import Name, Number, Word, YesNo
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.ingest import (
    NewReparse,
    RawAnswerView,
    RejectionView,
    ReparseView,
    RunItemView,
    RunView,
)


@router.get("/reviews/{review}/runs")
def list_runs(review: Name, work: Reading, person: Reader, page: Fifty, watch: Word | None = None) -> Page[RunView]:
    """Runs, the newest first; of one watch if given."""
    return store.page_of_runs(work, review, watch, page).page(views.run_view)


@router.get("/reviews/{review}/runs/{run}")
def show_run(review: Name, run: Name, work: Reading, person: Reader) -> RunView:
    """One run with its counts."""
    return views.run_view(store.run_of(work, review, run))


@router.get("/reviews/{review}/runs/{run}/items")
def list_run_items(review: Name, run: Name, work: Reading, person: Reader, page: Hundred) -> Page[RunItemView]:
    """Where each item of a run went, but for those that had not changed."""
    store.run_of(work, review, run)
    return store.page_of_items(work, run, page).page(lambda row: RunItemView(**row.model_dump()))


@router.get("/reviews/{review}/runs/{run}/rejections")
def list_rejections(review: Name, run: Name, work: Reading, person: Reader, page: Hundred) -> Page[RejectionView]:
    """The items of a run that are no usable records, each with its reason."""
    store.run_of(work, review, run)
    found = store.page_of_rejections(work, run, page)
    return found.page(lambda row: views.rejection_view(row, person))


@router.get("/reviews/{review}/rejections")
def list_rejections_of_review(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    source: Word | None = None,
    run: Word | None = None,
    open: YesNo | None = None,
) -> Page[RejectionView]:
    """The items that are no usable records, those of the newest run first; `open` are those that are none even after
    their answers were read again."""
    store.review_of(work, review)
    if run is not None:
        store.run_of(work, review, run)
    found = store.page_of_rejections_of(work, review, source, run, open, page)
    return found.page(lambda row: views.rejection_view(row, person))


@router.post("/reviews/{review}/reparses", status_code=202)
def request_reparse(
    review: Name, body: NewReparse, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ReparseView:
    """Asks for kept answers to be read again, as sources' answers are read today; no source is asked anything. The same
    again, while it is not over, answers that one."""

    def ask() -> ReparseView:
        return views.reparse_view(work, reparses.request_reparse(work, review, body))

    return work.once(key, "reparse", body, ask)


@router.get("/reviews/{review}/reparses/{reparse}")
def show_reparse(review: Name, reparse: Name, work: Reading, person: Reader) -> ReparseView:
    """How far it is, and what has come of it."""
    return views.reparse_view(work, store.reparse_of(work, review, reparse))


@router.get("/reviews/{review}/runs/{run}/answers")
def list_answers(review: Name, run: Name, work: Reading, person: Lead, page: Hundred) -> Page[RawAnswerView]:
    """What the source answered during a run, as it came, while it is kept: for leads, since it may be licensed."""
    store.run_of(work, review, run)
    return store.page_of_answers(work, run, page).page(lambda row: RawAnswerView(**row.model_dump()))


@router.get("/reviews/{review}/runs/{run}/answers/{number}", response_class=BlobResponse)
def show_answer(
    review: Name,
    run: Name,
    number: Number,
    work: Reading,
    person: Lead,
    blobs: Annotated[Blobs, blobs_of("ingest")],
) -> BlobResponse:
    """The bytes of an answer, to be saved; the listing says what they are."""
    store.run_of(work, review, run)
    answer = store.answer_of(work, run, number)
    return BlobResponse(blobs, Blob(answer.sha256, answer.size), f"{run}-{number}")
