"""The routes of notify: subscriptions, their deliveries, and the feed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import Field, TypeAdapter

from services.notify import commands, domain, store, views
from services.notify.models import SubscriptionRow
from services.notify.ports.channels import atom
from services.notify.ports.channels.open import Channels
from shared.db.work import Work
from shared.errors import Invalid
from shared.http.auth import AnybodySubscribed, Confirmer, LeadSubscriber, Subscriber
from shared.http.paging import Hundred, asking
from shared.http.parameters import Name, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page, PageAsked
from shared.tokens import Person
from shared.wire.notify import (
    FOR_ADJUDICATORS,
    FOR_LEADS,
    DeliveryView,
    NewSubscription,
    SubscriptionCreated,
    SubscriptionView,
)
from shared.wire.people import OldNames

router = APIRouter(prefix="/notify", tags=["notify"], route_class=Route)
Unit = Annotated[Work, unit_of("notify")]
Reading = Annotated[Work, reading_of("notify")]

_ENTRY: TypeAdapter[domain.FeedEntry] = TypeAdapter(Annotated[domain.FeedEntry, Field(discriminator="type")])

#: Characters of a condition that a feed is asked under.
_LONGEST_CONDITION = 1000

_SUBSCRIPTIONS = "/reviews/{review}/subscriptions"
_SUBSCRIPTION = _SUBSCRIPTIONS + "/{subscription}"
_DELIVERIES = _SUBSCRIPTION + "/deliveries"

#: How many entries a page of the feed holds at most.
FEED_ENTRIES = 100

Entries = Annotated[PageAsked, asking(FEED_ENTRIES, most=FEED_ENTRIES)]


class Feed(Response):
    """An Atom document."""

    media_type = atom.MEDIA_TYPE


_CONDITIONS = [
    {"name": name, "in": "header", "description": why, "schema": {"type": "string", "maxLength": _LONGEST_CONDITION}}
    for name, why in (
        ("If-None-Match", "The `ETag` of the page one has; it outranks the other."),
        ("If-Modified-Since", "The `Last-Modified` of the page one has."),
    )
]


@router.post(_SUBSCRIPTIONS, status_code=201)
def add_subscription(
    review: Name, body: NewSubscription, work: Unit, person: Subscriber, key: IdempotencyKey = None
) -> SubscriptionCreated:
    """Subscribe me to a review. The secret of a webhook's signatures is in this answer and in no other."""
    if not FOR_LEADS.isdisjoint(body.kinds):
        person.require("lead")
    if not FOR_ADJUDICATORS.isdisjoint(body.kinds):
        person.require("adjudicator")
    # Looked up before the first statement, since a name server may be slow and a transaction must not wait.
    host = work.resource(Channels).webhook.check(body.url) if body.url is not None else ""

    def make() -> SubscriptionView:
        return views.subscription_view(work, commands.subscribe(work, review, body, host=host), person)

    # The secret is not part of the answer that is kept for a retried request: it is read where it belongs.
    made = SubscriptionView.model_validate(work.once(key, "subscribe", body, make))
    secret = store.subscription(work, review, made.id, owner=person.id).secret
    return SubscriptionCreated(**made.model_dump(), secret=secret)


@router.get(_SUBSCRIPTIONS)
def list_subscriptions(
    review: Name, work: Reading, person: Subscriber, page: Hundred, everyone: YesNo = False
) -> Page[SubscriptionView]:
    """My subscriptions, oldest first; everyone's, for a lead."""
    if everyone:
        person.require("lead")
    found = store.subscriptions(work, review, page, owner=None if everyone else person.id)
    return found.page(lambda row: views.subscription_view(work, row, person))


@router.get(_SUBSCRIPTION)
def show_subscription(review: Name, subscription: Name, work: Reading, person: Subscriber) -> SubscriptionView:
    """One subscription of mine; anyone's, for a lead."""
    return views.subscription_view(work, _of(work, review, subscription, person), person)


@router.delete(_SUBSCRIPTION)
def end_subscription(review: Name, subscription: Name, work: Unit, person: Subscriber) -> SubscriptionView:
    """End a subscription. What waits for it is called off; its deliveries can still be listed."""
    found = _of(work, review, subscription, person, lock=True)
    commands.end(work, found, f"ended by {person.id}")
    return views.subscription_view(work, found, person)


@router.get(_DELIVERIES)
def list_deliveries(
    review: Name, subscription: Name, work: Reading, person: Subscriber, page: Hundred
) -> Page[DeliveryView]:
    """What was or is to be sent, newest first, with every attempt and what was wrong with it."""
    found = store.deliveries(work, _of(work, review, subscription, person).id, page)
    return found.shown_as(views.delivery_views(work, found.rows))


