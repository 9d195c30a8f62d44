"""Alerts: what arrived is asked for by each saved search of its review whose owner wants to be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing

from services.search import commands, store
from services.search.commands import Found
from services.search.domain import Document, concerns
from services.search.models import ArrivedRow, SavedSearchRow
from services.search.ports.index import Among, SearchIndex
from shared.apart import each
from shared.service import Context

_ACTOR = "search:alerts"

#: What is looked at in one go: news, and searches that are asked for it.
_NEWS, _SEARCHES = 500, 200


def tell_matches(running: Context) -> None:
    """Asks for all that arrived, until there is no more. No transaction is open while a search is asked; what a crash
    cuts short is asked again, and told once. While the index is lost, or is being made anew, it waits. What fails by a
    fault of ours keeps no other review waiting, and is raised in the end."""
    with each("review") as failures:
        failed: set[str] = set()
        while running.leading and not running.stopping.is_set():
            by_review = _arrived(running, failed)
            if not by_review:
                return
            for review, news in by_review.items():
                failed.add(review)
                with failures.apart(review):
                    if not _tell(running, review, news):
                        return
                    failed.remove(review)


def _arrived(running: Context, failed: Collection[str]) -> Mapping[str, Sequence[ArrivedRow]]:
    """What arrived first, by its review; nothing while the index does not have all that it should."""
    by_review: dict[str, list[ArrivedRow]] = {}
    with running.work(_ACTOR, readonly=True) as work:
        if store.unfinished(work) is None and store.why_lost(work.session) is None:
            for row in store.arrivals(work, failed, _NEWS):
                by_review.setdefault(row.review, []).append(row)
    return by_review


def _tell(running: Context, review: str, news: Sequence[ArrivedRow]) -> bool:
    """Tells what the searches of a review find of some news; answers whether it is done with."""
    documents = _documents(running, {row.record for row in news})
    if documents is None:
        return False
    with closing(Among(documents.values(), analyzer=running.settings.search_analyzer)) as among:
        after: str | None = ""
        while after is not None:
            with running.work(_ACTOR, readonly=True) as work:
                searches = store.alerting(work, review, after, _SEARCHES)
                first = store.first_stage(work, review)
            found = {row.id: _found(among, row, first, news, documents) for row in searches}
            found = {saved: some for saved, some in found.items() if some}
            if found:
                with running.work(_ACTOR) as work:
                    commands.tell(work, review, found)
            after = searches[-1].id if len(searches) == _SEARCHES else None
    with running.work(_ACTOR) as work:
        store.forget_arrivals(work, [row.id for row in news])
    return True


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
    """What a search finds of that news which can have a record match it, each record once."""
    concerned = {it.record: it.event for it in reversed(news) if concerns(it.part, row.asked)}
    if not concerned:
        return []
    found = among.found(commands.query_of(row.review, row.asked, first))
    return [Found(documents[record], concerned[record]) for record in sorted(found & concerned.keys())]
