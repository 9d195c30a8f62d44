"""Findings: what a revision says, what changed, and how to get from one to another."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/findings"


@pytest.fixture(scope="module")
def reader(site: Site) -> Browser:
    site.founds()
    return site.member("Rita", "reader")


def fragment(paraphrase: str, **more: Any) -> dict[str, Any]:
    link = {"cmoc": "c1", "element": "whole", "stance": "supports", "inference": "explicit"} | more
    said = {"locator": "p. 3", "paraphrase": paraphrase, "data_type": "observation"}
    return {"fragment": said, "links": [link]}


def signs(site: Site, record: str, paraphrase: str, summary: str, **more: Any) -> None:
    """Codes one fragment, and signs what comes of it."""
    with site.client(site.admin) as living:
        before = living.synthesis.status(REVIEW).revisions
        site.waits(lambda: living.synthesis.link_one(REVIEW, {"record": record} | fragment(paraphrase, **more)))
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.draft(REVIEW).evidence.added)
        draft = living.synthesis.draft(REVIEW)
        overdue = [it.strategy for it in draft.manual if it.standing == "overdue"]
        living.synthesis.sign(REVIEW, {
            "fragments_sha256": draft.fragments_sha256, "summary": summary,
            "without": [{"strategy": strategy, "reason": "nobody has"} for strategy in overdue],
        })  # fmt: skip
        site.waits(lambda: living.synthesis.status(REVIEW).revisions == before + 1)


def included(site: Site, title: str) -> str:
    """The id of a paper that is brought, and included by two votes and a judgement."""
    site.brings(title)
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == title)
        site.waits(lambda: living.screening.record(REVIEW, record))
        living.screening.request_batch(
            REVIEW, {"kind": "decide", "stage": "sift", "records": [record], "answer": "include", "reason": "so"}
        )
        site.waits(lambda: living.screening.record(REVIEW, record).stage == "depth")
        living.screening.request_batch(
            REVIEW, {"kind": "decide", "stage": "depth", "records": [record], "answer": "rich", "reason": "so"}
        )
        site.waits(lambda: living.screening.record(REVIEW, record).state == "included")
    return record


def test_before_the_first_revision_that_is_said(site, reader):
    assert "Nothing has been published yet." in reader.goes(AT).text


def test_a_revision_says_what_changed_first_and_then_each_theory_with_its_support(site, reader):
    signs(site, included(site, "Gardens and trust"), "trust <b>grew</b>", "The <i>first</i> evidence.")

    reader.goes(AT)

    assert reader.at == f"{AT}/1" and "The &lt;i&gt;first&lt;/i&gt; evidence." in reader.text
    assert reader.text.index("What changed") < reader.text.index("What it says")
    assert (
        "Who works together comes to trust." in reader.text and "Independent studies that support it: 1" in reader.text
    )
    assert 'name="citation_title"' in reader.text and "How to cite" in reader.text


def test_an_earlier_revision_leads_to_the_newest_and_says_what_went_before_it(site, reader):
    signs(site, included(site, "Gardens and doubt"), "no trust", "A study speaks against it.", stance="contradicts")
    reader.goes(AT)
    assert reader.at == f"{AT}/2"
    assert re.search(rf'rel="predecessor-version" href="{AT}/1"', reader.text)
    assert "<ins>" in reader.text and "contested" in reader.text

    reader.goes(f"{AT}/1")

    assert "This is an earlier revision." in reader.text and "Read revision 2" in reader.text
    assert re.search(rf'rel="latest-version" href="{AT}/2"', reader.text)


@pytest.mark.parametrize("number", ["0", "3", "99999999999", "-1", "1x", "\u0661"])
def test_a_revision_that_there_is_not_is_no_page(site, reader, number):
    assert reader.goes(f"{AT}/{number}").page.status_code == 404
