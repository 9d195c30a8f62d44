"""Reports: each number is what its query gives again, and what only people can say is theirs, with its stamp."""

from __future__ import annotations

import asyncio
import re
from io import BytesIO

import httpx
import pytest
from click.testing import CliRunner
from docx import Document

from services.cli import app, context
from shared.client.asynchronous import AsyncClient
from shared.gathering import gather
from shared.reporting.asking import Number, Request, reckoned
from shared.reporting.checklists import KINDS, Kind
from shared.reporting.documents import Document as Report
from shared.reporting.documents import paragraphs_of
from shared.reporting.gathered import Gathered
from shared.reporting.reports import document_of
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import publishes, signs_as_it_is
from tests.unit.shared.reporting.typed import typed

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/reports"


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    """Who leads a review with one revision, and a record that waits."""
    publishes(site)
    site.brings("Gardens and rain", "Gardens and snow")
    return site.admin


@pytest.fixture(scope="module")
def rita(site: Site, lead: Browser) -> Browser:
    return site.member("Rita", "reader")


def made(site: Site, browser: Browser, kind: Kind, revision: int | None = None) -> Report:
    return document_of(asked(site, browser, kind, revision))


def asked(site: Site, browser: Browser, kind: Kind, revision: int | None = None) -> Gathered:
    async def ask() -> Gathered:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://testserver")
        assert browser.session is not None
        async with AsyncClient.at("http://testserver", browser.session, client=http) as living:
            return await gather(living, REVIEW, kind, revision)

    return asyncio.run(ask())


def again(site: Site, browser: Browser, request: Request) -> object:
    """What the API answers to a request now, asked by what the report says of it alone."""
    with site.client(browser) as living:
        if not request.listing:
            return living.http.raw("GET", request.path, params=dict(request.asked)).json()
        items: list[object] = []
        cursor = None
        while True:
            page = living.http.raw("GET", request.path, params={**dict(request.asked), "cursor": cursor}).json()
            items, cursor = items + page["items"], page["next"]
            if cursor is None:
                return items


