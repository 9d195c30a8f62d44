"""Bringing a file: a lead says what it is and how it was found, and its records are taken in later."""

from __future__ import annotations

from hashlib import sha256

from services.ingest import store
from services.ingest.domain.mappings import read_mapping
from services.ingest.models import ImportRow, ReviewRow
from shared.blobs import names
from shared.blobs.packing import BlobMissing
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.wire.ingest import NewImport


def request_import(work: Work, blobs: Blobs, review: str, asked: NewImport) -> ImportRow:
    """Begins one of a file that was uploaded. Raises UnknownReview, NotFound where there is no such file any more,
    Invalid where a search is said to lie in the future or a mapping is none of this review's protocol, and Conflict for
    a mapping where an earlier release heard the protocol."""
    known = store.review_of(work, review)
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
    if asked.mapping is not None:
        _check(known, asked.mapping)
        row.mapping, row.mapping_sha256 = asked.mapping, sha256(asked.mapping.encode()).hexdigest()
    return work.add(row)


def _check(known: ReviewRow, mapping: str) -> None:
    if known.stages is None:
        why = "which answers the stages have is not known here before the next version of the protocol is applied"
        raise Conflict(f"{why}; import without a mapping", slug="stages_unknown")
    read_mapping(mapping, known.stages)


def user(imported: str) -> str:
    """What uses the blob of an imported file."""
    return f"{imported}/file"
