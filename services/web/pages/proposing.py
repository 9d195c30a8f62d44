"""Proposing: what proposes codings, how well it does in a review, and what it proposes of a copy to each coder."""

from __future__ import annotations

import asyncio

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError

pages = Pages()

_PROPOSERS = "/reviews/{review}/synthesis/proposers"
_OF_COPY = "/reviews/{review}/records/{record}/proposed/{text}"


@pages.page(_PROPOSERS, allowed=("scripts",))
async def show_proposers(asked: Asked) -> Drawn:
    """What proposes codings, how it was evaluated on the review, and whether it is on."""
    return await _proposers(asked)


@pages.form(_PROPOSERS + "/{proposer}/evaluate", allowed=("scripts",))
async def evaluate_proposer(asked: Asked) -> Drawn:
    """Has a proposer be held against what people coded."""
    review, proposer = asked.path["review"], asked.path["proposer"]
    try:
        with asked.done_once():
            await asked.api.ingest.evaluate_proposer(review, proposer)
    except Conflict as error:
        return await _proposers(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "proposers", done="evaluate"))


@pages.form(_PROPOSERS + "/{proposer}/switch", allowed=("scripts",))
async def switch_proposer(asked: Asked) -> Drawn:
    """Has coders be shown what a proposer proposes, or no more."""
    review, proposer = asked.path["review"], asked.path["proposer"]
    on = asked.text("do") == "on"
    try:
        with asked.done_once():
            await asked.api.ingest.switch_proposer(review, proposer, on=on, why=asked.text("why"))
    except (Conflict, Invalid) as error:
        return await _proposers(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "proposers", done="on" if on else "off"))


@pages.page(_OF_COPY, allowed=("scripts",))
async def show_proposed(asked: Asked) -> Drawn:
    """What is proposed of a copy to whoever asks, to be taken up in the form that codes, or refused."""
    return await _proposed(asked)


@pages.form(_OF_COPY + "/ask", allowed=("scripts",))
async def ask_for_proposed(asked: Asked) -> Drawn:
    """Has the proposers that are on read a copy."""
    review, record, text = (asked.path[name] for name in ("review", "record", "text"))
    try:
        with asked.done_once():
            await asked.api.ingest.ask_for_proposals(review, text)
    except Conflict as error:
        return await _proposed(asked, error)
    return Go(drawing.url("reviews", review, "records", record, "proposed", text, done="ask"))


@pages.form(_OF_COPY + "/{proposal}/refuse", allowed=("scripts",))
async def refuse_proposed(asked: Asked) -> Drawn:
    """Has a proposal be shown to whoever asks no more."""
    review, record, text = (asked.path[name] for name in ("review", "record", "text"))
    try:
        with asked.done_once():
            await asked.api.ingest.refuse_proposal(review, text, asked.path["proposal"])
    except Conflict as error:
        return await _proposed(asked, error)
    return Go(drawing.url("reviews", review, "records", record, "proposed", text, done="refuse"))


async def _proposers(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    found, me = await asyncio.gather(asked.api.ingest.proposers(review), asked.api.people.me())
    given = {
        "review": review, "proposers": found, "leads": has_role(me, "lead", review), "query": asked.query,
        "errors": errors_of(error), "why": error.detail if isinstance(error, Conflict) else None,
        "form": asked.path.get("proposer"), "typed": asked.text("why"),
    }  # fmt: skip
    return Page("proposers.html", given, 200 if error is None else 422)


async def _proposed(asked: Asked, error: LivingError | None = None) -> Page:
    review, record, text = (asked.path[name] for name in ("review", "record", "text"))
    api = asked.api.ingest
    readings, sheet, me = await asyncio.gather(
        api.proposed_readings(review, text), asked.sheet(api.proposed_codings(review, text)), asked.api.people.me()
    )
    given = {
        "review": review, "record": record, "text": text, "readings": readings.readings, "sheet": sheet,
        "codes": has_role(me, "reviewer", review), "query": asked.query,
        "why": error.detail if error is not None else None,
    }  # fmt: skip
    return Page("proposed.html", given, 200 if error is None else 422)
