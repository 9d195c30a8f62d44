"""A day on which all goes wrong at once: many people at two processes of screening, which are killed, on a broker that
is killed too, and requests that come twice and late. `python -m tests.flows.contended 20000 200 12`: as many tasks,
people and faults.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import select

from demo.processes import Processes
from services.screening.models import TaskRow, VoteRow
from shared.bus.open import open_log
from shared.db.engine import Database
from shared.db.tables import WaitingRow
from shared.errors import LogUnavailable
from shared.events import registry
from shared.events.base import Envelope
from shared.events.screening import ConflictOpened, TaskClosed, TaskOpened
from shared.ids import new_id
from shared.settings import Settings
from tests.databases import drop_database
from tests.flows import crowd
from tests.flows.broker import Broker
from tests.flows.crowd import REVIEW, STAGE, Line
from tests.waiting import eventually

_AT = f"/screening/reviews/{REVIEW}"

#: Of a hundred votes: how many are sent by two lines at the same moment, how many once more when they are in, how many
#: under a lease that was given back before.
_TWICE, _AGAIN, _LATE = 20, 10, 3

#: Of a hundred votes, how many exclude; the others include.
_EXCLUDED = 4

#: Seconds between two faults.
_BETWEEN = 20.0


@dataclass
class Site:
    """Two processes of screening with one database and one log."""

    sides: Sequence[Processes]
    settings: Settings
    broker: Broker

    @property
    def urls(self) -> list[str]:
        return [side.urls["screening"] for side in self.sides]

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.settings.resolved(self.settings.database_url, "screening"))
        try:
            yield database
        finally:
            database.close()


@contextmanager
def site(folder: Path, postgres: str, records: int) -> Iterator[Site]:
    """The platform's screening with so many records of which none is decided; `postgres` has the database's name as
    `{database}`. Everything started is stopped."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker.of_its_own("contended"))
        mark = new_id("flow")[:21]
        servers = {
            "LIVING_DATA_DIR": str(folder),
            "LIVING_LOG_URL": broker.url,
            "LIVING_DATABASE_URL": postgres.replace("{database}", f"{mark}_{{service}}"),
            "LIVING_BLOBS_URL": "database:",
            "LIVING_TOPIC_PREFIX": f"{mark}.",
        }
        settings = Settings(
            _env_file=None, **{name.removeprefix("LIVING_").lower(): it for name, it in servers.items()}
        )
        stack.callback(drop_database, settings.resolved(settings.database_url, "screening"))
        crowd.tokens(settings, [])  # The keys that both processes sign and check with.
        crowd.publish(settings, records)
        sides = []
        for name in ("a", "b"):
            (folder / name).mkdir()
            sides.append(Processes(folder / name, servers, (("screening",),)))
            stack.callback(sides[-1].stop)
            sides[-1].start()
        found = Site(sides, settings, broker)
        eventually(lambda: _tasks(found) == records, within=3600)
        yield found


def _tasks(site: Site) -> int:
    with site.database() as database, database.session(readonly=True) as session:
        return len(session.execute(select(TaskRow.id).where(TaskRow.stage == STAGE)).all())


@dataclass
class Day:
    """What people met: each vote that was accepted, with its answer; how often each status, each reason of a refusal
    and no answer at all; and what should not have been."""

    wanted: int
    accepted: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0

    @property
    def over(self) -> bool:
        return len(self.accepted) >= self.wanted


