"""The rules of notifications: what they say, when they are tried again, and when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from shared.events.ingest import RunFinished, SearchDue, SourceParked, SourceResumed, SweepFinished, WatchStopped
from shared.events.people import HandoverAccepted
from shared.events.screening import AgreementFell, ConflictOpened, QueueMoved
from shared.events.search import AlertMatched
from shared.events.synthesis import CourseChanged, ReviewOverdue, RevisionPublished, RevisionWithdrawn
from shared.pauses import no_less_than_asked
from shared.states import States
from shared.wire.notify import (
    FOR_ADJUDICATORS,
    FOR_LEADS,
    AgreementData,
    AgreementNotification,
    AlertData,
    AlertedRecord,
    AlertNotification,
    AllClearData,
    AllClearNotification,
    CmocChanges,
    ConflictData,
    ConflictNotification,
    CourseData,
    CourseNotification,
    DeliveryState,
    HandoverData,
    HandoverNotification,
    Line,
    OverdueData,
    OverdueNotification,
    ProgressData,
    ProgressNotification,
    QueueData,
    QueueNotification,
    RevisionData,
    RevisionNotification,
    SearchData,
    SearchNotification,
    StageProgress,
    TroubleData,
    TroubleNotification,
    WithdrawalData,
    WithdrawalNotification,
)


class DeliveryStates(States[DeliveryState]):
    """A notification on its way to a subscriber: a webhook, an address of mail, a chat."""

    WAITING: Final = "waiting"
    DELIVERED: Final = "delivered"
    FAILED: Final = "failed"
    CANCELLED: Final = "cancelled"

    what = "delivery"
    moves = {
        (None, WAITING): "there is something to tell",
        (WAITING, WAITING): "an attempt fails and another one is due, or a person asks for one at once",
        (WAITING, DELIVERED): "the receiver takes it",
        (WAITING, FAILED): "the last attempt fails, or the receiver wants no more",
        (WAITING, CANCELLED): "its subscription ends, or the search that it asks for is made",
        (CANCELLED, DELIVERED): "the receiver took it meanwhile",
        (DELIVERED, WAITING): "a person asks for it again",
        (FAILED, WAITING): "a person asks for it again",
        (CANCELLED, WAITING): "a person asks for it again",
    }


#: The pauses after each failure that Standard Webhooks recommends: ten attempts in a little over three days.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

#: No receiver may ask us to wait longer than this.
LONGEST_PAUSE = RETRIES[-1]

#: How much a pause grows at most, so that what failed together is not tried again together.
JITTER = 0.1


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt: the receiver's status if it answered, and what was wrong if it was not 2xx.

    `retry_after` is the pause in seconds the receiver asked for. `refused` is that a mail server says of the address
    that it will never take anything, which no other attempt changes.
    """

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    refused: bool = False

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver wants no more, ever (410)."""
        return self.status == 410


@dataclass(frozen=True)
class Verdict:
    """What becomes of a delivery: its state, and the next attempt while it waits."""

    state: DeliveryState
    due_at: datetime | None = None


def judge(outcome: Outcome, failures: int, *, now: datetime, jitter: float) -> Verdict:
    """What becomes of a delivery after an attempt; `failures` counts those before it, `jitter` is 0 to 1."""
    if outcome.delivered:
        return Verdict(DeliveryStates.DELIVERED)
    if outcome.gone or outcome.refused or failures >= len(RETRIES):
        return Verdict(DeliveryStates.FAILED)
    pause = RETRIES[failures].total_seconds() * (1 + JITTER * jitter)
    wait = no_less_than_asked(pause, outcome.retry_after, most=LONGEST_PAUSE.total_seconds())
    return Verdict(DeliveryStates.WAITING, now + timedelta(seconds=wait))


class Sending(Protocol):
    """Something on its way to a host."""

    @property
    def host(self) -> str: ...


Due = TypeVar("Due", bound=Sending)


def share_fairly(due: Iterable[Due], busy: Mapping[str, int], per_host: int) -> list[Due]:
    """Those of `due`, in order, with which no host has more than `per_host` under way; `busy` are there already."""
    taken, chosen = Counter(busy), []
    for item in due:
        if taken[item.host] < per_host:
            taken[item.host] += 1
            chosen.append(item)
    return chosen


def revision_notification(event: RevisionPublished, *, at: datetime, public_url: str) -> RevisionNotification:
    """The notification of a published revision: what changed, gathered by CMOC in the order of the diff."""
    states, words = {it.cmoc: it for it in event.states}, {it.cmoc: it for it in event.words}
    changed: dict[str, CmocChanges] = {}
    for change in event.changes:
        state, said = states.get(change.cmoc), words.get(change.cmoc)
        here = changed.setdefault(
            change.cmoc,
            CmocChanges(
                cmoc=change.cmoc, theory=state.theory if state else said.theory if said else None, changes=[],
                words=said, status=state.status if state else None,
            ),
        )  # fmt: skip
        here.changes.append(Line(**change.model_dump(exclude={"cmoc"})))
    data = RevisionData(
        **event.model_dump(include={*RevisionData.model_fields} & {*RevisionPublished.model_fields}),
        changed=list(changed.values()),
        support={state.cmoc: state.support for state in event.states},
        flagged=[state.cmoc for state in event.states if state.flagged],
        link=revision_link(public_url, event.review, event.number),
    )
    return RevisionNotification(timestamp=at, data=data)


def withdrawal_notification(event: RevisionWithdrawn, *, at: datetime, public_url: str) -> WithdrawalNotification:
    """The notification that a revision was withdrawn."""
    data = WithdrawalData(
        review=event.review, revision=event.revision, number=event.number, why=event.why, by=event.by,
        replaced_by=event.replaced_by, in_force=event.in_force, since=at,
        link=revision_link(public_url, event.review, event.number),
    )  # fmt: skip
    return WithdrawalNotification(timestamp=at, data=data)


def overdue_notification(event: ReviewOverdue, *, at: datetime, public_url: str) -> OverdueNotification:
    """The alarm that a review missed its cadence."""
    link = review_link(public_url, event.review)
    return OverdueNotification(timestamp=at, data=OverdueData(**event.model_dump(), link=link))


def course_notification(event: CourseChanged, *, at: datetime, public_url: str) -> CourseNotification | None:
    """The notification that a review is paused, goes on or is retired; None where it goes on as it did."""
    if event.course == event.before == "living":
        return None
    became = {"paused": "review.paused", "retired": "review.retired"}.get(event.course, "review.resumed")
    link = review_link(public_url, event.review)
    given = event.model_dump(include={*CourseData.model_fields} - {"since"})
    data = {**given, "since": event.since or at, "link": link}
    return CourseNotification.model_validate({"type": became, "timestamp": at, "data": data})


def handover_notification(event: HandoverAccepted, *, at: datetime, public_url: str) -> HandoverNotification:
    """The notification that a review was handed over."""
    data = HandoverData(
        review=event.review, before=event.before, to=event.to, why=event.why, since=at,
        link=review_link(public_url, event.review),
    )  # fmt: skip
    return HandoverNotification(timestamp=at, data=data)


#: A run of which more than this share is rejected, and at least so many items, is trouble though it is complete.
MANY_REJECTED, LEAST_REJECTED = 0.25, 3

#: Trouble that is older when it is heard of is told no more: whoever is behind would tell of what has long passed, and
#: what stands is met again within a day.
OLD_TROUBLE = timedelta(days=2)

#: Notifications of which kinds are the entries of which feed.
IN_FEED: Mapping[str, tuple[Literal["revision", "withdrawal", "course", "trouble", "search", "agreement"], ...]] = {
    "revision": ("revision", "withdrawal", "course"),
    "trouble": ("trouble", "search", "agreement"),
}

#: Of which kind a notification of a type is.
KINDS: Mapping[str, str] = {
    "revision.published": "revision", "revision.withdrawn": "withdrawal", "review.paused": "course",
    "review.resumed": "course", "review.retired": "course", "review.handed_over": "course",
    "review.overdue": "overdue", "source.trouble": "trouble",
    "source.all_clear": "trouble", "search.due": "search", "search.overdue": "search", "agreement.fell": "agreement",
    "conflict.opened": "conflict", "queue.emptied": "queue", "screening.progress": "progress",
    "alert.matched": "alert",
}  # fmt: skip

#: What is told to nobody who may be told of it no more.
_GUARDED = {*FOR_LEADS, *FOR_ADJUDICATORS, "agreement", "search"}


def withheld(kinds: Collection[str]) -> set[str]:
    """Which kinds of notification a subscription to these may not bring, also where it brought them before. Agreement,
    and searches of nobody who is told of them, are for whoever is told of trouble."""
    return _GUARDED - {*kinds, *(("agreement", "search") if "trouble" in kinds else ())}


#: What a feed has entries of.
FeedEntry = (
    RevisionNotification
    | WithdrawalNotification
    | CourseNotification
    | HandoverNotification
    | TroubleNotification
    | AllClearNotification
    | SearchNotification
    | AgreementNotification
)

#: Missing works that a notification names.
_MOST_NAMED = 10


def trouble_in(event: RunFinished | SweepFinished) -> Literal["incomplete", "rejections"] | None:
    """What was wrong with a run that is over; None where nothing was."""
    if not event.complete:
        return "incomplete"
    rejected, found = event.counts.rejected, event.counts.found
    return "rejections" if rejected >= LEAST_REJECTED and rejected > found * MANY_REJECTED else None


def trouble_notification(
    event: RunFinished | SweepFinished,
    what: Literal["incomplete", "rejections"],
    *,
    at: datetime,
    public_url: str,
) -> TroubleNotification:
    """The alarm that a source's answers are not whole."""
    data = TroubleData(
        review=event.review, source=event.source, day=at.astimezone(UTC).date(), what=what, run=event.run,
        error=event.error, found=event.counts.found, rejected=event.counts.rejected,
        missing=event.missing[:_MOST_NAMED], link=literature_link(public_url, event.review),
    )  # fmt: skip
    return TroubleNotification(timestamp=at, data=data)


