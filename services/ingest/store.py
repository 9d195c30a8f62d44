"""Every query of ingest. Look-ups for a page of a run are batched: a few queries a page, not per record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import case, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from services.ingest.domain.clusters import COMMON
from services.ingest.models import (
    Duplicate,
    Merge,
    Notice,
    Record,
    RecordKey,
    Rejection,
    Review,
    Run,
    RunItem,
    SourceRecord,
    Watch,
)
from shared.errors import NotFound, UnknownReview
from shared.ids import id_of

Item = TypeVar("Item")

#: Values of one IN list.
_BATCH = 1000


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cuts items into lists that fit a query."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


# Reviews


def lock_review(session: Session, review: str) -> Review:
    """The review, locked until the end of the transaction: who changes its records does so alone."""
    row = session.get(Review, review, with_for_update=True)
    if row is None:
        raise UnknownReview(review)
    return row


def review_of(session: Session, review: str) -> Review:
    """The review. Raises NotFound."""
    row = session.get(Review, review)
    if row is None:
        raise UnknownReview(review)
    return row


# Watches and runs


def watch_id(review: str, strategy: str) -> str:
    return id_of("watch", review, strategy)


def watches_of(session: Session, review: str) -> list[Watch]:
    return list(session.execute(select(Watch).where(Watch.review == review).order_by(Watch.strategy)).scalars())


def watch_of(session: Session, review: str, watch: str, *, lock: bool = False) -> Watch:
    """A review's watch. Raises NotFound."""
    row = session.get(Watch, watch, with_for_update=lock)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no watch {watch!r}")
    return row


def due_watches(session: Session, now: datetime) -> list[Watch]:
    """Active watches whose time has come and that no run is pulling, the longest due first."""
    busy = select(Run.watch).where(Run.state == "running")
    due = select(Watch).where(Watch.state == "active", Watch.due_at <= now, Watch.id.not_in(busy))
    return list(session.execute(due.order_by(Watch.due_at, Watch.id)).scalars())


def troubled_watches(session: Session) -> dict[tuple[str, ...], float]:
    """How many active watches of each source there are that failed last, by source."""
    failing = func.coalesce(func.sum(case((Watch.failures > 0, 1), else_=0)), 0)
    query = select(Watch.source, failing).where(Watch.state == "active").group_by(Watch.source)
    return {(source,): float(count) for source, count in session.execute(query)}


def running_runs(session: Session) -> list[Run]:
    """Runs that have begun and not ended, the oldest first."""
    return list(session.execute(select(Run).where(Run.state == "running").order_by(Run.id)).scalars())


def run_of(session: Session, review: str, run: str) -> Run:
    """A review's run. Raises NotFound."""
    row = session.get(Run, run)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no run {run!r}")
    return row


def runs_before(session: Session, review: str, watch: str | None, before: str | None, limit: int) -> list[Run]:
    """A page of runs, the newest first."""
    query = select(Run).where(Run.review == review).order_by(Run.id.desc()).limit(limit)
    if watch is not None:
        query = query.where(Run.watch == watch)
    if before is not None:
        query = query.where(Run.id < before)
    return list(session.execute(query).scalars())


def last_runs(session: Session, watches: Iterable[str]) -> dict[str, Run]:
    """The newest run of each watch that has one."""
    newest = select(func.max(Run.id)).where(Run.watch.in_(list(watches))).group_by(Run.watch)
    return {run.watch: run for run in session.execute(select(Run).where(Run.id.in_(newest))).scalars()}


def items_after(session: Session, run: str, after: str | None, limit: int) -> list[RunItem]:
    query = select(RunItem).where(RunItem.run == run).order_by(RunItem.source_id).limit(limit)
    if after is not None:
        query = query.where(RunItem.source_id > after)
    return list(session.execute(query).scalars())


def rejections_after(session: Session, run: str, after: str | None, limit: int) -> list[Rejection]:
    query = select(Rejection).where(Rejection.run == run).order_by(Rejection.id).limit(limit)
    if after is not None:
        query = query.where(Rejection.id > after)
    return list(session.execute(query).scalars())


