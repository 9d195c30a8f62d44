"""A day of screening by keys alone: `living screen` in a pseudo-terminal, far from a platform that is killed meanwhile.

Slow: 400 records are read and answered one after another, over a line of 200 ms there and back; some four minutes.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.processes import ALL, Processes
from shared.client import Client
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import own_token
from tests.flows import crowd
from tests.flows.crowd import REVIEW, STAGE
from tests.flows.line import LongLine
from tests.flows.profiles import ROOT, environment
from tests.flows.terminal import Screen, Terminal
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

#: How many records are answered in a day, and how many there are.
DAY, RECORDS = 400, 420

#: The keys of the preset `rayyan`, by the answers of the stage.
KEYS = {"include": "i", "exclude": "e", "unsure": "u"}


@dataclass
class Site:
    """A platform with records that wait, and the key of somebody who screens."""

    processes: Processes
    settings: Settings
    key: str
    folder: Path

    @property
    def port(self) -> int:
        return int(self.processes.urls["screening"].rpartition(":")[2])

    def owner(self) -> Client:
        token = lambda: own_token(open_ring(self.settings), "admin")  # noqa: E731
        return Client.at(self.processes.urls, token, patience=120)

    def screens(self, url: str, *words: str, width: int = 80, height: int = 24, **settings: str) -> Terminal:
        """`living screen` as its reviewer calls it."""
        given = {"PYTHONPATH": str(ROOT), "LIVING_URL": url, "LIVING_KEY": self.key, **settings}
        return Terminal(["screen", REVIEW, *words], environment() | given, self.folder, width=width, height=height)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    open_ring(settings)
    crowd.publish(settings, RECORDS)
    # Without jobs: the protocol names real sources, which a test leaves alone.
    processes = Processes(tmp_path, {"LIVING_DATA_DIR": str(tmp_path), "LIVING_SCHEDULER": "false"}, (ALL,))
    try:
        processes.start(timeout=600)
        found = Site(processes, settings, "", tmp_path)
        with found.owner() as owner, Client.at(processes.urls, "", patience=120) as door:
            link = owner.people.invite(REVIEW, {"role": "reviewer"}).link
            arrived = door.people.accept({"invitation": link, "name": "Ana"})
            assert arrived.key is not None
            found.key = arrived.key.key
            eventually(lambda: _open(owner) == RECORDS, within=600)
        yield found
    finally:
        processes.stop()


def _open(living: Client) -> int:
    return next((it.open for it in living.screening.queue(REVIEW) if it.stage == STAGE), 0)


def title_on(screen: Screen) -> str | None:
    """The title of the card that is shown."""
    found = re.search(r"^Record \d+$", screen.text(), re.MULTILINE)
    return found[0] if found else None


def done_on(screen: Screen) -> int:
    found = re.search(r"(\d+) done", screen.text())
    return int(found[1]) if found else 0


def answer_for(title: str) -> str:
    """What the script thinks of a title."""
    return random.Random(title).choice(["include", "include", "exclude", "unsure"])


def test_a_day_of_four_hundred_records_is_four_hundred_votes(site):
    chance, pressed = random.Random(12), Counter()
    with LongLine(site.port, 0.1) as line, site.screens(line.url, "--stage", STAGE) as terminal:
        title = next_title(terminal, "")
        killed = False
        while (done := done_on(terminal.screen)) < DAY:
            pressed[title] += 1
            terminal.press(KEYS[answer_for(title)])
            if chance.random() < 0.4:
                terminal.look(chance.uniform(0.0, 0.15))
                terminal.press(KEYS[answer_for(title)])
            if done >= DAY // 2 and not killed:
                # While the vote is on its way there, or its answer on its way back.
                terminal.look(0.05)
                site.processes.kill("screening")
                killed = True
                terminal.until(lambda screen: "not reached" in screen.text())
                site.processes.reopen("screening")
            if done == DAY - 1:
                terminal.until(lambda screen: done_on(screen) == DAY)
                break
            title = next_title(terminal, title)
        terminal.press("q")
        assert terminal.ends() == 0
        assert f"{DAY} records are answered" in terminal.screen.text()
        assert "1049" not in terminal.screen.modes and terminal.mode() == terminal.before

    # Whoever voted sees their own votes, and until all are in nobody else does.
    with Client.at(site.processes.urls, site.key, patience=120) as ana:
        tasks = list(ana.screening.tasks(REVIEW, STAGE))
        assert Counter(task.votes_cast for task in tasks) == {1: DAY, 0: RECORDS - DAY}
        voted = [ana.screening.record(REVIEW, task.record) for task in tasks if task.votes_cast]
        (queue,) = (it for it in ana.screening.queue(REVIEW) if it.stage == STAGE)
    answers = {it.record.title or "": [vote.answer for vote in it.stages[0].votes] for it in voted}
    wrong = {title: given for title, given in answers.items() if given != [answer_for(title)]}
    assert wrong == {} and len(answers) == DAY and set(answers) == set(pressed)
    assert killed and queue.in_hand == 0


def next_title(terminal: Terminal, before: str) -> str:
    """Waits as a person does for another card whose keys are not dim; when none comes for long, the press was too early
    and the card is still to be answered."""

    def another(screen: Screen) -> str | None:
        title = title_on(screen)
        return title if title != before and "2" not in screen.styled("[i] include") else None

    try:
        return terminal.until(another, within=5)
    except AssertionError:
        return terminal.until(title_on)
