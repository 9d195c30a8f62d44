"""A copy is read passage by passage, with what is coded of it marked, and coded where it stands by forms alone."""

from __future__ import annotations

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included
from tests.unit.services.web.test_synthesis import copy_of, links

pytestmark = pytest.mark.waits

TRUST = "People who share a garden trust their neighbours more than those who do not."
SAID = {
    "rows": "1", "fragment.paraphrase": "sharers trust", "fragment.data_type": "author_interpretation",
    "links[0].cmoc": "c1", "links[0].element": "reasoning", "links[0].stance": "supports",
    "links[0].inference": "explicit",
}  # fmt: skip


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    site.founds(PROTOCOL)
    return included(site, "Gardens and trust")


@pytest.fixture(scope="module")
def coder(site: Site, record: str) -> Browser:
    made = site.member("Ana", "reviewer")
    with site.client(site.admin) as living:
        site.waits(lambda: record in [it.record for it in living.synthesis.reports(REVIEW, state="included")])
    return made


@pytest.fixture(scope="module")
def copy(site: Site, coder: Browser, record: str) -> str:
    return f"/reviews/{REVIEW}/texts/{copy_of(site, coder, record)}"


def test_a_copy_is_read_in_its_passages_and_coded_by_a_form_alone(site, coder, record, copy):
    coder.goes(f"/reviews/{REVIEW}/records/{record}/evidence")
    assert f'href="{copy}"' in coder.text
    coder.goes(copy)
    assert TRUST in coder.words and "Trust grew &lt;b&gt;slowly&lt;/b&gt;" in coder.text

    coder.posts(copy, coder.form(copy) | SAID | {"fragment.quote": TRUST, "number": "2"})

    assert coder.page.status_code == 200 and "It is coded." in coder.words
    (one,) = links(site)
    assert (one.quote, one.quoted, one.stance) == (TRUST, "verified", "supports")
    assert f'<mark class="supports">{TRUST}</mark>' in coder.text and "c1 reasoning supports, Ana" in coder.words
    # What the next one most likely says too.
    assert '<option value="author_interpretation" selected>' in coder.text
    assert '<option value="c1" selected>' in coder.text


def test_words_that_the_copy_has_twice_are_those_of_their_passage(site, coder, record):
    twice = b"Of sheds\n\nIt was a good year.\n\nOf fences\n\nIt was a good year. It was a good year.\n"
    text = copy_of(site, coder, record, twice)
    at = f"/reviews/{REVIEW}/texts/{text}"
    said = SAID | {"fragment.quote": "It was a good year.", "fragment.paraphrase": "a good year"}

    coder.goes(at)
    coder.posts(at, coder.form(at) | said)
    assert coder.page.status_code == 422 and "more than once" in coder.words
    with site.client(site.admin) as living:
        last = list(living.ingest.passages(REVIEW, text))[-1]
    coder.posts(at, coder.form(at) | said | {"passage": last.locator, "fragment.quote": "Of sheds"})
    assert coder.page.status_code == 422 and "says this elsewhere, at" in coder.words
    coder.posts(at, coder.form(at) | said | {"passage": last.locator, "before": "It was a good year. "})

    assert coder.page.status_code == 200
    (one,) = [it for it in links(site) if it.selector and it.selector.text == text]
    assert one.selector.start == last.start + len("It was a good year. ")


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(site, coder, copy):
    before = len(links(site))
    coder.goes(copy)
    for wrong, field in (
        ({"fragment.quote": "People share a fence"}, "fragment.quote"), ({"links[0].cmoc": "none"}, "links[0].cmoc"),
        ({"links[0].stance": "likes"}, "links[0].stance"), ({"fragment.paraphrase": ""}, "fragment.paraphrase"),
    ):  # fmt: skip
        coder.goes(copy).posts(copy, coder.form(copy) | SAID | {"fragment.quote": TRUST} | wrong)
        assert coder.page.status_code == 422 and f'href="#{field}"' in coder.text, field
        assert wrong.get("fragment.quote", TRUST) in coder.text
    assert len(links(site)) == before


def test_a_copy_that_is_none_or_has_no_words_is_not_found_and_a_reader_codes_nothing(site, coder, copy):
    assert coder.goes(f"/reviews/{REVIEW}/texts/none").page.status_code == 404
    rita = site.member("Rita", "reader").goes(copy)
    assert TRUST in rita.words and "data-code" not in rita.text
    proven = rita.form("/sign-out")["proof"]
    rita.posts(copy, SAID | {"fragment.quote": TRUST, "proof": proven, "once": ""})
    assert rita.page.status_code == 403


def test_a_closed_copy_is_read_by_whoever_may(site, coder, record):
    text = copy_of(site, coder, record, b"Shut\n\nOnly members know of this garden wall.\n", licence_class="closed")
    at = f"/reviews/{REVIEW}/texts/{text}"
    assert "Only members know" in coder.goes(at).words
    rob = site.member("Rob", "reader").goes(at)
    assert rob.page.status_code == 403 and "Only members know" not in rob.words
