"""Units: how a route gets its transaction, and how a retried request is told from a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from shared.db.work import Work
from shared.http.auth import Person, authenticate


def unit_of(service: str) -> Any:
    """The type of a route's parameter that is a `Work` of `service`, committed before the answer is sent."""
    return Annotated[Work, Depends(_opener(service, readonly=False), scope="function")]


def reading_of(service: str) -> Any:
    """The same for reading: it never waits for a writer."""
    return Annotated[Work, Depends(_opener(service, readonly=True), scope="function")]


#: The value of `Idempotency-Key`: the same key, person and command are answered once and never done twice.
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=8, max_length=200)]


def _opener(service: str, *, readonly: bool) -> Callable[..., Iterator[Work]]:
    def open_work(request: Request, person: Annotated[Person, Depends(authenticate)]) -> Iterator[Work]:
        running = request.app.state.platform.running[service]
        with running.work(person.name, readonly=readonly, correlation=request.state.request_id) as work:
            yield work

    return open_work
