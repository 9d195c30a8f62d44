"""What every event log promises, held on each adapter (shared/bus/port.py)."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread, Timer
from typing import TypeVar

import pytest

from shared.bus.port import BYTES_AT_ONCE, Consumer, Delivery, EventLog, Message, Unread
from shared.errors import Conflict, LogUnavailable, NotFound
from shared.events.registry import Topic
from shared.runtime.watchdog import Watchdog
from tests.contract.log_sites import BOOKS, LOANS, TOPICS, Child, KafkaSite, Site, SqliteSite

pytestmark = pytest.mark.waits

Answer = TypeVar("Answer")

#: Seconds that anything a test waits for may take; far more than it does, on a busy machine too.
PATIENCE = 120.0
#: Enough keys that each of four partitions has some.
KEYS = [f"key{number}" for number in range(16)]


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.real)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        site: Site = SqliteSite(tmp_path)
    else:
        site = KafkaSite(request.getfixturevalue("real_kafka_url"))
    site.open().create_topics()
    yield site
    site.close()


@pytest.fixture
def log(site: Site) -> EventLog:
    return site.open()


class Reader:
    """A member of a group, and all that it was given so far."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.given: list[Delivery] = []
        self.store, self.hold, self.close = consumer.store, consumer.hold, consumer.close
        self.reads = consumer.partitions

    def poll(self, timeout: float = 0.1, limit: int = 500) -> list[Delivery]:
        batch = self._consumer.poll(timeout, limit)
        self.given += batch
        return batch

    def take(self, count: int) -> list[Delivery]:
        """Polls until it was given so many more messages, which must not be more."""
        before = len(self.given)
        wait_for(lambda: len(self.given) - before >= count, self)
        assert len(self.given) - before == count
        return self.given[before:]

    def partitions(self, since: int = 0) -> set[int]:
        return {delivery.partition for delivery in self.given[since:]}


def wait_for(condition: Callable[[], object], *readers: Reader, store: bool = False) -> None:
    """Has each reader poll in a thread of its own, as in a service, until the condition holds.

    Every member of a group has to be among them: one that does not poll keeps the others from sharing out anew.
    """
    done = Event()

    def work(reader: Reader) -> None:
        while not done.is_set():
            batch = reader.poll()
            if store:
                reader.store(batch)

    with ThreadPoolExecutor(len(readers)) as pool:
        working = [pool.submit(work, reader) for reader in readers]
        deadline = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < deadline and not any(it.done() for it in working):
            time.sleep(0.02)
        done.set()
    for it in working:
        it.result()
    assert condition(), f"after {PATIENCE:g} s given: {[len(it.given) for it in readers]}"


@pytest.fixture
def join(site: Site) -> Iterator[Callable[..., Reader]]:
    """Lets a member join a group, with an adapter of its own as in a process of its own; it leaves at the end."""
    with ExitStack() as stack:

        def join(group: str = "readers", *topics: str) -> Reader:
            return Reader(stack.enter_context(closing(site.open().subscribe(group, topics or [BOOKS]))))

        yield join


def books(keys: Sequence[str] = KEYS, times: int = 1, begin: int = 0) -> list[Message]:
    """Messages that tell their key and their number, `times` of each key, the keys taking turns."""
    return [Message(BOOKS, key, f"{key}:{number}".encode()) for number in range(begin, begin + times) for key in keys]


def values(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.value.decode() for delivery in deliveries]


def insist(attempt: Callable[[], Answer]) -> Answer:
    """Tries again while the log says that it is down, as every caller does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except LogUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def round_of(number: int) -> set[str]:
    """The values of `books(begin=number)`."""
    return {f"{key}:{number}" for key in KEYS}


def shares(log: EventLog, *readers: Reader) -> list[int]:
    """How many partitions each reads when all have settled; what was appended to learn it is stored."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        before = [len(reader.given) for reader in readers]
        log.append(books())
        wait_for(lambda: log.lag("readers", [BOOKS]) == 0, *readers, store=True)
        read = [reader.partitions(since) for reader, since in zip(readers, before, strict=True)]
        if all(read) and sum(map(len, read)) == 4:
            return sorted(map(len, read))
    raise AssertionError(f"the partitions were not shared out after {PATIENCE:g} s")


