"""What a review's stream carries, one event at a time: how its queue stands, how far it is, and its conflicts.

`id` is after which the stream goes on: sent as `Last-Event-ID`, what comes next is what came after.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.wire.screening import Funnel, StageQueue

#: What became of a conflict: it is there, it was decided, or it is none any more for now, as when it is parked.
ConflictTurn = Literal["opened", "decided", "ended"]


class QueueNow(BaseModel):
    """How each stage stands now, as `GET .../queue` says it."""

    kind: Literal["queue"] = "queue"
    id: str
    stages: list[StageQueue]


class ProgressNow(BaseModel):
    """Where the records are now, as `GET .../funnel` says it."""

    kind: Literal["progress"] = "progress"
    id: str
    funnel: Funnel


class ConflictTurned(BaseModel):
    """What became of a conflict, told to whoever may adjudicate; nothing of its votes."""

    kind: Literal["conflict"] = "conflict"
    id: str
    task: str
    stage: str
    turn: ConflictTurn
    at: datetime


class Gap(BaseModel):
    """What came after the id that was sent is not kept any more: look at the conflicts there are; from here on nothing
    is missed."""

    kind: Literal["gap"] = "gap"
    id: str


#: Any of them; `kind` says which.
Followed = QueueNow | ProgressNow | ConflictTurned | Gap
