"""Synthesis: from an included record to a signed revision by forms alone, and what people decide on the way."""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO

import pytest
from pypdfium2 import PdfDocument

from services.ingest.commands import passages
from services.synthesis import store
from services.synthesis.domain.cadence import Manual
from shared.errors import Invalid
from shared.quoting import Everywhere
from shared.wire.synthesis import EvidenceView
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}"
SYNTHESIS = f"{AT}/synthesis"

#: A fragment, and a row that ties it to the whole of the one CMOC.
FRAGMENT = {
    "fragment.locator": "p. 3", "fragment.paraphrase": "trust <b>grew</b>", "fragment.quote": "We trust them.",
    "fragment.data_type": "participant_quote", "links[0].cmoc": "c1", "links[0].element": "whole",
    "links[0].stance": "supports", "links[0].inference": "explicit", "links[0].credibility": "credible",
    "links[0].rationale": "they say so", "do": "code",
}  # fmt: skip


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    site.founds(PROTOCOL)
    return included(site, "Gardens and trust")


@pytest.fixture(scope="module")
def coder(site: Site, record: str) -> Browser:
    return site.member("Cora", "reviewer")


@pytest.fixture(scope="module")
def reader(site: Site, record: str) -> Browser:
    return site.member("Rita", "reader")


@pytest.fixture
def overdue(monkeypatch) -> None:
    """The search by hand that the protocol asks for was due long ago."""
    monkeypatch.setattr(Manual, "standing", lambda self, today: "overdue")


def evidence_of(record: str) -> str:
    return f"{AT}/records/{record}/evidence"


def codes(site: Site, browser: Browser, record: str, **said: str) -> Browser:
    """Codes a fragment by the form, once synthesis has heard that the record is included."""
    with site.client(site.admin) as living:
        site.waits(lambda: record in [it.record for it in living.synthesis.reports(REVIEW, state="included")])
    at = evidence_of(record)
    return browser.goes(at).sends(at, **{**FRAGMENT, **said})


def settled(site: Site, links: int) -> None:
    """Waits until the draft has taken in that so many links stand."""
    with site.client(site.admin) as living:
        site.waits(
            lambda: (draft := living.synthesis.draft(REVIEW)).settled and draft.counts.links == links
        )  # fmt: skip


ARTICLE = (
    b"Gardens and trust\n\nResults\n\nPeople who share a garden trust their neighbours more than those who do not.\n\n"
    b"Nobody said that a fence helps. Trust grew <b>slowly</b> in the first year of each garden.\n"
)


def copy_of(site: Site, browser: Browser, record: str, content: bytes = ARTICLE, **about: str) -> str:
    """Adds a copy of the report, and waits until it is parsed."""
    with site.client(browser) as living:
        file = living.ingest.upload_text(REVIEW, lambda: iter([content]), len(content))
        new = {"file": file.sha256, "name": "article.txt", **(about or {"licence": "CC BY 4.0"})}
        text = living.ingest.add_text(REVIEW, record, new).text
        site.waits(lambda: living.ingest.text(REVIEW, text).parse is not None)
    return text


def scanned() -> bytes:
    """A PDF with a page and no text."""
    pdf, out = PdfDocument.new(), BytesIO()
    pdf.new_page(200, 200)
    pdf.save(out)
    pdf.close()
    return out.getvalue()


def links(site: Site) -> list[EvidenceView]:
    with site.client(site.admin) as living:
        return list(living.synthesis.evidence(REVIEW))


def fills(browser: Browser, do: str, **said: str) -> Browser:
    """Sends the form of the page to sign, saying of each search that is left out that nobody could."""
    asked = re.findall(r'name="(without\.[^"]+)"', browser.text)
    return browser.sends(f"{SYNTHESIS}/sign", do=do, **{**dict.fromkeys(asked, "nobody could"), **said})


