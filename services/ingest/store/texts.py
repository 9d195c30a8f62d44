"""Queries about copies of reports, and about whether each is sought, retrieved or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, update
from sqlmodel import col

from services.ingest.domain.texts import RetrievalStates
from services.ingest.domain.watching import Standings
from services.ingest.models import PASSED, RecordRow, RetrievalRow, ReviewRow, SourceRecordRow, TextRow
from services.ingest.store.common import batches, review_if_known
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked
from shared.wire.ingest import RetrievalState

_BEGIN_RETRIEVALS = Said(
    "INSERT INTO retrievals (record, review, state, since, by, reason, tries, retry_at)"
    " SELECT id, review, :state, {at}, :by, {reason}, 0, {at} FROM records WHERE id {among} AND {unrestricted}"
    " ON CONFLICT (record) DO NOTHING RETURNING record",
    sqlite={
        "at": ":at", "reason": ":reason", "among": "IN (SELECT value FROM json_each(:ids))",
        "unrestricted": "coalesce(json_extract(bibliography, '$.restricted'), 0) = 0",
    },
    postgresql={
        "at": "CAST(:at AS timestamptz)", "reason": "CAST(:reason AS text)", "among": "= ANY(:ids)",
        "unrestricted": "coalesce(bibliography ->> 'restricted', 'false') = 'false'",
    },
)  # fmt: skip


def begin_retrievals(work: Work, records: Collection[str], reason: str | None) -> set[str]:
    """Has the texts of records be sought from now on, but of what is restricted, such as an account, which is no report
    and nowhere to be found; answers those that were not asked for before."""
    if not records:
        return set()
    work.session.flush()
    asked = {
        "ids": sorted(records), "state": RetrievalStates.SOUGHT, "at": work.now, "by": work.actor, "reason": reason
    }  # fmt: skip
    return {record for (record,) in _BEGIN_RETRIEVALS.run(work.rows.connection, asked).fetchall()}


def retrievals(work: Work, records: Iterable[str]) -> dict[str, RetrievalRow]:
    """What is so of these records' texts, of those that were ever sought or brought."""
    return {
        row.record: row
        for batch in batches(records)
        for row in work.session.execute(select(RetrievalRow).where(col(RetrievalRow.record).in_(batch))).scalars()
    }


def lock_retrieval(work: Work, record: str) -> RetrievalRow | None:
    """What is so of a record's text now, locked until the end of the transaction; None before it is sought."""
    work.session.flush()
    return work.session.get(RetrievalRow, record, with_for_update=True, populate_existing=True)


def page_of_retrievals(work: Work, review: str, state: RetrievalState | None, page: PageAsked) -> Found[RetrievalRow]:
    """Of a review's records that were not absorbed, in the order of their ids; those in a state if given."""
    mine = select(RetrievalRow).join(RecordRow, col(RecordRow.id) == RetrievalRow.record)
    mine = mine.where(col(RetrievalRow.review) == review, _live())
    if state is not None:
        mine = mine.where(col(RetrievalRow.state) == state)
    return read_page(work, mine, page, col(RetrievalRow.record))


class Retrievals(NamedTuple):
    """How many records' texts are in a state, looked for by themselves again or not."""

    state: str
    rests: bool
    records: int


def count_retrievals(work: Work, review: str) -> list[Retrievals]:
    by = col(RetrievalRow.state), col(RetrievalRow.retry_at).is_(None)
    counted = select(*by, func.count()).join(RecordRow, col(RecordRow.id) == RetrievalRow.record)
    counted = counted.where(col(RetrievalRow.review) == review, _live()).group_by(*by)
    return [Retrievals(state, bool(rests), count) for state, rests, count in work.session.execute(counted)]


def due_retrievals(work: Work, limit: int) -> list[str]:
    """Records whose texts are to be looked for now, those that wait the longest first; locked, so that whoever wakes
    one meanwhile does so after it was put off."""
    due = select(col(RetrievalRow.record)).where(
        col(RetrievalRow.state) == RetrievalStates.SOUGHT, col(RetrievalRow.retry_at) <= work.now
    )
    due = due.order_by(col(RetrievalRow.retry_at)).limit(limit).with_for_update()
    return list(work.session.execute(due).scalars())


def put_off_retrievals(work: Work, records: Iterable[str], until: datetime | None) -> None:
    """Has the texts of these be looked for then; or, with None, no more by themselves, until something wakes them."""
    for batch in batches(records):
        mine = update(RetrievalRow).where(col(RetrievalRow.record).in_(batch))
        work.session.execute(mine.values(retry_at=until).execution_options(synchronize_session=False))


