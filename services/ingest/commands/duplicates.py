"""What people decide about which source records are one work: kept as rulings about source records, so that it holds
whatever records these are in later, until a newer ruling says otherwise or it is taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from services.ingest import store
from services.ingest.commands.deduplication import sort_again
from services.ingest.domain.citations import KEYS
from services.ingest.domain.clusters import APART, ONE, SPLIT, PairStates, SourceKey
from services.ingest.models import DuplicateRow, RecordRow, ReviewRow, RulingRow
from shared.db.work import Work
from shared.errors import Busy, Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.wire.ingest import PairVerdict, RulingKind


def decide_duplicate(work: Work, review: str, duplicate: str, verdict: PairVerdict, reason: str) -> DuplicateRow:
    """Settles whether two records are one; a later pull never overturns it.

    `different` may become `same` later; what is one record already is parted by `split`. Raises NotFound or
    Conflict.
    """
    row = lock_keyed_review(work, review)
    pair = store.duplicate_of(work, review, duplicate)
    first, second = (_live(work, review, record) for record in (pair.first, pair.second))
    if first == second:
        raise Conflict(
            f"pair {duplicate!r} is one record already: part it by a split, or undo what made it one",
            slug="merged_already",
        )
    _decide(work, pair, verdict, reason)
    if verdict == PairStates.SAME:
        _make_one(work, row, first, second, reason, pair.evidence)
    else:
        _rule(work, review, APART, _members(work, first), _members(work, second), reason)
    return pair


def merge(work: Work, review: str, record: str, other: str, reason: str) -> RulingRow:
    """Makes two records one for good, the older of both; where they are that already, what made them so is a person's
    word from now on. Raises NotFound, Invalid for a record with itself, and Conflict for what is absorbed in a third.
    """
    row = lock_keyed_review(work, review)
    one, two = (store.record_of(work, review, each) for each in (record, other))
    if record == other:
        raise Invalid(f"record {record!r} cannot be merged with itself", slug="same_record")
    if (one.merged_into or one.id) == (two.merged_into or two.id):
        return _confirm(work, row, one, two, reason)
    first, second = sorted((_require_live(one), _require_live(two)))
    for pair in store.pairs_of(work, [first]):
        if (pair.first, pair.second) == (first, second):
            _decide(work, pair, PairStates.SAME, reason)
    return _make_one(work, row, first, second, reason)


def keep_apart(work: Work, review: str, record: str, other: str, reason: str) -> RulingRow:
    """Keeps two records apart for good, also against what comes later. Raises NotFound, Invalid for a record with
    itself, and Conflict for two that are one."""
    lock_keyed_review(work, review)
    one, two = (store.record_of(work, review, each) for each in (record, other))
    if record == other:
        raise Invalid(f"record {record!r} cannot be kept apart from itself", slug="same_record")
    if (one.merged_into or one.id) == (two.merged_into or two.id):
        raise Conflict(f"records {record!r} and {other!r} are one already: part them by a split", slug="merged_already")
    first, second = sorted((_require_live(one), _require_live(two)))
    for pair in store.pairs_of(work, [first]):
        if (pair.first, pair.second) == (first, second):
            _decide(work, pair, PairStates.DIFFERENT, reason)
    return _rule(work, review, APART, _members(work, first), _members(work, second), reason)


def split(
    work: Work, review: str, record: str, source_records: Collection[str], absorbed: str | None, reason: str
) -> RulingRow:
    """Parts source records (`source:id`), or those that came with a record it absorbed, from a record for good. What
    is so already stays so.

    Raises NotFound for a source record that is none of the record's, Invalid where nothing or all of it is named, and
    Conflict for a record that is absorbed itself, and for one that was never merged into it.
    """
    row = lock_keyed_review(work, review)
    live = _require_live(store.record_of(work, review, record))
    if bool(source_records) == (absorbed is not None):
        raise Invalid("name source records, or one record that was absorbed", slug="nothing_to_split")
    members = set(_members(work, live))
    out = _absorbed_members(work, review, live, absorbed) & members if absorbed else _named(source_records)
    if before := _split_before(work, review, members, out):
        return before
    if unknown := sorted(":".join(key) for key in out - members):
        raise NotFound(f"record {record!r} has no source record {unknown[0]!r}", slug="unknown_source_record")
    if out == members:
        raise Invalid(f"these are all source records of {record!r}: nothing would be left of it", slug="all_of_it")
    if not out:
        raise Conflict(f"nothing of {absorbed!r} is in {record!r} any more", slug="nothing_left")
    ruling = _rule(work, review, SPLIT, sorted(out), sorted(members - out), reason)
    sort_again(work, row, members, parted=out, why=(f"{work.actor} decided that they are not one: {reason}",))
    return ruling


def undo(work: Work, review: str, ruling: str, reason: str) -> RulingRow:
    """Takes a ruling back: what older rulings and the machine say of its source records counts again. One that was
    taken back stays so. Raises NotFound."""
    taken = store.ruling_of(work, review, ruling)
    row = lock_keyed_review(work, review)
    work.session.refresh(taken)
    if taken.undone_at is not None:
        return taken
    taken.undone_by, taken.undone_at, taken.undone_why = work.actor, work.now, reason
    store.take_back(work, ruling)
    work.session.flush()
    seeds = {(source, source_id) for source, source_id in (*taken.one, *taken.other)}
    sort_again(work, row, seeds, why=(f"{work.actor} took back what {taken.decided_by} decided: {reason}",))
    return taken


def lock_keyed_review(work: Work, review: str) -> ReviewRow:
    """The review, locked. Raises UnknownReview, and Busy while its keys are made anew."""
    row = store.lock_review(work, review)
    if row.keys != KEYS:
        raise Busy(
            f"what the records of {review!r} are found by is being made anew after an upgrade; come again in minutes",
            slug="keys_made_anew",
        )
    return row


def _require_live(row: RecordRow) -> str:
    if row.merged_into is not None:
        raise Conflict(f"record {row.id!r} lives on in {row.merged_into!r}: name that one", slug="absorbed")
    return row.id


def _live(work: Work, review: str, record: str) -> str:
    row = store.record_of(work, review, record)
    return row.merged_into or row.id


def _members(work: Work, record: str) -> list[SourceKey]:
    return sorted((row.source, row.source_id) for row in store.kept_in(work, [record]))


def _named(source_records: Iterable[str]) -> set[SourceKey]:
    """Source records by their names, `source:id`; a team's own files, and what it added, have a colon in their
    source."""
    named = set()
    for name in source_records:
        parts = name.split(":")
        at = 2 if parts[0] in ("import", "added") else 1
        if len(parts) <= at:
            raise Invalid(f"{name!r} names no source record: give source:id", slug="unknown_source_record")
        named.add((":".join(parts[:at]), ":".join(parts[at:])))
    return named


def _absorbed_members(work: Work, review: str, record: str, absorbed: str) -> set[SourceKey]:
    gone = store.record_of(work, review, absorbed)
    merge_row = store.merge_of(work, absorbed)
    if merge_row is None or gone.merged_into != record:
        raise Conflict(f"record {absorbed!r} was never merged into {record!r}", slug="never_merged")
    if not merge_row.members:
        raise Conflict(
            f"it is not known any more which source records {absorbed!r} had: name those to part", slug="not_known"
        )
    return {(source, source_id) for source, source_id in merge_row.members}


def _decide(work: Work, pair: DuplicateRow, verdict: PairVerdict, reason: str) -> None:
    # One that is called the same, and is two all the same, is made one again.
    if (pair.state, verdict) != (PairStates.SAME, PairStates.SAME):
        PairStates.turn(pair, verdict)
    pair.reason, pair.decided_by, pair.decided_at = reason, work.actor, work.now


def _make_one(
    work: Work, row: ReviewRow, first: str, second: str, reason: str, evidence: Collection[str] = ()
) -> RulingRow:
    one, other = _members(work, first), _members(work, second)
    ruling = _rule(work, row.review, ONE, one, other, reason)
    why = (*evidence, f"{work.actor} decided that they are one: {reason}")
    sort_again(work, row, {*one, *other}, why=why)
    return ruling


def _confirm(work: Work, row: ReviewRow, one: RecordRow, other: RecordRow, reason: str) -> RulingRow:
    """Has two records that are one already be so by a person's word; once."""
    live = one.merged_into or one.id
    members = set(_members(work, live))
    absorbed = one.id if one.id != live else other.id
    merge_row = store.merge_of(work, absorbed)
    its = {(source, source_id) for source, source_id in (merge_row.members if merge_row else ())} & members
    standing = store.rulings_about(work, row.review, its or members)
    for ruling in reversed(standing):
        if ruling.kind == ONE and members >= {(source, source_id) for source, source_id in ruling.one}:
            return ruling
    return _rule(work, row.review, ONE, sorted(members - its), sorted(its), reason)


def _split_before(work: Work, review: str, members: set[SourceKey], out: set[SourceKey]) -> RulingRow | None:
    """The ruling that parted just these from this record, where it stands."""
    if not out or not members.isdisjoint(out):
        return None
    for ruling in reversed(store.rulings_about(work, review, out)):
        if ruling.kind == SPLIT and {(source, source_id) for source, source_id in ruling.one} == out:
            return ruling
    return None


def _rule(
    work: Work, review: str, kind: RulingKind, one: Collection[SourceKey], other: Collection[SourceKey], reason: str
) -> RulingRow:
    """Keeps a ruling; one that is the newest about these and says the same stands for it."""
    sides = [[list(key) for key in side] for side in (one, other)]
    standing = store.rulings_about(work, review, {*one, *other})
    if standing and (standing[-1].kind, standing[-1].one, standing[-1].other) == (kind, *sides):
        return standing[-1]
    row = RulingRow(
        id=new_id("ruling"), review=review, kind=kind, one=sides[0], other=sides[1], reason=reason,
        decided_by=work.actor, decided_at=work.now,
    )  # fmt: skip
    store.add_ruling(work, row)
    work.session.flush()
    return row
