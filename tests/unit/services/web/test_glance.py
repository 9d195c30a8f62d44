"""A review at a glance: what needs somebody comes first, and every count leads to what is counted."""

from __future__ import annotations

import re

import pytest

from services.web.drawing import stage
from tests.unit.services.web.rig import REVIEW, Site

pytestmark = pytest.mark.waits

AT, CARD = f"/reviews/{REVIEW}", f"/reviews/{REVIEW}/screen/sift"


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    """A conflict, something parked, and a pair to be decided."""
    site.founds()
    site.brings("A shared garden", "A second garden", "A third garden")
    for name, answer in (("Ana", {"answer": "include"}), ("Ben", {"answer": "exclude", "excluded_for": "opinion"})):
        browser = site.member(name, "reviewer").goes(CARD).sends(f"{CARD}/next")
        browser.sends(f"{CARD}/vote", reason="it says why", **answer)
        if name == "Ana":
            browser.sends(f"{CARD}/park", parked_for="its text is on its way")
    for year in ("2019", "2022"):
        site.brings("Allotments and the health of older people", authors=["Ruiz, A"], published=year)
    with site.client(site.admin) as living:
        site.waits(lambda: living.ingest.status(REVIEW).open_duplicates)
    return site


def test_what_needs_somebody_comes_first_and_leads_to_where_it_is_done(busy):
    page = busy.admin.goes(AT).text

    said = ["In conflict at Sift: 1</a>", "Parked at Sift: 1</a>", "Pairs that may be one work: 1</a>"]
    assert all(one in page for one in said)
    assert all(page.index(one) < page.index("Where its records are") for one in said)
    for path in ("conflicts", "mine/parked", "duplicates"):
        assert f'href="{AT}/{path}"' in page
        assert busy.admin.goes(f"{AT}/{path}").page.status_code == 200


def test_the_way_has_the_counts_of_the_services_each_a_link(busy):
    with busy.client(busy.admin) as living:
        funnel, status = living.screening.funnel(REVIEW), living.ingest.status(REVIEW)
    (way,) = re.findall(r'<ol class="way">.*?</ol>', busy.admin.goes(AT).text, re.DOTALL)
    steps = {what: (to, count) for to, what, count in re.findall(
        r'<a href="([^"]+)"><span class="what">(.*?)</span> <span class="count">(.*?)</span>', way)}  # fmt: skip

    assert steps["Records"] == (f"{AT}/records", str(status.records))
    assert steps["Sift"] == (CARD, str(funnel.stages[0].open))
    assert steps["Included"] == (f"{AT}/flow", "0")
    assert all(busy.admin.goes(to).page.status_code == 200 for to, _ in steps.values())


def test_what_was_found_adds_up_to_where_its_records_are_also_after_a_merge(busy):
    with busy.client(busy.admin) as living:
        (pair,) = living.ingest.duplicates(REVIEW, state="open")
        living.ingest.decide_duplicate(REVIEW, pair.duplicate, "same", "one report")
        busy.waits(lambda: living.screening.funnel(REVIEW).duplicates == 1)
        flow, status = living.screening.flow(REVIEW), living.ingest.status(REVIEW)
    page = busy.admin.goes(AT).text
    figures = {what: int(n) for what, n in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)}
    rows = re.findall(r'<tr><th scope="row">([\w ]+)</th>(.*?)</tr>', page)
    stages = {name: [int(n) for n in re.findall(r'<td class="n">(\d+)</td>', row)] for name, row in rows}

    assert figures["found"] == flow.identified.n == status.source_records
    assert figures["duplicates"] == flow.duplicates.n == 1
    here = figures["in screening"] + figures["excluded"] + figures["included"]
    assert figures["found"] - figures["duplicates"] - figures["kept out by a rule"] == here == stages["Sift"][0]
    for of_flow in flow.stages:
        reached, *parts = stages[stage(of_flow.stage)]
        assert reached == sum(parts) == of_flow.reached.n


def test_a_reader_sees_the_same_counts_and_nothing_that_is_for_leads(busy):
    rita = busy.member("Rita", "reader").goes(AT)

    assert rita.page.status_code == 200 and "In conflict at Sift: 1" in rita.text and "set aside" not in rita.text
    assert rita.text.index("Where its records are") < rita.text.index("In conflict at Sift: 1")


def test_whoever_is_asked_to_take_a_review_over_reads_so_first_and_its_lead_that_they_have_not_answered(busy):
    carol = busy.member("Carol", "reviewer")
    with busy.client(carol) as living:
        to = living.people.me().person
    with busy.client(busy.admin) as living:
        made = living.people.hand_over(REVIEW, to, "I am away for a year")

    assert f'href="{AT}/people/handover">You are asked to take this review over</a>' in carol.goes(AT).text
    assert "I am away for a year" in carol.goes(f"{AT}/people/handover").text
    assert "This review is to be handed over" in busy.admin.goes(AT).text
    assert "take this review over" not in busy.member("Rhea", "reader").goes(AT).text
    with busy.client(busy.admin) as living:
        living.people.close_handover(REVIEW, made.handover, "taken_back")
    assert "take this review over" not in carol.goes(AT).text
