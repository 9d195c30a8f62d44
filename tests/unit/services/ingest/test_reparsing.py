"""Kept answers read again: what a mended adapter makes of them is taken in, once, and no source is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from services.ingest.jobs import reparsing, sweeps
from services.ingest.ports.sources import crossref
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.http import Access, Malformed
from services.ingest.ports.sources.port import Heard
from services.ingest.ports.sources.reading import Reader
from shared.bus.judging import is_down
from shared.errors import Unavailable
from shared.events.ingest import RecordDiscovered, RecordUpdated
from shared.events.protocol import Strategy
from tests.unit.services.ingest.rig import IngestBench, strategy

READ = crossref.read_work


class Registry:
    """What Crossref would answer: the works that are put into it, as many a page as are asked for."""

    def __init__(self) -> None:
        self.works: dict[str, dict[str, Any]] = {}
        self.requests = 0

    def put(self, doi: str, title: str, **more: Any) -> None:
        self.works[doi] = {"DOI": doi, "type": "journal-article", "title": [title], **more}

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        offset = int(request.url.params.get("offset", 0))
        there = list(self.works.values())
        if wanted := [each[4:] for each in request.url.params["filter"].split(",") if each.startswith("doi:")]:
            there, offset = [each for each in there if each["DOI"] in wanted], 0
        message = {"total-results": len(there), "items": there[offset : offset + int(request.url.params["rows"])]}
        return httpx.Response(200, json={"message-type": "work-list", "message": message})


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    for number in range(5):
        made.put(f"10.1000/{number}", f"Work number {number} on boards")
    return made


@pytest.fixture
def source(registry: Registry) -> Iterator[Crossref]:
    with httpx.Client(transport=httpx.MockTransport(registry.answer)) as client:
        yield Crossref(Access("https://crossref.example"), client, rows=2, sleep=lambda seconds: None)


@pytest.fixture
def bench(bench: IngestBench, source: Crossref) -> IngestBench:
    """The bench, which asks the real adapter of Crossref."""
    bench.sources["crossref"] = source
    bench.running.resources["crossref"] = source
    return bench


def broken(fault: Callable[[dict[str, Any]], bool]) -> Any:
    """An adapter that cannot read some works."""

    def read(work: Any, reader: Reader) -> Any:
        if fault(work):
            raise KeyError("subtitle")
        return READ(work, reader)

    return read


def undocumented(body: Any) -> Any:
    raise Malformed("a form that it does not have")


def pull(bench: IngestBench) -> str:
    bench.adopt(strategy("crossref"))
    bench.pull()
    return bench.items("runs")[0]["run"]


def reparse(bench: IngestBench, **asked: Any) -> dict[str, Any]:
    """Reads again what is asked for; answers how it ended."""
    begun = bench.post("reparses", asked, status=202)
    bench.runs(reparsing.reparse_answers)
    return bench.get(f"reparses/{begun['reparse']}")


def titles(bench: IngestBench) -> list[str]:
    return sorted(one["title"] for one in bench.items("records"))


def counts(done: dict[str, Any]) -> dict[str, int]:
    return {name: done[name] for name in ("new", "merged", "updated", "unchanged", "older", "rejected", "resolved")}


NOTHING = dict.fromkeys(("new", "merged", "updated", "unchanged", "older", "rejected", "resolved"), 0)


def test_an_adapter_that_did_not_change_changes_nothing_and_tells_nothing(bench, registry):
    pull(bench)
    events, asked = len(bench.journal()), registry.requests

    done = reparse(bench)

    assert done["state"] == "done" and done["ended_at"]
    assert (done["pages"], done["answers"], done["lost"]) == (3, 3, 0)
    assert counts(done) == NOTHING | {"unchanged": 5}
    assert (len(bench.journal()), registry.requests) == (events, asked)


def test_what_a_mended_adapter_reads_is_a_record_and_its_rejection_is_resolved(bench, registry, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", broken(lambda work: work["DOI"] in {"10.1000/0", "10.1000/3"}))
        run = pull(bench)
    events, asked = len(bench.journal()), registry.requests
    before = bench.get(f"runs/{run}")["counts"]
    assert [one["reason"] for one in bench.items("rejections", open="true")] == [
        "it cannot be read (KeyError: 'subtitle')"
    ] * 2

    done = reparse(bench)

    assert counts(done) == NOTHING | {"new": 2, "unchanged": 3, "resolved": 2}
    assert titles(bench) == [f"Work number {number} on boards" for number in range(5)]
    assert [type(event) for event in bench.all_emitted()[events:]] == [RecordDiscovered] * 2
    assert registry.requests == asked
    assert bench.items("rejections", open="true") == [] and done["left"] == 0
    resolved = {one["record"] for one in bench.items("rejections", open="false")}
    assert resolved == {event.record for event in bench.emitted(RecordDiscovered)[-2:]}
    # What the run told stays as it was, and where its items are is known of all.
    assert bench.get(f"runs/{run}")["counts"] == before
    assert len(bench.items(f"runs/{run}/items")) == 5


def test_of_a_work_the_newest_answer_counts_and_nothing_older_is_ever_told(bench, registry):
    pull(bench)
    registry.put("10.1000/0", "Work number nought on boards, corrected")
    bench.pull_again()
    events = len(bench.journal())

    # The first pull, then a sweep and the next pull.
    done = reparse(bench)

    assert counts(done) == NOTHING | {"unchanged": 5, "older": 10}
    assert len(bench.journal()) == events
    assert "Work number nought on boards, corrected" in titles(bench)


def test_a_value_that_is_read_otherwise_now_updates_its_record_once(bench, registry, monkeypatch):
    def without_year(work: Any, reader: Reader) -> Any:
        return READ({**work, "issued": None}, reader)

    registry.put("10.1000/0", "Work number 0 on boards", issued={"date-parts": [[2019, 3]]})
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", without_year)
        pull(bench)
        bench.pull_again()

    done = reparse(bench, source="crossref")

    assert counts(done) == NOTHING | {"updated": 1, "unchanged": 4, "older": 10}
    (event,) = bench.emitted(RecordUpdated)
    assert event.bibliography.published == "2019-03"
    assert counts(reparse(bench)) == NOTHING | {"unchanged": 5, "older": 10}


def test_what_a_run_that_began_again_rejected_is_found_in_the_newer_answer(bench, registry, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", broken(lambda work: work["DOI"] == "10.1000/4"))
        first = pull(bench)
        registry.put("10.1000/4", "Work number four on boards, corrected")
        bench.pull_again()

    done = reparse(bench)

    assert counts(done) == NOTHING | {"new": 1, "updated": 1, "unchanged": 4, "older": 8, "resolved": 2}
    assert "Work number four on boards, corrected" in titles(bench)
    assert [one["record"] for one in bench.items("rejections", run=first)] == [
        one["record"] for one in bench.items("records") if one["title"].endswith("corrected")
    ]


def test_what_a_mended_adapter_takes_for_no_record_is_told_once_and_its_record_stays(bench, monkeypatch):
    run = pull(bench)

    def stricter(work: Any, reader: Reader) -> Any:
        return (
            reader.reject(work, None, "it is a review of a paper") if work["DOI"] == "10.1000/1" else READ(work, reader)
        )

    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", stricter)
        assert counts(reparse(bench)) == NOTHING | {"unchanged": 4, "rejected": 1}
        assert counts(reparse(bench)) == NOTHING | {"unchanged": 4}
        (kept,) = bench.items("rejections")
    assert (kept["run"], kept["page"], kept["position"], kept["resolved_at"]) == (run, 0, 1, None)
    assert len(titles(bench)) == 5


def test_a_retry_reads_only_what_has_items_that_are_no_records(bench, registry, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", broken(lambda work: work["DOI"] == "10.1000/3"))
        pull(bench)

    done = reparse(bench, rejected=True)

    assert (done["pages"], done["answers"], done["resolved"]) == (1, 1, 1)
    assert counts(reparse(bench, rejected=True)) == NOTHING


def test_an_answer_that_no_adapter_could_read_is_taken_in_when_one_can_and_its_walk_still_adds_up(
    bench, registry, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_items", undocumented)
        run = pull(bench)
    assert bench.get(f"runs/{run}")["state"] == "incomplete" and titles(bench) == []

    assert reparse(bench, run=run)["new"] == 2

    bench.pull_again(days=1)
    newest = bench.items("runs")[0]
    assert (newest["state"], newest["counts"]["found"]) == ("complete", 5)
    assert len(titles(bench)) == 5


def test_a_sweep_read_again_brings_no_work_that_the_review_does_not_have(bench, registry, source, monkeypatch):
    pull(bench)
    monkeypatch.setattr(sweeps, "OVERLAP_DAYS", 2)
    real, sent = source._http.client, []

    def all_works(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        items = [*registry.works.values(), {"DOI": "10.1000/99", "type": "journal-article", "title": ["A stranger"]}]
        message = {"total-results": len(items), "items": items}
        return httpx.Response(200, json={"message-type": "work-list", "message": message})

    bench.pull_again(days=1)
    with httpx.Client(transport=httpx.MockTransport(all_works)) as client:
        source._http.client = client
        bench.pull_again(days=1)
    source._http.client = real
    assert sent and len(titles(bench)) == 5
    done = reparse(bench)
    assert done["new"] == done["updated"] == 0 and len(titles(bench)) == 5


def test_it_goes_on_where_a_process_died_and_does_nothing_twice(bench, registry, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", broken(lambda work: True))
        pull(bench)
    begun = bench.post("reparses", {}, status=202)["reparse"]
    real, died = reparsing.take_page_again, []

    def dying(*given: Any) -> None:
        real(*given)
        if len(died) < 3:
            died.append(given[3])
            raise Unavailable("the machine is gone")

    monkeypatch.setattr(reparsing, "take_page_again", dying)
    for _ in range(3):
        with pytest.raises(Unavailable) as gone:
            bench.runs(reparsing.reparse_answers)
        assert is_down(gone.value)
        assert bench.get(f"reparses/{begun}")["state"] == "running"
    bench.runs(reparsing.reparse_answers)

    done = bench.get(f"reparses/{begun}")
    assert (done["state"], done["pages"], died) == ("done", 3, [0, 0, 0])
    assert counts(done) == NOTHING | {"new": 5, "resolved": 5}
    assert len(bench.emitted(RecordDiscovered)) == 5


def test_a_fault_of_ours_ends_it_and_is_told(bench, monkeypatch):
    pull(bench)

    def failing(heard: Heard) -> None:
        raise ZeroDivisionError("nought")

    monkeypatch.setattr(bench.sources["crossref"], "read_again", failing)
    begun = bench.post("reparses", {}, status=202)["reparse"]
    with pytest.raises(ZeroDivisionError):
        bench.runs(reparsing.reparse_answers)
    failed = bench.get(f"reparses/{begun}")
    assert (failed["state"], failed["error"]) == ("failed", "ZeroDivisionError: nought")


def test_an_answer_that_is_lost_is_counted_and_the_others_are_read(bench):
    run = pull(bench)
    listed = bench.lead.get(f"/ingest/reviews/{bench.review}/runs/{run}/answers").json()["items"]
    sha256 = listed[1]["sha256"]
    (bench.settings.data_dir / "blobs" / "ingest" / sha256[:2] / f"{sha256}.gz").unlink()

    done = reparse(bench)

    assert (done["state"], done["answers"], done["lost"], done["unchanged"]) == ("done", 3, 1, 3)


def test_it_is_for_leads_and_the_same_is_not_begun_twice(bench):
    run = pull(bench)
    first = bench.post("reparses", {"run": run}, status=202)

    assert bench.post("reparses", {"run": run}, status=202) == first
    assert bench.post("reparses", {}, status=202)["reparse"] != first["reparse"]
    bench.post("reparses", {}, role="reviewer", status=403)
    for wrong in ({"run": "run_x"}, {"source": "pubmed"}, {"run": run, "source": "pubmed"}):
        bench.post("reparses", wrong, status=404)
    bench.post("reparses", {"everything": True}, status=422)
    assert bench.reader.get(f"/ingest/reviews/{bench.review}/reparses/reparse_x").status_code == 404


def test_what_is_outside_of_the_strategy_is_no_record_when_it_is_read_again_either(bench, registry, monkeypatch):
    registry.put("10.1000/in", "Leadership in boards", abstract="<jats:p>We asked.</jats:p>")
    registry.put("10.1000/out", "Boards of wood", abstract="<jats:p>We sawed.</jats:p>")
    concepts = [{"name": "leading", "terms": ["leadership"]}, {"name": "boards", "terms": ["boards"]}]
    with monkeypatch.context() as patch:
        patch.setattr(crossref, "read_work", broken(lambda work: work["DOI"] in {"10.1000/in", "10.1000/out"}))
        bench.adopt(Strategy(id="both", sources=["crossref"], concepts=concepts))
        bench.pull()

    assert reparse(bench)["new"] == 1
    assert "Leadership in boards" in titles(bench) and "Boards of wood" not in titles(bench)
