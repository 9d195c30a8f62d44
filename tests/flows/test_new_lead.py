"""A new lead, from nothing, in a real browser and without a terminal: from the first admin's link to a record that two
people screened, and from there to a revision that anybody reads. How many pages and forms that takes is printed.

Slow: a platform is started, and three people come in one after another; about a minute and a half.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from demo.processes import ALL, Processes
from shared.private import link_path
from shared.settings import Settings
from tests.browsers import Visit, chromium
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "allotments"
AT = f"/reviews/{REVIEW}"

PASSWORD = "a sentence of my own"

LIBRARY = """TY  - JOUR
TI  - Allotments and the health of those who dig
AB  - Neighbours who keep a plot together meet more often.
PY  - 2021
ER  -

TY  - JOUR
TI  - Parks at night
PY  - 2020
ER  -
"""

#: What a lead answers who has never seen a protocol; the rest stays as the form proposes it.
ANSWERS = {
    "title": "Do allotments keep people well?",
    "question": "For whom do allotments work, in which circumstances, and why?",
    "criteria.include": "It says what an allotment does for people.",
    "highlights.include": "allotment*",
    "theories[0].heading": "Company",
    "theories[0].statement": "Who digs beside others comes to know them.",
    "cmocs[0].context": "a town where people live alone",
    "cmocs[0].resource": "a plot among others",
    "cmocs[0].reasoning": "people feel that they are expected",
    "cmocs[0].outcome": "they meet, and feel better",
}


class Counted(Visit):
    """A visit of which pages and forms are counted."""

    def __init__(self, browser: Any, url: str, has_scripts: bool) -> None:
        super().__init__(browser, url, java_script_enabled=has_scripts)
        self.has_scripts = has_scripts
        self.pages, self.forms, self._at = 0, 0, ""
        self.page.on("framenavigated", self._went)
        self.page.on("request", self._sent)

    def _went(self, frame: Any) -> None:
        # To look again at the same page is no step.
        self.pages += frame.url != self._at
        self._at = frame.url

    def _sent(self, request: Any) -> None:
        self.forms += request.method == "POST"

    def comes_in(self, link: str, name: str) -> None:
        self.page.goto(f"/join#{link.partition('#')[2]}")
        if not self.page.input_value("#invitation"):  # Without scripts it is pasted.
            self.page.fill("#invitation", link)
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_selector("h1")

    def founds(self) -> None:
        self.page.click("a[href='/reviews/new']")
        self.page.fill("#name", REVIEW)
        self.page.click("main button")
        self.page.wait_for_url(f"**{AT}/protocol/new")

    def writes_protocol(self) -> None:
        for name, answer in ANSWERS.items():
            self.page.fill(f"[id='{name}']", answer)
        self.page.click("button[value=check]")
        self.page.click("button[value=apply]")
        self.page.wait_for_url(f"**{AT}/protocol?**")

    def brings(self, file: Path) -> None:
        self.page.goto(f"{AT}/imports")
        if not self.page.query_selector("#file"):  # The protocol is on its way there.
            eventually(lambda: self.page.reload() and self.page.query_selector("#file"), within=60)
        self.page.set_input_files("#file", str(file))
        self.page.click("form[data-upload] button")
        self.page.wait_for_url(f"**{AT}/imports/import_*")
        if not self.has_scripts:
            eventually(lambda: self.page.reload() and not self.page.query_selector("[data-again]"), within=60)
        self.page.wait_for_selector("[data-again]", state="detached")

    def invites(self) -> str:
        self.page.goto(f"{AT}/people")
        self.page.click("form[action$='/people/invite'] button")
        return str(self.page.input_value("#shown"))

    def screens_one(self, stage: int = 0) -> None:
        self.page.goto(AT)
        eventually(
            lambda: self.page.reload() and len(self.page.query_selector_all(".cards .button")) > stage, within=60
        )
        self.page.locator(".cards .button").nth(stage).click()
        self.page.click("main form button")
        self.page.wait_for_selector("#title")
        self.page.click("button[value=include]")
        self.page.wait_for_selector("[data-undo]")
        if self.has_scripts:  # What is answered goes out behind the card that follows.
            self.page.wait_for_selector("#waiting[data-n='0']", state="attached")

    def codes_one(self) -> None:
        """Codes the report that waits, which the review's page names."""
        self.page.goto(AT)
        waits = f"a[href='{AT}/synthesis/coding']:has-text('to be coded')"
        eventually(lambda: self.page.reload() and self.page.query_selector(waits), within=60)
        self.page.click(waits)
        self.page.click("main table .button")
        self.page.fill("[id='fragment.locator']", "p. 4")
        self.page.fill("[id='fragment.paraphrase']", "Who digs beside others is missed when they stay away.")
        self.page.select_option("[id='fragment.data_type']", "observation")
        for name, chosen in {"cmoc": "c1", "element": "whole", "stance": "supports", "inference": "explicit"}.items():
            self.page.select_option(f"[id='links[0].{name}']", chosen)
        self.page.click("button[value=code]")
        self.page.wait_for_selector(".badge:has-text('supports')")

    def signs(self, summary: str) -> None:
        """Reads the draft that the review's page names, and signs it."""
        self.page.goto(AT)
        waits = f"a[href='{AT}/synthesis']:has-text('can be signed')"
        eventually(lambda: self.page.reload() and self.page.query_selector(waits), within=60)
        self.page.click(waits)
        self.page.click(f"main a.button[href='{AT}/synthesis/sign']")
        # Without scripts a page that something arrived for is looked at again.
        eventually(lambda: self.page.query_selector("#summary") or (self.page.reload() and None), within=60)
        self.page.fill("#summary", summary)
        self.page.click("button[value=look]")
        self.page.click("button[value=sign]")
        self.page.wait_for_url(f"**{AT}/findings/1")

    def opens(self) -> None:
        """Lets anybody read what the review has published."""
        self.page.goto(f"{AT}/people")
        self.page.click("a[href$='/people/publicity']")
        self.page.click("form[action$='/people/publicity'] button")
        self.page.wait_for_selector("[role=status]")


