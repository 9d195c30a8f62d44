"""`living ingest`: rejected items are listed, and kept answers read again while one looks on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from services.ingest import store
from services.ingest.jobs.reparsing import reparse_answers
from services.ingest.models import RunRow, SourceRecordRow
from services.ingest.ports.sources import crossref
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import Link
from shared.errors import Conflict, Invalid, NotFound
from shared.events.protocol import Citations
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy
from tests.unit.services.ingest.test_reparsing import Registry, broken


@pytest.fixture
def ingest(serve, tmp_path, monkeypatch) -> Iterator[IngestBench]:
    """Ingest that pulled five works of which its adapter could not read two, and that can read them now."""
    registry = Registry()
    for number in range(5):
        registry.put(f"10.1000/{number}", f"Work number {number} on boards")
    with httpx.Client(transport=httpx.MockTransport(registry.answer)) as client:
        source = Crossref(Access("https://crossref.example"), client, rows=2, sleep=lambda seconds: None)
        bench = IngestBench(tmp_path / "data", sources={"crossref": source})
        serve(bench)
        bench.adopt(strategy("crossref"))
        with monkeypatch.context() as patch:
            patch.setattr(crossref, "read_work", broken(lambda work: work["DOI"] in {"10.1000/0", "10.1000/3"}))
            bench.pull()
        yield bench
        bench.close()


@pytest.fixture
def leader(ingest) -> Iterator[None]:
    """A process that does what is asked for, as the leader does every few seconds."""
    over = threading.Event()

    def lead() -> None:
        while not over.wait(0.1):
            ingest.runs(reparse_answers)

    leading = threading.Thread(target=lead)
    leading.start()
    yield
    over.set()
    leading.join()


@pytest.mark.parametrize("group", ["ingest", "review"])
def test_rejected_items_are_listed_by_either_name(ingest, as_, group):
    rows = data(as_("rita", group, "rejections", REVIEW, "--open", "--json", role="reader"))

    assert [row["reason"] for row in rows] == ["it cannot be read (KeyError: 'subtitle')"] * 2
    assert [row["source"] for row in rows] == ["crossref"] * 2
    of_run = ["--run", rows[0]["run"], "--source", "crossref", "--json"]
    assert data(as_("rita", group, "rejections", REVIEW, *of_run, role="reader")) == rows
    unknown = as_("rita", group, "rejections", REVIEW, "--run", "run_x", role="reader").exception
    assert isinstance(unknown, NotFound)


def test_which_reports_led_to_a_record_is_shown_as_a_table_and_to_programs(ingest, as_):
    report, found = (one["record"] for one in ingest.items("records")[:2])
    with ingest.work("bench") as at:
        run = at.session.execute(select(RunRow)).scalars().first()
        (own,) = [own for _, own in store.ids_at(at, "crossref", [found])]
        store.note_citations(at, run, [Link(seed=report, found=own, direction="backward")])
    asked = ("ingest", "citations", REVIEW, "--record", found)

    (row,) = data(as_("rita", *asked, "--json", role="reader"))
    assert (row["record"], row["report"], row["direction"], row["standing"]) == (found, report, "backward", "waiting")
    assert row["record_standing"] == "waiting"
    assert "is cited by" in as_("rita", *asked, role="reader").stdout
    none = as_("rita", "ingest", "citations", REVIEW, "--record", report, role="reader").stdout
    assert none == f"no chase of citations found {report}\n"


def test_what_several_sources_say_of_a_pair_is_one_row_with_whole_ids(ingest, as_, terminal):
    report, found = (one["record"] for one in ingest.items("records")[:2])
    with ingest.work("bench") as at:
        run = at.session.execute(select(RunRow)).scalars().first()
        (own,) = [own for _, own in store.ids_at(at, "crossref", [found])]
        store.note_citations(at, run, [Link(seed=report, found=own, direction="backward")])
        at.session.add(
            SourceRecordRow(
                review=REVIEW, source="openalex", source_id="W1", record=found, run=run.id, seen_in=run.id,
                content_hash="h", content={}, because=[],
            )
        )  # fmt: skip
        run.source = "openalex"
        store.note_citations(at, run, [Link(seed=report, found="W1", direction="backward")])
        run.source = "crossref"
    terminal(100)

    shown = as_("rita", "ingest", "citations", REVIEW, role="reader").stdout

    assert shown.count(found) == 1 and "openalex" in shown and "crossref" in shown
    assert shown.splitlines()[0].split() == ["record", found]  # Too narrow for a table: a line for each of its columns.
    named = [line[: line.index("  ")] for line in shown.splitlines()]
    assert named == ["record", "its title", "it is", "how", "report", "report is", "sources"]


def test_where_nothing_was_found_it_is_told_what_was_asked_or_that_nothing_is_chased(ingest, as_):
    none = as_("rita", "ingest", "citations", REVIEW, role="reader").stdout
    ingest.adopt(strategy("crossref"), number=2, citations=Citations(sources=["openalex"], every_days=30))
    before = as_("rita", "ingest", "citations", REVIEW, role="reader").stdout
    ingest.pull()
    after = as_("rita", "ingest", "citations", REVIEW, role="reader").stdout

    assert none == "no citations are chased: the protocol has no `citations`\n"
    assert "openalex was not asked yet, and is due at " in before
    assert "openalex was asked last at " in after and "openalex knows no citations" in after


@pytest.mark.waits
def test_a_retry_tells_what_came_of_it_and_leaves_nothing_open(ingest, leader, as_):
    seen = as_("lea", "ingest", "retry", REVIEW, role="lead")

    assert seen.exit_code == 0
    assert "2 answers read again: 2 new, 0 duplicates, 0 updated, 2 unchanged" in seen.stdout
    assert "2 rejected items are records now, 0 are none" in seen.stdout
    assert "nothing was rejected" in as_("rita", "ingest", "rejections", REVIEW, "--open", role="reader").stdout


@pytest.mark.waits
def test_a_retry_where_nothing_is_rejected_says_so(ingest, leader, as_):
    as_("lea", "ingest", "retry", REVIEW, role="lead")
    again = as_("lea", "ingest", "retry", REVIEW, role="lead").stdout

    assert again == "nothing is rejected, so there was nothing to read again\n"


@pytest.mark.waits
def test_a_reparse_reads_every_answer_and_tells_programs(ingest, leader, as_):
    done = data(as_("lea", "ingest", "reparse", REVIEW, "--source", "crossref", "--json", role="lead"))

    assert (done["state"], done["answers"], done["new"], done["unchanged"]) == ("done", 3, 2, 3)


def test_a_source_that_the_review_does_not_ask_is_refused(ingest, as_):
    refused = as_("lea", "ingest", "reparse", REVIEW, "--source", "nope", role="lead").exception

    assert isinstance(refused, NotFound) and "it asks: crossref" in str(refused)


@pytest.fixture
def lacking(serve, workbench, tmp_path) -> Iterator[IngestBench]:
    """Ingest of whose two watches of Crossref one lacks two works."""
    bench = IngestBench(tmp_path / "lacking")
    serve(bench)
    bench.sources["crossref"].reported = 2
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.pull()
    yield bench
    bench.close()


@pytest.mark.parametrize("by", ["watch", "strategy"])
def test_a_lead_accepts_what_a_watch_lacks_and_takes_it_back(lacking, as_, by):
    named = lacking.items("watches")[0][by]
    words = ["ingest", "accept", REVIEW, named, "--reason", "counted twice", "--lacking"]

    seen = as_("lea", *words, "2", role="lead")
    lacking.pull()

    assert seen.exit_code == 0
    assert seen.stdout == "crossref may lack 2 works in a whole walk\nits next run is on its way\n"
    assert lacking.items("runs")[0]["state"] == "complete"
    assert data(as_("lea", *words, "2", "--json", role="lead"))["accepted"][0]["reason"] == "counted twice"
    back = as_("lea", *words, "0", role="lead")
    assert back.stdout == "crossref: a run is complete only where nothing lacks, again\n"
    assert lacking.items("watches")[0]["accepted"] == []


def test_what_cannot_be_accepted_is_told(lacking, as_):
    words = ["--reason", "counted twice", "--lacking"]

    another = as_("lea", "ingest", "accept", REVIEW, "crossref", *words, "1", role="lead").exception
    unknown = as_("lea", "ingest", "accept", REVIEW, "arxiv", *words, "1", role="lead").exception

    assert isinstance(another, Conflict) and "of watch 'crossref' lacks 2, not 1" in str(another)
    blank = as_("lea", "ingest", "accept", REVIEW, "crossref", "--lacking", "2", "--reason", " ", role="lead").exception
    assert isinstance(blank, Invalid) and "a reason is required" in str(blank)
    assert isinstance(unknown, NotFound) and str(unknown).endswith("it has: crossref, pubmed")