def known_rejections(session: Session, ids: Iterable[str]) -> set[str]:
    return {
        found
        for batch in batches(ids)
        for found in session.execute(select(Rejection.id).where(Rejection.id.in_(batch))).scalars()
    }


# Source records and canonical records


class Known(NamedTuple):
    """What is kept of a source record: its canonical record, its content hash, the last run that met it."""

    record: str
    content_hash: str
    seen_in: str


def source_records(session: Session, review: str, source: str, ids: Iterable[str]) -> dict[str, Known]:
    """Of these ids of a source, those that are known."""
    columns = SourceRecord.source_id, SourceRecord.record, SourceRecord.content_hash, SourceRecord.seen_in
    mine = select(*columns).where(SourceRecord.review == review, SourceRecord.source == source)
    return {
        row[0]: Known(*row[1:])
        for batch in batches(ids)
        for row in session.execute(mine.where(SourceRecord.source_id.in_(batch)))
    }


def mark_seen(session: Session, review: str, source: str, ids: Iterable[str], run: str) -> None:
    mine = update(SourceRecord).where(SourceRecord.review == review, SourceRecord.source == source)
    for batch in batches(ids):
        where = SourceRecord.source_id.in_(batch), SourceRecord.seen_in != run
        session.connection().execute(mine.where(*where).values(seen_in=run))


def members_of(session: Session, records: Iterable[str]) -> list[SourceRecord]:
    """The source records of canonical records."""
    return [
        row
        for batch in batches(records)
        for row in session.execute(
            select(SourceRecord)
            .where(SourceRecord.record.in_(batch))
            .order_by(SourceRecord.source, SourceRecord.source_id)
        ).scalars()
    ]


def holders_of(session: Session, review: str, keys: Iterable[str]) -> tuple[set[str], set[str]]:
    """The records that hold any of these keys, and those keys that are common (held by more than COMMON)."""
    records: set[str] = set()
    common: set[str] = set()
    for batch in batches(keys):
        mine = RecordKey.review == review, RecordKey.key.in_(batch)
        counted = select(RecordKey.key, func.count()).where(*mine).group_by(RecordKey.key)
        held = {key: count for key, count in session.execute(counted)}
        common |= {key for key, count in held.items() if count > COMMON}
        telling = [key for key in held if key not in common]
        if telling:
            holders = select(RecordKey.record).where(RecordKey.review == review, RecordKey.key.in_(telling)).distinct()
            records |= set(session.execute(holders).scalars())
    return records, common