def parked_notification(event: SourceParked, *, at: datetime, public_url: str) -> TroubleNotification:
    """The alarm that a source is left alone until it may be asked again."""
    data = TroubleData(
        review=event.review, source=event.source, day=at.astimezone(UTC).date(), what="parked", run=None,
        error=event.why, found=0, rejected=0, missing=[], until=event.until,
        link=literature_link(public_url, event.review),
    )  # fmt: skip
    return TroubleNotification(timestamp=at, data=data)


def all_clear_notification(
    event: RunFinished | SweepFinished | WatchStopped | SourceResumed, *, since: date, at: datetime, public_url: str
) -> AllClearNotification:
    """The all-clear after trouble that was first told on `since`."""
    run = None if isinstance(event, WatchStopped | SourceResumed) else event.run
    data = AllClearData(
        review=event.review, source=event.source, since=since, run=run,
        link=literature_link(public_url, event.review),
    )  # fmt: skip
    return AllClearNotification(timestamp=at, data=data)


def search_notification(event: SearchDue, *, at: datetime, public_url: str) -> SearchNotification:
    """The notification that a search by hand is due, or past its day."""
    data = SearchData(
        review=event.review, strategy=event.strategy, database=event.database, query=event.query, due=event.due,
        owner=event.owner, link=literature_link(public_url, event.review),
    )  # fmt: skip
    return SearchNotification(type="search.overdue" if event.overdue else "search.due", timestamp=at, data=data)


