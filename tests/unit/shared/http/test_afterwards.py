"""What is made afterwards is shared among those who ask, and not made for whoever has left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from shared.errors import Busy
from shared.http import problems
from shared.http.admission import Gates
from shared.http.afterwards import Afterwards
from shared.settings import Settings
from shared.tokens import Person
from tests.waiting import eventually

pytestmark = pytest.mark.waits


class Slow:
    """Answers whose making goes on until it is let go, for those whose is."""

    def __init__(self) -> None:
        self.go, self.begun = Event(), list[str]()

    def make(self, person: str) -> bytes:
        self.begun.append(person)
        assert person != "greedy" or self.go.wait(60)
        return person.encode()


@pytest.fixture
def gates() -> Gates:
    return Gates({}, Settings(_env_file=None))


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go.set()


@pytest.fixture
def served(gates: Gates, slow: Slow) -> FastAPI:
    app = FastAPI()
    app.state.gates = gates
    problems.install(app, [], [], set())

    @app.get("/made")
    async def make(request: Request, by: str) -> Any:
        request.state.person = Person.member(by, "reader")
        return Afterwards(lambda: slow.make(by))

    return app


def test_nobody_alone_keeps_others_from_what_is_made_afterwards(served, gates, slow):
    with ThreadPoolExecutor(5) as pool:
        greedy = [pool.submit(TestClient(served).get, "/made?by=greedy") for _ in range(5)]
        eventually(lambda: (gates.afterwards.working, gates.afterwards.waiting) == (1, 4))
        refused = TestClient(served).get("/made?by=greedy")
        another = TestClient(served).get("/made?by=ana")
        slow.go.set()

    assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
    assert (another.status_code, another.text) == (200, "ana")
    assert {one.result().text for one in greedy} == {"greedy"}


class Asked:
    """Somebody who asks, and may leave."""

    def __init__(self, gates: Gates, by: str) -> None:
        app = SimpleNamespace(state=SimpleNamespace(gates=gates))
        self.scope: Scope = {"type": "http", "app": app, "state": {"person": Person.member(by, "reader")}}
        self.left, self.heard = asyncio.Event(), list[Message]()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)

    def ask(self, slow: Slow, by: str) -> asyncio.Task[None]:
        return asyncio.create_task(Afterwards(lambda: slow.make(by))(self.scope, self.receive, self.send))


def test_for_who_has_left_before_it_began_nothing_is_made(gates, slow):
    async def leave() -> None:
        gone = Asked(gates, "ana")
        gone.left.set()
        with pytest.raises(Busy, match="left"):
            await gone.ask(slow, "ana")
        assert (slow.begun, gone.heard) == ([], [])

    asyncio.run(leave())


def test_for_who_leaves_while_others_have_their_turn_nothing_is_made(gates, slow):
    async def leave() -> None:
        first, second = Asked(gates, "greedy"), Asked(gates, "greedy")
        working, waiting = first.ask(slow, "greedy"), second.ask(slow, "greedy")
        await asyncio.to_thread(eventually, lambda: (len(slow.begun), gates.afterwards.waiting) == (1, 1))

        second.left.set()
        with pytest.raises(Busy):
            await waiting
        slow.go.set()
        await working
        assert (len(slow.begun), second.heard) == (1, [])
        assert b"greedy" in [message.get("body") for message in first.heard]

    asyncio.run(leave())
