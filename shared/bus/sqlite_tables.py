"""What stands in the SQLite log's file: its tables, and the questions that the log and its members ask them."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from zlib import crc32

import orjson

from shared.bus.port import BYTES_AT_ONCE, NO_HEADERS, Delivery, Headers, Last, Message, Partition, Unread
from shared.db.many import GIVEN
from shared.errors import LogUnavailable
from shared.events.registry import Topic

VERSION = 2
TABLES = (
    "CREATE TABLE topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # `end` is the offset that the partition's next message gets.
    """CREATE TABLE partition (topic INTEGER, number INTEGER, "end" INTEGER NOT NULL DEFAULT 0,
       PRIMARY KEY (topic, number)) WITHOUT ROWID""",
    """CREATE TABLE message (topic INTEGER NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
       key TEXT NOT NULL, value BLOB NOT NULL, headers TEXT, PRIMARY KEY (topic, partition, "offset"))""",
    # A member of a group, once for each topic it reads. It lives while its last beat is younger than its lease.
    """CREATE TABLE member ("group" TEXT, id TEXT, topic INTEGER, boot TEXT NOT NULL, beat REAL NOT NULL,
       lease REAL NOT NULL, PRIMARY KEY ("group", id, topic)) WITHOUT ROWID""",
    # How far a group is done with a partition, and which member reads it now.
    """CREATE TABLE claim ("group" TEXT, topic INTEGER, partition INTEGER, stored INTEGER NOT NULL DEFAULT 0,
       member TEXT, PRIMARY KEY ("group", topic, partition)) WITHOUT ROWID""",
    f"PRAGMA user_version = {VERSION}",
)

#: What makes a file of each earlier version one of the next; none was without what the file lacks now.
UPGRADES = {
    1: ("ALTER TABLE message ADD COLUMN headers TEXT", "PRAGMA user_version = 2"),
}

_LIVES = "boot = ? AND ? - beat BETWEEN 0 AND lease"


@dataclass(slots=True)
class PartitionState:
    """A partition as its tables tell; `holder` reads it for a group now, `owner` is the one that should."""

    topic: int
    name: str
    number: int
    end: int
    stored: int = 0
    holder: str | None = None
    owner: str | None = None

    @property
    def topic_partition(self) -> Partition:
        return self.name, self.number


def create(db: sqlite3.Connection, topic: Topic) -> None:
    if db.execute("INSERT OR IGNORE INTO topic (name) VALUES (?)", (topic.name,)).rowcount:
        db.executemany(
            "INSERT INTO partition (topic, number) SELECT id, ? FROM topic WHERE name = ?",
            [(number, topic.name) for number in range(topic.partitions)],
        )


def partitions(db: sqlite3.Connection, topic: str) -> list[PartitionState]:
    """Raises LogUnavailable when the topic was not created."""
    rows = db.execute(
        'SELECT id, name, number, "end" FROM topic JOIN partition ON topic = id WHERE name = ? ORDER BY number',
        (topic,),
    ).fetchall()
    if not rows:
        raise LogUnavailable(f"the event log has no topic {topic!r} yet: create its topics first")
    return [PartitionState(*row) for row in rows]


def claimed(db: sqlite3.Connection, group: str) -> list[PartitionState]:
    rows = db.execute(
        """SELECT id, name, number, "end", stored, member
        FROM claim JOIN topic ON id = claim.topic JOIN partition ON partition.topic = id AND number = claim.partition
        WHERE "group" = ? ORDER BY id, number""",
        (group,),
    )
    return [PartitionState(*row) for row in rows]


def created(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM topic")}


def unread(db: sqlite3.Connection, group: str, topics: Collection[str]) -> dict[Partition, Unread]:
    stored = {it.topic_partition: it.stored for it in claimed(db, group)}
    known = [it for name in sorted(set(topics)) for it in partitions(db, name)]
    return {
        it.topic_partition: Unread(it.end - stored.get(it.topic_partition, 0), stored.get(it.topic_partition, 0))
        for it in known
    }


def append(db: sqlite3.Connection, messages: Sequence[Message]) -> dict[Partition, Last]:
    """Appends each message to the partition of its key; answers where the last of each partition stands."""
    topics = {topic: partitions(db, topic) for topic in {message.topic for message in messages}}
    indexes_of: dict[Partition, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        partitions_of = topics[message.topic]
        indexes_of[message.topic, crc32(message.key.encode()) % len(partitions_of)].append(index)
    last = {}
    for (topic, number), indexes in indexes_of.items():
        end = _append(db, topics[topic][0].topic, number, [messages[index] for index in indexes])
        last[topic, number] = Last(indexes[-1], end - 1)
    return last


def _append(db: sqlite3.Connection, topic: int, partition: int, messages: Sequence[Message]) -> int:
    """Answers the offset that the partition's next message gets."""
    end: int
    (end,) = db.execute(
        'UPDATE partition SET "end" = "end" + ? WHERE topic = ? AND number = ? RETURNING "end"',
        (len(messages), topic, partition),
    ).fetchone()
    for start, some in _portions(messages):
        _insert(db, topic, partition, end - len(messages) + start, some)
    return end


