"""Following a review over a real connection: with the clients of both kinds and in the terminal, while the platform is
killed and started anew.

Slow: the platform is started twice, in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from demo.processes import ALL, Processes
from shared.client import Client
from shared.client.asynchronous import AsyncClient
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import own_token
from tests.flows import crowd
from tests.flows.crowd import REVIEW, STAGE
from tests.flows.profiles import ROOT, environment
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]


class Site:
    """A platform with records that wait, two who screen, and a lead who follows."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings(data_dir=folder, _env_file=None)
        open_ring(self._settings)
        crowd.publish(self._settings, 6)
        # Without jobs: the protocol names real sources, which a test leaves alone.
        self.processes = Processes(folder, {"LIVING_DATA_DIR": str(folder), "LIVING_SCHEDULER": "false"}, (ALL,))
        self.processes.start(timeout=600)
        self.keys = {name: self._comes(name, role) for name, role in [("ana", "reviewer"), ("ben", "reviewer")]}
        self.keys["lea"] = self._comes("lea", "lead")

    def client(self, name: str) -> Client:
        return Client.at(self.processes.urls, self.keys[name], patience=300)

    def disagree(self) -> str:
        """Has two people disagree about the next record; its task."""
        for name, answer in [("ana", "include"), ("ben", "exclude")]:
            with self.client(name) as living:
                task = eventually(lambda living=living: living.screening.claim(REVIEW, STAGE))
                living.screening.vote(REVIEW, task.lease, answer, "so it seems")
        return task.task

    def _comes(self, name: str, role: str) -> str:
        token = lambda: own_token(open_ring(self._settings), "admin")  # noqa: E731
        with Client.at(self.processes.urls, token, patience=300) as owner:
            link = owner.people.invite(REVIEW, {"role": role}).link
        with Client.at(self.processes.urls, "", patience=300) as door:
            arrived = door.people.accept({"invitation": link, "name": name.title()})
        assert arrived.key is not None
        return arrived.key.key


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.processes.stop()


def test_who_follows_comes_back_by_themselves_and_hears_of_each_conflict_once(site, tmp_path):
    url = site.processes.urls["screening"]
    waiting: list[Any] = []
    awaited: list[Any] = []

    def follow() -> None:
        with site.client("lea") as living:
            for event in living.screening.follow(REVIEW):
                waiting.append(event)
                if len(turns(waiting)) == 3:
                    return

    async def follow_awaiting() -> None:
        async with AsyncClient.at(site.processes.urls, site.keys["lea"], patience=300) as living:
            async for event in living.screening.follow(REVIEW):
                awaited.append(event)
                if len(turns(awaited)) == 3:
                    return

    said = tmp_path / "said.txt"
    given = {**os.environ, **environment(), "PYTHONPATH": str(ROOT), "LIVING_URL": url, "LIVING_KEY": site.keys["lea"]}
    with said.open("w") as out:
        terminal = subprocess.Popen(
            [sys.executable, "-m", "services", "queue", "follow", REVIEW], env=given, cwd=tmp_path, stdout=out
        )
    people = [Thread(target=follow), Thread(target=lambda: asyncio.run(follow_awaiting()))]
    try:
        for person in people:
            person.start()
        eventually(lambda: waiting and awaited and "open" in said.read_text())
        tasks = [site.disagree()]
        eventually(lambda: turns(waiting) and turns(awaited) and tasks[0] in said.read_text())

        site.processes.kill("screening")
        site.processes.reopen("screening")
        tasks += [site.disagree(), site.disagree()]

        for person in people:
            person.join(300)
        expected = [(task, "opened") for task in tasks]
        assert turns(waiting) == turns(awaited) == expected
        eventually(lambda: tasks[2] in said.read_text())
        assert [said.read_text().count(task) for task in tasks] == [1, 1, 1]
    finally:
        terminal.kill()
        terminal.wait()


def turns(events: list[Any]) -> list[tuple[str, str]]:
    return [(event.task, event.turn) for event in list(events) if event.kind == "conflict"]
