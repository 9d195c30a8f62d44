"""The event log: the promise that SQLite and Kafka both keep, held by tests/contract/test_event_log.py."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

#: A partition of the log: its topic, and its number.
Partition = tuple[str, int]

#: Bytes of messages that a poll takes into memory at a time, about.
BYTES_AT_ONCE = 16 * 1024 * 1024


#: What travels beside a message's value, by name: such as the `traceparent` of the W3C.
Headers = Mapping[str, str]

NO_HEADERS: Headers = MappingProxyType({})


class Message(NamedTuple):
    """What is appended: a topic of the registry, the key whose order matters, the envelope's bytes, and what travels
    beside it."""

    topic: str
    key: str
    value: bytes
    headers: Headers = NO_HEADERS


class Delivery(NamedTuple):
    """What is read: a message and its place. Value and headers may be anything: only the reader can judge them."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Headers = NO_HEADERS

    @property
    def topic_partition(self) -> Partition:
        return self.topic, self.partition


class Last(NamedTuple):
    """The last message that an append put on a partition: its index among those appended, and its offset."""

    index: int  # type: ignore[assignment]  # It hides `tuple.index`, which nobody asks of one.
    offset: int


class Unread(NamedTuple):
    """What a group has not stored of a partition: how many messages, and the offset at which it goes on."""

    messages: int
    first: int


class Consumer(Protocol):
    """One member of a group. Not thread-safe: one consumer a thread."""

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        """Waits up to `timeout` seconds for messages of the partitions this member holds; at most `limit`, and
        not many more bytes than `BYTES_AT_ONCE`, however large they are: but one message always goes through.

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

    def partitions(self) -> set[Partition]:
        """The partitions that this member reads as of its last poll, without those that are held."""
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

    def upgrade(self) -> None:
        """Makes a log that an earlier release left one of this release, with all its messages, before anything else is
        asked of it; where there is none, makes none."""
        ...

    def create_topics(self) -> None:
        """Creates what the registry declares and is not there yet; never changes a topic that is."""
        ...

    def append(self, messages: Sequence[Message]) -> dict[Partition, Last]:
        """Where the last message of each partition stands now; a partition whose offset a broker did not tell
        is left out."""
        ...

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer: ...

    def read(self, topics: Collection[str]) -> Iterator[Delivery]:
        """Everything that is in these topics at the time of the call, from the start, outside any group."""
        ...

    def missing(self, topics: Collection[str]) -> set[str]:
        """Those of these topics that were not created yet: all of them where there is no log at all."""
        ...

    def ends(self, topics: Collection[str]) -> dict[Partition, int]:
        """The offset that the next message of each partition will get."""
        ...

    def between(self, spans: Mapping[Partition, tuple[int, int]]) -> Iterator[Delivery]:
        """The messages from one offset up to another, of each of these partitions, as far as it has them; outside
        any group. A partition that does not exist has none."""
        ...

    def at(self, offsets: Mapping[Partition, int]) -> dict[Partition, Delivery]:
        """The one message at an offset of each partition; a partition that has none there is left out."""
        ...

    def stored(self, group: str, topics: Collection[str]) -> dict[Partition, int]:
        """Where the group goes on in each partition; one of which it has stored nothing is left out."""
        ...

    def unread(self, group: str, topics: Collection[str]) -> dict[Partition, Unread]:
        """What the group has not stored yet, of each partition."""
        ...

    def lag(self, group: str, topics: Collection[str]) -> int:
        """How many messages of these topics the group has not stored yet: the sum over `unread`."""
        ...

    def readers(self, group: str) -> dict[Partition, str]:
        """Who reads each partition for the group now: a member's name. One that nobody reads is left out."""
        ...

    def rewind(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Makes the group go on at these offsets, back or forth. Raises Conflict while it has members."""
        ...

    def verify(self) -> None:
        """Raises LogUnavailable, saying what is damaged, when the log cannot be read whole or lacks a message. Takes
        seconds for a large one."""
        ...

    def ping(self) -> None:
        """Raises LogUnavailable, saying why, unless the log answers."""
        ...

    def version(self) -> str:
        """Of what keeps it: its name, and which of its releases it is."""
        ...

    def close(self) -> None: ...
