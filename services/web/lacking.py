"""Lacking: what a page of a review says that has no protocol yet, or one that has not arrived everywhere."""

from __future__ import annotations

import asyncio

from services.web.page import Asked, Page
from services.web.roles import has_role
from shared.errors import NotFound, UnknownReview


async def without_protocol(asked: Asked) -> Page:
    """Says so to whoever belongs to the review. Raises what the API says to others."""
    review = asked.path["review"]
    me, _ = await asyncio.gather(asked.api.people.me(), asked.api.people.review(review))
    return Page("no-protocol.html", {"me": me, "review": review, "leads": has_role(me, "lead", review)})


async def without_draft(asked: Asked, error: NotFound) -> Page:
    """Before the synthesis has run for the first time, which it does by itself once there is a protocol."""
    if error.slug == UnknownReview.slug:
        return await without_protocol(asked)
    if error.slug != "no_draft":
        raise error
    return Page("no-draft.html", {"review": asked.path["review"]})
