"""Blobs in rows: chunks in the service's own database, for processes that share nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Delete, LargeBinary, Select, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased
from sqlmodel import col

from shared.blobs.packing import Blob, BlobDamaged, BlobMissing, Draft, checked, stated_size, unpacked
from shared.blobs.port import Blobs
from shared.db.engine import Database
from shared.db.tables import BlobChunkRow, BlobDraftRow, BlobRow
from shared.db.work import Work
from shared.errors import Lost, TooLarge, Unavailable
from shared.ids import first_id, new_id


class RowBlobs(Blobs):
    """A row for each blob, and one for each compressed chunk of it.

    Each chunk is written and read in a transaction of its own, so that nothing stands open while bytes move; the chunks
    of a draft become a blob in one short transaction more. Who puts, names or removes a blob locks its row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ready(self) -> None:
        """The service's migrations make the tables."""

    def ping(self) -> None:
        with self._database.session(readonly=True) as session:
            session.execute(select(col(BlobRow.sha256)).limit(1)).first()

    def draft(self, limit: int, expected: str | None = None) -> Draft:
        return Draft(_Rows(self._database), limit, expected)

    def open(self, sha256: str, limit: int) -> Iterator[bytes]:
        row = self._row(sha256)
        if row.size > limit:
            raise TooLarge(f"blob {sha256} has {row.size} bytes, and {limit} is the limit here")
        return unpacked(Blob(sha256, row.size), self._pieces(row.draft))

    def size(self, sha256: str) -> int:
        return self._row(sha256).size

    def lost(self, hashes: Collection[str]) -> dict[str, Lost]:
        asked = set(map(checked, hashes))
        with self._database.session(readonly=True) as session:
            kept = {row.sha256: row for row in session.execute(_outlines(asked)).all()}
        found: dict[str, Lost] = {sha256: BlobMissing(sha256) for sha256 in asked - kept.keys()}
        for sha256, row in kept.items():
            try:
                size = stated_size(sha256, row.length or 0, row.head or b"", row.end or b"")
            except BlobDamaged as error:
                found[sha256] = error
                continue
            if (size, row.chunks) != (row.size, row.last + 1):
                found[sha256] = BlobDamaged(sha256, f"{row.chunks} chunks of it are kept, and others are missing")
        return found

    def touch(self, work: Work, sha256: str) -> None:
        now = {"stored_at": datetime.now(UTC)}
        touched = update(BlobRow).where(col(BlobRow.sha256) == checked(sha256)).values(now)
        if work.session.execute(touched.returning(col(BlobRow.sha256))).first() is None:
            raise BlobMissing(sha256)

    def older(self, before: datetime, bucket: str) -> Iterator[str]:
        name = col(BlobRow.sha256)
        # All that begins with it: no digit comes behind f.
        in_bucket = select(name).where(name >= bucket, name < f"{bucket}g", col(BlobRow.stored_at) < before)
        with self._database.session(readonly=True) as session:
            return iter(session.execute(in_bucket.order_by(name)).scalars().all())

    def remove(self, sha256: str, before: datetime) -> bool:
        old = delete(BlobRow).where(col(BlobRow.sha256) == checked(sha256), col(BlobRow.stored_at) < before)
        with self._database.engine.begin() as connection:
            draft = connection.execute(old.returning(col(BlobRow.draft))).scalar()
            if draft is not None:
                connection.execute(_chunks_of(draft))
        return draft is not None

    def drop_drafts(self, before: datetime) -> int:
        """A draft that began before then is dropped even where it is still written: nobody writes for a day."""
        left = select(col(BlobDraftRow.id)).where(col(BlobDraftRow.id) < first_id("draft", before))
        with self._database.session(readonly=True) as session:
            drafts = session.execute(left).scalars().all()
        for draft in drafts:
            _drop(self._database, draft)
        return len(drafts)

    def _row(self, sha256: str) -> BlobRow:
        with self._database.session(readonly=True) as session:
            row = session.get(BlobRow, checked(sha256))
        if row is None:
            raise BlobMissing(sha256)
        return row

    def _pieces(self, draft: str) -> Iterator[bytes]:
        number = 0
        while (piece := self._piece(draft, number)) is not None:
            yield piece
            number += 1

    def _piece(self, draft: str, number: int) -> bytes | None:
        wanted = select(col(BlobChunkRow.data)).where(
            col(BlobChunkRow.draft) == draft, col(BlobChunkRow.number) == number
        )
        with self._database.session(readonly=True) as session:
            return session.execute(wanted).scalar()