class Person:
    """Somebody with a connection to each process, who sends what got no answer once more, under the same key."""

    def __init__(self, name: str, token: str, urls: Sequence[str], day: Day) -> None:
        self._name, self._day, self._random = name, day, random.Random(name)
        self._lines, self._more = ([Line(url, token) for url in urls] for _ in range(2))
        self._random.shuffle(self._lines)

    async def work(self) -> None:
        """Claims and votes until all votes are in."""
        while not self._day.over:
            status, claim = await self._insist(
                f"{_AT}/claims", {"stage": STAGE, "count": self._random.choice([1, 1, 4])}
            )
            if status != 200:
                self._day.wrong.append(f"a claim: {status} {claim}")
                return
            if not claim["tasks"]:
                await asyncio.sleep(0.5)
            for task in claim["tasks"]:
                await self._decide(task)

    def leave(self) -> None:
        for line in (*self._lines, *self._more):
            line.close()

    async def _decide(self, task: dict[str, Any]) -> None:
        path, kind = f"{_AT}/leases/{task['lease']}/vote", self._random.randrange(100)
        answer = "exclude" if self._random.randrange(100) < _EXCLUDED else "include"
        body, key = {"answer": answer, "reason": "as it says"}, new_id("cmd")
        if kind < _LATE:
            await self._insist(f"{_AT}/leases/{task['lease']}/release?unread=true")
            await self._is_refused(path, body, new_id("cmd"))
            return
        if kind < _LATE + _TWICE:
            first, second = await asyncio.gather(
                self._insist(path, body, key), self._insist(path, body, key, self._more)
            )
            if first != second:
                self._day.wrong.append(f"a double press: {first} and {second}")
        else:
            first = await self._insist(path, body, key)
        status, shown = first
        if status != 200:
            # What lapsed or was parked while a process was away is somebody else's now.
            self._day.refused[shown["slug"]] += 1
            return
        if (task["task"], self._name) in self._day.accepted:
            self._day.wrong.append(f"{self._name} voted twice on {task['task']}")
        self._day.accepted[task["task"], self._name] = answer
        if kind >= 100 - _AGAIN:
            if await self._insist(path, body, key) != first:
                self._day.wrong.append("the same command once more was answered otherwise")
            await self._is_refused(path, body, new_id("cmd"))

    async def _is_refused(self, path: str, body: Any, key: str) -> None:
        status, shown = await self._insist(path, body, key)
        if status != 409:
            self._day.wrong.append(f"a late vote: {status} {shown}")

    async def _insist(
        self, path: str, body: Any = None, key: str | None = None, lines: Sequence[Line] | None = None
    ) -> tuple[int, Any]:
        """The answer to a command, which is sent again, to the other process then, until there is one."""
        key = key or new_id("cmd")
        for line in cycle(lines or self._lines):
            try:
                status, headers, shown = await line.ask("POST", path, body, key)
            except OSError:
                self._day.unanswered += 1
                await asyncio.sleep(0.1)
                continue
            self._day.statuses[status] += 1
            if status not in (429, 503):
                return status, shown
            await asyncio.sleep(min(1.0, float(headers.get("retry-after", 0.1))))
        raise AssertionError("there is always a line")


async def spend(site: Site, people: int, votes: int, faults: int, between: float = _BETWEEN) -> Day:
    """Has so many people cast so many votes, while processes and broker are killed in turn, so many times."""
    names = [f"p{number:03d}" for number in range(people)]
    tokens = crowd.tokens(site.settings, names)
    day = Day(votes)
    all_of_them = [Person(name, tokens[name], site.urls, day) for name in names]
    harm = asyncio.create_task(_do_harm(site, day, faults, between))
    try:
        await asyncio.gather(*(person.work() for person in all_of_them))
    finally:
        for person in all_of_them:
            person.leave()
        if day.over:
            await harm
        else:
            harm.cancel()
            with suppress(asyncio.CancelledError):
                await harm
    return day


async def _do_harm(site: Site, day: Day, faults: int, between: float) -> None:
    """Kills one process, the other, and the broker, in turn, and starts what it killed."""
    for number in range(faults):
        await asyncio.sleep(between)
        if day.over:
            return
        if number % 3 == 2:
            site.broker.kill()
            await asyncio.sleep(min(3.0, between))
            await asyncio.to_thread(site.broker.up)
            day.faults["broker"] += 1
        else:
            side = site.sides[number % 3]
            side.kill("screening")
            await asyncio.to_thread(side.start)
            day.faults["process"] += 1


