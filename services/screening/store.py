"""Every query of screening, and the locks that keep two people from taking one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel

from services.screening.models import CountRow, LeaseRow, PairRow, ProtocolRow, RecordRow, TaskRow, VoteRow
from shared.db.many import each_of
from shared.db.work import Work
from shared.events.protocol import Protocol
from shared.ids import id_of

# --- protocols


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol version, read."""

    version: int
    protocol: Protocol


def newest(work: Work, review: str) -> Plan | None:
    """The newest protocol version that screening has heard of; asked once per work."""
    plans = _plans(work)
    if review not in plans:
        query = select(ProtocolRow).where(ProtocolRow.review == review).order_by(ProtocolRow.version.desc()).limit(1)
        row = work.session.execute(query).scalar_one_or_none()
        if row is None:
            return None
        plans[review] = Plan(row.version, _parsed(row.document))
    return plans[review]


def plan_of(work: Work, task: TaskRow) -> Plan:
    """The version that a task was opened under."""
    row = work.session.get_one(ProtocolRow, (task.review, task.protocol_version))
    return Plan(row.version, _parsed(row.document))


def adopt(work: Work, row: ProtocolRow) -> None:
    work.add(row)
    _plans(work).pop(row.review, None)


def rechecks(work: Work) -> list[ProtocolRow]:
    """The versions whose changed dates some records have not been held against."""
    query = select(ProtocolRow).where(ProtocolRow.recheck_after.is_not(None)).order_by(ProtocolRow.review)
    return list(work.session.execute(query).scalars())


def _plans(work: Work) -> dict[str, Plan]:
    return work.session.info.setdefault("screening.plans", {})


@lru_cache(maxsize=100)
def _parsed(document: str) -> Protocol:
    """Parsed once per process: a version never changes."""
    return Protocol.model_validate_json(document)


# --- records


def task_id(review: str, record: str, stage: str) -> str:
    """A record has one task a stage, and anybody can work out its id."""
    return id_of("task", review, record, stage)


