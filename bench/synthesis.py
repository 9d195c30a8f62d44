"""The synthesis: what one arrival costs a review with few links or many, beside a full run over all of them."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.machine import look_for_garbage_as_the_platform
from services.synthesis.commands.drafts import resynthesise
from services.synthesis.commands.evidence import link_evidence
from services.synthesis.commands.history import mark_due
from services.synthesis.manifest import SERVICE
from services.synthesis.models import CmocRow, ReportRow, ReviewRow
from services.synthesis.reactions.reports import own_study
from shared.clock import SystemClock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.work import Work, unit_of_work
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.wire.synthesis import EvidenceGiven, FragmentGiven, LinkGiven

_REVIEW = "bench"

#: CMOCs, reports, and links of a fragment; fragments that are linked in one transaction.
CMOCS, _REPORTS, _LINKS, _AT_ONCE = 100, 2000, 5, 200

#: The reach: a full run's share that one arrival may take, and by how much more than its links a full run may grow.
LEAST, SCATTER = 1 / 20, 1.3

_TIMED = 9
_ELEMENTS = ("context", "resource", "reasoning", "outcome", "whole")
_STANCES = ("supports", "supports", "supports", "refines", "bounds", "supports", "inverse")


@dataclass(frozen=True, slots=True)
class Run:
    """With so many links: the seconds that one arrival takes to be taken in, and those of a full run, the medians; and
    the most memory that this process has had so far, in bytes."""

    links: int
    arrival: float
    full: float
    peak: int

    @property
    def share(self) -> float:
        """What one arrival takes of a full run."""
        return self.arrival / self.full


def measure(database: Database, settings: Settings, sizes: Sequence[int], tell: Callable[[int], None]) -> list[Run]:
    """Fills a review of 100 CMOCs to each of these numbers of links, and times what comes then."""
    migrate.upgrade(database, SERVICE)
    ring = open_ring(settings)

    def work() -> AbstractContextManager[Work]:
        return unit_of_work(
            database, service="synthesis", clock=SystemClock(), actor="bench", settings=settings, ring=ring,
            emits=tuple(SERVICE.emits),
        )  # fmt: skip

    _open(work)
    look_for_garbage_as_the_platform()
    fragments, there = _fragments(), 0
    measured: list[Run] = []
    for size in sizes:
        while there < size:
            with work() as coding:
                link_evidence(coding, _REVIEW, [next(fragments) for _ in range(_AT_ONCE)])
            there += _AT_ONCE * _LINKS
            tell(there)
        _settle(work)
        arrivals, full = [], []
        for _ in range(_TIMED):
            with work() as coding:
                link_evidence(
                    coding,
                    _REVIEW,
                    [next(fragments).model_copy(update={"links": [LinkGiven(cmoc="c1", element="outcome")]})],
                )
            arrivals.append(_settle(work))
            with work() as amended:
                mark_due(amended, _REVIEW, "bench", None)
            full.append(_settle(work))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        measured.append(Run(there, statistics.median(arrivals), statistics.median(full), peak))
    return measured


def reach(runs: Sequence[Run]) -> Iterator[tuple[str, bool]]:
    """What is to be reached, and whether it is."""
    last = runs[-1]
    yield f"one arrival takes at most a twentieth of a full run ({1 / last.share:.0f}th)", last.share <= LEAST
    if len(runs) > 1:
        first = runs[0]
        grown, more = last.full / first.full, last.links / first.links
        yield f"a full run grows as its links do ({more:.1f} times: {grown:.1f})", grown <= more * SCATTER


def _settle(work: Callable[[], AbstractContextManager[Work]]) -> float:
    began = time.perf_counter()
    with work() as settling:
        resynthesise(settling, _REVIEW)
    return time.perf_counter() - began


def _open(work: Callable[[], AbstractContextManager[Work]]) -> None:
    with work() as opening:
        today = opening.now.date()
        theories = [{"theory": "t", "heading": "Measured", "statement": "What is measured is done."}]
        opening.add(
            ReviewRow(
                review=_REVIEW, title="Measured", protocol_version=1, protocol_sha256="", theories=theories,
                publish_every_days=365, started_on=today, next_due=today,
            )
        )  # fmt: skip
        for number in range(CMOCS):
            words = {part: f"the {part} of configuration {number}" for part in _ELEMENTS[:4]}
            opening.add(CmocRow(review=_REVIEW, cmoc=f"c{number}", position=number, theory="t", lineage=[], **words))
        for number in range(_REPORTS):
            record = f"r{number}"
            opening.add(
                ReportRow(
                    review=_REVIEW, record=record, state="included", revision=1, study=own_study(_REVIEW, record),
                    correlation="bench",
                )
            )  # fmt: skip


def _fragments() -> Iterator[EvidenceGiven]:
    """Fragments, each with links to several CMOCs, of all elements and stances."""
    number = 0
    while True:
        fragment = FragmentGiven(locator=f"p. {number}", paraphrase=f"Measured {number}.", data_type="observation")
        links = [
            LinkGiven(
                cmoc=f"c{(number * 7 + at * 13) % CMOCS}", element=_ELEMENTS[(number + at) % 5],
                stance=_STANCES[(number + at) % 7], inference="inferred" if (number + at) % 3 else "explicit",
            )
            for at in range(_LINKS)
        ]  # fmt: skip
        yield EvidenceGiven(record=f"r{number % _REPORTS}", fragment=fragment, links=links)
        number += 1
