"""The steps a record can take through screening, whoever causes them: an event, a vote, a job."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from services.screening import domain, store
from services.screening.domain import Decision
from services.screening.models import Lease, Record, Task, TaskRow, Vote
from services.screening.store import Plan
from shared.db.work import Work
from shared.errors import NotYet
from shared.events.base import Event
from shared.events.protocol import Stage
from shared.events.screening import (
    ConflictOpened,
    Judgement,
    RecordAdvanced,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
    VoteCast,
)


def queue_position() -> int:
    """The end of the queue: microseconds of the machine's own clock, since a queue needs nothing but an
    order, and needs it while the platform's clock stands still. A ranker may set another position later."""
    return time.time_ns() // 1000


def tell(work: Work, record: Record, event: type[Event], cause: str | None, **about: Any) -> str:
    """Tells the record's next step on its own flow: caused by the step before, and by what is heard now."""
    record.step += 1
    heard = work.causation
    with work.following(record.correlation, cause or heard):
        told = event(review=record.review, record=record.id, revision=record.step, **about)
        return work.emit(told, because=[heard] if heard and cause and heard != cause else [])


def turn_record(
    work: Work, record: Record, state: str, *, stage: str | None, rule: str | None = None, reason: str | None = None
) -> None:
    """Moves a record to a state, and the counts with it."""
    before = record.tally
    record.state, record.stage, record.rule, record.reason = state, stage, rule, reason
    store.counts(work).move(record.review, "", before, record.tally)


def turn_task(work: Work, task: Task, state: str) -> None:
    """Moves a task to a state, and the counts with it."""
    store.counts(work).move(task.review, task.stage, task.state, state)
    task.state = state


def new_task(review: str, record: str, stage: Stage, version: int, work: Work) -> dict[str, Any]:
    """A task that nobody has touched, without the event that tells it."""
    return {
        "id": store.task_id(review, record, stage.name), "review": review, "record": record, "stage": stage.name,
        "protocol_version": version, "adjudicators": stage.adjudicators, "state": "open",
        "position": queue_position(), "votes_needed": stage.votes, "votes_cast": 0, "places": stage.votes,
        "taker": "", "takers": "", "answer": None, "decided_by": None, "opened_at": work.now, "closed_at": None,
    }  # fmt: skip


def open_task(work: Work, record: Record, stage: Stage, plan: Plan, because: str, cause: str | None) -> None:
    """Opens a stage's task for a record, or opens again the one that was withdrawn."""
    fresh = new_task(record.review, record.id, stage, plan.version, work)
    task = store.lock_task_at(work, record, stage.name)
    store.counts(work).move(record.review, stage.name, task and task.state, "open")
    fresh["told"] = tell(
        work, record, TaskOpened, cause,
        task=fresh["id"], stage=stage.name, votes_needed=stage.votes, because=because,
    )  # fmt: skip
    if task is None:
        work.rows.add(TaskRow, Task(**fresh))
    else:
        task.sqlmodel_update(fresh)
    gather_votes(work, record)


def count_vote(work: Work, record: Record, task: Task, votes: list[Vote]) -> None:
    """Counts an independent vote just cast; the last one needed, with which `votes` are all, settles the task."""
    _set_votes_cast(work, task, task.votes_cast + 1)
    if task.votes_cast == task.votes_needed:
        settle(work, record, task, votes)


def settle(work: Work, record: Record, task: Task, votes: list[Vote]) -> None:
    """With all its votes in, decides a task by agreement or opens a conflict."""
    _count_votes(work, task, votes)
    decision = domain.decide(stage_of(work, task), [vote.answer for vote in votes])
    if decision is not None:
        close_task(work, record, task, votes, decision, "agreement")
        return
    turn_task(work, task, "conflict")
    task.places = 1
    task.told = tell(work, record, ConflictOpened, task.told, task=task.id, stage=task.stage)


def decide_conflict(work: Work, record: Record, task: Task, votes: list[Vote], decision: Decision) -> None:
    """Closes a conflict as the last of its votes, the adjudicator's, decides."""
    store.counts(work).add(task.review, task.stage, "voter", votes[-1].person)
    close_task(work, record, task, votes, decision, "adjudication")


