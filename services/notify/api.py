"""The routes of notify: subscriptions, their deliveries, and the feed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from services.notify import domain, handlers, store
from services.notify.channels import atom
from services.notify.models import Attempt, Delivery, Notice, Subscription
from shared.db.work import Work
from shared.http.auth import Reader
from shared.http.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from shared.http.parameters import DIGITS, Name, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.tokens import Person
from shared.wire.notify import (
    AttemptView,
    DeliveryView,
    NewSubscription,
    RevisionNotice,
    SubscriptionCreated,
    SubscriptionView,
)

router = APIRouter(prefix="/notify", tags=["notify"], route_class=Route)
Unit, Reading = unit_of("notify"), reading_of("notify")

_SUBSCRIPTIONS = "/reviews/{review}/subscriptions"
_SUBSCRIPTION = _SUBSCRIPTIONS + "/{subscription}"
_DELIVERIES = _SUBSCRIPTION + "/deliveries"

#: How many entries a page of the feed holds at most.
FEED_ENTRIES = 100

FeedLimit = Annotated[int, Query(ge=1, le=FEED_ENTRIES), DIGITS]


class Feed(Response):
    """An Atom document."""

    media_type = atom.MEDIA_TYPE


_CONDITIONS = [
    {"name": name, "in": "header", "description": why, "schema": {"type": "string", "maxLength": 1000}}
    for name, why in (
        ("If-None-Match", "The `ETag` of the page one has; it outranks the other."),
        ("If-Modified-Since", "The `Last-Modified` of the page one has."),
    )
]


@router.post(_SUBSCRIPTIONS, status_code=201)
def subscribe(
    review: Name, body: NewSubscription, work: Unit, who: Reader, key: IdempotencyKey = None
) -> SubscriptionCreated:
    """Subscribe me to a review. The secret of a webhook's signatures is in this answer and in no other."""
    if "overdue" in body.kinds:
        who.require("lead")
    # Looked up before the first statement, since a name server may be slow and a transaction must not wait.
    host = work.resources.webhook.check(body.url) if body.url is not None else ""

    def make() -> SubscriptionView:
        return _view(work, handlers.subscribe(work, review, body, host=host), who)

    # The secret is not part of the answer that is kept for a retried request: it is read where it belongs.
    made = SubscriptionView.model_validate(work.once(key, "subscribe", body, make))
    secret = store.subscription(work, review, made.id, owner=who.name).secret
    return SubscriptionCreated(**made.model_dump(), secret=secret)