@pytest.mark.parametrize("revision", [None, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_each_number_is_what_its_query_gives_again_and_none_is_typed(site, lead, rita, kind, revision):
    document = made(site, rita, kind, revision)

    numbers = [run for run in document.runs() if isinstance(run, Number)]
    answers = {request: again(site, rita, request) for request in {it.query.request for it in numbers}}
    assert len(numbers) > 10
    assert [it for it in numbers if reckoned(answers[it.query.request], it.query) != it.value] == []
    assert typed(document) == []


def test_an_answer_that_changed_is_not_what_the_report_says(site, lead, rita):
    number = next(run for run in made(site, rita, "prisma").runs() if isinstance(run, Number) and run.value)

    answer = again(site, rita, number.query.request)
    assert reckoned(answer, number.query) == number.value != reckoned({}, number.query)


def test_the_pages_lead_from_the_choice_to_each_report_and_each_number_to_its_question(site, lead, rita):
    rita.goes(AT)
    for kind in KINDS:
        assert f'href="{AT}/{kind}"' in rita.text and f'href="{AT}/{kind}?revision=1"' in rita.text
    assert 'name="text"' not in rita.goes(f"{AT}/texts/limitations").text

    for path in (f"{AT}/prisma", f"{AT}/prisma-lsr?revision=1"):
        rita.goes(path)
        linked = set(re.findall(r'href="#from-(\d+)"', rita.text))
        assert linked and linked == set(re.findall(r'id="from-(\d+)"', rita.text))
        assert f"GET /screening/reviews/{REVIEW}/flow" in rita.text and "To be written" in rita.text


def test_what_a_lead_writes_stands_in_each_report_that_asks_for_it_as_text(site, lead, rita):
    at = f"{AT}/texts/limitations"
    lead.goes(at).sends(at, text="")
    assert lead.page.status_code == 422 and 'href="#text"' in lead.text
    lead.goes(at).sends(at, text="<script>alert(1)</script>\n\nWe are \u202etwo {{ 7 * 7 }}.")
    assert lead.at == at and "It is written." in lead.text

    for kind in ("prisma", "rameses"):
        rita.goes(f"{AT}/{kind}")
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rita.text and "{{ 7 * 7 }}" in rita.text
        assert "Written by Ada on" in rita.words
    assert "alert(1)" not in rita.goes(f"{AT}/prisma-s").text


def test_a_reader_writes_nothing(site, lead, rita):
    proof = rita.goes("/account").form("/sign-out")["proof"]

    assert rita.posts(f"{AT}/texts/funding", {"proof": proof, "text": "Mine."}).page.status_code == 403
    assert "Nobody has written this yet." in rita.goes(f"{AT}/texts/funding").text
    assert rita.goes(f"{AT}/texts/fundings").page.status_code == 404


def test_what_somebody_wrote_meanwhile_is_not_written_over_and_one_s_own_words_stay(site, lead):
    at = f"{AT}/texts/summary"
    lead.goes(at).sends(at, text="First.")
    form = lead.goes(at).form(at)
    with site.client(lead) as living:
        living.synthesis.write_report_text(REVIEW, "summary", "Another's.")

    lead.posts(at, form | {"text": "Mine."})

    assert lead.page.status_code == 422 and "meanwhile" in lead.text and "Mine." in lead.text
    assert "Another&#39;s." in lead.text


def test_a_text_is_out_of_date_once_a_revision_is_signed_until_a_lead_confirms_it(site, lead, rita):
    at = f"{AT}/texts/funding"
    lead.goes(at).sends(at, text="Nobody paid.")
    assert "out of date" not in lead.goes(at).words
    signs_as_it_is(site, "Nothing changed.")

    assert "out of date" in rita.goes(at).words and "out of date" in rita.goes(f"{AT}/rameses").words
    form = lead.goes(at).form(at)
    assert form["do"] == "confirm"
    lead.posts(at, form)

    assert "It is confirmed as it is." in lead.text and "out of date" not in lead.goes(at).words
    assert "Confirmed as it is by Ada" in rita.goes(at).words


@pytest.mark.parametrize("path", ["nothing", "prisma?revision=99", "prisma?revision=x", "nothing/report.docx"])
def test_a_report_or_revision_that_is_none_is_not_there(site, lead, path):
    assert lead.goes(f"{AT}/{path}").page.status_code == 404


def test_a_number_of_a_revision_that_is_none_is_said_at_its_field(site, lead):
    lead.goes(f"{AT}?kind=prisma&revision=x")

    assert lead.page.status_code == 422 and 'href="#revision"' in lead.text


def test_it_is_taken_away_as_a_word_document_with_all_that_the_page_says(site, lead, rita):
    document = Document(BytesIO(rita.goes(f"{AT}/rameses/report.docx?revision=1").page.content))
    text = "\n".join(line.text for line in document.paragraphs)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]

    assert "RAMESES: Do shared gardens keep people well?" in text and "Written by Ada" in text
    assert f"GET /screening/reviews/{REVIEW}/flow?cycle=1" in cells and "Where each number comes from" in text
    assert rita.page.headers["content-disposition"] == f'attachment; filename="{REVIEW}-rameses-revision-1.docx"'


def test_programs_have_each_number_with_its_question(site, lead, rita):
    said = rita.goes(f"{AT}/prisma/report.json").page.json()
    numbers = [
        run
        for item in said["items"]
        for block in item["blocks"]
        for run in block.get("paragraph", [])
        if "number" in run
    ]

    assert numbers and all(run["query"]["path"].startswith("/") for run in numbers)
    assert said["items"][0]["number"] == "1" and said["revision"] is None


@pytest.mark.parametrize("form", ["docx", "html", "json"])
def test_a_terminal_writes_the_same_report_into_a_file(site, lead, rita, tmp_path, monkeypatch, form):
    with site.client(rita) as living:
        key = living.people.make_key({"name": "my script", "review": REVIEW, "scopes": ["records"]}).key
    with site.on_a_port() as url:
        for name, value in {"LIVING_URL": url, "LIVING_KEY": key}.items():
            monkeypatch.setenv(name, value)
        context.given.cache_clear()
        asked = ["report", REVIEW, "prisma", "--revision", "1", "--to", str(tmp_path / f"report.{form}")]
        ran = CliRunner().invoke(app, asked)
        listed = CliRunner().invoke(app, ["report", REVIEW, "prisma-s"])
    context.given.cache_clear()

    assert ran.exit_code == 0, ran.exception
    assert "lacks something" in listed.stdout, listed.exception
    content = (tmp_path / f"report.{form}").read_bytes()
    if form == "docx":
        content = "\n".join(line.text for line in Document(BytesIO(content)).paragraphs).encode()
    assert b"Do shared gardens keep people well?" in content and b"<form" not in content


def test_where_two_code_a_report_it_says_so_with_numbers_that_can_be_asked_for_again(site, lead, rita):
    with site.client(lead) as living:
        living.protocol.apply(REVIEW, PROTOCOL + "extraction: {coders: 2}\n", why="One coder errs.")
        site.waits(lambda: living.synthesis.status(REVIEW).protocol_version == 2)

    document = made(site, rita, "rameses")
    said = next(item for item in document.items if item.number == "10")
    numbers = [
        run for block in said.blocks for line in paragraphs_of(block) for run in line.runs if isinstance(run, Number)
    ]
    assert [(it.value, it.query.reading) for it in numbers][:1] == [(2, "protocol.extraction.coders")]
    assert {it.query.request.path.rpartition("/")[2] for it in numbers} == {"2", "coding-agreement"}
    for it in numbers:
        assert reckoned(again(site, rita, it.query.request), it.query) == it.value
    assert "No report is coded by all of its coders yet" in said.lacks
    assert "these coders" in " ".join(rita.goes(f"{AT}/rameses").words.split())
