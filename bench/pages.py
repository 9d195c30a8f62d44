"""Pages: what each costs beside the questions that it asks of the API, and whether it costs more in a large review.

All services and their pages are in this process, as `living serve` has them, and everything is asked without a
network, by one visitor. A page's questions are heard while it is made, and then asked by themselves, one after another,
over the same kind of client.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.imports import works
from bench.machine import look_for_garbage_as_the_platform
from services.app import build
from services.people.commands import invitations
from services.web.app import pages
from shared.client import Client
from shared.errors import NotFound, Unavailable
from shared.settings import Settings

#: Times that a page is made before any is timed, and that are timed.
_WARMING, _EACH = 3, 25

#: Seconds after which an import that brings nothing more is given up.
_PATIENCE = 120.0

#: How many times its questions a page may take, how many times as much in the large review as in the small one, and
#: what the page that people screen by may weigh with all its files, bytes.
TIMES, FLAT, WEIGHT = 2.0, 1.5, 100_000

#: The page that people screen by.
CARD = "screen/sift"

#: The pages of a review that are measured, as the part of their address after the review's.
PAGES = ("", CARD, "people", "flow", "records", "duplicates")

Known = TypeVar("Known")

_PROTOCOL = """
review: {review}
title: Do shared gardens keep people well?
question: For whom, and why?
published_after: 2000-01-01
definitions: {{context: where, mechanism: what works, outcome: what follows}}
criteria: {{include: [A garden that is shared], exclude: [A farm]}}
highlights: {{include: ["care*", "lead*"], exclude: [mice]}}
strategies: [{{id: by-hand, manual: A library, query: gardens, every_days: 3660}}]
stages:
  - name: sift
    question: Could it say how gardens work?
    votes: 2
    answers: [{{value: include, leads_to: advance}}, {{value: exclude, leads_to: exclude}}]
    reasons: [{{value: opinion, label: An opinion}}, {{value: elsewhere, label: Not of gardens}}]
theories: [{{id: one, heading: Trust, statement: Who works together comes to trust.}}]
cmocs: [{{id: c1, theory: one, context: c, resource: m, reasoning: r, outcome: o}}]
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asked of the API."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(slots=True)
class Cost:
    """One page of a review of so many records: the seconds that it took, those that its questions took by themselves,
    and its bytes, with those of its files."""

    page: str
    records: int
    questions: int
    weight: int
    took: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.took)

    @property
    def times(self) -> float:
        """How many times its questions the page takes."""
        return self.seconds / statistics.median(self.asked)

    def described(self) -> dict[str, Any]:
        """The figures for programs; milliseconds."""
        ms = {"ms": self.seconds * 1000, "asked_ms": statistics.median(self.asked) * 1000}
        of = {"page": self.page, "records": self.records, "questions": self.questions, "weight": self.weight}
        return of | ms | {"times": self.times}


def measure(settings: Settings, sizes: Sequence[int], tell: Callable[[int], None]) -> list[Cost]:
    """Fills a review of each size, and measures its pages."""
    app = build(settings.model_copy(update={"log_level": "error"}))
    with _running(app) as site:
        look_for_garbage_as_the_platform()
        key = site.first_admin()
        with site.client(key) as living:
            for size in sizes:
                _fill(living, settings.data_dir, _name(size), size, tell)
                living.screening.claim(_name(size))
        costs: list[Cost] = site.portal.call(_measured, app, settings, key, sizes)
        return costs


def reach(costs: Sequence[Cost]) -> Iterator[tuple[str, bool]]:
    """What pages set out to reach, and whether this run did."""
    most = max(costs, key=lambda cost: cost.times)
    at = most.page or "a review"
    yield f"at most {TIMES:g} times its questions (most {most.times:.2f}, {at})", most.times <= TIMES
    by_page = {page: [cost for cost in costs if cost.page == page] for page in dict.fromkeys(it.page for it in costs)}
    grown = {page: each[-1].seconds / each[0].seconds for page, each in by_page.items()}
    page, times = max(grown.items(), key=lambda it: it[1])
    sizes = f"{costs[0].records:,} to {costs[-1].records:,}"
    yield f"flat from {sizes} records (most {times:.2f} times, {page or 'a review'})", times <= FLAT
    weight = max(cost.weight for cost in costs if cost.page == CARD)
    yield f"a card of at most {WEIGHT / 1000:g} kB with its files ({weight / 1000:.1f})", weight <= WEIGHT


