"""The client for asyncio: what `shared.client` has, to be awaited; listings are gone through with `async for`.

async with AsyncClient.at("http://127.0.0.1:8000", key) as living:
    lease = await living.screening.claim("ics-leadership")

The modules beside this one are made from those of `shared.client` by `make docs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from shared.client.asking import addresses
from shared.client.asynchronous.http import AsyncHttp
from shared.client.asynchronous.ingest import AsyncIngestClient
from shared.client.asynchronous.notify import AsyncNotifyClient
from shared.client.asynchronous.operations import AsyncOperationsClient
from shared.client.asynchronous.people import AsyncPeopleClient
from shared.client.asynchronous.protocol import AsyncProtocolClient
from shared.client.asynchronous.screening import AsyncScreeningClient
from shared.client.asynchronous.search import AsyncSearchClient
from shared.client.asynchronous.synthesis import AsyncSynthesisClient

if TYPE_CHECKING:
    import httpx


class AsyncClient:
    """The whole platform for one person: one attribute per service, and `operations`. Any number of tasks of one event
    loop may ask by it at once."""

    def __init__(self, http: AsyncHttp) -> None:
        self.http = http
        self.people = AsyncPeopleClient(http)
        self.protocol = AsyncProtocolClient(http)
        self.ingest = AsyncIngestClient(http)
        self.screening = AsyncScreeningClient(http)
        self.synthesis = AsyncSynthesisClient(http)
        self.search = AsyncSearchClient(http)
        self.notify = AsyncNotifyClient(http)
        self.operations = AsyncOperationsClient(http)

    @classmethod
    def at(
        cls,
        url: str | Mapping[str, str],
        key: str | Callable[[], str],
        *,
        patience: float = 0,
        timeout: float = 30,
        client: httpx.AsyncClient | None = None,
        waiting: Callable[[str, float], None] = lambda why, seconds: None,
    ) -> AsyncClient:
        """A client of the platform at `url`, as `shared.client.Client.at` makes one; answers are wire models."""
        return cls(AsyncHttp(addresses(url), key, patience=patience, timeout=timeout, client=client, waiting=waiting))

    async def close(self) -> None:
        await self.http.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