def close_task(work: Work, record: Record, task: Task, votes: list[Vote], decision: Decision, by: str) -> None:
    """Closes a decided task, tells its votes, and sends the record where the decision leads."""
    turn_task(work, task, "advanced" if decision.outcome == "advance" else "excluded")
    task.answer, task.decided_by, task.closed_at, task.places = decision.answer, by, work.now, 0
    judgement = judgement_of(task, votes)
    task.told = tell(work, record, TaskClosed, task.told, task=task.id, judgement=judgement)
    if decision.outcome == "exclude":
        reason = domain.reason_told(decision.answer, [vote.reason for vote in votes])
        turn_record(work, record, "excluded", stage=task.stage, reason=reason)
        tell(work, record, RecordExcluded, task.told, stage=task.stage, rule=None, reason=reason)
    else:
        record.passed = [*record.passed, task.stage]
        _go_on(work, record, task)


def _go_on(work: Work, record: Record, passed: Task) -> None:
    """Sends a record that passed a stage to the next one, or includes it after the last."""
    plan = the_plan(work, record.review)
    stage = domain.next_stage(plan.protocol, record.passed)
    if stage is None:
        turn_record(work, record, "included", stage=passed.stage)
        judgements = judgements_of(work, record)
        tell(work, record, RecordIncluded, passed.told, title=record.title, judgements=judgements)
        return
    turn_record(work, record, "screening", stage=stage.name)
    told = tell(work, record, RecordAdvanced, passed.told, stage=passed.stage, next_stage=stage.name)
    open_task(work, record, stage, plan, "stage_reached", told)


def withdraw_task(work: Work, task: Task) -> None:
    """Closes a task that needs no answer any more, and ends the leases on it."""
    if task.votes_cast == 1:
        store.counts(work).add(task.review, task.stage, "alone", n=-1)
    turn_task(work, task, "withdrawn")
    task.places, task.closed_at = 0, work.now
    for lease in store.leases_of(work, task):
        end_lease(work, lease, "withdrawn")


def end_lease(work: Work, lease: Lease, how: str) -> None:
    lease.ended, lease.ended_at = how, work.now


def free_place(task: Task, person: str) -> None:
    """Gives a person's place of a task back to the queue; their lease has ended."""
    task.places += 1
    task.taken_by([name for name in task.takers.split("\n") if name not in ("", person)])


def hold_against_dates(work: Work, record: Record, plan: Plan, because: str) -> None:
    """Applies the protocol's dates to a record anew: opens what they kept out and now admit, closes what
    they now refuse and nobody has voted on. Where people have spoken, they decide."""
    refused = domain.refusal(plan.protocol, record.published)
    if record.state == "excluded" and record.rule in domain.DATE_RULES and refused is None:
        _reopen(work, record, plan, because)
    elif record.state == "screening" and refused is not None:
        task = store.lock_waiting_task(work, record)
        if not task.votes_cast and not record.passed:
            withdraw_task(work, task)
            exclude_by_rule(work, record, refused.rule, refused.reason, task.told)


def _reopen(work: Work, record: Record, plan: Plan, because: str) -> None:
    stage = domain.next_stage(plan.protocol, record.passed) or plan.protocol.stages[0]
    turn_record(work, record, "screening", stage=stage.name)
    reason = f"the dates admit it now: published {record.published or 'on a date nobody gave'}"
    told = tell(work, record, RecordReopened, None, stage=stage.name, reason=reason)
    open_task(work, record, stage, plan, because, told)


def exclude_by_rule(work: Work, record: Record, rule: str, reason: str, cause: str | None) -> None:
    turn_record(work, record, "excluded", stage=None, rule=rule, reason=reason)
    tell(work, record, RecordExcluded, cause, stage=None, rule=rule, reason=reason)


# --- votes of merged records


def gather_votes(work: Work, record: Record) -> None:
    """Moves to a record's open task the votes that people cast, at that stage, on records merged into it.

    A vote counts once: it moves only where its person has not voted, where its answer exists, and as long
    as votes are needed; else it stays where it was cast, as history.
    """
    absorbed = store.absorbed_by(work, record)
    if not absorbed or record.state != "screening":
        return
    task = store.lock_waiting_task(work, record)
    if task.state != "open":
        return
    origins = store.tasks_by_id(work, [store.task_id(record.review, other.id, task.stage) for other in absorbed])
    votes = [vote for vote in store.votes_about(work, origins.keys()) if vote.task in origins]
    if not _move_votes(work, task, [vote for vote in votes if not vote.deciding], origins):
        return
    _make_room(work, task)
    if task.votes_cast == task.votes_needed:
        settle(work, record, task, store.votes_on(work, task.id))
        if task.state == "conflict":
            _move_decision(work, record, task, [vote for vote in votes if vote.deciding])


