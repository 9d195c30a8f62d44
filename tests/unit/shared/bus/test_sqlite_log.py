"""What only the SQLite log meets: its file, its leases, its boots (what every log promises: tests/contract)."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Timer

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from shared.bus import sqlite_group
from shared.bus.port import Consumer, Delivery, Message
from shared.bus.sqlite_log import SqliteLog
from shared.errors import LogUnavailable
from shared.events.registry import Topic

ROOT = Path(__file__).parents[4]
TOPICS = {"books": Topic("books", 3), "loans": Topic("loans", 1)}


def message(text: str, key: str = "k") -> Message:
    return Message("loans", key, text.encode())


def texts(deliveries: list[Delivery]) -> list[str]:
    return [delivery.value.decode() for delivery in deliveries]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., SqliteLog]]:
    """Opens adapters on one log, as processes of one machine would."""
    logs: list[SqliteLog] = []

    def opened(**how: float) -> SqliteLog:
        logs.append(SqliteLog(tmp_path / "log.db", TOPICS, **{"patience": 0.3, **how}))
        return logs[-1]

    with closing(SqliteLog(tmp_path / "log.db", TOPICS)) as first:
        first.create_topics()
    yield opened
    for log in logs:
        log.close()


# The file


@pytest.mark.parametrize(
    ("lost", "first"), [("= 0", 0), ("= 4", 4), ("IN (3, 7)", 3), ("= 9", 9), (">= 5", 5), (">= 0", 0)]
)
def test_a_message_that_is_not_there_is_found_wherever_it_stood(opened, lost, first) -> None:
    log = opened()
    log.append([message(str(number)) for number in range(10)])
    log.append([Message("books", f"k{number}", b"x") for number in range(10)])
    log.verify()
    with closing(sqlite3.connect(log.path, isolation_level=None)) as db:
        topic = "(SELECT id FROM topic WHERE name = 'loans')"
        db.execute(f'DELETE FROM message WHERE topic = {topic} AND "offset" {lost}')

    with pytest.raises(LogUnavailable, match=f"is damaged: it lacks loans/0@{first}$") as shown:
        log.verify()
    assert shown.value.slug == "damaged"


def test_a_log_that_another_process_locks_can_be_read_and_says_that_it_cannot_be_written(opened) -> None:
    log = opened()
    log.append([message("before")])
    with closing(log.subscribe("readers", ["loans"])) as member:
        first = member.poll(1)
        with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for attempt in (lambda: log.append([message("lost")]), log.ping, lambda: member.store(first)):
                with pytest.raises(LogUnavailable, match="locked"):
                    attempt()
            assert member.poll(0.1) == []
            assert texts([*log.read(["loans"])]) == ["before"]
        log.append([message("after")])
        assert texts(member.poll(1)) == ["after"]


def test_a_full_disk_is_told_and_nothing_of_the_append_is_left(opened) -> None:
    log = opened()
    log.append([message("before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(LogUnavailable, match="disk"):
            log.append([message("x" * 100_000) for _ in range(8)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.append([message("after")])
    assert texts([*log.read(["loans"])]) == ["before", "after"]
    assert [delivery.offset for delivery in log.read(["loans"])] == [0, 1]


def test_a_file_that_was_removed_takes_no_message(opened) -> None:
    log = opened()
    log.append([message("before")])
    log.path.unlink()
    for attempt in (lambda: log.append([message("lost")]), log.ping, lambda: log.lag("readers", ["loans"])):
        with pytest.raises(LogUnavailable, match="not there"):
            attempt()
    log.create_topics()
    log.append([message("after")])
    assert texts([*log.read(["loans"])]) == ["after"]


def test_a_file_that_was_put_back_from_a_backup_is_opened_anew(opened, tmp_path: Path) -> None:
    log = opened()
    log.append([message("kept")])
    log.close()
    shutil.copy(log.path, tmp_path / "backup.db")
    log.append([message("undone")])
    for file in tmp_path.glob("log.db*"):
        file.unlink()
    (tmp_path / "backup.db").rename(log.path)
    log.append([message("after")])
    assert texts([*log.read(["loans"])]) == ["kept", "after"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""], ids=["text", "empty"])
def test_a_file_that_is_no_event_log_is_not_used(opened, content: bytes) -> None:
    log = opened()
    log.path.write_bytes(content)
    with pytest.raises(LogUnavailable, match=r"not a database|not an event log"):
        log.append([message("lost")])
    assert log.path.read_bytes() == content


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE vote (id INTEGER)")
    with (
        closing(SqliteLog(tmp_path / "other.db", TOPICS)) as log,
        pytest.raises(LogUnavailable, match="not an event log"),
    ):
        log.create_topics()
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("vote",)]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_log_of_another_version_is_not_used(opened) -> None:
    log = opened()
    with closing(sqlite3.connect(log.path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(LogUnavailable, match="not an event log of version 2"):
        log.append([message("lost")])


def test_a_log_of_the_first_version_is_made_one_of_this_by_a_start(opened) -> None:
    log = opened()
    log.append([message("old")])
    log.close()
    with closing(sqlite3.connect(log.path)) as db:
        db.execute("ALTER TABLE message DROP COLUMN headers")
        db.execute("PRAGMA user_version = 1")
    again = opened()
    with pytest.raises(LogUnavailable, match="an earlier release's: a start of the platform"):
        list(again.read(TOPICS))

    again.upgrade()
    again.create_topics()

    again.append([message("new")._replace(headers={"traceparent": "x"})])
    assert sorted((one.value, dict(one.headers)) for one in again.read(TOPICS)) == [
        (b"new", {"traceparent": "x"}), (b"old", {}),
    ]  # fmt: skip


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    log = SqliteLog(tmp_path / "data" / "log.db", TOPICS)
    with pytest.raises(LogUnavailable, match="cannot be created"):
        log.create_topics()
    with pytest.raises(LogUnavailable, match="not there"):
        log.append([message("lost")])


@pytest.mark.waits
def test_processes_may_create_one_log_at_once(tmp_path: Path) -> None:
    code = (
        "from shared.bus.sqlite_log import SqliteLog; from shared.events.registry import Topic;"
        f"SqliteLog({str(tmp_path / 'new' / 'log.db')!r}, {{'a': Topic('a', 4)}}).create_topics()"
    )
    creating = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(5)]
    assert [process.wait(300) for process in creating] == [0] * 5
    with closing(sqlite3.connect(tmp_path / "new" / "log.db")) as db:
        assert db.execute("SELECT count(*) FROM partition").fetchone() == (4,)


def test_reading_a_page_never_scans_the_messages(opened) -> None:
    log = opened()
    with closing(sqlite3.connect(log.path)) as db:
        plan = db.execute(
            'EXPLAIN QUERY PLAN SELECT key FROM message WHERE topic = 1 AND partition = 0 AND "offset" >= 9'
            ' ORDER BY "offset" LIMIT 5'
        ).fetchall()
    assert [row[3] for row in plan] == [
        "SEARCH message USING INDEX sqlite_autoindex_message_1 (topic=? AND partition=? AND offset>?)"
    ]


# What comes first

BACKLOG = {("books", n): 40 for n in range(3)} | {("loans", 0): 8}


@pytest.fixture
def full(opened) -> SqliteLog:
    """A log of which much is unread, in each partition as much as BACKLOG says."""
    log, left = opened(), dict(BACKLOG)
    for key in range(10_000):
        done = log.append(
            [Message(topic, f"k{key}", b"m") for topic in {it[0] for it, more in left.items() if more > 0}]
        )
        for partition in done:
            left[partition] -= 1
        if not any(more > 0 for more in left.values()):
            return log
    raise AssertionError(left)


def order(log: SqliteLog, group: str, topics: Collection[str], *, of: str) -> list[tuple[str, int]]:
    """The partitions of a topic in the order in which a new group comes to them, ten messages at a time."""
    with closing(log.subscribe(group, topics)) as member:
        polls = [member.poll(0, limit=10) for _ in range(30)]
    return [
        partition
        for poll in polls
        for partition in dict.fromkeys(it.topic_partition for it in poll)
        if partition[0] == of
    ]


def test_a_busy_partition_starves_none(full):
    came_to = order(full, "readers", ["books", "loans"], of="books")

    assert came_to[:6] == [("books", 0), ("books", 1), ("books", 2)] * 2


def test_groups_that_read_other_topics_besides_come_to_the_same_messages_in_the_same_order(full):
    of_some, of_all = order(full, "some", ["books"], of="books"), order(full, "all", ["books", "loans"], of="books")

    assert of_some[:9] == of_all[:9]


# Leases


def in_time(condition: Callable[[], object], seconds: float = 120.0) -> float:
    """Waits for the condition; answers how many seconds it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.01)
    return time.monotonic() - begun


