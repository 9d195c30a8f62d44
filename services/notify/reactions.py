"""What notify does when it hears something: the one notification about it is frozen, with its deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from services.notify import commands, domain, store
from services.notify.commands import write_notification
from services.notify.domain.filters import concerned
from services.notify.models import NotificationKind, NotificationRow, StandingRow, TroubleRow, WithdrawnRow
from services.notify.store import Subscribed
from shared.db.work import Work
from shared.events.ingest import (
    RunFinished,
    SearchDue,
    SearchFulfilled,
    SourceParked,
    SourceResumed,
    SweepFinished,
    WatchStopped,
)
from shared.events.notify import NoticeDelivered
from shared.events.people import AccessWithdrawn, HandoverAccepted, MemberLeft, NameMapped, RoleChanged
from shared.events.screening import AgreementFell, ConflictOpened, QueueMoved
from shared.events.search import AlertMatched
from shared.events.synthesis import CourseChanged, ReviewOverdue, RevisionPublished, RevisionWithdrawn
from shared.ids import id_of
from shared.tokens import ROLES
from shared.wire.notify import AllClearNotification, Notification, TroubleNotification


def write_notifications(work: Work, event: RevisionPublished) -> None:
    """Freezes the notification of a revision, which is its feed entry, and makes a delivery for each
    subscription that it concerns."""
    body = domain.revision_notification(event, at=work.occurred, public_url=work.settings.public_url)
    notification = _freeze(
        work, body, review=event.review, kind="revision", about=event.revision,
        number=_next_of(work, event.review, "revision"),
        to=store.subscribers(work, event.review, "revision", changed=concerned(event)),
    )  # fmt: skip
    if notification is not None:
        store.end_cycle(work, event.review)
        store.add_changed_cmocs(work, notification, [it.cmoc for it in body.data.changed if it.cmoc])
        _tell_of_entry(work, notification, feed=f"feed:{event.review}")


def write_withdrawal_notification(work: Work, event: RevisionWithdrawn) -> None:
    """Freezes the notification that a revision was withdrawn, for everybody who is told of revisions, whatever of: they
    may have gone by it. Its own entry of the feed says so from then on."""
    notification = _freeze(
        work, domain.withdrawal_notification(event, at=work.occurred, public_url=_url(work)), review=event.review,
        kind="withdrawal", about=event.revision, number=_next_of(work, event.review, "revision"),
        to=store.subscribers(work, event.review, "revision"),
    )  # fmt: skip
    if notification is not None:
        work.add(
            WithdrawnRow(
                review=event.review, number=event.number, at=work.occurred, why=event.why, replaced_by=event.replaced_by
            )
        )  # fmt: skip
        _tell_of_entry(work, notification, feed=f"feed:{event.review}")


def write_course_notification(work: Work, event: CourseChanged) -> None:
    """Freezes the notification that a review is paused, goes on or is retired, which is an entry of its feed, for
    whoever asked for it."""
    body = domain.course_notification(event, at=work.occurred, public_url=_url(work))
    if body is None:
        return
    notification = _freeze(
        work, body, review=event.review, kind="course", about=event.course,
        number=_next_of(work, event.review, "revision"), cause=work.causation,
    )  # fmt: skip
    if notification is not None:
        _tell_of_entry(work, notification, feed=f"feed:{event.review}")


def write_handover_notification(work: Work, event: HandoverAccepted) -> None:
    """The same of a review that was handed over to another lead."""
    body = domain.handover_notification(event, at=work.occurred, public_url=_url(work))
    notification = _freeze(
        work, body, review=event.review, kind="course", about="handed_over",
        number=_next_of(work, event.review, "revision"), cause=event.handover,
    )  # fmt: skip
    if notification is not None:
        _tell_of_entry(work, notification, feed=f"feed:{event.review}")


def write_overdue_notification(work: Work, event: ReviewOverdue) -> None:
    """Freezes the alarm that a review is overdue, for the leads who asked for it."""
    body = domain.overdue_notification(event, at=work.occurred, public_url=work.settings.public_url)
    _freeze(work, body, review=event.review, kind="overdue", about=event.due.isoformat())


def follow_source(work: Work, event: RunFinished | SweepFinished) -> None:
    """Tells a review's leads, once a day, that a source's answers are not whole; and that they are again, once none of
    its watches fails any more. Trouble after an all-clear is told anew, also on the same day."""
    row = store.lock_trouble(work, event.review, event.source)
    what = domain.trouble_in(event)
    if what is not None:
        body = domain.trouble_notification(event, what, at=work.occurred, public_url=_url(work))
        _tell_trouble(work, row, body, of_watch=event.watch)
    elif row is not None:
        _tell_all_clear(work, event, row)


def follow_stopped_watch(work: Work, event: WatchStopped) -> None:
    """Waits no more for a watch that is pulled no more: where it was the last in trouble the leads are told that all is
    clear."""
    row = store.lock_trouble(work, event.review, event.source)
    if row is not None:
        _tell_all_clear(work, event, row)


def follow_parked_source(work: Work, event: SourceParked) -> None:
    """Tells a review's leads that a source is left alone: trouble like any other of that source and day."""
    body = domain.parked_notification(event, at=work.occurred, public_url=_url(work))
    _tell_trouble(work, store.lock_trouble(work, event.review, event.source), body)


