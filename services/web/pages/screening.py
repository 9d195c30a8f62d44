"""Screening: a card, the answers of its stage, and the next card."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from starlette.datastructures import FormData

from services.web import drawing
from services.web.ballots import GONE, asks_for, ballot_of, labels_of, letters, tags_of
from services.web.faults import errors_of, labelled
from services.web.marking import marked
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.shortcuts import keys_of
from services.web.written import day_in
from shared.client.asking import one_sheet
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.wire.protocol import QuestionView
from shared.wire.screening import MOST_IN_HAND, MyVote, StageLeft, TaskForm, TaskInHand, VoteReceipt

pages = Pages()

#: How many cards a browser with scripts has besides the one it shows: what one answers while the line is lost for a
#: minute.
AHEAD = 2

#: How many of somebody's last votes a card shows, to be taken back.
LAST = 10

#: Why a claim is refused, which a page says in its own way.
_NOT_NOW = {"training_first", "day_is_full"}


@pages.page("/reviews/{review}/screen/{stage}", allowed=("scripts",))
async def show_card(asked: Asked) -> Drawn:
    """The card that I have in hand; without one, a button that takes the next. To look takes nothing."""
    return await _card(asked)


@pages.form("/reviews/{review}/screen/{stage}/next")
async def take_next(asked: Asked) -> Drawn:
    """Takes the next card; where a training set comes first, leads there."""
    refused = await _take(asked)
    if refused == "training_first":
        return Go(drawing.url("reviews", *_at(asked), "training"))
    return Go(_here(asked, done=refused) if refused else _here(asked))


@pages.form("/reviews/{review}/screen/{stage}/ahead", allowed=("scripts",))
async def take_ahead(asked: Asked) -> Drawn:
    """Takes one card more than the browser has, so that it is there when its turn comes."""
    return await _ahead(asked)


@pages.form("/reviews/{review}/screen/{stage}/vote", allowed=("scripts",))
async def vote(asked: Asked) -> Drawn:
    """Casts a vote, and takes the next card. A form that is sent twice is one vote.

    A browser that has cards ahead (`quick`) is answered with one that it has not got yet.
    """
    quick = bool(asked.text("quick"))
    try:
        receipt = await _cast(asked)
    except Invalid as error:
        return await _card(asked, error)
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
        said = {"gone": error.slug or ""}
        return await (_ahead(asked, **said) if quick else _on(asked, **said))
    last = {} if receipt.state == "open" else {"last": "yes"}
    return await (_ahead(asked, **last) if quick else _on(asked, voted=receipt.task, **last))


async def _cast(asked: Asked) -> VoteReceipt:
    """Casts the vote; the same form once more is answered as it was, and another one of the same card is refused."""
    review, lease = asked.path["review"], asked.text("lease")
    form: TaskInHand | TaskForm
    try:
        form = await asked.api.screening.in_hand(review, lease)
    except Conflict as error:
        if error.slug != "already_voted":
            raise
        form = await asked.api.screening.task(review, asked.text("task"))
    with asked.done_once():
        return await asked.api.screening.vote(review, lease, **ballot_of(asked, form))


@pages.form("/reviews/{review}/screen/{stage}/skip")
async def skip(asked: Asked) -> Drawn:
    """Gives a card back, which comes again after the others."""
    return await _given_back(asked, asked.api.screening.skip(_at(asked)[0], asked.text("lease")), "skipped")


@pages.form(
    "/reviews/{review}/screen/{stage}/park",
    allowed=("scripts",),
    labels={"parked_for": "screen.park_for", "until": "screen.park_until"},
)
async def park(asked: Asked) -> Drawn:
    """Parks a record, with why, until a day, or until somebody brings it back."""
    try:
        if not asked.text("parked_for"):
            raise Invalid.of("parked_for", drawing.text("screen.park_why"))
        until = day_in(asked.text("until"), "until")
        parking = asked.api.screening.park(_at(asked)[0], asked.text("task"), asked.text("parked_for"), until)
        return await _given_back(asked, parking, "parked")
    except Invalid as error:
        return await _card(asked, error)


@pages.form("/reviews/{review}/screen/{stage}/undo")
async def undo(asked: Asked) -> Drawn:
    """Takes my vote on a card back, and the card in hand again."""
    review, stage = _at(asked)
    try:
        receipt = await asked.api.screening.take_back(review, asked.text("task"))
    except (Conflict, NotFound) as error:
        return Go(_here(asked, gone=error.slug or ""))
    with suppress(Conflict):  # A day that is full now, which leaves it to the others.
        await asked.api.screening.claim_many(review, 1, stage, records=[receipt.record])
    return Go(_here(asked, record=receipt.record))


@pages.form("/reviews/{review}/screen/{stage}/note", allowed=("scripts",))
async def note(asked: Asked) -> Drawn:
    """Keeps a note and tags of mine on a card."""
    review, task = asked.path["review"], asked.text("task")
    try:
        held = await asked.api.screening.in_hand(review, asked.text("lease"))
        await asked.api.screening.note(review, task, asked.text("note") or None)
        if held.tags:
            await asked.api.screening.tag(review, task, tags_of(asked, held))
    except Invalid as error:
        return await _card(asked, error)
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
        return Go(_here(asked, gone=error.slug or ""))
    return Go(_here(asked, done="noted", record=held.record.record))


async def _given_back(asked: Asked, doing: Any, done: str) -> Drawn:
    try:
        await doing
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
        return await _on(asked, gone=error.slug or "")
    return await _on(asked, done=done)


async def _on(asked: Asked, **said: str) -> Drawn:
    """To the next card, which is taken if there is one."""
    await _take(asked)
    return Go(_here(asked, **said))


async def _take(asked: Asked) -> str | None:
    """Has a card of this stage in hand; why there is none. A claim is filled up with what is held, also at other
    stages."""
    review, stage = _at(asked)
    held = await asked.api.screening.claim_many(review, MOST_IN_HAND, stage, mode="mine")
    if any(task.stage == stage for task in held):
        return None
    try:
        held = await asked.api.screening.claim_many(review, min(len(held) + 1, MOST_IN_HAND), stage)
    except Conflict as error:
        if error.slug not in _NOT_NOW:
            raise
        return error.slug
    return None if any(task.stage == stage for task in held) else "nothing"


async def _ahead(asked: Asked, **said: str) -> Page:
    """A card that the browser has not got yet, if there is one more; the one that it shows is looked at from now on."""
    review, stage = _at(asked)
    shown, has = asked.text("shown"), {*asked.texts("has")}
    if shown:
        with suppress(Conflict, NotFound, Forbidden):  # One that is gone says so once it is answered.
            await asked.api.screening.renew(review, shown)
    held = await asked.api.screening.claim_many(review, MOST_IN_HAND, stage, mode="mine")
    if len(held) < MOST_IN_HAND and not _not_had(held, stage, has):
        with suppress(Conflict):
            held = await asked.api.screening.claim_many(review, len(held) + 1, stage, ahead=bool(shown))
    given = await _about(asked, next(iter(_not_had(held, stage, has)), None))
    return Page("screen.html", given | {"query": {**asked.query, **said}, "filled": FormData()})


def _not_had(held: list[TaskInHand], stage: str, has: set[str]) -> list[TaskInHand]:
    return [task for task in held if task.stage == stage and task.lease not in has]


async def _card(asked: Asked, error: LivingError | None = None) -> Page:
    review, stage = _at(asked)
    held = await asked.api.screening.claim_many(review, MOST_IN_HAND, stage, mode="mine")
    given = await _about(asked, _chosen(asked, [task for task in held if task.stage == stage]))
    errors = labelled(errors_of(error), labels_of(given["task"]))
    return Page("screen.html", given | {"errors": errors}, 200 if error is None else 422)


async def _about(asked: Asked, task: TaskInHand | None) -> dict[str, Any]:
    """A card, and what stands around it: how much is left and done, and my last votes."""
    review, stage = _at(asked)
    me, question, left, today, last = await asyncio.gather(
        asked.api.people.me(), _question(asked), asked.api.screening.left(review),
        asked.api.screening.my_day(review), _last(asked),
    )  # fmt: skip
    keys = keys_of(asked)
    given: dict[str, Any] = {
        "review": review, "stage": stage, "task": task, "left": _left_at(left, stage), "today": today, "me": me,
        "last": last, "keys": keys.actions, "question": question, "errors": [],
        "filled": asked.form, "query": asked.query,
        "marks": asked.query.get("marks") != "off", "training": None, "ahead": AHEAD,
    }  # fmt: skip
    if task is not None:
        notes = await asked.api.screening.notes_on(review, task.task)
        given |= {"letters": letters(asked, task.answers), "asks": asks_for(task), "marked": marked(task)}
        given["mine"] = next((it for it in notes if it.person == me.person), None)
    else:
        given["training"], given["others"] = await asyncio.gather(
            asked.api.screening.next_training(review, stage), _with_others(asked)
        )
    return given


async def _question(asked: Asked) -> QuestionView | None:
    """What the review asks; None where the service that says so has not heard of it, as before its first protocol."""
    try:
        return await asked.api.protocol.question(asked.path["review"])
    except NotFound:
        return None


async def _with_others(asked: Asked) -> int:
    """How many slots of this stage are in others' hands, where I have none: these come back when they lapse."""
    review, stage = _at(asked)
    return sum(one.in_hand for one in await asked.api.screening.queue(review) if one.stage == stage)


async def _last(asked: Asked) -> list[MyVote]:
    """My last votes at this stage that I may still take back, the newest first."""
    review, stage = _at(asked)
    with one_sheet(limit=LAST):
        return [vote async for vote in asked.api.screening.my_votes(review, stage=stage) if vote.free]


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
    marks = asked.query.get("marks", "")
    return drawing.url("reviews", asked.path["review"], "screen", asked.path["stage"], **said, marks=marks)
