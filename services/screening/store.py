"""Every query of screening, and the locks that keep two people from taking one slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Table, delete, func, literal_column, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from services.screening.domain import TO_DECIDE, RecordStates, TaskStates
from services.screening.models import (
    ChangeRow,
    CountRow,
    Lease,
    LeaseRow,
    OldNameRow,
    ProtocolRow,
    Record,
    RecordRow,
    Task,
    TaskRow,
    Vote,
    VoteRow,
)
from shared.db.many import each_of, is_sqlite
from shared.db.paging import read_plain_page
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotYet
from shared.events.protocol import Protocol, Stage
from shared.ids import first_id, id_of
from shared.paging import Found, PageAsked

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
            plan = self._read[review, version] = Plan(version, Protocol.read(row.document))
            while len(self._read) > self._most:
                self._read.pop(next(iter(self._read)), None)
        return plan


_VERSIONS = Said("SELECT version FROM protocols WHERE review = :review ORDER BY version DESC")


def versions(work: Work, review: str) -> list[int]:
    """The numbers of the protocol versions that screening has heard of, newest first; asked once per work."""
    asked: dict[str, list[int]] = work.session.info.setdefault("screening.versions", {})
    if review not in asked:
        asked[review] = [version for (version,) in work.rows.read(_VERSIONS, {"review": review})]
    return asked[review]


def newest(work: Work, review: str) -> Plan | None:
    """The newest protocol version that screening has heard of."""
    known = versions(work, review)
    return work.resource(Plans).of(work, review, known[0]) if known else None


def plan_of(work: Work, task: Task) -> Plan:
    """The version that a task was opened under."""
    return work.resource(Plans).of(work, task.review, task.protocol_version)


def the_plan(work: Work, review: str) -> Plan:
    """The newest protocol version of a review. Raises NotYet while none is known."""
    plan = newest(work, review)
    if plan is None:
        raise NotYet(f"the protocol of review {review!r} is not known yet", slug="no_protocol_yet")
    return plan


def stage_of(work: Work, task: Task) -> Stage:
    """The stage as it was when the task was opened: its question, its answers, its votes."""
    return {stage.name: stage for stage in plan_of(work, task).protocol.stages}[task.stage]


def dropped_stages(work: Work, review: str) -> set[str]:
    """The stages that older versions had and the newest has not."""
    had, *rest = [
        {stage.name for stage in work.resource(Plans).of(work, review, version).protocol.stages}
        for version in versions(work, review)
    ]
    return set().union(*rest) - had


def version_if_known(work: Work, review: str, version: int) -> ProtocolRow | None:
    """A protocol version as it was published; None before it is heard of."""
    return work.session.get(ProtocolRow, (review, version))


def adopt(work: Work, row: ProtocolRow) -> None:
    work.add(row)
    work.session.flush()
    work.session.info.pop("screening.versions", None)


def rechecks(work: Work) -> list[ProtocolRow]:
    """The versions whose changed dates some records have not been held against."""
    query = select(ProtocolRow).where(col(ProtocolRow.recheck_after).is_not(None)).order_by(col(ProtocolRow.review))
    return list(work.session.execute(query).scalars())


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
        wanted = each_of(work.session, records, col(RecordRow.id))
        # A subquery for each, since planners without statistics would rather read all records of the review.
        found = (
            select(col(RecordRow.id))
            .where(col(RecordRow.review) == review, col(RecordRow.id) == wanted)
            .scalar_subquery()
        )
        query = select(wanted).where(found.is_not(None))
        known |= {(review, record) for (record,) in work.rows.read(query)}
    return known


def lock_record(work: Work, review: str, record: str) -> Record | None:
    """A record, held by this work until its end. Records are locked before tasks, tasks before leases."""
    held: Record | None = work.rows.hold(RecordRow, review=review, id=record)
    return held


def get_record(work: Work, review: str, record: str) -> Record | None:
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    found = work.rows.read(query, None, RecordRow)
    return found[0] if found else None


_ABSORBED_BY = Said("SELECT {records} FROM records WHERE review = :review AND merged_into = :record", RecordRow)


def absorbed_by(work: Work, record: Record) -> list[Record]:
    """The records that were merged into this one, the first merged first: as it is written, so that whoever merges
    writes first."""
    given = {"review": record.review, "record": record.id}
    rows = work.rows.read(_ABSORBED_BY, given, RecordRow, pending=False)
    return sorted(rows, key=lambda row: (row.merge["at"], row.id))


def absorbed_by_each(work: Work, records: Sequence[Record]) -> dict[str, list[str]]:
    """The ids of the records that were merged into each of these, of one review, where any were."""
    found: dict[str, list[str]] = {}
    if records:
        query = select(col(RecordRow.merged_into), col(RecordRow.id)).where(
            col(RecordRow.review) == records[0].review,
            col(RecordRow.merged_into).in_([record.id for record in records]),
        )
        for into, absorbed in work.rows.read(query.order_by(col(RecordRow.id))):
            found.setdefault(into, []).append(absorbed)
    return found


def lock_page_in_screening_or_ruled_out(work: Work, review: str, after: str, limit: int) -> list[Record]:
    """Some records by id that the dates may concern: in screening, or kept out by a rule."""
    query = (
        select(RecordRow)
        .where(
            col(RecordRow.review) == review,
            col(RecordRow.id) > after,
            col(RecordRow.state).in_([RecordStates.SCREENING, RecordStates.EXCLUDED]),
        )
        .order_by(col(RecordRow.id))
        .limit(limit)
        .with_for_update()
    )
    page = work.rows.read(query, None, RecordRow)
    work.rows.keep(RecordRow, *page)
    return page


def page_of_records(work: Work, review: str, state: str, page: PageAsked) -> Found[Record]:
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.state) == state)
    return read_plain_page(work, query, page, col(RecordRow.id), tables=[RecordRow])


# --- tasks


def lock_task(work: Work, task: str) -> Task:
    """A task, held by this work until its end: whoever adds or ends a lease or vote of it holds it first."""
    held: Task | None = work.rows.hold(TaskRow, id=task)
    if held is None:
        raise LookupError(f"there is no task {task!r}")
    return held


def lock_task_at(work: Work, record: Record, stage: str) -> Task | None:
    """The task that a record has or had at a stage, held; None when it never came there."""
    held: Task | None = work.rows.hold(TaskRow, id=task_id(record.review, record.id, stage))
    return held


def lock_waiting_task(work: Work, record: Record) -> Task:
    """The open task or conflict of a record that is in screening, held."""
    return lock_task(work, task_id(record.review, record.id, record.stage or ""))


def tasks_of(work: Work, record: Record, stages: Iterable[str]) -> list[Task]:
    """The tasks a record has had at these stages, the first opened first."""
    ids = [task_id(record.review, record.id, stage) for stage in stages]
    return sorted(tasks_by_id(work, ids).values(), key=lambda task: (task.opened_at, task.position))


def tasks_by_id(work: Work, ids: Collection[str]) -> dict[str, Task]:
    rows = work.rows.read(select(TaskRow).where(col(TaskRow.id).in_(ids)), None, TaskRow)
    return {task.id: task for task in rows}


#: Spelt out, not bound: the planners must see that the partial index serves.
_IN_CONFLICT = col(TaskRow.state) == literal_column(f"'{TaskStates.CONFLICT}'")


def page_of_tasks(work: Work, review: str, stage: str, state: str, page: PageAsked) -> Found[tuple[Task, Record]]:
    """Tasks of a stage in a state with their records, in queue order."""
    of_stage = col(TaskRow.review) == review, col(TaskRow.stage) == stage, col(TaskRow.state) == state
    return _with_records(work, page, *of_stage)


def page_of_conflicts(work: Work, review: str, stage: str | None, page: PageAsked) -> Found[tuple[Task, Record]]:
    """Open conflicts, of one stage or all, in queue order."""
    if stage is not None:
        return page_of_tasks(work, review, stage, TaskStates.CONFLICT, page)
    return _with_records(work, page, col(TaskRow.review) == review, _IN_CONFLICT)


def _with_records(work: Work, page: PageAsked, *which: ColumnElement[bool]) -> Found[tuple[Task, Record]]:
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(*which)
    )
    return read_plain_page(work, query, page, col(TaskRow.position), col(TaskRow.id), tables=[TaskRow, RecordRow])


# --- the queue

_OF_ROLES_ON_SQLITE = {"of_roles": "IN (SELECT value FROM json_each(:roles))"}
_OF_ROLES_ON_POSTGRESQL = {"of_roles": "= ANY(:roles)"}

#: Everyone who stands first on some free task of the queue of these stages, found by leaps over the index: each
#: costs one descent, however many tasks lie between, and a stage where nothing waits costs one. And of each:
#: where in the queue their first task is that this person has no part in. Only where more than two people share
#: a task is anything looked through for that, and then in the index alone.
_HEADS = Said(
    """
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
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles}
    ORDER BY position LIMIT 1
) AS head
FROM heads WHERE taker IS NOT NULL AND taker <> :person
""",
    sqlite={
        "asked": "(SELECT value AS stage, key AS turn FROM json_each(:stages)) AS asked",
        **_OF_ROLES_ON_SQLITE,
    },
    postgresql={
        "asked": "json_array_elements_text(CAST(:stages AS json)) WITH ORDINALITY AS asked(stage, turn)",
        **_OF_ROLES_ON_POSTGRESQL,
    },
)

#: Places of the first free tasks of one taker. The inner query is run once and holds what it picks; rows that
#: others hold at this moment are passed over (SQLite has one writer at a time).
_TAKE = Said(
    """
