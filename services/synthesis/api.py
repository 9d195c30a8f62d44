"""Routes of synthesis."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from services.synthesis import store, views
from services.synthesis.commands import (
    confidence,
    courses,
    evidence,
    notices,
    proposals,
    report_texts,
    reports,
    revisions,
)
from services.synthesis.domain.automations import AUTOMATIONS
from services.synthesis.domain.changes import change_class, differences
from services.synthesis.domain.lineage import kin_of
from services.synthesis.domain.provenance import provenance_of
from services.synthesis.domain.revisions import content_of
from services.synthesis.models import DraftRow
from services.synthesis.ports.crates import name_of
from shared.db.work import Work
from shared.errors import NotFound
from shared.events.synthesis import Element
from shared.http.afterwards import Afterwards
from shared.http.auth import Adjudicator, Anybody, Coder, Confirmer, Lead, Reader, Signer
from shared.http.paging import Hundred
from shared.http.parameters import AskedNumber, Day, Name, Number, Word, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page
from shared.wire.common import AutomationView
from shared.wire.people import OldNames
from shared.wire.synthesis import (
    AppraisalView,
    BatchTaken,
    CitedStudies,
    CmocStanding,
    CmocView,
    ConfidenceView,
    Declined,
    Difference,
    DraftView,
    EvidenceBatch,
    EvidenceGiven,
    EvidenceTaken,
    EvidenceView,
    ExportedRevision,
    Judged,
    Kin,
    NewAppraisal,
    NewConfidence,
    NewCourse,
    NewReportText,
    ProposalState,
    ProposalView,
    Provenance,
    RejudgementState,
    RejudgementView,
    ReportState,
    ReportTextView,
    ReportView,
    RevisionListed,
    RevisionView,
    SignDraft,
    Standing,
    StatusView,
    StudyGiven,
    SupportTable,
    TheoryEventView,
    TriggerView,
    Verified,
    Withdrawal,
    Withdrawn,
)


class CrateResponse(Afterwards):
    """A package, to be saved."""

    media_type = "application/zip"


router = APIRouter(prefix="/synthesis", tags=["synthesis"], route_class=Route)
Unit = Annotated[Work, unit_of("synthesis")]
Reading = Annotated[Work, reading_of("synthesis")]


# Where a review stands


@router.get("/reviews/{review}")
def show_review(review: Name, work: Reading, person: Reader) -> StatusView:
    """Where a review stands."""
    return views.status(work, store.review(work, review))


@router.get("/reviews/{review}/standing")
def show_standing(review: Name, work: Reading, person: Anybody, on: Day | None = None) -> Standing:
    """Where a review stands, as anybody who may read it sees it, with its newest revision and the one that was in force
    at the end of a day (UTC)."""
    return views.standing_view(work, store.review(work, review), on)


@router.get("/reviews/{review}/automations")
def list_automations(review: Name, work: Reading, person: Reader) -> list[AutomationView]:
    """The steps of synthesis that are taken by themselves, each with the version of its rules."""
    store.review(work, review)
    return list(AUTOMATIONS)


@router.put("/reviews/{review}/course")
def set_course(review: Name, body: NewCourse, work: Unit, person: Lead) -> Standing:
    """Has a review rest, end, or go on, and says why to its readers. One that is retired publishes no more."""
    return views.standing_view(work, courses.set_course(work, review, body), None)


# Evidence


@router.post("/reviews/{review}/evidence")
def link_evidence(
    review: Name, body: EvidenceGiven, work: Unit, person: Coder, key: IdempotencyKey = None
) -> EvidenceTaken:
    """Ties a fragment of an included record to CMOCs; the same again changes nothing."""
    command = f"link evidence in {review}"
    return work.once(key, command, body, lambda: evidence.link_evidence(work, review, [body], at="")[0])


@router.post("/reviews/{review}/evidence/batch")
def link_evidence_batch(
    review: Name, body: EvidenceBatch, work: Unit, person: Coder, key: IdempotencyKey = None
) -> BatchTaken:
    """Ties many fragments at once: all are taken, or none."""
    command = f"link a batch of evidence in {review}"
    return work.once(
        key, command, body, lambda: BatchTaken(evidence=evidence.link_evidence(work, review, body.evidence))
    )


@router.get("/reviews/{review}/evidence")
def list_evidence(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    record: Word | None = None,
    cmoc: Word | None = None,
    element: Element | None = None,
    link: Word | None = None,
    proposal: Word | None = None,
) -> Page[EvidenceView]:
    """Every link, oldest first, also those that do not stand; of one record or CMOC, of one element, this one link, or
    those that speak for a proposal, where given."""
    store.review(work, review)
    if cmoc is not None:
        store.cmoc(work, review, cmoc)
    if proposal is not None:
        store.proposal(work, review, proposal)
    found = store.evidence(work, review, page, record=record, cmoc=cmoc, element=element, link=link, proposal=proposal)
    return found.page(views.evidence_view)


@router.post("/reviews/{review}/evidence/{fragment}/withdraw")
def withdraw_evidence(
    review: Name, fragment: Name, body: Withdrawal, work: Unit, person: Coder, key: IdempotencyKey = None
) -> Withdrawn:
    """Takes back a fragment's links, or one of them: its coder may, and a lead. They stay in the history."""
    return work.once(
        key,
        f"withdraw {fragment}",
        body,
        lambda: evidence.withdraw_evidence(work, review, fragment, body.link, body.why, person),
    )


