"""Reads text as a library file of a format, in a word."""

from __future__ import annotations

import io

from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Entry, Fault, Format, Opened
from services.ingest.ports.sources.port import SourceRecord


def opened(text: str | bytes, format: Format | None = None, name: str = "export.txt") -> Opened:
    body = text.encode() if isinstance(text, str) else text
    return open_library(io.BytesIO(body), name=name, format=format, source="embase")


def read(text: str | bytes, format: Format | None = None) -> list[Entry | Fault]:
    return list(opened(text, format).entries)


def entry(text: str | bytes, format: Format | None = None) -> Entry:
    (only,) = read(text, format)
    assert isinstance(only, Entry), only
    return only


def record(text: str | bytes, format: Format | None = None) -> SourceRecord:
    return entry(text, format).record
