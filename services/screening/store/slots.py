"""The queue: whose turn it is, and slots of tasks, taken in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from services.screening.domain import ASKED_IN
from services.screening.models import Task, TaskRow
from shared.db.said import Said
from shared.db.work import Work
from shared.wire.screening import Kind

_OF_ROLES_ON_SQLITE = {"of_roles": "IN (SELECT value FROM json_each(:roles))"}
_OF_ROLES_ON_POSTGRESQL = {"of_roles": "= ANY(:roles)"}

#: Everyone who stands first on some free task of the queue of these stages, in a pool of this person or in none, found
#: by leaps over the index: each costs one descent, however many tasks lie between, and a stage or a pool where nothing
#: waits costs one. And of each: where in the queue their first task is that this person has no part in and does not
#: skip. Only where more than two people share a task is anything looked through for that, and then in the index alone.
#: Each row says, too, at which stage this person was last given something.
_HEADS = Said(
    """
WITH RECURSIVE mine(stage, turn, pool) AS (
    SELECT stage, turn, '' FROM {asked}
    UNION ALL
    SELECT pool_members.stage, turn, pool FROM {asked}
    JOIN pool_members ON review = :review AND person = :person AND pool_members.stage = asked.stage
), heads(stage, turn, pool, taker) AS (
    SELECT stage, turn, pool, (SELECT min(taker) FROM tasks WHERE review = :review AND stage = mine.stage
                               AND state = :state AND places > 0 AND pool = mine.pool)
    FROM mine
    UNION ALL
    SELECT stage, turn, pool, (SELECT min(taker) FROM tasks WHERE review = :review AND stage = heads.stage
                               AND state = :state AND places > 0 AND pool = heads.pool AND taker > heads.taker)
    FROM heads WHERE heads.taker IS NOT NULL
)
SELECT stage, pool, taker, turn, (
    SELECT position FROM tasks
    WHERE review = :review AND stage = heads.stage AND state = :state AND places > 0 AND pool = heads.pool
      AND taker = heads.taker
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles} AND id NOT IN (
          SELECT task FROM skips WHERE review = :review AND person = :person
      )
    ORDER BY position LIMIT 1
) AS head, (SELECT stage FROM last_stages WHERE review = :review AND person = :person AND kind = :kind) AS lately
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

#: Slots of named tasks, whoever took them first, that are anybody's or in a pool of this person.
_TAKE_AMONG = Said(
    """
WITH picked AS (
    SELECT id FROM tasks
    WHERE id {of_ids} AND review = :review AND state = :state AND places > 0
      AND (pool = '' OR pool IN (SELECT pool FROM pool_members WHERE review = :review AND person = :person))
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles}
    ORDER BY position, id LIMIT :most {passing_over}
)
UPDATE tasks SET places = places - 1, taker = CASE WHEN taker = '' THEN :person ELSE taker END,
    takers = CASE WHEN taker = '' THEN :mark ELSE takers || :added END
WHERE id IN (SELECT id FROM picked)
RETURNING id, record, stage, position
""",
    sqlite={"passing_over": "", "of_ids": "IN (SELECT value FROM json_each(:ids))", **_OF_ROLES_ON_SQLITE},
    postgresql={"passing_over": "FOR UPDATE SKIP LOCKED", "of_ids": "= ANY(:ids)", **_OF_ROLES_ON_POSTGRESQL},
)

