"""What people do in screening: claim a slot, give it back, keep it longer, vote."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import count as counting

from services.screening import domain, store, views
from services.screening.commands import ballots, caps, conflicts, parking, steps, training
from services.screening.domain import SKIPPED, TO_DECIDE, TO_SCREEN, VOTERS, Ballot, LeaseStates
from services.screening.models import Lease, Task, Vote
from services.screening.store import Head, InHand, Left, Plan, Taken, Wanted
from shared.db.work import Work
from shared.errors import Busy, Conflict, Forbidden, LivingError, NotFound
from shared.events.stages import CONSENSUS
from shared.ids import new_id
from shared.pauses import pause_after
from shared.tokens import Person
from shared.wire.screening import MOST_IN_HAND, ClaimMode, Kind

#: The roles that a stage may ask of its adjudicators, from least to most.
ADJUDICATORS = ("adjudicator", "lead", "admin")

#: Seconds after which a claim looks again when others were quicker, before it says so: they take milliseconds, and it
#: keeps its place and its connection meanwhile.
_FIRST_PAUSE, _LONGEST_PAUSE, _LOOKS = 0.01, 0.04, 4

#: How many lapsed leases a claim returns by itself when it finds nothing else.
_RETURNED_BY_A_CLAIM = 50


def adjudicates(person: Person) -> list[str]:
    """The adjudicators' roles that a person has."""
    return [role for role in ADJUDICATORS if person.has(role)]


def claim(
    work: Work,
    review: str,
    kind: Kind,
    stage: str | None,
    roles: Sequence[str],
    count: int = 1,
    mode: ClaimMode = "in_order",
    records: Collection[str] | None = None,
    ahead: bool = False,
) -> list[InHand]:
    """What the person has in hand of this kind, the oldest first, filled up to `count` with the first tasks in
    the queue that are for them; of named `records`, with those that are theirs. What they are given `ahead` they look
    at later.

    `roles` are the adjudicators' roles the person has. Without a stage they stay where they were last given something
    while anything waits for them there; then the furthest stage comes first, so that what is begun gets finished.
    Empty when nothing waits for them. Raises NotFound for an unknown review or stage, Forbidden for a role that may not
    adjudicate, Conflict where a training set comes first and nothing else waits (`training_first`), or where as many
    votes are cast today as may be (`day_is_full`), Busy (`queue_busy`) when others were quicker again and again.
    """
    plan = views.known_plan(work, review)
    stages = _stages_to_look_at(work, plan, review, stage)
    if kind == TO_DECIDE and (refused := _no_adjudicator(plan, stage, roles)):
        if not conflicts.is_wanted(work, review, stages):
            raise refused
        roles = ()
    untrained = training.untrained_at(work, plan) if kind == TO_SCREEN and mode != "mine" else []
    if stage in untrained:
        raise training.training_first(stage)
    stages = [it for it in stages if it not in untrained]
    held = _still_in_hand(work, review, kind)
    if mode != "mine" and _fill_up(work, _wanted(work, review, kind, roles, ahead), stages, held, count, mode, records):
        held = store.in_hand(work, review, work.actor, kind)
    found = [one for one in held if records is None or one.record.id in records][:count]
    if not found and stage is None and untrained:
        raise training.training_first(untrained[0])
    return found


def left(work: Work, review: str, stage: str, kind: Kind, roles: Sequence[str]) -> Left:
    """How many tasks of a stage wait for this person beside what they hold; of conflicts those that they may
    adjudicate, and those that they decide with the others who voted."""
    plan = views.known_plan(work, review)
    named = domain.stage_named(plan.protocol, stage)
    with_others = len(conflicts.asked_for(work, review, work.actor, [stage])) if kind == TO_DECIDE else 0
    if kind == TO_DECIDE and (named.adjudicators if named else ADJUDICATORS[0]) not in roles:
        return Left(with_others, or_more=False)
    found = store.left(work, _wanted(work, review, kind, roles), stage)
    return Left(found.n + with_others, or_more=found.or_more)


