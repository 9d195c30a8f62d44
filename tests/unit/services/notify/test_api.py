"""Subscriptions over HTTP: mine are mine, the secret is shown once, and bad wishes are told why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify import commands, jobs
from shared import logging as living_logging
from shared.paging import encode_cursor, mark_of
from shared.settings import Settings
from tests.unit.services.notify.rig import REVIEW, revision_published, status

BASE = f"/notify/reviews/{REVIEW}/subscriptions"
HOOK = "http://127.0.0.1:9/services/T0/path-secret"


def test_a_webhook_is_answered_with_its_secret_and_a_feed_with_its_address(bench):
    webhook, feed = bench.subscribe(HOOK), bench.subscribe(None, channel="feed")

    assert webhook["secret"].startswith("whsec_")
    assert (webhook["address"], webhook["kinds"], webhook["active"]) == (HOOK, ["revision"], True)
    assert feed["secret"] is None
    assert feed["address"] == "http://127.0.0.1:8000/notify/reviews/garden/feed.atom"


def test_every_subscription_has_a_secret_of_its_own(bench):
    assert bench.subscribe(HOOK)["secret"] != bench.subscribe(HOOK)["secret"]


@pytest.fixture
def logs(capfd) -> Iterator[Callable[[], str]]:
    """Everything that is logged, at the most talkative level, as it would be on standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    living_logging.configure(Settings(_env_file=None, log_level="debug", log_format="json"))
    yield lambda: capfd.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.waits
def test_the_secret_is_in_no_other_answer_and_in_no_log(bench, receiver, logs):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published())
    receiver.answer = status(500)
    bench.runs(jobs.deliver_due)
    owner, lead, path = bench.person("ana", "reader"), bench.person("lea", "lead"), f"{BASE}/{subscription['id']}"

    answers = [
        owner.get(BASE), owner.get(path), owner.get(f"{path}/deliveries"), lead.get(f"{BASE}?everyone=true"),
        owner.post(f"{path}/test"), lead.get(f"/notify/reviews/{REVIEW}/events"), owner.delete(path),
    ]  # fmt: skip

    core = subscription["secret"].removeprefix("whsec_")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 202, 200, 200]
    assert not any(core in answer.text for answer in answers)
    logged = logs()
    assert "notification not delivered" in logged
    assert core not in logged


def test_a_retried_request_is_answered_with_the_same_subscription_and_secret(bench):
    client, wish = bench.person("ana", "reader"), {"channel": "webhook", "url": HOOK}

    first, again = (client.post(BASE, json=wish, headers={"Idempotency-Key": "k" * 8}) for _ in range(2))

    assert first.json() == again.json()
    assert len(client.get(BASE).json()["items"]) == 1