def test_an_included_report_waits_to_be_coded_and_leads_to_its_form(site, coder, record):
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.status(REVIEW).to_code == 1)

    assert "Included reports to be coded: 1" in coder.goes(AT).words
    assert "Gardens and trust" in coder.goes(f"{SYNTHESIS}/coding").words
    assert evidence_of(record) in coder.text
    assert evidence_of(record) in coder.goes(f"{AT}/records/{record}").text
    coder.goes(evidence_of(record))
    assert "where" in coder.words and "what works" in coder.words  # What the words mean in this review.


def test_a_reader_sees_what_is_coded_and_no_form(reader, record):
    reader.goes(evidence_of(record))

    assert reader.page.status_code == 200 and "A reviewer codes it." in reader.words
    assert 'name="fragment.locator"' not in reader.text


def test_nothing_is_said_of_evidence_before_a_coder_says_it(coder, record):
    coder.goes(evidence_of(record))

    form = coder.text[coder.text.index('id="code"') :]
    assert form.count('<option value="">(choose)</option>') == 7 and "selected" not in form


def test_one_more_row_keeps_what_was_typed(coder, record):
    at = evidence_of(record)
    coder.goes(at).sends(at, **{**FRAGMENT, "do": "more"})

    assert "links[2].cmoc" in coder.text and 'value="p. 3"' in coder.text
    assert re.search(r'<option value="c1" selected>', coder.text) and "they say so" in coder.text


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"fragment.locator": ""}, "fragment.locator"),
        ({"fragment.data_type": "gossip"}, "fragment.data_type"),
        ({"links[0].cmoc": "c9"}, "links[0].cmoc"),
        ({"links[0].stance": "likes"}, "links[0].stance"),
        ({"links[0].element": ""}, "links[0].element"),
        ({"links[0].stance": ""}, "links[0].stance"),
        ({"links[0].inference": ""}, "links[0].inference"),
        ({"fragment.data_type": ""}, "fragment.data_type"),
        ({"links[0].cmoc": "", "links[0].rationale": ""}, "links"),
    ],
)
def test_what_is_wrong_with_a_coding_is_said_at_its_field_and_nothing_is_kept(site, coder, record, said, field):
    codes(site, coder, record, **said)

    to = "links[0].cmoc" if field == "links" else field
    assert coder.page.status_code == 422 and f'<a href="#{to}">' in coder.text, coder.words
    assert "trust &lt;b&gt;grew&lt;/b&gt;" in coder.text
    assert links(site) == []


def test_a_coded_fragment_is_shown_with_who_read_it_how_and_counts_in_the_draft(site, coder, reader, record):
    codes(site, coder, record, **{"links[1].cmoc": "", "rows": "2"})

    assert "It is coded." in coder.words and "trust &lt;b&gt;grew&lt;/b&gt;" in coder.text
    for said in ("We trust them.", "they say so", "Cora", "supports", "said outright", "credible"):
        assert said in coder.words
    settled(site, 1)
    reader.goes(SYNTHESIS)
    assert "Draft of revision 1" in reader.words and "Links that came" in reader.words
    assert "Too few independent studies show it: 1." in reader.words and "Gardens and trust" in reader.words
    assert f"{SYNTHESIS}/sign" in reader.text and "A lead signs it." in reader.words


def test_the_same_coding_again_changes_nothing(site, coder, record):
    codes(site, coder, record)

    assert "The same was coded before" in coder.words and len(links(site)) == 1


def test_a_cmoc_has_a_page_with_its_rules_and_the_evidence_of_each_part(site, reader, record):
    reader.goes(f"{SYNTHESIS}/cmocs/c1")

    assert "Why it is: partially supported" in reader.words and "Gardens and trust" in reader.words
    assert "trust &lt;b&gt;grew&lt;/b&gt;" in reader.text and "Cora" in reader.words
    assert "trust &lt;b&gt;" not in reader.goes(f"{SYNTHESIS}/cmocs/c1?element=context").text
    assert "trust &lt;b&gt;" in reader.goes(f"{SYNTHESIS}/cmocs/c1?element=whole").text
    reader.goes(f"{SYNTHESIS}/cmocs/c1/history")
    assert "no evidence yet" in reader.words and "partially supported" in reader.words and "_" not in reader.words
    assert reader.goes(f"{SYNTHESIS}/cmocs/c9").page.status_code == 404


