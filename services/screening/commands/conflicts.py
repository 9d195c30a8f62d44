"""Conflicts: the first look of whoever decides one, and how voters who decide one together come to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.screening import domain, store
from services.screening.commands import ballots, steps
from services.screening.domain import TO_DECIDE, VOTERS, Ballot, LeaseStates, TaskStates
from services.screening.models import Lease, Opinion, OpinionKind, OpinionRow, Record, Task, Vote
from services.screening.store import InHand, Taken
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id


def look(work: Work, held: InHand, ballot: Ballot) -> None:
    """Keeps an adjudicator's own answer, given before they see any vote. Raises Conflict (`no_first_look`,
    `already_looked`) or Invalid."""
    lease, task, _ = held
    # A lease that lives is of a conflict still, which may be parked meanwhile.
    if lease.kind != TO_DECIDE or task.adjudicators == VOTERS:
        raise Conflict("a first look is of somebody who decides what others voted on", slug="no_first_look")
    if has_looked(work, task):
        raise Conflict("you have given your first look, and see the votes: decide", slug="already_looked")
    ballots.check(work, task, ballot, deciding=False)
    _keep(work, task, "look", ballot)


def look_first() -> Conflict:
    """What somebody is told who has not given their first look at a conflict."""
    return Conflict("give your own answer first (your first look); then you see the votes", slug="look_first")


def require_role(task: Task, roles: Sequence[str]) -> None:
    """Raises Forbidden (`role_needed`) where a conflict is decided by people with another role."""
    if task.adjudicators not in roles:
        raise Forbidden(f"conflicts of stage {task.stage!r} need the role {task.adjudicators!r}", slug="role_needed")


def has_looked(work: Work, task: Task) -> bool:
    return task.id in store.looks_of(work, work.actor, [task.id])


def decide(
    work: Work, record: Record, task: Task, lease: Lease | None, before: Sequence[Vote], ballot: Ballot
) -> list[Vote]:
    """Decides a conflict of which these are the votes, by a ballot that is checked; a `lease` of the person's ends with
    it. Answers all its votes."""
    cast = ballots.cast(work, task, ballot, deciding=True)
    if lease is not None:
        steps.end_lease(work, lease, LeaseStates.VOTED)
    task.returned = 0
    votes = store.in_order([*before, cast])
    steps.decide_conflict(work, record, task, votes)
    return votes


def stand(work: Work, held: InHand, ballot: Ballot) -> tuple[Task, list[Vote]]:
    """Keeps what a voter stands by, and closes the conflict once all of them stand by one answer. Who says what another
    said first need not say why again, and takes over what that one filled in. Answers the task, and its votes."""
    lease, task, record = held
    stands = store.opinions_on(work, task.id, "stand")
    alike = [it for it in stands if it.answer == ballot.answer and it.person != work.actor]
    if alike:
        said = alike[-1]
        ballot = replace(
            ballot,
            reason=ballot.reason or said.reason,
            fields=ballot.fields or said.fields,
            excluded_for=ballot.excluded_for or said.excluded_for,
            judged_for=ballot.judged_for or said.judged_for or (),
        )
    ballots.check(work, task, ballot, deciding=True)
    for before in stands:
        if before.person == work.actor:
            before.task = None
            work.rows.flush()  # It makes room for the one that counts.
    _keep(work, task, "stand", ballot, after=stands)
    steps.end_lease(work, lease, LeaseStates.VOTED)
    votes = _independent(work, task)
    steps.decide_by_consensus(work, record, task, votes)
    return task, votes


def asked_for(work: Work, review: str, person: str, stages: Sequence[str]) -> list[Taken]:
    """The conflicts that a person decides with the others who voted, and in which they are asked now, in queue
    order."""
    open_ones = store.conflicts_of_voter(work, review, person, stages)
    ids = [task.id for task in open_ones]
    held = store.leases_to_decide(work, person, ids)
    stands = {task: [it for it in found if it.kind == "stand"] for task, found in _opinions(work, ids)}
    voters = {task: [vote.person for vote in votes] for task, votes in store.votes_by_task(work, ids).items()}
    waited_for = set(store.present(work, review, {it for people in voters.values() for it in people})) if ids else set()
    return [
        task
        for task in open_ones
        if task.id not in held and domain.is_asked(person, waited_for & {*voters[task.id]}, stands[task.id])
    ]


def is_wanted(work: Work, review: str, stages: Sequence[str]) -> bool:
    """Whether the person is asked in a conflict that they decide with the others who voted, or holds one."""
    held = store.in_hand(work, review, work.actor, TO_DECIDE)
    return any(it.task.adjudicators == VOTERS for it in held) or bool(asked_for(work, review, work.actor, stages))


def take(work: Work, review: str, stages: Sequence[str], most: int) -> list[Taken]:
    """The first of these conflicts, held by this work until its end; each is still nobody's but its voters'."""
    wanted = asked_for(work, review, work.actor, stages)[:most]
    if not wanted:
        return []
    locked = store.lock_conflicts_of_voters(work, [task.id for task in wanted])
    held = store.leases_to_decide(work, work.actor, locked)
    return [task for task in wanted if task.id in locked - held.keys()]


def go_on_without(work: Work, review: str, person: str) -> int:
    """Has the conflicts that somebody was to decide with others go on without them; answers how many there were."""
    store.set_absent(work, review, person, True)
    found = store.conflicts_of_voter(work, review, person)
    for waiting in found:
        record = store.lock_record(work, review, waiting.record)
        task = store.lock_task(work, waiting.id)
        if record is not None and task.state == TaskStates.CONFLICT and task.adjudicators == VOTERS:
            go_on(work, record, task)
    return len(found)


def give_to_third_person(work: Work, review: str, task_id: str, reason: str) -> tuple[Task, Record]:
    """Has an adjudicator decide what voters cannot agree on, as a lead says, and why.

    Raises NotFound for an unknown task, Conflict (`not_of_voters`) for one that its voters do not decide.
    """
    known = store.tasks_by_id(work, [task_id]).get(task_id)
    record = store.lock_record(work, review, known.record) if known is not None and known.review == review else None
    if record is None:
        raise NotFound(f"review {review!r} has no task {task_id!r}", slug="unknown_task")
    task = store.lock_task(work, task_id)
    if task.state != TaskStates.CONFLICT or task.adjudicators != VOTERS:
        raise Conflict("this is no conflict that its voters decide", slug="not_of_voters")
    steps.give_to_third_person(work, record, task, reason)
    return task, record


def go_on(work: Work, record: Record, task: Task) -> None:
    """Has a conflict of its voters be decided where those who are still there stand by one answer, or be a third
    person's where fewer than two are."""
    votes = _independent(work, task)
    if len(store.present(work, task.review, [vote.person for vote in votes])) < 2:
        steps.give_to_third_person(work, record, task, "fewer than two of its voters are left")
    else:
        steps.decide_by_consensus(work, record, task, votes)


def _independent(work: Work, task: Task) -> list[Vote]:
    return [vote for vote in store.votes_on(work, task.id) if not vote.deciding]


def _opinions(work: Work, tasks: Sequence[str]) -> list[tuple[str, list[Opinion]]]:
    return list(store.opinions_by_task(work, tasks).items())


def _keep(work: Work, task: Task, kind: OpinionKind, ballot: Ballot, after: Sequence[Opinion] = ()) -> None:
    number = max((opinion.number for opinion in after), default=0) + 1
    work.rows.add(
        OpinionRow,
        Opinion(
            id=new_id("opinion"), task=task.id, person=work.actor, given_on=task.id, kind=kind, number=number,
            **ballots.kept(ballot), via=work.via, given_at=work.now,
            waits_in=task.review if kind == "look" else "",
        ),
    )  # fmt: skip
