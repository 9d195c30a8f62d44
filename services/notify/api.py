"""The routes of notify: subscriptions, their deliveries, and the feed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, TypeAdapter

from services.notify import commands, domain, store, views
from services.notify.domain.tokens import Opens, does_open
from services.notify.models import SubscriptionRow
from services.notify.ports.channels import atom, json_feed
from services.notify.ports.channels.atom import FeedPage
from services.notify.ports.channels.open import Channels
from shared.db.work import Work
from shared.errors import Invalid, NotFound
from shared.http.auth import AnybodySubscribed, Confirmer, LeadSubscriber, Subscriber
from shared.http.bodies import from_anybody
from shared.http.paging import Hundred, asking
from shared.http.parameters import Name, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, open_unit_of, reading_of, unit_of
from shared.paging import Page, PageAsked
from shared.tokens import Person
from shared.wire.notify import (
    FOR_ADJUDICATORS,
    FOR_LEADS,
    DeliveryView,
    MailSubscription,
    NewSubscription,
    RevisionNotification,
    SubscriptionCreated,
    SubscriptionView,
    WithdrawnSince,
)
from shared.wire.people import OldNames

router = APIRouter(prefix="/notify", tags=["notify"], route_class=Route)
Unit = Annotated[Work, unit_of("notify")]
Reading = Annotated[Work, reading_of("notify")]
OpenUnit = Annotated[Work, open_unit_of("notify")]
OpenReading = Annotated[Work, open_unit_of("notify", readonly=True)]

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


class JsonFeed(Response):
    """A JSON Feed."""

    media_type = json_feed.MEDIA_TYPE


_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The asker has this very page."}}

_AS_JSON = {200: {"content": {json_feed.MEDIA_TYPE: {"schema": json_feed.SCHEMA}}}} | _UNCHANGED

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
    address = body.address or body.url
    host = work.resource(Channels).of(body.channel).check(address) if address is not None else ""

    def make() -> SubscriptionView:
        return views.subscription_view(work, commands.subscribe(work, review, body, host=host), person)

    # The secret is not part of the answer that is kept for a retried request: it is read where it belongs.
    made = SubscriptionView.model_validate(work.once(key, "subscribe", body, make))
    return _with_secret(work, made, person)


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


@router.post(_SUBSCRIPTION + "/secret")
def renew_secret(
    review: Name, subscription: Name, work: Unit, person: Subscriber, key: IdempotencyKey = None
) -> SubscriptionCreated:
    """Give one webhook of mine a new secret, which this answer shows once. The old one signs beside it for a day, so
    that its receiver can change over."""
    wall = work.resource(Channels).wall.now()

    def make() -> SubscriptionView:
        found = store.subscription(work, review, subscription, owner=person.id, lock=True)
        commands.rotate_secret(work, found, wall=wall)
        return views.subscription_view(work, found, person)

    made = SubscriptionView.model_validate(work.once(key, f"rotate {subscription}", None, make))
    return _with_secret(work, made, person)


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
    responses=_UNCHANGED,
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
    responses=_UNCHANGED,
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


@router.get(
    "/reviews/{review}/feed.json",
    response_class=JsonFeed,
    responses=_AS_JSON,
    openapi_extra={"parameters": _CONDITIONS},
)
def show_json_feed(
    review: Name, request: Request, work: Reading, person: AnybodySubscribed, asked: Entries
) -> Response:
    """The review's published revisions as a JSON Feed, newest first; `next_url` leads to older ones."""
    return _answer_with(_feed_page(work, review, "revision", asked, domain.json_feed_link), request)


@router.get(
    "/reviews/{review}/cmocs/{cmoc}/feed.atom",
    response_class=Feed,
    responses=_UNCHANGED,
    openapi_extra={"parameters": _CONDITIONS},
)
def show_feed_of_cmoc(
    review: Name, cmoc: Name, request: Request, work: Reading, person: AnybodySubscribed, asked: Entries
) -> Response:
    """Those revisions that changed one CMOC, as an Atom feed, newest first."""
    link = partial(domain.cmoc_feed_link, cmoc=cmoc, form="atom")
    return _answer_with(_feed_page(work, review, "revision", asked, link, cmoc=cmoc), request)


@router.get(
    "/reviews/{review}/cmocs/{cmoc}/feed.json",
    response_class=JsonFeed,
    responses=_AS_JSON,
    openapi_extra={"parameters": _CONDITIONS},
)
def show_json_feed_of_cmoc(
    review: Name, cmoc: Name, request: Request, work: Reading, person: AnybodySubscribed, asked: Entries
) -> Response:
    """Those revisions that changed one CMOC, as a JSON Feed, newest first."""
    link = partial(domain.cmoc_feed_link, cmoc=cmoc, form="json")
    return _answer_with(_feed_page(work, review, "revision", asked, link, cmoc=cmoc), request)


