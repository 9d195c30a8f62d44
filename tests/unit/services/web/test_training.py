"""Examples of a stage, tags and keys of one's own, in a browser without scripts."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, Browser, Site

pytestmark = pytest.mark.waits

REVIEW = "ponds"
CARD = f"/reviews/{REVIEW}/screen/sift"
AT = f"{CARD}/training"

TRAINED = PROTOCOL.replace("review: gardens", f"review: {REVIEW}").replace(
    "    votes: 2\n",
    """    votes: 2
    tags:
      - {name: setting, label: Where, kind: choice, options: [town, country]}
      - {name: size, label: Size, kind: number}
    training:
      - {id: boards, title: "Boards <b>that</b> meet", answer: include, why: It says how.}
      - {id: ward, title: One farm, answer: exclude, excluded_for: elsewhere}
""",
)


@pytest.fixture(scope="module")
def ana(site: Site) -> Browser:
    site.founds(TRAINED, REVIEW)
    for title in ("A pond", "A second pond", "A third pond"):
        site.brings(title, review=REVIEW)  # One by one, so that they come in this order.
    return site.member("Ana", "reviewer", REVIEW)


def letters(browser: Browser) -> dict[str, str]:
    return dict(re.findall(r'name="answer" value="(\w+)"[^>]*data-key="(.)"', browser.text))


def test_a_stage_begins_with_its_examples_each_with_what_is_right(site, ana):
    ana.goes(CARD)
    assert "there are 2 examples to answer" in ana.text
    with site.client(ana) as living:
        assert [it.in_hand for it in living.screening.left(REVIEW)] == [0, 0]

    ana.goes(AT)
    assert "Boards &lt;b&gt;that&lt;/b&gt; meet" in ana.text and "It says how." not in ana.text
    form = ana.form(AT) | {"answer": "exclude", "excluded_for": "opinion"}
    ana.posts(AT, form)
    assert "Not quite" in ana.text and "It says how." in ana.text
    ana.posts(AT, form)
    assert "Not quite" in ana.text

    ana.goes(AT).sends(AT, answer="exclude")
    assert ana.page.status_code == 422 and "excluded_for" in ana.text
    ana.sends(AT, answer="exclude", excluded_for="elsewhere")
    assert "That is right" in ana.text and "That was the last one" in ana.text
    assert "1 of 2 were right." in ana.goes(AT).words

    ana.goes(CARD).sends(f"{CARD}/next")
    assert "A pond" in ana.text


def test_tags_are_given_kept_and_refused_at_their_field(site, ana):
    ana.goes(CARD)
    ana.sends(f"{CARD}/note", note="look again", **{"tags.setting": "town", "tags.size": "many"})
    assert ana.page.status_code == 422 and "tags.size" in ana.text and 'value="many"' in ana.text

    ana.sends(f"{CARD}/note", note="look again", **{"tags.setting": "town", "tags.size": "12"})
    assert (
        "Your note is kept." in ana.text and "<option selected>town</option>" in ana.text and 'value="12"' in ana.text
    )
    with site.client(ana) as living:
        (kept,) = living.screening.notes(REVIEW)
    assert (kept.note, kept.tags, kept.title) == ("look again", {"setting": "town", "size": 12}, "A pond")
    assert "size: 12" in ana.goes(f"/reviews/{REVIEW}/mine/notes").text


def test_keys_are_chosen_and_are_those_of_the_card(ana):
    assert letters(ana.goes(CARD)) == {"include": "i", "exclude": "e"}

    ana.goes(f"/account/shortcuts?to={CARD}").sends("/account/shortcuts", like="covidence")
    assert ana.at == CARD and letters(ana) == {"include": "y", "exclude": "n"} and 'data-key="t"' in ana.text

    ana.goes("/account/shortcuts").sends("/account/shortcuts", like="asreview", exclude="x", undo="x")
    assert ana.page.status_code == 422 and "is the key of" in ana.text
    ana.sends("/account/shortcuts", like="asreview", exclude="x", undo="q")
    assert "From now on you screen by these keys." in ana.text and 'value="x"' in ana.text
    assert letters(ana.goes(CARD)) == {"include": "r", "exclude": "x"}


@pytest.mark.parametrize("said", ["", "like=nobody", "like=rayyan&exclude=ee", "%00", "advance=%3Cb%3E", "x" * 3000])
def test_a_cookie_that_is_none_is_as_if_nothing_was_chosen(ana, said):
    ana.http.cookies.set("living-keys", said)

    assert letters(ana.goes(CARD)) == {"include": "i", "exclude": "e"}
    assert ana.goes("/account/shortcuts").page.status_code == 200


def test_a_day_that_is_full_is_said_so(site, ana):
    with site.client(site.admin) as living:
        living.screening.set_cap(REVIEW, 1)
    ana.goes(CARD).sends(f"{CARD}/vote", answer="include")
    ana.goes(CARD).sends(f"{CARD}/next")

    assert "You have cast as many votes today as a lead lets you." in ana.text
