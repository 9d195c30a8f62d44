"""The steps a record can take through screening, whoever causes them: an event, a vote, a job."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from services.screening import domain, store, views
from services.screening.commands import tallies
from services.screening.commands.reasons import keep_reasons
from services.screening.domain import TO_SCREEN, VOTERS, Ballot, Decision, LeaseStates, RecordStates, TaskStates
from services.screening.models import DecidedBy, Lease, Opinion, Record, RevisedVote, Task, TaskRow, Vote
from services.screening.store import Plan
from shared.db.work import Work
from shared.events.screening import (
    ByBatch,
    ConflictOpened,
    Judgement,
    RecordAdvanced,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
    TaskParked,
    TaskResumed,
    VoteRevised,
)
from shared.events.stages import CONSENSUS, Stage
from shared.wire.screening import Ended, RecordState, TaskState

#: What tells a step of a record, each with the number of the step.
Step = (
    TaskOpened
    | TaskClosed
    | TaskParked
    | TaskResumed
    | VoteRevised
    | ConflictOpened
    | RecordAdvanced
    | RecordIncluded
    | RecordExcluded
    | RecordReopened
)


def queue_position() -> int:
    """The end of the queue: microseconds of the machine's own clock, since a queue needs nothing but an
    order, and needs it while the platform's clock stands still. A ranker may set another position later."""
    return time.time_ns() // 1000


_BATCH = "screening.batch"


@contextmanager
def of_batch(work: Work, batch: str) -> Iterator[None]:
    """Within the block, each step that is told says of which batch it came."""
    work.session.info[_BATCH] = batch
    try:
        yield
    finally:
        del work.session.info[_BATCH]


def tell(work: Work, record: Record, event: type[Step], cause: str | None, **about: Any) -> str:
    """Tells the record's next step on its own flow: caused by the step before, and by what is heard now."""
    record.step += 1
    heard = work.causation
    if batch := work.session.info.get(_BATCH):
        about["batch"] = batch
    with work.following(record.correlation, cause or heard):
        emitted = event(review=record.review, record=record.id, revision=record.step, **about)
        return work.emit(emitted, because=[heard] if heard and cause and heard != cause else [])


def turn_record(
    work: Work,
    record: Record,
    state: RecordState,
    *,
    stage: str | None,
    rule: str | None = None,
    reason: str | None = None,
    excluded_for: str | None = None,
) -> None:
    """Moves a record to a state, and the counts with it."""
    before = record.tally
    store.count_standing(work, record, -1)
    RecordStates.turn(record, state)
    record.stage, record.rule, record.reason, record.excluded_for = stage, rule, reason, excluded_for
    store.counts(work).move(record.review, "", before, record.tally)
    store.count_standing(work, record, 1)


def _set_passed(work: Work, record: Record, stages: list[str]) -> None:
    """Which stages a record has passed; the flow counts it there."""
    store.count_standing(work, record, -1)
    record.passed = stages
    store.count_standing(work, record, 1)


def set_source(work: Work, record: Record, source: str | None) -> None:
    """What brought a record; the flow counts it there."""
    store.count_standing(work, record, -1)
    record.source = source
    store.count_standing(work, record, 1)


def _set_decided_before(work: Work, record: Record, stages: list[str]) -> None:
    """At which stages a file said before what is decided there; the flow counts it there."""
    store.count_standing(work, record, -1)
    record.decided_before = stages
    store.count_standing(work, record, 1)


def turn_task(work: Work, task: Task, state: TaskState) -> None:
    """Moves a task to a state, and the counts with it; one that leaves those who park is parked no more."""
    before = task.state
    TaskStates.turn(task, state)
    # Whom it is assigned to counts while people vote.
    is_open = state == TaskStates.OPEN
    task.pool = store.pool_for(work, task.review, store.stage_of(work, task), task.record) if is_open else ""
    store.counts(work).move(task.review, task.stage, before, state)
    store.note_turn(work, task, before)
    if before == TaskStates.PARKED:
        for parking in store.parkings_now(work, task):
            parking.ended, parking.ended_at = state, work.now


