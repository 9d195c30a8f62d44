"""Which source records make one canonical record: a function of what they say and of what people decided, of nothing
else, so that neither the order in which sources are pulled nor the size of a page changes what is merged.

- What shares a key is compared, unless more than COMMON source records of the review hold it.
- Whatever is the same by an identifier, or by a person's word, is one; this gives *works*.
- Works that are the same by their description alone are one where that tells them apart from others: it does not where
  two sources or more each have several works among those that look alike. Then none is merged, and a person is asked.
- A person's word outranks all of this, the newest the older ones. Where it keeps two apart, what would bring them
  together through others does so as far as it can, identifiers first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from services.ingest.domain.matching import Citation, Decision, decide
from shared.events.protocol import ADDED, FILES
from shared.states import States
from shared.wire.ingest import PairState, RulingKind

#: A key that more source records than this hold tells nothing: a common title, or the DOI of a whole supplement.
COMMON = 30

#: A team's own files, and what it adds by hand, may hold a work twice, so that such a source keeps nothing apart.
_OWN = (FILES, ADDED)

#: Why works that look alike are not merged.
TORN = "several sources each have more than one work of this description, which nothing tells apart"

#: What a person may rule: that all are one, that none is with the others, or that and each side is one.
ONE: Final[RulingKind] = "same"
APART: Final[RulingKind] = "apart"
SPLIT: Final[RulingKind] = "split"

SourceKey = tuple[str, str]
Edge = tuple[SourceKey, SourceKey]


def telling(holders: Mapping[str, set[SourceKey]]) -> dict[str, set[SourceKey]]:
    """Who holds each key; nobody one that is common."""
    return {key: ones if len(ones) <= COMMON else set() for key, ones in holders.items()}


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
        (DIFFERENT, DIFFERENT): "a person says so again",
        (DIFFERENT, SAME): "a person says so after all",
        (DIFFERENT, OPEN): "the person's word is taken back",
        (SAME, OPEN): "what made them one is so no more",
        (SAME, DIFFERENT): "a person parts them",
    }


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decided about source records: all of them are one (`same`), none of `one` is with any of `other`
    (`apart`), or both that and each side is one (`split`). The newest is the one with the highest `rank`."""

    kind: RulingKind
    one: frozenset[SourceKey]
    other: frozenset[SourceKey]
    rank: str

    @property
    def united(self) -> list[list[SourceKey]]:
        """Those that it makes one, in an order that is always the same."""
        if self.kind == ONE:
            return [sorted(self.one | self.other)]
        return [sorted(self.one), sorted(self.other)] if self.kind == SPLIT else []


@dataclass
class Comparisons:
    """Citations, and what came of comparing those that share a telling key."""

    citations: dict[SourceKey, Citation] = field(default_factory=dict)
    decisions: dict[Edge, Decision] = field(default_factory=dict)
    beside: defaultdict[SourceKey, set[SourceKey]] = field(default_factory=lambda: defaultdict(set))

    def compare(self, one: Citation, other: Citation) -> Decision:
        """Compares two, once."""
        edge = edge_of(one.key, other.key)
        if (decision := self.decisions.get(edge)) is None:
            decision = self.decisions[edge] = decide(one, other)
            self.citations[one.key], self.citations[other.key] = one, other
            self.beside[one.key].add(other.key)
            self.beside[other.key].add(one.key)
        return decision

    def same_as(self, key: SourceKey) -> Iterator[SourceKey]:
        """Those that a citation is the same as by itself."""
        for other in self.beside[key]:
            if self.decisions[edge_of(key, other)].verdict == "same":
                yield other


def edge_of(one: SourceKey, other: SourceKey) -> Edge:
    return (one, other) if one < other else (other, one)


def compared(citations: Iterable[Citation]) -> Comparisons:
    """Compares all that share a key which is not common."""
    found = Comparisons()
    holders: defaultdict[str, list[Citation]] = defaultdict(list)
    for citation in {citation.key: citation for citation in citations}.values():
        found.citations[citation.key] = citation
        for key in citation.keys:
            holders[key].append(citation)
    for group in holders.values():
        if len(group) <= COMMON:
            for one, other in combinations(group, 2):
                found.compare(one, other)
    return found


@dataclass(frozen=True, slots=True)
class Clusters:
    """What makes one record each, in the order of their first members; the edges that hold each source record in its
    cluster, and those by description that tell nothing."""

    members: list[frozenset[SourceKey]]
    home: Mapping[SourceKey, int]
    held_by: Mapping[SourceKey, Collection[Edge]]
    torn: Collection[Edge]


