"""The queue: whose turn it is, and slots of tasks, taken in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from services.screening.models import Task, TaskRow
from shared.db.said import Said
from shared.db.work import Work
from shared.wire.screening import Kind

_OF_ROLES_ON_SQLITE = {"of_roles": "IN (SELECT value FROM json_each(:roles))"}
_OF_ROLES_ON_POSTGRESQL = {"of_roles": "= ANY(:roles)"}

#: Everyone who stands first on some free task of the queue of these stages, found by leaps over the index: each
#: costs one descent, however many tasks lie between, and a stage where nothing waits costs one. And of each:
#: where in the queue their first task is that this person has no part in and does not skip. Only where more than two
#: people share a task is anything looked through for that, and then in the index alone.
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
      AND replace(takers, :mark, '') = takers AND adjudicators {of_roles} AND id NOT IN (
          SELECT task FROM skips WHERE review = :review AND person = :person
      )
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
        return {
            "review": self.review, "state": self.state, "person": self.person, "roles": list(self.roles),
            "mark": self.mark,
        }  # fmt: skip


class Taken(NamedTuple):
    """A task of which a slot was taken."""

    id: str
    record: str
    stage: str
    position: int


def heads(work: Work, wanted: Wanted, stages: Sequence[str]) -> list[tuple[str, str]]:
    """The (stage, taker) pairs whose free tasks hold something for this person: stage by stage as asked, and
    the head of each stage's queue first."""
    given = {**wanted.given, "stages": orjson.dumps(list(stages)).decode()}
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