def in_hand(work: Work, review: str, lease_id: str) -> InHand:
    """What this person holds under a live lease, to look at again. Raises as `vote` does for a lease."""
    return _usable(work, review, lease_id, store.in_hand_by(work, review, lease_id))


def renew(work: Work, review: str, lease_id: str) -> Lease:
    """Keeps a live lease for as long again from now, since its person looks at it."""
    lease = _in_use(work, review, lease_id).lease
    lease.expires_at, lease.unread = _expiry(work), False
    return lease


def release(work: Work, review: str, lease_id: str, *, unread: bool = False) -> Lease:
    """Gives a slot back before its time; the task goes to the end of the queue, so that the next claim
    brings another one. What was given back `unread` says nothing of the record."""
    held = _in_use(work, review, lease_id)
    parking.take_back(work, [held], LeaseStates.RELEASED, unread=unread)
    held.task.position = steps.queue_position()
    return held.lease


def skip(work: Work, review: str, lease_id: str) -> Lease:
    """Gives a slot back before its time, and has the task come to this person after all others; for everybody else it
    stays where it is in the queue. Counts as a release."""
    held = _in_use(work, review, lease_id)
    parking.take_back(work, [held], SKIPPED)
    store.skip(work, held.task, work.actor, held.lease.kind)
    return held.lease


def free(work: Work, review: str, lease_id: str, reason: str) -> Lease:
    """Gives anybody's slot back, as a lead may, with a reason that is kept. Raises NotFound, or Conflict
    (`lease_ended`)."""
    held = store.lock_in_hand(work, review, lease_id)
    if held is None:
        raise _unknown(review, lease_id)
    if held.lease.ended is not None:
        raise Conflict(f"this lease has ended: {held.lease.ended}", slug="lease_ended")
    parking.take_back(work, [held], LeaseStates.FREED, reason=reason, freed_by=work.actor)
    return held.lease


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
        conflicts.require_role(task, roles)
        if not conflicts.has_looked(work, task):
            raise conflicts.look_first()
        ballots.check(work, task, ballot, deciding=True)
        return task, conflicts.decide(work, record, task, lease, store.votes_on(work, task.id), ballot)
    ballots.check(work, task, ballot, deciding=False)
    last = task.votes_cast + 1 == task.votes_needed
    before = store.votes_on(work, task.id) if last else []
    cast = ballots.cast(work, task, ballot, deciding=False)
    steps.end_lease(work, lease, LeaseStates.VOTED)
    task.returned = 0
    votes = store.in_order([*before, cast]) if last else []
    steps.count_vote(work, record, task, votes)
    return task, votes


def look(work: Work, review: str, lease_id: str, ballot: Ballot, roles: Sequence[str]) -> InHand:
    """Keeps the adjudicator's own answer to a conflict they hold; from then on they see its votes. Raises as `vote`
    does, and Conflict (`no_first_look`, `already_looked`)."""
    held = _in_use(work, review, lease_id)
    if held.lease.kind == TO_DECIDE and held.task.adjudicators != VOTERS:
        conflicts.require_role(held.task, roles)
    conflicts.look(work, held, ballot)
    return held


def return_lapsed(work: Work, limit: int) -> int:
    """Gives the slots of some lapsed leases back; answers how many."""
    return _give_back(work, store.lock_lapsed(work, limit))


def return_all_of(work: Work, review: str, person: str) -> int:
    """Gives back every slot that somebody holds in a review, who is no member any more; answers how many."""
    held = store.lock_held_by(work, review, person)
    for lease, task, _ in held:
        steps.end_lease(work, lease, LeaseStates.RELEASED)
        steps.free_slot(task, lease.person)
    return len(held)


def _give_back(work: Work, lapsed: Sequence[InHand]) -> int:
    """Ends lapsed leases, which are held, and frees their slots."""
    parking.take_back(work, lapsed, LeaseStates.LAPSED)
    return len(lapsed)


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


