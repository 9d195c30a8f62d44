"""Places where an event log stands, one for each adapter: the contract suite opens, breaks and mends logs there."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from shared.bus.port import Consumer, EventLog, Partition
from shared.bus.sqlite_log import SqliteLog
from shared.events.registry import Topic

#: Seconds for which a log goes on trying, where nothing else is said; many times what a busy machine takes.
PATIENCE = 60.0
ROOT = Path(__file__).parents[2]
BOOKS, LOANS = "library.books", "library.loans"
TOPICS = {BOOKS: Topic(BOOKS, 4), LOANS: Topic(LOANS, 1)}


def open_described(
    described: Mapping[str, Any],
    topics: Mapping[str, Topic] = TOPICS,
    patience: float = PATIENCE,
    client: Mapping[str, Any] | None = None,
) -> EventLog:
    """Opens the log that a site told of, in this process or in a child."""
    if described["kind"] == "sqlite":
        return SqliteLog(described["path"], topics, lease=SqliteSite.lease, patience=patience)
    from shared.bus.kafka_log import KafkaLog

    servers, prefix = described["servers"], described["prefix"]
    # A busy broker may be slow to say that it is there, too.
    client = {"bootstrap_timeout_ms": int(patience * 1000), **(client or {})}
    return KafkaLog(servers, topics, prefix=prefix, lease=KafkaSite.lease, patience=patience, client=client)


class Site(Protocol):
    """One log that stays, and the adapters opened on it."""

    lease: float

    def open(self, topics: Mapping[str, Topic] = TOPICS, patience: float = PATIENCE) -> EventLog:
        """Opens one more adapter on the log. The site closes it at the end."""
        ...

    def interrupted(self) -> Any:
        """A context in which the log is down for every adapter of this site."""
        ...

    def put(self, topic: str, value: bytes) -> None:
        """Puts a message on the first partition past our own limits, as someone else might."""
        ...

    def freeze(self, consumer: Consumer, partition: Partition) -> None:
        """Makes this member of the group read a partition no more, in a way that it does not know of."""
        ...

    def described(self) -> dict[str, Any]:
        """What a child process needs to open the same log."""
        ...

    def close(self) -> None: ...


class SqliteSite:
    lease = 1.0

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.db"
        self._opened: list[EventLog] = []

    def open(self, topics: Mapping[str, Topic] = TOPICS, patience: float = PATIENCE) -> EventLog:
        self._opened.append(open_described(self.described(), topics, patience=patience))
        return self._opened[-1]

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """The file is away, as when its disk is not mounted."""
        away = self.path.with_suffix(".away")
        self.path.rename(away)
        try:
            yield
        finally:
            away.rename(self.path)

    def put(self, topic: str, value: bytes) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            where = "topic = (SELECT id FROM topic WHERE name = ?) AND number = 0"
            (end,) = db.execute(f'SELECT "end" FROM partition WHERE {where}', (topic,)).fetchone()
            db.execute(
                "INSERT INTO message SELECT id, 0, ?, '', ?, NULL FROM topic WHERE name = ?", (end, value, topic)
            )
            db.execute(f'UPDATE partition SET "end" = "end" + 1 WHERE {where}', (topic,))

    def freeze(self, consumer: Consumer, partition: Partition) -> None:
        consumer._position[partition] = 2**60

    def described(self) -> dict[str, Any]:
        return {"kind": "sqlite", "path": str(self.path)}

    def close(self) -> None:
        for log in self._opened:
            log.close()


class KafkaSite:
    """Topics under a prefix of their own; in this process every connection goes through a gate."""

    lease = 6.0

    def __init__(self, url: str) -> None:
        self._servers = url.removeprefix("kafka://").split(",")
        self._prefix = f"test-{uuid.uuid4().hex[:10]}."
        self._opened: list[EventLog] = []

    def open(self, topics: Mapping[str, Topic] = TOPICS, patience: float = PATIENCE) -> EventLog:
        import tests.contract.log_gate  # noqa: F401  (kafka-python learns of the gate by its definition)

        client = {"proxy_url": "gate://"}
        self._opened.append(open_described(self.described(), topics, patience=patience, client=client))
        return self._opened[-1]

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        from tests.contract.log_gate import GatedSocket

        GatedSocket.shut()
        try:
            yield
        finally:
            GatedSocket.open()

    def put(self, topic: str, value: bytes) -> None:
        from kafka import KafkaAdminClient, KafkaProducer
        from kafka.admin import ConfigResource, ConfigResourceType

        name, size = self._prefix + topic, len(value) + 1000
        with closing(KafkaAdminClient(bootstrap_servers=self._servers)) as admin:
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name, configs={"max.message.bytes": str(size)})]
            )
        producer = KafkaProducer(bootstrap_servers=self._servers, max_request_size=size)
        with producer:
            producer.send(name, value=value, partition=0).get(PATIENCE)

    def freeze(self, consumer: Consumer, partition: Partition) -> None:
        from kafka import TopicPartition

        consumer._kafka.pause(TopicPartition(self._prefix + partition[0], partition[1]))

    def described(self) -> dict[str, Any]:
        return {"kind": "kafka", "servers": self._servers, "prefix": self._prefix}

    def close(self) -> None:
        for log in self._opened:
            log.close()
        from kafka import KafkaAdminClient

        with closing(KafkaAdminClient(bootstrap_servers=self._servers)) as admin:
            topics = [name for name in admin.list_topics() if name.startswith(self._prefix)]
            if topics:
                admin.delete_topics(topics)


class Child:
    """A process of its own at the same log: `consume GROUP`, `sleep GROUP COUNT` or `append KEY COUNT`
    (see log_child.py).
    """

    def __init__(self, site: Site, *what: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.log_child", json.dumps(site.described()), *what],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def lines(self, count: int) -> list[str]:
        """Waits for so many lines of what it prints."""
        return [self._process.stdout.readline().strip() for _ in range(count)]

    def tell(self) -> None:
        """Gives it a line."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._end()

    def finish(self) -> None:
        """Waits for its end, which must be a good one."""
        assert self._end() == 0

    def _end(self) -> int:
        self._process.communicate(timeout=300)
        return self._process.returncode
