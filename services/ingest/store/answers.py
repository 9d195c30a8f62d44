"""Queries about the answers of sources that were kept, and about reading them again."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import col

from services.ingest.domain.watching import ReparseStates
from services.ingest.models import RawAnswerRow, RejectionRow, ReparseRow, RunRow
from services.ingest.store.runs import IS_OPEN, oldest_that_ended
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked


def oldest_run_with_answers(work: Work) -> str | None:
    """The oldest run that has ended and of which raw answers are kept."""
    return oldest_that_ended(work, col(RawAnswerRow.run))


def reparse_of(work: Work, review: str, reparse: str) -> ReparseRow:
    """A review's reparse. Raises NotFound."""
    row = work.session.get(ReparseRow, reparse)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no reparse {reparse!r}")
    return row


def reparse(work: Work, reparse: str) -> ReparseRow:
    """One that is there."""
    return work.session.get_one(ReparseRow, reparse)


def lock_reparse(work: Work, reparse: str) -> ReparseRow:
    """One that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(ReparseRow, reparse, with_for_update=True, populate_existing=True)


def unfinished_reparses(work: Work, review: str | None = None) -> list[ReparseRow]:
    """Those that are not over, the oldest first; of one review where given."""
    waiting = select(ReparseRow).where(col(ReparseRow.state).in_(ReparseStates.UNFINISHED))
    if review is not None:
        waiting = waiting.where(col(ReparseRow.review) == review)
    return list(work.session.execute(waiting.order_by(col(ReparseRow.id))).scalars())


def next_answered_page(work: Work, reparse: ReparseRow) -> tuple[RunRow, int] | None:
    """The first page of which there are answers to be read again, behind the place where a reparse stands."""
    page = _next_page(work, reparse, reparse.at_run, reparse.at_page)
    run = reparse.at_run
    while page is None:
        following = select(func.min(col(RunRow.id))).where(*_is_read_again(reparse), col(RunRow.id) > run)
        if (run := work.session.execute(following).scalar() or "") == "":
            return None
        page = _next_page(work, reparse, run, -1)
    return work.session.get_one(RunRow, run), page


def _next_page(work: Work, reparse: ReparseRow, run: str, after: int) -> int | None:
    pages = select(func.min(col(RawAnswerRow.page))).where(col(RawAnswerRow.run) == run, col(RawAnswerRow.page) > after)
    if reparse.rejected_only:
        of_page = and_(col(RejectionRow.run) == RawAnswerRow.run, col(RejectionRow.page) == RawAnswerRow.page)
        pages = pages.where(select(col(RejectionRow.id)).where(of_page, IS_OPEN).exists())
    return work.session.execute(pages).scalar()


def _is_read_again(reparse: ReparseRow) -> list[ColumnElement[bool]]:
    where = [col(RunRow.review) == reparse.review, col(RunRow.id) <= reparse.through]
    if reparse.source is not None:
        where.append(col(RunRow.source) == reparse.source)
    if reparse.run is not None:
        where.append(col(RunRow.id) == reparse.run)
    return where


def answers_of_page(work: Work, run: str, page: int) -> list[RawAnswerRow]:
    """The raw answers that a page of a run was read from, in the order in which they came."""
    mine = select(RawAnswerRow).where(col(RawAnswerRow.run) == run, col(RawAnswerRow.page) == page)
    return list(work.session.execute(mine.order_by(col(RawAnswerRow.number))).scalars())


def last_answer(work: Work, run: str) -> int:
    """The number of a run's newest raw answer; 0 where it has none."""
    newest = work.session.execute(
        select(func.max(col(RawAnswerRow.number))).where(col(RawAnswerRow.run) == run)
    ).scalar()
    return newest or 0


def page_of_answers(work: Work, run: str, page: PageAsked) -> Found[RawAnswerRow]:
    """A run's raw answers, in the order in which they came."""
    return read_page(work, select(RawAnswerRow).where(col(RawAnswerRow.run) == run), page, col(RawAnswerRow.number))


def forget_answer(work: Work, answer: RawAnswerRow) -> None:
    work.session.delete(answer)


def answer_of(work: Work, run: str, number: int) -> RawAnswerRow:
    """One raw answer of a run. Raises NotFound."""
    row = work.session.get(RawAnswerRow, (run, number))
    if row is None:
        raise NotFound(f"run {run!r} has no raw answer {number}, or it was kept for long enough")
    return row


def count_open_rejections(work: Work, reparse: ReparseRow) -> int:
    """How many items of the runs that are read again are no records."""
    mine = (
        select(func.count())
        .select_from(RejectionRow)
        .join(RunRow, col(RunRow.id) == RejectionRow.run)
        .where(*_is_read_again(reparse), IS_OPEN)
    )
    count: int = work.session.execute(mine).scalar_one()
    return count