WITH picked AS (
    SELECT id FROM tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND taker = :taker
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles}
    ORDER BY position, id LIMIT :most {passing_over}
)
UPDATE tasks SET places = places - 1, taker = :first, takers = takers || :added
WHERE id IN (SELECT id FROM picked)
RETURNING id, record, stage, position
""",
    sqlite={"passing_over": "", **_OF_ROLES_ON_SQLITE},
    postgresql={"passing_over": "FOR UPDATE SKIP LOCKED", **_OF_ROLES_ON_POSTGRESQL},
)

#: Leases of slots just taken. One whose number another request of the person has taken meanwhile is left out.
_LEASES = Said(
    """
INSERT INTO leases (id, review, task, record, stage, person, kind, slot, taken_at, expires_at)
SELECT taken.id, :review, taken.task, taken.record, taken.stage, :person, :kind, taken.slot, :taken_at, :expires_at
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
        return {"review": self.review, "state": self.state, "roles": list(self.roles), "mark": self.mark}


class Taken(NamedTuple):
    """A task of which a slot was taken."""

    id: str
    record: str
    stage: str
    position: int


def heads(work: Work, wanted: Wanted, stages: Sequence[str]) -> list[tuple[str, str]]:
    """The (stage, taker) pairs whose free tasks hold something for this person: stage by stage as asked, and
    the head of each stage's queue first."""
    given = {**wanted.given, "person": wanted.person, "stages": orjson.dumps(list(stages)).decode()}
    found = [head for head in work.rows.read(_HEADS, given) if head[3] is not None]
    return [(stage, taker) for stage, taker, _, _ in sorted(found, key=lambda head: head[2:])]


