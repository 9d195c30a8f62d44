"""The event log of the embedded profile: one durable SQLite file that the processes of a machine share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from shared.bus import sqlite_tables as tables
from shared.bus.port import Consumer, Delivery, Message
from shared.bus.sqlite_file import LogFile
from shared.bus.sqlite_group import Member, Watch
from shared.bus.sqlite_tables import Partition
from shared.errors import NotFound
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

    def append(self, messages: Sequence[Message]) -> None:
        """Appends all in one transaction, or none. Raises LogUnavailable; NotFound for an unknown topic."""
        self._check({message.topic for message in messages})
        if not messages:
            return
        with self._writer.writing() as db:
            tables.append(db, messages)
        self._watch.tell_change()

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        self._check(topics)
        return Member(self._watch, group, topics)

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        self._check(topics)
        with self._reader.reading() as db:
            return self._read([partition for name in sorted(topics) for partition in tables.partitions(db, name)])

    def _read(self, partitions: Sequence[Partition]) -> Iterator[Delivery]:
        for partition in partitions:
            for start in range(0, partition.end, _PAGE):
                with self._reader.reading() as db:
                    page = tables.fetch(db, partition, start, min(_PAGE, partition.end - start))
                yield from page

    def lag(self, group: str, topics: Collection[str]) -> int:
        self._check(topics)
        with self._reader.reading() as db:
            return tables.lag(db, group, topics)

    def ping(self) -> None:
        with self._writer.writing():
            pass  # Only a log that would take messages lets the empty transaction through.

    def close(self) -> None:
        """Ends the watch and closes the file. Consumers are closed by whoever subscribed them."""
        self._watch.close()
        self._writer.close()
        self._reader.close()

    def _check(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                raise NotFound(f"the event log has no topic {topic!r}; it has {', '.join(sorted(self._topics))}")