def test_a_long_handler_keeps_its_partitions(opened) -> None:
    """The lease is renewed for a member that is busy between two polls."""
    busy, other = opened(lease=2), opened(lease=2)
    with (
        closing(busy.subscribe("readers", ["loans"])) as working,
        closing(other.subscribe("readers", ["loans"])) as waiting,
    ):
        busy.append([message("slow")])
        batch = working.poll(1)
        assert waiting.poll(5) == []
        working.store(batch)
        assert busy.lag("readers", ["loans"]) == 0


def test_a_member_that_polls_no_more_loses_its_partitions_and_may_come_back(opened, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_group, "_SILENCE", 0.3)
    log = opened(lease=0.4)
    with (
        closing(log.subscribe("readers", ["loans"])) as stuck,
        closing(log.subscribe("readers", ["loans"])) as other,
    ):
        log.append([message("first")])
        batch = stuck.poll(1)
        assert texts(batch) == ["first"]
        assert texts(other.poll(120)) == ["first"]
        stuck.store(batch)
        assert log.lag("readers", ["loans"]) == 1

        other.close()
        assert texts(stuck.poll(120)) == ["first"]


@pytest.mark.waits
@pytest.mark.parametrize(
    ("what", "value"),
    [("_boot", lambda: "an earlier boot"), ("_now", lambda: time.clock_gettime(time.CLOCK_BOOTTIME) + 1000)],
    ids=["of an earlier boot", "from the future"],
)
def test_a_beat_that_cannot_be_of_now_counts_for_nothing(opened, monkeypatch, what: str, value) -> None:
    before, after = opened(lease=600), opened(lease=600)
    before.append([message("first")])
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_group, what, value)
        assert texts(before.subscribe("readers", ["loans"]).poll(1)) == ["first"]
        before.close()
    with closing(after.subscribe("readers", ["loans"])) as member:
        assert texts(member.poll(60)) == ["first"]