@router.get("/mail/{subscription}/{token}")
@from_anybody
def show_mail_subscription(subscription: Name, token: Name, work: OpenReading) -> MailSubscription:
    """What whoever was sent this link is told of, and whether they have said that they want it."""
    return views.mail_subscription(*_mailed(work, subscription, token, "confirm", "leave"))


@router.post("/mail/{subscription}/{token}/confirm")
@from_anybody
def accept_mail(subscription: Name, token: Name, work: OpenUnit) -> MailSubscription:
    """Have mail come to whoever was sent this link, from now on. Nothing else opens by it."""
    found, opens = _mailed(work, subscription, token, "confirm", lock=True)
    commands.confirm(work, found)
    return views.mail_subscription(found, opens)


@router.get("/mail/{subscription}/{token}/leave", status_code=303, response_class=RedirectResponse)
@from_anybody
def show_mail_leave(subscription: Name, token: Name, work: OpenReading) -> RedirectResponse:
    """The page at which whoever was sent this link says that they want no more, for a mail program that opens it."""
    return RedirectResponse(domain.mail_link(work.settings.public_url, subscription, token), 303)


@router.post("/mail/{subscription}/{token}/leave")
@from_anybody
def close_mail(subscription: Name, token: Name, work: OpenUnit) -> MailSubscription:
    """Have no more mail come to whoever was sent this link. Mail programs ask this by themselves (RFC 8058)."""
    found, opens = _mailed(work, subscription, token, "leave", lock=True)
    commands.end(work, found, "whoever reads its mail wants no more")
    return views.mail_subscription(found, opens)


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Name, work: Reading, person: Confirmer) -> OldNames:
    """The names that subscriptions bear from before people had ids."""
    return OldNames.of(store.owners(work, review))


def _mailed(
    work: Work, subscription: str, token: str, *those: Opens, lock: bool = False
) -> tuple[SubscriptionRow, Opens]:
    """The subscription by mail that a link opens, and for what. Raises NotFound, in the same words whatever is wrong
    with it."""
    found = store.by_mail(work, subscription, lock=lock)
    for opens in those:
        if found is not None and does_open(token, found.secret or "", found.id, opens):
            return found, opens
    raise NotFound("this link opens nothing")


def _with_secret(work: Work, made: SubscriptionView, person: Person) -> SubscriptionCreated:
    """A webhook with the secret of its signatures, which is read where it belongs."""
    row = store.subscription(work, made.review, made.id, owner=person.id)
    return SubscriptionCreated(**made.model_dump(), secret=row.secret if row.channel == "webhook" else None)


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
    *,
    cmoc: str | None = None,
) -> FeedPage:
    """A page of a feed that is read at `link_to` an address of ours and a review; of one CMOC alone where it is
    given."""
    if cmoc is None:
        found = store.entries(work, review, domain.IN_FEED[kind], asked)
    else:
        found = store.entries_of_cmoc(work, review, cmoc, asked)
        if asked.after is None and not found.rows:
            raise NotFound(f"no revision of review {review!r} changed a CMOC {cmoc!r}")
    url = work.settings.public_url
    link = link_to(url, review)
    return FeedPage(
        review=review,
        kind=kind,
        cmoc=cmoc,
        notifications=_marked(work, review, [_led(_ENTRY.validate_json(row.body), url) for row in found.rows]),
        self_link=_with(link, asked.cursor, asked.limit),
        first_link=_with(link, None, asked.limit),
        next_link=_with(link, found.next, asked.limit) if found.next else None,
    )


def _led(entry: domain.FeedEntry, public_url: str) -> domain.FeedEntry:
    """An entry that leads to where it is read today."""
    entry.data.link = domain.link_of(entry, public_url)
    return entry


def _marked(work: Work, review: str, entries: list[domain.FeedEntry]) -> list[domain.FeedEntry]:
    """Entries; those of revisions that were withdrawn since say so."""
    published = {it.data.number: it.data for it in entries if isinstance(it, RevisionNotification)}
    for number, row in store.withdrawn(work, review, published).items():
        published[number].withdrawn = WithdrawnSince(at=row.at, why=row.why, replaced_by=row.replaced_by)
    return entries


def _answer_with(page: FeedPage, request: Request) -> Response:
    """The page as a document, or that the asker has it."""
    _require_bearable(request)
    as_json = request.url.path.endswith(".json")
    document = json_feed.write_feed(page) if as_json else atom.write_feed(page)
    etag = f'"{hashlib.sha256(document).hexdigest()}"'
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(page.updated.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
    }
    if _is_known(request, etag, page.updated):
        return Response(status_code=304, headers=headers)
    return (JsonFeed if as_json else Feed)(document, headers=headers)


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
