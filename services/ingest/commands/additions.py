"""Adding by hand what no search brings, each with who found it, how and why; and taking back what was consented to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from services.ingest import store
from services.ingest.commands import notices
from services.ingest.commands.deduplication import Incoming, take_in
from services.ingest.commands.duplicates import lock_keyed_review
from services.ingest.commands.texts import withdraw_brought
from services.ingest.commands.watches import watch_over
from services.ingest.domain import additions
from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.watching import RunStates
from services.ingest.models import AdditionRow, ReviewRow, RunItemRow, RunRow
from services.ingest.ports.sources.port import Kind, SourceRecord
from shared import identifiers
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.ingest import RecordAdded
from shared.events.values import Identifiers
from shared.ids import id_of, new_id
from shared.languages import language
from shared.wire.ingest import Added, AdditionKind, HeldBack, NewAddition

#: What each is in the words of the sources, as far as they have one.
_KINDS: dict[AdditionKind, Kind] = {"paper": "article", "grey": "report", "policy": "report", "account": "other"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An addition, what became of it, and the record that it is now."""

    row: AdditionRow
    what: Added
    record: str


def add(work: Work, review: str, asked: NewAddition) -> Outcome:
    """Adds one, and sorts it in as what a source brings; who says just the same again changes nothing.

    Raises UnknownReview, Busy while keys are made anew, Invalid with each field that cannot be so, and Conflict for
    what was withdrawn.
    """
    known = lock_keyed_review(work, review)
    if found := list(additions.faults(asked)):
        raise Invalid(
            "; ".join(f"{field}: {why}" for field, why in found),
            [{"at": f"body.{field}", "why": why} for field, why in found],
            slug="unfit_addition",
        )
    digest = additions.digest_of(asked)
    if (before := store.same_addition(work, review, digest)) is not None:
        if before.withdrawn_at is not None:
            raise Conflict(f"this was added, and withdrawn at {before.withdrawn_at:%Y-%m-%d}", slug="was_withdrawn")
        return Outcome(before, "known", store.record_with(work, review, (before.source, before.source_id)))
    addition = new_id("addition")
    record = _source_record(asked, addition)
    row = work.add(_row(work, review, asked, addition, digest, record.source_id))
    run = _run(work, known, record.source, row.run)
    outcome = _sort_in(work, known, run, row, record)
    _tell(work, outcome)
    return outcome


def withdraw(work: Work, review: str, record: str, reason: str) -> list[AdditionRow]:
    """Takes away for good all that is held back of a record, with the copies of its text that people brought, and has
    what rests on it stand no more, as after any withdrawal of a report. The second time nothing changes.

    Raises NotFound, and Conflict for a record that is absorbed, and for one of which nothing was restricted.
    """
    store.lock_review(work, review)
    live = store.record_of(work, review, record)
    if live.merged_into is not None:
        raise Conflict(f"record {record!r} lives on in {live.merged_into!r}: name that one", slug="absorbed")
    keys = [(member.source, member.source_id) for member in store.members_of(work, [record])]
    rows = [row for row in store.additions_of(work, review, keys) if row.restricted]
    if not rows:
        raise Conflict(f"nothing that was added of record {record!r} is restricted", slug="not_restricted")
    standing = [row for row in rows if row.withdrawn_at is None]
    for row in standing:
        row.held_back = row.consent = row.where = row.why = None
        row.withdrawn_by, row.withdrawn_at, row.withdrawn_why = work.actor, work.now, reason
    if standing:
        withdraw_brought(work, record, reason)
    for source, source_id in sorted({(row.source, row.source_id) for row in standing}):
        notices.withdraw(work, review, record, (source, source_id), reason)
    return rows


def _source_record(asked: NewAddition, addition: str) -> SourceRecord:
    """It as a source would have it. What is restricted says no more than its title, date and language, and goes by an
    id that is made of nothing it says; else the same work is known again by what it says."""
    shown = SourceRecord(
        source=additions.source_of(asked.how), source_id=addition, title=" ".join(asked.title.split()),
        published=asked.published, kind=_KINDS[asked.kind], language=language(asked.language),
        restricted=additions.is_restricted(asked),
    )  # fmt: skip
    if shown.restricted:
        return shown
    record = shown.model_copy(
        update={
            "authors": asked.authors, "venue": asked.venue, "abstract": asked.abstract,
            "urls": [asked.url] if asked.url else [], "identifiers": Identifiers(doi=identifiers.doi(asked.doi)),
        }
    )  # fmt: skip
    return record.model_copy(update={"source_id": id_of("work", record.model_dump_json(exclude={"source_id"}))})


def _row(work: Work, review: str, asked: NewAddition, addition: str, digest: str, source_id: str) -> AdditionRow:
    restricted = additions.is_restricted(asked)
    held_back = HeldBack(**{name: getattr(asked, name) for name in additions.HELD_BACK}) if restricted else None
    return AdditionRow(
        id=addition, review=review, source=additions.source_of(asked.how), source_id=source_id, digest=digest,
        kind=asked.kind, how=asked.how, where=asked.where, why=asked.why, consent=asked.consent,
        restricted=restricted, held_back=held_back.model_dump() if held_back else None, run=new_id("run"),
        added_by=work.actor, added_at=work.now,
    )  # fmt: skip


def _run(work: Work, review: ReviewRow, source: str, run: str) -> RunRow:
    """The run that brings it, over as it begins, of the watch over all that was found in this way."""
    watch = watch_over(work, review.review, source, "addition", review.protocol_version)
    today = work.now.astimezone(UTC).date()
    return work.add(
        RunRow(
            id=run, walk=run, review=review.review, watch=watch.id, source=source, query=source,
            protocol_version=review.protocol_version, purpose="addition", dated_by="came", since=today, until=today,
            pages=1, found=1, started_at=work.now,
        )
    )  # fmt: skip


def _sort_in(work: Work, review: ReviewRow, run: RunRow, row: AdditionRow, record: SourceRecord) -> Outcome:
    """Takes it in as a record that a source has, and ends its run; one that another person added is known."""
    key: SourceKey = record.source, record.source_id
    there = store.source_records(work, review.review, record.source, [record.source_id]).get(record.source_id)
    if there is not None:
        run.unchanged = 1
        outcome = Outcome(row, "known", there.record)
    else:
        outcomes, run.maybe_duplicate = take_in(work, review, run.id, [Incoming(record, record.content_hash, None)])
        what = "new" if outcomes[key].what == "new" else "merged"
        run.new, run.merged = int(what == "new"), int(what == "merged")
        work.add(RunItemRow(run=run.id, source_id=record.source_id, outcome=what, record=outcomes[key].record))
        outcome = Outcome(row, "new" if what == "new" else "merged", outcomes[key].record)
    store.note_origins(work, review.review, record.source, [record.source_id], run.watch)
    run.ended_at = work.now
    RunStates.turn(run, RunStates.COMPLETE)
    return outcome


def _tell(work: Work, outcome: Outcome) -> None:
    row = outcome.row
    with work.following(outcome.record, None):
        work.emit(
            RecordAdded(
                review=row.review, record=outcome.record, addition=row.id, source=row.source, kind=row.kind,
                how=row.how, where=None if row.restricted else row.where, why=None if row.restricted else row.why,
                restricted=row.restricted, consent=row.consent is not None,
            )
        )  # fmt: skip
