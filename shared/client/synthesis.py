"""The client's view of synthesis."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter

from shared.client.http import Http
from shared.wire.synthesis import (
    BatchTaken,
    CmocView,
    Difference,
    DraftView,
    EvidenceBatch,
    EvidenceGiven,
    EvidenceTaken,
    EvidenceView,
    Judged,
    RejudgementView,
    ReportView,
    RevisionListed,
    RevisionView,
    SignDraft,
    StatusView,
    StudyGiven,
    SupportTable,
    TheoryEventView,
    TriggerView,
    Verified,
    Withdrawal,
    Withdrawn,
)

_CMOCS = TypeAdapter(list[CmocView])


class SynthesisClient:
    """Evidence, what it says of the theories, and the signed revisions."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # Where a review stands

    def status(self, review: str) -> StatusView:
        return self._http.get(f"/synthesis/reviews/{review}", StatusView)

    # Evidence

    def link(self, review: str, batch: EvidenceBatch) -> BatchTaken:
        """Ties fragments to CMOCs: all are taken, or none. Raises NotFound while a record's inclusion is still
        on its way."""
        return self._http.post(f"/synthesis/reviews/{review}/evidence/batch", BatchTaken, batch)

    def link_one(self, review: str, evidence: EvidenceGiven) -> EvidenceTaken:
        """Ties one fragment to CMOCs."""
        return self._http.post(f"/synthesis/reviews/{review}/evidence", EvidenceTaken, evidence)

    def evidence(self, review: str, *, record: str | None = None, cmoc: str | None = None) -> Iterator[EvidenceView]:
        """Every link, of one record or CMOC where given."""
        return self._http.pages(f"/synthesis/reviews/{review}/evidence", EvidenceView, record=record, cmoc=cmoc)

    def withdraw(self, review: str, fragment: str, why: str, *, link: str | None = None) -> Withdrawn:
        body = Withdrawal(why=why, link=link)
        return self._http.post(f"/synthesis/reviews/{review}/evidence/{fragment}/withdraw", Withdrawn, body)

    def reports(self, review: str) -> Iterator[ReportView]:
        return self._http.pages(f"/synthesis/reviews/{review}/reports", ReportView)

    def join_study(self, review: str, record: str, why: str, *, same_as: str | None) -> ReportView:
        """Counts a record's report as one of another's study; as a study of its own again with None."""
        body = StudyGiven(same_as=same_as, why=why)
        return self._http.post(f"/synthesis/reviews/{review}/reports/{record}/study", ReportView, body)

    # The theories

    def cmocs(self, review: str) -> list[CmocView]:
        return _CMOCS.validate_json(self._http.raw("GET", f"/synthesis/reviews/{review}/cmocs").content)

    def history(self, review: str, cmoc: str) -> Iterator[TheoryEventView]:
        return self._http.pages(f"/synthesis/reviews/{review}/cmocs/{cmoc}/history", TheoryEventView)

    def support(self, review: str) -> SupportTable:
        return self._http.get(f"/synthesis/reviews/{review}/support", SupportTable)

    # Drafts and revisions

    def draft(self, review: str) -> DraftView:
        return self._http.get(f"/synthesis/reviews/{review}/draft", DraftView)

    def sign(self, review: str, signed: SignDraft) -> RevisionView:
        """Publishes the draft that was seen. Raises Conflict when it is not the draft any more."""
        return self._http.post(f"/synthesis/reviews/{review}/draft/sign", RevisionView, signed)

    def revisions(self, review: str) -> Iterator[RevisionListed]:
        return self._http.pages(f"/synthesis/reviews/{review}/revisions", RevisionListed)

    def revision(self, review: str, number: int) -> RevisionView:
        return self._http.get(f"/synthesis/reviews/{review}/revisions/{number}", RevisionView)

    def verify(self, review: str, number: int) -> Verified:
        return self._http.get(f"/synthesis/reviews/{review}/revisions/{number}/verify", Verified)

    def diff(self, review: str, before: int, after: int) -> Difference:
        return self._http.get(f"/synthesis/reviews/{review}/diff", Difference, before=before, after=after)

    # What asks for another look

    def rejudgements(self, review: str, state: str | None = None) -> Iterator[RejudgementView]:
        """All of them, or those that are `open` or `closed`."""
        return self._http.pages(f"/synthesis/reviews/{review}/rejudgements", RejudgementView, state=state)

    def close_rejudgement(self, review: str, rejudgement: str, how: str) -> RejudgementView:
        path = f"/synthesis/reviews/{review}/rejudgements/{rejudgement}/close"
        return self._http.post(path, RejudgementView, Judged(how=how))

    def triggers(self, review: str) -> Iterator[TriggerView]:
        return self._http.pages(f"/synthesis/reviews/{review}/triggers", TriggerView)
