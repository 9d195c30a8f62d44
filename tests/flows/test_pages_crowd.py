"""Two hundred people in one process who look at pages while two hundred vote by the API: neither keeps the other out.

Slow: two hundred people come in one after another, and then each looks at every page; half a minute on each profile.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from demo.processes import ALL, Processes
from shared.client import Client
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import own_token
from tests.flows import crowd
from tests.flows.crowd import REVIEW, STAGE
from tests.flows.profiles import embedded, real
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

PEOPLE = [f"p{number:03d}" for number in range(200)]

#: Each casts this many votes by the API, while their browser goes from page to page.
VOTES = 2

#: Seconds in which all of it must have been answered: many times what a quiet machine takes.
PATIENCE = 1800.0

WALK = ("/", f"/reviews/{REVIEW}", f"/reviews/{REVIEW}/screen/{STAGE}", f"/reviews/{REVIEW}/flow")


@dataclass
class Site:
    """One process that serves all services and their pages, with records that wait and people who have come in."""

    url: str
    settings: Settings
    keys: Mapping[str, str]

    def owner(self) -> Client:
        return Client.at(self.url, lambda: own_token(open_ring(self.settings), "admin"), patience=120)


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    profile = embedded()
    if request.param == "real":
        profile = real(*(request.getfixturevalue(f"real_{name}_url") for name in ("kafka", "postgres", "search")))
    settings = profile.settings(tmp_path)
    open_ring(settings)
    crowd.publish(settings, len(PEOPLE) * VOTES)
    # Without jobs: the protocol names real sources, which a test leaves alone.
    variables = {"LIVING_DATA_DIR": str(tmp_path), "LIVING_SCHEDULER": "false", **profile.servers}
    processes = Processes(tmp_path, variables, ((*ALL, "web"),))
    try:
        processes.start(timeout=600)
        made = Site(processes.urls["screening"], settings, {})
        with made.owner() as owner:
            keys = {name: _comes_in(owner, name) for name in PEOPLE}
            eventually(lambda: sum(it.open for it in owner.screening.queue(REVIEW)) == len(PEOPLE) * VOTES, within=600)
        yield Site(made.url, settings, keys)
    finally:
        processes.stop()
        profile.clear_away()


def _comes_in(owner: Client, name: str) -> str:
    arrived = owner.people.accept({"invitation": owner.people.invite(REVIEW, {"role": "reviewer"}).link, "name": name})
    assert arrived.key is not None
    return arrived.key.key


@dataclass
class Walk:
    """What everybody's browser met: how often each status, and whatever was no page of ours."""

    statuses: Counter[int]
    wrong: list[str]


async def _walks(site: Site) -> Walk:
    """Everybody goes from page to page at once, coming again when told to."""
    walk, until = Walk(Counter(), []), time.monotonic() + PATIENCE

    async def goes(name: str) -> None:
        cookies = {"living-session": site.keys[name]}
        async with httpx.AsyncClient(base_url=site.url, cookies=cookies, timeout=PATIENCE) as browser:
            for path in WALK:
                while (status := await looks(browser, path)) == 503:
                    assert time.monotonic() < until
                    await asyncio.sleep(0.2)
                if status != 200:
                    walk.wrong.append(f"{name} {path}: {status}")

    async def looks(browser: httpx.AsyncClient, path: str) -> int:
        answer = await browser.get(path)
        walk.statuses[answer.status_code] += 1
        if "</html>" not in answer.text or (answer.status_code == 503 and "retry-after" not in answer.headers):
            walk.wrong.append(f"{path}: {answer.text[:200]}")
        return answer.status_code

    await asyncio.gather(*map(goes, PEOPLE))
    return walk


async def _all_at_once(site: Site) -> tuple[crowd.Seen, Walk]:
    return await asyncio.gather(crowd.crowd(site.url, dict(site.keys), VOTES, PATIENCE), _walks(site))


def test_two_hundred_pages_and_two_hundred_votes_at_once_in_one_process(site):
    seen, walk = asyncio.run(_all_at_once(site))

    assert len(seen.votes) == len(set(seen.votes)) == len(PEOPLE) * VOTES
    assert walk.wrong == [] and walk.statuses[200] == len(PEOPLE) * len(WALK)
    assert {*walk.statuses} <= {200, 503} and {*seen.statuses} <= {200, 409, 503} and not seen.hasty
    with site.owner() as owner:
        tasks = list(owner.screening.tasks(REVIEW, STAGE)) + list(owner.screening.tasks(REVIEW, STAGE, "advanced"))
    assert sum(task.votes_cast for task in tasks) == len(seen.votes), "each vote that was answered is kept, once"
    print(f"votes {dict(seen.statuses)}, pages {dict(walk.statuses)}")
