"""What notify says over HTTP: subscriptions, deliveries, and the bodies of the notifications themselves."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.events.synthesis import ChangeClass, CmocWords, NoticedReport, NotSearched, Status
from shared.wire.common import WHOLE, Given, Short
from shared.wire.synthesis import Course

#: How a person is told: `chat` and `card` are the webhooks of chats, which take `{"text": ...}` or an Adaptive Card.
Channel = Literal["webhook", "feed", "email", "chat", "card"]

#: When: at once, or gathered until the morning of a day or of a Monday, or until a revision ends the cycle.
Every = Literal["at once", "daily", "weekly", "cycle"]

Kind = Literal["revision", "course", "overdue", "trouble", "search", "conflict", "queue", "progress", "alert"]

#: What is for leads alone, and so is told to nobody who is none any more.
FOR_LEADS: frozenset[Kind] = frozenset({"overdue", "trouble"})

#: What is for whoever may adjudicate alone.
FOR_ADJUDICATORS: frozenset[Kind] = frozenset({"conflict"})

#: One address as mail carries it: an atom or several joined by dots, one @, and a name of hosts. No `=?` is in it: so
#: begins an encoded word (RFC 2047), which a header would spell as what it stands for, and so as another address.
_ATOM, _LABEL = r"(?:[A-Za-z0-9!#$%&'*+/?^_`{|}~-]|=(?!\?))+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+"
ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ADDRESS}")
LONGEST_ADDRESS = 254

#: The id of a theory or a CMOC that a subscription names.
Named = Annotated[Short, Field(min_length=1)]

DeliveryState = Literal["waiting", "delivered", "failed", "cancelled"]


def fault_in_address(address: str) -> str | None:
    """Why a text is no address that mail is sent to; None where it is one."""
    if "=?" in address:
        return "must be the address itself, and no encoded word (=?...?=)"
    if len(address) > LONGEST_ADDRESS or not ADDRESS.fullmatch(address):
        return "must be one e-mail address, such as ana@example.org, and no more"
    return None


@cache
def _zones() -> set[str]:
    return available_timezones()


class NewSubscription(Given):
    """Who wants to be told of what, and where: a webhook needs `url`, a feed is read at its own address.

    `kinds`: `revision` is every published revision, and that one is withdrawn, `course` that the review is paused, goes
    on or is retired, `search` that a search by hand is due, or past its day, which the protocol says is yours to make.
    For leads: `overdue`, the alarm that a review missed its cadence, and `trouble`, that a source's answers are not
    whole, once for each source and day, that they are whole again, and such searches of nobody who is told of them. For
    whoever may adjudicate: `conflict`, that a task is one. `queue` is that the queue of a stage ran empty, `progress`
    how the stages stand, where that is another, at most once in so many `minutes` (60 where none are given). `alert` is
    what those of your saved searches come to find that alert. A feed tells of revisions or of trouble.

    Of revisions one may be told where they change one of these `cmocs`, or a CMOC of one of these `theories`, by the
    class `least` at least; without either, where they change anything by as much. `NONE` tells also of a revision that
    says that nothing changed. What is not told at once is gathered, and told in one message: at eight in the morning
    of `zone` each day or Monday, or with the revision that ends the cycle. `address` is where mail goes, once whoever
    reads it has opened the link that is sent there first.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"kinds": {"contains": {"const": "revision"}}}},
                {"properties": {"theories": {"maxItems": 0}, "cmocs": {"maxItems": 0}}},
            ],
            "oneOf": [
                {
                    "required": ["url"],
                    "properties": {
                        "channel": {"enum": ["webhook", "chat", "card"]},
                        "url": {"type": "string"},
                        "address": {"type": "null"},
                    },
                },
                {
                    "required": ["address"],
                    "properties": {
                        "channel": {"const": "email"},
                        "url": {"type": "null"},
                        "address": {"type": "string", "pattern": f"^{_ADDRESS}$"},
                    },
                },
                {
                    "properties": {
                        "channel": {"const": "feed"},
                        "url": {"type": "null"},
                        "address": {"type": "null"},
                        "kinds": {"enum": [["revision"], ["trouble"]]},
                        "every": {"const": "at once"},
                        "theories": {"maxItems": 0},
                        "cmocs": {"maxItems": 0},
                    }
                },
            ],
        }
    )

    channel: Channel
    url: Annotated[str, Field(max_length=2000)] | None = None
    address: Annotated[str, Field(max_length=LONGEST_ADDRESS)] | None = None
    kinds: list[Kind] = Field(["revision"], min_length=1, max_length=9, json_schema_extra={"uniqueItems": True})
    minutes: Annotated[int, Field(ge=5, le=10_080), WHOLE] | None = None
    theories: list[Named] = Field([], max_length=100)
    cmocs: list[Named] = Field([], max_length=100)
    least: ChangeClass = "PATCH"
    every: Every = "at once"
    zone: Annotated[str, Field(max_length=64)] = "UTC"

    @model_validator(mode="after")
    def _fits_its_channel(self) -> NewSubscription:
        if self.channel in ("webhook", "chat", "card") and self.url is None:
            raise ValueError("url: a webhook needs the address to send to")
        if self.channel == "email" and self.address is None:
            raise ValueError("address: mail needs the address to send to")
        if self.channel != "email" and self.address is not None:
            raise ValueError("address: it is for mail; leave it out")
        if self.channel == "email" and self.url is not None:
            raise ValueError("url: mail has none; leave it out")
        if self.channel == "feed" and self.url is not None:
            raise ValueError("url: a feed is read at the platform's own address; leave it out")
        if self.channel == "feed" and self.kinds not in (["revision"], ["trouble"]):
            raise ValueError("kinds: a feed tells of revisions or, for leads, of trouble: name one, or leave it out")
        if self.channel == "feed" and (self.every != "at once" or self.theories or self.cmocs):
            raise ValueError("every: a feed has each entry at once, and the CMOC's own feed those of a CMOC")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds: name each kind once")
        return self

    @model_validator(mode="after")
    def _tells_of_something(self) -> NewSubscription:
        if (self.theories or self.cmocs) and "revision" not in self.kinds:
            raise ValueError("kinds: theories and CMOCs are of `revision`, which is none of the kinds")
        return self

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        if zone not in _zones():
            raise ValueError("must be the name of a time zone, such as Europe/Berlin")
        return zone

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None and (fault := fault_in_address(address)) is not None:
            raise ValueError(fault)
        return address


