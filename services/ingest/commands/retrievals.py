"""Retrievals: whether the full text of a report is here follows from its copies, and from what people say."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.ingest import store
from services.ingest.domain.texts import RetrievalStates
from services.ingest.models import RecordRow, RetrievalRow, TextRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import TextNotRetrieved, TextRetrieved, TextSought
from shared.wire.ingest import NewRetrieval, RetrievalState


def seek(work: Work, review: str, record: str, reason: str | None = None) -> None:
    """Has the text of a record be sought, and tells it, unless it was asked for before. What is restricted, such as an
    account, is no report, and nowhere to be found. Raises NotFound."""
    store.record_of(work, review, record)
    seek_all(work, [(review, record)], reason)


def seek_all(work: Work, records: Collection[tuple[str, str]], reason: str | None = None) -> None:
    """The same, of many (review, record), which are there."""
    begun = store.begin_retrievals(work, [record for _, record in records], reason)
    for review, record in records:
        if record in begun:
            RetrievalStates.check(None, RetrievalStates.SOUGHT)
            _tell_sought(work, review, record, reason)


def decide_retrieval(work: Work, review: str, record: str, asked: NewRetrieval) -> RetrievalRow:
    """Says that a text cannot be had, or is to be sought (again); the same again changes nothing but has it be looked
    for at once. Raises NotFound, and Conflict for a record that is absorbed, restricted or has a copy."""
    store.lock_review(work, review)
    live(work, review, record)
    seek(work, review, record, asked.reason)
    row = store.lock_retrieval(work, record)
    if row is None:
        raise Conflict(
            f"record {record!r} is restricted: it is no report, and there is nothing to be retrieved", slug="restricted"
        )
    if row.state == RetrievalStates.RETRIEVED:
        raise Conflict(f"record {record!r} has a copy: withdraw it if it is the wrong one", slug="is_retrieved")
    if asked.state == RetrievalStates.SOUGHT:
        row.tries, row.trouble, row.retry_at = 0, None, work.now
    if row.state == asked.state:
        return row
    _turn(work, row, asked.state, asked.reason)
    if asked.state == RetrievalStates.SOUGHT:
        _tell_sought(work, review, record, asked.reason)
    else:
        with work.following(record, None):
            work.emit(TextNotRetrieved(review=review, record=record, reason=asked.reason))
    return row


def settle(work: Work, review: str, record: str, fresh: Sequence[TextRow]) -> None:
    """Brings what is so of a record's text in line with its copies, and tells those that are new to it. Of what is
    restricted there are copies alone."""
    has_copy = any(row.withdrawn_at is None for row in store.texts_of(work, [record]))
    if has_copy:
        seek(work, review, record)
    row = store.lock_retrieval(work, record)
    if row is not None and has_copy and row.state != RetrievalStates.RETRIEVED:
        _turn(work, row, RetrievalStates.RETRIEVED, None)
    for copy in fresh:
        if copy.withdrawn_at is None:
            _tell_copy(work, copy)
    if row is not None and not has_copy and row.state == RetrievalStates.RETRIEVED:
        _turn(work, row, RetrievalStates.SOUGHT, None)
        _tell_sought(work, review, record, None)


def _tell_copy(work: Work, row: TextRow) -> None:
    """Tells that a record has a copy."""
    with work.following(row.record, None):
        work.emit(
            TextRetrieved(
                review=row.review, record=row.record, text=row.id, sha256=row.sha256, size=row.size, kind=row.kind,
                text_version=row.version, source=row.source, licence=row.licence, licence_class=row.licence_class,
                readers=row.readers,
            )
        )  # fmt: skip


def live(work: Work, review: str, record: str) -> RecordRow:
    """A review's record. Raises NotFound, and Conflict for one that is absorbed in another."""
    row = store.record_of(work, review, record)
    if row.merged_into is not None:
        raise Conflict(f"record {record!r} lives on in {row.merged_into!r}: name that one", slug="record_absorbed")
    return row


def _turn(work: Work, row: RetrievalRow, state: RetrievalState, reason: str | None) -> None:
    RetrievalStates.turn(row, state)
    row.since, row.by, row.reason, row.trouble, row.tries = work.now, work.actor, reason, None, 0
    row.retry_at = work.now if state == RetrievalStates.SOUGHT else None


def _tell_sought(work: Work, review: str, record: str, reason: str | None) -> None:
    with work.following(record, None):
        work.emit(TextSought(review=review, record=record, reason=reason))
