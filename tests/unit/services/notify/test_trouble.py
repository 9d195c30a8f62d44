"""Leads are told that a source's answers are not whole, once a source and day, and once that they are again."""

from __future__ import annotations

from datetime import date

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from sqlalchemy import select

from services.notify import domain, jobs
from services.notify.models import DeliveryRow, NotificationRow
from shared.client.notify import verify
from shared.events.ingest import SourceResumed
from shared.events.notify import NoticeDelivered
from shared.events.people import MemberLeft, RoleChanged
from tests.unit.services.notify.rig import (
    REVIEW,
    revision_published,
    run_finished,
    source_parked,
    status,
    sweep_finished,
    watch_stopped,
)

HOOK = "http://127.0.0.1:9/hook"
BASE = f"/notify/reviews/{REVIEW}/subscriptions"
FEED = f"/notify/reviews/{REVIEW}/trouble.atom"
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def alarms(bench) -> list[tuple[str, str, str | None]]:
    """What was told of trouble: its type, its source and the run that was its cause, in order."""
    with bench.work(readonly=True) as work:
        mine = select(NotificationRow.body).where(NotificationRow.kind == "trouble").order_by(NotificationRow.number)
        bodies = [orjson.loads(body) for body in work.session.scalars(mine)]
    return [(body["type"], body["data"]["source"], body["data"]["run"]) for body in bodies]


def delivered_to(bench) -> list[str]:
    with bench.work(readonly=True) as work:
        return list(work.session.scalars(select(DeliveryRow.subscription).order_by(DeliveryRow.id)))


def test_however_many_runs_of_a_source_fail_on_a_day_the_lead_is_alarm_once(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])

    bench.hears(
        run_finished("run_1", error="gone"), run_finished("run_2", error="gone", watch="other", failing=2),
        sweep_finished("run_3", error="gone", failing=3),
    )  # fmt: skip

    assert alarms(bench) == [("source.trouble", "openalex", "run_1")]
    assert delivered_to(bench) == [lead["id"]]


def test_trouble_that_lasts_is_alarm_each_day_and_of_each_source_apart(bench):
    bench.hears(run_finished("run_1", error="gone"), run_finished("run_2", error="gone", source="crossref"))
    bench.clock.advance(days=1)
    bench.hears(run_finished("run_3", error="gone"))

    assert alarms(bench) == [
        ("source.trouble", "openalex", "run_1"), ("source.trouble", "crossref", "run_2"),
        ("source.trouble", "openalex", "run_3"),
    ]  # fmt: skip


def test_a_run_that_lacks_works_is_alarm_with_what_is_missing(bench):
    missing = [str(number) for number in range(30)]

    bench.hears(run_finished("run_1", error="openalex has 30 works and gave 0", missing=missing))

    with bench.work(readonly=True) as work:
        seen = orjson.loads(work.session.scalars(select(NotificationRow.body)).one())["data"]
    assert (seen["what"], seen["error"], seen["day"]) == (
        "incomplete", "openalex has 30 works and gave 0", "2020-01-01",
    )  # fmt: skip
    assert seen["missing"] == missing[:10]
    assert seen["link"] == "http://127.0.0.1:8000/reviews/garden"


@pytest.mark.parametrize(("found", "rejected", "is_alarm"), [(8, 3, True), (12, 3, False), (2, 2, False), (3, 3, True)])
def test_many_rejections_are_trouble_though_the_run_is_complete(bench, found, rejected, is_alarm):
    bench.hears(run_finished("run_1", counts={"found": found, "new": found - rejected, "rejected": rejected}))

    assert alarms(bench) == ([("source.trouble", "openalex", "run_1")] if is_alarm else [])


def test_the_all_clear_comes_once_when_no_watch_of_the_source_fails_any_more(bench):
    bench.hears(
        run_finished("run_1", error="gone"), sweep_finished("run_2", error="gone", failing=2),
        run_finished("run_3", failing=1), run_finished("run_4", source="crossref"),
    )  # fmt: skip
    before = alarms(bench)
    bench.clock.advance(days=1)

    bench.hears(sweep_finished("run_5"), run_finished("run_6"), sweep_finished("run_7"))

    assert before == [("source.trouble", "openalex", "run_1")]
    assert alarms(bench) == [*before, ("source.all_clear", "openalex", "run_5")]


