"""Digests: one message of all that came, on the reader's morning or with the cycle's end; never twice, never lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from services.notify import jobs
from services.notify.domain.gathering import due_after, zone_of
from services.notify.models import NotificationRow, SubscriptionRow
from shared.client.notify import verify
from shared.events.people import RoleChanged
from tests.unit.services.notify.rig import REVIEW, review_overdue, revision_published, run_finished, status

pytestmark = pytest.mark.waits

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]


def digests(receiver) -> list[list[str]]:
    """What each digest tells, by the revisions or types of its entries."""
    bodies = [json.loads(received.body) for received in receiver.received]
    return [
        [entry["data"].get("revision", entry["type"]) for entry in body["data"]["entries"]]
        for body in bodies
        if body["type"] == "digest"
    ]


def goes_on(bench, **time) -> None:
    bench.clock.advance(**time)
    bench.runs(jobs.send_gathered)
    bench.runs(jobs.deliver_due)


def test_a_day_is_told_in_one_message_in_the_morning_and_an_empty_one_in_none(bench, receiver):
    subscription = bench.subscribe(receiver.url, every="daily", zone="Europe/Berlin")  # It is midnight, UTC.
    bench.hears(revision_published(1), revision_published(2))

    goes_on(bench, hours=6, minutes=59)
    assert receiver.received == []
    goes_on(bench, minutes=1)  # Eight o'clock in Berlin.
    for _ in range(5):
        goes_on(bench, days=1)

    assert digests(receiver) == [["rev_1", "rev_2"]]
    (received,) = receiver.received
    seen = verify(received.headers, received.body, subscription["secret"])
    assert seen.type == "digest" and seen.data.every == "daily"
    assert [it["kind"] for it in bench.deliveries(subscription)] == ["digest"]


def test_a_week_is_told_on_a_monday(bench, receiver):
    bench.subscribe(receiver.url, every="weekly")  # The first of January of 2020 is a Wednesday.
    bench.hears(revision_published(1))

    goes_on(bench, days=5, hours=7)
    assert receiver.received == []
    goes_on(bench, hours=1)

    assert digests(receiver) == [["rev_1"]]


def test_a_cycle_is_told_with_the_revision_that_ends_it(bench, receiver):
    bench.subscribe(receiver.url, role="lead", every="cycle", kinds=["revision", "overdue", "trouble"])
    bench.hears(review_overdue(), run_finished("run_1", error="it broke"))

    goes_on(bench, days=40)
    assert receiver.received == []
    bench.hears(revision_published(1))
    goes_on(bench, minutes=1)

    (digest,) = digests(receiver)
    assert sorted(digest) == ["rev_1", "review.overdue", "source.trouble"]


def test_a_cycle_ends_also_for_whom_its_revision_does_not_concern(bench, receiver):
    bench.subscribe(receiver.url, role="lead", every="cycle", kinds=["revision", "overdue"], cmocs=["nothing"])
    bench.hears(review_overdue(), revision_published(1))

    goes_on(bench, minutes=1)

    assert digests(receiver) == [["review.overdue"]]


def test_a_clock_that_goes_back_or_far_ahead_tells_nothing_twice_and_loses_nothing(bench, receiver):
    bench.subscribe(receiver.url, every="daily")
    bench.hears(revision_published(1))
    goes_on(bench, hours=9)
    bench.clock.advance(hours=-9)
    goes_on(bench, hours=9)
    bench.clock.advance(days=3650)  # It is ten years ahead,
    bench.hears(revision_published(2))
    bench.clock.advance(days=-3650)  # and goes back.

    goes_on(bench, minutes=1)
    assert digests(receiver) == [["rev_1"]]
    goes_on(bench, days=1)
    goes_on(bench, days=1)

    assert digests(receiver) == [["rev_1"], ["rev_2"]]


def test_a_digest_that_fails_is_tried_again_under_its_id_while_the_next_one_gathers(bench, receiver):
    receiver.answer = status(503)
    bench.subscribe(receiver.url, every="daily")
    bench.hears(revision_published(1))
    goes_on(bench, hours=8)
    bench.hears(revision_published(2))
    receiver.answer = status(200)

    goes_on(bench, days=1)
    goes_on(bench, days=1)

    assert sorted(digests(receiver)) == [["rev_1"], ["rev_1"], ["rev_2"]]
    assert len(set(receiver.ids)) == 2


def test_more_than_one_message_holds_comes_in_the_next(bench, receiver, monkeypatch):
    monkeypatch.setattr("services.notify.commands.MOST_GATHERED", 2)
    bench.subscribe(receiver.url, every="daily")
    bench.hears(*(revision_published(number) for number in range(1, 6)))

    goes_on(bench, hours=8)

    assert sorted(digests(receiver)) == [["rev_1", "rev_2"], ["rev_3", "rev_4"], ["rev_5"]]


def test_a_digest_that_a_fault_of_ours_spoils_keeps_no_other_waiting_and_is_raised_in_the_end(bench, receiver):
    bench.subscribe(receiver.url, role="lead", every="daily", kinds=["trouble"])
    bench.subscribe(receiver.url, every="daily")
    bench.hears(run_finished("run_1", error="it broke"), revision_published(1))
    with bench.work() as work:
        work.session.execute(update(NotificationRow).where(NotificationRow.kind == "trouble").values(body="{"))
    bench.clock.advance(hours=8)

    with pytest.raises(ExceptionGroup, match="1 failed: digest sub_"):
        bench.runs(jobs.send_gathered)
    bench.runs(jobs.deliver_due)

    assert digests(receiver) == [["rev_1"]]


def test_what_was_due_too_late_does_not_hold_up_more_than_one_message_holds(bench, receiver, monkeypatch):
    monkeypatch.setattr("services.notify.commands.MOST_GATHERED", 2)
    bench.subscribe(receiver.url, every="daily")
    bench.hears(*(revision_published(number) for number in range(1, 4)))
    bench.clock.advance(days=3650)
    bench.hears(revision_published(4))
    bench.clock.advance(days=-3650)

    goes_on(bench, minutes=1)
    assert receiver.received == []
    goes_on(bench, days=1)

    assert sorted(it for digest in digests(receiver) for it in digest) == ["rev_1", "rev_2", "rev_3", "rev_4"]


def test_somebody_who_leads_no_more_is_told_of_no_trouble_that_was_gathered_or_is_on_its_way(bench, receiver):
    receiver.answer = status(503)
    subscription = bench.subscribe(receiver.url, role="lead", every="daily", kinds=["revision", "trouble"])
    bench.hears(revision_published(1), run_finished("run_1", error="it broke"))
    goes_on(bench, hours=8)  # On its way, and not there.
    bench.hears(run_finished("run_2", source="pubmed", error="it broke"))
    bench.hears(RoleChanged(review=REVIEW, person="ana", role="reviewer", before="lead"))
    receiver.answer, before = status(200), len(receiver.received)

    goes_on(bench, days=2)

    later = [json.loads(received.body)["data"]["entries"] for received in receiver.received[before:]]
    assert [[entry["type"] for entry in entries] for entries in later] == [["revision.published"]]
    cancelled = next(it for it in bench.deliveries(subscription) if it["state"] == "cancelled")
    path = f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}/deliveries/{cancelled['id']}/redeliver"
    assert bench.person("ana", "reviewer").post(path).status_code == 409


def test_what_was_gathered_for_a_subscription_that_ended_is_told_nobody(bench, receiver):
    subscription = bench.subscribe(receiver.url, every="daily")
    bench.hears(revision_published(1))

    bench.person("ana").delete(f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}")
    goes_on(bench, days=2)

    assert receiver.received == []


@given(
    now=st.datetimes(datetime(1971, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    every=st.sampled_from(["daily", "weekly"]),
    zone=st.sampled_from(ZONES),
)
def test_a_morning_is_always_ahead_and_never_far(now, every, zone):
    due = due_after(now, every, zone)

    assert due is not None
    # Apia left out a day in 2011.
    assert timedelta(0) < due - now <= timedelta(days=2 if every == "daily" else 9)
    again = due_after(due, every, zone)
    assert again is not None and again > due


#: Not in the zone data, no name of a zone, a folder of zones, and no file.
UNKNOWN = ["Mars/Olympus", "../UTC", "Europe", "/etc/passwd", "", "\0"]


@pytest.mark.parametrize("zone", UNKNOWN)
@pytest.mark.parametrize("every", ["daily", "weekly"])
def test_the_morning_of_a_zone_that_nobody_here_knows_is_that_of_utc(every, zone):
    now = datetime(2020, 1, 1, 3, tzinfo=UTC)

    assert zone_of(zone) is None
    assert due_after(now, every, zone) == due_after(now, every, "UTC")


@pytest.mark.parametrize("zone", UNKNOWN[:2])
def test_a_zone_that_is_known_no_more_holds_up_nobody_and_its_owner_reads_so(bench, receiver, zone):
    gone = bench.subscribe(receiver.url, every="daily", zone="Europe/Berlin")
    other = bench.subscribe(receiver.url, every="daily")
    bench.subscribe(receiver.url)
    with bench.work() as work:  # As other zone data have it, or had it.
        theirs = update(SubscriptionRow).where(SubscriptionRow.id == gone["id"])
        work.session.execute(theirs.values(zone=zone))

    with capture_logs() as lines:
        bench.hears(revision_published(1))
    bench.runs(jobs.deliver_due)
    assert [json.loads(it.body)["type"] for it in receiver.received] == ["revision.published"]
    goes_on(bench, hours=8)

    assert digests(receiver) == [["rev_1"], ["rev_1"]]
    shown = {it["id"]: it for it in bench.person("ana").get(f"/notify/reviews/{REVIEW}/subscriptions").json()["items"]}
    assert (shown[gone["id"]]["zone"], shown[gone["id"]]["zone_unknown"]) == (zone, True)
    assert "zone_unknown" not in shown[other["id"]]
    warned = [(it["subscription"], it["zone"]) for it in lines if it["log_level"] == "warning"]
    assert warned == [(gone["id"], zone)]


def test_a_secret_that_is_rotated_signs_beside_the_new_one_for_a_day(bench, receiver):
    old = bench.subscribe(receiver.url)
    path = f"/notify/reviews/{REVIEW}/subscriptions/{old['id']}/secret"
    new = bench.person("ana").post(path).json()
    assert new["secret"] != old["secret"] and new["old_secret_until"]

    bench.hears(revision_published(1))
    bench.runs(jobs.deliver_due)
    bench.wall.advance(days=1)
    bench.hears(revision_published(2))
    bench.runs(jobs.deliver_due)

    both, newest = receiver.received
    assert len(both.headers["webhook-signature"].split()) == 2
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(both.body, both.headers)
    assert len(newest.headers["webhook-signature"].split()) == 1


def test_nobody_but_its_owner_rotates_a_secret_and_it_is_shown_once(bench, receiver):
    made = bench.subscribe(receiver.url)
    path = f"/notify/reviews/{REVIEW}/subscriptions/{made['id']}"

    assert bench.person("lea", "lead").post(f"{path}/secret").status_code == 404
    assert "secret" not in bench.person("ana").get(path).json()
    feed = bench.person("ana").post(f"/notify/reviews/{REVIEW}/subscriptions", json={"channel": "feed"}).json()
    other = bench.person("ana").post(f"/notify/reviews/{REVIEW}/subscriptions/{feed['id']}/secret")
    assert other.status_code == 409


@pytest.mark.parametrize("channel", ["chat", "card"])
def test_a_chat_is_told_in_words_in_its_own_shape(bench, receiver, channel):
    bench.subscribe(receiver.url, channel=channel)
    bench.hears(revision_published(title="<!channel> & you"))

    bench.runs(jobs.deliver_due)

    (received,) = receiver.received
    body = json.loads(received.body)
    if channel == "chat":
        assert list(body) == ["text"]
        assert body["text"].startswith("Revision 1 of “&lt;!channel&gt; &amp; you”")
    else:
        (attachment,) = body["attachments"]
        card = attachment["content"]
        assert card["body"][0]["text"] == "Revision 1 of “<!channel> & you”"
        assert card["actions"][0]["url"] == f"http://127.0.0.1:8000/reviews/{REVIEW}/findings/1"
    assert "webhook-signature" not in received.headers


def test_a_chats_address_is_held_to_what_a_webhooks_is(bench):
    body = {"channel": "chat", "url": "ftp://127.0.0.1/x"}

    assert bench.person("ana").post(f"/notify/reviews/{REVIEW}/subscriptions", json=body).status_code == 422
