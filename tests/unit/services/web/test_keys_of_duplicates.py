"""Duplicates by keys in a real browser: one press is one ruling, and none while one is under way."""

from __future__ import annotations

import pytest

from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Site, served

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT = f"/reviews/{REVIEW}/duplicates"

TITLES = (
    "Trust between allotments and the councils of their towns",
    "Window boxes and the health of older people in the towns of the north",
    "Roof gardens and the weather of long winters in cities of the south",
)


#: Keys that are pressed faster than anything is answered.
_ALL_AT_ONCE = """keys => {
  for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def pairs(site: Site) -> Site:
    """A review in which three pairs wait."""
    site.founds()
    for title in TITLES:
        site.brings(title, authors=["Ruiz, A"], venue="Gardener")
        site.brings(title, authors=["Ruiz, A", "Lang, B"], venue="Grower", published="2020")
    return site


def rulings(site: Site) -> list[str]:
    with site.client(site.admin) as living:
        return [one.kind for one in living.ingest.rulings(REVIEW) if one.undone_at is None]


def presses(visit: Visit, key: str, then: str) -> None:
    """Presses a key, and sees the pair of that title."""
    visit.page.keyboard.press(key)
    sees(visit, then)


def sees(visit: Visit, title: str) -> None:
    """Until the pair of that title is there, and its keys are."""
    visit.page.get_by_role("cell", name=title).first.wait_for()
    visit.page.wait_for_load_state()


def test_pairs_are_decided_by_keys_and_what_is_typed_decides_nothing(pairs):
    with served(pairs) as url, chromium() as browser:
        ada = Visit(browser, url)
        ada.page.goto(f"/sign-in?to={AT}")
        ada.page.fill("#sign_in_as", "Ada")
        ada.page.fill("#password", "a sentence of my own")
        ada.page.press("#password", "Enter")
        sees(ada, TITLES[0])

        presses(ada, "s", TITLES[1])
        ada.page.focus("#reason")
        ada.page.keyboard.type("mks")
        assert ada.page.input_value("#reason") == "mks" and rulings(pairs) == []
        ada.page.keyboard.press("Escape")
        presses(ada, "m", TITLES[2])
        assert rulings(pairs) == ["same"]
        presses(ada, "z", TITLES[1])
        assert rulings(pairs) == []

        sent: list[str] = []
        ada.page.on("request", lambda asked: asked.method == "POST" and sent.append(asked.url))
        ada.page.evaluate(_ALL_AT_ONCE, ["k", "m", "k"])
        sees(ada, TITLES[2])
        assert [it.rpartition("/")[2] for it in sent] == ["keep-apart"] and rulings(pairs) == ["apart"]
        assert ada.wrong == []