def follow_resumed_source(work: Work, event: SourceResumed) -> None:
    """Tells the leads that all is clear with a source of which no run tells."""
    row = store.lock_trouble(work, event.review, event.source)
    if row is not None:
        _tell_all_clear(work, event, row)


def write_search_notification(work: Work, event: SearchDue) -> None:
    """Freezes the notification that a search by hand is due, or past its day: for whoever is to make it, where they
    have a subscription for that, and else for the leads who are told of trouble."""
    owned: list[Subscribed] = []
    if event.owner is not None:
        chunks = store.subscribers(work, event.review, "search", "trouble", owner=event.owner)
        owned = [each for chunk in chunks for each in chunk]
    notification = _freeze(
        work, domain.search_notification(event, at=work.occurred, public_url=_url(work)), review=event.review,
        kind="search", about=f"{event.strategy} due on {event.due}", number=_next_of(work, event.review, "trouble"),
        cause=domain.due_of_search(event.watch, event.due, overdue=event.overdue),
        to=[owned] if owned else store.subscribers(work, event.review, "trouble"),
    )  # fmt: skip
    if notification is not None:
        _tell_of_entry(work, notification, feed=f"feed:{event.review}:trouble")


def write_agreement_notification(work: Work, event: AgreementFell) -> None:
    """Freezes the notification that two people agree less than their protocol asks for: for the leads who are told of
    trouble. One that is long past is not told."""
    if work.occurred < work.now - domain.OLD_TROUBLE:
        return
    notification = _freeze(
        work, domain.agreement_notification(event, at=work.occurred, public_url=_url(work)), review=event.review,
        kind="agreement", about=f"{event.stage}: {event.first} and {event.second}",
        number=_next_of(work, event.review, "trouble"), cause=work.causation,
        to=store.subscribers(work, event.review, "trouble"),
    )  # fmt: skip
    if notification is not None:
        _tell_of_entry(work, notification, feed=f"feed:{event.review}:trouble")


def write_conflict_notification(work: Work, event: ConflictOpened) -> None:
    """Freezes the notification that a task is a conflict, for those who adjudicate and asked for it. One that is long
    past is not told."""
    if work.occurred >= work.now - domain.OLD_TROUBLE:
        body = domain.conflict_notification(event, at=work.occurred, public_url=_url(work))
        _freeze(work, body, review=event.review, kind="conflict", about=event.task, cause=work.causation)


def follow_queue(work: Work, event: QueueMoved) -> None:
    """Keeps how the stages stand, of which a job tells (`jobs.send_digests`), and freezes the notifications of those
    whose queue ran empty."""
    heard = work.causation or ""
    stages = [stage.model_dump() for stage in event.stages]
    store.keep_standing(
        work,
        StandingRow(review=event.review, event=heard, stages=stages, at=work.occurred, correlation=work.correlation),
    )
    if work.occurred < work.now - domain.OLD_TROUBLE:
        return
    for body in domain.queue_notifications(event, at=work.occurred, public_url=_url(work)):
        stage = body.data.stage
        _freeze(work, body, review=event.review, kind="queue", about=stage, cause=f"{heard} {stage}")


def write_alert_notification(work: Work, event: AlertMatched) -> None:
    """Freezes the notification that a saved search finds more, for its owner alone, where they asked for it. One that
    is long past is not told."""
    if work.occurred < work.now - domain.OLD_TROUBLE:
        return
    chunks = store.subscribers(work, event.review, "alert", owner=event.owner)
    theirs = [each for chunk in chunks for each in chunk]
    if theirs:
        body = domain.alert_notification(event, at=work.occurred, public_url=_url(work))
        _freeze(
            work, body, review=event.review, kind="alert", about=event.saved, cause=work.causation, to=[theirs]
        )  # fmt: skip


def call_off_search(work: Work, event: SearchFulfilled) -> None:
    """Asks nobody any more for a search that was made."""
    causes = [domain.due_of_search(event.watch, event.due, overdue=overdue) for overdue in (False, True)]
    notifications = [_id_of(event.review, "search", cause) for cause in causes]
    store.cancel_waiting_for(work, notifications)
    store.forget_gathered_for(work, notifications)


def end_subscriptions(work: Work, event: MemberLeft) -> None:
    """Tells somebody who left a review nothing more of it."""
    for row in store.active_of(work, event.person, event.review):
        commands.end(work, row, "its owner left the review")