def new_task(
    work: Work, review: str, record: str, stage: Stage, version: int, *, arriving: bool = False
) -> dict[str, Any]:
    """A task that nobody has touched, without the event that tells it; of a record that is new where it is
    `arriving`."""
    votes = domain.votes_needed(stage, review, record)
    return {
        "id": store.task_id(review, record, stage.name), "review": review, "record": record, "stage": stage.name,
        "protocol_version": version, "adjudicators": stage.adjudicators, "state": TaskStates.OPEN,
        "position": queue_position(), "votes_needed": votes, "votes_cast": 0, "places": votes,
        "taker": "", "takers": "", "pool": store.pool_for(work, review, stage, record, arriving=arriving),
        "returned": 0, "answer": None, "decided_by": None, "excluded_for": None,
        "judged_for": None, "by_batch": None,
        "opened_at": work.now, "closed_at": None,
    }  # fmt: skip


def open_task(work: Work, record: Record, stage: Stage, plan: Plan, because: str, cause: str | None) -> None:
    """Opens a stage's task for a record, or opens again the one that it has there, whose votes count as before."""
    task = store.lock_task_at(work, record, stage.name)
    if task is not None and task.votes_cast:
        _open_with_its_votes(work, record, task, because, cause)
        return
    fresh = new_task(work, record.review, record.id, stage, plan.version)
    before = task.state if task else None
    TaskStates.check(before, TaskStates.OPEN, task)
    store.counts(work).move(record.review, stage.name, before, TaskStates.OPEN)
    fresh["told"] = tell(
        work, record, TaskOpened, cause,
        task=fresh["id"], stage=stage.name, votes_needed=fresh["votes_needed"], because=because,
    )  # fmt: skip
    if task is None:
        work.rows.add(TaskRow, Task(**fresh))
    else:
        task.excluded_for = None
        _forget_batch(work, record, task)
        task.sqlmodel_update(fresh)
    gather_votes(work, record)


def count_vote(work: Work, record: Record, task: Task, votes: list[Vote]) -> None:
    """Counts an independent vote just cast; the last one needed, with which `votes` are all, settles the task."""
    tallies.set_votes_cast(work, task, task.votes_cast + 1)
    if task.votes_cast == task.votes_needed:
        settle(work, record, task, votes)


def settle(work: Work, record: Record, task: Task, votes: list[Vote]) -> bool:
    """With all its votes in, decides a task by agreement or opens a conflict; answers whether it is decided."""
    tallies.count_votes(work, task, votes)
    answers = [vote.answer for vote in votes]
    decision = None if task.for_adjudicator else domain.decide(store.stage_of(work, task), answers)
    if decision is not None:
        close_task(work, record, task, votes, decision, "agreement")
        return True
    _open_conflict(work, record, task, votes)
    return False


def _open_conflict(work: Work, record: Record, task: Task, votes: Sequence[Vote]) -> None:
    """Opens a conflict: of its voters, where the stage has them decide, two are still there, and no lead opened it for
    an adjudicator, else of a third person. What voters stood by before counts only where all of them did, by one
    answer."""
    turn_task(work, task, TaskStates.CONFLICT)
    by_voters = store.stage_of(work, task).reconciliation == CONSENSUS and not task.for_adjudicator
    voters = store.present(work, task.review, [vote.person for vote in votes]) if by_voters else []
    if len(voters) > 1:
        if domain.agreed(voters, store.opinions_on(work, task.id, "stand")) is None:
            forget_stands(work, task)
        task.adjudicators, task.places = VOTERS, 0
        task.told = tell(
            work, record, ConflictOpened, task.told, task=task.id, stage=task.stage, reconciliation=CONSENSUS
        )
    else:
        give_to_third_person(work, record, task, None)


def give_to_third_person(work: Work, record: Record, task: Task, because: str | None) -> None:
    """Has a third person decide a conflict; where its voters were to, it says why they are not."""
    for lease in store.leases_of(work, task):
        end_lease(work, lease, LeaseStates.WITHDRAWN)
    task.adjudicators, task.places = store.stage_of(work, task).adjudicators, 1
    task.told = tell(work, record, ConflictOpened, task.told, task=task.id, stage=task.stage, because=because)


