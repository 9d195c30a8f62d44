"""The event log: the promise that SQLite and Kafka both keep, held by tests/contract/test_event_log.py."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What is appended: a topic of the registry, the key whose order matters, and the envelope's bytes."""

    topic: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is read: a message and its place. The value may be anything: only the reader can judge it."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes


class Consumer(Protocol):
    """One member of a group. Not thread-safe: one consumer a thread."""

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        """Waits up to `timeout` seconds for messages of the partitions this member holds; at most `limit`.

        Within a partition in offset order, without gaps. What was polled and neither stored nor held is
        not given again to this member, and is given to whoever takes the partition over.
        """
        ...

    def store(self, deliveries: Sequence[Delivery]) -> None:
        """Makes durable that the group is done up to and with these. One whose partition was meanwhile
        lost to another member is passed over: that member will see the message again."""
        ...

    def hold(self, delivery: Delivery, seconds: float) -> None:
        """Gives this delivery and all behind it in its partition again, not sooner than in `seconds`.
        Other partitions go on."""
        ...

    def close(self) -> None:
        """Leaves the group; another member takes the partitions over at once."""
        ...


class EventLog(Protocol):
    """An ordered, durable, partitioned log of messages.

    Promises, on every adapter:
    - `append` returns when the messages are durable, or raises `LogUnavailable` and has appended some of
      them, of each key a prefix;
    - messages of one key are read in the order of their append;
    - each group sees each message at least once, and again after a crash before `store`;
    - a partition is read by one member of a group at a time; when it dies, another takes over;
    - a new group starts at the beginning.

    Every method may raise LogUnavailable, and NotFound for a topic that is none; `append` raises TooLarge for a
    message larger than a broker takes.
    """

    def create_topics(self) -> None:
        """Creates what the registry declares and is not there yet; never changes a topic that is."""
        ...

    def append(self, messages: Sequence[Message]) -> None: ...

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer: ...

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        """Everything that is in these topics at the time of the call, from the start, outside any group."""
        ...

    def lag(self, group: str, topics: Collection[str]) -> int:
        """How many messages of these topics the group has not stored yet."""
        ...

    def ping(self) -> None:
        """Raises LogUnavailable, saying why, unless the log answers."""
        ...

    def close(self) -> None: ...
