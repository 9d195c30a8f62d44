"""Links to words that are others now: both words are shown, and links are kept or withdrawn, one or many at once."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes

pytestmark = pytest.mark.waits

SYNTHESIS = f"/reviews/{REVIEW}/synthesis"
AT = f"{SYNTHESIS}/rewordings"


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


@pytest.fixture(scope="module")
def carol(site: Site) -> Browser:
    """An adjudicator of a review whose one link is to an element that an amendment words anew."""
    publishes(site)
    return site.member("Carol", "adjudicator")


def left(site: Site) -> int:
    with site.client(site.admin) as living:
        return living.synthesis.status(REVIEW).links_to_judge


def test_what_reads_otherwise_is_shown_with_both_words_and_leads_to_its_links(site, carol):
    assert "No link is to be judged anew." in said(carol.goes(AT))
    with site.client(site.admin) as living:
        link = next(living.synthesis.evidence(REVIEW))
        before = living.synthesis.cmocs(REVIEW)[0].outcome
        living.protocol.apply(
            REVIEW, PROTOCOL.replace("outcome: o}", "outcome: Quite <b>other</b> words}"), why="Our advisors asked."
        )
    site.waits(lambda: left(site) == 1)

    assert "Links to be judged for other words: 1" in said(carol.goes(SYNTHESIS))
    words = said(carol.goes(AT))
    assert before in words and "Quite &lt;b&gt;other&lt;/b&gt; words" in carol.text and "Our advisors asked." in words
    assert f'href="{AT}/c1/{link.element}"' in carol.text
    assert carol.goes(f"{AT}/c1/all").page.status_code == 404


def test_whoever_may_not_judge_sees_what_they_say_and_no_form(site, carol):
    at = re.findall(rf'href="({AT}/c1/[^"]+)"', carol.goes(AT).text)[0]
    rita = site.member("Rita", "reader").goes(at)

    assert 'name="verdict"' not in rita.text and "coded for earlier words" in said(rita)


def test_what_is_lacking_is_said_and_what_is_ticked_is_judged(site, carol):
    at = re.findall(rf'href="({AT}/c1/[^"]+)"', carol.goes(AT).text)[0]
    carol.goes(at).sends(at, why="It says so, too.")
    assert (
        carol.page.status_code == 422 and "tick at least one link" in said(carol) and "It says so, too." in carol.text
    )
    assert "checked" in carol.goes(f"{at}?ticked=all").text
    link = re.findall(r'name="links" value="([^"]+)"', carol.text)[0]
    carol.sends(at, links=link, why="It says so, too.")
    assert carol.page.status_code == 422 and "say whether they hold" in said(carol) and left(site) == 1
    carol.sends(at, links=link, verdict="keep", why="It says so, too.")

    assert "They are judged." in said(carol) and left(site) == 0
    with site.client(site.admin) as living:
        assert [it.why for it in living.synthesis.judgements_of_link(REVIEW, link)] == ["It says so, too."]
