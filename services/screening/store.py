"""Every query of screening, and the locks that keep two people from taking one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, TextClause, bindparam, func, literal_column, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.util import identity_key
from sqlmodel import SQLModel

from services.screening.models import ChangeRow, CountRow, LeaseRow, ProtocolRow, RecordRow, TaskRow, VoteRow
from shared.db.many import each_of, insert_many, is_sqlite
from shared.db.types import Instant
from shared.db.work import Work
from shared.events.protocol import Protocol
from shared.ids import id_of

Row = TypeVar("Row", bound=SQLModel)

# --- protocols


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol version, read."""

    version: int
    protocol: Protocol


class Plans:
    """The protocol versions of one database, read once per process: a version never changes."""

    def __init__(self, most: int = 300) -> None:
        self._read: dict[tuple[str, int], Plan] = {}
        self._most = most

    def of(self, work: Work, review: str, version: int) -> Plan:
        """A version that is there."""
        plan = self._read.get((review, version))
        if plan is None:
            row = work.session.get_one(ProtocolRow, (review, version))
            plan = self._read[review, version] = Plan(version, Protocol.model_validate_json(row.document))
            while len(self._read) > self._most:
                self._read.pop(next(iter(self._read)), None)
        return plan


_VERSIONS = text("SELECT version FROM protocols WHERE review = :review ORDER BY version DESC")


def versions(work: Work, review: str) -> list[int]:
    """The numbers of the protocol versions that screening has heard of, newest first; asked once per work."""
    asked = work.session.info.setdefault("screening.versions", {})
    if review not in asked:
        asked[review] = list(work.session.connection().execute(_VERSIONS, {"review": review}).scalars())
    return asked[review]


def newest(work: Work, review: str) -> Plan | None:
    """The newest protocol version that screening has heard of."""
    known = versions(work, review)
    return work.resources.of(work, review, known[0]) if known else None


def plan_of(work: Work, task: TaskRow) -> Plan:
    """The version that a task was opened under."""
    return work.resources.of(work, task.review, task.protocol_version)


def dropped_stages(work: Work, review: str) -> set[str]:
    """The stages that older versions had and the newest has not."""
    had, *rest = [
        {stage.name for stage in work.resources.of(work, review, version).protocol.stages}
        for version in versions(work, review)
    ]
    return set().union(*rest) - had


def adopt(work: Work, row: ProtocolRow) -> None:
    work.add(row)
    work.session.flush()
    work.session.info.pop("screening.versions", None)


def rechecks(work: Work) -> list[ProtocolRow]:
    """The versions whose changed dates some records have not been held against."""
    query = select(ProtocolRow).where(ProtocolRow.recheck_after.is_not(None)).order_by(ProtocolRow.review)
    return list(work.session.execute(query).scalars())


# --- what this work holds


def _hold(work: Work, table: type[Row], key: Any) -> Row | None:
    """A row, locked and read anew; once it is held it is certain, and neither locked nor read again."""
    held = work.session.info.setdefault("screening.held", {})
    if (table, key) in held:
        return held[table, key]
    known = work.session.identity_map.get(identity_key(table, key))
    if known is not None and work.session.is_modified(known):
        work.session.flush()
    given = dict(zip(("review", "id"), key, strict=True)) if isinstance(key, tuple) else {"id": key}
    with work.session.no_autoflush:
        row = work.session.execute(_locked(table), given).scalar()
    if row is not None:
        held[table, key] = row
    return row


@cache
def _locked(table: type[Row]) -> Select[Any]:
    """A row of the table by its key. Statements that are said at every vote are made once: making one costs more
    than saying it."""
    keys = table.__table__.primary_key.columns  # type: ignore[attr-defined]
    query = select(table).where(*(key == bindparam(key.name) for key in keys)).with_for_update()
    return query.execution_options(populate_existing=True)