def _wanted(work: Work, review: str, kind: Kind, roles: Sequence[str], ahead: bool = False) -> Wanted:
    return Wanted(review, kind, work.actor, tuple(roles) if kind == TO_DECIDE else ADJUDICATORS, ahead)


def _fill_up(
    work: Work,
    wanted: Wanted,
    stages: Sequence[str],
    held: Sequence[InHand],
    count: int,
    mode: ClaimMode,
    records: Collection[str] | None,
) -> bool:
    """Takes the slots that are missing and leases them; answers whether anything may have changed."""
    if records is not None:
        taken = _take_of(work, wanted, stages, held, count, records)
    elif len(held) < count:
        missing = count - len(held)
        taken = conflicts.take(work, wanted.review, stages, missing) if wanted.kind == TO_DECIDE else []
        if len(taken) < missing and wanted.roles:
            empty_handed = not held and not taken
            taken += _take_next(work, wanted, stages, held, missing - len(taken), mode, empty_handed=empty_handed)
    else:
        return False
    if taken:
        _lease(work, wanted, taken, {one.lease.slot for one in held})
    return bool(taken)


def _take_of(
    work: Work,
    wanted: Wanted,
    stages: Sequence[str],
    held: Sequence[InHand],
    count: int,
    records: Collection[str],
) -> list[Taken]:
    """Slots of these records' tasks, as far as they wait for this person, who never holds more than one may."""
    missing = min(count - sum(one.record.id in records for one in held), MOST_IN_HAND - len(held))
    allowed = _allowed(work, wanted, held)
    taken: list[Taken] = []
    # Each stage by itself only where it counts of which stage they are.
    for some in [[stage] for stage in stages] if allowed.caps else [stages]:
        most = allowed.at(some[0], missing - len(taken)) if some else 0
        tasks = [store.task_id(wanted.review, record, stage) for record in records for stage in some]
        found = store.take_slots_of(work, wanted, tasks, most) if most > 0 else []
        allowed.takes(it.stage for it in found)
        taken += found
    full = next((stage for stage in stages if not allowed.at(stage, 1)), None)
    if full is not None and not taken and not any(one.record.id in records for one in held):
        raise caps.day_is_full(full)
    if taken:
        store.keep_stage(work, wanted, taken[-1].stage)
    return taken


def _take_next(
    work: Work,
    wanted: Wanted,
    stages: Sequence[str],
    held: Sequence[InHand],
    most: int,
    mode: ClaimMode,
    *,
    empty_handed: bool,
) -> list[Taken]:
    """Slots of what is next in the queue; whoever has nothing else gets what lapsed, and then what they skipped."""
    taken = _take(work, wanted, stages, held, most, mode, patient=empty_handed)
    if not taken and empty_handed and _give_back(work, _lapsed_of_others(work, wanted.review)):
        taken = _take(work, wanted, stages, held, most, mode, patient=True)
    if not taken and empty_handed and store.forget_skips(work, wanted.review, work.actor, wanted.kind, stages):
        taken = _take(work, wanted, stages, held, most, mode, patient=True)
    return taken


def _lapsed_of_others(work: Work, review: str) -> list[InHand]:
    """Lapsed leases that a claim may return by itself, since it found nothing else; none that must be waited for."""
    return store.lock_lapsed(work, _RETURNED_BY_A_CLAIM, review, passing_over=True)


