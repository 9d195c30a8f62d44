"""Every query of search: the rebuilds that were asked for."""

from __future__ import annotations

from sqlmodel import Session, func, select

from services.search.models import Rebuild
from shared.db.tables import InboxRow
from shared.db.work import Work


def unfinished(work: Work) -> Rebuild | None:
    """The oldest rebuild that is not over. One found running was left by a process that died."""
    query = select(Rebuild).where(Rebuild.state.in_(["waiting", "running"])).order_by(Rebuild.id).limit(1)
    return work.session.exec(query).first()


def events_heard(session: Session, consumer: str) -> int:
    """How many events of the log search has heard; its log has as many at least."""
    return session.exec(select(func.count()).select_from(InboxRow).where(InboxRow.consumer == consumer)).one()


def newest(work: Work, limit: int) -> list[Rebuild]:
    return list(work.session.exec(select(Rebuild).order_by(Rebuild.id.desc()).limit(limit)))
