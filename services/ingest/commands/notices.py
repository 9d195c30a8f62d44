"""Notices: retractions and the like, told once for each source, taken back when the source does, and a person's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.ingest import store
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
    by_title = {key for key in awaited if is_of_title(key)}
    # A title that several records have is no name of one: the notice stays open.
    found = store.records_by_key(work, review, awaited - by_title) | store.sole_holders(work, review, by_title)
    for row in waiting:
        if row.waits_for:
            row.record = found.get(row.waits_for)
    _tell(work, [row for row in {row.id: row for row in [*fresh, *waiting]}.values() if row.record])


def give_notice(work: Work, review: str, record: str, kind: NoticeKind, reason: str, *, drill: bool) -> NoticeRow:
    """Records what a person says of a report, and tells it. Raises NotFound, or Conflict for a record that was
    absorbed and for a reinstatement of what was never struck."""
    store.lock_review(work, review)
    row = store.record_of(work, review, record)
    if row.merged_into is not None:
        raise Conflict(f"record {record!r} lives on in {row.merged_into!r}; give the notice there", slug="absorbed")
    if kind == "reinstatement":
        _lift(work, record, drill=drill)
    notice = _new(work, review, record, kind, reason, PERSON, drill=drill)
    _emit(work, notice, record)
    return notice


def move(work: Work, absorbed: str, into: str) -> None:
    """Carries an absorbed record's notices over to its survivor, and tells there what had not been told."""
    rows = store.notices_of(work, [absorbed])
    emitted = {_once(row) for row in store.notices_of(work, [into]) if row.told_at and row.stands}
    for row in rows:
        row.record = into
        if row.stands and row.told_at and _once(row) not in emitted:
            _emit(work, row, into)


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
    waits_for: str | None = None,
    drill: bool = False,
) -> NoticeRow:
    return work.add(
        NoticeRow(
            id=new_id("notice"), review=review, record=record, waits_for=waits_for, kind=kind, reason=reason,
            source=source, carrier=carrier, drill=drill, stands=kind != "reinstatement",
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
