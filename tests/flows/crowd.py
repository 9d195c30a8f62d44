"""A crowd: many reviewers who claim and vote at once, each over a connection of their own."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.protocol.domain import check
from shared.bus.open import open_log
from shared.bus.port import Message
from shared.events.base import Envelope, Event
from shared.events.ingest import Bibliography, RecordDiscovered
from shared.events.protocol import VersionPublished
from shared.ids import new_id
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import ALL_REVIEWS, Person, issue_token

PROTOCOL = check((Path(__file__).parent.parent.parent / "reviews/ics-leadership/protocol.yaml").read_text())
REVIEW, STAGE = PROTOCOL.review, PROTOCOL.stages[0].name


@dataclass
class Seen:
    """What a crowd met: how often each status, how long each decision took (seconds, waits included), each
    vote's receipt by task and person, and the requests that were sent and never answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    votes: list[tuple[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    hasty: list[int] = field(default_factory=list)  # Answers 503 that did not say when to come again.


class Line:
    """One connection to a server, opened when it is needed, and again when the server has closed it."""

    def __init__(self, url: str, token: str) -> None:
        self._at, self._token = urlsplit(url), token
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """The answer's status, headers and JSON; the command's `key` makes it one, however often it is sent. Raises
        ConnectionRefusedError when nobody listens, and ConnectionError when the request was sent and no answer came."""
        content = json.dumps(body).encode() if body is not None else b""
        named = f"Idempotency-Key: {key}\r\n" if key is not None else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._at.netloc}\r\nAuthorization: Bearer {self._token}\r\n{named}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        reader, writer = await self._open()
        try:
            writer.write(head.encode() + content)
            return await self._answer(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ConnectionError(f"{method} {path}: {error}") from error

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._writer is None or self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(self._at.hostname, self._at.port)
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), headers, json.loads(content) if content else None


async def reviewer(line: Line, name: str, votes: int, seen: Seen, until: float, stop: asyncio.Event) -> None:
    """Claims and votes `votes` times, coming again when told to, until the time or the stop."""
    while votes and not stop.is_set() and time.monotonic() < until:
        began = time.perf_counter()
        claim = await _insist(line, f"/screening/reviews/{REVIEW}/claims", {"stage": STAGE}, seen, until, stop)
        if not claim or not claim["tasks"]:
            continue
        (task,) = claim["tasks"]
        path = f"/screening/reviews/{REVIEW}/leases/{task['lease']}/vote"
        if await _insist(line, path, {"answer": "include"}, seen, until, stop):
            seen.votes.append((task["task"], name))
            seen.seconds.append(time.perf_counter() - began)
            votes -= 1


async def _insist(line: Line, path: str, body: Any, seen: Seen, until: float, stop: asyncio.Event) -> Any:
    """The answer to a command, sent again while the platform is busy; None when it was refused or the time is over."""
    while time.monotonic() < until:
        try:
            status, headers, shown = await line.ask("POST", path, body)
        except ConnectionRefusedError:
            return None
        except ConnectionError as error:
            seen.cut.append(str(error))
            return None
        seen.statuses[status] += 1
        if status < 300:
            return shown
        if status == 503 and "retry-after" not in headers:
            seen.hasty.append(status)
        if stop.is_set() or status not in (409, 503):
            return None
        await asyncio.sleep(min(1.0, float(headers.get("retry-after", 0.05))) if status == 503 else 0.05)
        if status == 409 and path.endswith("/vote"):
            return None
    return None


async def crowd(
    url: str, tokens: dict[str, str], votes: int, seconds: float, stop: asyncio.Event | None = None
) -> Seen:
    """Lets everybody claim and vote `votes` times at once; ends when all have, at the latest after `seconds`."""
    seen, until, stop = Seen(), time.monotonic() + seconds, stop or asyncio.Event()
    lines = {name: Line(url, token) for name, token in tokens.items()}
    try:
        await asyncio.gather(*(reviewer(line, name, votes, seen, until, stop) for name, line in lines.items()))
    finally:
        for line in lines.values():
            line.close()
    return seen


def tokens(settings: Settings, names: Iterable[str], role: str = "reviewer") -> dict[str, str]:
    key, now = open_ring(settings), datetime.now(UTC)
    return {
        name: issue_token(key, Person.member(name, role, (ALL_REVIEWS,)), now=now, valid_for=timedelta(hours=2))
        for name in names
    }


def publish(settings: Settings, records: int) -> None:
    """Puts the protocol and so many records on the log, as protocol and ingest would have told them."""
    version = VersionPublished.of(PROTOCOL, 1, "crowd")
    found = [
        RecordDiscovered(
            review=REVIEW, record=f"rec_{number:032x}", revision=1, run="run",
            bibliography=Bibliography(title=f"Record {number}", abstract="What it says. " * 40, published="2019"),
        )
        for number in range(records)
    ]  # fmt: skip
    log = open_log(settings.resolved(settings.log_url), prefix=settings.topic_prefix)
    try:
        log.create_topics()
        for batch in _batches([version, *found], 500):
            log.append([Message(event.topic, event.key, _envelope(event).to_json()) for event in batch])
    finally:
        log.close()


def _batches(events: Sequence[Event], size: int) -> Iterable[Sequence[Event]]:
    return (events[start : start + size] for start in range(0, len(events), size))


def _envelope(event: Event) -> Envelope:
    now = datetime.now(UTC).isoformat()
    return Envelope(
        id=new_id("evt"), type=event.type, dataversion=type(event).version, source="living/crowd", subject=event.key,
        time=now, recordedtime=now, correlationid=event.key, causationid=None, actor="crowd",
        data=event.model_dump(mode="json"),
    )  # fmt: skip
