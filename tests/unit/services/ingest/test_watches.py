"""Watches: one for each strategy of the newest protocol version; none is ever lost."""

from __future__ import annotations

from datetime import date

from services.ingest.ports.sources.port import SourceUnavailable
from shared.events.ingest import RunFinished, WatchStopped
from shared.events.protocol import Strategy
from tests.unit.services.ingest.rig import rejection, strategy, work


def watches(bench):
    return {watch["strategy"]: watch for watch in bench.items("watches")}


def test_each_strategy_is_watched_and_due_at_once(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed", every_days=30))

    watching = watches(bench)
    assert {name: watch["every_days"] for name, watch in watching.items()} == {"crossref": 7, "pubmed": 30}
    assert all(watch["due_at"] == "2020-01-01T00:00:00Z" for watch in watching.values())


def test_the_same_version_twice_changes_nothing(bench):
    bench.adopt(strategy("crossref"))
    bench.pull()
    before = watches(bench)

    bench.adopt(strategy("crossref"))

    assert watches(bench) == before


def test_a_new_version_keeps_the_watch_and_notes_itself(bench):
    bench.adopt(strategy("crossref"))
    bench.pull()

    bench.adopt(strategy("crossref", every_days=30), number=2)

    (watch,) = watches(bench).values()
    assert (watch["protocol_version"], watch["every_days"]) == (2, 30)
    assert watch["searched_through"] == "2020-01-01"


def test_a_changed_question_keeps_the_watch_and_is_asked_from_the_beginning(bench):
    """What was searched through was searched for something else."""
    bench.adopt(strategy("crossref"), published_after=date(2018, 1, 1))
    bench.pull()
    before = watches(bench)["crossref"]

    bench.clock.advance(days=1)
    bench.adopt(strategy("crossref", "leadership OR governance"), number=2, published_after=date(2018, 1, 1))
    bench.pull()

    after = watches(bench)["crossref"]
    assert after["watch"] == before["watch"]
    assert bench.sources["crossref"].asked[-1][0] == date(2016, 1, 2)
    assert bench.emitted(RunFinished)[-1].query == "leadership OR governance"
    assert bench.emitted(RunFinished)[-1].protocol_version == 2


def test_an_earlier_first_day_is_asked_from_the_beginning(bench):
    bench.adopt(strategy("crossref"), published_after=date(2018, 1, 1))
    bench.pull()

    bench.adopt(strategy("crossref"), number=2, published_after=date(2010, 1, 1))
    bench.pull()

    assert bench.sources["crossref"].asked[-1][0] == date(2008, 1, 2)


def test_a_question_that_changes_during_a_run_is_asked_after_it(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(work("crossref", "1"))
    pages = source.pages

    def pages_while_the_protocol_changes(query, cursor=None, keep=None):
        source.pages = pages
        bench.adopt(strategy("crossref", "governance"), number=2)
        yield from pages(query, cursor)

    source.pages = pages_while_the_protocol_changes
    bench.pull()

    seen = bench.emitted(RunFinished)
    assert [run.query for run in seen] == ["leadership", "governance"]
    assert source.asked[0] == source.asked[1]


def test_an_older_version_never_overwrites_a_newer(bench):
    bench.adopt(strategy("crossref", "new"), number=2)

    bench.adopt(strategy("crossref", "old"), strategy("pubmed"), number=1)

    assert {name: watch["query"] for name, watch in watches(bench).items()} == {"crossref": "new"}


def test_a_strategy_that_is_gone_is_retired_not_deleted_and_may_come_back(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.pull()

    bench.adopt(strategy("crossref"), number=2)
    bench.pull_again()

    assert watches(bench)["pubmed"]["state"] == "retired"
    assert len(bench.sources["pubmed"].asked) == 1

    bench.adopt(strategy("crossref"), strategy("pubmed"), number=3)
    bench.pull()

    assert watches(bench)["pubmed"]["state"] == "active"
    assert bench.sources["pubmed"].asked[-1][0] == date(2019, 12, 29)


def test_a_paused_watch_is_not_pulled_until_it_is_resumed(bench):
    bench.adopt(strategy("crossref"))
    watch = watches(bench)["crossref"]["watch"]

    assert bench.post(f"watches/{watch}/pause")["state"] == "paused"
    bench.pull()
    bench.post(f"watches/{watch}/pull", status=409)
    assert bench.sources["crossref"].asked == []

    assert bench.post(f"watches/{watch}/resume")["state"] == "active"
    bench.pull()
    assert len(bench.sources["crossref"].asked) == 1


def test_a_paused_watch_says_since_when_and_a_resumed_one_fails_no_more_before_it_does(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].trouble = {0: SourceUnavailable("away", source="crossref")}
    bench.pull()
    watch = watches(bench)["crossref"]
    assert (watch["failures"], watch["paused_at"]) == (1, None)

    paused = bench.post(f"watches/{watch['watch']}/pause")
    bench.clock.advance(hours=2)
    bench.post(f"watches/{watch['watch']}/pause")
    assert watches(bench)["crossref"]["paused_at"] == paused["paused_at"] is not None

    resumed = bench.post(f"watches/{watch['watch']}/resume")
    assert (resumed["failures"], resumed["trouble"], resumed["paused_at"]) == (0, None, None)


def test_a_watch_can_be_pulled_now(bench):
    bench.adopt(strategy("crossref"))
    bench.pull()
    watch = watches(bench)["crossref"]["watch"]
    bench.clock.advance(hours=1)
    bench.pull()
    assert len(bench.sources["crossref"].asked) == 1

    bench.post(f"watches/{watch}/pull")
    bench.pull()

    assert len(bench.sources["crossref"].asked) == 2


def test_only_a_lead_may_steer_a_watch_and_a_retired_one_nobody(bench):
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.adopt(strategy("crossref"), number=2)
    watching = watches(bench)

    for command in ("pause", "resume", "pull"):
        bench.post(f"watches/{watching['crossref']['watch']}/{command}", role="adjudicator", status=403)
        bench.post(f"watches/{watching['pubmed']['watch']}/{command}", status=409)
        bench.post(f"watches/watch_unknown/{command}", status=404)


def test_every_watch_of_every_review_is_its_own(bench):
    bench.adopt(strategy("crossref"))
    watch = watches(bench)["crossref"]["watch"]
    bench.review = "another"
    bench.adopt(strategy("crossref"))

    assert watches(bench)["crossref"]["watch"] != watch
    bench.post(f"watches/{watch}/pause", status=404)


def test_concepts_are_watched_at_each_source_by_the_exact_strings_they_become(bench):
    words = [f"leadership{number}" for number in range(250)]
    concepts = [{"name": "leading", "terms": ["governance", *words]}]
    bench.adopt(Strategy(id="blocks", sources=["crossref", "pubmed"], concepts=concepts, every_days=30))

    watching = watches(bench)
    assert list(watching) == ["blocks@crossref", "blocks@crossref.2", "blocks@pubmed"]
    assert watching["blocks@crossref"]["query"].startswith("query.bibliographic=governance leadership0 ")
    assert watching["blocks@pubmed"]["query"].startswith('"governance"[tiab] OR "leadership0"[tiab]')
    assert {watch["every_days"] for watch in watching.values()} == {30}

    bench.adopt(Strategy(id="blocks", sources=["crossref"], concepts=[{"name": "x", "terms": ["care"]}]), number=2)

    assert {name: watch["state"] for name, watch in watches(bench).items()} == {
        "blocks@crossref": "active", "blocks@crossref.2": "retired", "blocks@pubmed": "retired",
    }  # fmt: skip


def test_a_query_that_an_earlier_release_took_is_watched_as_it_was_published(bench):
    bench.adopt(strategy("pubmed", "((leader*[tiab] AND"))

    assert watches(bench)["pubmed"]["query"] == "((leader*[tiab] AND"


def stopped(bench):
    return [(it.watch, it.state, it.still_failing) for it in bench.emitted(WatchStopped)]


def test_a_strategy_that_is_gone_is_told_once_with_how_many_others_of_its_source_fail(bench):
    bench.adopt(strategy("crossref"), strategy("crossref", "care", id="second"), strategy("pubmed"))
    first, _, second = [watch["watch"] for watch in bench.items("watches")]

    def away(*_, **__):
        raise SourceUnavailable("away", source="crossref")

    bench.sources["crossref"].pages = away
    bench.pull()

    bench.adopt(strategy("crossref"), strategy("pubmed"), number=2)
    bench.adopt(strategy("pubmed"), number=3)
    bench.adopt(strategy("pubmed", every_days=30), number=4)

    assert stopped(bench) == [(second, "retired", 1), (first, "retired", 0)]


def test_a_pause_is_told_and_a_source_that_is_left_alone_is_not_well_for_it(bench):
    bench.adopt(strategy("crossref"), strategy("crossref", "care", id="second"))
    first, second = [watch["watch"] for watch in bench.items("watches")]
    bench.post(f"watches/{first}/pause")
    bench.post(f"watches/{first}/pause")
    bench.post(f"watches/{first}/resume")
    bench.sources["crossref"].trouble = {0: SourceUnavailable("spent", source="crossref", retry_after=3600.0)}
    bench.pull()

    bench.post(f"watches/{first}/pause")

    assert stopped(bench) == [(first, "paused", 0), (first, "paused", 1)]
    bench.adopt(strategy("pubmed"), number=2)
    assert stopped(bench)[2:] == [(first, "retired", 1), (second, "retired", 0)]


def test_a_run_that_is_over_after_its_watch_was_stopped_has_that_told_after_it(bench):
    bench.adopt(strategy("crossref"))
    source = bench.sources["crossref"]
    source.put(*(rejection("crossref", str(number)) for number in range(4)))
    pages = source.pages

    def pages_while_the_strategy_goes(query, cursor=None, keep=None):
        bench.adopt(strategy("pubmed"), number=2)
        yield from pages(query, cursor)

    source.pages = pages_while_the_strategy_goes
    bench.pull()

    seen = [it for it in bench.all_emitted() if isinstance(it, RunFinished | WatchStopped)]
    assert [(type(it).__name__, it.source) for it in seen if it.source == "crossref"] == [
        ("WatchStopped", "crossref"), ("RunFinished", "crossref"), ("WatchStopped", "crossref"),
    ]  # fmt: skip
