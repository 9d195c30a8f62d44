"""Arrivals: what one more record costs a review that has few or many, beside a bare commit of one row in the same
database.

Each arrival is what a pull does with a page of one record: it is compared, sorted in, written and told, in one
transaction. Every other one is of a work that is there already.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count, islice

from sqlalchemy import text

from bench.machine import look_for_garbage_as_the_platform
from services.ingest.jobs.runs import take_page
from services.ingest.manifest import SERVICE
from services.ingest.models import ReviewRow, RunRow, WatchRow
from services.ingest.ports.sources.port import Page, SourceRecord
from shared.clock import SystemClock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.work import Work, unit_of_work
from shared.events.values import Identifiers
from shared.ids import id_of, new_id
from shared.keys.file import open_ring
from shared.settings import Settings

_REVIEW, _SOURCE = "bench", "openalex"

#: Records of a page while the review is filled, and arrivals that are timed.
_AT_ONCE, _TIMED = 1000, 60


@dataclass(frozen=True, slots=True)
class Arrival:
    """With so many records in the review: the seconds one more takes, and those of a bare commit, the medians; and the
    most memory that this process has had so far, in bytes."""

    records: int
    seconds: float
    bare: float
    peak: int

    @property
    def commits(self) -> float:
        """How many bare commits one more record takes."""
        return self.seconds / self.bare


class _Source:
    """All that taking a page in asks of a source."""

    name, slack, datings = _SOURCE, 0.0, ("came",)


def measure(
    database: Database, settings: Settings, sizes: tuple[int, ...], tell: Callable[[int], None]
) -> list[Arrival]:
    """Fills a review to each of these sizes, and times what comes then."""
    migrate.upgrade(database, SERVICE)
    ring = open_ring(settings)

    def work() -> AbstractContextManager[Work]:
        return unit_of_work(
            database, service="ingest", clock=SystemClock(), actor="bench", settings=settings, ring=ring,
            emits=tuple(SERVICE.emits),
        )  # fmt: skip

    run = _open(work)
    look_for_garbage_as_the_platform()
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (id VARCHAR PRIMARY KEY, said VARCHAR NOT NULL)"))
    records, pages, there = _records(), count(), 0
    measured: list[Arrival] = []
    for size in sizes:
        while there < size:
            page = list(islice(records, min(_AT_ONCE, size - there)))
            with work() as filling:
                _take(filling, run, next(pages), page)
            there += len(page)
            tell(there)
        taken, bare = [], []
        for turn in range(_TIMED):
            began = time.perf_counter()
            with work() as arriving:
                _take(arriving, run, next(pages), [next(records) if turn % 2 else _again(turn * 7 % size)])
            taken.append(time.perf_counter() - began)
            began = time.perf_counter()
            with database.engine.begin() as connection:
                connection.execute(text("INSERT INTO bare VALUES (:id, 'a row')"), {"id": new_id("bare")})
            bare.append(time.perf_counter() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        measured.append(Arrival(size, statistics.median(taken), statistics.median(bare), peak))
    return measured


def _open(work: Callable[[], AbstractContextManager[Work]]) -> str:
    """A review with a watch that is being pulled; answers the run."""
    with work() as opening:
        today, run = opening.now.date(), new_id("run")
        opening.add(ReviewRow(review=_REVIEW, protocol_version=1))
        opening.add(
            WatchRow(
                id="watch_bench", review=_REVIEW, strategy=_SOURCE, source=_SOURCE, query="q", every_days=7,
                overlap_days=0, whole_every_days=90, protocol_version=1, asked_since=1, due_at=opening.now,
            )
        )  # fmt: skip
        opening.add(
            RunRow(
                id=run, walk=run, review=_REVIEW, watch="watch_bench", source=_SOURCE, query="q", protocol_version=1,
                purpose="new", dated_by="came", since=today, until=today, started_at=opening.now,
            )
        )  # fmt: skip
    return run


def _take(work: Work, run: str, pages: int, records: list[SourceRecord]) -> None:
    page = Page(records=records, cursor="more")
    take_page(work, run, page, pages_before=pages, source=_Source())  # type: ignore[arg-type]


#: Words of titles: enough that works differ, few enough that their beginnings meet.
_WORDS = [f"{stem}{ending}" for stem in ("care", "lead", "trust", "board", "nurse", "rural") for ending in "abcdefghij"]


def _record(number: int, source: str, source_id: str) -> SourceRecord:
    """The record of a work by its number: the same work has the same words and the same DOI."""
    at = int(id_of("work", str(number))[-12:], 16)
    words = [_WORDS[at // 61**nth % len(_WORDS)] for nth in range(7)]
    return SourceRecord(
        source=source, source_id=source_id, title=" ".join(words), abstract="Measured. " * 100, kind="article",
        authors=[f"Bench{at % 5000}, A.", "Mark, B."], venue="Journal of Measurement", published=str(2000 + at % 25),
        identifiers=Identifiers(doi=f"10.1000/{number}"),
    )  # fmt: skip


def _records() -> Iterator[SourceRecord]:
    number = 0
    while True:
        yield _record(number, _SOURCE, f"W{number}")
        number += 1


def _again(number: int) -> SourceRecord:
    """A work that is there, under another id."""
    return _record(number, _SOURCE, new_id("W"))
