"""Deduplication: source records are sorted into a review's canonical records, so that each work is one record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from services.ingest import store
from services.ingest.commands.gathering import Gathered, gather
from services.ingest.commands.writing import Entered, Sorting, write
from services.ingest.domain.clusters import COMMON, SourceKey, clusters, telling
from services.ingest.domain.identities import identify
from services.ingest.domain.matching import Citation, cite
from services.ingest.models import ReviewRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Incoming:
    """A source record that is new or has changed: its content hash, and the record that it is in if it is known."""

    record: port.SourceRecord
    content_hash: str
    home: str | None

    @property
    def key(self) -> SourceKey:
        return self.record.source, self.record.source_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source record: it is `updated` if it was known before, else it began a `new` record or was
    `merged` into one; and the record it is in."""

    what: Literal["new", "merged", "updated"]
    record: str


def take_in(
    work: Work, review: ReviewRow, run: str, changed: Sequence[Incoming]
) -> tuple[dict[SourceKey, Outcome], int]:
    """Sorts in what a run brings, writes every row that it changes and tells every event. The review must be locked.

    Answers where each source record went, and how many pairs are left to a person. Of one that comes twice the last
    time tells what it says.
    """
    if not changed:
        return {}, 0
    fresh = {one.key: one.record for one in changed}
    cited = {key: cite(record) for key, record in fresh.items()}
    new = {one.key for one in changed if one.home is None}
    crossed, holders = _change_keys(work, review.review, cited, known=fresh.keys() - new)
    entered = {one.key: Entered(one.record, one.content_hash) for one in changed}
    gathered = gather(
        work, review.review, fresh.keys() | crossed, fresh, run, new=new, cited=cited, holders=holders
    )  # fmt: skip
    sorting = _sort(work, review, gathered, run=run, entered=entered)
    opened = write(work, sorting)
    return {key: _outcome(sorting, key) for key in entered}, opened


def sort_again(
    work: Work,
    review: ReviewRow,
    seeds: Collection[SourceKey],
    *,
    parted: Collection[SourceKey] = (),
    why: tuple[str, ...] = (),
) -> Sorting:
    """Sorts source records that are there anew, since a person decided something about them (`why`; those `parted` do
    not go on as the record that they are in), or the rules have changed. The review must be locked."""
    gathered = gather(work, review.review, seeds, {}, None)
    sorting = _sort(work, review, gathered, parted=parted, why=why)
    write(work, sorting)
    return sorting


def _sort(
    work: Work,
    review: ReviewRow,
    gathered: Gathered,
    *,
    run: str | None = None,
    entered: Mapping[SourceKey, Entered] | None = None,
    parted: Collection[SourceKey] = (),
    why: tuple[str, ...] = (),
) -> Sorting:
    found = clusters(gathered.comparisons, gathered.among, gathered.words)
    order = {key: number for number, key in enumerate(entered or {})}
    # Ids sort by age, and so do records that are new by what brought them.
    in_turn = sorted(range(len(found.members)), key=lambda at: min(order.get(key, -1) for key in found.members[at]))
    members = [found.members[at] for at in in_turn]
    before = {key: record for key, record in gathered.before.items() if key in gathered.among}
    absorbed = store.absorbed_in(work, set(before.values()))
    identities = identify(members, before, absorbed, parted, lambda: new_id("rec"))
    return Sorting(review, run, gathered, found, members, identities, dict(entered or {}), why)


def _change_keys(
    work: Work, review: str, fresh: Mapping[SourceKey, Citation], known: Collection[SourceKey]
) -> tuple[set[SourceKey], dict[str, set[SourceKey]]]:
    """Keeps what source records are found by now; answers all that hold a key which became common by it, or is so no
    more, and so may be one with others or not as they were not before; and who holds each key that changed."""
    held = store.keys_of(work, review, known)
    gone = {one: held.get(one, set()) - citation.keys for one, citation in fresh.items()}
    come = {one: citation.keys - held.get(one, set()) for one, citation in fresh.items()}
    changed = {key for keys in chain(gone.values(), come.values()) for key in keys}
    # Of a key that may become common, or cease to be so, these are all.
    before = store.holders_of(work, review, changed, COMMON + len(fresh) + 1)
    store.change_keys(work, review, gone, come)
    after = {key: set(ones) for key, ones in before.items()}
    for one in fresh:
        for key in gone[one]:
            after[key].discard(one)
        for key in come[one]:
            after[key].add(one)
    crossed = [key for key in changed if (len(before[key]) > COMMON) != (len(after[key]) > COMMON)]
    return {one for key in crossed for one in before[key] | after[key]}, telling(after)


def _outcome(sorting: Sorting, key: SourceKey) -> Outcome:
    record = sorting.record_of(key)
    if key in sorting.gathered.before:
        return Outcome("updated", record)
    return Outcome("new" if sorting.begins(key) else "merged", record)
