"""The reviews: those that I belong to, and each at a glance."""

from __future__ import annotations

import asyncio

from services.web import drawing
from services.web.glance import looked
from services.web.lacking import without_protocol
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Forbidden, NotFound
from shared.wire.protocol import ReviewView, VersionView
from shared.wire.screening import StageLeft

pages = Pages()


@pages.page("/", open_to="anybody", allowed=("scripts",))
async def show_home(asked: Asked) -> Drawn:
    """The reviews that I belong to, which a role in all of them lets me see; for whoever has not signed in those that
    anybody may read, and the way in."""
    if asked.session is None:
        public = await asked.sheet(asked.nobody.people.public_reviews())
        if not public.items:
            return Go(drawing.url("sign-in"))
        return Page("welcome.html", {"public_reviews": public, "query": asked.query})
    me, reviews = await asyncio.gather(asked.api.people.me(), _reviews(asked))
    founds = me.founds or any(role in ("lead", "admin") for role in me.roles.values())
    return Page("home.html", {"me": me, "reviews": reviews, "founds": founds})


@pages.page("/reviews/{review}", open_to="readers", allowed=("scripts",))
async def show_review(asked: Asked) -> Drawn:
    """A review at a glance: what waits for somebody, where all of it is, and what waits for me; where all of it is
    first for whoever only reads. Whoever does not belong to it is led to what it has found, where that is public."""
    review = asked.path["review"]
    if asked.public:
        return Go(drawing.url("reviews", review, "findings"))
    me, version = await asyncio.gather(asked.api.people.me(), _protocol(asked, review))
    if version is None:
        return await without_protocol(asked)
    (found, funnel), left = await asyncio.gather(looked(asked, me), _left(asked, review))
    given = {
        "me": me, "review": review, "protocol": version.protocol, "version": version.version, "glance": found,
        "funnel": funnel, "left": left, "works": has_role(me, "reviewer", review),
    }  # fmt: skip
    return Page("review.html", given)


async def _reviews(asked: Asked) -> list[ReviewView]:
    return [review async for review in asked.api.protocol.reviews()]


async def _protocol(asked: Asked, review: str) -> VersionView | None:
    """The protocol in force; None before the first."""
    try:
        return await asked.api.protocol.newest(review)
    except NotFound:
        return None


async def _left(asked: Asked, review: str) -> list[StageLeft]:
    """What waits for me, stage by stage; nothing for somebody who does not screen."""
    try:
        return await asked.api.screening.left(review)
    except (Forbidden, NotFound):
        return []
