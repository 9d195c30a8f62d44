"""Every query of search: the rebuilds that were asked for, which index it writes to, saved searches, and of what these
have told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import delete, exists, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, func, select

from services.search.domain import Document, RebuildStates
from services.search.models import ArrivedRow, FirstStageRow, MatchRow, RebuildRow, SavedSearchRow, UntoldRow
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


#: Searches that one may have saved in a review, and those of them that alert.
_MOST_SAVED, _MOST_ALERTS = 200, 20


#: Matches written by one statement, which takes three parameters for each.
_AT_ONCE = 300

#: A document as what arrived keeps it.
DOCUMENT: Final = TypeAdapter(Document)


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


def find_saved(work: Work, review: str, owner: str, saved: str, *, locked: bool = False) -> SavedSearchRow:
    """A search of somebody's. Raises NotFound for what is none of theirs."""
    row = work.session.get(SavedSearchRow, saved, with_for_update=locked, populate_existing=locked)
    if row is None or (row.review, row.owner) != (review, owner):
        raise NotFound(f"you have no saved search {saved!r} in review {review!r}", slug="unknown_saved_search")
    return row


def saved_search(work: Work, review: str, owner: str, saved: str) -> SavedSearchRow:
    """The same, locked until this work ends."""
    return find_saved(work, review, owner, saved, locked=True)


def forget_saved(work: Work, review: str, owner: str, saved: str) -> SavedSearchRow:
    """Takes a search away, and of what it has told. Raises NotFound for what is none of theirs."""
    row = saved_search(work, review, owner, saved)
    work.session.execute(delete(UntoldRow).where(col(UntoldRow.saved) == saved))
    work.session.execute(delete(MatchRow).where(col(MatchRow.saved) == saved))
    work.session.delete(row)
    return row


def require_few_alerts(work: Work, review: str, owner: str) -> None:
    """Raises Conflict where somebody has as many searches that alert as one may have in a review. Their first search is
    locked until this work ends, so that two at once do not both find room; before any other search is."""
    theirs = select(SavedSearchRow.id).where(SavedSearchRow.review == review, SavedSearchRow.owner == owner)
    work.session.exec(theirs.order_by(col(SavedSearchRow.id)).limit(1).with_for_update()).all()
    theirs = theirs.where(col(SavedSearchRow.alerts_since).is_not(None)).limit(_MOST_ALERTS)
    if len(work.session.exec(theirs).all()) == _MOST_ALERTS:
        raise Conflict(
            f"{_MOST_ALERTS} of your saved searches alert in review {review!r}: end one of these alerts first",
            slug="too_many_alerts",
        )


def end_alerts(work: Work, owner: str, review: str | None = None) -> None:
    """Has the searches of somebody tell nothing more, in a review or in all."""
    theirs = select(SavedSearchRow.id).where(col(SavedSearchRow.owner) == owner)
    if review is not None:
        theirs = theirs.where(col(SavedSearchRow.review) == review)
    theirs = theirs.where(col(SavedSearchRow.alerts_since).is_not(None))
    # In the order in which whoever tells takes them.
    ids = work.session.exec(theirs.order_by(col(SavedSearchRow.id)).with_for_update()).all()
    work.session.execute(update(SavedSearchRow).where(col(SavedSearchRow.id).in_(ids)).values(alerts_since=None))


def alerting(work: Work, review: str, after: str, limit: int) -> list[SavedSearchRow]:
    """The next searches of a review that alert, by id."""
    query = (
        select(SavedSearchRow)
        .where(SavedSearchRow.review == review, col(SavedSearchRow.id) > after)
        .where(col(SavedSearchRow.alerts_since).is_not(None))
        .order_by(col(SavedSearchRow.id))
        .limit(limit)
    )
    return list(work.session.exec(query).all())


def still_alerting(work: Work, saved: Collection[str]) -> list[SavedSearchRow]:
    """Those of these searches that alert now, by id, locked against being ended until this work does."""
    query = (
        select(SavedSearchRow)
        .where(col(SavedSearchRow.id).in_(saved), col(SavedSearchRow.alerts_since).is_not(None))
        .order_by(col(SavedSearchRow.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(work.session.exec(query).all())


def parts_asked_in(work: Work, review: str) -> set[str]:
    """The parts of which some search of a review that alerts asks for news; none where none alerts."""
    query = (
        select(SavedSearchRow.asks_of)
        .where(SavedSearchRow.review == review, col(SavedSearchRow.alerts_since).is_not(None))
        .distinct()
    )
    return {part for asks_of in work.session.exec(query) for part in (asks_of or "").split()}


def add_arrivals(work: Work, news: Iterable[tuple[Document, str | None]], before: Mapping[str, Document]) -> None:
    """Writes down what arrived of that which searches of its review ask for, with the documents as they were before."""
    asked: dict[str, set[str]] = {}
    rows = []
    for document, event in news:
        review, record = document.review, document.record
        if review not in asked:
            asked[review] = parts_asked_in(work, review)
        parts = [part for part in document.parts if part in asked[review]]
        was = before.get(record) if parts else None
        kept = DOCUMENT.dump_python(was, mode="json") if was is not None else None
        rows += [
            {
                "id": new_id("arrived"), "review": review, "record": record, "part": part, "event": event,
                "before": kept, "arrived_at": work.now,
            }
            for part in parts
        ]  # fmt: skip
    work.rows.insert(ArrivedRow, rows)


def arrivals(work: Work, without: Collection[str], limit: int) -> list[ArrivedRow]:
    """What arrived first and was not looked at yet, without that of some reviews."""
    query = select(ArrivedRow).where(col(ArrivedRow.review).not_in(without)).order_by(col(ArrivedRow.id)).limit(limit)
    return list(work.session.exec(query).all())


def forget_arrivals(work: Work, ids: Collection[str]) -> None:
    work.session.execute(delete(ArrivedRow).where(col(ArrivedRow.id).in_(ids)))


def keep_matches(work: Work, found: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Keeps that these searches found these records; answers those that they had not found before."""
    dialect = sqlite if is_sqlite(work.session) else postgresql
    rows = [{"saved": saved, "record": record, "matched_at": work.now} for saved, record in found]
    new: set[tuple[str, str]] = set()
    for start in range(0, len(rows), _AT_ONCE):
        kept = dialect.insert(MatchRow).values(rows[start : start + _AT_ONCE]).on_conflict_do_nothing()
        answered = work.session.execute(kept.returning(col(MatchRow.saved), col(MatchRow.record)))
        new |= {(saved, record) for saved, record in answered}
    return new


def untold(work: Work, saved: str) -> UntoldRow | None:
    """What a search has to tell of."""
    return work.session.get(UntoldRow, saved)


def forget_untold(work: Work, row: UntoldRow) -> None:
    """Takes away what a search had to tell of, once it is."""
    work.session.delete(row)


def due_to_tell(work: Work, waited_since: datetime, limit: int) -> list[str]:
    """Searches that are to tell by now what they found, by id: where no more news of their review waits to be looked
    at, or they have waited since then."""
    waits = exists().where(col(ArrivedRow.review) == col(UntoldRow.review))
    query = (
        select(UntoldRow.saved)
        .where(col(UntoldRow.due_at) <= work.now, ~waits | (col(UntoldRow.since) <= waited_since))
        .order_by(col(UntoldRow.due_at), col(UntoldRow.saved))
        .limit(limit)
    )
    return sorted(work.session.exec(query))


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
