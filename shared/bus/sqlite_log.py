"""The event log of the embedded profile: one durable SQLite file that the processes of a machine share."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from zlib import crc32

from shared.bus.port import Consumer, Delivery, Message
from shared.bus.sqlite_file import LogFile, transaction
from shared.errors import LogUnavailable, NotFound
from shared.events.registry import Topic
from shared.ids import new_id

#: Seconds between two looks at the file for what other processes wrote.
_TICK = 0.03
#: Seconds without a poll after which a member counts as stuck, and its lease is let go (as long as Kafka's).
_SILENCE = 300.0
#: Messages that `read` takes into memory at a time.
_PAGE = 500

Place = tuple[str, int]


class SqliteLog:
    """An event log in the file `path`; `topics` are those it may hold, by name.

    `lease` is how many seconds a member may be silent before another takes its partitions over: what a
    kill -9 costs. `patience` is how many seconds to wait for the transaction of another process.
    """

    def __init__(
        self, path: Path | str, topics: Mapping[str, Topic], *, lease: float = 3.0, patience: float = 5.0
    ) -> None:
        self.path, self.lease, self.patience = Path(path), lease, patience
        self._topics = dict(topics)
        self._writer, self._reader = self.open_file(), self.open_file()
        self._changed, self.changes = Condition(), 0
        self._members: dict[str, _Member] = {}
        self._lock, self._closing = Lock(), Event()
        self._watch: Thread | None = None

    def open_file(self, *, synchronous: str = "FULL") -> LogFile:
        return LogFile(self.path, self.patience, synchronous=synchronous)

    def create_topics(self) -> None:
        self._writer.create()
        with self._writer.writing() as db:
            for topic in self._topics.values():
                _create(db, topic)

    def append(self, messages: Sequence[Message]) -> None:
        """Appends all in one transaction, or none. Raises LogUnavailable; NotFound for an unknown topic."""
        self._check({message.topic for message in messages})
        if not messages:
            return
        with self._writer.writing() as db:
            for place, placed in _placed(db, messages).items():
                _append(db, *place, placed)
        self.tell_change()

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        self._check(topics)
        return _Member(self, group, topics)

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        self._check(topics)
        with self._reader.reading() as db:
            partitions = [partition for name in sorted(topics) for partition in _partitions(db, name)]
        return self._read(partitions)

    def _read(self, partitions: Sequence[_Partition]) -> Iterator[Delivery]:
        for partition in partitions:
            for start in range(0, partition.end, _PAGE):
                with self._reader.reading() as db:
                    page = _fetch(db, partition, start, min(_PAGE, partition.end - start))
                yield from page

    def lag(self, group: str, topics: Collection[str]) -> int:
        self._check(topics)
        with self._reader.reading() as db:
            return sum(_lag(db, group, name) for name in set(topics))

    def ping(self) -> None:
        with self._writer.writing():
            pass  # Only a log that would take messages lets the empty transaction through.

    def close(self) -> None:
        """Ends the watch and closes the file. Consumers are closed by whoever subscribed them."""
        self._closing.set()
        if self._watch is not None:
            self._watch.join()
        self._writer.close()
        self._reader.close()

    def _check(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                raise NotFound(f"the event log has no topic {topic!r}; it has {', '.join(sorted(self._topics))}")

    # What members in this process share: one thread that watches the file for all of them.

    def tell_change(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def wait_for_change(self, seen: int, seconds: float) -> None:
        """Waits until `changes` is no longer what was seen, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen, seconds)

    def keep_alive(self, member: _Member) -> None:
        with self._lock:
            self._members[member.id] = member
            if self._watch is None:
                self._watch = Thread(target=self._watch_file, name="sqlite-log", daemon=True)
                self._watch.start()

    def forget(self, member: _Member) -> None:
        with self._lock:
            self._members.pop(member.id, None)

    def _watch_file(self) -> None:
        """Tells the members what other processes wrote, and renews their leases.

        Beats are not synced to the disk: after a crash of the machine they count for nothing anyway.
        """
        file, version, next_beat = self.open_file(synchronous="NORMAL"), 0, 0.0
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
                db.executemany(
                    'UPDATE member SET beat = ? WHERE "group" = ? AND id = ?',
                    [(_now(), member.group, member.id) for member in members],
                )