def test_rejections_are_cleared_by_a_good_run_of_the_same_watch_alone(bench):
    bench.hears(run_finished("run_1", counts={"found": 4, "rejected": 4}), run_finished("run_2", watch="other"))
    before = alarms(bench)

    bench.hears(run_finished("run_3"))

    assert before == [("source.trouble", "openalex", "run_1")]
    assert alarms(bench) == [*before, ("source.all_clear", "openalex", "run_3")]


def test_a_source_that_is_left_alone_is_trouble_of_its_day_with_its_end(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])

    bench.hears(source_parked(), run_finished("run_1", error="the budget is spent"), source_parked())
    bench.clock.advance(days=1)
    bench.hears(run_finished("run_2"))

    feed = fromstring(bench.person("lea", "lead").get(FEED).content)
    assert alarms(bench) == [("source.trouble", "openalex", None), ("source.all_clear", "openalex", "run_2")]
    assert delivered_to(bench) == [lead["id"]] * 2
    assert feed.findall("a:entry/a:content", ATOM)[1].text == (
        "<p>the budget is spent</p><p>Nothing asks it until 2020-01-02 00:00 UTC.</p>"
    )


def test_a_source_of_which_no_run_tells_is_clear_once_it_answers_again(bench):
    bench.hears(source_parked("unpaywall"), SourceResumed(review=REVIEW, source="unpaywall"))
    bench.hears(SourceResumed(review=REVIEW, source="unpaywall"), SourceResumed(review=REVIEW, source="crossref"))

    assert alarms(bench) == [("source.trouble", "unpaywall", None), ("source.all_clear", "unpaywall", None)]


def test_trouble_after_an_all_clear_is_alarm_anew_on_the_same_day(bench):
    bench.hears(run_finished("run_1", error="gone"), run_finished("run_2"), run_finished("run_3", error="gone"))

    assert [what for what, _, _ in alarms(bench)] == ["source.trouble", "source.all_clear", "source.trouble"]


def test_a_run_of_a_release_that_did_not_count_gives_no_all_clear(bench):
    bench.hears(run_finished("run_1", error="gone"), run_finished("run_2", failing=None))

    assert [what for what, _, _ in alarms(bench)] == ["source.trouble"]


def test_what_is_heard_late_neither_clears_nor_reopens(bench):
    late_clear = bench.envelope(sweep_finished("run_0"))
    late_trouble = bench.envelope(sweep_finished("run_1", error="gone"))
    bench.clock.advance(hours=1)
    bench.hears(run_finished("run_2", error="gone"))
    bench.hears_envelope(late_clear)
    before = alarms(bench)
    bench.clock.advance(hours=1)
    bench.hears(run_finished("run_3"))

    bench.hears_envelope(late_trouble)

    assert before == [("source.trouble", "openalex", "run_2")]
    assert alarms(bench) == [*before, ("source.all_clear", "openalex", "run_3")]


def test_whoever_catches_up_is_alarm_of_no_trouble_that_has_long_passed(bench):
    old = bench.envelope(run_finished("run_1", error="gone"))
    bench.clock.advance(seconds=domain.OLD_TROUBLE.total_seconds() + 1)

    bench.hears_envelope(old)

    assert alarms(bench) == []


