"""Decisions of before: what a file states line by line, and a lead who says what of it holds here, or undoes that."""

from __future__ import annotations

import asyncio
from typing import Any

from services.web import drawing
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from shared.client.asking import one_sheet
from shared.errors import Conflict, Invalid, LivingError
from shared.wire.screening import BatchView, StatedDecisions

pages = Pages()

#: Answers of one stage that the form maps at most.
_MOST = 100


@pages.page("/reviews/{review}/imports/{imported}/decisions", allowed=("scripts",))
async def show_decisions(asked: Asked) -> Drawn:
    """What a file states was decided before, for leads, and how much of it is applied."""
    return await _decisions(asked)


@pages.form("/reviews/{review}/imports/{imported}/decisions", allowed=("scripts",))
async def apply_decisions(asked: Asked) -> Drawn:
    """Has the decisions that a file states at a stage hold here, as far as they are mapped."""
    review = asked.path["review"]
    wanted = {
        "kind": "imported", "imported": asked.path["imported"], "stage": asked.text("stage"),
        "reason": asked.text("reason"), "mapping": _mapping(asked),
    }  # fmt: skip
    try:
        if not wanted["mapping"]:
            raise Invalid.of("mapping", drawing.text("decisions.none_mapped"))
        with asked.done_once():
            batch = await asked.api.screening.request_batch(review, wanted)
    except (Invalid, Conflict) as error:
        return await _decisions(asked, error)
    return Go(drawing.url("reviews", review, "batches", batch.batch))


@pages.page("/reviews/{review}/batches/{batch}", allowed=("scripts",))
async def show_batch(asked: Asked) -> Drawn:
    """What was asked for many records at once, how far it is, and what was left alone and why."""
    return await _batch(asked)


@pages.form("/reviews/{review}/batches/{batch}/undo", allowed=("scripts",))
async def undo_batch(asked: Asked) -> Drawn:
    review, batch = asked.path["review"], asked.path["batch"]
    try:
        with asked.done_once():
            await asked.api.screening.undo_batch(review, batch, asked.text("reason"))
    except (Invalid, Conflict) as error:
        return await _batch(asked, error)
    return Go(drawing.url("reviews", review, "batches", batch))


async def _decisions(asked: Asked, error: LivingError | None = None) -> Page:
    review, imported = asked.path["review"], asked.path["imported"]
    view, sheet, stated, version, batches = await asyncio.gather(
        asked.api.ingest.imported(review, imported),
        asked.sheet(asked.api.ingest.decisions(review, imported=imported)),
        asked.api.screening.decisions(review), asked.api.protocol.newest(review), _last_batches(asked, imported),
    )  # fmt: skip
    stages: dict[str, list[StatedDecisions]] = {}
    for one in stated:
        if one.imported == imported:
            stages.setdefault(one.stage, []).append(one)
    given = {
        "review": review, "imported": view, "sheet": sheet, "stages": stages, "filled": asked.form,
        "known": {stage.name: stage for stage in version.protocol.stages}, "errors": errors_of(error),
        "cmocs": version.protocol.cmocs, "batches": batches, "query": asked.query,
    }  # fmt: skip
    return Page("decisions.html", given, 200 if error is None else 422)


async def _last_batches(asked: Asked, imported: str) -> list[BatchView]:
    """Those of the review's last batches that applied what this file states."""
    with one_sheet():
        batches = [batch async for batch in asked.api.screening.batches(asked.path["review"])]
    return [batch for batch in batches if batch.asked.get("imported") == imported]


async def _batch(asked: Asked, error: LivingError | None = None) -> Page:
    review, batch = asked.path["review"], asked.path["batch"]
    view, sheet, called = await asyncio.gather(
        asked.api.screening.batch(review, batch),
        asked.sheet(asked.api.screening.batch_records(review, batch, "left_alone")), called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "batch": view, "sheet": sheet, "called": called, "errors": errors_of(error),
        "filled": asked.form, "query": asked.query,
        "waits": view.n - view.done - sum(view.left_alone.values()),
    }  # fmt: skip
    return Page("batch.html", given, 200 if error is None else 422)


def _mapping(asked: Asked) -> dict[str, dict[str, Any]]:
    """What each stated answer is here; those that are passed over are not named."""
    mapping: dict[str, dict[str, Any]] = {}
    for n in range(_MOST):
        stated, answer = asked.text(f"stated.{n}"), asked.text(f"answer.{n}")
        if not stated or not answer:
            continue
        mapping[stated] = {"answer": answer, "judged_for": asked.texts("judged_for")}
        if reason := asked.text(f"excluded_for.{n}"):
            mapping[stated]["excluded_for"] = reason
    return mapping
