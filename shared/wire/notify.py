"""What notify says over HTTP: subscriptions, deliveries, and the bodies of the notifications themselves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.events.synthesis import ChangeClass, NotSearched
from shared.wire.common import WHOLE, Given

Kind = Literal["revision", "overdue", "trouble", "search", "conflict", "queue", "progress"]

#: What is for leads alone, and so is told to nobody who is none any more.
FOR_LEADS: frozenset[Kind] = frozenset({"overdue", "trouble"})

#: What is for whoever may adjudicate alone.
FOR_ADJUDICATORS: frozenset[Kind] = frozenset({"conflict"})

DeliveryState = Literal["waiting", "delivered", "failed", "cancelled"]


class NewSubscription(Given):
    """Who wants to be told of what, and where: a webhook needs `url`, a feed is read at its own address.

    `kinds`: `revision` is every published revision, `search` that a search by hand is due, or past its day, which the
    protocol says is yours to make. For leads: `overdue`, the alarm that a review missed its cadence, and `trouble`,
    that a source's answers are not whole, once for each source and day, that they are whole again, and such searches
    of nobody who is told of them. For whoever may adjudicate: `conflict`, that a task is one. `queue` is that the
    queue of a stage ran empty, `progress` how the stages stand, where that is another, at most once in so many
    `minutes` (60 where none are given). A feed tells of revisions or of trouble.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["url"], "properties": {"channel": {"const": "webhook"}, "url": {"type": "string"}}},
                {
                    "properties": {
                        "channel": {"const": "feed"},
                        "url": {"type": "null"},
                        "kinds": {"enum": [["revision"], ["trouble"]]},
                    }
                },
            ]
        }
    )

    channel: Literal["webhook", "feed"]
    url: Annotated[str, Field(max_length=2000)] | None = None
    kinds: list[Kind] = Field(["revision"], min_length=1, max_length=7, json_schema_extra={"uniqueItems": True})
    minutes: Annotated[int, Field(ge=5, le=10_080), WHOLE] | None = None

    @model_validator(mode="after")
    def _fits_its_channel(self) -> NewSubscription:
        if self.channel == "webhook" and self.url is None:
            raise ValueError("url: a webhook needs the address to send to")
        if self.channel == "feed" and self.url is not None:
            raise ValueError("url: a feed is read at the platform's own address; leave it out")
        if self.channel == "feed" and self.kinds not in (["revision"], ["trouble"]):
            raise ValueError("kinds: a feed tells of revisions or, for leads, of trouble: name one, or leave it out")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds: name each kind once")
        return self


class SubscriptionView(BaseModel):
    """A subscription; never its secret. `address` is whole for its owner, and only its origin for a lead."""

    id: str
    review: str
    owner: str
    channel: Literal["webhook", "feed"]
    address: str
    kinds: list[Kind]
    active: bool
    ended_why: str | None
    created_at: datetime
    ended_at: datetime | None
    minutes: int | None = Field(default=None, exclude_if=lambda minutes: minutes is None)


class SubscriptionCreated(SubscriptionView):
    """A new subscription, with the secret of its signatures (`whsec_...`), shown this once; None for a feed."""

    secret: str | None


class AttemptView(BaseModel):
    """One try: the receiver's HTTP status if it answered, and what was wrong if something was."""

    number: int
    at: datetime
    status: int | None
    error: str | None


class DeliveryView(BaseModel):
    """A notification on its way to one subscription. `id` is the `webhook-id` of every attempt.

    `about` is the revision, the day an overdue review was due, a source and the day of its trouble, a strategy that
    is searched by hand and the day on which it is due, a stage and two people, a task that is a conflict, a stage whose
    queue ran empty, or `progress`. `due_at` is when the next attempt is made, while the state is `waiting`.
    """

    id: str
    subscription: str
    kind: Literal["revision", "overdue", "trouble", "search", "agreement", "conflict", "queue", "progress", "test"]
    about: str
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    attempts: list[AttemptView]


class Line(BaseModel):
    """One thing that changed about a CMOC; `before` and `after` are whatever the diff says."""

    what: str
    before: Any = None
    after: Any = None
    change_class: ChangeClass


class CmocChanges(BaseModel):
    """What changed about one CMOC between the preceding revision and this one."""

    cmoc: str
    theory: str | None
    changes: list[Line]


class RevisionData(BaseModel):
    """A published revision. `support` counts the independent studies that stand behind each CMOC now; `not_searched`
    are the searches by hand that it goes without, and is there only where there are any."""

    review: str
    revision: str
    number: int
    cycle: int
    title: str
    change_class: ChangeClass
    summary: str
    changed: list[CmocChanges]
    support: dict[str, int]
    flagged: list[str]
    signed_by: str
    content_sha256: str
    preceding: str | None
    link: str
    drill: bool
    not_searched: list[NotSearched] = Field(default=[], exclude_if=lambda left_out: not left_out)