def forget_stands(work: Work, task: Task) -> None:
    """Has nothing that voters stood by count any more: the conflict is another one now."""
    for stand in store.opinions_on(work, task.id, "stand"):
        stand.task = None


def decide_conflict(work: Work, record: Record, task: Task, votes: list[Vote]) -> None:
    """Closes a conflict as the last of its votes, the adjudicator's, decides."""
    decision = domain.decision_of(store.stage_of(work, task), votes[-1].answer)
    assert decision is not None  # A ballot that does not decide is refused (`domain.faults`).
    close_task(work, record, task, votes, decision, "adjudication")


def decide_by_consensus(work: Work, record: Record, task: Task, votes: list[Vote]) -> bool:
    """Closes a conflict that its voters decide, once all who are still there stand by one answer; answers whether."""
    voters = store.present(work, task.review, [vote.person for vote in votes])
    answer = domain.agreed(voters, store.opinions_on(work, task.id, "stand"))
    decision = domain.decision_of(store.stage_of(work, task), answer) if answer is not None else None
    if decision is None:
        return False
    close_task(work, record, task, votes, decision, "consensus")
    return True


def decide_by_batch(work: Work, record: Record, task: Task, ballot: Ballot, decision: Decision, by: ByBatch) -> None:
    """Closes a task that nobody has voted on as a lead had many closed: by the lead's own answer, or as a file states
    that it was decided before, which the counts and the flow then say."""
    task.by_batch = by.model_dump(mode="json")
    if by.stated is not None:
        store.counts(work).add(task.review, task.stage, "applied", by.stated.imported, by.stated.answer)
        _set_decided_before(work, record, [*record.decided_before, task.stage])
    close_task(work, record, task, [], decision, "imported" if by.stated else "lead", ballot)


def _forget_batch(work: Work, record: Record, task: Task) -> None:
    """Has a task be one that no batch decided."""
    if task.by_batch is None:
        return
    if (stated := ByBatch.model_validate(task.by_batch).stated) is not None:
        store.counts(work).add(task.review, task.stage, "applied", stated.imported, stated.answer, n=-1)
        _set_decided_before(work, record, [stage for stage in record.decided_before if stage != task.stage])
    task.by_batch = None


def close_task(
    work: Work,
    record: Record,
    task: Task,
    votes: list[Vote],
    decision: Decision,
    by: DecidedBy,
    ballot: Ballot | None = None,
) -> None:
    """Closes a decided task, tells its votes, and sends the record where the decision leads. What nobody voted on is
    decided by a `ballot`, which is no vote."""
    turn_task(work, task, TaskStates.ADVANCED if decision.outcome == "advance" else TaskStates.EXCLUDED)
    if by == "adjudication":
        task.taken_by([vote.person for vote in votes])
        store.counts(work).add(task.review, task.stage, "voter", votes[-1].person)
        if task.adjudicators == VOTERS:  # A third person decided it where it was cast, or before it came by again.
            task.adjudicators = store.stage_of(work, task).adjudicators
    elif by != "agreement":
        for lease in store.leases_of(work, task):
            end_lease(work, lease, LeaseStates.WITHDRAWN)
    task.answer, task.decided_by, task.closed_at, task.places = decision.answer, by, work.now, 0
    if task.for_adjudicator:
        task.for_adjudicator = False
    stage = store.stage_of(work, task)
    opinions = store.opinions_on(work, task.id) if by in ("adjudication", "consensus") else []
    stands = [opinion for opinion in opinions if opinion.kind == "stand"]
    for opinion in opinions:
        opinion.waits_in = ""
    behind: Sequence[Vote | Opinion | Ballot] = stands if by == "consensus" else [ballot] if ballot else votes
    keep_reasons(work, task, stage, behind, decision, by)
    judgement = views.judgement_of(task, votes, opinions)
    taken_back = store.votes_taken_back(work, task.id) if task.beside else []
    task.told = tell(
        work, record, TaskClosed, task.told,
        task=task.id, judgement=judgement, taken_back=[views.vote_cast(vote) for vote in taken_back],
    )  # fmt: skip
    if task.beside:
        tell_revised(work, record, task, store.revised_votes(work, [task.id]))
    if decision.outcome == "exclude":
        named = task.excluded_for
        reason = domain.reason_in_words(stage, decision.answer, named, [said.reason for said in behind])
        turn_record(work, record, RecordStates.EXCLUDED, stage=task.stage, reason=reason, excluded_for=named)
        tell(
            work, record, RecordExcluded, task.told,
            stage=task.stage, rule=None, reason=reason, excluded_for=named,
        )  # fmt: skip
    else:
        _set_passed(work, record, [*record.passed, task.stage])
        _go_on(work, record, task, judgement)


