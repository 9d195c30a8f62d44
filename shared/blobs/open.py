"""The switch between the stores of blobs: one setting says which adapter keeps a service's."""

from __future__ import annotations

from pathlib import Path

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.blobs.rows import RowBlobs
from shared.db.engine import Database


def open_blobs(url: str, database: Database) -> Blobs:
    """Opens `file:FOLDER`, or for `database:` the rows of the service's own database. Nothing is read or made yet.
    Raises ValueError when the URL is neither."""
    scheme, _, rest = url.partition(":")
    if scheme == "file" and rest:
        return FolderBlobs(Path(rest))
    if url == "database:":
        return RowBlobs(database)
    raise ValueError(f"LIVING_BLOBS_URL is {url!r}; it must be 'file:FOLDER' or 'database:'")