def take_slots(work: Work, wanted: Wanted, stage: str, taker: str, most: int) -> list[Taken]:
    """Takes a slot of each of the first free tasks of this taker's, at most so many, in one statement; in
    queue order."""
    first, added = (taker, wanted.mark[1:]) if taker else (wanted.person, wanted.mark)
    given = {**wanted.given, "stage": stage, "taker": taker, "most": most, "first": first, "added": added}
    rows = [Taken(*row) for row in work.rows.read(_TAKE, given)]
    for task in rows:  # What this work may have held of them is not so any more.
        work.rows.drop(TaskRow, task.id)
    return sorted(rows, key=lambda task: (task.position, task.id))


# --- leases


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


def conflicts_in_hand(work: Work, review: str, person: str) -> set[str]:
    """The conflicts that a person holds a live lease of."""
    query = select(col(LeaseRow.task)).where(
        col(LeaseRow.review) == review,
        col(LeaseRow.person) == person,
        col(LeaseRow.kind) == TO_DECIDE,
        col(LeaseRow.ended).is_(None),
    )
    return {lease.task for lease in work.rows.read(query.where(col(LeaseRow.expires_at) > work.now))}


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


def add_leases(work: Work, review: str, kind: str, rows: Sequence[Mapping[str, Any]], expires_at: datetime) -> set[str]:
    """Writes leases of this person; answers the tasks whose slot was still free."""
    given = {
        "review": review, "person": work.actor, "kind": kind, "taken_at": work.now, "expires_at": expires_at,
        "rows": orjson.dumps(rows).decode(),
    }  # fmt: skip
    return {task for (task,) in work.rows.read(_LEASES, given)}


