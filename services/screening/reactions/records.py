"""What screening does when it hears something: one function per effect."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from services.screening import store
from services.screening.commands import disputes, splits, steps
from services.screening.domain import MERGED_RULE, RecordStates
from services.screening.models import Record
from services.screening.reactions.arrivals import arrivals, describe_known, lock_record
from shared.db.work import Work
from shared.errors import NotYet, Rejected
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordNoticed, RecordSplit, RecordUpdated
from shared.events.screening import RecordExcluded


def open_first_task(work: Work, event: RecordDiscovered) -> None:
    """Opens the first stage's task, or records why the protocol leaves this record out."""
    arrivals(work).add(event)


def describe_record_anew(work: Work, event: RecordUpdated) -> None:
    """Keeps a newer description, and holds the record against the dates again.

    A record whose discovery was set aside comes in by its description, which is whole.
    """
    arrivals(work).write()
    if not describe_known(work, event):
        arrivals(work).add(event)
    elif event.lost_notices and (record := lock_record(work, event.review, event.record)) is not None:
        record.notices = [notice for notice in record.notices if notice["notice"] not in event.lost_notices]


def move_votes_to_surviving_record(work: Work, event: RecordMerged) -> None:
    """Closes a record that lives on in another, and lets its votes count there.

    Votes are neither lost nor doubled: each moves to the survivor's task of the same stage where its person
    has not voted there and it is still needed, and stays as history where not. A survivor that is decided
    keeps its decision, but for one that people excluded where the other passed: there an adjudicator decides again. One
    that the votes complete is decided now, stage after stage.
    """
    absorbed = lock_record(work, event.review, event.record)
    if absorbed is None:
        raise Rejected(f"record {event.record!r} was merged before it was ever told", slug="unknown_record")
    if absorbed.state == RecordStates.MERGED:
        if absorbed.merge is not None and absorbed.merge["into"] != event.into:
            raise Rejected(f"record {event.record!r} was merged into {absorbed.merge['into']!r} before")
        return
    survivor = _survivor(work, event.review, event.into)
    if survivor is None:
        raise NotYet(f"record {event.record!r} waits for {event.into!r}, in which it lives on")
    if survivor.id == absorbed.id:
        raise Rejected(f"record {event.record!r} cannot be merged into itself", slug="merge_circle")
    _absorb(work, absorbed, survivor, event)
    work.rows.flush()
    steps.gather_votes(work, survivor)
    disputes.open_dispute(work, absorbed, survivor)


def return_votes_to_parted_record(work: Work, event: RecordSplit) -> None:
    """A record was parted from another: one that is new comes into the first stage, one that was merged is back.

    The votes cast on it before return to it, those cast since stay with the other; where these are too few now, the
    other is asked about again. Of what it lost to the new one the other is told by its own update.
    """
    record = lock_record(work, event.review, event.record)
    if record is None:
        arrivals(work).add(event)
        return
    describe_known(work, event)
    if record.state != RecordStates.MERGED:
        return
    brought = [lock_record(work, event.review, other) for other in event.brings]
    splits.bring_back(work, record, [other for other in brought if other is not None], event.out_of)
    if not record.unlisted:
        store.count_unlisted_no_more(work, store.absorbed_by(work, record))


def flag_report(work: Work, event: RecordNoticed) -> None:
    """Shows reviewers what happened to a report after it appeared; a reinstatement clears what stood before it."""
    record = _survivor(work, event.review, event.record)
    if record is None:
        raise Rejected(f"record {event.record!r} has a notice but was never told", slug="unknown_record")
    at = work.occurred.astimezone(UTC).isoformat()
    notice = event.model_dump(include={"notice", "kind", "reason", "source", "drill"}) | {"at": at}
    _keep_notices(record, [notice])


def _absorb(work: Work, absorbed: Record, survivor: Record, event: RecordMerged) -> None:
    """Marks a record, and whatever was merged into it before, as living on in the survivor."""
    task = store.lock_waiting_task(work, absorbed) if absorbed.state == RecordStates.SCREENING else None
    others = store.absorbed_by(work, absorbed)
    if not survivor.unlisted:
        store.count_unlisted_no_more(work, [absorbed, *others])
    for other in others:
        other.merged_into = survivor.id
    absorbed.merged_into = survivor.id
    was = {"state": absorbed.state, "stage": absorbed.stage, "rule": absorbed.rule, "reason": absorbed.reason}
    if absorbed.excluded_for is not None:
        was["excluded_for"] = absorbed.excluded_for
    absorbed.merge = {"into": event.into, "evidence": event.evidence, "at": work.now.isoformat(), "was": was}
    _keep_notices(survivor, absorbed.notices)
    steps.turn_record(work, absorbed, RecordStates.MERGED, stage=absorbed.stage)
    if task is not None:
        steps.withdraw_task(work, task)
        reason = f"it is the same work as {survivor.id}"
        steps.tell(work, absorbed, RecordExcluded, task.told, stage=None, rule=MERGED_RULE, reason=reason)


def _survivor(work: Work, review: str, record: str) -> Record | None:
    """The record in which this one lives on, or itself."""
    found = lock_record(work, review, record)
    while found is not None and found.merged_into is not None:
        found = lock_record(work, review, found.merged_into)
    return found


def _keep_notices(record: Record, notices: list[dict[str, Any]]) -> None:
    """Keeps those that are not known, all in the order in which they were told, whichever record they came with."""
    known = {notice["notice"] for notice in record.notices}
    kept = [*record.notices, *(notice for notice in notices if notice["notice"] not in known)]
    record.notices = sorted(kept, key=lambda notice: notice["at"])
