"""Units: how a route gets its transaction, and how a retried request is told from a new one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Header, Request, params

from shared.db.work import Work
from shared.http.auth import authenticate
from shared.http.parameters import check_query
from shared.http.route import Asked


def unit_of(service: str) -> params.Depends:
    """For a route's parameter `Annotated[Work, unit_of("screening")]`: it is a `Work` of that service, committed before
    the answer is sent (`Route`)."""
    return params.Depends(_opener(service, readonly=False))


def reading_of(service: str) -> params.Depends:
    """The same for reading: it never waits for a writer."""
    return params.Depends(_opener(service, readonly=True))


def open_unit_of(service: str, *, readonly: bool = False) -> params.Depends:
    """The same for whoever has no token yet, and shows something else in the body: an invitation, a key, a password,
    or what they would read that is public. Whose doing it is, the command finds out."""

    async def ask_for_work(request: Request) -> Asked:
        check_query(request)
        where = request.client.host if request.client else "nowhere"
        # Each door for itself: whoever hammers at one keeps nobody from another.
        asker = f"door:{request.scope['path']}:{where}"
        return _asked(service, request, actor=f"{service}:door", asker=asker, readonly=readonly)

    return params.Depends(ask_for_work)


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
    async def ask_for_work(request: Request) -> Asked:
        person = await authenticate(request)

        def look(work: Work) -> None:
            # Its key may have been withdrawn while its body came, or while it waited for its turn.
            request.app.state.withdrawn.require_standing(person)
            request.app.state.platform.running[service].service.admit(work, person)

        return _asked(
            service, request, actor=person.id, asker=person.asker, via=person.via, readonly=readonly, look=look
        )

    return ask_for_work


def _asked(
    service: str,
    request: Request,
    *,
    actor: str,
    asker: str,
    via: str | None = None,
    readonly: bool,
    look: Callable[[Work], None] = lambda work: None,
) -> Asked:
    running = request.app.state.platform.running[service]
    gate = request.app.state.gates.of(service, readonly=readonly)

    @contextmanager
    def open_work() -> Iterator[Work]:
        # The flow that a command begins is always a new one: whoever asks cannot write into another's.
        with running.work(actor, via=via, readonly=readonly, asked=True) as work:
            work.asked = f"{request.method} {request.scope['path']}"
            request.state.flow = work.correlation
            look(work)
            yield work

    return Asked(gate, request, asker, open_work)