def clusters(comparisons: Comparisons, among: Collection[SourceKey], rulings: Iterable[Ruling] = ()) -> Clusters:
    """Sorts source records into clusters. `among` must hold with each one all that are the same as it, by itself or by
    a person's word, and these citations must have been compared with all that share a telling key with them."""
    union = _Union(among)
    for ruling in sorted(rulings, key=lambda ruling: ruling.rank, reverse=True):
        union.heed(ruling)
    same = sorted(
        edge
        for edge, decision in comparisons.decisions.items()
        if decision.verdict == "same" and edge[0] in union.root and edge[1] in union.root
    )
    # Where a person keeps some apart, those come together first of which no identifier says otherwise.
    named = [edge for edge in same if comparisons.decisions[edge].by_identifier]
    for edge in sorted(named, key=lambda edge: comparisons.decisions[edge].contradicted):
        union.unite(edge)
    described = [edge for edge in same if not comparisons.decisions[edge].by_identifier]
    torn = _torn(described, union)
    for edge in described:
        if edge not in torn:
            union.unite(edge)
    members = [frozenset(union.members[root]) for root in sorted(union.members, key=lambda it: min(union.members[it]))]
    home = {key: number for number, cluster in enumerate(members) for key in cluster}
    return Clusters(members, home, union.held_by, torn)


class _Union:
    """Sets of source records that are united edge by edge, except where a person keeps members of them apart."""

    def __init__(self, keys: Iterable[SourceKey]) -> None:
        self.root = {key: key for key in keys}
        self.members: dict[SourceKey, set[SourceKey]] = {key: {key} for key in self.root}
        self.foes: defaultdict[SourceKey, set[SourceKey]] = defaultdict(set)
        self.held_by: defaultdict[SourceKey, list[Edge]] = defaultdict(list)

    def heed(self, ruling: Ruling) -> None:
        """Follows a person's word as far as newer ones allow."""
        if ruling.kind != ONE:
            for one in ruling.one & self.root.keys():
                for other in ruling.other & self.root.keys():
                    if self.root[one] != self.root[other]:
                        self.foes[one].add(other)
                        self.foes[other].add(one)
        for united in ruling.united:
            present = [key for key in united if key in self.root]
            for key in present[1:]:
                self.unite((present[0], key))

    def unite(self, edge: Edge) -> None:
        into, gone = self.root[edge[0]], self.root[edge[1]]
        if into == gone:
            return
        if len(self.members[into]) < len(self.members[gone]):
            into, gone = gone, into
        if self.foes and any(not self.foes[key].isdisjoint(self.members[into]) for key in self.members[gone]):
            return
        for key in self.members[gone]:
            self.root[key] = into
        self.members[into] |= self.members.pop(gone)
        self.held_by[edge[0]].append(edge)
        self.held_by[edge[1]].append(edge)


def _torn(described: Collection[Edge], union: _Union) -> set[Edge]:
    """The edges by description that tell nothing: among the works that look like either end, each of two sources has
    more than one."""
    alike: defaultdict[SourceKey, set[SourceKey]] = defaultdict(set)
    for one, other in described:
        left, right = union.root[one], union.root[other]
        if left != right:
            alike[left].add(right)
            alike[right].add(left)
    sources = {root: {source for source, _ in union.members[root]} for root in alike}
    torn, known = set(), dict[Edge, bool]()
    for edge in described:
        works = edge_of(union.root[edge[0]], union.root[edge[1]])
        if works not in known:
            near = alike[works[0]] | alike[works[1]]
            known[works] = works[0] != works[1] and _keep_several(sources[work] for work in near) > 1
        if known[works]:
            torn.add(edge)
    return torn


def _keep_several(works: Iterable[set[str]]) -> int:
    """How many sources have more than one of these works, of which the sources are given."""
    seen, several = set[str](), set[str]()
    for sources in works:
        own = {source for source in sources if not source.startswith(_OWN)}
        several |= seen & own
        seen |= own
    return len(several)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two source records of two clusters that might be one, or hang together by a `relation`, and why."""

    one: SourceKey
    other: SourceKey
    evidence: tuple[str, ...]
    relation: str | None


def doubts(comparisons: Comparisons, found: Clusters) -> Iterator[Doubt]:
    """What comparing leaves open or relates, of clusters with one another and with what lies beside them, in the order
    of the source records."""
    for edge in sorted(comparisons.decisions):
        one, other = edge
        near, far = found.home.get(one), found.home.get(other)
        if near == far:
            continue
        decision = comparisons.decisions[edge]
        # One that may be the same after all is for a person, whatever else it may be beside the other.
        if decision.relation is not None and decision.verdict == "different":
            yield Doubt(one, other, decision.evidence, decision.relation)
        elif edge in found.torn:
            yield Doubt(one, other, (*decision.evidence, TORN), None)
        elif decision.verdict != "different":
            yield Doubt(one, other, decision.evidence, None)
