"""The routes of those who think again: a vote that is taken back, what one would answer after seeing the others, and a
decision that is opened again."""

from __future__ import annotations

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import reopening, revising, undoing
from services.screening.domain import Ballot
from shared.errors import NotFound
from shared.http.auth import Lead, Reader, Reviewer
from shared.http.parameters import Name
from shared.http.units import IdempotencyKey
from shared.wire.screening import RecordSummary, ReopenRequest, TaskForm, VoteReceipt, VoteRequest

Review = Name
Record = Name
Task = Name


@router.post("/reviews/{review}/tasks/{task}/take-back")
def undo_vote_on_task(
    review: Review, task: Task, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> VoteReceipt:
    """Takes this person's own vote on a task back, which is free until the task's last independent vote is in.

    It counts nowhere any more, and they may claim the task again. It is told once the task is closed, and not before.
    """
    command = f"take back {review} {task}"
    return work.once(key, command, None, lambda: views.vote_receipt(work, undoing.take_back(work, review, task)))


@router.post("/reviews/{review}/tasks/{task}/revise")
def keep_revised_vote_on_task(
    review: Review, task: Task, body: VoteRequest, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> VoteReceipt:
    """Keeps what this person would answer now that all votes on a task are in, beside the vote they cast.

    It changes no decision and no figure of agreement, and is told once the task is closed.
    """
    ballot = Ballot(body.answer, body.reason, body.fields, body.excluded_for, body.judged_for)
    command = f"revise {review} {task}"
    return work.once(key, command, body, lambda: views.vote_receipt(work, revising.revise(work, review, task, ballot)))


@router.post("/reviews/{review}/records/{record}/reopen")
def send_record_back(
    review: Review, record: Record, body: ReopenRequest, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RecordSummary:
    """Opens a record again at a stage that was decided about it. The votes of before are kept: they count no more and
    people vote anew, or they stand and an adjudicator decides."""

    def send_back() -> RecordSummary:
        votes_stand = body.votes == "stand"
        return views.record_summary(
            reopening.reopen(work, review, record, body.stage, body.reason, votes_stand=votes_stand)
        )

    return work.once(key, f"reopen {review} {record}", body, send_back)


@router.get("/reviews/{review}/tasks/{task}")
def show_task(review: Review, task: Task, work: Reading, person: Reader) -> TaskForm:
    """What a task asks, under the protocol version it was opened with."""
    found = store.tasks_by_id(work, [task]).get(task)
    if found is None or found.review != review:
        raise NotFound(f"review {review!r} has no task {task!r}", slug="unknown_task")
    return views.task_form(work, found)
