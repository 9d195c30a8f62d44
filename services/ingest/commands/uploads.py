"""Files that people send: named by their hash, by whoever sent their bytes and nobody else."""

from __future__ import annotations

from services.ingest import store
from shared.blobs.packing import Blob
from shared.db.work import Work
from shared.errors import NotFound
from shared.wire.ingest import FileView


def keep_upload(work: Work, review: str, blob: Blob) -> FileView:
    """Notes who sent a file, which was put as a blob before. Raises UnknownReview."""
    store.review_of(work, review)
    store.note_upload(work, review, blob.sha256)
    return FileView(sha256=blob.sha256, size=blob.size)


def require_sent(work: Work, review: str, sha256: str) -> None:
    """Raises NotFound unless whoever acts sent this file: a hash is shown to many who may not read what it is of."""
    if not store.was_sent(work, review, sha256):
        raise unknown_file(sha256)


def unknown_file(sha256: str) -> NotFound:
    return NotFound(f"you uploaded no file of this hash within a day: {sha256}", slug="unknown_file")
