"""Forms: what a browser sends, read before its turn; a file in one lies on disk while it is handed over, no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from shared.errors import Invalid, Unavailable
from shared.wire.ingest import LARGEST_FILE

#: Bytes of a form without its file, and how many fields it may have.
LARGEST, _FIELDS = 1_000_000, 2_000

#: Seconds within which something more of a file comes, else its sender is gone.
_SILENT = 60.0

#: Bytes of a file that is not taken which are read and thrown away, so that its sender hears why, and the seconds in
#: which they come.
_HEARD_OUT, _HEARD_OUT_FOR = 64_000_000, 5.0


async def form_of(request: Request, largest: int = LARGEST) -> FormData:
    """The form that was sent. Raises Invalid for what is none, and for one that is larger than any of ours."""
    if _announced(request) > largest:
        raise _too_large(largest)
    try:
        return await request.form(max_files=0, max_fields=_FIELDS, max_part_size=largest)
    except HTTPException as error:
        raise Invalid.of("form", str(error.detail)) from error


@asynccontextmanager
async def form_with_file(
    request: Request, may: Callable[[FormData], bool], most: int = LARGEST_FILE
) -> AsyncIterator[FormData]:
    """The form that was sent, with the one file of at most so many bytes that it may have, which is gone when the block
    ends. `may` is asked, of the fields that stand before the file, whether it is taken at all; where not, the form has
    those alone. What it raises of a file that cannot be taken now is raised.

    Raises Invalid as `form_of` does, and ClientDisconnect where a sender breaks off.
    """
    if _announced(request) > most + LARGEST:
        raise _too_large(most)
    if not request.headers.get("content-type", "").startswith("multipart/"):
        yield await form_of(request)
        return
    stream = _steadily(request.stream())
    parser = _OneFile(request.headers, stream, may)
    try:
        form = await parser.parse()
    except _NotTaken:
        form = FormData(parser.items)
        await _heard_out(request, stream)
    except (Unavailable, OSError):  # There is no way for it now, or no disk.
        await _heard_out(request, stream)
        raise
    except MultiPartException as error:
        raise Invalid.of("form", error.message) from error
    try:
        yield form
    finally:
        await form.close()


class _NotTaken(Exception):
    """A file begins that its sender may not send."""


class _OneFile(MultiPartParser):
    """Reads a form with one file, and asks before the first byte of that is kept."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], may: Callable[[FormData], bool]) -> None:
        super().__init__(headers, stream, max_files=1, max_fields=_FIELDS, max_part_size=LARGEST)
        self._may = may

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if self._current_part.file is not None and not self._may(FormData(self.items)):
            raise _NotTaken


async def _steadily(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """What comes, for as long as something comes."""
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), _SILENT)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ClientDisconnect from None


async def _heard_out(request: Request, stream: AsyncGenerator[bytes, None]) -> None:
    """Reads what still comes of a file that is not taken, for a while: a browser that is answered before it has sent
    all shows no answer."""
    if _announced(request) > _HEARD_OUT:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_HEARD_OUT_FOR):
            async for _ in stream:
                pass


def _announced(request: Request) -> int:
    """The bytes that a request says it has. Raises Invalid where it does not say."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise _too_large(LARGEST)
    return int(length)


def _too_large(most: int) -> Invalid:
    return Invalid.of("form", f"must say its length, of at most {most} bytes", slug="too_large")
