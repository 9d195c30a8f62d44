"""Exports: a file of the review's records is asked for, made, and taken away."""

from __future__ import annotations

import asyncio
from typing import get_args

from services.web import drawing
from services.web.faults import errors_of
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.saving import saved
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.ingest import EXPORT_ENDINGS, ExportFormat, Standing

pages = Pages()


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
    """The file, to be saved."""
    review = asked.path["review"]
    view = await asked.api.ingest.export(review, asked.path["export"])
    if view.sha256 is None or view.size is None:
        raise Conflict(drawing.text("exports.not_made"))
    return await saved(
        asked, lambda api, into: api.ingest.file_of_export(review, view.id, into),
        hashed=view.sha256, size=view.size, name=f"{review}{EXPORT_ENDINGS[view.format]}",
    )  # fmt: skip


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
