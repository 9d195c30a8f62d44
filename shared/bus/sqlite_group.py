"""Groups of the SQLite log: how members share partitions out, stay alive, and learn what others wrote."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Lock, Thread

from shared.bus import sqlite_tables as tables
from shared.bus.port import BYTES_AT_ONCE, Delivery, Partition
from shared.bus.sqlite_file import LogFile, transaction
from shared.bus.sqlite_tables import PartitionState
from shared.errors import LogUnavailable
from shared.ids import new_id

#: Seconds between two looks at the file for what other processes wrote.
_TICK = 0.03
#: Seconds without a poll after which a member counts as stuck, and its lease is let go (as long as Kafka's).
_SILENCE = 300.0


class Watch:
    """One thread for all members of a process: tells them that the log changed, and renews their leases."""

    def __init__(self, path: Path, lease: float, patience: float) -> None:
        self.path, self.lease, self.patience = path, lease, patience
        self._changed, self.changes = Condition(), 0
        self._members: dict[str, Member] = {}
        self._lock, self._closing = Lock(), Event()
        self._thread: Thread | None = None

    def tell_change(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def wait_for_change(self, seen: int, seconds: float) -> None:
        """Waits until `changes` is no longer what was seen, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen, seconds)

    def keep_alive(self, member: Member) -> None:
        with self._lock:
            self._members[member.id] = member
            if self._thread is None:
                self._thread = Thread(target=self._run, name="sqlite-log", daemon=True)
                self._thread.start()

    def forget(self, member: Member) -> None:
        with self._lock:
            self._members.pop(member.id, None)

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        # Beats are not synced to the disk: after a crash of the machine they count for nothing anyway.
        file, version, next_beat = LogFile(self.path, self.patience, synchronous="NORMAL"), 0, 0.0
        while not self._closing.wait(_TICK):
            # Whoever polls or appends meets the same trouble, and tells it.
            with suppress(LogUnavailable), file.reading() as db:
                if time.monotonic() >= next_beat:
                    self._beat(db)
                    next_beat = time.monotonic() + self.lease / 4
                (current,) = db.execute("PRAGMA data_version").fetchone()
                if current != version:
                    version = current
                    self.tell_change()
        file.close()

    def _beat(self, db: sqlite3.Connection) -> None:
        with self._lock:
            members = [it for it in self._members.values() if time.monotonic() - it.polled < _SILENCE]
        if members:
            with transaction(db):
                tables.beat(db, [(it.group, it.id) for it in members], _now())


