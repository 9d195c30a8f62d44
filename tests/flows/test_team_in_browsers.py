"""A team in three real browsers: two who screen a stage blind to each other, and a third who decides where they part.

Slow: twelve records are read by two people and four of them by a third; about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Site

pytestmark = [pytest.mark.slow, pytest.mark.waits]

CARD, CONFLICTS = f"/reviews/{REVIEW}/screen/sift", f"/reviews/{REVIEW}/conflicts"

PASSWORD = "a sentence of my own"

#: What the two answer to each of twelve records: they part on four.
ANSWERS = {
    f"Shared garden {chr(ord('A') + number)}": pair
    for number, pair in enumerate(["ii", "ee", "ie", "ii", "ei", "ii", "ee", "ie", "ii", "ee", "ei", "ii"])
}
PARTED = {title for title, (first, second) in ANSWERS.items() if first != second}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("team"))
    made.founds()
    made.brings(*ANSWERS)
    for name, role in (("Ana", "reviewer"), ("Ben", "reviewer"), ("Cy", "adjudicator")):
        made.member(name, role)
    yield made
    made.close()


class Member(Visit):
    """Somebody of the team, with all that was ever sent to their browser."""

    def __init__(self, browser: Any, url: str, name: str) -> None:
        super().__init__(browser, url)
        self.name, self.sent = name, [""]
        self.page.on("response", self._came)
        self.page.goto("/sign-in")
        self.page.fill("#sign_in_as", name)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_selector(".cards")

    def _came(self, response: Any) -> None:
        # What leads on has no body.
        with suppress(Exception):
            self.sent.append(response.text())

    def saw(self, *words: str) -> list[str]:
        """Those of these words that were ever sent to them."""
        seen = self.page.content() + "".join(self.sent)
        return [word for word in words if word in seen]

    def begins(self, at: str) -> None:
        self.page.goto(at)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#title")

    def title(self) -> str:
        return str(self.page.inner_text("#title"))

    def answers(self, key: str, reason: str) -> None:
        """Answers the card, by keys, and waits until another is there or none is left."""
        before = self.title()
        if key == "e":
            self.page.keyboard.press("1")
        self.page.fill("#reason", reason)
        self.page.keyboard.press("Escape")
        self.page.keyboard.press(key)
        self.page.wait_for_function("before => document.querySelector('#title')?.innerText !== before", arg=before)


def test_two_screen_a_stage_blind_and_a_third_decides_where_they_part(site):
    with chromium() as browser, site.on_a_port() as url:
        ana, ben, cy = (Member(browser, url, name) for name in ("Ana", "Ben", "Cy"))
        ana.begins(CARD)
        ben.begins(CARD)
        for _ in ANSWERS:
            for member, other, which in ((ana, ben, 0), (ben, ana, 1)):
                title = member.title()
                member.answers(ANSWERS[title][which], f"{member.name} on {title}")
                # Whatever one has answered, the other's browser was sent nothing of it, nor who they are.
                assert other.saw(f"{member.name} on") == other.saw(member.name) == []

        cy.page.goto(f"/reviews/{REVIEW}")
        cy.begins(CONFLICTS)
        decided = set()
        while True:
            title = cy.title()
            decided.add(title)
            assert cy.saw(f"Ana on {title}", f"Ben on {title}") == []
            cy.page.keyboard.press("i")
            cy.page.wait_for_selector(".votes")
            assert len(cy.saw(f"Ana on {title}", f"Ben on {title}")) == 2
            cy.page.fill("#reason", "it says how")
            cy.page.keyboard.press("Escape")
            cy.page.keyboard.press("i")
            cy.page.wait_for_url(f"{CONFLICTS}?done=decided")
            if cy.page.locator("form button[data-key=enter]").count() == 0:
                break
            cy.begins(CONFLICTS)
        assert decided == PARTED

        with site.client(site.admin) as living:
            # The last answers go out behind the page that follows them.
            site.waits(lambda: next(living.screening.tasks(REVIEW, "sift", "open"), None) is None)
            states = {state: {it.title for it in living.screening.tasks(REVIEW, "sift", state)}
                      for state in ("open", "conflict", "advanced", "excluded")}  # fmt: skip
        out = {title for title, pair in ANSWERS.items() if pair == "ee"}
        assert states == {"open": set(), "conflict": set(), "advanced": set(ANSWERS) - out, "excluded": out}

        ada = Member(browser, url, "Ada")
        ada.page.goto(f"/reviews/{REVIEW}/people/figures")
        with site.client(site.admin) as living:
            kappas = [str(it.kappa) for it in living.screening.agreement(REVIEW) if it.n]
        assert ada.page.locator("[data-kappa] data").evaluate_all("all => all.map(it => it.value)") == kappas
        assert len(kappas) == 1 and "None" not in kappas
        assert [member.wrong for member in (ana, ben, cy, ada)] == [[], [], [], []]
