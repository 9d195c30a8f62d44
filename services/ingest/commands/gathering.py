"""Gathering: of a review's source records, those that some others may be one with, each compared with all that share a
telling key with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from services.ingest import store
from services.ingest.domain.clusters import COMMON, Comparisons, Ruling, SourceKey, telling
from services.ingest.domain.description import Contribution
from services.ingest.domain.matching import Citation, cite
from services.ingest.models import RulingRow
from services.ingest.ports.sources import port
from shared.db.work import Work


@dataclass
class Gathered:
    """What may change together: the source records `among`, closed under being one, as what they say now and as they
    are stored; and besides those that share a key with them."""

    comparisons: Comparisons = field(default_factory=Comparisons)
    among: set[SourceKey] = field(default_factory=set)
    rulings: dict[str, RulingRow] = field(default_factory=dict)
    contributions: dict[SourceKey, Contribution[port.SourceRecord]] = field(default_factory=dict)
    #: What those that came in anew said before.
    stored: dict[SourceKey, port.SourceRecord] = field(default_factory=dict)
    #: The record of each that is stored.
    before: dict[SourceKey, str] = field(default_factory=dict)

    @property
    def words(self) -> list[Ruling]:
        return [ruling_of(row) for row in self.rulings.values()]

    def members_before(self) -> dict[str, frozenset[SourceKey]]:
        """Each record as it was."""
        members: dict[str, set[SourceKey]] = {}
        for key, record in self.before.items():
            if key in self.among:
                members.setdefault(record, set()).add(key)
        return {record: frozenset(keys) for record, keys in members.items()}


def ruling_of(row: RulingRow) -> Ruling:
    one, other = (frozenset((source, source_id) for source, source_id in side) for side in (row.one, row.other))
    return Ruling(row.kind, one, other, row.id)


def gather(
    work: Work,
    review: str,
    seeds: Collection[SourceKey],
    fresh: Mapping[SourceKey, port.SourceRecord],
    run: str | None,
    *,
    new: Collection[SourceKey] = (),
    cited: Mapping[SourceKey, Citation] | None = None,
    holders: Mapping[str, set[SourceKey]] | None = None,
) -> Gathered:
    """Gathers around these source records; of the `fresh` ones, what they say now counts, and `run` brings those that
    are `new` and not stored yet. Some may be `cited` already, and who holds some keys be known; those that are not
    written yet must be."""
    found = Gathered(Comparisons(dict(cited or {})))
    held = dict(holders or {})
    records: set[str] = set()
    for key, record in fresh.items():
        _know(found, key, record, run or "")
    ahead = set(seeds)
    while ahead:
        found.among |= ahead
        _keep(found, store.kept(work, review, ahead - found.before.keys() - set(new)), fresh)
        homes = {found.before[key] for key in ahead if key in found.before} - records
        records |= homes
        together = _keep(found, store.kept_in(work, homes), fresh) if homes else set()
        standing = [row for row in store.rulings_about(work, review, ahead) if row.id not in found.rulings]
        found.rulings |= {row.id: row for row in standing}
        rulings = [ruling_of(row) for row in standing]
        together |= {key for ruling in rulings for united in ruling.united for key in united}
        named = {key for ruling in rulings for key in ruling.one | ruling.other}
        citations = [found.comparisons.citations[key] for key in ahead if key in found.comparisons.citations]
        wanted = {key for citation in citations for key in citation.keys} - held.keys()
        held |= telling(store.holders_of(work, review, wanted, COMMON + 1))
        beside = {each for citation in citations for key in citation.keys for each in held[key]}
        _keep(found, store.kept(work, review, (beside | named) - found.comparisons.citations.keys()), fresh)
        for citation in citations:
            _compare(found.comparisons, citation, {each for key in citation.keys for each in held[key]})
        together |= {other for key in ahead for other in found.comparisons.same_as(key)}
        ahead = together - found.among
    found.among &= found.comparisons.citations.keys()
    return found


def _keep(found: Gathered, rows: Iterable[store.Kept], fresh: Mapping[SourceKey, port.SourceRecord]) -> set[SourceKey]:
    """Takes in source records as they are stored; answers which they are."""
    keys = set()
    for row in rows:
        key = row.source, row.source_id
        keys.add(key)
        if key not in found.before:
            found.before[key] = row.record
            said = port.SourceRecord.model_validate(row.content)
            if key in fresh:
                found.stored[key] = said
            _know(found, key, fresh.get(key, said), row.run)
    return keys


def _know(found: Gathered, key: SourceKey, record: port.SourceRecord, run: str) -> None:
    found.contributions[key] = Contribution(record, run)
    if key not in found.comparisons.citations:
        found.comparisons.citations[key] = cite(record)


def _compare(comparisons: Comparisons, citation: Citation, others: Iterable[SourceKey]) -> None:
    for other in sorted(others):
        if other != citation.key and other in comparisons.citations:
            comparisons.compare(citation, comparisons.citations[other])
