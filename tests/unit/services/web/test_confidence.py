"""Confidence: how sure people are of a CMOC is judged by a form, and read wherever the CMOC is."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes, signs_as_it_is

pytestmark = pytest.mark.waits

SYNTHESIS, FINDINGS = f"/reviews/{REVIEW}/synthesis", f"/reviews/{REVIEW}/findings"
CMOC = f"{SYNTHESIS}/cmocs/c1"
AT = f"{CMOC}/confidence"

JUDGED = {
    "methodological_limitations": "minor", "coherence": "none", "adequacy": "serious", "relevance": "none",
    "confidence": "very_low", "why": "one <b>study</b> alone",
}  # fmt: skip


UNSURE = "Unsure of how well the studies were done (minor concerns); whether there is enough data (serious concerns)."


@pytest.fixture(scope="module")
def carol(site: Site) -> Browser:
    """An adjudicator of a review with one revision, of whose one CMOC nobody has judged how sure one may be."""
    publishes(site)
    return site.member("Carol", "adjudicator")


@pytest.fixture(scope="module")
def rita(site: Site, carol: Browser) -> Browser:
    return site.member("Rita", "reader")


def said(browser: Browser) -> str:
    """What a person reads of a page, without its lines."""
    return " ".join(browser.words.split())


def judgements(site: Site) -> list[tuple[str, str]]:
    with site.client(site.admin) as living:
        return [(it.confidence, it.why) for it in living.synthesis.confidence(REVIEW, "c1")]


def test_before_anybody_has_judged_every_page_of_a_cmoc_says_so_and_leads_there(site, carol, rita):
    for path in (CMOC, f"{CMOC}/history", SYNTHESIS):
        assert "Nobody has judged it yet." in said(rita.goes(path)) and f'href="{AT}"' in rita.text, path
    assert "Nobody had judged it when this revision was signed." in said(Browser(site).goes(FINDINGS))
    assert "Nobody has judged yet" in said(rita.goes(AT))


def test_whoever_may_not_judge_reads_and_is_shown_no_form(site, rita):
    assert 'name="confidence"' not in rita.goes(AT).text and "An adjudicator or a lead judges it." in said(rita)
    proof = rita.goes("/account").form("/sign-out")["proof"]
    assert rita.posts(AT, {"proof": proof, **JUDGED}).page.status_code == 403
    assert rita.goes(f"{SYNTHESIS}/cmocs/c9/confidence").page.status_code == 404
    assert judgements(site) == []


@pytest.mark.parametrize("missing", JUDGED)
def test_what_is_not_said_is_asked_for_at_its_place_and_the_rest_is_kept(site, carol, missing):
    carol.goes(AT)
    assert "checked" not in carol.text  # Nothing is judged by whoever chooses nothing.

    carol.sends(AT, **{name: value for name, value in JUDGED.items() if name != missing})

    to = {"why": "why", "confidence": "confidence-high"}.get(missing, f"{missing}-none")
    assert carol.page.status_code == 422 and f'<a href="#{to}">' in carol.text and f'id="{to}"' in carol.text
    assert carol.text.count(" checked") == len(JUDGED) - (1 if missing == "why" else 2)
    assert missing == "why" or "one &lt;b&gt;study&lt;/b&gt; alone" in carol.text
    assert judgements(site) == []


def test_what_is_no_answer_is_refused_by_its_name(site, carol):
    carol.goes(AT).sends(AT, **{**JUDGED, "adequacy": "vast"})

    assert carol.page.status_code == 422 and ">Adequacy</a>" in carol.text and judgements(site) == []


def test_what_is_judged_is_read_with_who_and_why_and_what_they_were_unsure_of(site, carol, rita):
    carol.goes(AT).sends(AT, **JUDGED)

    assert carol.at == AT and "It was judged." in said(carol)
    site.waits(lambda: "Nobody has judged" not in said(rita.goes(SYNTHESIS)))
    for path in (SYNTHESIS, CMOC, f"{CMOC}/history", AT):
        words = said(rita.goes(path))
        assert "very low" in words and "one &lt;b&gt;study&lt;/b&gt; alone" in rita.text and "Carol" in words, path
        assert UNSURE in words, path
    assert "How sure people judge it to be very low" in said(rita.goes(SYNTHESIS))


def test_the_last_that_was_judged_holds_and_all_of_it_stays(site, carol, rita):
    lead = site.admin.goes(AT)
    assert "checked" not in lead.text
    plain = dict.fromkeys(JUDGED, "none") | {"confidence": "high", "why": "two by now"}
    lead.sends(AT, **plain)

    words = said(rita.goes(AT))
    assert words.index("holds now") < words.index("two by now") < words.index("alone") and "Carol" in words
    assert words.count("holds now") == 1 and "Without concerns about any of the four parts." in words
    rita.goes(CMOC)
    assert "two by now" in rita.words and "alone" not in rita.words
    assert [level for level, _ in judgements(site)] == ["very_low", "high"]


def test_a_form_that_is_sent_twice_judges_once(site, carol):
    form = carol.goes(AT).form(AT) | JUDGED
    for _ in range(2):
        assert carol.posts(AT, form).page.status_code == 200

    assert [level for level, _ in judgements(site)] == ["very_low", "high", "very_low"]


def test_readers_of_the_next_revision_read_it_on_the_card_of_the_cmoc_and_no_name(site, carol, rita):
    with site.client(site.admin) as living:
        site.waits(
            lambda: (it := living.synthesis.draft(REVIEW)).settled and it.cmocs[0].confidence.why == JUDGED["why"]
        )
    signs_as_it_is(site, "How sure one may be of it was judged.")

    anybody = Browser(site).goes(f"{FINDINGS}/2")

    card = re.sub(r"<[^>]*>", " ", anybody.text.split('id="c1"')[1].split("</li>")[0])
    assert "How sure one may be of it: very low It is not clear whether it is so. Unsure of how well" in " ".join(
        card.split()
    )
    assert "one &lt;b&gt;study&lt;/b&gt; alone" in card and "Carol" not in anybody.text
    assert "very_low" not in anybody.words and "Carol" in rita.goes(f"{FINDINGS}/2").words
    assert "Nobody had judged it when this revision was signed." in said(anybody.goes(f"{FINDINGS}/1"))


def test_what_the_protocol_has_no_more_nobody_judges(site, carol):
    form = carol.goes(AT).form(AT) | JUDGED
    with site.client(site.admin) as living:
        living.protocol.apply(REVIEW, PROTOCOL.replace("id: c1", "id: c2"), why="Another one.")
        site.waits(lambda: living.synthesis.cmoc(REVIEW, "c1").about.set_aside_at)

    assert carol.posts(AT, form | {"why": "late"}).page.status_code == 422
    assert "nobody is asked how sure they are of it" in said(carol) and "nobody judges it any more" in said(carol)
    assert 'name="confidence"' not in carol.goes(AT).text and "alone" in carol.words