def keep_held(work: Work, *rows: RecordRow | TaskRow | LeaseRow) -> None:
    """Remembers rows that this work has locked or made."""
    held = work.session.info.setdefault("screening.held", {})
    for row in rows:
        held[type(row), (row.review, row.id) if isinstance(row, RecordRow) else row.id] = row


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
    return _hold(work, RecordRow, (review, record))


def get_record(work: Work, review: str, record: str) -> RecordRow | None:
    return work.session.get(RecordRow, (review, record))


_ABSORBED_BY = select(RecordRow).where(
    RecordRow.review == bindparam("review"), RecordRow.merged_into == bindparam("record")
)


def absorbed_by(work: Work, record: RecordRow) -> list[RecordRow]:
    """The records that were merged into this one, the first merged first."""
    rows = work.session.execute(_ABSORBED_BY, {"review": record.review, "record": record.id}).scalars()
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
    page = list(work.session.execute(query).scalars())
    keep_held(work, *page)
    return page


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
    return _hold(work, TaskRow, task) or work.session.get_one(TaskRow, task)


def lock_task_at(work: Work, record: RecordRow, stage: str) -> TaskRow | None:
    """The task that a record has or had at a stage, held; None when it never came there."""
    return _hold(work, TaskRow, task_id(record.review, record.id, stage))


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

#: Everyone who stands first on some free task of the queue of these stages, found by leaps over the index: each
#: costs one descent, however many tasks lie between, and a stage where nothing waits costs one. And of each:
#: where in the queue their first task is that this person has no part in. Only where more than two people share
#: a task is anything looked through for that, and then in the index alone.
_HEADS = """
WITH RECURSIVE heads(stage, turn, taker) AS (
    SELECT stage, turn, (SELECT min(taker) FROM tasks WHERE review = :review AND stage = asked.stage
                         AND state = :state AND places > 0)
    FROM {asked}
    UNION ALL
    SELECT stage, turn, (SELECT min(taker) FROM tasks WHERE review = :review AND stage = heads.stage
                         AND state = :state AND places > 0 AND taker > heads.taker)
    FROM heads WHERE heads.taker IS NOT NULL
)
SELECT stage, taker, turn, (
    SELECT position FROM tasks
    WHERE review = :review AND stage = heads.stage AND state = :state AND places > 0 AND taker = heads.taker
      AND replace(takers, :mark, '') = takers AND adjudicators IN :roles
    ORDER BY position LIMIT 1
) AS head
FROM heads WHERE taker IS NOT NULL AND taker <> :person
"""

#: The stages asked for, each with its turn.
_ASKED_SQLITE = "(SELECT value AS stage, key AS turn FROM json_each(:stages)) AS asked"
_ASKED_POSTGRESQL = "json_array_elements_text(CAST(:stages AS json)) WITH ORDINALITY AS asked(stage, turn)"

#: Places of the first free tasks of one taker. The inner query is run once and holds what it picks; rows that
#: others hold at this moment are passed over (SQLite has one writer at a time).
_TAKE = """
WITH picked AS (
    SELECT id FROM tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND taker = :taker
      AND replace(takers, :mark, '') = takers AND adjudicators IN :roles
    ORDER BY position, id LIMIT :most {passing_over}
)
UPDATE tasks SET places = places - 1, taker = :first, takers = takers || :added
WHERE id IN (SELECT id FROM picked)
RETURNING id, record, stage, position
"""

#: Leases of places just taken. One whose slot another request of the person has taken meanwhile is left out.
_LEASES = """
INSERT INTO leases (id, review, task, record, stage, person, kind, slot, taken_at, expires_at)
SELECT taken.id, :review, taken.task, taken.record, taken.stage, :person, :kind, taken.slot, :taken_at, :expires_at
FROM {taken} WHERE true ORDER BY taken.slot
ON CONFLICT (review, person, kind, slot) WHERE ended IS NULL DO NOTHING RETURNING task
"""

