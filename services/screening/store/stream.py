"""The stream of a review: what became of its conflicts, numbered once it is committed, so that nobody misses one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, delete, select, text
from sqlmodel import col

from services.screening.domain import TaskStates
from services.screening.models import ConflictTurnRow, QueueStandingRow, StreamRow, Task
from shared.db.said import Said
from shared.db.work import Work
from shared.wire.screening import TaskState
from shared.wire.stream import ConflictTurn

#: How many are numbered in one transaction.
_NUMBERED = 500

_BEGIN = Said("INSERT INTO streams (review, last) VALUES (:review, 0) ON CONFLICT (review) DO NOTHING")
_LOCK = Said("SELECT last FROM streams WHERE review = :review {locked}", postgresql={"locked": "FOR UPDATE"})
_NUMBER = text("UPDATE conflict_turns SET number = :number WHERE id = :turn")
_LAST = text("UPDATE streams SET last = :last WHERE review = :review")


class Turned(NamedTuple):
    """What became of a conflict, as the review's stream has it."""

    number: int
    task: str
    stage: str
    turn: ConflictTurn
    at: datetime


class ConflictTurns:
    """What one work makes of conflicts, appended just before its commit."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._turns: list[dict[str, object]] = []

    def add(self, task: Task, turn: ConflictTurn) -> None:
        self._turns.append(
            {"review": task.review, "task": task.id, "stage": task.stage, "turn": turn, "at": self._work.now}
        )

    def flush(self) -> None:
        self._work.rows.insert(ConflictTurnRow, self._turns)
        self._turns = []


def note_turn(work: Work, task: Task, before: TaskState) -> None:
    """Notes where a task became a conflict, or is none any more."""
    if task.state == TaskStates.CONFLICT:
        turn: ConflictTurn = "opened"
    elif before == TaskStates.CONFLICT:
        turn = "decided" if task.state in TaskStates.DECIDED else "ended"
    else:
        return
    work.before_commit("screening.conflict_turns", lambda: ConflictTurns(work)).add(task, turn)


def is_numbered(work: Work, review: str) -> bool:
    """Whether all that became of conflicts has its number."""
    return not work.rows.read(_without_number(review).limit(1))


def number_turns(work: Work, review: str) -> int:
    """Gives the oldest that have no number yet theirs; answers how many. Whoever else does so waits, so that below
    what somebody can read nothing is missing."""
    connection, of = work.rows.connection, {"review": review}
    _BEGIN.run(connection, of)
    (last,) = _LOCK.run(connection, of).fetchone() or (0,)
    ids = [row.id for row in work.rows.read(_without_number(review).order_by(col(ConflictTurnRow.id)).limit(_NUMBERED))]
    if ids:
        connection.execute(_NUMBER, [{"turn": id, "number": last + n} for n, id in enumerate(ids, start=1)])
        connection.execute(_LAST, {"review": review, "last": last + len(ids)})
    return len(ids)


def _without_number(review: str) -> Select[int | None]:
    return select(col(ConflictTurnRow.id)).where(
        col(ConflictTurnRow.review) == review, col(ConflictTurnRow.number).is_(None)
    )


def last_number(work: Work, review: str) -> int:
    """The last number in the stream of a review; 0 where nothing is."""
    found = work.rows.read(select(col(StreamRow.last)).where(col(StreamRow.review) == review))
    return int(found[0].last) if found else 0


def turns_after(work: Work, review: str, number: int, limit: int) -> list[Turned]:
    """The first of those that are numbered higher, in order."""
    return _turns(work, review, number, limit, newest=False)


def newest_turns(work: Work, review: str, number: int, limit: int) -> list[Turned]:
    """The last of those that are numbered higher, in order."""
    return _turns(work, review, number, limit, newest=True)[::-1]


def _turns(work: Work, review: str, number: int, limit: int, *, newest: bool) -> list[Turned]:
    of = col(ConflictTurnRow.number)
    query = select(
        of, col(ConflictTurnRow.task), col(ConflictTurnRow.stage), col(ConflictTurnRow.turn), col(ConflictTurnRow.at)
    ).where(col(ConflictTurnRow.review) == review, of > number)
    rows = work.rows.read(query.order_by(of.desc() if newest else of).limit(limit))
    return [Turned(int(row.number), row.task, row.stage, row.turn, row.at) for row in rows]


def reviews_without_numbers(work: Work) -> list[str]:
    """The reviews of which something has no number yet."""
    query = select(col(ConflictTurnRow.review)).where(col(ConflictTurnRow.number).is_(None)).distinct()
    return [row.review for row in work.rows.read(query)]


def forget_turns(work: Work, before: datetime, limit: int) -> int:
    """Takes away the oldest that are numbered and from before then; answers how many."""
    id = col(ConflictTurnRow.id)
    oldest = select(id, col(ConflictTurnRow.at)).where(col(ConflictTurnRow.number).is_not(None)).order_by(id)
    ids = [row.id for row in work.rows.read(oldest.limit(limit)) if row.at < before]
    work.session.execute(delete(ConflictTurnRow).where(id.in_(ids)))
    return len(ids)


def lock_queue_standing(work: Work, review: str) -> QueueStandingRow | None:
    """How the stages stood when it was told last, locked until this work ends; None where it never was."""
    return work.session.get(QueueStandingRow, review, with_for_update=True)
