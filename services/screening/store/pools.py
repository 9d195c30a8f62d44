"""Assignments, the pools that they make, and the tasks that are to be in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

import orjson
from sqlalchemy import ColumnElement, delete, literal_column, select, tuple_
from sqlmodel import col

from services.screening import domain
from services.screening.domain import Pool, TaskStates
from services.screening.models import (
    AssignedRow,
    AssignmentRow,
    PoolMemberRow,
    PoolRow,
    ProtocolRow,
    Record,
    RecordRow,
    Task,
    TaskRow,
    Walk,
)
from services.screening.store.plans import forget_what_is_known, has_pools
from services.screening.store.records import task_id
from shared.db.many import each_of
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.events.stages import Stage
from shared.paging import Found, PageAsked

_POOLS = Said(
    """
SELECT stage, id, (SELECT count(*) FROM pool_members WHERE pool_members.pool = pools.id), begins, ends
FROM pools WHERE review = :review
"""
)
_ASSIGNED_TO = Said(
    "SELECT record, pool FROM assigned WHERE review = :review AND stage = :stage AND record {of_records}",
    sqlite={"of_records": "IN (SELECT value FROM json_each(:records))"}, postgresql={"of_records": "= ANY(:records)"},
)  # fmt: skip

_OF = "screening.pools"


def pools_at(work: Work, review: str, stage: str) -> Mapping[str, Pool]:
    """The pools of a stage by their ids; a review's are asked for once per work."""
    asked: dict[str, dict[str, dict[str, Pool]]] = work.session.info.setdefault(_OF, {})
    if review not in asked and not has_pools(work, review):
        return {}
    if review not in asked:
        found: dict[str, dict[str, Pool]] = defaultdict(dict)
        for at, id, *rest in work.rows.read(_POOLS, {"review": review}):
            found[at][id] = Pool(id, *rest)
        asked[review] = found
    return asked[review].get(stage, {})


def pools_of(
    work: Work, review: str, stage: Stage, records: Collection[str], *, arriving: bool = False
) -> dict[str, str]:
    """The pool of each of these records at a stage, '' being anybody. Those that are only `arriving` nobody can have
    named."""
    pools = pools_at(work, review, stage.name)
    if not pools:
        return dict.fromkeys(records, "")
    given = {"review": review, "stage": stage.name, "records": list(records)}
    named = {} if arriving else {record: pool for record, pool in work.rows.read(_ASSIGNED_TO, given)}
    return {record: domain.pool_of(stage, review, record, pools, named.get(record)) for record in records}


def pool_for(work: Work, review: str, stage: Stage, record: str, *, arriving: bool = False) -> str:
    """The pool of a record at a stage."""
    return pools_of(work, review, stage, [record], arriving=arriving)[record]


def parts_used(work: Work, review: str, stage: str) -> list[tuple[int, int]]:
    """Which parts of a stage's records are shared out, from the first to before the last."""
    return [
        (it.begins, it.ends)
        for it in pools_at(work, review, stage).values()
        if it.begins is not None and it.ends is not None
    ]


def lock_assigning(work: Work, review: str, version: int) -> None:
    """Holds the making of assignments of a review until this work ends, by its newest protocol version."""
    work.session.get(ProtocolRow, (review, version), with_for_update=True)
    # What was made while this waited counts.
    _forget(work)


def add_assignment(work: Work, row: AssignmentRow, pools: Iterable[tuple[PoolRow, Sequence[str]]]) -> None:
    """Keeps an assignment with its pools and the people of each."""
    work.add(row)
    for pool, people in pools:
        work.add(pool)
        for person in people:
            work.add(PoolMemberRow(review=row.review, person=person, stage=row.stage, pool=pool.id))
    work.session.flush()
    _forget(work)


def _forget(work: Work) -> None:
    """Has what pools there are be asked for anew."""
    work.session.info.pop(_OF, None)
    forget_what_is_known(work)


