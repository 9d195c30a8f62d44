"""Leases: slots kept for people, and what each has in hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, delete, func, select
from sqlmodel import col

from services.screening.domain import TO_DECIDE
from services.screening.models import Lease, LeaseRow, OpinionRow, Record, RecordRow, Task, TaskRow
from services.screening.store.slots import Wanted
from shared.db.many import each_of
from shared.db.paging import read_plain_page
from shared.db.said import Said
from shared.db.work import Work
from shared.ids import first_id
from shared.paging import Found, PageAsked


class InHand(NamedTuple):
    """What a person has in hand: a lease, its task and the record."""

    lease: Lease
    task: Task
    record: Record


_IN_HAND = """
SELECT {leases}, {tasks}, {records} FROM leases
JOIN tasks ON tasks.id = leases.task
JOIN records ON records.review = leases.review AND records.id = leases.record
"""

_IN_HAND_OF = Said(
    _IN_HAND + "WHERE leases.review = :review AND leases.person = :person AND kind = :kind AND ended IS NULL",
    LeaseRow, TaskRow, RecordRow,
)  # fmt: skip
_IN_HAND_BY = Said(_IN_HAND + "WHERE leases.review = :review AND leases.id = :lease", LeaseRow, TaskRow, RecordRow)
_IN_HAND_LOCKED = Said(
    _IN_HAND + "WHERE leases.review = :review AND leases.id = :lease {lock}",
    # In this order, as everywhere: two who lock the same rows never wait for each other.
    LeaseRow, TaskRow, RecordRow, postgresql={"lock": "FOR UPDATE OF records, tasks, leases"},
)  # fmt: skip


def in_hand(work: Work, review: str, person: str, kind: str) -> list[InHand]:
    """The leases of a kind that a person has and that have not ended (some may have lapsed), oldest first."""
    given = {"review": review, "person": person, "kind": kind}
    rows = [InHand(*row) for row in work.rows.read(_IN_HAND_OF, given, LeaseRow, TaskRow, RecordRow)]
    return sorted(rows, key=lambda held: (held.lease.taken_at, held.lease.id))


def in_hand_by(work: Work, review: str, lease: str) -> InHand | None:
    """A lease with its task and record, for looking only."""
    found = work.rows.read(_IN_HAND_BY, {"review": review, "lease": lease}, LeaseRow, TaskRow, RecordRow)
    return InHand(*found[0]) if found else None


def page_of_leases(work: Work, review: str, person: str | None, page: PageAsked) -> Found[tuple[Lease, Record]]:
    """The leases that have not ended (some may have lapsed) with their records, by person."""
    query = (
        select(LeaseRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == LeaseRow.review) & (col(RecordRow.id) == LeaseRow.record))
        .where(col(LeaseRow.review) == review, col(LeaseRow.ended).is_(None))
    )
    if person is not None:
        query = query.where(col(LeaseRow.person) == person)
    by = (col(LeaseRow.person), col(LeaseRow.kind), col(LeaseRow.slot))
    return read_plain_page(work, query, page, *by, tables=[LeaseRow, RecordRow])


def conflicts_seen(work: Work, review: str, person: str) -> set[str]:
    """The conflicts that a person holds a live lease of, and has given their first look of."""
    look = (col(OpinionRow.task) == LeaseRow.task) & (col(OpinionRow.person) == person) & _IS_LOOK
    query = select(col(LeaseRow.task)).where(
        col(LeaseRow.review) == review,
        col(LeaseRow.person) == person,
        col(LeaseRow.kind) == TO_DECIDE,
        col(LeaseRow.ended).is_(None),
        col(LeaseRow.expires_at) > work.now,
    )
    return {lease.task for lease in work.rows.read(query.join(OpinionRow, look))}


_IS_LOOK = col(OpinionRow.kind) == "look"


def lock_in_hand(work: Work, review: str, lease: str) -> InHand | None:
    """A lease with its task and record, held by this work until its end: the record first, then the task, then
    the lease."""
    given = {"review": review, "lease": lease}
    found = work.rows.read(_IN_HAND_LOCKED, given, LeaseRow, TaskRow, RecordRow)
    if not found:
        return None
    held = InHand(*found[0])
    work.rows.keep(LeaseRow, held.lease)
    work.rows.keep(TaskRow, held.task)
    work.rows.keep(RecordRow, held.record)
    return held


#: Leases of slots just taken. One whose number another request of the person has taken meanwhile is left out.
_LEASES = Said(
    """
INSERT INTO leases (id, review, task, record, stage, person, kind, slot, unread, taken_at, expires_at)
SELECT taken.id, :review, taken.task, taken.record, taken.stage, :person, :kind, taken.slot, :unread, :taken_at,
    :expires_at