class _Member:
    """A consumer. Each member reckons by itself, from the same tables, whose turn a partition is; it gives
    up what is another's turn and takes what is its own, once that is free or its holder is dead.
    """

    def __init__(self, log: SqliteLog, group: str, topics: Collection[str]) -> None:
        self.id, self.group, self.polled = new_id("member"), group, time.monotonic()
        self._log, self._topics = log, sorted(topics)
        self._file, self._boot = log.open_file(), _boot()
        self._position: dict[Place, int] = {}
        self._held: dict[Place, float] = {}
        self._turn = 0

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        """Raises LogUnavailable when the file cannot be read."""
        deadline = time.monotonic() + timeout
        while True:
            self.polled, seen = time.monotonic(), self._log.changes
            found = self._look(limit)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            self._log.wait_for_change(seen, min(left, self._until_next_look()))

    def store(self, deliveries: Sequence[Delivery]) -> None:
        done: dict[Place, int] = {}
        for delivery in deliveries:
            place = delivery.topic, delivery.partition
            done[place] = max(done.get(place, 0), delivery.offset + 1)
        if not done:
            return
        with self._file.writing() as db:
            db.executemany(
                """UPDATE claim SET stored = ? WHERE "group" = ? AND topic = (SELECT id FROM topic WHERE name = ?)
                AND partition = ? AND member = ? AND stored < ?""",
                [(end, self.group, *place, self.id, end) for place, end in done.items()],
            )

    def hold(self, delivery: Delivery, seconds: float) -> None:
        place = delivery.topic, delivery.partition
        if place in self._position:
            self._position[place] = min(delivery.offset, self._position[place])
            self._held[place] = time.monotonic() + seconds

    def close(self) -> None:
        self._log.forget(self)
        # Of a member that cannot say goodbye the lease lapses.
        with suppress(LogUnavailable), self._file.writing() as db:
            db.execute('DELETE FROM member WHERE "group" = ? AND id = ?', (self.group, self.id))
            db.execute('UPDATE claim SET member = NULL WHERE "group" = ? AND member = ?', (self.group, self.id))
        self._file.close()
        self._log.tell_change()

    def _until_next_look(self) -> float:
        """Seconds until something is due that no change of the file tells: a hold's end, a lease's end."""
        now = time.monotonic()
        return max(0.0, min([self._log.lease / 3, *(due - now for due in self._held.values())]))

    def _look(self, limit: int) -> list[Delivery]:
        with self._file.reading() as db:
            alive = self._alive(db)
            partitions = self._shared_out(db, alive)
            if self.id not in alive or any(self._gives_up(it) or self._takes(it, alive) for it in partitions):
                partitions = self._settle(db)
            return self._take([it for it in partitions if it.holder == self.id], db, limit)

    def _alive(self, db: sqlite3.Connection) -> dict[str, set[int]]:
        """The topics of each living member, in the order in which they joined."""
        alive: dict[str, set[int]] = defaultdict(set)
        for member, topic in db.execute(
            'SELECT id, topic FROM member WHERE "group" = ? AND boot = ? AND ? - beat BETWEEN 0 AND lease ORDER BY id',
            (self.group, self._boot, _now()),
        ):
            alive[member].add(topic)
        return alive

    def _shared_out(self, db: sqlite3.Connection, alive: Mapping[str, set[int]]) -> list[_Partition]:
        """The group's partitions, dealt out in turn to the living members that read their topics."""
        partitions = _claimed(db, self.group)
        for turn, partition in enumerate(partitions):
            takers = [member for member, topics in alive.items() if partition.topic in topics]
            partition.owner = takers[turn % len(takers)] if takers else None
        return partitions

    def _gives_up(self, partition: _Partition) -> bool:
        return partition.holder == self.id != partition.owner

    def _takes(self, partition: _Partition, alive: Collection[str]) -> bool:
        return partition.owner == self.id != partition.holder and partition.holder not in alive

    def _settle(self, db: sqlite3.Connection) -> list[_Partition]:
        """Joins or stays in the group, clears the dead away, gives up and takes what it is time for."""
        with transaction(db):
            self._join(db)
            alive = self._alive(db)
            partitions = self._shared_out(db, alive)
            moved = [it for it in partitions if self._gives_up(it) or self._takes(it, alive)]
            for partition in moved:
                partition.holder = self.id if partition.owner == self.id else None
                db.execute(
                    'UPDATE claim SET member = ? WHERE "group" = ? AND topic = ? AND partition = ?',
                    (partition.holder, self.group, partition.topic, partition.number),
                )
        for partition in moved:
            self._position.pop(partition.place, None)
            self._held.pop(partition.place, None)
        self._log.keep_alive(self)
        self._log.tell_change()
        return partitions

    def _join(self, db: sqlite3.Connection) -> None:
        now = _now()
        db.execute(
            'DELETE FROM member WHERE "group" = ? AND NOT (boot = ? AND ? - beat BETWEEN 0 AND lease)',
            (self.group, self._boot, now),
        )
        for name in self._topics:
            partitions = _partitions(db, name)
            db.execute(
                "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?)",
                (self.group, self.id, partitions[0].topic, self._boot, now, self._log.lease),
            )
            db.executemany(
                'INSERT OR IGNORE INTO claim ("group", topic, partition) VALUES (?, ?, ?)',
                [(self.group, it.topic, it.number) for it in partitions],
            )

    def _take(self, partitions: Sequence[_Partition], db: sqlite3.Connection, limit: int) -> list[Delivery]:
        """Takes what lies ready, beginning with another partition each time so that a busy one starves none."""
        self._turn += 1
        start = self._turn % max(1, len(partitions))
        found: list[Delivery] = []
        for partition in (*partitions[start:], *partitions[:start]):
            place = partition.place
            position = self._position.setdefault(place, partition.stored)
            if self._held.get(place, 0.0) > time.monotonic():
                continue
            self._held.pop(place, None)
            if position < partition.end and len(found) < limit:
                page = _fetch(db, partition, position, limit - len(found))
                self._position[place] = page[-1].offset + 1
                found += page
        return found


