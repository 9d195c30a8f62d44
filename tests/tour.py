"""`make tour`: takes the pictures of docs/tour.md, of the demo and of a new lead's first day, so that they stay true.

Needs Chromium. What a picture shows is whatever the pages show at the time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.environment import clear
from demo.play import Played, played
from demo.recorded import RecordedReview
from shared.client import Client
from tests.browsers import Visit, chromium
from tests.flows.test_new_lead import LIBRARY, Counted, unknown_platform
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "tour"

#: Pixels of a picture.
_WIDE, _HIGH = 1200, 800

#: What people add to the demo's review, so that something waits in it: titles, and what each says.
_NEW = {
    "Sharing the lead across a new care partnership: an interview study":
        "Leaders of nine partner organisations told us how they came to share decisions. Where a purpose had been "
        "agreed early, people at the front line felt safe to try what nobody had tried before.",
    "Who steers an integrated system? A survey of boards":
        "Boards of twelve systems were asked who decides what. Most named relationships between leaders, and time to "
        "build them, before structures.",
    "Waiting times after a merger of two hospitals":
        "Waiting times rose in the first year and fell in the third.",
}  # fmt: skip

#: One paper as two databases have it, for the pairs that people decide.
_ALIKE = "Leadership in integrated care: what staff of the front line see of it"


@dataclass(frozen=True)
class Shot:
    """One picture: what it is called, who looks, where, and what they do there first."""

    name: str
    who: str
    path: str
    first: Callable[[Any], object] = lambda page: None


def _shots(review: str, lead: str, reviewer: str, adjudicator: str) -> list[Shot]:
    at = f"/reviews/{review}"
    return [
        Shot("living-review", "", f"{at}/findings"),
        Shot("compare", "", f"{at}/findings/compare?before=5&after=6"),
        Shot("at-a-glance", lead, at),
        Shot("card", reviewer, f"{at}/screen/title_abstract"),
        Shot("mine", reviewer, f"{at}/mine"),
        Shot("conflict", adjudicator, f"{at}/conflicts", _decides),
        Shot("records", lead, f"{at}/records?q=leader*"),
        Shot("record", lead, f"{at}/records?q=leader*", lambda page: page.click(".hits a")),
        Shot("duplicates", lead, f"{at}/duplicates"),
        Shot("sources", lead, f"{at}/sources"),
        Shot("protocol", lead, f"{at}/protocol"),
        Shot("figures", lead, f"{at}/people/figures"),
        Shot("flow", lead, f"{at}/flow"),
    ]


def _decides(page: Any) -> None:
    """Takes the conflict, and gives one's own look first."""
    page.click("main form button")
    page.wait_for_selector("#title")
    page.click("button[value=include]")
    page.wait_for_selector(".votes")


def take() -> Iterator[Path]:
    """Takes every picture, one after another."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        yield from _of_the_demo(Path(folder) / "demo", browser)
        yield from _of_a_first_day(Path(folder) / "new", browser)


def _of_the_demo(folder: Path, browser: Any) -> Iterator[Path]:
    recorded = RecordedReview(ROOT / "reviews" / "ics-leadership")
    with played(recorded, clear(folder), lambda what: print(f"  {what}", file=sys.stderr)) as shown:
        _goes_on(shown)
        url, people = shown.site.processes.urls["web"], recorded.decisions.people
        for shot in _shots(recorded.review, people.lead, people.reviewers[0], people.adjudicator):
            visit = Visit(browser, url, viewport={"width": _WIDE, "height": _HIGH}, color_scheme="light")
            if shot.who:
                visit.context.add_cookies([{"name": "living-session", "value": shown.keys[shot.who], "url": url}])
            visit.page.goto(shot.path)
            shot.first(visit.page)
            yield _taken(visit, shot.name)
            visit.context.close()


def _goes_on(shown: Played) -> None:
    """Brings new papers into what was played, has one of them voted on, and leaves one in somebody's hands."""
    review, urls = shown.recorded.review, shown.site.processes.urls
    people = shown.recorded.decisions.people
    how = {"kind": "grey", "how": "expert", "where": "a colleague's letter", "why": "it was named to us"}
    with Client.at(urls, shown.keys[people.lead], patience=60) as lead:
        for title, abstract in _NEW.items():
            lead.ingest.add(review, how | {"title": title, "abstract": abstract, "published": "2022"})
        for year in ("2021", "2022"):
            lead.ingest.add(review, how | {"title": _ALIKE, "authors": ["Ruiz, A"], "published": year})
        eventually(lambda: sum(it.open for it in lead.screening.queue(review)) >= len(_NEW), within=120)
    for name, answer in zip(people.reviewers, ("include", "exclude"), strict=False):
        with Client.at(urls, shown.keys[name], patience=60) as reviewer:
            task = reviewer.screening.claim(review, "title_abstract")
            assert task is not None
            why = task.reasons[0].value if answer == "exclude" and task.reasons else None
            reviewer.screening.vote(review, task.lease, answer, "It tells how a system is led.", excluded_for=why)
            reviewer.screening.claim(review, "title_abstract")


def _of_a_first_day(folder: Path, browser: Any) -> Iterator[Path]:
    file = folder / "library.ris"
    folder.mkdir()
    file.write_text(LIBRARY)
    with unknown_platform(folder) as (url, link):
        lead = Counted(browser, url, viewport={"width": _WIDE, "height": _HIGH}, color_scheme="light")
        lead.comes_in(link, "Lea")
        lead.founds()
        yield _taken(lead, "first-protocol")
        lead.writes_protocol()
        lead.brings(file, has_scripts=True)
        yield _taken(lead, "first-import")
        link = lead.invites()
        yield _taken(lead, "first-invitation")
        ana = Counted(browser, url, viewport={"width": _WIDE, "height": _HIGH}, color_scheme="light")
        ana.comes_in(link, "Ana")
        ana.screens_one()
        yield _taken(ana, "first-card")


def _taken(visit: Visit, name: str) -> Path:
    path = PICTURES / f"{name}.png"
    visit.page.wait_for_load_state()
    visit.page.screenshot(path=path)
    return path


if __name__ == "__main__":
    for taken in take():
        print(taken.relative_to(ROOT))