def in_order(texts: Sequence[str]) -> bool:
    """Whether each key's first occurrences count up from its first number without a gap."""
    seen: dict[str, list[int]] = defaultdict(list)
    for text in texts:
        key, _, number = text.partition(":")
        if int(number) not in seen[key]:
            seen[key].append(int(number))
    return all(after == before + 1 for numbers in seen.values() for before, after in pairwise(numbers))


# Appending and reading


def test_messages_of_one_key_are_read_in_the_order_of_their_append(log: EventLog, join) -> None:
    log.append(books(times=5))
    log.append(books(times=5, begin=5))

    given = join().take(160)

    assert sorted(values(given)) == sorted(values([*log.read([BOOKS])]))
    assert in_order(values(given))


def test_a_key_stays_in_one_partition_and_the_keys_use_them_all(log: EventLog, join) -> None:
    log.append(books(times=3))
    partitions_of = defaultdict(set)
    for delivery in join().take(48):
        partitions_of[delivery.key].add(delivery.partition)
    assert {len(partitions) for partitions in partitions_of.values()} == {1}
    assert set.union(*partitions_of.values()) == {0, 1, 2, 3}


def test_a_partition_is_given_in_offset_order_without_gaps(log: EventLog, join) -> None:
    log.append(books(times=20))
    offsets = defaultdict(list)
    for delivery in join().take(320):
        offsets[delivery.partition].append(delivery.offset)
    assert all(numbers == list(range(len(numbers))) for numbers in offsets.values())


def test_a_delivery_tells_what_was_appended(log: EventLog, join) -> None:
    log.append([Message(LOANS, "clé-日本", b'{"a": 1}')])
    (delivery,) = join("readers", LOANS, BOOKS).take(1)
    assert delivery == Delivery(LOANS, 0, 0, "clé-日本", b'{"a": 1}')


@pytest.mark.parametrize("value", [b"", b"\x00\xff\xfe not JSON", b"x" * 1_500_000], ids=["empty", "binary", "large"])
def test_a_value_that_no_reader_can_judge_passes_unharmed(log: EventLog, join, value: bytes) -> None:
    log.append([Message(LOANS, "poison", value), Message(LOANS, "poison", b"next")])
    assert [delivery.value for delivery in join("readers", LOANS).take(2)] == [value, b"next"]


def test_what_travels_beside_a_message_comes_back_with_it(log: EventLog) -> None:
    described = [{"traceparent": "00-1-2-01", "näme": "ä \N{GRINNING FACE}"}, {}, {"empty": ""}]
    log.append([Message(BOOKS, "k", str(n).encode(), headers) for n, headers in enumerate(described)])

    read = list(log.read([BOOKS]))
    assert [dict(one.headers) for one in read] == described
    last = read[-1]
    assert dict(log.at({last.topic_partition: last.offset})[last.topic_partition].headers) == {"empty": ""}


def test_messages_without_a_byte_pass_too(log: EventLog, join) -> None:
    log.append([Message(BOOKS, "", b""), Message(BOOKS, "", b"")])

    assert [(delivery.key, delivery.value) for delivery in join().take(2)] == [("", b"")] * 2


def test_odd_keys_and_values_of_any_bytes_lie_beside_large_ones(log: EventLog, join) -> None:
    keys = ["a\0b", "é", "\U0001f9ea", '"', "\\u0000", " "]
    values = [b"", b"\0", b"\xff\xfe\0", b"'\"\\", bytes(range(256)), b"x" * 3_000_000]
    sent = [Message(BOOKS, key, value + key.encode()) for value in values for key in keys]
    log.append(sent)

    read: dict[str, list[bytes]] = {key: [] for key in keys}
    for delivery in join().take(len(sent)):
        read[delivery.key].append(delivery.value)
    assert read == {key: [value + key.encode() for value in values] for key in keys}


