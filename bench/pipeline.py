"""The pipeline: records on their way from ingest's outbox until each can be found and has its task."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Select, event, func, select
from sqlmodel import Session

from bench import corpus, servers
from bench.machine import Use, use_of
from demo.processes import Processes
from services.ingest.manifest import SERVICE as INGEST
from services.protocol.domain import check
from services.screening.models import TaskRow, VoteRow
from services.search.ports.index import open_index
from shared.clock import SystemClock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.tables import WaitingRow
from shared.db.work import Work, unit_of_work
from shared.errors import Unavailable
from shared.events.base import Event
from shared.events.ingest import RecordDiscovered
from shared.events.protocol import VersionPublished
from shared.keys.file import open_ring

#: Records that go first, untimed: they show that everybody listens, and warm what wants warming.
WARM_UP = 500

PROTOCOL = check((corpus.ROOT / "reviews" / "ics-leadership" / "protocol.yaml").read_text())

#: Seconds without any news after which we no longer wait.
_PATIENCE = 60.0

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Passage:
    """How the records went: `seconds` until the last could be found and had its task, `emitted` until the last
    task was on the log, too; and what each process used until then (its peak is of its whole life)."""

    seconds: float
    emitted: float
    used: dict[str, Use]


class Pipeline:
    """The pipeline of one profile, and what looks into it from outside."""

    def __init__(self, folder: Path, variables: dict[str, str], split: Sequence[Sequence[str]]) -> None:
        # Without jobs: the protocol names real sources, which a bench must leave alone.
        variables = {"LIVING_DATA_DIR": str(folder), "LIVING_SCHEDULER": "false", **variables}
        self.settings = servers.read(variables)
        self.processes = Processes(folder, variables, split)
        self._ring = open_ring(self.settings)  # Made here, so that no process prints a token into its log.
        self._ingest, self._screening = self._database("ingest"), self._database("screening")
        self._index = open_index(
            self.settings.resolved(self.settings.search_url),
            name=self.settings.search_index,
            analyzer=self.settings.search_analyzer,
        )

    def open(self) -> None:
        """Starts the processes, publishes the protocol and sends the first records through."""
        migrate.upgrade(self._ingest, INGEST)
        version = VersionPublished.of(PROTOCOL, 1, "bench")
        with self._work() as work:
            _tell(work, [version, *corpus.records(PROTOCOL.review, WARM_UP)])
        self.processes.start()
        self._wait(WARM_UP, lambda arrived: None)

    def run(self, records: Sequence[RecordDiscovered], tell: Tell) -> Passage:
        """Puts records into ingest's outbox in one transaction, and waits for them from its commit on.

        Raises Unavailable when they do not arrive.
        """
        pids = self.processes.pids() | servers.processes(self.settings)
        started: list[tuple[dict[str, Use], float]] = []

        def start(_: Session) -> None:
            started.append(({name: use_of(pid) for name, pid in pids.items()}, time.perf_counter()))

        with self._work() as work:
            _tell(work, records)
            event.listen(work.session, "before_commit", start, once=True)
        before, began = started[0]
        self._wait(WARM_UP + len(records), lambda arrived: tell(arrived - WARM_UP))
        seconds = time.perf_counter() - began
        self._wait_until_emitted()
        emitted = time.perf_counter() - began
        after = {name: use_of(pid) for name, pid in pids.items()}
        used = {name: Use(after[name].cpu - before[name].cpu, after[name].peak) for name in pids}
        return Passage(seconds, emitted, used)

    @property
    def pid_of_screening(self) -> int:
        return next(pid for services, pid in self.processes.pids().items() if "screening" in services)

    @property
    def pool_size(self) -> int:
        """How many connections requests may have at once."""
        pool = self._screening.engine.pool
        return pool.size() + pool._max_overflow  # type: ignore[attr-defined]

    def votes_of(self, people: Collection[str]) -> list[tuple[str, str]]:
        """The (task, person) pairs of the stored votes of these people."""
        with self._screening.session(readonly=True) as session:
            query = select(VoteRow.task, VoteRow.person).where(VoteRow.person.in_(people))
            return [(task, person) for task, person in session.execute(query)]

    def miscounted(self) -> int:
        """How many tasks say another number of votes than there are, or have more than they need."""
        votes = select(VoteRow.task, func.count().label("n")).group_by(VoteRow.task).subquery()
        n = func.coalesce(votes.c.n, 0)
        wrong = (TaskRow.votes_cast != n) | (n > TaskRow.votes_needed)
        return (
            self._ask(
                select(func.count()).select_from(TaskRow).outerjoin(votes, votes.c.task == TaskRow.id).where(wrong)
            )
            or 0
        )

    def close(self) -> None:
        self.processes.stop()
        self._index.close()
        self._ingest.close()
        self._screening.close()

    def _database(self, service: str) -> Database:
        return Database(self.settings.resolved(self.settings.database_url, service))

    def _work(self) -> AbstractContextManager[Work]:
        return unit_of_work(
            self._ingest,
            service="ingest",
            clock=SystemClock(),
            actor="bench",
            settings=self.settings,
            ring=self._ring,
            emits=(VersionPublished, RecordDiscovered),
        )

    def _wait(self, count: int, tell: Tell) -> None:
        """Looks whether so many records have their task and then, whether all can be found: seldom at first, since to
        count takes from what is measured, and closely in the end."""
        arrived, began = -1, time.monotonic()
        since = began
        while arrived != count:
            # What is left would take so long at the pace up to now.
            rest = (time.monotonic() - began) * (count - arrived) / max(arrived, 1)
            time.sleep(min(1.0, max(0.1, rest / 4)))
            if (now := self._arrived(count)) != arrived:
                arrived, since = now, time.monotonic()
                tell(arrived)
            if time.monotonic() - since > _PATIENCE:
                raise Unavailable(f"{arrived} of {count} records arrived, and then none for {_PATIENCE:g} seconds")

    def _arrived(self, count: int) -> int:
        tasks = self._ask(select(func.count()).select_from(TaskRow)) or 0
        if tasks < count:
            return tasks
        # Asked only now: a search engine that nobody searches is left to its work.
        self._index.refresh()
        return min(tasks, self._index.count())

    def _wait_until_emitted(self) -> None:
        waiting = select(WaitingRow.turn).limit(1)
        while self._ask(waiting) is not None:
            time.sleep(0.25)

    def _ask(self, question: Select[tuple[int]]) -> int | None:
        with self._screening.session(readonly=True) as session:
            return session.execute(question).scalar()


def _tell(work: Work, events: Iterable[Event]) -> None:
    for it in events:
        with work.following(it.key, None):
            work.emit(it)
