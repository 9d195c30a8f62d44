"""A saved search tells its owner of what comes to match it: each record once, for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from sqlalchemy import func, select

from services.search import commands, store
from services.search.domain import document_of
from services.search.jobs.alerts import tell_matches
from services.search.jobs.rebuild import rebuild_index
from services.search.manifest import SERVICE, hide_what_others_seek
from services.search.models import ArrivedRow, MatchRow
from services.search.ports.index import SearchIndex, write
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordUpdated
from shared.events.people import AccessWithdrawn, MemberLeft
from shared.events.screening import RecordIncluded, TaskOpened
from shared.events.search import AlertMatched
from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.search.test_search import described, discovered, noticed, on_the_log
from tests.workbench import Workbench

BASE = "/search/reviews/r/saved"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def search(request: pytest.FixtureRequest, workbench) -> Iterator[Workbench]:
    """Search on each database."""
    if request.param == "sqlite":
        bench = workbench(SERVICE, upgrade_at_start=False)
        bench.platform.event_log.create_topics()
        yield bench
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("test") + "_{service}")
    try:
        bench = workbench(SERVICE, upgrade_at_start=False, database_url=url)
        bench.platform.event_log.create_topics()
        yield bench
        bench.close()
    finally:
        drop_database(url.format(service="search"))


def saves(search: Workbench, name: str = "Trust", by: str = "ana", *, alert: bool = True, **asked) -> str:
    answer = search.person(by, role="reader").post(BASE, json={"name": name, "alert": alert, **asked})
    assert answer.status_code == 201, answer.text
    assert answer.json()["alert"] is alert
    saved: str = answer.json()["saved"]
    return saved


def sets(search: Workbench, saved: str, *, alert: bool, by: str = "ana"):
    return search.person(by, role="reader").put(f"{BASE}/{saved}/alert", json={"alert": alert})


def alerted(search: Workbench) -> list[tuple[str, list[str]]]:
    """Which search told of which records, after its job ran."""
    search.runs(tell_matches)
    return [(it.saved, [match.record for match in it.records]) for it in search.emitted(AlertMatched)]


def rows(search: Workbench, table) -> int:
    with search.work(readonly=True) as work:
        return work.session.execute(select(func.count()).select_from(table)).scalar_one()


def updated(record: str, title: str, revision: int = 2) -> RecordUpdated:
    return RecordUpdated(
        review="r", record=record, revision=revision, run="run", bibliography=described(title), changed=["title"]
    )


def test_each_search_tells_of_what_arrives_and_matches_it_and_of_nothing_else(search):
    search.hears(discovered("before", "Trust of before"))
    trust = saves(search, "Trust", q="trust")
    power = saves(search, "Power", by="ben", q="power")
    saves(search, "Silent", alert=False, q="trust")

    search.hears(discovered("a", "Trust in teams"), discovered("b", "Power and trust"), discovered("c", "Allotments"))

    assert sorted(alerted(search)) == sorted([(trust, ["a", "b"]), (power, ["b"])])
    (of_ben,) = [it for it in search.emitted(AlertMatched) if it.saved == power]
    assert (of_ben.owner, of_ben.records[0].title, of_ben.more) == ("ben", "Power and trust", 0)


def test_a_record_is_told_once_however_often_it_is_heard_and_whatever_becomes_of_it(search):
    saved = saves(search, q="trust")
    search.hears(discovered("a", "Trust"))
    assert alerted(search) == [(saved, ["a"])]

    search.hears(discovered("a", "Trust"), updated("a", "Trust again"))
    sets(search, saved, alert=False)
    sets(search, saved, alert=True)
    search.hears(updated("a", "Trust for ever", revision=3))

    assert alerted(search) == [(saved, ["a"])]


def test_a_record_that_changes_so_that_it_matches_is_told(search):
    saved = saves(search, q="trust")
    search.hears(discovered("a", "Mistrust"))
    assert alerted(search) == []

    search.hears(updated("a", "Trust"))

    assert alerted(search) == [(saved, ["a"])]


def test_what_screening_does_is_told_where_a_search_asks_for_it_and_nowhere_else(search):
    search.hears(discovered("a", "Trust"))
    included = saves(search, "Included", q="trust", status=["included"])
    saves(search, "Any", q="trust")

    search.hears(RecordIncluded(review="r", record="a", revision=2, title="Trust", judgements=[]))

    assert alerted(search) == [(included, ["a"])]


def test_a_notice_is_told_where_a_search_asks_for_it(search):
    search.hears(discovered("a", "Trust"))
    retracted = saves(search, "Retracted", notice=["retraction"])

    search.hears(noticed("notice_1", "retraction"))

    assert alerted(search) == [(retracted, ["a"])]


def test_a_record_at_the_first_stage_is_told_where_a_search_asks_for_that_stage(search):
    search.hears(TaskOpened(review="r", record="z", stage="sift", task="task_1", revision=1, votes_needed=2))
    saved = saves(search, stage=["sift"], published_from="2019-01-01")

    search.hears(discovered("a", "Trust"))

    assert alerted(search) == [(saved, ["a"])]


def test_a_merged_record_is_not_told(search):
    saves(search, q="trust")

    search.hears(discovered("a", "Trust"), RecordMerged(review="r", record="a", revision=2, into="b", evidence=[]))

    assert alerted(search) == []


def test_of_another_review_nothing_is_told_and_nothing_is_written_down(search):
    saves(search, q="trust")

    search.hears(RecordDiscovered(review="o", record="x", revision=1, run="run", bibliography=described("Trust")))

    assert (rows(search, ArrivedRow), alerted(search)) == (0, [])


def test_many_at_once_are_one_alert_that_names_the_first(search):
    saves(search)

    search.hears(*(discovered(f"rec{number:03}", "Trust") for number in range(25)))
    alerted(search)

    (alert,) = search.emitted(AlertMatched)
    assert ([it.record for it in alert.records], alert.more) == ([f"rec{number:03}" for number in range(20)], 5)
    assert rows(search, ArrivedRow) == 0 and rows(search, MatchRow) == 25


def test_what_a_crash_cuts_short_is_asked_again_and_told_once(search, monkeypatch):
    saved = saves(search, q="trust")
    search.hears(discovered("a", "Trust"))
    with monkeypatch.context() as patch, pytest.raises(ExceptionGroup):
        patch.setattr(store, "forget_arrivals", lambda *_: 1 / 0)
        search.runs(tell_matches)
    assert rows(search, ArrivedRow) == 1

    assert alerted(search) == [(saved, ["a"])]
    assert rows(search, ArrivedRow) == 0


def test_while_the_index_is_made_anew_alerts_wait(search):
    saved = saves(search, q="trust")
    search.hears(discovered("a", "Trust"))
    on_the_log(search, discovered("a", "Trust"))
    search.person(role="admin").post("/search/rebuilds")

    assert alerted(search) == []
    search.runs(rebuild_index)
    assert alerted(search) == [(saved, ["a"])]


def test_whoever_left_or_whose_key_was_withdrawn_is_told_nothing_more(search):
    saves(search, q="trust")
    saves(search, by="key_1", q="trust")
    of_ben = saves(search, by="ben", q="trust")

    search.hears(
        MemberLeft(review="r", person="ana", role="reader"),
        MemberLeft(review="o", person="ben", role="reader"),
        AccessWithdrawn(review="*", subject="key_1", number=1),
        AccessWithdrawn(review="*", subject="ben", number=2),
        discovered("a", "Trust"),
    )

    assert alerted(search) == [(of_ben, ["a"])]
    (kept,) = search.person("ana", role="reader").get(BASE).json()["items"]
    assert kept["alert"] is False


def test_an_alert_is_ones_own(search):
    saved = saves(search, alert=False)

    assert sets(search, saved, alert=True, by="ben").status_code == 404
    assert sets(search, "saved_none", alert=True).status_code == 404
    assert sets(search, saved, alert=True).json()["alert"] is True


def test_one_has_so_many_alerts_and_no_more(search):
    for number in range(20):
        saves(search, f"Search {number}")

    refused = search.person("ana", role="reader").post(BASE, json={"name": "One more", "alert": True})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "too_many_alerts")
    silent = saves(search, "Silent", alert=False)
    assert sets(search, silent, alert=True).status_code == 409
    assert sets(
        search, search.person("ana", role="reader").get(BASE).json()["items"][0]["saved"], alert=True
    ).is_success


@pytest.mark.waits
def test_two_that_are_switched_on_at_once_are_not_both_the_twentieth(search, monkeypatch):
    for number in range(19):
        saves(search, f"Search {number}")
    silent = [saves(search, name, alert=False) for name in ("Silent", "Still")]
    both_have_looked, look = Barrier(2), store.require_few_alerts

    def looks(*asked: Any) -> None:
        look(*asked)
        with suppress(BrokenBarrierError):
            both_have_looked.wait(0.5)

    monkeypatch.setattr(store, "require_few_alerts", looks)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda saved: sets(search, saved, alert=True).status_code, silent))

    assert sorted(answers) == [200, 409]


def test_a_search_that_is_forgotten_takes_what_it_told_with_it(search):
    saved = saves(search, q="trust")
    search.hears(discovered("a", "Trust"))
    alerted(search)
    search.hears(discovered("b", "Trust"))

    assert search.person("ana", role="reader").delete(f"{BASE}/{saved}").is_success

    assert alerted(search) == [(saved, ["a"])]
    assert rows(search, MatchRow) == 0


def test_an_alert_names_the_news_as_its_causes_and_shows_others_nothing_of_whom_it_is(search):
    saves(search, q="trust")
    heard = search.hears(discovered("a", "Trust"), discovered("b", "Trust"))
    alerted(search)

    lead, other = search.person("lea", role="lead"), search.person("ben", role="reviewer")
    (entry,) = lead.get("/search/reviews/r/events").json()["items"]
    assert entry["because"] == [it.id for it in heard] and entry["event"]["data"]["owner"] == "ana"
    (hidden,) = other.get("/search/reviews/r/events").json()["items"]
    assert (hidden["event"]["data"]["owner"], hidden["event"]["data"]["records"]) == ("hidden", [])
    assert SERVICE.hide is hide_what_others_seek


def test_a_record_that_matched_all_along_is_not_told_when_it_is_described_anew_or_screened(search):
    search.hears(discovered("a", "Trust"), discovered("b", "Mistrust"))
    trust = saves(search, q="trust")
    saves(search, "Waiting", q="trust", status=["screening"])

    search.hears(
        updated("a", "Trust, a correction"),
        RecordIncluded(review="r", record="z", revision=2, title="Trust", judgements=[]),
    )
    assert alerted(search) == []

    search.hears(updated("b", "Trust at last"), updated("a", "Trust, once more", revision=3))
    assert [it for it in alerted(search) if it[0] == trust] == [(trust, ["b"])]


def test_what_came_before_an_alert_was_switched_on_is_not_told(search):
    saves(search, "Other", q="power")
    silent = saves(search, q="trust", alert=False)
    search.hears(discovered("a", "Trust"))
    search.clock.advance(seconds=1)
    sets(search, silent, alert=True)

    assert alerted(search) == []


def test_an_import_is_one_message_and_so_is_what_comes_within_minutes(search):
    saved = saves(search)
    search.hears(*(discovered(f"rec{number:04}", "Trust") for number in range(1_100)))
    alerted(search)
    (alert,) = search.emitted(AlertMatched)
    assert (len(alert.records), alert.more) == (20, 1_080)

    for number in range(3):
        search.hears(discovered(f"later{number}", "Trust"))
        assert len(alerted(search)) == 1
    search.clock.advance(minutes=10)

    assert alerted(search)[1:] == [(saved, ["later0", "later1", "later2"])]


def test_news_that_no_search_asks_for_is_not_written_down(search):
    saves(search, q="trust")

    search.hears(
        noticed("notice_1", "retraction"),
        RecordIncluded(review="r", record="a", revision=2, title="Trust", judgements=[]),
    )

    assert rows(search, ArrivedRow) == 0


def test_news_that_no_search_asks_for_any_more_is_dropped_unread(search, monkeypatch):
    saved = saves(search, q="trust", status=["included"])
    saves(search, "Other", q="power")
    search.hears(RecordIncluded(review="r", record="a", revision=2, title="Trust", judgements=[]))
    sets(search, saved, alert=False)
    monkeypatch.setattr("services.search.jobs.alerts.Among", lambda *_: 1 / 0)

    assert (alerted(search), rows(search, ArrivedRow)) == ([], 0)


def test_what_many_searches_find_is_kept_some_of_them_at_a_time(search, monkeypatch):
    for number in range(12):
        saves(search, f"Search {number}")
    kept: list[int] = []
    keep = commands.keep
    monkeypatch.setattr(commands, "keep", lambda work, found: (kept.append(len(found)), keep(work, found)))

    search.hears(discovered("a", "Trust"))

    assert (len(alerted(search)), kept) == (12, [10, 2])


def test_what_a_crash_left_in_the_index_alone_is_told_when_it_is_heard_again(search):
    search.hears(discovered("a", "Mistrust"))
    saved = saves(search, q="trust")
    changed = document_of(updated("a", "Trust"), search.clock.now())
    assert changed is not None
    write(search.platform.running["search"].resource(SearchIndex), [changed])

    search.hears(updated("a", "Trust"))

    assert alerted(search) == [(saved, ["a"])]
