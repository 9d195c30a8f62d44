"""The parts: the raw speed of each thing the pipeline stands on, alone, on the same records."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from elasticsearch import Elasticsearch, helpers
from kafka import TopicPartition
from sqlalchemy import Column, MetaData, String, Table, Text, insert

from services.search.domain import Document
from services.search.ports.index.elastic_dsl import mapping, to_source
from services.search.ports.index.words import Words
from shared.bus.kafka_log import KafkaLog
from shared.db import migrate
from shared.db.engine import opened
from shared.events.base import Envelope
from shared.events.ingest import RecordDiscovered
from shared.events.registry import TOPICS
from shared.ids import new_id
from shared.settings import Settings

#: What the bulk helper takes at a time by itself, and the embedded platform does.
BATCH = 500

_TOPIC = TOPICS[RecordDiscovered.topic]
#: How FTS5 cuts words by itself, and stems them as the platform does.
_FTS5_ALONE = "porter unicode61 remove_diacritics 2"
_TEXTS = {"title", "abstract", "published"}

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as each part takes it."""

    event: RecordDiscovered
    envelope: bytes

    @classmethod
    def of(cls, event: RecordDiscovered) -> Record:
        now = datetime.now(UTC).isoformat()
        envelope = Envelope(
            id=new_id("evt"), type=event.type, dataversion=event.version, source="living/ingest", subject=event.key,
            time=now, recordedtime=now, correlationid=event.key, causationid=None, actor="bench",
            data=event.model_dump(mode="json"),
        )  # fmt: skip
        return cls(event, envelope.to_json())

    @property
    def key(self) -> str:
        return self.event.key


def real(records: Sequence[Record], settings: Settings, mark: str) -> dict[str, float]:
    """Seconds that each part of the real profile takes; `mark` keeps what one run makes apart."""
    produced, consumed = _kafka(records, settings, mark)
    return {
        "Kafka: produce": produced,
        "Kafka: consume": consumed,
        "Elasticsearch: bulk helper": _elasticsearch(records, settings, mark),
        "PostgreSQL: Core insert": _insert(records, settings.resolved(settings.database_url, "raw"), mark),
    }


def embedded(records: Sequence[Record], settings: Settings, mark: str) -> dict[str, float]:
    """Seconds that each part of the embedded profile takes: all are SQLite, durable as the platform's are."""
    folder = settings.data_dir
    written, read = _sqlite_log(records, folder / f"{mark}-log.db")
    return {
        "SQLite: append to a log": written,
        "SQLite: read a log": read,
        "SQLite: FTS5 insert": _fts5(records, folder / f"{mark}-index.db"),
        "SQLite: Core insert": _insert(records, settings.resolved(settings.database_url, "raw"), mark),
    }


def _kafka(records: Sequence[Record], settings: Settings, mark: str) -> tuple[float, float]:
    """kafka-python with the adapter's settings: sends all, then polls all, without a group."""
    servers = settings.log_url.removeprefix("kafka://").split(",")
    log = KafkaLog(servers, {_TOPIC.name: _TOPIC}, prefix=f"{settings.topic_prefix}{mark}.")
    with closing(log):
        log.create_topics()
        topic = log.prefix + _TOPIC.name
        with closing(log._open_producer()) as producer:
            producer.partitions_for(topic)  # Connects.
            with _timed() as produced:
                for number, record in enumerate(records):
                    partition = number % _TOPIC.partitions
                    producer.send(topic, partition=partition, key=record.key.encode(), value=record.envelope)
                producer.flush()
        with closing(log.open_consumer(group_id=None)) as consumer:
            partitions = [TopicPartition(topic, number) for number in range(_TOPIC.partitions)]
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            assert not any(map(consumer.position, partitions))  # Connects, and finds the beginning.
            left = len(records)
            with _timed() as consumed:
                while left > 0:
                    left -= sum(map(len, consumer.poll(1000, max_records=BATCH).values()))
    return produced.seconds, consumed.seconds


def _elasticsearch(records: Sequence[Record], settings: Settings, mark: str) -> float:
    """The client's bulk helper into an index of the platform's own mapping, until all can be found."""
    index = f"{settings.search_index}-{mark}"
    words = Words(settings.search_analyzer)
    actions = [{"_index": index, "_id": it.key, "_source": _source(it.event, words)} for it in records]
    with closing(Elasticsearch(settings.search_url, request_timeout=60)) as client:
        client.indices.create(
            index=index, mappings=mapping(settings.search_analyzer, index), settings={"number_of_replicas": 0}
        )
        try:
            with _timed() as took:
                helpers.bulk(client, actions, chunk_size=BATCH)
                client.indices.refresh(index=index)
        finally:
            client.indices.delete(index=index)
    return took.seconds


def _source(event: RecordDiscovered, words: Words) -> dict[str, Any]:
    document = Document(
        record=event.record, review=event.review, revision=event.revision, bibliography=event.bibliography
    )
    return to_source(document, words)


def _insert(records: Sequence[Record], url: str, mark: str) -> float:
    """SQLAlchemy Core: one row a record, `BATCH` rows a transaction."""
    table = Table(
        f"records_{mark}",
        MetaData(),
        *(Column(name, String, primary_key=True) for name in ("review", "id")),
        *(Column(name, Text) for name in ("title", "abstract", "published")),
    )
    rows = [
        {"id": it.key, "review": it.event.review, **it.event.bibliography.model_dump(include=_TEXTS)} for it in records
    ]
    with opened(url) as database:
        migrate.ensure_database(database)
        table.create(database.engine)
        with _timed() as took:
            for batch in _batches(rows):
                with database.engine.begin() as connection:
                    connection.execute(insert(table), batch)
    return took.seconds


def _sqlite_log(records: Sequence[Record], path: Path) -> tuple[float, float]:
    """The log's table, one transaction a batch; then read from end to end."""
    with closing(_sqlite(path)) as db:
        db.execute('CREATE TABLE message ("offset" INTEGER PRIMARY KEY, key TEXT, value BLOB)')
        with _timed() as written:
            for batch in _batches(records):
                with db:
                    db.executemany(
                        "INSERT INTO message (key, value) VALUES (?, ?)", [(it.key, it.envelope) for it in batch]
                    )
        with _timed() as read:
            for start in range(0, len(records), BATCH):
                page = 'SELECT "offset", key, value FROM message WHERE "offset" > ? ORDER BY "offset" LIMIT ?'
                db.execute(page, (start, BATCH)).fetchall()
    return written.seconds, read.seconds


def _fts5(records: Sequence[Record], path: Path) -> float:
    """Titles and abstracts with FTS5's own tokenizer and stemmer, one transaction a batch."""
    texts = [(it.event.bibliography.title, it.event.bibliography.abstract) for it in records]
    with closing(_sqlite(path)) as db:
        db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(title, abstract, tokenize = '{_FTS5_ALONE}')")
        with _timed() as took:
            for batch in _batches(texts):
                with db:
                    db.executemany("INSERT INTO texts VALUES (?, ?)", batch)
    return took.seconds


def _sqlite(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


@dataclass(slots=True)
class _Timing:
    seconds: float = 0.0


@contextmanager
def _timed() -> Iterator[_Timing]:
    timing, started = _Timing(), time.perf_counter()
    yield timing
    timing.seconds = time.perf_counter() - started


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
