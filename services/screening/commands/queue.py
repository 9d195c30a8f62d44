"""What people do in screening: claim a slot, give it back, keep it longer, vote."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count as counting

from services.screening import domain, store, views
from services.screening.commands import ballots, conflicts, steps
from services.screening.domain import ASKED_IN, TO_DECIDE, VOTERS, Ballot, LeaseStates
from services.screening.models import Lease, Task, Vote, VoteRow
from services.screening.store import InHand, Plan, Taken, Wanted
from shared.db.work import Work
from shared.errors import Busy, Conflict, Forbidden, LivingError, NotFound
from shared.events.stages import CONSENSUS
from shared.ids import new_id
from shared.pauses import pause_after
from shared.wire.screening import Kind

#: The roles that a stage may ask of its adjudicators, from least to most.
ADJUDICATORS = ("adjudicator", "lead", "admin")

#: Seconds after which a claim looks again when others were quicker, before it says so: they take milliseconds, and it
#: keeps its place and its connection meanwhile.
_FIRST_PAUSE, _LONGEST_PAUSE, _LOOKS = 0.01, 0.04, 4

#: How many lapsed leases a claim returns by itself when it finds nothing else.
_RETURNED_BY_A_CLAIM = 50


def claim(work: Work, review: str, kind: Kind, stage: str | None, roles: Sequence[str], count: int = 1) -> list[InHand]:
    """What the person has in hand of this kind, the oldest first, filled up to `count` with the first tasks in
    the queue that are for them.

    `roles` are the adjudicators' roles the person has. Without a stage the furthest stage comes first, so
    that what is begun gets finished. Empty when nothing waits for them. Raises NotFound for an unknown review
    or stage, Forbidden for a role that may not adjudicate, Busy (`queue_busy`) when others were quicker
    again and again.
    """
    plan = views.known_plan(work, review)
    stages = _stages_to_look_at(work, plan, review, stage)
    if kind == TO_DECIDE and (refused := _no_adjudicator(plan, stage, roles)):
        if not conflicts.is_wanted(work, review, stages):
            raise refused
        roles = ()
    held = _still_in_hand(work, review, kind)
    if len(held) < count and _fill_up(work, review, kind, stages, roles, held, count):
        held = store.in_hand(work, review, work.actor, kind)
    return held[:count]


def in_hand(work: Work, review: str, lease_id: str) -> InHand:
    """What this person holds under a live lease, to look at again. Raises as `vote` does for a lease."""
    return _usable(work, review, lease_id, store.in_hand_by(work, review, lease_id))


def renew(work: Work, review: str, lease_id: str) -> Lease:
    """Keeps a live lease for as long again from now."""
    lease = _in_use(work, review, lease_id).lease
    lease.expires_at = _expiry(work)
    return lease


def release(work: Work, review: str, lease_id: str) -> Lease:
    """Gives a slot back before its time; the task goes to the end of the queue, so that the next claim
    brings another one."""
    lease, task, _ = _in_use(work, review, lease_id)
    steps.end_lease(work, lease, LeaseStates.RELEASED)
    steps.free_slot(task, lease.person)
    task.position = steps.queue_position()
    return lease


def vote(work: Work, review: str, lease_id: str, ballot: Ballot, roles: Sequence[str]) -> tuple[Task, list[Vote]]:
    """Casts the vote that a lease is for: an independent one, the decision of a conflict, or what one of its voters
    stands by. Answers the task, and its votes once it has all of them.

    Raises NotFound, Forbidden (`not_your_lease`, `role_needed`), Conflict (`lease_lapsed`, `already_voted`,
    `lease_released`, `task_closed`, `look_first`) or Invalid, listing everything wrong with the ballot.
    """
    lease, task, record = held = _in_use(work, review, lease_id)
    deciding = lease.kind == TO_DECIDE
    if deciding and task.adjudicators == VOTERS:
        return conflicts.stand(work, held, ballot)
    if deciding:
        _require_role(task, roles)
        conflicts.require_look(work, task)
    ballots.check(work, task, ballot, deciding=deciding)
    last = deciding or task.votes_cast + 1 == task.votes_needed
    before = store.votes_on(work, task.id) if last else []
    cast = work.rows.add(VoteRow, _vote_of(work, task, ballot, deciding))
    steps.end_lease(work, lease, LeaseStates.VOTED)
    votes = store.in_order([*before, cast]) if last else []
    if deciding:
        steps.decide_conflict(work, record, task, votes)
    else:
        steps.count_vote(work, record, task, votes)
    return task, votes


def look(work: Work, review: str, lease_id: str, ballot: Ballot, roles: Sequence[str]) -> InHand:
    """Keeps the adjudicator's own answer to a conflict they hold; from then on they see its votes. Raises as `vote`
    does, and Conflict (`no_first_look`, `already_looked`)."""
    held = _in_use(work, review, lease_id)
    if held.lease.kind == TO_DECIDE and held.task.adjudicators != VOTERS:
        _require_role(held.task, roles)
    conflicts.look(work, held, ballot)
    return held


def _require_role(task: Task, roles: Sequence[str]) -> None:
    if task.adjudicators not in roles:
        raise Forbidden(f"conflicts of stage {task.stage!r} need the role {task.adjudicators!r}", slug="role_needed")


def return_lapsed(work: Work, limit: int) -> int:
    """Gives the slots of some lapsed leases back; answers how many."""
    return _give_back(work, store.lock_lapsed(work, limit))


def return_all_of(work: Work, review: str, person: str) -> int:
    """Gives back every slot that somebody holds in a review, who is no member any more; answers how many."""
    held = store.lock_held_by(work, review, person)
    for task, lease in held:
        steps.end_lease(work, lease, LeaseStates.RELEASED)
        steps.free_slot(task, lease.person)
    return len(held)


def _give_back(work: Work, lapsed: Iterable[tuple[Task, Lease]]) -> int:
    """Ends lapsed leases, which are held, and frees their slots."""
    given = 0
    for task, lease in lapsed:
        steps.end_lease(work, lease, LeaseStates.LAPSED)
        steps.free_slot(task, lease.person)
        given += 1
    return given


def _stages_to_look_at(work: Work, plan: Plan, review: str, stage: str | None) -> list[str]:
    """The stage asked for, or every stage that any version has had, the furthest first."""
    if stage is not None and domain.stage_named(plan.protocol, stage) is not None:
        return [stage]
    known = views.known_stages(plan, store.dropped_stages(work, review))
    if stage is None:
        return known[::-1]
    views.require_stage(known, review, stage)
    return [stage]


def _no_adjudicator(plan: Plan, stage: str | None, roles: Sequence[str]) -> Forbidden | None:
    """Why a person may decide none but those that they voted on; None where they may, or where voters decide."""
    asked = domain.stage_named(plan.protocol, stage) if stage is not None else None
    needed = asked.adjudicators if asked is not None else ADJUDICATORS[0]
    if needed in roles or any(it.reconciliation == CONSENSUS for it in ([asked] if asked else plan.protocol.stages)):
        return None
    return Forbidden(f"conflicts here need the role {needed!r}", slug="role_needed")


def _still_in_hand(work: Work, review: str, kind: Kind) -> list[InHand]:
    """What the person has in hand; what lapsed of it goes back to the queue."""
    held = store.in_hand(work, review, work.actor, kind)
    lapsed = [one.lease.id for one in held if one.lease.expires_at <= work.now]
    if lapsed:
        _give_back(work, store.lock_leases(work, lapsed))
    return [one for one in held if one.lease.ended is None]


def _fill_up(
    work: Work, review: str, kind: Kind, stages: Sequence[str], roles: Sequence[str], held: Sequence[InHand], count: int
) -> bool:
    """Takes the slots that are missing and leases them; answers whether anything may have changed."""
    may = tuple(roles) if kind == TO_DECIDE else ADJUDICATORS
    wanted = Wanted(review, ASKED_IN[kind], work.actor, may)
    missing = count - len(held)
    taken = conflicts.take(work, review, stages, missing) if kind == TO_DECIDE else []
    if len(taken) < missing and may:
        taken += _take(work, wanted, stages, missing - len(taken), patient=not held and not taken)
    if not taken and not held and _give_back(work, _lapsed_of_others(work, review)):
        taken = _take(work, wanted, stages, missing, patient=True) if may else []
    if taken:
        _lease(work, review, kind, taken, {one.lease.slot for one in held})
    return bool(taken)


def _lapsed_of_others(work: Work, review: str) -> list[tuple[Task, Lease]]:
    """Lapsed leases that a claim may return by itself, since it found nothing else; none that must be waited for."""
    return store.lock_lapsed(work, _RETURNED_BY_A_CLAIM, review, passing_over=True)


def _take(work: Work, wanted: Wanted, stages: Sequence[str], most: int, *, patient: bool) -> list[Taken]:
    """Slots of the first tasks in the queue that are for this person; none says that there are none.

    What others are taking at this moment is passed over, not waited for, since who waits for one task while
    holding another may wait for ever. When nothing else is left, a `patient` claim looks again after a pause.
    """
    for look in range(1, _LOOKS + 1):
        heads = store.heads(work, wanted, stages)
        taken: list[Taken] = []
        for stage, taker in heads:
            if len(taken) < most:
                taken += store.take_slots(work, wanted, stage, taker, most - len(taken))
        if taken or not heads or not patient:
            return taken
        if look == _LOOKS:
            break
        time.sleep(pause_after(look, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE))
    raise Busy("others are taking the last tasks at this moment; nothing was done, come again", slug="queue_busy")


def _lease(work: Work, review: str, kind: Kind, taken: Sequence[Taken], taken_numbers: Collection[int]) -> None:
    """Leases the slots just taken, each under the lowest free number. One whose number another request of this person
    took meanwhile goes back: together they take no more than one asked for."""
    free = (number for number in counting() if number not in taken_numbers)
    rows = [
        {"id": new_id("lease"), "task": task.id, "record": task.record, "stage": task.stage, "slot": number}
        for task, number in zip(taken, free, strict=False)
    ]
    leased = store.add_leases(work, review, kind, rows, _expiry(work))
    for task in taken:
        if task.id not in leased:
            steps.free_slot(store.lock_task(work, task.id), work.actor)


def _in_use(work: Work, review: str, lease_id: str) -> InHand:
    """This person's live lease with its task and record, held until the work ends."""
    return _usable(work, review, lease_id, store.lock_in_hand(work, review, lease_id))


