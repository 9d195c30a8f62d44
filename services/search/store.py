"""Every query of search: the rebuilds that were asked for, which index it writes to, and saved searches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, func, select

from services.search.domain import RebuildStates
from services.search.models import FirstStageRow, RebuildRow, SavedSearchRow
from shared.db.many import is_sqlite
from shared.db.paging import read_page
from shared.db.tables import FactRow, HeardUpToRow, InboxRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound, Unavailable
from shared.ids import new_id
from shared.paging import Found, PageAsked

#: The facts of search: the marks of the index it writes to (two, while a rebuild replaces one), and that it is lost.
_MARKS, _LOST = "search_index", "search_index_lost"

#: What is told of an index that is not the one search wrote to.
INDEX_LOST = (
    "the search index has lost what search has heard: it was removed or emptied, or is another one. An admin makes it "
    "anew with `living search rebuild`, while the platform runs; until then nothing is looked for in it"
)

#: What is said of an index that an earlier release made.
INDEX_OUTDATED = (
    "the search index is in the form of another release, and is being made anew from the log, which takes minutes for "
    "hundreds of thousands of events; until then nothing is looked for in it. Where that rebuild fails, an admin asks "
    "for another one with `living search rebuild`"
)

#: Who asks for the rebuild that a new form needs.
_RELEASE = "release"


#: Searches that one may have saved in a review.
_MOST_SAVED = 200


def first_stage(work: Work, review: str) -> str | None:
    """The stage at which records of a review come in; None before one did."""
    row = work.session.get(FirstStageRow, review)
    return row.stage if row is not None else None


def keep_first_stage(work: Work, review: str, stage: str) -> str:
    """Keeps that, where it is not known yet, and answers it."""
    known = first_stage(work, review)
    if known is not None:
        return known
    dialect = sqlite if is_sqlite(work.session) else postgresql
    kept = dialect.insert(FirstStageRow).values(review=review, stage=stage).on_conflict_do_nothing()
    work.session.execute(kept)
    # Another process may have been there first, and kept another one.
    return work.session.get_one(FirstStageRow, review).stage


def save(work: Work, row: SavedSearchRow) -> SavedSearchRow:
    """Keeps a search. Raises Conflict where its owner has one of that name, or as many as one may have."""
    of_owner = (
        select(SavedSearchRow.id)
        .where(SavedSearchRow.review == row.review, SavedSearchRow.owner == row.owner)
        .limit(_MOST_SAVED)
    )
    if len(work.session.exec(of_owner).all()) == _MOST_SAVED:
        raise Conflict(f"there are {_MOST_SAVED} saved searches: forget one first", slug="too_many_saved")
    dialect = sqlite if is_sqlite(work.session) else postgresql
    kept = dialect.insert(SavedSearchRow).values(row.model_dump()).on_conflict_do_nothing()
    if work.session.execute(kept.returning(col(SavedSearchRow.id))).first() is None:
        raise Conflict(f"you have a saved search {row.name!r} here: forget it first", slug="name_taken")
    return row


def page_of_saved(work: Work, review: str, owner: str, page: PageAsked) -> Found[SavedSearchRow]:
    query = select(SavedSearchRow).where(SavedSearchRow.review == review, SavedSearchRow.owner == owner)
    return read_page(work, query, page, col(SavedSearchRow.id))


def forget_saved(work: Work, review: str, owner: str, saved: str) -> SavedSearchRow:
    """Takes a search away. Raises NotFound for what is none of theirs."""
    row = work.session.get(SavedSearchRow, saved)
    if row is None or (row.review, row.owner) != (review, owner):
        raise NotFound(f"you have no saved search {saved!r} in review {review!r}", slug="unknown_saved_search")
    work.session.delete(row)
    return row


def unfinished(work: Work) -> RebuildRow | None:
    """The oldest rebuild that is not over. One found running was left by a process that died."""
    query = (
        select(RebuildRow).where(col(RebuildRow.state).in_(RebuildStates.UNFINISHED)).order_by(RebuildRow.id).limit(1)
    )
    return work.session.exec(query).first()


def ask_for_form(session: Session, form: str) -> None:
    """Asks for one rebuild into this form; where it failed, it is for an admin to ask for the next."""
    asked_by = f"{_RELEASE}:{form}"
    asked = select(RebuildRow).where(
        col(RebuildRow.state).in_(RebuildStates.UNFINISHED) | (col(RebuildRow.asked_by) == asked_by)
    )
    if session.exec(asked.limit(1)).first() is None:
        session.add(RebuildRow(id=new_id("rebuild"), asked_by=asked_by, asked_at=datetime.now(UTC)))


def rebuild(work: Work, rebuild: str) -> RebuildRow:
    """One that is there."""
    return work.session.get_one(RebuildRow, rebuild)


def events_heard(session: Session, consumer: str) -> int:
    """How many events of the log search has heard; its log has as many at least."""
    return session.exec(select(func.count()).select_from(InboxRow).where(InboxRow.consumer == consumer)).one()


def newest(work: Work, limit: int) -> list[RebuildRow]:
    return list(work.session.exec(select(RebuildRow).order_by(col(RebuildRow.id).desc()).limit(limit)))


def has_heard(session: Session, consumer: str) -> bool:
    """Whether search has heard of anything."""
    tables = (InboxRow, HeardUpToRow)
    return any(session.exec(select(it).where(it.consumer == consumer).limit(1)).first() is not None for it in tables)


def marks(session: Session) -> list[str]:
    """The marks of the index; none before the first look at it."""
    fact = session.get(FactRow, _MARKS)
    return fact.value.split() if fact is not None else []


def keep_marks(session: Session, marks: Sequence[str]) -> None:
    session.merge(FactRow(name=_MARKS, value=" ".join(marks), since=datetime.now(UTC)))


def why_lost(session: Session) -> str | None:
    """What is told of an index that is lost; None while it is the right one, and in this release's form."""
    fact = session.get(FactRow, _LOST)
    return fact.value if fact is not None else None


def keep_why_lost(session: Session, reason: str | None) -> None:
    """Keeps what is told, from when on; nothing is written where it is known."""
    fact = session.get(FactRow, _LOST)
    if fact is not None and reason is None:
        session.delete(fact)
    if reason is not None and (fact is None or fact.value != reason):
        session.merge(FactRow(name=_LOST, value=reason, since=datetime.now(UTC)))


def require_whole(session: Session) -> None:
    """Raises Unavailable while the index is known to be lost: half an answer would be taken for a whole one."""
    if reason := why_lost(session):
        raise Unavailable(reason, slug="index_lost")
