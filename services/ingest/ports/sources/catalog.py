"""The sources a review can name in its protocol, opened with the platform's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import httpx

from services.ingest.ports.fulltext.catalog import open_fetcher, open_full_texts
from services.ingest.ports.fulltext.fetching import TextFetcher
from services.ingest.ports.fulltext.port import FullTexts
from services.ingest.ports.parsing.worker import Parser
from services.ingest.ports.proposers.open import open_proposers
from services.ingest.ports.proposers.port import Proposer
from services.ingest.ports.proposers.rules import Rules
from services.ingest.ports.sources.arxiv import ArXiv
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.europepmc import EuropePMC
from services.ingest.ports.sources.http import Access, Limits, Timing
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import Source
from services.ingest.ports.sources.pubmed import PubMed
from services.ingest.ports.sources.semanticscholar import SemanticScholar
from shared.outward.trust import trusted
from shared.settings import Settings


def open_sources(settings: Settings, client: httpx.Client, **timing: Unpack[Timing]) -> dict[str, Source]:
    """Every source by its name. The caller owns the client; `timing` (sleep, monotonic) is for tests."""
    limits = Limits(timeout=settings.source_timeout)
    contact = settings.contact
    openalex = Access(settings.openalex_url, contact, settings.openalex_key)
    pubmed = Access(settings.pubmed_url, contact, settings.pubmed_key)
    semanticscholar = Access(settings.semanticscholar_url, contact, settings.semanticscholar_key)
    sources: list[Source] = [
        OpenAlex(openalex, client, limits=limits, **timing),
        Crossref(Access(settings.crossref_url, contact), client, limits=limits, **timing),
        PubMed(pubmed, client, limits=limits, **timing),
        EuropePMC(Access(settings.europepmc_url, contact), client, limits=limits, **timing),
        DOAJ(Access(settings.doaj_url, contact), client, limits=limits, **timing),
        ArXiv(Access(settings.arxiv_url, contact), client, limits=limits, **timing),
        SemanticScholar(semanticscholar, client, limits=limits, **timing),
    ]
    return {source.name: source for source in sources}


class Sources(dict[str, Source]):
    """The sources by their names, who knows where full texts are open, what fetches these, what parses them and
    what proposes codings of them, with the client they ask over."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        full_texts: FullTexts | None = None,
        client: httpx.Client | None = None,
        fetcher: TextFetcher | None = None,
        parser: Parser | None = None,
        proposers: Mapping[str, Proposer] | None = None,
    ) -> None:
        super().__init__(sources)
        self.full_texts, self.fetcher = full_texts, fetcher
        self.parser = parser or Parser()
        self.proposers: dict[str, Proposer] = dict(proposers if proposers is not None else {"rules": Rules()})
        self._client = client

    @classmethod
    def open(cls, settings: Settings) -> Sources:
        """All of them, on one HTTP client."""
        client = httpx.Client(verify=trusted())
        return cls(
            open_sources(settings, client), open_full_texts(settings, client), client, open_fetcher(settings),
            proposers=open_proposers(settings),
        )  # fmt: skip

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
