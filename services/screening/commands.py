"""What people do in screening: claim a place, give it back, keep it longer, vote."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from services.screening import domain, steps, store
from services.screening.domain import Ballot
from services.screening.models import LeaseRow, TaskRow, VoteRow
from services.screening.store import Plan, Wanted
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.ids import id_of, new_id

Kind = Literal["screening", "conflict"]

#: The roles that a stage may ask of its adjudicators, from least to most.
ADJUDICATORS = ("adjudicator", "lead", "admin")

#: In which state of a task each kind of lease is taken.
_STATE = {"screening": "open", "conflict": "conflict"}

#: Seconds after which a claim looks again when others were quicker, before it says so.
_PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)

#: How many lapsed leases a claim returns by itself when it finds nothing else.
_RETURNED_BY_A_CLAIM = 50


def claim(work: Work, review: str, kind: Kind, stage: str | None, roles: Sequence[str]) -> LeaseRow | None:
    """The person's live lease of this kind, or a new one on the first task in the queue that is for them.

    `roles` are the adjudicators' roles the person has. Without a stage the furthest stage comes first, so
    that what is begun gets finished. None when nothing waits for them. Raises NotFound for an unknown review
    or stage, Forbidden for a role that may not adjudicate, Conflict (`queue_busy`) when others were quicker
    again and again.
    """
    plan = known_plan(work, review)
    stages = _stages_to_look_at(work, plan, review, kind, stage)
    if kind == "conflict":
        _require_adjudicator(plan, stage, roles)
    held = store.live_lease(work, review, work.actor, kind)
    if held is not None and held.expires_at > work.now:
        return held
    if held is not None:
        give_back(work, held)
    lease = _claim_at(work, review, kind, stages, roles)
    if lease is None and return_lapsed(work, _RETURNED_BY_A_CLAIM, review):
        lease = _claim_at(work, review, kind, stages, roles)
    return lease


def renew(work: Work, review: str, lease_id: str) -> LeaseRow:
    """Keeps a live lease for as long again from now."""
    lease, _ = _lease_in_use(work, review, lease_id)
    lease.expires_at = _expiry(work)
    return lease


def release(work: Work, review: str, lease_id: str) -> LeaseRow:
    """Gives a place back before its time; the task goes to the end of the queue, so that the next claim
    brings another one."""
    lease, task = _lease_in_use(work, review, lease_id)
    steps.end_lease(work, lease, "released")
    steps.free_place(task, lease.person)
    task.position = steps.queue_position()
    return lease


def vote(work: Work, review: str, lease_id: str, ballot: Ballot, roles: Sequence[str]) -> TaskRow:
    """Casts the vote that a lease is for: an independent one, or the decision of a conflict.

    Raises NotFound, Forbidden (`not_your_lease`, `role_needed`), Conflict (`lease_lapsed`, `already_voted`,
    `lease_released`, `task_closed`) or Invalid, listing everything wrong with the ballot.
    """
    lease, task = _lease_in_use(work, review, lease_id)
    deciding = lease.kind == "conflict"
    if deciding and task.adjudicators not in roles:
        raise Forbidden(f"conflicts of stage {task.stage!r} need the role {task.adjudicators!r}", slug="role_needed")
    _check(work, task, ballot, deciding)
    steps.end_lease(work, lease, "voted")
    work.add(_vote_row(work, task, ballot, deciding))
    record = store.record_of(work, task)
    decision = domain.decision_of(steps.stage_of(work, task), ballot.answer) if deciding else None
    if decision is not None:
        steps.close_task(work, record, task, decision, "adjudication")
    else:
        steps.count_vote(work, record, task)
    return task


def give_back(work: Work, lease: LeaseRow) -> None:
    """Ends a lapsed lease and frees its place, unless someone else just did or its holder renewed it."""
    task = _lock_task_of(work, lease)
    if lease.ended is None and lease.expires_at <= work.now:
        steps.end_lease(work, lease, "lapsed")
        steps.free_place(task, lease.person)


def return_lapsed(work: Work, limit: int, review: str | None = None) -> int:
    """Gives the places of some lapsed leases back; answers how many it looked at."""
    lapsed = store.lapsed_leases(work, limit, review)
    for lease in lapsed:
        give_back(work, lease)
    return len(lapsed)


def known_plan(work: Work, review: str) -> Plan:
    """The newest protocol version. Raises NotFound for a review that screening has not heard of."""
    plan = store.newest(work, review)
    if plan is None:
        raise NotFound(f"screening knows no review {review!r}; publish its protocol first", slug="unknown_review")
    return plan


def known_stages(plan: Plan, counted: Iterable[str]) -> list[str]:
    """Every stage that records can be found at: the newest version's in their order, then those it dropped."""
    names = [stage.name for stage in plan.protocol.stages]
    return names + sorted(set(counted) - {"", *names})


def require_stage(known: Sequence[str], review: str, stage: str) -> None:
    """Raises NotFound for a stage that is none of these."""
    if stage not in known:
        told = f"review {review!r} has no stage {stage!r}; it has: {', '.join(known)}"
        raise NotFound(told, slug="unknown_stage")