class _Rows:
    """The sink of one draft: chunks under an id of its own, known from its first one on."""

    def __init__(self, database: Database) -> None:
        self._database, self._draft, self._chunks = database, new_id("draft"), 0

    def write(self, piece: bytes) -> None:
        with self._database.engine.begin() as connection:
            if self._chunks:
                mine = select(col(BlobDraftRow.id)).where(col(BlobDraftRow.id) == self._draft).with_for_update()
                self._require(connection.execute(mine).first())
            else:
                connection.execute(insert(BlobDraftRow).values(id=self._draft))
            connection.execute(insert(BlobChunkRow).values(draft=self._draft, number=self._chunks, data=piece))
        self._chunks += 1

    def keep(self, blob: Blob) -> None:
        row = {"sha256": blob.sha256, "draft": self._draft, "size": blob.size, "stored_at": datetime.now(UTC)}
        dialect = sqlite if self._database.sqlite else postgresql
        put = dialect.insert(BlobRow).values(row)
        put = put.on_conflict_do_update(index_elements=["sha256"], set_={"stored_at": row["stored_at"]})
        with self._database.engine.begin() as connection:
            begun = delete(BlobDraftRow).where(col(BlobDraftRow.id) == self._draft)
            self._require(connection.execute(begun.returning(col(BlobDraftRow.id))).first())
            kept = connection.execute(put.returning(col(BlobRow.draft))).scalar_one()
            if kept == self._draft:
                return
            if connection.execute(self._differs_from(kept)).scalar():
                # It was damaged, or packed by another zlib; only then are chunks taken away from somebody who reads.
                there = update(BlobRow).where(col(BlobRow.sha256) == blob.sha256)
                connection.execute(there.values(draft=self._draft, size=blob.size))
                connection.execute(_chunks_of(kept))
            else:
                connection.execute(_chunks_of(self._draft))

    def _differs_from(self, kept: str) -> Select[bool]:
        """Whether chunks that are kept are others than those of this draft."""
        ours, theirs = aliased(BlobChunkRow), aliased(BlobChunkRow)
        alike = and_(col(theirs.draft) == kept, col(theirs.number) == col(ours.number))
        other = (
            select(col(ours.number))
            .outerjoin(theirs, alike)
            .where(col(ours.draft) == self._draft, or_(col(theirs.data).is_(None), col(theirs.data) != col(ours.data)))
        )
        more = select(col(theirs.number)).where(col(theirs.draft) == kept, col(theirs.number) >= self._chunks)
        return select(or_(exists(other), exists(more)))

    def drop(self) -> None:
        # A database that is away keeps the draft until the sweep comes.
        with suppress(SQLAlchemyError):
            if self._chunks:
                _drop(self._database, self._draft)

    def _require(self, found: object) -> None:
        if found is None:
            raise Unavailable("a blob was written for so long that its draft was dropped; write it again")


def _outlines(hashes: Collection[str]) -> Select[*tuple[Any, ...]]:
    """Of each blob what can be seen of it without its bytes: how many chunks, the last one's number, and the length,
    head and end of all together."""
    chunk, first, last = BlobChunkRow, aliased(BlobChunkRow), aliased(BlobChunkRow)
    blob = (
        select(
            col(BlobRow.sha256), col(BlobRow.size), col(BlobRow.draft), func.count(col(chunk.number)).label("chunks"),
            func.max(chunk.number).label("last"), func.sum(func.length(chunk.data)).label("length"),
        )
        .outerjoin(chunk, col(chunk.draft) == col(BlobRow.draft))
        .where(col(BlobRow.sha256).in_(hashes))
        .group_by(col(BlobRow.sha256), col(BlobRow.size), col(BlobRow.draft))
        .subquery()
    )  # fmt: skip
    head = func.substr(first.data, 1, 4, type_=LargeBinary)
    end = func.substr(last.data, func.length(last.data) - 3, type_=LargeBinary)
    return (
        select(blob, head.label("head"), end.label("end"))
        .outerjoin(first, and_(col(first.draft) == blob.c.draft, col(first.number) == 0))
        .outerjoin(last, and_(col(last.draft) == blob.c.draft, col(last.number) == blob.c.last))
    )


def _drop(database: Database, draft: str) -> None:
    with database.engine.begin() as connection:
        # First the draft itself: who is about to make it a blob waits for this, and then finds that it is gone.
        begun = delete(BlobDraftRow).where(col(BlobDraftRow.id) == draft)
        if connection.execute(begun.returning(col(BlobDraftRow.id))).first():
            connection.execute(_chunks_of(draft))


def _chunks_of(draft: str) -> Delete:
    return delete(BlobChunkRow).where(col(BlobChunkRow.draft) == draft)
