"""Standing: whether the index is still the one that search wrote to.

One that was removed, emptied or left behind with another address starts as a new, empty one, and would answer as if
nothing had ever been told of. So search's database keeps the mark of its index; and an index that is another is told,
and answers nobody, until it is rebuilt from the log.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from services.search import store
from services.search.ports.index import SearchIndex
from shared.errors import Unavailable
from shared.service import Context


def look_at_index(running: Context) -> None:
    """Keeps the index's mark at the first look. Raises Unavailable ever after while it is another's, and has all
    processes of the service know it."""
    # Between two questions a rebuild may have put another index in the place, which is asked about a second time.
    lost = _is_lost(running) and _is_lost(running)
    with running.database.session(readonly=True) as session:
        known = store.why_lost(session) is not None
    if lost != known:
        with running.database.session() as session, suppress(IntegrityError):  # Another process looks, too.
            store.keep_why_lost(session, store.INDEX_LOST if lost else None)
            session.commit()
    if lost:
        raise Unavailable(store.INDEX_LOST, slug="index_lost")


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
