"""Coding: what included reports say of the theories, fragment by fragment, and whether each is to be trusted there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from services.web import drawing
from services.web.coded import (
    by_standing,
    choices,
    evidence_of,
    extraction_of,
    filled_of,
    history_of,
    is_kept_from,
    rows_shown,
)
from services.web.faults import errors_of
from services.web.lacking import without_protocol
from services.web.names import called_in, naming
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.quoted import with_receipt
from services.web.roles import has_role
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound, UnknownReview
from shared.events.synthesis import Credibility
from shared.wire.synthesis import EvidenceView

pages = Pages()

_RECORD = "/reviews/{review}/records/{record}/evidence"
_LINK = "/reviews/{review}/synthesis/links/{link}"


@pages.page("/reviews/{review}/synthesis/coding", allowed=("scripts",))
async def show_reports(asked: Asked) -> Drawn:
    """The included reports from which nothing is coded yet, or all that are included."""
    review, every = asked.path["review"], asked.query.get("which") == "all"
    api = asked.api.synthesis
    listing = api.reports(review, state="included") if every else api.reports(review, to_code=True)
    try:
        sheet, status, me = await asyncio.gather(asked.sheet(listing), api.status(review), asked.api.people.me())
    except NotFound:
        return await without_protocol(asked)
    given = {
        "review": review, "sheet": sheet, "status": status, "every": every, "query": asked.query,
        "codes": has_role(me, "reviewer", review),
    }  # fmt: skip
    return Page("coding.html", given)


@pages.page(_RECORD, allowed=("scripts",))
async def show_evidence(asked: Asked) -> Drawn:
    """What is coded from a record, and a form for more. One that lives on in another leads there."""
    return await _evidence(asked)


@pages.form(_RECORD, allowed=("scripts",))
async def code_evidence(asked: Asked) -> Drawn:
    """Ties one fragment of a record to CMOCs; or shows one more row for a link, or what is taken up of what was
    proposed."""
    review, record = asked.path["review"], asked.path["record"]
    if asked.text("do") == "more":
        return await _evidence(asked, more=True)
    if asked.text("do") == "take":
        return await _evidence(asked)
    try:
        given = evidence_of(filled_of(asked), record)
        if text := asked.text("fragment.text"):
            given["fragment"] = await _quoted(asked, given["fragment"], text)
        with asked.done_once():
            taken = await asked.api.synthesis.link_one(review, given)
    except (Invalid, Conflict, NotFound) as error:
        return await _evidence(asked, error)
    done = "coded" if taken.changed else "known"
    return Go(drawing.url("reviews", review, "records", taken.record, "evidence", done=done))


async def _quoted(asked: Asked, fragment: dict[str, Any], text: str) -> dict[str, Any]:
    """The fragment with the receipt of its quote; what is wrong with the copy is said where that was chosen."""
    try:
        return await with_receipt(asked, fragment, text)
    except (Conflict, Forbidden, NotFound) as error:
        raise Invalid.of("fragment.text", error.detail) from error


@pages.page(_LINK, allowed=("scripts",))
async def show_link(asked: Asked) -> Drawn:
    """One link: what was judged of it, by whom, and forms to judge it anew and to take it back."""
    return await _link(asked)


@pages.form(_LINK + "/appraise", allowed=("scripts",), labels={"credibility": "coding.credible"})
async def appraise_link(asked: Asked) -> Drawn:
    """Says whether a fragment is to be trusted for what the link says by it."""
    review, link = asked.path["review"], asked.path["link"]

    async def doing() -> None:
        credibility: Any = asked.text("credibility")
        await asked.api.synthesis.appraise(review, link, credibility, asked.text("why"))

    return await _done(asked, "appraise", doing)


@pages.form(_LINK + "/withdraw", allowed=("scripts",))
async def withdraw_link(asked: Asked) -> Drawn:
    """Takes back a link, or its fragment with all of its links."""
    review, link = asked.path["review"], asked.path["link"]

    async def doing() -> None:
        found = await _found(asked)
        only = None if asked.text("which") == "fragment" else link
        await asked.api.synthesis.withdraw(review, found.fragment, asked.text("why"), link=only)

    return await _done(asked, "withdraw", doing)


async def _done(asked: Asked, form: str, doing: Callable[[], Awaitable[None]]) -> Drawn:
    """Does what a form asks for; what is wrong with that is said in the form."""
    try:
        with asked.done_once():
            await doing()
    except (Invalid, Conflict) as error:
        return await _link(asked, error, form)
    return Go(drawing.url("reviews", asked.path["review"], "synthesis", "links", asked.path["link"], done=form))


async def _found(asked: Asked) -> EvidenceView:
    """The link of the path. Raises NotFound."""
    review, link = asked.path["review"], asked.path["link"]
    async for one in asked.api.synthesis.evidence(review, link=link):
        return one
    raise NotFound(f"review {review!r} has no link {link!r}")


async def _link(asked: Asked, error: LivingError | None = None, form: str = "") -> Page:
    review, link = asked.path["review"], asked.path["link"]
    api = asked.api.synthesis
    one, sheet, cmocs, me, called = await asyncio.gather(
        _found(asked), asked.sheet(api.appraisals(review, link)), api.cmocs(review), asked.api.people.me(),
        called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "one": one, "exact": await _words_of(asked, one), "sheet": sheet,
        "cmoc": next(it for it in cmocs if it.cmoc == one.cmoc), "called": called, "naming": naming,
        "codes": has_role(me, "reviewer", review), "form": form, "typed": asked.form, "errors": errors_of(error),
        "query": asked.query, "credibilities": get_args(Credibility),
        "withdraws": one.coder == me.person or has_role(me, "lead", review),
    }  # fmt: skip
    return Page("link.html", given, 200 if error is None else 422)


async def _words_of(asked: Asked, one: EvidenceView) -> str | None:
    """What a link quotes of a copy that not everybody may read, for who may; None for others."""
    if one.selector is None or one.quote is not None:
        return None
    try:
        return (await asked.api.ingest.anchor(asked.path["review"], one.selector.anchor)).exact
    except NotFound:
        return None


async def _evidence(asked: Asked, error: LivingError | None = None, more: bool = False) -> Drawn:
    review, record = asked.path["review"], asked.path["record"]
    api = asked.api
    try:
        (shown, me, called, version), (sheet, cmocs, history, texts, extraction, proposers) = await asyncio.gather(
            asyncio.gather(
                api.ingest.record(review, record), api.people.me(), called_in(asked, review),
                api.protocol.newest(review),
            ),
            asyncio.gather(
                asked.sheet(api.synthesis.evidence(review, record=record)), api.synthesis.cmocs(review),
                history_of(asked, record), api.ingest.texts(review, record), extraction_of(asked, record),
                api.ingest.proposers(review),
            ),
        )  # fmt: skip
    except NotFound as missing:
        if missing.slug != UnknownReview.slug:
            raise
        return await without_protocol(asked)
    if shown.merged_into is not None and error is None:
        return Go(drawing.url("reviews", review, "records", shown.merged_into, "evidence"))
    filled = filled_of(asked)
    stated, gone = by_standing(cmocs)
    parsed = [it for it in texts.texts if it.withdrawn_at is None and it.parse is not None]
    given = {
        "review": review, "record": shown, "book": shown.bibliography, "sheet": sheet, "cmocs": stated, "gone": gone,
        "called": called, "naming": naming, "codes": has_role(me, "reviewer", review), "history": history,
        "definitions": version.protocol.definitions, "filled": filled, "rows": rows_shown(asked, filled, more),
        "errors": errors_of(error), "query": asked.query, **choices(),
        "proposes": any(it.on for it in proposers),
        "copies": [it for it in parsed if it.parse and not it.parse.why],
        "extraction": extraction, "kept_from": extraction is not None and is_kept_from(extraction),
        "wordless": [it for it in parsed if it.parse and it.parse.why],
    }  # fmt: skip
    return Page("evidence.html", given, 200 if error is None else 422)
