"""The routes of records: what they say, what was corrected, their notices and open copies."""

from __future__ import annotations

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import additions, corrections, notices
from shared import identifiers
from shared.errors import Invalid
from shared.http.auth import Lead, Reader, Reviewer
from shared.http.paging import Hundred
from shared.http.parameters import Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.ingest import (
    AddedView,
    AdditionText,
    AdditionView,
    CorrectionView,
    NewAddition,
    NewCorrection,
    NewNotice,
    NewWithdrawal,
    NoticeView,
    RecordCopiesView,
    RecordSummary,
    RecordView,
    Undoing,
    WithdrawnView,
)


@router.get("/reviews/{review}/open-copies")
def list_open_copies(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[RecordCopiesView]:
    """Where the records that passed a stage and are not excluded can be read by anybody, the oldest record first. The
    addresses are others' words."""
    store.review_of(work, review)
    found = store.page_of_passed(work, review, page)
    return found.shown_as(views.record_copies_views(work, found.rows))


@router.get("/reviews/{review}/records")
def list_records(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    doi: Word | None = None,
    pmid: Word | None = None,
) -> Page[RecordSummary]:
    """Records, the oldest first; or those with a DOI or PubMed id, in any of its spellings."""
    key = _identifier_key(doi, pmid)
    found = store.page_of_records(work, review, page) if key is None else store.page_of_holders(work, review, key, page)
    return found.page(views.record_summary)


@router.get("/reviews/{review}/records/{record}")
def show_record(review: Name, record: Name, work: Reading, person: Reader) -> RecordView:
    """A record with its provenance, its source records, what was merged into it and why, and its notices; for leads
    with what files state was decided about it."""
    return views.record_view(work, store.record_of(work, review, record), person)


@router.post("/reviews/{review}/records", status_code=201)
def add_record(review: Name, body: NewAddition, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> AddedView:
    """Adds a paper, a document or an account that no search brought, which is matched with what is there; answers what
    became of it. What says just the same as before changes nothing."""

    def add() -> AddedView:
        made = additions.add(work, review, body)
        return views.added_view(work, made.row, made.what, made.record, dry_run=body.dry_run)

    return work.rehearse(add) if body.dry_run else work.once(key, "add record", body, add)


@router.get("/reviews/{review}/additions")
def list_additions(
    review: Name, work: Reading, person: Reader, page: Hundred, record: Word | None = None
) -> Page[AdditionView]:
    """What people added, the newest first, with who found it, how and why; of one record if given."""
    store.review_of(work, review)
    found = store.page_of_additions(work, review, record, page)
    return found.shown_as(views.addition_views(work, found.rows))


@router.get("/reviews/{review}/additions/{addition}")
def show_addition(review: Name, addition: Name, work: Reading, person: Reviewer) -> AdditionText:
    """One addition whole, with what is held back of a restricted one, for those who screen it."""
    return views.addition_text(work, store.addition_of(work, review, addition))


@router.post("/reviews/{review}/records/{record}/withdraw")
def withdraw_record(
    review: Name, record: Name, body: NewWithdrawal, work: Unit, person: Lead, key: IdempotencyKey = None
) -> WithdrawnView:
    """Takes away for good what is held back of a record, as when consent is withdrawn, and has what rests on it stand
    no more. Its title stays, and that it was there."""

    def withdraw() -> WithdrawnView:
        rows = additions.withdraw(work, review, record, body.reason)
        return WithdrawnView(record=record, additions=views.addition_views(work, rows))

    return work.once(key, f"withdraw {record}", body, withdraw)


@router.post("/reviews/{review}/records/{record}/notices", status_code=201)
def give_notice(
    review: Name, record: Name, body: NewNotice, work: Unit, person: Lead, key: IdempotencyKey = None
) -> NoticeView:
    """Tells everyone that a record's report was retracted, corrected, reinstated ...; or that this is a drill."""

    def give() -> NoticeView:
        return views.notice_view(notices.give_notice(work, review, record, body.kind, body.reason, drill=body.drill))

    return work.once(key, f"give notice {record}", body, give)


@router.post("/reviews/{review}/records/{record}/corrections", status_code=201)
def add_correction_of_record(
    review: Name, record: Name, body: NewCorrection, work: Unit, person: Lead, key: IdempotencyKey = None
) -> CorrectionView:
    """Says what a field of a record's description is, whatever its sources say, now and later."""

    def add() -> CorrectionView:
        return views.correction_view(corrections.correct(work, review, record, body))

    return work.once(key, f"correct {record}", body, add)


@router.post("/reviews/{review}/corrections/{correction}/undo")
def undo_correction(
    review: Name, correction: Name, body: Undoing, work: Unit, person: Lead, key: IdempotencyKey = None
) -> CorrectionView:
    """Takes a correction back: what was corrected before it, or what the sources say, counts again."""

    def undo() -> CorrectionView:
        return views.correction_view(corrections.undo_correction(work, review, correction, body.reason))

    return work.once(key, f"undo {correction}", body, undo)


def _identifier_key(doi: str | None, pmid: str | None) -> str | None:
    if doi is not None and pmid is not None:
        raise Invalid("give a doi or a pmid, not both", [{"at": "pmid", "why": "doi is given too"}])
    for kind, text, read in (("doi", doi, identifiers.doi), ("pmid", pmid, identifiers.pmid)):
        if text is None:
            continue
        if (value := read(text)) is None:
            raise Invalid(f"{kind}: {text!r} is none", [{"at": kind, "why": "not of its form"}])
        return f"{kind}:{value}"
    return None