_TAKEN_SQLITE = """(
    SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.task') AS task,
           json_extract(value, '$.record') AS record, json_extract(value, '$.stage') AS stage,
           json_extract(value, '$.slot') AS slot
    FROM json_each(:rows)
) AS taken"""
_TAKEN_POSTGRESQL = """json_to_recordset(CAST(:rows AS json))
    AS taken(id text, task text, record text, stage text, slot integer)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone asks the queue for: tasks in `state`, whose adjudicators are of one of these `roles`."""

    review: str
    state: str
    person: str
    roles: tuple[str, ...]

    @property
    def mark(self) -> str:
        """How the person stands among a task's takers."""
        return f"\n{self.person}\n"

    @property
    def given(self) -> dict[str, Any]:
        return {"review": self.review, "state": self.state, "roles": self.roles, "mark": self.mark}


class Taken(NamedTuple):
    """A task of which a place was taken."""

    id: str
    record: str
    stage: str
    position: int


def heads(work: Work, wanted: Wanted, stages: Sequence[str]) -> list[tuple[str, str]]:
    """The (stage, taker) pairs whose free tasks hold something for this person: stage by stage as asked, and
    the head of each stage's queue first."""
    given = {**wanted.given, "person": wanted.person, "stages": orjson.dumps(list(stages)).decode()}
    found = [row for row in _said(work, _heads, given) if row.head is not None]
    return [(row.stage, row.taker) for row in sorted(found, key=lambda row: (row.turn, row.head))]


def take_places(work: Work, wanted: Wanted, stage: str, taker: str, most: int) -> list[Taken]:
    """Takes a place of each of the first free tasks of this taker's, at most so many, in one statement; in
    queue order."""
    first, added = (taker, wanted.mark[1:]) if taker else (wanted.person, wanted.mark)
    given = {**wanted.given, "stage": stage, "taker": taker, "most": most, "first": first, "added": added}
    rows = [Taken(*row) for row in _said(work, _take, given)]
    held = work.session.info.get("screening.held", {})
    for task in rows:  # What this work may have held of them is not so any more.
        held.pop((TaskRow, task.id), None)
    return sorted(rows, key=lambda task: (task.position, task.id))


@cache
def _heads(sqlite: bool) -> TextClause:
    said = text(_HEADS.format(asked=_ASKED_SQLITE if sqlite else _ASKED_POSTGRESQL))
    return said.bindparams(bindparam("roles", expanding=True))


@cache
def _take(sqlite: bool) -> TextClause:
    said = text(_TAKE.format(passing_over="" if sqlite else "FOR UPDATE SKIP LOCKED"))
    return said.bindparams(bindparam("roles", expanding=True))


