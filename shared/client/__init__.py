"""The client: the typed SDK that the command line, the tests and users share.

with Client.at("http://127.0.0.1:8000", key) as living:
    lease = living.screening.claim("ics-leadership")

Nothing is loaded before it is needed: `plain=True` needs neither httpx nor pydantic. For asyncio there is
`shared.client.asynchronous`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from shared.client.asking import addresses
from shared.client.http import Http

if TYPE_CHECKING:
    import httpx

    from shared.client.ingest import IngestClient
    from shared.client.notify import NotifyClient
    from shared.client.operations import OperationsClient
    from shared.client.people import PeopleClient
    from shared.client.protocol import ProtocolClient
    from shared.client.screening import ScreeningClient
    from shared.client.search import SearchClient
    from shared.client.synthesis import SynthesisClient


class Client:
    """The whole platform for one person: one attribute per service, and `operations`."""

    def __init__(self, http: Http) -> None:
        self.http = http

    @cached_property
    def people(self) -> PeopleClient:
        from shared.client.people import PeopleClient

        return PeopleClient(self.http)

    @cached_property
    def protocol(self) -> ProtocolClient:
        from shared.client.protocol import ProtocolClient

        return ProtocolClient(self.http)

    @cached_property
    def ingest(self) -> IngestClient:
        from shared.client.ingest import IngestClient

        return IngestClient(self.http)

    @cached_property
    def screening(self) -> ScreeningClient:
        from shared.client.screening import ScreeningClient

        return ScreeningClient(self.http)

    @cached_property
    def synthesis(self) -> SynthesisClient:
        from shared.client.synthesis import SynthesisClient

        return SynthesisClient(self.http)

    @cached_property
    def search(self) -> SearchClient:
        from shared.client.search import SearchClient

        return SearchClient(self.http)

    @cached_property
    def notify(self) -> NotifyClient:
        from shared.client.notify import NotifyClient

        return NotifyClient(self.http)

    @cached_property
    def operations(self) -> OperationsClient:
        from shared.client.operations import OperationsClient

        return OperationsClient(self.http)

    @classmethod
    def at(
        cls,
        url: str | Mapping[str, str],
        key: str | Callable[[], str],
        *,
        patience: float = 0,
        timeout: float = 30,
        client: httpx.Client | None = None,
        plain: bool = False,
        lasting: bool = False,
        waiting: Callable[[str, float], None] = lambda why, seconds: None,
    ) -> Client:
        """A client of the platform at `url`: one address, `service=address` pairs with commas between, or a
        mapping of them. For up to `patience` seconds it asks a platform again that does not answer, and tells
        `waiting`, after the first, why and for how long it goes on. Answers are wire models, or with `plain`
        Documents (shared.client.plain), there over connections that stay open with `lasting`."""
        urls = addresses(url)
        if plain:
            from shared.client.plain import LastingHttp, PlainHttp

            kind: type[Http] = LastingHttp if lasting else PlainHttp
            return cls(kind(urls, key, patience=patience, timeout=timeout, waiting=waiting))
        return cls(Http(urls, key, patience=patience, timeout=timeout, client=client, waiting=waiting))

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
