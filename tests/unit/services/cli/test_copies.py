"""`living ingest copies` and the doctor: where texts are open, how many are, and why it is not known of others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from demo.replay.server import ReplayServer
from services.cli.review import _open_copies
from services.ingest.jobs.copies import find_open_copies
from services.ingest.ports.fulltext.unpaywall import Unpaywall
from services.ingest.ports.sources.http import Access, Limits
from shared.errors import NotFound
from shared.events.screening import RecordAdvanced
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.wire.ingest import IngestStatus
from tests.unit.services.cli.conftest import data
from tests.unit.services.cli.test_doctor import findings, page, serve_answers
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

PDF = "https://repository.example/1.pdf"


def answered(request: httpx.Request) -> httpx.Response:
    """An article is open in a repository, a second closed, a third unknown; of the last there is no answer."""
    doi = request.url.path.removeprefix("/")
    if doi == "10.5555/2":
        return httpx.Response(404, json={"message": f"'{doi}' isn't in Unpaywall."})
    if doi == "10.5555/3":
        return httpx.Response(200, html="<html>Down for maintenance</html>")
    copy = {"url": "https://repository.example/1", "url_for_pdf": PDF, "version": "acceptedVersion"}
    is_open = doi == "10.5555/0"
    body = {"doi": doi, "is_oa": is_open, "oa_status": "green" if is_open else "closed"}
    return httpx.Response(200, json=body | {"oa_locations": [copy] if is_open else []})


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    with httpx.Client(transport=httpx.MockTransport(answered)) as client:
        access = Access("https://unpaywall.example", "team@review.example")
        full_texts = Unpaywall(access, client, limits=Limits(tries=1), sleep=lambda seconds: None)
        bench = IngestBench(tmp_path / "data", full_texts=full_texts, contact="team@review.example")
        serve(bench)
        bench.sources["crossref"].put(
            *(work("crossref", f"w{n}", f"Work number {n} on boards", doi=f"10.5555/{n}") for n in range(4))
        )
        bench.sources["crossref"].put(work("crossref", "w5", f"A title of {'many ' * 20}words"))
        bench.adopt(strategy("crossref"))
        bench.pull()
        bench.hears(
            *(
                RecordAdvanced(review=REVIEW, record=one["record"], revision=2, stage="title", next_stage="text")
                for one in bench.items("records")
            )
        )
        bench.runs(find_open_copies)
        yield bench
        bench.close()


def test_each_record_is_shown_with_its_best_copy_and_all_are_counted(ingest, as_):
    seen = as_("rita", "ingest", "copies", REVIEW, role="reader").stdout

    assert "5 passed a stage: 1 open, 1 closed, 1 of a DOI that nobody knows, 1 not asked for yet, 1 without a" in seen
    assert "accepted" in seen and "repository.example/1.pdf" in seen.replace("\n", "")
    assert "many words" not in seen
    assert "10.5555/3 was asked for in vain, again at 2020-01-01 00:01 UTC: unpaywall answered in a form" in seen


def test_programs_are_told_the_counts_and_every_copy(ingest, as_):
    seen = data(as_("rita", "ingest", "copies", REVIEW, "--json", role="reader"))

    assert seen["asks"] is True
    assert seen["counts"] == {"open": 1, "closed": 1, "unknown": 1, "not_asked": 1, "without_doi": 1}
    (copy,) = [one for row in seen["records"] for one in (row["open_copies"] or {}).get("copies", [])]
    assert (copy["pdf"], copy["licence"], copy["version"]) == (PDF, None, "accepted")


def test_where_nobody_is_asked_for_want_of_a_contact_it_is_not_said_that_they_are_asked_yet(serve, tmp_path, as_):
    bench = IngestBench(tmp_path / "silent")
    serve(bench)
    bench.sources["crossref"].put(work("crossref", "w0", "A work on boards", doi="10.5555/0"))
    bench.adopt(strategy("crossref"))
    bench.pull()
    (record,) = (one["record"] for one in bench.items("records"))
    bench.hears(RecordAdvanced(review=REVIEW, record=record, revision=2, stage="title", next_stage="text"))

    seen = as_("rita", "ingest", "copies", REVIEW, role="reader").stdout
    shown = data(as_("rita", "ingest", "copies", REVIEW, "--json", role="reader"))
    counts = IngestStatus.model_validate(bench.get("status")).open_copies
    bench.close()

    assert "1 not asked: LIVING_CONTACT is not set" in seen and "yet" not in seen
    assert shown["asks"] is False
    assert counts is not None and not counts.asks and "LIVING_CONTACT is not set" in _open_copies(counts)


def test_a_records_id_is_never_broken_over_lines(ingest, as_, terminal):
    ids = [one["record"] for one in ingest.items("records")]
    terminal(100)
    seen = as_("rita", "ingest", "copies", REVIEW, role="reader").stdout
    assert all(id in seen for id in ids)


def test_a_review_without_any_says_so_and_one_that_is_not_there_is_an_error(ingest, as_):
    ingest.adopt(strategy("crossref"), review="orchard")

    assert "0 passed a stage" in as_("rita", "ingest", "copies", "orchard", role="reader").stdout
    assert isinstance(as_("rita", "ingest", "copies", "nowhere", role="reader").exception, NotFound)


def test_the_doctor_says_that_nobody_is_asked_while_no_contact_is_set(run, monkeypatch):
    finding = findings(run("doctor", "--json"))["open copies"]
    assert finding["state"] == "ok" and "LIVING_CONTACT is not set" in finding["told"] and finding["do"]

    with serve_answers({}) as gone:
        monkeypatch.setenv("LIVING_CONTACT", "team@review.example")
        monkeypatch.setenv("LIVING_UNPAYWALL_URL", gone.url)
        finding = findings(run("doctor", "--json"))["open copies"]
    assert finding["state"] == "warn" and "LIVING_UNPAYWALL_URL" in finding["do"]
    assert "team" not in finding["told"]


@pytest.mark.parametrize(
    ("status", "message", "state", "do"),
    [
        (404, "'10.1371/journal.pone.0000308' isn't in Unpaywall.", "ok", ""),
        (404, "Not Found", "warn", "LIVING_UNPAYWALL_URL"),
        (422, "Please use your own email address in API calls.", "warn", "LIVING_CONTACT"),
    ],
)
def test_the_doctor_takes_an_unknown_doi_for_an_answer_and_no_other_refusal(
    run, monkeypatch, status, message, state, do
):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"message": message}).encode()})

    with ReplayServer(answer) as server:
        monkeypatch.setenv("LIVING_CONTACT", "team@review.example")
        monkeypatch.setenv("LIVING_UNPAYWALL_URL", server.url)
        finding = findings(run("doctor", "--json"))["open copies"]

    assert finding["state"] == state and do in finding["do"]


def test_the_doctor_tells_what_was_asked_in_vain(run, monkeypatch):
    open_ring(Settings(_env_file=None))
    counts = dict.fromkeys(("open", "closed", "unknown", "not_asked", "without_doi"), 0)
    trouble = {"troubled": 2, "trouble": "HTTP 422: your own address"}
    status = {"watches": [], "sweeps": [], "open_copies": counts | trouble}
    answers: dict[str, object] = {
        "/healthz": {},
        "/readyz": {"ready": True, "services": {}},
        "/protocol/reviews": page({"review": "small"}),
        "/ingest/reviews/small/status": status,
    }
    with serve_answers(answers) as server:
        monkeypatch.setenv("LIVING_URL", server.url)
        finding = findings(run("doctor", "--json"))["copies asked for"]

    assert finding["state"] == "warn" and "2 records of small" in finding["told"] and "HTTP 422" in finding["told"]
