"""Splits: a record that was merged into another is a record of its own again, with the votes that were cast on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.screening import domain, store, views
from services.screening.commands import steps, tallies
from services.screening.commands.disputes import settle_dispute
from services.screening.domain import RecordStates, TaskStates
from services.screening.models import Record, Task, Vote
from services.screening.store import Plan
from shared.db.work import Work
from shared.events.screening import Judgement, RecordExcluded, RecordIncluded, RecordReopened


def bring_back(work: Work, record: Record, brought: Sequence[Record], out_of: str) -> None:
    """Has a merged record, which is held, be a record of its own again, with those that were merged into it.

    The votes cast on it return, and what they decided elsewhere is open again there; what it was decided before it was
    merged stands, and where it waited for people it waits for them again.
    """
    plan = store.the_plan(work, record.review)
    store.lock_record(work, record.review, out_of)  # Before its votes are read, which people may take back meanwhile.
    brought = _living_on_in(record, brought)
    for other in brought:
        other.merged_into = record.id
    was = (record.merge or {}).get("was")
    record.merged_into = record.merge = None
    tasks = _tasks(work, plan, record, brought)
    own = [task for task in tasks.values() if task.record == record.id]
    left = _return_votes(work, tasks)
    work.rows.flush()
    for task_id, returned in sorted(left.items()):
        _recount(work, task_id, returned, f"record {record.id} is not {out_of}, and its votes count there")
    work.rows.flush()
    votes = store.votes_about(work, list(tasks)) if tasks else []
    _gather_again(work, own, tasks, votes)
    for task in own:
        _uncount_withdrawn(work, task, votes)
    work.rows.flush()
    _restore(work, record, plan, was, out_of)
    work.rows.flush()
    _go_by_what_counts(work, record, own, "what was one with it is not any more, and its votes count there")
    work.rows.flush()
    settle_dispute(work, record.review, out_of)


def _living_on_in(record: Record, brought: Sequence[Record]) -> list[Record]:
    """Those that live on in a record, as far as is known by now: of several records events come in any order, so that
    one may be parted from it already, or not merged into it yet."""
    into = {other.id: other.merge["into"] for other in brought if other.merge is not None}

    def passes(id: str) -> bool:
        after = into.get(id)
        return after is not None and (after == record.id or passes(after))

    return [other for other in brought if passes(other.id)]


def _tasks(work: Work, plan: Plan, record: Record, brought: Sequence[Record]) -> dict[str, Task]:
    """The tasks that a record and those merged into it ever had; its own are held."""
    stages = views.known_stages(plan, store.dropped_stages(work, record.review))
    own = [task for stage in stages if (task := store.lock_task_at(work, record, stage)) is not None]
    others = [store.task_id(record.review, other.id, stage) for other in brought for stage in stages]
    return {task.id: task for task in own} | (store.tasks_by_id(work, others) if others else {})


def _return_votes(work: Work, tasks: Mapping[str, Task]) -> dict[str, list[Vote]]:
    """Moves the votes that were cast on these tasks back to where they were cast; answers them by where they counted
    since the merger."""
    left: defaultdict[str, list[Vote]] = defaultdict(list)
    votes = store.votes_about(work, list(tasks)) if tasks else []
    elsewhere = store.tasks_by_id(
        work, {vote.task for vote in votes if vote.task is not None and vote.task not in tasks}
    )
    for vote in votes:
        if vote.cast_on in tasks and vote.task in elsewhere:
            there = elsewhere[vote.task]
            left[there.id].append(vote)
            vote.task = vote.cast_on
            if there.votes_cast == there.votes_needed:
                vote.shown = True
            if vote.paired_on == vote.cast_on:
                vote.paired_on = None
            if steps.is_history(tasks[vote.cast_on], vote):  # It was asked anew meanwhile.
                vote.counts_no_more("set_aside", work.now)
        elif vote.cast_on in tasks and vote.ended == "set_aside" and vote.counted_on not in tasks:
            if steps.is_history(tasks[vote.cast_on], vote):
                continue
            # The other one was decided again, and not this one.
            vote.task, vote.counted_on, vote.ended, vote.ended_at, vote.shown = vote.cast_on, None, None, None, True
            if vote.paired_on == vote.cast_on:
                vote.paired_on = None
    return left


def _recount(work: Work, task_id: str, returned: Sequence[Vote], why: str) -> None:
    """Has a task go by the votes that are left to it."""
    about = store.tasks_by_id(work, [task_id])[task_id]
    record = store.lock_record(work, about.review, about.record)
    if record is None:
        return
    steps.recount(work, record, store.lock_task(work, task_id), [vote.person for vote in returned], why)
    work.rows.flush()
    steps.gather_votes(work, record)


def _gather_again(work: Work, own: Sequence[Task], tasks: Mapping[str, Task], votes: Sequence[Vote]) -> None:
    """Has the votes that decided a record's own tasks, and were cast on what comes with it, count there again; where
    they are not all here, none."""
    for task in own:
        here = [vote for vote in votes if vote.task == task.id]
        gone = tallies.gone_from(task, here)
        there = [vote for vote in votes if vote.person in gone and not steps.is_history(task, vote)]
        found = {
            vote.person: (vote, origin)
            for vote in reversed(there)
            if (origin := tasks.get(vote.task or "")) and origin.record != task.record and origin.stage == task.stage
        }
        if found and _decide_it(work, task, store.in_order([*here, *(vote for vote, _ in found.values())])):
            for vote, origin in found.values():
                steps.move_vote(vote, origin, task)


def _decide_it(work: Work, task: Task, votes: Sequence[Vote]) -> bool:
    """Whether a task is decided by these votes."""
    independent = [vote for vote in votes if not vote.deciding]
    if task.state not in TaskStates.DECIDED or len(independent) != task.votes_needed:
        return False
    if task.decided_by == "adjudication":
        return votes[-1].deciding and votes[-1].answer == task.answer
    if task.decided_by == "consensus":
        return task.answer in {stand.answer for stand in store.opinions_on(work, task.id, "stand")}
    stage = store.stage_of(work, task)
    decision = domain.decide(stage, [vote.answer for vote in independent])
    reason = domain.excluded_for(stage, [vote.excluded_for for vote in independent])
    return decision is not None and (decision.answer, reason if decision.outcome == "exclude" else None) == (
        task.answer, task.excluded_for,
    )  # fmt: skip


def _uncount_withdrawn(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Has a task that waits for nobody go by the votes that are left to it."""
    here = [vote for vote in votes if vote.task == task.id]
    independent = [vote for vote in here if not vote.deciding]
    if task.state != TaskStates.WITHDRAWN or task.votes_cast == len(independent):
        return
    if task.votes_cast == task.votes_needed:
        tallies.uncount_votes(work, task, here, tallies.gone_from(task, here))
    task.votes_cast = len(independent)


