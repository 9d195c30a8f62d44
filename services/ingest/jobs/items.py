"""Items: what a page of any run brings is taken in, kept and counted the same way, whoever reads the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from services.ingest import store
from services.ingest.commands.deduplication import Incoming, Outcome
from services.ingest.models import RejectionRow, RunItemRow, RunRow
from services.ingest.ports.sources import port
from shared.bus.judging import storable as storable_text
from shared.db.work import Work
from shared.errors import LivingError
from shared.ids import id_of

#: Remarks that a run keeps: enough to see what is odd about a source, and no second list of its items.
MOST_REMARKS, MORE_REMARKS = 100, "more was remarked than is kept"

#: Characters of an error that are kept and told.
_LONGEST_ERROR = 2_000

Item = TypeVar("Item", port.SourceRecord, port.Rejection)


def words_of(error: Exception) -> str:
    """What an error says, as text that every database keeps; a foreign one says first what it is."""
    reason = str(error) if isinstance(error, LivingError) else f"{type(error).__name__}: {error}"
    return reason.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR]


def storable(item: Item) -> Item:
    """An item without NUL characters, which JSON can carry and PostgreSQL cannot keep."""
    if "\\u0000" not in item.model_dump_json():
        return item
    return type(item).model_validate(_without_nul(item.model_dump()))


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_nul(one) for name, one in value.items()}
    return value


def changed_of(records: Iterable[tuple[port.SourceRecord, str]], known: Mapping[str, store.Known]) -> list[Incoming]:
    """What is to be taken in of records with their content hashes: those that are not known as they are, in their
    order."""
    hashes = {source_id: row.content_hash for source_id, row in known.items()}
    changed = []
    for record, content_hash in records:
        if hashes.get(record.source_id) != content_hash:
            hashes[record.source_id] = content_hash
            home = known[record.source_id].record if record.source_id in known else None
            changed.append(Incoming(record, content_hash, home))
    return changed


def keep_items(work: Work, run: RunRow, went: Mapping[str, Outcome | None]) -> None:
    """Keeps where each item went; one that had not changed is only counted."""
    rows = [
        {"run": run.id, "source_id": source_id, "outcome": outcome.what, "record": outcome.record}
        for source_id, outcome in went.items()
        if outcome is not None
    ]
    store.add_all(work, RunItemRow, rows)


def keep_rejections(work: Work, run: RunRow, rejections: Sequence[port.Rejection], alike: Counter[str]) -> int:
    """Keeps the rejections this walk has not met yet, and counts them.

    One of which the source gives no id is the first, second ... that looks so since the source was asked, on whatever
    page; so each counts, and what a source gives again when it is asked to go on is known.
    """
    met: Counter[str] = Counter()
    rows = {}
    for rejection in rejections:
        what = rejection.source_id or "", rejection.reason, rejection.excerpt
        looks, counted = id_of("rejection", run.walk, *what), met if rejection.source_id else alike
        counted[looks] += 1
        rejection_id = id_of("rejection", run.walk, *what, str(counted[looks]))
        rows[rejection_id] = {
            "id": rejection_id,
            "review": run.review,
            "run": run.id,
            "page": run.pages,
            **rejection.model_dump(),
        }
    fresh = rows.keys() - store.known_rejections(work, rows)
    store.add_all(work, RejectionRow, [rows[rejection_id] for rejection_id in sorted(fresh)])
    return len(fresh)


def count(run: RunRow, went: Mapping[str, Outcome | None], *, rejected: int, maybe_duplicate: int) -> None:
    outcomes = Counter(outcome.what if outcome else "unchanged" for outcome in went.values())
    run.found += len(went) + rejected
    run.new += outcomes["new"]
    run.merged += outcomes["merged"]
    run.updated += outcomes["updated"]
    run.unchanged += outcomes["unchanged"]
    run.rejected += rejected
    run.maybe_duplicate += maybe_duplicate


def add_remarks(run: RunRow, remarks: Iterable[str]) -> None:
    """Keeps what was remarked, each thing once, as many as a run keeps."""
    kept = list(dict.fromkeys([*run.remarks, *map(storable_text, remarks)]))
    if kept != run.remarks:
        run.remarks = kept if len(kept) <= MOST_REMARKS else [*kept[: MOST_REMARKS - 1], MORE_REMARKS]
