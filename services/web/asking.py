"""Asking: the API as whoever looks at a page, by the token that people exchanges for their session."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp

from services.web.passing import PassedOn
from shared.client.asking import addresses
from shared.client.asynchronous import AsyncClient
from shared.http.exchange import Exchange

#: Seconds in which the API answers; a page says so where it does not.
_TIMEOUT = 30.0


class Api:
    """The platform's API: in this very process where the services are here, else over the network."""

    def __init__(self, app: ASGIApp | None, url: str) -> None:
        """`app` answers, where it is there; else what is at `url`, one address, or `service=address` pairs."""
        self._urls: str | Mapping[str, str] = "http://living" if app is not None else addresses(url)
        people = self._urls if isinstance(self._urls, str) else self._urls.get("people", self._urls.get("", ""))
        self._people = people
        self._exchange = Exchange(app, people)
        transport = httpx.ASGITransport(app) if app is not None else None
        self._http = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False)
        passing = PassedOn(app) if app is not None else None
        self._files = httpx.AsyncClient(transport=passing, timeout=_TIMEOUT, follow_redirects=False)

    async def of(self, session: str) -> AsyncClient:
        """The API as whoever has this session. Raises Unauthenticated for one that counts no more."""
        return self.with_token(await self._exchange.token_of(session))

    async def files_of(self, session: str) -> AsyncClient:
        """The same for files that are taken from it, of which no more is in memory than a piece."""
        return AsyncClient.at(self._urls, await self._exchange.token_of(session), client=self._files)

    def of_nobody(self) -> AsyncClient:
        """The API as somebody whom nobody knows yet, who shows a password or an invitation."""
        return self.with_token("")

    def with_token(self, token: str) -> AsyncClient:
        return AsyncClient.at(self._urls, token, client=self._http)

    def forget(self, session: str) -> None:
        """Has the next asking be by another token: somebody's role was changed, or they signed out."""
        self._exchange.forget(session)

    async def answers(self) -> bool:
        """Whether people answers, without whom nobody has a session."""
        try:
            return (await self._http.get(f"{self._people.rstrip('/')}/healthz", timeout=5)).status_code == 200
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._exchange.close()
        await self._http.aclose()
        await self._files.aclose()