def leases_of(work: Work, task: Task) -> list[Lease]:
    """The live leases of a task, the oldest first."""
    query = select(LeaseRow).where(col(LeaseRow.task) == task.id, col(LeaseRow.ended).is_(None))
    return sorted(work.rows.read(query, None, LeaseRow), key=lambda lease: (lease.taken_at, lease.id))


def lock_lapsed(
    work: Work, limit: int, review: str | None = None, *, passing_over: bool = False
) -> list[tuple[Task, Lease]]:
    """Some leases whose time is over, the longest first, with their tasks, held by this work until its end.

    They are locked in the order of their tasks, so that no two workers wait for each other; what others hold
    is waited for, or passed over. Those that others ended meanwhile are left out.
    """
    lapsed = select(col(LeaseRow.id)).where(col(LeaseRow.ended).is_(None), col(LeaseRow.expires_at) <= work.now)
    if review is not None:
        lapsed = lapsed.where(col(LeaseRow.review) == review)
    found = [lease for (lease,) in work.rows.read(lapsed.order_by(col(LeaseRow.expires_at)).limit(limit))]
    return lock_leases(work, found, passing_over=passing_over) if found else []


def lock_leases(work: Work, ids: Collection[str], *, passing_over: bool = False) -> list[tuple[Task, Lease]]:
    """Those of these leases that have lapsed and not ended, with their tasks, held by this work until its end."""
    chosen = col(LeaseRow.id).in_(select(each_of(work.session, ids, col(LeaseRow.id))))
    rows = _locked_with_tasks(work, chosen, passing_over=passing_over)
    return [(task, lease) for task, lease in rows if lease.ended is None and lease.expires_at <= work.now]


def lock_held_by(work: Work, review: str, person: str) -> list[tuple[Task, Lease]]:
    """The live leases that somebody holds in a review, with their tasks, held by this work until its end."""
    theirs = (col(LeaseRow.review) == review, col(LeaseRow.person) == person, col(LeaseRow.ended).is_(None))
    rows = _locked_with_tasks(work, *theirs, passing_over=False)
    return [(task, lease) for task, lease in rows if lease.ended is None]


def _locked_with_tasks(work: Work, *which: ColumnElement[bool], passing_over: bool) -> list[tuple[Task, Lease]]:
    query = (
        select(TaskRow, LeaseRow)
        .join(LeaseRow, col(LeaseRow.task) == TaskRow.id)
        .where(*which)
        .order_by(col(TaskRow.id), col(LeaseRow.id))
        .with_for_update(of=[TaskRow, LeaseRow], skip_locked=passing_over)
    )
    rows = work.rows.read(query, None, TaskRow, LeaseRow)
    for task, lease in rows:
        work.rows.keep(TaskRow, task)
        work.rows.keep(LeaseRow, lease)
    return rows


def forget_leases(work: Work, before: datetime, limit: int) -> int:
    """Takes away the oldest leases that have ended and were taken before then; answers how many."""
    old = select(col(LeaseRow.id)).where(col(LeaseRow.id) < first_id("lease", before), col(LeaseRow.ended).is_not(None))
    ids = work.session.scalars(old.order_by(col(LeaseRow.id)).limit(limit)).all()
    work.session.execute(delete(LeaseRow).where(col(LeaseRow.id).in_(ids)))
    return len(ids)


def leases_in_hand(work: Work, review: str, at: datetime) -> dict[tuple[str, str], int]:
    """How many leases live, by (stage, kind)."""
    query = (
        select(col(LeaseRow.stage), col(LeaseRow.kind), func.count())
        .where(col(LeaseRow.review) == review, col(LeaseRow.ended).is_(None), col(LeaseRow.expires_at) > at)
        .group_by(col(LeaseRow.stage), col(LeaseRow.kind))
    )
    return {(stage, kind): n for stage, kind, n in work.rows.read(query)}


# --- votes


_VOTES_ON = Said("SELECT {votes} FROM votes WHERE task = :task", VoteRow)


