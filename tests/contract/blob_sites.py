"""Places where blobs are kept, one for each adapter: the contract suite puts, breaks and ages them there."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from sqlalchemy import MetaData, delete, func, select, update
from sqlmodel import col

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.blobs.rows import RowBlobs
from shared.db.engine import Database
from shared.db.tables import BlobBase, BlobChunkRow, BlobDraftRow, BlobRow
from shared.ids import first_id
from tests.databases import made

#: Bytes that compression makes no smaller, several chunks of them.
BYTES = random.Random(7).randbytes(700_000)


def open_described(described: dict[str, str]) -> Blobs:
    """Opens the store that a site told of, in this process or in a child."""
    return FolderBlobs(Path(described["folder"])) if "folder" in described else RowBlobs(Database(described["url"]))


class Site(Protocol):
    """One store that stays, and the database of the service whose it is."""

    database: Database

    def open(self) -> Blobs:
        """Opens one more adapter on it."""

    def described(self) -> dict[str, str]:
        """What a child process needs to open it."""

    def age(self, sha256: str, since: datetime) -> None:
        """Makes a blob as old as if it had been put then."""

    def age_drafts(self, since: datetime) -> None:
        """The same of all drafts."""

    def drafts(self) -> int:
        """How many drafts there are, or leftovers of any."""

    def packed(self, sha256: str) -> bytes:
        """What is kept of a blob."""

    def replace(self, sha256: str, packed: bytes) -> None:
        """Changes what is kept of a blob behind the adapter's back."""


class FolderSite:
    def __init__(self, folder: Path, database: Database) -> None:
        self.database, self._folder = database, folder

    def open(self) -> Blobs:
        return FolderBlobs(self._folder)

    def described(self) -> dict[str, str]:
        return {"folder": str(self._folder)}

    def age(self, sha256: str, since: datetime) -> None:
        os.utime(self._path(sha256), (since.timestamp(),) * 2)

    def age_drafts(self, since: datetime) -> None:
        for path in (self._folder / "drafts").iterdir():
            os.utime(path, (since.timestamp(),) * 2)

    def drafts(self) -> int:
        return len(list((self._folder / "drafts").iterdir()))

    def packed(self, sha256: str) -> bytes:
        return self._path(sha256).read_bytes()

    def replace(self, sha256: str, packed: bytes) -> None:
        self._path(sha256).write_bytes(packed)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.gz"


class RowSite:
    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self) -> Blobs:
        return RowBlobs(self.database)

    def described(self) -> dict[str, str]:
        return {"url": self.database.url.render_as_string(hide_password=False)}

    def age(self, sha256: str, since: datetime) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(update(BlobRow).where(col(BlobRow.sha256) == sha256).values(stored_at=since))

    def age_drafts(self, since: datetime) -> None:
        with self.database.engine.begin() as connection:
            for draft in connection.execute(select(col(BlobDraftRow.id))).scalars().all():
                old = first_id("draft", since) + draft[-20:]
                connection.execute(update(BlobDraftRow).where(col(BlobDraftRow.id) == draft).values(id=old))
                connection.execute(update(BlobChunkRow).where(col(BlobChunkRow.draft) == draft).values(draft=old))

    def drafts(self) -> int:
        with self.database.session(readonly=True) as session:
            whole = select(col(BlobRow.draft))
            chunks = select(func.count(func.distinct(col(BlobChunkRow.draft)))).where(
                col(BlobChunkRow.draft).not_in(whole)
            )
            begun = select(func.count()).select_from(BlobDraftRow)
            return max(session.execute(chunks).scalar_one(), session.execute(begun).scalar_one())

    def packed(self, sha256: str) -> bytes:
        with self.database.session(readonly=True) as session:
            kept = select(col(BlobChunkRow.data)).where(col(BlobChunkRow.draft) == self._draft(sha256))
            return b"".join(session.execute(kept.order_by(col(BlobChunkRow.number))).scalars())

    def replace(self, sha256: str, packed: bytes) -> None:
        draft = self._draft(sha256)
        with self.database.session() as session:
            session.execute(delete(BlobChunkRow).where(col(BlobChunkRow.draft) == draft))
            session.add(BlobChunkRow(draft=draft, number=0, data=packed))
            session.commit()

    def _draft(self, sha256: str) -> str:
        with self.database.session(readonly=True) as session:
            return session.execute(select(col(BlobRow.draft)).where(col(BlobRow.sha256) == sha256)).scalar_one()


@contextmanager
def site(kind: str, folder: Path, url: str) -> Iterator[Site]:
    """A store of a kind, with the database of its service."""
    tables = MetaData()
    for table in BlobBase.metadata.sorted_tables:
        table.to_metadata(tables)
    with made(url, tables) as database:
        there: Site = FolderSite(folder / "blobs", database) if kind == "folder" else RowSite(database)
        there.open().ready()
        yield there


@contextmanager
def work(site: Site) -> Iterator[Any]:
    """As much of a unit of work as naming a blob takes: its session, committed when the block ends well."""
    with site.database.session() as session:
        yield SimpleNamespace(session=session, add=session.add)
        session.commit()
