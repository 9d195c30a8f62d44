"""Two hundred people at once: everybody gets on, nothing is lost or counted twice, and a stop cuts nothing off."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import pytest
from sqlalchemy import func, select

from demo.processes import ALL, Processes
from services.screening.models import VoteRow
from shared.db.engine import Database
from shared.db.tables import WaitingRow
from shared.settings import Settings
from tests.databases import drop_database
from tests.flows import crowd
from tests.flows.profiles import real
from tests.waiting import eventually

pytestmark = pytest.mark.waits

PEOPLE = [f"p{number:03d}" for number in range(200)]

#: Each of them votes this often. Two votes close a task.
VOTES = 2

#: Seconds in which everybody must have voted: many times what a quiet machine takes.
PATIENCE = 1800.0


@dataclass
class Site:
    """A running platform with records that wait, or its screening alone."""

    processes: Processes
    settings: Settings
    tokens: dict[str, str]

    @property
    def url(self) -> str:
        return self.processes.urls["screening"]

    def database(self) -> Database:
        return Database(self.settings.resolved(self.settings.database_url, "screening"))

    def count(self, *where: object, of: type = VoteRow) -> int:
        database = self.database()
        try:
            with database.session(readonly=True) as session:
                return session.execute(select(func.count()).select_from(of).where(*where)).scalar_one()
        finally:
            database.close()


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    split, variables = (ALL,), {}
    if request.param == "real":
        profile = real(*(request.getfixturevalue(f"real_{name}_url") for name in ("kafka", "postgres", "search")))
        split, variables = (("screening",),), profile.servers
    given = {name.removeprefix("LIVING_").lower(): value for name, value in variables.items()}
    settings = Settings(data_dir=tmp_path, _env_file=None, **given)
    people = crowd.tokens(settings, PEOPLE)
    records = len(PEOPLE) * (VOTES + 1)
    crowd.publish(settings, records)
    # Without jobs: the protocol names real sources, which a test leaves alone.
    variables = {"LIVING_DATA_DIR": str(tmp_path), "LIVING_SCHEDULER": "false", **variables}
    processes = Processes(tmp_path, variables, split)
    try:
        processes.start(timeout=600)
        found = Site(processes, settings, people)
        _wait_for_tasks(found, records)
        yield found
    finally:
        processes.stop()
        if request.param == "real":
            drop_database(settings.resolved(settings.database_url, "screening"))


def _wait_for_tasks(site: Site, records: int) -> None:
    headers = {"Authorization": f"Bearer {site.tokens[PEOPLE[0]]}"}

    def all_open() -> bool:
        answer = httpx.get(f"{site.url}/screening/reviews/{crowd.REVIEW}/queue", headers=headers, timeout=60)
        return answer.status_code == 200 and answer.json()[0]["open"] == records

    eventually(all_open, within=600)


async def _healthy_until(url: str, done: asyncio.Event) -> list[float]:
    """How long `/healthz` took each time, asked twice a second."""
    took = []
    async with httpx.AsyncClient(timeout=60) as client:
        while not done.is_set():
            began = time.monotonic()
            assert (await client.get(f"{url}/healthz")).status_code == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.5)
    return took


@pytest.mark.slow  # Two hundred people take their time on a small machine.
def test_two_hundred_people_vote_at_once(site):
    async def everybody() -> tuple[crowd.Seen, list[float]]:
        done = asyncio.Event()
        health = asyncio.create_task(_healthy_until(site.url, done))
        try:
            seen = await crowd.crowd(site.url, site.tokens, VOTES, PATIENCE)
        finally:
            done.set()
        return seen, await health

    seen, health = asyncio.run(everybody())

    assert Counter(name for _, name in seen.votes) == dict.fromkeys(PEOPLE, VOTES)
    assert set(seen.statuses) <= {200, 409, 503}, seen.statuses
    assert not seen.cut and not seen.hasty
    assert median(health) < median(seen.seconds), "whoever only asks for health waits for none of them"
    # Exact: what people were told is what is kept, no task has a vote too many, and all of it is told on.
    assert site.count() == len(seen.votes) == len(set(seen.votes))
    assert max(Counter(task for task, _ in seen.votes).values()) == 2
    eventually(lambda: site.count(of=WaitingRow) == 0, within=600)


@pytest.mark.slow  # As above.
def test_a_stop_amid_the_crowd_cuts_nobody_off(site):
    (pid,) = site.processes.pids().values()

    async def everybody() -> crowd.Seen:
        stop = asyncio.Event()
        going = asyncio.create_task(crowd.crowd(site.url, site.tokens, 1000, PATIENCE, stop))
        await asyncio.to_thread(eventually, lambda: site.count() > 20, within=600)
        os.kill(pid, signal.SIGTERM)
        stop.set()
        return await going

    seen = asyncio.run(everybody())

    assert not seen.cut, seen.cut[:5]
    assert set(seen.statuses) <= {200, 409, 503}, seen.statuses
    assert site.count() == len(seen.votes) == len(set(seen.votes))