def _said(work: Work, statement: Any, given: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of a statement that each database has its own words for."""
    return work.session.connection().execute(statement(is_sqlite(work.session)), given).all()


# --- leases


class InHand(NamedTuple):
    """What a person has in hand: a lease, its task and the record."""

    lease: LeaseRow
    task: TaskRow
    record: RecordRow


_IN_HAND = (
    select(LeaseRow, TaskRow, RecordRow)
    .join(TaskRow, TaskRow.id == LeaseRow.task)
    .join(RecordRow, (RecordRow.review == LeaseRow.review) & (RecordRow.id == LeaseRow.record))
)

_IN_HAND_OF = _IN_HAND.where(
    LeaseRow.review == bindparam("review"),
    LeaseRow.person == bindparam("person"),
    LeaseRow.kind == bindparam("kind"),
    LeaseRow.ended.is_(None),
)
_IN_HAND_LOCKED = (
    _IN_HAND.where(LeaseRow.review == bindparam("review"), LeaseRow.id == bindparam("lease"))
    .with_for_update(of=[RecordRow, TaskRow, LeaseRow])
    .execution_options(populate_existing=True)
)


def in_hand(work: Work, review: str, person: str, kind: str) -> list[InHand]:
    """The leases of a kind that a person has and that have not ended (some may have lapsed), oldest first."""
    given = {"review": review, "person": person, "kind": kind}
    rows = [InHand(*row) for row in work.session.execute(_IN_HAND_OF, given)]
    return sorted(rows, key=lambda held: (held.lease.taken_at, held.lease.id))


def conflicts_in_hand(work: Work, review: str, person: str) -> set[str]:
    """The conflicts that a person holds a live lease of."""
    query = select(LeaseRow.task).where(
        LeaseRow.review == review, LeaseRow.person == person, LeaseRow.kind == "conflict", LeaseRow.ended.is_(None)
    )
    return set(work.session.execute(query.where(LeaseRow.expires_at > work.now)).scalars())


def lock_in_hand(work: Work, review: str, lease: str) -> InHand | None:
    """A lease with its task and record, held by this work until its end: the record first, then the task, then
    the lease."""
    row = work.session.execute(_IN_HAND_LOCKED, {"review": review, "lease": lease}).one_or_none()
    if row is None:
        return None
    keep_held(work, *row)
    return InHand(*row)


def add_leases(work: Work, review: str, kind: str, rows: Sequence[Mapping[str, Any]], expires_at: datetime) -> set[str]:
    """Writes leases of this person; answers the tasks whose slot was still free."""
    given = {
        "review": review, "person": work.actor, "kind": kind, "taken_at": work.now, "expires_at": expires_at,
        "rows": orjson.dumps(rows).decode(),
    }  # fmt: skip
    return {row.task for row in _said(work, _leases, given)}


@cache
def _leases(sqlite: bool) -> TextClause:
    taken = _TAKEN_SQLITE if sqlite else _TAKEN_POSTGRESQL
    return text(_LEASES.format(taken=taken)).bindparams(
        bindparam("taken_at", type_=Instant), bindparam("expires_at", type_=Instant)
    )


def leases_of(work: Work, task: TaskRow) -> list[LeaseRow]:
    """The live leases of a task, the oldest first."""
    query = select(LeaseRow).where(LeaseRow.task == task.id, LeaseRow.ended.is_(None))
    return sorted(work.session.execute(query).scalars(), key=lambda lease: (lease.taken_at, lease.id))


def lock_lapsed(
    work: Work, limit: int, review: str | None = None, *, passing_over: bool = False
) -> list[tuple[TaskRow, LeaseRow]]:
    """Some leases whose time is over, the longest first, with their tasks, held by this work until its end.

    They are locked in the order of their tasks, so that no two workers wait for each other; what others hold
    is waited for, or passed over. Those that others ended meanwhile are left out.
    """
    lapsed = select(LeaseRow.id).where(LeaseRow.ended.is_(None), LeaseRow.expires_at <= work.now)
    if review is not None:
        lapsed = lapsed.where(LeaseRow.review == review)
    found = work.session.execute(lapsed.order_by(LeaseRow.expires_at).limit(limit)).scalars().all()
    return lock_leases(work, found, passing_over=passing_over) if found else []


def lock_leases(work: Work, ids: Collection[str], *, passing_over: bool = False) -> list[tuple[TaskRow, LeaseRow]]:
    """Those of these leases that have lapsed and not ended, with their tasks, held by this work until its end."""
    query = (
        select(TaskRow, LeaseRow)
        .join(LeaseRow, LeaseRow.task == TaskRow.id)
        .where(LeaseRow.id.in_(select(each_of(work.session, ids, LeaseRow.id))))
        .order_by(TaskRow.id, LeaseRow.id)
        .with_for_update(of=[TaskRow, LeaseRow], skip_locked=passing_over)
        .execution_options(populate_existing=True)
    )
    rows = [(task, lease) for task, lease in work.session.execute(query)]
    for row in rows:
        keep_held(work, *row)
    return [(task, lease) for task, lease in rows if lease.ended is None and lease.expires_at <= work.now]


def leases_in_hand(work: Work, review: str, at: datetime) -> dict[tuple[str, str], int]:
    """How many leases live, by (stage, kind)."""
    query = (
        select(LeaseRow.stage, LeaseRow.kind, func.count())
        .where(LeaseRow.review == review, LeaseRow.ended.is_(None), LeaseRow.expires_at > at)
        .group_by(LeaseRow.stage, LeaseRow.kind)
    )
    return {(stage, kind): n for stage, kind, n in work.session.execute(query)}


# --- votes


_VOTES_ON = select(VoteRow).where(VoteRow.task == bindparam("task"))


def votes_on(work: Work, task: str) -> list[VoteRow]:
    """The votes that count on a task, in the order they were cast, the deciding one last."""
    return in_order(work.session.execute(_VOTES_ON, {"task": task}).scalars())


def votes_by_task(work: Work, tasks: Collection[str]) -> dict[str, list[VoteRow]]:
    """The same of several tasks at once."""
    found: dict[str, list[VoteRow]] = {task: [] for task in tasks}
    for vote in work.session.execute(select(VoteRow).where(VoteRow.task.in_(tasks))).scalars():
        found[vote.task].append(vote)
    return {task: in_order(votes) for task, votes in found.items()}


def votes_about(work: Work, tasks: Collection[str]) -> list[VoteRow]:
    """The votes that count on these tasks or were cast on them, in order."""
    query = select(VoteRow).where(VoteRow.task.in_(tasks) | VoteRow.cast_on.in_(tasks))
    return in_order(work.session.execute(query).scalars())


def tasks_voted_by(work: Work, person: str, tasks: Collection[str]) -> set[str]:
    """Those of these tasks that a person has voted on."""
    query = select(VoteRow.task).where(VoteRow.person == person, VoteRow.task.in_(tasks))
    return set(work.session.execute(query).scalars())


def in_order(votes: Iterable[VoteRow]) -> list[VoteRow]:
    """Votes in the order they were cast, a deciding one last."""
    return sorted(votes, key=lambda vote: (vote.deciding, vote.cast_at, vote.person))


# --- counts


class Counts:
    """What one work changes in the counts, appended just before its commit. Nobody's row is updated for it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._changes: Counter[tuple[str, str, str, str, str]] = Counter()

    def add(self, review: str, stage: str, what: str, first: str = "", second: str = "", *, n: int = 1) -> None:
        self._changes[review, stage, what, first, second] += n

    def move(self, review: str, stage: str, before: str | None, after: str) -> None:
        """A task of `stage` (a record: stage '') goes from one state to another; None is from nowhere."""
        self.add(review, stage, "state", after)
        if before is not None:
            self.add(review, stage, "state", before, n=-1)

    def flush(self) -> None:
        rows = [{**dict(zip(_COUNTED, key, strict=True)), "n": n} for key, n in self._changes.items() if n]
        insert_many(self._work.session, ChangeRow, rows)
        self._changes.clear()


_COUNTED = ("review", "stage", "what", "first", "second")


def counts(work: Work) -> Counts:
    """The counts of this work."""
    return work.before_commit("screening.counts", lambda: Counts(work))


def fold(work: Work, limit: int) -> int:
    """Takes some changes out and adds them to their sums; answers how many.

    Each change is deleted by the one work that adds it, whoever else folds at the same time. Sums are written
    in one order everywhere, so that two works never wait for each other.
    """
    some = select(ChangeRow.id).order_by(ChangeRow.id).limit(limit).with_for_update(skip_locked=True).cte("some")
    table = ChangeRow.__table__  # type: ignore[attr-defined]
    taken = table.delete().where(table.c.id.in_(select(some.c.id))).returning(table)
    changes = work.session.connection().execute(taken).all()
    sums: Counter[tuple[str, ...]] = Counter()
    for change in changes:
        sums[change.review, change.stage, change.what, change.first, change.second] += change.n
    rows = [{**dict(zip(_COUNTED, key, strict=True)), "n": n} for key, n in sorted(sums.items()) if n]
    if rows:
        new = _dialect(work).insert(CountRow.__table__)  # type: ignore[attr-defined]
        n = CountRow.__table__.c.n  # type: ignore[attr-defined]
        summed = new.on_conflict_do_update(index_elements=_COUNTED, set_={"n": n + new.excluded.n})
        work.session.connection().execute(summed, rows)
    return len(changes)


#: Sums and changes in one look, since a fold may come between two.
_COUNTED_OF = text(
    """
SELECT stage, what, first, second, sum(n) AS n FROM (
    SELECT stage, what, first, second, n FROM counts WHERE review = :review AND what <> 'voter'
    UNION ALL
    SELECT stage, what, first, second, n FROM count_changes WHERE review = :review AND what <> 'voter'
) AS parts GROUP BY stage, what, first, second HAVING sum(n) <> 0
"""
)

_QUEUE_DEPTHS = text(
    """
SELECT review, stage, first AS state, sum(n) AS n FROM (
    SELECT review, stage, first, n FROM counts WHERE what = 'state' AND stage <> '' AND first IN ('open', 'conflict')
    UNION ALL
    SELECT review, stage, first, n FROM count_changes
    WHERE what = 'state' AND stage <> '' AND first IN ('open', 'conflict')
) AS parts GROUP BY review, stage, first
"""
)

_STAGES_VOTED_AT = text(
    """
SELECT stage FROM counts WHERE review = :review AND what = 'voter' AND first = :person
UNION
SELECT stage FROM count_changes WHERE review = :review AND what = 'voter' AND first = :person
"""
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of a review: of its records by state, and by stage of its tasks by state, of tasks with one
    vote, and of pairs of answers (of who comes first by name, the other's)."""

    states: dict[str, dict[str, int]]
    alone: dict[str, int]
    pairs: dict[str, dict[tuple[str, str], int]]


def counted(work: Work, review: str) -> Counted:
    found = Counted({}, {}, {})
    for row in work.session.connection().execute(_COUNTED_OF, {"review": review}):
        if row.what == "state":
            found.states.setdefault(row.stage, {})[row.first] = int(row.n)
        elif row.what == "alone":
            found.alone[row.stage] = int(row.n)
        else:
            found.pairs.setdefault(row.stage, {})[row.first, row.second] = int(row.n)
    return found


def queue_depths(work: Work) -> dict[tuple[str, str, str], int]:
    """How many tasks wait for people, by review, stage and state (open, conflict)."""
    rows = work.session.connection().execute(_QUEUE_DEPTHS)
    return {(row.review, row.stage, row.state): int(row.n) for row in rows}


def stages_voted_at(work: Work, review: str, person: str) -> set[str]:
    """The stages where a vote of this person is on a task that has all its votes."""
    return set(work.session.connection().execute(_STAGES_VOTED_AT, {"review": review, "person": person}).scalars())


def pairs_to_decide(work: Work, review: str, person: str) -> dict[str, Counter[tuple[str, str]]]:
    """Stage -> pairs of answers that were counted of open conflicts, or of votes that a merge moved there, in
    which this person has no part."""
    of_conflict = func.coalesce(VoteRow.paired_on, TaskRow.id)
    mark = f"\n{person}\n"
    open_to_others = (
        select(of_conflict.label("task"))
        .join(TaskRow, (TaskRow.id == VoteRow.task) & VoteRow.deciding.is_(False))
        # Spelt out, not bound: the planners must see that the partial index serves.
        .where(TaskRow.review == review, TaskRow.state == literal_column("'conflict'"))
        .where(func.replace(TaskRow.takers, mark, "") == TaskRow.takers)
        .distinct()
        .subquery("open_to_others")
    )
    query = (
        select(TaskRow.stage, TaskRow.first, TaskRow.second, func.count())
        .join(open_to_others, open_to_others.c.task == TaskRow.id)
        .where(TaskRow.first.is_not(None))
        .group_by(TaskRow.stage, TaskRow.first, TaskRow.second)
    )
    found: dict[str, Counter[tuple[str, str]]] = {}
    for stage, first, second, n in work.session.execute(query):
        found.setdefault(stage, Counter())[first, second] = n
    return found


def _dialect(work: Work) -> Any:
    return sqlite if is_sqlite(work.session) else postgresql