def tell_leads_alone(work: Work, event: RoleChanged) -> None:
    """Tells somebody who is no lead of a review any more nothing that is for leads, and whoever may not adjudicate
    nothing that is for those who do."""
    if ROLES.index(event.role) < ROLES.index("lead"):
        for row in store.active_of(work, event.person, event.review):
            commands.take_from_leads(work, row)
            if ROLES.index(event.role) < ROLES.index("adjudicator"):
                commands.take_from_adjudicators(work, row)


def end_subscriptions_of_key(work: Work, event: AccessWithdrawn) -> None:
    """Tells a program whose key was withdrawn nothing more. A person's other keys may still be theirs."""
    for row in store.active_of(work, event.subject) if event.subject.startswith("key_") else ():
        commands.end(work, row, "its key was withdrawn")


def give_subscriptions_to_person(work: Work, event: NameMapped) -> None:
    """Has the subscriptions that were made under an old name be its person's. What was sent to them stays as it was."""
    store.replace_name(work, event.review, event.name, event.person)


def _tell_trouble(
    work: Work, row: TroubleRow | None, body: TroubleNotification, *, of_watch: str | None = None
) -> None:
    data = body.data
    is_past = row is not None and row.cleared_at is not None and work.occurred < row.cleared_at
    if is_past or work.occurred < work.now - domain.OLD_TROUBLE:
        return
    is_known = row is not None and row.since is not None and row.last_day >= data.day
    if row is None:
        row = work.add(TroubleRow(review=data.review, source=data.source, last_day=data.day, met_at=work.occurred))
    if data.what == "rejections" and of_watch is not None:
        row.rejecting = sorted({*row.rejecting, of_watch})
    row.met_at = max(row.met_at, work.occurred)
    if not is_known:
        row.since, row.last_day = row.since or data.day, max(row.last_day, data.day)
        _tell_leads(work, data.review, f"{data.source} on {data.day}", body)


def _tell_all_clear(
    work: Work, event: RunFinished | SweepFinished | WatchStopped | SourceResumed, row: TroubleRow
) -> None:
    if not isinstance(event, SourceResumed):
        row.rejecting = [watch for watch in row.rejecting if watch != event.watch]
        # A run of a release that did not count says nothing of the others.
        if event.still_failing != 0:
            return
    if row.since is None or row.rejecting or work.occurred < row.met_at:
        return
    body = domain.all_clear_notification(event, since=row.since, at=work.occurred, public_url=_url(work))
    row.since, row.cleared_at = None, work.occurred
    _tell_leads(work, event.review, f"{event.source} after {body.data.since}", body)


def _tell_leads(work: Work, review: str, about: str, body: TroubleNotification | AllClearNotification) -> None:
    """Freezes a notification of trouble, numbered among those of its review: the one that this run is the cause of."""
    number = _next_of(work, review, "trouble")
    cause = f"{body.type} {body.data.run or f'{about}, {work.occurred.isoformat()}'}"
    notification = _freeze(work, body, review=review, kind="trouble", about=about, number=number, cause=cause)
    if notification is not None:
        _tell_of_entry(work, notification, feed=f"feed:{review}:trouble")


def _next_of(work: Work, review: str, feed: Literal["revision", "trouble"]) -> int:
    """The number of the next entry of a feed: of the review's own, or of the leads'."""
    return store.last_number(work, review, domain.IN_FEED[feed]) + 1


def _tell_of_entry(work: Work, notification: NotificationRow, *, feed: str) -> None:
    work.emit(
        NoticeDelivered(
            review=notification.review, subscription=feed, delivery=notification.id,
            channel="feed", about=notification.about, attempts=1,
        )
    )  # fmt: skip


def _url(work: Work) -> str:
    return work.settings.public_url


def _freeze(
    work: Work,
    body: Notification,
    *,
    review: str,
    kind: NotificationKind,
    about: str,
    number: int = 0,
    cause: str | None = None,
    to: Iterable[list[Subscribed]] | None = None,
) -> NotificationRow | None:
    """Writes the one notification of this kind about this thing, or of this cause where one thing may be told of more
    than once, and its deliveries, to whoever asks for its kind or `to` others; None when it is there already.

    Two that come at once meet at the primary key; the second is heard again and then finds it.
    """
    notification_id = _id_of(review, kind, cause or about)
    if store.has_notification(work, notification_id):
        return None
    notification = write_notification(
        work, body, id=notification_id, review=review, kind=kind, about=about, number=number
    )
    for subscribed in store.subscribers(work, review, kind) if to is None else to:
        commands.tell(work, notification, subscribed)
    return notification


def _id_of(review: str, kind: NotificationKind, cause: str) -> str:
    return id_of("ntc", review, kind, cause)
