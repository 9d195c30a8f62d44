"""Notices: retractions and the like, told once for each source, taken back when the source does, and a person's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.ingest import store
from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.identities import Split
from services.ingest.domain.notices import UNDONE_BY_REINSTATEMENT, Claim, claims, is_of_title
from services.ingest.models import NoticeRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import NoticeKind, RecordNoticed
from shared.ids import new_id

#: The source of what people say.
PERSON = "person"


@dataclass(frozen=True, slots=True)
class Heard:
    """A source record that came in: its canonical record, and its form before (None if it is new) and now."""

    record: str
    before: port.SourceRecord | None
    now: port.SourceRecord

    @property
    def claimed(self) -> dict[tuple[str, str | None], Claim]:
        return claims(self.before.source, self.before.notices) if self.before else {}

    @property
    def claims(self) -> dict[tuple[str, str | None], Claim]:
        return claims(self.now.source, self.now.notices)


def hear_claims(work: Work, review: str, heard: Iterable[Heard], keys: Iterable[str]) -> None:
    """Tells what source records newly claim, takes back what they no longer claim, and finds the records of
    earlier claims that waited for one of these keys."""
    speaking = [one for one in heard if one.now.notices or (one.before and one.before.notices)]
    for one in speaking:
        _drop(work, review, one)
    fresh = [_claim(work, review, one, claim) for one in speaking for claim in _new_claims(one)]
    work.session.flush()
    waiting = store.waiting_notices(work, review, [*keys, *(row.waits_for for row in fresh if row.waits_for)])
    awaited = {row.waits_for for row in waiting if row.waits_for}
    found = _found(work, review, awaited)
    for row in waiting:
        if row.waits_for:
            row.record = found.get(row.waits_for)
    _tell(work, [row for row in {row.id: row for row in [*fresh, *waiting]}.values() if row.record])


def give_notice(work: Work, review: str, record: str, kind: NoticeKind, reason: str, *, drill: bool) -> NoticeRow:
    """Records what a person says of a report, and tells it. Raises NotFound, or Conflict for a record that was
    absorbed and for a reinstatement of what was never struck, or whose text is there no more."""
    store.lock_review(work, review)
    row = store.record_of(work, review, record)
    if row.merged_into is not None:
        raise Conflict(f"record {record!r} lives on in {row.merged_into!r}; give the notice there", slug="absorbed")
    if kind == "reinstatement":
        _require_text(work, review, record, drill=drill)
        _lift(work, record, drill=drill)
    notice = _new(work, review, record, kind, reason, PERSON, given_on=record, drill=drill)
    _emit(work, notice, record)
    return notice


def withdraw(work: Work, review: str, record: str, source_record: SourceKey, reason: str) -> None:
    """Tells that what a person added was withdrawn. It goes with the source record, whatever record that is in."""
    source, source_id = source_record
    _emit(work, _new(work, review, record, "withdrawal", reason, source, carrier=source_id), record)


def move(work: Work, absorbed: str, into: str) -> None:
    """Carries an absorbed record's notices over to its survivor, and tells there what had not been told."""
    rows = store.notices_of(work, [absorbed])
    emitted = {_once(row) for row in store.notices_of(work, [into]) if row.told_at and row.stands}
    for row in rows:
        row.record = into
        if row.stands and row.told_at and _once(row) not in emitted:
            _emit(work, row, into)


@dataclass(frozen=True, slots=True)
class Parted:
    """Notices that go with source records into another record: those to be told there, and by record those that were
    told of it and are so no more."""

    rows: list[NoticeRow]
    lost: dict[str, list[str]]


def part(
    work: Work, review: str, moved: Mapping[str, Sequence[SourceKey]], splits: Iterable[Split], left: Collection[str]
) -> Parted:
    """Has notices follow the source records that carry them out of records which go on (`left`), and those that a
    person gave of a record before it was merged go back with it. They are told by `tell_parted`."""
    going: dict[str, tuple[NoticeRow, str]] = {}
    for record, keys in moved.items():
        for source, ids in store.by_source(keys):
            for row in store.notices_carried_by(work, review, source, ids):
                going[row.id] = row, record
    for split in splits:
        own = {split.record, *split.brings}
        for row in store.notices_of(work, [split.out_of]):
            if row.given_on in own:
                going[row.id] = row, split.record
            elif row.waits_for is not None:
                found = _found(work, review, {row.waits_for})
                going[row.id] = row, found.get(row.waits_for, split.out_of)
    parted = Parted([], {})
    for row, record in going.values():
        if row.record is not None and row.record in left and row.record != record:
            if row.told_at is not None:
                parted.lost.setdefault(row.record, []).append(row.id)
                row.told_at = None if row.stands else row.told_at
            row.record = record
            parted.rows.append(row)
    work.session.flush()
    return parted


