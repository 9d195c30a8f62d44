"""Conflicts in a browser without scripts: an own answer first, then the votes beside one another, then a decision."""

from __future__ import annotations

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/conflicts"
CARD = f"/reviews/{REVIEW}/screen/sift"


@pytest.fixture(scope="module")
def ada(site: Site) -> Browser:
    """Who adjudicates, in a review in which Ana and Ben do not agree on two papers."""
    site.founds()
    site.brings("A shared garden of one", "A shared garden of two")
    ana, ben = site.member("Ana", "reviewer"), site.member("Ben", "reviewer")
    for browser, answer in ((ana, {"answer": "include", "reason": "it <b>says</b> why"}), (ben, {"answer": "exclude"})):
        browser.goes(CARD).sends(f"{CARD}/next")
        for people in ("12", "12" if browser is ana else "40"):
            out = {"excluded_for": "opinion"} if browser is ben else {}
            browser.sends(f"{CARD}/vote", **answer, **out, **{"field.people": people})
            assert "Your vote is in." in browser.text
    return site.admin


def test_conflicts_are_listed_and_nothing_of_the_votes_is(site, ada):
    ada.goes(AT)

    assert "A shared garden of one" in ada.text and "A shared garden of two" in ada.text
    assert "Ana" not in ada.words and "opinion" not in ada.words and "Take the next" in ada.words


def test_a_reviewer_sees_how_many_wait_and_who_decides_them_and_nothing_else(site, ada):
    rick = site.member("Rick", "reviewer").goes(AT)

    assert rick.page.status_code == 200 and "Adjudicators decide the conflicts of this review." in rick.words
    assert "Sift: 2 wait" in rick.words and "A shared garden" not in rick.text and "/take" not in rick.text


def test_conflicts_of_one_stage_are_listed_alone(site, ada):
    assert ada.goes(f"{AT}?stage=sift").text.count("Take this one") == 2 and "Sift (2)" in ada.text
    assert "No conflict waits here." in ada.goes(f"{AT}?stage=depth").text
    assert ada.goes(f"{AT}?stage=nothing").page.status_code == 404


def test_an_own_answer_comes_first_and_then_the_votes_side_by_side_with_what_differs_marked(site, ada):
    ada.goes(AT).sends(f"{AT}/take")
    assert "Answer for yourself first" in ada.words and "Ana" not in ada.words and "12" not in ada.words

    ada.sends(f"{AT}/look", answer="include", reason="")

    assert "What the votes say" in ada.text and "Ana" in ada.text and "Ben" in ada.text
    assert "it &lt;b&gt;says&lt;/b&gt; why" in ada.text
    assert ada.text.count('<tr class="differs">') >= 3
    assert "Your first look" in ada.text


def test_what_becomes_of_it_is_shown_by_answer_before_it_is_decided(site, ada):
    words = " ".join(ada.goes(AT).words.split())

    assert "include goes on to Depth as Ana answered" in words and "exclude is excluded as Ben answered" in words


def test_a_decision_says_why_and_the_conflict_leaves_the_list(site, ada):
    ada.goes(AT).sends(f"{AT}/decide", answer="include", reason="")
    assert ada.page.status_code == 422 and "reason" in ada.text and "What the votes say" in ada.text
    form = ada.form(f"{AT}/decide") | {"answer": "include", "reason": "it does say why"}

    ada.posts(f"{AT}/decide", form)
    assert "It is decided." in ada.text and ada.text.count("Take this one") == 1

    ada.posts(f"{AT}/decide", form)
    assert "no longer yours to decide" in ada.text
    assert len(list(site.client(ada).screening.conflicts(REVIEW))) == 1


def test_one_that_is_named_is_taken_and_given_back(site, ada):
    ada.goes(AT)
    record = next(iter(site.client(ada).screening.conflicts(REVIEW))).record

    ada.posts(f"{AT}/take", ada.form(f"{AT}/take") | {"record": record})
    assert "Answer for yourself first" in ada.text
    ada.sends(f"{AT}/release")

    assert ada.at == AT and "Take this one" in ada.text


def test_who_voted_decides_no_conflict_of_a_third_person_and_readers_see_none(site, ada):
    ana = Browser(site).signs_in("Ana")
    assert "Take this one" not in ana.goes(AT).text and "A shared garden" not in ana.text
    rita = site.member("Rita", "reader").goes(AT)

    assert "Adjudicators decide" in rita.text and "A shared garden" not in rita.text


def test_voters_who_decide_together_see_both_votes_at_once_and_stand_by_one_answer(site, ada):
    protocol = PROTOCOL.replace(f"review: {REVIEW}", "review: ponds").replace(
        "    votes: 2\n", "    votes: 2\n    reconciliation: consensus\n"
    )
    site.founds(protocol, "ponds")
    site.brings("A pond", review="ponds")
    dee, eve = site.member("Dee", "reviewer", "ponds"), site.member("Eve", "reviewer", "ponds")
    card, at = "/reviews/ponds/screen/sift", "/reviews/ponds/conflicts"
    for browser, said in ((dee, {"answer": "include"}), (eve, {"answer": "exclude", "excluded_for": "opinion"})):
        browser.goes(card).sends(f"{card}/next").sends(f"{card}/vote", **said)

    for browser in (dee, eve):
        browser.goes(at).sends(f"{at}/take")
        assert "You voted here" in browser.text and "Dee" in browser.text and "Eve" in browser.text
        browser.sends(f"{at}/decide", answer="include", reason="we talked")

    assert "Dee stands by include." not in eve.text
    with site.client(ada) as living:
        assert [task.decided_by for task in living.screening.tasks("ponds", "sift", "advanced")] == ["consensus"]
