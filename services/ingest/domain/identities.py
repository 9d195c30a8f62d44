"""Which record each cluster of source records is, after what these were in before: ids outlive mergers, and come back
where what they stood for is parted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.ingest.domain.clusters import SourceKey


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A record that was absorbed: the record it lives on in, the source records that it had then, and those that the
    other one had, where that absorbed it by itself."""

    record: str
    lives_in: str
    members: frozenset[SourceKey]
    beside: frozenset[SourceKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Merger:
    """A record that turned out to be another, older one."""

    absorbed: str
    into: str


@dataclass(frozen=True, slots=True)
class Split:
    """A record that was parted from another: a new one, or one that was absorbed and comes back with those absorbed in
    it (`brings`)."""

    record: str
    out_of: str
    is_back: bool
    brings: tuple[str, ...]


@dataclass
class Identities:
    """The record of each cluster, in the order of the clusters, and what became of records."""

    records: list[str]
    fresh: set[str] = field(default_factory=set)
    mergers: list[Merger] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)


def identify(
    clusters: Sequence[Collection[SourceKey]],
    before: Mapping[SourceKey, str],
    absorbed: Collection[Absorbed],
    parted: Collection[SourceKey],
    new_id: Callable[[], str],
) -> Identities:
    """Finds the record of each cluster.

    A record goes on where most of the source records are that it had before it absorbed others, and not with those that
    a person has parted from it; several that meet are the oldest of them (ids sort by age). What goes on nowhere comes
    back as the absorbed record that had most of it, or is a new one. The `absorbed` are given the first absorbed first.
    """
    shares = [Counter(before[key] for key in cluster if key in before) for cluster in clusters]
    kept = _kept(clusters, shares, before, absorbed, parted)
    holder = {record: number for number, records in enumerate(kept) for record in records}
    ids: dict[int, str] = {number: min(records) for number, records in enumerate(kept) if records}
    found = Identities([])
    back = _back(clusters, shares, absorbed, {number for number in range(len(clusters)) if number not in ids})
    for number in range(len(clusters)):
        if number not in ids:
            ids[number] = back[number].record if number in back else new_id()
            if number not in back:
                found.fresh.add(ids[number])
    found.records = [ids[number] for number in range(len(clusters))]
    for number, records in enumerate(kept):
        found.mergers += [Merger(record, ids[number]) for record in sorted(records - {ids[number]})]
    for number, share in enumerate(shares):
        if share and not kept[number]:
            out_of = ids[holder[max(sorted(share), key=share.__getitem__)]]
            brings = _brought(clusters[number], share, absorbed, ids[number])
            found.splits.append(Split(ids[number], out_of, number in back, brings))
    return found


def _kept(
    clusters: Sequence[Collection[SourceKey]],
    shares: Sequence[Counter[str]],
    before: Mapping[SourceKey, str],
    absorbed: Collection[Absorbed],
    parted: Collection[SourceKey],
) -> list[set[str]]:
    """The records that go on in each cluster."""
    own: dict[str, frozenset[SourceKey]] = {}
    for one in absorbed:
        if one.beside:
            own.setdefault(one.lives_in, one.beside)
    kept: list[set[str]] = [set() for _ in clusters]
    out = [{before[key] for key in cluster if key in parted and key in before} for cluster in clusters]
    for record in sorted({record for share in shares for record in share}):
        holding = [number for number, share in enumerate(shares) if record in share]
        staying = [number for number in holding if record not in out[number]] or holding
        its = own.get(record, frozenset())
        weigh = {number: (len(its.intersection(clusters[number])), shares[number][record]) for number in staying}
        kept[max(staying, key=weigh.__getitem__)].add(record)
    return kept


def _back(
    clusters: Sequence[Collection[SourceKey]],
    shares: Sequence[Counter[str]],
    absorbed: Collection[Absorbed],
    homeless: Collection[int],
) -> dict[int, Absorbed]:
    """The absorbed records that come back, each once: those that had most of a cluster first, then the oldest."""
    offers = [
        (-len(one.members.intersection(clusters[number])), one.record, number, one)
        for number in homeless
        for one in absorbed
        if one.lives_in in shares[number] and not one.members.isdisjoint(clusters[number])
    ]
    back: dict[int, Absorbed] = {}
    for _, _, number, one in sorted(offers, key=lambda offer: offer[:3]):
        if number not in back and one not in back.values():
            back[number] = one
    return back


def _brought(
    cluster: Collection[SourceKey], share: Mapping[str, int], absorbed: Collection[Absorbed], record: str
) -> tuple[str, ...]:
    """The other absorbed records that had more of a parted cluster than of what it was parted from."""
    return tuple(
        sorted(
            one.record
            for one in absorbed
            if one.record != record
            and one.lives_in in share
            and 2 * len(one.members.intersection(cluster)) > len(one.members)
        )
    )
