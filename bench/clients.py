"""The clients of a contention run: a process of its own that asks as many people would, and measures what they wait.

It speaks HTTP/1.1 over asyncio's streams itself, since a client library would take from the service the processor
that both share, and it does so alike for the platform and for the bare route.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from shared.errors import Unavailable
from shared.ids import new_id

#: Tasks that a client claims at a time.
CLAIMED = 10

#: Seconds after which a request counts as failed, and seconds that clients have at the end to finish what they began.
_TIMEOUT, _GRACE = 30.0, 20.0

#: A request that fails otherwise than by being shed is tried so often, with such a pause (seconds).
_TRIES, _PAUSE = 5, 0.2

#: No run makes more requests than this.
_MOST_REQUESTS = 200_000


@dataclass(frozen=True, slots=True)
class Orders:
    """What the clients are to do: each person (their name and token) is one, all work for `seconds` in a closed loop.

    `decide`: claim some tasks of `review`, vote on one after the other, again and again. `insert`: the bare route.
    The clock starts when all are connected and have a first claim, of one to `CLAIMED` tasks in turn: in a crowd that
    is at work the claims come evenly, and the time that one of them takes is not cut in two.
    """

    port: int
    people: dict[str, str]
    seconds: float
    work: Literal["decide", "insert"]
    review: str = ""


@dataclass(slots=True)
class Tally:
    """What came of it. Times are seconds from the first try to success, waits and further tries included.

    `decisions` are a vote's time and an equal share of its claim's; on the bare route, an insert's. `in_time`
    counts those that were done before the time was up. `shed` counts answers 503 with Retry-After by their problem,
    `errors` every other failure by what it was. `votes` are the (task, person) pairs that were acknowledged,
    `doubtful` those whose request had no answer.
    """

    decisions: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)
    in_time: int = 0
    requests: int = 0
    shed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    votes: list[tuple[str, str]] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)


def run(orders: Orders) -> Tally:
    """Has a process of its own carry the orders out. Raises Unavailable when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients"],
        input=orjson.dumps(orders),
        stdout=subprocess.PIPE,
        timeout=orders.seconds + 2 * _GRACE + 60,
    )
    if done.returncode:
        raise Unavailable(f"the clients of the bench ended with {done.returncode}; their error is above")
    answer = orjson.loads(done.stdout)
    for name in ("votes", "doubtful"):
        answer[name] = [(task, person) for task, person in answer[name]]
    for name in ("shed", "errors"):
        answer[name] = Counter(answer[name])
    return Tally(**answer)


