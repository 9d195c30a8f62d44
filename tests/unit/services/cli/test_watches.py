"""`living ingest watches`, `runs`, `pull`, `pause`, `resume`: each watch is seen and called by its strategy's name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.ingest.ports.sources.port import SourceUnavailable
from shared.errors import Conflict, NotFound
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of two watches, of which one brought a work and the other's source is away."""
    bench = IngestBench(tmp_path / "watched")
    serve(bench)
    bench.sources["crossref"].put(work("crossref", "w1", "A work on boards"))
    bench.sources["pubmed"].trouble[0] = SourceUnavailable("pubmed does not answer", source="pubmed")
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.pull()
    yield bench
    bench.close()


def test_every_watch_is_shown_with_its_last_run_and_its_trouble(ingest, as_):
    shown = as_("rita", "ingest", "watches", REVIEW, role="reader").stdout
    rows = data(as_("rita", "ingest", "watches", REVIEW, "--json", role="reader"))

    assert "complete: 1 found, 1 new, 0 rejected" in shown and "pubmed: pubmed does not answer" in shown
    assert [each["strategy"] for each in rows] == ["crossref", "pubmed"]


def test_runs_are_listed_the_newest_first_and_of_one_watch(ingest, as_):
    shown = as_("rita", "ingest", "runs", REVIEW, role="reader").stdout
    of_one = data(as_("rita", "ingest", "runs", REVIEW, "--watch", "crossref", "--json", role="reader"))

    assert all(each["run"] in shown for each in ingest.items("runs"))
    assert [each["source"] for each in of_one] == ["crossref"]
    assert len(data(as_("rita", "ingest", "runs", REVIEW, "--limit", "1", "--json", role="reader"))) == 1


def test_a_lead_pulls_pauses_and_resumes_a_watch_by_its_name(ingest, as_):
    assert "is paused" in as_("lea", "ingest", "pause", REVIEW, "pubmed", role="lead").stdout
    refused = as_("lea", "ingest", "pull", REVIEW, "pubmed", role="lead").exception
    assert isinstance(refused, Conflict) and str(refused) == "watch 'pubmed' is paused; resume it first"
    assert "is asked again" in as_("lea", "ingest", "resume", REVIEW, "pubmed", role="lead").stdout
    assert "within half a minute" in as_("lea", "ingest", "pull", REVIEW, "pubmed", role="lead").stdout

    ingest.pull()

    assert {each["state"] for each in ingest.items("runs", watch=ingest.items("watches")[1]["watch"])} == {
        "incomplete", "complete",
    }  # fmt: skip


def test_a_watch_that_is_none_is_refused_with_those_there_are(ingest, as_):
    unknown = as_("lea", "ingest", "pause", REVIEW, "arxiv", role="lead").exception
    assert isinstance(unknown, NotFound) and str(unknown).endswith("it has: crossref, pubmed")


def test_a_run_that_took_in_no_answer_is_not_said_to_have_lost_them(ingest, as_):
    run = next(each["run"] for each in ingest.items("runs") if each["source"] == "pubmed")
    shown = as_("lea", "review", "answers", REVIEW, "--run", run, role="lead").stdout
    assert shown == "this run took in no answer: pubmed does not answer\n"
