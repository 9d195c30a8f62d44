"""The service that is asked where full texts are open, and what fetches them, opened with the platform's settings."""

from __future__ import annotations

from typing import Unpack

import httpx

from services.ingest.ports.fulltext.fetching import TextFetcher
from services.ingest.ports.fulltext.port import FullTexts
from services.ingest.ports.fulltext.unpaywall import NAME as NAME
from services.ingest.ports.fulltext.unpaywall import Unpaywall
from services.ingest.ports.sources.http import Access, Limits, Timing
from shared.settings import Settings


def open_full_texts(settings: Settings, client: httpx.Client, **timing: Unpack[Timing]) -> FullTexts:
    """The caller owns the client; `timing` (sleep, monotonic) is for tests."""
    access = Access(settings.unpaywall_url, settings.contact)
    return Unpaywall(access, client, limits=Limits(timeout=settings.source_timeout), **timing)


def open_fetcher(settings: Settings) -> TextFetcher:
    """It asks as the sources are asked: whoever is asked can tell who we are and whom to write to."""
    return TextFetcher(
        user_agent=Access("", settings.contact).user_agent, limit=settings.text_bytes, timeout=settings.text_timeout,
        each=settings.source_timeout, private=settings.text_private,
    )  # fmt: skip
