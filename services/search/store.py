"""Every query of search: the rebuilds that were asked for, and which index it writes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session, func, select

from services.search.models import Rebuild
from shared.db.tables import Fact, HeardUpTo, InboxRow
from shared.db.work import Work

#: The facts of search: the marks of the index it writes to (two, while a rebuild replaces one), and that it is lost.
_MARKS, _LOST = "search_index", "search_index_lost"


def unfinished(work: Work) -> Rebuild | None:
    """The oldest rebuild that is not over. One found running was left by a process that died."""
    query = select(Rebuild).where(Rebuild.state.in_(["waiting", "running"])).order_by(Rebuild.id).limit(1)
    return work.session.exec(query).first()


def events_heard(session: Session, consumer: str) -> int:
    """How many events of the log search has heard; its log has as many at least."""
    return session.exec(select(func.count()).select_from(InboxRow).where(InboxRow.consumer == consumer)).one()


def newest(work: Work, limit: int) -> list[Rebuild]:
    return list(work.session.exec(select(Rebuild).order_by(Rebuild.id.desc()).limit(limit)))


def has_heard(session: Session, consumer: str) -> bool:
    """Whether search has heard of anything."""
    tables = (InboxRow, HeardUpTo)
    return any(session.exec(select(it).where(it.consumer == consumer).limit(1)).first() is not None for it in tables)


def marks(session: Session) -> list[str]:
    """The marks of the index; none before the first look at it."""
    fact = session.get(Fact, _MARKS)
    return fact.value.split() if fact is not None else []


def keep_marks(session: Session, marks: Sequence[str]) -> None:
    session.merge(Fact(name=_MARKS, value=" ".join(marks), since=datetime.now(UTC)))


def told_lost(session: Session) -> str | None:
    """What is told of an index that is lost; None while it is the right one."""
    fact = session.get(Fact, _LOST)
    return fact.value if fact is not None else None


def tell_lost(session: Session, told: str | None) -> None:
    """Keeps what is told, from when on; nothing is written where it is known."""
    fact = session.get(Fact, _LOST)
    if fact is not None and told is None:
        session.delete(fact)
    if fact is None and told is not None:
        session.add(Fact(name=_LOST, value=told, since=datetime.now(UTC)))