def agreement_notification(event: AgreementFell, *, at: datetime, public_url: str) -> AgreementNotification:
    """The notification that two people agree less than the protocol asks for."""
    data = AgreementData(
        review=event.review, stage=event.stage, first=event.first, second=event.second, n=event.n, kappa=event.kappa,
        floor=event.floor, link=agreement_link(public_url, event.review),
    )  # fmt: skip
    return AgreementNotification(timestamp=at, data=data)


#: How often somebody is told of progress who does not say how often, in minutes.
MINUTES = 60


def conflict_notification(event: ConflictOpened, *, at: datetime, public_url: str) -> ConflictNotification:
    """The notification that a task is a conflict."""
    data = ConflictData(
        review=event.review, stage=event.stage, task=event.task, reconciliation=event.reconciliation,
        link=screening_link(public_url, event.review, "conflicts"),
    )  # fmt: skip
    return ConflictNotification(timestamp=at, data=data)


def queue_notifications(event: QueueMoved, *, at: datetime, public_url: str) -> list[QueueNotification]:
    """The notifications of the stages whose queue ran empty."""
    link = screening_link(public_url, event.review, "queue")
    return [
        QueueNotification(
            timestamp=at,
            data=QueueData(
                review=event.review, stage=stage.stage, conflicts=stage.conflicts, parked=stage.parked, link=link
            ),
        )
        for stage in event.stages
        if stage.stage in event.emptied
    ]


def progress_notification(
    review: str, stages: Iterable[Mapping[str, Any]], *, at: datetime, public_url: str
) -> ProgressNotification:
    """The digest of how the stages of a review stood then."""
    link = screening_link(public_url, review, "queue")
    data = ProgressData(review=review, stages=[StageProgress(**stage) for stage in stages], link=link)
    return ProgressNotification(timestamp=at, data=data)


