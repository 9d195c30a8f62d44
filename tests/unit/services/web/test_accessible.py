"""Every page, light and dark, wide and narrow, in a real browser: for everybody (axe), within its width, and quiet.

Slow: some twenty pages are looked at four times; about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.web.pages import ALL
from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Site
from tests.unit.services.web.test_findings import included, signs

pytestmark = [pytest.mark.slow, pytest.mark.waits]

CARD, CONFLICTS = f"/reviews/{REVIEW}/screen/sift", f"/reviews/{REVIEW}/conflicts"


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
    with site.on_a_port() as found:
        yield found


class Looking(Visit):
    """Looks at one page after another, each four times."""

    def __init__(self, browser: Any, url: str) -> None:
        # What axe brings in is no file of ours.
        super().__init__(browser, url, bypass_csp=True)
        self.seen: set[str] = set()

    def looks(self, selector: str = "main") -> None:
        from axe_playwright_python.sync_playwright import Axe

        try:
            self.page.wait_for_selector(selector)
        except Exception as error:
            raise AssertionError(f"no {selector} at {self.page.url}: {self.page.inner_text('main')}") from error
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
        for path in ("/account", at, f"{at}/findings", f"{at}/findings/1", f"{at}/people", f"{at}/flow",
                     f"{at}/mine", f"{at}/mine/parked", f"{at}/mine/notes", f"{at}/people/figures",
                     f"{CARD}/training", "/account/shortcuts"):  # fmt: skip
            ada.page.goto(path)
            ada.looks()
        for path, first, then in ((CARD, "e", ".faults"), (CONFLICTS, "i", ".votes")):
            ada.page.goto(path)
            ada.looks()
            ada.page.keyboard.press("Enter")
            ada.looks("#title")
            ada.page.keyboard.press(first)
            ada.looks(then)

        assert ada.wrong == []
        pages = {shown.path.format(review=REVIEW, stage="sift", number="1") for table in ALL for shown in table.all
                 if shown.method == "GET"}  # fmt: skip
        assert pages - ada.seen == {f"{at}/findings", f"{at}/flow.svg"}, "all but what leads on, or is no page"
