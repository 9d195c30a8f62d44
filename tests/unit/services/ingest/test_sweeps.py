"""Change sweeps: what a source changes about a record is found within a day, however old the record."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from services.ingest.jobs import runs
from services.ingest.models import WatchRow
from services.ingest.ports.sources import lookups
from services.ingest.ports.sources.port import SourceDrifted, SourceUnavailable
from shared.events.ingest import RecordDiscovered, RecordNoticed, RecordUpdated, RunFinished, SweepFinished
from shared.events.screening import RecordExcluded, RecordReopened
from tests.unit.services.ingest.rig import IngestBench, retracted, strategy, work

FIRST = date(2020, 1, 1)


@pytest.fixture
def swept(bench: IngestBench) -> IngestBench:
    """A review with seven old works of a source that can be asked by ids, three at once."""
    bench.sources["crossref"].ids_at_once = 3
    bench.sources["crossref"].put(*olds(7))
    bench.adopt(strategy("crossref", every_days=30))
    bench.pull()
    return bench


def olds(count: int):
    return [
        work("crossref", f"10.1/{number}", f"Work {number} on leading {number} alone", doi=f"10.1/{number}")
        for number in range(count)
    ]


def sweeps(bench: IngestBench) -> list[SweepFinished]:
    return bench.emitted(SweepFinished)


def record_of(bench: IngestBench, source_id: str) -> str:
    (one,) = [one for one in bench.items("records") if f"crossref:{source_id}" in one["sources"]]
    return one["record"]


def excluded(bench: IngestBench, source_id: str) -> None:
    record = record_of(bench, source_id)
    bench.hears(
        RecordExcluded(review=bench.review, record=record, revision=2, stage="title-abstract", rule=None, reason="off")
    )


def test_every_record_is_looked_up_once_a_day_in_batches(swept):
    swept.pull()
    assert swept.sources["crossref"].looked_up == []

    swept.pull_again(days=1)
    asked = swept.sources["crossref"].looked_up
    assert [ids for ids, _ in asked] == [
        ["10.1/0", "10.1/1", "10.1/2"], ["10.1/3", "10.1/4", "10.1/5"], ["10.1/6"]
    ]  # fmt: skip
    assert {since for _, since in asked} == {FIRST - timedelta(days=2)}
    swept.pull()
    assert len(sweeps(swept)) == 1

    swept.pull_again(days=1)
    assert {since for _, since in swept.sources["crossref"].looked_up[3:]} == {FIRST - timedelta(days=1)}
    assert [one.complete for one in sweeps(swept)] == [True, True]
    assert len(swept.emitted(RunFinished)) == 1


def test_a_retraction_of_an_old_work_is_told_within_a_day(swept):
    swept.sources["crossref"].put(retracted(olds(7)[4]))

    swept.pull_again(days=1)

    (noticed,) = swept.emitted(RecordNoticed)
    assert (noticed.record, noticed.kind) == (record_of(swept, "10.1/4"), "retraction")
    assert sweeps(swept)[-1].counts.updated == 1


def test_a_changed_abstract_is_told_within_a_day(swept):
    swept.sources["crossref"].put(olds(7)[4].model_copy(update={"abstract": "It came later."}))

    swept.pull_again(days=1)

    assert swept.emitted(RecordUpdated)[-1].changed == ["abstract", "provenance"]


def test_an_excluded_record_is_looked_up_no_more_until_it_is_reopened(swept):
    for number in range(1, 7):
        excluded(swept, f"10.1/{number}")
    swept.pull_again(days=1)
    assert swept.sources["crossref"].looked_up[-1][0] == ["10.1/0"]

    reopened = RecordReopened(
        review=swept.review, record=record_of(swept, "10.1/3"), revision=3, stage="title-abstract", reason="again"
    )
    swept.hears(reopened)
    swept.pull_again(days=1)

    assert swept.sources["crossref"].looked_up[-1][0] == ["10.1/0", "10.1/3"]


def test_an_excluded_record_with_a_notice_that_stands_is_looked_up_for_its_reinstatement(swept):
    swept.sources["crossref"].put(retracted(olds(7)[2]))
    swept.pull_again(days=1)
    for number in range(7):
        excluded(swept, f"10.1/{number}")

    swept.pull_again(days=1)

    assert swept.sources["crossref"].looked_up[-1][0] == ["10.1/2"]


def test_a_work_that_was_not_asked_for_does_not_enter_the_review(swept):
    source = swept.sources["crossref"]
    look_up = source.look_up
    source.look_up = lambda ids, since, keep: look_up([*ids, "10.1/99"], since, keep)
    source.put(work("crossref", "10.1/99", "A work of somewhere else", entered=date(2001, 1, 1)))

    swept.pull_again(days=1)

    assert len(swept.emitted(RecordDiscovered)) == 7
    assert sweeps(swept)[-1].complete


def test_a_sweep_whose_source_is_down_goes_on_with_the_batch_that_failed(swept):
    swept.sources["crossref"].trouble = {1: SourceUnavailable("down", source="crossref")}
    swept.sources["crossref"].put(retracted(olds(7)[0]), retracted(olds(7)[6]))
    swept.pull_again(days=1)
    assert (sweeps(swept)[-1].complete, sweeps(swept)[-1].error) == (False, "down")
    (watch,) = swept.get("status")["sweeps"]
    assert (watch["failures"], watch["trouble"]) == (1, "down")

    swept.clock.advance(minutes=1)
    swept.pull()

    assert [ids[0] for ids, _ in swept.sources["crossref"].looked_up] == ["10.1/0", "10.1/3", "10.1/3", "10.1/6"]
    assert sweeps(swept)[-1].complete
    assert len(swept.emitted(RecordNoticed)) == 2


def test_a_sweep_that_finds_an_answer_of_another_kind_begins_again(swept):
    swept.sources["crossref"].trouble = {1: SourceDrifted("odd", source="crossref")}
    swept.pull_again(days=1)
    swept.clock.advance(minutes=1)
    swept.pull()

    assert [ids[0] for ids, _ in swept.sources["crossref"].looked_up][2:] == ["10.1/0", "10.1/3", "10.1/6"]


def test_what_does_not_come_though_the_source_has_it_is_named_and_looked_up_again(swept):
    source = swept.sources["crossref"]
    source.items, source.missing = olds(5), ["10.1/5"]
    swept.pull_again(days=1)

    assert (sweeps(swept)[-1].complete, sweeps(swept)[-1].missing) == (False, ["10.1/5"])
    assert "10.1/5" in swept.get("status")["sweeps"][0]["trouble"]


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("page", range(3))
def test_a_process_that_is_killed_in_a_sweep_goes_on_with_its_batch(swept, monkeypatch, page):
    swept.sources["crossref"].put(*map(retracted, olds(7)))
    take_page = runs.take_page

    def dying(*args, pages_before, **more):
        if pages_before == page:
            raise Killed
        return take_page(*args, pages_before=pages_before, **more)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "take_page", dying)
        with pytest.raises(Killed):
            swept.pull_again(days=1)
    swept.pull()

    assert sweeps(swept)[-1].complete
    assert len({noticed.record for noticed in swept.emitted(RecordNoticed)}) == 7
    assert len(swept.emitted(RecordNoticed)) == 7


def test_a_review_of_before_there_were_sweeps_is_swept_at_once_and_from_the_beginning(bench):
    bench.sources["crossref"].put(*olds(2))
    bench.adopt(strategy("crossref"))
    bench.pull()
    assert bench.get("status")["sweeps"] == []

    bench.sources["crossref"].ids_at_once = 3
    bench.pull()

    ((ids, since),) = bench.sources["crossref"].looked_up
    assert ids == ["10.1/0", "10.1/1"]
    assert since < date(2011, 1, 1)


def test_sweeps_are_listed_apart_from_strategies_and_can_be_paused(swept):
    swept.pull()
    assert [watch["strategy"] for watch in swept.items("watches")] == ["crossref"]
    (watch,) = swept.items("watches", purpose="changes")
    assert (watch["purpose"], watch["strategy"], watch["every_days"]) == ("changes", "changes:crossref", 1)

    swept.post(f"watches/{watch['watch']}/pause")
    swept.pull_again(days=1)

    assert swept.sources["crossref"].looked_up == []


def test_a_new_version_of_the_protocol_leaves_sweeps_as_they_are(swept):
    swept.pull()
    swept.adopt(strategy("crossref", every_days=30), number=2)

    with swept.work(readonly=True) as at:
        states = dict(at.session.execute(select(WatchRow.strategy, WatchRow.state)).all())
    assert states == {"crossref": "active", "changes:crossref": "active"}


def test_a_run_that_is_over_says_how_many_watches_of_its_source_fail_then(bench):
    bench.sources["crossref"].trouble = {0: SourceUnavailable("away", source="crossref")}
    bench.adopt(strategy("crossref"), strategy("crossref", "care", id="second"), strategy("pubmed"))
    bench.pull()
    bench.clock.advance(hours=1)
    bench.pull()

    of = [(run.source, run.complete, run.still_failing) for run in bench.emitted(RunFinished)]
    assert sorted(of[:3]) == [("crossref", False, 1), ("crossref", True, 1), ("pubmed", True, 0)]
    assert of[3:] == [("crossref", True, 0)]


def test_what_was_changed_while_a_record_was_excluded_is_found_once_it_is_reopened(swept):
    swept.pull()
    excluded(swept, "10.1/3")
    swept.pull_again(days=1)
    reopened = RecordReopened(
        review=swept.review, record=record_of(swept, "10.1/3"), revision=3, stage="title-abstract", reason="again"
    )
    swept.clock.advance(days=30)
    swept.pull()
    swept.hears(reopened)
    swept.pull_again(days=1)

    assert swept.sources["crossref"].looked_up[-1][1] <= FIRST


def test_a_partial_sweep_speaks_of_no_count_that_there_is_not(swept):
    source = swept.sources["crossref"]
    source.items, source.missing = olds(5), ["10.1/5"]
    swept.pull_again(days=1)

    assert sweeps(swept)[-1].error == "crossref was asked for and did not give 1: 10.1/5"


def test_an_id_that_the_source_refuses_is_named_with_its_reason_and_costs_no_other_its_look(swept):
    source = swept.sources["crossref"]
    source.refuses = {"10.1/1"}
    source.put(*map(retracted, olds(7)))

    swept.pull_again(days=1)

    (run,) = [run for run in swept.items("runs") if run["purpose"] == "changes"]
    assert (run["state"], run["missing"]) == ("partial", ["10.1/1"])
    assert run["remarks"] == ["10.1/1 is refused: crossref refuses 10.1/1"]
    assert sweeps(swept)[-1].missing == ["10.1/1"]
    assert len(swept.emitted(RecordNoticed)) == 6
    assert [ids for ids, _ in source.looked_up] == [
        ["10.1/0", "10.1/1", "10.1/2"], ["10.1/0"], ["10.1/1", "10.1/2"], ["10.1/1"], ["10.1/2"],
        ["10.1/3", "10.1/4", "10.1/5"], ["10.1/6"],
    ]  # fmt: skip


def test_an_id_that_is_taken_again_is_missing_no_more(swept):
    source = swept.sources["crossref"]
    source.refuses = {"10.1/6"}
    swept.pull_again(days=1)
    assert not sweeps(swept)[-1].complete

    source.refuses = set()
    swept.pull_again(days=1)

    assert sweeps(swept)[-1].complete
    assert {since for _, since in source.looked_up} == {FIRST - timedelta(days=2)}


def test_a_source_that_refuses_whatever_it_is_asked_ends_the_sweep_after_a_few_ids(swept):
    source = swept.sources["crossref"]
    source.ids_at_once = 7
    source.refuses = {each.source_id for each in olds(7)}

    swept.pull_again(days=1)

    (run,) = [run for run in swept.items("runs") if run["purpose"] == "changes"]
    assert (run["state"], run["error"]) == ("incomplete", "crossref refuses 10.1/3")
    assert sum(len(ids) == 1 for ids, _ in source.looked_up) == lookups.MOST_REFUSED + 1
