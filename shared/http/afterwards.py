"""Afterwards: an answer that takes a while to be made, for which nothing is held meanwhile but a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from shared.errors import Busy

#: Answers that a process makes at once, and those that wait for their turn.
_AT_ONCE, _WAITING = 2, 16


def bound(app: FastAPI) -> None:
    """Has an application make so many at once."""
    app.state.afterwards = CapacityLimiter(_AT_ONCE)


class Afterwards(Response):
    """What is made when the route's work is over: no transaction, connection or turn of the gate is held for it."""

    media_type = "application/json"

    def __init__(
        self, make: Callable[[], bytes], headers: Mapping[str, str] | None = None, status_code: int = 200
    ) -> None:
        super().__init__(status_code=status_code)
        self._make, self._given = make, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: FastAPI = scope["app"]
        limiter: CapacityLimiter = app.state.afterwards
        if limiter.statistics().tasks_waiting >= _WAITING:
            raise Busy("many ask for this at this moment; nothing was done, try again in a minute")
        # An error is still an answer of its own, since none has begun.
        content = await to_thread.run_sync(self._make, limiter=limiter)
        answer = Response(content, self.status_code, self._given, self.media_type)
        await answer(scope, receive, send)