class Member:
    """A consumer. Each member reckons by itself, from the same tables, whose turn a partition is; it gives
    up what is another's turn and takes what is its own, once that is free or its holder is dead.
    """

    def __init__(self, watch: Watch, group: str, topics: Collection[str]) -> None:
        self.id, self.group, self.polled = new_id("member"), group, time.monotonic()
        self._signal, self._topics = watch, sorted(topics)
        # Positions are not synced to the disk: what a crash of the machine takes back of them is read once more.
        self._file, self._boot = LogFile(watch.path, watch.patience, synchronous="NORMAL"), _boot()
        self._position: dict[Partition, int] = {}
        self._held: dict[Partition, float] = {}
        self._reads: set[Partition] = set()
        self._turn, self._gave = 0, dict[Partition, int]()

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        """Raises LogUnavailable when the file cannot be read."""
        deadline = time.monotonic() + timeout
        while True:
            self.polled, seen = time.monotonic(), self._signal.changes
            found = self._look(limit)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            self._signal.wait_for_change(seen, min(left, self._until_next_look()))

    def store(self, deliveries: Sequence[Delivery]) -> None:
        done: dict[Partition, int] = {}
        for delivery in deliveries:
            partition = delivery.topic_partition
            done[partition] = max(done.get(partition, 0), delivery.offset + 1)
        if done:
            with self._file.writing() as db:
                tables.store(db, self.group, self.id, done)

    def hold(self, delivery: Delivery, seconds: float) -> None:
        partition = delivery.topic_partition
        if partition in self._position:
            self._position[partition] = min(delivery.offset, self._position[partition])
            self._held[partition] = time.monotonic() + seconds

    def partitions(self) -> set[Partition]:
        now = time.monotonic()
        return {partition for partition in self._reads if self._held.get(partition, 0.0) <= now}

    def close(self) -> None:
        self._signal.forget(self)
        # Of a member that cannot say goodbye the lease lapses.
        with suppress(LogUnavailable), self._file.writing() as db:
            tables.leave(db, self.group, self.id)
        self._file.close()
        self._signal.tell_change()

    def _until_next_look(self) -> float:
        """Seconds until something is due that no change of the file tells: a hold's end, a lease's end."""
        now = time.monotonic()
        return max(0.0, min([self._signal.lease / 3, *(due - now for due in self._held.values())]))

    def _look(self, limit: int) -> list[Delivery]:
        with self._file.reading() as db:
            alive = tables.alive(db, self.group, self._boot, _now())
            partitions = _shared_out(tables.claimed(db, self.group), alive)
            if self.id not in alive or any(self._gives_up(it) or self._takes(it, alive) for it in partitions):
                partitions = self._settle(db)
            ours = [it for it in partitions if it.holder == self.id]
            self._reads = {it.topic_partition for it in ours}
            return self._take(ours, db, limit)

    def _gives_up(self, partition: PartitionState) -> bool:
        return partition.holder == self.id != partition.owner

    def _takes(self, partition: PartitionState, alive: Collection[str]) -> bool:
        return partition.owner == self.id != partition.holder and partition.holder not in alive

    def _settle(self, db: sqlite3.Connection) -> list[PartitionState]:
        """Joins the group or stays in it, clears the dead away, gives up and takes what it is time for."""
        with transaction(db):
            now = _now()
            tables.bury(db, self.group, self._boot, now)
            tables.join(db, self.group, self.id, self._topics, self._boot, now, self._signal.lease)
            alive = tables.alive(db, self.group, self._boot, now)
            partitions = _shared_out(tables.claimed(db, self.group), alive)
            moved = [it for it in partitions if self._gives_up(it) or self._takes(it, alive)]
            for partition in moved:
                partition.holder = self.id if partition.owner == self.id else None
                tables.claim(db, self.group, partition)
        for partition in moved:
            self._position.pop(partition.topic_partition, None)
            self._held.pop(partition.topic_partition, None)
        self._signal.keep_alive(self)
        self._signal.tell_change()
        return partitions

    def _take(self, partitions: Sequence[PartitionState], db: sqlite3.Connection, limit: int) -> list[Delivery]:
        """Takes what lies ready, beginning with the partition that gave something longest ago: so a busy one starves
        none, and the listeners of a process come to the same messages at about the same time (`reading.open_once`)."""
        self._turn += 1
        found: list[Delivery] = []
        bytes_left = BYTES_AT_ONCE
        for partition in sorted(partitions, key=lambda it: self._gave.get(it.topic_partition, 0)):
            key = partition.topic_partition
            position = self._position.setdefault(key, partition.stored)
            if self._held.get(key, 0.0) > time.monotonic():
                continue
            self._held.pop(key, None)
            if position < partition.end and len(found) < limit and bytes_left > 0:
                page, bytes_left = tables.fetch(db, partition, position, limit - len(found), bytes_left)
                self._position[key] = page[-1].offset + 1
                self._gave[key] = self._turn
                found += page
        return found


def _shared_out(partitions: list[PartitionState], alive: Mapping[str, Collection[int]]) -> list[PartitionState]:
    """Deals a group's partitions out, in turn, to the living members that read their topics."""
    for turn, partition in enumerate(partitions):
        takers = [member for member, topics in alive.items() if partition.topic in topics]
        partition.owner = takers[turn % len(takers)] if takers else None
    return partitions


def living(db: sqlite3.Connection, group: str) -> set[str]:
    """The members of a group that live."""
    return set(tables.alive(db, group, _boot(), _now()))


def _boot() -> str:
    """Names this boot of the machine, so that the beats of an earlier one count for nothing; "" if unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _now() -> float:
    """Seconds on a clock that all processes of one boot share and nobody sets; else the wall clock, and a
    beat that lies in its future counts as dead."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if boottime is None else time.clock_gettime(boottime)
