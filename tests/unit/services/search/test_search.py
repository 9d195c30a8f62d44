"""The search service: records are findable by what they say and where they stand, and the index can be made again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.search import store
from services.search.domain import Document
from services.search.jobs.rebuild import rebuild_index
from services.search.manifest import SERVICE
from services.search.ports.index.elastic import ElasticIndex
from shared.bus.port import Message
from shared.errors import Unavailable
from shared.events.ingest import (
    Bibliography,
    RecordDiscovered,
    RecordMerged,
    RecordNoticed,
    RecordUpdated,
    SourceRef,
)
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, TaskOpened
from shared.ids import new_id
from tests.workbench import Workbench


@pytest.fixture
def search(workbench) -> Workbench:
    bench = workbench(SERVICE, upgrade_at_start=False)
    bench.platform.event_log.create_topics()
    return bench


def discovered(record: str, title: str, **more) -> RecordDiscovered:
    return RecordDiscovered(review="r", record=record, revision=1, run="run", bibliography=described(title, **more))


def described(title: str, **more) -> Bibliography:
    return Bibliography(
        title=title, published="2019", sources=[SourceRef(source="openalex", id="W1", run="run")], **more
    )


def stored(search: Workbench, record: str) -> Document:
    found: Document = search.running.resources.get([record])[record]
    return found


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
        discovered("c", "Trust"),
        RecordExcluded(review="r", record="c", revision=1, stage=None, rule="published_after", reason="too old"),
    )

    assert find(search, "trust", status="included") == ["a"]
    assert find(search, "trust", status="excluded") == ["b"]
    assert find(search, "trust", status="kept_out") == ["c"]


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


def test_records_like_one_are_found_in_its_review_and_never_itself(search):
    twins = [discovered("a", "Trust among gardeners"), discovered("b", "Trust among the gardeners of towns")]
    search.hears(*twins, discovered("c", "Hospital beds"))
    search.running.resources.refresh()
    reader = search.person(role="reader")

    assert [it["record"] for it in reader.get("/search/reviews/r/records/a/alike").json()["items"]] == ["b"]
    assert reader.get("/search/reviews/r/records/c/alike").json() == {"items": []}
    assert reader.get("/search/reviews/r/records/x/alike").status_code == 404
    assert reader.get("/search/reviews/o/records/a/alike").status_code == 404


def noticed(notice: str, kind: str, **more) -> RecordNoticed:
    reason = f"pubmed tells of its {kind}"
    return RecordNoticed(review="r", record="a", notice=notice, kind=kind, reason=reason, source="pubmed", **more)


def test_a_retracted_record_is_not_shown_as_clean(search):
    search.hears(discovered("a", "Trust"), discovered("b", "Trust"))
    search.hears(noticed("notice_1", "retraction"), noticed("notice_2", "retraction", drill=True))
    search.running.resources.refresh()

    page = search.person(role="reader").get("/search/reviews/r/records", params={"q": "trust", "facet": "all"}).json()

    assert {item["record"]: [(one["kind"], one["drill"]) for one in item["notices"]] for item in page["items"]} == {
        "a": [("retraction", False), ("retraction", True)],
        "b": [],
    }
    assert page["items"][0]["notices"][0]["reason"] == "pubmed tells of its retraction"
    assert {value["value"]: value["count"] for value in page["facets"]["notice"]} == {"retraction": 1, "none": 1}
    assert find(search, notice="none") == ["b"]
    assert find(search, notice="retraction") == ["a"]


def test_a_reinstated_record_is_clean_again(search):
    search.hears(discovered("a", "Trust"), noticed("notice_1", "retraction"), noticed("notice_2", "reinstatement"))

    assert find(search, notice="none") == ["a"]


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
    search.runs(rebuild_index)

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
        search.runs(rebuild_index)

    search.runs(rebuild_index)

    assert find(search, "trust") == ["a"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_rebuild_that_fails_says_why_and_leaves_the_live_index(search, monkeypatch):
    search.hears(discovered("a", "Trust"))
    search.person(role="admin").post("/search/rebuilds")
    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(type(search.running.resources), "put", _down)
        on_the_log(search, discovered("b", "Trust"))
        search.runs(rebuild_index)

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
        search.runs(rebuild_index)

    assert len(find(search, "trust")) == 4
    assert admin.get("/search/rebuilds").json()["items"][0]["state"] == "failed"


def test_an_emptied_log_is_no_ground_for_a_new_index(search):
    search.hears(discovered("a", "Trust"))
    admin = search.person(role="admin")
    admin.post("/search/rebuilds")

    with pytest.raises(Unavailable, match="living log mend"):
        search.runs(rebuild_index)

    assert find(search, "trust") == ["a"]
    assert "living log mend" in admin.get("/search/rebuilds").json()["items"][0]["error"]


def test_only_an_admin_of_all_reviews_may_ask_for_a_rebuild_or_of_one(search):
    for client in (search.person(role="lead"), search.person(role="admin", reviews=("mine",))):
        assert client.post("/search/rebuilds").status_code == client.get("/search/rebuilds").status_code == 403


# An index that was lost


def stop_and_start(search: Workbench, harm=lambda: None) -> None:
    """What a stop, what happens meanwhile, and the next start come to."""
    search.running.resources.close()
    harm()
    search.running.resources = search.service.resources(search.settings)
    search.running.prepare()


def index_file(search: Workbench) -> Path:
    return Path(search.settings.resolved(search.settings.search_url).removeprefix("sqlite:"))


def removed(search: Workbench) -> None:
    for file in index_file(search).parent.glob(f"{index_file(search).name}*"):
        file.unlink()


def emptied(search: Workbench) -> None:
    removed(search)
    index_file(search).touch()


def state_of_index(search: Workbench) -> str:
    """What a look at the index finds."""
    try:
        search.running.checks()["index"]()
    except Unavailable as error:
        return error.detail
    return "ok"


def lives(search: Workbench, *titles: str) -> None:
    """Starts, and hears of records, which are on the log, too."""
    search.running.prepare()
    news = [discovered(title, title) for title in titles]
    on_the_log(search, *news)
    search.hears(*news)


@pytest.mark.parametrize("harm", [removed, emptied])
def test_an_index_that_was_lost_is_told_answers_nobody_and_is_rebuilt(search, harm):
    lives(search, "trust", "leading")
    stop_and_start(search)
    assert state_of_index(search) == "ok" and find(search, "trust") == ["trust"]

    with capture_logs() as logs:
        stop_and_start(search, lambda: harm(search))

    assert [line["why"] for line in logs if line["log_level"] == "error"] == [store.INDEX_LOST]
    assert "living search rebuild" in state_of_index(search)
    answer = search.person(role="reader").get("/search/reviews/r/records", params={"q": "trust"})
    assert (answer.status_code, answer.json()["detail"]) == (503, store.INDEX_LOST)
    assert "retry-after" not in answer.headers
    search.hears(discovered("vision", "vision"))  # Work goes on.
    stop_and_start(search)
    assert state_of_index(search) == store.INDEX_LOST, "what was heard since does not make it whole"

    on_the_log(search, discovered("vision", "vision"))
    search.person(role="admin").post("/search/rebuilds")
    search.runs(rebuild_index)

    assert state_of_index(search) == "ok"
    assert sorted(find(search)) == ["leading", "trust", "vision"]
    stop_and_start(search)
    assert state_of_index(search) == "ok"


def of_another_form(search: Workbench) -> None:
    with closing(sqlite3.connect(index_file(search))) as file, file:
        file.execute("UPDATE generations SET form = NULL")


def test_an_index_in_the_form_of_another_release_answers_nobody_and_is_made_anew_by_itself(search):
    lives(search, "trust", "leading")
    stop_and_start(search, lambda: of_another_form(search))

    assert state_of_index(search) == store.INDEX_OUTDATED
    answer = search.person(role="reader").get("/search/reviews/r/records", params={"q": "trust"})
    assert (answer.status_code, answer.json()["detail"]) == (503, store.INDEX_OUTDATED)
    with pytest.raises(Unavailable, match="form of another release"):
        search.hears(discovered("vision", "vision"))

    on_the_log(search, discovered("vision", "vision"))
    search.runs(rebuild_index)

    assert state_of_index(search) == "ok"
    assert sorted(find(search)) == ["leading", "trust", "vision"]
    (rebuild,) = search.person(role="admin").get("/search/rebuilds").json()["items"]
    assert rebuild["state"] == "done" and rebuild["asked_by"].startswith("release:")


def test_where_the_rebuild_into_another_form_failed_a_person_asks_for_the_next(search):
    lives(search, "trust")
    stop_and_start(search, lambda: of_another_form(search))
    assert state_of_index(search) == store.INDEX_OUTDATED
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(type(search.running.resources), "fresh", _down)
        search.runs(rebuild_index)

    assert state_of_index(search) == store.INDEX_OUTDATED
    stop_and_start(search)
    search.runs(rebuild_index)
    assert state_of_index(search) == store.INDEX_OUTDATED

    search.person(role="admin").post("/search/rebuilds")
    search.runs(rebuild_index)
    assert state_of_index(search) == "ok" and find(search, "trust") == ["trust"]


def test_an_empty_index_of_which_nothing_was_heard_is_well(search):
    search.running.prepare()
    assert state_of_index(search) == "ok"
    stop_and_start(search)
    assert state_of_index(search) == "ok" and find(search) == []


def of_the_release_before(search: Workbench) -> None:
    """A database that has heard, and keeps no mark of its index."""
    on_the_log(search, discovered("a", "Trust"))
    search.hears(discovered("a", "Trust"))


def test_a_database_of_the_release_before_takes_an_index_that_has_anything_for_its_own(search):
    of_the_release_before(search)

    stop_and_start(search)

    assert state_of_index(search) == "ok" and find(search) == ["a"]


def test_a_database_of_the_release_before_is_told_that_its_index_is_empty(search):
    of_the_release_before(search)

    stop_and_start(search, lambda: removed(search))

    assert state_of_index(search) == store.INDEX_LOST


def test_a_rebuild_that_dies_around_its_swap_leaves_an_index_that_is_known(search, monkeypatch):
    lives(search, "trust")
    for step in ("swap", "refresh"):
        search.person(role="admin").post("/search/rebuilds")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(type(search.running.resources), step, _killed)
            search.runs(rebuild_index)
        stop_and_start(search)
        assert state_of_index(search) == "ok" and find(search) == ["trust"]


def test_an_index_that_is_removed_while_the_platform_runs_is_told_and_rebuilt_without_a_restart(search):
    lives(search, "trust")
    removed(search)

    assert "living search rebuild" in state_of_index(search)
    with pytest.raises(Unavailable, match=r"is not there .*living search rebuild"):
        search.hears(discovered("vision", "vision"))
    assert not index_file(search).exists()

    search.person(role="admin").post("/search/rebuilds")
    search.runs(rebuild_index)
    assert state_of_index(search) == "ok" and find(search) == ["trust"]


def test_an_index_that_is_no_database_is_refused_with_what_to_do(search):
    lives(search, "trust")

    def garble() -> None:
        removed(search)
        index_file(search).write_bytes(b"\xff" * 8192)

    with pytest.raises(Unavailable) as refused:
        stop_and_start(search, garble)

    for part in (str(index_file(search)), "file is not a database", "move the file away", "living search rebuild"):
        assert part in refused.value.detail


@pytest.mark.real
@pytest.mark.parametrize("rebuilt", [False, True])
def test_an_index_whose_alias_was_taken_away_is_found_again_or_told(workbench, real_search_url, rebuilt):
    name = new_id("test")
    search = workbench(
        SERVICE, search_url=real_search_url, search_index=name, search_analyzer="standard", upgrade_at_start=False
    )
    search.platform.event_log.create_topics()
    try:
        lives(search, "trust")
        if rebuilt:
            search.person(role="admin").post("/search/rebuilds")
            search.runs(rebuild_index)
        index: ElasticIndex = search.running.resources
        index._client.indices.delete_alias(index=f"{name}-*", name=[name])
        assert "rebuild" in state_of_index(search)

        stop_and_start(search)

        assert state_of_index(search) == (store.INDEX_LOST if rebuilt else "ok")
        search.person(role="admin").post("/search/rebuilds")
        search.runs(rebuild_index)
        assert state_of_index(search) == "ok" and find(search, "trust") == ["trust"]
    finally:
        search.running.resources.drop()


@pytest.mark.real
def test_an_index_that_was_deleted_on_its_server_is_told_and_rebuilt(workbench, real_search_url):
    name = new_id("test")
    search = workbench(
        SERVICE, search_url=real_search_url, search_index=name, search_analyzer="standard", upgrade_at_start=False
    )
    search.platform.event_log.create_topics()
    index: ElasticIndex = search.running.resources
    try:
        lives(search, "trust")
        stop_and_start(search)
        assert state_of_index(search) == "ok" and find(search, "trust") == ["trust"]

        index = search.running.resources
        index._client.indices.delete(index=",".join(index._generations()))
        assert "rebuild" in state_of_index(search)
        stop_and_start(search)
        assert state_of_index(search) == store.INDEX_LOST

        search.person(role="admin").post("/search/rebuilds")
        search.runs(rebuild_index)
        assert state_of_index(search) == "ok" and find(search, "trust") == ["trust"]
    finally:
        search.running.resources.drop()


def kinds(search: Workbench) -> list[str]:
    search.running.resources.refresh()
    (item,) = search.person(role="reader").get("/search/reviews/r/records", params={"q": "trust"}).json()["items"]
    return [one["kind"] for one in item["notices"]]


def test_notices_are_shown_in_the_order_in_which_they_were_told_whatever_their_ids(search):
    """An older id is told later of a record that another one was merged into."""
    search.hears(discovered("a", "Trust"), noticed("notice_2", "correction"))
    search.clock.advance(days=1)
    later = search.envelope(noticed("notice_1", "retraction"))
    search.clock.advance(days=1)
    search.hears(noticed("notice_0", "replacement"))

    search.hears_envelope(later)

    assert kinds(search) == ["correction", "retraction", "replacement"]


def test_a_reinstatement_takes_back_what_was_told_before_it_and_not_what_has_an_older_id(search):
    search.hears(discovered("a", "Trust"), noticed("notice_2", "retraction"))
    search.clock.advance(days=1)
    search.hears(noticed("notice_3", "reinstatement"))
    search.clock.advance(days=1)
    search.hears(noticed("notice_1", "retraction"))

    assert kinds(search) == ["retraction"]
    assert find(search, notice="retraction") == ["a"]


def saves(search: Workbench, name: str, by: str = "ana", **asked):
    return search.person(by, role="reader").post("/search/reviews/r/saved", json={"name": name, **asked})


def saved(search: Workbench, by: str = "ana") -> list[dict]:
    answer = search.person(by, role="reader").get("/search/reviews/r/saved")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_saved_search_is_ones_own_in_its_review(search):
    made = saves(search, "Trust <b>", q="trust OR power", source=["pubmed"], published_from="2019-01-01", sort="newest")

    assert made.status_code == 201 and saved(search) == [made.json()]
    assert made.json()["source"] == ["pubmed"] and made.json()["published_from"] == "2019-01-01"
    assert saved(search, "ben") == []
    of_ben = search.person("ben", role="reader")
    assert of_ben.delete(f"/search/reviews/r/saved/{made.json()['saved']}").status_code == 404
    assert (
        search.person("ana", role="reader").delete(f"/search/reviews/o/saved/{made.json()['saved']}").status_code == 404
    )


def test_a_name_is_of_one_saved_search_until_that_is_forgotten(search):
    made = saves(search, "Trust", q="trust").json()

    again = saves(search, "Trust", q="power")
    assert again.status_code == 409 and again.json()["type"].endswith("name_taken")
    assert saves(search, "Trust", by="ben", q="power").status_code == 201

    assert search.person("ana", role="reader").delete(f"/search/reviews/r/saved/{made['saved']}").status_code == 200
    assert saved(search) == [] and saves(search, "Trust", q="power").status_code == 201


def test_what_cannot_be_looked_for_is_not_saved(search):
    for asked in ({"q": '"never closed'}, {"sort": "oldest"}, {"published_from": "soon"}, {"name": " "}):
        assert search.person("ana", role="reader").post(
            "/search/reviews/r/saved", json={"name": "Trust", **asked}
        ).status_code == 422  # fmt: skip
    assert saved(search) == []


def test_there_is_an_end_to_how_many_searches_one_saves(search, monkeypatch):
    monkeypatch.setattr(store, "_MOST_SAVED", 2)
    assert [saves(search, name).status_code for name in ("one", "two", "three")] == [201, 201, 409]


def opened(record: str, stage: str, revision: int) -> TaskOpened:
    return TaskOpened(
        review="r", record=record, task=f"task_{record}_{stage}", stage=stage, votes_needed=2, revision=revision
    )


def test_records_are_found_by_the_stage_at_which_they_wait_the_first_one_too(search):
    search.hears(discovered("a", "Trust"), discovered("b", "Power"), opened("a", "sift", 1), opened("b", "sift", 1))
    assert find(search, stage="sift") == ["a", "b"]

    search.hears(RecordAdvanced(review="r", record="b", revision=3, stage="sift", next_stage="depth"))
    search.hears(opened("b", "depth", 4), opened("b", "sift", 1))
    assert (find(search, stage="sift"), find(search, stage="depth")) == (["a"], ["b"])
    assert find(search, stage=["sift", "depth"]) == ["a", "b"]

    params = {"facet": "stage"}
    page = search.person(role="reader").get("/search/reviews/r/records", params=params).json()
    assert page["facets"] == {"stage": [{"value": "depth", "count": 1}, {"value": "sift", "count": 1}]}
    assert [item["stage"] for item in page["items"]] == ["sift", "depth"]


def test_of_a_new_record_the_index_is_written_to_once_since_the_first_stage_goes_without_saying(search):
    search.hears(discovered("a", "Trust"))
    before = stored(search, "a")

    search.hears(opened("a", "sift", 1))

    assert stored(search, "a").seen == before.seen
    (found,) = search.person(role="reader").get("/search/reviews/r/records").json()["items"]
    assert (found["status"], found["stage"]) == ("screening", "sift")


def test_a_first_stage_that_comes_later_is_told_from_the_one_before_and_one_may_go_back_to_that(search):
    search.hears(discovered("a", "Trust"), opened("a", "sift", 1))
    search.hears(discovered("b", "Power"), opened("b", "look", 1), discovered("c", "Voice"), opened("c", "sift", 1))
    assert (find(search, stage="sift"), find(search, stage="look")) == (["a", "c"], ["b"])

    search.hears(opened("a", "look", 2), opened("b", "sift", 2))
    assert (find(search, stage="sift"), find(search, stage="look")) == (["b", "c"], ["a"])
    # One stands there by what was told of it, the other without saying: they are counted together.
    page = search.person(role="reader").get("/search/reviews/r/records", params={"facet": "stage"}).json()
    assert page["facets"] == {"stage": [{"value": "sift", "count": 2}, {"value": "look", "count": 1}]}


def test_before_a_stage_is_heard_of_a_record_is_at_none(search):
    search.hears(discovered("a", "Trust"))

    page = search.person(role="reader").get("/search/reviews/r/records", params={"facet": "stage"}).json()
    assert (page["items"][0]["stage"], page["facets"]) == (None, {"stage": []})
    assert find(search, stage="sift") == []


def test_a_search_that_is_saved_keeps_its_stage(search):
    client = search.person(role="reader")
    client.post("/search/reviews/r/saved", json={"name": "At sift", "stage": ["sift"]})
    assert client.get("/search/reviews/r/saved").json()["items"][0]["stage"] == ["sift"]
