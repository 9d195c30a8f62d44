"""What the strings of a draft would bring, counted from the page where it is written, and nothing of the draft lost."""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.jobs import previewing
from services.ingest.ports.sources import previews
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site

pytestmark = pytest.mark.waits

CORPUS = Path(__file__).parents[4] / "reviews" / "ics-leadership" / "papers.yaml"
EDIT = f"/reviews/{REVIEW}/protocol/edit"
PREVIEWS = f"/reviews/{REVIEW}/protocol/previews/"
HOSTILE = '"<img src=x onerror=alert(1)>"[tiab]'


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """A platform whose sources are replayed, but for one that hears and never answers, and one that is not there."""
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.create_server(("127.0.0.1", 0)) as silent,
        ReplayServer(replay_app(PapersCorpus.load(CORPUS))) as server,
    ):
        patch.setattr(previewing, "PATIENCE", 2.0)
        patch.setenv("LIVING_PUBMED_URL", f"{server.url}/eutils")
        patch.setenv("LIVING_EUROPEPMC_URL", f"{server.url}/europepmc")
        patch.setenv("LIVING_CROSSREF_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        patch.setenv("LIVING_DOAJ_URL", "http://127.0.0.1:9")
        made = Site(tmp_path_factory.mktemp("pages"))
        try:
            made.founds()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    return site.member("Lea", "lead")


def drafted(*strategies: dict[str, object]) -> str:
    data = yaml.safe_load(PROTOCOL)
    data["strategies"] += strategies
    return yaml.safe_dump(data)


def native(source: str, query: str, name: str | None = None) -> dict[str, object]:
    return {"id": name or source, "source": source, "query": query}


def counts(site: Site, lead: Browser, text: str, do: str = "count") -> str:
    """What the page says once all is answered."""
    lead.goes(EDIT).sends(EDIT, document=text, do="check")
    assert "Count what these would bring" in lead.text, lead.words
    lead.sends(EDIT, document=text, do=do)
    return looked_at(site, lead)


def looked_at(site: Site, lead: Browser) -> str:
    assert lead.at.startswith(PREVIEWS) and lead.page.status_code == 200, lead.words
    with site.client(lead) as living:
        site.waits(lambda: living.ingest.preview(REVIEW, lead.at.removeprefix(PREVIEWS)).done)
    return html.unescape(lead.goes(lead.at).words)


def test_strings_are_counted_with_their_titles_and_what_a_source_that_hangs_or_is_down_says(site, lead):
    said = counts(
        site,
        lead,
        drafted(
            native("pubmed", "integrat*[tiab] AND leader*[tiab]"),
            native("pubmed", HOSTILE, "hostile"),
            native("crossref", "leadership"),
            native("doaj", "leadership"),
        ),
    )

    assert re.search(r"pubmed\s+PubMed\s+[1-9]\d*\s+The first titles \(\d\)", said), said
    assert "leadership" in said.lower() and said.count("does not answer") >= 2
    assert "data-again" not in lead.text and "<img src=x" not in lead.text and HOSTILE in said
    assert list(site.client(lead).ingest.runs(REVIEW)) == []
    assert site.client(lead).protocol.newest(REVIEW).version == 1


@pytest.fixture
def held(monkeypatch) -> Iterator[Event]:
    """Sources answer once this is set."""
    answers, first_page = Event(), previews.first_page

    def once_it_may(*asked: Any) -> Any:
        assert answers.wait(120)
        return first_page(*asked)

    monkeypatch.setattr(previews, "first_page", once_it_may)
    yield answers
    answers.set()


def test_while_they_are_asked_the_page_says_so_and_how_to_look_again(site, lead, held):
    text = drafted(native("pubmed", "leader*[tiab] AND governance[tiab]"))
    lead.goes(EDIT).sends(EDIT, document=text, do="check")
    lead.sends(EDIT, document=text, do="count")
    first = lead.at
    assert "data-again" in lead.text and "Look again" in lead.text and "is being asked" in lead.text
    lead.goes(EDIT).sends(EDIT, document=text, do="check")
    lead.sends(EDIT, document=text, do="count")
    assert lead.at == first and "what you asked before" not in lead.text

    held.set()
    assert "is being asked" not in looked_at(site, lead) and "data-again" not in lead.text


def test_another_draft_meanwhile_shows_the_one_that_is_asked(site, lead, held):
    with site.client(lead) as living:
        first = living.ingest.request_preview(REVIEW, {"strategies": [native("pubmed", "boards[tiab]")]}).id
    text = drafted(native("pubmed", "leader*[tiab]"))
    lead.goes(EDIT).sends(EDIT, document=text, do="check")
    lead.sends(EDIT, document=text, do="count")
    assert lead.at == PREVIEWS + first and "This is what you asked before." in lead.text

    held.set()
    looked_at(site, lead)
    lead.goes(EDIT).sends(EDIT, document=text, do="check")
    lead.sends(EDIT, document=text, do="count")
    assert lead.at != PREVIEWS + first
    looked_at(site, lead)


def test_the_draft_stays_in_its_form_and_counting_opens_beside_it(site, lead):
    text = drafted(native("pubmed", "leader*[tiab]"))
    lead.goes(EDIT).sends(EDIT, document=text, do="check")

    (button,) = re.findall(r'<button[^>]*value="count"[^>]*>', lead.text)
    assert 'formtarget="_blank"' in button and "leader*[tiab]" in html.unescape(lead.text)


def test_more_strings_than_are_asked_at_once_are_counted_strategy_by_strategy(site, lead):
    many = drafted(*[native("pubmed", f"leader{n}[tiab]", f"s{n}") for n in range(21)])
    lead.goes(EDIT).sends(EDIT, document=many, do="check")
    assert 'value="count"' not in lead.text and 'value="count:s20"' in lead.text

    lead.sends(EDIT, document=many, do="count:s20")
    assert "leader20[tiab]" in looked_at(site, lead) and "leader1[tiab]" not in lead.text
    lead.goes(EDIT).sends(EDIT, document=many, do="count")
    assert lead.page.status_code == 422 and "20 strings" in lead.words


def test_a_draft_with_a_bad_string_is_mended_first(site, lead):
    text = drafted(native("pubmed", "(leader*[tiab]"))
    lead.goes(EDIT).sends(EDIT, document=text, do="count")

    assert lead.page.status_code == 422 and lead.at == EDIT and "To be mended" in lead.text
    assert "(leader*[tiab]" in html.unescape(lead.text)


def test_a_first_protocol_is_counted_before_there_is_one(site):
    ada = site.admin.goes("/reviews/new").sends("/reviews/new", name="allotments")
    new = "/reviews/allotments/protocol/new"
    areas = dict(re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', ada.text, re.DOTALL))
    given = {name: html.unescape(text) for name, text in areas.items()} | {
        "title": "Do allotments help?", "question": "For whom?", "theories[0].heading": "Trust",
        "theories[0].statement": "Who digs talks.", "cmocs[0].context": "a", "cmocs[0].resource": "b",
        "cmocs[0].reasoning": "c", "cmocs[0].outcome": "d", "sources": "europepmc", "concepts": "leader*, governance",
    }  # fmt: skip
    ada.sends(new, **given, do="check")
    assert "Count what these would bring" in ada.text, ada.words

    ada.sends(new, **given, do="count")
    at = ada.at
    assert at.startswith("/reviews/allotments/protocol/previews/")
    with site.client(ada) as living:
        site.waits(lambda: living.ingest.preview("allotments", at.rpartition("/")[2]).done)
    assert re.search(r"Europe PMC\s+[1-9]", ada.goes(at).words)


def test_who_is_no_lead_sees_no_counts_and_what_there_is_not_is_no_page(site, lead):
    rita = site.member("Rita", "reader")
    with site.client(lead) as living:
        made = living.ingest.request_preview(REVIEW, {"strategies": [native("pubmed", "leader*[tiab]")]}).id

    assert rita.goes(PREVIEWS + made).page.status_code == 403
    assert lead.goes(PREVIEWS + "preview_none").page.status_code == 404
