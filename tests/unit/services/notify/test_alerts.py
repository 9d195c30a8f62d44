"""Whoever has saved searches that alert is told of what these find, where they asked for it, and nobody else."""

from __future__ import annotations

from typing import Any

from services.notify import jobs
from services.notify.domain import alert_notification
from services.notify.domain.saying import say, text_of
from shared.events.people import MemberLeft
from shared.events.search import AlertMatched, Match
from tests.unit.services.notify.rig import REVIEW
from tests.unit.services.notify.test_searches import HOOK, bodies, delivered_to

AT = f"http://127.0.0.1:8000/reviews/{REVIEW}"


def alert_matched(saved: str = "saved_1", **different: Any) -> AlertMatched:
    seen = {"owner": "ana", "records": [Match(record="rec_1", title="Growing together")], "more": 0}
    return AlertMatched(review=REVIEW, saved=saved, **{**seen, **different})


def test_its_owner_alone_is_told_where_they_asked_for_it_and_once(bench):
    mine = bench.subscribe(HOOK, by="ana", kinds=["alert"])
    bench.subscribe(HOOK, by="ana", kinds=["revision"])
    bench.subscribe(HOOK, by="ben", kinds=["alert"])

    heard = bench.envelope(alert_matched())
    bench.hears_envelope(heard)
    bench.hears_envelope(heard)

    assert delivered_to(bench) == [mine["id"]]
    (body,) = bodies(bench)
    assert (body["type"], body["data"]) == (
        "alert.matched",
        {
            "review": REVIEW, "saved": "saved_1", "more": 0, "link": f"{AT}/records?saved=saved_1",
            "records": [{"record": "rec_1", "title": "Growing together", "link": f"{AT}/records/rec_1"}],
        },
    )  # fmt: skip


def test_where_nobody_asked_for_it_nothing_is_kept(bench):
    bench.subscribe(HOOK, by="ben", kinds=["alert"])

    bench.hears(alert_matched())

    assert bodies(bench) == []


def test_whoever_left_the_review_is_told_nothing_of_it(bench):
    bench.subscribe(HOOK, by="ana", kinds=["alert"])
    bench.hears(alert_matched(), MemberLeft(review=REVIEW, person="ana", role="reader"), alert_matched("saved_2"))

    assert delivered_to(bench) == [] and len(bodies(bench)) == 1


def test_an_alert_of_long_ago_is_told_no_more(bench):
    bench.subscribe(HOOK, by="ana", kinds=["alert"])
    heard = bench.envelope(alert_matched())
    bench.clock.advance(days=3)
    bench.hears_envelope(heard)

    assert bodies(bench) == []


def test_alerts_of_a_day_are_told_in_one_digest(bench):
    bench.subscribe(HOOK, by="ana", kinds=["alert"], every="daily")
    bench.hears(alert_matched("saved_1"), alert_matched("saved_2"))
    bench.clock.advance(days=1)
    bench.runs(jobs.send_gathered)

    (digest,) = [it for it in bodies(bench) if it["type"] == "digest"]
    assert {it["data"]["saved"] for it in digest["data"]["entries"]} == {"saved_1", "saved_2"}


def test_an_alert_reads_as_a_person_would_say_it(bench):
    records = [Match(record="rec_1", title="Growing together"), Match(record="rec_2", title=None)]
    event = alert_matched(records=records, more=3)

    text = text_of(say(alert_notification(event, at=bench.clock.now(), public_url="https://living.example")))

    assert text.startswith(f"A saved search of yours in {REVIEW} finds 5 more records\n")
    assert "Growing together: https://living.example/reviews/garden/records/rec_1" in text
    assert "A record without a title" in text and "And 3 more." in text
    assert text.endswith("See all that it finds: https://living.example/reviews/garden/records?saved=saved_1\n")
    assert "ana" not in text
