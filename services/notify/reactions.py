"""What notify does when it hears something: the one notification about it is frozen, with its deliveries."""

from __future__ import annotations

from services.notify import commands, domain, store
from services.notify.commands import write_notification
from services.notify.models import NotificationKind, NotificationRow
from shared.db.work import Work
from shared.events.notify import NoticeDelivered
from shared.events.people import AccessWithdrawn, MemberLeft, NameMapped
from shared.events.synthesis import ReviewOverdue, RevisionPublished
from shared.ids import id_of
from shared.wire.notify import OverdueNotification, RevisionNotification


def write_notifications(work: Work, event: RevisionPublished) -> None:
    """Freezes the notification of a revision, which is its feed entry, and makes a delivery for each webhook."""
    body = domain.revision_notification(event, at=work.occurred, public_url=work.settings.public_url)
    notification = _freeze(work, body, review=event.review, kind="revision", about=event.revision, number=event.number)
    if notification is not None:
        work.emit(
            NoticeDelivered(
                review=event.review, subscription=f"feed:{event.review}", delivery=notification.id,
                channel="feed", about=event.revision, attempts=1,
            )
        )  # fmt: skip


def write_overdue_notification(work: Work, event: ReviewOverdue) -> None:
    """Freezes the alarm that a review is overdue, for the leads who asked for it."""
    body = domain.overdue_notification(event, at=work.occurred, public_url=work.settings.public_url)
    _freeze(work, body, review=event.review, kind="overdue", about=event.due.isoformat())


def end_subscriptions(work: Work, event: MemberLeft) -> None:
    """Tells somebody who left a review nothing more of it."""
    for row in store.active_of(work, event.person, event.review):
        commands.end(work, row, "its owner left the review")


def end_subscriptions_of_key(work: Work, event: AccessWithdrawn) -> None:
    """Tells a program whose key was withdrawn nothing more. A person's other keys may still be theirs."""
    for row in store.active_of(work, event.subject) if event.subject.startswith("key_") else ():
        commands.end(work, row, "its key was withdrawn")


def give_subscriptions_to_person(work: Work, event: NameMapped) -> None:
    """Has the subscriptions that were made under an old name be its person's. What was sent to them stays as it was."""
    store.replace_name(work, event.review, event.name, event.person)


def _freeze(
    work: Work,
    body: RevisionNotification | OverdueNotification,
    *,
    review: str,
    kind: NotificationKind,
    about: str,
    number: int = 0,
) -> NotificationRow | None:
    """Writes the one notification of this kind about this thing, and its deliveries; None when it is there already.

    Two that come at once meet at the primary key; the second is heard again and then finds it.
    """
    notification_id = id_of("ntc", review, kind, about)
    if store.has_notification(work, notification_id):
        return None
    notification = write_notification(
        work, body, id=notification_id, review=review, kind=kind, about=about, number=number
    )
    for subscribed in store.subscribers(work, review, kind):
        store.add_deliveries(work, notification, subscribed)
    return notification
