"""Pairs of records that a person is asked about, and records that hang together: as comparing leaves them now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.ingest import store
from services.ingest.commands.gathering import Gathered, ruling_of
from services.ingest.domain.clusters import ONE, Clusters, PairStates, SourceKey, doubts
from services.ingest.domain.identities import Identities
from services.ingest.models import DuplicateRow, RelationRow, RulingRow
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


def _kept_apart(gathered: Gathered, homes: Mapping[SourceKey, str]) -> dict[Pair, RulingRow]:
    """The pairs of records that a person keeps apart, each by the newest ruling that does; where a newer word makes
    them one there is no pair."""
    apart: dict[Pair, RulingRow] = {}
    for row in sorted(gathered.rulings.values(), key=lambda row: row.id):
        ruling = ruling_of(row)
        if ruling.kind != ONE:
            ones, others = (
                {homes.get(key) or gathered.before.get(key, "") for key in side} for side in (ruling.one, ruling.other)
            )
            apart |= {(min(one, other), max(one, other)): row for one in ones for other in others}
    return apart


def _settle(
    work: Work,
    known: dict[Pair, DuplicateRow],
    absorbed: Collection[str],
    asked: Collection[Pair],
    apart: Mapping[Pair, RulingRow],
) -> None:
    """Settles the pairs that are one record now, or are two again by a person's word, lets a pair follow its records
    into a merger, asks again about those whose answer was taken back, and takes away those that are not to be asked
    about any more."""
    same = {record for pair, row in known.items() if row.state == PairStates.SAME for record in pair}
    into = {row.id: row.merged_into or row.id for row in store.records(work, {*absorbed, *same}).values()}
    follow: list[tuple[Pair, DuplicateRow]] = []
    for pair, row in sorted(known.items()):
        one, other = (into.get(record, record) for record in pair)
        if one == other:
            if row.state != PairStates.SAME:
                PairStates.turn(row, PairStates.SAME)
                row.decided_by, row.decided_at = work.actor, work.now
            continue
        lives = (min(one, other), max(one, other))
        if row.state == PairStates.SAME and lives in apart:
            _part(row, apart[lives])
        elif row.state != PairStates.OPEN and lives in asked:
            _ask_again(row)
        stays = lives in (apart if row.state == PairStates.DIFFERENT else asked)
        if not stays or lives != pair:
            del known[pair]
        if not stays:
            store.remove_pair(work, row)
        elif lives != pair:
            follow.append((lives, row))
    # What a person said of two records goes before what is only asked about them.
    for lives, row in sorted(follow, key=lambda each: each[1].state != PairStates.DIFFERENT):
        if lives in known:
            store.remove_pair(work, row)
        else:
            known[lives] = row
    # Two records are one pair at any moment: it is free before another one comes to be it.
    work.session.flush()
    for lives, row in follow:
        if known[lives] is row:
            row.first, row.second = lives


def _part(row: DuplicateRow, ruling: RulingRow) -> None:
    """A person has parted what was one."""
    PairStates.turn(row, PairStates.DIFFERENT)
    row.decided_by, row.decided_at, row.reason = ruling.decided_by, ruling.decided_at, ruling.reason


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
