"""The client: the typed SDK that the command line, the tests and users share.

with Client.at("http://127.0.0.1:8000", token) as living:
    lease = living.screening.claim("ics-leadership")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

import httpx

from shared.client.http import Http
from shared.client.ingest import IngestClient
from shared.client.notify import NotifyClient
from shared.client.operations import OperationsClient
from shared.client.protocol import ProtocolClient
from shared.client.screening import ScreeningClient
from shared.client.search import SearchClient
from shared.client.synthesis import SynthesisClient


class Client:
    """The whole platform for one person: one attribute per service, and `operations`."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.protocol = ProtocolClient(http)
        self.ingest = IngestClient(http)
        self.screening = ScreeningClient(http)
        self.synthesis = SynthesisClient(http)
        self.search = SearchClient(http)
        self.notify = NotifyClient(http)
        self.operations = OperationsClient(http)

    @classmethod
    def at(
        cls,
        url: str | Mapping[str, str],
        token: str,
        *,
        patience: float = 0,
        timeout: float = 30,
        client: httpx.Client | None = None,
    ) -> Client:
        """A client of the platform at `url`: one address, `service=address` pairs with commas between, or a
        mapping of them. For up to `patience` seconds it asks a platform again that does not answer."""
        urls = _pairs(url) if isinstance(url, str) and "=" in url.partition("://")[0] else url
        return cls(Http(urls, token, patience=patience, timeout=timeout, client=client))

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.strip().split("=", 1) for pair in text.split(","))