def _usable(work: Work, review: str, lease_id: str, held: InHand | None) -> InHand:
    """What was found under this id, when it is this person's and alive."""
    if held is None:
        raise NotFound(f"review {review!r} has no lease {lease_id!r}", slug="unknown_lease")
    lease = held.lease
    if lease.person != work.actor:
        raise Forbidden(f"lease {lease_id!r} is not yours", slug="not_your_lease")
    if lease.ended is not None or lease.expires_at <= work.now:
        raise _no_longer(lease)
    return held


def _no_longer(lease: Lease) -> LivingError:
    """Why a lease cannot be used any more."""
    if lease.ended == LeaseStates.VOTED:
        return Conflict("you have voted with this lease, which ended it; a vote is cast once", slug="already_voted")
    if lease.ended == LeaseStates.RELEASED:
        return Conflict("you gave this lease back; claim again", slug="lease_released")
    if lease.ended == LeaseStates.WITHDRAWN:
        return Conflict("the task needs no vote any more; claim another", slug="task_closed")
    at = lease.expires_at.isoformat(timespec="seconds")
    return Conflict(f"the lease lapsed at {at} and the task went back to the queue; claim again", slug="lease_lapsed")


def _vote_of(work: Work, task: Task, ballot: Ballot, deciding: bool) -> Vote:
    return Vote(
        id=new_id("vote"), task=task.id, person=work.actor, cast_on=task.id, **ballots.kept(ballot),
        protocol_version=task.protocol_version, deciding=deciding, cast_at=work.now, via=work.via,
    )  # fmt: skip


def _expiry(work: Work) -> datetime:
    return work.now + timedelta(minutes=work.settings.lease_minutes)
