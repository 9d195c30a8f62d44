"""The registry: every event the platform knows, and the topics that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from shared.errors import Rejected
from shared.events import ingest, notify, protocol, screening, synthesis
from shared.events.base import Envelope, Event

_PRODUCERS = (protocol, ingest, screening, synthesis, notify)

EVENTS: tuple[type[Event], ...] = tuple(
    item
    for module in _PRODUCERS
    for item in vars(module).values()
    if isinstance(item, type) and issubclass(item, Event) and item.__module__ == module.__name__
)

_BY_TYPE = {(event.type, event.version): event for event in EVENTS}
_TYPES = {event.type for event in EVENTS}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the log: its name without any prefix, and its number of partitions."""

    name: str
    partitions: int


#: Topics of which one review alone writes little; one partition keeps their whole order.
_NARROW = {"protocol.versions", "ingest.runs", "ingest.sources", "notify.deliveries"}

TOPICS: dict[str, Topic] = {
    name: Topic(name, 1 if name in _NARROW else 4) for name in sorted({event.topic for event in EVENTS})
}


def is_known(type_: str) -> bool:
    return type_ in _TYPES


def find(type_: str, version: int) -> type[Event]:
    """The class of a type and version. Raises Rejected when the registry has none."""
    event = _BY_TYPE.get((type_, version))
    if event is None:
        slug = "unknown_version" if type_ in _TYPES else "unknown_type"
        raise Rejected(f"no event {type_!r} of version {version} is registered", slug=slug)
    return event


def decode(envelope: Envelope) -> Event:
    """The event an envelope carries. Raises Rejected, naming the first field at fault."""
    event = find(envelope.type, envelope.dataversion)
    try:
        return event.model_validate(envelope.data)
    except ValidationError as error:
        first = error.errors()[0]
        # A name in the data may be anything; the reason is one line that every database keeps.
        place = ".".join(str(part) for part in first["loc"])[:300].encode("unicode_escape").decode()
        raise Rejected(f"{envelope.type}: {place}: {first['msg']}", slug="bad_data") from error
