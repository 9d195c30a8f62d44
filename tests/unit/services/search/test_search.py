"""The search service: records are findable by what they say and where they stand, and the index can be made again."""

from __future__ import annotations

import pytest

from services.search import jobs
from services.search.manifest import SERVICE
from shared.bus.port import Message
from shared.errors import Unavailable
from shared.events.ingest import Bibliography, RecordDiscovered, RecordMerged, RecordUpdated, SourceRef
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded
from tests.workbench import Workbench


@pytest.fixture
def search(workbench) -> Workbench:
    bench = workbench(SERVICE)
    bench.platform.event_log.create_topics()
    return bench


def discovered(record: str, title: str, **more) -> RecordDiscovered:
    return RecordDiscovered(review="r", record=record, revision=1, run="run", bibliography=described(title, **more))


def described(title: str, **more) -> Bibliography:
    return Bibliography(
        title=title, published="2019", sources=[SourceRef(source="openalex", id="W1", run="run")], **more
    )


def find(search: Workbench, q: str = "", review: str = "r", **about) -> list[str]:
    search.running.resources.refresh()
    answer = search.person(role="reader").get(f"/search/reviews/{review}/records", params={"q": q, **about})
    assert answer.status_code == 200, answer.text
    return [item["record"] for item in answer.json()["items"]]


def test_a_discovered_record_is_found_by_its_words_and_only_in_its_review(search):
    search.hears(discovered("a", "Leading across boundaries"), discovered("b", "Shared governance"))

    assert find(search, "leading") == ["a"]
    assert find(search, review="other") == []


def test_a_newer_description_replaces_an_older_one_and_never_the_other_way(search):
    newer = RecordUpdated(
        review="r", record="a", revision=2, run="run", bibliography=described("Trust"), changed=["title"]
    )
    search.hears(newer, discovered("a", "Mistrust"))

    assert find(search, "trust") == ["a"]
    assert find(search, "mistrust") == []


def test_a_record_is_found_by_where_it_stands_whichever_news_comes_first(search):
    search.hears(
        RecordIncluded(review="r", record="a", revision=9, title="Trust", judgements=[]),
        discovered("a", "Trust"),
        discovered("b", "Trust"),
        RecordExcluded(review="r", record="b", revision=3, stage="full_text", rule=None, reason="off topic"),
        RecordAdvanced(review="r", record="b", revision=2, stage="title_abstract", next_stage="full_text"),
    )

    assert find(search, "trust", status="included") == ["a"]
    assert find(search, "trust", status="excluded") == ["b"]


def test_a_merged_record_is_found_no_more(search):
    search.hears(
        discovered("a", "Trust"),
        RecordMerged(review="r", record="a", revision=2, into="b", evidence=["same DOI"]),
        RecordExcluded(review="r", record="a", revision=3, stage=None, rule="merged", reason="lives on in b"),
    )

    assert find(search, "trust") == []


def test_a_query_that_cannot_be_understood_says_where(search):
    answer = search.person(role="reader").get("/search/reviews/r/records", params={"q": '"never closed'})

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_facets_count_what_was_found(search):
    search.hears(discovered("a", "Trust", kind="article"), discovered("b", "Trust", kind="book"))
    search.running.resources.refresh()

    page = search.person(role="reader").get("/search/reviews/r/records", params={"q": "trust", "facet": "all"}).json()

    assert page["total"] == 2
    assert {value["value"]: value["count"] for value in page["facets"]["kind"]} == {"article": 1, "book": 1}


def test_when_the_index_is_down_nothing_is_taken_as_heard(search, monkeypatch):
    envelope = search.envelope(discovered("a", "Trust"))
    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(type(search.running.resources), "put", _down)
        search.hears_envelope(envelope)

    search.hears_envelope(envelope)

    assert find(search, "trust") == ["a"]


def _down(*_: object) -> None:
    raise Unavailable("the index is down")


def on_the_log(search: Workbench, *events) -> None:
    messages = [Message(event.topic, event.key, search.envelope(event).to_json()) for event in events]
    search.platform.event_log.append(messages)


def test_a_dropped_index_is_made_again_from_the_log_and_answers_the_same(search):
    news = [
        *(discovered(f"rec{number}", f"Trust number {number}") for number in range(30)),
        *(RecordIncluded(review="r", record=f"rec{n}", revision=5, title=None, judgements=[]) for n in range(0, 30, 3)),
        RecordMerged(review="r", record="rec7", revision=2, into="rec8", evidence=[]),
    ]
    search.hears(*news)
    on_the_log(search, *news)
    search.platform.event_log.append([Message("ingest.records", "x", b"no event")])
    before = find(search, "trust", limit=100), find(search, status="included", limit=100)
    search.running.resources.drop()
    search.running.resources.ready()
    assert find(search) == []

    admin = search.person(role="admin")
    asked = admin.post("/search/rebuilds")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    search.runs(jobs.rebuild_index)

    (rebuild,) = admin.get("/search/rebuilds").json()["items"]
    assert (rebuild["state"], rebuild["skipped"]) == ("done", 1)
    assert (find(search, "trust", limit=100), find(search, status="included", limit=100)) == before


def test_asking_for_a_rebuild_twice_makes_one(search):
    admin = search.person(role="admin")

    assert admin.post("/search/rebuilds").json()["id"] == admin.post("/search/rebuilds").json()["id"]


def test_a_rebuild_that_a_crash_cut_short_begins_again(search, monkeypatch):
    on_the_log(search, discovered("a", "Trust"))
    search.person(role="admin").post("/search/rebuilds")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(search.running.resources), "swap", _killed)
        search.runs(jobs.rebuild_index)

    search.runs(jobs.rebuild_index)

    assert find(search, "trust") == ["a"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_rebuild_that_fails_says_why_and_leaves_the_live_index(search, monkeypatch):
    search.hears(discovered("a", "Trust"))
    search.person(role="admin").post("/search/rebuilds")
    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(type(search.running.resources), "put", _down)
        on_the_log(search, discovered("b", "Trust"))
        search.runs(jobs.rebuild_index)

    (rebuild,) = search.person(role="admin").get("/search/rebuilds").json()["items"]
    assert (rebuild["state"], rebuild["error"]) == ("failed", "the index is down")
    assert find(search, "trust") == ["a"]


def test_a_log_that_lost_what_search_heard_is_no_ground_for_a_new_index(search):
    news = [discovered(f"rec{number}", "Trust") for number in range(4)]
    search.hears(*news)
    on_the_log(search, *news[:3])
    admin = search.person(role="admin")
    admin.post("/search/rebuilds")

    with pytest.raises(Unavailable, match="the log has 3 messages, and search has heard 4 events"):
        search.runs(jobs.rebuild_index)

    assert len(find(search, "trust")) == 4
    assert admin.get("/search/rebuilds").json()["items"][0]["state"] == "failed"


def test_an_emptied_log_is_no_ground_for_a_new_index(search):
    search.hears(discovered("a", "Trust"))
    admin = search.person(role="admin")
    admin.post("/search/rebuilds")

    with pytest.raises(Unavailable, match="living log mend"):
        search.runs(jobs.rebuild_index)

    assert find(search, "trust") == ["a"]
    assert "living log mend" in admin.get("/search/rebuilds").json()["items"][0]["error"]


def test_a_reader_may_not_ask_for_a_rebuild(search):
    assert search.person(role="lead").post("/search/rebuilds").status_code == 403