_ASSIGN = Said(
    """
INSERT INTO assigned (review, stage, record, pool, assignment)
SELECT :review, :stage, named.record, :pool, :assignment FROM {named} WHERE true ORDER BY named.record
ON CONFLICT (review, stage, record) DO UPDATE SET pool = excluded.pool, assignment = excluded.assignment
RETURNING record
""",
    sqlite={"named": "(SELECT value AS record FROM json_each(:records)) AS named"},
    postgresql={"named": "json_array_elements_text(CAST(:records AS json)) AS named(record)"},
)


def assign_records(work: Work, row: AssignmentRow, records: Collection[str]) -> None:
    """Has these records be of an assignment's one pool, whomever they were assigned to by name before."""
    given = {
        "review": row.review, "stage": row.stage, "pool": row.pools[0], "assignment": row.id,
        "records": orjson.dumps(list(records)).decode(),
    }  # fmt: skip
    work.rows.read(_ASSIGN, given)


def unknown_records(work: Work, review: str, records: Sequence[str]) -> list[int]:
    """Where in a list records are named that the review has not."""
    known = select(col(RecordRow.id)).where(
        col(RecordRow.review) == review,
        col(RecordRow.id).in_(select(each_of(work.session, records, col(RecordRow.id)))),
    )
    found = {record for (record,) in work.rows.read(known)}
    return [at for at, record in enumerate(records) if record not in found]


def end_pools(work: Work, row: AssignmentRow) -> None:
    """Takes an assignment's pools away, so that nothing is of them any more."""
    work.session.flush()
    work.session.execute(delete(PoolMemberRow).where(col(PoolMemberRow.pool).in_(row.pools)))
    work.session.execute(delete(PoolRow).where(col(PoolRow.id).in_(row.pools)))
    _forget(work)


def forget_assigned(work: Work, assignment: str) -> None:
    work.session.execute(delete(AssignedRow).where(col(AssignedRow.assignment) == assignment))


_LEAVE = Said("DELETE FROM pool_members WHERE review = :review AND person = :person RETURNING pool")


def leave_pools(work: Work, review: str, person: str) -> list[AssignmentRow]:
    """Takes somebody out of every pool; answers the assignments of these, held by this work until its end."""
    left = [pool for (pool,) in work.rows.read(_LEAVE, {"review": review, "person": person})]
    if not left:
        return []
    _forget(work)
    of = select(col(PoolRow.assignment)).where(col(PoolRow.id).in_(left))
    query = select(AssignmentRow).where(col(AssignmentRow.id).in_(of)).order_by(col(AssignmentRow.id)).with_for_update()
    return list(work.session.scalars(query))


def assignments_walking(work: Work) -> list[AssignmentRow]:
    """The assignments for which a job has something to go through by now."""
    due = col(AssignmentRow.due_at).is_(None) | (col(AssignmentRow.due_at) <= work.now)
    query = (
        select(AssignmentRow).where(col(AssignmentRow.walk).in_(get_args(Walk)), due).order_by(col(AssignmentRow.id))
    )
    return list(work.session.scalars(query))


def lock_assignment(work: Work, review: str, assignment: str) -> AssignmentRow | None:
    """An assignment, held by this work until its end."""
    row = work.session.get(AssignmentRow, assignment, with_for_update=True)
    return row if row is not None and row.review == review else None


def page_of_assignments(work: Work, review: str, page: PageAsked) -> Found[AssignmentRow]:
    """The assignments of a review, the first made first."""
    return read_page(
        work, select(AssignmentRow).where(col(AssignmentRow.review) == review), page, col(AssignmentRow.id)
    )


#: Tasks of a pool that are counted; of more it is said that they are so many.
COUNTED_OF_POOL = 10_000

_IN_POOLS = Said(
    """
SELECT pools.id, (SELECT count(*) FROM (
    SELECT 1 FROM tasks WHERE tasks.pool = pools.id AND tasks.pool <> '' LIMIT :most
) AS waiting) FROM pools WHERE id {of_ids}
""",
    sqlite={"of_ids": "IN (SELECT value FROM json_each(:ids))"}, postgresql={"of_ids": "= ANY(:ids)"},
)  # fmt: skip


