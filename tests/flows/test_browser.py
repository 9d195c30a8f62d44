"""A reviewer in a real browser: by keys alone, far from the platform, with double presses and a line that breaks.

Slow: fifty records are read and answered one after another, over a line of 200 ms there and back; about a minute.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.processes import ALL, Processes
from shared.client import Client
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import own_token
from tests.browsers import Visit, chromium
from tests.flows import crowd
from tests.flows.crowd import REVIEW, STAGE
from tests.flows.line import LongLine
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

DAY, RECORDS = 50, 55

CARD = f"/reviews/{REVIEW}/screen/{STAGE}"

#: The letters on the buttons of the stage's answers.
KEYS = {"include": "i", "exclude": "e", "unsure": "u"}

PASSWORD = "a sentence of her own"


@dataclass
class Site:
    """A platform with records that wait, and the link by which somebody comes to screen them."""

    processes: Processes
    settings: Settings
    link: str

    @property
    def url(self) -> str:
        return self.processes.urls["screening"]

    def owner(self) -> Client:
        token = lambda: own_token(open_ring(self.settings), "admin")  # noqa: E731
        return Client.at(self.processes.urls, token, patience=120)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    open_ring(settings)
    crowd.publish(settings, RECORDS)
    # Without jobs: the protocol names real sources, which a test leaves alone.
    processes = Processes(tmp_path, {"LIVING_DATA_DIR": str(tmp_path), "LIVING_SCHEDULER": "false"}, ((*ALL, "web"),))
    try:
        processes.start(timeout=600)
        found = Site(processes, settings, "")
        with found.owner() as owner:
            found.link = owner.people.invite(REVIEW, {"role": "reviewer"}).link
            eventually(lambda: _open(owner) == RECORDS, within=600)
        yield found
    finally:
        processes.stop()


def _open(living: Client) -> int:
    return next((it.open for it in living.screening.queue(REVIEW) if it.stage == STAGE), 0)


@pytest.fixture
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


class Reviewer(Visit):
    """Somebody who comes in by a link, and screens."""

    def comes_in(self, site: Site, name: str) -> None:
        self.page.goto(f"/join#{site.link.partition('#')[2]}")
        if not self.page.input_value("#invitation"):  # Without scripts it is pasted.
            self.page.fill("#invitation", site.link)
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_url(f"{self.url}/reviews/{REVIEW}")

    def goes_on(self) -> None:
        """To a card: the one in hand, or, since to look takes none, the one that comes by Enter."""
        self.page.goto(CARD)
        self.page.wait_for_selector("#title, [data-key=enter]")
        if not self.page.query_selector("#title"):
            self.page.keyboard.press("Enter")
            self.page.wait_for_selector("#title")

    def title(self) -> str:
        return str(self.page.inner_text("#title"))


def answer_for(title: str) -> str:
    """What the script thinks of a title."""
    return random.Random(title).choice(["include", "include", "exclude", "unsure"])


def held(site: Site, expected: dict[str, str]) -> None:
    """Each of these titles has one vote, that one, and nothing else has any."""
    with site.owner() as owner:
        tasks = list(owner.screening.tasks(REVIEW, STAGE))
    assert Counter(task.votes_cast for task in tasks) == {1: len(expected), 0: RECORDS - len(expected)}
    assert {task.title for task in tasks if task.votes_cast} == set(expected)


def test_fifty_records_by_keys_alone_over_a_long_line_are_fifty_votes(site, browser):
    chance, pressed, answered = random.Random(13), 0, {}
    port = int(site.url.rpartition(":")[2])
    with LongLine(port, 0.1) as line:
        ana = Reviewer(browser, line.url)
        ana.comes_in(site, "Ana")
        ana.goes_on()
        while len(answered) < DAY:
            title = ana.title()
            answer = answer_for(title)
            ana.page.keyboard.press(KEYS[answer])
            pressed += 1
            answered[title] = answer
            if chance.random() < 0.3:  # A double press, which is one answer.
                ana.page.keyboard.press(KEYS[answer])
            if len(answered) == DAY // 2:
                ana.context.set_offline(True)
                ana.page.wait_for_timeout(700)
                ana.context.set_offline(False)
                ana.goes_on()
                if ana.title() == title:  # It had not gone out yet.
                    del answered[title]
                    continue
            ana.page.wait_for_function("before => document.querySelector('#title')?.innerText !== before", arg=title)
        # What is answered goes out behind the card that follows.
        ana.page.wait_for_selector("#waiting[data-n='0']", state="attached")
        ana.page.wait_for_load_state("networkidle")
        assert ana.wrong == []

    held(site, answered)
    assert pressed < 1.2 * DAY


def test_the_same_without_scripts_by_forms(site, browser):
    answered = {}
    ana = Reviewer(browser, site.url, java_script_enabled=False)
    ana.comes_in(site, "Ana")
    ana.page.goto(CARD)
    ana.page.click("main button")
    while len(answered) < DAY:
        title = ana.title()
        answered[title] = answer_for(title)
        ana.page.click(f"button[value={answered[title]}]")
        ana.page.wait_for_url("**/screen/**voted=**")

    held(site, answered)
    assert ana.wrong == []
