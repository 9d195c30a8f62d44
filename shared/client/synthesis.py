"""The client's view of synthesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from datetime import date

    from shared.events.synthesis import Credibility, Element
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
    ) -> Iterator[wire.EvidenceView]:
        """Every link, of one record, CMOC or element, this one, or those that speak for a proposal, where given."""
        path = f"/synthesis/reviews/{part(review)}/evidence"
        asked = {"record": record, "cmoc": cmoc, "element": element, "link": link, "proposal": proposal}
        return self._http.pages(path, wire.EvidenceView, **asked)

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

    # Drafts and revisions

    def draft(self, review: str) -> wire.DraftView:
        return self._http.get(f"/synthesis/reviews/{part(review)}/draft", wire.DraftView)

    def sign(self, review: str, signed: wire.SignDraft | Mapping[str, object]) -> wire.RevisionView:
        """Publishes the draft that was seen. Raises Conflict when it is not the draft any more."""
        return self._http.post(f"/synthesis/reviews/{part(review)}/draft/sign", wire.RevisionView, signed)

    def revisions(self, review: str, *, newest_first: bool = False) -> Iterator[wire.RevisionListed]:
        """Every published revision, oldest first or newest."""
        path = f"/synthesis/reviews/{part(review)}/revisions"
        return self._http.pages(path, wire.RevisionListed, newest_first=newest_first)

    def revision(self, review: str, number: int) -> wire.RevisionView:
        return self._http.get(f"/synthesis/reviews/{part(review)}/revisions/{number}", wire.RevisionView)

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

    def diff(self, review: str, before: int, after: int) -> wire.Difference:
        return self._http.get(f"/synthesis/reviews/{part(review)}/diff", wire.Difference, before=before, after=after)

    # What asks for another look

    def rejudgements(self, review: str, state: str | None = None) -> Iterator[wire.RejudgementView]:
        """All of them, or those that are `open` or `closed`."""
        return self._http.pages(f"/synthesis/reviews/{part(review)}/rejudgements", wire.RejudgementView, state=state)

    def close_rejudgement(self, review: str, rejudgement: str, how: str) -> wire.RejudgementView:
        path = f"/synthesis/reviews/{part(review)}/rejudgements/{part(rejudgement)}/close"
        return self._http.post(path, wire.RejudgementView, {"how": how})

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
