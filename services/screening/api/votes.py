"""The routes of those who think again: a vote that is taken back."""

from __future__ import annotations

from services.screening import views
from services.screening.api.router import Unit, router
from services.screening.commands import undoing
from shared.http.auth import Reviewer
from shared.http.parameters import Name
from shared.http.units import IdempotencyKey
from shared.wire.screening import VoteReceipt

Review = Name
Task = Name


@router.post("/reviews/{review}/tasks/{task}/take-back")
def undo_vote(review: Review, task: Task, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> VoteReceipt:
    """Takes this person's own vote on a task back, which is free until the task's last independent vote is in.

    It counts nowhere any more, and they may claim the task again. It is told once the task is closed, and not before.
    """
    command = f"take back {review} {task}"
    return work.once(key, command, None, lambda: views.vote_receipt(undoing.take_back(work, review, task), []))
