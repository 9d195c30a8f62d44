"""Coverage: which sources and strategies bring a review's records, and what leaving one out would lose.

What one source alone brings is the usual measure of what a source is worth to a review (Bramer and others, Systematic
Reviews 2017;6:245).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from shared.wire.ingest import Coverage, Share


class Origin(NamedTuple):
    """That a watch brought a record, where that stands in screening, and the last stage that it passed."""

    record: str
    source: str
    watch: str
    standing: str
    stage: str | None


@dataclass
class _Counts:
    """What was counted for one source or watch."""

    all: Counter[str] = field(default_factory=Counter)
    only: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    only_passed: Counter[str] = field(default_factory=Counter)

    def count(self, origin: Origin, *, only: bool) -> None:
        for all_of, passed in ((self.all, self.passed), *([(self.only, self.only_passed)] if only else [])):
            all_of["records"] += 1
            all_of["included"] += origin.standing == "included"
            if origin.stage is not None:
                passed[origin.stage] += 1

    def share(self, name: str, source: str) -> Share:
        return Share(
            name=name, source=source, records=self.all["records"], only=self.only["records"],
            included=self.all["included"], only_included=self.only["included"], passed=dict(self.passed),
            only_passed=dict(self.only_passed),
        )  # fmt: skip


def coverage(
    review: str,
    found: Iterable[Origin],
    watches: Mapping[str, tuple[str, str]],
    *,
    since: date | None = None,
    until: date | None = None,
) -> Coverage:
    """Counts origins that come record by record; memory is bounded by the number of watches, which are given by their
    ids with the name of their strategy and their source."""
    by_source: dict[str, _Counts] = {}
    by_watch: dict[str, _Counts] = {}
    records = included = 0
    for _, each in groupby(found, key=attrgetter("record")):
        origins = list(each)
        records += 1
        included += origins[0].standing == "included"
        _count(by_source, origins[0], {origin.source for origin in origins})
        _count(by_watch, origins[0], {origin.watch for origin in origins})
    sources = {source for _, source in watches.values()} | by_source.keys()
    return Coverage(
        review=review, since=since, until=until, records=records, included=included,
        sources=_shares((name, name, by_source.get(name)) for name in sources),
        strategies=_shares((name, source, by_watch.get(watch)) for watch, (name, source) in watches.items()),
    )  # fmt: skip


def _count(counts: dict[str, _Counts], origin: Origin, names: Collection[str]) -> None:
    for name in names:
        counts.setdefault(name, _Counts()).count(origin, only=len(names) == 1)


def _shares(counted: Iterable[tuple[str, str, _Counts | None]]) -> list[Share]:
    """The most included first."""
    shares = [(counts or _Counts()).share(name, source) for name, source, counts in counted]
    return sorted(shares, key=lambda share: (-share.included, -share.records, share.name))