def votes_on(work: Work, task: str) -> list[Vote]:
    """The votes that count on a task, in the order they were cast, the deciding one last."""
    return in_order(work.rows.read(_VOTES_ON, {"task": task}, VoteRow))


def votes_by_task(work: Work, tasks: Collection[str]) -> dict[str, list[Vote]]:
    """The same of several tasks at once."""
    found: dict[str, list[Vote]] = {task: [] for task in tasks}
    if not found:
        return found
    for vote in work.rows.read(select(VoteRow).where(col(VoteRow.task).in_(tasks)), None, VoteRow):
        found[vote.task].append(vote)
    return {task: in_order(votes) for task, votes in found.items()}


def votes_about(work: Work, tasks: Collection[str]) -> list[Vote]:
    """The votes that count on these tasks or were cast on them, in order."""
    query = select(VoteRow).where(col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks))
    return in_order(work.rows.read(query, None, VoteRow))


def tasks_voted_by(work: Work, person: str, tasks: Collection[str]) -> set[str]:
    """Those of these tasks that a person has voted on."""
    query = select(col(VoteRow.task)).where(col(VoteRow.person) == person, col(VoteRow.task).in_(tasks))
    return {task for (task,) in work.rows.read(query)}


def votes_of_two(work: Work, tasks: Collection[str], people: Collection[str]) -> list[Vote]:
    """The votes that count on these tasks, or were cast on them, by one of these people, in order."""
    query = select(VoteRow).where(
        col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks), col(VoteRow.person).in_(people)
    )  # fmt: skip
    return in_order(work.rows.read(query, None, VoteRow))


def in_order(votes: Iterable[Vote]) -> list[Vote]:
    """Votes in the order they were cast, a deciding one last."""
    return sorted(votes, key=lambda vote: (vote.deciding, vote.cast_at, vote.person))


# --- names of before


def old_names(work: Work, review: str) -> list[OldNameRow]:
    """The names of before in a review that are nobody's yet."""
    query = select(OldNameRow).where(col(OldNameRow.review) == review, col(OldNameRow.person).is_(None))
    return list(work.session.execute(query.order_by(col(OldNameRow.name))).scalars())


def names_to_replace(work: Work) -> list[OldNameRow]:
    """The names of before whose person is known, while votes bear them."""
    query = select(OldNameRow).where(col(OldNameRow.person).is_not(None))
    return list(work.session.execute(query.order_by(col(OldNameRow.review), col(OldNameRow.name))).scalars())


def old_name_to_change(work: Work, review: str, name: str) -> OldNameRow | None:
    """A name of before, held by this work until its end."""
    return work.session.get(OldNameRow, (review, name), with_for_update=True)


def forget_old_name(work: Work, row: OldNameRow) -> None:
    work.session.delete(row)


def lock_tasks_of(work: Work, review: str, person: str, after: str, limit: int) -> list[tuple[Task, Record]]:
    """Some tasks, by id, that somebody voted on or held, with their records, held by this work until its end."""
    mark, voted_on = f"\n{person}\n", select(col(VoteRow.task)).where(col(VoteRow.person) == person)
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(TaskRow.review) == review,
            col(TaskRow.id) > after,
            # Whoever decided a conflict that a merge brought is none of the takers.
            (func.replace(col(TaskRow.takers), mark, "") != TaskRow.takers) | col(TaskRow.id).in_(voted_on),
        )
        .order_by(col(TaskRow.id))
        .limit(limit)
        .with_for_update(of=[RecordRow, TaskRow])
    )
    rows = work.rows.read(query, None, TaskRow, RecordRow)
    for task, record in rows:
        work.rows.keep(TaskRow, task)
        work.rows.keep(RecordRow, record)
    return rows