def test_five_thousand_messages_go_in_one_append(log: EventLog) -> None:
    messages = [Message(BOOKS, f"book{n % 700}", f"book{n % 700}:{n // 700}".encode().ljust(1500)) for n in range(5000)]
    log.append(messages)
    texts = [text.strip() for text in values([*log.read([BOOKS])])]
    assert len(texts) == 5000
    assert in_order(texts)


def test_an_empty_append_does_nothing(log: EventLog) -> None:
    log.append([])
    assert list(log.read([BOOKS, LOANS])) == []


def test_a_poll_gives_no_more_than_its_limit_and_the_rest_later(log: EventLog, join) -> None:
    log.append(books(times=2))
    member = join()
    batches = []
    while sum(map(len, batches)) < 32:
        batches.append(member.poll(0.5, limit=5))
    assert max(map(len, batches)) == 5
    assert in_order(values([delivery for batch in batches for delivery in batch]))


def test_a_poll_waits_for_a_message_and_no_longer(log: EventLog, join) -> None:
    member = join()
    shares(log, member)
    begun = time.monotonic()
    assert member.poll(0.3) == []
    assert 0.2 < time.monotonic() - begun < PATIENCE

    late = Timer(0.5, log.append, [books()])
    late.start()
    begun = time.monotonic()
    assert member.poll(20)
    assert time.monotonic() - begun < PATIENCE
    late.join()


def test_an_unknown_topic_is_named(log: EventLog) -> None:
    for attempt in (
        lambda: log.append([Message("library.boks", "k", b"")]),
        lambda: log.subscribe("readers", ["library.boks"]),
        lambda: log.read(["library.boks"]),
        lambda: log.lag("readers", ["library.boks"]),
    ):
        with pytest.raises(NotFound, match=r"no topic 'library\.boks'"):
            attempt()


def test_a_topic_that_was_not_created_makes_the_log_unavailable_until_it_is(site: Site) -> None:
    log = site.open({**TOPICS, "library.fines": Topic("library.fines", 2)})
    fines = [Message("library.fines", "k", b"late")]
    for attempt in (lambda: log.append(fines), lambda: list(log.read(["library.fines"]))):
        with pytest.raises(LogUnavailable, match=r"library\.fines.*create its topics"):
            attempt()

    log.create_topics()
    log.append(fines)

    assert [delivery.value for delivery in log.read(["library.fines"])] == [b"late"]


def test_creating_topics_again_changes_nothing(site: Site, log: EventLog) -> None:
    log.append(books(times=2))
    site.open({BOOKS: Topic(BOOKS, 9)}).create_topics()
    log.append(books(times=2, begin=2))
    deliveries = list(log.read([BOOKS]))
    assert {delivery.partition for delivery in deliveries} == {0, 1, 2, 3}
    assert len(deliveries) == 64 and in_order(values(deliveries))


def test_reading_ends_where_the_log_ended_at_the_call_and_leaves_groups_alone(log: EventLog) -> None:
    log.append(books(times=40))
    reading = log.read([BOOKS, LOANS])
    log.append(books(begin=40))
    texts = values([*reading])
    assert len(texts) == 640 and in_order(texts)
    assert log.lag("readers", [BOOKS]) == 656


def test_an_append_tells_where_the_last_message_of_each_partition_stands(log: EventLog) -> None:
    log.append(books())
    messages = [*books(times=3, begin=1), Message(LOANS, "k", b"loan")]

    last = log.append(messages)

    read = {delivery.topic_partition: delivery for delivery in log.read([BOOKS, LOANS])}
    assert {partition: it.offset for partition, it in last.items()} == {
        partition: it.offset for partition, it in read.items()
    }
    assert {partition: messages[it.index].value for partition, it in last.items()} == {
        partition: it.value for partition, it in read.items()
    }
    assert log.append([]) == {}


def test_an_append_that_takes_several_batches_tells_the_last_place_too(log: EventLog) -> None:
    large = [Message(LOANS, "k", bytes([number]) * 400_000) for number in range(7)]
    assert log.append(large) == {(LOANS, 0): (6, 6)}
    assert log.append([Message(LOANS, "k", b"next")]) == {(LOANS, 0): (0, 7)}


