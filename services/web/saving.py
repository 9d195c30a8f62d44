"""Saving: a file of the API's that a browser is to save and never to show, since what is in it is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

from anyio import to_thread
from starlette.responses import StreamingResponse

from services.web import policy

#: Bytes of a file that are in memory; the rest lies in a file that has no name.
_IN_MEMORY = 1_000_000

_PIECE = 256 * 1024


async def to_be_saved(download: Callable[[Callable[[bytes], object]], Awaitable[None]], name: str) -> StreamingResponse:
    """An answer with a file, under a name of letters, digits and `._-`. It is here whole before any of it goes out, so
    that nobody takes a half for it."""
    with ExitStack() as stack:
        kept = stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))
        await download(kept.write)
        stack.pop_all()  # Whoever sends it closes it.
    size = kept.tell()
    kept.seek(0)
    headers = policy.headers() | {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_pieces(kept), headers=headers, media_type="application/octet-stream")


async def _pieces(kept: IO[bytes]) -> AsyncIterator[bytes]:
    with kept:
        while piece := await to_thread.run_sync(kept.read, _PIECE):
            yield piece
