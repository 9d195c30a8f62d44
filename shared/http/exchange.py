"""Keys as passwords: feed readers, and people with curl, know Basic authentication alone, so we exchange their key.

What they send is exchanged as they would themselves, at people's own door, and the token is kept until it is worn. A
token is still checked without asking anybody; to exchange is asked for once in four minutes of each key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import httpx
from starlette.types import ASGIApp

from shared.errors import Forbidden, Unauthenticated, Unavailable

#: Keys of which tokens are kept, and the share of a token's time for which it is.
_MOST, _WORN = 10_000, 0.8

#: Seconds for which a key that was refused is refused again without a question.
_REFUSED = 5.0


class _Kept:
    """Tokens until they are worn, by the hash of what they were given for: of each, one at a time is asked for."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str | None, float]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def token(self, shown: str, ask: Callable[[str], Awaitable[tuple[str | None, float]]]) -> str | None:
        """The token for what is shown; None where none is given for it."""
        name = _name(shown)
        async with self._asking.setdefault(name, asyncio.Lock()):
            try:
                token, until = self._tokens.get(name, (None, 0.0))
                if until <= time.monotonic():
                    token, until = await ask(shown)
                    self._tokens.pop(name, None)
                    if len(self._tokens) >= _MOST:
                        self._tokens.pop(next(iter(self._tokens)))
                    self._tokens[name] = token, until
            finally:
                self._asking.pop(name, None)
        return token

    def forget(self, shown: str) -> None:
        self._tokens.pop(_name(shown), None)


def _name(shown: str) -> str:
    return sha256(shown.encode()).hexdigest()


class Exchange:
    """Exchanges keys at `people_url`, or in this very process where people is served here; and asks there for the
    tokens by which anybody reads public reviews."""

    def __init__(self, app: ASGIApp | None, people_url: str | None) -> None:
        self._app, self._url = app, people_url
        self._client: httpx.AsyncClient | None = None
        # Apart, so that whoever makes up names of reviews makes no key be asked for anew.
        self._of_keys, self._of_reviews = _Kept(), _Kept()

    async def token_of(self, key: str) -> str:
        """A token of a key. Raises Unauthenticated for one that counts no more, Unavailable when people cannot be
        asked."""
        token = await self._of_keys.token(key, self._ask)
        if token is None:
            raise Unauthenticated("the key does not count here: it is wrong, over or withdrawn", slug="bad_key")
        return token

    def forget(self, key: str) -> None:
        """Forgets the token of a key, which was refused, so that another is asked for."""
        self._of_keys.forget(key)

    async def token_for(self, review: str) -> str:
        """A token by which anybody reads a public review. Raises Forbidden for one that is not, and for one that there
        is not; Unavailable when people cannot be asked."""
        token = await self._of_reviews.token(review, self._ask_to_read)
        if token is None:
            raise Forbidden(f"you do not belong to a review {review!r}", slug="other_review")
        return token

    def forget_review(self, review: str) -> None:
        """Forgets whether a review is public, and by what token."""
        self._of_reviews.forget(review)

    async def close(self) -> None:
        """Closes its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, key: str) -> tuple[str | None, float]:
        form = {"grant_type": "client_credentials", "client_secret": key}
        return await self._asked("/people/token", 401, data=form)

    async def _ask_to_read(self, review: str) -> tuple[str | None, float]:
        return await self._asked("/people/public-tokens", 403, json={"review": review})

    async def _asked(self, path: str, refused: int, **sent: Any) -> tuple[str | None, float]:
        """A token and until when it is kept; None where it is refused."""
        asked = time.monotonic()
        try:
            answer = await self._people().post(path, **sent)
        except httpx.TransportError as error:
            raise Unavailable(f"people cannot be asked for a token: {error}") from error
        if answer.status_code in (refused, 422):  # What can be no review is none.
            return None, asked + _REFUSED
        if answer.status_code != 200:
            raise Unavailable(f"people gives no token: HTTP {answer.status_code}")
        made: dict[str, Any] = answer.json()
        return made["access_token"], asked + made["expires_in"] * _WORN

    def _people(self) -> httpx.AsyncClient:
        if self._client is None:
            if self._app is None and self._url is None:
                raise Unauthenticated(
                    "this process exchanges no key (LIVING_PEOPLE_URL): exchange it at POST /people/token, and send "
                    "the token"
                )
            here = httpx.ASGITransport(self._app) if self._app is not None else None
            self._client = httpx.AsyncClient(base_url=self._url or "http://people", transport=here, timeout=10)
        return self._client