@dataclass(slots=True)
class _Partition:
    """A partition as its tables tell; `holder` reads it for a group now, `owner` is the one that should."""

    topic: int
    name: str
    number: int
    end: int
    stored: int = 0
    holder: str | None = None
    owner: str | None = None

    @property
    def place(self) -> Place:
        return self.name, self.number


def _create(db: sqlite3.Connection, topic: Topic) -> None:
    if db.execute("INSERT OR IGNORE INTO topic (name) VALUES (?)", (topic.name,)).rowcount:
        db.executemany(
            "INSERT INTO partition (topic, number) SELECT id, ? FROM topic WHERE name = ?",
            [(number, topic.name) for number in range(topic.partitions)],
        )


def _partitions(db: sqlite3.Connection, topic: str) -> list[_Partition]:
    """Raises LogUnavailable when the topic was not created."""
    rows = db.execute(
        'SELECT id, name, number, "end" FROM topic JOIN partition ON topic = id WHERE name = ? ORDER BY number',
        (topic,),
    ).fetchall()
    if not rows:
        raise LogUnavailable(f"the event log has no topic {topic!r} yet: create its topics first")
    return [_Partition(*row) for row in rows]


def _claimed(db: sqlite3.Connection, group: str) -> list[_Partition]:
    rows = db.execute(
        """SELECT id, name, number, "end", stored, member
        FROM claim JOIN topic ON id = claim.topic JOIN partition ON partition.topic = id AND number = claim.partition
        WHERE "group" = ? ORDER BY id, number""",
        (group,),
    )
    return [_Partition(*row) for row in rows]


def _lag(db: sqlite3.Connection, group: str, topic: str) -> int:
    stored = {it.place: it.stored for it in _claimed(db, group)}
    return sum(it.end - stored.get(it.place, 0) for it in _partitions(db, topic))


def _placed(db: sqlite3.Connection, messages: Sequence[Message]) -> dict[tuple[int, int], list[Message]]:
    """The messages by topic and partition; one key is always in one partition."""
    topics = {topic: _partitions(db, topic) for topic in {message.topic for message in messages}}
    placed: dict[tuple[int, int], list[Message]] = defaultdict(list)
    for message in messages:
        partitions = topics[message.topic]
        partition = partitions[crc32(message.key.encode()) % len(partitions)]
        placed[partition.topic, partition.number].append(message)
    return placed


def _append(db: sqlite3.Connection, topic: int, partition: int, messages: Sequence[Message]) -> None:
    (end,) = db.execute(
        'UPDATE partition SET "end" = "end" + ? WHERE topic = ? AND number = ? RETURNING "end"',
        (len(messages), topic, partition),
    ).fetchone()
    db.executemany(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?)",
        [
            (topic, partition, offset, message.key, message.value)
            for offset, message in enumerate(messages, end - len(messages))
        ],
    )


def _fetch(db: sqlite3.Connection, partition: _Partition, start: int, limit: int) -> list[Delivery]:
    rows = db.execute(
        """SELECT "offset", key, value FROM message
        WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?""",
        (partition.topic, partition.number, start, limit),
    )
    return [Delivery(partition.name, partition.number, *row) for row in rows]


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