@contextmanager
def unknown_platform(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a platform on which nobody is known yet, and the first admin's link."""
    processes = Processes(folder, {"LIVING_DATA_DIR": str(folder)}, ((*ALL, "web"),))
    try:
        processes.start(timeout=600)
        written = link_path(Settings(data_dir=folder, _env_file=None))
        eventually(written.exists, within=60)
        yield processes.urls["people"], written.read_text().strip()
    finally:
        processes.stop()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[tuple[str, str]]:
    with unknown_platform(tmp_path) as found:
        yield found


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "by forms alone"])
def test_a_new_lead_comes_from_nothing_to_a_revision_that_anybody_reads(platform, tmp_path, has_scripts):
    url, link = platform
    file = tmp_path / "library.ris"
    file.write_text(LIBRARY)
    began = monotonic()
    with chromium() as browser:
        lead = Counted(browser, url, has_scripts)
        lead.comes_in(link, "Lea")
        lead.founds()
        lead.writes_protocol()
        lead.brings(file)
        assert "2" in lead.page.inner_text(".sum") and "library.ris" in lead.page.inner_text("h1")
        links = [lead.invites(), lead.invites()]
        people = [lead]
        for link, name in zip(links, ("Ana", "Ben"), strict=True):
            somebody = Counted(browser, url, has_scripts)
            somebody.comes_in(link, name)
            somebody.screens_one()
            people.append(somebody)
        lead.page.goto(AT)
        eventually(lambda: lead.page.reload() and _passed(lead) == ["1", "0"], within=60)

        print(f"\na new lead{'' if has_scripts else ' without scripts'}: {lead.pages} pages, {lead.forms} forms;")
        print(f"all three: {sum(p.pages for p in people)} pages, {sum(p.forms for p in people)} forms, ", end="")
        print(f"{monotonic() - began:.0f} s by machine")
        assert lead.forms <= 7

        for somebody in people[1:]:
            somebody.screens_one(stage=1)
        so_far = lead.pages, lead.forms
        lead.codes_one()
        lead.signs("The first report says that people are missed.")
        lead.opens()
        print(f"and on to a public revision: {lead.pages - so_far[0]} pages, {lead.forms - so_far[1]} forms")
        anybody = Counted(browser, url, has_scripts)
        anybody.page.goto(f"{AT}/findings")
        assert "The first report says that people are missed." in anybody.page.inner_text("main")
        assert "partially supported" in anybody.page.inner_text("main")
        assert [line for one in (*people, anybody) for line in one.wrong] == []
        assert lead.forms - so_far[1] <= 4


def _passed(lead: Counted) -> list[str]:
    """How many records passed each stage, as the page of the review says it."""
    return [row.query_selector_all("td")[4].inner_text() for row in lead.page.query_selector_all("main tbody tr")]
