"""Saving: a file of the API's that a browser is to save. It lies on our disk until it went, so that one that is damaged
is never begun, and no more of it is in memory than a piece."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import Any, cast

from starlette.responses import Response

from services.web import drawing, policy
from services.web.files import FileAnswer
from services.web.page import Asked
from shared.client.asynchronous import AsyncClient
from shared.errors import Unauthenticated, Unavailable

#: Bytes of a file that stay in memory; what has more lies on disk.
_SMALL = 1024 * 1024

#: Asks for a file, and has it handed over piece by piece.
Download = Callable[[AsyncClient, Callable[[bytes], object]], Awaitable[None]]


async def saved(
    asked: Asked, download: Download, *, name: str, hashed: str | None = None, size: int | None = None
) -> FileAnswer:
    """The file whose SHA-256 and bytes these are, under a name of letters, digits and `._-`; of one that is made as it
    is asked for nobody knows them before. Raises Busy where too many are on their way, and Unavailable for one that is
    not what it was."""
    if asked.session is None:
        raise Unauthenticated("sign in")
    with ExitStack() as held:
        held.enter_context(asked.web.files_out.one(asked.session))
        file = held.enter_context(SpooledTemporaryFile(_SMALL))
        seen = sha256()

        def keep(piece: bytes) -> None:
            seen.update(piece)
            file.write(piece)

        await download(await asked.web.api.files_of(asked.session), keep)
        if hashed is not None and seen.hexdigest() != hashed:
            raise Unavailable(drawing.text("trouble.damaged"))
        there = file.tell()
        file.seek(0)
        return FileAnswer(cast(Any, file), there if size is None else size, name, held.pop_all())


def as_file(text: str | bytes, media_type: str, name: str) -> Response:
    """What is made at once, that a browser is to save, under a name of letters, digits and `._-`."""
    to_be_kept = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type=media_type, headers=policy.headers() | to_be_kept)