@router.post("/reviews/{review}/links/{link}/appraisals")
def add_appraisal_of_link(
    review: Name, link: Name, body: NewAppraisal, work: Unit, person: Coder, key: IdempotencyKey = None
) -> AppraisalView:
    """Says whether a fragment is trustworthy for what a link says by it, and why. The last that was said holds; a link
    of which nothing was said is as credible as its report was judged in screening."""
    command = f"appraise {link}"
    return work.once(key, command, body, lambda: views.appraisal_view(evidence.appraise(work, review, link, body)))


@router.get("/reviews/{review}/links/{link}/appraisals")
def list_appraisals(review: Name, link: Name, work: Reading, person: Reader, page: Hundred) -> Page[AppraisalView]:
    """What was said of a link, oldest first."""
    store.link(work, review, link)
    return store.appraisals(work, review, link, page).page(views.appraisal_view)


@router.get("/reviews/{review}/reports")
def list_reports(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    state: ReportState | None = None,
    to_code: YesNo = False,
) -> Page[ReportView]:
    """Every record that screening decided about, its study, and what was noticed about it; those in one state, or from
    which no evidence is coded though they are included."""
    found = store.reports(work, review, page, state=state, to_code=to_code)
    return found.shown_as(views.report_views(work, review, found.rows))


