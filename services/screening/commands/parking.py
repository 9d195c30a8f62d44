"""Parking: a task that nobody is given for now, since somebody set it aside, or nothing came of it again and again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from services.screening import store
from services.screening.commands import conflicts, disputes, steps
from services.screening.domain import ASKED_IN, SKIPPED, TO_DECIDE, VOTERS, LeaseStates, TaskStates
from services.screening.models import Parking, ParkingRow, Record, ReturnRow, Task
from services.screening.store import InHand
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.screening import TaskParked, TaskResumed
from shared.ids import new_id
from shared.wire.screening import Returned

#: How a slot comes back that counts as a time in which nothing came of a task; a lead's doing says nothing of it.
_COUNTED = (LeaseStates.RELEASED, SKIPPED, LeaseStates.LAPSED)


def park(
    work: Work, review: str, task_id: str, reason: str, until: date | None, *, is_lead: bool
) -> tuple[Task, Parking]:
    """Sets a task aside that this person holds, whose lease ends; a lead may set any aside that waits for people.

    What others hold of it they may still answer. Raises NotFound, Conflict (`task_parked`, `task_closed`), Forbidden
    (`not_in_hand`) or Invalid for a day that is no later one.
    """
    record, task = _held(work, review, task_id)
    return task, set_aside(work, record, task, reason, until, is_lead=is_lead)


def set_aside(work: Work, record: Record, task: Task, reason: str, until: date | None, *, is_lead: bool) -> Parking:
    """The same of a task that is held, with its record."""
    if until is not None and until <= work.now.date():
        raise Invalid.of("until", "give a day that is still to come, or none", slug="past_day")
    if task.state == TaskStates.PARKED:
        raise Conflict("this task is parked already", slug="task_parked")
    if task.state not in ASKED_IN.values():
        raise Conflict("this task is over; nobody is given it any more", slug="task_closed")
    mine = [lease for lease in store.leases_of(work, task) if lease.person == work.actor]
    if not is_lead and not any(lease.expires_at > work.now for lease in mine):
        raise Forbidden("whoever holds a task parks it, or a lead; claim it first", slug="not_in_hand")
    for lease in mine:
        steps.end_lease(work, lease, LeaseStates.RELEASED)
        steps.free_slot(task, lease.person)
    day = None if until is None else datetime.combine(until, time(), UTC)
    return _park(work, record, task, person=work.actor, reason=reason, until=day, is_lead=is_lead)


def resume(work: Work, review: str, task_id: str, *, is_lead: bool) -> Task:
    """Brings a parked task back to the queue: a lead any, others what they parked themselves. Raises NotFound, Conflict
    (`not_parked`) or Forbidden (`not_your_parking`)."""
    record, task = _held(work, review, task_id)
    bring_back(work, record, task, is_lead=is_lead)
    return task


def bring_back(work: Work, record: Record, task: Task, *, is_lead: bool) -> list[Parking]:
    """The same of a task that is held, with its record; answers the parkings that ended."""
    parkings = store.parkings_now(work, task)
    if not is_lead and not any(parking.person == work.actor for parking in parkings):
        # Said alike of one that is not parked: who parks tells something.
        raise Forbidden("whoever parked a task brings it back, or a lead", slug="not_your_parking")
    if task.state != TaskStates.PARKED:
        raise Conflict("this task is not parked", slug="not_parked")
    for parking in parkings:
        parking.ended_by = work.actor
    _resume(work, record, task, "brought_back", work.actor if is_lead else None)
    return parkings


def park_again(work: Work, record: Record, task: Task, parking: str) -> bool:
    """Has a task be parked as it was in a parking that ended, which is its last one; answers whether: not where
    somebody has it in hand, or voted since. Record and task are held."""
    known = store.parkings_of(work, [task.id])[task.id]
    if task.state not in ASKED_IN.values() or not known or known[-1].id != parking or store.leases_of(work, task):
        return False
    last = known[-1]
    if last.ended_at is None or any(vote.cast_at > last.ended_at for vote in store.votes_on(work, task.id)):
        return False
    _park(work, record, task, person=last.person, reason=last.reason, until=last.until)
    return True


def resume_due(work: Work, limit: int) -> int:
    """Brings some tasks back whose day has come; answers how many were due."""
    due = store.parkings_due(work, limit)
    for review, record_id, task_id in due:
        record, task = store.lock_record(work, review, record_id), store.lock_task(work, task_id)
        if record is not None and task.state == TaskStates.PARKED and _is_due(work, task):
            _resume(work, record, task, "day_came", None)
    return len(due)


def take_back(
    work: Work,
    held: Iterable[InHand],
    how: Returned,
    *,
    reason: str | None = None,
    freed_by: str | None = None,
    unread: bool = False,
) -> None:
    """Ends leases that came to nothing and frees their slots; a task of which nothing came as often as its stage allows
    is parked for a lead. What was `unread` does not count, nor what lapsed that its person never looked at, nor a
    conflict of which they gave their first look meanwhile, to decide it later. All of it is held, the records too."""
    held, returned = list(held), []
    looked = store.looks_given(work, [one.lease for one in held if one.lease.kind == TO_DECIDE])
    for lease, task, record in held:
        steps.end_lease(work, lease, LeaseStates.RELEASED if how == SKIPPED else how)
        steps.free_slot(task, lease.person)
        returned.append(
            {
                "id": new_id("return"), "review": task.review, "task": task.id, "person": lease.person,
                "kind": lease.kind, "how": how, "reason": reason, "freed_by": freed_by, "at": work.now,
            }
        )  # fmt: skip
        # What voters decide together is kept for them, and goes round among nobody.
        seen = not unread and not (how == LeaseStates.LAPSED and lease.unread) and lease.id not in looked
        task.returned += how in _COUNTED and seen and task.adjudicators != VOTERS
        if task.returned >= store.stage_of(work, task).parks_after and task.state in ASKED_IN.values():
            _park(work, record, task)
    work.rows.insert(ReturnRow, returned)


def _held(work: Work, review: str, task_id: str) -> tuple[Record, Task]:
    """A task of this review and its record, held until the work ends."""
    about = store.tasks_by_id(work, [task_id]).get(task_id)
    record = store.lock_record(work, review, about.record) if about is not None and about.review == review else None
    if record is None:
        raise NotFound(f"review {review!r} has no task {task_id!r}", slug="unknown_task")
    return record, store.lock_task(work, task_id)


def _park(
    work: Work,
    record: Record,
    task: Task,
    *,
    person: str | None = None,
    reason: str | None = None,
    until: datetime | None = None,
    is_lead: bool = False,
) -> Parking:
    steps.turn_task(work, task, TaskStates.PARKED)
    task.places = 0
    task.told = steps.tell(
        work, record, TaskParked, task.told,
        task=task.id, stage=task.stage, because="came_to_nothing" if person is None else "set_aside",
        until=until and until.date(), by=person if is_lead else None,
    )  # fmt: skip
    parking = Parking(
        id=new_id("parking"), review=task.review, task=task.id, person=person, reason=reason, since=work.now,
        until=until,
    )  # fmt: skip
    return work.rows.add(ParkingRow, parking)


def _resume(work: Work, record: Record, task: Task, because: str, by: str | None) -> None:
    steps.ask_again(work, task)
    task.told = steps.tell(
        work, record, TaskResumed, task.told, task=task.id, stage=task.stage, because=because, by=by
    )  # fmt: skip
    # What happened meanwhile to what is one with its record counts now.
    work.rows.flush()
    if task.state == TaskStates.OPEN:
        steps.gather_votes(work, record)
    elif task.adjudicators == VOTERS:
        conflicts.go_on(work, record, task)
    else:
        disputes.settle_dispute(work, task.review, record.id)


def _is_due(work: Work, task: Task) -> bool:
    return any(it.until is not None and it.until <= work.now for it in store.parkings_now(work, task))
