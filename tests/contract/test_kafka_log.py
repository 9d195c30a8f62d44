"""What only the Kafka log meets: brokers, prefixes and settings of topics (what every log promises: test_event_log)."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.bus.port import Message
from shared.errors import LogUnavailable, TooLarge
from shared.events.registry import Topic
from tests.contract.log_sites import PATIENCE

pytestmark = pytest.mark.real

TOPICS = {"books": Topic("books", 3)}


@pytest.fixture
def servers(real_kafka_url: str) -> list[str]:
    return real_kafka_url.removeprefix("kafka://").split(",")


@pytest.fixture
def prefix(servers: list[str]) -> Iterator[str]:
    from kafka import KafkaAdminClient

    prefix = f"test-{uuid.uuid4().hex[:10]}."
    yield prefix
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        topics = [name for name in admin.list_topics() if name.startswith(prefix)]
        if topics:
            admin.delete_topics(topics)


def open_log(servers: list[str], prefix: str = "", topics=TOPICS, **how: float):
    from shared.bus.kafka_log import KafkaLog

    # A busy broker may be slow to say that it is there.
    waits = int(how.get("patience", PATIENCE) * 1000)
    return closing(KafkaLog(servers, topics, prefix=prefix, client={"bootstrap_timeout_ms": waits}, **how))


def test_topics_have_their_partitions_keep_events_forever_and_carry_the_prefix(servers, prefix: str) -> None:
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType

    with open_log(servers, prefix) as log, closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        log.create_topics()
        (topic,) = admin.describe_topics([f"{prefix}books"])
        (described,) = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}books")]).values()
        brokers = len(admin.describe_cluster()["brokers"])
    assert len(topic["partitions"]) == 3
    assert {len(it["replica_nodes"]) for it in topic["partitions"]} == {min(3, brokers)}
    assert described[f"{prefix}books"]["retention.ms"]["value"] == "-1"


def test_two_platforms_on_one_cluster_do_not_meet(servers, prefix: str) -> None:
    with open_log(servers, f"{prefix}one.") as one, open_log(servers, f"{prefix}two.") as two:
        one.create_topics()
        two.create_topics()
        one.append([Message("books", "k", b"one")])
        with closing(one.subscribe("readers", ["books"])) as member:
            while not (batch := member.poll(1)):
                pass
            member.store(batch)
        assert (one.lag("readers", ["books"]), [*two.read(["books"])]) == (0, [])
        two.append([Message("books", "k", b"two")])
        assert [it.value for it in two.read(["books"])] == [b"two"]
        assert two.lag("readers", ["books"]) == 1


def test_a_topic_that_was_not_created_does_not_come_to_be_by_using_it(servers, prefix: str) -> None:
    from kafka import KafkaAdminClient

    with open_log(servers, prefix) as log, closing(log.subscribe("readers", ["books"])) as member:
        for attempt in (lambda: log.append([Message("books", "k", b"")]), lambda: member.poll(0.1), log.ping):
            try:
                attempt()
            except LogUnavailable as error:
                assert "create its topics" in error.detail
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        assert not [name for name in admin.list_topics() if name.startswith(prefix)]


def test_a_message_too_large_for_any_batch_is_refused_before_anything_is_sent(servers, prefix: str) -> None:
    with open_log(servers, prefix) as log:
        log.create_topics()
        log.append([Message("books", "k", b"x" * 8_000_000)])
        with pytest.raises(TooLarge, match="9000000 bytes"):
            log.append([Message("books", "k", b"small"), Message("books", "k", b"x" * 9_000_000)])
        assert [len(it.value) for it in log.read(["books"])] == [8_000_000]


def test_what_others_wrote_to_a_topic_is_given_as_it_is(servers, prefix: str) -> None:
    from kafka import KafkaProducer

    with open_log(servers, prefix) as log:
        log.create_topics()
        with KafkaProducer(bootstrap_servers=servers) as producer:
            producer.send(f"{prefix}books", key=b"\xff", value=None, partition=0).get(10)
            producer.send(f"{prefix}books", value=b"without a key", partition=0).get(10)
        assert [(it.key, it.value) for it in log.read(["books"])] == [("\ufffd", b""), ("", b"without a key")]


def test_no_broker_at_all_is_told_and_not_waited_for(real_kafka_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open_log([f"127.0.0.1:{port}"], patience=3.0) as log, closing(log.subscribe("readers", ["books"])) as member:
        for attempt in (
            log.ping,
            lambda: log.append([Message("books", "k", b"")]),
            lambda: member.poll(0.1),
        ):
            with pytest.raises(LogUnavailable, match=rf"127\.0\.0\.1:{port} refuses or does not answer"):
                attempt()
