"""Batches: a lead asks for the same to be done with many records; a job does it, and undoes it where a lead says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.screening import domain, store, views
from services.screening.commands import batch_steps, steps
from services.screening.commands.batch_steps import Done
from services.screening.domain import Ballot, BatchStates, Fault, TaskStates
from services.screening.models import BatchRecordRow, BatchRow
from services.screening.store import Plan
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.stages import Stage
from shared.ids import new_id
from shared.wire.screening import MOST_IN_BATCH, BatchFilter, BatchKind, NewBatch, TaskState

#: What each kind takes beside stage and reason; of these what it must have.
_TAKES: Mapping[BatchKind, tuple[frozenset[str], frozenset[str]]] = {
    "imported": (frozenset({"imported", "mapping"}), frozenset({"imported", "mapping"})),
    "decide": (frozenset({"records", "where", "answer", "excluded_for", "judged_for"}), frozenset({"answer"})),
    "park": (frozenset({"records", "where", "until"}), frozenset()),
    "bring_back": (frozenset({"records", "where"}), frozenset()),
    "reopen": (frozenset({"records", "where", "votes"}), frozenset()),
}

#: The states of a task in which each kind can do something, where it is asked for by what fits.
_CAN: Mapping[BatchKind, tuple[TaskState, ...]] = {
    "decide": (TaskStates.OPEN,),
    "park": (TaskStates.OPEN, TaskStates.CONFLICT),
    "bring_back": (TaskStates.PARKED,),
    "reopen": (TaskStates.ADVANCED, TaskStates.EXCLUDED),
}


def request_batch(work: Work, review: str, asked: NewBatch) -> BatchRow:
    """Keeps what a lead asks for, and of which records, for a job to carry out.

    Raises NotFound (`unknown_review`, `unknown_stage`), Invalid, listing all that is wrong with it, or Conflict
    (`too_many_records`).
    """
    plan = views.known_plan(work, review)
    views.require_stage(views.known_stages(plan, store.dropped_stages(work, review)), review, asked.stage)
    faults = [*_faults(work, asked, plan, domain.stage_named(plan.protocol, asked.stage))]
    if faults:
        errors = [{"at": fault.at, "why": fault.why, "slug": fault.slug} for fault in faults]
        raise Invalid(f"{faults[0].at}: {faults[0].why}", errors, slug=faults[0].slug)
    particular = asked.model_dump(
        mode="json", exclude={"kind", "stage", "reason", "records"}, exclude_none=True, exclude_defaults=True
    )
    row = BatchRow(
        id=new_id("batch"), review=review, kind=asked.kind, stage=asked.stage, reason=asked.reason, asked=particular,
        asked_by=work.actor, via=work.via, asked_at=work.now, state=BatchStates.REQUESTED, n=0,
    )  # fmt: skip
    row.n = _add_records(work, row, asked)
    if row.n > MOST_IN_BATCH:
        reason = f"more than {MOST_IN_BATCH:,} records fit; ask for fewer at once"
        raise Conflict(reason, slug="too_many_records")
    return work.add(row)


def undo_batch(work: Work, review: str, batch: str, reason: str) -> BatchRow:
    """Has what a batch did be undone, by a job; one that is not through goes no further. Raises NotFound, or Conflict
    (`batch_undone`)."""
    known = store.batch_of(work, review, batch)
    row = store.lock_batch(work, known.id) or known
    if row.state not in (BatchStates.REQUESTED, BatchStates.CARRIED_OUT):
        raise Conflict("this batch is undone already, or is being undone", slug="batch_undone")
    BatchStates.turn(row, BatchStates.UNDOING)
    row.after, row.ended_at = "", None
    row.undone_by, row.undone_via, row.undo_reason, row.undone_at = work.actor, work.via, reason, work.now
    return row


def carry_on(work: Work, batch: str, limit: int) -> int:
    """Goes on with a batch, some records at a time, by their ids; it remembers how far it came. Answers how many it
    went through; 0 when it is through."""
    row = store.lock_batch(work, batch)
    if row is None or row.ended_at is not None:
        return 0
    undoing = row.state == BatchStates.UNDOING
    # It is the doing of whoever asked for it.
    work.actor = row.undone_by or row.asked_by if undoing else row.asked_by
    work.via = row.undone_via if undoing else row.via
    page = store.next_records(work, row, "done" if undoing else None, limit)
    held = store.lock_with_tasks(work, row.review, row.stage, [it.record for it in page])
    with steps.of_batch(work, row.id), work.following(work.correlation, None):
        if undoing:
            for it in page:
                _take_back(work, row, it, batch_steps.take_back(work, row, it, *held.get(it.record, (None, None))))
        else:
            carrying = batch_steps.Carrying.out(work, row, list(held))
            for it in page:
                _carry_out(work, row, it, carrying.one(*held.get(it.record, (None, None))))
    if page:
        row.after = page[-1].record
    if len(page) < limit:
        BatchStates.turn(row, BatchStates.UNDONE if undoing else BatchStates.CARRIED_OUT)
        row.ended_at = work.now
    return len(page) if row.ended_at is None else 0


def _carry_out(work: Work, row: BatchRow, it: BatchRecordRow, found: Done | str) -> None:
    """Keeps what became of a record: done, or why it was left alone."""
    if isinstance(found, str):
        it.outcome, it.why = "left_alone", found
        row.left_alone = {**row.left_alone, found: row.left_alone.get(found, 0) + 1}
    else:
        it.outcome, it.was = "done", found.was
        row.done += 1


def _take_back(work: Work, row: BatchRow, it: BatchRecordRow, why: str | None) -> None:
    """Keeps what became of undoing what was done with a record: undone, or why it stays."""
    if why is not None:
        it.undone, it.undone_why = "left_alone", why
        row.not_taken_back = {**row.not_taken_back, why: row.not_taken_back.get(why, 0) + 1}
    else:
        it.undone = "done"
        row.taken_back += 1


def _add_records(work: Work, row: BatchRow, asked: NewBatch) -> int:
    if asked.imported is not None and asked.mapping is not None:
        return store.add_stated(work, row, asked.imported, list(asked.mapping))
    if asked.records is not None:
        return store.add_named(work, row.id, asked.records)
    which = asked.where or BatchFilter()
    return store.add_found(work, row, _CAN[asked.kind] if which.state is None else (which.state,), which)


def _faults(work: Work, asked: NewBatch, plan: Plan, stage: Stage | None) -> Iterator[Fault]:
    """All that is wrong with what is asked for; `stage` is that of the newest protocol, where it has it."""
    takes, needs = _TAKES[asked.kind]
    for name in ("records", "where", "imported", "mapping", "answer", "excluded_for", "judged_for", "until", "votes"):
        given = getattr(asked, name) is not None
        if given and name not in takes:
            yield Fault(name, f"a batch of the kind {asked.kind!r} takes none", "unknown_field")
        if not given and name in needs:
            yield Fault(name, f"a batch of the kind {asked.kind!r} needs it", "missing_field")
    if "records" in takes and (asked.records is None) == (asked.where is None):
        yield Fault("records", "name the records, or say which they are (`where`): one of the two", "missing_field")
    if asked.imported is not None:
        stated = store.answers_stated_by(work, plan.protocol.review, asked.imported, asked.stage)
        if not stated:
            yield Fault("imported", "no file of this import states anything at this stage", "nothing_stated")
        elif asked.mapping is not None and not stated & {*asked.mapping}:
            why = f"the file states none of these at this stage; it states: {', '.join(sorted(stated))}"
            yield Fault("mapping", why, "nothing_stated")
    if asked.until is not None and asked.until <= work.now.date():
        yield Fault("until", "give a day that is still to come, or none", "past_day")
    for at, ballot in _ballots(asked):
        if stage is None:
            yield Fault("stage", "the newest protocol has it no more; nothing can be decided there", "past_stage")
            return
        for fault in domain.decision_faults(stage, ballot, {cmoc.id for cmoc in plan.protocol.cmocs}):
            yield Fault(f"{at}{fault.at}", fault.why, fault.slug)


def _ballots(asked: NewBatch) -> Iterator[tuple[str, Ballot]]:
    """The decisions that are asked for, each with where in the request it stands."""
    if asked.kind == "decide" and asked.answer is not None:
        yield "", Ballot(asked.answer, asked.reason, {}, asked.excluded_for, asked.judged_for or ())
    for said, answer in (asked.mapping or {}).items() if asked.kind == "imported" else ():
        yield f"mapping.{said}.", batch_steps.ballot_of(answer, asked.reason)