def _go_by_what_counts(work: Work, record: Record, tasks: Sequence[Task], why: str) -> None:
    """Opens those of a record's tasks again, the last first, of which a vote became void while it was merged, or went
    back to where it was cast."""
    for task in sorted(tasks, key=lambda task: (task.opened_at, task.position), reverse=True):
        about = store.votes_about(work, [task.id])
        here = [vote for vote in about if vote.task == task.id]
        missing = task.votes_cast - sum(not vote.deciding for vote in here)
        if task.state not in TaskStates.DECIDED or missing <= 0:
            continue
        gone = tallies.gone_from(task, here)
        void = [vote.person for vote in about if vote.task is None and vote.ended is None and not vote.deciding]
        were_one = void[len(gone) - missing :] if len(gone) < missing else []
        because = f"votes at stage {task.stage!r} were one person's" if were_one else why
        steps.recount(work, record, task, [*gone, *were_one], because)
        work.rows.flush()
        steps.gather_votes(work, record)


def _restore(work: Work, record: Record, plan: Plan, was: Mapping[str, str | None] | None, out_of: str) -> None:
    """Puts a record back to where it was before it was merged, as far as its own votes still say so."""
    state = was["state"] if was else None
    if state == RecordStates.EXCLUDED and was is not None:
        steps.turn_record(
            work, record, RecordStates.EXCLUDED,
            stage=was["stage"], rule=was["rule"], reason=was["reason"], excluded_for=was.get("excluded_for"),
        )  # fmt: skip
        steps.tell(
            work, record, RecordExcluded, None,
            stage=None if record.rule else record.stage, rule=record.rule, reason=record.reason or "",
            excluded_for=record.excluded_for,
        )  # fmt: skip
    elif stage := domain.next_stage(plan.protocol, record.passed):
        steps.turn_record(work, record, RecordStates.SCREENING, stage=stage.name)
        reason = f"it was taken for {out_of}, and is a record of its own again"
        emitted = steps.tell(work, record, RecordReopened, None, stage=stage.name, reason=reason)
        steps.open_task(work, record, stage, plan, "parted", emitted)
    else:
        judgements = _judgements(work, record)
        steps.turn_record(work, record, RecordStates.INCLUDED, stage=record.passed[-1])
        steps.tell(work, record, RecordIncluded, None, title=record.title, judgements=judgements)
    steps.hold_against_dates(work, record, plan, "date_mended")


def _judgements(work: Work, record: Record) -> list[Judgement]:
    tasks = store.tasks_of(work, record, record.passed)
    votes = store.votes_by_task(work, [task.id for task in tasks])
    decided = [task for task in tasks if task.state in TaskStates.DECIDED and task.decided_by]
    opinions = views.opinions_behind(work, decided)
    return [views.judgement_of(task, votes[task.id], opinions[task.id]) for task in decided]