def test_how_a_link_is_judged_is_kept_with_why_and_by_whom(site, coder, reader, record):
    link = f"{SYNTHESIS}/links/{links(site)[0].link}"
    coder.goes(link).sends(f"{link}/appraise", credibility="caution", why=" ")
    assert coder.page.status_code == 422 and "says nothing" in coder.words

    coder.sends(f"{link}/appraise", credibility="caution", why="only one of them said it")

    assert "only one of them said it" in coder.words and "with caution" in reader.goes(link).words
    assert f"{link}/appraise" not in reader.text
    coder.sends(f"{link}/appraise", credibility="credible", why="the others agree")
    assert coder.text.index("only one of them") < coder.text.index("the others agree")


@pytest.mark.usefixtures("overdue")
def test_a_lead_signs_what_they_saw_and_nothing_that_arrived_after(site, coder, record):
    settled(site, 1)
    lead = site.admin.goes(AT)
    assert "Revision 1 can be signed" in lead.words
    assert f"{SYNTHESIS}" in lead.goes(f"{AT}/findings").text
    lead.goes(f"{SYNTHESIS}/sign")
    assert "left out because" in lead.words
    fills(lead, "look", summary="The <i>first</i> evidence.")
    assert "Sign revision 1?" in lead.words and "The &lt;i&gt;first&lt;/i&gt; evidence." in lead.text

    codes(site, coder, record, **{"fragment.paraphrase": "doubt grew", "links[0].stance": "contradicts"})
    settled(site, 2)
    lead.sends(f"{SYNTHESIS}/sign", do="sign")

    assert lead.page.status_code == 409 and "Something arrived since you looked" in lead.words
    assert "contested" in lead.text[lead.text.index("Something arrived") : lead.text.index("What would be signed")]
    assert "The &lt;i&gt;first&lt;/i&gt; evidence." in lead.text
    with site.client(lead) as living:
        assert living.synthesis.status(REVIEW).revisions == 0
    summary = "The <i>first</i> evidence."
    fills(lead, "look", summary=summary)
    lead.sends(f"{SYNTHESIS}/sign", do="back")
    assert re.search(r"<textarea[^>]*>\s*The &lt;i&gt;first", lead.text) and 'value="nobody could"' in lead.text
    fills(lead, "look", summary=summary)
    sent = lead.form(f"{SYNTHESIS}/sign") | {"do": "sign"}
    lead.posts(f"{SYNTHESIS}/sign", sent)
    assert lead.at == f"{AT}/findings/1" and "was left out: nobody could" in lead.words
    lead.posts(f"{SYNTHESIS}/sign", sent)  # As by going back, and once more.
    with site.client(lead) as living:
        assert living.synthesis.status(REVIEW).revisions == 1
    assert "can be signed" not in lead.goes(AT).words


def test_a_link_is_taken_back_with_a_reason_by_its_coder_or_a_lead_alone(site, coder, reader, record):
    doubt = next(it for it in links(site) if it.paraphrase == "doubt grew")
    link = f"{SYNTHESIS}/links/{doubt.link}"
    other = site.member("Otto", "reviewer")
    assert f"{link}/withdraw" not in other.goes(link).text

    coder.goes(link).sends(f"{link}/withdraw", which="fragment", why="misread")

    assert "It was taken back" in coder.words and "withdrawn by Cora: misread" in coder.words
    settled(site, 1)
    site.admin.goes(SYNTHESIS)
    assert "<del>contested</del> <ins>partially supported</ins>" in site.admin.text


@pytest.mark.usefixtures("overdue")
@pytest.mark.parametrize("missing", ["summary", "without.by-hand"])
def test_a_revision_is_signed_with_all_of_its_reasons_or_not_at_all(site, record, missing):
    lead = site.admin.goes(f"{SYNTHESIS}/sign")
    fills(lead, "look", **{"summary": "One went.", missing: " "})
    lead.sends(f"{SYNTHESIS}/sign", do="sign")

    assert lead.page.status_code == 422 and f'<a href="#{missing}">' in lead.text
    with site.client(lead) as living:
        assert living.synthesis.status(REVIEW).revisions == 1