def test_a_redelivered_event_and_the_same_run_told_again_double_nothing(bench):
    bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    failed, whole = bench.envelope(run_finished("run_1", error="gone")), bench.envelope(run_finished("run_2"))

    for envelope in (failed, failed, whole, whole):
        bench.hears_envelope(envelope)
    bench.hears(run_finished("run_2"), run_finished("run_1", error="gone"))

    assert alarms(bench) == [("source.trouble", "openalex", "run_1"), ("source.all_clear", "openalex", "run_2")]
    assert len(delivered_to(bench)) == 2
    feed = [it for it in bench.emitted(NoticeDelivered) if it.channel == "feed"]
    assert [(it.subscription, it.about) for it in feed] == [
        ("feed:garden:trouble", "openalex on 2020-01-01"), ("feed:garden:trouble", "openalex after 2020-01-01"),
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_who_is_no_lead_may_neither_ask_for_trouble_nor_read_its_feed(bench, role):
    person = bench.person("ana", role)

    answers = [
        person.post(BASE, json={"channel": "webhook", "url": HOOK, "kinds": ["trouble"]}),
        person.post(BASE, json={"channel": "feed", "kinds": ["trouble"]}), person.get(FEED),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_subscriptions_of_before_never_get_it(bench):
    bench.subscribe(HOOK, by="ana")
    bench.subscribe(HOOK, by="lea", role="lead", kinds=["revision", "overdue"])

    bench.hears(run_finished("run_1", error="gone"))

    assert delivered_to(bench) == []


def test_a_lead_who_left_is_alarm_nothing_and_what_waited_is_called_off(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.hears(run_finished("run_1", error="gone"))

    bench.hears(MemberLeft(review=REVIEW, person="lea", role="lead"))
    bench.clock.advance(days=1)
    bench.hears(run_finished("run_2", error="gone"))

    assert [it["state"] for it in bench.deliveries(lead, by="lea")] == ["cancelled"]


def test_who_is_a_lead_no_more_keeps_only_what_is_for_everybody(bench):
    both = bench.subscribe(HOOK, by="lea", role="lead", kinds=["revision", "trouble", "overdue"])
    alone = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.hears(run_finished("run_1", error="gone"), revision_published())

    bench.hears(RoleChanged(review=REVIEW, person="lea", role="reader", before="lead"))
    bench.clock.advance(days=1)
    bench.hears(run_finished("run_2", error="gone"))

    assert {(it["kind"], it["state"]) for it in bench.deliveries(both, by="lea")} == {
        ("revision", "waiting"), ("trouble", "cancelled"),
    }  # fmt: skip
    assert [it["state"] for it in bench.deliveries(alone, by="lea")] == ["cancelled"]
    shown = {it["id"]: it for it in bench.person("lea", "reader").get(BASE).json()["items"]}
    assert (shown[both["id"]]["kinds"], shown[both["id"]]["active"]) == (["revision"], True)
    assert shown[alone["id"]]["ended_why"] == "its owner leads the review no more"


def test_who_is_a_lead_no_more_cannot_have_trouble_sent_again(bench):
    both = bench.subscribe(HOOK, by="lea", role="lead", kinds=["revision", "trouble"])
    bench.hears(run_finished("run_1", error="gone"))
    bench.hears(RoleChanged(review=REVIEW, person="lea", role="adjudicator", before="lead"))
    (delivery,) = bench.deliveries(both, by="lea")

    answer = bench.person("lea", "adjudicator").post(f"{BASE}/{both['id']}/deliveries/{delivery['id']}/redeliver")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:living:problem:for_leads")


def test_a_lead_who_becomes_an_admin_is_alarm_as_before(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])

    bench.hears(RoleChanged(review=REVIEW, person="lea", role="admin", before="lead"))
    bench.hears(run_finished("run_1", error="gone"))

    assert delivered_to(bench) == [lead["id"]]


@pytest.mark.waits
def test_a_webhook_brings_the_trouble_and_the_all_clear_signed(bench, receiver):
    lead = bench.subscribe(receiver.url, by="lea", role="lead", kinds=["trouble"])
    receiver.answer = status(200)
    bench.hears(run_finished("run_1", error="gone"), run_finished("run_2"))

    bench.runs(jobs.deliver_due)

    bodies = [verify(it.headers, it.body, lead["secret"]) for it in receiver.received]
    assert {body.type for body in bodies} == {"source.trouble", "source.all_clear"}


def test_the_leads_feed_has_trouble_and_all_clear_newest_first_and_the_readers_neither(bench):
    made = bench.subscribe(None, by="lea", role="lead", channel="feed", kinds=["trouble"])
    bench.hears(run_finished("run_1", error="<gone> & away"), run_finished("run_2"), revision_published())

    lead, readers = bench.person("lea", "lead").get(FEED), bench.person("ana", "reader")
    feed = fromstring(lead.content)

    assert made["address"] == f"http://127.0.0.1:8000{FEED}"
    assert [it.text for it in feed.findall("a:entry/a:title", ATOM)] == [
        "All clear with openalex", "Trouble with openalex on 2020-01-01",
    ]  # fmt: skip
    assert [it.text for it in feed.findall("a:entry/a:id", ATOM)] == [
        "urn:living:run:run_2:all-clear", "urn:living:run:run_1:trouble",
    ]  # fmt: skip
    assert feed.findall("a:entry/a:content", ATOM)[1].text == "<p>&lt;gone&gt; &amp; away</p>"
    everybodys = fromstring(readers.get(f"/notify/reviews/{REVIEW}/feed.atom").content)
    assert [it.text for it in everybodys.findall("a:entry/a:id", ATOM)] == ["urn:living:revision:rev_1"]


def test_a_feed_of_both_is_refused_with_its_field_named(bench):
    answer = bench.person("lea", "lead").post(BASE, json={"channel": "feed", "kinds": ["revision", "trouble"]})

    assert answer.status_code == 422
    assert "kinds" in answer.json()["detail"]


def test_the_feed_is_read_by_pages_in_the_order_in_which_it_was_told(bench):
    for number in range(5):
        bench.hears(run_finished(f"run_{number}", error="gone"))
        bench.clock.advance(days=1)
    lead = bench.person("lea", "lead")

    first = fromstring(lead.get(FEED, params={"limit": 2}).content)
    older = next(it.attrib["href"] for it in first.findall("a:link", ATOM) if it.attrib.get("rel") == "next")
    second = fromstring(lead.get(older).content)

    assert [it.text for page in (first, second) for it in page.findall("a:entry/a:id", ATOM)] == [
        f"urn:living:run:run_{number}:trouble" for number in (4, 3, 2, 1)
    ]


def test_trouble_that_is_heard_a_day_late_is_alarm_of_its_own_day(bench):
    late = bench.envelope(run_finished("run_1", error="gone"))
    bench.clock.advance(days=1)

    bench.hears_envelope(late)

    with bench.work(readonly=True) as work:
        about = work.session.scalars(select(NotificationRow.about)).one()
    assert about == f"openalex on {date(2020, 1, 1)}"


@pytest.mark.parametrize("wrong", [{"error": "gone"}, {"counts": {"found": 4, "rejected": 4}}])
@pytest.mark.parametrize("state", ["retired", "paused"])
def test_the_all_clear_comes_when_the_last_watch_in_trouble_is_pulled_no_more(bench, wrong, state):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.hears(run_finished("run_1", **wrong))

    bench.hears(watch_stopped(state=state), watch_stopped(state=state))

    assert alarms(bench) == [("source.trouble", "openalex", "run_1"), ("source.all_clear", "openalex", None)]
    assert delivered_to(bench) == [lead["id"]] * 2
    feed = fromstring(bench.person("lea", "lead").get(FEED).content)
    assert feed.findall("a:entry/a:id", ATOM)[0].text == (
        "urn:living:source:openalex:2020-01-01T00:00:00.000000Z:all-clear"
    )


def test_a_watch_that_is_pulled_no_more_leaves_the_trouble_of_others_as_it_is(bench):
    many = {"found": 4, "rejected": 4}
    bench.hears(
        run_finished("run_1", counts=many), run_finished("run_2", watch="other", counts=many),
        watch_stopped(), watch_stopped("third", failing=1),
    )  # fmt: skip
    before = alarms(bench)

    bench.hears(watch_stopped("other", failing=1), run_finished("run_3"))

    assert before == [("source.trouble", "openalex", "run_1")]
    assert alarms(bench) == [*before, ("source.all_clear", "openalex", "run_3")]


def test_a_run_of_a_watch_that_was_stopped_meanwhile_is_trouble_and_over_at_once(bench):
    bench.hears(watch_stopped(), run_finished("run_1", error="gone", failing=0), watch_stopped())
    bench.hears(watch_stopped("other"))

    assert [what for what, _, _ in alarms(bench)] == ["source.trouble", "source.all_clear"]
