"""Conflicts settled many at once: each by the first look that its adjudicator gave, where those who parted filled in
their forms alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from services.screening import domain, store, views
from services.screening.commands import ballots, conflicts
from services.screening.domain import VOTERS, Ballot, TaskStates
from services.screening.models import Lease, Opinion, Record, Task, Vote
from services.screening.views import Looked, Settled
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.paging import Found, PageAsked


def looked_at(work: Work, review: str, roles: Sequence[str], page: PageAsked) -> Found[Looked]:
    """The conflicts of which this person gave their first look, and which they may decide."""
    views.known_plan(work, review)
    found = store.page_of_looked_at(work, review, work.actor, roles, page)
    votes, elsewhere = _votes(work, [(task, record) for _, task, record in found.rows])
    return Found(
        [_looked(work, task, record, look, votes[task.id], elsewhere[task.id]) for look, task, record in found.rows],
        found.next,
    )


def in_hand(work: Work, tasks: Sequence[str]) -> dict[str, str]:
    """The leases under which this person has some of these conflicts in hand still, by task."""
    found = store.leases_to_decide(work, work.actor, tasks)
    return {task: lease.id for task, lease in found.items() if lease.expires_at > work.now}


def settle(work: Work, review: str, tasks: Sequence[str], resolution: str, roles: Sequence[str]) -> list[Settled]:
    """Decides each of these conflicts by the answer of this person's own first look, with one resolution for all. One
    that cannot be does not keep the others; it says why. In the order that they are named. Raises Invalid for one that
    is named twice."""
    views.known_plan(work, review)
    if twice := [at for at, id in enumerate(tasks) if id in tasks[:at]]:
        errors = [{"at": f"tasks[{at}]", "why": "is named twice"} for at in twice]
        raise Invalid(f"tasks[{twice[0]}]: is named twice", errors)
    held = store.lock_with_records(work, review, tasks)
    looks, leases = store.looks_of(work, work.actor, held), store.leases_to_decide(work, work.actor, held)
    votes, elsewhere = _votes(work, [held[id] for id in held if id in looks])

    def one(id: str) -> Settled:
        task, record = held.get(id, (None, None))
        try:
            if task is None or record is None:
                raise NotFound(f"review {review!r} has no task {id!r}", slug="unknown_task")
            lease, look = leases.get(id), looks.get(id)
            _require_open(work, task, lease, roles)
            if look is None:
                raise conflicts.look_first()
            known = _looked(work, task, record, look, votes[id], elsewhere[id])
            if known.refused is not None:
                raise known.refused
        except (Conflict, Forbidden, Invalid, NotFound) as refused:  # Before anything was done.
            return Settled(id, task, record, refused)
        conflicts.decide(work, record, task, lease, votes[id], _ballot(work, known, resolution))
        return Settled(id, task, record, None)

    return [one(id) for id in tasks]


def _require_open(work: Work, task: Task, lease: Lease | None, roles: Sequence[str]) -> None:
    """Raises where this person might not take a conflict, or decide it."""
    if task.state == TaskStates.PARKED:
        raise Conflict("this conflict is parked; nobody decides it now", slug="task_parked")
    if task.state != TaskStates.CONFLICT:
        raise Conflict("this is no conflict any more: it was decided, or asks people anew", slug="task_closed")
    if task.adjudicators == VOTERS:
        raise Conflict("those who voted decide this conflict together", slug="decided_by_voters")
    conflicts.require_role(task, roles)
    if lease is not None:
        return
    if task.is_taken_by(work.actor):
        raise Forbidden("you have a vote in this conflict; somebody else decides it", slug="own_vote")
    if not task.has_slot:
        raise Conflict("somebody else has this conflict in hand", slug="held_by_another")


def _looked(
    work: Work, task: Task, record: Record, look: Opinion, votes: list[Vote], elsewhere: dict[str, list[Vote]]
) -> Looked:
    every = [*votes, *(vote for some in elsewhere.values() for vote in some if not vote.deciding)]
    differs = domain.differing(store.stage_of(work, task), every)
    known = Looked(task, record, look, votes, elsewhere, differs, None)
    return known._replace(refused=_refusal(work, known))


def _refusal(work: Work, known: Looked) -> LivingError | None:
    """Why a conflict is to be decided by itself; None where its forms agree and its first look decides it."""
    if domain.came_after(known.task.id, known.votes, known.look.given_at):
        why = "a vote came here after your look, or by a merger: decide it by itself"
        return Conflict(why, slug="votes_changed")
    if known.differs:
        labels = domain.labels(store.stage_of(work, known.task))
        named = ", ".join(labels.get(name, name) for name in known.differs)
        return Conflict(f"its forms differ in what they say of {named}: decide it by itself", slug="forms_differ")
    try:
        ballots.check(work, known.task, _ballot(work, known, "so"), deciding=True)
    except Invalid as fault:
        return fault
    return None


def _ballot(work: Work, known: Looked, resolution: str) -> Ballot:
    return domain.settled_by(store.stage_of(work, known.task), known.look, known.votes, resolution)


def _votes(
    work: Work, some: Collection[tuple[Task, Record]]
) -> tuple[dict[str, list[Vote]], dict[str, dict[str, list[Vote]]]]:
    """The votes of each of these tasks, and those at its stage on what was merged into its record, by that one's id."""
    absorbed = store.absorbed_by_each(work, [record for _, record in some])
    merged = {
        store.task_id(task.review, other, task.stage): (task.id, other)
        for task, record in some
        for other in absorbed.get(record.id, ())
    }
    votes = store.votes_by_task(work, [*(task.id for task, _ in some), *merged])
    elsewhere: defaultdict[str, dict[str, list[Vote]]] = defaultdict(dict)
    for id, (here, other) in merged.items():
        if votes[id]:
            elsewhere[here][other] = votes[id]
    return {task.id: votes[task.id] for task, _ in some}, elsewhere