def test_someone_elses_subscription_is_not_visible(bench):
    subscription = bench.subscribe(HOOK, by="ana")
    ben, path = bench.person("ben", "adjudicator"), f"{BASE}/{subscription['id']}"
    bench.hears(revision_published())
    (delivery,) = bench.deliveries(subscription)

    answers = [
        ben.get(path), ben.delete(path), ben.get(f"{path}/deliveries"), ben.post(f"{path}/test"),
        ben.post(f"{path}/deliveries/{delivery['id']}/redeliver"),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [404] * 5
    assert ben.get(BASE).json()["items"] == []
    assert ben.get(f"{BASE}?everyone=true").status_code == 403
    assert bench.person("ana", "reader").get(path).json()["active"] is True


def test_a_lead_sees_everyones_subscriptions_but_not_their_whole_addresses(bench):
    subscription = bench.subscribe(HOOK, by="ana")
    lead = bench.person("lea", "lead")

    (shown,) = lead.get(f"{BASE}?everyone=true").json()["items"]

    assert (shown["id"], shown["owner"]) == (subscription["id"], "ana")
    assert shown["address"] == "http://127.0.0.1:9/..."
    assert lead.get(BASE).json()["items"] == []


@pytest.mark.waits
def test_a_lead_may_send_someones_notice_again(bench, receiver):
    subscription = bench.subscribe(receiver.url, by="ana")
    bench.hears(revision_published())
    bench.runs(jobs.deliver_due)
    (delivery,) = bench.deliveries(subscription)

    answer = bench.person("lea", "lead").post(f"{BASE}/{subscription['id']}/deliveries/{delivery['id']}/redeliver")
    bench.runs(jobs.deliver_due)

    assert answer.status_code == 200
    assert receiver.ids == [delivery["id"]] * 2


def test_a_delivery_of_another_subscription_is_not_found_under_mine(bench):
    mine, other = bench.subscribe(HOOK, by="ana"), bench.subscribe(HOOK, by="ben")
    bench.hears(revision_published())
    (delivery,) = bench.deliveries(other, by="ben")

    answer = bench.person("ana", "reader").post(f"{BASE}/{mine['id']}/deliveries/{delivery['id']}/redeliver")

    assert answer.status_code == 404


def test_a_token_for_another_review_sees_nothing(bench):
    stranger = bench.person("ana", "lead", reviews=("orchard",))

    assert stranger.get(BASE).status_code == 403
    assert stranger.post(BASE, json={"channel": "feed"}).status_code == 403
    assert stranger.get(f"/notify/reviews/{REVIEW}/feed.atom").status_code == 403


def test_a_subscription_is_not_found_under_another_review(bench):
    subscription = bench.subscribe(HOOK)

    answer = bench.person("ana", "reader").get(f"/notify/reviews/orchard/subscriptions/{subscription['id']}")

    assert answer.status_code == 404


def test_only_a_lead_may_ask_for_alarms(bench):
    wish = {"channel": "webhook", "url": HOOK, "kinds": ["revision", "overdue"]}

    assert bench.person("ana", "adjudicator").post(BASE, json=wish).status_code == 403
    assert bench.person("lea", "lead").post(BASE, json=wish).status_code == 201


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({}, "channel"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "webhook"}, "url"),
        ({"channel": "feed", "url": HOOK}, "url"),
        ({"channel": "feed", "kinds": ["overdue"]}, "kinds"),
        ({"channel": "webhook", "url": HOOK, "kinds": []}, "kinds"),
        ({"channel": "webhook", "url": HOOK, "kinds": ["gossip"]}, "kinds"),
        ({"channel": "webhook", "url": HOOK, "kinds": ["revision", "revision"]}, "kinds"),
        ({"channel": "webhook", "url": "http://127.0.0.1/" + "x" * 2000}, "url"),
        ({"channel": "webhook", "url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"channel": "webhook", "url": "file:///etc/passwd"}, "url"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_the_field_named(bench, wish, why):
    answer = bench.person("ana", "lead").post(BASE, json=wish)

    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert bench.person("ana").get(BASE).json()["items"] == []


def test_a_person_has_a_limited_number_of_subscriptions(bench, monkeypatch):
    monkeypatch.setattr(commands, "MOST_SUBSCRIPTIONS", 2)
    first = bench.subscribe(HOOK)
    bench.subscribe(HOOK)

    refused = bench.person("ana", "reader").post(BASE, json={"channel": "webhook", "url": HOOK})
    bench.person("ana", "reader").delete(f"{BASE}/{first['id']}")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:living:problem:too_many_subscriptions")
    bench.subscribe(HOOK)
    bench.subscribe(HOOK, by="ben")


def test_an_ended_subscription_stays_visible_and_takes_nothing_more(bench):
    subscription = bench.subscribe(HOOK)
    owner, path = bench.person("ana", "reader"), f"{BASE}/{subscription['id']}"

    ended, again = owner.delete(path), owner.delete(path)

    assert ended.json() == again.json() == owner.get(path).json()
    assert (ended.json()["active"], ended.json()["ended_why"]) == (False, "ended by ana")
    assert owner.post(f"{path}/test").json()["type"] == "urn:living:problem:subscription_ended"


def test_nothing_can_be_sent_to_a_feed(bench):
    feed = bench.subscribe(None, channel="feed")

    assert bench.person("ana", "reader").post(f"{BASE}/{feed['id']}/test").status_code == 409


def test_listings_come_in_pages_without_gaps_or_doubles(bench):
    made = [bench.subscribe(HOOK)["id"] for _ in range(5)]
    client = bench.person("ana", "reader")

    assert walk(client, BASE, limit=2) == made
    for number in range(1, 6):
        bench.hears(revision_published(number))
    path = f"{BASE}/{made[0]}/deliveries"
    assert walk(client, path, limit=2, show="about") == ["rev_5", "rev_4", "rev_3", "rev_2", "rev_1"]


def walk(client, path: str, *, limit: int, show: str = "id") -> list[str]:
    found, cursor = [], None
    while True:
        page = client.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        found += [item[show] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@settings(max_examples=60)
@given(position=st.lists(json_values, max_size=3).filter(lambda position: "\x00" not in str(position)))
def test_a_made_up_cursor_is_a_problem_or_a_page_and_never_a_breakdown(bench, position):
    client = bench.person("ana", "reader")

    for path in (BASE, f"/notify/reviews/{REVIEW}/feed.atom"):
        try:
            cursor = encode_cursor(mark_of(path), position)
        except TypeError:
            return
        assert client.get(path, params={"cursor": cursor}).status_code in (200, 422)


@pytest.mark.parametrize("path", ["subscriptions", "subscriptions/{id}/test"])
def test_a_key_that_was_used_for_another_review_is_a_conflict(bench, path):
    mine, key = bench.subscribe(HOOK)["id"], {"Idempotency-Key": "same-key-0001"}
    address = "/notify/reviews/{review}/" + path.replace("{id}", mine)
    ana = bench.person("ana", "reader")
    body = {"channel": "webhook", "url": HOOK} if path == "subscriptions" else None

    first = ana.post(address.format(review=REVIEW), json=body, headers=key)
    again = ana.post(address.format(review=REVIEW), json=body, headers=key)
    other = ana.post(address.format(review="other"), json=body, headers=key)

    assert first.status_code == again.status_code < 300
    assert again.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["type"]) == (409, "urn:living:problem:key_reused")


def test_a_key_belongs_to_one_person(bench):
    key, body = {"Idempotency-Key": "same-key-0002"}, {"channel": "feed"}
    made = [bench.person(who, "reader").post(BASE, json=body, headers=key).json()["id"] for who in ("ana", "ben")]

    assert made[0] != made[1]
