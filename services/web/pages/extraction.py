"""Extraction: the reports that wait for coders, what two of them say side by side, and how far they agree."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

from services.web import drawing
from services.web.faults import Labels, errors_of, labelled
from services.web.names import called_in, naming
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.synthesis import DifferencesView, EvidenceView, ExtractionState, Keep

pages = Pages()

_AT = "/reviews/{review}/synthesis/extractions"

#: Differences that one page shows, what is to be decided first: two may differ in thousands.
_MOST_SHOWN = 100


@pages.page(_AT, allowed=("scripts",))
async def show_extractions(asked: Asked) -> Drawn:
    """The reports that coders are asked for, in one state where the address says so."""
    review, api = asked.path["review"], asked.api.synthesis
    state: Any = asked.query.get("state") if asked.query.get("state") in get_args(ExtractionState) else None
    sheet, mine, me = await asyncio.gather(
        asked.sheet(api.extractions(review, state=state)), asked.first(api.extractions(review, mine=True)),
        asked.api.people.me(),
    )  # fmt: skip
    given = {
        "review": review, "sheet": sheet, "mine": next(iter(mine.items), None), "state": state,
        "states": get_args(ExtractionState), "codes": has_role(me, "reviewer", review), "query": asked.query,
    }  # fmt: skip
    return Page("extractions.html", given)


@pages.form(_AT + "/claim", allowed=("scripts",))
async def claim_extraction(asked: Asked) -> Drawn:
    """Has whoever asks be given a report, and shows it; or says that nothing waits for them."""
    review = asked.path["review"]
    with asked.done_once():
        claimed = await asked.api.synthesis.claim_extraction(review)
    if claimed.extraction is None:
        return Go(drawing.url("reviews", review, "synthesis", "extractions", done="nothing"))
    return Go(drawing.url("reviews", review, "records", claimed.extraction.record, "evidence"))


@pages.page(_AT + "/{extraction}", allowed=("scripts",))
async def show_differences(asked: Asked) -> Drawn:
    """What the two coders of a report say, side by side, and what was decided."""
    return await _differences(asked)


@pages.form(_AT + "/{extraction}/finish", allowed=("scripts",))
async def finish_extraction(asked: Asked) -> Drawn:
    """Says that one has coded all that one finds in a report."""
    review, extraction = asked.path["review"], asked.path["extraction"]
    with asked.done_once():
        await asked.api.synthesis.finish_extraction(review, extraction)
    return Go(drawing.url("reviews", review, "synthesis", "extractions", extraction, done="finish"))


@pages.form(_AT + "/{extraction}/release", allowed=("scripts",))
async def release_extraction(asked: Asked) -> Drawn:
    """Gives a report back for others to code."""
    review, extraction = asked.path["review"], asked.path["extraction"]
    with asked.done_once():
        await asked.api.synthesis.release_extraction(review, extraction)
    return Go(drawing.url("reviews", review, "synthesis", "extractions", done="release"))


@pages.form(_AT + "/{extraction}/reconcile", allowed=("scripts",))
async def reconcile_difference(asked: Asked) -> Drawn:
    """Decides what two coders differ in."""
    review, extraction = asked.path["review"], asked.path["extraction"]
    difference, keep = asked.text("difference"), asked.text("keep") or None
    decided: Any = keep
    try:
        with asked.done_once():
            await asked.api.synthesis.reconcile(
                review, extraction, difference, decided, asked.text(f"why-{difference}")
            )
    except (Invalid, Conflict) as error:
        return await _differences(asked, error)
    except NotFound as error:
        if error.slug != "no_difference":
            raise
        return await _differences(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "extractions", extraction, done="reconcile"))


@pages.page("/reviews/{review}/synthesis/coding-agreement", allowed=("scripts",))
async def show_coding_agreement(asked: Asked) -> Drawn:
    """How far coders agreed before anything was reconciled."""
    review = asked.path["review"]
    return Page(
        "coding-agreement.html", {"review": review, "found": await asked.api.synthesis.coding_agreement(review)}
    )


async def _differences(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, extraction, api = asked.path["review"], asked.path["extraction"], asked.api.synthesis
    one, found, called = await asyncio.gather(
        api.extraction(review, extraction), _found(asked), called_in(asked, review)
    )
    difference = asked.text("difference")
    given = {
        "review": review, "one": one, "found": found, "sides": _sides(found), "called": called,
        "naming": naming, "keeps": get_args(Keep),
        "errors": labelled(errors_of(error), _labels(difference)), "typed": asked.form, "asked_of": difference,
        "query": asked.query, "most": _MOST_SHOWN,
    }  # fmt: skip
    return Page("differences.html", given, 200 if error is None else 422)


async def _found(asked: Asked) -> DifferencesView | None:
    """The differences; None where not all have finished, or the report is not included any more."""
    try:
        return await asked.api.synthesis.differences(asked.path["review"], asked.path["extraction"])
    except Conflict:
        return None


def _sides(found: DifferencesView | None) -> dict[str, list[EvidenceView]]:
    """Both codings of each difference that was decided."""
    decided = [it for it in found.differences if it.decision is not None] if found is not None else []
    return {it.difference: [one for one in (it.first, it.second) if one is not None] for it in decided}


def _labels(difference: str) -> Labels:
    """How the form of one difference calls what the API names."""
    return Labels(
        {
            "keep": (drawing.text("extraction.decide"), f"keep-{difference}-first"),
            "why": (drawing.text("extraction.why"), f"why-{difference}"),
        }
    )