def tell_revised(work: Work, record: Record, task: Task, revised: Sequence[RevisedVote]) -> None:
    """Tells those of these that are not told yet; their task is closed."""
    for vote in revised:
        if not vote.emitted:
            vote.emitted = True
            tell(work, record, VoteRevised, task.told, task=task.id, stage=task.stage, vote=views.vote_cast(vote))


def _go_on(work: Work, record: Record, passed: Task, judgement: Judgement) -> None:
    """Sends a record that passed a stage, as this judgement says, to the next one, or includes it after the last."""
    plan = store.the_plan(work, record.review)
    stage = domain.next_stage(plan.protocol, record.passed)
    if stage is None:
        turn_record(work, record, RecordStates.INCLUDED, stage=passed.stage)
        judgements = [*views.earlier_judgements(work, record, judgement), judgement]
        tell(work, record, RecordIncluded, passed.told, title=record.title, judgements=judgements)
        return
    turn_record(work, record, RecordStates.SCREENING, stage=stage.name)
    emitted = tell(work, record, RecordAdvanced, passed.told, stage=passed.stage, next_stage=stage.name)
    open_task(work, record, stage, plan, "stage_reached", emitted)


def withdraw_task(work: Work, task: Task) -> None:
    """Closes a task that needs no answer any more, and ends the leases on it."""
    if task.votes_cast == 1:
        store.counts(work).add(task.review, task.stage, "alone", n=-1)
    turn_task(work, task, TaskStates.WITHDRAWN)
    task.places, task.closed_at = 0, work.now
    for lease in store.leases_of(work, task):
        end_lease(work, lease, LeaseStates.WITHDRAWN)


def end_lease(work: Work, lease: Lease, how: Ended) -> None:
    LeaseStates.turn(lease, how)
    lease.ended_at = work.now


def free_slot(task: Task, person: str) -> None:
    """Gives a person's slot of a task back to the queue, unless it is parked; their lease has ended. What voters decide
    has no slots: it is kept for them."""
    if task.adjudicators == VOTERS:
        return
    if task.state != TaskStates.PARKED:
        task.places += 1
    task.taken_by([name for name in task.takers.split("\n") if name not in ("", person)])


def hold_against_dates(work: Work, record: Record, plan: Plan, because: str) -> None:
    """Applies the protocol's dates to a record anew: opens what they kept out and now admit, closes what
    they now refuse and nobody has voted on. Where people have spoken, they decide."""
    refused = domain.refusal(plan.protocol, record.published)
    if record.state == RecordStates.EXCLUDED and record.rule in domain.DATE_RULES and refused is None:
        _reopen(work, record, plan, because)
    elif record.state == RecordStates.SCREENING and refused is not None:
        task = store.lock_waiting_task(work, record)
        if not task.votes_cast and not record.passed:
            withdraw_task(work, task)
            exclude_by_rule(work, record, refused.rule, refused.reason, task.told)


def _reopen(work: Work, record: Record, plan: Plan, because: str) -> None:
    stage = domain.next_stage(plan.protocol, record.passed) or plan.protocol.stages[0]
    turn_record(work, record, RecordStates.SCREENING, stage=stage.name)
    reason = f"the dates admit it now: published {record.published or 'on a date nobody gave'}"
    emitted = tell(work, record, RecordReopened, None, stage=stage.name, reason=reason)
    open_task(work, record, stage, plan, because, emitted)


def exclude_by_rule(work: Work, record: Record, rule: str, reason: str, cause: str | None) -> None:
    turn_record(work, record, RecordStates.EXCLUDED, stage=None, rule=rule, reason=reason)
    tell(work, record, RecordExcluded, cause, stage=None, rule=rule, reason=reason)


