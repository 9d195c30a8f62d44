"""The rules of notices: the schedule, fairness, and what a notice says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import (
    RETRIES,
    Outcome,
    judge,
    origin,
    overdue_notification,
    revision_notification,
    share_fairly,
)
from tests.unit.services.notify.rig import review_overdue, revision_published

NOW = datetime(2020, 1, 1, tzinfo=UTC)
FAILURE = Outcome(500, "HTTP 500")


def test_a_2xx_answer_is_success_and_nothing_else_is():
    judged = {status: judge(Outcome(status), 0, now=NOW, jitter=0).state for status in range(100, 600)}

    assert {status for status, state in judged.items() if state == "delivered"} == set(range(200, 300))


def test_failures_follow_the_schedule_standard_webhooks_recommends():
    pauses = [judge(FAILURE, failures, now=NOW, jitter=0).due_at - NOW for failures in range(9)]

    minutes = [timedelta(minutes=m) for m in (5, 30, 120, 300, 600, 840, 1200, 1440)]
    assert pauses == [timedelta(seconds=5), *minutes]


def test_the_tenth_failure_is_the_last():
    assert judge(FAILURE, 8, now=NOW, jitter=0).state == "waiting"
    assert judge(FAILURE, 9, now=NOW, jitter=0).state == "failed"


def test_a_receiver_that_is_gone_is_not_tried_again():
    assert judge(Outcome(410, "HTTP 410"), 0, now=NOW, jitter=0).state == "failed"


@given(failures=st.integers(0, len(RETRIES) - 1), jitter=st.floats(0, 1), asked=st.floats(0, 1e12) | st.none())
def test_a_pause_is_never_shorter_than_the_schedule_nor_longer_than_a_day_and_a_tenth(failures, jitter, asked):
    verdict = judge(Outcome(503, "HTTP 503", asked), failures, now=NOW, jitter=jitter)

    pause = verdict.due_at - NOW
    assert RETRIES[failures] <= pause <= timedelta(hours=24) * 1.1


def test_a_receiver_may_ask_for_a_longer_pause():
    assert judge(Outcome(429, "HTTP 429", 90), 0, now=NOW, jitter=0).due_at == NOW + timedelta(seconds=90)


@dataclass(frozen=True)
class Item:
    host: str


@given(hosts=st.lists(st.sampled_from("abc")), busy=st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)))
def test_no_host_has_more_than_its_share_and_no_room_is_left_unused(hosts, busy):
    chosen = [item.host for item in share_fairly(map(Item, hosts), busy, 2)]

    for host in "abc":
        free = max(0, 2 - busy.get(host, 0))
        assert chosen.count(host) == min(free, hosts.count(host))


def test_what_changed_is_gathered_by_cmoc():
    notification = revision_notification(revision_published(), at=NOW, public_url="https://living.example/")

    seen = {changed.cmoc: [line.what for line in changed.changes] for changed in notification.data.changed}
    assert seen == {"a": ["support", "outcome"], "b": ["status"]}
    assert [changed.theory for changed in notification.data.changed] == ["Growing", "Resting"]
    assert notification.data.support == {"a": 3, "b": 1}
    assert notification.data.flagged == ["b"]
    assert notification.data.link == "https://living.example/reviews/garden/findings/1"


def test_the_alarm_says_since_when_a_review_is_overdue():
    notification = overdue_notification(review_overdue(), at=NOW, public_url="https://living.example")

    assert notification.model_dump(mode="json")["data"] == {
        "review": "garden",
        "due": "2020-06-01",
        "last_published": None,
        "link": "https://living.example/reviews/garden/findings",
    }


def test_others_see_only_where_an_address_begins():
    assert origin("https://hooks.example:8443/T0/secret?token=x") == "https://hooks.example:8443/..."
