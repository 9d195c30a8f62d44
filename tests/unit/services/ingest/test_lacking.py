"""What a source counts and never gives: a lead accepts just what a run lacks, and nothing beyond is let pass."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.ingest.domain.watching import MOST_MISSING, accepting
from services.ingest.ports.sources.port import SourceUnavailable
from shared.events.ingest import LackAccepted, RunFinished, SweepFinished
from shared.wire.ingest import Acceptance, Purpose
from tests.unit.services.ingest.rig import IngestBench, rejection, strategy, work

WHY = "it counts a work twice that it has under two names"


def works(count: int, source: str = "crossref"):
    return [
        work(source, f"10.1/{number}", f"Work {number} on leading {number} alone", doi=f"10.1/{number}")
        for number in range(count)
    ]


@pytest.fixture
def lacking(bench: IngestBench) -> IngestBench:
    """A watch of which each run lacks two of five works, as its source counts them."""
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(3))
    bench.sources["crossref"].reported = 5
    bench.pull()
    return bench


def the_watch(bench: IngestBench, purpose: str = "search"):
    (watch,) = bench.items("watches", purpose=purpose)
    return watch


def accept(bench: IngestBench, number: int, status: int = 200, role: str = "lead", purpose: str = "search"):
    path = f"watches/{the_watch(bench, purpose)['watch']}/accept"
    return bench.post(path, {"lacking": number, "reason": WHY}, status=status, role=role)


def newest(bench: IngestBench):
    return bench.items("runs")[0]


def test_a_run_says_how_many_works_it_lacks(lacking):
    assert (newest(lacking)["state"], newest(lacking)["lacking"]) == ("partial", 2)
    assert the_watch(lacking)["accepted"] == []


def test_what_a_lead_accepted_is_lacked_by_a_complete_run_that_says_so(lacking):
    accept(lacking, 2)
    lacking.pull()

    run = newest(lacking)
    assert (run["state"], run["lacking"], run["error"]) == ("complete", 2, None)
    assert run["remarks"] == [f"2 works lack, as was accepted by lea: {WHY}"]
    assert lacking.emitted(RunFinished)[-1].complete and lacking.emitted(RunFinished)[-1].still_failing == 0
    watch = the_watch(lacking)
    assert (watch["searched_through"], watch["failures"], watch["trouble"]) == ("2020-01-01", 0, None)
    (accepted,) = watch["accepted"]
    assert accepted == {
        "purpose": "whole", "until": run["until"], "lacking": 2, "missing": [], "by": "lea",
        "at": "2020-01-01T00:00:00Z", "reason": WHY, "where": "in a whole walk",
    }  # fmt: skip


def test_a_run_that_lacks_one_more_is_partial_again_and_one_that_lacks_less_is_not(lacking):
    accept(lacking, 2)
    lacking.sources["crossref"].reported = 6
    lacking.pull()

    assert (newest(lacking)["state"], newest(lacking)["lacking"]) == ("partial", 3)
    assert newest(lacking)["error"] == (
        "crossref has 6 works by its own count and gave 3; "
        "a lead accepted that 2 lack in a whole walk, of which 0 by their ids"
    )
    lacking.sources["crossref"].reported = 4
    lacking.pull_again(days=1)
    assert (newest(lacking)["state"], newest(lacking)["lacking"]) == ("complete", 1)


def test_a_number_that_was_accepted_of_a_whole_walk_hides_nothing_that_is_new(lacking):
    accept(lacking, 2)
    lacking.pull()
    lacking.pull_again()

    assert (newest(lacking)["purpose"], newest(lacking)["state"], newest(lacking)["lacking"]) == ("new", "partial", 2)
    accept(lacking, 2)
    lacking.pull()
    assert (newest(lacking)["purpose"], newest(lacking)["state"]) == ("new", "complete")
    assert [it["purpose"] for it in the_watch(lacking)["accepted"]] == ["whole", "new"]


def test_a_number_that_was_accepted_of_some_days_holds_for_no_later_ones(lacking):
    accept(lacking, 2)
    lacking.pull()
    lacking.pull_again()
    accept(lacking, 2)
    lacking.pull()
    until = newest(lacking)["until"]

    lacking.pull_again(days=7)
    last_overlapping = newest(lacking)
    lacking.pull_again(days=7)

    assert last_overlapping["since"] <= until and last_overlapping["state"] == "complete"
    assert newest(lacking)["since"] > until and newest(lacking)["state"] == "partial"


def test_an_id_that_was_not_accepted_is_missed_by_no_complete_run_though_as_few_lack(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(3))
    source.missing = ["10.1/7", "10.1/8"]
    bench.pull()
    accept(bench, 2)
    bench.pull()
    assert (newest(bench)["state"], newest(bench)["missing"]) == ("complete", ["10.1/7", "10.1/8"])

    source.missing = ["10.1/8", "10.1/9"]
    bench.pull_again()

    assert (newest(bench)["state"], newest(bench)["lacking"]) == ("partial", 2)


def test_what_a_sweep_lacks_is_accepted_as_well(bench):
    source = bench.sources["crossref"]
    source.ids_at_once = 3
    source.put(*works(3))
    bench.adopt(strategy("crossref", every_days=30))
    bench.pull()
    source.refuses = {"10.1/1"}
    bench.pull_again(days=1)
    assert not bench.emitted(SweepFinished)[-1].complete

    accept(bench, 1, purpose="changes")
    bench.pull()

    assert bench.emitted(SweepFinished)[-1].complete
    assert the_watch(bench, "changes")["searched_through"] == "2020-01-02"


@pytest.mark.parametrize("number", [1, 3])
def test_nobody_accepts_another_lack_than_the_last_run_has(lacking, number):
    answer = accept(lacking, number, status=409)

    assert answer["type"].endswith(":another_lack") and "lacks 2, not" in answer["detail"]
    assert lacking.emitted(LackAccepted) == [] and the_watch(lacking)["accepted"] == []


def test_what_no_run_has_come_to_know_is_not_accepted(bench):
    bench.adopt(strategy("crossref"))
    assert accept(bench, 1, status=409)["type"].endswith(":lack_unknown")
    bench.sources["crossref"].trouble = {0: SourceUnavailable("away", source="crossref")}
    bench.pull()

    assert "did not come to an end" in accept(bench, 1, status=409)["detail"]


def test_what_the_question_of_before_lacked_is_not_accepted_of_the_one_of_now(lacking):
    lacking.adopt(strategy("crossref", "governance"), number=2)

    assert "asked something else" in accept(lacking, 2, status=409)["detail"]


def test_more_missing_ids_than_a_run_keeps_are_not_forgotten_when_those_it_keeps_have_come(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.per_page = 1_500
    late = works(MOST_MISSING)
    source.put(*works(3, "crossref"), *late)
    source.missing = [each.source_id for each in late] + ["10.2/lost"]
    bench.pull()

    assert (newest(bench)["state"], newest(bench)["missing"]) == ("partial", ["... and more than are kept"])
    assert accept(bench, newest(bench)["lacking"], status=409)["type"].endswith(":lacks_too_many")


def test_what_a_source_says_with_a_character_that_no_database_keeps_is_kept_without_it(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(2))
    source.missing, source.remarks = ["10.2/\0"], ["no \0 here", "nor \ud800"]
    bench.pull()

    assert newest(bench)["state"] == "partial" and newest(bench)["remarks"] == ["no \\0 here", "nor \\ud800"]


def test_more_ids_than_a_run_keeps_are_accepted_by_nobody(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].missing = [f"10.2/{number}" for number in range(MOST_MISSING + 5)]
    bench.pull()

    assert accept(bench, newest(bench)["lacking"], status=409)["type"].endswith(":lacks_too_many")


@pytest.mark.parametrize("asked", [{"query": "governance"}, {"published_after": True}])
def test_it_ends_when_the_watch_asks_something_else(lacking, asked):
    accept(lacking, 2)
    lacking.pull()

    lacking.adopt(strategy("crossref", asked.get("query", "leadership")), number=2, **_earlier(asked))
    lacking.pull()

    assert the_watch(lacking)["accepted"] == []
    assert (newest(lacking)["protocol_version"], newest(lacking)["state"]) == (2, "partial")


def _earlier(asked):
    return {"published_after": date(2001, 1, 1)} if "published_after" in asked else {}


def test_it_stays_with_a_new_version_that_asks_the_same(lacking):
    accept(lacking, 2)

    lacking.adopt(strategy("crossref", every_days=30), number=2)
    lacking.pull()

    assert newest(lacking)["state"] == "complete"


def test_a_lead_takes_it_back(lacking):
    accept(lacking, 2)
    lacking.pull()

    accept(lacking, 0)
    lacking.pull()

    assert newest(lacking)["state"] == "partial"
    assert accept(lacking, 0, status=409)["type"].endswith(":nothing_accepted")


def test_it_is_told_who_accepted_what_and_why(lacking):
    run = newest(lacking)["run"]
    accept(lacking, 2)
    accept(lacking, 0)

    first, second = lacking.emitted(LackAccepted)
    assert (first.lack, first.run, first.missing, first.reason) == (2, run, [], WHY)
    assert (second.lack, second.run) == (0, None)
    assert [it.actor for it in lacking.journal() if it.type == "ingest.lack.accepted"] == ["lea", "lea"]


def test_only_a_lead_accepts_and_says_why(lacking):
    accept(lacking, 2, role="adjudicator", status=403)
    path = f"watches/{the_watch(lacking)['watch']}/accept"

    for body in ({"lacking": 2}, {"lacking": 2, "reason": " "}, {"lacking": -1, "reason": WHY}, {"reason": WHY}):
        lacking.post(path, body, status=422)


def test_items_without_an_id_that_look_alike_count_each_on_whatever_page(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.items = [*works(2), rejection("crossref"), rejection("crossref"), *works(4)[2:], rejection("crossref")]
    bench.pull()

    assert (newest(bench)["state"], newest(bench)["counts"]["rejected"]) == ("complete", 3)
    assert len(bench.items("rejections")) == 3


@pytest.mark.parametrize("from_the_beginning", [False, True])
def test_one_that_comes_again_when_a_walk_is_taken_up_counts_once(bench, from_the_beginning):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.items = [*works(2), rejection("crossref"), *works(5)[2:], rejection("crossref", reason="it has no id")]
    source.trouble = {1: SourceUnavailable("away", source="crossref")}
    bench.pull()
    pages = source.pages
    if from_the_beginning:
        source.pages = lambda query, cursor, keep: pages(query, None, keep)
    bench.clock.advance(minutes=1)
    bench.pull()

    last, first = bench.items("runs")
    assert (last["goes_on_from"], last["state"]) == (first["run"], "complete")
    assert first["counts"]["rejected"] + last["counts"]["rejected"] == 2
    assert len(bench.items("rejections")) == 2


def test_a_number_that_was_accepted_of_a_chase_holds_for_later_ones_and_for_no_search():
    accepted = Acceptance(
        purpose="citations", until=date(2020, 1, 1), lacking=2, missing=[], by="lea",
        at=datetime(2020, 1, 1, tzinfo=UTC), reason=WHY,
    )  # fmt: skip

    def passes(purpose: Purpose, lacking: int) -> bool:
        return bool(accepting([accepted], lacking=lacking, missing=[], purpose=purpose, since=date(2020, 3, 1)))

    assert passes("citations", 2) and not passes("citations", 3) and not passes("new", 1)


def test_it_is_said_by_which_decision_a_run_may_lack_what_it_lacks(lacking):
    accept(lacking, 2)
    lacking.pull()
    lacking.pull_again()
    path = f"watches/{the_watch(lacking)['watch']}/accept"
    lacking.post(path, {"lacking": 2, "reason": "counted twice this week"}, role="lead")
    lacking.pull()

    assert newest(lacking)["remarks"] == ["2 works lack, as was accepted by lea: counted twice this week"]