class OverdueData(BaseModel):
    """A review that missed its publication cadence."""

    review: str
    due: date
    last_published: date | None
    link: str


class TroubleData(BaseModel):
    """A source's answers are not whole: the first trouble with it that a review met on a day (UTC); there may have been
    more.

    `what` is `incomplete` where a run broke off or less came than the source says it has, `rejections` where `rejected`
    of the `found` items of a run are no usable records. `error` is what the run says; `missing` are the first works
    that the source listed and did not give. `parked` is a source that asked to be left alone for long,
    and is asked no more `until` then, for whatever review; it has no run.
    """

    review: str
    source: str
    day: date
    what: Literal["incomplete", "rejections", "parked"]
    run: str | None
    error: str | None
    found: int
    rejected: int
    missing: list[str]
    until: datetime | None = None
    link: str


class AllClearData(BaseModel):
    """A source's answers are whole again: no watch over it fails any more. The trouble was first told on `since`. `run`
    is the one that was whole; none where the last watch in trouble was retired or paused."""

    review: str
    source: str
    since: date
    run: str | None
    link: str


class SearchData(BaseModel):
    """A search that no API makes, of a strategy in a database: it is due on a day (UTC), by the exact string `query`
    where one is planned. `owner` is whose it is, None where the leads are."""

    review: str
    strategy: str
    database: str
    query: str | None
    due: date
    owner: str | None
    link: str


class AgreementData(BaseModel):
    """Two people whose kappa at a stage is below the protocol's `floor`, over `n` tasks of this cycle."""

    review: str
    stage: str
    first: str
    second: str
    n: int
    kappa: float
    floor: float
    link: str


class ConflictData(BaseModel):
    """A task whose votes lead to different outcomes, which waits for an adjudicator, or for its voters where the stage
    has a `reconciliation` of theirs. Nothing of its votes is told before somebody has decided it."""

    review: str
    stage: str
    task: str
    reconciliation: str | None = Field(default=None, exclude_if=lambda mode: mode is None)
    link: str


class QueueData(BaseModel):
    """A stage at which no task needs votes any more; so many conflicts wait there, and so many tasks are parked."""

    review: str
    stage: str
    conflicts: int
    parked: int
    link: str


class StageProgress(BaseModel):
    """How many tasks of a stage need votes, are conflicts, are parked, and are decided."""

    stage: str
    open: int
    conflicts: int
    parked: int
    decided: int


class ProgressData(BaseModel):
    """How the stages of a review stand, in the order of its protocol."""

    review: str
    stages: list[StageProgress]
    link: str


class TrialData(BaseModel):
    """Nothing happened: someone tries whether notifications arrive."""

    review: str
    subscription: str
    message: str


class RevisionNotification(BaseModel):
    """The body of the notification that a revision was published (Standard Webhooks: type, timestamp, data)."""

    type: Literal["revision.published"] = "revision.published"
    timestamp: datetime
    data: RevisionData


class OverdueNotification(BaseModel):
    """The body of the alarm that a review is overdue."""

    type: Literal["review.overdue"] = "review.overdue"
    timestamp: datetime
    data: OverdueData


class TroubleNotification(BaseModel):
    """The body of the alarm that a source's answers are not whole."""

    type: Literal["source.trouble"] = "source.trouble"
    timestamp: datetime
    data: TroubleData


class AllClearNotification(BaseModel):
    """The body of the all-clear after trouble with a source."""

    type: Literal["source.all_clear"] = "source.all_clear"
    timestamp: datetime
    data: AllClearData


class SearchNotification(BaseModel):
    """The body of the notification that a search by hand is due, or that its day has passed."""

    type: Literal["search.due", "search.overdue"]
    timestamp: datetime
    data: SearchData


class AgreementNotification(BaseModel):
    """The body of the notification that two people agree less than the protocol asks for."""

    type: Literal["agreement.fell"] = "agreement.fell"
    timestamp: datetime
    data: AgreementData


class ConflictNotification(BaseModel):
    """The body of the notification that a task is a conflict."""

    type: Literal["conflict.opened"] = "conflict.opened"
    timestamp: datetime
    data: ConflictData


class QueueNotification(BaseModel):
    """The body of the notification that the queue of a stage ran empty."""

    type: Literal["queue.emptied"] = "queue.emptied"
    timestamp: datetime
    data: QueueData


class ProgressNotification(BaseModel):
    """The body of the digest of how the stages stand."""

    type: Literal["screening.progress"] = "screening.progress"
    timestamp: datetime
    data: ProgressData


class TrialNotification(BaseModel):
    """The body of a test notification."""

    type: Literal["test"] = "test"
    timestamp: datetime
    data: TrialData


#: Any notification; its `type` says which.
Notification = Annotated[
    RevisionNotification
    | OverdueNotification
    | TroubleNotification
    | AllClearNotification
    | SearchNotification
    | AgreementNotification
    | ConflictNotification
    | QueueNotification
    | ProgressNotification
    | TrialNotification,
    Field(discriminator="type"),
]
