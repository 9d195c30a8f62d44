"""The client's view of screening: claim, vote, and see how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter

from shared.client.http import Http
from shared.wire.screening import (
    Claim,
    ClaimRequest,
    Funnel,
    Kind,
    LeaseView,
    RecordHistory,
    RecordState,
    RecordSummary,
    StageAgreement,
    StageQueue,
    TaskInHand,
    TaskState,
    TaskSummary,
    VoteReceipt,
    VoteRequest,
)

_QUEUE = TypeAdapter(list[StageQueue])
_AGREEMENT = TypeAdapter(list[StageAgreement])


class ScreeningClient:
    """The queue of a review, one's leases and votes, and what became of each record."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def claim(self, review: str, stage: str | None = None, kind: Kind = "screening") -> TaskInHand | None:
        """The next task for me, under a lease (again the same one while it lives); None when nothing waits.

        Raises NotFound for an unknown review or stage, Forbidden for a role that may not adjudicate.
        """
        return self._http.post(f"{_at(review)}/claims", Claim, ClaimRequest(kind=kind, stage=stage)).task

    def vote(
        self,
        review: str,
        lease: str,
        answer: str,
        reason: str | None = None,
        fields: Mapping[str, str | Sequence[str]] | None = None,
    ) -> VoteReceipt:
        """Casts the vote a lease is for. Raises Conflict (`lease_lapsed`, `already_voted` ...), Forbidden
        (`not_your_lease`) or Invalid, whose `errors` name every field at fault."""
        given = {name: value if isinstance(value, str) else list(value) for name, value in (fields or {}).items()}
        ballot = VoteRequest(answer=answer, reason=reason, fields=given)
        return self._http.post(f"{_at(review)}/leases/{lease}/vote", VoteReceipt, ballot)

    def release(self, review: str, lease: str) -> LeaseView:
        """Gives a place back; the task goes to the end of the queue."""
        return self._http.post(f"{_at(review)}/leases/{lease}/release", LeaseView)

    def renew(self, review: str, lease: str) -> LeaseView:
        """Keeps a live lease for as long again from now."""
        return self._http.post(f"{_at(review)}/leases/{lease}/renew", LeaseView)

    def queue(self, review: str) -> list[StageQueue]:
        """How each stage stands."""
        return _QUEUE.validate_json(self._http.raw("GET", f"{_at(review)}/queue").content)

    def funnel(self, review: str) -> Funnel:
        """Where every record is now, and what became of those that entered each stage."""
        return self._http.get(f"{_at(review)}/funnel", Funnel)

    def agreement(self, review: str) -> list[StageAgreement]:
        """How far independent votes agree, stage by stage."""
        return _AGREEMENT.validate_json(self._http.raw("GET", f"{_at(review)}/agreement").content)

    def tasks(self, review: str, stage: str, state: TaskState = "open") -> Iterator[TaskSummary]:
        """The tasks of a stage in one state, in queue order."""
        return self._http.pages(f"{_at(review)}/stages/{stage}/tasks", TaskSummary, state=state)

    def conflicts(self, review: str, stage: str | None = None) -> Iterator[TaskSummary]:
        """The conflicts that wait for an adjudicator, in queue order."""
        return self._http.pages(f"{_at(review)}/conflicts", TaskSummary, stage=stage)

    def records(self, review: str, state: RecordState) -> Iterator[RecordSummary]:
        """The records in one state, by id."""
        return self._http.pages(f"{_at(review)}/records", RecordSummary, state=state)

    def record(self, review: str, record: str) -> RecordHistory:
        """One record's way through screening, with the votes I may see."""
        return self._http.get(f"{_at(review)}/records/{record}", RecordHistory)


def _at(review: str) -> str:
    return f"/screening/reviews/{review}"