# --- what was decided for a reason that holds no more


def reopen_task(work: Work, record: Record, task: Task, why: str, because: str) -> None:
    """Sends a record back to a stage that decided about it, where people are asked anew, under the newest protocol that
    has the stage: what was voted there is kept as history and counts nowhere."""
    make_votes_history(work, task)
    open_undecided(work, record, task, why, because)


def open_undecided(work: Work, record: Record, task: Task, why: str, because: str) -> None:
    """Sends a record back to a stage that decided about it, of which no vote counts."""
    task.answer = task.decided_by = None
    plan = store.the_plan(work, record.review)
    stage = domain.stage_named(plan.protocol, task.stage)
    if stage is None:
        plan, stage = store.plan_of(work, task), store.stage_of(work, task)
    cause = _send_back(work, record, task, why)
    open_task(work, record, stage, plan, because, cause)


def make_votes_history(work: Work, task: Task) -> None:
    """Has what was voted on a task that is decided, or was voted before on what is one with its record, count there no
    more: when its record comes by, people are asked anew."""
    votes = store.votes_on(work, task.id)
    if task.votes_cast == task.votes_needed:
        tallies.uncount_votes(work, task, votes, tallies.gone_from(task, votes))
    for vote in votes:
        vote.counts_no_more("set_aside", work.now)
    for opinion in store.opinions_on(work, task.id):
        opinion.task, opinion.waits_in = None, ""
    tallies.set_votes_cast(work, task, 0)
    task.asked_anew_at = work.now


# --- votes that were one person's


def recount(work: Work, record: Record, task: Task, gone: Sequence[str], why: str) -> None:
    """Has a task go by the votes that it still has after those of these people are gone, and by who may hold it now.
    Where they decide it no more it opens again, and its record goes back to it; what it passed later it need not pass
    again."""
    if record.state == RecordStates.MERGED:
        return
    left = store.votes_on(work, task.id)
    independent = [vote for vote in left if not vote.deciding]
    if gone and task.votes_cast == task.votes_needed:
        tallies.uncount_votes(work, task, left, gone)
    if task.state == TaskStates.WITHDRAWN:
        task.votes_cast = len(independent)
    elif task.state == TaskStates.PARKED and len(independent) == task.votes_needed:
        _free_conflict(work, task, independent)
    elif task.state in (TaskStates.OPEN, TaskStates.PARKED):
        tallies.set_votes_cast(work, task, len(independent))
        _make_slots(work, task, independent)
    elif gone:
        _open_again(work, record, task, left, why)
    elif task.state == TaskStates.CONFLICT and task.adjudicators != VOTERS:
        _free_conflict(work, task, independent)


def _open_again(work: Work, record: Record, task: Task, votes: Sequence[Vote], why: str) -> None:
    """Opens a task again that had all its votes and has only these any more; a decision of what was none goes, too."""
    independent = [vote for vote in votes if not vote.deciding]
    for vote in votes:
        if vote.deciding:
            vote.task = None
    go_back = task.state in TaskStates.DECIDED
    forget_stands(work, task)
    _turn_open(work, record, task, independent)
    cause = _send_back(work, record, task, why) if go_back else task.told
    _tell_opened(work, record, task, "votes_of_one_person", cause)
    if task.votes_cast == task.votes_needed:
        settle(work, record, task, independent)


def dispute(work: Work, record: Record, task: Task, why: str, because: str) -> None:
    """Sends a record back to a task that was decided, whose independent votes stand: its conflict is decided, or, where
    votes are still needed, people give them."""
    forget_stands(work, task)
    votes = store.votes_on(work, task.id)
    for vote in votes:
        if vote.deciding:
            vote.counts_no_more("set_aside", work.now)
            store.counts(work).add(task.review, task.stage, "voter", vote.person, n=-1)
    cause = _send_back(work, record, task, why)
    _turn_open(work, record, task, [vote for vote in votes if not vote.deciding])
    _tell_opened(work, record, task, because, cause)
    if task.votes_cast < task.votes_needed:
        gather_votes(work, record)
        return
    _open_conflict(work, record, task, [vote for vote in votes if not vote.deciding])