def judged(site: Site, day: Day) -> list[str]:
    """What is wrong afterwards, in the database and on the log, held against what people were told; empty when
    nothing is."""
    wrong = list(day.wrong)
    with site.database() as database:
        eventually(lambda: _waiting(database) == 0, within=1800)
        with database.session(readonly=True) as session:
            kept = [tuple(row) for row in session.execute(select(VoteRow.task, VoteRow.person, VoteRow.answer))]
            states = {
                row.id: (row.state, row.votes_cast)
                for row in session.execute(
                    select(TaskRow.id, TaskRow.state, TaskRow.votes_cast).where(TaskRow.stage == STAGE)
                )
            }
    accepted = Counter((task, person, answer) for (task, person), answer in day.accepted.items())
    wrong += [f"lost: {vote}" for vote in accepted - Counter(kept)]
    wrong += [f"nobody was told of it, or it is there twice: {vote}" for vote in Counter(kept) - accepted]
    votes = defaultdict[str, dict[str, str]](dict)
    for (task, person), answer in day.accepted.items():
        votes[task][person] = answer
    for task, (state, cast) in states.items():
        should = _should_be([*votes[task].values()])
        if state != should or cast != len(votes[task]):
            wrong.append(f"{task} is {state} with {cast} votes, and should be {should}: {votes[task]}")
    return wrong + _wrong_on_log(site, votes)


def _waiting(database: Database) -> int:
    with database.session(readonly=True) as session:
        return len(session.execute(select(WaitingRow).limit(1)).all())


def _should_be(answers: Sequence[str]) -> str:
    if len(answers) < 2:
        return "open"
    return "conflict" if len(set(answers)) > 1 else {"include": "advanced", "exclude": "excluded"}[answers[0]]


def _wrong_on_log(site: Site, votes: dict[str, dict[str, str]]) -> list[str]:
    """The log tells of each task once that it was opened, and once how it ended, with the very votes."""
    wrong, opened, ended = [], Counter[str](), Counter[str]()
    steps = defaultdict[str, list[int]](list)
    for event in _events(site):
        steps[event.record].append(event.revision)
        if isinstance(event, TaskOpened) and event.stage == STAGE:
            opened[event.task] += 1
        elif isinstance(event, ConflictOpened):
            ended[event.task] += 1
        elif isinstance(event, TaskClosed) and event.judgement.stage == STAGE:
            ended[event.task] += 1
            closed = {vote.person: vote.answer for vote in event.judgement.votes}
            if closed != votes[event.task]:
                wrong.append(f"{event.task} was closed with {closed}")
    wrong += [f"opened {times} times: {task}" for task, times in opened.items() if times != 1]
    full = {task for task, given in votes.items() if len(given) == 2}
    wrong += [
        f"told {ended[task]} times how it ended: {task}" for task in full | set(ended) if ended[task] != (task in full)
    ]
    wrong += [f"{record}: steps {its}" for record, its in steps.items() if sorted(its) != list(range(1, len(its) + 1))]
    return wrong


def _events(site: Site) -> Iterator[Any]:
    """What screening told, each event once: a log may have one twice, which has one id then."""
    settings, seen = site.settings, set[str]()
    log = open_log(settings.resolved(settings.log_url), prefix=settings.topic_prefix)
    topics = {topic for topic in registry.TOPICS if topic.startswith("screening.")}
    try:
        for attempt in range(60):
            try:
                deliveries = list(log.read(topics))
                break
            except LogUnavailable:
                if attempt == 59:
                    raise
                time.sleep(1)
    finally:
        log.close()
    for delivery in deliveries:
        envelope = Envelope.from_json(delivery.value)
        if envelope.id not in seen and envelope.subject != REVIEW:
            seen.add(envelope.id)
            yield registry.decode(envelope)


def main(records: int, people: int, faults: int) -> None:
    postgres = os.environ["LIVING_TEST_POSTGRES_URL"]
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), postgres, records) as found:
        print(f"{records} tasks wait for {people} people", flush=True)
        began = time.monotonic()
        day = asyncio.run(spend(found, people, 2 * records, faults))
        seconds = time.monotonic() - began
        wrong = judged(found, day)
        print(
            f"{len(day.accepted)} votes in {seconds:.0f} s, faults {dict(day.faults)}, no answer {day.unanswered} times"
        )
        print(f"statuses {dict(day.statuses)}, refused {dict(day.refused)}")
        print(f"wrong: {len(wrong)}", *wrong[:20], sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:4]))
