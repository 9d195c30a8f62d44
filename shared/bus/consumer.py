"""The consumer loop: reads the log, does what the service's table says, and only then stores its offsets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from shared import logging, tracing
from shared.bus import dead_letters, positions
from shared.bus.doing import Doing, Limits
from shared.bus.held import Held
from shared.bus.judging import Judgement, Outcome, judge
from shared.bus.port import Consumer, Delivery, Partition
from shared.bus.reading import Heard, Open, Opened, Reacting, UnknownType, read
from shared.db.engine import Database
from shared.db.work import Work
from shared.pauses import pause_after

log = logging.get(__name__)

#: Seconds between two looks at the held keys, and between two tries of what waits for another event.
LOOK = 1.0
#: Held keys, and events of them, that are tried in one transaction.
AT_ONCE = 200
#: Seconds after which a partition that stood, and is not given again, is taken for another member's.
_GONE = 30 * LOOK
#: Longest pause, in seconds, while something we need is down.
LONGEST = 15.0


class Listener:
    """Listens for one service: one message, one transaction; a batch is only many of them at once.

    An event whose effect fails is judged (`shared.bus.judging`). When something we need is *down*, everything waits.
    Whatever else fails concerns the event's key alone: it is held, and its later events are parked until it goes on.
    A partition stops when too many of its dead letters wait, or too many of its events are parked.
    """

    def __init__(
        self,
        service: Reacting,
        consumer: Consumer,
        database: Database,
        open_work: Callable[[], AbstractContextManager[Work]],
        *,
        batch_size: int,
        limits: Limits,
        unknown: Counter[str] | None = None,
        keeps_positions: bool = True,
        open_message: Open = Opened,
    ) -> None:
        self._service, self._consumer, self._database, self._open_work = service, consumer, database, open_work
        self._batch_size, self._limits, self._keeps_positions = batch_size, limits, keeps_positions
        self._open_message = open_message
        self._letters: Counter[Partition] | None = None
        self._stirred: set[str] = set()
        self._look_at, self._holding, self._started = 0.0, True, False
        self._downs, self._down_until = 0, 0.0
        #: Events of types that this release has never met, by topic.
        self.unknown = Counter[str]() if unknown is None else unknown
        #: What is down, while it is.
        self.trouble: str | None = None
        #: The partitions that stand still on purpose, and why.
        self.standing: dict[Partition, str] = {}
        self._stood_at: dict[Partition, float] = {}

    def listen_once(self, timeout: float) -> int:
        """Goes on with held keys that are due, takes one batch and does it; answers how much it moved."""
        # What is held is the service's own listener's to go on with; one that only catches up lets it be.
        moved = self.go_on() if self._keeps_positions else 0
        batch = self._consumer.poll(0 if moved else timeout, self._batch_size)
        self._forget_what_others_have(batch)
        if batch:
            return moved + self._take(batch)
        if self.trouble and time.monotonic() > self._down_until + 1:
            self.trouble = None  # What was held then is another member's now.
        return moved

    def _forget_what_others_have(self, batch: Sequence[Delivery]) -> None:
        """A partition that stands is given again after each LOOK; one that is not is another member's by now."""
        given, now = {it.topic_partition for it in batch}, time.monotonic()
        gone = {
            partition
            for partition in self.standing
            if partition not in given and now - self._stood_at[partition] > _GONE
        }
        self.standing = {partition: why for partition, why in self.standing.items() if partition not in gone}

    # What the log gives

    def _take(self, batch: Sequence[Delivery]) -> int:
        try:
            stops = self._do([one for one in map(self._read, batch) if one is not None])
        except Exception as error:
            why = judge(error)
            if why.outcome is not Outcome.DOWN:
                raise
            self._wait(batch, why)
            return 0
        self._well()
        return self._finish(batch, stops)

    def _read(self, delivery: Delivery) -> Heard | None:
        """What a delivery is to this service; None when nothing here reacts to it."""
        try:
            return read(self._service, delivery, self._open_message)
        except UnknownType as unknown:
            if not self.unknown[delivery.topic]:
                log.warning("unknown type", service=self._service.name, topic=delivery.topic, type=str(unknown))
            self.unknown[delivery.topic] += 1
            return None

    def _do(self, batch: Sequence[Heard]) -> dict[Partition, tuple[Delivery, str]]:
        """Does a batch in one transaction, or, when one of it fails, with care. Answers where partitions stop."""
        if not batch:
            return {}
        try:
            return self._commit(batch, careful=any(one.problem for one in batch))
        except Exception as error:
            if judge(error).outcome is Outcome.DOWN:
                raise
        try:
            return self._commit(batch, careful=True)
        except Exception as error:
            if judge(error).outcome is Outcome.DOWN:
                raise
            log.warning("a batch cannot be committed", service=self._service.name, exc_info=error)
        return self._one_by_one(batch)

    def _one_by_one(self, batch: Sequence[Heard]) -> dict[Partition, tuple[Delivery, str]]:
        """Each in a transaction of its own, where what fails is none of them but what is kept about them."""
        stops: dict[Partition, tuple[Delivery, str]] = {}
        for one in batch:
            partition = one.delivery.topic_partition
            if partition in stops:
                continue
            try:
                stops |= self._commit([one], careful=True)
            except Exception as error:
                why = judge(error)
                if why.outcome is Outcome.DOWN:
                    raise
                log.error("an event cannot be kept", service=self._service.name, topic=partition[0], exc_info=error)
                stops[partition] = one.delivery, f"offset {one.delivery.offset}: {why.reason}"
        return stops

    def _commit(self, batch: Sequence[Heard], *, careful: bool) -> dict[Partition, tuple[Delivery, str]]:
        def take(doing: Doing) -> None:
            doing.take(batch)
            if self._keeps_positions:
                done = [one.delivery for one in batch if not _behind(one.delivery, doing.stops)]
                positions.heard(doing.work.session, self._service.name, done)

        return self._in_one_transaction(take, careful=careful).stops

    def _in_one_transaction(self, do: Callable[[Doing], object], *, careful: bool) -> Doing:
        letters = self._known_letters().copy()
        # The span is that of the whole, commit and all.
        with tracing.batch(self._service.name), self._open_work() as work:
            doing = Doing(work, self._service, self._limits, letters, careful)
            do(doing)
        self._letters = letters
        for level, what, about in doing.said:
            getattr(log, level)(what, **about)
        if careful:
            self._holding, self._look_at = True, min(self._look_at, time.monotonic() + self._limits.retry_seconds)
        if self._holding:
            self._stirred |= doing.stirred
        return doing

    def _known_letters(self) -> Counter[Partition]:
        """How many dead letters wait in each partition. Only this listener adds to its own, so it is asked again only
        while a partition is halted until someone decides."""
        if self._letters is None or any(count >= self._limits.dead_letters for count in self._letters.values()):
            with self._database.session(readonly=True) as session:
                self._letters = dead_letters.waiting_by_partition(session, self._service.name)
        return self._letters

    def _finish(self, batch: Sequence[Delivery], stops: dict[Partition, tuple[Delivery, str]]) -> int:
        """Stores how far it came, and holds the partitions that stop."""
        for partition, (delivery, why) in stops.items():
            if partition not in self.standing:
                log.error(
                    "partition stands", service=self._service.name, topic=partition[0], partition=partition[1], why=why
                )
            self._consumer.hold(delivery, LOOK)
        touched = {it.topic_partition for it in batch}
        self.standing = {partition: why for partition, why in self.standing.items() if partition not in touched}
        self.standing |= {partition: why for partition, (_, why) in stops.items()}
        self._stood_at |= dict.fromkeys(stops, time.monotonic())
        done = [it for it in batch if not _behind(it, stops)]
        if done:
            self._consumer.store(done)
        return len(done)

    def _wait(self, batch: Sequence[Delivery], why: Judgement) -> None:
        """Something we need is down: all of the batch is held, for longer each time."""
        first: dict[Partition, Delivery] = {}
        for delivery in batch:
            first.setdefault(delivery.topic_partition, delivery)
        self._tell_down(why)
        for delivery in first.values():
            self._consumer.hold(delivery, self._pause)

    def _tell_down(self, why: Judgement) -> None:
        trouble = f"waits: {why.reason}"
        if self.trouble != trouble:
            log.warning("listener waits", service=self._service.name, reason=why.reason)
        self._downs += 1
        self.trouble, self._down_until = trouble, time.monotonic() + self._pause

    @property
    def _pause(self) -> float:
        """Seconds to wait now that what we need was down so many times."""
        return pause_after(self._downs, first=self._limits.retry_seconds, longest=LONGEST)

    def _well(self) -> None:
        self.trouble, self._downs = None, 0

    # What was parked

    def go_on(self, *, everything: bool = False) -> int:
        """Tries held keys that are due, where it is time to look, or `everything` that does not wait for a person;
        answers how many events it did."""
        if not everything and time.monotonic() < max(self._look_at, self._down_until):
            return 0
        try:
            moved = self._go_on(everything)
        except Exception as error:
            why = judge(error)
            if why.outcome is not Outcome.DOWN:
                raise
            self._tell_down(why)
            return 0
        self._look_at = time.monotonic() + (0 if moved else LOOK)
        return moved

    def _go_on(self, everything: bool) -> int:
        if not self._started:
            self._in_one_transaction(Doing.adopt, careful=True)
        with self._database.session(readonly=True) as session:
            self._holding, due = Held(session, self._service.name).is_any()
        if not self._holding:
            self._stirred.clear()
            self._started = True
            return 0
        # Other members, too, set letters of any partition aside while they go on with what is held.
        self._letters = None
        if self._stirred or everything or not self._started:
            self._stir(everything)
            due = True
        if not due:
            return 0
        try:
            return self._try_held(careful=False)
        except Exception as error:
            if judge(error).outcome is Outcome.DOWN:
                raise
        return self._try_held(careful=True)

    def _stir(self, everything: bool) -> None:
        """What waits for another event is due when something of its review was done; at a start, all that waits for
        another release, which this may be."""
        with self._open_work() as work:
            held = Held(work.session, self._service.name)
            if everything:
                held.stir_all()
            elif self._stirred:
                held.stir(self._stirred)
            if not self._started:
                held.try_unknown_versions()
        self._stirred, self._started = set(), True

    def _try_held(self, *, careful: bool) -> int:
        moved = 0

        def do(doing: Doing) -> None:
            nonlocal moved
            moved = doing.go_on(AT_ONCE, AT_ONCE)

        self._in_one_transaction(do, careful=careful)
        return moved


def _behind(delivery: Delivery, stops: dict[Partition, tuple[Delivery, str]]) -> bool:
    stop = stops.get(delivery.topic_partition)
    return stop is not None and delivery.offset >= stop[0].offset
