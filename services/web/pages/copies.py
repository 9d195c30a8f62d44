"""Copies: what a report says, passage by passage, with what is coded of it marked, and coded where it stands."""

from __future__ import annotations

import asyncio
from typing import Any

from services.web import drawing
from services.web.coded import (
    by_standing,
    choices,
    evidence_of,
    extraction_of,
    filled_of,
    history_of,
    is_kept_from,
)
from services.web.faults import errors_of
from services.web.marking import pieces_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.quoted import with_receipt
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.ingest import TextView
from shared.wire.synthesis import EvidenceView

pages = Pages()

_AT = "/reviews/{review}/texts/{text}"

#: Links of a report that are looked through for those that quote the copy.
_MOST_MARKED = 200

#: What the next fragment most likely says as the last one did.
_STAYS = ("fragment.data_type", "links[0].cmoc", "links[0].inference")


@pages.page(_AT, allowed=("scripts",))
async def show_text(asked: Asked) -> Drawn:
    """What a copy says, for whoever may read it, and a form that codes a piece of it."""
    return await _copy(asked)


@pages.form(_AT, allowed=("scripts",))
async def code_text(asked: Asked) -> Drawn:
    """Ties words of the copy to one element of a CMOC."""
    review, text = asked.path["review"], asked.path["text"]
    filled, number = filled_of(asked), asked.text("number")
    passage, before = asked.text("passage"), asked.text("before")
    try:
        given = evidence_of(filled, "")
        given["fragment"] = await with_receipt(asked, given["fragment"], text, passage=passage, before=before)
        given["record"] = (await asked.api.ingest.text(review, text)).record
        with asked.done_once():
            taken = await asked.api.synthesis.link_one(review, given)
    except (Invalid, Conflict, NotFound) as error:
        return await _copy(asked, error)
    stays = {name: filled[name] for name in _STAYS if name in filled}
    done = "coded" if taken.changed else "known"
    to = drawing.again(asked.request.url.path, stays, after=asked.query.get("after"), done=done)
    return Go(f"{to}#p{number}" if number.isascii() and number.isdigit() else to)


async def _copy(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, text = asked.path["review"], asked.path["text"]
    api = asked.api
    about = await api.ingest.text(review, text)
    record = about.record
    if not _has_words(about):
        raise NotFound(f"copy {text!r} of review {review!r} has no words to be read")
    (sheet, links, cmocs, history), (me, called, shown, extraction, proposers) = await asyncio.gather(
        asyncio.gather(
            asked.sheet(api.ingest.passages(review, text)),
            asked.first(api.synthesis.evidence(review, record=record), limit=_MOST_MARKED),
            api.synthesis.cmocs(review), history_of(asked, record),
        ),
        asyncio.gather(
            api.people.me(), called_in(asked, review), api.ingest.record(review, record), extraction_of(asked, record),
            api.ingest.proposers(review),
        ),
    )  # fmt: skip
    quoting = [it for it in links.items if _quotes(it, about)]
    filled = {name: asked.query[name] for name in _STAYS if name in asked.query} if error is None else filled_of(asked)
    stated, gone = by_standing(cmocs)
    given: dict[str, Any] = {
        "review": review, "text": about, "record": shown, "book": shown.bibliography, "sheet": sheet,
        "passages": [(it, pieces_of(it, quoting)) for it in sheet.items], "unmarked": bool(links.next),
        "cmocs": stated, "gone": gone, "called": called, "filled": filled, "errors": errors_of(error),
        "codes": has_role(me, "reviewer", review), "included": history is not None and history.state == "included",
        "kept_from": extraction is not None and is_kept_from(extraction), "extraction": extraction,
        "query": asked.query, "typed": asked.form, "proposes": any(it.on for it in proposers), **choices(),
    }  # fmt: skip
    return Page("copy.html", given, 200 if error is None else 422)


def _has_words(about: TextView) -> bool:
    return about.withdrawn_at is None and about.parse is not None and about.parse.why is None


def _quotes(one: EvidenceView, about: TextView) -> bool:
    """Whether a link quotes this copy as it was parsed last."""
    at = one.selector
    return (
        at is not None and at.text == about.text and at.lost is None
        and about.parse is not None and at.parse_sha256 == about.parse.sha256
    )  # fmt: skip
