"""Standing: whether the index is still the one that search wrote to.

One that was removed, emptied or left behind with another address starts as a new, empty one, and would answer as if
nothing had ever been told of. So search's database keeps the mark of its index; and an index that is another is told,
and answers nobody, until it is rebuilt from the log. One in the form of another release answers nobody, either, until
the rebuild that this asks for is over.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from services.search import store
from services.search.ports.index import FORM, SearchIndex
from shared.errors import Unavailable
from shared.service import Context


def look_at_index(running: Context) -> None:
    """Keeps the index's mark at the first look. Raises Unavailable ever after while it is another's, and has all
    processes of the service know it."""
    # Between two questions a rebuild may have put another index in the place, which is asked about a second time.
    reason = _why(running) and _why(running)
    with running.database.session(readonly=True) as session:
        known = store.why_lost(session)
    if reason != known:
        with running.database.session() as session, suppress(IntegrityError):  # Another process looks, too.
            store.keep_why_lost(session, reason)
            if reason == store.INDEX_OUTDATED:
                store.ask_for_form(session, FORM)
            session.commit()
    if reason:
        raise Unavailable(reason, slug="index_lost")


def _why(running: Context) -> str | None:
    """Why nothing is looked for in the index; None where it is the right one."""
    if not running.resource(SearchIndex).current():
        return store.INDEX_OUTDATED
    return store.INDEX_LOST if _is_lost(running) else None


def expect(running: Context, index: SearchIndex) -> None:
    """Says that this index may be the live one from now on: a rebuild is about to put it there."""
    with running.database.session() as session:
        store.keep_marks(session, [*store.marks(session), index.mark()])
        session.commit()


def keep(running: Context, index: SearchIndex) -> None:
    """Says that this index has all that search has heard."""
    with running.database.session() as session:
        store.keep_marks(session, [index.mark()])
        store.keep_why_lost(session, None)
        session.commit()


def _is_lost(running: Context) -> bool:
    index = running.resource(SearchIndex)
    with running.database.session(readonly=True) as session:
        marks, heard = store.marks(session), store.has_heard(session, running.service.name)
    if marks:
        return index.mark() not in marks
    index.refresh()
    if heard and not index.count():
        return True  # A release that kept no marks has written to another one.
    with running.database.session() as session, suppress(IntegrityError):
        store.keep_marks(session, [index.mark()])
        session.commit()
    return False
