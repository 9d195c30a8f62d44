"""Files: what goes through this process on its way in or out lies on its disk meanwhile, a bounded number at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.web import policy
from shared.errors import Busy

#: How many files are on their way at once in each direction.
_AT_ONCE = 8

#: Bytes of a file that are in memory at once.
PIECE = 256 * 1024


class Ways:
    """The way of files in one direction. Of one session one is on it at a time, since each takes a while and a disk."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._moving: Counter[str] = Counter()

    @contextmanager
    def one(self, session: str | None) -> Iterator[None]:
        """While a file is on its way. Raises Busy where another one of theirs is, or too many of all are."""
        of = session or ""
        if self._moving[of]:
            raise Busy("another file of yours is on its way; nothing was done, try again when it is there")
        if self._moving.total() >= self._at_once:
            raise Busy("many files are on their way at this moment; nothing was done, try again in a minute")
        self._moving[of] += 1
        try:
            yield
        finally:
            del self._moving[of]


class FileAnswer(StreamingResponse):
    """A file that lies on our disk as an answer, to be saved and never shown: what is in it is not ours. `held` is let
    go when all of it went, or whoever asked is gone."""

    def __init__(self, file: BinaryIO, size: int, name: str, held: ExitStack) -> None:
        headers = policy.headers() | {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(size),
            "X-Content-Type-Options": "nosniff",
        }
        super().__init__(_pieces(file), headers=headers, media_type="application/octet-stream")
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    read: Callable[[int], bytes] = file.read
    while piece := await to_thread.run_sync(read, PIECE):
        yield piece
