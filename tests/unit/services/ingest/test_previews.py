"""Asking ahead: what the strings of a draft would bring, with nothing kept of it, and never at the cost of runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from services.ingest.domain.quotas import leaves_runs_theirs
from services.ingest.jobs import previewing, pruning
from services.ingest.ports.sources.port import Page, SourceRefused, SourceUnavailable
from tests.unit.services.ingest.conftest import opened
from tests.unit.services.ingest.rig import REVIEW, IngestBench, LocalSource, strategy, work

AWAY = SourceUnavailable("pubmed does not answer", source="pubmed")
SPENT = SourceUnavailable("pubmed asks to wait 7200 s", source="pubmed", retry_after=7200.0)


def draft(*sources: str, **fields: Any) -> dict[str, Any]:
    strategies = [strategy(source, fields.pop("query", "leadership[ti]")).model_dump(mode="json") for source in sources]
    return {"strategies": strategies, **fields}


def asked(bench: IngestBench, body: dict[str, Any], status: int = 202) -> dict[str, Any]:
    return bench.post("previews", body, status=status)


def seen(bench: IngestBench, preview: dict[str, Any]) -> dict[str, Any]:
    answer = bench.lead.get(f"/ingest/reviews/{REVIEW}/previews/{preview['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ahead(bench: IngestBench, body: dict[str, Any]) -> dict[str, Any]:
    """What came of a draft."""
    preview = asked(bench, body)
    bench.runs(previewing.ask_ahead)
    return seen(bench, preview)


def titled(source: str, n: int) -> list[Any]:
    return [work(source, f"{source}-{at}", f"Boards, part {at}", doi=f"10.1/{source}{at}") for at in range(n)]


def test_each_string_is_answered_with_the_sources_own_count_and_its_first_titles(bench):
    bench.sources["pubmed"].put(*titled("pubmed", 3))
    bench.sources["crossref"].reported, bench.sources["crossref"].remarks = 1234, ["a phrase was passed over"]
    bench.sources["crossref"].per_page = 10
    bench.sources["crossref"].put(*titled("crossref", 8))
    before = asked(bench, draft("pubmed", "crossref", published_after="2017-12-31"))
    assert (before["done"], [it["answered"] for it in before["strings"]]) == (False, [False, False])

    bench.runs(previewing.ask_ahead)

    after = seen(bench, before)
    one, other = after["strings"]
    assert (after["done"], after["since"], after["until"]) == (True, "2016-01-01", "2021-01-01")
    assert (one["strategy"], one["source"], one["asked"]) == ("pubmed", "pubmed", "leadership[ti]")
    assert (one["reported"], one["titles"]) == (3, [f"Boards, part {at}" for at in range(3)])
    assert (other["reported"], len(other["titles"]), other["remarks"]) == (1234, 5, ["a phrase was passed over"])
    assert (one["error"], other["failed"]) == (None, None)


def test_nothing_becomes_a_record_and_no_protocol_is_needed(bench):
    bench.sources["pubmed"].put(*titled("pubmed", 3))

    assert ahead(bench, draft("pubmed"))["done"]
    bench.adopt(strategy("crossref"))
    assert bench.items("records") == [] and bench.items("runs") == []


def test_what_is_searched_by_hand_is_asked_of_nobody(bench):
    by_hand = {"strategies": [{"id": "library", "manual": "Our library", "query": "boards"}]}

    preview = asked(bench, by_hand)

    assert (preview["done"], preview["strings"]) == (True, [])
    assert asked(bench, by_hand)["id"] != preview["id"]


def test_the_same_draft_again_is_that_one_and_another_waits_until_it_is_over(bench):
    first = asked(bench, draft("pubmed"))

    assert asked(bench, draft("pubmed"))["id"] == first["id"]
    refused = asked(bench, draft("crossref"), status=409)
    assert (refused["type"].rpartition(":")[2], refused["preview"]) == ("preview_under_way", first["id"])
    bench.runs(previewing.ask_ahead)
    second = asked(bench, draft("crossref"))
    assert second["id"] != first["id"] and len(bench.sources["pubmed"].asked) == 1


def test_each_lead_has_one_of_their_own(bench):
    mine = asked(bench, draft("pubmed"))
    other = bench.person("lou", "lead").post(f"/ingest/reviews/{REVIEW}/previews", json=draft("crossref"))

    assert other.status_code == 202 and other.json()["id"] != mine["id"]


@pytest.mark.waits
def test_one_that_is_asked_for_twice_at_once_is_one(bench):
    body = draft("pubmed", "crossref")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: asked(bench, body)["id"], range(4)))

    assert len(set(found)) == 1
    bench.runs(previewing.ask_ahead)
    assert [len(bench.sources[name].asked) for name in ("pubmed", "crossref")] == [1, 1]


def test_a_source_that_is_away_costs_the_others_nothing_and_is_asked_no_more(bench):
    bench.sources["pubmed"].trouble[0] = AWAY
    bench.sources["crossref"].put(*titled("crossref", 1))
    body = draft("pubmed", "crossref")
    body["strategies"].append(strategy("pubmed", "boards[ti]", id="other").model_dump(mode="json"))

    rows = {it["strategy"]: it for it in ahead(bench, body)["strings"]}

    assert rows["pubmed"]["failed"] == rows["other"]["failed"] == "source_unavailable"
    assert rows["other"]["error"] == "pubmed does not answer" and rows["crossref"]["reported"] == 1
    assert len(bench.sources["pubmed"].asked) == 1


def test_what_a_source_refuses_is_said_of_that_string_alone(bench):
    bench.sources["pubmed"].trouble[0] = SourceRefused("pubmed refused the request: <b>what?</b>", source="pubmed")
    body = draft("pubmed")
    body["strategies"].append(strategy("pubmed", "boards[ti]", id="other").model_dump(mode="json"))

    one, other = ahead(bench, body)["strings"]

    assert (one["failed"], one["reported"]) == ("source_refused", None) and "<b>what?</b>" in one["error"]
    assert (other["failed"], other["reported"]) == (None, 0)


def test_every_answer_counts_for_the_quota_as_a_runs_does(bench):
    bench.sources["pubmed"].answers = [[b"busy", b"one"]]
    bench.sources["pubmed"].quota = {"x-ratelimit-remaining": "7"}
    ahead(bench, draft("pubmed"))

    (row,) = bench.lead.get("/ingest/quota").json()["items"]
    assert (row["source"], row["requests"], row["remaining"]) == ("pubmed", 2, 7)


def test_a_source_that_asks_to_be_left_alone_is_and_one_that_is_left_alone_is_not_asked(bench):
    bench.sources["pubmed"].trouble[0] = SPENT
    assert ahead(bench, draft("pubmed"))["strings"][0]["failed"] == "source_unavailable"
    (parked,) = bench.lead.get("/ingest/parked").json()["items"]
    assert parked["source"] == "pubmed"

    (again,) = ahead(bench, draft("pubmed"))["strings"]
    assert again["failed"] == "source_parked" and "2020-01-01 02:00 UTC" in again["error"]
    assert len(bench.sources["pubmed"].asked) == 1


def test_what_runs_need_of_a_days_budget_is_left_to_them(bench):
    bench.sources["openalex"].quota = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "200"}
    bench.sources["openalex"].answers = [[b"one"]]
    body = draft("openalex", query="title.search:boards")
    assert ahead(bench, body)["strings"][0]["failed"] is None

    body = draft("openalex", query="title.search:boards")
    assert ahead(bench, body)["strings"][0]["failed"] == "budget_of_runs"
    assert len(bench.sources["openalex"].asked) == 1
    bench.clock.advance(days=1)
    assert ahead(bench, draft("openalex", query="title.search:boards"))["strings"][0]["failed"] is None


@pytest.mark.parametrize(
    ("said", "enough"),
    [
        ({}, True),
        ({"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "201"}, True),
        ({"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0"}, False),
        ({"x-ratelimit-limit-usd": "0.1", "x-ratelimit-remaining-usd": "0.02"}, False),
        ({"x-ratelimit-limit": "3", "x-ratelimit-remaining": "0"}, True),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"}, True),
    ],
)
def test_a_budget_of_a_second_is_none_of_a_day(said, enough):
    assert leaves_runs_theirs(said) is enough


def test_one_that_a_process_left_in_the_middle_is_asked_again_and_some_tries_later_said_to_have_failed(bench):
    bench.sources["pubmed"].put(*titled("pubmed", 2))

    def killed(times: int) -> dict[str, Any]:
        preview = asked(bench, draft("pubmed"))
        for _ in range(times):
            with bench.work() as unit:
                assert previewing._begin(unit, "pubmed", bench.sources["pubmed"]) is not None
        bench.runs(previewing.ask_ahead)
        return seen(bench, preview)

    once, often = killed(1), killed(3)
    assert (once["done"], once["strings"][0]["reported"]) == (True, 2)
    assert (often["done"], often["strings"][0]["failed"]) == (True, "broken_off")


def test_a_fault_of_ours_is_said_and_logged_and_keeps_nobody_waiting(bench):
    bench.sources["pubmed"].trouble[0] = KeyError("ours")
    bench.sources["crossref"].put(*titled("crossref", 1))
    preview = asked(bench, draft("pubmed", "crossref"))

    with pytest.raises(ExceptionGroup, match="KeyError"):
        bench.runs(previewing.ask_ahead)

    one, other = seen(bench, preview)["strings"]
    assert one["failed"] == "fault" and "KeyError" in one["error"] and other["reported"] == 1
    assert seen(bench, preview)["done"]


class Looking(LocalSource):
    """A source that has somebody do something while it is asked."""

    def __init__(self, name: str, do: Any) -> None:
        super().__init__(name)
        self.do = do

    def pages(self, *asked: Any, **more: Any) -> Iterator[Page]:
        self.do()
        yield from super().pages(*asked, **more)


def test_no_transaction_is_open_while_a_source_is_waited_for(tmp_path):
    others = []

    def do() -> None:  # A writer would wait for it, and a preview of its own is asked next.
        made = bench.person("lou", "lead").post(f"/ingest/reviews/{REVIEW}/previews", json=draft("crossref"))
        others.append(made.json())

    with opened(tmp_path / "looking", None, sources={"pubmed": Looking("pubmed", lambda: do())}) as bench:
        preview = asked(bench, draft("pubmed"))
        bench.runs(previewing.ask_ahead)

        assert seen(bench, preview)["done"] and len(others) == 1
        assert bench.lead.get(f"/ingest/reviews/{REVIEW}/previews/{others[0]['id']}").json()["done"]


@pytest.mark.parametrize(
    ("strategies", "at"),
    [
        ([{"id": "s", "source": "pubmed", "query": "(boards[ti"}], "strategies[0].query"),
        ([{"id": "s", "source": "nowhere", "query": "boards"}], "strategies[0].source"),
        ([{"id": "s", "sources": ["pubmed", "nowhere"], "concepts": [{"name": "a", "terms": ["a"]}]}],
         "strategies[0].sources[1]"),
        ([{"id": f"s{n}", "source": "pubmed", "query": "boards[ti]"} for n in range(21)], "strategies"),
        ([{"id": "s", "source": "pubmed"}], "body.strategies.0"),
        ([], "body.strategies"),
    ],
)  # fmt: skip
def test_a_draft_that_cannot_be_asked_is_refused_at_its_place_and_nothing_is_asked(bench, strategies, at):
    refused = asked(bench, {"strategies": strategies}, status=422)

    assert [fault["at"] for fault in refused["errors"]] == [at]
    bench.runs(previewing.ask_ahead)
    assert bench.sources["pubmed"].asked == []


def test_who_is_no_lead_asks_nothing_ahead_and_another_review_has_no_such_preview(bench):
    preview = asked(bench, draft("pubmed"))

    for role in ("reader", "reviewer", "adjudicator"):
        person = bench.person("rea", role)
        assert person.post(f"/ingest/reviews/{REVIEW}/previews", json=draft("pubmed")).status_code == 403
        assert person.get(f"/ingest/reviews/{REVIEW}/previews/{preview['id']}").status_code == 403
    assert bench.lead.get(f"/ingest/reviews/other/previews/{preview['id']}").status_code == 404


def test_hostile_titles_are_kept_as_text_that_every_database_keeps(bench):
    bench.sources["pubmed"].put(work("pubmed", "1", "<script>alert(1)</script>\0 \ud800".replace("\ud800", "\u202e")))

    (row,) = ahead(bench, draft("pubmed"))["strings"]

    assert row["titles"][0].startswith("<script>alert(1)</script>") and "\0" not in row["titles"][0]


def test_it_is_forgotten_after_a_day(bench):
    preview = ahead(bench, draft("pubmed"))
    with bench.work() as unit:
        assert pruning.previews_of_long_ago(unit, unit.now - timedelta(days=1), 10) == 0
        assert pruning.previews_of_long_ago(unit, unit.now + timedelta(seconds=1), 10) == 1

    assert bench.lead.get(f"/ingest/reviews/{REVIEW}/previews/{preview['id']}").status_code == 404
