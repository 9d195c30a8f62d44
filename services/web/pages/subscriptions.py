"""Subscriptions: who of a review's members is told of what of it, how and when, and what became of each message."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, get_args

from pydantic import ValidationError

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.events.protocol import Protocol
from shared.wire.notify import (
    FOR_ADJUDICATORS,
    FOR_LEADS,
    Every,
    Kind,
    NewSubscription,
    SubscriptionCreated,
    SubscriptionView,
)
from shared.wire.people import Me
from shared.wire.protocol import VersionView

pages = Pages()

#: How somebody is told by what is sent to them.
CHANNELS = ("email", "webhook", "chat", "card")

#: Classes of changes, from the least.
LEAST = ("PATCH", "MINOR", "MAJOR", "NONE")


@pages.page("/reviews/{review}/findings/subscriptions", allowed=("scripts",))
async def show_subscriptions(asked: Asked) -> Drawn:
    return await _subscriptions(asked)


@pages.form(
    "/reviews/{review}/findings/subscriptions/add",
    allowed=("scripts",),
    labels={"least": "subscriptions.least_label", "every": "subscriptions.when"},
)
async def subscribe(asked: Asked) -> Drawn:
    """Subscribes me. The page that answers is the only one that ever shows the secret of a webhook."""
    try:
        wanted = NewSubscription.model_validate(_wish(asked))
        with asked.done_once():
            made = await asked.api.notify.subscribe(asked.path["review"], wanted)
    except ValidationError as error:
        return await _subscriptions(asked, error=_invalid(error))
    except (Invalid, Conflict, Forbidden) as error:
        return await _subscriptions(asked, error=error)
    return await _subscriptions(asked, made=made)


@pages.form("/reviews/{review}/findings/subscriptions/{subscription}/end")
async def end_subscription(asked: Asked) -> Drawn:
    """Ends one of mine. What waits for it is called off."""
    await asked.api.notify.unsubscribe(asked.path["review"], asked.path["subscription"])
    return Go(drawing.url("reviews", asked.path["review"], "findings", "subscriptions", done="ended"))


@pages.page("/reviews/{review}/findings/subscriptions/{subscription}", allowed=("scripts",))
async def show_subscription(asked: Asked) -> Drawn:
    """One of mine, with every message of it and what became of each."""
    return await _subscription(asked)


@pages.form("/reviews/{review}/findings/subscriptions/{subscription}/test", allowed=("scripts",))
async def send_test(asked: Asked) -> Drawn:
    try:
        with asked.done_once():
            await asked.api.notify.send_test(asked.path["review"], asked.path["subscription"])
    except Conflict as error:
        return await _subscription(asked, error=error)
    return _back(asked, "tested")


@pages.form("/reviews/{review}/findings/subscriptions/{subscription}/resend", allowed=("scripts",))
async def resend(asked: Asked) -> Drawn:
    """Sends one message again, by its id, which its receiver knows it by."""
    review, subscription, delivery = asked.path["review"], asked.path["subscription"], asked.text("delivery")
    try:
        with asked.done_once():
            await asked.api.notify.redeliver(review, subscription, delivery or "none")
    except Conflict as error:
        return await _subscription(asked, error=error)
    return _back(asked, "resent")


@pages.form("/reviews/{review}/findings/subscriptions/{subscription}/secret", allowed=("scripts",))
async def rotate_secret(asked: Asked) -> Drawn:
    """A new secret, which the page that answers shows and no other; the old one counts for a day."""
    try:
        with asked.done_once():
            made = await asked.api.notify.rotate_secret(asked.path["review"], asked.path["subscription"])
    except Conflict as error:
        return await _subscription(asked, error=error)
    return await _subscription(asked, made=made)


def _wish(asked: Asked) -> dict[str, Any]:
    """What the form asks for. Where it goes is one field, and another of the API's by the channel."""
    channel, to = asked.text("channel") or "webhook", asked.text("url")
    chosen = {"theories": asked.texts("theories"), "cmocs": asked.texts("cmocs"), "kinds": asked.texts("kinds")}
    given = {name: asked.text(name) for name in ("least", "every", "zone") if asked.text(name)}
    return {"channel": channel, "address" if channel == "email" else "url": to, **chosen, **given}


