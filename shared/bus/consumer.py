"""The consumer loop: reads the log, does what the service's table says, and only then stores its offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import Event as Signal

from shared import logging
from shared.bus import dead_letters
from shared.bus.port import Consumer, Delivery
from shared.db import places
from shared.db.inbox import unseen
from shared.db.work import Work
from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope
from shared.service import Service

log = logging.get(__name__)

Place = tuple[str, int]


class Listener:
    """Listens for one service: one message, one transaction; a batch is only many of them at once.

    Two kinds of failure. *Rejected* will never work: it becomes a dead letter at once, and with too many
    of them waiting the listener halts rather than drain its topics into that drawer. *Anything else* may
    work later: it is tried again with growing pauses, and only its partition waits.
    """

    def __init__(
        self,
        service: Service,
        consumer: Consumer,
        open_work: Callable[[], AbstractContextManager[Work]],
        count_waiting: Callable[[], int],
        *,
        batch_size: int,
        dead_letter_limit: int,
        retry_seconds: float,
        stopping: Signal,
    ) -> None:
        self._service, self._consumer, self._open_work = service, consumer, open_work
        self._count_waiting, self._met_dead_letter = count_waiting, True
        self._batch_size, self._limit, self._retry_seconds = batch_size, dead_letter_limit, retry_seconds
        self._stopping = stopping
        self._failures: dict[Place, int] = defaultdict(int)
        self.halted: str | None = None

    def listen_once(self, timeout: float) -> int:
        """Takes one batch and does it; answers how many deliveries are done."""
        if self._is_halted():
            self._stopping.wait(timeout)
            return 0
        batch = self._consumer.poll(timeout, self._batch_size)
        if not batch:
            return 0
        try:
            self._do(batch)
        except Exception:
            # One bad event must not hide behind its neighbours: each is tried alone, and what fails is told then.
            return self._one_by_one(batch)
        self._done(batch)
        return len(batch)

    def _do(self, batch: Sequence[Delivery]) -> None:
        """Does a batch in one transaction: the inbox knows what was heard before."""
        envelopes = [envelope for envelope in map(self._concerns_us, batch) if envelope is not None]
        if not envelopes:
            return
        with self._open_work() as work:
            for envelope in unseen(work.session, self._service.name, envelopes):
                dead_letters.react(self._service, envelope, work)
            places.heard(work.session, self._service.name, batch)

    def _concerns_us(self, delivery: Delivery) -> Envelope | None:
        """The envelope of a delivery, or None when no reaction is for its type. Raises Rejected."""
        envelope = Envelope.from_json(delivery.value)
        return envelope if self._service.effects(registry.find(envelope.type, envelope.dataversion)) else None

    def _one_by_one(self, batch: Sequence[Delivery]) -> int:
        partitions: dict[Place, list[Delivery]] = defaultdict(list)
        for delivery in batch:
            partitions[delivery.topic, delivery.partition].append(delivery)
        done: list[Delivery] = []
        for deliveries in partitions.values():
            done += self._as_far_as_it_goes(deliveries)
        self._done(done)
        return len(done)

    def _as_far_as_it_goes(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Does one partition's deliveries one at a time; holds the partition at the first that must wait."""
        done: list[Delivery] = []
        for delivery in deliveries:
            if self._is_halted():
                self._consumer.hold(delivery, self._retry_seconds)
                break
            try:
                self._do([delivery])
            except Rejected as why:
                self._set_aside(delivery, why)
            except Exception as error:
                self._hold(delivery, error)
                break
            done.append(delivery)
        return done

    def _set_aside(self, delivery: Delivery, why: Rejected) -> None:
        with self._open_work() as work:
            dead_letters.set_aside(work, self._service.name, delivery, why)
        self._met_dead_letter = True
        log.error(
            "dead letter", service=self._service.name, topic=delivery.topic, partition=delivery.partition,
            offset=delivery.offset, slug=why.slug, reason=why.detail,
        )  # fmt: skip

    def _hold(self, delivery: Delivery, error: Exception) -> None:
        place = delivery.topic, delivery.partition
        self._failures[place] += 1
        pause = min(self._retry_seconds * 2 ** (self._failures[place] - 1), 60.0)
        self._consumer.hold(delivery, pause)
        log.warning(
            "event waits", service=self._service.name, topic=delivery.topic, partition=delivery.partition,
            offset=delivery.offset, seconds=pause, attempt=self._failures[place], error=str(error),
            exc_info=error if self._failures[place] == 3 else None,
        )  # fmt: skip

    def _done(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        self._consumer.store(deliveries)
        for delivery in deliveries:
            self._failures.pop((delivery.topic, delivery.partition), None)

    def _is_halted(self) -> bool:
        """Whether too many dead letters wait. Asked only after one was met, so that the usual way costs nothing."""
        if not self._met_dead_letter:
            return False
        count = self._count_waiting()
        self._met_dead_letter = count >= self._limit
        if self._met_dead_letter and not self.halted:
            log.error("listener halted", service=self._service.name, dead_letters=count, limit=self._limit)
        self.halted = f"{count} dead letters wait (limit {self._limit})" if self._met_dead_letter else None
        return self.halted is not None
