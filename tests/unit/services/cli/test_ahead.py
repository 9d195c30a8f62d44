"""`living ingest preview` and `check-recall` ask the sources, and keep nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import CliRunner

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.cli import app
from services.cli.bars import drawn
from services.ingest.ports.sources.http import Limits
from shared.errors import Invalid, Unavailable
from shared.wire.ingest import Coverage, Share

REVIEW = Path(__file__).parents[4] / "reviews" / "ics-leadership"
PROTOCOL = str(REVIEW / "protocol.yaml")
AT_BOTH = "doi:10.1108/jica-06-2018-0042"


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    with ReplayServer(replay_app(PapersCorpus.load(REVIEW / "papers.yaml"))) as server:
        yield server.url


@pytest.fixture
def living(replay, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for name, path in (
        ("OPENALEX", "openalex"),
        ("CROSSREF", "crossref"),
        ("PUBMED", "eutils"),
        ("EUROPEPMC", "europepmc"),
    ):
        monkeypatch.setenv(f"LIVING_{name}_URL", f"{replay}/{path}")

    def run(*words: str):
        return CliRunner().invoke(app, ["ingest", *words])

    return run


def test_a_preview_shows_strings_counts_and_titles_and_makes_no_file(living, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    shown = living("preview", PROTOCOL).output

    assert "pubmed-tiab at pubmed: 13 works" in shown
    assert "(integrat*[tiab] OR partnering[tiab]" in shown
    assert "  - Partnering for change" in shown
    assert sorted(tmp_path.rglob("*")) == before


def test_a_preview_is_for_programs_too_and_for_one_source(living):
    rows = json.loads(living("preview", PROTOCOL, "--source", "europepmc", "--json").output)
    assert [(row["source"], row["reported"], len(row["titles"])) for row in rows] == [("europepmc", 9, 5)]


def test_a_source_that_does_not_answer_costs_the_others_nothing(living, monkeypatch):
    monkeypatch.setenv("LIVING_PUBMED_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("services.ingest.ports.sources.catalog.Limits", partial(Limits, tries=1))
    shown = living("preview", PROTOCOL).output
    assert "pubmed-tiab at pubmed: not asked" in shown
    assert "europepmc-titles at europepmc: 9 works" in shown


@pytest.fixture
def cut_off(living, monkeypatch):
    """No source is there."""
    monkeypatch.setattr("services.ingest.ports.sources.catalog.Limits", partial(Limits, tries=1))
    for name in ("OPENALEX", "CROSSREF", "PUBMED", "EUROPEPMC"):
        monkeypatch.setenv(f"LIVING_{name}_URL", "http://127.0.0.1:9/")
    return living


@pytest.fixture
def answering(living, monkeypatch) -> Iterator[Callable[[int, str], None]]:
    """Has every source answer with this status and text, whatever it is asked."""
    with ExitStack() as stack:

        def answer(status: int, text: str) -> None:
            async def app(scope, receive, send) -> None:
                kind = [(b"content-type", b"text/plain")]
                await send({"type": "http.response.start", "status": status, "headers": kind})
                await send({"type": "http.response.body", "body": text.encode()})

            monkeypatch.setattr("services.ingest.ports.sources.catalog.Limits", partial(Limits, tries=1))
            url = stack.enter_context(ReplayServer(app)).url
            for name in ("OPENALEX", "CROSSREF", "PUBMED", "EUROPEPMC"):
                monkeypatch.setenv(f"LIVING_{name}_URL", url)

        yield answer


@pytest.mark.parametrize("words", [("preview", PROTOCOL), ("check-recall", PROTOCOL, "known.txt")])
def test_where_no_source_is_reached_the_way_to_the_internet_is_asked_for(cut_off, known, words):
    result = cut_off(*words)
    assert isinstance(result.exception, Unavailable) and "is there a way to the internet" in str(result.exception)


@pytest.mark.parametrize("words", [("preview", PROTOCOL), ("check-recall", PROTOCOL, "known.txt")])
def test_a_refusal_is_an_answer_and_so_what_was_asked_is_invalid(answering, living, known, words):
    answering(400, "your key is none")
    result = living(*words)
    assert "refused" in result.output
    assert isinstance(result.exception, Invalid) and result.exception.slug == "invalid"
    assert "no source took what it was asked" in str(result.exception) and "your key is none" in str(result.exception)


def test_what_nobody_can_read_is_no_missing_way_to_the_internet(answering, living):
    answering(404, "moved")
    result = living("preview", PROTOCOL)
    assert isinstance(result.exception, Unavailable)
    assert "no source gave an answer that we can read" in str(result.exception)


def test_a_paper_is_not_said_to_be_missed_by_what_could_not_be_asked(cut_off, known):
    shown = cut_off("check-recall", PROTOCOL, str(known)).output

    assert "0 of 0 papers reached" in shown and "not reached" not in shown
    assert "not asked: doi:10.5555/none at " in shown
    assert shown.index("does not answer") < shown.index("0 of 0")
    found = json.loads(cut_off("check-recall", PROTOCOL, str(known), "--json").stdout)
    assert (found["reached"], found["not_asked"]) == ([], found["papers"])
    assert {row["failed"] for row in found["asked"]} == {"source_unavailable"}


def test_a_paper_that_one_source_was_not_asked_for_says_which(living, known, monkeypatch):
    monkeypatch.setattr("services.ingest.ports.sources.catalog.Limits", partial(Limits, tries=1))
    monkeypatch.setenv("LIVING_PUBMED_URL", "http://127.0.0.1:9/")
    shown = living("check-recall", PROTOCOL, str(known)).output

    assert "2 of 3 papers reached" in shown
    assert "not reached: doi:10.5555/none (not asked: pubmed)" in shown


def test_a_source_that_the_protocol_does_not_search_is_refused(living):
    result = living("preview", PROTOCOL, "--source", "arxiv")
    assert result.exit_code
    assert "the protocol does not search 'arxiv'" in str(result.exception)


@pytest.fixture
def known(tmp_path) -> Path:
    """Three papers, of which the last is at no source; in the folder that the tests stand in."""
    file = tmp_path / "known.txt"
    file.write_text("https://doi.org/10.1108/JICA-06-2018-0042  # a link\n\nPMID: 99000014\n10.5555/none\n")
    return file


def test_each_known_paper_is_asked_for_at_each_source(living, known):
    found = json.loads(living("check-recall", PROTOCOL, str(known), "--json").output)

    assert found["papers"] == [AT_BOTH, "pmid:99000014", "doi:10.5555/none"]
    assert found["reached"] == [AT_BOTH, "pmid:99000014"]
    at = {(row["paper"], row["source"]): (row["has"], row["reached"]) for row in found["asked"]}
    assert at[AT_BOTH, "openalex"] == at[AT_BOTH, "crossref"] == (True, True)
    assert at[AT_BOTH, "pubmed"] == (False, False)
    assert at["pmid:99000014", "europepmc"] == (True, True)
    assert at["pmid:99000014", "crossref"] == (None, None)


def test_what_no_strategy_reaches_is_told(living, known, tmp_path):
    narrow = Path(PROTOCOL).read_text().replace("TITLE_ABS:integrat* OR ", "").replace("integrat*[tiab] OR ", "")
    file = tmp_path / "narrow.yaml"
    file.write_text(narrow)

    shown = living("check-recall", str(file), str(known)).output

    assert "1 of 3 papers reached" in shown
    assert "not reached: pmid:99000014" in shown


@pytest.mark.parametrize(
    ("text", "why"), [("10.1000/a\nsomething\n", "line 2: 'something' is neither"), ("\n# x\n", "names no paper")]
)
def test_a_file_of_something_else_is_refused_with_its_line(living, tmp_path, text, why):
    file = tmp_path / "known.txt"
    file.write_text(text)
    result = living("check-recall", PROTOCOL, str(file))
    assert result.exit_code and why in str(result.exception)


def test_a_file_that_is_not_there_is_no_review(living, known):
    result = living("check-recall", "nowhere.yaml", str(known))
    assert result.exit_code and "there is no file nowhere.yaml" in str(result.exception)


def share(name: str, **counts: int) -> Share:
    numbers = {"records": 0, "only": 0, "included": 0, "only_included": 0}
    return Share(name=name, source="crossref", passed={}, only_passed={}, **(numbers | counts))


COVERED = Coverage(
    review="shared-records", since=None, until=None, records=12, included=3,
    sources=[share("crossref", records=12, only=9, included=3, only_included=2), share("pubmed", records=3)],
    strategies=[share("a-strategy-with-a-name-that-is-rather-longer-than-most", records=12, only=12)],
)  # fmt: skip


def test_a_picture_of_coverage_is_an_image_with_words(tmp_path):
    root = fromstring(drawn(COVERED))

    assert root.findtext("{*}title") == "shared-records: 12 records, 3 included"
    said = [text.text for text in root.iterfind("{*}text")]
    assert "12 (3, 2)" in said and "3 (0, 0)" in said
    widths = {
        box.get("class"): float(box.get("width")) for box in root.iterfind("{*}rect") if box.get("class") != "paper"
    }
    assert widths["only"] > 0


def test_a_picture_of_nothing_is_one_too():
    empty = COVERED.model_copy(update={"records": 0, "sources": [share("crossref")], "strategies": []})
    assert fromstring(drawn(empty)) is not None


def test_coverage_of_days_that_end_before_they_begin_is_refused_before_anybody_is_asked(living):
    result = living("coverage", "shared-records", "--since", "2020-01-02", "--until", "2020-01-01")
    assert result.exit_code and "--until 2020-01-01 is before --since 2020-01-02" in str(result.exception)
