"""The protocol in a browser: read, written question by question, amended as text, and never over somebody's head."""

from __future__ import annotations

import html
import re

import pytest
import yaml

from services.protocol.domain import check
from services.web.pages.protocol import as_text
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/protocol"
EDIT = f"{AT}/edit"

ANSWERED = {
    "title": "Do allotments help?",
    "question": "For whom do allotments work, and why?",
    "criteria.include": "An allotment\nA park",
    "theories[0].heading": "Trust",
    "theories[0].statement": "Who digs together talks.",
    "cmocs[0].context": "a town",
    "cmocs[0].resource": "a plot",
    "cmocs[0].reasoning": "we own it",
    "cmocs[0].outcome": "people meet",
}


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea", "lead")


def document(browser: Browser) -> str:
    (text,) = re.findall(r"<textarea[^>]*name=.document.[^>]*>\n(.*?)</textarea>", browser.text, re.DOTALL)
    return html.unescape(text)


def areas(browser: Browser) -> dict[str, str]:
    found = re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', browser.text, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


def test_all_of_the_protocol_is_readable_by_everybody_and_amended_by_leads(site, lead):
    rita = site.member("Rita", "reader").goes(AT)

    for said in (
        "Do shared gardens keep people well?",
        "A garden that is shared",
        "sift",
        "An opinion",
        "Trust",
        "garden*",
    ):
        assert said in rita.words
    assert EDIT not in rita.text and EDIT in lead.goes(AT).text
    assert rita.goes(f"{AT}/versions/1").page.status_code == 200
    for version in ("0", "99", "x"):
        assert rita.goes(f"{AT}/versions/{version}").page.status_code == 404


def test_a_text_is_what_it_was_read_from(site):
    protocol = check(PROTOCOL)

    assert check(as_text(protocol)) == protocol


def test_an_amendment_is_seen_before_it_is_applied(site, lead):
    text = document(lead.goes(EDIT)).replace("An opinion", "A view").replace("For whom, and why?", "<b>For whom?</b>")
    lead.sends(EDIT, document=text, do="check")

    assert lead.page.status_code == 200 and "What it changes of version 1 (2)" in lead.text
    assert "&lt;b&gt;For whom?" in lead.text and "<b>For" not in lead.text and "is not applied yet" in lead.text
    assert site.client(lead).protocol.newest(REVIEW).version == 1

    lead.sends(EDIT, document=text, do="apply")
    assert lead.at == AT and "Version 2 is in force" in lead.text
    assert site.client(lead).protocol.newest(REVIEW).protocol.question == "<b>For whom?</b>"
    assert "question" in lead.goes(f"{AT}/versions/2").text


def test_why_it_is_amended_is_asked_for_and_shown_to_readers(site, lead):
    text = document(lead.goes(EDIT)).replace("A farm", "A farm or a field")
    lead.sends(EDIT, document=text, do="check")
    assert "Readers of the review" in lead.text
    why = "Our advisors say:\n<b>fields</b> are no gardens"
    lead.sends(EDIT, document=text + "\nnonsense: 1\n", why=why, do="check")
    assert lead.page.status_code == 422 and lead.form(EDIT)["why"].replace("\r", "") == why
    lead.sends(EDIT, document=document(lead.goes(EDIT)), why=why, do="check")
    assert "nothing to apply" in lead.text and lead.form(EDIT)["why"].replace("\r", "") == why

    lead.sends(EDIT, document=text, why=why, do="check")
    lead.sends(EDIT, document=text, why=areas(lead)["why"].replace("\n", "\r\n"), do="apply")

    rita = site.member("Rita why", "reader").goes(AT)
    assert site.client(lead).protocol.newest(REVIEW).why == why
    assert "Our advisors say:\n&lt;b&gt;fields&lt;/b&gt; are no gardens" in rita.text and "<b>fields" not in rita.text
    assert "criteria" in rita.words and "The review begins." in rita.words