@pytest.mark.waits
def test_an_append_of_another_process_is_seen_without_looking_for_it(opened, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_group.Member, "_until_next_look", lambda member: 600.0)
    here, there = opened(), opened()
    with closing(here.subscribe("readers", ["loans"])) as member:
        assert member.poll(0.1) == []
        late = Timer(0.2, there.append, [[message("hello")]])
        late.start()
        begun = time.monotonic()
        assert texts(member.poll(600)) == ["hello"]
        assert time.monotonic() - begun < 300, "a change of the file wakes it, long before it looks by itself"
        late.join()


@pytest.mark.waits
def test_members_of_one_group_with_different_topics_leave_none_unread(opened) -> None:
    log = opened()
    members: list[Consumer] = [
        log.subscribe("readers", ["books", "loans"]),
        log.subscribe("readers", ["loans"]),
        log.subscribe("readers", ["books"]),
    ]
    log.append([message("loan"), *(Message("books", f"book{n}", b"book") for n in range(30))])
    given: list[Delivery] = []

    def all_given() -> bool:
        for member in members:
            batch = member.poll(0.02)
            member.store(batch)
            given.extend(batch)
        return log.lag("readers", ["books", "loans"]) == 0

    in_time(all_given)
    assert {(it.topic, it.partition) for it in given} == {("loans", 0), ("books", 0), ("books", 1), ("books", 2)}
    for member in members:
        member.close()


