"""The routes of ingest."""

from services.ingest.api import duplicates, libraries, previews, records, runs, searches, texts, watches
from services.ingest.api.router import router

__all__ = ["duplicates", "libraries", "previews", "records", "router", "runs", "searches", "texts", "watches"]
