"""Routes of synthesis."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, TypeVar

from fastapi import APIRouter

from services.synthesis import store
from services.synthesis.domain.cadence import searched_through, standing
from services.synthesis.domain.changes import change_class, differences
from services.synthesis.domain.revisions import revision_id
from services.synthesis.handlers import evidence, notices, reports, revisions
from services.synthesis.models import DraftRow, NoticeRow, RejudgementRow, ReportRow, ReviewRow
from shared.db.work import Work
from shared.errors import NotFound
from shared.http.auth import Adjudicator, Lead, Reader, Reviewer
from shared.http.paging import Cursor, Limit, Page, after, encode_cursor
from shared.http.parameters import AskedNumber, Name, Number, Word
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.wire.synthesis import (
    BatchTaken,
    Body,
    CmocDrafted,
    CmocView,
    Difference,
    DraftView,
    EvidenceBatch,
    EvidenceGiven,
    EvidenceMoved,
    EvidenceTaken,
    EvidenceView,
    Judged,
    NoticeView,
    RejudgementView,
    ReportView,
    RevisionContent,
    RevisionListed,
    RevisionView,
    SignDraft,
    StatusView,
    StudyGiven,
    StudyView,
    SupportRow,
    SupportTable,
    TheoryEventView,
    TriggerView,
    Verified,
    Withdrawal,
    Withdrawn,
)

router = APIRouter(prefix="/synthesis", tags=["synthesis"], route_class=Route)
Unit, Reading = unit_of("synthesis"), reading_of("synthesis")

Place = TypeVar("Place", str, int)
Row = TypeVar("Row")


# Where a review stands


@router.get("/reviews/{review}")
def get_review(review: Name, work: Reading, person: Reader) -> StatusView:
    """Where a review stands."""
    return _status(store.review(work, review), work)


# Evidence


@router.post("/reviews/{review}/evidence")
def link_evidence(
    review: Name, body: EvidenceGiven, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> EvidenceTaken:
    """Ties a fragment of an included record to CMOCs; the same again changes nothing."""
    command = f"link evidence in {review}"
    return work.once(key, command, body, lambda: evidence.link_evidence(review, [body], work, at="")[0])


@router.post("/reviews/{review}/evidence/batch")
def link_evidence_batch(
    review: Name, body: EvidenceBatch, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> BatchTaken:
    """Ties many fragments at once: all are taken, or none."""
    command = f"link a batch of evidence in {review}"
    return work.once(
        key, command, body, lambda: BatchTaken(evidence=evidence.link_evidence(review, body.evidence, work))
    )


@router.get("/reviews/{review}/evidence")
def list_evidence(
    review: Name,
    work: Reading,
    person: Reader,
    record: Word | None = None,
    cmoc: Word | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 100,
) -> Page[EvidenceView]:
    """Every link, oldest first, also those that do not stand; of one record or CMOC where given."""
    store.review(work, review)
    if cmoc is not None:
        _had_cmoc(work, review, cmoc)
    found = store.evidence(work, review, record=record, cmoc=cmoc, after=after(cursor, 0), limit=limit + 1)
    rows, more = _cut(found, limit)
    return Page(items=[_evidence(row) for row in rows], next=encode_cursor(rows[-1][0].seq) if more else None)


@router.post("/reviews/{review}/evidence/{fragment}/withdraw")
def withdraw_evidence(
    review: Name, fragment: Name, body: Withdrawal, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> Withdrawn:
    """Takes back a fragment's links, or one of them: its coder may, and a lead. They stay in the history."""
    return work.once(
        key,
        f"withdraw {fragment}",
        body,
        lambda: evidence.withdraw_evidence(review, fragment, body.link, body.why, person, work),
    )


