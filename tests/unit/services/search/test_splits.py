"""Splits: a record that was merged is found again, and the other one without the notices that went with it."""

from __future__ import annotations

from itertools import permutations

import pytest

from services.search.domain import document_of, joined_by_record
from services.search.manifest import SERVICE
from shared.events.ingest import RecordMerged, RecordSplit, RecordUpdated
from tests.unit.services.search.test_search import discovered, find, noticed
from tests.workbench import Workbench


@pytest.fixture
def search(workbench) -> Workbench:
    bench = workbench(SERVICE, upgrade_at_start=False)
    bench.platform.event_log.create_topics()
    return bench


def parted(record: str, title: str, revision: int = 3) -> RecordSplit:
    seen = discovered(record, title)
    return RecordSplit(
        review="r", record=record, out_of="b", revision=revision, run=seen.run, bibliography=seen.bibliography,
        evidence=["another trial"],
    )  # fmt: skip


def lost(record: str, notice: str, revision: int = 4) -> RecordUpdated:
    seen = discovered(record, "Trust")
    return RecordUpdated(
        review="r", record=record, revision=revision, run=seen.run, bibliography=seen.bibliography,
        changed=["sources"], lost_notices=[notice],
    )  # fmt: skip


def test_a_record_that_is_parted_is_found_again_and_buried_when_it_is_merged_again(search):
    merged = RecordMerged(review="r", record="a", revision=2, into="b", evidence=["same DOI"])
    search.hears(discovered("a", "Trust"), merged)
    assert find(search, "trust") == []

    search.hears(parted("a", "Trust"), merged)
    assert find(search, "trust") == ["a"]

    search.hears(merged.model_copy(update={"revision": 4}))
    assert find(search, "trust") == []


def test_a_new_record_is_found(search):
    search.hears(parted("a", "Trust", revision=1))

    assert find(search, "trust") == ["a"]


def test_a_notice_that_went_with_another_record_stands_no_more_until_it_is_told_again(search):
    search.hears(discovered("a", "Trust"), noticed("notice_1", "retraction"), noticed("notice_2", "correction"))
    search.clock.advance(minutes=1)

    search.hears(lost("a", "notice_1"))
    assert (find(search, notice="retraction"), find(search, notice="correction")) == ([], ["a"])

    search.clock.advance(minutes=1)
    search.hears(noticed("notice_1", "retraction"))
    assert find(search, notice="retraction") == ["a"]


def test_in_any_order_the_news_join_to_one_document(search):
    heard = []
    for event in (discovered("a", "Trust"), noticed("notice_1", "retraction"), lost("a", "notice_1")):
        heard.append(document_of(event, search.clock.now()))
        search.clock.advance(minutes=1)

    for order in permutations(heard):
        joined = joined_by_record(order)["a"]
        assert (joined.revision, joined.noticed) == (4, [])