def test_a_drill_is_marked_before_and_after_it_is_signed(site, record):
    lead = site.admin.goes(f"{SYNTHESIS}/sign")
    fills(lead, "look", summary="An exercise.", drill="yes")
    assert "It is marked as an exercise." in lead.words
    lead.sends(f"{SYNTHESIS}/sign", do="sign")

    assert lead.at == f"{AT}/findings/2" and "an exercise" in lead.words


def test_what_lost_its_ground_is_judged_anew_in_words(site, coder, record):
    with site.client(site.admin) as living:
        living.ingest.notice(REVIEW, record, kind="retraction", reason="made up")
        site.waits(lambda: list(living.synthesis.rejudgements(REVIEW, "open")))
    judge = site.member("Jo", "adjudicator")
    assert "Judgements to be made anew: 1" in judge.goes(AT).words
    judge.goes(f"{SYNTHESIS}/judgements")
    (action,) = re.findall(rf'action="({SYNTHESIS}/judgements/[^"]+/close)"', judge.text)
    assert action not in coder.goes(f"{SYNTHESIS}/judgements").text
    judge.sends(action, how=" ")
    assert judge.page.status_code == 422 and "says nothing" in judge.words

    judge.sends(action, how="Nothing <b>holds</b>.")

    assert "It is judged." in judge.words and "Nothing is to be judged anew." in judge.words
    assert "Nothing &lt;b&gt;holds&lt;/b&gt;." in judge.goes(f"{SYNTHESIS}/judgements?which=all").text


def test_what_the_evidence_suggests_is_seen_with_it_and_declined_for_a_reason(site, coder, reader):
    for title in ("Gardens and time", "Gardens and tools"):
        codes(site, coder, included(site, title), **{"links[0].element": "outcome", "links[0].stance": "refines"})
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.status(REVIEW).open_proposals == 1)
    lead = site.admin.goes(SYNTHESIS)
    (at,) = set(re.findall(rf'href="({SYNTHESIS}/proposals/[^"]+)"', lead.text))

    assert "Gardens and tools" in lead.goes(at).words and f"{AT}/protocol/edit" in lead.text
    assert f"{at}/decline" not in reader.goes(at).text
    lead.sends(f"{at}/decline", why=" ")
    assert lead.page.status_code == 422 and "says nothing" in lead.words
    lead.sends(f"{at}/decline", why="Both name <b>one</b> team.")
    assert "It was declined" in lead.words and "Nothing is suggested." in lead.words
    assert "Both name &lt;b&gt;one&lt;/b&gt; team." in lead.goes(f"{SYNTHESIS}/proposals?which=all").text


def test_while_something_is_on_its_way_into_the_draft_nothing_is_signed_and_what_was_typed_is_kept(site, monkeypatch):
    lead = site.admin.goes(f"{SYNTHESIS}/sign")
    fills(lead, "look", summary="All of it.")
    sent = lead.form(f"{SYNTHESIS}/sign") | {"do": "sign"}
    monkeypatch.setattr(store, "settled", lambda work, review: False)

    lead.posts(f"{SYNTHESIS}/sign", sent)

    assert "is not taken in yet" in lead.words and "data-again" not in lead.text
    assert re.search(r"<textarea[^>]*>\s*All of it.", lead.text)
    assert 'name="summary"' not in lead.goes(f"{SYNTHESIS}/sign").text and "data-again" in lead.text


def test_a_record_that_is_not_included_has_no_form(site, coder):
    site.brings("A farm")
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == "A farm")
    at = evidence_of(record)

    assert "once screening has included the record" in coder.goes(at).words and "fragment.locator" not in coder.text
    proof = coder.goes("/account").form("/sign-out")["proof"]
    coder.posts(at, {"proof": proof, "once": "", **FRAGMENT})
    assert coder.page.status_code == 422 and "knows no included record" in coder.words
    assert coder.goes(evidence_of("rec_none")).page.status_code == 404


