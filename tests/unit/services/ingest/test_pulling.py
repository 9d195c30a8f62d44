"""Pulling: nobody watches it, so nothing may be missed, doubled or lost silently."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.ingest.jobs import items, pulling, runs
from services.ingest.models import RunRow, WatchRow
from services.ingest.ports.sources.port import Page, SourceDrifted, SourceRefused, SourceUnavailable
from shared.errors import Conflict, UnknownReview
from shared.events.ingest import RecordDiscovered, RecordUpdated, RunFinished
from shared.events.ingest import SourceDrifted as Drifted
from shared.events.protocol import Strategy
from tests.unit.services.ingest.rig import rejection, strategy, work

TOPICS = ("boards", "trust", "vision", "data", "equity", "primary", "acute", "mental", "housing", "rural", "urban")


def works(count: int, source: str = "crossref") -> list:
    """So many different works."""
    return [
        work(source, f"10.1/{n}", f"Leadership for {TOPICS[n % 11]} number {n} in care systems", doi=f"10.1/{n}")
        for n in range(count)
    ]


def unavailable(source: str = "crossref", **fields) -> SourceUnavailable:
    return SourceUnavailable(f"{source} does not answer", source=source, **fields)


class Killed(BaseException):
    """The process dies here."""


def finished(bench) -> RunFinished:
    return bench.emitted(RunFinished)[-1]


def test_what_a_source_gives_becomes_records_and_each_is_told_once(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(7))

    bench.pull()

    seen = bench.emitted(RecordDiscovered)
    assert len({event.record for event in seen}) == len(seen) == 7
    assert all(event.bibliography.provenance["title"].startswith("crossref:10.1/") for event in seen)
    assert bench.get("status")["records"] == len(bench.items("records")) == 7


def test_a_pull_that_went_well_is_a_line_of_the_log(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(2))

    with capture_logs() as lines:
        bench.pull()

    (line,) = [line for line in lines if line["event"] == "pull over"]
    assert (line["source"], line["how"], line["run"]) == ("crossref", "complete", finished(bench).run)


def test_a_records_whole_way_has_its_id(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(1))
    bench.pull()

    (discovered,) = [envelope for envelope in bench.journal() if envelope.type == RecordDiscovered.type]
    assert discovered.correlationid == discovered.data["record"]
    assert discovered.causationid is None
    assert discovered.actor == pulling.ACTOR


def test_every_item_is_accounted_for(bench):
    bench.adopt(strategy("crossref"), strategy("openalex"))
    bench.sources["crossref"].put(*works(4), rejection("crossref", "bad"), rejection("crossref", position=1))
    bench.pull()
    bench.sources["openalex"].put(
        *(work("openalex", f"W{n}", one.title, doi=one.identifiers.doi) for n, one in enumerate(works(2))),
        work("openalex", "W9", "Something else about rural hospitals entirely"),
    )
    bench.pull_again()

    crossref, openalex = (bench.items("runs", watch=watch["watch"]) for watch in bench.items("watches"))
    by_source = {"crossref": crossref[-1], "openalex": openalex[0]}
    counted = by_source["crossref"]["counts"]
    assert counted == dict(found=6, new=4, merged=0, updated=0, unchanged=0, rejected=2, maybe_duplicate=0)
    assert by_source["openalex"]["counts"]["merged"] == 2
    assert by_source["openalex"]["counts"]["new"] == 1
    items = bench.items(f"runs/{by_source['openalex']['run']}/items", limit=1)
    assert [(item["source_id"], item["outcome"]) for item in items] == [
        ("W0", "merged"),
        ("W1", "merged"),
        ("W9", "new"),
    ]
    rejected = bench.items(f"runs/{by_source['crossref']['run']}/rejections", limit=1)
    assert {(one["source_id"], one["reason"]) for one in rejected} == {
        ("bad", "it has no title"),
        (None, "it has no title"),
    }


def test_pulling_everything_again_changes_nothing(bench):
    bench.adopt(strategy("crossref"), strategy("openalex"))
    bench.sources["crossref"].put(*works(5), rejection("crossref", "bad"))
    bench.sources["openalex"].put(*(work("openalex", f"W{n}", one.title) for n, one in enumerate(works(5))))
    bench.pull()
    before, seen = bench.records(), len(bench.all_emitted())

    bench.pull_again()

    after = bench.records()
    assert [one["bibliography"] for one in after] == [one["bibliography"] for one in before]
    assert [type(event) for event in bench.all_emitted()[seen:]] == [RunFinished, RunFinished]
    for run in bench.emitted(RunFinished)[-2:]:
        assert run.counts.unchanged == 5
        assert run.counts.found == 5 + run.counts.rejected


def test_the_next_pull_is_due_so_many_days_after_the_last_complete_window(bench):
    bench.adopt(strategy("crossref", every_days=7, overlap_days=3), published_after=date(2018, 1, 1))
    bench.clock.set("2020-01-01T15:00:00")
    bench.pull()
    bench.clock.set("2020-01-07T23:59:00")
    bench.pull()
    assert bench.sources["crossref"].asked == [(date(2016, 1, 2), date(2021, 1, 1), None)]

    bench.clock.set("2020-01-08T00:00:00")
    bench.pull()

    assert bench.sources["crossref"].asked[-1] == (date(2019, 12, 29), date(2020, 1, 8), None)


def test_a_source_that_needs_a_longer_overlap_gets_it(bench):
    bench.sources["openalex"].least_overlap_days = 730
    bench.adopt(strategy("openalex", overlap_days=3))
    bench.pull()
    bench.pull_again()

    assert bench.sources["openalex"].asked[-1][0] == date(2020, 1, 1) - timedelta(days=730)


def test_a_paper_that_is_indexed_late_is_still_found(bench):
    bench.adopt(strategy("crossref", overlap_days=3))
    late = works(1)[0].model_copy(update={"entered": date(2019, 12, 30)})
    bench.pull()

    bench.sources["crossref"].put(late)
    bench.pull_again()

    assert finished(bench).counts.new == 1


def test_a_changed_source_record_updates_its_record_and_names_what_changed(bench):
    bench.adopt(strategy("crossref"))
    (before,) = works(1)
    bench.sources["crossref"].put(before)
    bench.pull()

    bench.sources["crossref"].put(
        before.model_copy(update={"abstract": "Now there is one.", "updated": date(2020, 1, 5)})
    )
    bench.pull_again()

    (seen,) = bench.emitted(RecordUpdated)
    assert (seen.revision, seen.bibliography.abstract) == (2, "Now there is one.")
    assert seen.changed == ["abstract", "provenance"]
    assert finished(bench).counts.updated == 1


def test_a_new_stamp_is_no_news(bench):
    bench.adopt(strategy("crossref"))
    (before,) = works(1)
    bench.sources["crossref"].put(before)
    bench.pull()

    bench.sources["crossref"].put(before.model_copy(update={"updated": date(2020, 1, 5)}))
    bench.pull_again()

    assert finished(bench).counts.unchanged == 1


def test_what_a_source_no_longer_shows_is_kept(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(2))
    bench.pull()

    bench.sources["crossref"].items.pop()
    bench.pull_again()

    assert bench.get("status")["records"] == 2


def test_an_item_that_is_met_twice_in_a_run_is_counted_once(bench):
    """Crossref repeats and shifts items during a long walk."""
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    one, two, three = works(3)
    source.items = [one, two, one, two, three, one, rejection("crossref", "bad"), rejection("crossref", "bad")]

    bench.pull()

    assert finished(bench).counts.model_dump() == dict(
        found=5, new=3, merged=0, updated=0, unchanged=0, rejected=2, maybe_duplicate=0
    )


def test_a_walk_that_gives_less_than_its_source_has_is_partial_and_is_made_again(bench):
    bench.adopt(strategy("crossref", overlap_days=3))
    source = bench.sources["crossref"]
    source.put(*works(3))
    source.reported = 5

    bench.pull()

    (run,) = bench.items("runs")
    words = "crossref has 5 works by its own count and gave 3"
    assert (run["state"], run["error"], run["counts"]["new"]) == ("partial", words, 3)
    assert (finished(bench).complete, finished(bench).reported, finished(bench).error) == (False, 5, words)
    (watch,) = bench.items("watches")
    assert (watch["searched_through"], watch["failures"], watch["trouble"]) == (None, 1, words)

    source.reported = None
    source.put(*works(5))
    bench.clock.advance(minutes=1)
    bench.pull()

    assert (finished(bench).complete, finished(bench).counts.new, finished(bench).counts.unchanged) == (True, 2, 3)
    (watch,) = bench.items("watches")
    assert (watch["searched_through"], watch["failures"], watch["trouble"]) == ("2020-01-01", 0, None)


def test_a_source_that_goes_on_giving_less_is_asked_once_a_day_in_the_end(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].reported = 5
    for _ in range(14):
        bench.pull()
        bench.clock.set(bench.items("watches")[0]["due_at"])

    begun = [datetime.fromisoformat(run["started_at"]) for run in bench.items("runs")]
    assert begun[0] - begun[1] == timedelta(days=1)


def test_what_a_source_listed_and_did_not_give_is_named(bench):
    bench.adopt(strategy("pubmed"))
    source = bench.sources["pubmed"]
    source.put(*works(3, source="pubmed"))
    source.missing = ["31", works(1, source="pubmed")[0].source_id]

    bench.pull()

    (run,) = bench.items("runs")
    assert (run["state"], run["missing"]) == ("partial", ["31"])
    assert run["error"].endswith("it listed and did not give 1: 31")
    assert finished(bench).missing == ["31"]


def test_a_count_may_drift_as_far_as_its_source_lets_it(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(9))
    source.reported, source.slack = 10, 0.1

    bench.pull()

    assert finished(bench).complete


def test_an_item_that_a_source_gives_twice_counts_once(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.items = [*works(3), *works(1)]

    bench.pull()

    assert (finished(bench).complete, finished(bench).counts.found) == (False, 3)


def test_a_whole_walk_is_made_first_and_every_so_many_days_and_what_is_new_is_asked_for_in_between(bench):
    source = bench.sources["crossref"]
    source.datings = ("came", "published")
    bench.adopt(strategy("crossref", every_days=30, overlap_days=3), published_after=date(2018, 1, 1))
    for _ in range(5):
        bench.pull()
        bench.clock.advance(days=30)

    runs = bench.items("runs")[::-1]
    assert [run["purpose"] for run in runs] == ["whole", "new", "new", "whole", "new", "new"]
    assert [run["dated_by"] for run in runs] == ["published", "came", "came", "published", "came", "came"]
    assert (runs[0]["since"], runs[0]["until"]) == ("2016-01-02", "2021-01-01")
    assert (runs[1]["since"], runs[1]["until"]) == ("2019-12-29", "2020-01-31")
    assert bench.items("watches")[0]["walked_whole_at"] == runs[3]["started_at"]


def test_what_is_new_is_asked_for_at_once_after_a_whole_walk_that_was_due_with_it(bench):
    bench.sources["crossref"].datings = ("came", "published")
    bench.adopt(strategy("crossref", every_days=7, whole_every_days=10))
    bench.pull()
    bench.clock.advance(days=14)
    bench.pull()
    bench.pull()

    assert [run["purpose"] for run in bench.items("runs")] == ["new", "whole", "whole"]


def test_a_whole_walk_that_fails_again_and_again_does_not_keep_what_is_new_from_coming(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(3))
    for fails in (True, True, True, False, True):
        if fails:
            bench.sources["crossref"].trouble = {
                bench.sources["crossref"].given: SourceDrifted("odd", source="crossref")
            }
        bench.pull()
        (watch,) = bench.items("watches")
        assert watch["trouble"] == "odd"
        bench.clock.set(watch["due_at"])
    bench.pull()

    assert [(run["purpose"], run["state"]) for run in bench.items("runs")[::-1]] == [
        *[("whole", "incomplete")] * 3, ("new", "complete"), ("whole", "incomplete"), ("whole", "complete")
    ]  # fmt: skip
    assert [bench.items("watches")[0][name] for name in ("failures", "trouble")] == [0, None]


def test_a_source_that_is_down_ends_the_run_with_its_error_and_is_tried_again(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(7))
    source.trouble = {1: unavailable()}

    bench.pull()

    seen = finished(bench)
    assert (seen.complete, seen.error, seen.counts.new) == (False, "crossref does not answer", 3)
    assert seen.searched_through < seen.window_from
    (watch,) = bench.items("watches")
    assert (watch["failures"], watch["trouble"], watch["searched_through"]) == (1, "crossref does not answer", None)
    assert watch["due_at"] == "2020-01-01T00:01:00Z"

    bench.pull()
    assert len(source.asked) == 1

    bench.clock.advance(minutes=1)
    bench.pull()

    seen = finished(bench)
    assert (seen.complete, seen.counts.new, seen.searched_through) == (True, 4, date(2020, 1, 1))
    assert source.asked[-1][2] == "3"
    (watch,) = bench.items("watches")
    assert (watch["failures"], watch["trouble"], watch["searched_through"]) == (0, None, "2020-01-01")
    second, first = bench.items("runs")
    assert second["goes_on_from"] == first["run"]
    assert second["remarks"] == []


def test_pauses_grow_and_the_sources_own_wish_is_honoured(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.trouble = {0: unavailable()}
    bench.pull()
    bench.clock.advance(minutes=1)
    source.trouble = {0: unavailable()}
    bench.pull()
    assert bench.items("watches")[0]["due_at"] == "2020-01-01T00:03:00Z"

    bench.clock.advance(minutes=2)
    source.trouble = {0: unavailable(retry_after=50_000)}
    bench.pull()

    due = datetime.fromisoformat(bench.items("watches")[0]["due_at"])
    assert due - bench.clock.now() == timedelta(seconds=50_000)


def test_a_source_that_drifted_is_told_and_asked_anew_from_the_windows_beginning(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(7))
    source.trouble = {1: SourceDrifted("it has no list of items", source="crossref")}

    bench.pull()

    (drifted,) = bench.emitted(Drifted)
    assert (drifted.source, drifted.detail) == ("crossref", "it has no list of items")
    assert drifted.run == finished(bench).run
    assert finished(bench).complete is False

    bench.clock.advance(hours=1)
    bench.pull()

    assert source.asked[-1][2] is None
    assert (finished(bench).counts.unchanged, finished(bench).counts.new) == (3, 4)


def test_a_refused_strategy_is_told(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].trouble = {0: SourceRefused("the filter is unknown", source="crossref")}

    bench.pull()

    assert finished(bench).error == "the filter is unknown"
    assert bench.items("watches")[0]["trouble"] == "the filter is unknown"


def test_a_source_that_is_not_there_is_told(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    del bench.running.resources["pubmed"]

    bench.pull()

    runs_emitted = {run.source: run for run in bench.emitted(RunFinished)}
    assert runs_emitted["crossref"].complete
    assert runs_emitted["pubmed"].error == "there is no source 'pubmed'; there are: crossref, europepmc, openalex"


def test_a_source_in_trouble_does_not_keep_the_others(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["crossref"].trouble = {0: ValueError("a bug")}
    bench.sources["pubmed"].put(work("pubmed", "1"))

    with pytest.raises(ExceptionGroup, match="a bug"):
        bench.pull()

    assert [run.source for run in bench.emitted(RunFinished)] == ["pubmed"]
    assert [run["state"] for run in bench.items("runs") if run["source"] == "crossref"] == ["running"]

    bench.pull()
    assert finished(bench).source == "crossref"
    assert finished(bench).complete


def stray_watch(bench) -> None:
    """A watch of a review that ingest does not have, as an earlier release made it of another review's document; it has
    been due longest."""
    with bench.work() as opened:
        due = bench.clock.now() - timedelta(days=1)
        stray = {"id": "stray", "review": "other", "strategy": "s", "source": "crossref", "query": "q", "due_at": due}
        opened.add(
            WatchRow(every_days=7, overlap_days=3, whole_every_days=90, protocol_version=1, asked_since=1, **stray)
        )


def test_a_watch_that_cannot_be_opened_does_not_keep_the_others(bench):
    stray_watch(bench)
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["crossref"].put(*works(2))

    with pytest.raises(ExceptionGroup, match="there is no review 'other'") as failed:
        bench.pull()

    assert len(failed.value.exceptions) == 1
    assert {(run.source, run.complete) for run in bench.emitted(RunFinished)} == {("crossref", True), ("pubmed", True)}


def test_a_watch_that_cannot_be_opened_says_why_and_is_tried_again_after_growing_pauses(bench):
    stray_watch(bench)
    for minutes, failures in ((0, 1), (1, 2), (2, 3)):
        bench.clock.advance(minutes=minutes)
        with pytest.raises(ExceptionGroup):
            bench.pull()
        bench.pull()  # It is not due yet.

        with bench.work(readonly=True) as seen:
            watch = seen.session.get_one(WatchRow, "stray")
        assert (watch.failures, watch.trouble) == (failures, str(UnknownReview("other")))


def test_a_watch_whose_row_cannot_be_read_does_not_keep_the_others_and_says_why(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["pubmed"].put(*works(2, source="pubmed"))
    with bench.work() as at:
        if not bench.running.database.sqlite:
            pytest.skip("PostgreSQL keeps nothing in a day's column but days")
        spoilt = "UPDATE watches SET searched_through = 'some day', due_at = :early WHERE source = 'crossref'"
        at.session.execute(text(spoilt), {"early": "2001-01-01 00:00:00.000000"})

    with pytest.raises(ExceptionGroup) as failed:
        bench.pull()

    assert len(failed.value.exceptions) == 1
    assert {(run.source, run.complete) for run in bench.emitted(RunFinished)} == {("pubmed", True)}
    with bench.work(readonly=True) as seen:
        (trouble,) = seen.session.execute(select(WatchRow.trouble).where(WatchRow.source == "crossref")).scalars()
    assert "ValueError" in trouble


def test_a_watch_whose_trouble_cannot_be_written_either_is_tried_once_a_call(bench, monkeypatch):
    bench.adopt(strategy("crossref"))
    tries: list[str] = []

    def full(work, watch, source):
        tries.append(watch.id)
        raise OperationalError("INSERT", {}, Exception("the disk is full"))

    monkeypatch.setattr(runs, "open_run", full)
    with pytest.raises(ExceptionGroup, match="the disk is full"):
        bench.pull()

    assert len(tries) == 1


def test_two_strategies_of_one_source_are_pulled_one_after_the_other(bench):
    bench.adopt(strategy("crossref", id="one"), strategy("crossref", id="two", query="governance"))
    bench.sources["crossref"].put(*works(4))

    bench.pull()

    counts = [run.counts for run in bench.emitted(RunFinished)]
    assert [(one.new, one.unchanged) for one in counts] == [(4, 0), (0, 4)]


def test_a_process_killed_between_two_pages_goes_on_where_it_stood(bench, monkeypatch):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(8), rejection("crossref", "bad"))
    take_page = runs.take_page

    def take_one_page_and_die(work, run_id, page, *, pages_before, **more):
        if pages_before == 1:
            raise Killed
        return take_page(work, run_id, page, pages_before=pages_before, **more)

    monkeypatch.setattr(runs, "take_page", take_one_page_and_die)
    with pytest.raises(Killed):
        bench.pull()
    assert bench.emitted(RunFinished) == []

    monkeypatch.setattr(runs, "take_page", take_page)
    bench.pull()

    assert [cursor for _, _, cursor in bench.sources["crossref"].asked] == [None, "3"]
    assert finished(bench).counts.model_dump() == dict(
        found=9, new=8, merged=0, updated=0, unchanged=0, rejected=1, maybe_duplicate=0
    )
    assert len(bench.emitted(RecordDiscovered)) == 8
    assert len(bench.items("runs")) == 1


def test_a_source_that_lost_its_place_begins_again_and_nothing_is_doubled(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*works(8), rejection("crossref", "bad"))
    source.trouble = {2: ValueError("killed")}
    with pytest.raises(ExceptionGroup):
        bench.pull()

    pages = source.pages
    source.pages = lambda query, cursor=None, keep=None: pages(query, None)
    bench.pull()

    assert finished(bench).counts.model_dump() == dict(
        found=9, new=8, merged=0, updated=0, unchanged=0, rejected=1, maybe_duplicate=0
    )
    assert len(bench.emitted(RecordDiscovered)) == 8


def test_a_page_is_taken_once_though_two_processes_bring_it(bench):
    bench.adopt(strategy("crossref"))
    with bench.work() as opened:
        run = runs.open_run(opened, *_watches(opened), bench.sources["crossref"])
    page = Page(records=works(2), cursor="next")
    with bench.work() as one:
        runs.take_page(one, run.id, page, pages_before=0, source=bench.sources["crossref"])

    with pytest.raises(Conflict, match="at page 1"), bench.work() as other:
        runs.take_page(other, run.id, page, pages_before=0, source=bench.sources["crossref"])

    assert len(bench.emitted(RecordDiscovered)) == 2


def _watches(work):
    from services.ingest import store

    return [store.due_watch(work, due.id, work.now) for due in store.due_watches(work, work.now)]


def test_a_platform_that_stops_finishes_the_page_in_hand_and_goes_on_later(bench, monkeypatch):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(8))
    take_page = runs.take_page

    def take_and_stop(*args, **kwargs):
        bench.running.stopping.set()
        return take_page(*args, **kwargs)

    monkeypatch.setattr(runs, "take_page", take_and_stop)
    bench.pull()
    assert bench.emitted(RunFinished) == []

    monkeypatch.setattr(runs, "take_page", take_page)
    bench.running.stopping.clear()
    bench.pull()

    assert finished(bench).counts.new == 8


@pytest.mark.waits
def test_watches_pulled_side_by_side_merge_the_same_works_once(bench):
    """Four sources bring the same works at the same time, each in its own thread."""
    bench.adopt(*(strategy(name) for name in bench.sources))
    gate = threading.Barrier(4)
    for name, source in bench.sources.items():
        source.per_page = 5
        source.put(*(work(name, f"{name}-{n}", one.title, doi=one.identifiers.doi) for n, one in enumerate(works(30))))
        source.pages = _pages_behind(gate, source)

    bench.pull()

    assert len(bench.clusters()) == 30
    assert all(len(cluster) == 4 for cluster in bench.clusters())
    counts = [run.counts for run in bench.emitted(RunFinished)]
    assert sum(one.new for one in counts) == len(bench.emitted(RecordDiscovered)) == 30
    assert sum(one.merged for one in counts) == 90
    assert bench.get("status")["source_records"] == 120


def _pages_behind(gate, source):
    pages = source.pages

    def wait_for_the_others(query, cursor=None, keep=None):
        for page in pages(query, cursor):
            gate.wait(timeout=120)
            yield page

    return wait_for_the_others


def test_text_that_a_database_cannot_keep_is_mended(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(
        work("crossref", "1", "Leadership\0 in care \\u0000 systems", abstract="a\0b"), rejection("crossref", "bad\0")
    )

    bench.pull()

    (record,) = bench.records()
    assert record["bibliography"]["title"] == "Leadership in care \\u0000 systems"
    assert finished(bench).counts.found == 2


def test_a_run_left_by_another_process_is_one_run(bench):
    """The database itself refuses a second run of a watch that is being pulled."""
    bench.adopt(strategy("crossref"))
    with bench.work() as opened:
        (watch,) = _watches(opened)
        runs.open_run(opened, watch, bench.sources["crossref"])
    with bench.work(readonly=True) as work:
        assert _watches(work) == []

    bench.pull()

    with bench.work(readonly=True) as work:
        assert [run.state for run in work.session.execute(select(RunRow)).scalars()] == ["complete"]


def test_a_fault_of_ours_leaves_a_trace_and_ends_a_run_that_has_it_again_and_again(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(4))
    bench.sources["crossref"].trouble = {1: RecursionError("too deep\0")}

    with pytest.raises(ExceptionGroup, match="too deep"):
        bench.pull()
    (run,) = bench.items("runs")
    (watch,) = bench.items("watches")
    assert (run["state"], run["error"]) == ("running", "RecursionError: too deep")
    assert (watch["failures"], watch["trouble"]) == (1, "RecursionError: too deep")

    for _ in range(2):
        bench.sources["crossref"].trouble = {1: RecursionError("too deep\0")}
        with pytest.raises(ExceptionGroup, match="too deep"):
            bench.pull()

    assert (finished(bench).complete, finished(bench).error) == (False, "RecursionError: too deep")
    assert [run["state"] for run in bench.items("runs")] == ["incomplete"]

    # First it is the turn of what is new, then of the whole walk that failed.
    for _ in range(2):
        bench.clock.advance(hours=1)
        bench.pull()
        assert finished(bench).complete
        assert finished(bench).error is None
    assert bench.items("watches")[0]["trouble"] is None


def test_a_run_that_gets_over_a_fault_no_longer_tells_of_it(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(4))
    bench.sources["crossref"].trouble = {1: ValueError("a bug")}
    with pytest.raises(ExceptionGroup):
        bench.pull()

    bench.pull()

    assert [(run["state"], run["error"]) for run in bench.items("runs")] == [("complete", None)]


def test_a_run_keeps_no_more_remarks_than_a_person_would_read(bench):
    bench.adopt(strategy("crossref"))
    with bench.work() as opened:
        run = runs.open_run(opened, *_watches(opened), bench.sources["crossref"])
    for number in range(3):
        page = Page(cursor=str(number), remarks=[f"{number}.{item} is odd" for item in range(60)])
        with bench.work() as work_:
            runs.take_page(work_, run.id, page, pages_before=number, source=bench.sources["crossref"])

    assert len(bench.items("runs")[0]["remarks"]) == items.MOST_REMARKS


def test_what_a_source_gives_beyond_the_strategy_is_counted_and_no_record(bench):
    concepts = [{"name": "leading", "terms": ["leadership"]}, {"name": "place", "terms": ["rural clinics"]}]
    bench.adopt(Strategy(id="both", sources=["crossref"], concepts=concepts, overlap_days=3))
    source = bench.sources["crossref"]
    source.put(
        work("crossref", "in", "Leadership in rural clinics", abstract="We asked."),
        work("crossref", "out", "Leadership in towns", abstract="We asked."),
        work("crossref", "unsure", "Leadership in towns"),
    )

    bench.pull()

    counts = finished(bench).counts
    assert (finished(bench).complete, counts.found, counts.new, counts.outside) == (True, 2, 2, 1)
    (run,) = bench.items("runs")
    items = {item["source_id"]: item["outcome"] for item in bench.items(f"runs/{run['run']}/items")}
    assert items == {"in": "new", "unsure": "new", "out": "outside"}

    source.put(work("crossref", "unsure", "Leadership in towns", abstract="It came later."))
    bench.pull_again()

    assert finished(bench).counts.outside == 1
    assert finished(bench).counts.updated == 1


def test_a_work_whose_other_title_is_reached_is_not_outside(bench):
    bench.adopt(Strategy(id="both", sources=["crossref"], concepts=[{"name": "x", "terms": ["leadership in health"]}]))
    spanish = work("crossref", "es", "Liderazgo en salud", abstract="Preguntamos.")
    bench.sources["crossref"].put(spanish.model_copy(update={"other_titles": ["Leadership in health care"]}))

    bench.pull()

    assert (finished(bench).counts.new, finished(bench).counts.outside) == (1, 0)


def test_an_item_that_is_outside_on_one_page_and_inside_on_another_is_counted_once_as_it_is(bench):
    bench.adopt(Strategy(id="both", sources=["crossref"], concepts=[{"name": "x", "terms": ["leadership in health"]}]))
    source = bench.sources["crossref"]
    out = work("crossref", "10.1/0", "Boards of wood", abstract="We sawed.")
    inside = work("crossref", "10.1/0", "Leadership in health care", abstract="We asked.")
    source.per_page, source.items, source.reported = 1, [out, inside], 1

    bench.pull()

    counts = finished(bench).counts
    assert (finished(bench).complete, counts.new, counts.outside) == (True, 1, 0)


def test_a_walk_of_several_days_is_through_on_the_day_on_which_it_began(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(*works(7))
    bench.sources["crossref"].trouble = {1: unavailable()}
    bench.pull()
    bench.clock.advance(days=5)
    bench.pull()

    assert finished(bench).complete
    assert str(finished(bench).searched_through) == "2020-01-01" == bench.items("watches")[0]["searched_through"]


def test_a_whole_walk_that_is_stuck_at_one_page_does_not_keep_what_is_new_from_coming(bench):
    bench.adopt(strategy("crossref", every_days=3650))
    source = bench.sources["crossref"]
    source.put(*works(7))
    for _ in range(9):
        if source.given:
            source.trouble = {source.given: unavailable()}
        else:
            source.trouble = {1: unavailable()}
        if bench.items("watches")[0]["failures"] % 4 == 3:
            source.trouble = {}
        bench.pull()
        bench.clock.set(bench.items("watches")[0]["due_at"])

    purposes = [(run["purpose"], run["state"]) for run in bench.items("runs")[::-1]]
    assert ("new", "complete") in purposes
    assert purposes[-1][0] == "whole" and bench.items("runs")[0]["goes_on_from"] is not None


def test_two_walks_of_a_source_that_meet_the_same_works_count_each_for_itself(bench):
    """One leaves its place, the other goes through the same works meanwhile, and then it begins its pages again."""
    bench.adopt(strategy("crossref", id="one"), strategy("crossref", id="two", query="governance"))
    source = bench.sources["crossref"]
    source.put(*works(5))
    source.reported = 6
    source.trouble = {1: unavailable()}
    bench.pull()
    bench.clock.advance(minutes=1)
    pages = source.pages
    source.pages = lambda query, cursor=None, *rest: pages(query, None, *rest)  # Its cursor has lapsed.
    bench.pull()

    ended = [(run.watch, run.complete, run.error) for run in bench.emitted(RunFinished)]
    assert {complete for _, complete, _ in ended} == {False}
    words = "crossref has 6 works by its own count and gave 5"
    assert {error for _, _, error in ended} == {"crossref does not answer", words}


def test_what_a_walk_missed_at_first_and_another_met_meanwhile_is_missing_no_more_once_it_came(bench):
    bench.adopt(strategy("pubmed", id="one"), strategy("pubmed", id="two", query="governance"))
    source = bench.sources["pubmed"]
    source.put(*works(5, source="pubmed"))
    source.missing = [works(1, source="pubmed")[0].source_id]
    source.trouble = {1: unavailable()}
    bench.pull()
    bench.clock.advance(minutes=1)
    bench.pull()

    assert {run["state"] for run in bench.items("runs")} == {"complete", "incomplete"}


def test_a_whole_walk_of_a_source_that_knows_no_other_days_is_what_is_new_too(bench):
    bench.sources["openalex"].datings = ("published",)
    bench.adopt(strategy("openalex", every_days=100))
    bench.pull()
    bench.clock.advance(days=100)
    bench.pull()
    bench.pull()

    assert [run["purpose"] for run in bench.items("runs")] == ["whole", "whole"]
    assert bench.items("watches")[0]["searched_through"] == str(bench.clock.now().date())
