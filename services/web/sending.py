"""Sending: the file of a form is handed on to the API, piece by piece, as it lies on our disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.datastructures import UploadFile

from services.web import drawing
from services.web.files import PIECE
from services.web.page import Asked
from shared.errors import Invalid
from shared.wire.ingest import FileView

#: Characters of what a file is called.
_LONGEST = 200

#: What takes a file: what begins its pieces anew, and how many bytes they are.
Upload = Callable[[Callable[[], AsyncIterator[bytes]], int], Awaitable[FileView]]


async def sent(asked: Asked, upload: Upload) -> tuple[str, str]:
    """Hands a form's file on; what it is named by from then on, and what it is called. Raises Invalid, naming the
    field, where none was chosen, or an empty one."""
    file = asked.file("file")
    if file is None:
        raise Invalid.of("file", drawing.text("form.no_file"))
    if not file.size:
        raise Invalid.of("file", drawing.text("form.empty_file"))
    kept = await upload(lambda: _pieces(file), file.size)
    return kept.sha256, (file.filename or "")[-_LONGEST:]


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)
    while piece := await file.read(PIECE):
        yield piece
