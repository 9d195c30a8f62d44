"""A reviewer whose line is lost, or whose session ends, in the middle of it: votes wait in the browser, and go out once
each and in their order.

Slow: some real pages are waited for; about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browsers import chromium
from tests.flows.test_team_in_browsers import PASSWORD, Member
from tests.unit.services.web.rig import REVIEW, Browser, Site
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

CARD = f"/reviews/{REVIEW}/screen/sift"
WAIT_FOR_TWO = "#waiting[data-n='2']:not([hidden])"
ALL_IN = "#waiting[data-n='0']"

#: Keys that are pressed faster than anything is answered.
ALL_AT_ONCE = """keys => {
  for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("line"))
    made.founds()
    made.brings(*(f"Shared garden {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    with site.on_a_port() as found:
        yield found


class Reviewer(Member):
    """Somebody who screens, by keys."""

    def has_cards_ahead(self) -> None:
        self.page.wait_for_load_state("networkidle")

    def presses(self, key: str) -> str:
        """Answers a card, and waits for the next; its title."""
        title = self.title()
        self.page.keyboard.press(key)
        self.page.wait_for_function("before => document.querySelector('#title')?.innerText !== before", arg=title)
        return title


def votes(site: Site, name: str) -> list[str]:
    """The titles that somebody has voted on, the first first."""
    with site.client(Browser(site).signs_in(name)) as living:
        return [vote.title or "" for vote in living.screening.my_votes(REVIEW)][::-1]


@pytest.fixture
def ana(site: Site, url: str, request: pytest.FixtureRequest) -> Iterator[Reviewer]:
    name = f"Ana of {request.node.name}"
    site.member(name, "reviewer")
    with chromium() as browser:
        made = Reviewer(browser, url, name)
        made.begins(CARD)
        made.has_cards_ahead()
        yield made


def test_votes_wait_while_the_line_is_lost_and_go_out_once_each_in_their_order(site, ana):
    first = ana.presses("i")
    ana.page.wait_for_selector(ALL_IN, state="attached")
    ana.has_cards_ahead()

    ana.context.set_offline(True)
    given = [first, ana.presses("i"), ana.presses("i")]
    ana.page.wait_for_selector(WAIT_FOR_TWO)
    assert "2 votes wait in this browser" in ana.page.inner_text("#waiting")
    assert votes(site, ana.name) == [first]
    ana.context.set_offline(False)

    ana.page.wait_for_selector(ALL_IN, state="attached")
    assert votes(site, ana.name) == given
    assert ana.title() not in given and ana.page.evaluate("sessionStorage.length") == 0


def test_a_vote_that_waits_and_never_went_out_is_taken_back_here(site, ana):
    ana.context.set_offline(True)
    first = ana.presses("i")
    second = ana.presses("i")
    ana.page.wait_for_selector(WAIT_FOR_TWO)

    third = ana.title()
    ana.page.keyboard.press("z")
    ana.page.wait_for_function("before => document.querySelector('#title')?.innerText === before", arg=second)
    assert ana.presses("i") == second and ana.title() == third
    ana.context.set_offline(False)

    ana.page.wait_for_selector(ALL_IN, state="attached")
    assert votes(site, ana.name) == [first, second]


def leases_on(site: Site, title: str, but: str = "") -> list[str]:
    """The leases under which people have a record in hand, but for one's."""
    with site.client(site.admin) as living:
        names = {it.person: it.name for it in living.people.members(REVIEW)}
        return [it.lease for it in living.screening.leases(REVIEW) if it.title == title and names.get(it.person) != but]


def held_back(ana: Reviewer, answers: list[str]) -> list[Any]:
    """Has the votes that are sent from now on be answered with these, or, where "" stands, be held until `goes_on`."""
    held: list[Any] = []

    def meets(route: Any) -> None:
        said = answers.pop(0) if answers else None
        if said is None:
            route.continue_()
        elif said:
            route.fulfill(status=200, content_type="text/html", body=said)
        else:
            held.append(route)

    ana.page.route("**/screen/sift/vote*", meets)
    return held


def test_a_last_vote_that_is_taken_back_while_on_its_way_is_said_to_be_in_and_nothing_else_is_touched(site, ana):
    ben = site.member(f"Ben, who is before {ana.name}", "reviewer").goes(CARD)
    title = ana.title()
    with site.client(site.admin) as living:
        (record,) = {it.record for it in living.screening.leases(REVIEW) if it.title == title}
        for it in leases_on(site, title, but=ana.name):
            living.screening.free(REVIEW, it, "they are gone")
    with site.client(ben) as living:
        for task in living.screening.claim_many(REVIEW, 1, "sift", records=[record]):
            living.screening.vote(REVIEW, task.lease, "include")
    held = held_back(ana, [""])

    ana.presses("i")
    ana.page.keyboard.press("z")
    eventually(lambda: ana.page.wait_for_timeout(50) or held, within=60)
    held[0].continue_()

    ana.page.wait_for_selector("#refused:not([hidden])")
    assert f"no longer to be taken back: {title}" in ana.page.inner_text("#refused")
    assert votes(site, ana.name) == [title]
    ana.page.click("#refused button")
    assert ana.page.is_hidden("#refused")


def test_a_vote_that_is_taken_back_while_on_its_way_is_this_one_whatever_was_answered_since(site, ana):
    first = ana.presses("i")
    ana.page.wait_for_selector(ALL_IN, state="attached")
    held = held_back(ana, [""])

    second = ana.presses("i")
    ana.page.keyboard.press("z")
    third = ana.presses("i")
    eventually(lambda: ana.page.wait_for_timeout(50) or held, within=60)
    held[0].continue_()

    ana.page.wait_for_url("**record=**")
    ana.page.wait_for_selector(ALL_IN, state="attached")
    eventually(lambda: ana.page.wait_for_timeout(50) or votes(site, ana.name) == [first, third], within=60)
    assert ana.title() == second


def test_what_something_in_between_answers_keeps_a_vote_waiting(site, ana):
    held_back(ana, ["<html><body><h1>Log in to this network</h1></body></html>"])

    title = ana.presses("i")
    ana.page.wait_for_selector("#waiting:not([hidden])")

    ana.page.wait_for_selector(ALL_IN, state="attached")
    assert votes(site, ana.name) == [title] and ana.page.is_hidden("#refused")


def test_an_answer_that_was_not_counted_is_said_until_it_was_seen(site, ana):
    ana.context.set_offline(True)
    first, second = ana.presses("i"), ana.presses("i")
    ana.page.wait_for_selector(WAIT_FOR_TWO)
    with site.client(site.admin) as living:
        for lease in leases_on(site, first):
            living.screening.free(REVIEW, lease, "somebody else shall have it")
    ana.context.set_offline(False)

    ana.page.wait_for_selector(ALL_IN, state="attached")
    ana.page.goto(CARD)
    assert first in ana.page.inner_text("#refused") and second not in ana.page.inner_text("#refused")
    assert votes(site, ana.name) == [second]


def test_a_double_press_is_one_answer_though_the_next_card_is_there(site, ana):
    title = ana.title()
    # Within one turn of the page, however long a busy machine takes between two presses of this test.
    ana.page.evaluate(ALL_AT_ONCE, ["i"] * 3)
    ana.page.wait_for_function("before => document.querySelector('#title')?.innerText !== before", arg=title)
    ana.page.wait_for_selector(ALL_IN, state="attached")

    assert votes(site, ana.name) == [title]


def test_an_answer_that_is_refused_comes_back_with_what_was_written(site, ana):
    title = ana.title()
    ana.page.fill("input[name='field.people']", "many")
    ana.page.keyboard.press("Escape")
    ana.page.keyboard.press("i")
    ana.page.wait_for_selector("body:not([aria-busy]) .faults")

    assert ana.title() == title and ana.page.input_value("input[name='field.people']") == "many"
    ana.page.fill("input[name='field.people']", "12")
    ana.page.keyboard.press("Escape")
    ana.presses("i")
    ana.page.wait_for_selector(ALL_IN, state="attached")
    assert votes(site, ana.name) == [title]


def test_a_session_that_ended_keeps_what_was_answered_until_one_has_signed_in(site, ana):
    here = Browser(site)
    here.http.cookies.set(
        "living-session", next(it["value"] for it in ana.context.cookies() if "session" in it["name"])
    )
    with site.client(here) as living:
        living.people.withdraw_key(living.people.me().key or "")
    eventually(lambda: here.goes("/account").at == "/sign-in", within=60)

    title = ana.title()
    ana.page.keyboard.press("i")
    ana.page.wait_for_url("**/sign-in**")
    assert "Your session has ended" in ana.page.inner_text("main")
    ana.page.fill("#sign_in_as", ana.name)
    ana.page.fill("#password", PASSWORD)
    ana.page.press("#password", "Enter")
    ana.page.wait_for_selector("#title")
    ana.page.wait_for_selector(ALL_IN, state="attached")

    assert votes(site, ana.name) == [title] and ana.title() != title


def test_nothing_of_it_is_left_in_the_browser_after_signing_out(site, ana):
    ana.context.set_offline(True)
    ana.presses("i")
    ana.page.wait_for_selector("#waiting:not([hidden])")
    assert ana.page.evaluate("sessionStorage.length") == 1

    ana.page.click("header form button")
    assert "Sign out once more" in ana.page.inner_text("#waiting")
    ana.context.set_offline(False)
    ana.page.wait_for_selector(ALL_IN, state="attached")
    ana.page.click("header form button")
    ana.page.wait_for_url("**/sign-in")

    assert ana.page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert len(votes(site, ana.name)) == 1


def test_other_pages_say_that_votes_wait_and_what_signing_out_does(site, ana):
    held_back(ana, [""])
    title = ana.presses("i")
    ana.page.goto("/account")
    assert "Votes wait in this tab" in ana.page.inner_text("#waits")

    ana.page.click("header form button")
    assert ana.page.url.endswith("/account")
    ana.page.click("#waits a")

    ana.page.wait_for_selector(ALL_IN, state="attached")
    assert votes(site, ana.name) == [title]
    ana.page.goto("/account")
    assert ana.page.is_hidden("#waits")


def test_a_card_with_all_that_it_loads_is_below_100_kilobytes(site, ana):
    sizes = []
    ana.page.on("response", lambda answer: sizes.append(len(answer.body())))
    ana.page.goto(CARD)
    ana.page.wait_for_load_state("networkidle")

    assert 5_000 < sum(sizes) < 100_000
