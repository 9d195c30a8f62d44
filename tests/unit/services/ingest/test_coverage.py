"""Coverage: which source and strategy brought each record, and what leaving one out would have lost."""

from __future__ import annotations

import pytest

from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from tests.unit.services.ingest.rig import IngestBench, strategy, work


@pytest.fixture
def searched(bench: IngestBench) -> IngestBench:
    """Two strategies at one source and one at another: works a to d, of which each found some."""
    titles = {"a": "Leading across systems", "b": "Trust among partners", "c": "Sharing power", "d": "Measuring care"}
    crossref, pubmed = (
        {
            key: work(name, f"{name}-{key}", title, doi=f"10.1000/{key}", authors=[f"Okoye, {key}"])
            for key, title in titles.items()
        }
        for name in ("crossref", "pubmed")
    )
    bench.adopt(strategy("crossref", id="wide"), strategy("crossref", "narrow", id="narrow"), strategy("pubmed"))
    source = bench.sources["crossref"]
    asked = source.pages

    def pages(query, *rest):
        source.items = [crossref["a"], crossref["b"], crossref["c"]] if query.text == "leadership" else [crossref["a"]]
        return asked(query, *rest)

    source.pages = pages
    bench.sources["pubmed"].put(pubmed["b"], pubmed["d"])
    bench.pull()
    return bench


def record(bench: IngestBench, key: str) -> str:
    return bench.get("records", doi=f"10.1000/{key}")["items"][0]["record"]


def shares(bench: IngestBench, kind: str, *names: str, **params: str) -> dict[str, tuple[int, ...]]:
    return {one["name"]: tuple(one[name] for name in names) for one in bench.get("coverage", **params)[kind]}


def included(bench: IngestBench, key: str) -> None:
    bench.hears(RecordIncluded(review=bench.review, record=record(bench, key), revision=3, title=key, judgements=[]))


def test_records_are_counted_for_all_who_brought_them_and_for_who_did_alone(searched):
    assert searched.get("coverage")["records"] == 4
    assert shares(searched, "sources", "records", "only") == {"crossref": (3, 2), "pubmed": (2, 1)}
    assert shares(searched, "strategies", "records", "only") == {"wide": (3, 1), "narrow": (1, 0), "pubmed": (2, 1)}


def test_what_leaving_one_out_would_have_lost_is_told_of_included_records(searched):
    for key in ("a", "b", "d"):
        included(searched, key)

    assert searched.get("coverage")["included"] == 3
    assert shares(searched, "sources", "included", "only_included") == {"crossref": (2, 1), "pubmed": (2, 1)}
    assert shares(searched, "strategies", "included", "only_included") == {
        "wide": (2, 0), "narrow": (1, 0), "pubmed": (2, 1)
    }  # fmt: skip


def test_a_record_stands_where_screening_last_put_it(searched):
    included(searched, "d")
    searched.hears(
        RecordReopened(review=searched.review, record=record(searched, "d"), revision=4, stage="relevance", reason="r"),
        RecordAdvanced(
            review=searched.review, record=record(searched, "a"), revision=2, stage="title", next_stage="text"
        ),
        RecordExcluded(
            review=searched.review, record=record(searched, "b"), revision=2, stage="title", rule=None, reason="r"
        ),
    )

    assert searched.get("coverage")["included"] == 0
    assert shares(searched, "sources", "passed", "only_passed") == {
        "crossref": ({"title": 1}, {"title": 1}), "pubmed": ({}, {})
    }  # fmt: skip


@pytest.mark.parametrize(("stage", "passed"), [("title-abstract", {}), ("text", {"title-abstract": 1})])
def test_what_is_decided_again_has_not_passed_the_stage_that_it_waits_at(searched, stage, passed):
    """Titles and abstracts are the first stage of the review."""
    about = {"review": searched.review, "record": record(searched, "a")}
    searched.hears(
        RecordAdvanced(**about, revision=2, stage=stage, next_stage="later"),
        RecordReopened(**about, revision=4, stage=stage, reason="the wrong paper was read"),
        RecordExcluded(**about, revision=6, stage=stage, rule=None, reason="r"),
    )

    assert shares(searched, "sources", "passed")["crossref"] == (passed,)


def test_a_cycle_is_a_time_in_which_records_were_found(searched):
    assert shares(searched, "sources", "records", until="2019-12-31") == {"crossref": (0,), "pubmed": (0,)}
    assert shares(searched, "sources", "records", since="2020-01-01", until="2020-01-01") == {
        "crossref": (3,), "pubmed": (2,)
    }  # fmt: skip


def test_pulling_again_counts_nothing_twice(searched):
    before = searched.get("coverage")
    searched.pull_again()
    assert searched.get("coverage") == before


def test_in_days_that_end_before_they_begin_nothing_was_found(searched):
    assert shares(searched, "sources", "records", since="2020-01-02", until="2020-01-01") == {
        "crossref": (0,), "pubmed": (0,)
    }  # fmt: skip
