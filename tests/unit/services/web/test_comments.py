"""Comments: members talk about single lines of the draft, and a lead who signs past that says why."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes

pytestmark = pytest.mark.waits

SYNTHESIS = f"/reviews/{REVIEW}/synthesis"
AT, NEW = f"{SYNTHESIS}/comments", f"{SYNTHESIS}/comments/new"


@pytest.fixture(scope="module")
def ben(site: Site) -> Browser:
    """A reviewer of a review with one revision."""
    publishes(site)
    return site.member("Ben", "reviewer")


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


def form_of(browser: Browser, what: str) -> str:
    (action,) = re.findall(rf'action="({AT}/[^"]+/{what})"', browser.text)
    return action


def test_a_line_is_chosen_among_those_of_its_cmoc_and_what_is_wrong_is_said_at_its_field(site, ben):
    assert f'href="{NEW}?cmoc=c1"' in ben.goes(SYNTHESIS).text and "No comment is open." in said(ben.goes(AT))
    ben.goes(f"{NEW}?cmoc=c1").sends(NEW, text="Of <b>whom</b>?")
    assert ben.page.status_code == 422 and '<a href="#part-context">' in ben.text
    ben.sends(NEW, part="outcome", text=" ")
    assert ben.page.status_code == 422 and '<a href="#text"' in ben.text and "checked" in ben.text
    ben.sends(NEW, part="outcome", text="Of <b>whom</b>?")

    assert ben.at == AT and "Your comment is kept." in said(ben) and "Of &lt;b&gt;whom&lt;/b&gt;?" in ben.text
    assert "Comments that are open: 1" in said(ben.goes(SYNTHESIS))


def test_whoever_saw_other_words_is_shown_these_and_what_they_wrote(site, ben):
    named = re.findall(rf'href="{NEW}\?theory=([^"]+)"', ben.goes(SYNTHESIS).text)[0]
    form = ben.goes(f"{NEW}?theory={named}").form(NEW)
    ben.posts(NEW, form | {"part": "statement", "words.statement": "Otherwise.", "text": "Is it so?"})

    assert ben.page.status_code == 422 and "reads otherwise by now" in said(ben) and "Is it so?" in ben.text
    assert ben.goes(f"{NEW}?cmoc=c9").page.status_code == 404


def test_who_may_not_resolve_answers(site, ben):
    ana = site.member("Ana", "reviewer")
    assert not re.findall(rf'action="{AT}/[^"]+/resolve"', ana.goes(AT).text)
    answer = form_of(ana, "answer")
    ana.sends(answer, text=" ")
    assert ana.page.status_code == 422
    ana.goes(AT).sends(answer, text="Of those referred.")

    assert "Your answer is kept." in said(ana) and "Of those referred." in said(ben.goes(AT))


def test_a_lead_sees_whose_comments_are_open_and_signs_only_with_why(site, ben):
    lead = site.admin.goes(f"{SYNTHESIS}/sign")
    assert "Comments that are open: 1" in said(lead) and "Ben: 1" in said(lead)
    form = lead.form(f"{SYNTHESIS}/sign") | {"summary": "As before.", "do": "sign"}
    lead.posts(f"{SYNTHESIS}/sign", form | {"despite": ""})
    assert lead.page.status_code == 422 and '<a href="#despite"' in lead.text
    lead.posts(f"{SYNTHESIS}/sign", lead.form(f"{SYNTHESIS}/sign") | {
        "summary": "As before.", "despite": "For the next cycle.", "do": "look",
    })  # fmt: skip
    assert "For the next cycle." in said(lead)
    lead.posts(f"{SYNTHESIS}/sign", lead.form(f"{SYNTHESIS}/sign") | {"do": "sign", "open_comments": "0"})
    assert lead.page.status_code == 422 and "open comments: 1, and you saw 0" in said(lead)
    lead.sends(f"{SYNTHESIS}/sign", summary="As before.", despite="For the next cycle.", do="look")
    lead.sends(f"{SYNTHESIS}/sign", do="sign")

    with site.client(site.admin) as living:
        signing = living.synthesis.signing(REVIEW, 2)
    assert (signing.open_comments, signing.despite) == (1, "For the next cycle.")
    assert lead.at == f"/reviews/{REVIEW}/findings/2"


def test_that_comments_were_open_is_said_of_the_revision_to_members_and_to_nobody_else(site, ben):
    shown = f"/reviews/{REVIEW}/findings/2"
    assert "that were open when it was signed: 1." in said(ben.goes(shown)) and "For the next cycle." in ben.text
    assert "were open when it was signed" not in said(ben.goes(f"/reviews/{REVIEW}/findings/1"))

    stranger = Browser(site).goes(shown)
    assert (stranger.page.status_code, stranger.at) == (200, shown)
    assert "were open when it was signed" not in said(stranger) and "For the next cycle." not in stranger.text


def test_who_made_it_resolves_it_and_it_stays_among_all(site, ben):
    ben.goes(AT).sends(form_of(ben, "resolve"), why="The context says it.")

    assert "It is resolved." in said(ben) and "No comment is open." in said(ben)
    assert "The context says it." in said(ben.goes(f"{AT}?which=all"))


def test_whoever_only_reads_reads_comments_and_is_offered_none(site, ben):
    rita = site.member("Rita", "reader")

    assert (
        "The context says it." in said(rita.goes(f"{AT}?which=all"))
        and "/comments/new" not in rita.goes(SYNTHESIS).text
    )
    assert "Answer" not in said(rita.goes(f"{AT}?which=all"))


def test_a_line_of_several_lines_is_commented_on_by_a_browser_which_ends_lines_its_own_way(site, ben):
    with site.client(site.admin) as living:
        living.protocol.apply(REVIEW, PROTOCOL.replace("outcome: o}", 'outcome: "they meet,\\nand they eat"}'))
        site.waits(lambda: "\n" in next(it for it in living.synthesis.draft(REVIEW).cmocs if it.cmoc == "c1").outcome)

    ben.goes(f"{NEW}?cmoc=c1").sends(NEW, part="outcome", text="Who eats?\nAnd when?")

    assert ben.at == AT and "Your comment is kept." in said(ben)
    with site.client(site.admin) as living:
        assert "Who eats?\nAnd when?" in [it.text for it in living.synthesis.comments(REVIEW)]
