"""Handing a review over: a lead proposes who takes it, and they accept or decline."""

from __future__ import annotations

import asyncio

from services.web import drawing
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError

pages = Pages()

_AT = "/reviews/{review}/people/handover"

#: What whoever hands a review over may be there from then on, what most are first.
STAYS_AS = ("adjudicator", "reviewer", "reader")


@pages.page(_AT, allowed=("scripts",))
async def show_handover(asked: Asked) -> Drawn:
    return await _handover(asked)


@pages.form(_AT, allowed=("scripts",))
async def propose_handover(asked: Asked) -> Drawn:
    try:
        with asked.done_once():
            await asked.api.people.hand_over(
                asked.path["review"],
                asked.text("to"),
                asked.text("why"),
                stays_as=asked.text("stays_as") or STAYS_AS[0],
            )
    except (Invalid, Conflict) as error:
        return await _handover(asked, error)
    return _back(asked, "proposed")


@pages.form(_AT + "/{handover}/accept", allowed=("scripts",))
async def accept_handover(asked: Asked) -> Drawn:
    try:
        with asked.done_once():
            await asked.api.people.accept_handover(asked.path["review"], asked.path["handover"])
    except Conflict as error:
        return await _handover(asked, error)
    return _back(asked, "accepted")


@pages.form(_AT + "/{handover}/close", allowed=("scripts",))
async def close_handover(asked: Asked) -> Drawn:
    """Declines it, or takes it back."""
    how = "declined" if asked.text("how") == "declined" else "taken_back"
    try:
        with asked.done_once():
            await asked.api.people.close_handover(asked.path["review"], asked.path["handover"], how)
    except Conflict as error:
        return await _handover(asked, error)
    return _back(asked, how)


async def _handover(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    me, sheet, called = await asyncio.gather(
        asked.api.people.me(), asked.sheet(asked.api.people.handovers(review)), called_in(asked, review)
    )
    leads = has_role(me, "lead", review)
    members = [it async for it in asked.api.people.members(review) if it.person != me.person] if leads else []
    given = {
        "review": review, "me": me, "sheet": sheet, "called": called, "leads": leads, "members": members,
        "open": next((it for it in sheet.items if it.state == "open"), None), "stays_as": STAYS_AS,
        "to": asked.text("to"), "why": asked.text("why"), "chosen": asked.text("stays_as") or STAYS_AS[0],
        "errors": errors_of(error), "query": asked.query,
    }  # fmt: skip
    return Page("handover.html", given, 200 if error is None else 422)


def _back(asked: Asked, done: str) -> Go:
    return Go(drawing.url("reviews", asked.path["review"], "people", "handover", done=done))
