"""Delivery: the right bytes at the right time, once, whatever the receiver does and whenever we die."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from services.notify import commands, jobs, reactions, store
from services.notify.domain import RETRIES, Outcome
from services.notify.ports.channels.port import Message
from shared.events.notify import DeliveryFailed, NoticeDelivered
from tests.unit.services.notify.rig import REVIEW, Receiver, revision_published, status

pytestmark = pytest.mark.waits

SCHEDULE = [pause.total_seconds() for pause in RETRIES]


def delivered(bench) -> list[NoticeDelivered]:
    return [event for event in bench.emitted(NoticeDelivered) if event.channel == "webhook"]


def ask(bench, subscription, path: str, by: str = "ana", role: str = "reader"):
    return bench.person(by, role).post(f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}/{path}")


def test_a_revision_reaches_its_subscriber_signed_and_once(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)
    bench.runs(jobs.deliver_due)

    (received,) = receiver.received
    seen = Webhook(subscription["secret"]).verify(received.body, received.headers)
    assert (seen["type"], seen["data"]["revision"], seen["data"]["number"]) == ("revision.published", "rev_1", 1)
    assert seen["timestamp"] == "2020-01-01T00:00:00Z"
    assert received.path == "/hook"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert bench.deliveries(subscription)[0]["state"] == "delivered"


def test_the_delivery_is_told_as_what_followed_from_the_revision(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    (heard,) = bench.hears(revision_published(), correlation="flow")

    bench.runs(jobs.deliver_due)

    seen = bench.journal()[-1]
    assert (seen.correlationid, seen.causationid) == ("flow", heard.id)
    assert delivered(bench) == [
        NoticeDelivered(
            review=REVIEW, subscription=subscription["id"], delivery=receiver.ids[0], channel="webhook",
            about="rev_1", attempts=1,
        )
    ]  # fmt: skip


def test_a_changed_body_or_another_secret_breaks_the_signature(bench, receiver):
    subscription, other = bench.subscribe(receiver.url), bench.subscribe("http://127.0.0.1:9/")
    bench.hears(revision_published())
    bench.runs(jobs.deliver_due)
    (received,) = receiver.received

    with pytest.raises(WebhookVerificationError):
        Webhook(subscription["secret"]).verify(received.body + b" ", received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(other["secret"]).verify(received.body, received.headers)


def test_the_signature_bears_the_machines_time_whatever_time_the_platform_lives_in(bench, receiver):
    bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)

    stamped = int(receiver.received[0].headers["webhook-timestamp"])
    assert stamped == int(bench.wall.now().timestamp())
    assert json.loads(receiver.received[0].body)["timestamp"].startswith("2020-01-01")


def test_a_failing_receiver_is_tried_by_the_schedule_under_one_id_and_then_given_up(bench, receiver):
    receiver.answer = status(500)
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)
    for number, pause in enumerate(SCHEDULE, start=1):
        bench.clock.advance(seconds=pause - 1)
        bench.runs(jobs.deliver_due)
        assert len(receiver.received) == number
        bench.clock.advance(seconds=1)
        bench.runs(jobs.deliver_due)
        assert len(receiver.received) == number + 1

    bench.clock.advance(days=30)
    bench.runs(jobs.deliver_due)
    assert len(receiver.received) == 10
    assert len(set(receiver.ids)) == 1
    (shown,) = bench.deliveries(subscription)
    assert shown["state"] == "failed"
    assert [attempt["error"] for attempt in shown["attempts"]] == ["HTTP 500"] * 10
    (failed,) = bench.emitted(DeliveryFailed)
    assert (failed.delivery, failed.attempts, failed.error) == (shown["id"], 10, "HTTP 500")


def test_a_receiver_that_recovers_gets_the_notice_and_no_more(bench, receiver):
    receiver.answer = status(503)
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    bench.runs(jobs.deliver_due)

    receiver.answer = status(204)
    bench.clock.advance(seconds=5)
    bench.runs(jobs.deliver_due)
    bench.clock.advance(days=30)
    bench.runs(jobs.deliver_due)

    assert [attempt["status"] for attempt in bench.deliveries(subscription)[0]["attempts"]] == [503, 204]
    assert [event.attempts for event in delivered(bench)] == [2]


def test_a_fault_of_ours_is_an_attempt_that_failed_and_keeps_no_other_delivery(bench, receiver, monkeypatch):
    odd, good = bench.subscribe("http://127.0.0.1:9/odd"), bench.subscribe(receiver.url)
    bench.hears(revision_published())
    channel = bench.running.resources.webhook
    send, tries = channel.send, []

    def fails(message: Message) -> Outcome:
        if not message.address.endswith("/odd"):
            return send(message)
        tries.append(message.id)
        raise UnicodeError("label too long")

    monkeypatch.setattr(channel, "send", fails)
    with pytest.raises(ExceptionGroup, match=r"1 failed: delivery .*label too long"):
        bench.runs(jobs.deliver_due)
    bench.runs(jobs.deliver_due)  # It is not due yet.

    assert (len(tries), len(receiver.received)) == (1, 1)
    assert bench.deliveries(good)[0]["state"] == "delivered"
    (shown,) = bench.deliveries(odd)
    assert (shown["state"], [one["error"] for one in shown["attempts"]]) == (
        "waiting",
        ["UnicodeError: label too long"],
    )


def test_a_receiver_that_asks_for_a_pause_gets_it(bench, receiver):
    receiver.answer = status(429, Retry_After="120")
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)

    due = datetime.fromisoformat(bench.deliveries(subscription)[0]["due_at"])
    assert due == bench.clock.now() + timedelta(seconds=120)


def test_gone_ends_the_subscription_and_calls_off_what_waits(bench, receiver):
    receiver.answer = status(410)
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published(1))
    bench.runs(jobs.deliver_due)
    bench.hears(revision_published(2))

    bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 1
    path = f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}"
    shown = bench.person("ana", "reader").get(path).json()
    assert (shown["active"], shown["ended_why"]) == (False, "its receiver answered 410 Gone")
    assert [delivery["state"] for delivery in bench.deliveries(subscription)] == ["failed"]
    assert len(bench.emitted(DeliveryFailed)) == 1


def test_gone_calls_off_what_waits_for_a_retry(bench, receiver):
    receiver.answer = status(500)
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published(1))
    bench.runs(jobs.deliver_due)
    receiver.answer = status(410)
    bench.hears(revision_published(2))

    bench.runs(jobs.deliver_due)

    states = [delivery["state"] for delivery in bench.deliveries(subscription)]
    assert states == ["failed", "cancelled"]


def test_an_ended_subscription_gets_nothing_more(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    bench.person("ana", "reader").delete(f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}")

    bench.runs(jobs.deliver_due)

    assert receiver.received == []
    assert bench.deliveries(subscription)[0]["state"] == "cancelled"


def test_a_refused_connection_is_a_failure_with_its_reason(bench):
    with Receiver() as closed:
        url = closed.url
    subscription = bench.subscribe(url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)

    (attempt,) = bench.deliveries(subscription)[0]["attempts"]
    assert attempt["status"] is None
    assert "refused" in attempt["error"]


def test_a_redirect_is_a_failure_and_is_not_followed(bench, receiver):
    with Receiver() as inside:
        receiver.answer = status(307, Location=inside.url)
        subscription = bench.subscribe(receiver.url)
        bench.hears(revision_published())

        bench.runs(jobs.deliver_due)

        assert inside.received == []
    (attempt,) = bench.deliveries(subscription)[0]["attempts"]
    assert attempt["error"] == "HTTP 307: redirects are not followed"


def test_a_slow_receiver_holds_up_only_its_own(bench, receiver):
    slow_ones_before = []
    with Receiver() as slow:
        slow.answer = lambda handler: slow.closing.wait()
        # One machine here, but two hosts to whoever shares out the senders.
        for _ in range(12):
            bench.subscribe(slow.url.replace("127.0.0.1", "localhost"))
        bench.subscribe(receiver.url)
        bench.hears(revision_published())

        def answer(handler):
            slow_ones_before.append(len(slow.received))
            slow.closing.set()
            status(200)(handler)

        receiver.answer = answer
        bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 1
    assert slow_ones_before[0] <= jobs.SENDERS_PER_HOST
    assert len(slow.received) == 12


def test_one_receiver_sees_at_most_two_notifications_at_once(bench, receiver):
    at_once, most, two = [], [], threading.Barrier(2)

    def answer(handler):
        at_once.append(1)
        most.append(len(at_once))
        two.wait(300)
        at_once.pop()
        status(200)(handler)

    receiver.answer = answer
    for _ in range(10):
        bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 10
    assert max(most) == 2


def test_a_sender_that_dies_between_sending_and_recording_sends_the_same_id_again(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    receiver.answer = lambda handler: receiver.closing.wait()

    child = _sender_in_another_process(bench)
    try:
        receiver.wait_for(1)
    finally:
        child.kill()
        child.wait()
    receiver.answer = status(200)
    bench.runs(jobs.deliver_due)
    assert len(receiver.received) == 1, "the dead sender's lease has not lapsed"
    bench.wall.advance(minutes=10)
    bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 2
    assert len(set(receiver.ids)) == 1
    assert [event.attempts for event in delivered(bench)] == [1]
    assert len(bench.deliveries(subscription)) == 1


def _sender_in_another_process(bench) -> subprocess.Popen:
    program = f"""
        from pathlib import Path
        from services.notify import jobs
        from tests.unit.services.notify.conftest import NotifyBench
        settings = {{"database_url": {bench.settings.database_url!r}, "webhook_timeout": 60.0}}
        NotifyBench(Path({str(bench.settings.data_dir)!r}), **settings).runs(jobs.deliver_due)
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])