@router.post("/reviews/{review}/reports/{record}/study")
def join_study(
    review: Name, record: Name, body: StudyGiven, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ReportView:
    """Counts a record's report as one of another's study, or as a study of its own again."""

    def join() -> ReportView:
        return views.report_views(work, review, [reports.join_study(work, review, record, body.same_as, body.why)])[0]

    return work.once(key, f"set the study of {record} in {review}", body, join)


# The theories


@router.get("/reviews/{review}/cmocs")
def list_cmocs(review: Name, work: Reading, person: Reader) -> list[CmocView]:
    """Every CMOC the review ever had, in the protocol's order; those set aside say since when."""
    store.review(work, review)
    return [CmocView(**row.model_dump()) for row in store.cmocs(work, review).values()]


@router.get("/reviews/{review}/cmocs/{cmoc}")
def show_cmoc(review: Name, cmoc: Name, work: Reading, person: Reader) -> CmocStanding:
    """One CMOC, with what would be published of it now, by which rules, and the studies that these name."""
    store.review(work, review)
    return views.cmoc_standing(work, store.cmoc(work, review, cmoc))


@router.get("/reviews/{review}/cmocs/{cmoc}/kin")
def show_kin(review: Name, cmoc: Name, work: Reading, person: Reader) -> Kin:
    """The CMOCs that one was made of and those that it became, near and far, so that the evidence of the one is found
    from the other (the evidence listing with `cmoc`)."""
    store.review(work, review)
    store.cmoc(work, review, cmoc)
    rows = store.cmocs(work, review)
    before, after = kin_of(
        cmoc, {name: row.lineage for name, row in rows.items()}, {name: row.gone_into for name, row in rows.items()}
    )
    shown = {name: CmocView(**rows[name].model_dump()) for name in {*before, *after}}
    return Kin(cmoc=cmoc, before=[shown[name] for name in before], after=[shown[name] for name in after])


@router.get("/reviews/{review}/cmocs/{cmoc}/history")
def list_history(review: Name, cmoc: Name, work: Reading, person: Reader, page: Hundred) -> Page[TheoryEventView]:
    """What happened to a CMOC, oldest first."""
    store.review(work, review)
    store.cmoc(work, review, cmoc)
    found = store.theory_events(work, review, cmoc, page)
    return found.page(lambda row: TheoryEventView(event=row.event_id, **row.model_dump()))


@router.post("/reviews/{review}/cmocs/{cmoc}/confidence")
def add_confidence_in_cmoc(
    review: Name, cmoc: Name, body: NewConfidence, work: Unit, person: Adjudicator, key: IdempotencyKey = None
) -> ConfidenceView:
    """Says how confident one may be in a CMOC, by the four parts of GRADE-CERQual, and why. The last that was said
    holds."""
    command = f"judge the confidence in {cmoc}"
    return work.once(key, command, body, lambda: views.confidence_view(confidence.judge(work, review, cmoc, body)))


@router.get("/reviews/{review}/cmocs/{cmoc}/confidence")
def list_confidence_in_cmoc(
    review: Name, cmoc: Name, work: Reading, person: Reader, page: Hundred, newest_first: YesNo = False
) -> Page[ConfidenceView]:
    """How confident people were in a CMOC, oldest first or newest, which is the one that holds."""
    store.review(work, review)
    store.cmoc(work, review, cmoc)
    return store.confidences(work, review, cmoc, page, newest_first=newest_first).page(views.confidence_view)


@router.get("/reviews/{review}/support")
def show_support(review: Name, work: Reading, person: Reader) -> SupportTable:
    """Support of every CMOC with the studies it counts; the links behind it: the evidence listing with `cmoc`."""
    return views.support_table(work, _draft(work, review))


# Drafts and revisions


@router.get("/reviews/{review}/draft")
def show_draft(review: Name, work: Reading, person: Reader) -> DraftView:
    """What would be published now, and how that differs from the newest revision."""
    return views.draft_view(work, _draft(work, review), store.review(work, review))


@router.post("/reviews/{review}/draft/sign")
def sign_draft(review: Name, body: SignDraft, work: Unit, person: Signer, key: IdempotencyKey = None) -> RevisionView:
    """Publishes the draft as the next revision, signed by this person; "no change" is signed too."""
    return work.once(key, f"sign the draft of {review}", body, lambda: revisions.sign_draft(work, review, body))


@router.get("/reviews/{review}/revisions")
def list_revisions(
    review: Name, work: Reading, person: Anybody, page: Hundred, newest_first: YesNo = False
) -> Page[RevisionListed]:
    """Every published revision, oldest first or newest, without its content."""
    store.review(work, review)
    found = store.revisions(work, review, page, newest_first=newest_first)
    return found.shown_as(RevisionListed(content_sha256=sha256, **head) for head, sha256 in found.rows)


@router.get("/reviews/{review}/revisions/{number}")
def show_revision(review: Name, number: Number, work: Reading, person: Anybody) -> RevisionView:
    """One revision as it was signed."""
    return revisions.view_of(store.revision(work, review, number))


@router.get("/reviews/{review}/revisions/{number}/verify")
def verify_revision(review: Name, number: Number, work: Reading, person: Anybody) -> Verified:
    """Checks a revision against its hash, its signature and the dates of the key that made it."""
    return revisions.verified(work, review, number)


@router.get("/reviews/{review}/revisions/{number}/export")
def export_revision(review: Name, number: Number, work: Reading, person: Anybody) -> ExportedRevision:
    """One revision with the exact text that was signed, for whoever verifies it without this platform."""
    return revisions.export(work, review, number)


@router.get("/reviews/{review}/revisions/{number}/crate", response_class=CrateResponse)
def export_crate_of_revision(review: Name, number: Number, work: Reading, person: Reader) -> CrateResponse:
    """One revision as a package (RO-Crate 1.1, ZIP): the signed text and its signature, every link that it rests on,
    what changed, annotations, provenance, and how to cite it. `living synthesis verify --file` proves document and
    links, and each number by them, with a key alone."""
    saved = {"Content-Disposition": f'attachment; filename="{name_of(review, number)}"'}
    return CrateResponse(revisions.crate(work, review, number), saved | {"X-Content-Type-Options": "nosniff"})


@router.get("/reviews/{review}/revisions/{number}/provenance")
def show_provenance(review: Name, number: Number, work: Reading, person: Anybody) -> Provenance:
    """What a revision came from, as PROV-JSON (W3C), out of what was signed."""
    row = store.revision(work, review, number)
    return provenance_of(content_of(row.content), row.content_sha256)


@router.get("/reviews/{review}/revisions/{number}/studies")
def show_studies(review: Name, number: Number, work: Reading, person: Anybody) -> CitedStudies:
    """The reports that a revision rests on, with the CMOCs that each speaks to there, and what was noticed about them
    by today."""
    return views.cited_studies(work, content_of(store.revision(work, review, number).content))


@router.get("/reviews/{review}/diff")
def show_diff(
    review: Name,
    work: Reading,
    person: Anybody,
    before: AskedNumber,
    after: AskedNumber,
) -> Difference:
    """What changed from one revision to another."""
    contents = [content_of(store.revision(work, review, number).content) for number in (before, after)]
    old, new = (content.body for content in contents)
    changes = differences(old, new)
    return Difference(
        review=review, before=before, after=after, drill=any(content.drill for content in contents),
        change_class=change_class(changes), changes=changes,
    )  # fmt: skip


# What asks for another look


@router.get("/reviews/{review}/rejudgements")
def list_rejudgements(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    state: RejudgementState | None = None,
) -> Page[RejudgementView]:
    """CMOCs that a person should judge anew, or the judgements that were made."""
    return store.rejudgements(work, review, state, page).page(views.rejudgement_view)


@router.post("/reviews/{review}/rejudgements/{rejudgement}/close")
def close_rejudgement(
    review: Name, rejudgement: Name, body: Judged, work: Unit, person: Adjudicator, key: IdempotencyKey = None
) -> RejudgementView:
    """Says how a CMOC was judged anew."""
    return work.once(
        key,
        f"close {rejudgement}",
        body,
        lambda: views.rejudgement_view(notices.close_rejudgement(work, review, rejudgement, body.how)),
    )


@router.get("/reviews/{review}/proposals")
def list_proposals(
    review: Name, work: Reading, person: Reader, page: Hundred, state: ProposalState | None = None
) -> Page[ProposalView]:
    """What the evidence suggests to do with CMOCs: to merge two that lack distinct evidence, to split one, to refine an
    element, or to set one aside. Only people do it, by an amendment of the protocol."""
    store.review(work, review)
    return store.proposals(work, review, state, page).page(views.proposal_view)


@router.get("/reviews/{review}/proposals/{proposal}")
def show_proposal(review: Name, proposal: Name, work: Reading, person: Reader) -> ProposalView:
    """One of them; the links that speak for it: the evidence listing with `proposal`."""
    return views.proposal_view(store.proposal(work, review, proposal))


@router.post("/reviews/{review}/proposals/{proposal}/close")
def close_proposal(
    review: Name, proposal: Name, body: Declined, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ProposalView:
    """Says why what the evidence suggests is not done. It is suggested again once other links speak for it."""

    def decline() -> ProposalView:
        return views.proposal_view(proposals.decline(work, review, proposal, body.why))

    return work.once(key, f"decline {proposal}", body, decline)


@router.get("/reviews/{review}/triggers")
def list_triggers(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[TriggerView]:
    """The rules that fired, oldest first."""
    return store.triggers(work, review, page).page(lambda row: TriggerView(**row.model_dump()))


# What people write for reports


@router.get("/reviews/{review}/report-texts")
def list_report_texts(review: Name, work: Reading, person: Reader) -> list[ReportTextView]:
    """What reports say where only people can say it: the text of each item that holds, and whether it is out of
    date."""
    about = store.review(work, review)
    return [views.report_text_view(row, about) for row in store.report_texts(work, review)]


@router.get("/reviews/{review}/report-texts/{item}")
def list_texts_of_item(
    review: Name, item: Name, work: Reading, person: Reader, page: Hundred, newest_first: YesNo = False
) -> Page[ReportTextView]:
    """All that was written for an item of reports, oldest first or newest, which is the one that holds."""
    about = store.review(work, review)
    report_texts.require_authored(item)
    found = store.report_texts_of_item(work, review, item, page, newest_first=newest_first)
    return found.page(lambda row: views.report_text_view(row, about))


@router.put("/reviews/{review}/report-texts/{item}")
def set_report_text(
    review: Name, item: Name, body: NewReportText, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ReportTextView:
    """Says what reports say of an item, with the revision and the version of the protocol of now; the same words
    confirm it as it is. All that was written stays."""

    def write() -> ReportTextView:
        row = report_texts.write(work, review, item, body)
        return views.report_text_view(row, store.review(work, review))

    return work.once(key, f"write {item} of the reports of {review}", body, write)


# Names of before


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Name, work: Reading, person: Confirmer) -> OldNames:
    """The names under which people coded, withdrew and judged anew before they had ids."""
    store.review(work, review)
    return OldNames.of(store.actors(work, review))


def _draft(work: Work, review: str) -> DraftRow:
    store.review(work, review)
    row = store.draft(work, review)
    if row is None:
        raise NotFound(f"review {review!r} has no draft yet: the synthesis runs within seconds", slug="no_draft")
    return row
