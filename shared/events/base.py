"""Events: declared facts, and the envelope (CloudEvents 1.0) they travel in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any, ClassVar, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.clock import parse_instant
from shared.errors import Rejected
from shared.events.bounds import DEEPEST, LATEST_VERSION, LONGEST_ID, Id, fault_of_data, fault_of_id

#: Makes the data of one version that of the next. It may raise what the wrong data of a stranger lets it raise.
Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Value(BaseModel):
    """A value object inside an event: immutable, and tolerant of fields a newer producer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def bad_data(what: str, error: ValidationError) -> Rejected:
    """Says which field is the first at fault."""
    first = error.errors()[0]
    # A name in the data may be anything; the reason is one line that every database keeps.
    locator = ".".join(str(part) for part in first["loc"])[:300].encode("unicode_escape").decode()
    return Rejected(": ".join(filter(None, (what, locator, first["msg"]))), slug="bad_data")


class Event(Value):
    """A fact that happened. A subclass declares its type, version and key once, here and nowhere else.

    `type` is `producer.noun.pastparticiple`; the topic follows from it (`producer.nouns`, unless
    `topic` says otherwise); `key` names the field whose order the log keeps. A released version is
    frozen: a new field is optional, a new meaning is a new version (schemas/ holds the frozen forms).
    Whoever makes an event names only fields it has; whoever reads one passes over those it does not know.

    `upcasts` make the data of version 1 that of version 2, and so on, so that code knows the newest version
    alone, and every one that was ever released can be read.
    """

    # What is told is named right; `registry.decode`, which reads, is tolerant.
    model_config = ConfigDict(extra="forbid")

    type: ClassVar[str]
    version: ClassVar[int]
    topic: ClassVar[str]
    key_field: ClassVar[str]
    upcasts: ClassVar[tuple[Upcast, ...]]
    #: Whether it may need more of a reader than each release can (`lacking`).
    demanding: ClassVar[bool] = False

    review: Id

    def __init_subclass__(cls, **declared: Any) -> None:
        """Lets a subclass declare; pydantic hands the same words on to the method below."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        cls._declare(**declared)

    @classmethod
    def _declare(
        cls, type: str = "", version: int = 1, key: str = "", topic: str = "", upcasts: tuple[Upcast, ...] = ()
    ) -> None:
        producer, noun, _ = type.split(".")
        if len(upcasts) != version - 1:
            raise TypeError(f"{cls.__name__}: version {version} needs an upcast of each of the {version - 1} before it")
        cls.type, cls.version = type, version
        cls.topic = topic or f"{producer}.{noun}s"
        if key not in cls.model_fields:
            raise TypeError(f"{cls.__name__}: its key {key!r} is not one of its fields")
        cls.key_field = key
        cls.upcasts = upcasts

    def lacking(self, service: str) -> list[str]:
        """The features that it needs of a service, and that this release does not have."""
        return []

    def require_readable(self, service: str) -> None:
        """Raises Rejected where a service that lacks none of its features cannot make out what it carries."""

    @property
    def ordinal(self) -> int | None:
        """Its number among the events of its type and key, of which a later one supersedes all before; None where it
        does not say."""
        return None

    @property
    def key(self) -> str:
        """The thing whose order matters; one key is read in the order it was written."""
        return str(getattr(self, self.key_field))


class Envelope(NamedTuple):
    """One event on its way: CloudEvents 1.0 attributes, the extensions in lower case.

    `time` is when it happened by the platform's clock, `recordedtime` when the machine wrote it down.
    `correlationid` ties everything that follows from one beginning (a record's whole way);
    `causationid` is the id of the event that led to this one, or None for a person's own act.
    `actor` is the opaque id of whoever did it, `via` the key by which a client did it for them.
    """

    id: str
    type: str
    dataversion: int
    source: str
    subject: str
    time: str
    recordedtime: str
    correlationid: str
    causationid: str | None
    actor: str
    data: dict[str, Any]
    via: str | None = None

    def to_json(self) -> bytes:
        return orjson.dumps(
            {
                "specversion": "1.0",
                "id": self.id,
                "type": self.type,
                "dataversion": self.dataversion,
                "source": self.source,
                "subject": self.subject,
                "time": self.time,
                "recordedtime": self.recordedtime,
                "correlationid": self.correlationid,
                "causationid": self.causationid,
                "actor": self.actor,
                **({} if self.via is None else {"via": self.via}),
                "datacontenttype": "application/json",
                "data": self.data,
            }
        )

    @classmethod
    def from_json(cls, raw: bytes | str) -> Envelope:
        """Reads an envelope. Raises Rejected, naming the attribute, when the bytes are not one."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Rejected(f"the message is not JSON: {error}", slug="not_json") from error
        if not isinstance(body, dict):
            raise Rejected("the message is not a JSON object", slug="not_an_envelope")
        envelope = cls._make(map(body.get, cls._fields))
        if not _is_sound(envelope) and (fault := _fault_of(envelope)):
            raise Rejected(f"the envelope's {fault}", slug="not_an_envelope")
        _check_times(envelope)
        _check_data(envelope.data, raw)
        return envelope

    @property
    def occurred(self) -> datetime:
        return parse_instant(self.time)


def _is_sound(envelope: Envelope) -> bool:
    """Whether each attribute is of its kind and every text can be kept, looked at all at once; of one that is not,
    `_fault_of` says which."""
    texts = [
        envelope.id, envelope.type, envelope.source, envelope.subject, envelope.time, envelope.recordedtime,
        envelope.correlationid, "" if envelope.causationid is None else envelope.causationid, envelope.actor,
        "" if envelope.via is None else envelope.via,
    ]  # fmt: skip
    return (
        set(map(type, texts)) == {str}
        and type(envelope.dataversion) is int
        and 1 <= envelope.dataversion <= LATEST_VERSION
        and type(envelope.data) is dict
        and max(map(len, texts)) <= LONGEST_ID
        and "".join(texts).isprintable()
    )


def _fault_of(envelope: Envelope) -> str | None:
    for name, kinds in _ATTRIBUTES.items():
        value = getattr(envelope, name)
        if type(value) not in kinds:
            return f"{name!r} is missing or not of its kind"
        if type(value) is str and (fault := fault_of_id(value)):
            return f"{name!r} {fault}"
    if not 1 <= envelope.dataversion <= LATEST_VERSION:
        return f"'dataversion' is no version's number, which is from 1 to {LATEST_VERSION}"
    return None


def _check_times(envelope: Envelope) -> None:
    for name, instant in (("time", envelope.time), ("recordedtime", envelope.recordedtime)):
        try:
            parse_instant(instant)
        except ValueError as error:
            raise Rejected(
                f"the envelope's {name!r} is no ISO 8601 instant: {error}", slug="not_an_envelope"
            ) from error


def _check_data(data: dict[str, Any], raw: bytes | str) -> None:
    """Looks into the data where its bytes say that something may be wrong; most are spared the walk."""
    message = raw.encode() if isinstance(raw, str) else raw
    # A single byte is looked for many times faster than several.
    odd = b"\\" in message and b"\\u0000" in message
    if not odd and message.count(b"{") + message.count(b"[") <= DEEPEST:
        return
    if fault := fault_of_data(data):
        raise Rejected(f"the envelope's {fault}", slug="bad_data")


#: What JSON may give for each.
_ATTRIBUTES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "type": (str,),
    "dataversion": (int,),
    "source": (str,),
    "subject": (str,),
    "time": (str,),
    "recordedtime": (str,),
    "correlationid": (str,),
    "causationid": (str, NoneType),
    "actor": (str,),
    "data": (dict,),
    "via": (str, NoneType),
}
