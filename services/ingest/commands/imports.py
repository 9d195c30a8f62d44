"""Bringing a file: a lead says what it is and how it was found, and its records are taken in later."""

from __future__ import annotations

from services.ingest import store
from services.ingest.models import ImportRow
from shared.blobs import names
from shared.blobs.packing import BlobMissing
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.wire.ingest import NewImport


def request_import(work: Work, blobs: Blobs, review: str, asked: NewImport) -> ImportRow:
    """Begins one of a file that was uploaded. Raises UnknownReview, NotFound where there is no such file any more, and
    Invalid where a search is said to lie in the future."""
    store.review_of(work, review)
    row = ImportRow(
        id=new_id("import"), review=review, name=asked.name, sha256=asked.file, size=0, asked_format=asked.format,
        database=asked.database, query=asked.query, searched_on=asked.searched_on, reported=asked.reported,
        asked_by=work.actor, asked_at=work.now,
    )  # fmt: skip
    try:
        names.keep(work, blobs, asked.file, by=user(row.id))
        row.size = blobs.size(asked.file)
    except BlobMissing:
        raise NotFound(f"no file of this hash was uploaded within a day: {asked.file}", slug="unknown_file") from None
    if asked.searched_on is not None and asked.searched_on > work.now.date():
        why = f"{asked.searched_on} lies in the future"
        raise Invalid(f"searched_on: {why}", [{"at": "searched_on", "why": why}])
    return work.add(row)


def user(imported: str) -> str:
    """What uses the blob of an imported file."""
    return f"{imported}/file"