def alert_notification(event: AlertMatched, *, at: datetime, public_url: str) -> AlertNotification:
    """The notification that a saved search finds more."""
    records = [
        AlertedRecord(record=it.record, title=it.title, link=record_link(public_url, event.review, it.record))
        for it in event.records
    ]
    data = AlertData(
        review=event.review, saved=event.saved, records=records, more=event.more,
        link=saved_link(public_url, event.review, event.saved),
    )  # fmt: skip
    return AlertNotification(timestamp=at, data=data)


def is_due(*, minutes: int, last: datetime | None, now: datetime) -> bool:
    """Whether somebody may be told of progress again."""
    return last is None or now >= last + timedelta(minutes=minutes)


def due_of_search(watch: str, due: date, *, overdue: bool) -> str:
    """What there is one notification of: that a search is due on a day, or that this day has passed."""
    return f"{watch} {due.isoformat()} {'overdue' if overdue else 'due'}"


def page_link(public_url: str, review: str, *page: str) -> str:
    """A page of a review: what notifications lead to is read by people, in a browser."""
    return "/".join([public_url.rstrip("/"), "reviews", quote(review, safe=""), *page])


def literature_link(public_url: str, review: str) -> str:
    """Where one reads how the sources of a review stand."""
    return page_link(public_url, review)


def agreement_link(public_url: str, review: str) -> str:
    """Where one reads how far people agree."""
    return page_link(public_url, review, "people")


def screening_link(public_url: str, review: str, what: Literal["conflicts", "queue"]) -> str:
    """Where one reads what waits in screening."""
    return page_link(public_url, review, *(["conflicts"] if what == "conflicts" else []))


def record_link(public_url: str, review: str, record: str) -> str:
    """Where a record is read."""
    return page_link(public_url, review, "records", quote(record, safe=""))


def saved_link(public_url: str, review: str, saved: str) -> str:
    """Where one reads what a saved search of one's own finds."""
    return f"{page_link(public_url, review, 'records')}?saved={quote(saved, safe='')}"


def review_link(public_url: str, review: str) -> str:
    """Where the review's newest revision is read."""
    return page_link(public_url, review, "findings")


def revision_link(public_url: str, review: str, number: int) -> str:
    """Where a revision is read."""
    return page_link(public_url, review, "findings", str(number))


def link_of(entry: FeedEntry, public_url: str) -> str:
    """Where what a feed has an entry of is read today, wherever that was when it was written."""
    review = entry.data.review
    if isinstance(entry, RevisionNotification | WithdrawalNotification):
        return revision_link(public_url, review, entry.data.number)
    if isinstance(entry, CourseNotification | HandoverNotification):
        return review_link(public_url, review)
    if isinstance(entry, AgreementNotification):
        return agreement_link(public_url, review)
    return literature_link(public_url, review)


def feed_link(public_url: str, review: str) -> str:
    """Where a review's feed is read by whoever has a key."""
    return f"{public_url.rstrip('/')}/notify/reviews/{quote(review, safe='')}/feed.atom"


def public_feed_link(public_url: str, review: str) -> str:
    """Where anybody reads the feed of a public review."""
    return page_link(public_url, review, "feed.atom")


def json_feed_link(public_url: str, review: str) -> str:
    """Where a review's JSON Feed is read by whoever has a key."""
    return f"{public_url.rstrip('/')}/notify/reviews/{quote(review, safe='')}/feed.json"


def cmoc_feed_link(public_url: str, review: str, *, cmoc: str, form: Literal["atom", "json"]) -> str:
    """Where the feed of one CMOC is read by whoever has a key."""
    at = f"{public_url.rstrip('/')}/notify/reviews/{quote(review, safe='')}"
    return f"{at}/cmocs/{quote(cmoc, safe='')}/feed.{form}"


def trouble_link(public_url: str, review: str) -> str:
    """Where the leads' feed of a review is read."""
    return f"{public_url.rstrip('/')}/notify/reviews/{quote(review, safe='')}/trouble.atom"


def mail_link(public_url: str, subscription: str, token: str) -> str:
    """The page at which whoever reads mail says that they want it, or no more of it."""
    return f"{public_url.rstrip('/')}/mail/{quote(subscription, safe='')}/{quote(token, safe='')}"


def leaving_link(public_url: str, subscription: str, token: str) -> str:
    """Where a mail program asks by itself that no more be sent (RFC 8058)."""
    return f"{public_url.rstrip('/')}/notify/mail/{quote(subscription, safe='')}/{token}/leave"


def veiled(address: str) -> str:
    """As much of an e-mail address as others may see."""
    return f"...@{address.rpartition('@')[2]}"


def origin(url: str) -> str:
    """Scheme and host of an address: as much as others may see, since a path may hold a secret of its own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/..."
