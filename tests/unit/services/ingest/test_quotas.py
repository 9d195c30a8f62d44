"""What each source was asked on a day, and what it says is left; one that asks to be left alone is, and goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services.ingest.domain import quotas as said
from services.ingest.jobs import pulling, quotas
from services.ingest.models import ParkedRow
from services.ingest.ports.sources.port import LONGEST_PAUSE, SourceUnavailable
from shared import counters
from shared.events.ingest import RunFinished, SourceParked
from tests.unit.services.ingest.rig import REVIEW, IngestBench, rejection, strategy, version, work

HEADERS = {
    "x-ratelimit-limit": "1000", "x-ratelimit-remaining": "989", "x-ratelimit-limit-usd": "0.1",
    "x-ratelimit-remaining-usd": "0.0989", "x-ratelimit-cost-usd": "0.0001", "x-ratelimit-reset": "58798",
}  # fmt: skip
SPENT = SourceUnavailable("openalex asks to wait 7200 s", source="openalex", retry_after=7200.0)


def listed(bench: IngestBench, path: str = "quota") -> list[dict[str, Any]]:
    answer = bench.lead.get(f"/ingest/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def measured(bench: IngestBench) -> dict[str, dict[tuple[str, ...], float]]:
    with bench.work(readonly=True) as work:
        return {gauge.name: dict(gauge.values) for gauge in quotas.gauges(work)}


@pytest.fixture
def asked(bench: IngestBench) -> IngestBench:
    """A review of which a source answers two pages with four answers, at a price."""
    source = bench.sources["openalex"]
    source.quota, source.answers = HEADERS, [[b"busy", b"one"], [b"busy", b"two"]]
    source.put(*[work("openalex", f"W{n}", f"Work {n} on boards", doi=f"10.1/{n}") for n in range(4)])
    bench.adopt(strategy("openalex", every_days=1))
    bench.pull()
    return bench


def test_every_answer_counts_and_the_last_that_was_said_is_kept(asked):
    (row,) = listed(asked)

    assert (row["source"], row["day"], row["requests"], row["refusals"]) == ("openalex", "2020-01-01", 4, 0)
    assert (row["limit"], row["remaining"], row["limit_usd"], row["remaining_usd"]) == (1000, 989, 0.1, 0.0989)
    assert (row["cost_usd"], row["spent_usd"], row["reset"]) == (0.0001, 0.0004, "58798")
    assert row["said"] == HEADERS


def test_each_day_has_a_row_of_its_own_the_newest_first(asked):
    asked.sources["openalex"].answers = [[b"three"]]
    asked.pull_again(days=1)

    assert [(row["day"], row["requests"]) for row in listed(asked)] == [("2020-01-02", 1), ("2020-01-01", 4)]


def test_the_listing_is_read_by_pages(asked):
    for _ in range(3):
        asked.sources["openalex"].answers = [[b"more"]]
        asked.pull_again(days=1)

    first = asked.lead.get("/ingest/quota", params={"limit": 3}).json()
    rest = asked.lead.get("/ingest/quota", params={"limit": 3, "cursor": first["next"]}).json()

    assert [row["day"][-1] for row in first["items"] + rest["items"]] == ["4", "3", "2", "1"]
    assert rest["next"] is None


def test_what_is_no_lead_reads_no_budget(asked):
    assert [asked.reader.get(f"/ingest/{path}").status_code for path in ("quota", "parked")] == [403, 403]


def test_an_answer_is_counted_once_though_its_run_breaks_off(bench):
    source = bench.sources["openalex"]
    source.quota, source.answers, source.trouble = HEADERS, [[b"busy", b"one"]], {1: SPENT}
    source.put(*[work("openalex", f"W{n}", f"Work {n} on boards", doi=f"10.1/{n}") for n in range(4)])
    bench.adopt(strategy("openalex"))
    bench.pull()
    bench.pull()

    (row,) = listed(bench)
    assert (row["requests"], row["refusals"], row["spent_usd"]) == (2, 1, 0.0002)


def test_all_watches_over_a_source_that_is_over_its_budget_are_put_off_and_no_other(bench):
    source = bench.sources["openalex"]
    source.trouble = {0: SPENT}
    bench.adopt(strategy("openalex"), strategy("openalex", "care", id="second"), strategy("crossref"))
    bench.hears(version(1, strategy("openalex"), review="orchard"))

    bench.pull()
    bench.clock.advance(minutes=119)
    bench.pull()

    assert len(source.asked) == 1
    assert [run.source for run in bench.emitted(RunFinished) if run.complete] == ["crossref"]


def test_what_was_put_off_goes_on_by_itself_when_the_time_is_over(bench):
    source = bench.sources["openalex"]
    source.trouble = {0: SPENT}
    bench.adopt(strategy("openalex"), strategy("openalex", "care", id="second"))
    bench.pull()

    bench.clock.advance(seconds=7200)
    bench.pull()

    assert len(source.asked) == 3
    assert [run.complete for run in bench.emitted(RunFinished)] == [False, True, True]
    assert (listed(bench, "parked"), bench.get("status")["parked"]) == ([], [])
    with bench.work(readonly=True) as work:
        assert work.session.scalars(select(ParkedRow)).all() == []


def test_a_review_sees_those_of_its_own_sources_that_are_left_alone(bench):
    bench.sources["openalex"].trouble = {0: SPENT}
    bench.adopt(strategy("openalex"))
    bench.hears(version(1, strategy("crossref"), review="orchard"))
    bench.pull()

    (parked,) = bench.get("status")["parked"]
    assert (parked["source"], parked["why"]) == ("openalex", "openalex asks to wait 7200 s")
    assert datetime.fromisoformat(parked["until"]) == bench.clock.now() + timedelta(hours=2)
    assert listed(bench, "parked") == [parked]
    assert bench.reader.get("/ingest/reviews/orchard/status").json()["parked"] == []


def test_each_review_whose_watches_are_put_off_is_told_and_one_that_is_not_due_before_is_not(bench):
    source = bench.sources["openalex"]
    bench.hears(version(1, strategy("openalex", every_days=30), review="later"))
    bench.pull()
    source.trouble = {source.given: SPENT}
    bench.adopt(strategy("openalex"))
    bench.hears(
        version(1, strategy("openalex"), review="orchard"), version(1, strategy("crossref"), review="other"),
    )  # fmt: skip

    bench.pull()

    seen = bench.emitted(SourceParked)
    assert [(it.review, it.source) for it in seen] == [(REVIEW, "openalex"), ("orchard", "openalex")]
    assert {it.until for it in seen} == {bench.clock.now() + timedelta(hours=2)}


@pytest.mark.parametrize("wait", [None, 0.0, LONGEST_PAUSE])
def test_a_source_that_asks_for_no_more_than_a_pause_is_not_left_alone(bench, wait):
    source = bench.sources["openalex"]
    source.trouble = {0: SourceUnavailable("busy", source="openalex", retry_after=wait)}
    bench.adopt(strategy("openalex"), strategy("openalex", "care", id="second"))

    bench.pull()

    assert len(source.asked) == 2
    assert bench.emitted(SourceParked) == []


@pytest.mark.parametrize("wait", [1e12, float("inf")])
def test_no_source_is_left_alone_for_longer_than_a_month(bench, wait):
    error = SourceUnavailable("never", source="openalex", retry_after=wait)
    bench.sources["openalex"].trouble = {0: error}
    bench.adopt(strategy("openalex"))

    bench.pull()

    (parked,) = listed(bench, "parked")
    assert datetime.fromisoformat(parked["until"]) == bench.clock.now() + timedelta(days=30)


def test_a_lead_who_pulls_a_watch_has_its_source_be_asked_before_its_time(bench):
    source = bench.sources["openalex"]
    source.trouble = {0: SPENT}
    bench.adopt(strategy("openalex"))
    bench.pull()
    (watch,) = bench.get("watches")["items"]

    bench.post(f"watches/{watch['watch']}/pull")
    bench.pull()

    assert len(source.asked) == 2
    assert listed(bench, "parked") == []


def test_quotas_are_forgotten_when_they_are_old_the_oldest_first(asked):
    asked.sources["openalex"].answers = [[b"three"]]
    asked.pull_again(days=1)
    before = datetime(2020, 1, 2, tzinfo=UTC)

    with asked.work() as work:
        gone = [quotas.days_of_long_ago(work, before, 1) for _ in range(2)]

    assert gone == [1, 0]
    assert [row["day"] for row in listed(asked)] == ["2020-01-02"]


def test_what_is_left_is_measured_and_who_is_left_alone(asked):
    asked.sources["crossref"].trouble = {0: SourceUnavailable("wait", source="crossref", retry_after=300.0)}
    asked.adopt(strategy("openalex", every_days=1), strategy("crossref"), number=2)
    asked.pull()

    seen = measured(asked)

    assert seen["living_source_requests_today"] == {("crossref",): 0, ("openalex",): 4}
    assert seen["living_source_refusals_today"] == {("crossref",): 1, ("openalex",): 0}
    assert seen["living_source_quota_left"] == {("openalex", "requests"): 989, ("openalex", "usd"): 0.0989}
    assert seen["living_source_parked"] == {("crossref",): 1, ("openalex",): 0}


def test_the_age_of_the_search_that_lags_most_is_measured_for_each_source(bench):
    bench.sources["crossref"].trouble = {1: SourceUnavailable("away", source="crossref")}
    bench.adopt(strategy("crossref", every_days=1), strategy("openalex", every_days=1))
    bench.pull()
    bench.pull_again(days=1)
    bench.clock.advance(hours=1)

    with bench.work(readonly=True) as work:
        seen = {gauge.name: dict(gauge.values) for gauge in pulling.gauges(work)}

    assert seen["living_watermark_age_days"] == {("crossref",): 1, ("openalex",): 0}
    assert seen["living_watches_failing"] == {("crossref",): 1, ("openalex",): 0}


def test_rejections_are_counted_by_source_when_they_are_kept(bench):
    counted = counters.REGISTRY.get_sample_value
    before = counted("living_rejections_total", {"source": "crossref"}) or 0.0
    bench.sources["crossref"].put(*[rejection("crossref", f"10.1/{n}") for n in range(5)])
    bench.adopt(strategy("crossref"))

    bench.pull()

    assert counted("living_rejections_total", {"source": "crossref"}) == before + 5


@given(st.dictionaries(st.text(max_size=200), st.text(max_size=300), max_size=40))
def test_whatever_headers_say_little_is_kept_and_nothing_of_it_breaks(headers):
    kept = said.kept(headers)

    assert len(kept) <= said.MOST_HEADERS
    assert all(len(name) <= said.LONGEST_HEADER and "\0" not in value for name, value in kept.items())
    said.figures(kept)


@pytest.mark.parametrize("text", ["", "-1", "1e9", "nan", "inf", "1,000", "٣", "9" * 40, "0x10"])
def test_what_is_no_plain_number_is_no_figure(text):
    assert said.figures({"x-ratelimit-remaining": text}).remaining is None


def test_crossrefs_spelling_is_read_too():
    seen = said.figures({"x-rate-limit-limit": "50", "x-rate-limit-interval": "1s", "x-concurrency-limit": "3"})

    assert (seen.limit, seen.remaining, seen.reset) == (50, None, None)
