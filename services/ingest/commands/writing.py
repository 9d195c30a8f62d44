"""What sorting comes to is written down and told, in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from services.ingest import store
from services.ingest.commands import notices, texts
from services.ingest.commands.gathering import Gathered
from services.ingest.commands.pairs import write_pairs
from services.ingest.domain import reasons
from services.ingest.domain.clusters import Clusters, SourceKey
from services.ingest.domain.description import Correction, changes, corrected, describe
from services.ingest.domain.identities import Identities, Merger, Split
from services.ingest.domain.notices import found_by
from services.ingest.domain.watching import Standings
from services.ingest.models import MergeRow, RecordRow, ReviewRow, SourceRecordRow, SplitRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.events.ingest import Bibliography, RecordDiscovered, RecordMerged, RecordSplit, RecordUpdated
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Entered:
    """A source record that came in, new or changed, and its content hash."""

    record: port.SourceRecord
    content_hash: str


@dataclass
class Sorting:
    """Source records as they were `gathered` and as they are sorted now: `members` are those of each record, which the
    `identities` name; with what `entered` in between. Nothing enters without a run; what a person decides has none,
    and says `why`."""

    review: ReviewRow
    run: str | None
    gathered: Gathered
    clusters: Clusters
    members: Sequence[frozenset[SourceKey]]
    identities: Identities
    entered: Mapping[SourceKey, Entered]
    why: tuple[str, ...] = ()

    @cached_property
    def homes(self) -> dict[SourceKey, str]:
        named = zip(self.identities.records, self.members, strict=True)
        return {key: record for record, members in named for key in members}

    @cached_property
    def by_record(self) -> dict[str, frozenset[SourceKey]]:
        return dict(zip(self.identities.records, self.members, strict=True))

    @cached_property
    def first_entered(self) -> dict[str, SourceKey]:
        """Of each record's source records that came in, the first."""
        return {self.homes[key]: key for key in reversed(list(self.entered))}

    @cached_property
    def before(self) -> dict[str, frozenset[SourceKey]]:
        """Each record's source records as they were."""
        return self.gathered.members_before()

    @property
    def bringing(self) -> str:
        """The run that brings source records."""
        assert self.run is not None
        return self.run

    def record_of(self, key: SourceKey) -> str:
        return self.homes[key]

    def begins(self, key: SourceKey) -> bool:
        """Whether a source record that came in is the first of a new record."""
        record = self.homes[key]
        if record not in self.identities.fresh or any(each in self.gathered.before for each in self.by_record[record]):
            return False
        return self.first_entered[record] == key

    def touched(self) -> list[str]:
        """The records that may be told of: those whose source records have changed or are others than they were."""
        entered = {self.homes[key] for key in self.entered}
        none = frozenset[SourceKey]()
        moved = {record for record, members in self.by_record.items() if members != self.before.get(record, none)}
        return sorted(entered | moved)


