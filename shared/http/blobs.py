"""Blobs over HTTP: a body that becomes one, and an answer that is one, with nothing held while bytes move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request, params
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from shared.blobs.packing import CHUNK, Blob, BlobDamaged
from shared.blobs.port import Blobs
from shared.errors import Invalid
from shared.http.auth import at_least
from shared.http.bodies import Gone, as_it_comes, refuse_announced, too_large
from shared.tokens import Person

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

#: Pieces of blobs that a process moves at once for those who ask; each takes a thread and a connection for that moment.
AT_ONCE = 4


def bound(app: FastAPI) -> None:
    """Has the blobs of an application move so many pieces at once."""
    app.state.moving = CapacityLimiter(AT_ONCE)


def blobs_of(service: str) -> params.Depends:
    """For a route's parameter `Annotated[Blobs, blobs_of("ingest")]`: the store of that service."""

    async def find(request: Request) -> Blobs:
        return _store(request, service)

    return params.Depends(find)


def received(service: str, *, role: str, scope: str, limit: int) -> params.Depends:
    """For a route's parameter `Annotated[Blob, received("ingest", role="lead", scope="import", limit=...)]`: the body,
    which was put as a blob as it came, in pieces; no memory is held for more than one, nor a thread, the gate or a
    transaction for a client that takes its time. The route's own work begins when all of it is durable, and names it.

    Whoever lacks the role is told so before anything is read. Raises TooLarge at once where the size is announced,
    else as soon as more has come; Invalid for a body with a Content-Encoding, which would be another's hash.
    """

    # Not in an annotation: those are read by name, and `role` is no name out there.
    may = Depends(at_least(role, scope))

    async def put_body(request: Request, person: Person = may) -> Blob:
        refuse_announced(request, limit)
        if encoding := request.headers.get("content-encoding"):
            why = f"{encoding!r} is not taken: send the bytes as they are"
            raise Invalid.of("Content-Encoding", why)
        return await _put(request, _store(request, service), limit)

    return params.Depends(as_it_comes(put_body))


class BlobResponse(StreamingResponse):
    """A blob as an answer, to be saved and never shown: what is in it is not ours.

    It is read when the route's work is over, a chunk at a time as the asker takes them. What is missing is a problem
    document; what turns out damaged on the way ends before its `Content-Length`, so that nobody takes it for whole.
    """

    media_type = "application/octet-stream"

    def __init__(self, blobs: Blobs, blob: Blob, filename: str, status_code: int = 200) -> None:
        """`filename` is of letters, digits and `._-`."""
        self._blobs, self._blob = blobs, blob
        headers = {
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Length": str(blob.size),
            "X-Content-Type-Options": "nosniff",
        }
        super().__init__((), status_code, headers, self.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The first chunk is read before the answer begins: then an error is still an answer of its own.
        app: FastAPI = scope["app"]
        chunks = await _in_turn(app, self._open)
        self.body_iterator = _given(app, await _in_turn(app, _next, chunks), chunks)
        await super().__call__(scope, receive, send)

    def _open(self) -> Iterator[bytes]:
        sha256, size = self._blob.sha256, self._blobs.size(self._blob.sha256)
        if size != self._blob.size:
            raise BlobDamaged(sha256, f"it says that it has {size} bytes, and had {self._blob.size}")
        return self._blobs.open(sha256, size)


async def _given(app: FastAPI, first: bytes | None, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    chunk = first
    while chunk is not None:
        yield chunk
        chunk = await _in_turn(app, _next, chunks)


async def _in_turn(app: FastAPI, do: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
    """Does it in a thread, when fewer than so many are at it."""
    return await to_thread.run_sync(partial(do, *given, **named), limiter=app.state.moving)


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)


async def _put(request: Request, blobs: Blobs, limit: int) -> Blob:
    draft = blobs.draft(limit)
    try:
        size, piece = 0, bytearray()
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            piece += chunk
            if len(piece) >= CHUNK:
                await _in_turn(request.app, draft.write, bytes(piece))
                piece.clear()
        await _in_turn(request.app, draft.write, bytes(piece))
        return await _in_turn(request.app, draft.finish)
    except ClientDisconnect:
        raise Gone from None
    finally:
        await _in_turn(request.app, draft.drop)


def _store(request: Request, service: str) -> Blobs:
    store: Blobs = request.app.state.platform.running[service].blobs_of_requests
    return store
