"""Reading: what a delivery is to a service, and doing what the service's table says for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from shared import tracing
from shared.bus import put_off
from shared.bus.judging import Judgement, storable, undecodable, unknown_version
from shared.bus.port import NO_HEADERS, Delivery, Headers
from shared.db.work import Work
from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope, Event

#: What the services of one process share of what they read: so many messages, of so many bytes at most. A record's
#: message has three thousand, and with all that is read of it four times as many.
_SHARED, _LARGEST_SHARED = 2_000, 8_000


Effect = Callable[[Work, Event], None]


class Reacting(Protocol):
    """What the bus asks of a service: its name, and its table of reactions."""

    @property
    def name(self) -> str: ...

    @property
    def types(self) -> frozenset[str]:
        """The types of the events it reacts to, of whatever version."""

    def effects(self, event: type[Event]) -> Sequence[Effect]:
        """What runs on an event, in the order of the table."""


class Opened:
    """A message as far as it was read. What it says never changes, so that several services may look at one."""

    __slots__ = ("_event", "envelope")

    def __init__(self, raw: bytes) -> None:
        """Raises Rejected, naming the attribute, when the bytes are no envelope."""
        self.envelope = Envelope.from_json(raw)
        self._event: Event | None = None

    def event(self) -> Event:
        """Raises Rejected, naming the first field at fault."""
        if self._event is None:
            self._event = registry.decode(self.envelope)
        return self._event


Open = Callable[[bytes], Opened]


def open_once() -> Open:
    """Opens a message once for all services of a process, where they come for it while it is among the latest."""
    shared = lru_cache(_SHARED)(Opened)
    return lambda raw: shared(raw) if len(raw) <= _LARGEST_SHARED else Opened(raw)


class Heard(NamedTuple):
    """A delivery that concerns a service: with the event it carries, or with why there is none.

    `envelope` is None only where not even that could be read.
    """

    delivery: Delivery
    envelope: Envelope | None
    event: Event | None = None
    problem: Judgement | None = None

    @property
    def review(self) -> str | None:
        """The review it is about, as far as that can be read."""
        review = self.envelope.data.get("review") if self.envelope is not None else None
        return review if isinstance(review, str) and storable(review) == review else None


class UnknownType(Exception):
    """An event of a type that this release has never met: nobody here reacts to it."""


def read(service: Reacting, delivery: Delivery, open_message: Open = Opened) -> Heard | None:
    """Reads a delivery for a service; None when nothing reacts to its type. Raises UnknownType."""
    try:
        opened = open_message(delivery.value)
        envelope = opened.envelope
        if storable(delivery.key) != delivery.key:
            raise Rejected("its key is no text that a database keeps", slug="not_an_envelope")
    except Rejected as error:
        return Heard(delivery, None, problem=undecodable(error))
    if envelope.type not in service.types:
        if not registry.is_known(envelope.type):
            raise UnknownType(envelope.type)
        return None
    try:
        if not service.effects(registry.find(envelope.type, envelope.dataversion)):
            raise Rejected(
                f"{service.name} does not react to version {envelope.dataversion} of {envelope.type!r}",
                slug="unknown_version",
            )
    except Rejected as error:
        return Heard(delivery, envelope, problem=unknown_version(error))
    try:
        event = opened.event()
        event.require_readable(service.name)
        return Heard(delivery, envelope, event=event)
    except Rejected as error:
        return Heard(delivery, envelope, problem=undecodable(error))


def react(work: Work, service: Reacting, envelope: Envelope, event: Event, headers: Headers = NO_HEADERS) -> None:
    """Runs everything the service's table says for this event; what it emits follows from this event. One that needs
    more than this release can is put off instead."""
    traceparent = tracing.read(headers)
    if put_off.puts_off(work, service.name, envelope, event, traceparent):
        return
    work.occurred = envelope.occurred
    with (
        tracing.effect(service.name, envelope.type, envelope.id, traceparent),
        work.following(envelope.correlationid, envelope.id),
    ):
        for effect in service.effects(type(event)):
            effect(work, event)