def waiting_in_pools(work: Work, pools: Collection[str]) -> dict[str, int]:
    """How many open tasks are in each of these pools."""
    if not pools:
        return {}
    return {id: int(n) for id, n in work.rows.read(_IN_POOLS, {"ids": list(pools), "most": COUNTED_OF_POOL})}


def members_of_pools(work: Work, pools: Collection[str]) -> dict[str, list[str]]:
    """Who is in each of these pools, by name."""
    if not pools:
        return {}
    query = select(col(PoolMemberRow.pool), col(PoolMemberRow.person)).where(col(PoolMemberRow.pool).in_(pools))
    found: dict[str, list[str]] = defaultdict(list)
    for pool, person in sorted(work.rows.read(query)):
        found[pool].append(person)
    return found


# --- what a job goes through


def untouched_records(work: Work, review: str, stage: str) -> list[str]:
    """The records of the tasks of a stage that wait for anybody and that nobody has taken."""
    query = select(col(TaskRow.record)).where(
        col(TaskRow.review) == review, col(TaskRow.stage) == stage, col(TaskRow.state) == TaskStates.OPEN,
        literal_column("places > 0"), col(TaskRow.pool) == "", col(TaskRow.taker) == "",
    )  # fmt: skip
    return [record for (record,) in work.rows.read(query)]


def lock_open_after(work: Work, row: AssignmentRow, limit: int) -> list[Task]:
    """The next open tasks of an assignment's stage in the order of the queue, after what it reached, with their records
    held by this work until its end."""
    at_stage = (
        col(TaskRow.review) == row.review, col(TaskRow.stage) == row.stage, col(TaskRow.state) == TaskStates.OPEN,
    )  # fmt: skip
    return _lock(work, row.reached, limit, at_stage, (col(TaskRow.position), col(TaskRow.id)))


def lock_in_pools_after(work: Work, row: AssignmentRow, limit: int) -> list[Task]:
    """The same of what is in an assignment's pools, pool by pool."""
    in_pools: list[ColumnElement[bool]] = [col(TaskRow.pool).in_(row.pools), literal_column("pool <> ''")]
    return _lock(work, row.reached, limit, in_pools, (col(TaskRow.pool), col(TaskRow.id)))


def _lock(
    work: Work, reached: Sequence[object], limit: int, which: Sequence[ColumnElement[bool]], by: Sequence[Any]
) -> list[Task]:
    query = select(TaskRow, RecordRow).join(
        RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record)
    )
    query = query.where(*which).order_by(*by).limit(limit).with_for_update(of=[RecordRow, TaskRow])
    if reached:
        query = query.where(tuple_(*by) > tuple_(*reached))
    return _held(work, work.rows.read(query, None, TaskRow, RecordRow))


def lock_assigned_after(work: Work, row: AssignmentRow, limit: int) -> tuple[list[Task], str | None]:
    """The tasks of the next records that an assignment names, by record, with the last of these; None when it named no
    more."""
    names = select(col(AssignedRow.record)).where(col(AssignedRow.assignment) == row.id)
    if row.reached:
        names = names.where(col(AssignedRow.record) > row.reached[0])
    records = [record for (record,) in work.rows.read(names.order_by(col(AssignedRow.record)).limit(limit))]
    tasks = [task_id(row.review, record, row.stage) for record in records]
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(col(TaskRow.id).in_(select(each_of(work.session, tasks, col(TaskRow.id)))))
        .order_by(col(RecordRow.id))
        .with_for_update(of=[RecordRow, TaskRow])
    )
    found = _held(work, work.rows.read(query, None, TaskRow, RecordRow)) if tasks else []
    return found, records[-1] if len(records) == limit else None


def _held(work: Work, rows: Sequence[tuple[Task, Record]]) -> list[Task]:
    for task, record in rows:
        work.rows.keep(TaskRow, task)
        work.rows.keep(RecordRow, record)
    return [task for task, _ in rows]
