"""Two code a report by forms alone: each from the queue, blind, then side by side, and decide what they differ in."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included
from tests.unit.services.web.test_synthesis import FRAGMENT

pytestmark = pytest.mark.waits

SYNTHESIS = f"/reviews/{REVIEW}/synthesis"
LIST = f"{SYNTHESIS}/extractions"


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    """A report that was included under a protocol which asks for two coders."""
    site.founds(PROTOCOL + "extraction: {coders: 2}\n")
    made = included(site, "Gardens and trust")
    with site.client(site.admin) as living:
        site.waits(lambda: list(living.synthesis.extractions(REVIEW)))
    return made


@pytest.fixture(scope="module")
def ana(site: Site, record: str) -> Browser:
    return site.member("Ana", "reviewer")


@pytest.fixture(scope="module")
def ben(site: Site, record: str) -> Browser:
    return site.member("Ben", "reviewer")


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


def extraction_of(site: Site) -> str:
    with site.client(site.admin) as living:
        return next(living.synthesis.extractions(REVIEW)).extraction


def test_two_are_given_the_report_code_it_blind_and_decide_what_they_differ_in(site, record, ana, ben):
    evidence, at = f"/reviews/{REVIEW}/records/{record}/evidence", f"{LIST}/{extraction_of(site)}"
    assert "Who codes what: each report has 2" in said(ana.goes(f"{SYNTHESIS}/coding"))
    assert f'action="{LIST}/claim"' in ana.text and "Have the next report" in said(ana)
    assert "See its evidence" in said(ana) and 'class="button"' in ana.text
    assert "Two code this report" in said(ana.goes(evidence)) and 'name="fragment.locator"' not in ana.text
    assert "below" not in said(ana) and f'action="{LIST}/claim"' in ana.text

    for browser, stance in ((ana, "supports"), (ben, "bounds")):
        browser.goes(LIST).sends(f"{LIST}/claim")
        assert browser.at == evidence and "You have this report in hand until" in said(browser)
        browser.sends(evidence, **{**FRAGMENT, "links[0].stance": stance})
        assert "It counts once both coders have finished" in said(browser)
    assert "Ana" not in said(ben)

    ana.goes(evidence).sends(f"{at}/finish")
    assert ana.at == at and "Nobody sees their codings before" in said(ana)
    assert "You have finished. The other coder has not yet" in said(ana.goes(evidence))
    for where in (f"/reviews/{REVIEW}", SYNTHESIS, f"{SYNTHESIS}/sign"):
        assert "Reports that not all of their coders have finished: 1" in said(site.admin.goes(where))
        assert f'href="{LIST}?state=open"' in site.admin.text
    assert "trust" not in said(site.admin.goes(evidence)).partition("What is coded")[2].partition("Code a fragment")[0]
    ben.goes(evidence).sends(f"{at}/finish")

    assert "the same place, another stance" in said(ben) and "0 agreed, 1 to decide" in said(ben)
    assert "What Ana says" in said(ben) and "to be reconciled" in said(ben) and "does not stand" not in said(ben)
    for where in (f"/reviews/{REVIEW}", SYNTHESIS, f"{SYNTHESIS}/sign"):
        assert "Reports whose coders differ: 1" in said(site.admin.goes(where))
        assert f'href="{LIST}?state=differing"' in site.admin.text
    (difference,) = re.findall(r'name="difference" value="([^"]+)"', ben.text)
    ben.sends(f"{at}/reconcile", **{f"why-{difference}": "no choice"})
    assert ben.page.status_code == 422 and f'href="#keep-{difference}-first"' in ben.text and "no choice" in ben.text
    ben.goes(at).sends(f"{at}/reconcile", keep="first")
    assert ben.page.status_code == 422 and f'href="#why-{difference}"' in ben.text
    ben.goes(at).sends(f"{at}/reconcile", keep="first", **{f"why-{difference}": "the table <b>says</b> so"})
    assert ben.at == at and "It is decided." in said(ben) and "the table &lt;b&gt;says&lt;/b&gt; so" in said(ben)
    assert "the same place, another stance" in said(ben) and "0 agreed, 1 decided, 0 to decide" in said(ben)
    assert (
        "What Ana says, because: the table" in said(ben)
        and "dropped" in said(ben)
        and "Dropped by Ben: the table" in said(ben)
    )
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.draft(REVIEW).counts.links == 1)

    assert "Nothing waits for you to code." in said(ben.goes(LIST).sends(f"{LIST}/claim"))
    assert "done" in said(ben.goes(f"{LIST}?state=done")) and "No report is here." in said(
        ben.goes(f"{LIST}?state=open")
    )
    # One unit, of which each said something else: alpha is 1 - 1 * 2 / 2.
    assert "All 1 0 0.00" in said(ben.goes(f"{SYNTHESIS}/coding-agreement"))


def test_what_somebody_has_in_hand_is_given_back(site, record, ana):
    included(site, "Gardens and time")
    with site.client(site.admin) as living:
        site.waits(lambda: list(living.synthesis.extractions(REVIEW, state="open")))
        ana.goes(LIST).sends(f"{LIST}/claim")
        (mine,) = [it for it in living.synthesis.extractions(REVIEW, state="open") if it.taken]

    ana.goes(ana.at).sends(f"{LIST}/{mine.extraction}/release")

    assert ana.at == LIST and "It was given back to others." in said(ana)


def test_a_reader_sees_who_codes_what_and_is_offered_nothing_to_do(site, record):
    rita = site.member("Rita", "reader")

    assert f'action="{LIST}/claim"' not in rita.goes(LIST).text and "Gardens and trust" in said(rita)
    assert "/reconcile" not in rita.goes(f"{LIST}/{extraction_of(site)}").text