class _GivenUp(Exception):
    """A request failed again and again."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


class _Client:
    """One person at one keep-alive connection."""

    def __init__(self, person: str, orders: Orders, tally: Tally, turn: int) -> None:
        self._person, self._orders, self._tally = person, orders, tally
        self._first, self._until = 1 + turn % CLAIMED, float("inf")
        self._tasks: list[dict[str, Any]] = []
        self._share = 0.0
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {orders.people[person]}\r\n".encode()
        self._base = f"/screening/reviews/{orders.review}"
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def prepare(self) -> None:
        """What comes before the clock starts."""
        if self._orders.work == "insert":
            with suppress(OSError):  # Which the first request meets again, and counts.
                await self._connect()
            return
        with suppress(_GivenUp):
            await self._claim(self._first)

    async def work(self, until: float) -> None:
        self._until = until
        once = self._decide if self._orders.work == "decide" else self._insert
        try:
            while self._goes_on():
                with suppress(_GivenUp):
                    await once()
        finally:
            self._hang_up()

    async def _decide(self) -> None:
        """Votes on each task of the last claim, with the stage's first answer, which leads on, for all CMOCs that it
        asks about; then claims more."""
        while self._tasks:
            if not self._goes_on():
                return
            task = self._tasks.pop(0)
            began, ballot = time.perf_counter(), {"answer": task["answers"][0]["value"]}
            if task["judged_for"]:
                ballot["judged_for"] = [cmoc["id"] for cmoc in task["cmocs"]]
            pair = (task["task"], self._person)
            await self._post(f"{self._base}/leases/{task['lease']}/vote", ballot, pair)
            self._tally.votes.append(pair)
            self._count(time.perf_counter() - began + self._share)
        await self._claim(CLAIMED)

    async def _claim(self, count: int) -> None:
        began = time.perf_counter()
        claim = orjson.loads(await self._post(f"{self._base}/claims", {"kind": "screening", "count": count}))
        claimed = time.perf_counter() - began
        self._tally.claims.append(claimed)
        self._tasks = claim["tasks"]
        if not self._tasks:
            self._tally.errors["nothing left to claim"] += 1
            raise _GivenUp
        self._share = claimed / len(self._tasks)

    async def _insert(self) -> None:
        began = time.perf_counter()
        await self._post("/decisions", {"task": new_id("task"), "answer": "include"})
        self._count(time.perf_counter() - began)

    def _count(self, seconds: float) -> None:
        self._tally.decisions.append(seconds)
        self._tally.in_time += time.perf_counter() < self._until

    def _goes_on(self) -> bool:
        return time.perf_counter() < self._until and self._tally.requests < _MOST_REQUESTS

    async def _post(self, path: str, body: dict[str, Any], vote: tuple[str, str] | None = None) -> bytes:
        """Asks until it is done: waits as told where the service sheds, and tries a few times after a failure.

        Raises _GivenUp. `vote` is in doubt for as long as its request has no answer.
        """
        request, tries = self._request(path, body), 0
        while tries < _TRIES:
            self._tally.requests += 1
            if vote is not None:
                self._tally.doubtful.append(vote)
            answer = await self._answered(request)
            if vote is not None and answer is not None:
                self._tally.doubtful.remove(vote)
            if answer is not None and answer.status == 200:
                return answer.body
            if answer is not None and answer.status == 503 and (pause := answer.headers.get(b"retry-after")):
                self._tally.shed[_described(answer)] += 1
                await asyncio.sleep(float(pause))
                continue
            if answer is not None:
                self._tally.errors[_described(answer)] += 1
            tries += 1
            await asyncio.sleep(_PAUSE)
        raise _GivenUp

    def _request(self, path: str, body: dict[str, Any]) -> bytes:
        content = orjson.dumps(body)
        key = f"Idempotency-Key: {new_id('key')}\r\nContent-Type: application/json\r\n"
        head = f"POST {path} HTTP/1.1\r\n{key}Content-Length: {len(content)}\r\n".encode()
        return head + self._head + b"\r\n" + content

    async def _answered(self, request: bytes) -> _Answer | None:
        """The answer; None, counted as an error, when the connection breaks or none comes in time."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._exchange(request)
        except (OSError, EOFError, TimeoutError) as error:
            self._tally.errors[type(error).__name__] += 1
            self._hang_up()
            return None

    async def _exchange(self, request: bytes) -> _Answer:
        reader, writer = self._stream or await self._connect()
        writer.write(request)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        answer = _Answer(int(status.split()[1]), headers, await reader.readexactly(int(headers[b"content-length"])))
        if headers.get(b"connection") == b"close":
            self._hang_up()
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._stream = await asyncio.open_connection("127.0.0.1", self._orders.port)
        return self._stream

    def _hang_up(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None


def _described(answer: _Answer) -> str:
    """A failure's name: its status, and the problem's type where it tells one."""
    try:
        return f"{answer.status} {orjson.loads(answer.body)['type'].rpartition(':')[2]}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status)


async def _all(orders: Orders) -> Tally:
    tally = Tally()
    clients = [_Client(person, orders, tally, turn) for turn, person in enumerate(orders.people)]
    async with asyncio.timeout(_GRACE):
        await asyncio.gather(*(client.prepare() for client in clients))
    until = time.perf_counter() + orders.seconds
    working = [asyncio.create_task(client.work(until)) for client in clients]
    _, late = await asyncio.wait(working, timeout=orders.seconds + _GRACE)
    for task in late:
        task.cancel()
        tally.errors["not done in the end"] += 1
    await asyncio.gather(*late, return_exceptions=True)
    return tally


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_all(Orders(**orjson.loads(sys.stdin.buffer.read()))))))
