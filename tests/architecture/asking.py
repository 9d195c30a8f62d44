"""All services in one process, without their threads, asked as the server would ask them: request for request."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlmodel import select

from services.catalog import SERVICES
from services.people.models import MemberRow, PersonRow, ReviewRow
from services.protocol import commands
from services.protocol.domain import check
from shared.bus.reading import react
from shared.db.tables import OutboxRow
from shared.events import registry
from shared.events.base import Envelope
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings
from shared.tokens import Person, issue_token
from tests.databases import make_tables

PROTOCOL = Path(__file__).parent.parent.parent / "reviews" / "ics-leadership" / "protocol.yaml"

#: The review that persons are of, another one, and one that there is not; of equal lengths, and in no other text.
MINE, OTHER, NOWHERE = "qmine", "qhide", "qnone"

#: What a request is answered by whom it refuses.
REFUSING = {"unauthenticated", "other_review", "role_needed", "scope_needed"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def slug(self) -> str | None:
        """Of a problem its short name."""
        return self.json.get("type", "").rpartition(":")[2] if self.status >= 400 and self.body else None

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def refuses(self) -> bool:
        return self.status in (401, 403) and self.slug in REFUSING

    def without(self, *names: str) -> tuple[object, ...]:
        """All of it, with these names made one."""
        spelled = re.compile("|".join(map(re.escape, names)).encode())
        return self.status, self.headers, spelled.sub(b"?", self.body)


@dataclass(frozen=True, eq=False)
class Asker:
    """Somebody with a token: their role in each review, and what their key is for."""

    id: str
    roles: Mapping[str, str] = field(default_factory=dict)
    scopes: frozenset[str] | None = None

    @property
    def person(self) -> Person:
        return Person(self.id, self.roles, self.scopes)


class Everything:
    """A whole platform with two reviews, and people who are known to its database."""

    def __init__(self, folder: Path) -> None:
        # Thousands of requests would each be logged. No logger may stay so for the tests that come after.
        self._logging = structlog.get_config()
        silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
        structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
        settings = Settings(data_dir=folder, scheduler=False, log_level="error", _env_file=None)
        self.platform = Platform(settings, SERVICES)
        self.app = create_app(self.platform)
        for service in SERVICES:
            running = self.platform.running[service.name]
            make_tables(running.database, service)
            if hasattr(running.resources, "ready"):
                running.resources.ready()
            if service.blobs:
                running.blobs.ready()
        # Nothing reads the log here, on which nothing was withdrawn.
        self.know_withdrawals(math.inf)
        self._loop, self._tokens = asyncio.Runner(), dict[Asker, str]()
        for review in (MINE, OTHER):
            self._publish(review)

    def know_withdrawals(self, as_of: float) -> None:
        self.app.state.withdrawn.know_all(as_of)

    def comes(self, asker: Asker) -> Asker:
        """Lets people know somebody, as a token alone does not."""
        with self.platform.running["people"].work("rig") as work:
            work.add(PersonRow(id=asker.id, name=asker.id, since=work.now))
            for review, role in asker.roles.items():
                if work.session.get(ReviewRow, review) is None:
                    work.add(ReviewRow(review=review, since=work.now))
                work.add(
                    MemberRow(review=review, person=asker.id, role=role, look=asker.id, number=1, joined_at=work.now)
                )
        return asker

    def ask(self, requests: Iterable[tuple[Asker | None, str, str, bytes | None]]) -> list[Answer]:
        """The answers to requests, each by somebody or nobody, with a method, a path with its query, and a body."""

        async def one_by_one() -> list[Answer]:
            return [await self._ask(*request) for request in requests]

        return self._loop.run(one_by_one())

    def close(self) -> None:
        structlog.configure(**self._logging)
        self._loop.close()
        self.platform.stop()

    async def _ask(self, asker: Asker | None, method: str, target: str, body: bytes | None) -> Answer:
        path, _, query = target.partition("?")
        headers = [(b"host", b"rig"), (b"x-request-id", b"request-1")]
        if asker is not None:
            headers.append((b"authorization", b"Bearer " + self._token(asker).encode()))
        if body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("rig", 80),
        }  # fmt: skip
        given, sent, heard = False, list[dict[str, Any]](), asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await heard.wait()  # Whoever asks stays for the answer, of a stream for its beginning.
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message.get("body") and dict(sent[0]["headers"]).get(b"content-type", b"").startswith(b"text/event-s"):
                heard.set()

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        return Answer(sent[0]["status"], sent[0]["headers"], b"".join(it.get("body", b"") for it in sent[1:]))

    def _token(self, asker: Asker) -> str:
        if asker not in self._tokens:
            ring, now = self.platform.ring, datetime.now(UTC)
            self._tokens[asker] = issue_token(ring, asker.person, now=now, valid_for=timedelta(hours=1))
        return self._tokens[asker]

    def _publish(self, review: str) -> None:
        """Publishes a protocol, of which everyone hears."""
        text = PROTOCOL.read_text().replace("review: ics-leadership", f"review: {review}")
        publishing = self.platform.running["protocol"]
        with publishing.work("rig") as work:
            protocol = check(text, review=review)
            commands.publish_version(work, protocol)
            self.cmoc = protocol.cmocs[0].id
        with publishing.work("rig", readonly=True) as work:
            payload = work.session.exec(select(OutboxRow.payload).where(OutboxRow.review == review)).one()
        envelope = Envelope.from_json(payload)
        event = registry.decode(envelope)
        for service in SERVICES:
            if service.effects(type(event)):
                with self.platform.running[service.name].work("rig") as work:
                    react(work, service, envelope, event)