def replace_name(work: Work, review: str, name: str, person: str) -> None:
    """Puts a person for a name in what no task leads to: leases that have ended, and votes that count nowhere."""
    work.rows.flush()
    of_review = select(col(TaskRow.id)).where(col(TaskRow.review) == review)
    votes = update(VoteRow).where(col(VoteRow.person) == name, col(VoteRow.cast_on).in_(of_review))
    leases = update(LeaseRow).where(col(LeaseRow.review) == review, col(LeaseRow.person) == name)
    for words in (votes, leases):
        work.rows.connection.execute(words.values(person=person))


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
        self._work.rows.insert(ChangeRow, rows)
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
    some = (
        select(col(ChangeRow.id)).order_by(col(ChangeRow.id)).limit(limit).with_for_update(skip_locked=True).cte("some")
    )
    table = ChangeRow.__table__
    taken = table.delete().where(table.c.id.in_(select(some.c.id))).returning(table)
    changes = work.session.connection().execute(taken).all()
    sums: Counter[tuple[str, ...]] = Counter()
    for change in changes:
        sums[change.review, change.stage, change.what, change.first, change.second] += change.n
    rows = [{**dict(zip(_COUNTED, key, strict=True)), "n": n} for key, n in sorted(sums.items()) if n]
    if rows:
        new = _insert(work, CountRow.__table__)
        n = CountRow.__table__.c.n
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

_WAITING = ", ".join(f"'{state}'" for state in TaskStates.WAITING)
_QUEUE_DEPTHS = text(
    f"""
SELECT review, stage, first AS state, sum(n) AS n FROM (
    SELECT review, stage, first, n FROM counts WHERE what = 'state' AND stage <> '' AND first IN ({_WAITING})
    UNION ALL
    SELECT review, stage, first, n FROM count_changes
    WHERE what = 'state' AND stage <> '' AND first IN ({_WAITING})
) AS parts GROUP BY review, stage, first
"""
)

_TIMES_COUNTED = text(
    """
SELECT stage, sum(n) AS n FROM (
    SELECT stage, n FROM counts WHERE review = :review AND what = 'voter' AND first = :person
    UNION ALL
    SELECT stage, n FROM count_changes WHERE review = :review AND what = 'voter' AND first = :person
) AS parts GROUP BY stage HAVING sum(n) <> 0
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
    for row in work.rows.read(_COUNTED_OF, {"review": review}):
        if row.what == "state":
            found.states.setdefault(row.stage, {})[row.first] = int(row.n)
        elif row.what == "alone":
            found.alone[row.stage] = int(row.n)
        else:
            found.pairs.setdefault(row.stage, {})[row.first, row.second] = int(row.n)
    return found


def queue_depths(work: Work) -> dict[tuple[str, ...], int]:
    """How many tasks wait for people, by review, stage and state (open, conflict)."""
    rows = work.rows.read(_QUEUE_DEPTHS)
    return {(row.review, row.stage, row.state): int(row.n) for row in rows}


def times_counted(work: Work, review: str, person: str) -> dict[str, int]:
    """By stage how often a vote of this person was among all that a task needed."""
    return {row.stage: int(row.n) for row in work.rows.read(_TIMES_COUNTED, {"review": review, "person": person})}


def stages_voted_at(work: Work, review: str, person: str) -> set[str]:
    """The stages where a vote of this person is on a task that has all its votes."""
    return {stage for stage, n in times_counted(work, review, person).items() if n > 0}


def pairs_to_decide(work: Work, review: str, person: str) -> dict[str, Counter[tuple[str, str]]]:
    """Stage -> pairs of answers that were counted of open conflicts, or of votes that a merge moved there, in
    which this person has no part."""
    of_conflict = func.coalesce(col(VoteRow.paired_on), col(TaskRow.id))
    mark = f"\n{person}\n"
    open_to_others = (
        select(of_conflict.label("task"))
        .join(TaskRow, (col(TaskRow.id) == VoteRow.task) & col(VoteRow.deciding).is_(False))
        .where(col(TaskRow.review) == review, _IN_CONFLICT)
        .where(func.replace(col(TaskRow.takers), mark, "") == TaskRow.takers)
        .distinct()
        .subquery("open_to_others")
    )
    query = (
        select(col(TaskRow.stage), col(TaskRow.first), col(TaskRow.second), func.count())
        .join(open_to_others, open_to_others.c.task == TaskRow.id)
        .where(col(TaskRow.first).is_not(None))
        .group_by(col(TaskRow.stage), col(TaskRow.first), col(TaskRow.second))
    )
    found: dict[str, Counter[tuple[str, str]]] = {}
    for stage, first, second, n in work.rows.read(query):
        found.setdefault(stage, Counter())[first, second] = n
    return found


def _insert(work: Work, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if is_sqlite(work.session) else postgresql.insert(table)
