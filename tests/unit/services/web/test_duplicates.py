"""Duplicates in a browser without scripts: side by side, merged, kept apart, skipped, and taken back."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/duplicates"

HOSTILE = '<script>alert("x")</script>'

ONE = f"Trust {HOSTILE} between allotments and the councils of their towns"
TWO = "Window boxes and the health of older people in the towns of the north"
THREE = "Roof gardens and the weather of long winters in cities of the south"


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    """Who leads a review in which three pairs wait."""
    site.founds()
    for title in (ONE, TWO, THREE):
        site.brings(
            title, authors=["Ruiz, A"], abstract=f"One {HOSTILE}.", venue="Gardener", doi=f"10.1000/{len(title)}"
        )
        site.brings(title, authors=["Ruiz, A", "Lang, B"], abstract="Two.", venue="Grower", published="2020")
    with site.client(site.admin) as living:
        assert len(list(living.ingest.duplicates(REVIEW))) == 3
    return site.member("Lea", "lead")


def shown(browser: Browser) -> str | None:
    """The title of the pair that a page shows."""
    found = re.search(r'<th scope="row">Title</th><td>(.*?)</td>', browser.text)
    return unescape(found[1]) if found else None


def skips(browser: Browser) -> Browser:
    (href,) = re.findall(r'data-key="s"[^>]* href="([^"]*)"', browser.text)
    return browser.goes(unescape(href))


def keeps_apart(browser: Browser, **said: str) -> Browser:
    """Sends the form of a pair by its other button."""
    return browser.posts(f"{AT}/keep-apart", browser.form(f"{AT}/merge") | said)


def open_pairs(site: Site) -> int:
    with site.client(site.admin) as living:
        return len(list(living.ingest.duplicates(REVIEW)))


def test_a_pair_is_side_by_side_with_what_differs_marked_and_what_speaks_for_and_against(lead):
    lead.goes(AT)

    assert shown(lead) == ONE and "<script>alert" not in lead.text
    for field, differs in (("Title", False), ("Authors", True), ("Journal", True), ("Published", True), ("DOI", False)):
        row = re.search(rf'<tr([^>]*)><th scope="row">{field}\b', lead.text)
        assert row and ("differs" in row[1]) is differs, field
    for_one, _, against = lead.text.partition('id="against"')
    assert "the titles agree" in for_one and "they are of 2020 and 2021" in against
    assert {*re.findall(r'data-key="(\w)"', lead.text)} == {"m", "k", "s"}


def test_skipping_leads_to_the_next_and_decides_nothing(site, lead):
    assert [shown(it) for it in (lead.goes(AT), skips(lead), skips(lead))][-1] == THREE
    assert open_pairs(site) == 3

    assert shown(skips(lead)) == ONE, "and from the first again"


def test_a_merger_goes_on_with_the_next_pair_and_is_taken_back_by_one_button(site, lead):
    lead.goes(AT).sends(f"{AT}/merge")
    assert "They are one record now." in lead.text and shown(lead) == TWO
    assert open_pairs(site) == 2 and 'data-key="z"' in lead.text

    lead.sends(f"{AT}/undo")
    assert "It was taken back." in lead.text and shown(lead) == ONE and open_pairs(site) == 3


def test_what_was_skipped_stays_skipped_when_the_next_is_decided_and_taken_back(site, lead):
    keeps_apart(skips(lead.goes(AT)), reason=f"another {HOSTILE}")
    assert "They stay two." in lead.text and shown(lead) == THREE

    lead.sends(f"{AT}/undo")
    assert shown(lead) == TWO and shown(skips(lead)) == THREE
    assert open_pairs(site) == 3


def test_a_form_that_is_sent_twice_is_one_ruling(site, lead):
    with site.client(site.admin) as living:
        before = len(list(living.ingest.rulings(REVIEW)))
        form = lead.goes(AT).form(f"{AT}/merge")
        for _ in range(2):
            lead.posts(f"{AT}/keep-apart", form)
            assert lead.page.status_code == 200
        made, *others = living.ingest.rulings(REVIEW)
        assert len(others) == before and made.reason == "looked at side by side: two works"
        living.ingest.undo(REVIEW, made.ruling, reason="for the next test")


def test_a_form_that_one_goes_back_to_and_sends_otherwise_is_still_one_ruling(site, lead):
    form = lead.goes(AT).form(f"{AT}/merge")
    lead.posts(f"{AT}/merge", form)
    ruling = lead.form(f"{AT}/undo")["ruling"]

    lead.posts(f"{AT}/keep-apart", form)

    assert "none any more" in lead.text and shown(lead) == TWO and open_pairs(site) == 2
    with site.client(site.admin) as living:
        living.ingest.undo(REVIEW, ruling, reason="for the next test")


def test_a_pair_that_somebody_else_decided_meanwhile_is_said_to_be_gone(site, lead):
    form = lead.goes(AT).form(f"{AT}/merge")
    with site.client(site.admin) as living:
        made = living.ingest.merge(REVIEW, form["first"], other=form["second"], reason="I was faster")
        lead.posts(f"{AT}/keep-apart", form)
        living.ingest.undo(REVIEW, made.ruling, reason="for the next test")

    assert "decided by somebody else meanwhile" in lead.text and shown(lead) == TWO


def test_a_reason_that_is_too_long_is_refused_and_kept(site, lead):
    lead.goes(AT).sends(f"{AT}/merge", reason="a" * 2001)

    assert lead.page.status_code == 422 and "Nothing was changed." in lead.words and "a" * 2001 in lead.text
    assert open_pairs(site) == 3


def test_rulings_are_listed_with_their_records_and_each_is_taken_back(site, lead):
    keeps_apart(lead.goes(AT), reason=f"other {HOSTILE}")
    assert open_pairs(site) == 2

    lead.goes(f"{AT}/rulings")
    assert (
        "Trust &lt;script&gt;" in lead.text and "other &lt;script&gt;" in lead.text and "<script>alert" not in lead.text
    )
    (undo,) = re.findall(rf'action="({AT}/rulings/[^"]*/undo)"', lead.text)

    lead.sends(undo, reason="after all")
    assert "It was taken back." in lead.text and "after all" in lead.text and open_pairs(site) == 3
    assert not re.findall(rf'action="({AT}/rulings/[^"]*/undo)"', lead.text)


def test_a_records_page_names_what_may_be_one_with_it_and_leads_to_that_pair(site, lead):
    with site.client(site.admin) as living:
        pair = list(living.ingest.duplicates(REVIEW))[2]
    lead.goes(f"/reviews/{REVIEW}/records/{pair.second.record}")

    (href,) = re.findall(rf'href="({AT}\?record=[^"]*)"', lead.text)
    assert shown(lead.goes(href)) == THREE


def test_who_is_no_lead_sees_the_pairs_and_decides_nothing(site, lead):
    rita = site.member("Rita", "reader").goes(AT)

    assert shown(rita) == ONE and f"{AT}/merge" not in rita.text and "A lead decides." in rita.text
    assert "/undo" not in rita.goes(f"{AT}/rulings").text
    form = rita.form("/sign-out") | {"first": "a", "second": "b"}
    assert rita.posts(f"{AT}/merge", form).page.status_code == 403
    assert rita.posts(f"{AT}/undo", form | {"ruling": "ruling_1"}).page.status_code == 403


def test_after_the_last_pair_it_is_said_what_waits_still(site, lead):
    keeps_apart(skips(skips(lead.goes(AT))))
    assert "That was the last pair." in lead.text and shown(skips(lead)) == ONE

    lead.sends(f"{AT}/merge").sends(f"{AT}/merge")
    assert "No pair waits." in lead.goes(AT).text