def test_the_ends_are_the_offsets_of_what_comes_next(log: EventLog) -> None:
    assert log.ends([BOOKS, LOANS]) == {**{(BOOKS, number): 0 for number in range(4)}, (LOANS, 0): 0}
    last = log.append([*books(times=2), Message(LOANS, "k", b"")])
    assert log.ends([BOOKS, LOANS]) == {partition: it.offset + 1 for partition, it in last.items()}


def test_single_messages_are_looked_at_by_their_places(log: EventLog) -> None:
    last = log.append(books(times=3))
    whole = {(delivery.topic_partition, delivery.offset): delivery for delivery in log.read([BOOKS])}

    found = log.at({partition: it.offset - 1 for partition, it in last.items()})

    assert found == {partition: whole[partition, it.offset - 1] for partition, it in last.items()}
    assert log.at({partition: it.offset + 1 for partition, it in last.items()} | {(LOANS, 0): 0, (LOANS, 7): 0}) == {}
    assert log.at({}) == {}


def test_spans_of_partitions_are_read_as_far_as_they_go(log: EventLog) -> None:
    log.append(books(times=6))
    whole = [it for it in log.read([BOOKS]) if it.partition in (1, 2)]
    spans = {(BOOKS, 1): (3, 5), (BOOKS, 2): (1, 10_000), (BOOKS, 3): (9, 9), (BOOKS, 7): (0, 5), (LOANS, 0): (0, 3)}

    read = list(log.between(spans))

    expected = {(it.partition, it.offset): it for it in whole if it.partition == 2 and it.offset >= 1}
    expected |= {(it.partition, it.offset): it for it in whole if it.partition == 1 and 3 <= it.offset < 5}
    assert {(it.partition, it.offset): it for it in read} == expected
    assert len(read) == len(expected)
    assert in_order(values(read))
    assert list(log.between({})) == []


def test_topics_that_were_not_created_are_told(site: Site, log: EventLog) -> None:
    assert log.missing([BOOKS, LOANS]) == set()
    more = site.open({**TOPICS, "library.fines": Topic("library.fines", 2)})
    assert more.missing([BOOKS, "library.fines"]) == {"library.fines"}
    more.create_topics()
    assert more.missing([BOOKS, "library.fines"]) == set()


def test_a_sound_log_is_verified(log: EventLog) -> None:
    log.append(books(times=20))
    log.verify()


# Large messages


def test_a_message_larger_than_any_of_ours_is_read_and_so_is_what_follows(site: Site, log: EventLog, join) -> None:
    site.put(LOANS, b"x" * 20_000_000)
    log.append([Message(LOANS, "k", b"next")])
    assert [len(it.value) for it in log.read([LOANS])] == [20_000_000, 4]
    assert len(log.at({(LOANS, 0): 0})[LOANS, 0].value) == 20_000_000

    member = join("readers", LOANS)
    given = member.take(2)

    assert [len(it.value) for it in given] == [20_000_000, 4]
    member.store(given)
    assert log.lag("readers", [LOANS]) == 0


def test_a_poll_takes_no_more_large_messages_than_there_is_room_for(log: EventLog, join) -> None:
    for _ in range(3):
        log.append([Message(BOOKS, key, b"x" * 3_000_000) for key in KEYS[:6]])
    member = join()
    sizes = []
    while sum(sizes) < 18 * 3_000_000:
        sizes.append(sum(len(it.value) for it in member.poll(1)))
    assert max(sizes) < BYTES_AT_ONCE + 3_000_000


# Groups, offsets and crashes


def test_what_was_not_stored_is_given_again_after_a_crash(log: EventLog, join) -> None:
    log.append(books(times=2))
    with closing(log.subscribe("readers", [BOOKS])) as crashing:
        given = Reader(crashing).take(32)
        done = [delivery for delivery in given if delivery.partition != 2]
        crashing.store(done)

    again = join().take(32 - len(done))

    assert {delivery.partition for delivery in again} == {2}
    assert in_order(values(again))