def write(work: Work, sorting: Sorting) -> int:
    """Writes every row that has changed, and tells every event; answers how many pairs are new."""
    new = _write_source_records(work, sorting)
    for record, keys in _moved(sorting).items():
        store.move_source_records(work, sorting.review.review, keys, record)
    identities, touched = sorting.identities, sorting.touched()
    back = [split.record for split in identities.splits if split.is_back]
    there = [record for record in touched if record not in identities.fresh]
    rows = store.records(work, [*there, *back, *(merger.absorbed for merger in identities.mergers)])
    parted = notices.part(work, sorting.review.review, _moved(sorting), identities.splits, sorting.by_record)
    splits = {split.record: split for split in identities.splits}
    corrections = _corrections(work, sorting, touched)
    brought = {key: sorting.gathered.contributions[key] for record in touched for key in sorting.by_record[record]}
    chases = store.chases_among(work, {one.run for one in brought.values()})
    fresh = []
    for record in touched:
        members = sorting.by_record[record]
        bibliography = describe(replace(brought[key], by_citations=brought[key].run in chases) for key in members)
        bibliography = corrected(bibliography, (each for key in members for each in corrections.get(key, ())))
        if record in identities.fresh:
            fresh.append(_new_row(work, sorting, record, bibliography))
        if split := splits.get(record):
            _tell_split(work, sorting, split, rows.get(record), bibliography)
        elif record in identities.fresh:
            _tell_new(work, sorting, record, bibliography)
        else:
            _update(work, rows[record], bibliography, sorting.run, parted.lost.get(record, []))
    store.add_all(work, RecordRow, fresh)
    work.rows.flush()
    for merger in identities.mergers:
        _write_merger(work, sorting, merger, rows[merger.absorbed])
    records = len(fresh) + len(back) - len(identities.mergers)
    store.count_more(work, sorting.review.review, records=records, source_records=new)
    opened = write_pairs(
        work, sorting.review.review, sorting.run, sorting.gathered, sorting.clusters, sorting.by_record,
        identities,
    )  # fmt: skip
    notices.tell_parted(work, parted)
    texts.follow(work, sorting.review.review, _moved(sorting), identities.mergers, identities.splits)
    _hear_claims(work, sorting)
    return opened


def _corrections(work: Work, sorting: Sorting, touched: Sequence[str]) -> Mapping[SourceKey, list[Correction]]:
    """What people corrected of the records that may be told of; nobody is asked where nothing ever was."""
    if not sorting.review.corrections:
        return {}
    return store.standing_corrections(
        work, sorting.review.review, [key for record in touched for key in sorting.by_record[record]]
    )


def _write_source_records(work: Work, sorting: Sorting) -> int:
    """Writes those that came in, and answers how many are new."""
    fresh = []
    for key, entered in sorting.entered.items():
        content = entered.record.model_dump(mode="json", exclude_defaults=True)
        if key in sorting.gathered.before:
            store.change_source_record(work, sorting.review.review, key, content, entered.content_hash)
            continue
        because = () if sorting.begins(key) else reasons.joined(sorting.gathered.comparisons, sorting.clusters, key)
        fresh.append(
            {
                "review": sorting.review.review,
                "source": entered.record.source,
                "source_id": entered.record.source_id,
                "record": sorting.homes[key],
                "content_hash": entered.content_hash,
                "content": content,
                "because": list(because),
                "run": sorting.run,
                "seen_in": sorting.run,
            }
        )
    store.add_all(work, SourceRecordRow, fresh)
    return len(fresh)


def _moved(sorting: Sorting) -> dict[str, list[SourceKey]]:
    """The source records that are in another record than before, by the record that they are in now."""
    moved: defaultdict[str, list[SourceKey]] = defaultdict(list)
    for key in sorted(sorting.gathered.among):
        if key in sorting.gathered.before and sorting.gathered.before[key] != sorting.homes[key]:
            moved[sorting.homes[key]].append(key)
    return moved


def _new_row(work: Work, sorting: Sorting, record: str, bibliography: Bibliography) -> dict[str, Any]:
    return {
        "id": record,
        "review": sorting.review.review,
        "revision": 1,
        "bibliography": bibliography.model_dump(mode="json"),
        "run": _run(sorting, record),
        "discovered_at": work.now,
        "merged_into": None,
        "followed": True,
        "standing": Standings.WAITING,
        "stage": None,
        "excluded_on": None,
        "at_stage": None,
        "reason": None,
        "doi": bibliography.identifiers.doi,
    }


def _run(sorting: Sorting, record: str) -> str:
    """The run that brings a new record: this one, or that which brought what it is parted with."""
    if sorting.run is not None:
        return sorting.run
    return min(sorting.gathered.contributions[key].run for key in sorting.by_record[record])


def _tell_new(work: Work, sorting: Sorting, record: str, bibliography: Bibliography) -> None:
    with work.following(record, None):
        work.emit(
            RecordDiscovered(
                review=sorting.review.review, record=record, revision=1, run=sorting.bringing,
                bibliography=bibliography, by_citations=store.is_chase(work, sorting.bringing),
            )
        )  # fmt: skip