FROM {taken} WHERE true ORDER BY taken.slot
ON CONFLICT (review, person, kind, slot) WHERE ended IS NULL DO NOTHING RETURNING task
""",
    sqlite={
        "taken": """(
    SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.task') AS task,
           json_extract(value, '$.record') AS record, json_extract(value, '$.stage') AS stage,
           json_extract(value, '$.slot') AS slot
    FROM json_each(:rows)
) AS taken""",
    },
    postgresql={
        "taken": """json_to_recordset(CAST(:rows AS json))
    AS taken(id text, task text, record text, stage text, slot integer)""",
    },
)


def add_leases(work: Work, wanted: Wanted, rows: Sequence[Mapping[str, Any]], expires_at: datetime) -> set[str]:
    """Writes leases of this person; answers the tasks whose slot was still free."""
    given = {
        "review": wanted.review, "person": work.actor, "kind": wanted.kind, "unread": wanted.ahead,
        "taken_at": work.now, "expires_at": expires_at, "rows": orjson.dumps(rows).decode(),
    }  # fmt: skip
    return {task for (task,) in work.rows.read(_LEASES, given)}


_LEASES_OF = Said("SELECT {leases} FROM leases WHERE task = :task AND ended IS NULL", LeaseRow)


def leases_of(work: Work, task: Task) -> list[Lease]:
    """The live leases of a task, the oldest first."""
    found = work.rows.read(_LEASES_OF, {"task": task.id}, LeaseRow)
    return sorted(found, key=lambda lease: (lease.taken_at, lease.id))


def lock_lapsed(work: Work, limit: int, review: str | None = None, *, passing_over: bool = False) -> list[InHand]:
    """Some leases whose time is over, the longest first, with their tasks and records, held by this work until its
    end.

    They are locked in the order of their records, so that no two workers wait for each other; what others hold
    is waited for, or passed over. Those that others ended meanwhile are left out.
    """
    lapsed = select(col(LeaseRow.id)).where(col(LeaseRow.ended).is_(None), col(LeaseRow.expires_at) <= work.now)
    if review is not None:
        lapsed = lapsed.where(col(LeaseRow.review) == review)
    found = [lease for (lease,) in work.rows.read(lapsed.order_by(col(LeaseRow.expires_at)).limit(limit))]
    return lock_leases(work, found, passing_over=passing_over) if found else []


def lock_leases(work: Work, ids: Collection[str], *, passing_over: bool = False) -> list[InHand]:
    """Those of these leases that have lapsed and not ended, with their tasks and records, held by this work until its
    end."""
    chosen = col(LeaseRow.id).in_(select(each_of(work.session, ids, col(LeaseRow.id))))
    held = _locked_with_tasks(work, chosen, passing_over=passing_over)
    return [one for one in held if one.lease.ended is None and one.lease.expires_at <= work.now]


def lock_held_by(work: Work, review: str, person: str) -> list[InHand]:
    """The live leases that somebody holds in a review, with their tasks and records, held by this work until its
    end."""
    theirs = (col(LeaseRow.review) == review, col(LeaseRow.person) == person, col(LeaseRow.ended).is_(None))
    return [one for one in _locked_with_tasks(work, *theirs, passing_over=False) if one.lease.ended is None]


def _locked_with_tasks(work: Work, *which: ColumnElement[bool], passing_over: bool) -> list[InHand]:
    query = (
        select(LeaseRow, TaskRow, RecordRow)
        .join(TaskRow, col(TaskRow.id) == LeaseRow.task)
        .join(RecordRow, (col(RecordRow.review) == LeaseRow.review) & (col(RecordRow.id) == LeaseRow.record))
        .where(*which)
        .order_by(col(RecordRow.id), col(TaskRow.id), col(LeaseRow.id))
        .with_for_update(of=[RecordRow, TaskRow, LeaseRow], skip_locked=passing_over)
    )
    found = [InHand(*row) for row in work.rows.read(query, None, LeaseRow, TaskRow, RecordRow)]
    for held in found:
        work.rows.keep(LeaseRow, held.lease)
        work.rows.keep(TaskRow, held.task)
        work.rows.keep(RecordRow, held.record)
    return found


def forget_leases(work: Work, before: datetime, limit: int) -> int:
    """Takes away the oldest leases that have ended and were taken before then; answers how many."""
    old = select(col(LeaseRow.id)).where(col(LeaseRow.id) < first_id("lease", before), col(LeaseRow.ended).is_not(None))
    ids = work.session.scalars(old.order_by(col(LeaseRow.id)).limit(limit)).all()
    work.session.execute(delete(LeaseRow).where(col(LeaseRow.id).in_(ids)))
    return len(ids)


def in_hand_of(work: Work, review: str, person: str) -> dict[tuple[str, str], int]:
    """How many leases of a person live, by (stage, kind)."""
    query = select(col(LeaseRow.stage), col(LeaseRow.kind)).where(
        col(LeaseRow.review) == review,
        col(LeaseRow.person) == person,
        col(LeaseRow.ended).is_(None),
        col(LeaseRow.expires_at) > work.now,
    )
    return Counter((stage, kind) for stage, kind in work.rows.read(query))


def leases_in_hand(work: Work, review: str, at: datetime) -> dict[tuple[str, str], int]:
    """How many leases live, by (stage, kind)."""
    query = (
        select(col(LeaseRow.stage), col(LeaseRow.kind), func.count())
        .where(col(LeaseRow.review) == review, col(LeaseRow.ended).is_(None), col(LeaseRow.expires_at) > at)
        .group_by(col(LeaseRow.stage), col(LeaseRow.kind))
    )
    return {(stage, kind): n for stage, kind, n in work.rows.read(query)}