def test_what_was_stored_stays_stored_when_the_log_is_opened_again(site: Site, join) -> None:
    first = site.open()
    first.append(books(times=2))
    with closing(first.subscribe("readers", [BOOKS])) as consumer:
        consumer.store(Reader(consumer).take(32))
    first.close()

    site.open().append(books(begin=2))

    assert set(values(join().take(16))) == round_of(2)


def test_storing_a_batch_twice_or_late_does_not_go_back(log: EventLog, join) -> None:
    log.append(books())
    member = join()
    early = member.take(16)
    log.append(books(begin=1))
    member.store(member.take(16))
    member.store(early)
    assert log.lag("readers", [BOOKS]) == 0


def test_a_member_is_not_given_again_what_it_polled(log: EventLog, join) -> None:
    log.append(books())
    member = join()
    member.take(16)
    log.append(books(begin=1))
    assert {text.partition(":")[2] for text in values(member.take(16))} == {"1"}


def test_two_groups_each_see_everything(log: EventLog, join) -> None:
    log.append(books(times=3))
    assert sorted(values(join("readers").take(48))) == sorted(values(join("writers").take(48)))


def test_a_new_group_replays_from_the_start(log: EventLog, join) -> None:
    log.append(books(times=3))
    member = join("readers")
    member.store(member.take(48))
    assert in_order(values(join("late").take(48)))


def test_lag_counts_what_a_group_has_not_stored(log: EventLog, join) -> None:
    log.append([*books(times=2), Message(LOANS, "k", b"loan:0")])
    assert log.lag("readers", [BOOKS, LOANS]) == 33
    assert log.lag("readers", [LOANS]) == 1
    member = join()
    given = member.take(32)
    assert log.lag("readers", [BOOKS]) == 32
    member.store(given[:1])
    assert log.lag("readers", [BOOKS]) == 31
    member.store(given)
    assert (log.lag("readers", [BOOKS]), log.lag("others", [BOOKS])) == (0, 32)


def test_what_is_unread_is_told_by_partition(log: EventLog, join) -> None:
    ends = {partition: it.offset + 1 for partition, it in log.append(books(times=2)).items()}
    unread = log.unread("readers", [BOOKS, LOANS])
    assert unread == {**{partition: Unread(end, 0) for partition, end in ends.items()}, (LOANS, 0): Unread(0, 0)}
    assert log.stored("readers", [BOOKS, LOANS]) == {}

    member = join()
    given = [it for it in member.take(32) if it.partition == 2]
    member.store(given[:2])

    assert log.unread("readers", [BOOKS])[BOOKS, 2] == Unread(ends[BOOKS, 2] - 2, 2)
    assert log.stored("readers", [BOOKS]) == {(BOOKS, 2): 2}
    assert log.stored("readers", [LOANS]) == {}


def test_a_member_tells_which_partitions_it_reads_and_the_log_who_reads_them(log: EventLog, join) -> None:
    assert log.readers("readers") == {}
    first = join()
    log.append(books())
    given = first.take(16)
    everything = {(BOOKS, number) for number in range(4)}
    assert first.reads() == everything
    first.hold(given[0], 60)
    assert first.reads() == everything - {given[0].topic_partition}

    second = join()
    wait_for(lambda: len(second.reads()) == 2, first, second)

    wait_for(lambda: len(set(log.readers("readers").values())) == 2, first, second)
    readers = log.readers("readers")
    assert set(readers) == everything
    assert len({readers[partition] for partition in second.reads()}) == 1
    assert log.readers("others") == {}