def _stages_to_look_at(work: Work, plan: Plan, review: str, kind: Kind, stage: str | None) -> list[str]:
    """The stages where something of this kind waits, the furthest first."""
    counted = store.counted(work, review)
    known = known_stages(plan, counted)
    if stage is not None:
        require_stage(known, review, stage)
    return [name for name in reversed(known) if stage in (None, name) and counted.get(name, {}).get(_STATE[kind])]


def _require_adjudicator(plan: Plan, stage: str | None, roles: Sequence[str]) -> None:
    asked = domain.stage_named(plan.protocol, stage) if stage is not None else None
    needed = asked.adjudicators if asked is not None else ADJUDICATORS[0]
    if needed not in roles:
        raise Forbidden(f"conflicts here need the role {needed!r}", slug="role_needed")


def _claim_at(work: Work, review: str, kind: Kind, stages: Sequence[str], roles: Sequence[str]) -> LeaseRow | None:
    may = tuple(roles) if kind == "conflict" else ADJUDICATORS
    for stage in stages:
        task = _take(work, Wanted(review, stage, _STATE[kind], work.actor, may))
        if task is not None:
            return _lease(work, task, kind)
    return None


def _take(work: Work, wanted: Wanted) -> TaskRow | None:
    """A place of the first task in the queue that is for this person; None says that there is none.

    What others are taking at this moment is passed over, not waited for, since who waits for one task while
    holding another may wait for ever. When nothing else is left, it is looked at again after a pause.
    """
    for pause in _PAUSES:
        takers = store.heads(work, wanted)
        if not takers:
            return None
        for taker in takers:
            task = store.take_place(work, wanted, taker)
            if task is not None:
                return task
        time.sleep(pause)
    raise Conflict("many people are claiming at this moment; try again", slug="queue_busy")


def _lease(work: Work, task: TaskRow, kind: Kind) -> LeaseRow | None:
    """The lease of a place just taken; or the one that another request of this person took meanwhile."""
    lease_id = new_id("lease")
    row = {
        "id": lease_id, "review": task.review, "task": task.id, "record": task.record, "stage": task.stage,
        "person": work.actor, "kind": kind, "taken_at": work.now, "expires_at": _expiry(work),
    }  # fmt: skip
    if store.add_lease(work, row):
        return store.get_lease(work, task.review, lease_id)
    steps.free_place(task, work.actor)
    return store.live_lease(work, task.review, work.actor, kind)


def _lease_in_use(work: Work, review: str, lease_id: str) -> tuple[LeaseRow, TaskRow]:
    """This person's live lease and its task, held until the work ends."""
    lease = store.get_lease(work, review, lease_id)
    if lease is None:
        raise NotFound(f"review {review!r} has no lease {lease_id!r}", slug="unknown_lease")
    if lease.person != work.actor:
        raise Forbidden(f"lease {lease_id!r} is not yours", slug="not_your_lease")
    store.lock_record(work, review, lease.record)
    task = _lock_task_of(work, lease)
    if lease.ended is not None or lease.expires_at <= work.now:
        raise _no_longer(lease)
    return lease, task


def _lock_task_of(work: Work, lease: LeaseRow) -> TaskRow:
    """Holds a lease's task and then the lease, whose state is certain from then on."""
    task = store.lock_task(work, lease.task)
    store.lock_lease(work, lease)
    return task


def _no_longer(lease: LeaseRow) -> LivingError:
    """Why a lease cannot be used any more."""
    if lease.ended == "voted":
        return Conflict("you have voted with this lease already; a vote is cast once", slug="already_voted")
    if lease.ended == "released":
        return Conflict("you gave this lease back; claim again", slug="lease_released")
    if lease.ended == "withdrawn":
        return Conflict("the task needs no vote any more; claim another", slug="task_closed")
    at = lease.expires_at.isoformat(timespec="seconds")
    return Conflict(f"the lease lapsed at {at} and the task went back to the queue; claim again", slug="lease_lapsed")


def _check(work: Work, task: TaskRow, ballot: Ballot, deciding: bool) -> None:
    plan = store.plan_of(work, task)
    cmocs = {cmoc.id for cmoc in plan.protocol.cmocs}
    found = domain.faults(steps.stage_of(work, task), ballot, cmocs, deciding=deciding)
    if found:
        first = found[0]
        errors = [{"at": fault.at, "why": fault.why, "slug": fault.slug} for fault in found]
        raise Invalid(f"{first.at}: {first.why}", errors, slug=first.slug)


def _vote_row(work: Work, task: TaskRow, ballot: Ballot, deciding: bool) -> VoteRow:
    return VoteRow(
        id=id_of("vote", task.id, work.actor), task=task.id, person=work.actor, cast_on=task.id,
        answer=ballot.answer, reason=ballot.reason, fields=dict(ballot.fields),
        protocol_version=task.protocol_version, deciding=deciding, cast_at=work.now,
    )  # fmt: skip


def _expiry(work: Work) -> datetime:
    return work.now + timedelta(minutes=work.settings.lease_minutes)