def tell_description(work: Work, row: RecordRow, bibliography: Bibliography) -> None:
    """Keeps and tells what a record's description is now, where it is another."""
    _update(work, row, bibliography, None, [])


def _update(work: Work, row: RecordRow, bibliography: Bibliography, run: str | None, lost: list[str]) -> None:
    changed = changes(Bibliography.model_validate(row.bibliography), bibliography)
    if not changed and not lost:
        return
    _describe(row, bibliography)
    if "identifiers" in changed and (row.stage is not None or row.standing == Standings.INCLUDED):
        # Its text is sought, and may be open under what it is called now.
        store.wake_retrieval(work, row.id)
    with work.following(row.id, None):
        work.emit(
            RecordUpdated(
                review=row.review, record=row.id, revision=row.revision, run=run or row.run,
                bibliography=bibliography, changed=changed, lost_notices=lost,
            )
        )  # fmt: skip


def _describe(row: RecordRow, bibliography: Bibliography) -> None:
    row.bibliography, row.doi = bibliography.model_dump(mode="json"), bibliography.identifiers.doi
    row.revision += 1


def _tell_split(work: Work, sorting: Sorting, split: Split, row: RecordRow | None, bibliography: Bibliography) -> None:
    """Tells that a record was parted from another; one that was absorbed is back, with all that it had absorbed."""
    left, members = sorting.by_record[split.out_of], sorting.by_record[split.record]
    why = sorting.why or reasons.parted(sorting.gathered.comparisons, sorting.clusters, members, left)
    store.live_in(work, split.brings, split.record)
    revision, run = 1, _run(sorting, split.record)
    if row is not None:
        _describe(row, bibliography)
        row.merged_into = None
        store.remove_merge(work, row.id)
        revision, run = row.revision, row.run
    work.add(
        SplitRow(
            id=new_id("split"), review=sorting.review.review, record=split.record, out_of=split.out_of,
            evidence=list(why), run=sorting.run, split_by=work.actor, split_at=work.now,
        )
    )  # fmt: skip
    with work.following(split.record, None):
        work.emit(
            RecordSplit(
                review=sorting.review.review, record=split.record, out_of=split.out_of, revision=revision, run=run,
                bibliography=bibliography, evidence=list(why), brings=list(split.brings),
                by_citations=store.is_chase(work, run),
            )
        )  # fmt: skip


def _write_merger(work: Work, sorting: Sorting, merger: Merger, row: RecordRow) -> None:
    gone = sorting.before[row.id]
    into = sorting.before.get(merger.into, frozenset()) - gone
    why = sorting.why or reasons.met(sorting.gathered.comparisons, sorting.clusters, gone, into)
    store.absorb(work, row.id, merger.into)
    row.merged_into = merger.into
    row.revision += 1
    work.add(
        MergeRow(
            absorbed=row.id, review=row.review, into=merger.into, members=[list(key) for key in sorted(gone)],
            beside=[list(key) for key in sorted(into)], evidence=list(why), run=sorting.run, merged_by=work.actor,
            merged_at=work.now,
        )
    )  # fmt: skip
    with work.following(row.id, None):
        work.emit(
            RecordMerged(review=row.review, record=row.id, revision=row.revision, into=merger.into, evidence=list(why))
        )


def _hear_claims(work: Work, sorting: Sorting) -> None:
    for merger in sorting.identities.mergers:
        notices.move(work, merger.absorbed, merger.into)
    if not sorting.entered:
        return
    heard = [
        notices.Heard(sorting.homes[key], sorting.gathered.stored.get(key), entered.record)
        for key, entered in sorting.entered.items()
    ]
    entered = [entered.record for entered in sorting.entered.values()]
    keys = [key for record in entered for key in found_by(record.identifiers, record.title)]
    notices.hear_claims(work, sorting.review.review, heard, keys)