@router.get("/reviews/{review}/reports")
def list_reports(
    review: Name, work: Reading, person: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[ReportView]:
    """Every record that screening decided about, its study, and what was noticed about it."""
    rows, more = _cut(store.reports(work, review, after(cursor, ""), limit + 1), limit)
    views = _reports(review, rows, work)
    return Page(items=views, next=encode_cursor(rows[-1].record) if more else None)


@router.post("/reviews/{review}/reports/{record}/study")
def join_study(
    review: Name, record: Name, body: StudyGiven, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ReportView:
    """Counts a record's report as one of another's study, or as a study of its own again."""

    def join() -> ReportView:
        return _reports(review, [reports.join_study(review, record, body.same_as, body.why, work)], work)[0]

    return work.once(key, f"set the study of {record} in {review}", body, join)


# The theories


@router.get("/reviews/{review}/cmocs")
def list_cmocs(review: Name, work: Reading, person: Reader) -> list[CmocView]:
    """Every CMOC the review ever had, in the protocol's order; those set aside say since when."""
    store.review(work, review)
    return [CmocView(**row.model_dump()) for row in store.cmocs(work, review).values()]


@router.get("/reviews/{review}/cmocs/{cmoc}/history")
def list_history(
    review: Name, cmoc: Name, work: Reading, person: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[TheoryEventView]:
    """What happened to a CMOC, oldest first."""
    store.review(work, review)
    _had_cmoc(work, review, cmoc)
    rows, more = _cut(store.theory_events(work, review, cmoc, after(cursor, 0), limit + 1), limit)
    views = [TheoryEventView(event=row.event_id, **row.model_dump()) for row in rows]
    return Page(items=views, next=encode_cursor(rows[-1].seq) if more else None)


@router.get("/reviews/{review}/support")
def get_support(review: Name, work: Reading, person: Reader) -> SupportTable:
    """Support of every CMOC with the studies it counts; the links behind it: the evidence listing with `cmoc`."""
    draft = _draft(review, work)
    body = Body.model_validate(draft.body)
    records: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    counted = {study for statement in body.cmocs for study in statement.studies}
    for study, record, title in store.reports_of_studies(work, review, counted):
        records[study].append((record, title))
    return SupportTable(
        review=review,
        draft=draft.draft,
        settled=store.settled(work, review),
        rows=[
            SupportRow(links=len(one.links), **one.model_dump(include=set(SupportRow.model_fields) - {"links"}))
            for one in body.cmocs
        ],
        studies=[
            StudyView(study=study, records=[one for one, _ in of], titles=[title or "" for _, title in of])
            for study, of in sorted(records.items())
        ],
    )


# Drafts and revisions


@router.get("/reviews/{review}/draft")
def get_draft(review: Name, work: Reading, person: Reader) -> DraftView:
    """What would be published now, and how that differs from the newest revision."""
    row, about = _draft(review, work), store.review(work, review)
    body = Body.model_validate(row.body)
    return DraftView(
        review=review,
        draft=row.draft,
        number=row.number,
        cycle=row.number,
        title=about.title,
        settled=store.settled(work, review),
        change_class=row.change_class,
        theories=body.theories,
        cmocs=[CmocDrafted(**one.model_dump(include=set(CmocDrafted.model_fields))) for one in body.cmocs],
        states=body.states,
        changes=row.changes,
        evidence=EvidenceMoved(added=row.added, withdrawn=row.withdrawn),
        counts=body.counts,
        fragments_sha256=body.fragments_sha256,
        preceding=revision_id(review, row.number - 1) if row.number > 1 else None,
        drill=row.drill,
        made_at=row.made_at,
    )


@router.post("/reviews/{review}/draft/sign")
def sign_draft(review: Name, body: SignDraft, work: Unit, person: Lead, key: IdempotencyKey = None) -> RevisionView:
    """Publishes the draft as the next revision, signed by this person; "no change" is signed too."""
    return work.once(key, f"sign the draft of {review}", body, lambda: revisions.sign_draft(review, body, work))


@router.get("/reviews/{review}/revisions")
def list_revisions(
    review: Name, work: Reading, person: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[RevisionListed]:
    """Every published revision, oldest first, without its content."""
    store.review(work, review)
    rows, more = _cut(store.revisions(work, review, after(cursor, 0), limit + 1), limit)
    listed = [RevisionListed(content_sha256=content_sha256, **head) for head, content_sha256 in rows]
    return Page(items=listed, next=encode_cursor(listed[-1].number) if more else None)


@router.get("/reviews/{review}/revisions/{number}")
def get_revision(review: Name, number: Number, work: Reading, person: Reader) -> RevisionView:
    """One revision as it was frozen."""
    return revisions.view_of(store.revision(work, review, number))


@router.get("/reviews/{review}/revisions/{number}/verify")
def verify_revision(review: Name, number: Number, work: Reading, person: Reader) -> Verified:
    """Checks a revision against its hash and its signature."""
    return revisions.verify(review, number, work)


@router.get("/reviews/{review}/diff")
def get_difference(
    review: Name,
    work: Reading,
    person: Reader,
    before: AskedNumber,
    after: AskedNumber,
) -> Difference:
    """What changed from one revision to another."""
    old, new = (
        RevisionContent.model_validate_json(store.revision(work, review, number).content).body
        for number in (before, after)
    )
    changes = differences(old, new)
    return Difference(
        review=review, before=before, after=after, change_class=change_class(old, changes), changes=changes
    )


# What asks for another look


@router.get("/reviews/{review}/rejudgements")
def list_rejudgements(
    review: Name,
    work: Reading,
    person: Reader,
    state: Literal["open", "closed"] | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 100,
) -> Page[RejudgementView]:
    """CMOCs that a person should judge anew, or the judgements that were made."""
    rows, more = _cut(store.rejudgements(work, review, state, after(cursor, ""), limit + 1), limit)
    return Page(items=[_rejudgement(row) for row in rows], next=encode_cursor(rows[-1].id) if more else None)


@router.post("/reviews/{review}/rejudgements/{rejudgement}/close")
def close_rejudgement(
    review: Name, rejudgement: Name, body: Judged, work: Unit, person: Adjudicator, key: IdempotencyKey = None
) -> RejudgementView:
    """Says how a CMOC was judged anew."""
    return work.once(
        key,
        f"close {rejudgement}",
        body,
        lambda: _rejudgement(notices.close_rejudgement(review, rejudgement, body.how, work)),
    )


@router.get("/reviews/{review}/triggers")
def list_triggers(
    review: Name, work: Reading, person: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[TriggerView]:
    """The rules that fired, oldest first."""
    rows, more = _cut(store.triggers(work, review, after(cursor, 0), limit + 1), limit)
    views = [TriggerView(**row.model_dump()) for row in rows]
    return Page(items=views, next=encode_cursor(rows[-1].seq) if more else None)


def _had_cmoc(work: Work, review: str, cmoc: str) -> None:
    """Raises NotFound for a CMOC that the review never had."""
    if not store.known_cmocs(work, review, [cmoc]):
        raise NotFound(f"review {review!r} has no CMOC {cmoc!r}", slug="unknown_cmoc")


def _cut(rows: list[Row], limit: int) -> tuple[list[Row], bool]:
    """A page of rows, and whether more follow."""
    return rows[:limit], len(rows) > limit


def _draft(review: str, work: Work) -> DraftRow:
    store.review(work, review)
    row = store.draft(work, review)
    if row is None:
        raise NotFound(f"review {review!r} has no draft yet: the synthesis runs within seconds", slug="no_draft")
    return row


def _status(row: ReviewRow, work: Work) -> StatusView:
    return StatusView(
        state=standing(row.next_due, work.now.date()),
        settled=store.settled(work, row.review),
        open_rejudgements=store.open_rejudgement_count(work, row.review),
        searched_through=searched_through(store.watches(work, row.review)),
        **row.model_dump(include=set(StatusView.model_fields)),
    )


def _evidence(found: store.Evidence) -> EvidenceView:
    link, fragment, report = found
    return EvidenceView(
        link=link.id,
        record=report.record,
        study=report.study,
        title=report.title,
        event=link.event_id,
        stands=link.withdrawn_at is None and report.stands,
        why_not=_why_not(found),
        **link.model_dump(include={"fragment", "cmoc", "element", "stance", "inference", "rationale", "linked_at"}),
        **fragment.model_dump(include={"locator", "quote", "paraphrase", "data_type", "coder"}),
    )


def _why_not(found: store.Evidence) -> str | None:
    link, _, report = found
    if link.withdrawn_at is not None:
        return f"withdrawn by {link.withdrawn_by}: {link.withdrawn_why}"
    if report.state != "included":
        return f"its report is {report.state}"
    if report.suspended_by is not None:
        return f"its report is suspended by notice {report.suspended_by}"
    return f"its report is suspended by the drill {report.drilled_by}" if report.drilled_by else None


def _reports(review: str, rows: list[ReportRow], work: Work) -> list[ReportView]:
    noticed: dict[str, list[NoticeRow]] = defaultdict(list)
    for notice in store.notices(work, review, [row.record for row in rows]):
        noticed[notice.record].append(notice)
    return [
        ReportView(
            stands=row.stands,
            suspended=row.suspended,
            event=row.caused_by,
            notices=[NoticeView(**notice.model_dump()) for notice in noticed[row.record]],
            **row.model_dump(include={"record", "state", "study", "title", "merged_into"}),
        )
        for row in rows
    ]


def _rejudgement(row: RejudgementRow) -> RejudgementView:
    return RejudgementView(rejudgement=row.id, **row.model_dump(exclude={"id"}))
