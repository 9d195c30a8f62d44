"""Views: subscriptions and deliveries as people may see them; whose webhook's address is shown is decided here."""

from __future__ import annotations

from collections.abc import Sequence

from services.notify import domain, store
from services.notify.domain.gathering import has_morning, zone_of
from services.notify.domain.tokens import Opens
from services.notify.models import AttemptRow, DeliveryRow, NotificationRow, SubscriptionRow
from shared.db.work import Work
from shared.tokens import Person
from shared.wire.notify import AttemptView, DeliveryView, MailSubscription, SubscriptionView


def subscription_view(work: Work, row: SubscriptionRow, person: Person) -> SubscriptionView:
    link = domain.trouble_link if row.kinds == ["trouble"] else domain.feed_link
    address = row.url or link(work.settings.public_url, row.review)
    if row.url and row.owner != person.id:
        address = domain.veiled(row.url) if row.channel == "email" else domain.origin(row.url)
    shown = row.model_dump(include={*SubscriptionView.model_fields} - {"address"})
    return SubscriptionView(
        **shown, address=address, zone_unknown=has_morning(row.every) and row.active and zone_of(row.zone) is None
    )


def mail_subscription(row: SubscriptionRow, opens: Opens) -> MailSubscription:
    return MailSubscription(
        review=row.review, address=row.url or "", confirmed=row.unconfirmed_until is None, active=row.active,
        opens=opens,
    )  # fmt: skip


def delivery_view(work: Work, delivery: str) -> DeliveryView:
    work.session.flush()
    return delivery_views(work, [store.delivery_and_notification(work, delivery)])[0]


def delivery_views(work: Work, rows: Sequence[tuple[DeliveryRow, NotificationRow]]) -> list[DeliveryView]:
    attempts = store.attempts(work, [delivery.id for delivery, _ in rows])
    return [_shown(delivery, notification, attempts[delivery.id]) for delivery, notification in rows]


def _shown(delivery: DeliveryRow, notification: NotificationRow, attempts: list[AttemptRow]) -> DeliveryView:
    shown = delivery.model_dump(include={*DeliveryView.model_fields} - {"attempts"})
    made = [AttemptView(**attempt.model_dump(exclude={"delivery"})) for attempt in attempts]
    return DeliveryView(**shown, kind=notification.kind, about=notification.about, attempts=made)
