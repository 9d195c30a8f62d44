"""What was withdrawn reaches a process from the log alone, and a process that hears nothing decides nothing."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from threading import Event as Signal

import pytest
from structlog.testing import capture_logs

from shared.bus.port import Message
from shared.bus.sqlite_log import SqliteLog
from shared.errors import LogUnavailable, Rejected, Unauthenticated, Unavailable
from shared.events.base import Envelope
from shared.events.people import AccessWithdrawn
from shared.events.registry import TOPICS
from shared.ids import new_id
from shared.runtime import withdrawals
from shared.runtime.withdrawals import _KEPT, Withdrawals
from shared.tokens import LONGEST, Person
from shared.withdrawn import OLDEST, Withdrawn
from tests.unit.shared.runtime.rig import PlatformRig
from tests.waiting import eventually

pytestmark = pytest.mark.waits

AT = datetime.now(UTC).isoformat()
ANA = Person.member("person_ana", "reviewer", ("ics",), key="key_1", number=1)


@pytest.fixture
def log(tmp_path):
    made = SqliteLog(str(tmp_path / "log.db"), TOPICS)
    made.create_topics()
    yield made
    made.close()


def withdrawal(subject: str, number: int, version: int = 1, at: str = AT) -> bytes:
    return Envelope(
        id=new_id("evt"), type=AccessWithdrawn.type, dataversion=version, source="living/people", subject=subject,
        time=AT, recordedtime=at, correlationid="flow", causationid=None, actor="person_lea",
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


def test_a_look_that_takes_long_makes_the_list_as_new_as_it_was_when_it_was_begun(log, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slow:
        def ends(self, topics):
            now[0] += 100
            return log.ends(topics)

        def between(self, spans):
            return log.between(spans)

    following = reader(Slow())
    following.look()

    assert following.withdrawn.age == 100
    with pytest.raises(Unavailable, match="100 seconds old"):
        following.withdrawn.require_current()


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


def test_a_list_may_be_a_minute_old():
    withdrawn = Withdrawn()
    withdrawn.know_all(time.monotonic())

    withdrawn.require_current()
    assert OLDEST == withdrawn._oldest == 60


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


def refused(following: Withdrawals, person: Person) -> bool:
    try:
        following.withdrawn.require_standing(person)
    except Unauthenticated:
        return True
    return False


def test_a_withdrawal_that_cannot_be_read_hides_none_behind_it(log):
    put(log, withdrawal("key_7", 1, version=2), withdrawal("key_1", 2))
    following = reader(log)

    with pytest.raises(Rejected):
        following.look()

    assert refused(following, ANA)
    assert following.withdrawn.age is None


def test_a_log_that_comes_back_as_another_is_read_from_its_start_though_it_is_as_long(log, tmp_path):
    put(log, withdrawal("key_8", 1), withdrawal("key_9", 2))
    following = reader(log)
    following.look()
    log.path.rename(tmp_path / "lost.db")
    with pytest.raises(LogUnavailable):
        following.look()

    other = SqliteLog(str(tmp_path / "log.db"), TOPICS)
    other.create_topics()
    put(other, withdrawal("key_1", 3), withdrawal("key_9", 2))
    other.close()
    following.look()

    assert refused(following, ANA)


def test_a_withdrawal_that_no_token_can_be_older_than_is_kept_in_mind_no_longer(log, monkeypatch):
    assert _KEPT > 10 * LONGEST, "clocks may differ"
    put(log, withdrawal("key_9", 1, at=(datetime.now(UTC) - 2 * _KEPT).isoformat()), withdrawal("key_1", 2))
    following = reader(log)
    following.look()
    assert refused(following, ANA) and [*following.withdrawn._numbers] == ["key_1"]

    monkeypatch.setattr(withdrawals, "datetime", Tomorrow)
    following.look()

    assert following.withdrawn._numbers == {} and not following._kept


class Tomorrow(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + _KEPT + timedelta(hours=1)


def test_a_subject_that_was_withdrawn_again_is_kept_in_mind_for_the_later_one(log):
    before = (datetime.now(UTC) - 2 * _KEPT).isoformat()
    put(log, withdrawal("key_1", 1, at=before), withdrawal("key_1", 2), withdrawal("key_1", 1, at=before))
    following = reader(log)

    following.look()

    assert refused(following, ANA)


def test_what_is_read_again_and_again_takes_no_more_memory(log):
    put(log, withdrawal("key_1", 2), withdrawal("key_7", 3, version=2))
    following = reader(log)

    for _ in range(5):
        with pytest.raises(Rejected):
            following.look()

    assert len(following._kept) == 1


def test_health_says_why_the_list_is_too_old(log):
    following = reader(log)
    following.look()
    following.health()

    following.withdrawn.know_all(time.monotonic() - 61)
    following.worker.trouble = "the broker is away"

    with pytest.raises(Unavailable, match=r"61 seconds old.*\(the broker is away\)"):
        following.health()


@pytest.fixture
def rig(tmp_path, workbench, monkeypatch) -> PlatformRig:
    """A platform whose thread never looks."""
    monkeypatch.setattr(Withdrawals, "_turn", lambda self: self._stopping.wait(300) and None)
    return PlatformRig(tmp_path / "data", workbench)


def test_a_process_knows_what_was_withdrawn_before_it_answers_anybody(rig):
    rig.start()
    with rig.log() as log:
        put(log, withdrawal("key_1", 2))

    with rig.platform() as platform:
        assert refused(platform.withdrawals, ANA)
        platform.withdrawals.withdrawn.require_current()


def test_a_process_that_cannot_read_what_was_withdrawn_starts_and_decides_nothing(rig):
    rig.start()
    with rig.log() as log:
        put(log, withdrawal("key_7", 1, version=2))

    with capture_logs() as lines, rig.platform() as platform, pytest.raises(Unavailable, match="never read"):
        platform.withdrawals.withdrawn.require_current()
    assert "starts without knowing what was withdrawn" in [line["event"] for line in lines]


def test_a_log_that_is_away_is_looked_at_again_without_growing_pauses():
    class Away:
        asked = 0

        def ends(self, topics):
            self.asked += 1
            raise LogUnavailable("away")

    away, stopping = Away(), Signal()
    following = Withdrawals(away, stopping, every=0.001)
    following.worker.start()

    # With doubled pauses so many looks would take longer than the universe is old.
    eventually(lambda: away.asked > 100)
    stopping.set()
    following.worker.join(300)
