"""Statements: what a claim and a vote ask of the database, and what of that the check of a token adds.

Counted where SQLAlchemy, and what goes past it (`shared.db.said`), hand a statement to the driver, on whatever engine
of this process; BEGIN and COMMIT, which every work has, are not counted.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Receive, Scope, Send

from services.screening.manifest import SERVICE
from shared.errors import Unavailable
from shared.ids import new_id
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings
from shared.tokens import Person, issue_token
from shared.withdrawn import Withdrawn

#: Claims and votes of either kind that go first, since what was never said before may take more.
_BEFORE = 2


@dataclass(frozen=True, slots=True)
class Statements:
    """So many statements a claim takes, and a vote, by a token that is checked; and how many more that is than where
    nothing is checked, for both together."""

    claim: int
    vote: int
    check: int


def count(settings: Settings, review: str) -> Statements:
    """Claims and votes on the first tasks of a review, in this process, in which no part of the service runs.

    Raises Unavailable when a claim or a vote fails.
    """
    platform = Platform(settings, [SERVICE])
    try:
        app = create_app(platform)
        # Nothing reads the log here.
        platform.withdrawals.withdrawn.know_all(math.inf)
        # One person in either case, who gets each task once: it is its first vote that is counted.
        person = Person.member(new_id("person"), "reviewer", (review,))
        token = issue_token(platform.ring, person, now=datetime.now(UTC))
        claim, vote = asyncio.run(_taken(app, {"Authorization": f"Bearer {token}"}, review))
        app.state.withdrawn = _Nothing()
        bare_claim, bare_vote = asyncio.run(_taken(_Known(app, person), {}, review))
        return Statements(claim, vote, claim + vote - bare_claim - bare_vote)
    finally:
        platform.stop()


async def _taken(app: ASGIApp, headers: dict[str, str], review: str) -> tuple[int, int]:
    """The statements of a claim, and of a vote."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as client:
        for _ in range(_BEFORE + 1):
            with _counted() as claim:
                claimed = await _post(client, f"/screening/reviews/{review}/claims", {"kind": "screening", "count": 1})
            if not claimed["tasks"]:
                raise Unavailable(f"review {review!r} has no task left to count the statements of")
            (task,) = claimed["tasks"]
            with _counted() as vote:
                path = f"/screening/reviews/{review}/leases/{task['lease']}/vote"
                await _post(client, path, {"answer": task["answers"][0]["value"]})
        return len(claim), len(vote)


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": new_id("key")})
    if answer.status_code != 200:
        raise Unavailable(f"a claim or a vote to count the statements of was answered {answer.text}")
    return answer.json()


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Every statement within the block, of whatever thread."""
    said: list[str] = []

    def hear(connection: object, cursor: object, words: str, *more: object) -> None:
        said.append(words)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


class _Known:
    """An application to which whoever asks is known before it looks."""

    def __init__(self, app: ASGIApp, person: Person) -> None:
        self._app, self._person = app, person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["person"] = self._person
        await self._app(scope, receive, send)


class _Nothing(Withdrawn):
    """A list that nobody looks into."""

    def require_standing(self, person: Person) -> None:
        pass

    def require_current(self) -> None:
        pass
