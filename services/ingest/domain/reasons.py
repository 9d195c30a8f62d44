"""Why source records are one record, and why they are so no more, in sentences for people."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from services.ingest.domain.clusters import COMMON, TORN, Clusters, Comparisons, Edge, SourceKey, edge_of

#: Of what no comparison made one.
_BY_PERSON = "a person decided that they are one"

#: Why source records of one record are compared no more.
_TOO_COMMON = f"what they have in common more than {COMMON} source records have, so that it tells nothing"
_CHANGED = "what their sources say of them now does not make them one"


def joined(comparisons: Comparisons, found: Clusters, key: SourceKey) -> tuple[str, ...]:
    """Why a source record is in its cluster: by what it is the same as another one there, identifiers first."""
    edges = found.held_by.get(key, ())
    return _of_edge(comparisons, min(edges, key=lambda edge: _weight(comparisons, edge))) if edges else ()


def met(
    comparisons: Comparisons, found: Clusters, gone: Collection[SourceKey], into: Collection[SourceKey]
) -> tuple[str, ...]:
    """Why two records turned out to be one: what holds them together, and who stands between them."""
    path = _path(found, gone, into)
    if not path:
        return (_BY_PERSON,)
    between = [key for edge in path for key in edge if key not in gone and key not in into]
    through = [f"{source} {source_id} belongs to both" for source, source_id in between[:1]]
    return (*through, *_of_edge(comparisons, path[0]))


def parted(
    comparisons: Comparisons, found: Clusters, gone: Collection[SourceKey], left: Collection[SourceKey]
) -> tuple[str, ...]:
    """Why a record is two now, by what sources say."""
    between = [edge_of(one, other) for one in gone for other in left]
    known = sorted(edge for edge in between if edge in comparisons.decisions)
    if not known:
        return (_TOO_COMMON,) if _share_a_key(comparisons, gone, left) else (_CHANGED,)
    if any(edge in found.torn for edge in known):
        return (TORN,)
    return (_CHANGED, *comparisons.decisions[known[0]].evidence)


def _share_a_key(comparisons: Comparisons, gone: Collection[SourceKey], left: Collection[SourceKey]) -> bool:
    held = [set[str]().union(*(comparisons.citations[key].keys for key in side)) for side in (gone, left)]
    return not held[0].isdisjoint(held[1])


def _of_edge(comparisons: Comparisons, edge: Edge) -> tuple[str, ...]:
    decision = comparisons.decisions.get(edge_of(*edge))
    return decision.evidence if decision is not None and decision.verdict == "same" else (_BY_PERSON,)


def _weight(comparisons: Comparisons, edge: Edge) -> tuple[bool, Edge]:
    decision = comparisons.decisions.get(edge_of(*edge))
    return not (decision is not None and decision.by_identifier), edge


def _path(found: Clusters, gone: Collection[SourceKey], into: Collection[SourceKey]) -> list[Edge]:
    """The edges by which the ones are tied to the others, the first of them at the ones."""
    reached: dict[SourceKey, list[Edge]] = {key: [] for key in sorted(gone)}
    ahead = deque(reached)
    while ahead:
        key = ahead.popleft()
        for edge in sorted(found.held_by.get(key, ())):
            other = edge[1] if edge[0] == key else edge[0]
            if other not in reached:
                reached[other] = [*reached[key], edge]
                if other in into:
                    return reached[other]
                ahead.append(other)
    return []
