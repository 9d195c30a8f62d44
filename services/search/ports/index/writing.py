"""Writes news of records into an index that others write to at the same time, so that nobody's news is lost."""

from __future__ import annotations

from collections.abc import Iterable

from services.search.domain import Document, joined_by_record
from services.search.ports.index.port import SearchIndex
from shared.errors import Unavailable

_ATTEMPTS = 20


def write(index: SearchIndex, news: Iterable[Document]) -> dict[str, Document]:
    """Joins each document with what the index holds of its record: read, join, put; refused, again.

    Durable when it returns, and the same whatever the order, the repetition, and who else writes. Answers the
    documents that it changed as they were before. Raises Unavailable when others keep changing the same records, and
    what the index raises.
    """
    before: dict[str, Document] = {}
    waiting = joined_by_record(news)
    known = index.get([record for record, document in waiting.items() if not _may_be_first(document)])
    for _ in range(_ATTEMPTS):
        changed = _changed(waiting, known)
        refused = index.put(changed)
        written = (it.record for it in changed if it.record not in refused)
        before |= {record: known[record] for record in written if record in known}
        if not refused:
            return before
        waiting = {record: waiting[record] for record in refused}
        known = index.get(waiting)
    raise Unavailable(f"others keep changing the same {len(waiting)} records of the search index: try again")


def _may_be_first(document: Document) -> bool:
    """Whether the index most likely knows nothing of the record yet, so that reading first is a waste."""
    return document.revision == 1


def _changed(waiting: dict[str, Document], known: dict[str, Document]) -> list[Document]:
    changed = []
    for record, document in waiting.items():
        joined = known[record].joined(document) if record in known else document
        if record not in known or joined != known[record]:
            changed.append(joined)
    return changed