def _move_votes(work: Work, task: Task, votes: list[Vote], origins: Mapping[str, Task]) -> bool:
    """Moves what counts here; answers whether anything did."""
    stage = stage_of(work, task)
    voted = {vote.person for vote in store.votes_on(work, task.id)}
    moved = 0
    for vote in votes:
        if task.votes_cast + moved == task.votes_needed:
            break
        if vote.person not in voted and domain.answer_named(stage, vote.answer):
            if vote.paired_on is None and origins[vote.task].first is not None:
                vote.paired_on = vote.task
            vote.task = task.id
            voted.add(vote.person)
            moved += 1
    _set_votes_cast(work, task, task.votes_cast + moved)
    return moved > 0


def _make_room(work: Work, task: Task) -> None:
    """Ends the leases of those whose vote is here now, then the newest of those that votes leave no place for."""
    voted = [vote.person for vote in store.votes_on(work, task.id)]
    waiting = [lease for lease in store.leases_of(work, task) if lease.person not in voted]
    kept = waiting[: task.votes_needed - task.votes_cast]
    for lease in store.leases_of(work, task):
        if lease not in kept:
            end_lease(work, lease, "withdrawn")
    task.places = task.votes_needed - task.votes_cast - len(kept)
    task.taken_by([*voted, *(lease.person for lease in kept)])


def _move_decision(work: Work, record: Record, task: Task, deciding: list[Vote]) -> None:
    """An adjudicator's decision moves too when it was made on these very votes."""
    origins = {vote.cast_on for vote in store.votes_on(work, task.id)}
    for vote in deciding:
        decision = domain.decision_of(stage_of(work, task), vote.answer)
        if {vote.cast_on} == origins and decision is not None:
            vote.task = task.id
            close_task(work, record, task, store.votes_on(work, task.id), decision, "adjudication")
            return


# --- reading


def the_plan(work: Work, review: str) -> Plan:
    """The newest protocol version of a review. Raises NotYet while none is known."""
    plan = store.newest(work, review)
    if plan is None:
        raise NotYet(f"the protocol of review {review!r} is not known yet", slug="no_protocol_yet")
    return plan


def stage_of(work: Work, task: Task) -> Stage:
    """The stage as it was when the task was opened: its question, its answers, its votes."""
    return {stage.name: stage for stage in store.plan_of(work, task).protocol.stages}[task.stage]


def judgement_of(task: Task, votes: list[Vote]) -> Judgement:
    """What a decided task says; of an adjudicated one, the last vote is the adjudicator's."""
    return Judgement(
        stage=task.stage, answer=task.answer, outcome="advance" if task.state == "advanced" else "exclude",
        decided_by=task.decided_by, votes=[vote_cast(vote) for vote in votes],
    )  # fmt: skip


def vote_cast(vote: Vote) -> VoteCast:
    return VoteCast(
        person=vote.person, answer=vote.answer, reason=vote.reason, fields=vote.fields, cast_at=vote.cast_at
    )


def judgements_of(work: Work, record: Record) -> list[Judgement]:
    """What every stage decided about a record, in the order it passed them."""
    tasks = [task for task in store.tasks_of(work, record, record.passed) if task.decided_by]
    votes = store.votes_by_task(work, [task.id for task in tasks])
    return [judgement_of(task, votes[task.id]) for task in tasks]


# --- agreement


def _set_votes_cast(work: Work, task: Task, n: int) -> None:
    """How many independent votes a task has; where it is one, there is nothing to compare it with."""
    change = (n == 1) - (task.votes_cast == 1)
    store.counts(work).add(task.review, task.stage, "alone", n=change)
    task.votes_cast = n


def _count_votes(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Counts who voted on a task that has all its independent votes, and, once, how two votes agree."""
    counts = store.counts(work)
    for vote in votes:
        counts.add(task.review, task.stage, "voter", vote.person)
    if len(votes) != 2 or task.first is not None or any(vote.paired_on for vote in votes):
        return
    task.first, task.second = (vote.answer for vote in sorted(votes, key=lambda vote: vote.person))
    counts.add(task.review, task.stage, "pair", task.first, task.second)
