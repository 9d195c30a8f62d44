"""The sources a review can name in its protocol, opened with the platform's settings."""

from __future__ import annotations

from typing import Any

import httpx

from services.ingest.sources.crossref import Crossref
from services.ingest.sources.europepmc import EuropePMC
from services.ingest.sources.http import Access, Limits
from services.ingest.sources.openalex import OpenAlex
from services.ingest.sources.port import Source
from services.ingest.sources.pubmed import PubMed
from shared.settings import Settings


def open_sources(settings: Settings, client: httpx.Client, **timing: Any) -> dict[str, Source]:
    """Every source by its name. The caller owns the client; `timing` (sleep, monotonic) is for tests."""
    limits = Limits(timeout=settings.source_timeout)
    contact = settings.contact
    openalex = Access(settings.openalex_url, contact, settings.openalex_key)
    pubmed = Access(settings.pubmed_url, contact, settings.pubmed_key)
    sources: list[Source] = [
        OpenAlex(openalex, client, limits=limits, **timing),
        Crossref(Access(settings.crossref_url, contact), client, limits=limits, **timing),
        PubMed(pubmed, client, limits=limits, **timing),
        EuropePMC(Access(settings.europepmc_url, contact), client, limits=limits, **timing),
    ]
    return {source.name: source for source in sources}
