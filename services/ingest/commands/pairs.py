"""Pairs of records that a person is asked about, and records that hang together: as comparing leaves them now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.ingest import store
from services.ingest.commands.gathering import Gathered
from services.ingest.domain.clusters import ONE, Clusters, PairStates, SourceKey, doubts
from services.ingest.domain.identities import Identities
from services.ingest.models import DuplicateRow, RelationRow
from shared.db.work import Work
from shared.events.ingest import RecordRelated
from shared.ids import new_id

Pair = tuple[str, str]


def write_pairs(
    work: Work,
    review: str,
    run: str | None,
    gathered: Gathered,
    clusters: Clusters,
    records: Mapping[str, Collection[SourceKey]],
    identities: Identities,
) -> int:
    """Asks about pairs of records that might be one, and asks no more about those of which nothing says so now; tells
    how records hang together. Answers how many pairs are new."""
    homes = {key: record for record, members in records.items() for key in members}
    apart = _kept_apart(gathered, homes)
    asked, related = _found(gathered, clusters, homes, apart)
    absorbed = [merger.absorbed for merger in identities.mergers]
    # Of what is new nothing is known.
    touched = {*records, *absorbed} - identities.fresh
    known = {(row.first, row.second): row for row in store.pairs_of(work, touched)}
    _settle(work, known, absorbed, asked, apart)
    work.session.flush()
    fresh = [pair for pair in asked if pair not in known]
    for first, second in fresh:
        work.add(
            DuplicateRow(
                id=new_id("dup"), review=review, first=first, second=second, evidence=list(asked[first, second]),
                run=run, opened_at=work.now,
            )
        )  # fmt: skip
    _relate(work, review, related, touched)
    return len(fresh)


def _found(
    gathered: Gathered, clusters: Clusters, homes: Mapping[SourceKey, str], apart: Collection[Pair]
) -> tuple[dict[Pair, tuple[str, ...]], dict[tuple[str, str, str], tuple[str, ...]]]:
    """What is to be asked about pairs of records, and how records hang together; each with the first reason."""
    asked: dict[Pair, tuple[str, ...]] = {}
    related: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for doubt in doubts(gathered.comparisons, clusters):
        one = homes.get(doubt.one) or gathered.before[doubt.one]
        other = homes.get(doubt.other) or gathered.before[doubt.other]
        if one == other:
            continue
        first, second = sorted((one, other))
        if doubt.relation is not None:
            related.setdefault((first, second, doubt.relation), doubt.evidence)
        elif (first, second) not in apart:
            asked.setdefault((first, second), doubt.evidence)
    for first, second, _ in related:
        asked.pop((first, second), None)
    return asked, related


def _kept_apart(gathered: Gathered, homes: Mapping[SourceKey, str]) -> set[Pair]:
    """The pairs of records that a person keeps apart; where a newer word makes them one there is no pair."""
    apart: set[Pair] = set()
    for ruling in gathered.words:
        if ruling.kind != ONE:
            ones, others = (
                {homes.get(key) or gathered.before.get(key, "") for key in side} for side in (ruling.one, ruling.other)
            )
            apart |= {(min(one, other), max(one, other)) for one in ones for other in others}
    return apart


def _settle(
    work: Work,
    known: dict[Pair, DuplicateRow],
    absorbed: Collection[str],
    asked: Collection[Pair],
    apart: Collection[Pair],
) -> None:
    """Settles the pairs that are one record now, lets a pair follow its records into a merger, asks again about those
    whose answer was taken back, and takes away those that are not to be asked about any more."""
    into = {row.id: row.merged_into or row.id for row in store.records(work, absorbed).values()}
    for pair, row in sorted(known.items()):
        one, other = (into.get(record, record) for record in pair)
        moved = (min(one, other), max(one, other))
        stays = apart if row.state == PairStates.DIFFERENT else asked
        if row.state == PairStates.SAME:
            if pair in asked:
                _ask_again(row)
        elif one == other:
            PairStates.turn(row, PairStates.SAME)
            row.decided_by, row.decided_at = work.actor, work.now
        elif row.state == PairStates.DIFFERENT and pair in asked:
            _ask_again(row)
        elif moved not in stays or (moved != pair and moved in known):
            del known[pair]
            store.remove_pair(work, row)
        elif moved != pair:
            del known[pair]
            known[moved] = row
            row.first, row.second = moved


def _ask_again(row: DuplicateRow) -> None:
    """Nothing settles a pair any more."""
    PairStates.turn(row, PairStates.OPEN)
    row.decided_by = row.decided_at = row.reason = None


def _relate(
    work: Work, review: str, related: Mapping[tuple[str, str, str], tuple[str, ...]], touched: Iterable[str]
) -> None:
    known = {(row.first, row.second, row.kind): row for row in store.relations_of(work, touched)}
    for key, row in known.items():
        if key not in related:
            store.remove_relation(work, row)
            _tell(work, row, holds=False)
    for key, evidence in related.items():
        if key not in known:
            first, second, kind = key
            row = RelationRow(
                first=first, second=second, kind=kind, review=review, evidence=list(evidence), found_at=work.now
            )
            _tell(work, work.add(row), holds=True)


def _tell(work: Work, row: RelationRow, *, holds: bool) -> None:
    with work.following(row.first, None):
        work.emit(
            RecordRelated(
                review=row.review, record=row.first, other=row.second, kind=row.kind, evidence=row.evidence,
                holds=holds,
            )
        )  # fmt: skip
