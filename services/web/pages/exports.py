"""Exports: a file of the review's records is asked for, made, and taken away."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import Any, cast, get_args

from services.web import drawing
from services.web.files import FileAnswer
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.written import errors_of
from shared.errors import Conflict, Invalid, LivingError, NotFound, Unauthenticated, Unavailable
from shared.wire.ingest import EXPORT_ENDINGS, ExportFormat, ExportView, Standing

pages = Pages()

#: Bytes of a file that stay in memory; what has more lies on disk while it is taken away.
_SMALL = 1024 * 1024


@pages.page("/reviews/{review}/exports", allowed=("scripts",))
async def show_exports(asked: Asked) -> Drawn:
    """The files that were asked for and are kept, and the form that asks for one."""
    try:
        return await _exports(asked)
    except NotFound:
        return await without_protocol(asked)


@pages.form("/reviews/{review}/exports", allowed=("scripts",))
async def request_export(asked: Asked) -> Drawn:
    wanted = {name: asked.text(name) for name in ("format", "stage", "standing")}
    try:
        with asked.done_once():
            await asked.api.ingest.request_export(
                asked.path["review"], {name: value for name, value in wanted.items() if value}
            )
    except (Invalid, Conflict) as error:
        return await _exports(asked, error)
    return Go(drawing.url("reviews", asked.path["review"], "exports", done="asked"))


@pages.page("/reviews/{review}/exports/{export}/file")
async def take_export(asked: Asked) -> Drawn:
    """The file, to be saved. It lies on our disk until it went, so that one that is damaged is never begun."""
    review, session = asked.path["review"], asked.session
    if session is None:
        raise Unauthenticated("sign in")
    view = await asked.api.ingest.export(review, asked.path["export"])
    if view.sha256 is None or view.size is None:
        raise Conflict(drawing.text("exports.not_made"))
    with ExitStack() as held:
        held.enter_context(asked.web.files_out.one(session))
        file = held.enter_context(SpooledTemporaryFile(_SMALL))
        await _fill(file, asked, session, view)
        return FileAnswer(cast(Any, file), view.size, f"{review}{EXPORT_ENDINGS[view.format]}", held.pop_all())


async def _fill(file: SpooledTemporaryFile[bytes], asked: Asked, session: str, view: ExportView) -> None:
    """Raises Unavailable for one that is not what it was."""
    hashed = sha256()

    def keep(piece: bytes) -> None:
        hashed.update(piece)
        file.write(piece)

    api = await asked.web.api.files_of(session)
    await api.ingest.file_of_export(view.review, view.id, keep)
    if hashed.hexdigest() != view.sha256:
        raise Unavailable(drawing.text("exports.damaged"))
    file.seek(0)


async def _exports(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    me, sheet, called, version = await asyncio.gather(
        asked.api.people.me(), asked.sheet(asked.api.ingest.exports(review)), called_in(asked, review),
        asked.api.protocol.newest(review),
    )  # fmt: skip
    given = {
        "review": review, "sheet": sheet, "called": called, "stages": [stage.name for stage in version.protocol.stages],
        "may": has_role(me, "reviewer", review), "formats": get_args(ExportFormat), "standings": get_args(Standing),
        "errors": errors_of(error), "filled": asked.form, "query": asked.query,
    }  # fmt: skip
    return Page("exports.html", given, 200 if error is None else 422)
