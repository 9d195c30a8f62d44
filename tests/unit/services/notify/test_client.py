"""The client: the same words as the routes, and a check that trusts nothing it cannot prove."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.notify import jobs
from shared.client.http import Http
from shared.client.notify import NotifyClient, verify
from shared.errors import Invalid, NotFound
from shared.wire.notify import NewSubscription, RevisionNotification, TrialNotification
from tests.unit.services.notify.rig import REVIEW, revision_published, status

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture
def client(bench) -> NotifyClient:
    person = bench.person("ana", "reader")
    token = person.headers["authorization"].removeprefix("Bearer ")
    return NotifyClient(Http("http://testserver", token, client=person))


def signed(body: bytes, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(SECRET).sign("dlv_1", at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": "dlv_1", "webhook-timestamp": stamp, "webhook-signature": signature}


def trial() -> bytes:
    return (
        b'{"type":"test","timestamp":"2020-01-01T00:00:00Z",'
        b'"data":{"review":"garden","subscription":"sub_1","message":"hello"}}'
    )


@pytest.mark.waits
def test_a_subscriber_lives_through_the_client_alone(bench, client, receiver):
    subscription = client.subscribe(REVIEW, NewSubscription(channel="webhook", url=receiver.url))
    client.send_test(REVIEW, subscription.id)
    bench.hears(revision_published())
    bench.runs(jobs.deliver_due)

    notifications = [verify(got.headers, got.body, subscription.secret) for got in receiver.received]
    assert {type(notification) for notification in notifications} == {RevisionNotification, TrialNotification}
    assert [shown.id for shown in client.subscriptions(REVIEW)] == [subscription.id]
    assert client.subscription(REVIEW, subscription.id).active
    deliveries = list(client.deliveries(REVIEW, subscription.id))
    assert [delivery.about for delivery in deliveries] == ["rev_1", "test"]
    assert client.redeliver(REVIEW, subscription.id, deliveries[0].id).state == "waiting"
    assert b"urn:living:revision:rev_1" in client.feed(REVIEW)
    assert not client.unsubscribe(REVIEW, subscription.id).active


def test_the_clients_errors_are_the_platforms(bench, client):
    with pytest.raises(NotFound, match="sub_none"):
        client.subscription(REVIEW, "sub_none")
    with pytest.raises(Invalid, match="https"):
        client.subscribe(REVIEW, NewSubscription(channel="webhook", url="ftp://example.org/"))


def test_a_notice_with_a_good_signature_is_read():
    notification = verify(signed(trial()), trial(), SECRET)

    assert isinstance(notification, TrialNotification)
    assert notification.data.message == "hello"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_notice_without_one_of_its_headers_is_refused(missing):
    headers = signed(trial())
    del headers[missing]

    with pytest.raises(Invalid, match="not to be trusted"):
        verify(headers, trial(), SECRET)


@pytest.mark.parametrize("away", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_notice_from_another_time_is_refused(away):
    headers = signed(trial(), datetime.now(UTC) + away)

    with pytest.raises(Invalid, match="too"):
        verify(headers, trial(), SECRET)


def test_a_signed_body_that_is_no_notice_is_refused():
    with pytest.raises(Invalid):
        verify(signed(b'{"type":"gossip"}'), b'{"type":"gossip"}', SECRET)


@given(headers=st.fixed_dictionaries({name: st.text() for name in signed(trial())}), body=st.binary(), secret=st.text())
def test_no_forgery_is_believed_and_none_breaks_the_check(headers, body, secret):
    with pytest.raises(Invalid):
        verify(headers, body, secret)


@given(signature=st.text(alphabet="v1a,= Az09+/"))
def test_no_made_up_signature_is_believed(signature):
    with pytest.raises(Invalid):
        verify({**signed(trial()), "webhook-signature": signature}, trial(), SECRET)


@pytest.mark.waits
def test_a_notice_that_could_not_be_told_is_seen_by_its_subscriber(bench, client, receiver):
    receiver.answer = status(500)
    subscription = client.subscribe(REVIEW, NewSubscription(channel="webhook", url=receiver.url))
    bench.hears(revision_published())
    bench.runs(jobs.deliver_due)

    (delivery,) = client.deliveries(REVIEW, subscription.id)
    assert (delivery.state, delivery.attempts[0].error) == ("waiting", "HTTP 500")
