"""Packing: how bytes become a blob and come back - hashed, compressed and bounded, a chunk at a time."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from shared.errors import Invalid, Lost, TooLarge

#: Bytes that are in hand at once, on the way in and on the way out.
CHUNK = 128 * 1024

#: The size of the largest blob: gzip keeps it in four bytes.
MOST = 2**32 - 1

#: What zlib calls a gzip stream, so that `zcat` reads what is kept.
_GZIP = 31

#: Bytes of a gzip stream that are head and end, and how it begins (RFC 1952).
_FRAME, _HEAD = 18, b"\x1f\x8b\x08"

#: How many bytes one that is packed can stand for at most (zlib's technical details, "Maximum Compression Factor").
_FACTOR = 1032


class BlobMissing(Lost):
    """A blob that is not (or no longer) kept. Where a row names it, its bytes were lost."""

    slug = "blob_missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"blob {sha256} is not kept here; where a row names it, put a copy of the blobs back")


class BlobDamaged(Lost):
    """A blob whose kept bytes are not what they were."""

    slug = "blob_damaged"

    def __init__(self, sha256: str, why: str) -> None:
        super().__init__(f"blob {sha256} is damaged: {why}; put a copy of it back")


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob by its name, which is the SHA-256 of its bytes in hex, and its size in bytes, both uncompressed."""

    sha256: str
    size: int


class Sink(Protocol):
    """Where an adapter puts the compressed pieces of a blob that is being written."""

    def write(self, piece: bytes) -> None: ...

    def keep(self, blob: Blob) -> None:
        """Returns when all that was written is durable under the blob's name."""

    def drop(self) -> None:
        """Lets go of all that was written; raises nothing, since the sweep takes what is left."""


class Draft:
    """A blob that is being written. Leaving the `with` block without `finish` keeps nothing of it.

    Raises TooLarge, naming the limit, as soon as more than `limit` bytes have come; Invalid (`blob_unfit`) where they
    are not those whose hash was expected; Unavailable when they cannot be kept, such as on a full disk.
    """

    def __init__(self, sink: Sink, limit: int, expected: str | None = None) -> None:
        if limit > MOST:
            raise ValueError(f"a blob has {MOST} bytes at most, not {limit}")
        self._sink, self._limit = sink, limit
        self._expected = None if expected is None else checked(expected)
        self._hash, self._size = hashlib.sha256(), 0
        self._gzip, self._packed = zlib.compressobj(wbits=_GZIP), bytearray()
        self._open = True

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.drop()

    def drop(self) -> None:
        """Keeps nothing of it, unless it was finished."""
        if self._open:
            self._open = False
            self._sink.drop()

    def write(self, chunk: bytes) -> None:
        """Takes bytes in, as many as there are."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes, which is the limit here")
        given = memoryview(chunk)
        for at in range(0, len(given), CHUNK):
            part = given[at : at + CHUNK]
            self._hash.update(part)
            self._pass_on(self._gzip.compress(part), CHUNK)

    def finish(self) -> Blob:
        """Makes what was written a blob, durable when this returns. One that is kept already is kept once, and counts
        as put now."""
        blob = Blob(self._hash.hexdigest(), self._size)
        if self._expected not in (None, blob.sha256):
            reason = f"the bytes have the SHA-256 {blob.sha256}, not {self._expected} as was said; nothing was kept"
            raise Invalid(reason, slug="blob_unfit")
        self._pass_on(self._gzip.flush(), 1)
        self._sink.keep(blob)
        self._open = False
        return blob

    def _pass_on(self, packed: bytes, least: int) -> None:
        """Hands on what is packed, once it is worth a piece."""
        self._packed += packed
        if len(self._packed) >= least:
            self._sink.write(bytes(self._packed))
            self._packed.clear()


def is_name(text: str) -> bool:
    """Whether a blob may have this name."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def checked(sha256: str) -> str:
    """The name of a blob. Raises Invalid for what can be none, such as a path."""
    if not is_name(sha256):
        raise Invalid(f"{sha256[:100]!r} is no SHA-256: 64 hexadecimal digits, in lower case", slug="no_sha256")
    return sha256


def stated_size(sha256: str, length: int, head: bytes, end: bytes) -> int:
    """The size that a blob's gzip stream of `length` bytes, which begins and ends so, says that it unpacks to. Nothing
    is unpacked; raises BlobDamaged where that is seen without: emptied, cut off, or no gzip stream at all."""
    if length < _FRAME:
        raise BlobDamaged(sha256, f"{length} bytes are left of it")
    if not head.startswith(_HEAD):
        raise BlobDamaged(sha256, "what is kept is no gzip stream")
    size = int.from_bytes(end[-4:], "little")
    # What cannot be packed takes hardly more than it has.
    if not length <= size + (size >> 8) + 64 or size > (length - _FRAME) * _FACTOR:
        raise BlobDamaged(sha256, f"the {length} bytes that are kept cannot be packed from {size}, as their end says")
    return size


def refuse_larger(blob: Blob, limit: int, pieces: Iterable[bytes]) -> None:
    """For a blob that says that it is larger than the limit: raises TooLarge when it unpacks to more, and BlobDamaged
    when its end lied, since then no other limit helps."""
    given = 0
    for chunk in unpacked(blob, pieces):
        given += len(chunk)
        if given > limit:
            raise TooLarge(f"blob {blob.sha256} has more than {limit} bytes, which is the limit here")


def unpacked(blob: Blob, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a blob out of its compressed pieces, in chunks. The last chunk is given when all of them are known
    to be those of its name, so that whoever counts them knows that they are. Raises BlobDamaged."""
    gzip, digest, given, held = zlib.decompressobj(_GZIP), hashlib.sha256(), 0, b""
    for out in _inflated(blob, gzip, pieces):
        given += len(out)
        if given > blob.size:
            raise BlobDamaged(blob.sha256, f"it unpacks to more than its {blob.size} bytes")
        digest.update(out)
        if held:
            yield held
        held = out
    if not gzip.eof:
        raise BlobDamaged(blob.sha256, f"it is cut off after {given} of {blob.size} bytes")
    if gzip.unused_data or given != blob.size or digest.hexdigest() != blob.sha256:
        raise BlobDamaged(blob.sha256, "its bytes are not those that it is named for")
    if held:
        yield held


def _inflated(blob: Blob, gzip: zlib._Decompress, pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            while out := gzip.decompress(piece, CHUNK):
                yield out
                piece = gzip.unconsumed_tail
            if gzip.unused_data:
                return
    except zlib.error as error:
        raise BlobDamaged(blob.sha256, f"it cannot be unpacked ({error})") from error
