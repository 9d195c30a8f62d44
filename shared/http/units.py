"""Units: how a route gets its transaction, and how a retried request is told from a new one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Header, Request, params

from shared.db.work import Work
from shared.http.auth import authenticate
from shared.http.route import Asked
from shared.tokens import Person


def unit_of(service: str) -> params.Depends:
    """For a route's parameter `Annotated[Work, unit_of("screening")]`: it is a `Work` of that service, committed before
    the answer is sent (`Route`)."""
    return params.Depends(_opener(service, readonly=False))


def reading_of(service: str) -> params.Depends:
    """The same for reading: it never waits for a writer."""
    return params.Depends(_opener(service, readonly=True))


#: The value of `Idempotency-Key`: the same key, person and command are answered once and never done twice.
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Makes a retry safe: a command with the key of an earlier one is answered as that was, not done "
        "again. A key belongs to one person and one command; 8 to 200 printable ASCII characters without blanks.",
    ),
]


def _opener(service: str, *, readonly: bool) -> Callable[..., Coroutine[Any, Any, Asked]]:
    async def ask_for_work(request: Request, person: Annotated[Person, Depends(authenticate)]) -> Asked:
        running = request.app.state.platform.running[service]
        gate = request.app.state.gates.of(service, readonly=readonly)

        @contextmanager
        def open_work() -> Iterator[Work]:
            # The flow that a command begins is always a new one: whoever asks cannot write into another's.
            with running.work(person.name, readonly=readonly, asked=True) as work:
                work.asked = f"{request.method} {request.scope['path']}"
                request.state.flow = work.correlation
                yield work

        return Asked(gate, request, person.name, open_work)

    return ask_for_work
