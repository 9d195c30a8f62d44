"""Alerts: what arrived is asked for by each saved search of its review whose owner wants to be told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from services.search import commands, store
from services.search.commands import Found
from services.search.domain import Document
from services.search.models import ArrivedRow, SavedSearchRow
from services.search.ports.index import Among, SearchIndex
from shared.apart import each
from shared.service import Context

_ACTOR = "search:alerts"

#: What is looked at in one go: news, and searches that are asked for it.
_NEWS, _SEARCHES = 500, 200

#: What one transaction keeps or tells: of so many searches, and of so many matches of several.
_KEPT, _MATCHES = 10, 3_000


def tell_matches(running: Context) -> None:
    """Asks for all that arrived, until there is no more, and has searches tell what they found. No transaction is open
    while a search is asked; what a crash cuts short is asked again, and told once. While the index is lost, or is being
    made anew, what arrived waits. What fails by a fault of ours keeps no other review waiting, and is raised in the
    end."""
    with each("review") as failures:
        failed: set[str] = set()
        while running.leading and not running.stopping.is_set():
            by_review = _arrived(running, failed)
            for review, news in by_review.items():
                failed.add(review)
                with failures.apart(review):
                    if not _look(running, review, news):
                        return
                    failed.remove(review)
            _tell(running)
            if not by_review:
                return


def _tell(running: Context) -> None:
    """Has those searches tell that are to, some in a transaction."""
    while running.leading and not running.stopping.is_set():
        with running.work(_ACTOR, readonly=True) as work:
            due = store.due_to_tell(work, work.now - commands.BETWEEN, _KEPT)
        if not due:
            return
        with running.work(_ACTOR) as work:
            commands.tell(work, due)


def _arrived(running: Context, failed: Collection[str]) -> Mapping[str, Sequence[ArrivedRow]]:
    """What arrived first, by its review; nothing while the index does not have all that it should."""
    by_review: dict[str, list[ArrivedRow]] = {}
    with running.work(_ACTOR, readonly=True) as work:
        if store.unfinished(work) is None and store.why_lost(work.session) is None:
            for row in store.arrivals(work, failed, _NEWS):
                by_review.setdefault(row.review, []).append(row)
    return by_review


def _look(running: Context, review: str, news: Sequence[ArrivedRow]) -> bool:
    """Keeps what the searches of a review find of some news; answers whether it is done with."""
    with running.work(_ACTOR, readonly=True) as work:
        asked = store.parts_asked_in(work, review)
        first = store.first_stage(work, review)
    concerning = [it for it in news if it.part in asked]
    if concerning and not _ask(running, review, concerning, first):
        return False
    with running.work(_ACTOR) as work:
        store.forget_arrivals(work, [row.id for row in news])
    return True


def _ask(running: Context, review: str, news: Sequence[ArrivedRow], first: str | None) -> bool:
    documents = _documents(running, {row.record for row in news})
    if documents is None:
        return False
    # As they were before each piece of news, under its id.
    before = [replace(store.DOCUMENT.validate_python(it.before), record=it.id) for it in news if it.before is not None]
    with closing(Among([*documents.values(), *before], analyzer=running.settings.search_analyzer)) as among:
        after: str | None = ""
        while after is not None:
            with running.work(_ACTOR, readonly=True) as work:
                searches = store.alerting(work, review, after, _SEARCHES)
            by_parts = {parts: _of_parts(news, parts) for parts in {row.asks_of for row in searches}}
            found = {row.id: _found(among, row, first, by_parts[row.asks_of], documents) for row in searches}
            for some in _chunks(found):
                with running.work(_ACTOR) as work:
                    commands.keep(work, some)
            after = searches[-1].id if len(searches) == _SEARCHES else None
    return True


def _of_parts(news: Sequence[ArrivedRow], parts: str | None) -> list[ArrivedRow]:
    return [it for it in news if it.part in (parts or "").split()]


def _chunks(found: Mapping[str, Sequence[Found]]) -> Iterator[dict[str, Sequence[Found]]]:
    """What each search found, as much at a time as one transaction keeps."""
    chunk: dict[str, Sequence[Found]] = {}
    matches = 0
    for saved, some in found.items():
        if chunk and (len(chunk) == _KEPT or matches + len(some) > _MATCHES):
            yield chunk
            chunk, matches = {}, 0
        if some:
            chunk[saved] = some
            matches += len(some)
    if chunk:
        yield chunk


def _documents(running: Context, records: Collection[str]) -> dict[str, Document] | None:
    """These records as the index has them. One that it does not have was taken from under the question by a rebuild,
    which is waited for, or is over."""
    index = running.resource(SearchIndex)
    documents = index.get(records)
    if len(documents) == len(records):
        return documents
    with running.work(_ACTOR, readonly=True) as work:
        if store.unfinished(work) is not None:
            return None
    return index.get(records)


def _found(
    among: Among, row: SavedSearchRow, first: str | None, news: Sequence[ArrivedRow], documents: Mapping[str, Document]
) -> list[Found]:
    """What a search finds and did not before some news of these, each record once."""
    since = row.alerts_since
    news = [it for it in news if since is not None and it.arrived_at >= since]
    if not news:
        return []
    found = among.found(commands.query_of(row.review, row.asked, first))
    # What is not known to have matched is told rather than lost, as after a crash between the index and its commit.
    come = {it.record: it.event for it in reversed(news) if it.record in found and it.id not in found}
    return [Found(documents[record], come[record]) for record in sorted(come)]
