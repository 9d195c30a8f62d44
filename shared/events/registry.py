"""The registry: every event the platform knows, and the topics that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.errors import Rejected
from shared.events import ingest, notify, people, protocol, screening, search, synthesis
from shared.events.base import Envelope, Event, bad_data

#: Events by their producers.
_PRODUCERS = (people, protocol, ingest, screening, synthesis, search, notify)

EVENTS: tuple[type[Event], ...] = tuple(
    item
    for module in _PRODUCERS
    for item in vars(module).values()
    if isinstance(item, type) and issubclass(item, Event) and item.__module__ == module.__name__
)

_BY_TYPE = {event.type: event for event in EVENTS}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the log: its name without any prefix, and its number of partitions."""

    name: str
    partitions: int


#: Topics of which one review alone writes little; one partition keeps their whole order.
_NARROW = {
    "people.members", "people.keys", "people.withdrawals", "protocol.versions", "ingest.runs", "ingest.sources",
    "notify.deliveries", "screening.agreement", "screening.progress",
}  # fmt: skip

TOPICS: dict[str, Topic] = {
    name: Topic(name, 1 if name in _NARROW else 4) for name in sorted({event.topic for event in EVENTS})
}


def is_known(type_: str) -> bool:
    return type_ in _BY_TYPE


def find(type_: str, version: int) -> type[Event]:
    """The class that reads a type's version, whatever version it is itself. Raises Rejected for one that was never
    released, as far as this release knows."""
    event = _BY_TYPE.get(type_)
    if event is None or not 1 <= version <= event.version:
        slug = "unknown_type" if event is None else "unknown_version"
        raise Rejected(f"no event {type_!r} of version {version} is registered", slug=slug)
    return event


def decode(envelope: Envelope) -> Event:
    """The event an envelope carries, in its newest version, without fields that it does not know. Raises Rejected,
    naming the first field at fault."""
    event = find(envelope.type, envelope.dataversion)
    data = envelope.data if envelope.dataversion == event.version else _upcast(event, envelope)
    try:
        return event.model_validate(data, extra="ignore")
    except ValidationError as error:
        raise bad_data(envelope.type, error) from error


def _upcast(event: type[Event], envelope: Envelope) -> dict[str, Any]:
    data = envelope.data
    try:
        for upcast in event.upcasts[envelope.dataversion - 1 :]:
            data = upcast(data)
    except Exception as error:  # Of whatever kind: it is what the data of a stranger makes of a pure function.
        reason = f"{envelope.type}: version {envelope.dataversion} cannot be read: {type(error).__name__}"
        raise Rejected(reason, slug="bad_data") from error
    return data