def _insert(db: sqlite3.Connection, topic: int, partition: int, first: int, messages: Sequence[Message]) -> None:
    """In one step, as `shared/db/many.py` does it, but their bytes as they are, and where each lies among all."""
    pieces, everything = [], bytearray()
    for offset, message in enumerate(messages, first):
        key = message.key.encode()
        pieces.append((offset, len(everything) + 1, len(key), len(message.value), _written(message.headers)))
        everything += key
        everything += message.value
    at_offset, begin, key_size, size, headers = (f"json_extract(value, '$[{at}]')" for at in range(5))
    if not any(message.headers for message in messages):
        headers = "NULL"  # Most have none, and each look into a piece reads all of it.
    db.execute(
        f"""{GIVEN.format(given=":pieces")} INSERT INTO message
        SELECT :topic, :partition, {at_offset}, coalesce(CAST(substr(:everything, {begin}, {key_size}) AS TEXT), ''),
        coalesce(substr(:everything, {begin} + {key_size}, {size}), zeroblob(0)), {headers}
        FROM given""",
        {
            "topic": topic, "partition": partition,
            "pieces": orjson.dumps(pieces).decode(), "everything": everything,
        },
    )  # fmt: skip


def _portions(messages: Sequence[Message]) -> Iterator[tuple[int, Sequence[Message]]]:
    """The messages, in their order, in portions that do not fill the room by much, each with its place among all."""
    start, taken = 0, 0
    for index, message in enumerate(messages, 1):
        taken += len(message.value)
        if taken >= BYTES_AT_ONCE or index == len(messages):
            yield start, messages[start:index]
            start, taken = index, 0


def fetch(
    db: sqlite3.Connection, partition: PartitionState, start: int, limit: int, most_bytes: int = BYTES_AT_ONCE
) -> tuple[list[Delivery], int]:
    """At most so many messages, no more once they fill the `most_bytes`; and how many bytes of it are left.

    Raises LogUnavailable when there is none, though the partition's end says so.
    """
    page = 'FROM message WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?'
    page_of = partition.topic, partition.number, start
    # In one step each: how long the next ones are, then, of as many as fit, the values behind one another.
    (encoded,) = db.execute(
        f"SELECT json_group_array(size) FROM (SELECT length(value) AS size {page})", (*page_of, limit)
    ).fetchone()
    sizes = orjson.loads(encoded)
    fit = max(1, bisect_left([*accumulate(sizes[:-1], initial=0)], most_bytes))
    encoded, values = db.execute(
        f"""SELECT json_group_array(json_array("offset", key, headers)), CAST(group_concat(value, '') AS BLOB)
        FROM (SELECT "offset", key, value, headers {page})""",
        (*page_of, fit),
    ).fetchone()
    deliveries, taken = [], 0
    for (offset, key, headers), size in zip(orjson.loads(encoded), sizes, strict=False):
        value = values[taken : taken + size]
        deliveries.append(Delivery(partition.name, partition.number, offset, key, value, _read(headers)))
        taken += size
    if not deliveries:
        raise LogUnavailable(f"the event log is damaged: it lacks {partition.name}/{partition.number}@{start}")
    return deliveries, most_bytes - taken