def test_two_senders_at_once_send_each_notice_once(bench, receiver):
    for _ in range(20):
        bench.subscribe(receiver.url)
    bench.hears(revision_published())

    with ThreadPoolExecutor() as pool:
        for sender in [pool.submit(bench.runs, jobs.deliver_due) for _ in range(2)]:
            sender.result()

    assert len(receiver.received) == len(set(receiver.ids)) == 20


def test_a_subscription_that_ends_while_a_notice_is_written_for_it_is_left_in_peace(bench):
    subscription = bench.subscribe("http://127.0.0.1:9/")
    path = f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}"
    owner = bench.person("ana", "reader")

    with ThreadPoolExecutor() as pool:
        with bench.work() as work:
            reactions.write_notifications(work, revision_published())
            ending = pool.submit(owner.delete, path)
            time.sleep(0.3)
        assert ending.result().status_code == 200

    assert [delivery["state"] for delivery in bench.deliveries(subscription)] == ["cancelled"]


def test_a_result_that_comes_after_another_sender_took_over_changes_nothing(bench, receiver):
    bench.subscribe(receiver.url)
    bench.hears(revision_published())
    with bench.work() as work:
        (late,) = store.due(work, wall=bench.wall.now(), sending=[], full=[], limit=1)
    bench.runs(jobs.deliver_due)

    with bench.work() as work:
        commands.record_attempt(work, late, Outcome(500, "HTTP 500"), jitter=0)

    assert [event.attempts for event in delivered(bench)] == [1]


