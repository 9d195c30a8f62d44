"""Tables of synthesis. Nothing here is ever deleted: what no longer stands says so, and since when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.synthesis.domain.characteristics import Answered
from services.synthesis.domain.comments import CommentStates
from services.synthesis.domain.notices import RejudgementStates
from services.synthesis.domain.reports import ReportStates
from shared.db.types import Counter, Instant, Json
from shared.events.characteristics import Kind
from shared.events.ingest import NoticeKind
from shared.events.protocol import ENOUGH_DOUBTS, ENOUGH_NEW_SUPPORTS
from shared.events.synthesis import (
    ChangeClass,
    Concern,
    ConfidenceLevel,
    Credibility,
    Element,
    Inference,
    Stance,
    Status,
)
from shared.wire.synthesis import (
    CharacteristicValue,
    CommentPart,
    CommentState,
    Course,
    DepositState,
    ExtractionState,
    GoneHow,
    Held,
    Keep,
    LinkVerdict,
    ProposalKind,
    ProposalState,
    RejudgementState,
    ReportState,
    Statement,
)


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""


class ReviewRow(Base, table=True):
    """A review as its newest protocol version plans it. `revisions` counts the published ones; `course` is what a lead
    says becomes of it, with why and since when where somebody has said it. `new_supports` studies and `doubts` ask for
    another look. `coders` are how many the protocol asks for each report, None where it has no extraction,
    `reconciled_by` who decides where they differ; extraction is `to_open` for reports that were included before it
    asked."""

    __tablename__ = "reviews"

    review: str = Field(primary_key=True)
    title: str
    protocol_version: int
    protocol_sha256: str
    theories: list[dict[str, str]] = Field(sa_type=Json)
    publish_every_days: int
    revisions: int = 0
    started_on: date
    last_published: date | None = None
    next_due: date
    overdue_told: date | None = None
    course: Course = Field(default="living", sa_type=AutoString)
    course_why: str | None = None
    course_since: datetime | None = Field(default=None, sa_type=Instant)
    new_supports: int = ENOUGH_NEW_SUPPORTS
    doubts: int = ENOUGH_DOUBTS
    coders: int | None = None
    reconciled_by: str = "coders"
    to_open: bool = False

    @property
    def cycle(self) -> int:
        """Cycle n is all that leads to revision n."""
        return self.revisions + 1


class CmocRow(Base, table=True):
    """A CMOC in its newest wording. One that the protocol no longer has is set aside. `taken_up` are the refining links
    that stood when an element was worded anew. Of one that is gone, `gone_how` it went, and why, as the person decided
    who amended the protocol; `gone_into` are the CMOCs in which it lives on."""

    __tablename__ = "cmocs"

    review: str = Field(primary_key=True)
    cmoc: str = Field(primary_key=True)
    position: int
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    lineage: list[str] = Field(sa_type=Json)
    lineage_note: str | None = None
    taken_up: list[str] = Field(default=[], sa_type=Json)
    set_aside_at: datetime | None = Field(default=None, sa_type=Instant)
    gone_how: GoneHow | None = Field(default=None, sa_type=AutoString)
    gone_into: list[str] = Field(default=[], sa_type=Json)
    gone_why: str | None = None
    gone_by: str | None = None
    dissent: str | None = None


class TheoryEventRow(Base, table=True):
    """Something that happened to a CMOC; only ever appended, but that an old name becomes its person's."""

    __tablename__ = "theory_events"
    __table_args__ = (Index("theory_events_of_cmoc", "review", "cmoc", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    cmoc: str
    cycle: int
    happened: str
    before: str | None = None
    after: str | None = None
    why: str
    links: list[str] = Field(default=[], sa_type=Json)
    actor: str
    at: datetime = Field(sa_type=Instant)
    drill: bool = False
    event_id: str


class ReportRow(Base, table=True):
    """A record that screening decided about. It stands for its study while included and not suspended.

    `revision` is screening's count of the record's steps. `suspended_by` and `drilled_by` name the notice
    that suspends it, in earnest and as a drill. `was` is what it was before it was merged, with what screening has said
    of it since: its state, its study, and the records that came into the other's study with it.
    """

    __tablename__ = "reports"
    __table_args__ = (
        Index("reports_of_study", "review", "study"),
        Index(
            "reports_drilled",
            "review",
            postgresql_where=text("drilled_by IS NOT NULL"),
            sqlite_where=text("drilled_by IS NOT NULL"),
        ),
        Index(
            "reports_included_of_study",
            "review",
            "study",
            postgresql_where=text(f"state = '{ReportStates.INCLUDED}'"),
            sqlite_where=text(f"state = '{ReportStates.INCLUDED}'"),
        ),
        Index(
            "reports_included",
            "review",
            "record",
            postgresql_where=text(f"state = '{ReportStates.INCLUDED}'"),
            sqlite_where=text(f"state = '{ReportStates.INCLUDED}'"),
        ),
    )

    review: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    state: ReportState = Field(sa_type=AutoString)
    revision: int
    study: str
    title: str | None = None
    judgements: list[dict[str, Any]] = Field(default=[], sa_type=Json)
    credible: bool = True
    suspended_by: str | None = None
    drilled_by: str | None = None
    merged_into: str | None = None
    was: dict[str, Any] | None = Field(default=None, sa_type=Json)
    correlation: str
    caused_by: str | None = None

    @property
    def suspended(self) -> bool:
        return self.suspended_by is not None or self.drilled_by is not None

    @property
    def stands(self) -> bool:
        return self.state == ReportStates.INCLUDED and not self.suspended


class FragmentRow(Base, table=True):
    """A located piece of a report, as one coder read it; `coded_on` is the record of then, where that was merged.

    Of one whose quote was found in a copy, `anchor` to `salt` are what ingest's receipt says of it, and `lost` why a
    new parse of that copy has it no more; `proposed_by` what proposed it to its coder. `extraction` is that
    of two coders in which it was coded, where it was. `described` is how often it was told what it says.
    """

    __tablename__ = "fragments"
    __table_args__ = (
        Index("fragments_of_record", "review", "record"),
        Index("fragments_coded_on", "review", "coded_on"),
    )

    id: str = Field(primary_key=True)
    review: str
    record: str
    coded_on: str | None = None
    locator: str
    quote: str | None = None
    paraphrase: str
    data_type: str
    anchor: str | None = Field(default=None, index=True)
    text_copy: str | None = None
    parse_sha256: str | None = None
    begins: int | None = None
    ends: int | None = None
    page: int | None = None
    quote_sha256: str | None = None
    salt: str | None = None
    lost: str | None = None
    proposed_by: dict[str, str] | None = Field(default=None, sa_type=Json)
    extraction: str | None = Field(default=None, index=True)
    coder: str
    coded_at: datetime = Field(sa_type=Instant)
    described: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class UndescribedRow(Base, table=True):
    """That what a fragment says, or counts for, is other than was told of it. Rows, not a mark on the fragment, so that
    whoever changes it waits for nobody."""

    __tablename__ = "undescribed"
    __table_args__ = {"sqlite_autoincrement": True}

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    fragment: str


class LostAnchorRow(Base, table=True):
    """A quote that no copy says any more, and why, until one says it again: nothing is coded by its receipt."""

    __tablename__ = "lost_anchors"

    review: str = Field(primary_key=True)
    anchor: str = Field(primary_key=True)
    why: str


class LinkRow(Base, table=True):
    """A fragment speaks to one element of one CMOC, until it is withdrawn. `event_id` told of it. One that is `held`
    back counts for nothing and is told to nobody: `event_id` is then that of its extraction. `asked_version` is the
    version of the protocol since which the CMOC reads otherwise there, while nobody has judged whether it holds."""

    __tablename__ = "links"
    __table_args__ = (
        Index("links_of_cmoc", "review", "cmoc", "seq"),
        Index("links_of_review", "review", "seq"),
        Index(
            "links_asked",
            "review",
            "cmoc",
            "element",
            "seq",
            postgresql_where=text("asked_version IS NOT NULL"),
            sqlite_where=text("asked_version IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    id: str = Field(unique=True)
    review: str
    fragment: str = Field(index=True)
    cmoc: str
    element: Element = Field(sa_type=AutoString)
    stance: Stance = Field(sa_type=AutoString)
    inference: Inference = Field(sa_type=AutoString)
    rationale: str | None = None
    credibility: Credibility | None = Field(default=None, sa_type=AutoString)
    event_id: str
    linked_at: datetime = Field(sa_type=Instant)
    held: Held | None = Field(default=None, sa_type=AutoString)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_by: str | None = None
    withdrawn_why: str | None = None
    asked_version: int | None = None


class RewordingRow(Base, table=True):
    """What a version of the protocol made of the words of a part of a CMOC. Written once."""

    __tablename__ = "rewordings"

    review: str = Field(primary_key=True)
    cmoc: str = Field(primary_key=True)
    protocol_version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    part: Element = Field(primary_key=True, sa_type=AutoString)
    before: str
    after: str
    why: str | None = None
    by: str
    at: datetime = Field(sa_type=Instant)


class LinkJudgementRow(Base, table=True):
    """Somebody judged whether a link holds though its CMOC reads otherwise. Only ever appended."""

    __tablename__ = "link_judgements"
    __table_args__ = (Index("judgements_of_link", "review", "link", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    link: str
    protocol_version: int
    verdict: LinkVerdict = Field(sa_type=AutoString)
    why: str
    by: str
    at: datetime = Field(sa_type=Instant)
    event_id: str


def _where(condition: str) -> dict[str, Any]:
    """An index of some rows, on either database."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


_CODES = "person IS NOT NULL AND finished_at IS NULL"


class ExtractionRow(Base, table=True):
    """An included report that so many `coders` code; `opened_on` is the record of then, where that was merged. Once all
    have finished they are `compared`, once for good. `event_id` told that it was opened."""

    __tablename__ = "extractions"
    __table_args__ = (
        Index("extractions_of_record", "review", "record"),
        Index("extractions_opened_on", "review", "opened_on"),
        Index("extractions_of_state", "review", "state", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    record: str
    opened_on: str
    state: ExtractionState = Field(sa_type=AutoString)
    coders: int
    compared: bool = False
    opened_at: datetime = Field(sa_type=Instant)
    event_id: str


class CodingRow(Base, table=True):
    """One of the codings that an extraction asks for, the `number`-th: free, or a person's, until `expires_at` or for
    good once they have finished. It is given to nobody while the extraction is not `open`. Whoever is given one gets
    the next by `position`."""

    __tablename__ = "codings"
    __table_args__ = (
        UniqueConstraint("extraction", "number"),
        Index("codings_of_person", "extraction", "person", unique=True, **_where("person IS NOT NULL")),
        Index("codings_in_hand", "review", "person", unique=True, **_where(_CODES)),
        Index("codings_free", "review", "position", **_where("person IS NULL AND open")),
        Index("codings_given", "review", "person", "position"),
        Index("codings_by_end", "expires_at", **_where(_CODES)),
    )

    id: str = Field(primary_key=True)
    review: str
    extraction: str
    number: int
    position: int = Field(sa_type=BigInteger)
    open: bool = True
    person: str | None = None
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class ReconciliationRow(Base, table=True):
    """What somebody decided of a difference between two coders. Only ever appended. `event_id` told of it."""

    __tablename__ = "reconciliations"
    __table_args__ = (Index("reconciliations_of_extraction", "extraction", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    extraction: str
    difference: str
    cmoc: str
    element: Element = Field(sa_type=AutoString)
    keep: Keep = Field(sa_type=AutoString)
    kept: list[str] = Field(sa_type=Json)
    dropped: list[str] = Field(sa_type=Json)
    why: str
    by: str
    at: datetime = Field(sa_type=Instant)
    event_id: str


class CodingPairRow(Base, table=True):
    """How often two coders said what of an element, side by side, before anything was reconciled."""

    __tablename__ = "coding_pairs"

    review: str = Field(primary_key=True)
    element: Element = Field(primary_key=True, sa_type=AutoString)
    first: str = Field(primary_key=True)
    second: str = Field(primary_key=True)
    n: int


class AppraisalRow(Base, table=True):
    """Somebody judged whether a fragment is trustworthy for what a link says by it. Only ever appended; the link has
    the last of them. `event_id` told of it."""

    __tablename__ = "appraisals"
    __table_args__ = (Index("appraisals_of_link", "review", "link", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    link: str
    credibility: Credibility = Field(sa_type=AutoString)
    why: str
    by: str
    at: datetime = Field(sa_type=Instant)
    event_id: str


class ConfidenceRow(Base, table=True):
    """How confident somebody was in a CMOC. Only ever appended; the last one holds. `event_id` told of it."""

    __tablename__ = "confidences"
    __table_args__ = (Index("confidences_of_cmoc", "review", "cmoc", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    cmoc: str
    methodological_limitations: Concern = Field(sa_type=AutoString)
    coherence: Concern = Field(sa_type=AutoString)
    adequacy: Concern = Field(sa_type=AutoString)
    relevance: Concern = Field(sa_type=AutoString)
    confidence: ConfidenceLevel = Field(sa_type=AutoString)
    why: str
    by: str
    at: datetime = Field(sa_type=Instant)
    event_id: str


class ReportTextRow(Base, table=True):
    """What somebody wrote for an item of a report, or `confirmed` as it was. Only ever appended; the last one holds.
    `revision` was the newest then, under `protocol_version`. `event_id` told of it."""

    __tablename__ = "report_texts"
    __table_args__ = (Index("report_texts_of_item", "review", "item", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    item: str
    text: str = Field(sa_type=Text)
    confirmed: bool
    by: str
    at: datetime = Field(sa_type=Instant)
    revision: int
    protocol_version: int
    event_id: str

    def is_behind(self, review: ReviewRow) -> bool:
        """Whether the review has a later revision or version of its protocol than when it was written."""
        return self.revision < review.revisions or self.protocol_version < review.protocol_version


class NoticeRow(Base, table=True):
    """A notice about a record's report; one that came before the report waits with `applied` false. It may be told
    again, of another record, with which it went when two were parted or made one: `emitted_at` is when that was."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("review", "notice"),
        Index("notices_of_record", "review", "record", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    notice: str
    record: str
    kind: NoticeKind = Field(sa_type=AutoString)
    reason: str
    source: str
    drill: bool
    applied: bool = False
    emitted_at: datetime | None = Field(default=None, sa_type=Instant)
    heard_at: datetime = Field(sa_type=Instant)
    correlation: str
    event_id: str | None = None


class RejudgementRow(Base, table=True):
    """A person should judge a CMOC anew, because of a notice about a report that speaks to it."""

    __tablename__ = "rejudgements"
    __table_args__ = (
        Index("rejudgements_of_review", "review", "id"),
        Index("rejudgements_of_record", "review", "record"),
    )

    id: str = Field(primary_key=True)
    review: str
    cmoc: str
    record: str
    notice: str
    kind: NoticeKind = Field(sa_type=AutoString)
    why: str
    drill: bool
    state: RejudgementState = Field(default=RejudgementStates.OPEN, sa_type=AutoString)
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_by: str | None = None
    how: str | None = None
    correlation: str
    event_id: str


class ProposalRow(Base, table=True):
    """What the evidence suggests to do with a CMOC, or of a merger with it and an `other`. Its id is made of what it
    suggests, so that it is one however often it is suggested. `event_id` told of it last. `declined_links` are those
    that spoke for it when a person declined."""

    __tablename__ = "proposals"
    __table_args__ = (
        Index("proposals_of_review", "review", "state", "id"),
        Index("proposals_of_cmoc", "review", "cmoc"),
        Index("proposals_of_other", "review", "other"),
    )

    id: str = Field(primary_key=True)
    review: str
    kind: ProposalKind = Field(sa_type=AutoString)
    cmoc: str
    other: str | None = None
    element: Element | None = Field(default=None, sa_type=AutoString)
    why: str
    links: list[str] = Field(sa_type=Json)
    state: ProposalState = Field(sa_type=AutoString)
    cycle: int
    drill: bool
    proposed_at: datetime = Field(sa_type=Instant)
    declined_links: list[str] = Field(default=[], sa_type=Json)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_why: str | None = None
    event_id: str

    @property
    def cmocs(self) -> list[str]:
        return [self.cmoc] if self.other is None else [self.cmoc, self.other]


class ArrivalRow(Base, table=True):
    """Something that the synthesis must take in, by the id of the event that told it.

    A review is due while an arrival of it is not heeded; what a cycle heeded is what led to its revision.
    `cmocs` are those that it concerns, None for all of them; `drill` is that it came by an exercise. Rows, not a mark
    on the review, so that people who code at the same time do not wait for each other.
    """

    __tablename__ = "arrivals"
    __table_args__ = (
        Index(
            "arrivals_unheeded",
            "review",
            postgresql_where=text("heeded_at IS NULL"),
            sqlite_where=text("heeded_at IS NULL"),
        ),
        Index("arrivals_of_cycle", "review", "cycle", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    cause: str
    cmocs: list[str] | None = Field(default=None, sa_type=Json)
    arrived_at: datetime = Field(sa_type=Instant)
    heeded_at: datetime | None = Field(default=None, sa_type=Instant)
    cycle: int | None = None
    drill: bool = False


class TriggerRow(Base, table=True):
    """A rule that fired: a reason to look at the review again. Once a cycle for each subject."""

    __tablename__ = "triggers"
    __table_args__ = (
        UniqueConstraint("review", "cycle", "rule", "subject"),
        Index("triggers_by_age", "at"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    cycle: int
    rule: str
    subject: str
    why: str
    drill: bool = False
    at: datetime = Field(sa_type=Instant)


class DraftRow(Base, table=True):
    """What the synthesis says now, beside what it says of each CMOC (`StatementRow`). Overwritten at will; what is
    published is elsewhere. `published_theories` and `published_drills` are those of the newest revision; `changes` are
    those of the theories. `rules` are those by which it was made (`domain.states.RULES`)."""

    __tablename__ = "drafts"

    review: str = Field(primary_key=True)
    draft: str
    number: int
    change_class: ChangeClass = Field(sa_type=AutoString)
    theories: list[dict[str, str]] = Field(sa_type=Json)
    drills: list[str] = Field(sa_type=Json)
    fragments_sha256: str
    published_theories: list[dict[str, str]] = Field(default=[], sa_type=Json)
    published_drills: list[str] = Field(default=[], sa_type=Json)
    changes: list[dict[str, Any]] = Field(sa_type=Json)
    added: int
    withdrawn: int
    drill: bool
    rules: int
    made_at: datetime = Field(sa_type=Instant)


class StatementRow(Base, table=True):
    """What the synthesis says of one CMOC now, and what the newest revision says of it. Overwritten by whatever arrives
    that concerns this CMOC.

    `said` is the statement without its links, which may be thousands; None of one that the protocol has no more.
    `shown_by` is how many fragments show its reasoning.
    `published` is None of one that no revision states yet. `changes`, `added` and `withdrawn` are from the one to the
    other. `sha256` is of the whole statement.
    """

    __tablename__ = "statements"

    review: str = Field(primary_key=True)
    cmoc: str = Field(primary_key=True)
    position: int
    theory: str
    status: Status = Field(sa_type=AutoString)
    support: int
    flagged: bool
    shown_by: int = 0
    links_sha256: str
    sha256: str
    change_class: ChangeClass = Field(sa_type=AutoString)
    added: int
    withdrawn: int
    # Last, since what stands behind a large value is read with it.
    said: dict[str, Any] | None = Field(default=None, sa_type=Json)
    links: list[str] = Field(default=[], sa_type=Json)
    published: dict[str, Any] | None = Field(default=None, sa_type=Json)
    published_links: list[str] = Field(default=[], sa_type=Json)
    changes: list[dict[str, Any]] = Field(default=[], sa_type=Json)

    @property
    def statement(self) -> Statement | None:
        return None if self.said is None else Statement(**self.said, links=self.links)

    @property
    def published_statement(self) -> Statement | None:
        return None if self.published is None else Statement(**self.published, links=self.published_links)


class CharacteristicRow(Base, table=True):
    """What the newest version of the protocol asks of each study; `since` is the version that asks it as it is now. One
    that is `asked` no more keeps its row, with what was answered to it."""

    __tablename__ = "characteristics"

    review: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    position: int
    label: str
    kind: Kind = Field(sa_type=AutoString)
    options: list[str] = Field(default=[], sa_type=Json)
    required: bool
    help: str | None = Field(default=None, sa_type=Text)
    least: float | None = None
    most: float | None = None
    since: int
    asked: bool = True


class CharacteristicAnswerRow(Base, table=True):
    """What somebody answered to a characteristic of a study, from a report of it; `answered_on` is the record of then,
    where that was merged. Only ever appended: one that corrects others `supersedes` them. One that is `held` back, of
    an `extraction` that two people code, is shown to its author alone; `event_id` then is that of its extraction.
    `said` is its value as the one item of a list, since SQLite takes a number that is JSON for one of its own."""

    __tablename__ = "characteristic_answers"
    __table_args__ = (
        Index("characteristic_answers_of_record", "review", "record", "seq"),
        Index("characteristic_answers_on_record", "review", "answered_on"),
        Index(
            "characteristic_answers_held",
            "extraction",
            "seq",
            postgresql_where=text("held"),
            sqlite_where=text("held"),
        ),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    id: str = Field(unique=True)
    review: str
    record: str
    answered_on: str
    characteristic: str
    said: list[CharacteristicValue] | None = Field(default=None, sa_type=Json)
    not_reported: bool = False
    locator: str | None = None
    fragment: str | None = None
    why: str | None = None
    protocol_version: int
    supersedes: list[str] = Field(default=[], sa_type=Json)
    by: str
    at: datetime = Field(sa_type=Instant)
    extraction: str | None = None
    held: bool = False
    event_id: str

    @property
    def value(self) -> CharacteristicValue | None:
        return self.said[0] if self.said else None

    @property
    def answered(self) -> Answered:
        return Answered(
            self.id, self.characteristic, self.value, self.not_reported, self.protocol_version, self.supersedes
        )


class CommentRow(Base, table=True):
    """What somebody said of a line of a draft: of a CMOC or of a programme theory, and of the words that it had.
    Neither is ever changed; it is open until it is resolved. `event_id` told of it."""

    __tablename__ = "comments"
    __table_args__ = (
        Index("comments_of_review", "review", "seq"),
        Index("comments_of_cmoc", "review", "cmoc", "seq"),
        Index("comments_of_theory", "review", "theory", "seq"),
        Index(
            "comments_open",
            "review",
            "seq",
            postgresql_where=text(f"state = '{CommentStates.OPEN}'"),
            sqlite_where=text(f"state = '{CommentStates.OPEN}'"),
        ),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    id: str = Field(unique=True)
    review: str
    cmoc: str | None = None
    theory: str | None = None
    part: CommentPart = Field(sa_type=AutoString)
    draft: str
    words: str
    text: str
    by: str
    at: datetime = Field(sa_type=Instant)
    state: CommentState = Field(default=CommentStates.OPEN, sa_type=AutoString)
    resolved_by: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    resolved_why: str | None = None
    event_id: str

    @property
    def line(self) -> tuple[str, str]:
        """What it is on, and which part of that."""
        return self.cmoc or self.theory or "", self.part


class AnswerRow(Base, table=True):
    """What somebody answered to a comment. Only ever appended."""

    __tablename__ = "comment_answers"
    __table_args__ = (Index("answers_of_comment", "comment", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    comment: str
    text: str
    by: str
    at: datetime = Field(sa_type=Instant)


class SigningRow(Base, table=True):
    """That a revision was signed while comments on its draft were open: how many, which, and why. Written once, and
    beside what was signed, which says nothing of it."""

    __tablename__ = "signings"

    review: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    open_comments: int
    comments: list[str] = Field(sa_type=Json)
    despite: str


class RevisionRow(Base, table=True):
    """A signed revision: its frozen content, byte for byte as hashed. Written once."""

    __tablename__ = "revisions"

    review: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    head: dict[str, Any] = Field(sa_type=Json)
    content: str = Field(sa_type=Text)
    content_sha256: str
    signature: str
    event_id: str


class CourseRow(Base, table=True):
    """What became of a review once, and why; of one that was handed over, `to` whom. Only ever appended. `event_id`
    told of it."""

    __tablename__ = "courses"
    __table_args__ = (Index("courses_of_review", "review", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    what: str
    why: str
    by: str
    to: str | None = None
    at: datetime = Field(sa_type=Instant)
    event_id: str


class WithdrawnRevisionRow(Base, table=True):
    """That a lead withdrew a signed revision, and why. Written once, beside what was signed, which stays as it is.
    `event_id` told of it."""

    __tablename__ = "withdrawn_revisions"

    review: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    why: str
    by: str
    at: datetime = Field(sa_type=Instant)
    replaced_by: int | None = None
    event_id: str


class MatrixRow(Base, table=True):
    """The links that a signed revision rests on, as CSV (`domain.matrix`) as gzip; there is none of one that was signed
    before they were kept. Apart from the revision, since whoever reads that asks for it never. Written once."""

    __tablename__ = "matrices"

    review: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    csv_gz: bytes = Field(sa_type=LargeBinary)


class DepositRow(Base, table=True):
    """The deposit of a revision in an archive: what that calls it, and its DOI, once it is begun. `trouble` is why the
    last try came to nothing; `due_at` is by the machine's clock. `event_id` told of its DOI."""

    __tablename__ = "deposits"
    __table_args__ = (
        Index(
            "deposits_in_trouble",
            "review",
            postgresql_where=text("trouble IS NOT NULL"),
            sqlite_where=text("trouble IS NOT NULL"),
        ),
    )

    review: str = Field(primary_key=True)
    archive: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    state: DepositState = Field(sa_type=AutoString)
    deposit: str | None = None
    doi: str | None = None
    concept_doi: str | None = None
    tries: int = 0
    trouble: str | None = None
    refused: bool = False
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    assigned_at: datetime | None = Field(default=None, sa_type=Instant)
    event_id: str | None = None


class ManualRow(Base, table=True):
    """A strategy that people search by hand, as the version that had it last asks it (`question`), since the day
    `asked_on`. It is of the plan while that is the review's version."""

    __tablename__ = "manual_strategies"

    review: str = Field(primary_key=True)
    strategy: str = Field(primary_key=True)
    position: int
    database: str
    question: str
    every_days: int
    asked_on: date
    protocol_version: int


class SearchRow(Base, table=True):
    """The last search that somebody made by hand for a question of a strategy, which may be asked no more."""

    __tablename__ = "searches"

    review: str = Field(primary_key=True)
    strategy: str = Field(primary_key=True)
    question: str = Field(primary_key=True)
    searched_on: date
    search: str


class WatchRow(Base, table=True):
    """How far a watch of a source has been searched, by its complete runs, or by hand."""

    __tablename__ = "watches"

    review: str = Field(primary_key=True)
    watch: str = Field(primary_key=True)
    source: str
    protocol_version: int
    searched_through: date
    run: str