def _take(
    work: Work,
    wanted: Wanted,
    stages: Sequence[str],
    held: Sequence[InHand],
    most: int,
    mode: ClaimMode,
    *,
    patient: bool,
) -> list[Taken]:
    """Slots of the first tasks in the queue that are for this person, who holds these; none says that there are none.

    What others are taking at this moment is passed over, not waited for, since who waits for one task while
    holding another may wait for ever. When nothing else is left, a `patient` claim looks again after a pause.
    """
    allowed = _allowed(work, wanted, held)
    for look in range(1, _LOOKS + 1):
        waiting = _by_mode(store.heads(work, wanted, stages), mode)
        heads = [head for head in waiting if allowed.at(head.stage, most)]
        if waiting and not heads and patient:
            raise caps.day_is_full(waiting[0].stage)
        taken: list[Taken] = []
        for head in heads:
            wished = allowed.at(head.stage, most - len(taken))
            if wished:
                found = store.take_slots(work, wanted, head, wished)
                allowed.takes(task.stage for task in found)
                taken += found
        if taken and taken[-1].stage != heads[0].lately:
            store.keep_stage(work, wanted, taken[-1].stage)
        if taken or not heads or not patient:
            return taken
        if look == _LOOKS:
            break
        time.sleep(pause_after(look, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE))
    raise Busy("others are taking the last tasks at this moment; nothing was done, come again", slug="queue_busy")


def _allowed(work: Work, wanted: Wanted, held: Sequence[InHand]) -> caps.Allowance:
    """What is left of the person's day, who holds these; conflicts are not counted."""
    if wanted.kind != TO_SCREEN:
        return caps.UNCAPPED
    return caps.allowance(work, wanted.review, [one.lease.stage for one in held])


def _by_mode(heads: list[Head], mode: ClaimMode) -> list[Head]:
    """The heads of the queue as somebody wants them: what others began first, or only what nobody did."""
    if mode == "fresh":
        return [head for head in heads if not head.taker]
    if mode == "half_screened_first":
        return sorted(heads, key=lambda head: (*head.order[:3], not head.taker, head.position))
    return heads


def _lease(work: Work, wanted: Wanted, taken: Sequence[Taken], taken_numbers: Collection[int]) -> None:
    """Leases the slots just taken, each under the lowest free number. One whose number another request of this person
    took meanwhile goes back: together they take no more than one asked for."""
    free = (number for number in counting() if number not in taken_numbers)
    rows = [
        {"id": new_id("lease"), "task": task.id, "record": task.record, "stage": task.stage, "slot": number}
        for task, number in zip(taken, free, strict=False)
    ]
    leased = store.add_leases(work, wanted, rows, _expiry(work))
    for task in taken:
        if task.id not in leased:
            steps.free_slot(store.lock_task(work, task.id), work.actor)


def _in_use(work: Work, review: str, lease_id: str) -> InHand:
    """This person's live lease with its task and record, held until the work ends."""
    return _usable(work, review, lease_id, store.lock_in_hand(work, review, lease_id))


def _usable(work: Work, review: str, lease_id: str, held: InHand | None) -> InHand:
    """What was found under this id, when it is this person's and alive."""
    if held is None:
        raise _unknown(review, lease_id)
    lease = held.lease
    if lease.person != work.actor:
        raise Forbidden(f"lease {lease_id!r} is not yours", slug="not_your_lease")
    if lease.ended is not None or lease.expires_at <= work.now:
        raise _no_longer(lease)
    return held


def _unknown(review: str, lease_id: str) -> NotFound:
    return NotFound(f"review {review!r} has no lease {lease_id!r}", slug="unknown_lease")


def _no_longer(lease: Lease) -> LivingError:
    """Why a lease cannot be used any more."""
    if lease.ended == LeaseStates.VOTED:
        return Conflict("you have voted with this lease, which ended it; a vote is cast once", slug="already_voted")
    if lease.ended == LeaseStates.RELEASED:
        return Conflict("you gave this lease back; claim again", slug="lease_released")
    if lease.ended == LeaseStates.FREED:
        return Conflict("a lead gave this lease back to the queue; claim again", slug="lease_freed")
    if lease.ended == LeaseStates.WITHDRAWN:
        return Conflict("the task needs no vote any more; claim another", slug="task_closed")
    at = lease.expires_at.isoformat(timespec="seconds")
    return Conflict(f"the lease lapsed at {at} and the task went back to the queue; claim again", slug="lease_lapsed")


def _expiry(work: Work) -> datetime:
    return work.now + timedelta(minutes=work.settings.lease_minutes)