def records_by_key(session: Session, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The oldest record that holds each key."""
    found: dict[str, str] = {}
    for batch in batches(keys):
        mine = select(RecordKey.key, func.min(RecordKey.record)).where(
            RecordKey.review == review, RecordKey.key.in_(batch)
        )
        found |= {key: record for key, record in session.execute(mine.group_by(RecordKey.key))}
    return found


def holders_after(session: Session, review: str, key: str, after: str | None, limit: int) -> list[Record]:
    """A page of the records that hold a key, oldest first."""
    holders = select(RecordKey.record).where(RecordKey.review == review, RecordKey.key == key)
    query = select(Record).where(Record.id.in_(holders)).order_by(Record.id).limit(limit)
    if after is not None:
        query = query.where(Record.id > after)
    return list(session.execute(query).scalars())


def records(session: Session, ids: Iterable[str]) -> dict[str, Record]:
    return {
        row.id: row
        for batch in batches(ids)
        for row in session.execute(select(Record).where(Record.id.in_(batch))).scalars()
    }


def record_of(session: Session, review: str, record: str) -> Record:
    """A review's record, absorbed or not. Raises NotFound."""
    row = session.get(Record, record)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no record {record!r}")
    return row


def records_after(session: Session, review: str, after: str | None, limit: int) -> list[Record]:
    """A page of the records that were not absorbed, oldest first."""
    query = select(Record).where(Record.review == review, Record.merged_into.is_(None))
    if after is not None:
        query = query.where(Record.id > after)
    return list(session.execute(query.order_by(Record.id).limit(limit)).scalars())


def merges_into(session: Session, record: str) -> list[Merge]:
    """The mergers that ended in a record, directly or through others, oldest first."""
    ended = select(Merge).join(Record, Record.id == Merge.absorbed).where(Record.merged_into == record)
    return list(session.execute(ended.order_by(Merge.merged_at, Merge.absorbed)).scalars())


def absorb(session: Session, absorbed: str, into: str) -> None:
    """Moves what hangs on an absorbed record to its survivor: source records, and records absorbed earlier."""
    session.execute(update(SourceRecord).where(SourceRecord.record == absorbed).values(record=into))
    session.execute(update(Record).where(Record.merged_into == absorbed).values(merged_into=into))


def remove_keys(session: Session, review: str, record: str, keys: Iterable[str]) -> None:
    for batch in batches(keys):
        mine = RecordKey.review == review, RecordKey.key.in_(batch), RecordKey.record == record
        session.execute(delete(RecordKey).where(*mine))


def add_keys(session: Session, review: str, keys: Iterable[tuple[str, str]]) -> None:
    """Adds (key, record) pairs; one that is there already stays."""
    rows = [{"review": review, "key": key, "record": record} for key, record in keys]
    if rows:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.connection().execute(dialect.insert(RecordKey).on_conflict_do_nothing(), rows)


def add_all(session: Session, model: type[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts many rows in one go; each must have every column."""
    if rows:
        session.connection().execute(insert(model.__table__), list(rows))


# Duplicates


def known_pairs(session: Session, records: Iterable[str]) -> list[Duplicate]:
    """The pairs of these records that are open, or that a person keeps apart."""
    return [
        row
        for batch in batches(records)
        for row in session.execute(
            select(Duplicate).where(
                or_(Duplicate.first.in_(batch), Duplicate.second.in_(batch)), Duplicate.state != "same"
            )
        ).scalars()
    ]


def duplicate_of(session: Session, review: str, duplicate: str) -> Duplicate:
    """A review's pair, locked. Raises NotFound."""
    row = session.get(Duplicate, duplicate, with_for_update=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no pair {duplicate!r}")
    return row


def duplicates_after(session: Session, review: str, state: str, after: str | None, limit: int) -> list[Duplicate]:
    query = select(Duplicate).where(Duplicate.review == review, Duplicate.state == state)
    if after is not None:
        query = query.where(Duplicate.id > after)
    return list(session.execute(query.order_by(Duplicate.id).limit(limit)).scalars())


def open_duplicates(session: Session, review: str) -> int:
    counted = select(func.count()).select_from(Duplicate).where(Duplicate.review == review, Duplicate.state == "open")
    return session.execute(counted).scalar_one()


# Notices


def notices_of(session: Session, records: Iterable[str]) -> list[Notice]:
    return [
        row
        for batch in batches(records)
        for row in session.execute(select(Notice).where(Notice.record.in_(batch)).order_by(Notice.id)).scalars()
    ]


def claims_of(session: Session, review: str, source: str, carriers: Iterable[str]) -> list[Notice]:
    """What these source records claim and still stands."""
    mine = select(Notice).where(Notice.review == review, Notice.source == source, Notice.stands.is_(True))
    return [
        row
        for batch in batches(carriers)
        for row in session.execute(mine.where(Notice.carrier.in_(batch)).order_by(Notice.id)).scalars()
    ]


def waiting_notices(session: Session, review: str, keys: Iterable[str]) -> list[Notice]:
    """Notices that strike a work found by one of these keys and have no record yet."""
    mine = select(Notice).where(Notice.review == review, Notice.record.is_(None))
    return [
        row
        for batch in batches(keys)
        for row in session.execute(mine.where(Notice.waits_for.in_(batch)).order_by(Notice.id)).scalars()
    ]
