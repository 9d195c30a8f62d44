"""Bringing a file: a lead says what it is and how it was found, and its records are taken in later."""

from __future__ import annotations

from hashlib import sha256

from services.ingest import store
from services.ingest.commands.searches import take_file
from services.ingest.commands.uploads import require_sent, unknown_file
from services.ingest.domain.mappings import read_mapping
from services.ingest.domain.watching import ImportStates
from services.ingest.models import ImportRow, ReviewRow
from services.ingest.ports.libraries.port import UNKNOWN
from shared.blobs import names
from shared.blobs.packing import BlobMissing
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.protocol import FILES
from shared.ids import new_id
from shared.wire.ingest import NewImport

#: What somebody says of a file, besides its database.
_SAID = ("name", "asked_format", "query", "searched_on", "reported", "search", "mapping_sha256")


def request_import(work: Work, blobs: Blobs, review: str, asked: NewImport) -> ImportRow:
    """Begins one of a file that was uploaded, of a search that was made by hand where one is named. Where the same is
    asked of the same bytes while that is not over, that is the answer.

    Raises UnknownReview, NotFound where there is no such search, or they sent no such file, Conflict where the search
    takes no such file, for bytes that were brought before as those of another database unless that is meant (`again`),
    and for a mapping where an earlier release heard the protocol; and Invalid where a search is
    said to lie in the future, its file to be of something else, or a mapping is none of this review's protocol.
    """
    known = store.review_of(work, review)
    require_sent(work, review, asked.file)
    search = take_file(work, review, asked.search, asked.file) if asked.search else None
    row = ImportRow(
        id=new_id("import"), review=review, name=asked.name, sha256=asked.file, size=0, asked_format=asked.format,
        database=asked.database, query=asked.query, searched_on=asked.searched_on, reported=asked.reported,
        asked_by=work.actor, asked_at=work.now,
    )  # fmt: skip
    if search is not None:
        _require_nothing_else(asked)
        row.search, row.query, row.searched_on = search.id, search.query, search.searched_on
        row.database = database_of(store.watch_of(work, review, search.watch).source)
    if asked.mapping is not None:
        row.mapping, row.mapping_sha256 = asked.mapping, sha256(asked.mapping.encode()).hexdigest()
    store.hold_bytes(work, review, asked.file)
    if not asked.again:
        earlier = _earlier(work, row)
        _require_first(earlier, row)
        if under_way := next((each for each in earlier if _asks_the_same(each, row)), None):
            return under_way
    try:
        names.keep(work, blobs, asked.file, by=user(row.id))
        row.size = blobs.size(asked.file)
    except BlobMissing:
        raise unknown_file(asked.file) from None
    if asked.searched_on is not None and asked.searched_on > work.now.date():
        why = f"{asked.searched_on} lies in the future"
        raise Invalid.of("searched_on", why)
    if asked.mapping is not None:
        _check(known, asked.mapping)
    return work.add(row)


def _earlier(work: Work, row: ImportRow) -> list[ImportRow]:
    """The imports of the same bytes by which anything came in, or may still."""
    return [
        each
        for each in store.imports_of_bytes(work, row.review, row.sha256)
        if each.state != ImportStates.FAILED or each.run is not None
    ]


def _asks_the_same(earlier: ImportRow, row: ImportRow) -> bool:
    """Whether an import that is not over was asked for just as this one is."""
    return (
        earlier.state in ImportStates.UNFINISHED
        and all(getattr(earlier, name) == getattr(row, name) for name in _SAID)
        and _is_of(earlier, row.database)
    )


def _require_first(earlier: list[ImportRow], row: ImportRow) -> None:
    """Raises Conflict where the same bytes came in as the records of another database alone: they would count twice."""
    if earlier and not any(_is_of(each, row.database) for each in earlier):
        before = earlier[0]
        raise Conflict(
            f"import {before.id!r} brought this file as {before.name!r}, of {before.database or 'what it shows'}: "
            "bring it as that, or say --again where it is of both",
            slug="brought_before",
        )


def _is_of(earlier: ImportRow, database: str | None) -> bool:
    """Whether an earlier import of the same bytes took them as of this database; None is what they show, which is known
    once they were opened."""
    if database is None and earlier.run is not None:
        database = earlier.dialect or UNKNOWN
    return earlier.database == database


def _check(known: ReviewRow, mapping: str) -> None:
    if known.stages is None:
        why = "which answers the stages have is not known here before the next version of the protocol is applied"
        raise Conflict(f"{why}; import without a mapping", slug="stages_unknown")
    read_mapping(mapping, known.stages)


def database_of(source: str) -> str:
    """Which database the files of a source are of."""
    return source.removeprefix(FILES)


def _require_nothing_else(asked: NewImport) -> None:
    """Raises Invalid where a file of a search says itself how it was found."""
    said = [at for at in ("database", "query", "searched_on", "reported") if getattr(asked, at) is not None]
    if said:
        why = "the search that the file is of says this; leave it out"
        raise Invalid(f"{said[0]}: {why}", [{"at": at, "why": why} for at in said])


def user(imported: str) -> str:
    """What uses the blob of an imported file."""
    return f"{imported}/file"
