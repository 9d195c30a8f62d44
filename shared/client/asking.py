"""Asking: what every way to speak to the platform has in common, of which none waits for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shared import errors
from shared.client.forms import Form

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")

_ERRORS: dict[int, type[errors.LivingError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    429: errors.TooMany,
    503: errors.Unavailable,
}

#: What the API takes as a review's name or as an id; shared.http.parameters has it too, and a test holds them equal.
NAME = r"[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}"

_GIVEN: ContextVar[str | None] = ContextVar("idempotency key", default=None)


@contextmanager
def under(key: str) -> Iterator[None]:
    """A command that is sent within the block bears this idempotency key, so that whoever got no answer may send the
    same one again whenever they like, and it is done once."""
    before = _GIVEN.set(key)
    try:
        yield
    finally:
        _GIVEN.reset(before)


@dataclass(slots=True)
class Sheet:
    """One page of a listing: after which cursor it begins, how many items it has at most, and where the next begins."""

    cursor: str | None = None
    limit: int | None = None
    next: str | None = None


_SHEET: ContextVar[Sheet | None] = ContextVar("one page of a listing", default=None)


@contextmanager
def one_sheet(cursor: str | None = None, limit: int | None = None) -> Iterator[Sheet]:
    """A listing that is read within the block is one page of it alone, from `cursor` on; the sheet says where the next
    page begins."""
    sheet, before = Sheet(cursor, limit), _SHEET.get()
    _SHEET.set(sheet)
    try:
        yield sheet
    finally:
        _SHEET.set(before)


def sheet_asked() -> Sheet | None:
    """The one page that is asked for; None where all are."""
    return _SHEET.get()


def part(name: str) -> str:
    """A review's name or an id as a part of a path. Raises Invalid for what can be neither."""
    if not re.fullmatch(NAME, str(name)):
        raise errors.Invalid(
            f"{name!r} can be neither a review's name nor an id: those have up to 200 of the letters a to z, digits "
            "and - _ . ~ :, and do not begin with a dot"
        )
    return str(name)


def addresses(url: str | Mapping[str, str]) -> str | Mapping[str, str]:
    """Where the platform is: one address, or those of `service=address` pairs with commas between."""
    if isinstance(url, str) and "=" in url.partition("://")[0]:
        return dict(pair.strip().split("=", 1) for pair in url.split(","))
    return url


def key_of_command() -> str:
    """What the next command is known by: what it is to be sent under, or a new one."""
    # Not at the top: reading needs no ids.
    from shared.ids import new_id

    return _GIVEN.get() or new_id("cmd")


class Answered(Protocol):
    """What the server said, as all ways to ask it have it."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...

    def json(self) -> Any: ...


#: What every problem says, or what an error is made of; whatever else one says is kept beside.
_OF_EVERY_PROBLEM = {"type", "title", "status", "detail", "instance", "request_id", "errors", "slug", "self"}


def error_of(answer: Answered, asked: str) -> errors.LivingError:
    """The error that a bad answer tells, with what its problem says beside, such as the id of what is in the way."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    detail = body.get("detail") or f"{asked}: HTTP {answer.status_code}"
    slug = str(body.get("type", "")).rpartition(":")[2] or None
    if answer.status_code == 422:
        return errors.Invalid(detail, body.get("errors"), slug=slug)
    kind = _ERRORS.get(answer.status_code, errors.Unavailable if answer.status_code >= 502 else errors.LivingError)
    beside = {name: value for name, value in body.items() if name not in _OF_EVERY_PROBLEM}
    return kind(detail, slug=slug, errors=body.get("errors") or [], **beside)


def as_json(body: BaseModel | Mapping[str, object]) -> str:
    """A body as it is sent: of a wire model, or what would be its JSON."""
    return json.dumps(body) if isinstance(body, Mapping) else body.model_dump_json()


def loaded(model: type[Model] | Form) -> type[Model]:
    """The model itself; the clients name theirs without loading them."""
    if not isinstance(model, Form):
        return model
    known: type[Model] = model.load()
    return known


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream: of which kind it is, its JSON, and the id after which the stream goes on."""

    kind: str
    data: str
    id: str | None


@dataclass(slots=True)
class StreamReader:
    """What has come of a stream of server-sent events, cut wherever the network cut it. Lines end with a line feed, as
    ours do."""

    _rest: bytes = b""
    _fields: dict[str, list[str]] = field(default_factory=dict)

    def read(self, piece: bytes) -> Iterator[StreamEvent]:
        """The events that are whole with this piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line:
                name, _, value = line.decode().partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
                continue
            fields, self._fields = self._fields, {}
            if "data" in fields:
                (kind,), ids = fields.get("event", ["message"])[-1:], fields.get("id", [None])
                yield StreamEvent(kind, "\n".join(fields["data"]), ids[-1])
