"""The route: a request's function, its transaction and its answer in one thread, and nothing held before or after."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from shared.db.work import Work
from shared.http.admission import Gate
from shared.http.auth import authenticate, checks
from shared.http.bodies import Gone, is_from_anybody, limit_of, read_as_it_comes, with_body

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Later:
    """What a dependency gives a route: `make` runs in the route's thread, before its transaction begins."""

    make: Callable[[], object]


@dataclass(frozen=True)
class Asked:
    """A unit of work that a dependency gives a route: `open` runs in the route's thread, behind `gate`."""

    gate: Gate
    request: Request
    person: str
    open: Callable[[], AbstractContextManager[Work]]

    async def first(self, do: Callable[[Work], Answer]) -> Answer:
        """What a dependency must know before its route's turn comes: does it in a unit of its own, behind its gate."""

        def in_unit() -> Answer:
            with self.open() as work:
                return do(work)

        return await self.behind(self.gate, in_unit)

    async def aside(self, do: Callable[[], Answer]) -> Answer:
        """What takes a while and needs no transaction, before its route's turn comes: does it behind the gate for that,
        so that it holds no turn that others need."""
        return await self.behind(self.request.app.state.gates.aside, do)

    async def behind(self, gate: Gate, do: Callable[[], Answer]) -> Answer:
        return await gate.run(self.person, do, partial(gone, self.request))


async def gone(request: Request) -> None:
    """Returns when the asker has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def name_of(route: APIRoute) -> str:
    """The id of an operation: stable as long as its function has its name."""
    return f"{route.tags[0] if route.tags else 'api'}_{route.name}"


class Route(APIRoute):
    """A route as FastAPI's, but a function that is not `async` takes a unit of work and runs behind its gate
    (`shared.http.admission`): one thread opens the transaction, calls the function, makes the JSON of what it
    returns, and commits. Its dependencies are `async` and look only at the request; what takes time they give as
    `Later` or `Asked`, or have it done aside (`Asked.aside`).

    Its body is read before any of that, of whoever may, up to its own limit (`shared.http.bodies`), or taken as it
    comes by a dependency (`shared.http.blobs.received`).
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **about: Any) -> None:
        @wraps(endpoint)
        async def admitted(**given: Any) -> Response:
            asked = next(value for value in given.values() if isinstance(value, Asked))
            return await asked.behind(asked.gate, partial(self._answer, endpoint, given))

        about["generate_unique_id_function"] = name_of
        super().__init__(path, endpoint if inspect.iscoroutinefunction(endpoint) else admitted, **about)
        self._form = TypeAdapter(self.response_model) if self.response_model else None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, streams = super().get_route_handler(), read_as_it_comes(self.dependant)
        anybody, asked = is_from_anybody(self.endpoint), list(checks(self.dependant))

        async def may(request: Request) -> None:
            if not anybody:
                await authenticate(request)
                for check in asked:
                    await check(request)

        async def handle_bounded(request: Request) -> Response:
            try:
                if not streams:
                    request = await with_body(request, limit_of(self.endpoint, request), may)
                return await handle(request)
            except Gone:
                return Response(status_code=400)  # Nobody hears it; the log has it.

        return handle_bounded

    def _answer(self, endpoint: Callable[..., Any], given: dict[str, Any]) -> Response:
        given = {name: value.make() if isinstance(value, Later) else value for name, value in given.items()}
        with ExitStack() as open_works:
            for name, value in given.items():
                if isinstance(value, Asked):
                    given[name] = open_works.enter_context(value.open())
            return self._response(endpoint(**given))

    def _response(self, answer: object) -> Response:
        if isinstance(answer, Response):
            return answer
        # A function without a form answers a response itself.
        assert self._form is not None
        # An answer that was kept for a retried command comes as plain data; an instance is only looked at.
        content = self._form.dump_json(self._form.validate_python(answer, from_attributes=True))
        return Response(content, self.status_code or 200, media_type="application/json")