def test_a_group_goes_on_where_it_was_rewound_to(log: EventLog, join) -> None:
    ends = {partition: it.offset + 1 for partition, it in log.append(books(times=2)).items()}
    member = join()
    member.store(member.take(32))
    with pytest.raises(Conflict, match="stop them first"):
        log.rewind("readers", {(BOOKS, 1): 1})
    assert log.lag("readers", [BOOKS]) == 0
    member.close()

    log.rewind("readers", {(BOOKS, 1): 1, (BOOKS, 2): 0})

    assert log.stored("readers", [BOOKS]) == {(BOOKS, 0): ends[BOOKS, 0], (BOOKS, 1): 1, (BOOKS, 3): ends[BOOKS, 3]}
    again = join().take(ends[BOOKS, 1] - 1 + ends[BOOKS, 2])
    assert {(it.partition, it.offset) for it in again} == {
        *((1, offset) for offset in range(1, ends[BOOKS, 1])),
        *((2, offset) for offset in range(ends[BOOKS, 2])),
    }


def test_a_group_that_never_was_may_be_put_where_it_should_begin(log: EventLog, join) -> None:
    ends = {partition: it.offset + 1 for partition, it in log.append(books()).items()}
    log.rewind("late", ends)
    assert log.lag("late", [BOOKS]) == 0
    log.append(books(begin=1))
    assert set(values(join("late").take(16))) == round_of(1)


def test_a_held_delivery_comes_again_while_other_partitions_go_on(log: EventLog, join) -> None:
    log.append(books(times=2))
    member = join()
    given = member.take(32)
    held = [delivery for delivery in given if delivery.partition == given[0].partition]
    member.store([delivery for delivery in given if delivery not in held] + held[:1])

    member.hold(held[1], 10 * PATIENCE)
    log.append(books(begin=2))
    elsewhere = len({delivery.key for delivery in given if delivery not in held})
    meanwhile = member.take(elsewhere)
    assert held[0].partition not in {delivery.partition for delivery in meanwhile}

    begun = time.monotonic()
    member.hold(held[1], 1.5)
    again = member.take(16 - elsewhere + len(held) - 1)
    assert time.monotonic() - begun >= 1.5
    assert {delivery.partition for delivery in again} == {held[0].partition}
    assert again[: len(held) - 1] == held[1:]
    assert in_order(values([*held[:1], *again]))


def test_a_hold_may_be_repeated(log: EventLog, join) -> None:
    log.append([Message(LOANS, "k", f"k:{n}".encode()) for n in range(3)])
    member = join("readers", LOANS)
    given = member.take(3)
    for _ in range(3):
        member.hold(given[1], 0.2)
        assert member.take(2) == given[1:]
    member.store(given)
    assert log.lag("readers", [LOANS]) == 0


def test_a_hold_outlasts_a_change_of_members(log: EventLog, join) -> None:
    log.append(books(times=2))
    first = join()
    given = first.take(32)
    held = {number: [it for it in given if it.partition == number] for number in range(4)}
    first.store([deliveries[0] for deliveries in held.values()])
    for deliveries in held.values():
        first.hold(deliveries[1], 10 * PATIENCE)
    before = len(first.given)

    second = join()
    wait_for(lambda: len(second.partitions()) == 2, first, second)
    assert len(first.given) == before, "what stayed with the first member is still held"

    begun = time.monotonic()
    for deliveries in held.values():  # Of what is the second's by now it holds nothing any more.
        first.hold(deliveries[1], 1.5)
    wait_for(lambda: len(first.given) + len(second.given) == 32 + 32 - 4, first, second)
    assert time.monotonic() - begun >= 1.5
    assert [it for it in first.given[before:] + second.given if it.partition == 0] == held[0][1:]
    assert in_order(values([deliveries[0] for deliveries in held.values()] + first.given[before:] + second.given))


def test_members_share_the_partitions_and_none_is_read_by_two(log: EventLog, join) -> None:
    first = join()
    assert shares(log, first) == [4]
    second = join()
    assert shares(log, first, second) == [2, 2]
    third = join()
    assert shares(log, first, second, third) == [1, 1, 2]


def test_a_member_that_leaves_hands_its_partitions_over(log: EventLog, join) -> None:
    leaving, staying = join(), join()
    shares(log, leaving, staying)
    log.append(books(begin=1))
    # Both poll, as in a service: a change of members that is under way ends only when all of them do.
    wait_for(lambda: any(text.endswith(":1") for text in values(leaving.given)), leaving, staying)
    leaving.close()

    def given() -> list[str]:
        return [text for text in values(staying.given) if text.endswith(":1")]

    wait_for(lambda: len(given()) >= 16, staying)
    assert sorted(given()) == sorted(round_of(1)), "nothing lost, and nothing twice"


