"""Asking: the API as whoever looks at a page, by the token that people exchanges for their session, or gives to anybody
who reads a public review."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp

from services.web.passing import PassedOn
from shared.client.asking import addresses
from shared.client.asynchronous import AsyncClient
from shared.http.exchange import Exchange
from shared.outward.trust import trusted
from shared.wire.people import Me

#: Seconds in which the API answers; a page says so where it does not.
_TIMEOUT = 30.0

#: How many questions of those who read public reviews are with the API at once. The rest wait here, so that a crowd of
#: them takes none of the turns there that are for people who work.
_OF_ANYBODY = 16

#: Of how many tokens it is kept whose they are.
_MOST_KNOWN = 2_000


class _Few(httpx.AsyncBaseTransport):
    """Another transport, by which so many ask at once."""

    def __init__(self, transport: httpx.AsyncBaseTransport, at_once: int) -> None:
        self._transport, self._free = transport, asyncio.Semaphore(at_once)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._free:
            answer = await self._transport.handle_async_request(request)
            await answer.aread()
            return answer

    async def aclose(self) -> None:
        await self._transport.aclose()


class Api:
    """The platform's API: in this very process where the services are here, else over the network."""

    def __init__(self, app: ASGIApp | None, url: str) -> None:
        """`app` answers, where it is there; else what is at `url`, one address, or `service=address` pairs."""
        self._urls: str | Mapping[str, str] = "http://living" if app is not None else addresses(url)
        people = self._urls if isinstance(self._urls, str) else self._urls.get("people", self._urls.get("", ""))
        self._people = people
        self._exchange = Exchange(app, people)
        #: By their token, which says of itself nothing to us.
        self._known: dict[str, Me] = {}
        self._http = _asking_by(_way_to(app))
        self._http_of_anybody = _asking_by(_Few(_way_to(app), _OF_ANYBODY))
        self._files = _asking_by(PassedOn(app) if app is not None else _way_to(app))

    async def of(self, session: str) -> AsyncClient:
        """The API as whoever has this session. Raises Unauthenticated for one that counts no more."""
        return self.with_token(await self._exchange.token_of(session))

    async def me_of(self, session: str) -> Me:
        """Who has this session, and their roles, as people says it; asked anew with each token. Raises LivingError."""
        token = await self._exchange.token_of(session)
        if (known := self._known.get(token)) is None:
            known = await self.with_token(token).people.me()
            if len(self._known) >= _MOST_KNOWN:
                self._known.pop(next(iter(self._known)), None)
            self._known[token] = known
        return known

    async def of_anybody(self, review: str) -> AsyncClient:
        """The API as anybody who reads a public review. Raises Forbidden for one that is not, or that there is not."""
        return self.with_token(await self._exchange.token_for(review), self._http_of_anybody)

    async def files_of(self, session: str) -> AsyncClient:
        """The same for files that are taken from it, of which no more is in memory than a piece."""
        return AsyncClient.at(self._urls, await self._exchange.token_of(session), client=self._files)

    def of_nobody(self) -> AsyncClient:
        """The API as somebody whom nobody knows yet, who shows a password or an invitation."""
        return self.with_token("")

    def with_token(self, token: str, http: httpx.AsyncClient | None = None) -> AsyncClient:
        return AsyncClient.at(self._urls, token, client=http or self._http)

    def forget(self, session: str) -> None:
        """Has the next asking be by another token: somebody's role was changed, or they signed out."""
        self._exchange.forget(session)

    def forget_review(self, review: str) -> None:
        """Has the next reader be let in anew, or not: a lead said who may read the review."""
        self._exchange.forget_review(review)

    async def answers(self) -> bool:
        """Whether people answers, without whom nobody has a session."""
        try:
            return (await self._http.get(f"{self._people.rstrip('/')}/healthz", timeout=5)).status_code == 200
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._exchange.close()
        await self._http.aclose()
        await self._http_of_anybody.aclose()
        await self._files.aclose()


def _way_to(app: ASGIApp | None) -> httpx.AsyncBaseTransport:
    return httpx.ASGITransport(app) if app is not None else httpx.AsyncHTTPTransport(verify=trusted())


def _asking_by(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False)