def test_a_leased_delivery_is_left_alone_until_its_lease_lapses(bench, receiver):
    bench.subscribe(receiver.url)
    bench.hears(revision_published())
    with bench.work() as work:
        claims = store.due(work, wall=bench.wall.now(), sending=[], full=[], limit=1)
        store.lease(work, claims, until=bench.wall.now() + timedelta(seconds=6))

    bench.wall.advance(seconds=5)
    bench.runs(jobs.deliver_due)
    assert receiver.received == []

    bench.wall.advance(seconds=1)
    bench.runs(jobs.deliver_due)
    assert len(receiver.received) == 1


def test_no_transaction_is_open_while_a_notice_is_sent(bench, receiver):
    """The receiver itself writes to notify's database before it answers."""

    def answer(handler):
        bench.subscribe("http://127.0.0.1:9/", by="ben")
        status(200)(handler)

    receiver.answer = answer
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())

    bench.runs(jobs.deliver_due)

    assert bench.deliveries(subscription)[0]["attempts"][0]["status"] == 200


def test_a_failed_notice_can_be_sent_again_and_has_its_whole_schedule(bench, receiver):
    receiver.answer = status(500)
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    for _ in range(10):
        bench.runs(jobs.deliver_due)
        bench.clock.advance(days=2)
    (failed,) = bench.deliveries(subscription)

    answer = ask(bench, subscription, f"deliveries/{failed['id']}/redeliver")
    bench.runs(jobs.deliver_due)

    assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
    (shown,) = bench.deliveries(subscription)
    assert (shown["state"], len(shown["attempts"])) == ("waiting", 11)
    receiver.answer = status(200)
    bench.clock.advance(seconds=5)
    bench.runs(jobs.deliver_due)
    assert bench.deliveries(subscription)[0]["state"] == "delivered"
    assert len(set(receiver.ids)) == 1


def test_a_test_notice_has_an_id_of_its_own(bench, receiver):
    subscription = bench.subscribe(receiver.url)

    answers = [ask(bench, subscription, "test") for _ in range(2)]
    bench.runs(jobs.deliver_due)

    assert [answer.status_code for answer in answers] == [202, 202]
    assert sorted(receiver.ids) == sorted(answer.json()["id"] for answer in answers)
    assert len(set(receiver.ids)) == 2
    seen = [Webhook(subscription["secret"]).verify(got.body, got.headers)["type"] for got in receiver.received]
    assert seen == ["test", "test"]


def test_when_recording_fails_the_job_says_so_and_the_notice_is_sent_again_later(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())

    def rename(table: str, to: str) -> None:
        with bench.work() as work:
            work.session.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))

    # A table goes away between sending and recording.
    receiver.answer = lambda handler: (rename("attempts", "moved"), status(200)(handler))
    with pytest.raises(Exception, match="attempts"):
        bench.runs(jobs.deliver_due)
    rename("moved", "attempts")
    receiver.answer = status(200)
    bench.wall.advance(minutes=1)
    bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 2
    assert len(set(receiver.ids)) == 1
    assert bench.deliveries(subscription)[0]["state"] == "delivered"


def test_a_secret_is_in_no_repr_of_what_carries_it(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    with bench.work() as work:
        (claim,) = store.due(work, wall=bench.wall.now(), sending=[], full=[], limit=1)
        row = store.subscription(work, REVIEW, subscription["id"])

    shown = repr(claim) + repr(row) + repr(Message("m", "u", b"", secret=claim.secret))
    assert claim.secret == subscription["secret"]
    assert subscription["secret"].removeprefix("whsec_") not in shown
