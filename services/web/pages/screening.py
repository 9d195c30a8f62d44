"""Screening: a card, the answers of its stage, and the next card."""

from __future__ import annotations

import asyncio
from typing import Any

from services.web import drawing
from services.web.ballots import GONE, ballot_of, errors_of, letters
from services.web.marking import marked
from services.web.page import Asked, Drawn, Go, Page, Pages
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.screening import MOST_IN_HAND, StageLeft, TaskInHand

pages = Pages()


@pages.page("/reviews/{review}/screen/{stage}", allowed=("scripts",))
async def show_card(asked: Asked) -> Drawn:
    """The card that I have in hand; without one, a button that takes the next. To look takes nothing."""
    return await _card(asked)


@pages.form("/reviews/{review}/screen/{stage}/next")
async def take_next(asked: Asked) -> Drawn:
    """Takes the next card."""
    return Go(_here(asked) if await _take(asked) else _here(asked, done="nothing"))


@pages.form("/reviews/{review}/screen/{stage}/vote", allowed=("scripts",))
async def vote(asked: Asked) -> Drawn:
    """Casts a vote, and takes the next card. A form that is sent twice is one vote."""
    review, lease = asked.path["review"], asked.text("lease")
    try:
        held = await asked.api.screening.in_hand(review, lease)
        with asked.done_once():
            receipt = await asked.api.screening.vote(review, lease, **ballot_of(asked, held))
    except Invalid as error:
        return await _card(asked, error)
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
        return await _on(asked, gone=error.slug)
    return await _on(asked, voted=receipt.task)


@pages.form("/reviews/{review}/screen/{stage}/skip")
async def skip(asked: Asked) -> Drawn:
    """Gives a card back, which comes again after the others."""
    return await _given_back(asked, asked.api.screening.skip(_at(asked)[0], asked.text("lease")), "skipped")


@pages.form("/reviews/{review}/screen/{stage}/park", allowed=("scripts",))
async def park(asked: Asked) -> Drawn:
    """Parks a record, with why, until somebody brings it back."""
    if not asked.text("parked_for"):
        return await _card(asked, Invalid.of("parked_for", drawing.text("screen.park_why")))
    parking = asked.api.screening.park(_at(asked)[0], asked.text("task"), asked.text("parked_for"))
    return await _given_back(asked, parking, "parked")


@pages.form("/reviews/{review}/screen/{stage}/undo")
async def undo(asked: Asked) -> Drawn:
    """Takes my vote on a card back, and the card in hand again."""
    review, stage = _at(asked)
    try:
        receipt = await asked.api.screening.take_back(review, asked.text("task"))
    except (Conflict, NotFound) as error:
        return Go(_here(asked, gone=error.slug))
    await asked.api.screening.claim_many(review, 1, stage, records=[receipt.record])
    return Go(_here(asked, record=receipt.record))


@pages.form("/reviews/{review}/screen/{stage}/note")
async def note(asked: Asked) -> Drawn:
    """Keeps a note of mine on a card."""
    await asked.api.screening.note(_at(asked)[0], asked.text("task"), asked.text("note") or None)
    return Go(_here(asked, done="noted"))


async def _given_back(asked: Asked, doing: Any, done: str) -> Drawn:
    try:
        await doing
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
        return await _on(asked, gone=error.slug)
    return await _on(asked, done=done)


async def _on(asked: Asked, **said: str) -> Drawn:
    """To the next card, which is taken if there is one."""
    await _take(asked)
    return Go(_here(asked, **said))


async def _take(asked: Asked) -> bool:
    """Has a card of this stage in hand, and says whether there is one. A claim is filled up with what is held, also at
    other stages."""
    review, stage = _at(asked)
    held = await asked.api.screening.claim_many(review, MOST_IN_HAND, stage, mode="mine")
    if not any(task.stage == stage for task in held):
        held = await asked.api.screening.claim_many(review, min(len(held) + 1, MOST_IN_HAND), stage)
    return any(task.stage == stage for task in held)


async def _card(asked: Asked, error: LivingError | None = None) -> Page:
    review, stage = _at(asked)
    held, left = await asyncio.gather(
        asked.api.screening.claim_many(review, MOST_IN_HAND, stage, mode="mine"), asked.api.screening.left(review)
    )
    task = _chosen(asked, [task for task in held if task.stage == stage])
    given: dict[str, Any] = {
        "review": review, "stage": stage, "task": task, "left": _left_at(left, stage),
        "errors": errors_of(error),
        "filled": asked.form, "query": asked.query, "marks": asked.query.get("marks") != "off",
    }  # fmt: skip
    if task is not None:
        notes = await asked.api.screening.notes_on(review, task.task)
        given |= {"letters": letters(task), "notes": notes, "marked": marked(task)}
    return Page("screen.html", given, 200 if error is None else 422)


def _chosen(asked: Asked, held: list[TaskInHand]) -> TaskInHand | None:
    """The card to show: the one that was answered wrongly, or taken back; else the oldest in hand."""
    for task in held:
        if task.lease == asked.text("lease") or task.record.record == asked.query.get("record"):
            return task
    return held[0] if held else None


def _left_at(left: list[StageLeft], stage: str) -> StageLeft | None:
    return next((one for one in left if one.stage == stage), None)


def _at(asked: Asked) -> tuple[str, str]:
    return asked.path["review"], asked.path["stage"]


def _here(asked: Asked, **said: str) -> str:
    return drawing.url("reviews", asked.path["review"], "screen", asked.path["stage"], **said)