def test_a_quote_from_a_copy_is_kept_where_the_copy_says_it_and_nothing_else_is(site, coder, record):
    text, at = copy_of(site, coder, record), evidence_of(record)
    exact = "People who share a garden trust their neighbours more than those who do not."
    said = {"fragment.text": text, "fragment.locator": "", "fragment.paraphrase": "neighbours trust more"}

    codes(site, coder, record, **said, **{"fragment.quote": exact.replace("more than", "less than")})
    assert coder.page.status_code == 422 and "What comes nearest" in coder.words and exact in coder.words
    assert "neighbours trust more" in coder.text and f'value="{text}" selected' in coder.text
    codes(site, coder, record, **said, **{"fragment.quote": ""})
    assert coder.page.status_code == 422 and "Give the words that the copy says" in coder.words
    before = len(links(site))

    codes(site, coder, record, **said, **{"fragment.quote": exact})

    assert coder.page.status_code == 200 and "It is coded." in coder.words
    [found] = [it for it in links(site) if it.selector is not None]
    assert (found.quoted, found.quote, len(links(site))) == ("verified", exact, before + 1)
    assert "found word for word in a copy" in coder.goes(at).words


def test_a_copy_without_words_says_why_nothing_is_quoted_from_it(site, coder, record):
    text = copy_of(site, coder, record, scanned(), name="scan.pdf", licence_class="closed")

    coder.goes(evidence_of(record))
    assert "Nothing can be quoted from scan.pdf: its pages are pictures, without text." in coder.words
    assert f'value="{text}"' not in coder.text


def test_whoever_judges_a_quote_of_a_closed_copy_reads_its_words_and_a_reader_does_not(site, coder, reader, record):
    text, exact = copy_of(site, coder, record, licence_class="closed"), "People who share a garden trust"
    said = {"fragment.text": text, "fragment.locator": "", "fragment.paraphrase": "sharers trust"}
    codes(site, coder, record, **said, **{"fragment.quote": exact})

    [found] = [it for it in links(site) if it.quoted == "withheld"]
    at = f"{SYNTHESIS}/links/{found.link}"
    assert exact in coder.goes(at).words and exact not in reader.goes(at).words


def test_a_drill_that_is_only_a_part_of_a_draft_is_told_to_whoever_signs_it(site, record):
    with site.client(site.admin) as living:
        for drill in (True, False):
            living.ingest.notice(REVIEW, record, kind="correction", reason="a table", drill=drill)
        site.waits(lambda: len({it.notice for it in living.synthesis.rejudgements(REVIEW, "open")}) == 2)
        site.waits(lambda: living.synthesis.draft(REVIEW).settled)

    lead = site.admin.goes(f"{SYNTHESIS}/sign")

    assert "A part of this is an exercise." in lead.words
    fills(lead, "look", summary="Corrected.")
    assert "It is marked as an exercise." not in lead.words


@pytest.mark.parametrize(("words", "why"), [
    ("...", "neither a letter nor a digit"), ("ab" * 2501, "at most 5000 characters"), ("garden", "quote more of it"),
])  # fmt: skip
def test_a_quote_that_cannot_be_looked_for_is_refused_as_the_api_says_it(site, coder, record, monkeypatch, words, why):
    def everywhere(*asked: object) -> None:
        raise Everywhere

    text = copy_of(site, coder, record)
    monkeypatch.setattr(passages, "find", everywhere)
    with site.client(coder) as living, pytest.raises(Invalid) as refused:
        living.ingest.quote(REVIEW, text, words)
    codes(site, coder, record, **{"fragment.text": text, "fragment.locator": "", "fragment.quote": words})

    assert coder.page.status_code == 422 and why in coder.words
    assert refused.value.errors[0]["why"] in unescape(coder.words) and "does not say this" not in coder.words
