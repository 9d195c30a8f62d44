"""Comments: members talk about single lines of the draft, and a lead who signs past that says why."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes

pytestmark = pytest.mark.waits

SYNTHESIS = f"/reviews/{REVIEW}/synthesis"
AT, NEW = f"{SYNTHESIS}/comments", f"{SYNTHESIS}/comments/new"


@pytest.fixture(scope="module")
def rita(site: Site) -> Browser:
    """A reader of a review with one revision."""
    publishes(site)
    return site.member("Rita", "reader")


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


def form_of(browser: Browser, what: str) -> str:
    (action,) = re.findall(rf'action="({AT}/[^"]+/{what})"', browser.text)
    return action


def test_a_line_is_chosen_among_those_of_its_cmoc_and_what_is_wrong_is_said_at_its_field(site, rita):
    assert f'href="{NEW}?cmoc=c1"' in rita.goes(SYNTHESIS).text and "No comment is open." in said(rita.goes(AT))
    rita.goes(f"{NEW}?cmoc=c1").sends(NEW, text="Of <b>whom</b>?")
    assert rita.page.status_code == 422 and '<a href="#part-context">' in rita.text
    rita.sends(NEW, part="outcome", text=" ")
    assert rita.page.status_code == 422 and '<a href="#text"' in rita.text and "checked" in rita.text
    rita.sends(NEW, part="outcome", text="Of <b>whom</b>?")

    assert rita.at == AT and "Your comment is kept." in said(rita) and "Of &lt;b&gt;whom&lt;/b&gt;?" in rita.text
    assert "Comments that are open: 1" in said(rita.goes(SYNTHESIS))


def test_whoever_saw_other_words_is_shown_these_and_what_they_wrote(site, rita):
    named = re.findall(rf'href="{NEW}\?theory=([^"]+)"', rita.goes(SYNTHESIS).text)[0]
    form = rita.goes(f"{NEW}?theory={named}").form(NEW)
    rita.posts(NEW, form | {"part": "statement", "words.statement": "Otherwise.", "text": "Is it so?"})

    assert rita.page.status_code == 422 and "reads otherwise by now" in said(rita) and "Is it so?" in rita.text
    assert rita.goes(f"{NEW}?cmoc=c9").page.status_code == 404


def test_who_may_not_resolve_answers(site, rita):
    ana = site.member("Ana", "reviewer")
    assert not re.findall(rf'action="{AT}/[^"]+/resolve"', ana.goes(AT).text)
    answer = form_of(ana, "answer")
    ana.sends(answer, text=" ")
    assert ana.page.status_code == 422
    ana.goes(AT).sends(answer, text="Of those referred.")

    assert "Your answer is kept." in said(ana) and "Of those referred." in said(rita.goes(AT))


def test_a_lead_sees_whose_comments_are_open_and_signs_only_with_why(site, rita):
    lead = site.admin.goes(f"{SYNTHESIS}/sign")
    assert "Comments that are open: 1" in said(lead) and "Rita: 1" in said(lead)
    form = lead.form(f"{SYNTHESIS}/sign") | {"summary": "As before.", "do": "sign"}
    lead.posts(f"{SYNTHESIS}/sign", form | {"despite": ""})
    assert lead.page.status_code == 422 and '<a href="#despite"' in lead.text
    lead.posts(f"{SYNTHESIS}/sign", lead.form(f"{SYNTHESIS}/sign") | {
        "summary": "As before.", "despite": "For the next cycle.", "do": "look",
    })  # fmt: skip
    assert "For the next cycle." in said(lead)
    lead.sends(f"{SYNTHESIS}/sign", do="sign")

    with site.client(site.admin) as living:
        signing = living.synthesis.signing(REVIEW, 2)
    assert (signing.open_comments, signing.despite) == (1, "For the next cycle.")
    assert "For the next cycle." not in lead.text


def test_who_made_it_resolves_it_and_it_stays_among_all(site, rita):
    rita.goes(AT).sends(form_of(rita, "resolve"), why="The context says it.")

    assert "It is resolved." in said(rita) and "No comment is open." in said(rita)
    assert "The context says it." in said(rita.goes(f"{AT}?which=all"))