def at(db: sqlite3.Connection, partition: Partition, offset: int) -> Delivery | None:
    row = db.execute(
        """SELECT key, value, headers FROM message
        WHERE topic = (SELECT id FROM topic WHERE name = ?) AND partition = ? AND "offset" = ?""",
        (*partition, offset),
    ).fetchone()
    if row is None:
        return None
    key, value, headers = row
    return Delivery(*partition, offset, key, value, _read(headers))


def _written(headers: Headers) -> str | None:
    return orjson.dumps(dict(headers)).decode() if headers else None


def _read(headers: str | None) -> Headers:
    return orjson.loads(headers) if headers else NO_HEADERS


def lacking(db: sqlite3.Connection) -> str | None:
    """The first message of a partition that is not there, though nothing is ever taken out of a log; None when all are.

    Counted in the index alone: a tenth of a second for a million messages.
    """
    row = db.execute(
        """SELECT id, name, number FROM topic JOIN partition ON topic = id WHERE "end" <>
        (SELECT count(*) FROM message WHERE message.topic = id AND message.partition = number) LIMIT 1"""
    ).fetchone()
    if row is None:
        return None
    topic, name, number = row
    (first,) = db.execute(
        """SELECT coalesce(min(CASE WHEN "offset" <> place THEN place END), count(*)) FROM
        (SELECT "offset", row_number() OVER (ORDER BY "offset") - 1 AS place FROM message
        WHERE topic = ? AND partition = ?)""",
        (topic, number),
    ).fetchone()
    return f"{name}/{number}@{first}"


def store(db: sqlite3.Connection, group: str, member: str, done: Mapping[Partition, int]) -> None:
    """Moves the group on to these offsets, in the partitions that the member still holds; never back."""
    db.executemany(
        """UPDATE claim SET stored = ? WHERE "group" = ? AND topic = (SELECT id FROM topic WHERE name = ?)
        AND partition = ? AND member = ? AND stored < ?""",
        [(end, group, *partition, member, end) for partition, end in done.items()],
    )


def rewind(db: sqlite3.Connection, group: str, offsets: Mapping[Partition, int]) -> None:
    """Makes the group go on at these offsets."""
    db.executemany(
        """INSERT OR REPLACE INTO claim ("group", topic, partition, stored, member)
        VALUES (?, (SELECT id FROM topic WHERE name = ?), ?, ?, NULL)""",
        [(group, *partition, offset) for partition, offset in offsets.items()],
    )


def alive(db: sqlite3.Connection, group: str, boot: str, now: float) -> dict[str, set[int]]:
    """The topics of each member that lives, in the order in which they joined."""
    living: dict[str, set[int]] = defaultdict(set)
    for member, topic in db.execute(
        f'SELECT id, topic FROM member WHERE "group" = ? AND {_LIVES} ORDER BY id', (group, boot, now)
    ):
        living[member].add(topic)
    return living


def bury(db: sqlite3.Connection, group: str, boot: str, now: float) -> None:
    db.execute(f'DELETE FROM member WHERE "group" = ? AND NOT ({_LIVES})', (group, boot, now))


def beat(db: sqlite3.Connection, members: Sequence[tuple[str, str]], now: float) -> None:
    """Renews the leases of these (group, member)."""
    db.executemany('UPDATE member SET beat = ? WHERE "group" = ? AND id = ?', [(now, *member) for member in members])


def join(
    db: sqlite3.Connection, group: str, member: str, topics: Sequence[str], boot: str, now: float, lease: float
) -> None:
    for name in topics:
        known = partitions(db, name)
        row = group, member, known[0].topic, boot, now, lease
        db.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?)", row)
        db.executemany(
            'INSERT OR IGNORE INTO claim ("group", topic, partition) VALUES (?, ?, ?)',
            [(group, partition.topic, partition.number) for partition in known],
        )


def claim(db: sqlite3.Connection, group: str, partition: PartitionState) -> None:
    """Writes down who holds the partition now."""
    db.execute(
        'UPDATE claim SET member = ? WHERE "group" = ? AND topic = ? AND partition = ?',
        (partition.holder, group, partition.topic, partition.number),
    )


def leave(db: sqlite3.Connection, group: str, member: str) -> None:
    db.execute('DELETE FROM member WHERE "group" = ? AND id = ?', (group, member))
    db.execute('UPDATE claim SET member = NULL WHERE "group" = ? AND member = ?', (group, member))
