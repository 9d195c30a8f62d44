"""Every page, light and dark, wide and narrow, in a real browser: for everybody (axe), within its width, and quiet.

Slow: some forty pages are looked at four times; about two minutes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from services.web.pages import ALL
from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Site
from tests.unit.services.web.test_findings import included, signs
from tests.unit.services.web.test_imports import DECIDED, MAPPING
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT, UNWRITTEN = f"/reviews/{REVIEW}", "/reviews/unwritten"
CARD, CONFLICTS = f"{AT}/screen/sift", f"{AT}/conflicts"

#: One record, and what is none.
LIBRARY = b"TY  - JOUR\nTI  - A third garden\nPY  - 2021\nER  - \n\nTY  - JOUR\nER  - \n"


#: Where the batch is that applied what a file states.
BATCHES: list[str] = []


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    """A site with something on each of its pages, on a port."""
    site.founds()
    signs(site, included(site, "Gardens and trust"), "trust grew", "The first evidence.")
    signs(site, included(site, "Gardens and doubt"), "none", "One speaks against it.", stance="contradicts")
    site.brings("A shared garden", abstract="Neighbours who keep a garden together, without mice, meet more often.")
    for name, answer in (("Ana", {"answer": "include"}), ("Ben", {"answer": "exclude", "excluded_for": "opinion"})):
        browser = site.member(name, "reviewer").goes(CARD).sends(f"{CARD}/next")
        browser.sends(f"{CARD}/vote", reason="it says why", **answer)
    site.brings("A second garden", authors=["Ruiz, A", "Lang, D", "Moe, B", "Fox, C"], abstract="It is shared.")
    site.admin.goes(f"{AT}/imports").uploads(f"{AT}/imports", "library.ris", LIBRARY, reported="9")
    site.waits(lambda: "data-again" not in site.admin.goes(site.admin.at).text)
    site.admin.goes(f"{AT}/imports").uploads(f"{AT}/imports", "decided.csv", DECIDED, mapping=MAPPING)
    site.waits(lambda: "/decisions" in site.admin.goes(site.admin.at).text)
    site.waits(lambda: "stated.0" in site.admin.goes(f"{site.admin.at.removesuffix('/decisions')}/decisions").text)
    site.admin.sends(site.admin.at, **{"answer.0": "include", "reason": "it was screened before"})
    site.waits(lambda: "data-again" not in site.admin.goes(site.admin.at).text)
    batch = site.admin.at
    site.admin.goes(f"{AT}/exports").sends(f"{AT}/exports", format="ris")
    with site.client(site.admin) as living:
        living.people.found("unwritten")
        site.waits(lambda: [it.state for it in living.ingest.exports(REVIEW)] == ["done"])
    server = uvicorn.Server(uvicorn.Config(site.app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started, within=60)
    (listening,) = server.servers
    BATCHES.append(batch)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


class Looking(Visit):
    """Looks at one page after another, each four times."""

    def __init__(self, browser: Any, url: str) -> None:
        # What axe brings in is no file of ours.
        super().__init__(browser, url, bypass_csp=True)
        self.seen: set[str] = set()

    def looks(self, selector: str = "main") -> None:
        from axe_playwright_python.sync_playwright import Axe

        self.page.wait_for_selector(selector)
        at = self.page.url.removeprefix(self.url).partition("?")[0]
        self.seen.add(at)
        for scheme in ("light", "dark"):
            for width in (1280, 320):
                self.page.emulate_media(color_scheme=scheme)
                self.page.set_viewport_size({"width": width, "height": 700})
                found = Axe().run(self.page).response["violations"]
                lines = [f"{it['id']}: {node['html'][:100]}" for it in found for node in it["nodes"]]
                self.wrong += [f"{at} {scheme} {width}: {line}" for line in lines]
                if (wide := self.page.evaluate("document.documentElement.scrollWidth")) > width:
                    self.wrong.append(f"{at} {scheme}: {wide} wide on {width}")


def test_every_page_is_for_everybody_within_its_width_and_quiet(url):
    with chromium() as browser:
        ada = Looking(browser, url)
        for path in ("/sign-in", "/join", "/nothing"):
            ada.page.goto(path)
            ada.looks()
        ada.page.goto("/sign-in")
        for password, selector in (("not the right one", ".faults"), ("a sentence of my own", ".cards")):
            ada.page.fill("#sign_in_as", "Ada")
            ada.page.fill("#password", password)
            ada.page.press("#password", "Enter")
            ada.looks(selector)
        at = f"/reviews/{REVIEW}"
        for path in ("/account", at, f"{at}/findings", f"{at}/findings/1", f"{at}/people", f"{at}/flow"):
            ada.page.goto(path)
            ada.looks()
        for path in (f"{at}/imports", f"{at}/exports", f"{at}/sources", f"{at}/protocol", f"{at}/protocol/versions/1"):
            ada.page.goto(path)
            ada.looks()
        for path, link in ((f"{at}/imports", "td a, th a"), (f"{at}/sources", "th a")):
            ada.page.goto(path)
            ada.page.click(link)
            ada.looks(".raw, .sum")
        ada.page.goto(f"{at}/imports")
        ada.page.click("th a")
        ada.page.click(".cmoc a")
        ada.looks(".sum")
        ada.page.goto(f"{at}/imports")
        ada.page.click("text=decided.csv")
        ada.page.click("a[href$='/decisions']")
        ada.looks("table")
        ada.page.goto(BATCHES[0])
        ada.looks(".sum")
        ada.page.goto(f"{at}/protocol/edit")
        ada.looks("#document")
        text = ada.page.input_value("#document")
        for other, then in ((text.replace("title: Do", "title: How do"), "#preview"), ("title: [", "#faults")):
            ada.page.fill("#document", other)
            ada.page.click("button[value=check]")
            ada.looks(then)
        for path in ("/reviews/new", UNWRITTEN, f"{UNWRITTEN}/protocol/new"):
            ada.page.goto(path)
            ada.looks()
        ada.page.click("button[value=more]")
        ada.looks("[id='stages[2].name']")
        for path, first, then in ((CARD, "e", ".faults"), (CONFLICTS, "i", ".votes")):
            ada.page.goto(path)
            ada.looks()
            ada.page.keyboard.press("Enter")
            ada.looks("#title")
            ada.page.keyboard.press(first)
            ada.looks(then)

        assert ada.wrong == []
        paths = [shown.path for table in ALL for shown in table.all if shown.method == "GET"]
        unseen = {
            path for path in paths if not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), at) for at in ada.seen)
        }
        files = {f"/reviews/{{review}}/{file}" for file in ("flow.svg", "flow.png", "exports/{export}/file")}
        assert unseen - files == {"/reviews/{review}/findings"}, "all but what leads on, or is no page"
