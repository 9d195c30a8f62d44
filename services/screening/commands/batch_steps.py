"""What a batch does with one record, by its kind, or why it leaves it alone; and how it undoes that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.screening import domain, store
from services.screening.commands import parking, reopening, restoring, steps
from services.screening.domain import Ballot, Decision, RecordStates, TaskStates
from services.screening.models import BatchRecordRow, BatchRow, Record, StatementRow, Task
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.screening import ByBatch, Stated
from shared.wire.screening import MappedAnswer


class Done(NamedTuple):
    """That something was done with a record, and what undoing it needs to know of before."""

    was: dict[str, Any] | None = None


class Carrying:
    """A batch that is carried out, with what files state of the records whose turn it is."""

    def __init__(self, work: Work, batch: BatchRow, statements: Mapping[str, Sequence[StatementRow]]) -> None:
        self._work, self._batch, self._statements = work, batch, statements

    @classmethod
    def out(cls, work: Work, batch: BatchRow, records: Sequence[str]) -> Carrying:
        imported = batch.asked.get("imported")
        found = store.statements_about(work, batch.review, batch.stage, imported, records) if imported else {}
        return cls(work, batch, found)

    def one(self, record: Record | None, task: Task | None) -> Done | str:
        """What was done with a record, which is held with its task at the stage, or why it was left alone."""
        if record is None:
            return "unknown_record"
        if record.merged_into is not None:
            return RecordStates.MERGED
        if record.state == RecordStates.EXCLUDED and record.rule is not None:
            return "kept_out"
        if task is None or task.state == TaskStates.WITHDRAWN:
            return "not_there"
        try:
            return self._do(record, task)
        except (Conflict, Forbidden, Invalid, NotFound) as refused:  # Before anything was done.
            return refused.slug

    def _do(self, record: Record, task: Task) -> Done | str:
        work, batch, asked = self._work, self._batch, self._batch.asked
        match batch.kind:
            case "imported":
                return self._apply(record, task)
            case "decide":
                judged_for = asked.get("judged_for") or ()
                ballot = Ballot(asked["answer"], batch.reason, {}, asked.get("excluded_for"), judged_for)
                return self._decide(record, task, ballot, None)
            case "park":
                until = asked.get("until")
                day = date.fromisoformat(until) if until else None
                return Done({"parking": parking.set_aside(work, record, task, batch.reason, day, is_lead=True).id})
            case "bring_back":
                return Done({"parking": parking.bring_back(work, record, task, is_lead=True)[0].id})
            case "reopen":
                if task.state not in TaskStates.DECIDED:
                    return "nothing_to_reopen"
                was = restoring.kept(work, task)
                votes_stand = asked.get("votes") == "stand"
                reopening.reopen(work, batch.review, record.id, task.stage, batch.reason, votes_stand=votes_stand)
                return Done(was)

    def _apply(self, record: Record, task: Task) -> Done | str:
        """Decides a record as a file states it; where it states different things, nothing."""
        mapping = {said: MappedAnswer.model_validate(it) for said, it in self._batch.asked["mapping"].items()}
        stated = [it for it in self._statements.get(record.id, ()) if it.answer in mapping]
        if not stated:
            return "not_stated"
        first = stated[0]
        answer = mapping[first.answer]
        if any(mapping[it.answer] != answer for it in stated):
            return "stated_otherwise"
        return self._decide(record, task, ballot_of(answer, first.reason or self._batch.reason), first)

    def _decide(self, record: Record, task: Task, ballot: Ballot, stated: StatementRow | None) -> Done | str:
        """Decides a record that nobody has voted on."""
        work, batch = self._work, self._batch
        if task.state in TaskStates.DECIDED:
            return "decided"
        if task.votes_cast:
            return "voted_on"
        plan, stage = store.plan_of(work, task), store.stage_of(work, task)
        decision: Decision | None = domain.decision_of(stage, ballot.answer)
        if decision is None or domain.decision_faults(stage, ballot, {cmoc.id for cmoc in plan.protocol.cmocs}):
            return "asked_otherwise"
        said = ByBatch(
            batch=batch.id, by=batch.asked_by, reason=batch.reason, stated=_stated(stated) if stated else None
        )
        steps.decide_by_batch(work, record, task, ballot, decision, said)
        return Done()


def take_back(work: Work, batch: BatchRow, it: BatchRecordRow, record: Record | None, task: Task | None) -> str | None:
    """Undoes what a batch did with a record, which is held with its task; answers why not, where it went on since."""
    if record is None or task is None:
        return "unknown_record"
    if record.merged_into is not None:
        return RecordStates.MERGED
    was = it.was or {}
    match batch.kind:
        case "imported" | "decide":
            if (task.by_batch or {}).get("batch") != batch.id or not _is_where_it_led(work, record, task):
                return "went_on"
            position, why = task.position, batch.undo_reason or ""
            steps.open_undecided(work, record, task, why, "batch_undone")
            task.position = position
            steps.hold_against_dates(work, record, store.the_plan(work, batch.review), "batch_undone")
        case "park":
            if was["parking"] not in [parked.id for parked in store.parkings_now(work, task)]:
                return "went_on"
            parking.bring_back(work, record, task, is_lead=True)
        case "bring_back":
            return None if parking.park_again(work, record, task, was["parking"]) else "went_on"
        case "reopen":
            return None if restoring.restore(work, record, task, was) else "went_on"
    return None


def ballot_of(answer: MappedAnswer, reason: str) -> Ballot:
    return Ballot(answer.answer, reason, {}, answer.excluded_for, answer.judged_for)


def _is_where_it_led(work: Work, record: Record, task: Task) -> bool:
    """Whether a record is still where a decision without a vote led it: out, in, or at the next stage, where nobody has
    voted on it or parked it."""
    if task.state == TaskStates.EXCLUDED:
        return record.state == RecordStates.EXCLUDED and record.rule is None and record.stage == task.stage
    if task.state != TaskStates.ADVANCED or record.passed[-1:] != [task.stage]:
        return False
    if record.state != RecordStates.SCREENING:
        return record.state == RecordStates.INCLUDED
    following = store.lock_waiting_task(work, record)
    return following.state == TaskStates.OPEN and not following.votes_cast


def _stated(row: StatementRow) -> Stated:
    return Stated(
        statement=row.id, imported=row.imported, file_sha256=row.file_sha256, line=row.line,
        mapping_sha256=row.mapping_sha256, brought_by=row.brought_by, answer=row.answer, by=row.by,
    )  # fmt: skip