class SubscriptionView(BaseModel):
    """A subscription; never its secret. `address` is whole for its owner, and only its origin for a lead. One by mail
    is `unconfirmed_until` whoever reads it has said that they want it; nothing is sent before. `zone_unknown` is that
    the platform does not know its zone any more, and so tells it by UTC."""

    id: str
    review: str
    owner: str
    channel: Channel
    address: str
    kinds: list[Kind]
    active: bool
    ended_why: str | None
    created_at: datetime
    ended_at: datetime | None
    minutes: int | None = Field(default=None, exclude_if=lambda minutes: minutes is None)
    theories: list[str] = []
    cmocs: list[str] = []
    least: ChangeClass = "NONE"
    every: Every = "at once"
    zone: str = "UTC"
    zone_unknown: bool = Field(default=False, exclude_if=lambda unknown: not unknown)
    unconfirmed_until: datetime | None = Field(default=None, exclude_if=lambda until: until is None)
    #: When a secret that was rotated counts no more; until then both sign.
    old_secret_until: datetime | None = Field(default=None, exclude_if=lambda until: until is None)


class SubscriptionCreated(SubscriptionView):
    """A new subscription, with the secret of its signatures (`whsec_...`), shown this once; None but for a webhook."""

    secret: str | None


class AttemptView(BaseModel):
    """One try: the receiver's HTTP status if it answered, and what was wrong if something was."""

    number: int
    at: datetime
    status: int | None
    error: str | None


class DeliveryView(BaseModel):
    """A notification on its way to one subscription. `id` is the `webhook-id` of every attempt.

    `about` is the revision, what a review is from now on, the day an overdue review was due, a source and the day of
    its trouble, a strategy that is searched by hand and the day on which it is due, a stage and two people, a task that
    is a conflict, a stage whose queue ran empty, a saved search, or `progress`. `due_at` is when the next attempt is
    made, while the state is `waiting`.
    """

    id: str
    subscription: str
    kind: Literal[
        "revision", "withdrawal", "course", "overdue", "trouble", "search", "agreement", "conflict", "queue",
        "progress", "alert", "test", "digest", "confirm",
    ]  # fmt: skip
    about: str
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    attempts: list[AttemptView]


class MailSubscription(BaseModel):
    """A subscription as whoever reads its mail may see it, by the link that they were sent, which opens one thing."""

    review: str
    address: str
    opens: Literal["confirm", "leave"]
    confirmed: bool
    active: bool


class Line(BaseModel):
    """One thing that changed about a CMOC; `before` and `after` are whatever the diff says."""

    what: str
    before: Any = None
    after: Any = None
    change_class: ChangeClass


class CmocChanges(BaseModel):
    """What changed about one CMOC between the preceding revision and this one; its `words` and its `status` now, where
    the revision has them."""

    cmoc: str
    theory: str | None
    changes: list[Line]
    words: CmocWords | None = Field(default=None, exclude_if=lambda words: words is None)
    status: Status | None = Field(default=None, exclude_if=lambda status: status is None)


class RevisionData(BaseModel):
    """A published revision. `support` counts the independent studies that stand behind each CMOC now; `not_searched`
    are the searches by hand that it goes without, `noticed` the reports of which something was said since the revision
    before, and `noticed_more` how often something was beside these; each is there only where there are any.
    `drill` is that all of it is an exercise, or takes one back; where a part of it is, `drilled` are the CMOCs that an
    exercise is about. `withdrawn` is said of it in feeds, once it is."""

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
    noticed: list[NoticedReport] = Field(default=[], exclude_if=lambda noticed: not noticed)
    noticed_more: int = Field(default=0, exclude_if=lambda more: not more)
    drilled: list[str] = Field(default=[], exclude_if=lambda drilled: not drilled)
    withdrawn: WithdrawnSince | None = Field(default=None, exclude_if=lambda since: since is None)


