"""What a store of blobs promises; held by tests/contract/test_blobs.py on every adapter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from shared.blobs.packing import Blob, Draft
from shared.db.work import Work
from shared.errors import Lost


class Blobs(Protocol):
    """The blobs of one service, named by the SHA-256 of their bytes.

    Promises, on every adapter:
    - what `put` or a draft's `finish` returned is durable, whole and readable by every process, also where a damaged
      one was kept by that name, whose place it takes; what did not come to its end is never seen, and the sweep takes
      what is left of it;
    - the same bytes are kept once, however many write them at once;
    - memory is bounded by a chunk (`packing.CHUNK`), and nothing is held between two chunks but a file: no transaction,
      no connection, no lock;
    - what is read are the bytes that were put, or it raises BlobDamaged before the last chunk;
    - a blob is not removed within a day of when it was put or named last (`remove`, which the sweep asks with an age).

    A name that is no SHA-256 is Invalid, whatever is asked. Raises Unavailable, or what its database raises, where
    bytes cannot be kept or read.
    """

    def ready(self) -> None:
        """Makes what the store needs. Raises Unavailable with the reason."""

    def ping(self) -> None:
        """Raises Unavailable with the reason unless blobs can be put and read."""

    def draft(self, limit: int, expected: str | None = None) -> Draft:
        """Begins a blob of at most `limit` bytes, whose hash may be known before."""

    def put(self, chunks: Iterable[bytes], limit: int, expected: str | None = None) -> Blob:
        """Keeps these bytes; see `Draft` for what it raises. An error of `chunks` is raised as it is."""
        with self.draft(limit, expected) as draft:
            for chunk in chunks:
                draft.write(chunk)
            return draft.finish()

    def open(self, sha256: str, limit: int) -> Iterator[bytes]:
        """The bytes, in chunks. At once, before the first is asked for, raises BlobMissing, and TooLarge for a blob of
        more than `limit` bytes; on the way BlobDamaged."""

    def size(self, sha256: str) -> int:
        """How many bytes it has, uncompressed. Raises BlobMissing."""

    def lost(self, hashes: Collection[str]) -> dict[str, Lost]:
        """Those of a batch that are not kept, each with BlobMissing, or that are seen to be damaged without unpacking
        them, with BlobDamaged: emptied, no file, and cut off where the end that is left cannot be one."""

    def touch(self, work: Work, sha256: str) -> None:
        """Makes a blob as young as one that is put now, until `work` ends at least. Raises BlobMissing."""

    def older(self, before: datetime, bucket: str) -> Iterator[str]:
        """The blobs of one of the 256 buckets (the first two digits of their names) that were neither put nor named
        since an instant of the machine's clock."""

    def remove(self, sha256: str, before: datetime) -> bool:
        """Removes a blob unless it was put or named since that instant; answers whether it did. No put and no naming
        of it can come in between."""

    def drop_drafts(self, before: datetime) -> int:
        """Removes what writers left that were begun, or last wrote, before that instant; answers of how many."""