class _Heard:
    """The API, which notes what it is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.questions: list[Question] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = bytearray()

        async def hear() -> Message:
            message = await receive()
            content.extend(message.get("body", b""))
            return message

        await self._app(scope, hear, send)
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        url = scope["path"] + (f"?{query}" if query else "")
        self.questions.append(Question(scope["method"], url, headers, bytes(content)))


async def _measured(app: ASGIApp, settings: Settings, key: str, sizes: Sequence[int]) -> list[Cost]:
    heard = _Heard(app)
    shown = pages(settings, heard)
    cookies = {"living-session": key}
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(shown), base_url="http://living", cookies=cookies) as browser,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://living") as api,
    ):
        costs = [await _cost(browser, api, heard, page, size) for page in PAGES for size in sizes]
    await shown.state.web.api.close()
    return costs


async def _cost(browser: httpx.AsyncClient, api: httpx.AsyncClient, heard: _Heard, page: str, size: int) -> Cost:
    path = f"/reviews/{_name(size)}" + (f"/{page}" if page else "")
    for _ in range(_WARMING):
        answer = await browser.get(path)
    if answer.status_code != 200:
        raise Unavailable(f"{path} is answered {answer.status_code}")
    heard.questions.clear()
    answer = await browser.get(path)
    questions = [it for it in heard.questions if it.url != "/people/token"]
    weight = len(answer.content) + await _files(browser, answer.text)
    cost = Cost(page, size, len(questions), weight)
    for _ in range(_EACH):
        began = time.perf_counter()
        await browser.get(path)
        cost.took.append(time.perf_counter() - began)
        began = time.perf_counter()
        for it in questions:
            await api.request(it.method, it.url, headers=it.headers, content=it.content)
        cost.asked.append(time.perf_counter() - began)
    return cost


async def _files(browser: httpx.AsyncClient, html: str) -> int:
    """The bytes of the files that a page loads."""
    named = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    return sum([len((await browser.get(name)).content) for name in named])


def _name(size: int) -> str:
    return f"bench-{size}"


def _fill(living: Client, folder: Path, review: str, count: int, tell: Callable[[int], None]) -> None:
    """Brings so many records into a new review by a file, and waits until all can be screened. Raises Unavailable when
    no more come."""
    living.people.found(review)
    living.protocol.apply(review, _PROTOCOL.format(review=review))
    file = folder / f"{review}.ris"
    with file.open("w", encoding="utf-8", newline="") as writing:
        writing.writelines(islice(works(count), count))
    with file.open("rb") as content:
        pieces = lambda: iter(lambda: content.read(1 << 20), b"")  # noqa: E731
        sent = _once_known(lambda: living.ingest.upload(review, pieces, file.stat().st_size))
    living.ingest.request_import(review, {"file": sent.sha256, "name": file.name, "database": "embase"})
    _wait(living, review, tell)


def _wait(living: Client, review: str, tell: Callable[[int], None]) -> None:
    there, seen = 0, time.monotonic()
    while True:
        (imported,) = living.ingest.imports(review)
        now = _once_known(lambda: living.screening.funnel(review)).discovered
        if imported.error is not None:
            raise Unavailable(imported.error)
        if imported.ended_at is not None and now >= imported.counts.new:
            return
        if now > there:
            there, seen = now, time.monotonic()
            tell(there)
        elif time.monotonic() - seen > _PATIENCE:
            raise Unavailable(f"of an import {now} records arrived, and then none for {_PATIENCE:g} seconds")
        time.sleep(0.5)


def _once_known(ask: Callable[[], Known]) -> Known:
    """The answer, once the service that is asked has heard of the review."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask()
        except NotFound:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class _Site:
    """A platform that runs in this process."""

    app: Any
    running: TestClient

    @property
    def portal(self) -> Any:
        return self.running.portal

    def first_admin(self) -> str:
        """The key of the first admin, who comes in."""
        with self.app.state.platform.running["people"].work("people:first") as work:
            made = invitations.first_admin(work)
        assert made is not None
        with self.client("") as nobody:
            arrived = nobody.people.accept({"invitation": made[1], "name": "Bench"})
        assert arrived.key is not None
        return arrived.key.key

    def client(self, key: str) -> Client:
        return Client.at("http://living", key, client=TestClient(self.app), patience=60)


@contextmanager
def _running(app: Any) -> Iterator[_Site]:
    with TestClient(app) as running:
        yield _Site(app, running)