class WithdrawnSince(BaseModel):
    """That a revision was withdrawn, when and why, and which one is to be read instead where somebody said so."""

    at: datetime
    why: str
    replaced_by: int | None


class WithdrawalData(BaseModel):
    """A signed revision that nobody should go by any more, as a lead (`by`) said and why. `replaced_by` is the number
    of the one to be read instead, where somebody said so; `in_force` that of the newest which is not withdrawn, None
    where there is none."""

    review: str
    revision: str
    number: int
    why: str
    by: str
    replaced_by: int | None
    in_force: int | None
    since: datetime
    link: str


class OverdueData(BaseModel):
    """A review that missed its publication cadence."""

    review: str
    due: date
    last_published: date | None
    link: str


class CourseData(BaseModel):
    """What became of a review, and why: it is living, paused or retired `since` then, as a lead (`by`) said."""

    review: str
    course: Course
    before: Course
    why: str
    by: str | None = None
    since: datetime
    link: str


class HandoverData(BaseModel):
    """A review that was handed over (`since`), by one lead to another, and why."""

    review: str
    before: str
    to: str
    why: str
    since: datetime
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


class AlertedRecord(BaseModel):
    """A record that a saved search finds since something of it is new."""

    record: str
    title: str | None
    link: str


class AlertData(BaseModel):
    """What a saved search of one's own, which asks to tell of that, has come to find: the first records, and how many
    more. Each is told once."""

    review: str
    saved: str
    records: list[AlertedRecord]
    more: int
    link: str


class TrialData(BaseModel):
    """Nothing happened: someone tries whether notifications arrive."""

    review: str
    subscription: str
    message: str


class ConfirmData(BaseModel):
    """Somebody asks that whoever reads this be told of a review by mail; they say by the link that they want it."""

    review: str
    subscription: str
    until: datetime
    link: str


class RevisionNotification(BaseModel):
    """The body of the notification that a revision was published (Standard Webhooks: type, timestamp, data)."""

    type: Literal["revision.published"] = "revision.published"
    timestamp: datetime
    data: RevisionData


class WithdrawalNotification(BaseModel):
    """The body of the notification that a signed revision was withdrawn."""

    type: Literal["revision.withdrawn"] = "revision.withdrawn"
    timestamp: datetime
    data: WithdrawalData


class OverdueNotification(BaseModel):
    """The body of the alarm that a review is overdue."""

    type: Literal["review.overdue"] = "review.overdue"
    timestamp: datetime
    data: OverdueData


class CourseNotification(BaseModel):
    """The body of the notification that a review rests, goes on or has ended."""

    type: Literal["review.paused", "review.resumed", "review.retired"]
    timestamp: datetime
    data: CourseData


class HandoverNotification(BaseModel):
    """The body of the notification that a review was handed over."""

    type: Literal["review.handed_over"] = "review.handed_over"
    timestamp: datetime
    data: HandoverData


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


class AlertNotification(BaseModel):
    """The body of the notification that a saved search finds more."""

    type: Literal["alert.matched"] = "alert.matched"
    timestamp: datetime
    data: AlertData


class TrialNotification(BaseModel):
    """The body of a test notification."""

    type: Literal["test"] = "test"
    timestamp: datetime
    data: TrialData


class ConfirmNotification(BaseModel):
    """The message that asks whoever reads mail whether they want it."""

    type: Literal["subscription.confirm"] = "subscription.confirm"
    timestamp: datetime
    data: ConfirmData


#: What is told of a review, at once or in a digest.
Entry = Annotated[
    RevisionNotification
    | WithdrawalNotification
    | CourseNotification
    | HandoverNotification
    | OverdueNotification
    | TroubleNotification
    | AllClearNotification
    | SearchNotification
    | AgreementNotification
    | ConflictNotification
    | QueueNotification
    | ProgressNotification
    | AlertNotification,
    Field(discriminator="type"),
]


class DigestData(BaseModel):
    """All that came for one subscription since it was told last, oldest first."""

    review: str
    subscription: str
    every: Every
    entries: list[Entry]
    link: str


class DigestNotification(BaseModel):
    """The body of a digest."""

    type: Literal["digest"] = "digest"
    timestamp: datetime
    data: DigestData


#: Any notification; its `type` says which.
Notification = Annotated[
    RevisionNotification
    | WithdrawalNotification
    | CourseNotification
    | HandoverNotification
    | OverdueNotification
    | TroubleNotification
    | AllClearNotification
    | SearchNotification
    | AgreementNotification
    | ConflictNotification
    | QueueNotification
    | ProgressNotification
    | AlertNotification
    | TrialNotification
    | DigestNotification
    | ConfirmNotification,
    Field(discriminator="type"),
]