#: Places of the first free tasks of one taker. The inner query is run once and holds what it picks; rows that
#: others hold at this moment are passed over (SQLite has one writer at a time).
_TAKE = Said(
    """
WITH picked AS (
    SELECT id FROM tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND pool = :pool AND taker = :taker
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles} AND id NOT IN (
          SELECT task FROM skips WHERE review = :review AND person = :person
      )
    ORDER BY position, id LIMIT :most {passing_over}
)
UPDATE tasks SET places = places - 1, taker = :first, takers = takers || :added
WHERE id IN (SELECT id FROM picked)
RETURNING id, record, stage, position
""",
    sqlite={"passing_over": "", **_OF_ROLES_ON_SQLITE},
    postgresql={"passing_over": "FOR UPDATE SKIP LOCKED", **_OF_ROLES_ON_POSTGRESQL},
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone asks the queue for: tasks to take a lease of this `kind` of, whose adjudicators are of one of these
    `roles`; `ahead` of when they look at them."""

    review: str
    kind: Kind
    person: str
    roles: tuple[str, ...]
    ahead: bool = False

    @property
    def mark(self) -> str:
        """How the person stands among a task's takers."""
        return f"\n{self.person}\n"

    @property
    def given(self) -> dict[str, Any]:
        return {
            "review": self.review, "state": ASKED_IN[self.kind], "kind": self.kind, "person": self.person,
            "roles": list(self.roles), "mark": self.mark,
        }  # fmt: skip


class Taken(NamedTuple):
    """A task of which a slot was taken."""

    id: str
    record: str
    stage: str
    position: int


class Head(NamedTuple):
    """Free tasks of a stage and a pool that one `taker` took first, '' being nobody, and that hold something for a
    person: the first of them has this `position`. `turn` is the stage's among those asked for, `lately` where the
    person was last given something."""

    stage: str
    pool: str
    taker: str
    turn: int
    position: int
    lately: str | None

    @property
    def order(self) -> tuple[bool, int, bool, int]:
        """Where one is before where one is not, then as the stages are asked for, of each one's pools before what is
        anybody's, all in the queue's order."""
        return self.stage != self.lately, self.turn, not self.pool, self.position


def heads(work: Work, wanted: Wanted, stages: Sequence[str]) -> list[Head]:
    """The heads of the queue for this person, in order."""
    given = {**wanted.given, "stages": orjson.dumps(list(stages)).decode()}
    found = [Head(*row) for row in work.rows.read(_HEADS, given) if row[4] is not None]
    return sorted(found, key=lambda head: head.order)


def take_slots(work: Work, wanted: Wanted, head: Head, most: int) -> list[Taken]:
    """Takes a slot of each of the first free tasks of this head, at most so many, in one statement; in queue order."""
    taker = head.taker
    first, added = (taker, wanted.mark[1:]) if taker else (wanted.person, wanted.mark)
    given = {
        **wanted.given,
        "stage": head.stage,
        "pool": head.pool,
        "taker": taker,
        "most": most,
        "first": first,
        "added": added,
    }
    return _taken(work, _TAKE, given)


def take_slots_of(work: Work, wanted: Wanted, tasks: Sequence[str], most: int) -> list[Taken]:
    """The same of these tasks, as far as they wait for this person."""
    return _taken(work, _TAKE_AMONG, {**wanted.given, "ids": list(tasks), "most": most, "added": wanted.mark[1:]})


def _taken(work: Work, how: Said, given: dict[str, Any]) -> list[Taken]:
    rows = [Taken(*row) for row in work.rows.read(how, given)]
    for task in rows:  # What this work may have held of them is not so any more.
        work.rows.drop(TaskRow, task.id)
    return sorted(rows, key=lambda task: (task.position, task.id))


_KEEP_STAGE = Said(
    """
INSERT INTO last_stages (review, person, kind, stage) VALUES (:review, :person, :kind, :stage)
ON CONFLICT (review, person, kind) DO UPDATE SET stage = excluded.stage
"""
)


def keep_stage(work: Work, wanted: Wanted, stage: str) -> None:
    """Keeps at which stage a person was last given something."""
    given = {"review": wanted.review, "person": wanted.person, "kind": wanted.kind, "stage": stage}
    work.rows.later(_KEEP_STAGE, given)


#: The free tasks of a stage in a person's pools and in none, as far as they are counted, and those of them that the
#: person has no part in. What they took first themselves is leapt over; of the rest no more is read than is counted.
_LEFT = Said(
    """
WITH mine(pool) AS (
    SELECT '' UNION ALL
    SELECT pool FROM pool_members WHERE review = :review AND person = :person AND stage = :stage
)
SELECT count(*), coalesce(sum(CASE WHEN replace(takers, :mark, '') = takers THEN 1 ELSE 0 END), 0) FROM (
    SELECT takers FROM mine CROSS JOIN tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND tasks.pool = mine.pool
        AND taker < :person
    UNION ALL
    SELECT takers FROM mine CROSS JOIN tasks
    WHERE review = :review AND stage = :stage AND state = :state AND places > 0 AND tasks.pool = mine.pool
        AND taker > :person
    LIMIT :most
) AS waiting
"""
)

#: Tasks of a stage that are counted one by one for somebody; of more it is said that they are more.
COUNTED_FOR_ONE = 10_000


class Left(NamedTuple):
    """How many tasks are left for somebody, or that there are so many at least."""

    n: int
    or_more: bool


def left(work: Work, wanted: Wanted, stage: str) -> Left:
    """How many tasks of a stage have a free slot and no part of this person's in them."""
    given = {name: value for name, value in wanted.given.items() if name not in ("roles", "kind")}
    ((seen, n),) = work.rows.read(_LEFT, {**given, "stage": stage, "most": COUNTED_FOR_ONE})
    return Left(int(n), seen >= COUNTED_FOR_ONE)


_SKIP = Said(
    """
INSERT INTO skips (review, person, task, stage, kind) VALUES (:review, :person, :task, :stage, :kind)
ON CONFLICT (review, person, task) DO NOTHING
"""
)

_FORGET_SKIPS = Said(
    """
DELETE FROM skips WHERE review = :review AND person = :person AND kind = :kind AND stage {of_stages} RETURNING task
""",
    sqlite={"of_stages": "IN (SELECT value FROM json_each(:stages))"},
    postgresql={"of_stages": "= ANY(:stages)"},
)


def skip(work: Work, task: Task, person: str, kind: Kind) -> None:
    """Has a person be given a task after all others that wait for them."""
    given = {"review": task.review, "person": person, "task": task.id, "stage": task.stage, "kind": kind}
    work.rows.later(_SKIP, given)


def forget_skips(work: Work, review: str, person: str, kind: Kind, stages: Sequence[str]) -> bool:
    """Has what a person skipped at these stages wait for them as before; answers whether there was any."""
    given = {"review": review, "person": person, "kind": kind, "stages": list(stages)}
    return bool(work.rows.read(_FORGET_SKIPS, given))
