"""Assigning: a lead gives tasks of a stage to some people, who alone are given them until the assignment is ended.

An assignment makes pools, and a job has each open task be in the pool that it is of (`store.pools_of`); what opens
later is so from the beginning. Nobody has to give back what they hold, and no vote is touched.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.screening import domain, store, views
from services.screening.models import AssignmentRow, PoolRow, Task, Walk
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.events.stages import Stage
from shared.ids import new_id

#: After which time what was opened by a transaction that began before an assignment is committed: a job looks again.
_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be assigned of a stage: these `records`, `percent` of all for each person, or a `sample` of so many of
    those that nobody has begun; one of the three."""

    records: Sequence[str] = ()
    percent: int | None = None
    sample: int | None = None


def assign(work: Work, review: str, stage: str, people: Sequence[str], wish: Wish) -> AssignmentRow:
    """Makes an assignment. Raises NotFound (`unknown_stage`), Invalid (`pool_too_small`, `unknown_record` ...), or
    Conflict (`shared_out`) where the stage has no such part left."""
    plan = views.known_plan(work, review)
    named = domain.stage_named(plan.protocol, stage)
    if named is None:
        views.require_stage([it.name for it in plan.protocol.stages], review, stage)
    assert named is not None
    _check_people(work, review, named, people)
    store.lock_assigning(work, review, plan.version)
    row = AssignmentRow(
        id=new_id("assignment"), review=review, stage=stage, kind="records", people=list(people), pools=[],
        made_by=work.actor, made_at=work.now, reached=[],
    )  # fmt: skip
    if wish.percent is not None:
        row.kind, row.percent = "share", wish.percent
        pools = _shares(work, row, named, people, wish.percent)
    else:
        pools = [(PoolRow(id=new_id("pool"), review=review, stage=stage, assignment=row.id), tuple(people))]
        row.kind, row.size = ("records", len(wish.records)) if wish.records else ("sample", wish.sample)
    row.pools = [pool.id for pool, _ in pools]
    _go_through(row, "stage" if row.kind == "share" else "draw" if row.kind == "sample" else "records")
    if unknown := store.unknown_records(work, review, wish.records) if wish.records else []:
        errors = [{"at": f"records[{at}]", "why": "this review has no such record"} for at in unknown[:50]]
        raise Invalid(f"{errors[0]['at']}: {errors[0]['why']}", errors, slug="unknown_record")
    store.add_assignment(work, row, pools)
    if wish.records:
        store.assign_records(work, row, list(dict.fromkeys(wish.records)))
    return row


def end(work: Work, review: str, assignment: str) -> AssignmentRow:
    """Ends an assignment: its tasks are anybody's again, or of another assignment's people. Raises NotFound, or
    Conflict (`assignment_ended`)."""
    row = store.lock_assignment(work, review, assignment)
    if row is None:
        raise NotFound(f"review {review!r} has no assignment {assignment!r}", slug="unknown_assignment")
    if row.ended_at is not None:
        raise Conflict(f"assignment {assignment!r} has ended already", slug="assignment_ended")
    row.ended_by, row.ended_at = work.actor, work.now
    store.end_pools(work, row)
    _go_through(row, "pools")
    return row


def go_on_without(work: Work, review: str, person: str) -> None:
    """Leaves what somebody was assigned who cannot vote in a review any more to those who were assigned it with them,
    or, where these are too few, to anybody."""
    for row in store.leave_pools(work, review, person):
        # What it was to go through it goes through anew, which has in it what is in its pools.
        _go_through(row, row.walk or "pools")


def move_some(work: Work, *, review: str, assignment: str, limit: int) -> int:
    """Goes on with what an assignment has to go through, some tasks at a time: each is put into the pool that it is of.
    Answers how many it went through; 0 when it is through."""
    row, reached = store.lock_assignment(work, review, assignment), list[int | str]()
    if row is None or row.walk is None or (row.due_at is not None and row.due_at > work.now):
        return 0
    if row.walk == "draw":
        _draw(work, row)
        return 1
    if row.walk == "records":
        tasks, last = store.lock_assigned_after(work, row, limit)
        reached += [last] if last is not None else []
    else:
        tasks = (store.lock_open_after if row.walk == "stage" else store.lock_in_pools_after)(work, row, limit)
        if len(tasks) == limit:
            last_task = tasks[-1]
            reached += [last_task.position if row.walk == "stage" else last_task.pool, last_task.id]
    _put_into_pools(work, row, tasks)
    row.reached = reached
    if not reached:
        _finish(work, row)
    return len(tasks) if reached else 0


def _check_people(work: Work, review: str, stage: Stage, people: Sequence[str]) -> None:
    """Raises Invalid for people who cannot do it."""
    errors = [
        {"at": f"people[{at}]", "why": "is named twice"} for at, it in enumerate(people) if it in people[:at]
    ]  # fmt: skip
    there = store.present(work, review, people)
    errors += [
        {"at": f"people[{at}]", "why": "has left the review, or only reads there"}
        for at, it in enumerate(people)
        if it not in there
    ]
    if errors:
        raise Invalid(f"{errors[0]['at']}: {errors[0]['why']}", errors)
    if len(people) < stage.votes:
        why = f"stage {stage.name!r} asks for {stage.votes} votes on a record, so name as many people or more"
        raise Invalid.of("people", why, slug="pool_too_small")


def _shares(
    work: Work, row: AssignmentRow, stage: Stage, people: Sequence[str], percent: int
) -> list[tuple[PoolRow, tuple[str, ...]]]:
    """Pools for shares, each of a part that is free."""
    dealt = domain.dealt(people, stage.votes, percent)
    if sum(width for _, width in dealt) > domain.WHOLE:
        why = f"{percent} % for each of {len(people)} people is more than the {stage.votes} votes on every record"
        raise Invalid.of("percent", why)
    used, pools = store.parts_used(work, row.review, row.stage), []
    for members, width in dealt:
        begins = domain.first_gap(width, used)
        if begins is None:
            reason = f"less than that of stage {row.stage!r} is not shared out yet; end another assignment first"
            raise Conflict(reason, slug="shared_out")
        used.append((begins, begins + width))
        pool = PoolRow(
            id=new_id("pool"), review=row.review, stage=row.stage, assignment=row.id, begins=begins, ends=begins + width
        )
        pools.append((pool, members))
    return pools


def _go_through(row: AssignmentRow, walk: Walk) -> None:
    row.walk, row.reached, row.due_at = walk, [], None


def _draw(work: Work, row: AssignmentRow) -> None:
    """Draws a sample of what waits for anybody and nobody has begun."""
    waiting = store.untouched_records(work, row.review, row.stage)
    drawn = heapq.nsmallest(row.size or 0, waiting, key=lambda record: domain.sample_order(row.id, record))
    store.assign_records(work, row, drawn)
    _go_through(row, "records")


def _put_into_pools(work: Work, row: AssignmentRow, tasks: Sequence[Task]) -> None:
    by_version: dict[int, list[Task]] = {}
    for task in tasks:
        if task.state == domain.TaskStates.OPEN:
            by_version.setdefault(task.protocol_version, []).append(task)
    for some in by_version.values():
        pools = store.pools_of(work, row.review, store.stage_of(work, some[0]), [task.record for task in some])
        for task in some:
            if task.pool != pools[task.record]:
                task.pool = pools[task.record]


def _finish(work: Work, row: AssignmentRow) -> None:
    """Once through, it goes through again some time later; then it is done."""
    if row.due_at is None:
        row.due_at = work.now + _AGAIN
        return
    row.walk = row.due_at = None
    if row.ended_at is not None:
        store.forget_assigned(work, row.id)
