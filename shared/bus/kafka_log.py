"""The event log on Kafka: the log of the distributed profile."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from socket import socket
from threading import Lock
from typing import Any, TypeVar
from zlib import crc32

from kafka import (
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.admin import OffsetSpec
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from shared.bus.port import BYTES_AT_ONCE, NO_HEADERS, Consumer, Delivery, Headers, Last, Message, Partition, Unread
from shared.errors import Conflict, LogUnavailable, NotFound, TooLarge
from shared.events.registry import Topic

#: Bytes of one batch: below the megabyte that brokers take by default, so that none is ever split.
_BATCH = 900_000
#: Bytes of one message; larger than a batch, it goes as a batch of its own.
_LARGEST = 8 * 1024 * 1024
#: Bytes that a look at single messages fetches of each partition; a larger message is fetched whole.
_GLANCE = 64 * 1024
#: What a record adds to its key and value at most.
_OVERHEAD = 100
#: Milliseconds without a poll after which Kafka takes a stuck member's partitions away.
_SILENCE = 300_000


class _OnceAMinute(logging.Filter):
    """Lets each kind of line through once a minute: while brokers are away kafka-python tells every attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, record.lineno), time.monotonic()
        fresh = now - self._logged.get(kind, -math.inf) >= 60
        if fresh:
            self._logged[kind] = now
        return fresh


def _quieten() -> None:
    logging.getLogger("kafka").setLevel(logging.WARNING)
    once = _OnceAMinute()
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "kafka":
            logging.getLogger(name).addFilter(once)


_quieten()

Assigned = tuple[TopicPartition, bytes, Message]
Client = TypeVar("Client", KafkaAdminClient, KafkaConsumer, KafkaProducer)
Answer = TypeVar("Answer")