def test_a_member_without_a_partition_waits_and_takes_over(log: EventLog, join) -> None:
    one, other = join("readers", LOANS), join("readers", LOANS)
    log.append([Message(LOANS, "k", b"k:0")])
    wait_for(lambda: one.given or other.given, one, other)
    reader, idle = (one, other) if one.given else (other, one)
    reader.store(reader.given)
    reader.close()
    log.append([Message(LOANS, "k", b"k:1")])
    wait_for(lambda: "k:1" in values(idle.given), idle)
    # Where the reader was so slow that its lease lapsed, the idle one has the first again.
    assert values(idle.given) in (["k:1"], ["k:0", "k:1"])


def test_a_member_killed_with_minus_9_is_taken_over(site: Site, log: EventLog, join) -> None:
    log.append(books(times=3))
    child = Child(site, "consume", "readers")
    seen = child.lines(48)
    child.kill()

    given = join().take(48)

    assert sorted(values(given)) == sorted(seen)
    assert in_order(values(given))


def test_a_member_shares_with_another_process_and_survives_its_end(site: Site, log: EventLog, join) -> None:
    child = Child(site, "consume", "readers")
    log.append(books())
    child.lines(16)
    member, appended = join(), 1
    deadline = time.monotonic() + PATIENCE
    while len(member.partitions()) < 2 and time.monotonic() < deadline:
        log.append(books(begin=appended))
        appended += 1
        member.poll(0.5)
    assert len(member.partitions()) == 2
    member.store(member.given)
    child.kill()

    while log.lag("readers", [BOOKS]) and time.monotonic() < deadline + PATIENCE:
        member.store(member.poll(0.5))

    assert set(values(member.given)) == set.union(*map(round_of, range(appended)))
    assert in_order(values(member.given))


def test_a_member_that_was_frozen_for_longer_than_its_lease_cannot_store(site: Site, log: EventLog, join) -> None:
    log.append(books(times=2))
    child = Child(site, "sleep", "readers", "32")
    assert child.lines(1) == ["given"]
    child.freeze()
    member = join()
    given = member.take(32)
    child.thaw()
    child.tell()
    assert child.lines(1) == ["stored"]

    assert log.lag("readers", [BOOKS]) == 32
    member.store(given)
    child.kill()
    wait_for(lambda: log.lag("readers", [BOOKS]) == 0, member, store=True)


def test_a_member_that_lost_a_partition_cannot_store_it(log: EventLog, join) -> None:
    log.append(books(times=2))
    first = join()
    everything = first.take(32)
    second = join()
    wait_for(lambda: len(second.partitions()) == 2, first, second)

    first.store(everything)

    lost = [delivery for delivery in everything if delivery.partition in second.partitions()]
    wait_for(lambda: log.lag("readers", [BOOKS]) == len(lost) <= len(second.given), first, second)
    assert sorted(values(second.given)) == sorted(values(lost))
    second.store(second.given)
    # While the group is settling it is stored with a later poll.
    wait_for(lambda: log.lag("readers", [BOOKS]) == 0, first, second)


# The watchdog


def test_a_partition_that_is_frozen_is_found_and_read_after_joining_anew(site: Site, log: EventLog) -> None:
    watchdog = Watchdog("readers", log, patience=8.0)
    with closing(watchdog.subscribe("readers", [BOOKS])) as consumer:
        member = Reader(consumer)
        log.append(books())
        wait_for(lambda: log.lag("readers", [BOOKS]) == 0, member, store=True)
        site.freeze(consumer.consumer, (BOOKS, 2))
        log.append(books(times=3, begin=1))

        wait_for(lambda: watchdog.look(log.unread("readers", [BOOKS])) or watchdog.stalled, member, store=True)

        assert set(watchdog.stalled) == {(BOOKS, 2)}
        assert "library.books/2 is not read" in watchdog.health()
        wait_for(lambda: log.lag("readers", [BOOKS]) == 0, member, store=True)
        watchdog.look(log.unread("readers", [BOOKS]))
        assert watchdog.health() == "ok"
    assert sorted(values(member.given)) == sorted(set.union(*map(round_of, range(4)))), "nothing lost, nothing doubled"
    assert in_order(values(member.given))


