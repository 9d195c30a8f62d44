"""Relations: works that are surely two, and hang together, are told and shown, and are no pair for people."""

from __future__ import annotations

import pytest

from shared.events.ingest import RecordRelated
from tests.unit.services.ingest.rig import LONG_TITLE, IngestBench, strategy, work


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    """A review whose sources have an article and its preprint."""
    bench.adopt(strategy("crossref"), strategy("openalex"))
    bench.sources["crossref"].put(work("crossref", "10.1/art", doi="10.1/art"))
    bench.sources["openalex"].put(
        work("openalex", "W1", doi="10.1/pre", openalex="W1", kind="preprint", venue="medRxiv")
    )
    bench.pull()
    return bench


def test_a_preprint_hangs_together_with_its_article_and_nobody_is_asked(ready):
    article, preprint = sorted(ready.records(), key=lambda record: record["bibliography"]["kind"])

    (related,) = ready.emitted(RecordRelated)
    assert {related.record, related.other} == {article["record"], preprint["record"]}
    assert (related.kind, related.holds) == ("preprint", True)
    for record, other in ((article, preprint), (preprint, article)):
        (shown,) = record["relations"]
        assert (shown["kind"], shown["record"], shown["title"]) == ("preprint", other["record"], LONG_TITLE)
    assert ready.items("duplicates") == []


def test_the_same_again_tells_nothing(ready):
    ready.pull_again()

    assert len(ready.emitted(RecordRelated)) == 1


def test_a_relation_that_sources_unsay_holds_no_more(ready):
    ready.sources["openalex"].items[0] = work(
        "openalex", "W1", "Of other things entirely", doi="10.1/pre", openalex="W1"
    )
    ready.pull_again()

    assert [event.holds for event in ready.emitted(RecordRelated)] == [True, False]
    assert [record["relations"] for record in ready.records()] == [[], []]


def test_a_relation_goes_with_a_record_that_is_merged(ready):
    ready.sources["crossref"].put(work("crossref", "10.1/other", "Of other things entirely", doi="10.1/other"))
    ready.pull_again()
    other = next(record for record in ready.records() if record["bibliography"]["title"] != LONG_TITLE)
    article = next(record for record in ready.records() if record["bibliography"]["identifiers"]["doi"] == "10.1/art")

    ready.post(f"records/{article['record']}/merge", {"other": other["record"], "reason": "one study"})

    live = {record["record"]: [it["record"] for it in record["relations"]] for record in ready.records()}
    assert len(live) == 2
    assert all(other in live for related in live.values() for other in related)
    assert all(live.values())