def _invalid(error: ValidationError) -> Invalid:
    """What is wrong, at the field it names itself where the form as a whole is wrong."""
    at, why = (error.errors()[0][name] for name in ("loc", "msg"))
    said = str(why).removeprefix("Value error, ")
    if at:
        return Invalid.of(str(at[0]), said)
    named, _, rest = said.partition(": ")
    return Invalid.of(named, rest) if rest else Invalid.of("url", said)


async def _subscriptions(
    asked: Asked, *, made: SubscriptionCreated | None = None, error: LivingError | None = None
) -> Page:
    review = asked.path["review"]
    me, about, sheet, version = await asyncio.gather(
        asked.api.people.me(), asked.api.people.review(review), asked.sheet(asked.api.notify.subscriptions(review)),
        _protocol(asked),
    )  # fmt: skip
    protocol = version.protocol if version is not None else None
    given = {
        "review": review, "sheet": sheet, "made": made, "kinds": kinds_for(me, review), "filled": asked.form,
        "chosen": asked.texts("kinds") if error else ["revision", "course"], "query": asked.query, "channels": CHANNELS,
        "channel": asked.text("channel") or CHANNELS[0], "least": LEAST, "every": get_args(Every),
        "theories": protocol.theories if protocol else [], "cmocs": protocol.cmocs if protocol else [],
        "only": {*asked.texts("theories")} | {*asked.texts("cmocs")} if error else set(),
        "errors": _errors(error), "feeds": {form: _feed(asked, form) for form in ("atom", "json")},
        "called": partial(_called, protocol), "open_to_all": about.public,
        "open_feed": asked.web.address + drawing.url("reviews", review, "feed.atom"),
    }  # fmt: skip
    return Page("subscriptions.html", given, 200 if error is None else 422)


async def _subscription(
    asked: Asked, *, made: SubscriptionCreated | None = None, error: LivingError | None = None
) -> Page:
    review, name = asked.path["review"], asked.path["subscription"]
    one, sheet = await asyncio.gather(
        asked.api.notify.subscription(review, name), asked.sheet(asked.api.notify.deliveries(review, name))
    )
    given = {
        "review": review, "one": one, "sheet": sheet, "made": made, "query": asked.query, "errors": _errors(error),
    }  # fmt: skip
    return Page("subscription.html", given, 200 if error is None else 422)


def _errors(error: LivingError | None) -> list[dict[str, str]]:
    """By field of the form, in which an address of mail is where it goes."""
    found = [it | {"at": it["at"].partition(".")[0]} for it in errors_of(error)]
    return [it | {"at": "url" if it["at"] == "address" else it["at"]} for it in found]


async def _protocol(asked: Asked) -> VersionView | None:
    """Whose theories and CMOCs one may name; None of a review that has none yet."""
    try:
        return await asked.api.protocol.newest(asked.path["review"])
    except NotFound:
        return None


def _called(protocol: Protocol | None, one: SubscriptionView) -> list[str]:
    """The theories and CMOCs that a subscription is of, as people know them; by its id one that the protocol has no
    more."""
    headings = {it.id: it.heading for it in protocol.theories} if protocol else {}
    words = {
        it.id: drawing.text("subscriptions.cmoc", context=it.context, outcome=it.outcome)
        for it in (protocol.cmocs if protocol else [])
    }
    return [*(headings.get(it, it) for it in one.theories), *(words.get(it, it) for it in one.cmocs)]


def _feed(asked: Asked, form: str) -> str:
    return asked.web.address + drawing.url("notify", "reviews", asked.path["review"], f"feed.{form}")


def _back(asked: Asked, done: str) -> Go:
    at = ("reviews", asked.path["review"], "findings", "subscriptions", asked.path["subscription"])
    return Go(drawing.url(*at, done=done))


def kinds_for(me: Me, review: str) -> list[Kind]:
    """What somebody may be told of, as their role lets them."""
    return [
        kind for kind in get_args(Kind)
        if (kind not in FOR_LEADS or has_role(me, "lead", review))
        and (kind not in FOR_ADJUDICATORS or has_role(me, "adjudicator", review))
    ]  # fmt: skip