def tell_parted(work: Work, parted: Parted) -> None:
    """Tells of their new records the notices that stand, and of those that they left what only they had said."""
    left = store.notices_of(work, sorted(parted.lost))
    _tell(work, [*parted.rows, *left])


def _found(work: Work, review: str, keys: Collection[str]) -> dict[str, str]:
    """The records of works that are struck by these keys. A title that several records have is no name of one: such a
    notice stays open."""
    by_title = {key for key in keys if is_of_title(key)}
    return store.records_by_key(work, review, set(keys) - by_title) | store.sole_holders(work, review, by_title)


def _new_claims(one: Heard) -> list[Claim]:
    known = one.claimed
    return [claim for which, claim in one.claims.items() if which not in known]


def _claim(work: Work, review: str, one: Heard, claim: Claim) -> NoticeRow:
    record = one.record if claim.of is None else None
    return _new(
        work, review, record, claim.kind, claim.reason, one.now.source, carrier=one.now.source_id, waits_for=claim.of
    )


def _drop(work: Work, review: str, one: Heard) -> None:
    """Lets fall what a source record no longer claims; when nothing else strikes the work, it is reinstated."""
    gone = {(claim.kind, claim.of) for which, claim in one.claimed.items() if which not in one.claims}
    if not gone:
        return
    for row in store.claims_of(work, review, one.now.source, [one.now.source_id]):
        if (row.kind, row.waits_for) in gone:
            row.stands = False
            _reinstate_if_nothing_stands(work, row)


def _reinstate_if_nothing_stands(work: Work, dropped: NoticeRow) -> None:
    if dropped.record is None or dropped.kind not in UNDONE_BY_REINSTATEMENT:
        return
    rows = store.notices_of(work, [dropped.record])
    if any(row.stands and not row.drill and row.kind in UNDONE_BY_REINSTATEMENT for row in rows):
        return
    reason = f"{dropped.source} no longer tells of its {dropped.kind.replace('_', ' ')}"
    _emit(
        work,
        _new(work, dropped.review, dropped.record, "reinstatement", reason, dropped.source, carrier=dropped.carrier),
        dropped.record,
    )


def _require_text(work: Work, review: str, record: str, *, drill: bool) -> None:
    """Raises Conflict where what was added was withdrawn for good: nothing is left that could stand again."""
    keys = [(member.source, member.source_id) for member in store.members_of(work, [record])]
    if not drill and any(row.withdrawn_at is not None for row in store.additions_of(work, review, keys)):
        raise Conflict(f"what was added of record {record!r} was withdrawn, and is gone for good", slug="was_withdrawn")


def _lift(work: Work, record: str, *, drill: bool) -> None:
    struck = [
        row
        for row in store.notices_of(work, [record])
        if row.stands and row.drill == drill and row.kind in UNDONE_BY_REINSTATEMENT
    ]
    if not struck:
        what = "drill" if drill else "notice"
        raise Conflict(f"record {record!r} has no {what} that a reinstatement could undo", slug="nothing_to_reinstate")
    for row in struck:
        row.stands = False


def _new(
    work: Work,
    review: str,
    record: str | None,
    kind: NoticeKind,
    reason: str,
    source: str,
    *,
    carrier: str | None = None,
    given_on: str | None = None,
    waits_for: str | None = None,
    drill: bool = False,
) -> NoticeRow:
    return work.add(
        NoticeRow(
            id=new_id("notice"), review=review, record=record, waits_for=waits_for, kind=kind, reason=reason,
            source=source, carrier=carrier, given_on=given_on, drill=drill, stands=kind != "reinstatement",
            given_by=work.actor, given_at=work.now,
        )
    )  # fmt: skip


def _tell(work: Work, rows: Sequence[NoticeRow]) -> None:
    """Tells each notice, unless the same source has told the same of the same record and it still stands."""
    work.session.flush()
    earlier = store.notices_of(work, sorted({row.record for row in rows if row.record}))
    emitted = {(row.record, *_once(row)) for row in earlier if row.told_at and row.stands}
    for row in rows:
        if row.record and row.stands and not row.told_at and (row.record, *_once(row)) not in emitted:
            emitted.add((row.record, *_once(row)))
            _emit(work, row, row.record)


def _once(row: NoticeRow) -> tuple[str, str, bool]:
    return row.kind, row.source, row.drill


def _emit(work: Work, row: NoticeRow, record: str) -> None:
    row.told_at = work.now
    with work.following(record, None):
        work.emit(
            RecordNoticed(
                review=row.review, record=record, notice=row.id, kind=row.kind, reason=row.reason,
                source=row.source, drill=row.drill,
            )
        )  # fmt: skip
