"""`living review answers` lists and saves what a source answered; `living doctor` looks whether all of it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from shared.errors import Conflict, Forbidden, NotFound
from shared.events.ingest import RunFinished
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

BODIES = [b'{"items": []}', b"<error/>"]


@pytest.fixture(params=["file:{data}/blobs/{service}", "database:"])
def ingest(request, serve, tmp_path, monkeypatch) -> Iterator[IngestBench]:
    """Ingest that pulled a page, where the commands ask and in their data folder."""
    monkeypatch.setenv("LIVING_BLOBS_URL", request.param)
    bench = IngestBench(tmp_path / "data", blobs_url=request.param)
    serve(bench)
    bench.sources["crossref"].answers = [list(BODIES)]
    bench.sources["crossref"].put(work("crossref", "10.1/1", doi="10.1/1"))
    bench.adopt(strategy("crossref"))
    bench.pull()
    yield bench
    bench.close()


def run_of(bench: IngestBench) -> str:
    return bench.emitted(RunFinished)[-1].run


def blobs(run) -> dict[str, str]:
    return next(it for it in data(run("doctor", "--json")) if it["check"] == "blobs ingest")


def test_what_a_source_answered_is_listed_and_saved_as_it_came(ingest, as_, tmp_path):
    listed = as_("lea", "review", "answers", REVIEW, "--run", run_of(ingest), "--json", role="lead")
    assert [row["size"] for row in data(listed)] == [len(body) for body in BODIES]

    saved = as_("lea", "review", "answers", REVIEW, "--run", run_of(ingest), "--save", "out/answers", role="lead")
    assert saved.exit_code == 0 and "2 written to out/answers" in saved.stdout
    files = sorted((tmp_path / "out" / "answers").iterdir())
    assert [file.read_bytes() for file in files] == BODIES
    assert [file.name for file in files] == [f"{run_of(ingest)}-0001.bin", f"{run_of(ingest)}-0002.bin"]
    assert [file.stat().st_mode & 0o077 for file in (tmp_path / "out" / "answers", *files)] == [0, 0, 0]

    files[0].write_bytes(b"mine")
    again = as_("lea", "review", "answers", REVIEW, "--run", run_of(ingest), "--save", "out/answers", role="lead")
    assert isinstance(again.exception, Conflict) and files[0].read_bytes() == b"mine"


def test_a_source_that_the_review_does_not_ask_is_refused_with_those_that_it_asks(ingest, as_):
    words = ["review", "rejections", REVIEW, "--source"]

    assert "nothing was rejected" in as_("rita", *words, "crossref", role="reader").stdout
    refused = as_("rita", *words, "nope", role="reader").exception
    assert isinstance(refused, NotFound) and "it asks: crossref" in str(refused)


def test_a_reviewer_is_told_that_they_may_not(ingest, as_):
    assert isinstance(as_("ana", "review", "answers", REVIEW, "--run", run_of(ingest)).exception, Forbidden)


def test_the_doctor_counts_what_is_used_and_names_what_is_lost(ingest, run):
    assert blobs(run) == {"check": "blobs ingest", "state": "ok", "told": "2 used, and all of them there", "do": ""}

    from datetime import UTC, datetime, timedelta

    lost = ingest.lead.get(f"/ingest/reviews/{REVIEW}/runs/{run_of(ingest)}/answers").json()["items"][0]["sha256"]
    assert ingest.running.blobs.remove(lost, datetime.now(UTC) + timedelta(days=1))

    seen = blobs(run)
    assert seen["state"] == "fail" and "1 of 2" in seen["told"] and f"{lost} of {run_of(ingest)}" in seen["told"]
    assert "(missing)" in seen["told"]
    assert "copy" in seen["do"]


def test_the_doctor_tells_a_blob_that_is_cut_off(ingest, run, tmp_path):
    if not (folder := tmp_path / "data" / "blobs" / "ingest").exists():
        pytest.skip("these are in rows")
    file = next(folder.glob("??/*.gz"))
    file.write_bytes(file.read_bytes()[:20])

    seen = blobs(run)
    assert seen["state"] == "fail" and file.stem in seen["told"] and "(damaged)" in seen["told"]


def test_the_doctor_tells_a_folder_that_is_away(ingest, run, tmp_path):
    folder = tmp_path / "data" / "blobs" / "ingest"
    if not folder.exists():
        pytest.skip("these are in rows")
    os.rename(folder, tmp_path / "away")

    seen = blobs(run)
    assert seen["state"] == "fail" and str(folder.name) in seen["told"]
