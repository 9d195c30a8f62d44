"""What was withdrawn reaches a process from the log alone, and a process that hears nothing decides nothing."""

from __future__ import annotations

import math
import time
from threading import Event as Signal

import pytest

from shared.bus.port import Message
from shared.bus.sqlite_log import SqliteLog
from shared.errors import LogUnavailable, Rejected, Unauthenticated, Unavailable
from shared.events.base import Envelope
from shared.events.people import AccessWithdrawn
from shared.events.registry import TOPICS
from shared.ids import new_id
from shared.runtime.withdrawals import Withdrawals
from shared.tokens import Person
from shared.withdrawn import Withdrawn

pytestmark = pytest.mark.waits

AT = "2025-01-01T00:00:00+00:00"
ANA = Person.member("person_ana", "reviewer", ("ics",), key="key_1", number=1)


@pytest.fixture
def log(tmp_path):
    made = SqliteLog(str(tmp_path / "log.db"), TOPICS)
    made.create_topics()
    yield made
    made.close()


def withdrawal(subject: str, number: int, version: int = 1) -> bytes:
    return Envelope(
        id=new_id("evt"), type=AccessWithdrawn.type, dataversion=version, source="living/people", subject=subject,
        time=AT, recordedtime=AT, correlationid="flow", causationid=None, actor="person_lea",
        data={"review": "ics", "subject": subject, "number": number},
    ).to_json()  # fmt: skip


def put(log: SqliteLog, *values: bytes) -> None:
    log.append([Message(AccessWithdrawn.topic, "x", value) for value in values])


def reader(log) -> Withdrawals:
    return Withdrawals(log, Signal())


def test_whatever_was_made_before_a_withdrawal_counts_no_more_and_what_was_made_after_it_does(log):
    put(log, withdrawal("key_1", 2), withdrawal("person_ben", 3))
    following = reader(log)

    following.look()

    with pytest.raises(Unauthenticated) as refused:
        following.withdrawn.require_standing(ANA)
    assert refused.value.slug == "withdrawn"
    following.withdrawn.require_standing(Person.member("person_ana", "reviewer", key="key_1", number=2))
    following.withdrawn.require_standing(Person.member("person_cleo", "reviewer", key="key_2", number=0))


def test_a_withdrawn_person_is_refused_by_every_key(log):
    put(log, withdrawal("person_ana", 2))
    following = reader(log)
    following.look()

    with pytest.raises(Unauthenticated):
        following.withdrawn.require_standing(ANA)


def test_what_comes_later_is_read_once_more_each_time(log):
    following = reader(log)
    following.look()
    following.withdrawn.require_standing(ANA)

    put(log, withdrawal("key_1", 5))
    following.look()

    with pytest.raises(Unauthenticated):
        following.withdrawn.require_standing(ANA)


def test_a_process_that_starts_again_knows_all_of_them(log):
    put(log, *(withdrawal(f"key_{number}", number) for number in range(1, 1200)))

    following = reader(log)
    following.look()

    with pytest.raises(Unauthenticated):
        following.withdrawn.require_standing(Person.member("p", "reader", key="key_1199", number=1198))


def test_nobody_decides_before_the_first_look_and_all_do_after_it(log):
    following = reader(log)
    with pytest.raises(Unavailable) as refused:
        following.withdrawn.require_current()
    assert refused.value.slug == "withdrawals_unknown"

    following.look()

    following.withdrawn.require_current()


def test_a_list_that_is_too_old_lets_nobody_decide_and_says_how_old_it_is():
    withdrawn = Withdrawn()
    withdrawn.know_all(time.monotonic() - 61)

    with pytest.raises(Unavailable, match="61 seconds old"):
        withdrawn.require_current()


class Frozen:
    """A log of which a partition has more than it gives."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log

    def ends(self, topics):
        return {partition: end + 1 for partition, end in self._log.ends(topics).items()}

    def between(self, spans):
        raise LogUnavailable("not a message came for 10 seconds")


def test_a_partition_that_is_held_makes_the_list_no_newer(log):
    following = reader(Frozen(log))

    with pytest.raises(LogUnavailable):
        following.look()

    assert following.withdrawn.age is None


@pytest.mark.parametrize("value", [b"no json", b"{}", b"[]"])
def test_what_is_no_event_withdraws_nothing_and_holds_nothing_up(log, value):
    put(log, value, withdrawal("key_1", 7))
    following = reader(log)

    following.look()

    following.withdrawn.require_current()
    with pytest.raises(Unauthenticated):
        following.withdrawn.require_standing(ANA)


def test_a_withdrawal_of_a_later_release_keeps_the_list_old_until_it_can_be_read(log):
    put(log, withdrawal("key_1", 7, version=2))
    following = reader(log)

    for _ in range(2):
        with pytest.raises(Rejected):
            following.look()

    assert following.withdrawn.age is None


def test_a_log_that_is_another_than_before_is_read_from_its_start(log, tmp_path):
    put(log, *(withdrawal("key_9", number) for number in range(1, 6)))
    following = reader(log)
    following.look()
    other = SqliteLog(str(tmp_path / "other.db"), TOPICS)
    other.create_topics()
    put(other, withdrawal("key_1", 6))
    following._log = other

    following.look()

    with pytest.raises(Unauthenticated):
        following.withdrawn.require_standing(ANA)
    other.close()


def test_a_list_that_is_known_for_good_is_never_too_old():
    withdrawn = Withdrawn()
    withdrawn.know_all(math.inf)
    withdrawn.require_current()