def _free_conflict(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Takes a conflict back from somebody who has a vote in it."""
    voted = [vote.person for vote in votes]
    for lease in store.leases_of(work, task):
        if lease.person in voted:
            end_lease(work, lease, LeaseStates.WITHDRAWN)
            task.places = int(task.state == TaskStates.CONFLICT)


def ask_again(work: Work, task: Task) -> None:
    """Has a parked task wait for people as its votes leave it: for those that are missing, or for an adjudicator."""
    if task.votes_cast < task.votes_needed:
        turn_task(work, task, TaskStates.OPEN)
        _make_slots(work, task, store.votes_on(work, task.id))
    else:
        turn_task(work, task, TaskStates.CONFLICT)
        task.places = int(task.adjudicators != VOTERS and not store.leases_of(work, task))
    task.returned = 0


def _send_back(work: Work, record: Record, task: Task, why: str) -> str:
    """Sends a record back to a stage that it passed, or that led it out; answers the event that tells it."""
    if record.state == RecordStates.SCREENING:
        withdraw_task(work, store.lock_waiting_task(work, record))
    _set_passed(work, record, [stage for stage in record.passed if stage != task.stage])
    turn_record(work, record, RecordStates.SCREENING, stage=task.stage)
    return tell_sent(work, record, task, task.stage, why)


def tell_sent(work: Work, record: Record, task: Task, stage: str, why: str) -> str:
    """Tells that a record was sent from a task to a stage, and why; answers the event."""
    return tell(work, record, RecordReopened, task.told, stage=stage, reason=why)


def ask_otherwise(work: Work, record: Record, task: Task, stage: Stage, because: str) -> None:
    """Has an open task that nobody has begun be asked as its stage is by now."""
    task.adjudicators = stage.adjudicators
    task.votes_needed = task.places = domain.votes_needed(stage, record.review, record.id)
    task.pool = store.pool_for(work, record.review, stage, record.id)
    task.returned = 0
    _tell_opened(work, record, task, because, task.told)
    gather_votes(work, record)


def _open_with_its_votes(work: Work, record: Record, task: Task, because: str, cause: str | None) -> None:
    """Opens a task again that its record comes by once more, under the protocol of then; with all its votes, it is
    decided as it was."""
    votes = store.votes_on(work, task.id)
    independent = [vote for vote in votes if not vote.deciding]
    if task.votes_cast == task.votes_needed:
        tallies.uncount_votes(work, task, votes)
    if task.state == TaskStates.WITHDRAWN:
        task.votes_cast = 0  # Of these none is counted as alone.
    _turn_open(work, record, task, independent)
    _tell_opened(work, record, task, because, cause)
    if task.votes_cast < task.votes_needed:
        gather_votes(work, record)
        return
    if votes[-1].deciding:  # It stands, also where the votes agree: a lead may have had a third person decide.
        task.for_adjudicator = True
    if not settle(work, record, task, independent):
        if votes[-1].deciding:
            decide_conflict(work, record, task, votes)
        elif task.adjudicators == VOTERS:
            decide_by_consensus(work, record, task, votes)


def _turn_open(work: Work, record: Record, task: Task, independent: Sequence[Vote]) -> None:
    """Has a task ask people again, beside whom these have voted already; others may have seen their votes meanwhile."""
    for vote in independent:
        vote.shown = True
    for look in store.opinions_on(work, task.id, "look"):  # It lasts, and waits for the conflict to be decided anew.
        look.waits_in = task.review
    turn_task(work, task, TaskStates.OPEN)
    task.adjudicators = store.stage_of(work, task).adjudicators
    task.answer = task.decided_by = task.closed_at = task.judged_for = task.excluded_for = None
    _forget_batch(work, record, task)
    task.returned = 0
    tallies.set_votes_cast(work, task, len(independent))
    _make_slots(work, task, independent)


def _tell_opened(work: Work, record: Record, task: Task, because: str, cause: str | None) -> None:
    """Tells that a task waits for people as it is now."""
    task.told = tell(
        work, record, TaskOpened, cause,
        task=task.id, stage=task.stage, votes_needed=task.votes_needed, because=because,
    )  # fmt: skip


# --- votes of merged records


def gather_votes(work: Work, record: Record) -> None:
    """Moves to a record's open task the votes that people cast, at that stage, on records merged into it.

    A vote counts once: it moves only where its person has not voted, where its answer exists, and as long
    as votes are needed; else it stays where it was cast, as history.
    """
    absorbed = store.absorbed_by(work, record)
    if not absorbed or record.state != RecordStates.SCREENING:
        return
    task = store.lock_waiting_task(work, record)
    if task.state != TaskStates.OPEN:
        return
    origins = store.tasks_by_id(work, [store.task_id(record.review, other.id, task.stage) for other in absorbed])
    votes = store.votes_about(work, [task.id, *origins])
    there = [vote for vote in votes if vote.task in origins and not is_history(task, vote)]
    here = [vote for vote in votes if vote.task == task.id]
    moved = _move_votes(work, task, here, [vote for vote in there if not vote.deciding], origins)
    if not moved:
        return
    here = store.in_order([*here, *moved])
    _make_slots(work, task, here)
    if task.votes_cast == task.votes_needed:
        decided = _decision_on(here, there)
        # It stands, also where the votes agree: a lead may have had a third person decide.
        task.for_adjudicator = task.for_adjudicator or decided is not None
        if not settle(work, record, task, here) and decided is not None:
            _move_decision(work, record, task, here, decided)


def is_history(task: Task, vote: Vote) -> bool:
    """Whether a vote was cast before a task asked people anew."""
    return task.asked_anew_at is not None and vote.cast_at <= task.asked_anew_at


def _move_votes(
    work: Work, task: Task, here: Sequence[Vote], there: Sequence[Vote], origins: Mapping[str, Task]
) -> list[Vote]:
    """Moves those of the votes `there` that count beside those `here`; answers them."""
    stage = store.stage_of(work, task)
    voted = {vote.person for vote in here}
    moved: list[Vote] = []
    for vote in there:
        if task.votes_cast + len(moved) == task.votes_needed:
            break
        if vote.person not in voted and domain.answer_named(stage, vote.answer):
            move_vote(vote, origins[vote.where], task)
            voted.add(vote.person)
            moved.append(vote)
    tallies.set_votes_cast(work, task, task.votes_cast + len(moved))
    return moved


def move_vote(vote: Vote, origin: Task, task: Task) -> None:
    """Has a vote that counts on one task count on another."""
    if vote.paired_on is None and origin.compared is not None:
        vote.paired_on = vote.task
    if origin.votes_cast == origin.votes_needed:
        vote.shown = True
    vote.task = task.id


def _make_slots(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Ends the leases of those whose vote is here now, then the newest of those that votes leave no slot for."""
    voted = [vote.person for vote in votes]
    leases = store.leases_of(work, task)
    # A conflict that is none any more has nothing to decide.
    screening = [lease for lease in leases if lease.person not in voted and lease.kind == TO_SCREEN]
    kept = screening[: task.votes_needed - task.votes_cast]
    for lease in leases:
        if lease not in kept:
            end_lease(work, lease, LeaseStates.WITHDRAWN)
    task.places = 0 if task.state == TaskStates.PARKED else task.votes_needed - task.votes_cast - len(kept)
    task.taken_by([*voted, *(lease.person for lease in kept)])


def _decision_on(votes: Sequence[Vote], there: Sequence[Vote]) -> Vote | None:
    """What an adjudicator decided, among the votes `there`, on these very votes."""
    origins = {vote.cast_on for vote in votes}
    return next((vote for vote in there if vote.deciding and {vote.cast_on} == origins), None)


def _move_decision(work: Work, record: Record, task: Task, votes: list[Vote], decided: Vote) -> None:
    """An adjudicator's decision moves with the votes that it was made on, where the stage has its answer still."""
    decision = domain.decision_of(store.stage_of(work, task), decided.answer)
    if decision is not None:
        decided.task = task.id
        close_task(work, record, task, [*votes, decided], decision, "adjudication")