class KafkaLog:
    """An event log on the brokers `servers` ("host:port"); `topics` are those it may hold, by name.

    On the broker each topic and group has `prefix` before its name. `lease` is how many seconds a member
    may be silent before its partitions are given to another: what a kill -9 costs (a broker wants 6 at
    least). `patience` is how many seconds `append` and `store` go on trying. `client` are further settings
    of kafka-python's clients, such as those of TLS.
    """

    def __init__(
        self,
        servers: Sequence[str],
        topics: Mapping[str, Topic],
        *,
        prefix: str = "",
        lease: float = 10.0,
        patience: float = 15.0,
        client: Mapping[str, Any] | None = None,
    ) -> None:
        self.prefix, self.lease, self.patience = prefix, lease, patience
        self._servers, self._topics, self._client = list(servers), dict(topics), dict(client or {})
        self._producer: KafkaProducer | None = None
        self._admin: KafkaAdminClient | None = None
        self._counts: dict[str, int] = {}
        self._producing, self._asking = Lock(), Lock()

    def upgrade(self) -> None:
        """Nothing: a broker's messages are as they were sent, and one without headers has none."""

    def create_topics(self) -> None:
        self._ask(self._create_topics)

    def _create_topics(self, admin: KafkaAdminClient) -> None:
        copies = min(3, len(admin.describe_cluster()["brokers"]))
        # Events are kept forever: a new group, and a search index that is built anew, begin at the beginning.
        configs = {
            "retention.ms": "-1",
            "max.message.bytes": str(_LARGEST + _OVERHEAD),
            "min.insync.replicas": str(max(1, copies - 1)),
        }
        wanted = {
            self.prefix + topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": copies,
                "configs": configs,
            }
            for topic in self._topics.values()
        }
        for answer in admin.create_topics(wanted, raise_errors=False)["topics"]:
            if answer["error_code"] not in (0, TopicAlreadyExistsError.errno):
                raise for_code(answer["error_code"])(f"{answer['name']}: {answer['error_message']}")
        admin.wait_for_topics(list(wanted))

    def append(self, messages: Sequence[Message]) -> dict[Partition, Last]:
        """Raises LogUnavailable; NotFound for an unknown topic, TooLarge for a message over 8 MiB.

        A partition's messages go as one batch at a time, the next when that is acknowledged. So of a
        failed append nothing is in the log that was meant to stand behind something that is not.
        """
        self.check({message.topic for message in messages})
        for message in messages:
            if _size(message) > _LARGEST:
                raise TooLarge(f"{message.topic}: a message of {len(message.value)} bytes; {_LARGEST} may be")
        if not messages:
            return {}
        waves, sent = _waves(self._assigned(messages)), 0
        last: dict[Partition, Last] = {}
        with self._producing, _troubles("Kafka did not take the messages"):
            try:
                self._producer = self._producer or self._open_producer()
                for wave in waves:
                    answer = _send(self._producer, wave, self.patience)
                    last |= {self._partition(it.topic, it.partition): Last(sent + n, at) for it, n, at in answer}
                    sent += len(wave)
            except BaseException:
                self._abandon_producer()
                raise
        # A batch that the broker had already, since its first acknowledgement was lost, comes back without offsets.
        return {partition: it for partition, it in last.items() if it.offset >= 0}

    def _assigned(self, messages: Sequence[Message]) -> list[Assigned]:
        counts = self.partitions({message.topic for message in messages})
        assigned = []
        for message in messages:
            key = message.key.encode()
            partition = TopicPartition(self.prefix + message.topic, crc32(key) % counts[message.topic])
            assigned.append((partition, key, message))
        return assigned

    def _open_producer(self) -> KafkaProducer:
        """An idempotent producer that sends when `append` is done with a wave, not before."""
        milliseconds = int(self.patience * 1000)
        return self.open(
            KafkaProducer,
            acks="all",
            enable_idempotence=True,
            batch_size=_BATCH,
            max_request_size=_LARGEST + _OVERHEAD,
            linger_ms=milliseconds // 3,
            request_timeout_ms=milliseconds // 2,
            delivery_timeout_ms=milliseconds,
            max_block_ms=min(milliseconds, 5000),
        )

    def _abandon_producer(self) -> None:
        """Ends the producer without sending what it still holds: the caller will append that again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # The public close() would send it, or stop half-way when it cannot.
            producer._sender.force_close()
            producer._sender.join(self.patience)
            with suppress(KafkaError):
                producer.close(timeout=1)

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        self.check(topics)
        return _Member(self, group, topics)

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        self.check(topics)
        return self._read(self._ask(lambda admin: self._spans(admin, topics)))

    def between(self, spans: Mapping[Partition, tuple[int, int]]) -> Iterator[Delivery]:
        return self._read(self._within(spans))

    def at(self, offsets: Mapping[Partition, int]) -> dict[Partition, Delivery]:
        spans = {partition: (offset, offset + 1) for partition, offset in offsets.items()}
        return {it.topic_partition: it for it in self._read(self._within(spans), max_partition_fetch_bytes=_GLANCE)}

    def _spans(self, admin: KafkaAdminClient, topics: Collection[str]) -> dict[TopicPartition, tuple[int, int]]:
        """Where each partition begins and ends now."""
        partitions = self._partitions(admin, topics)
        starts, ends = _offsets(admin, partitions, OffsetSpec.EARLIEST), _offsets(admin, partitions, OffsetSpec.LATEST)
        return {partition: (starts[partition], ends[partition]) for partition in partitions}

    def _within(self, spans: Mapping[Partition, tuple[int, int]]) -> dict[TopicPartition, tuple[int, int]]:
        """What there is of these spans."""
        topics = {topic for topic, _ in spans}
        self.check(topics)
        there = self._ask(lambda admin: self._spans(admin, topics)) if spans else {}
        wanted = {TopicPartition(self.prefix + topic, number): span for (topic, number), span in spans.items()}
        return {
            partition: (max(first, wanted[partition][0]), min(end, wanted[partition][1]))
            for partition, (first, end) in there.items()
            if partition in wanted
        }

    def _read(self, spans: Mapping[TopicPartition, tuple[int, int]], **settings: int) -> Iterator[Delivery]:
        left = {partition: end for partition, (start, end) in spans.items() if start < end}
        if not left:
            return
        with _troubles("Kafka cannot be read"), closing(self.open_consumer(group_id=None, **settings)) as reader:
            reader.assign(sorted(left))
            for partition in left:
                reader.seek(partition, spans[partition][0])
            heard = time.monotonic()
            while left:
                if time.monotonic() - heard > self.patience:
                    raise KafkaTimeoutError(f"not a message came for {self.patience:g} seconds")
                for partition, records in _poll(reader, 1.0, 500).items():
                    heard = time.monotonic()
                    yield from (self.delivery(it) for it in records if it.offset < left[partition])
                    if records[-1].offset + 1 >= left[partition]:
                        reader.pause(partition)
                        del left[partition]

    def missing(self, topics: Collection[str]) -> set[str]:
        self.check(topics)
        return self._ask(lambda admin: {topic for topic in topics if self._is_missing(admin, topic)})

    def _is_missing(self, admin: KafkaAdminClient, topic: str) -> bool:
        (answer,) = admin.describe_topics([self.prefix + topic])
        code: int = answer["error_code"]
        if code not in (0, UnknownTopicOrPartitionError.errno):
            raise for_code(code)(f"{answer['name']}: {answer.get('error_message') or 'it is not ready'}")
        return code != 0

    def ends(self, topics: Collection[str]) -> dict[Partition, int]:
        self.check(topics)
        return self._answered(lambda admin: _offsets(admin, self._partitions(admin, topics), OffsetSpec.LATEST))

    def stored(self, group: str, topics: Collection[str]) -> dict[Partition, int]:
        self.check(topics)
        stored = self._answered(lambda admin: _stored(admin, self.prefix + group, self._partitions(admin, topics)))
        return {partition: offset for partition, offset in stored.items() if offset > 0}

    def unread(self, group: str, topics: Collection[str]) -> dict[Partition, Unread]:
        self.check(topics)
        return self._answered(lambda admin: _unread(admin, self.prefix + group, self._partitions(admin, topics)))

    def lag(self, group: str, topics: Collection[str]) -> int:
        return sum(left.messages for left in self.unread(group, topics).values())

    def readers(self, group: str) -> dict[Partition, str]:
        return self._answered(lambda admin: _readers(admin, self.prefix + group))

    def rewind(self, group: str, offsets: Mapping[Partition, int]) -> None:
        self.check({topic for topic, _ in offsets})
        goal = {
            TopicPartition(self.prefix + topic, number): OffsetAndMetadata(offset, "", -1)
            for (topic, number), offset in offsets.items()
        }
        answers = self._ask(lambda admin: admin.alter_group_offsets(self.prefix + group, goal))
        for partition, error in answers.items():
            if error is UnknownMemberIdError:
                raise Conflict(f"the group {group!r} has members that read for it: stop them first", slug="at_work")
            if error.errno:
                raise LogUnavailable(f"Kafka did not move the group {group!r} on {partition}: {error.__name__}")

    def verify(self) -> None:
        """Asks only whether the brokers answer: they look after their files themselves."""
        self.ping()

    def ping(self) -> None:
        self._ask(lambda admin: admin.describe_cluster())

    def version(self) -> str:
        """A broker tells what it can do, not its release: the client knows which releases can that much."""
        return self._ask(_version)

    def close(self) -> None:
        """Ends the connections. Consumers are closed by whoever subscribed them."""
        with self._producing:
            self._abandon_producer()
        with self._asking:
            self._close_admin()

    def check(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                raise NotFound(f"the event log has no topic {topic!r}; it has {', '.join(sorted(self._topics))}")

    def partitions(self, topics: Collection[str]) -> Mapping[str, int]:
        """How many partitions each topic has; asked once. Raises LogUnavailable when one was not created."""
        unknown = [topic for topic in topics if topic not in self._counts]
        if unknown:
            partitions = self._ask(lambda admin: self._partitions(admin, unknown))
            self._counts |= Counter(partition.topic.removeprefix(self.prefix) for partition in partitions)
        return self._counts

    def delivery(self, record: ConsumerRecord) -> Delivery:
        key = (record.key or b"").decode(errors="replace")
        topic = record.topic.removeprefix(self.prefix)
        return Delivery(topic, record.partition, record.offset, key, bytes(record.value or b""), _headers(record))

    def _answered(
        self, question: Callable[[KafkaAdminClient], Mapping[TopicPartition, Answer]]
    ) -> dict[Partition, Answer]:
        """Asks the brokers about partitions."""
        return {self._partition(it.topic, it.partition): answer for it, answer in self._ask(question).items()}

    def _partition(self, topic: str, partition: int) -> Partition:
        return topic.removeprefix(self.prefix), partition

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """Asks the brokers something, one at a time. Raises LogUnavailable."""
        with self._asking, _troubles(f"Kafka at {', '.join(self._servers)} refuses or does not answer"):
            try:
                self._admin = self._admin or self.open(KafkaAdminClient, request_timeout_ms=5000)
                return question(self._admin)
            except BaseException:
                self._close_admin()
                raise

    def _close_admin(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _partitions(self, admin: KafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
        partitions = []
        for answer in admin.describe_topics([self.prefix + topic for topic in topics]):
            if answer["error_code"]:
                raise LogUnavailable(f"Kafka has no topic {answer['name']!r} yet: create its topics first")
            partitions += [TopicPartition(answer["name"], it["partition_index"]) for it in answer["partitions"]]
        return sorted(partitions)

    def open_consumer(self, **settings: Any) -> KafkaConsumer:
        return self.open(
            KafkaConsumer,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=10_000,
            # A message larger than this comes all the same, alone.
            fetch_max_bytes=BYTES_AT_ONCE,
            **settings,
        )

    def open(self, kind: type[Client], **settings: Any) -> Client:
        """Makes a client of Kafka. Raises KafkaError when no broker answers, and leaves no socket behind."""
        networks: list[KafkaNetClient] = []

        def network(**config: Any) -> KafkaNetClient:
            networks.append(KafkaNetClient(**config))
            # kafka-python 3.0 knows this setting but does not pass it on: a mistyped topic would come to be.
            networks[-1].cluster.config["allow_auto_create_topics"] = False
            return networks[-1]

        common = {
            "bootstrap_servers": self._servers,
            "client_id": "living-reviews",
            "bootstrap_timeout_ms": 3000,
            "reconnect_backoff_max_ms": 1000,
            "proxy_url": "direct://",
        }
        try:
            return kind(**(common | settings | self._client), kafka_client=network)
        except BaseException:
            for it in networks:
                it.close()
            raise


class _DirectSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python tells no types.
    """How kafka-python connects to a `proxy_url` of `direct://`: as always, but a socket that could not be
    connected is closed at once. Left to the garbage collector they pile up while a broker is down.
    """

    SCHEMES = ("direct",)

    async def sock_connect(self, net: Any, sock: socket, *arguments: Any, **settings: Any) -> socket:
        try:
            connected: socket = await super().sock_connect(net, sock, *arguments, **settings)
            return connected
        except BaseException:
            sock.close()
            raise


class _Member(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python tells no types.
    """A consumer. Joins at its first poll; the group's coordinator says which partitions it reads.

    The listener's methods run on a thread of kafka-python, but only while `poll` or `close` waits for it.
    """

    def __init__(self, log: KafkaLog, group: str, topics: Collection[str]) -> None:
        self._log, self._group, self._topics = log, group, sorted(topics)
        self._kafka: KafkaConsumer | None = None
        self._assignor = CooperativeStickyAssignor()
        #: Of each partition that is ours, the first offset that was given and is not stored.
        self._open: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        self._held: dict[TopicPartition, float] = {}

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        """Answers nothing while brokers are away. Raises LogUnavailable when the group cannot be joined, or
        was left in trouble: the next poll joins anew, and begins at what was stored."""
        deadline = time.monotonic() + timeout
        with _troubles("Kafka gives no messages"):
            try:
                return self._poll(self._joined(), deadline, limit)
            except BaseException:
                self.close()
                raise

    def _poll(self, kafka: KafkaConsumer, deadline: float, limit: int) -> list[Delivery]:
        self._commit(kafka)
        while True:
            self._release_held(kafka)
            until = min([deadline, *self._held.values()])
            found = _poll(kafka, until - time.monotonic(), limit)
            if found or time.monotonic() >= deadline:
                return self._given(found)

    def store(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            partition, end = self._partition(delivery), delivery.offset + 1
            if partition in self._open and end > max(self._open[partition], self._done.get(partition, 0)):
                self._done[partition] = end
        if self._kafka is not None:
            with _troubles("Kafka did not store the offsets"):
                self._commit(self._kafka)

    def hold(self, delivery: Delivery, seconds: float) -> None:
        partition = self._partition(delivery)
        if self._kafka is not None and partition in self._open:
            self._kafka.seek(partition, delivery.offset)
            self._kafka.pause(partition)
            self._held[partition] = time.monotonic() + seconds

    def partitions(self) -> set[Partition]:
        if self._kafka is None:
            return set()
        mine = self._kafka.assignment() - set(self._held)
        return {(it.topic.removeprefix(self._log.prefix), it.partition) for it in mine}

    def close(self) -> None:
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            kafka.close(autocommit=False, timeout_ms=2000)
        self._forget(set(self._open))

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing: what is known of a partition begins with its first record."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._forget(revoked)

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._forget(lost)
        # Else the assignor would claim, at the next joining, what is another's by now.
        self._assignor.member_assignment = None

    def _forget(self, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            for known in (self._open, self._done, self._held):
                known.pop(partition, None)
            if self._kafka is not None:
                _unpark(self._kafka, partition)

    def _joined(self) -> KafkaConsumer:
        if self._kafka is None:
            self._log.partitions(self._topics)
            topics = [self._log.prefix + topic for topic in self._topics]
            lease = int(self._log.lease * 1000)
            self._kafka = self._log.open_consumer(
                group_id=self._log.prefix + self._group,
                partition_assignment_strategy=[self._assignor],
                session_timeout_ms=lease,
                heartbeat_interval_ms=min(1000, lease // 4),
                max_poll_interval_ms=_SILENCE,
            )
            self._kafka.subscribe(topics, listener=self)
            for topic in topics:
                # A member that joins before its client knows the partitions may share out none.
                if not self._kafka.partitions_for_topic(topic):
                    raise KafkaError(f"the partitions of {topic!r} are not told")
        return self._kafka

    def _commit(self, kafka: KafkaConsumer) -> None:
        """Stores what is done; while the group is settling it stays for a later poll, if the partition stays."""
        if not self._done:
            return
        offsets = {partition: OffsetAndMetadata(end, "", -1) for partition, end in self._done.items()}
        try:
            kafka.commit(offsets, timeout_ms=int(self._log.patience * 1000))
        except RebalanceInProgressError:
            return
        except CommitFailedError:
            # The group went on without us: whoever has the partitions now is given these messages again.
            self._done.clear()
        else:
            self._open.update(self._done)
            self._done.clear()

    def _release_held(self, kafka: KafkaConsumer) -> None:
        for partition in [partition for partition, due in self._held.items() if due <= time.monotonic()]:
            del self._held[partition]
            _unpark(kafka, partition)
            kafka.resume(partition)

    def _given(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> list[Delivery]:
        for partition, records in found.items():
            self._open.setdefault(partition, records[0].offset)
        return [self._log.delivery(record) for records in found.values() for record in records]

    def _partition(self, delivery: Delivery) -> TopicPartition:
        return TopicPartition(self._log.prefix + delivery.topic, delivery.partition)


def _size(message: Message) -> int:
    """Bytes of a message, about."""
    return (
        len(message.value) + len(message.key) + sum(len(name) + len(value) for name, value in message.headers.items())
    )


def _headers(record: ConsumerRecord) -> Headers:
    """A header of a stranger may be no text, or nothing; of two of one name the last holds."""
    if not record.headers:
        return NO_HEADERS
    return {name: (value or b"").decode(errors="replace") for name, value in record.headers}


def _waves(assigned: Sequence[Assigned]) -> Iterator[list[Assigned]]:
    """Cuts messages, in their order, so that of each partition no more than one batch is in a wave."""
    wave: list[Assigned] = []
    sizes: dict[TopicPartition, int] = defaultdict(int)
    for partition, key, message in assigned:
        size = _size(message) + _OVERHEAD
        if sizes[partition] and sizes[partition] + size > _BATCH:
            yield wave
            wave = []
            sizes.clear()
        wave.append((partition, key, message))
        sizes[partition] += size
    yield wave


def _send(producer: KafkaProducer, wave: Sequence[Assigned], patience: float) -> list[tuple[TopicPartition, int, int]]:
    """Answers, for each partition, the index and the offset of its last message in the wave."""
    futures = [
        producer.send(
            partition.topic, partition=partition.partition, key=key, value=message.value,
            headers=[(name, value.encode()) for name, value in message.headers.items()],
        )
        for partition, key, message in wave
    ]  # fmt: skip
    producer.flush(timeout=patience)
    for future in futures:
        if future.failed():
            raise future.exception
    last = {partition: index for index, (partition, _, _) in enumerate(wave)}
    return [(partition, index, futures[index].value.offset) for partition, index in last.items()]


def _unpark(consumer: KafkaConsumer, partition: TopicPartition) -> None:
    """Throws away what kafka-python put aside of a paused partition. We have sought another place since, and where
    other partitions had records meanwhile, version 3.0.12 never takes it up again, nor fetches the partition."""
    consumer._fetcher._paused_partition_records.pop(partition, None)


def _poll(consumer: KafkaConsumer, seconds: float, limit: int) -> dict[TopicPartition, list[ConsumerRecord]]:
    found: dict[TopicPartition, list[ConsumerRecord]]
    found = consumer.poll(timeout_ms=max(0, int(seconds * 1000)), max_records=limit)
    return found


def _offsets(
    admin: KafkaAdminClient, partitions: Sequence[TopicPartition], spec: OffsetSpec
) -> dict[TopicPartition, int]:
    return {
        partition: found.offset
        for partition, found in admin.list_partition_offsets(dict.fromkeys(partitions, spec)).items()
    }


def _stored(admin: KafkaAdminClient, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    stored = admin.list_group_offsets({group: partitions})[group]
    return {partition: stored[partition].offset if partition in stored else 0 for partition in partitions}


def _unread(admin: KafkaAdminClient, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Unread]:
    starts, ends = _offsets(admin, partitions, OffsetSpec.EARLIEST), _offsets(admin, partitions, OffsetSpec.LATEST)
    first = {
        partition: max(starts[partition], offset) for partition, offset in _stored(admin, group, partitions).items()
    }
    return {partition: Unread(ends[partition] - first[partition], first[partition]) for partition in partitions}


def _readers(admin: KafkaAdminClient, group: str) -> dict[TopicPartition, str]:
    readers: dict[TopicPartition, str] = {}
    for member in admin.describe_groups([group])[group]["members"]:
        for topic in (member["member_assignment"] or {}).get("assigned_partitions", []):
            name = f"{member['member_id']} at {member['client_host'].lstrip('/')}"
            readers |= {TopicPartition(topic["topic"], number): name for number in topic["partitions"]}
    return readers


def _version(admin: KafkaAdminClient) -> str:
    broker = admin.describe_cluster()["brokers"][0]["broker_id"]
    release = admin.get_broker_version_data(broker).broker_version
    return f"Kafka {'.'.join(map(str, release))}"


@contextmanager
def _troubles(what: str) -> Iterator[None]:
    """Tells kafka-python's errors as LogUnavailable."""
    try:
        yield
    except KafkaError as error:
        raise LogUnavailable(f"{what}: {error}") from error
