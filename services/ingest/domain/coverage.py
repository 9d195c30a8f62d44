"""Coverage: which sources and strategies bring a review's records, and what leaving one out would lose.

What one source alone brings is the usual measure of what a source is worth to a review (Bramer and others, Systematic
Reviews 2017;6:245).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from shared.wire.ingest import Coverage, Share

#: The first and the last day of a time, both included; None where it is open.
Days = tuple[date | None, date | None]


class Brought(NamedTuple):
    """How many records a source or a watch (`kind`, `name`) brought that passed `stage` last, of how many it was the
    only one; or how many there are in all."""

    kind: str
    name: str
    stage: str | None
    records: int
    included: int
    only: int
    only_included: int


def coverage(
    review: str,
    days: Days,
    brought: Sequence[Brought],
    watches: Mapping[str, tuple[str, str]],
) -> Coverage:
    """What was counted, as shares; `watches` has by its id the name of each strategy and its source."""
    every = [one for one in brought if one.kind == "all"]
    sources = {source: (source, source) for _, source in watches.values()}
    return Coverage(
        review=review, since=days[0], until=days[1], records=sum(one.records for one in every),
        included=sum(one.included for one in every),
        sources=_shares(sources, "source", brought), strategies=_shares(watches, "watch", brought),
    )  # fmt: skip


def _shares(named: Mapping[str, tuple[str, str]], kind: str, brought: Iterable[Brought]) -> list[Share]:
    """One for each that is named, the most included first."""
    shares = {
        who: Share(
            name=name, source=source, records=0, only=0, included=0, only_included=0, passed={}, only_passed={}
        )
        for who, (name, source) in named.items()
    }  # fmt: skip
    for one in brought:
        if one.kind != kind or (share := shares.get(one.name)) is None:
            continue
        share.records += one.records
        share.only += one.only
        share.included += one.included
        share.only_included += one.only_included
        if one.stage is not None:
            share.passed[one.stage] = one.records
            if one.only:
                share.only_passed[one.stage] = one.only
    return sorted(shares.values(), key=lambda share: (-share.included, -share.records, share.name))
