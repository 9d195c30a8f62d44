"""Conflicts settled in bulk, in a browser without scripts: looked at one by one, put back, and decided together."""

from __future__ import annotations

import html

import pytest

from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

CONFLICTS = f"/reviews/{REVIEW}/conflicts"
AT = f"{CONFLICTS}/looked-at"
CARD = f"/reviews/{REVIEW}/screen/sift"

#: Of each paper, how many people Ana and Ben read there.
PEOPLE = {"alike one": ("12", "12"), "alike <b>two</b>": ("30", "30"), "other": ("12", "40"), "unseen": ("5", "5")}


@pytest.fixture(scope="module")
def ada(site: Site) -> Browser:
    """Who adjudicates, in a review in which Ana and Ben part on four papers."""
    site.founds()
    site.brings(*PEOPLE)
    ana, ben = site.member("Ana", "reviewer"), site.member("Ben", "reviewer")
    said = {0: {"answer": "include"}, 1: {"answer": "exclude", "excluded_for": "opinion"}}
    for at, browser in enumerate((ana, ben)):
        browser.goes(CARD).sends(f"{CARD}/next")
        for _ in PEOPLE:
            people = next(n[at] for title, n in PEOPLE.items() if f">{html.escape(title)}<" in browser.text)
            browser.sends(f"{CARD}/vote", **said[at], **{"field.people": people})
            assert "Your vote is in." in browser.text
    return site.admin


def tasks(site: Site, browser: Browser) -> dict[str, str]:
    with site.client(browser) as living:
        return {one.title or "": one.task for one in living.screening.conflicts(REVIEW)}


def looks(site: Site, browser: Browser, title: str, answer: str = "include", **said: str) -> None:
    """Takes the conflict about a paper, looks at it, and puts it back."""
    with site.client(browser) as living:
        record = next(one.record for one in living.screening.conflicts(REVIEW) if one.title == title)
    browser.goes(CONFLICTS).posts(f"{CONFLICTS}/take", browser.form(f"{CONFLICTS}/take") | {"record": record})
    browser.sends(f"{CONFLICTS}/look", answer=answer, **said)
    assert "What the votes say" in browser.text and "Decide later" in browser.text
    assert "It goes to those that you looked at" in browser.text
    browser.sends(f"{CONFLICTS}/release")
    assert browser.at == CONFLICTS and "It is put back" in browser.text


def test_where_nothing_was_looked_at_the_page_says_how_it_comes_to_be(site, ada):
    assert "Looked at, to decide" not in ada.goes(CONFLICTS).text

    ada.goes(AT)

    assert "Nothing that you looked at waits to be decided." in ada.text
    assert "give your own answer, and put it back" in ada.text


def test_those_looked_at_wait_with_how_many_and_what_their_forms_say(site, ada):
    looks(site, ada, "alike one")
    looks(site, ada, "alike <b>two</b>", "exclude", excluded_for="elsewhere")
    looks(site, ada, "other")

    assert "Looked at, to decide" in ada.text and '<span class="badge">3</span>' in ada.text
    ada.goes(AT)

    words = " ".join(ada.words.split())
    assert "alike one Sift include goes on to Depth Ana: include Ben: exclude agree How many people: 12" in words
    assert "exclude is excluded Ana: include Ben: exclude agree How many people: 30" in words
    assert "differ How many people Decide it by itself other" in words
    assert "alike &lt;b&gt;two&lt;/b&gt;" in ada.text and "<b>two</b>" not in ada.text
    assert ada.text.count('name="tasks"') == 2 and "checked" not in ada.text
    assert ada.goes(f"{AT}?ticked=all").text.count(" checked") == 2 and ">Settle 2<" in ada.text


def test_those_not_looked_at_yet_are_named_nowhere_on_the_page(site, ada):
    assert "unseen" not in ada.goes(AT).text.replace('class="unseen"', "")
    dee = site.member("Dee", "adjudicator")

    assert "Nothing that you looked at" in dee.goes(AT).text and "Ana" not in dee.words
    assert "Looked at, to decide" not in dee.goes(CONFLICTS).text
    dee.posts(f"{CONFLICTS}/settle", ada_form(site, ada) | {"proof": dee.goes("/account").form("/sign-out")["proof"]})
    assert dee.page.status_code == 422 and "give your own answer first" in dee.words and "Ana" not in dee.words