def wake_retrievals(work: Work, doi: str) -> None:
    """Has the texts of records with a DOI be looked for at once, where they are sought: more is known of where it is
    open."""
    mine = select(col(RecordRow.id)).where(col(RecordRow.doi) == doi, PASSED)
    _wake(work, col(RetrievalRow.record).in_(mine))


def wake_retrieval(work: Work, record: str) -> None:
    """Has the text of a record be looked for at once, where it is sought."""
    _wake(work, col(RetrievalRow.record) == record)


def _wake(work: Work, which: Any) -> None:
    work.session.flush()
    sought = update(RetrievalRow).where(col(RetrievalRow.state) == RetrievalStates.SOUGHT, which)
    values = {"retry_at": work.now, "tries": 0}
    work.session.execute(sought.values(values).execution_options(synchronize_session=False))


def passed_unsought(work: Work, review: str, after: str, limit: int) -> tuple[list[str], str | None]:
    """Of the records of a review behind an id those that passed a stage, or came to one that needs full texts where the
    protocol marks any, and were not excluded; and the id to go on behind, None where there are no more."""
    mine = select(col(RecordRow.id)).where(col(RecordRow.review) == review, col(RecordRow.id) > after, PASSED)
    if (row := review_if_known(work, review)) is not None and row.sought_from is not None:
        is_there = col(RecordRow.at_stage).in_(row.sought_from)
        mine = mine.where(or_(col(RecordRow.standing) == Standings.INCLUDED, is_there))
    found = list(work.session.execute(mine.order_by(col(RecordRow.id)).limit(limit)).scalars())
    return found, found[-1] if len(found) == limit else None


def review_to_seek_for(work: Work) -> str | None:
    """A review whose records passed stages before, or came to where they need their texts, and may not be sought
    yet."""
    waiting = select(col(ReviewRow.review)).where(col(ReviewRow.seeking).is_not(None))
    return work.session.execute(waiting.order_by(col(ReviewRow.review)).limit(1)).scalar()


def is_live(work: Work, review: str, record: str) -> bool:
    """Whether a review has a record that was not absorbed."""
    return bool(live_among(work, [(review, record)]))


def live_among(work: Work, records: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of these (review, record) those that are there and were not absorbed, in their order."""
    there: set[tuple[str, str]] = set()
    for batch in batches(record for _, record in records):
        mine = select(col(RecordRow.review), col(RecordRow.id)).where(col(RecordRow.id).in_(batch), _live())
        there.update((review, record) for review, record in work.session.execute(mine))
    return [it for it in records if it in there]


def text_of(work: Work, review: str, text: str) -> TextRow:
    """A review's copy of a report. Raises NotFound."""
    row = work.session.get(TextRow, text)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no copy {text!r}")
    return row


def texts_of(work: Work, records: Collection[str]) -> list[TextRow]:
    """The copies of records' reports, the oldest first, those that were withdrawn too."""
    work.session.flush()
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(TextRow).where(col(TextRow.record).in_(batch)).order_by(col(TextRow.id))
        ).scalars()
    ]


def texts_carried_by(work: Work, review: str, source: str, ids: Iterable[str]) -> list[TextRow]:
    """The copies that these source records led to."""
    return [
        row
        for batch in batches(ids)
        for row in work.session.execute(
            select(TextRow).where(
                col(TextRow.review) == review, col(TextRow.carrier_source) == source, col(TextRow.carrier_id).in_(batch)
            )
        ).scalars()
    ]


def identifiers_of_members(work: Work, record: str) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """The source records of a record, each with what it is called elsewhere."""
    columns = col(SourceRecordRow.source), col(SourceRecordRow.source_id), col(SourceRecordRow.content)
    mine = select(*columns).where(col(SourceRecordRow.record) == record).order_by(*columns[:2])
    return [
        ((source, source_id), content.get("identifiers") or {})
        for source, source_id, content in work.session.execute(mine)
    ]


def count_all_retrievals(work: Work) -> dict[str, int]:
    """How many texts are in each state, of all reviews together."""
    counted = select(col(RetrievalRow.state), func.count()).group_by(col(RetrievalRow.state))
    return {state: count for state, count in work.session.execute(counted)}


def _live() -> Any:
    # As a plain NULL it would have SQLite read every row by the index of what was absorbed.
    return func.coalesce(col(RecordRow.merged_into), "") == ""