def test_a_reason_that_is_too_long_is_said_at_its_field_and_nothing_is_lost(site, lead):
    text = document(lead.goes(EDIT)).replace("A field", "A meadow")
    before = site.client(lead).protocol.newest(REVIEW).version
    changed = text.replace("Do shared", "How do shared")
    lead.sends(EDIT, document=changed, do="check")
    lead.sends(EDIT, document=changed, why="x" * 1001, do="apply")

    assert lead.page.status_code == 422 and re.search(r'id="why"[^>]*aria-invalid', lead.text)
    assert areas(lead)["why"] == "x" * 1001 and document(lead).strip() == changed.strip()
    assert site.client(lead).protocol.newest(REVIEW).version == before


def test_what_was_not_seen_is_not_applied(site, lead):
    before = site.client(lead).protocol.newest(REVIEW).version
    text = document(lead.goes(EDIT))
    lead.sends(EDIT, document=text.replace("title: Do", "title: How"), do="check")
    lead.sends(
        EDIT, document=text.replace("title: Do", "title: Never seen: do").replace("seen: do", "seen do"), do="apply"
    )

    assert "is not applied yet" in lead.text and site.client(lead).protocol.newest(REVIEW).version == before


def test_a_fault_is_shown_with_its_line_and_the_text_stays(site, lead):
    text = document(lead.goes(EDIT)) + "\nnonsense: <script>alert(1)</script>\n"
    lead.sends(EDIT, document=text, do="check")

    assert lead.page.status_code == 422 and document(lead).strip() == text.strip()
    line = text[: text.index("nonsense")].count("\n") + 1
    assert f'data-line="{line}"' in lead.text and "<script>alert" not in lead.text


def test_what_is_no_yaml_at_all_is_said_so(lead):
    text = "title: [unfinished"
    lead.goes(EDIT).sends(EDIT, document=text, do="check")

    assert lead.page.status_code == 422 and document(lead) == text


def test_an_amendment_over_somebody_elses_is_refused_and_nothing_of_it_is_lost(site, lead):
    text = document(lead.goes(EDIT)).replace("title: Do", "title: What do")
    lead.sends(EDIT, document=text, do="check")
    with site.client(site.admin) as living:
        newest = living.protocol.newest(REVIEW)
        applied = living.protocol.apply(REVIEW, as_text(newest.protocol).replace("A farm", "A ranch")).version
    lead.sends(EDIT, document=text, do="apply")

    assert lead.page.status_code == 409 and f"applied version {applied} meanwhile" in lead.text
    assert document(lead).strip() == text.strip() and "A ranch" in lead.text
    lead.sends(EDIT, document=text, do="apply")
    assert lead.at == AT and "A farm" in lead.words


def test_who_is_no_lead_amends_nothing(site, lead):
    rita = site.member("Rita two", "reader")
    form = rita.goes(AT).form("/sign-out")
    text = document(lead.goes(EDIT))

    for path in (EDIT, f"{AT}/new"):
        assert rita.posts(path, form | {"document": text, "do": "apply"}).page.status_code == 403


def test_a_review_is_founded_and_its_first_protocol_written_by_questions(site):
    admin = site.admin.goes("/").goes("/reviews/new").sends("/reviews/new", name="allotments")
    new = "/reviews/allotments/protocol/new"
    assert admin.at == new

    given = areas(admin) | ANSWERED
    admin.sends(new, **given, do="check")
    assert admin.page.status_code == 200 and "is not applied yet" in admin.text, admin.words

    admin.sends(new, **areas(admin), do="apply")
    assert admin.at == "/reviews/allotments/protocol" and "Version 1 is in force" in admin.text
    applied = site.client(admin).protocol.newest("allotments").protocol
    assert [stage.name for stage in applied.stages] == ["title-and-abstract", "full-text"]
    assert applied.criteria.include == ["An allotment", "A park"] and applied.strategies[0].manual == "Our library"
    assert len(applied.stages[1].reasons) == 3
    assert admin.goes(new).at == "/reviews/allotments/protocol/edit"


