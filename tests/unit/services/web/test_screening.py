"""Screening in a browser without scripts: by forms alone."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/screen/sift"


@pytest.fixture(scope="module")
def ana(site: Site) -> Browser:
    site.founds()
    site.brings(*(f"A shared garden, number {number}" for number in range(14)))
    return site.member("Ana", "reviewer")


@pytest.fixture(scope="module")
def ben(site: Site, ana: Browser) -> Browser:
    return site.member("Ben", "reviewer")


def lease(browser: Browser) -> str:
    return browser.form(f"{AT}/vote")["lease"]


def title(browser: Browser) -> str:
    found = re.search(r'<h1 id="title"[^>]*>(.*?)</h1>', browser.text, re.DOTALL)
    assert found
    return re.sub(r"<[^>]*>", "", found[1])


def test_to_look_takes_nothing_and_a_button_takes_the_next_card(site, ana):
    ana.goes(f"/reviews/{REVIEW}")
    assert "14 to screen" in ana.text
    ana.goes(AT)
    assert "A shared garden" not in ana.text and not list(site.client(site.admin).screening.leases(REVIEW))

    ana.sends(f"{AT}/next")

    assert ana.at == AT and "A shared" in ana.text
    assert '<mark class="include">garden</mark>' in ana.text and "A farm" in ana.text


def test_a_vote_is_cast_and_the_next_card_is_there(site, ana):
    ana.goes(AT)
    if "Begin" in ana.text:
        ana.sends(f"{AT}/next")
    before = lease(ana)

    ana.sends(f"{AT}/vote", answer="include", **{"field.people": "12"})

    assert ana.at == AT and "Your vote is in." in ana.text and lease(ana) != before


def test_an_answer_that_lacks_something_keeps_the_card_and_what_was_written(site, ana):
    ana.goes(AT)
    before = lease(ana)

    ana.sends(f"{AT}/vote", answer="exclude", reason="it is <b>thin</b>")
    assert ana.page.status_code == 422 and lease(ana) == before
    faults = ana.text.split('class="faults"')[1].split("</ul>")[0]
    assert '<a href="#excluded_for">If it is out, why</a>' in faults and 'id="excluded_for"' in ana.text
    assert "An opinion; Not of gardens" in faults and "excluded_for:" not in faults
    assert 'value="it is &lt;b&gt;thin&lt;/b&gt;"' in ana.text

    ana.sends(f"{AT}/vote", answer="exclude", excluded_for="opinion", **{"field.people": "many"})
    assert ana.page.status_code == 422 and "must be a number" in ana.text
    for large in ("1e300", "-1e300", "9" * 20, "1000000000000001.5"):
        ana.sends(f"{AT}/vote", answer="exclude", excluded_for="opinion", **{"field.people": large})
        bound = "-1000000000000000 or more" if large.startswith("-") else "1000000000000000 or less"
        assert ana.page.status_code == 422 and f"must be {bound}" in ana.text and "must be text" not in ana.text

    ana.sends(f"{AT}/vote", answer="exclude", excluded_for="opinion", **{"field.people": "12"})
    assert "Your vote is in." in ana.text


def test_a_form_that_is_sent_twice_is_one_vote(site, ana):
    ana.goes(AT)
    form = ana.form(f"{AT}/vote") | {"answer": "include"}
    left = site.client(ana).screening.left(REVIEW)[0]

    for _ in range(2):
        assert "Your vote is in." in ana.posts(f"{AT}/vote", form).text
    another = form | {"once": f"cmd_{'a' * 32}"}
    assert "no longer yours to answer" in ana.posts(f"{AT}/vote", another).text
    now = site.client(ana).screening.left(REVIEW)[0]
    assert left.left + left.in_hand - now.left - now.in_hand == 1


def test_a_vote_is_taken_back_and_its_card_is_in_hand_again(site, ana):
    answered = title(ana.goes(AT))
    ana.sends(f"{AT}/vote", answer="include")
    assert f"{answered}: include" in ana.text and title(ana) != answered

    ana.sends(f"{AT}/undo")

    assert title(ana) == answered and "Your vote is in." not in ana.text and f"{answered}: include" not in ana.text


def test_the_last_votes_can_be_taken_back_each_and_what_is_done_today_is_counted(site, ana):
    done = site.client(ana).screening.my_day(REVIEW).n
    first = title(ana.goes(AT))
    for answer in ("include", "include"):
        ana.sends(f"{AT}/vote", answer=answer)
    assert f"{done + 2} today, {done + 2} of them within the last hour" in ana.words
    older = next(vote.task for vote in site.client(ana).screening.my_votes(REVIEW) if vote.title == first)

    ana.posts(f"{AT}/undo", ana.form(f"{AT}/undo") | {"task": older})

    assert title(ana) == first and f"{done + 1} today" in ana.words


def test_a_browser_that_has_cards_ahead_is_answered_with_one_that_it_has_not_got(site, ana):
    ana.goes(AT)
    shown, form = lease(ana), ana.form(f"{AT}/vote") | {"answer": "include", "quick": "1"}
    ana.posts(f"{AT}/ahead", {"proof": form["proof"], "quick": "1", "shown": shown, "has": shown})
    ready = lease(ana)
    assert ready != shown

    ana.posts(f"{AT}/vote", form | {"shown": ready, "has": ready})
    assert ana.page.status_code == 200 and lease(ana) not in (shown, ready) and "no longer yours" not in ana.text

    done = site.client(ana).screening.my_day(REVIEW).n
    assert "no longer yours" not in ana.posts(f"{AT}/vote", form | {"has": ready}).text
    assert "no longer yours" in ana.posts(f"{AT}/vote", form | {"has": ready, "once": f"cmd_{'b' * 32}"}).text
    assert site.client(ana).screening.my_day(REVIEW).n == done


def test_a_card_is_skipped_parked_and_noted(site, ana):
    ana.goes(AT)
    form = ana.form(f"{AT}/note")
    ana.sends(f"{AT}/note", note="look <i>again</i>")
    assert "Your note is kept." in ana.text and "look &lt;i&gt;again&lt;/i&gt;" in ana.text

    ana.sends(f"{AT}/park", parked_for="")
    assert ana.page.status_code == 422 and "say why it has to wait" in ana.text
    ana.sends(f"{AT}/park", parked_for="the text is on its way")
    assert "Parked." in ana.text
    assert [task.task for task in site.client(ana).screening.parked(REVIEW)] == [form["task"]]

    before = lease(ana)
    ana.sends(f"{AT}/skip")
    assert "Skipped" in ana.text and lease(ana) != before


def test_nobody_learns_of_a_vote_before_their_own(site, ana, ben):
    before = ben.goes(AT).text
    ben.sends(f"{AT}/next")
    seen = ben.text

    assert "Ana" not in before + seen and "include</" not in seen.replace("include <kbd>", "")
    other = ben.form(f"{AT}/vote") | {"lease": lease(ana.goes(AT)), "answer": "include"}
    assert ben.posts(f"{AT}/vote", other).page.status_code == 403


def test_a_session_that_ended_in_the_middle_of_a_vote_loses_nothing(site, ana):
    ana.goes(AT)
    form = ana.form(f"{AT}/vote") | {"answer": "include"}
    with site.client(ana) as living:
        before = living.screening.left(REVIEW)[0]
        living.people.withdraw_key(living.people.me().key or "")
    other = Browser(site)
    other.http.cookies.set("living-session", ana.session or "")
    site.waits(lambda: other.goes("/account").at == "/sign-in")

    ana.posts(f"{AT}/vote", form)
    assert ana.page.status_code == 401 and "Your session has ended" in ana.text
    ana.sends("/sign-in", sign_in_as="Ana", password="a sentence of my own")
    assert "What was sent from this browser before is still here" in ana.text
    ana.sends(f"{AT}/vote")

    assert ana.at == AT and "Your vote is in." in ana.text
    now = site.client(ana).screening.left(REVIEW)[0]
    assert before.left + before.in_hand - now.left - now.in_hand == 1


def test_readers_do_not_screen_and_are_told_so(site, ana):
    reader = site.member("Rita", "reader")

    assert "Waiting for you" not in reader.goes(f"/reviews/{REVIEW}").text
    assert reader.goes(AT).page.status_code == 403 and "This is not for your role" in reader.text


@pytest.mark.parametrize("at", ["nothing", "depth"])
def test_a_stage_that_there_is_not_and_one_that_has_nothing_say_so(site, ana, at):
    ana.goes(f"/reviews/{REVIEW}/screen/{at}")

    assert ("There is no such page" if at == "nothing" else "Nothing waits for you here") in ana.text


def test_keys_are_chosen_from_a_card_that_a_form_drew_and_lead_back_to_it(site, ana):
    ana.goes(AT)
    if "Begin" in ana.text:
        ana.sends(f"{AT}/next")
    assert ana.sends(f"{AT}/vote", answer="exclude").page.status_code == 422

    (keys,) = re.findall(r'href="(/account/shortcuts[^"]*)"', ana.text)
    ana.goes(keys).sends("/account/shortcuts", like="asreview")

    assert ana.page.status_code == 200 and ana.at == AT


def test_a_card_says_what_the_review_asks_and_that_one_key_decides(ana):
    ana.goes(AT)
    assert "Do shared gardens keep people well?" in ana.words and "For whom, and why?" in ana.words
    if "Begin" in ana.text:
        ana.sends(f"{AT}/next")

    assert "For whom, and why?" in ana.words and "One key, or one press, decides." in ana.words
    assert re.search(r'<a data-key="\?"[^>]* href="/account/shortcuts', ana.text)


def test_a_record_is_parked_until_a_day(site, ana):
    ana.goes(AT)
    if "Begin" in ana.text:
        ana.sends(f"{AT}/next")
    for day, said in (("soon", "must be a day"), ("2001-01-01", "Until")):
        ana.sends(f"{AT}/park", parked_for="its text is on its way", until=day)
        assert ana.page.status_code == 422 and said in ana.words and 'value="its text is on its way"' in ana.text

    ana.sends(f"{AT}/park", parked_for="its text is on its way", until="2999-01-01")

    assert "Parked." in ana.text
    assert "2999-01-01" in {str(it.parking.until) for it in site.client(ana).screening.parked(REVIEW)}


def test_where_all_that_is_left_is_in_others_hands_that_is_said_by_number(site):
    site.founds(PROTOCOL.replace("review: gardens", "review: meadows"), "meadows")
    site.brings("One meadow", "Two meadows", review="meadows")
    at = "/reviews/meadows/screen/sift"
    for name in ("Cleo", "Dora"):
        with site.client(site.member(name, "reviewer", "meadows")) as living:
            assert len(living.screening.claim_many("meadows", 2, "sift")) == 2

    eve = site.member("Eve", "reviewer", "meadows").goes(at)

    assert "4 are in others&#39; hands at this moment" in eve.words and "Cleo" not in eve.text
    assert "New records come with the next search" not in eve.text


def test_whoever_votes_last_is_told_that_there_is_no_undo_and_says_what_they_would_answer_now(site, ben):
    review = "lawns"
    site.founds(PROTOCOL.replace("review: gardens", f"review: {review}"), review)
    site.brings("A lawn", review=review)
    at, mine = f"/reviews/{review}/screen/sift", f"/reviews/{review}/mine"
    first, last = (site.member(name, "reviewer", review) for name in ("Finn", "Gus"))
    first.goes(at).sends(f"{at}/next").sends(f"{at}/vote", answer="include")
    assert "It was the last on its record" not in first.text

    last.goes(at).sends(f"{at}/next").sends(f"{at}/vote", answer="include")
    assert "It was the last on its record, so that there is no Undo." in last.words

    (revise,) = re.findall(rf'href="({mine}/votes/[^"]+)"', last.goes(mine).text)
    last.goes(revise).sends(revise, answer="exclude")
    assert last.page.status_code == 422 and 'href="#excluded_for">If it is out, why' in last.text
    last.sends(revise, answer="exclude", excluded_for="opinion")
    assert "What you would answer now is kept beside your vote." in last.words and last.at == mine
    last.goes(revise).sends(revise, answer="exclude", excluded_for="opinion")
    assert last.page.status_code == 409 and "this is what you said last" in last.words
