"""The routes of ingest."""

from services.ingest.api import duplicates, libraries, previews, proposers, records, runs, searches, texts, watches
from services.ingest.api.router import router

__all__ = [
    "duplicates",
    "libraries",
    "previews",
    "proposers",
    "records",
    "router",
    "runs",
    "searches",
    "texts",
    "watches",
]
