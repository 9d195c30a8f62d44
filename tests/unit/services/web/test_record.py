"""A record in a browser: what each source says of it, what people decided about it, and what happened to it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from shared.client import Client
from shared.wire.ingest import LARGEST_TEXT
from tests.unit.services.web.rig import REVIEW, Browser, Site
from tests.unit.services.web.test_findings import fragment, included

pytestmark = pytest.mark.waits

RECORDS = f"/reviews/{REVIEW}/records"

HOSTILE = '<script>alert("x")</script>'

PAPER = {"kind": "paper", "why": "it may say why", "title": f"Trust {HOSTILE} among neighbours", "published": "2021"}


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea", "lead")


def adds(living: Client, doi: str, how: str, **said: Any) -> str:
    record = living.ingest.add(REVIEW, PAPER | {"doi": doi, "how": how, "where": "here"} | said).record
    assert record is not None
    return record


@pytest.fixture(scope="module")
def of_three(site: Site, lead: Browser) -> str:
    """A record that three sources have, by its DOI."""
    with site.client(site.admin) as living:
        found = {
            adds(living, "10.1000/three", "website", authors=["Ruiz, A"], venue="Gardener", url="https://a.test/b"),
            adds(living, "10.1000/three", "expert", authors=["Ruiz, A"], venue=f"Grower {HOSTILE}"),
            adds(
                living, "10.1000/three", "contact", authors=[HOSTILE], abstract=f"An abstract {HOSTILE}.", language="en"
            ),
        }
        (record,) = found
        site.waits(lambda: living.screening.record(REVIEW, record))
    return record


def row(browser: Browser, label: str) -> list[str]:
    """What is said under a label, source by source."""
    found = re.search(rf'<th scope="row">{label}\b.*?</th>(.*?)</tr>', browser.text, re.DOTALL)
    return (
        [unescape(re.sub("<[^>]*>", "", it)).strip() for it in re.findall(r"<td>(.*?)</td>", found[1])] if found else []
    )


def test_what_each_source_says_is_side_by_side_and_which_was_taken(lead, of_three):
    lead.goes(f"{RECORDS}/{of_three}")

    assert "<script>alert" not in lead.text
    assert sum(bool(it) for it in row(lead, "Journal")[:3]) == 2 and "differs" in lead.words
    assert sum("taken" in it for it in row(lead, "Journal")) == 1
    assert 'href="https://doi.org/10.1000/three" rel="noopener noreferrer external"' in lead.text
    assert "An abstract" in lead.words and "it may say why" in lead.words


def test_a_correction_outranks_the_sources_until_it_is_taken_back(lead, of_three):
    at = f"{RECORDS}/{of_three}"
    lead.goes(f"{at}?correct=venue").sends(
        f"{at}/correct", field="venue", value=f"Allotment {HOSTILE}", reason="as <b>printed"
    )
    assert "The field was corrected." in lead.text and row(lead, "Journal")[0] == f"Allotment {HOSTILE}"
    assert "as &lt;b&gt;printed" in lead.text and "<script>alert" not in lead.text

    (undo,) = re.findall(rf'action="({at}/corrections/[^"]*/undo)"', lead.text)
    lead.sends(undo)
    assert "The correction was taken back." in lead.text and f'action="{at}/corrections/' not in lead.text


def test_a_list_is_corrected_line_by_line_and_begins_with_what_is_so(lead, of_three):
    at = f"{RECORDS}/{of_three}"
    lead.goes(f"{at}?correct=authors")
    assert 'value="authors" selected' in lead.text and re.search(r"<textarea[^>]*>\n(Ruiz, A|&lt;script)", lead.text)

    lead.sends(f"{at}/correct", field="authors", value="Ruiz, Ana\n\nLang, Di\n", reason="as printed")

    assert row(lead, "Authors")[0] == "Ruiz, Ana; Lang, Di"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"field": "published", "value": "soon", "reason": "so"}, "must be YYYY"),
        ({"field": "title", "value": "A title", "reason": ""}, "says nothing; write something"),
        ({"field": "doi", "value": "10.1/a", "reason": "so"}, "must be 'title'"),
    ],
)
def test_what_is_no_correction_is_said_in_its_form_and_kept(lead, of_three, said, why):
    at = f"{RECORDS}/{of_three}"
    lead.goes(at).sends(f"{at}/correct", **said)

    assert lead.page.status_code == 422 and why in unescape(lead.words).split("Correct a field")[1][:400]
    assert said["value"] in lead.text and 'id="correct" open' in lead.text


def test_what_is_wrong_with_one_of_a_list_is_said_with_its_line(lead, of_three):
    at = f"{RECORDS}/{of_three}"
    lead.goes(at).sends(f"{at}/correct", field="authors", value="Ruiz, A\n\n" + "a" * 501, reason="as printed")

    (said,) = re.findall(r'<li id="fault-1">(.*?)</li>', lead.text)
    assert said == '<a href="#value">Line 3</a>: must have at most 500 characters' and lead.page.status_code == 422
    assert "must be text" not in lead.words


def test_a_source_is_parted_and_both_say_so_and_merged_again_its_link_leads_on(site, lead, of_three):
    at = f"{RECORDS}/{of_three}"
    (named,) = re.findall(r'name="source_record" value="(added:expert:[^"]*)"', lead.goes(at).text)
    lead.sends(f"{at}/split", source_record=named, reason=f"two works {HOSTILE}")
    assert "They were parted." in lead.text and "Parted from it:" in lead.text and "<script>alert" not in lead.text
    assert "Lea decided that they are not one" in lead.words

    (part,) = re.findall(rf'Parted from it: *<a href="({RECORDS}/rec_[^"]*)">', lead.text)
    lead.goes(part)
    assert lead.at == part and "It was parted from" in lead.text and 'name="source_record"' not in lead.text

    lead.goes(at).sends(f"{at}/merge", other=part.rpartition("/")[2], reason="one after all")
    assert "They are one record now." in lead.text
    lead.goes(part)
    assert lead.at == at and "was found to be this one" in lead.text
    assert "It lives on as" in lead.goes(f"{part}/history").text
    site.waits(lambda: "It was merged into another" in lead.goes(f"{part}/history").text)


def test_a_record_that_was_merged_is_parted_again_by_its_name(lead, of_three, site):
    at = f"{RECORDS}/{of_three}"
    (absorbed,) = re.findall(r'name="absorbed" value="([^"]*)"', lead.goes(at).text)
    with site.client(lead) as living:
        form = lead.form("/sign-out") | {"absorbed": absorbed, "reason": "two after all"}
        lead.posts(f"{at}/split", form)
        assert "They were parted." in lead.text and living.ingest.record(REVIEW, absorbed).merged_into is None
        living.ingest.merge(REVIEW, of_three, other=absorbed, reason="and back")


@pytest.mark.parametrize(
    ("form", "said", "why"),
    [
        ("split", {"reason": "so"}, "name source records"),
        ("split", {"source_record": "added:website:none", "reason": "so"}, "no source record"),
        ("merge", {"other": "rec_nothing", "reason": "so"}, "rec_nothing"),
        ("notice", {"kind": "gossip", "reason": "so"}, "must be 'correction'"),
        ("notice", {"kind": "retraction", "reason": ""}, "says nothing; write something"),
        ("retrieval", {"state": "lost", "reason": "so"}, "must be 'sought'"),
    ],
)
def test_what_cannot_be_done_is_said_in_its_form_and_changes_nothing(site, lead, of_three, form, said, why):
    at = f"{RECORDS}/{of_three}"
    with site.client(site.admin) as living:
        before = living.ingest.record(REVIEW, of_three)
        lead.goes(at).posts(f"{at}/{form}", lead.form("/sign-out") | said)

        assert lead.page.status_code == 422 and why in unescape(lead.words)
        assert living.ingest.record(REVIEW, of_three) == before


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("withdraw", "nothing that was added of record"), ("corrections/corr_none/undo", "no correction"),
        ("texts/text_none/withdraw", "no copy"), ("split", "name source records"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_form_that_is_not_shown_any_more_is_said_first_and_what_was_written(site, lead, form, why):
    with site.client(site.admin) as living:
        at = f"{RECORDS}/{adds(living, '10.1000/single', 'expert')}"
    lead.goes(at).posts(f"{at}/{form}", lead.form("/sign-out") | {"reason": f"So it <b>is</b>. {HOSTILE}"})

    assert lead.page.status_code == 422 and HOSTILE not in lead.text
    first = unescape(re.sub(r"<[^>]*>", " ", lead.text.partition('<main id="main"')[2].partition("<h1")[0]))
    assert "Look at this first" in first and why in first and f"So it <b>is</b>. {HOSTILE}" in first


def test_why_a_copy_is_taken_back_is_kept_where_that_is_refused(site, lead):
    with site.client(lead) as living:
        of = adds(living, "10.1000/kept", "expert")
        file = living.ingest.upload_text(REVIEW, lambda: iter([b"Neighbours meet."]), 16).sha256
        text, _ = (
            living.ingest.add_text(REVIEW, of, {"file": file, "name": name, "licence": "CC BY 4.0"}).text
            for name in ("a.txt", "b.txt")
        )
    at, why = f"{RECORDS}/{of}", "the wrong file " + "x" * 2000
    lead.goes(at).sends(f"{at}/texts/{text}/withdraw", reason=why)

    (form,) = re.findall(rf'<form[^>]*action="{at}/texts/{text}/withdraw">.*?</form>', lead.text, re.DOTALL)
    assert lead.page.status_code == 422 and f'value="{why}"' in form and 'aria-invalid="true"' in form
    assert lead.text.count(why) == 1 and "at most 2000" in lead.words


def test_a_retraction_is_seen_at_once_and_the_title_struck(site, lead):
    record = included(site, "Gardens and trust")
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.link_one(REVIEW, {"record": record} | fragment(f"trust {HOSTILE}")))
    at = f"{RECORDS}/{record}"
    lead.goes(at)
    assert "trust &lt;script&gt;" in lead.text and "supports" in lead.words and 'class="struck"' not in lead.text

    lead.sends(f"{at}/notice", kind="retraction", reason=f"made up {HOSTILE}")

    assert "The notice was given." in lead.text and '<h1 class="struck">' in lead.text
    assert lead.text.index("made up") < lead.text.index("<h1") and "<script>alert" not in lead.text
    site.waits(lambda: "does not stand" in lead.goes(at).text)


def test_a_drill_strikes_nothing(site, lead):
    site.brings("Gardens in a drill")
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == "Gardens in a drill")
    at = f"{RECORDS}/{record}"

    lead.goes(at).sends(f"{at}/notice", kind="retraction", reason="an exercise", drill="yes")

    assert "an exercise" in lead.text and '<h1 class="struck">' not in lead.text


def test_its_history_says_what_happened_in_order_and_by_whom(site, lead, of_three):
    lead.goes(f"{RECORDS}/{of_three}/history")

    words = lead.words
    assert words.index("It was found") < words.index("It came to a stage") and "Lea" in words and "Ada" in words
    assert "the screening service" in words and "<script>alert" not in lead.text
    assert lead.goes(f"{RECORDS}/rec_nothing/history").page.status_code == 404


def test_votes_are_shown_once_the_api_shows_them(site, lead):
    site.brings("Gardens voted on")
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == "Gardens voted on")
    at = f"{RECORDS}/{record}"
    ana, ben = site.member("Ana", "reviewer"), site.member("Ben", "reviewer")
    for browser in (ana, ben):
        with site.client(browser) as living:
            (task,) = living.screening.claim_many(REVIEW, 1, "sift", records=[record])
            living.screening.vote(REVIEW, task.lease, "include", reason=f"so {HOSTILE}")
        seen = {
            name: "so &lt;script&gt;" in it.goes(at).text for name, it in (("ana", ana), ("ben", ben), ("lea", lead))
        }
        assert seen == ({"ana": True, "ben": False, "lea": False} if browser is ana else dict.fromkeys(seen, True))
    assert "Ana: <strong>include</strong>" in lead.text and "<script>alert" not in lead.text


def test_a_copy_of_the_report_is_saved_and_never_shown(site, lead, of_three):
    pdf = b"%PDF-1.4\n" + b"<script>alert(1)</script>" * 50 + b"\n%%EOF"
    with site.client(lead) as living:
        file = living.ingest.upload_text(REVIEW, lambda: iter([pdf]), len(pdf))
        new = {"file": file.sha256, "name": f"{HOSTILE}.pdf", "readers": "leads", "url": "https://a.test/a.pdf"}
        text = living.ingest.add_text(REVIEW, of_three, new)
    lead.goes(f"{RECORDS}/{of_three}")
    assert "&lt;/script&gt;.pdf" in lead.text and "for leads" in lead.words and "<script>alert" not in lead.text

    lead.goes(f"/reviews/{REVIEW}/texts/{text.text}/file")

    assert lead.page.content == pdf and lead.page.headers["content-type"] == "application/octet-stream"
    assert lead.page.headers["content-disposition"].startswith("attachment")
    assert site.member("Rick", "reader").goes(f"/reviews/{REVIEW}/texts/{text.text}/file").page.status_code == 403

    end = f"{RECORDS}/{of_three}/texts/{text.text}/withdraw"
    assert lead.goes(f"{RECORDS}/{of_three}").sends(end, reason=" ").page.status_code == 422
    lead.goes(f"{RECORDS}/{of_three}").sends(end, reason=f"the wrong file {HOSTILE}")
    assert "The copy was taken back." in lead.text and "the wrong file &lt;script&gt;" in lead.text
    assert lead.goes(f"/reviews/{REVIEW}/texts/{text.text}/file").page.status_code == 404


PDF = b"%PDF-1.4\n" + b"A report of gardens. " * 50 + b"\n%%EOF"


def test_whoever_reviews_adds_a_copy_and_says_who_may_read_it(site, lead, of_three):
    ana, at = site.member("Ana copies", "reviewer").goes(f"{RECORDS}/{of_three}"), f"{RECORDS}/{of_three}/texts"
    given = {"licence": "CC BY-NC 4.0", "readers": "reviewers", "version": "accepted", "url": "https://a.test/b.pdf"}
    ana.uploads(at, f"{HOSTILE}.pdf", PDF, **given)

    assert ana.page.status_code == 200 and "The copy is here." in ana.text, ana.words
    assert "&lt;/script&gt;.pdf" in ana.text and "<script>alert" not in ana.text
    assert "not for money" in ana.words and "for those who review" in ana.words and "accepted version" in ana.words
    (copy,) = [it for it in site.client(lead).ingest.texts(REVIEW, of_three).texts if it.withdrawn_at is None]
    assert (copy.licence_class, copy.readers) == ("open_noncommercial_or_noderivs", "reviewers")

    bea = site.member("Bea copies", "reviewer").goes(f"{RECORDS}/{of_three}")
    assert f"/texts/{copy.text}/file" in bea.text and f"/texts/{copy.text}/withdraw" not in bea.text
    ana.sends(f"{at}/{copy.text}/withdraw", reason="the wrong file")
    assert "The copy was taken back." in ana.text


@pytest.mark.parametrize(
    ("content", "said", "at"),
    [
        (b"", {}, "file"), (bytes(range(256)) * 9, {}, "file"), (PDF[:-6], {}, "file"),
        (PDF, {"licence": "all rights reserved", "licence_class": "open"}, "licence_class"),
        (PDF, {"url": "javascript:alert(1)"}, "url"), (PDF, {"version": "last"}, "version"),
        (PDF, {"licence": "all rights reserved", "readers": "members"}, "a lead alone lets members read it"),
    ],
)  # fmt: skip
def test_a_copy_that_cannot_be_kept_is_said_so_at_its_field_and_what_was_typed_stays(site, lead, content, said, at):
    with site.client(site.admin) as living:
        of = adds(living, "10.1000/refused", "expert")
    ben = site.member(f"Ben {at} {len(content)}", "reviewer").goes(f"{RECORDS}/{of}")
    ben.uploads(f"{RECORDS}/{of}/texts", "a.pdf", content, **{"licence": "a licence of ours", **said})

    assert ben.page.status_code == 422 and said.get("licence", "a licence of ours") in ben.text
    assert (f'href="#{at}"' in ben.text) or at in ben.words
    assert site.client(lead).ingest.texts(REVIEW, of).texts == []


def test_a_form_with_a_copy_is_one_copy_however_often_it_is_sent_and_none_of_a_reader(site, lead, of_three):
    at = f"{RECORDS}/{of_three}/texts"
    form = lead.goes(f"{RECORDS}/{of_three}").form(at)
    for _ in range(2):
        lead.http.post(at, data=form, files={"file": ("twice.pdf", PDF + b"\n")})
    copies = [it.name for it in site.client(lead).ingest.texts(REVIEW, of_three).texts]
    assert copies.count("twice.pdf") == 1

    rick = site.member("Rick copies", "reader").goes(f"{RECORDS}/{of_three}")
    assert "data-upload" not in rick.text
    proof = rick.form("/sign-out")
    rick.page = rick.http.post(at, data=proof, files={"file": ("mine.pdf", PDF)})
    assert rick.page.status_code == 403


def test_a_file_larger_than_any_copy_is_refused_before_it_is_read(lead, of_three):
    at = f"{RECORDS}/{of_three}/texts"
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": str(LARGEST_TEXT + 2_000_000)}
    page = lead.http.post(at, content=b"--x\r\n", headers=headers)
    assert page.status_code == 422 and str(LARGEST_TEXT) in page.text


def test_that_the_text_cannot_be_had_is_said_by_whoever_reviews(site, lead):
    with site.client(site.admin) as living:
        at = f"{RECORDS}/{adds(living, '10.1000/burnt', 'expert')}"
    rev = site.member("Rev", "reviewer").goes(at)

    rev.sends(f"{at}/retrieval", state="not_retrieved", reason="lost in a fire")

    assert "It was noted." in rev.text and "cannot be had" in rev.words and "lost in a fire" in rev.words


def test_who_only_reads_sees_all_of_it_and_no_form(site, lead, of_three):
    at = f"{RECORDS}/{of_three}"
    rita = site.member("Rita", "reader").goes(at)

    assert "What its sources say" in rita.text and f'action="{at}' not in rita.text
    form = rita.form("/sign-out") | {"field": "venue", "value": "x", "reason": "so", "other": "a", "kind": "retraction"}
    for name in ("correct", "split", "merge", "notice", "withdraw", "retrieval"):
        assert rita.posts(f"{at}/{name}", form).page.status_code == 403, name


@pytest.mark.parametrize("record", ["rec_nothing", "rec_" + "0" * 32, "a" * 300, "%3Cb%3E"])
def test_a_record_that_there_is_not_is_no_page(lead, record):
    assert lead.goes(f"{RECORDS}/{record}").page.status_code in (404, 422)
