"""What ingest does: one function per effect, each inside a transaction that its caller opened."""

from services.ingest.handlers import duplicates, notices, runs, watches

__all__ = ["duplicates", "notices", "runs", "watches"]
