"""Afterwards: an answer that takes a while to be made, for which nothing is held meanwhile but a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from shared.errors import Busy
from shared.http.admission import Gate
from shared.http.route import gone
from shared.tokens import Person


class Afterwards(Response):
    """What is made when the route's work is over, behind a gate of its own: no transaction, connection or turn of
    others is held for it."""

    media_type: str | None = "application/json"

    def __init__(
        self, make: Callable[[], bytes], headers: Mapping[str, str] | None = None, status_code: int = 200
    ) -> None:
        super().__init__(status_code=status_code)
        self._make, self._given = make, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: FastAPI = scope["app"]
        gate: Gate = app.state.gates.afterwards
        request = Request(scope, receive)
        person: Person = request.state.person
        if await request.is_disconnected():
            raise Busy("who asked has left; nothing was done")  # Nobody hears it; the log has it.
        # An error is still an answer of its own, since none has begun.
        content = await gate.run(person.asker, self._make, partial(gone, request))
        answer = Response(content, self.status_code, self._given, self.media_type)
        await answer(scope, receive, send)