@router.post(_DELIVERIES + "/{delivery}/redeliver")
def resend_delivery(
    review: Name, subscription: Name, delivery: Name, work: Unit, person: Subscriber, key: IdempotencyKey = None
) -> DeliveryView:
    """Send a notification again, under the same `webhook-id`; the schedule of its retries begins anew."""

    def do() -> DeliveryView:
        found = _of(work, review, subscription, person, lock=True)
        commands.redeliver(work, found, store.delivery(work, delivery, of=found.id))
        return views.delivery_view(work, delivery)

    return work.once(key, f"redeliver {delivery}", None, do)


@router.post(_SUBSCRIPTION + "/test", status_code=202)
def send_test(
    review: Name, subscription: Name, work: Unit, person: Subscriber, key: IdempotencyKey = None
) -> DeliveryView:
    """Send a notification of type `test` to a webhook."""

    def do() -> DeliveryView:
        return views.delivery_view(work, commands.send_trial(work, _of(work, review, subscription, person, lock=True)))

    return work.once(key, f"test {subscription}", None, do)


@router.get(
    "/reviews/{review}/feed.atom",
    response_class=Feed,
    responses={304: {"description": "The asker has this very page."}},
    openapi_extra={"parameters": _CONDITIONS},
)
def show_feed(
    review: Name,
    request: Request,
    work: Reading,
    person: AnybodySubscribed,
    asked: Entries,
) -> Response:
    """The review's published revisions as an Atom feed, newest first; `next` links lead to older ones.

    Feed readers may send the token as the password of Basic authentication; of a public review anybody reads the same
    at the address of its pages.
    """
    link = domain.public_feed_link if person.is_anybody else domain.feed_link
    return _answer_with(_feed_page(work, review, "revision", asked, link), request)


@router.get(
    "/reviews/{review}/trouble.atom",
    response_class=Feed,
    responses={304: {"description": "The asker has this very page."}},
    openapi_extra={"parameters": _CONDITIONS},
)
def show_trouble_feed(
    review: Name,
    request: Request,
    work: Reading,
    person: LeadSubscriber,
    asked: Entries,
) -> Response:
    """Trouble with the sources of the review, each all-clear, and searches by hand that are due, as an Atom feed for
    leads, newest first."""
    return _answer_with(_feed_page(work, review, "trouble", asked, domain.trouble_link), request)


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Name, work: Reading, person: Confirmer) -> OldNames:
    """The names that subscriptions bear from before people had ids."""
    return OldNames.of(store.owners(work, review))


def _of(work: Work, review: str, subscription: str, person: Person, *, lock: bool = False) -> SubscriptionRow:
    """A subscription this person may see and act on: their own, or any of the review for a lead."""
    owner = None if person.has("lead") else person.id
    return store.subscription(work, review, subscription, owner=owner, lock=lock)


def _feed_page(
    work: Work,
    review: str,
    kind: Literal["revision", "trouble"],
    asked: PageAsked,
    link_to: Callable[[str, str], str],
) -> atom.FeedPage:
    """A page of a feed that is read at `link_to` an address of ours and a review."""
    found = store.entries(work, review, domain.IN_FEED[kind], asked)
    url = work.settings.public_url
    link = link_to(url, review)
    return atom.FeedPage(
        review=review,
        kind=kind,
        notifications=[_led(_ENTRY.validate_json(row.body), url) for row in found.rows],
        self_link=_with(link, asked.cursor, asked.limit),
        first_link=_with(link, None, asked.limit),
        next_link=_with(link, found.next, asked.limit) if found.next else None,
    )


def _led(entry: domain.FeedEntry, public_url: str) -> domain.FeedEntry:
    """An entry that leads to where it is read today."""
    entry.data.link = domain.link_of(entry, public_url)
    return entry


def _answer_with(page: atom.FeedPage, request: Request) -> Response:
    """The page as a document, or that the asker has it."""
    _require_bearable(request)
    document = atom.write_feed(page)
    etag = f'"{hashlib.sha256(document).hexdigest()}"'
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(page.updated.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
    }
    if _is_known(request, etag, page.updated):
        return Response(status_code=304, headers=headers)
    return Feed(document, headers=headers)


def _with(link: str, cursor: str | None, limit: int) -> str:
    asked = {"cursor": cursor, "limit": limit if limit != FEED_ENTRIES else None}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{link}?{query}" if query else link


def _require_bearable(request: Request) -> None:
    """Raises Invalid for a condition longer than any we give out."""
    for condition in _CONDITIONS:
        name = str(condition["name"])
        if len(request.headers.get(name, "")) > _LONGEST_CONDITION:
            why = f"must have at most {_LONGEST_CONDITION} characters"
            raise Invalid.of(name, why)


def _is_known(request: Request, etag: str, updated: datetime) -> bool:
    """Whether the asker has this very document (RFC 9110: If-None-Match outranks If-Modified-Since)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in known.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    since = since.replace(tzinfo=UTC) if since.tzinfo is None else since
    return updated.replace(microsecond=0) <= since
