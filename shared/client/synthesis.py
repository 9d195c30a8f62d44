"""The client's view of synthesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from datetime import date

    from shared.events.synthesis import Credibility, Element, Stance
    from shared.wire import common
    from shared.wire import synthesis as wire
else:
    common = Forms("shared.wire.common")
    wire = Forms("shared.wire.synthesis")


class SynthesisClient:
    """Evidence, what it says of the theories, and the signed revisions."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # Where a review stands

    def status(self, review: str) -> wire.StatusView:
        return self._http.get(f"/synthesis/reviews/{part(review)}", wire.StatusView)

    def automations(self, review: str) -> list[common.AutomationView]:
        """The steps that are taken by themselves, each with the version of its rules."""
        return self._http.listed(f"/synthesis/reviews/{part(review)}/automations", common.AutomationView)

    def standing(self, review: str, *, on: date | None = None) -> wire.Standing:
        """What anybody who may read the review knows of it: its newest revision, and the one in force at the end of a
        day."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/standing", wire.Standing, on=on)

    def course_steps(self, review: str) -> Iterator[wire.CourseStep]:
        """When a review was paused, went on, was retired or was handed over, by whom and why, the newest first."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/course/steps", wire.CourseStep)

    def set_course(self, review: str, course: wire.Course, why: str) -> wire.Standing:
        """Has a review rest, end, or go on, and says why to its readers."""
        path = f"/synthesis/reviews/{part(review)}/course"
        return self._http.send("PUT", path, wire.Standing, {"course": course, "why": why})

    # Evidence

    def link(self, review: str, batch: wire.EvidenceBatch) -> wire.BatchTaken:
        """Ties fragments to CMOCs: all are taken, or none. Raises NotFound while a record's inclusion is still
        on its way."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/evidence/batch", wire.BatchTaken, batch)

    def link_one(self, review: str, evidence: wire.EvidenceGiven | Mapping[str, object]) -> wire.EvidenceTaken:
        """Ties one fragment to CMOCs."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/evidence", wire.EvidenceTaken, evidence)

    def evidence(
        self,
        review: str,
        *,
        record: str | None = None,
        cmoc: str | None = None,
        element: Element | None = None,
        link: str | None = None,
        proposal: str | None = None,
        study: str | None = None,
        stance: Stance | None = None,
        asked: bool = False,
    ) -> Iterator[wire.EvidenceView]:
        """Every link, of one record, study, CMOC, element or stance, this one, those that speak for a proposal, or
        those of which somebody should judge whether they still hold, where given."""
        path = f"/synthesis/reviews/{part(review)}/evidence"
        by = {"record": record, "cmoc": cmoc, "element": element, "link": link, "proposal": proposal}
        by |= {"study": study, "stance": stance}
        return self._http.pages(path, wire.EvidenceView, **by, asked=asked or None)

    def withdraw(self, review: str, fragment: str, why: str, *, link: str | None = None) -> wire.Withdrawn:
        body = {"why": why, "link": link}
        return self._http.post(
            f"/synthesis/reviews/{part(review)}/evidence/{part(fragment)}/withdraw", wire.Withdrawn, body
        )

    def appraise(self, review: str, link: str, credibility: Credibility, why: str) -> wire.AppraisalView:
        """Says whether a fragment is trustworthy for what a link says by it; the last that was said holds."""
        path = f"/synthesis/reviews/{part(review)}/links/{part(link)}/appraisals"
        return self._http.post(path, wire.AppraisalView, {"credibility": credibility, "why": why})

    def appraisals(self, review: str, link: str) -> Iterator[wire.AppraisalView]:
        """What was said of a link, oldest first."""
        path = f"/synthesis/reviews/{part(review)}/links/{part(link)}/appraisals"
        return self._http.pages(path, wire.AppraisalView)

    def reports(
        self, review: str, *, state: wire.ReportState | None = None, to_code: bool = False
    ) -> Iterator[wire.ReportView]:
        """Every report, those in one state, or those from which no evidence is coded though they are included."""
        path = f"/synthesis/reviews/{part(review)}/reports"
        return self._http.pages(path, wire.ReportView, state=state, to_code=to_code or None)

    def join_study(self, review: str, record: str, why: str, *, same_as: str | None) -> wire.ReportView:
        """Counts a record's report as one of another's study; as a study of its own again with None."""
        body = {"same_as": same_as, "why": why}
        return self._http.post(f"/synthesis/reviews/{part(review)}/reports/{part(record)}/study", wire.ReportView, body)

    # Study characteristics

    def characteristics(self, review: str) -> list[wire.CharacteristicView]:
        """What the protocol asks of each included study, in its order."""
        return self._http.listed(f"/synthesis/reviews/{part(review)}/characteristics", wire.CharacteristicView)

    def described_studies(self, review: str) -> Iterator[wire.StudyCharacteristics]:
        """The included studies, with what is known of each."""
        path = f"/synthesis/reviews/{part(review)}/characteristics/studies"
        return self._http.pages(path, wire.StudyCharacteristics)

    def characteristics_csv(self, review: str) -> str:
        """The same as CSV, a study a line."""
        return self._http.raw("GET", f"/synthesis/reviews/{part(review)}/characteristics.csv").content.decode()

    def describe(
        self, review: str, answers: wire.NewCharacteristics | Mapping[str, object]
    ) -> wire.CharacteristicsTaken:
        """Says what reports tell of the characteristics of their studies: all answers are taken, or none."""
        path = f"/synthesis/reviews/{part(review)}/characteristics/answers"
        return self._http.post(path, wire.CharacteristicsTaken, answers)

    def characteristics_of(self, review: str, record: str) -> wire.StudyCharacteristics:
        """What is known of the study that a record's report is of."""
        path = f"/synthesis/reviews/{part(review)}/reports/{part(record)}/characteristics"
        return self._http.get(path, wire.StudyCharacteristics)

    def answers_of(self, review: str, record: str) -> Iterator[wire.CharacteristicAnswer]:
        """All that was ever answered from a report, oldest first."""
        path = f"/synthesis/reviews/{part(review)}/reports/{part(record)}/characteristics/answers"
        return self._http.pages(path, wire.CharacteristicAnswer)

    # Extraction

    def claim_extraction(self, review: str) -> wire.ExtractionClaimed:
        """The report that one has in hand to code, or else the next that waits for one."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/extraction-claims", wire.ExtractionClaimed)

    def extractions(
        self,
        review: str,
        *,
        state: wire.ExtractionState | None = None,
        record: str | None = None,
        mine: bool = False,
    ) -> Iterator[wire.ExtractionView]:
        """The included reports that coders are asked for; those in one state, of one record, or what one has in hand,
        where given."""
        path = f"/synthesis/reviews/{part(review)}/extraction"
        return self._http.pages(path, wire.ExtractionView, state=state, record=record, mine=mine or None)

    def extraction(self, review: str, extraction: str) -> wire.ExtractionView:
        return self._http.get(self._extraction(review, extraction), wire.ExtractionView)

    def renew_extraction(self, review: str, extraction: str) -> wire.ExtractionView:
        """Keeps a report for as long again from now."""
        return self._http.post(f"{self._extraction(review, extraction)}/renew", wire.ExtractionView)

    def release_extraction(self, review: str, extraction: str) -> wire.ExtractionView:
        """Gives a report back for others to code."""
        return self._http.post(f"{self._extraction(review, extraction)}/release", wire.ExtractionView)

    def finish_extraction(self, review: str, extraction: str) -> wire.ExtractionView:
        """Says that one has coded all that one finds in a report, perhaps nothing."""
        return self._http.post(f"{self._extraction(review, extraction)}/finish", wire.ExtractionView)

    def differences(self, review: str, extraction: str) -> wire.DifferencesView:
        """What the two coders of a report say, side by side. Raises Conflict before both have finished."""
        return self._http.get(f"{self._extraction(review, extraction)}/differences", wire.DifferencesView)

    def reconcile(
        self, review: str, extraction: str, difference: str, keep: wire.Keep, why: str
    ) -> wire.ReconciliationView:
        """Decides which side of a difference counts, and why."""
        body = {"difference": difference, "keep": keep, "why": why}
        path = f"{self._extraction(review, extraction)}/reconciliations"
        return self._http.post(path, wire.ReconciliationView, body)

    def coding_agreement(self, review: str) -> wire.CodingAgreementView:
        """How far coders agreed before anything was reconciled."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/coding-agreement", wire.CodingAgreementView)

    def _extraction(self, review: str, extraction: str) -> str:
        return f"/synthesis/reviews/{part(review)}/extraction/{part(extraction)}"

    # The theories

    def cmocs(self, review: str) -> list[wire.CmocView]:
        return self._http.listed(f"/synthesis/reviews/{part(review)}/cmocs", wire.CmocView)

    def cmoc(self, review: str, cmoc: str) -> wire.CmocStanding:
        """One CMOC, with what would be published of it now, and why."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/cmocs/{part(cmoc)}", wire.CmocStanding)

    def kin(self, review: str, cmoc: str) -> wire.Kin:
        """The CMOCs that one was made of and those that it became, near and far."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/cmocs/{part(cmoc)}/kin", wire.Kin)

    def history(self, review: str, cmoc: str) -> Iterator[wire.TheoryEventView]:
        return self._http.pages(f"/synthesis/reviews/{part(review)}/cmocs/{part(cmoc)}/history", wire.TheoryEventView)

    def judge_confidence(
        self, review: str, cmoc: str, judged: wire.NewConfidence | Mapping[str, object]
    ) -> wire.ConfidenceView:
        """Says how confident one may be in a CMOC; the last that was said holds."""
        path = f"/synthesis/reviews/{part(review)}/cmocs/{part(cmoc)}/confidence"
        return self._http.post(path, wire.ConfidenceView, judged)

    def confidence(self, review: str, cmoc: str, *, newest_first: bool = False) -> Iterator[wire.ConfidenceView]:
        """How confident people were in a CMOC, oldest first or newest, which is the one that holds."""
        path = f"/synthesis/reviews/{part(review)}/cmocs/{part(cmoc)}/confidence"
        return self._http.pages(path, wire.ConfidenceView, newest_first=newest_first or None)

    def support(self, review: str) -> wire.SupportTable:
        return self._http.get(f"/synthesis/reviews/{part(review)}/support", wire.SupportTable)

    # Figures

    def map(self, review: str, *, theory: str | None = None, most: int | None = None) -> wire.TheoryMap:
        """The theories, their CMOCs, and the studies that speak to them, `most` of them with most links."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/map", wire.TheoryMap, theory=theory, most=most)

    def map_graphml(self, review: str, *, theory: str | None = None, most: int | None = None) -> str:
        """The same as GraphML."""
        path = f"/synthesis/reviews/{part(review)}/map.graphml"
        drawn = self._http.raw("GET", path, params={"theory": theory, "most": most})
        return drawn.content.decode()

    def studies_speaking(self, review: str) -> Iterator[wire.StudySpeaking]:
        """Every study whose evidence stands, with what it speaks to, element by element."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/studies", wire.StudySpeaking)

    def support_at_revisions(self, review: str, *, newest_first: bool = False) -> Iterator[wire.SupportAt]:
        """The support of each CMOC at each published revision, oldest first or newest."""
        path = f"/synthesis/reviews/{part(review)}/support/revisions"
        return self._http.pages(path, wire.SupportAt, newest_first=newest_first or None)

    def saturation(self, review: str) -> wire.Saturation:
        """How much each added study still changes, in numbers."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/saturation", wire.Saturation)

    def added_studies(self, review: str, *, newest_first: bool = False) -> Iterator[wire.StudyAdded]:
        """Each study in the order in which it was first coded, or the newest first, with what it changed."""
        path = f"/synthesis/reviews/{part(review)}/saturation/studies"
        return self._http.pages(path, wire.StudyAdded, newest_first=newest_first or None)

    # Drafts and revisions

    def draft(self, review: str) -> wire.DraftView:
        return self._http.get(f"/synthesis/reviews/{part(review)}/draft", wire.DraftView)

    def sign(self, review: str, signed: wire.SignDraft | Mapping[str, object]) -> wire.RevisionView:
        """Publishes the draft that was seen. Raises Conflict when it is not the draft any more."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/draft/sign", wire.RevisionView, signed)

    def comments(
        self,
        review: str,
        *,
        state: wire.CommentState | None = None,
        cmoc: str | None = None,
        theory: str | None = None,
    ) -> Iterator[wire.CommentView]:
        """What members said of lines of the drafts, oldest first."""
        asked = {"state": state, "cmoc": cmoc, "theory": theory}
        return self._http.pages(f"/synthesis/reviews/{part(review)}/comments", wire.CommentView, **asked)

    def comment(self, review: str, said: wire.NewComment | Mapping[str, object]) -> wire.CommentView:
        """Says something of a line of the draft. Raises Conflict where the line has other words than those given."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/comments", wire.CommentView, said)

    def answer_comment(self, review: str, comment: str, text: str) -> wire.CommentView:
        path = f"/synthesis/reviews/{part(review)}/comments/{part(comment)}/answers"
        return self._http.post(path, wire.CommentView, {"text": text})

    def resolve_comment(self, review: str, comment: str, why: str) -> wire.CommentView:
        """Says what became of a comment: who made it may, and a lead."""
        path = f"/synthesis/reviews/{part(review)}/comments/{part(comment)}/close"
        return self._http.post(path, wire.CommentView, {"why": why})

    def signing(self, review: str, number: int) -> wire.Signing:
        """How a revision was signed: with which comments open, and despite what."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}/signing", wire.Signing)

    def revisions(self, review: str, *, newest_first: bool = False) -> Iterator[wire.RevisionListed]:
        """Every published revision, oldest first or newest."""
        path = f"/synthesis/reviews/{part(review)}/revisions"
        return self._http.pages(path, wire.RevisionListed, newest_first=newest_first)

    def revision(self, review: str, number: int) -> wire.RevisionView:
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}", wire.RevisionView)

    def withdraw_revision(
        self, review: str, number: int, why: str, *, replaced_by: int | None = None
    ) -> wire.RevisionView:
        """Says, for good, that nobody should go by a revision any more, and which is to be read instead."""
        path = f"/synthesis/reviews/{part(review)}/revisions/{number}/withdraw"
        return self._http.post(path, wire.RevisionView, {"why": why, "replaced_by": replaced_by})

    def provenance(self, review: str, number: int) -> wire.Provenance:
        """What a revision came from, as PROV-JSON."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}/provenance", wire.Provenance)

    def studies(self, review: str, number: int) -> wire.CitedStudies:
        """The reports that a revision rests on, with what was noticed about them by today."""
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}/studies", wire.CitedStudies)

    def verify(self, review: str, number: int) -> wire.Verified:
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}/verify", wire.Verified)

    def export(self, review: str, number: int) -> wire.ExportedRevision:
        """A revision with the exact text that was signed."""
        path = f"/synthesis/reviews/{part(review)}/revisions/{number}/export"
        return self._http.get(path, wire.ExportedRevision)

    def crate(self, review: str, number: int, into: Callable[[bytes], object]) -> None:
        """Hands a revision over as a package (RO-Crate), piece by piece."""
        self._http.download(f"/synthesis/reviews/{part(review)}/revisions/{number}/crate", into)

    def file(self, review: str, number: int, form: wire.ExportForm, into: Callable[[bytes], object]) -> None:
        """Hands over all that a revision says in one form, piece by piece."""
        self._http.download(f"/synthesis/reviews/{part(review)}/revisions/{number}/files/{form}", into)

    def evidence_file(self, review: str, number: int, form: wire.EvidenceForm, into: Callable[[bytes], object]) -> None:
        """Hands over what a revision rests on in one form, piece by piece."""
        self._http.download(f"/synthesis/reviews/{part(review)}/revisions/{number}/evidence/{form}", into)

    def dois(self, review: str) -> Iterator[wire.DepositView]:
        """How far the deposits of revisions that are to have a DOI are."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/dois", wire.DepositView)

    def diff(self, review: str, before: int, after: int) -> wire.Difference:
        return self._http.get(f"/synthesis/reviews/{part(review)}/diff", wire.Difference, before=before, after=after)

    # What asks for another look

    def rejudgements(self, review: str, state: str | None = None) -> Iterator[wire.RejudgementView]:
        """All of them, or those that are `open` or `closed`."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/rejudgements", wire.RejudgementView, state=state)

    def close_rejudgement(self, review: str, rejudgement: str, how: str) -> wire.RejudgementView:
        path = f"/synthesis/reviews/{part(review)}/rejudgements/{part(rejudgement)}/close"
        return self._http.post(path, wire.RejudgementView, {"how": how})

    def rewordings(self, review: str, *, cmoc: str | None = None) -> Iterator[wire.RewordingView]:
        """Elements that read otherwise than when some links to them were coded, of one CMOC where given."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/rewordings", wire.RewordingView, cmoc=cmoc)

    def judge_links(self, review: str, links: Sequence[str], verdict: wire.LinkVerdict, why: str) -> wire.LinksJudged:
        """Says whether up to 200 links hold for the words of today: all of them, or none."""
        body = {"links": list(links), "verdict": verdict, "why": why}
        return self._http.post(f"/synthesis/reviews/{part(review)}/link-judgements", wire.LinksJudged, body)

    def judgements_of_link(self, review: str, link: str) -> Iterator[wire.LinkJudgementView]:
        """What was judged of a link whenever its CMOC read otherwise, oldest first."""
        path = f"/synthesis/reviews/{part(review)}/links/{part(link)}/judgements"
        return self._http.pages(path, wire.LinkJudgementView)

    def proposals(self, review: str, state: wire.ProposalState | None = None) -> Iterator[wire.ProposalView]:
        """What the evidence suggests to do with CMOCs, which only people do."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/proposals", wire.ProposalView, state=state)

    def proposal(self, review: str, proposal: str) -> wire.ProposalView:
        return self._http.get(f"/synthesis/reviews/{part(review)}/proposals/{part(proposal)}", wire.ProposalView)

    def decline(self, review: str, proposal: str, why: str) -> wire.ProposalView:
        """Says why what the evidence suggests is not done."""
        path = f"/synthesis/reviews/{part(review)}/proposals/{part(proposal)}/close"
        return self._http.post(path, wire.ProposalView, {"why": why})

    def triggers(self, review: str) -> Iterator[wire.TriggerView]:
        return self._http.pages(f"/synthesis/reviews/{part(review)}/triggers", wire.TriggerView)

    # What people write for reports

    def report_texts(self, review: str) -> list[wire.ReportTextView]:
        """What holds of each item that only people can write."""
        return self._http.listed(f"/synthesis/reviews/{part(review)}/report-texts", wire.ReportTextView)

    def texts_of_item(self, review: str, item: str, *, newest_first: bool = False) -> Iterator[wire.ReportTextView]:
        """All that was written for an item, oldest first or newest, which is the one that holds."""
        path = f"/synthesis/reviews/{part(review)}/report-texts/{part(item)}"
        return self._http.pages(path, wire.ReportTextView, newest_first=newest_first or None)

    def write_report_text(self, review: str, item: str, text: str, *, seen: str | None = None) -> wire.ReportTextView:
        """Writes an item of reports, or confirms it by the same words. Raises Conflict where another than the one that
        was `seen` holds."""
        path = f"/synthesis/reviews/{part(review)}/report-texts/{part(item)}"
        return self._http.send("PUT", path, wire.ReportTextView, {"text": text, "seen": seen})
