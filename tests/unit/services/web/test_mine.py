"""What is mine, in a browser without scripts: my day, my votes, what I parked and noted, and how far I agree."""

from __future__ import annotations

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT, CARD = f"/reviews/{REVIEW}/mine", f"/reviews/{REVIEW}/screen/sift"


@pytest.fixture(scope="module")
def ana(site: Site) -> Browser:
    """Who has voted on three papers, on one of which Ben has too."""
    site.founds()
    for title in ("A shared garden", "A <b>bold</b> pond", "A terrace"):
        site.brings(title)  # One by one, so that they come in this order.
    made, ben = site.member("Ana", "reviewer"), site.member("Ben", "reviewer")
    made.goes(CARD).sends(f"{CARD}/next")
    made.sends(f"{CARD}/note", note="cites <i>both</i> trials")
    for answer in ({"answer": "include"}, {"answer": "exclude", "excluded_for": "opinion"}, {"answer": "include"}):
        made.sends(f"{CARD}/vote", reason="said by Ana", **answer)
    ben.goes(CARD).sends(f"{CARD}/next").sends(f"{CARD}/vote", answer="include", reason="said by Ben")
    return made


def test_my_day_is_told_by_stage_and_answer(ana):
    ana.goes(AT)

    assert "3 votes today (UTC), 3 of them within the last hour." in ana.words
    assert ana.text.count('<th scope="row">Sift</th>') >= 2


def test_my_votes_are_found_again_and_those_that_are_free_are_taken_back(site, ana):
    ana.goes(AT)
    assert "said by Ana" in ana.text and "said by Ben" not in ana.text
    assert "A &lt;b&gt;bold&lt;/b&gt; pond" in ana.text and ana.text.count("Take back") == 2

    assert "A terrace" not in ana.goes(f"{AT}?words=shared+GARDEN").text and "decided: include" in ana.text
    assert ana.goes(f"{AT}?answer=exclude").text.count("<tr>") == ana.goes(f"{AT}?words=pond").text.count("<tr>")
    assert "No vote of yours is like that." in ana.goes(f"{AT}?since=2100-01-01").text
    assert ana.goes(f"{AT}?since=soon").page.status_code == 422 and "must be a day" in ana.text

    ana.goes(f"{AT}?words=terrace").sends(f"{CARD}/undo")
    assert ana.at == CARD and "A terrace" in ana.text
    assert "A terrace" not in ana.goes(AT).text


def test_how_far_i_agree_is_told_once_both_have_voted(site, ana):
    with site.client(ana) as living:
        (pair,) = [pair for stage in living.screening.agreement(REVIEW) for pair in stage.between]
    ana.goes(AT)
    assert "Ben" in ana.words and (pair.n, pair.agreed) == (1, 1)

    cy = site.member("Cy", "reviewer").goes(AT)
    assert "Nothing can be compared yet." in cy.text and "You have not voted today." in cy.text
    assert "Ana" not in cy.words and "Ben" not in cy.words


def test_what_i_parked_is_listed_and_brought_back(site, ana):
    ana.goes(CARD)
    if f"{CARD}/park" not in ana.text:
        ana.sends(f"{CARD}/next")
    ana.sends(f"{CARD}/park", parked_for="the text is on its way")
    form = ana.goes(f"{AT}/parked").form(f"{AT}/parked")
    assert "the text is on its way" in ana.text

    ana.posts(f"{AT}/parked", form)
    assert "It waits for people again." in ana.text and "You have parked nothing." in ana.text
    ana.posts(f"{AT}/parked", form | {"once": ""})
    assert ana.page.status_code == 409


def test_what_i_noted_is_listed_as_text_with_its_record(ana):
    ana.goes(f"{AT}/notes")

    assert "cites &lt;i&gt;both&lt;/i&gt; trials" in ana.text and "A shared garden" in ana.text


def test_who_does_not_screen_has_none_of_it(site, ana):
    for path in (AT, f"{AT}/parked", f"{AT}/notes"):
        assert site.client(ana) and Browser(site).signs_in("Nobody").goes(path).at == "/sign-in"


def test_a_reader_is_not_led_there_and_is_told_why_there_is_nothing_until_they_may_vote(site, ana):
    led = f'href="{AT}"'
    assert led in ana.goes(f"/reviews/{REVIEW}").text
    rita = site.member("Rita", "reader").goes(f"/reviews/{REVIEW}")
    assert led not in rita.text and f'href="/reviews/{REVIEW}/records"' in rita.text
    for path in (AT, f"{AT}/parked", f"{AT}/notes"):
        assert rita.goes(path).page.status_code == 200
        assert "do not vote" in rita.text and led not in rita.text and "said by Ana" not in rita.text
    rita.posts(f"{AT}/parked", {"proof": rita.form("/sign-out")["proof"], "once": "", "task": "1"})
    assert rita.page.status_code == 403

    with site.client(site.admin) as living:
        (member,) = [it for it in living.people.members(REVIEW) if it.name == "Rita"]
        living.people.change_role(REVIEW, member.person, "reviewer")
    site.waits(lambda: led in rita.goes(f"/reviews/{REVIEW}").text)
    assert "You have not voted today." in rita.goes(AT).text