def test_a_partition_that_is_held_or_whose_batch_takes_long_does_not_alarm(log: EventLog) -> None:
    watchdog = Watchdog("readers", log, patience=0.2)
    with closing(watchdog.subscribe("readers", [BOOKS])) as consumer:
        member = Reader(consumer)
        log.append(books(times=2))
        given = member.take(32)
        for _ in range(3):
            watchdog.look(log.unread("readers", [BOOKS]))
            time.sleep(0.2)
        assert watchdog.health() == "ok", "it is at work, and does not poll"

        held = {delivery.partition: delivery for delivery in reversed(given)}
        for delivery in held.values():
            member.hold(delivery, 60)
        for _ in range(5):
            assert member.poll(0.1) == []
            watchdog.look(log.unread("readers", [BOOKS]))
        assert watchdog.health() == "ok", "it waits on purpose"


def test_a_log_tells_what_keeps_it_and_of_which_release(log: EventLog) -> None:
    log.create_topics()
    assert re.fullmatch(r"(Kafka|SQLite) \d+(\.\d+)+", log.version())


# A log that is down


def test_an_append_to_a_log_that_is_down_says_so_and_works_again_later(site: Site) -> None:
    log = site.open(patience=3)
    insist(lambda: log.append(books()))
    log.ping()
    with site.interrupted():
        for attempt in (lambda: log.append(books(times=3, begin=1)), log.ping, lambda: log.lag("readers", [BOOKS])):
            with pytest.raises(LogUnavailable):
                attempt()

    insist(log.ping)
    insist(lambda: log.append(books(times=3, begin=1)))

    texts = values([*site.open().read([BOOKS])])
    assert set(texts) == set.union(*map(round_of, range(4)))
    assert in_order(texts)


def test_a_log_that_is_down_at_first_is_used_when_it_is_there(site: Site) -> None:
    with site.interrupted():
        log = site.open(patience=3)
        with pytest.raises(LogUnavailable):
            log.append(books())
    insist(lambda: log.append(books()))
    assert set(values([*site.open().read([BOOKS])])) == round_of(0)


def test_a_consumer_goes_on_when_the_log_is_back(site: Site, log: EventLog, join) -> None:
    log.append(books())
    member = join()
    member.store(member.take(16))
    with site.interrupted():
        begun = time.monotonic()
        while time.monotonic() - begun < 3:
            with suppress(LogUnavailable):
                assert member.poll(0.3) == []

    def read_on() -> int:
        member.store(member.poll(0.5))
        return log.lag("readers", [BOOKS])

    insist(lambda: log.append(books(begin=1)))
    deadline = time.monotonic() + PATIENCE
    while insist(read_on):
        assert time.monotonic() < deadline

    assert set(values(member.given)) == round_of(0) | round_of(1)
    assert in_order(values(member.given))


# Many at once


def test_threads_that_append_at_once_keep_each_keys_order_and_lose_nothing(log: EventLog, join) -> None:
    def append(name: str) -> None:
        for begin in range(0, 60, 3):
            log.append(books([f"{name}-a", f"{name}-b"], times=3, begin=begin))

    threads = [Thread(target=append, args=(f"thread{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    texts = values(join().take(480))
    for thread in threads:
        thread.join()
    assert len(set(texts)) == 480
    assert in_order(texts)


def test_processes_that_append_at_once_keep_each_keys_order_and_lose_nothing(site: Site, join) -> None:
    children = [Child(site, "append", name, "140") for name in ("ana", "ben")]
    for child in children:
        child.finish()
    texts = values(join().take(280))
    assert len(set(texts)) == 280
    assert in_order(texts)