# Whatever happens


class AnyHistory(RuleBasedStateMachine):
    """Processes append, join, poll, store, hold, leave and die in any order; in the end one more process
    reads on. Whatever the history: the group saw every message, and each key's in the order of its append.
    """

    LEASE = 0.15

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.appended: dict[str, list[str]] = defaultdict(list)
        self.seen: dict[str, list[str]] = defaultdict(list)
        self.processes: list[tuple[SqliteLog, Consumer, list[Delivery]]] = []
        self.writer = self.open()
        self.writer.create_topics()

    def open(self) -> SqliteLog:
        return SqliteLog(Path(self.folder.name) / "log.db", TOPICS, lease=self.LEASE)

    @rule(keys=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6))
    def append(self, keys: list[str]) -> None:
        messages = []
        for key in keys:
            self.appended[key].append(f"{key}{len(self.appended[key])}")
            messages.append(Message("books", key, self.appended[key][-1].encode()))
        self.writer.append(messages)

    @precondition(lambda self: len(self.processes) < 3)
    @rule()
    def join(self) -> None:
        log = self.open()
        self.processes.append((log, log.subscribe("readers", ["books"]), []))

    @precondition(lambda self: self.processes)
    @rule(who=st.integers(0, 2), limit=st.integers(1, 5))
    def poll(self, who: int, limit: int) -> None:
        _, member, given = self.processes[who % len(self.processes)]
        given += self.see(member.poll(0.005, limit))

    @precondition(lambda self: self.processes)
    @rule(who=st.integers(0, 2))
    def store(self, who: int) -> None:
        _, member, given = self.processes[who % len(self.processes)]
        member.store(given)
        given.clear()

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 20))
    def hold(self, which: int) -> None:
        """Stores what stands before one delivery in its partition and holds that, as a listener does."""
        # Whether anyone was given something depends on the clock, so it cannot be a precondition.
        _, member, given = next((process for process in self.processes if process[2]), self.processes[0])
        if not given:
            return
        held = given[which % len(given)]
        same = [it for it in given if it.partition == held.partition]
        member.store([it for it in same if it.offset < held.offset])
        member.hold(held, 0.01)
        given[:] = [it for it in given if it not in same]

    @precondition(lambda self: self.processes)
    @rule(who=st.integers(0, 2))
    def leave(self, who: int) -> None:
        log, member, _ = self.processes.pop(who % len(self.processes))
        member.close()
        log.close()

    @precondition(lambda self: self.processes)
    @rule(who=st.integers(0, 2))
    def die(self, who: int) -> None:
        """Nothing beats for its member any more, and nobody said goodbye."""
        log, _, _ = self.processes.pop(who % len(self.processes))
        log.close()

    def see(self, deliveries: list[Delivery]) -> list[Delivery]:
        for delivery in deliveries:
            text = delivery.value.decode()
            if text not in self.seen[delivery.key]:
                self.seen[delivery.key].append(text)
        return deliveries

    def teardown(self) -> None:
        while self.processes:
            self.die(0)
        with closing(self.writer.subscribe("readers", ["books"])) as last:
            in_time(lambda: last.store(self.see(last.poll(0.05))) or self.writer.lag("readers", ["books"]) == 0)
        self.writer.close()
        with suppress(OSError):
            self.folder.cleanup()
        assert self.seen == self.appended


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
