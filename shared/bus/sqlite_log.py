"""The event log of the embedded profile: one durable SQLite file that the processes of a machine share."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from shared.bus import sqlite_tables as tables
from shared.bus.port import Consumer, Delivery, Last, Message, Place, Unread
from shared.bus.sqlite_file import LogFile
from shared.bus.sqlite_group import Member, Watch, living
from shared.bus.sqlite_tables import Partition
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
        self._watch = Watch(self.path, lease, patience)

    def create_topics(self) -> None:
        self._writer.create()
        with self._writer.writing() as db:
            for topic in self._topics.values():
                tables.create(db, topic)

    def append(self, messages: Sequence[Message]) -> dict[Place, Last]:
        """Appends all in one transaction, or none. Raises LogUnavailable; NotFound for an unknown topic."""
        self._check({message.topic for message in messages})
        if not messages:
            return {}
        with self._writer.writing() as db:
            last = tables.append(db, messages)
        self._watch.tell_change()
        return last

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        self._check(topics)
        return Member(self._watch, group, topics)

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        self._check(topics)
        with self._reader.reading() as db:
            return self._read([(it, 0, it.end) for name in sorted(topics) for it in tables.partitions(db, name)])

    def between(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Delivery]:
        topics = {topic for topic, _ in spans}
        self._check(topics)
        with self._reader.reading() as db:
            known = [it for name in sorted(topics) for it in tables.partitions(db, name) if it.place in spans]
        return self._read([(it, spans[it.place][0], min(spans[it.place][1], it.end)) for it in known])

    def _read(self, spans: Sequence[tuple[Partition, int, int]]) -> Iterator[Delivery]:
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

    def ends(self, topics: Collection[str]) -> dict[Place, int]:
        self._check(topics)
        with self._reader.reading() as db:
            return {it.place: it.end for name in set(topics) for it in tables.partitions(db, name)}

    def at(self, offsets: Mapping[Place, int]) -> dict[Place, Delivery]:
        self._check({topic for topic, _ in offsets})
        with self._reader.reading() as db:
            found = {place: tables.at(db, place, offset) for place, offset in offsets.items()}
        return {place: delivery for place, delivery in found.items() if delivery is not None}

    def stored(self, group: str, topics: Collection[str]) -> dict[Place, int]:
        self._check(topics)
        with self._reader.reading() as db:
            return {it.place: it.stored for it in tables.claimed(db, group) if it.name in topics and it.stored}

    def unread(self, group: str, topics: Collection[str]) -> dict[Place, Unread]:
        self._check(topics)
        with self._reader.reading() as db:
            return tables.unread(db, group, topics)

    def lag(self, group: str, topics: Collection[str]) -> int:
        return sum(left.messages for left in self.unread(group, topics).values())

    def readers(self, group: str) -> dict[Place, str]:
        with self._reader.reading() as db:
            members = living(db, group)
            return {it.place: it.holder for it in tables.claimed(db, group) if it.holder in members}

    def rewind(self, group: str, offsets: Mapping[Place, int]) -> None:
        self._check({topic for topic, _ in offsets})
        with self._writer.writing() as db:
            if living(db, group):
                raise Conflict(f"the group {group!r} has members that read for it: stop them first", slug="at_work")
            tables.rewind(db, group, offsets)

    def verify(self) -> None:
        with self._reader.reading() as db:
            (told,) = db.execute("PRAGMA quick_check(1)").fetchone()
            lacking = tables.lacking(db) if told == "ok" else None
        if told != "ok":
            raise LogUnavailable(f"the event log {self.path} is damaged: {told}", slug="damaged")
        if lacking is not None:
            raise LogUnavailable(f"the event log {self.path} is damaged: it lacks {lacking}", slug="damaged")

    def ping(self) -> None:
        with self._writer.writing():
            pass  # Only a log that would take messages lets the empty transaction through.

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        """Ends the watch and closes the file. Consumers are closed by whoever subscribed them."""
        self._watch.close()
        self._writer.close()
        self._reader.close()

    def _check(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                raise NotFound(f"the event log has no topic {topic!r}; it has {', '.join(sorted(self._topics))}")