def test_a_review_that_is_called_as_a_page_is_founded_by_nobody(site):
    admin = site.admin.goes("/reviews/new").sends("/reviews/new", name="New")

    assert admin.page.status_code == 422 and 'another word than "new"' in html.unescape(admin.text)


def test_what_is_missing_is_said_at_its_question_and_what_was_answered_stays(site):
    admin = site.admin.goes("/reviews/new").sends("/reviews/new", name="empty-answers")
    new = "/reviews/empty-answers/protocol/new"
    given = areas(admin) | ANSWERED
    for name in ("question", "cmocs[0].outcome", "manual"):
        given[name] = ""
    admin.sends(new, **given | {"stages[0].votes": "many", "published_after": "soon", "highlights.include": "a\nA"})
    admin.sends(new, **given | {"stages[0].votes": "many", "published_after": "soon", "do": "check"})

    assert admin.page.status_code == 422
    for name in ("question", "cmocs[0].outcome", "manual", "stages[0].votes", "published_after"):
        assert re.search(rf'id="{re.escape(name)}"[^>]*aria-invalid', admin.text), name
    assert "Who digs together talks." in admin.text


@pytest.mark.parametrize("name", ["manual", "stages[1].reasons", "criteria.include"])
def test_a_list_of_a_hundred_thousand_lines_is_refused_at_its_field_before_anything_is_made_of_it(site, name):
    admin = site.admin.goes("/reviews/new").sends("/reviews/new", name=f"long-{name[0]}")
    new = f"/reviews/long-{name[0]}/protocol/new"

    admin.sends(new, **areas(admin) | ANSWERED | {name: "a\n" * 100_000, "do": "text"})

    assert admin.page.status_code == 422 and "has more than 1000 lines" in admin.words
    assert re.search(rf'id="{re.escape(name)}"[^>]*aria-invalid', admin.text)


def test_reasons_that_are_spelled_alike_have_names_of_their_own(site):
    admin = site.admin.goes("/reviews/new").sends("/reviews/new", name="alike")
    new = "/reviews/alike/protocol/new"
    given = areas(admin) | ANSWERED | {"stages[1].reasons": "No care\nNo care\nNo care 2\nno CARE", "do": "text"}
    admin.sends(new, **given)

    reasons = yaml.safe_load(document(admin))["stages"][1]["reasons"]
    assert [it["value"] for it in reasons] == ["no-care", "no-care-2", "no-care-2-2", "no-care-3"]


def test_one_more_stage_is_asked_for_and_an_empty_one_is_none(site):
    admin = site.admin.goes("/reviews/new").sends("/reviews/new", name="three-stages")
    new = "/reviews/three-stages/protocol/new"
    admin.sends(new, **areas(admin) | ANSWERED, do="more")
    assert "Stage 3" in admin.text and "Who digs together talks." in admin.text

    given = areas(admin) | {"stages[0].name": "", "stages[0].question": "", "stages[2].name": "Third", "do": "check"}
    admin.sends(new, **given)
    assert re.search(r'id="stages\[2\]\.question"[^>]*aria-invalid', admin.text)

    admin.sends(new, **areas(admin), do="text")
    assert [it["name"] for it in yaml.safe_load(document(admin))["stages"]] == ["full-text", "third"]


@pytest.mark.parametrize("name", ["", "new", "With blanks", "a/b", "x" * 65, "-"])
def test_a_name_that_no_review_can_have_is_refused(site, name):
    site.admin.goes("/reviews/new").sends("/reviews/new", name=name)

    assert site.admin.page.status_code == 422 and "Nothing was changed" in site.admin.text


def test_who_may_found_none_is_refused_and_shown_no_button(site, lead):
    rita = site.member("Rita three", "reader")

    assert "/reviews/new" not in rita.goes("/").text and "/reviews/new" in lead.goes("/").text
    rita.goes("/reviews/new").sends("/reviews/new", name="mine")
    assert rita.page.status_code == 403
