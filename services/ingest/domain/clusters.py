"""Which source records make one canonical record: those that are the same as one another, directly or through others.

A record is a connected component of `same`, so that neither the order in which sources are pulled nor the
size of a page changes what is merged. What a person decided about two records stands above it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from services.ingest.domain.matching import Citation, Decision, decide
from shared.states import States
from shared.wire.ingest import PairState

#: A key that more records than this hold tells nothing: a common title, or the DOI of a whole supplement.
COMMON = 30

SourceKey = tuple[str, str]
Pair = frozenset[str]
Known = TypeVar("Known")


class PairStates(States[PairState]):
    """Two records that might be one."""

    OPEN: Final = "open"
    SAME: Final = "same"
    DIFFERENT: Final = "different"

    what = "pair"
    moves = {
        (None, OPEN): "matching leaves it to a person",
        (OPEN, SAME): "a person says so, or other evidence makes them one",
        (OPEN, DIFFERENT): "a person says so",
        (DIFFERENT, DIFFERENT): "a person says so again, or of the record it was merged with",
        (DIFFERENT, SAME): "a person says so after all",
    }


@dataclass(frozen=True, slots=True)
class Merger:
    """A record that turned out to be another, older one, and why."""

    absorbed: str
    into: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a source record went: into a `new` record, or into one that was there, with the evidence for it."""

    record: str
    new: bool
    evidence: tuple[str, ...]


@dataclass
class Pool:
    """The records of a review that may matter to some source records.

    `members` are each record's citations by source and id there, `pairs` what is known of two records that
    might be one: `open` (a person should look) or `different` (a person has said so); `common` are the keys
    that too many records hold. Record ids sort by age. `mergers` and `doubts` are what came of it.
    """

    members: dict[str, dict[SourceKey, Citation]] = field(default_factory=dict)
    homes: dict[SourceKey, str] = field(default_factory=dict)
    pairs: dict[Pair, str] = field(default_factory=dict)
    common: set[str] = field(default_factory=set)
    mergers: list[Merger] = field(default_factory=list)
    doubts: dict[Pair, tuple[str, ...]] = field(default_factory=dict)
    _holders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def know(self, record: str, citations: Iterable[Citation]) -> None:
        """Takes in a record as it is stored."""
        for citation in citations:
            self._put(record, citation)

    def assign(self, citation: Citation, new_id: Callable[[], str]) -> Assignment:
        """Finds the record of a citation, unless it has one already, and merges what it shows to be one.

        The record may be absorbed by a later merger: `homes` tells where each citation is in the end.
        """
        home = self.homes.get(citation.key)
        same, maybe = self._compare(citation, home)
        joined = sorted(same, key=lambda record: (not same[record].by_identifier, record))
        new = home is None and not joined
        record = home or (joined[0] if joined else new_id())
        evidence = same[record].evidence if record in same else ()
        self._put(record, citation)
        for other in joined:
            through = f"{citation.source} {citation.source_id} belongs to both"
            record = self._unite(record, other, (through, *same[other].evidence))
        for other, decision in maybe.items():
            self._doubt(record, other, decision.evidence)
        return Assignment(record, new, evidence)

    def home(self, record: str) -> str:
        """The record that one lives on in, itself if it was not absorbed."""
        for merger in self.mergers:
            if merger.absorbed == record:
                record = merger.into
        return record

    def merge(self, one: str, other: str, evidence: tuple[str, ...]) -> str:
        """Makes two records one: the older takes in the younger. Gives the older back."""
        into, absorbed = sorted((one, other))
        for citation in self.members.pop(absorbed).values():
            self._put(into, citation)
            for key in citation.keys:
                self._holders[key].discard(absorbed)
        self.mergers.append(Merger(absorbed, into, evidence))
        self.pairs = _moved(self.pairs, absorbed, into)
        self.doubts = {pair: why for pair, why in _moved(self.doubts, absorbed, into).items() if pair not in self.pairs}
        return into

    def _compare(self, citation: Citation, home: str | None) -> tuple[dict[str, Decision], dict[str, Decision]]:
        """The other records that are the same by some member, and those that might be; each with its decision."""
        same: dict[str, Decision] = {}
        maybe: dict[str, Decision] = {}
        for record, member in self._rivals(citation):
            if record == home:
                continue
            decision = decide(citation, member)
            if decision.verdict == "same" and (record not in same or decision.by_identifier):
                same[record] = decision
            elif decision.verdict == "maybe":
                maybe.setdefault(record, decision)
        return same, {record: decision for record, decision in maybe.items() if record not in same}

    def _rivals(self, citation: Citation) -> Iterator[tuple[str, Citation]]:
        """Every member that shares a key which is not a common one."""
        keys = {key for key in citation.keys - self.common if len(self._holders.get(key, ())) <= COMMON}
        for record in sorted({record for key in keys for record in self._holders.get(key, ())}):
            for key in sorted(self.members[record]):
                member = self.members[record][key]
                if key != citation.key and not keys.isdisjoint(member.keys):
                    yield record, member

    def _put(self, record: str, citation: Citation) -> None:
        self.members.setdefault(record, {})[citation.key] = citation
        self.homes[citation.key] = record
        for key in citation.keys:
            self._holders[key].add(record)

    def _unite(self, record: str, other: str, evidence: tuple[str, ...]) -> str:
        if other == record or self.pairs.get(Pair((record, other))) == PairStates.DIFFERENT:
            return record
        return self.merge(record, other, evidence)

    def _doubt(self, record: str, other: str, evidence: tuple[str, ...]) -> None:
        pair = Pair((record, other))
        if other in self.members and other != record and pair not in self.pairs:
            self.doubts.setdefault(pair, evidence)


def _moved(pairs: Mapping[Pair, Known], absorbed: str, into: str) -> dict[Pair, Known]:
    """What is known of pairs after a merger; of two pairs that become one, a person's word stands."""
    moved: dict[Pair, Known] = {}
    for pair, known in pairs.items():
        if absorbed in pair:
            pair = (pair - {absorbed}) | {into}
        if len(pair) == 2 and moved.get(pair) != PairStates.DIFFERENT:
            moved[pair] = known
    return moved
