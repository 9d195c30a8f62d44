"""Routes of synthesis."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Response

from services.synthesis import store, views
from services.synthesis.commands import (
    characteristics,
    comments,
    confidence,
    courses,
    evidence,
    exports,
    notices,
    proposals,
    report_texts,
    reports,
    revisions,
    rewordings,
    withdrawals,
)
from services.synthesis.commands import extraction as extractions
from services.synthesis.domain.automations import AUTOMATIONS
from services.synthesis.domain.changes import change_class, differences
from services.synthesis.domain.graphml import graphml_of
from services.synthesis.domain.lineage import kin_of
from services.synthesis.domain.provenance import provenance_of
from services.synthesis.domain.revisions import content_of
from services.synthesis.models import DraftRow, ExtractionRow
from services.synthesis.ports.crates import name_of
from shared.db.work import Work
from shared.errors import NotFound
from shared.events.synthesis import Element, Stance
from shared.http.afterwards import Afterwards
from shared.http.auth import Adjudicator, Anybody, Coder, Confirmer, Lead, Reader, Signer
from shared.http.paging import Hundred, asking
from shared.http.parameters import DIGITS, AskedNumber, Day, Name, Number, Word, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page, PageAsked
from shared.wire.common import AutomationView
from shared.wire.people import OldNames
from shared.wire.synthesis import (
    FORMS,
    AppraisalView,
    BatchTaken,
    CharacteristicAnswer,
    CharacteristicsTaken,
    CharacteristicView,
    CitedStudies,
    CmocStanding,
    CmocView,
    CodingAgreementView,
    CommentState,
    CommentView,
    ConfidenceView,
    CourseStep,
    Declined,
    DepositView,
    Difference,
    DifferencesView,
    DraftView,
    EvidenceBatch,
    EvidenceForm,
    EvidenceGiven,
    EvidenceTaken,
    EvidenceView,
    ExportedRevision,
    ExportForm,
    ExtractionClaimed,
    ExtractionState,
    ExtractionView,
    Judged,
    Kin,
    LinkJudgementView,
    LinksJudged,
    NewAnswer,
    NewAppraisal,
    NewCharacteristics,
    NewComment,
    NewConfidence,
    NewCourse,
    NewLinkJudgements,
    NewReconciliation,
    NewReportText,
    NewRevisionWithdrawal,
    ProposalState,
    ProposalView,
    Provenance,
    ReconciliationView,
    RejudgementState,
    RejudgementView,
    ReportState,
    ReportTextView,
    ReportView,
    Resolved,
    RevisionListed,
    RevisionView,
    RewordingView,
    Saturation,
    SignDraft,
    Signing,
    Standing,
    StatusView,
    StudyAdded,
    StudyCharacteristics,
    StudyGiven,
    StudySpeaking,
    SupportAt,
    SupportTable,
    TheoryEventView,
    TheoryMap,
    TriggerView,
    Verified,
    Withdrawal,
    Withdrawn,
    file_of,
)


class CrateResponse(Afterwards):
    """A package, to be saved."""

    media_type = "application/zip"


class FileResponse(Afterwards):
    """A file, to be saved; each form has a media type of its own."""

    media_type: str | None = None


def _files(forms: Collection[str]) -> dict[int | str, dict[str, Any]]:
    """What a route answers that answers one of these."""
    return {200: {"content": {kind: {} for form, (_, kind) in FORMS.items() if form in forms}}}


class CsvResponse(Response):
    """A sheet, to be saved."""

    media_type = "text/csv"


class GraphmlResponse(Response):
    """A network, to be saved."""

    media_type = "application/graphml+xml"


#: How many studies a map may have.
MostStudies = Annotated[int, Query(ge=1, le=200), DIGITS]

#: What was signed may be large, and is read whole.
FewRevisions = Annotated[PageAsked, asking(20, 50)]

#: Of each study there may be much to tell.
FewStudies = Annotated[PageAsked, asking(50, 200)]

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


@router.get("/reviews/{review}/course/steps")
def list_course_steps(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[CourseStep]:
    """What became of a review, the newest first: when it was paused, went on, was retired or was handed over, by whom
    and why."""
    store.review(work, review)
    return store.course_steps(work, review, page).page(views.course_step)


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
    study: Word | None = None,
    stance: Stance | None = None,
    asked: YesNo = False,
) -> Page[EvidenceView]:
    """Every link, oldest first, also those that do not stand, without what others code of a report before all of its
    coders have finished; of one record, study or CMOC, of one element or stance, this one link, those that speak for a
    proposal, or those of which somebody should judge whether they still hold, where given."""
    store.review(work, review)
    if cmoc is not None:
        store.cmoc(work, review, cmoc)
    if proposal is not None:
        store.proposal(work, review, proposal)
    found = store.evidence(
        work, review, page, record=record, cmoc=cmoc, element=element, link=link, proposal=proposal, study=study,
        stance=stance, asked=asked, person=person.id,
    )  # fmt: skip
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


# Extraction


@router.post("/reviews/{review}/extraction-claims")
def make_claim(review: Name, work: Unit, person: Coder, key: IdempotencyKey = None) -> ExtractionClaimed:
    """Gives whoever asks a report to code: the one that they have in hand, or else the next that waits for them. It is
    theirs for a while, anew with each piece of evidence; what nobody finishes goes to others."""

    def claim() -> ExtractionClaimed:
        row = extractions.claim(work, review)
        return ExtractionClaimed(extraction=None if row is None else views.extraction_view(work, row))

    return work.once(key, f"claim an extraction of {review}", None, claim)


@router.get("/reviews/{review}/extraction")
def list_extractions(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    state: ExtractionState | None = None,
    record: Word | None = None,
    mine: YesNo = False,
) -> Page[ExtractionView]:
    """The included reports that coders are asked for, and how far each is; those in one state, of one record, or what
    whoever asks has in hand, where given."""
    store.review(work, review)
    found = store.extractions(work, review, page, state=state, record=record, person=person.id if mine else None)
    return found.shown_as(views.extraction_views(work, found.rows))


@router.get("/reviews/{review}/extraction/{extraction}")
def show_extraction(review: Name, extraction: Name, work: Reading, person: Reader) -> ExtractionView:
    """One of them."""
    return views.extraction_view(work, store.extraction(work, review, extraction))


@router.post("/reviews/{review}/extraction/{extraction}/renew")
def renew_extraction(
    review: Name, extraction: Name, work: Unit, person: Coder, key: IdempotencyKey = None
) -> ExtractionView:
    """Keeps a report for as long again from now for whoever codes it."""
    return _coding(work, key, f"renew {extraction}", lambda: extractions.renew(work, review, extraction))


@router.post("/reviews/{review}/extraction/{extraction}/release")
def release_extraction(
    review: Name, extraction: Name, work: Unit, person: Coder, key: IdempotencyKey = None
) -> ExtractionView:
    """Gives a report back for others to code."""
    return _coding(work, key, f"release {extraction}", lambda: extractions.release(work, review, extraction))


@router.post("/reviews/{review}/extraction/{extraction}/finish")
def close_extraction(
    review: Name, extraction: Name, work: Unit, person: Coder, key: IdempotencyKey = None
) -> ExtractionView:
    """Says that one has coded all that one finds in a report, perhaps nothing. Once its last coder says so, what they
    agree on counts, and each sees what the other coded."""
    return _coding(work, key, f"finish {extraction}", lambda: extractions.finish(work, review, extraction))


@router.get("/reviews/{review}/extraction/{extraction}/differences")
def show_differences(review: Name, extraction: Name, work: Reading, person: Reader) -> DifferencesView:
    """What the two coders of a report say, side by side, and what was decided; 409 before both have finished."""
    return views.differences(work, store.extraction(work, review, extraction), person)


@router.post("/reviews/{review}/extraction/{extraction}/reconciliations")
def add_reconciliation(
    review: Name, extraction: Name, body: NewReconciliation, work: Unit, person: Coder, key: IdempotencyKey = None
) -> ReconciliationView:
    """Decides what two coders differ in: which side counts, and why. As the protocol says one of the two does, who
    have talked about it, or an adjudicator."""

    def reconcile() -> ReconciliationView:
        return views.reconciliation_view(extractions.reconcile(work, review, extraction, body, person))

    return work.once(key, f"reconcile {extraction}", body, reconcile)


@router.get("/reviews/{review}/coding-agreement")
def show_coding_agreement(review: Name, work: Reading, person: Reader) -> CodingAgreementView:
    """How far coders agreed before anything was reconciled (Krippendorff's alpha), over the reports that both have
    finished: in all, by element, and by stance."""
    store.review(work, review)
    return views.coding_agreement(work, review)


def _coding(work: Work, key: str | None, command: str, do: Callable[[], ExtractionRow]) -> ExtractionView:
    return work.once(key, command, None, lambda: views.extraction_view(work, do()))


# Study characteristics


@router.get("/reviews/{review}/characteristics")
def list_characteristics(review: Name, work: Reading, person: Reader) -> list[CharacteristicView]:
    """What the protocol asks of each included study, in its order."""
    store.review(work, review)
    return [views.characteristic_view(row) for row in views.asked_of_studies(work, review)]


@router.get("/reviews/{review}/characteristics/studies")
def list_described_studies(review: Name, work: Reading, person: Reader, page: FewStudies) -> Page[StudyCharacteristics]:
    """The included studies, by their ids, with what is known of each; without what one of two coders answered before
    both have finished."""
    store.review(work, review)
    found = store.included_studies(work, review, page)
    return found.shown_as(views.study_characteristics(work, review, found.rows, None))


@router.get("/reviews/{review}/characteristics.csv", response_class=CsvResponse)
def export_characteristics(review: Name, work: Reading, person: Reader) -> CsvResponse:
    """The same as CSV, a study a line, and a characteristic a column."""
    store.review(work, review)
    saved = {
        "Content-Disposition": f'attachment; filename="{review}-characteristics.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return CsvResponse(exports.characteristics_of(work, review), headers=saved)


@router.post("/reviews/{review}/characteristics/answers")
def add_answers(
    review: Name, body: NewCharacteristics, work: Unit, person: Coder, key: IdempotencyKey = None
) -> CharacteristicsTaken:
    """Says what reports tell of the characteristics of their studies: all are taken, or none. A correction supersedes
    what stands, and says why."""

    def record() -> CharacteristicsTaken:
        changed, studies = characteristics.record(work, review, body, person)
        return CharacteristicsTaken(
            changed=changed, studies=views.study_characteristics(work, review, studies, person.id)
        )

    return work.once(key, f"describe studies of {review}", body, record)


@router.get("/reviews/{review}/reports/{record}/characteristics")
def show_characteristics(review: Name, record: Name, work: Reading, person: Reader) -> StudyCharacteristics:
    """What is known of the study that a report is of, as whoever asks may see it."""
    return views.characteristics_of(work, review, record, person.id)


@router.get("/reviews/{review}/reports/{record}/characteristics/answers")
def list_answers_of_report(
    review: Name, record: Name, work: Reading, person: Reader, page: Hundred
) -> Page[CharacteristicAnswer]:
    """All that was ever answered from a report, oldest first, as whoever asks may see it."""
    store.review(work, review)
    asked = store.characteristics(work, review)
    found = store.characteristic_answers_of_record(
        work, review, store.name_of_surviving(work, review, record), page, person=person.id
    )
    return found.page(lambda row: views.characteristic_answer_view(row, asked))


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


# Figures


@router.get("/reviews/{review}/map")
def show_map(
    review: Name, work: Reading, person: Reader, theory: Word | None = None, most: MostStudies = views.USUAL_STUDIES
) -> TheoryMap:
    """The programme theories, their CMOCs, and the independent studies that speak to them, `most` of them with most
    links; of one theory, where given. It says what it leaves out."""
    return views.theory_map(work, store.review(work, review), theory, most)


@router.get("/reviews/{review}/map.graphml", response_class=GraphmlResponse)
def export_map(
    review: Name, work: Reading, person: Reader, theory: Word | None = None, most: MostStudies = views.USUAL_STUDIES
) -> GraphmlResponse:
    """The same as GraphML, for programs that draw and count networks."""
    saved = {"Content-Disposition": f'attachment; filename="{review}-map.graphml"', "X-Content-Type-Options": "nosniff"}
    return GraphmlResponse(graphml_of(views.theory_map(work, store.review(work, review), theory, most)), headers=saved)


@router.get("/reviews/{review}/studies")
def list_studies(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[StudySpeaking]:
    """Every study whose evidence stands, with what it speaks to, element by element: the rows of the evidence
    matrix."""
    store.review(work, review)
    found = store.studies_that_speak(work, review, page)
    return found.shown_as(views.studies_speaking(work, review, found.rows))


@router.get("/reviews/{review}/support/revisions")
def list_support_at_revisions(
    review: Name, work: Reading, person: Anybody, page: FewRevisions, newest_first: YesNo = False
) -> Page[SupportAt]:
    """How many independent studies stood behind each CMOC at each published revision, oldest first or newest."""
    store.review(work, review)
    found = store.contents(work, review, page, newest_first=newest_first)
    return found.shown_as(views.supports_at(work, review, found.rows))


@router.get("/reviews/{review}/saturation")
def show_saturation(review: Name, work: Reading, person: Reader) -> Saturation:
    """How much each added study still changes, and when the last revisions were signed that changed a theory or a
    status. It is shown, and nothing acts by it."""
    return views.saturation(work, store.review(work, review))


@router.get("/reviews/{review}/saturation/studies")
def list_added_studies(
    review: Name, work: Reading, person: Reader, page: Hundred, newest_first: YesNo = False
) -> Page[StudyAdded]:
    """Each study in the order in which it was first coded, or the newest first, with what it changed: of the evidence
    that counts today."""
    store.review(work, review)
    found = views.studies_added(work, review, page, newest_first=newest_first)
    return found.shown_as(found.rows)


# Drafts and revisions


@router.get("/reviews/{review}/draft")
def show_draft(review: Name, work: Reading, person: Reader) -> DraftView:
    """What would be published now, and how that differs from the newest revision."""
    return views.draft_view(work, _draft(work, review), store.review(work, review))


@router.post("/reviews/{review}/draft/sign")
def sign_draft(review: Name, body: SignDraft, work: Unit, person: Signer, key: IdempotencyKey = None) -> RevisionView:
    """Publishes the draft as the next revision, signed by this person; "no change" is signed too."""
    return work.once(key, f"sign the draft of {review}", body, lambda: revisions.sign_draft(work, review, body))


@router.get("/reviews/{review}/comments")
def list_comments(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    state: CommentState | None = None,
    cmoc: Word | None = None,
    theory: Word | None = None,
) -> Page[CommentView]:
    """What members said of lines of the drafts, oldest first; what is open or resolved, of one CMOC or one
    programme theory, where given."""
    about = store.review(work, review)
    found = store.comments(work, review, page, state=state, cmoc=cmoc, theory=theory)
    return found.shown_as(views.comment_views(work, about, found.rows))


@router.post("/reviews/{review}/comments")
def add_comment(review: Name, body: NewComment, work: Unit, person: Coder, key: IdempotencyKey = None) -> CommentView:
    """Says something of a line of the draft, whose words are given as they were seen."""
    return work.once(
        key,
        f"comment on {review}",
        body,
        lambda: views.comment_views(work, store.review(work, review), [comments.make(work, review, body)])[0],
    )


@router.post("/reviews/{review}/comments/{comment}/answers")
def add_answer_to_comment(
    review: Name, comment: Name, body: NewAnswer, work: Unit, person: Coder, key: IdempotencyKey = None
) -> CommentView:
    """Answers a comment that is open."""

    def answer() -> CommentView:
        row = comments.answer(work, review, comment, body.text)
        return views.comment_views(work, store.review(work, review), [row])[0]

    return work.once(key, f"answer {comment}", body, answer)


@router.post("/reviews/{review}/comments/{comment}/close")
def close_comment(
    review: Name, comment: Name, body: Resolved, work: Unit, person: Coder, key: IdempotencyKey = None
) -> CommentView:
    """Says what became of a comment: who made it may, and a lead."""

    def resolve() -> CommentView:
        row = comments.resolve(work, review, comment, body.why, person)
        return views.comment_views(work, store.review(work, review), [row])[0]

    return work.once(key, f"resolve {comment}", body, resolve)


@router.get("/reviews/{review}/revisions")
def list_revisions(
    review: Name, work: Reading, person: Anybody, page: Hundred, newest_first: YesNo = False
) -> Page[RevisionListed]:
    """Every published revision, oldest first or newest, without its content."""
    store.review(work, review)
    found = store.revisions(work, review, page, newest_first=newest_first)
    return found.shown_as(views.listed(work, review, found.rows))


@router.get("/reviews/{review}/revisions/{number}")
def show_revision(review: Name, number: Number, work: Reading, person: Anybody) -> RevisionView:
    """One revision as it was signed."""
    row = store.revision(work, review, number)
    return revisions.view_of(work, row)


@router.post("/reviews/{review}/revisions/{number}/withdraw")
def withdraw_revision(
    review: Name, number: Number, body: NewRevisionWithdrawal, work: Unit, person: Signer, key: IdempotencyKey = None
) -> RevisionView:
    """Says, for good, that nobody should go by a revision any more, why, and which is to be read instead. What was
    signed stays readable, and verifies as before."""

    def withdraw() -> RevisionView:
        return revisions.view_of(work, withdrawals.withdraw(work, review, number, body))

    return work.once(key, f"withdraw revision {number} of {review}", body, withdraw)


@router.get("/reviews/{review}/revisions/{number}/signing")
def show_signing(review: Name, number: Number, work: Reading, person: Reader) -> Signing:
    """How a revision was signed: with how many comments on its draft open, and why, which its document does not say."""
    return views.signing_view(work, review, number)


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


@router.get(
    "/reviews/{review}/revisions/{number}/files/{form}",
    response_class=FileResponse,
    responses=_files(get_args(ExportForm)),
)
def export_file_of_revision(
    review: Name, number: Number, form: ExportForm, work: Reading, person: Anybody
) -> FileResponse:
    """All that one revision says, as a file: Markdown, Word, its CMOCs as CSV, or linked data (JSON-LD)."""
    return _saved(exports.file_of(work, review, number, form), *file_of(review, number, form))


@router.get(
    "/reviews/{review}/revisions/{number}/evidence/{form}",
    response_class=FileResponse,
    responses=_files(get_args(EvidenceForm)),
)
def export_evidence_of_revision(
    review: Name, number: Number, form: EvidenceForm, work: Reading, person: Reader
) -> FileResponse:
    """Every link that one revision rests on, as a file: CSV, linked data with W3C's annotations, or JSON lines in the
    shape of the DESTINY repository."""
    return _saved(exports.evidence_of(work, review, number, form), *file_of(review, number, form))


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


@router.get("/reviews/{review}/dois")
def list_dois(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[DepositView]:
    """How far the deposits of revisions that are to have a DOI are, archive by archive, oldest revision first."""
    return views.deposits(work, store.review(work, review), page)


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


@router.get("/reviews/{review}/rewordings")
def list_rewordings(
    review: Name, work: Reading, person: Reader, page: Hundred, cmoc: Word | None = None
) -> Page[RewordingView]:
    """Elements that read otherwise than when some links to them were coded, by CMOC or of one, with what became of
    their words. The links, of which somebody should judge whether they hold: the evidence listing with `asked`."""
    store.review(work, review)
    found = store.reworded(work, review, page, cmoc=cmoc)
    return found.shown_as(views.reworded_views(work, review, found.rows))


@router.post("/reviews/{review}/link-judgements")
def add_link_judgements(
    review: Name, body: NewLinkJudgements, work: Unit, person: Coder, key: IdempotencyKey = None
) -> LinksJudged:
    """Says whether links hold for the words of today, all of them or none: who coded each may, and an adjudicator."""
    command = f"judge links of {review} anew"
    return work.once(key, command, body, lambda: rewordings.judge(work, review, body, person))


@router.get("/reviews/{review}/links/{link}/judgements")
def list_judgements_of_link(
    review: Name, link: Name, work: Reading, person: Reader, page: Hundred
) -> Page[LinkJudgementView]:
    """What was judged of a link whenever its CMOC read otherwise, oldest first."""
    store.link(work, review, link)
    return store.judgements_of_link(work, review, link, page).page(views.link_judgement_view)


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


def _saved(make: Callable[[], bytes], name: str, media_type: str) -> FileResponse:
    """A file that a browser saves under this name, and takes for nothing else than it is."""
    saved = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    answer = FileResponse(make, saved)
    answer.media_type = media_type
    return answer
