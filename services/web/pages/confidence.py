"""Confidence: how sure people are of a CMOC, all that was judged of it and why, and the form by which it is judged."""

from __future__ import annotations

import asyncio
from typing import get_args

from services.web import drawing
from services.web.faults import Labels, errors_of, labelled
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError
from shared.events.synthesis import Concern, ConfidenceLevel

pages = Pages()

_AT = "/reviews/{review}/synthesis/cmocs/{cmoc}/confidence"

#: The four parts of GRADE-CERQual.
PARTS = ("methodological_limitations", "coherence", "adequacy", "relevance")


@pages.page(_AT, allowed=("scripts",))
async def show_confidence(asked: Asked) -> Drawn:
    """All that was judged of a CMOC, newest first, and for who may judge the form."""
    return await _confidence(asked)


@pages.form(_AT, allowed=("scripts",))
async def judge_confidence(asked: Asked) -> Drawn:
    """Says how sure one may be of a CMOC."""
    review, cmoc = asked.path["review"], asked.path["cmoc"]
    # What was not chosen is missing, and none of the words that there are.
    chosen = {name: value for name in (*PARTS, "confidence") if (value := asked.text(name))}
    try:
        with asked.done_once():
            await asked.api.synthesis.judge_confidence(review, cmoc, {**chosen, "why": asked.text("why")})
    except (Invalid, Conflict) as error:
        return await _confidence(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "cmocs", cmoc, "confidence", done="judged"))


async def _confidence(asked: Asked, error: LivingError | None = None) -> Page:
    review, cmoc, api = asked.path["review"], asked.path["cmoc"], asked.api.synthesis
    found, sheet, me, called = await asyncio.gather(
        api.cmoc(review, cmoc), asked.sheet(api.confidence(review, cmoc, newest_first=True)),
        asked.api.people.me(), called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "about": found.about, "cmoc": found.drafted, "sheet": sheet, "called": called,
        "judges": has_role(me, "adjudicator", review) and found.about.set_aside_at is None,
        "parts": PARTS, "concerns": get_args(Concern), "levels": get_args(ConfidenceLevel),
        "typed": asked.form, "errors": labelled(errors_of(error), _labels()), "query": asked.query,
    }  # fmt: skip
    return Page("confidence.html", given, 200 if error is None else 422)


def _labels() -> Labels:
    """How the form calls what the API names; one of several answers is led to by the first of them."""
    parts = {part: (drawing.text(f"confidence.part.{part}"), f"{part}-none") for part in PARTS}
    whole = {"confidence": (drawing.text("confidence.whole"), "confidence-high")}
    return Labels({**parts, **whole, "why": (drawing.text("confidence.why"), "why")})