def ada_form(site: Site, ada: Browser) -> dict[str, object]:
    """What ada's form sends with everything ticked that is hers to tick."""
    known = tasks(site, ada)
    chosen = [known["alike one"], known["alike <b>two</b>"]]
    return ada.goes(AT).form(f"{CONFLICTS}/settle") | {"tasks": chosen, "resolution": "we <i>read</i> it alike"}


def test_one_says_why_and_ticks_one_or_hears_at_the_field_what_is_missing_and_keeps_what_was_typed(site, ada):
    form = ada_form(site, ada)

    ada.posts(f"{CONFLICTS}/settle", form | {"resolution": " "})
    assert ada.page.status_code == 422 and 'href="#resolution"' in ada.text and ada.text.count(" checked") == 2
    ada.posts(f"{CONFLICTS}/settle", form | {"tasks": []})
    assert ada.page.status_code == 422 and "Tick one at least." in ada.text
    assert "we &lt;i&gt;read&lt;/i&gt; it alike</textarea>" in ada.text
    assert len(tasks(site, ada)) == 4


def test_those_ticked_are_settled_once_and_leave_every_list(site, ada):
    form = ada_form(site, ada)

    for _ in range(2):
        ada.posts(f"{CONFLICTS}/settle", form)
        assert ada.at == AT and "2 are settled." in ada.text

    assert set(tasks(site, ada)) == {"other", "unseen"}
    assert "alike" not in ada.text
    with site.client(ada) as living:
        decided = living.screening.tasks(REVIEW, "sift", "advanced")
        (record,) = [one.record for one in decided if one.title == "alike one"]
        judgement = living.screening.record(REVIEW, record).stages[0].judgement
    assert judgement is not None and judgement.votes[-1].reason == "we <i>read</i> it alike"
    assert judgement.votes[-1].fields == {"people": 12}


def test_what_could_not_be_settled_is_named_with_why_and_the_rest_is_done(site, ada):
    known = tasks(site, ada)
    looks(site, ada, "unseen")
    form = ada.goes(AT).form(f"{CONFLICTS}/settle")

    ada.posts(f"{CONFLICTS}/settle", form | {"tasks": [known["other"], known["unseen"]], "resolution": "as it is"})

    assert ada.page.status_code == 422 and "1 is settled. These are not:" in ada.text
    assert "other: its forms differ in what they say of &#39;How many people&#39;" in ada.words and set(
        tasks(site, ada)
    ) == {"other"}
    ada.sends(f"{CONFLICTS}/take")
    assert ada.at == CONFLICTS and "What the votes say" in ada.text
    ada.sends(f"{CONFLICTS}/release")


def test_readers_see_none_of_it_nor_does_who_has_not_signed_in(site, ada):
    assert site.member("Rita", "reader").goes(AT).page.status_code == 403
    assert Browser(site).goes(AT).at == "/sign-in"


@pytest.mark.slow
def test_the_button_says_how_many_are_ticked(site, ada):
    site.brings("alike three")
    for name, said in (("Ana", {"answer": "include"}), ("Ben", {"answer": "exclude", "excluded_for": "opinion"})):
        browser = Browser(site).signs_in(name).goes(CARD)
        browser.sends(f"{CARD}/next").sends(f"{CARD}/vote", **said)
    looks(site, ada, "alike three")
    with site.on_a_port() as url, chromium() as opened:
        visit = Visit(opened, url)
        visit.page.goto(f"/sign-in?to={AT}")
        visit.page.fill("#sign_in_as", "Ada")
        visit.page.fill("#password", "a sentence of my own")
        visit.page.press("#password", "Enter")
        visit.page.get_by_role("button", name="Settle those that are ticked").wait_for()

        visit.page.get_by_label("alike three").check()

        visit.page.get_by_role("button", name="Settle 1").wait_for()
        visit.page.fill("#resolution", "so it is")
        visit.page.get_by_role("button", name="Settle 1").click()
        visit.page.get_by_text("1 is settled.").wait_for()
        assert visit.wrong == []
