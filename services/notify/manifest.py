"""Notify as one table."""

from __future__ import annotations

from pathlib import Path

from services.notify import api, jobs, reactions
from services.notify.models import Base
from services.notify.ports.channels.open import open_channels
from shared.events.ingest import (
    RunFinished,
    SearchDue,
    SearchFulfilled,
    SourceParked,
    SourceResumed,
    SweepFinished,
    WatchStopped,
)
from shared.events.notify import DeliveryFailed, NoticeDelivered
from shared.events.people import AccessWithdrawn, HandoverAccepted, MemberLeft, NameMapped, RoleChanged
from shared.events.screening import AgreementFell, ConflictOpened, QueueMoved
from shared.events.search import AlertMatched
from shared.events.synthesis import CourseChanged, ReviewOverdue, RevisionPublished, RevisionWithdrawn
from shared.service import Prune, Service, every, on

SERVICE = Service(
    name="notify",
    summary="Tells subscribers what changed and why, once for each published revision, and leads of trouble.",
    package=Path(__file__).parent,
    tables=Base.metadata,
    routes=api.router,
    reactions=[
        on(RevisionPublished, reactions.write_notifications),
        on(RevisionWithdrawn, reactions.write_withdrawal_notification),
        on(CourseChanged, reactions.write_course_notification),
        on(HandoverAccepted, reactions.write_handover_notification),
        on(ReviewOverdue, reactions.write_overdue_notification),
        on(RunFinished, reactions.follow_source),
        on(SweepFinished, reactions.follow_source),
        on(WatchStopped, reactions.follow_stopped_watch),
        on(SourceParked, reactions.follow_parked_source),
        on(SourceResumed, reactions.follow_resumed_source),
        on(SearchDue, reactions.write_search_notification),
        on(SearchFulfilled, reactions.call_off_search),
        on(AgreementFell, reactions.write_agreement_notification),
        on(ConflictOpened, reactions.write_conflict_notification),
        on(QueueMoved, reactions.follow_queue),
        on(AlertMatched, reactions.write_alert_notification),
        on(RoleChanged, reactions.tell_leads_alone),
        on(MemberLeft, reactions.end_subscriptions),
        on(AccessWithdrawn, reactions.end_subscriptions_of_key),
        on(NameMapped, reactions.give_subscriptions_to_person),
    ],
    jobs=[
        every(seconds=2, run=jobs.deliver_due),
        every(minutes=1, run=jobs.send_digests),
        every(minutes=1, run=jobs.send_gathered),
    ],
    prunes=[Prune(jobs.deliveries_that_are_over, "delivery_days")],
    emits=[NoticeDelivered, DeliveryFailed],
    resources=open_channels,
)