@router.get(_SUBSCRIPTIONS)
def list_subscriptions(
    review: Name, work: Reading, who: Reader, everyone: YesNo = False, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[SubscriptionView]:
    """My subscriptions, oldest first; everyone's, for a lead."""
    if everyone:
        who.require("lead")
    place = decode_cursor(cursor, str)
    after = str(place[0]) if place else None
    owner = None if everyone else who.name
    rows = store.subscriptions(work, review, owner=owner, after=after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return Page(items=[_view(work, row, who) for row in rows], next=encode_cursor(rows[-1].id) if more else None)


@router.get(_SUBSCRIPTION)
def show_subscription(review: Name, subscription: Name, work: Reading, who: Reader) -> SubscriptionView:
    """One subscription of mine; anyone's, for a lead."""
    return _view(work, _of(work, review, subscription, who), who)


@router.delete(_SUBSCRIPTION)
def end_subscription(review: Name, subscription: Name, work: Unit, who: Reader) -> SubscriptionView:
    """End a subscription. What waits for it is called off; its deliveries can still be listed."""
    found = _of(work, review, subscription, who, lock=True)
    handlers.end(work, found, f"ended by {who.name}")
    return _view(work, found, who)


@router.get(_DELIVERIES)
def list_deliveries(
    review: Name, subscription: Name, work: Reading, who: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[DeliveryView]:
    """What was or is to be sent, newest first, with every attempt and what was wrong with it."""
    found = _of(work, review, subscription, who)
    place = decode_cursor(cursor, str)
    before = str(place[0]) if place else None
    rows = store.deliveries(work, found.id, before=before, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return Page(items=_deliveries(work, rows), next=encode_cursor(rows[-1][0].id) if more else None)


@router.post(_DELIVERIES + "/{delivery}/redeliver")
def redeliver(
    review: Name, subscription: Name, delivery: Name, work: Unit, who: Reader, key: IdempotencyKey = None
) -> DeliveryView:
    """Send a notice again, under the same `webhook-id`; the schedule of its retries begins anew."""

    def do() -> DeliveryView:
        found = _of(work, review, subscription, who, lock=True)
        handlers.redeliver(work, found, store.delivery(work, delivery, of=found.id))
        return _delivery(work, delivery)

    return work.once(key, f"redeliver {delivery}", None, do)


@router.post(_SUBSCRIPTION + "/test", status_code=202)
def send_test(review: Name, subscription: Name, work: Unit, who: Reader, key: IdempotencyKey = None) -> DeliveryView:
    """Send a notice of type `test` to a webhook."""

    def do() -> DeliveryView:
        return _delivery(work, handlers.send_trial(work, _of(work, review, subscription, who, lock=True)))

    return work.once(key, f"test {subscription}", None, do)


@router.get(
    "/reviews/{review}/feed.atom",
    response_class=Feed,
    responses={304: {"description": "The asker has this very page."}},
    openapi_extra={"parameters": _CONDITIONS},
)
def feed(
    review: Name,
    request: Request,
    work: Reading,
    who: Reader,
    cursor: Cursor | None = None,
    limit: FeedLimit = FEED_ENTRIES,
) -> Response:
    """The review's published revisions as an Atom feed, newest first; `next` links lead to older ones.

    Feed readers may send the token as the password of Basic authentication.
    """
    page = _feed_page(work, review, cursor, limit)
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


def _of(work: Work, review: str, subscription: str, who: Person, *, lock: bool = False) -> Subscription:
    """A subscription this person may see and act on: their own, or any of the review for a lead."""
    owner = None if who.has("lead") else who.name
    return store.subscription(work, review, subscription, owner=owner, lock=lock)


def _view(work: Work, row: Subscription, who: Person) -> SubscriptionView:
    address = row.url or domain.feed_link(work.settings.public_url, row.review)
    if row.url and row.owner != who.name:
        address = domain.origin(row.url)
    return SubscriptionView(**row.model_dump(exclude={"url", "host", "secret"}), address=address)


def _delivery(work: Work, delivery: str) -> DeliveryView:
    work.session.flush()
    return _deliveries(work, [store.delivery_and_notice(work, delivery)])[0]


def _deliveries(work: Work, rows: Sequence[tuple[Delivery, Notice]]) -> list[DeliveryView]:
    attempts = store.attempts(work, [delivery.id for delivery, _ in rows])
    return [_delivery_view(delivery, notice, attempts[delivery.id]) for delivery, notice in rows]


def _delivery_view(delivery: Delivery, notice: Notice, attempts: list[Attempt]) -> DeliveryView:
    shown = delivery.model_dump(include={*DeliveryView.model_fields} - {"attempts"})
    made = [AttemptView(**attempt.model_dump(exclude={"delivery"})) for attempt in attempts]
    return DeliveryView(**shown, kind=notice.kind, about=notice.about, attempts=made)


def _feed_page(work: Work, review: str, cursor: str | None, limit: int) -> atom.FeedPage:
    rows = store.revisions(work, review, before=_place(cursor), limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    link = domain.feed_link(work.settings.public_url, review)
    older = encode_cursor(rows[-1].number, rows[-1].id) if more else None
    return atom.FeedPage(
        review=review,
        notices=[RevisionNotice.model_validate_json(row.body) for row in rows],
        self_link=_with(link, cursor, limit),
        first_link=_with(link, None, limit),
        next_link=_with(link, older, limit) if older else None,
    )


def _place(cursor: str | None) -> tuple[int, str] | None:
    place = decode_cursor(cursor, int, str)
    return (place[0], place[1]) if place else None


def _with(link: str, cursor: str | None, limit: int) -> str:
    asked = {"cursor": cursor, "limit": limit if limit != FEED_ENTRIES else None}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{link}?{query}" if query else link


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