def known_records(work: Work, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (review, record) pairs are here already."""
    reviews: dict[str, list[str]] = {}
    for review, record in keys:
        reviews.setdefault(review, []).append(record)
    known: set[tuple[str, str]] = set()
    for review, records in reviews.items():
        wanted = each_of(work.session, records, RecordRow.id)
        # A subquery for each, since planners without statistics would rather read all records of the review.
        found = select(RecordRow.id).where(RecordRow.review == review, RecordRow.id == wanted).scalar_subquery()
        query = select(wanted).where(found.is_not(None))
        known |= {(review, record) for record in work.session.execute(query).scalars()}
    return known


def lock_record(work: Work, review: str, record: str) -> RecordRow | None:
    """A record, held by this work until its end. Records are locked before tasks, tasks before leases."""
    work.session.flush()
    return work.session.get(RecordRow, (review, record), with_for_update=True, populate_existing=True)


def record_of(work: Work, task: TaskRow) -> RecordRow:
    return work.session.get_one(RecordRow, (task.review, task.record))


def task_of(work: Work, lease: LeaseRow) -> TaskRow:
    return work.session.get_one(TaskRow, lease.task)


def get_record(work: Work, review: str, record: str) -> RecordRow | None:
    return work.session.get(RecordRow, (review, record))


def absorbed_by(work: Work, record: RecordRow) -> list[RecordRow]:
    """The records that were merged into this one, the first merged first."""
    query = select(RecordRow).where(RecordRow.review == record.review, RecordRow.merged_into == record.id)
    rows = work.session.execute(query).scalars()
    return sorted(rows, key=lambda row: (row.merge["at"], row.id))  # type: ignore[index]


def lock_page_in_screening_or_ruled_out(work: Work, review: str, after: str, limit: int) -> list[RecordRow]:
    """Some records by id that the dates may concern: in screening, or kept out by a rule."""
    query = (
        select(RecordRow)
        .where(RecordRow.review == review, RecordRow.id > after, RecordRow.state.in_(["screening", "excluded"]))
        .order_by(RecordRow.id)
        .limit(limit)
        .with_for_update()
    )
    return list(work.session.execute(query).scalars())


def page_of_records(
    work: Work, review: str, state: str, after: Sequence[Any] | None, limit: int
) -> Sequence[RecordRow]:
    query = select(RecordRow).where(RecordRow.review == review, RecordRow.state == state)
    if after is not None:
        query = query.where(RecordRow.id > after[0])
    return work.session.execute(query.order_by(RecordRow.id).limit(limit)).scalars().all()


# --- tasks


def lock_task(work: Work, task: str) -> TaskRow:
    """A task, held by this work until its end: whoever adds or ends a lease or vote of it holds it first."""
    work.session.flush()
    return work.session.get_one(TaskRow, task, with_for_update=True, populate_existing=True)


def lock_task_at(work: Work, record: RecordRow, stage: str) -> TaskRow | None:
    """The task that a record has or had at a stage, held; None when it never came there."""
    work.session.flush()
    task = task_id(record.review, record.id, stage)
    return work.session.get(TaskRow, task, with_for_update=True, populate_existing=True)


def lock_waiting_task(work: Work, record: RecordRow) -> TaskRow:
    """The open task or conflict of a record that is in screening, held."""
    return lock_task(work, task_id(record.review, record.id, record.stage or ""))


def tasks_of(work: Work, record: RecordRow, stages: Iterable[str]) -> list[TaskRow]:
    """The tasks a record has had at these stages, the first opened first."""
    ids = [task_id(record.review, record.id, stage) for stage in stages]
    rows = work.session.execute(select(TaskRow).where(TaskRow.id.in_(ids))).scalars()
    return sorted(rows, key=lambda task: (task.opened_at, task.position))


def tasks_by_id(work: Work, ids: Collection[str]) -> dict[str, TaskRow]:
    rows = work.session.execute(select(TaskRow).where(TaskRow.id.in_(ids))).scalars()
    return {task.id: task for task in rows}


def page_of_tasks(
    work: Work, review: str, stage: str, state: str, after: Sequence[Any] | None, limit: int
) -> Sequence[tuple[TaskRow, RecordRow]]:
    """Tasks of a stage in a state with their records, in queue order."""
    return _page(work, [TaskRow.review == review, TaskRow.stage == stage, TaskRow.state == state], after, limit)


def page_of_conflicts(
    work: Work, review: str, stage: str | None, after: Sequence[Any] | None, limit: int
) -> Sequence[tuple[TaskRow, RecordRow]]:
    """Open conflicts, of one stage or all, in queue order."""
    if stage is not None:
        return page_of_tasks(work, review, stage, "conflict", after, limit)
    # Spelt out, not bound: the planners must see that the partial index serves.
    return _page(work, [TaskRow.review == review, TaskRow.state == literal_column("'conflict'")], after, limit)


def _page(
    work: Work, conditions: list[ColumnElement[bool]], after: Sequence[Any] | None, limit: int
) -> Sequence[tuple[TaskRow, RecordRow]]:
    query: Select[Any] = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (RecordRow.review == TaskRow.review) & (RecordRow.id == TaskRow.record))
        .where(*conditions)
        .order_by(TaskRow.position, TaskRow.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(TaskRow.position, TaskRow.id) > tuple_(*after))
    return work.session.execute(query).all()  # type: ignore[return-value]


# --- the queue

#: Everyone who stands first on some free task of the queue, found by leaps over the index: each costs one
#: descent, however many tasks lie between. And of each: where in the queue their first task is that this
#: person has no part in. Only where more than two people share a task is anything looked through for that,
#: and then in the index alone.
_HEADS = text(
    """
WITH RECURSIVE heads(taker) AS (
    SELECT min(taker) FROM tasks WHERE review = :review AND stage = :stage AND state = :state AND places > 0
    UNION ALL
    SELECT (SELECT min(taker) FROM tasks WHERE review = :review AND stage = :stage AND state = :state AND places > 0
            AND taker > heads.taker)
    FROM heads WHERE heads.taker IS NOT NULL
)
SELECT taker, (
    SELECT position FROM tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND taker = heads.taker
      AND replace(takers, :mark, '') = takers AND adjudicators IN :roles
    ORDER BY position LIMIT 1
) AS head
FROM heads WHERE taker IS NOT NULL AND taker <> :person
"""
).bindparams(bindparam("roles", expanding=True))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone asks the queue for: tasks in `state`, whose adjudicators are of one of these `roles`."""

    review: str
    stage: str
    state: str
    person: str
    roles: tuple[str, ...]

    @property
    def mark(self) -> str:
        """How the person stands among a task's takers."""
        return f"\n{self.person}\n"


def heads(work: Work, wanted: Wanted) -> list[str]:
    """The takers whose free tasks hold something for this person, the head of the queue first."""
    work.session.flush()
    found = work.session.execute(_HEADS, {**asdict(wanted), "mark": wanted.mark})
    return [taker for taker, head in sorted(found, key=lambda row: row.head or 0) if head is not None]


def take_place(work: Work, wanted: Wanted, taker: str) -> TaskRow | None:
    """Takes a place of the first free task of this taker's, in one statement; None when none is left.

    On PostgreSQL, rows that others hold at this moment are passed over; SQLite has one writer at a time.
    """
    free = aliased(TaskRow)
    first = (
        select(free.id)
        .where(
            free.review == wanted.review,
            free.stage == wanted.stage,
            free.state == wanted.state,
            free.places > literal_column("0"),
            free.taker == taker,
            func.replace(free.takers, wanted.mark, "") == free.takers,
            free.adjudicators.in_(wanted.roles),
        )
        .order_by(free.position, free.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    take = (
        update(TaskRow)
        .where(TaskRow.id == first.scalar_subquery())
        .values(
            places=TaskRow.places - 1,
            taker=taker or wanted.person,
            takers=TaskRow.takers + wanted.mark.lstrip("\n") if taker else wanted.mark,
        )
        .returning(TaskRow)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return work.session.execute(take).scalar_one_or_none()


# --- leases


def live_lease(work: Work, review: str, person: str, kind: str) -> LeaseRow | None:
    query = select(LeaseRow).where(
        LeaseRow.review == review, LeaseRow.person == person, LeaseRow.kind == kind, LeaseRow.ended.is_(None)
    )
    return work.session.execute(query).scalar_one_or_none()


def add_lease(work: Work, row: Mapping[str, Any]) -> bool:
    """Writes a lease; False when the person has a live one of the kind, taken by another request just now."""
    work.session.flush()
    statement = _dialect(work).insert(LeaseRow.__table__).values(**row).on_conflict_do_nothing()  # type: ignore[attr-defined]
    return work.session.execute(statement.returning(LeaseRow.__table__.c.id)).first() is not None  # type: ignore[attr-defined]


def get_lease(work: Work, review: str, lease: str) -> LeaseRow | None:
    row = work.session.get(LeaseRow, lease)
    return row if row is not None and row.review == review else None


def lock_lease(work: Work, lease: LeaseRow) -> None:
    """Reads a lease again and holds it; its task must be held already."""
    work.session.flush()
    work.session.refresh(lease, with_for_update=True)


def leases_of(work: Work, task: TaskRow) -> list[LeaseRow]:
    """The live leases of a task, the oldest first."""
    query = select(LeaseRow).where(LeaseRow.task == task.id, LeaseRow.ended.is_(None))
    return sorted(work.session.execute(query).scalars(), key=lambda lease: (lease.taken_at, lease.id))


def lapsed_leases(work: Work, limit: int, review: str | None = None) -> list[LeaseRow]:
    """Live leases whose time is over, in the order of their tasks, so that no two workers wait for each other."""
    query = select(LeaseRow).where(LeaseRow.ended.is_(None), LeaseRow.expires_at <= work.now)
    if review is not None:
        query = query.where(LeaseRow.review == review)
    rows = work.session.execute(query.order_by(LeaseRow.expires_at).limit(limit)).scalars()
    return sorted(rows, key=lambda lease: lease.task)


def leases_in_hand(work: Work, review: str, at: datetime) -> dict[tuple[str, str], int]:
    """How many leases live, by (stage, kind)."""
    query = (
        select(LeaseRow.stage, LeaseRow.kind, func.count())
        .where(LeaseRow.review == review, LeaseRow.ended.is_(None), LeaseRow.expires_at > at)
        .group_by(LeaseRow.stage, LeaseRow.kind)
    )
    return {(stage, kind): n for stage, kind, n in work.session.execute(query)}


# --- votes


def votes_on(work: Work, task: str) -> list[VoteRow]:
    """The votes that count on a task, in the order they were cast, the deciding one last."""
    rows = work.session.execute(select(VoteRow).where(VoteRow.task == task)).scalars()
    return sorted(rows, key=_in_order)


def votes_about(work: Work, tasks: Collection[str]) -> list[VoteRow]:
    """The votes that count on these tasks or were cast on them, in order."""
    query = select(VoteRow).where(VoteRow.task.in_(tasks) | VoteRow.cast_on.in_(tasks))
    return sorted(work.session.execute(query).scalars(), key=_in_order)


def tasks_voted_by(work: Work, person: str, tasks: Collection[str]) -> set[str]:
    """Those of these tasks that a person has voted on."""
    query = select(VoteRow.task).where(VoteRow.person == person, VoteRow.task.in_(tasks))
    return set(work.session.execute(query).scalars())


def _in_order(vote: VoteRow) -> tuple[bool, datetime, str]:
    return vote.deciding, vote.cast_at, vote.person


# --- counts


class Counts:
    """What one work changes in the counts, written just before its commit so that no row waits long.

    Rows are written in one order everywhere, so that two works never wait for each other.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._states: Counter[tuple[str, str, str]] = Counter()
        self._pairs: Counter[tuple[str, str, str, str]] = Counter()

    def move(self, review: str, stage: str, before: str | None, after: str) -> None:
        """A task of `stage` (a record: stage '') goes from one state to another; None is from nowhere."""
        self._states[review, stage, after] += 1
        if before is not None:
            self._states[review, stage, before] -= 1

    def pair(self, review: str, stage: str, first: str, second: str) -> None:
        self._pairs[review, stage, first, second] += 1

    def flush(self) -> None:
        _add_up(self._work, CountRow, ("review", "stage", "state"), self._states)
        _add_up(self._work, PairRow, ("review", "stage", "first", "second"), self._pairs)
        self._states.clear()
        self._pairs.clear()


def counts(work: Work) -> Counts:
    """The counts of this work."""
    return work.before_commit("screening.counts", lambda: Counts(work))


def _add_up(work: Work, table: type[SQLModel], names: tuple[str, ...], changes: Mapping[tuple[str, ...], int]) -> None:
    rows = [dict(zip((*names, "n"), (*key, n), strict=True)) for key, n in sorted(changes.items()) if n]
    if rows:
        new = _dialect(work).insert(table.__table__)  # type: ignore[attr-defined]
        n = table.__table__.c.n  # type: ignore[attr-defined]
        work.session.execute(new.on_conflict_do_update(index_elements=names, set_={"n": n + new.excluded.n}), rows)


def counted(work: Work, review: str) -> dict[str, dict[str, int]]:
    """Stage -> state -> how many tasks; stage '' counts records."""
    told: dict[str, dict[str, int]] = {}
    for row in work.session.execute(select(CountRow).where(CountRow.review == review)).scalars():
        told.setdefault(row.stage, {})[row.state] = row.n
    return told


def paired(work: Work, review: str) -> dict[str, dict[tuple[str, str], int]]:
    """Stage -> (answer of who comes first by name, the other's) -> how often on closed two-vote tasks."""
    told: dict[str, dict[tuple[str, str], int]] = {}
    for row in work.session.execute(select(PairRow).where(PairRow.review == review)).scalars():
        told.setdefault(row.stage, {})[row.first, row.second] = row.n
    return told


def _dialect(work: Work) -> Any:
    return sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
