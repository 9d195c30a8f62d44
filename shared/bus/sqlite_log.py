"""The event log of the embedded profile: one durable SQLite file that the processes of a machine share."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from shared.bus import sqlite_tables as tables
from shared.bus.port import Consumer, Delivery, Last, Message, Partition, Unread
from shared.bus.sqlite_file import LogFile
from shared.bus.sqlite_group import Member, Watch, living
from shared.bus.sqlite_tables import PartitionState
from shared.errors import Conflict, LogUnavailable, NotFound
from shared.events.registry import Topic

#: Messages that `read` takes into memory at a time.
_PAGE = 500


class SqliteLog:
    """An event log in the file `path`; `topics` are those it may hold, by name.

    `lease` is how many seconds a member may be silent before another takes its partitions over: what a
    kill -9 costs. `patience` is how many seconds to wait for the transaction of another process.
    """

    def __init__(
        self, path: Path | str, topics: Mapping[str, Topic], *, lease: float = 3.0, patience: float = 5.0
    ) -> None:
        self.path, self._topics = Path(path), dict(topics)
        self._writer, self._reader = LogFile(self.path, patience), LogFile(self.path, patience)
        self._signal = Watch(self.path, lease, patience)

    def upgrade(self) -> None:
        self._writer.upgrade()

    def create_topics(self) -> None:
        self._writer.create()
        with self._writer.writing() as db:
            for topic in self._topics.values():
                tables.create(db, topic)

    def append(self, messages: Sequence[Message]) -> dict[Partition, Last]:
        """Appends all in one transaction, or none. Raises LogUnavailable; NotFound for an unknown topic."""
        self._check({message.topic for message in messages})
        if not messages:
            return {}
        with self._writer.writing() as db:
            last = tables.append(db, messages)
        self._signal.tell_change()
        return last

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        self._check(topics)
        return Member(self._signal, group, topics)

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        self._check(topics)
        with self._reader.reading() as db:
            return self._read([(it, 0, it.end) for name in sorted(topics) for it in tables.partitions(db, name)])

    def between(self, spans: Mapping[Partition, tuple[int, int]]) -> Iterator[Delivery]:
        topics = {topic for topic, _ in spans}
        self._check(topics)
        with self._reader.reading() as db:
            known = [it for name in sorted(topics) for it in tables.partitions(db, name) if it.topic_partition in spans]
        return self._read(
            [(it, spans[it.topic_partition][0], min(spans[it.topic_partition][1], it.end)) for it in known]
        )

    def _read(self, spans: Sequence[tuple[PartitionState, int, int]]) -> Iterator[Delivery]:
        for partition, start, end in spans:
            while start < end:
                with self._reader.reading() as db:
                    page, _ = tables.fetch(db, partition, start, min(_PAGE, end - start))
                yield from page
                start = page[-1].offset + 1

    def missing(self, topics: Collection[str]) -> set[str]:
        self._check(topics)
        if not self._writer.is_made():
            return set(topics)
        with self._reader.reading() as db:
            return set(topics) - tables.created(db)

    def ends(self, topics: Collection[str]) -> dict[Partition, int]:
        self._check(topics)
        with self._reader.reading() as db:
            return {it.topic_partition: it.end for name in set(topics) for it in tables.partitions(db, name)}

    def at(self, offsets: Mapping[Partition, int]) -> dict[Partition, Delivery]:
        self._check({topic for topic, _ in offsets})
        with self._reader.reading() as db:
            found = {partition: tables.at(db, partition, offset) for partition, offset in offsets.items()}
        return {partition: delivery for partition, delivery in found.items() if delivery is not None}

    def stored(self, group: str, topics: Collection[str]) -> dict[Partition, int]:
        self._check(topics)
        with self._reader.reading() as db:
            return {
                it.topic_partition: it.stored for it in tables.claimed(db, group) if it.name in topics and it.stored
            }

    def unread(self, group: str, topics: Collection[str]) -> dict[Partition, Unread]:
        self._check(topics)
        with self._reader.reading() as db:
            return tables.unread(db, group, topics)

    def lag(self, group: str, topics: Collection[str]) -> int:
        return sum(left.messages for left in self.unread(group, topics).values())

    def readers(self, group: str) -> dict[Partition, str]:
        with self._reader.reading() as db:
            members = living(db, group)
            return {it.topic_partition: it.holder for it in tables.claimed(db, group) if it.holder in members}

    def rewind(self, group: str, offsets: Mapping[Partition, int]) -> None:
        self._check({topic for topic, _ in offsets})
        with self._writer.writing() as db:
            if living(db, group):
                raise Conflict(f"the group {group!r} has members that read for it: stop them first", slug="at_work")
            tables.rewind(db, group, offsets)

    def verify(self) -> None:
        with self._reader.reading() as db:
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            lacking = tables.lacking(db) if verdict == "ok" else None
        if verdict != "ok":
            raise LogUnavailable(f"the event log {self.path} is damaged: {verdict}", slug="damaged")
        if lacking is not None:
            raise LogUnavailable(f"the event log {self.path} is damaged: it lacks {lacking}", slug="damaged")

    def ping(self) -> None:
        with self._writer.writing():
            pass  # Only a log that would take messages lets the empty transaction through.

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        """Ends the watch and closes the file. Consumers are closed by whoever subscribed them."""
        self._signal.close()
        self._writer.close()
        self._reader.close()

    def _check(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                raise NotFound(f"the event log has no topic {topic!r}; it has {', '.join(sorted(self._topics))}")
