"""Subscriptions: who of a review's members is told of it, and how: by a webhook, or a feed read with a key."""

from __future__ import annotations

import asyncio
from typing import get_args

from pydantic import ValidationError

from services.web import drawing
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.written import errors_of
from shared.errors import Conflict, Forbidden, Invalid, LivingError
from shared.wire.notify import FOR_ADJUDICATORS, FOR_LEADS, Kind, NewSubscription, SubscriptionCreated
from shared.wire.people import Me

pages = Pages()


@pages.page("/reviews/{review}/findings/subscriptions", allowed=("scripts",))
async def show_subscriptions(asked: Asked) -> Drawn:
    return await _subscriptions(asked)


@pages.form("/reviews/{review}/findings/subscriptions/add", allowed=("scripts",))
async def subscribe(asked: Asked) -> Drawn:
    """Subscribes a webhook of mine. The page that answers is the only one that ever shows its secret."""
    wish = {"channel": "webhook", "url": asked.text("url"), "kinds": asked.texts("kinds")}
    try:
        wanted = NewSubscription.model_validate(wish)
        with asked.done_once():
            made = await asked.api.notify.subscribe(asked.path["review"], wanted)
    except ValidationError as error:
        at, why = (error.errors()[0][name] for name in ("loc", "msg"))
        return await _subscriptions(asked, error=Invalid.of(str((*at, "url")[0]), str(why)))
    except (Invalid, Conflict, Forbidden) as error:
        return await _subscriptions(asked, error=error)
    return await _subscriptions(asked, made=made)


@pages.form("/reviews/{review}/findings/subscriptions/{subscription}/end")
async def end_subscription(asked: Asked) -> Drawn:
    """Ends one of mine. What waits for it is called off."""
    await asked.api.notify.unsubscribe(asked.path["review"], asked.path["subscription"])
    return Go(drawing.url("reviews", asked.path["review"], "findings", "subscriptions", done="ended"))


async def _subscriptions(
    asked: Asked, *, made: SubscriptionCreated | None = None, error: LivingError | None = None
) -> Page:
    review = asked.path["review"]
    me, sheet = await asyncio.gather(asked.api.people.me(), asked.sheet(asked.api.notify.subscriptions(review)))
    given = {
        "review": review, "sheet": sheet, "made": made, "kinds": kinds_for(me, review), "filled": asked.form,
        "chosen": asked.texts("kinds") if error else ["revision"], "query": asked.query,
        "errors": [it | {"at": it["at"].removeprefix("body.").partition(".")[0]} for it in errors_of(error)],
        "feed": asked.web.address + drawing.url("notify", "reviews", review, "feed.atom"),
    }  # fmt: skip
    return Page("subscriptions.html", given, 200 if error is None else 422)


def kinds_for(me: Me, review: str) -> list[Kind]:
    """What somebody may be told of, as their role lets them."""
    return [
        kind for kind in get_args(Kind)
        if (kind not in FOR_LEADS or has_role(me, "lead", review))
        and (kind not in FOR_ADJUDICATORS or has_role(me, "adjudicator", review))
    ]  # fmt: skip
