"""Bodies: how much of one a route takes, and that nothing of it is read before we know who sends it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.types import Message

from shared.errors import Invalid, TooLarge

Function = TypeVar("Function", bound=Callable[..., Any])

_LIMIT, _STREAMS, _ANYBODY = "body_limit", "body_streams", "body_from_anybody"

#: Bytes of a body that is read of whoever comes.
SMALL = 64 * 1024


class Gone(Exception):
    """The asker left before all of the body was there."""


def at_most(limit: int) -> Callable[[Function], Function]:
    """A route's own limit of its body in bytes, below `@router.post(...)`; without it the setting `max_body_bytes`."""

    def mark(function: Function) -> Function:
        setattr(function, _LIMIT, limit)
        return function

    return mark


def from_anybody(function: Function) -> Function:
    """Says of a route that its body is read before we know who sends it, since the body says so: a key, an invitation,
    a password. It is small."""
    setattr(function, _ANYBODY, True)
    return at_most(SMALL)(function)


def as_it_comes(dependency: Function) -> Function:
    """Says of a dependency that it reads the body itself, as it comes: its route does not."""
    setattr(dependency, _STREAMS, True)
    return dependency


def read_as_it_comes(dependant: Dependant) -> bool:
    """Whether a route's body is left to one of its dependencies."""
    return getattr(dependant.call, _STREAMS, False) or any(map(read_as_it_comes, dependant.dependencies))


def limit_of(function: Callable[..., Any], request: Request) -> int:
    """The limit of a route's body in bytes."""
    own: int | None = getattr(function, _LIMIT, None)
    usual: int = request.app.state.platform.settings.max_body_bytes
    return usual if own is None else own


def refuse_announced(request: Request, limit: int) -> None:
    """Raises TooLarge for a body that says itself that it is larger."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes")


def is_from_anybody(function: Callable[..., Any]) -> bool:
    """Whether a route's body is read before we know who sends it."""
    return getattr(function, _ANYBODY, False)


async def with_body(request: Request, limit: int, may: Callable[[Request], Awaitable[None]]) -> Request:
    """The request with its whole body read: what is kept in memory is kept for those who may, and bounded.

    Raises what `may` does before anything is read, so that nobody else learns what is wrong with their body, TooLarge
    as soon as more has come, Gone; and Invalid for JSON that says one thing twice, of which nobody knows what is meant.
    """
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return request
    await may(request)
    refuse_announced(request, limit)
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise too_large(limit)
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await request.receive()
        given = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    whole = Request(request.scope, replay)
    if "json" in request.headers.get("content-type", ""):
        try:
            return _Parsed(whole, replay, json.loads(body, object_pairs_hook=_each_once))
        except (ValueError, RecursionError):
            pass  # Whoever wants it as JSON says what is wrong with it.
    return whole


class _Parsed(Request):
    """A request whose body was read as JSON."""

    def __init__(self, request: Request, receive: Callable[[], Awaitable[Message]], content: Any) -> None:
        super().__init__(request.scope, receive)
        self._content = content

    async def json(self) -> Any:
        return self._content


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, each name in it once."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise Invalid.of(f"body.{name[:100].encode('unicode_escape').decode()}", "is given twice")
        made[name] = value
    return made
