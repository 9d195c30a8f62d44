"""Quoted: the words of a copy that a coder gives, as ingest proves that the copy says them."""

from __future__ import annotations

from typing import Any

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked
from shared.errors import Invalid


async def with_receipt(
    asked: Asked, fragment: dict[str, Any], text: str, *, passage: str = "", before: str = ""
) -> dict[str, Any]:
    """The fragment with the receipt of its quote, in place of the words and of where they are. Where the copy says them
    more than once, the locator of the `passage` they are in tells which are meant, and what stands `before` them there.

    Raises Invalid, at the words, where the copy does not say them; and as the API where none of it is to be quoted.
    """
    words = fragment.get("quote", "")
    review, proposal = asked.path["review"], asked.text("fragment.proposal")
    where = {"locator": passage or None, "prefix": before or None}
    try:
        # Other words than were proposed are the coder's own.
        if proposal and words == asked.text("fragment.proposed"):
            anchored = await asked.api.ingest.accept_proposal(review, text, proposal)
        else:
            anchored = await asked.api.ingest.quote(review, text, words, **where)
    except Invalid as error:
        why = _unfound(error) if words else drawing.text("coding.quote_its_words")
        raise Invalid.of("fragment.quote", why) from error
    return {name: said for name, said in fragment.items() if name not in ("quote", "locator")} | {
        "receipt": anchored.receipt
    }


def _unfound(error: Invalid) -> str:
    """Why a copy does not say these words, with what comes nearest, or with where it says them more than once, or
    elsewhere; else as the API says it."""
    near, spans = error.extra.get("nearest"), error.extra.get("spans")
    if near:
        return drawing.text("coding.quote_nearest", words=near["exact"], where=near["locator"])
    if spans and error.slug == "quote_elsewhere":
        return drawing.text("coding.quote_elsewhere", where="; ".join(it["locator"] for it in spans))
    if spans:
        return drawing.text("coding.quote_several", where="; ".join(it["locator"] for it in spans))
    return "; ".join(fault["why"] for fault in errors_of(error))
