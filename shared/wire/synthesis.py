"""What synthesis takes and answers; of a signed revision, what is shown of its document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from shared.events.base import Value
from shared.events.characteristics import Kind
from shared.events.synthesis import (
    Change,
    ChangeClass,
    CmocState,
    Concern,
    ConfidenceLevel,
    Credibility,
    Element,
    Inference,
    NotSearched,
    ProposedBy,
    Stance,
    Status,
)
from shared.wire.common import WHOLE, Chapter, Given, Line, Prose, Reason

DataType = Literal["participant_quote", "author_interpretation", "observation", "quantitative"]
Evidenced = Literal["explicit", "inferred", "none"]
ReportState = Literal["included", "excluded", "reopened", "merged"]
RejudgementState = Literal["open", "closed"]
#: How a CMOC went that the protocol has no more: by a person's decision in every case.
GoneHow = Literal["merged", "split", "refined", "no_evidence", "refuted", "out_of_scope", "set_aside"]
#: What the evidence may suggest to do with CMOCs; only people do it.
ProposalKind = Literal["merge", "split", "refine", "set_aside"]
ProposalState = Literal["open", "declined", "lapsed"]
#: Whether a link holds for words that are not those that it was coded for.
LinkVerdict = Literal["keep", "withdraw"]
CommentState = Literal["open", "resolved"]
#: Which line of a draft a comment is on: a part of a CMOC or its status, or a programme theory as it is stated.
CommentPart = Literal["context", "resource", "reasoning", "outcome", "status", "statement"]

#: What a lead says becomes of a review: it goes on, rests for a while, or has ended.
Course = Literal["living", "paused", "retired"]

#: Where a review stands: by its publication cadence while it lives, else by its course.
ReviewStanding = Literal["active", "due", "overdue", "paused", "retired"]


#: How far the deposit of a revision is, which is to have a DOI.
DepositState = Literal["waiting", "reserved", "assigned", "needless"]

#: What a revision says, as a file; and what it rests on, for those who may see that.
ExportForm = Literal["markdown", "docx", "csv", "jsonld"]
EvidenceForm = Literal["matrix", "annotated", "destiny"]

#: Of each form, how the name of its file ends, and its media type.
FORMS: dict[ExportForm | EvidenceForm, tuple[str, str]] = {
    "markdown": (".md", "text/markdown"),
    "docx": (".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "csv": ("-cmocs.csv", "text/csv"),
    "jsonld": (".jsonld", "application/ld+json"),
    "matrix": ("-matrix.csv", "text/csv"),
    "annotated": ("-annotated.jsonld", "application/ld+json"),
    # With the version of the package whose shape it has (`services.synthesis.ports.forms.destiny`).
    "destiny": ("-destiny-0.17.6.jsonl", "application/jsonl"),
}


def file_of(review: str, number: int, form: ExportForm | EvidenceForm) -> tuple[str, str]:
    """The name of a revision's file in one form, and its media type."""
    ending, media_type = FORMS[form]
    return f"{review}-revision-{number}{ending}", media_type


# Evidence


class FragmentGiven(Given):
    """A located piece of a report. `locator` says where: a page, a section, a table.

    A `receipt`, which ingest gives of a quote that it found in a copy of the report (`POST
    /ingest/reviews/{review}/texts/{text}/quotes`), says where it stands and what it says, so that neither is given
    beside it. A `quote` without one is kept as it is given, and nobody has held it against the report.
    """

    locator: Line | None = None
    quote: Prose | None = None
    paraphrase: Prose
    data_type: DataType
    receipt: Annotated[str, Field(max_length=20_000)] | None = Field(
        default=None, exclude_if=lambda receipt: receipt is None
    )

    @model_validator(mode="after")
    def _located_once(self) -> Self:
        if self.receipt is None and self.locator is None:
            raise ValueError("locator: say where in the report it is, or give the receipt of its quote")
        if self.receipt is not None and (self.quote is not None or self.locator is not None):
            named = "quote" if self.quote is not None else "locator"
            raise ValueError(f"{named}: the receipt says it; leave it out")
        return self


class LinkGiven(Given):
    """What the fragment says, and of which element of which CMOC.

    `bounds` shows where the CMOC stops working, `inverse` that without the resource the opposite holds.
    `inference` is `explicit` where the report says so itself. `credibility` is whether the fragment is trustworthy for
    this claim; where nobody says, it is as its report was judged in screening.
    """

    cmoc: Line
    element: Element
    stance: Stance = "supports"
    inference: Inference = "explicit"
    rationale: Reason | None = None
    credibility: Credibility | None = Field(default=None, exclude_if=lambda judged: judged is None)


def _said_once(links: list[LinkGiven]) -> list[LinkGiven]:
    seen: dict[tuple[str, str, str], int] = {}
    for index, link in enumerate(links):
        first = seen.setdefault((link.cmoc, link.element, link.stance), index)
        if first != index:
            raise ValueError(f"link {index} repeats link {first}: one element, one stance, one link")
    return links


Links = Annotated[list[LinkGiven], Field(min_length=1, max_length=50), AfterValidator(_said_once)]


class EvidenceGiven(Given):
    """A fragment of an included record, and its links."""

    record: Line
    fragment: FragmentGiven
    links: Links


class EvidenceBatch(Given):
    """Several fragments at once: all are taken, or none."""

    evidence: Annotated[list[EvidenceGiven], Field(min_length=1, max_length=200)]


class CodedFragment(Given):
    """One entry of an evidence file: a fragment of the work with this DOI, and its links."""

    doi: Line
    fragment: FragmentGiven
    links: Links


class EvidenceFile(Given):
    """A file of coded evidence, by DOI, so that it can be posted wherever the records have other ids."""

    review: Line
    evidence: list[CodedFragment]


class LinkTaken(BaseModel):
    """A link by its id; `changed` is false when it stood already."""

    link: str
    cmoc: str
    changed: bool


class EvidenceTaken(BaseModel):
    """A fragment by its id. `record` may be another one than was asked for: the one it was merged into.

    `stands` is false while the report is suspended: the evidence is kept, and counts when it is reinstated.
    """

    record: str
    study: str
    fragment: str
    links: list[LinkTaken]
    changed: bool
    stands: bool


class BatchTaken(BaseModel):
    """What became of each fragment, in order."""

    evidence: list[EvidenceTaken]


class Withdrawal(Given):
    """Takes back a fragment's links, or one of them."""

    why: Prose
    link: Line | None = None


class Withdrawn(BaseModel):
    """The links that no longer stand by this; none when they did not stand before."""

    fragment: str
    links: list[str]


#: Why a link counts for nothing though nobody took it back: not all coders of its report have finished, they differ and
#: nobody has decided, the other coder's link says the same and counts, or who made it gave the report back.
Held = Literal["coding", "differs", "doubled", "left"]

#: What is known of a fragment's quote: it was found in a copy (`verified`), also where its words are for whoever may
#: read that copy alone (`withheld`), a new parse of the copy has it no more (`lost`), or nobody looked (`as_given`).
Quoted = Literal["verified", "withheld", "lost", "as_given"]


class QuoteSelector(BaseModel):
    """Where a copy of the report says a quote: characters of its parsed text of that hash (W3C Web Annotation,
    TextPositionSelector), under ingest's `anchor`, with the salted hash of the words."""

    anchor: str
    text: str
    parse_sha256: str
    start: int
    end: int
    page: int | None
    quote_sha256: str
    salt: str
    lost: str | None = None


class NewAppraisal(Given):
    """Whether a fragment is trustworthy for what a link says by it, and why."""

    credibility: Credibility
    why: Reason


class AppraisalView(BaseModel):
    """What somebody judged of a link, and when; the last one holds."""

    link: str
    credibility: Credibility
    why: str
    by: str
    at: datetime
    event: str


class EvidenceView(BaseModel):
    """A link with its fragment, and the event that told it. `why_not` says why it does not stand, if so; `credibility`
    is what was judged of it last, None where that is left to how its report was judged. `asked_version` is the version
    of the protocol since which its CMOC reads otherwise, while nobody has judged whether the link holds for that.
    `held` is why it does not count for itself (yet) between two coders, `proposed_by` what proposed its quote to its
    coder, where something did."""

    link: str
    fragment: str
    record: str
    study: str
    title: str | None
    cmoc: str
    element: Element
    stance: Stance
    inference: Inference
    rationale: str | None
    credibility: Credibility | None = None
    locator: str
    quote: str | None
    quoted: Quoted | None = None
    selector: QuoteSelector | None = None
    paraphrase: str
    data_type: DataType
    coder: str
    linked_at: datetime
    event: str
    stands: bool
    why_not: str | None
    held: Held | None = None
    asked_version: int | None = None
    proposed_by: ProposedBy | None = None


class Rewording(BaseModel):
    """What a version of the protocol made of the words of a part of a CMOC, by whom, and why where that was said."""

    part: Element
    protocol_version: int
    before: str
    after: str
    why: str | None
    by: str
    at: datetime


class RewordingView(BaseModel):
    """An element of a CMOC that reads otherwise than when some links to it were coded or judged last: how many, since
    which version of the protocol, and what became of its words since then; of the whole, what became of all parts."""

    cmoc: str
    element: Element
    links: int
    since_version: int
    rewordings: list[Rewording]


class NewLinkJudgements(Given):
    """Whether these links hold for the words of today, and why; `withdraw` takes them back."""

    links: Annotated[list[Line], Field(min_length=1, max_length=200)]
    verdict: LinkVerdict
    why: Reason


class LinksJudged(BaseModel):
    """The links that were judged, and how many of the review are still to be."""

    links: list[str]
    verdict: LinkVerdict
    left: int


class LinkJudgementView(BaseModel):
    """What somebody judged of a link when its CMOC read otherwise, since which version of the protocol."""

    link: str
    protocol_version: int
    verdict: LinkVerdict
    why: str
    by: str
    at: datetime
    event: str


class NoticeView(BaseModel):
    """A notice about a report."""

    notice: str
    kind: str
    reason: str
    source: str
    drill: bool
    heard_at: datetime


class ReportView(BaseModel):
    """A record as synthesis sees it: its study, whether it stands, and what was noticed about it."""

    record: str
    state: ReportState
    study: str
    title: str | None
    stands: bool
    suspended: bool
    merged_into: str | None
    notices: list[NoticeView]
    event: str | None


class StudyGiven(Given):
    """Joins a record's report to the study of another; without `same_as` it is a study of its own again."""

    same_as: Line | None = None
    why: Prose


# What the synthesis says


class StanceCount(Value):
    """How many standing links of one stance speak to one element: all, those that show it (explicit, and credible), and
    the independent `studies` behind all of them."""

    stance: Stance
    links: int
    shown: int
    studies: int


#: The rules by which a status is found, each of which is met or not.
StatusRule = Literal[
    "no_credible_contradiction", "has_support", "context_is_shown", "resource_is_shown", "reasoning_is_shown",
    "outcome_is_shown", "enough_studies",
]  # fmt: skip


class StatusReason(Value):
    """Whether one rule of the status is met, and what speaks for that: the studies that meet it, or of a contradiction
    the links that break it."""

    rule: StatusRule
    met: bool
    studies: list[str] = []
    links: list[str] = []


class Pattern(Value):
    """A demi-regularity (Lawson 1997; Pawson 2006): the context goes with the outcome in two or more `studies`. The
    links in `counter` say that it did not, those in `moderators` where it ends."""

    studies: list[str]
    counter: list[str]
    moderators: list[str]


class Confidence(Value):
    """How confident somebody is in a CMOC, and how much they are concerned about each of the four parts of
    GRADE-CERQual: the limitations of the studies, how well the finding fits their data, whether there is enough of
    that, and whether it is about what the review asks."""

    methodological_limitations: Concern
    coherence: Concern
    adequacy: Concern
    relevance: Concern
    confidence: ConfidenceLevel
    why: str
    by: str


class NewConfidence(Given):
    """The same, as it is judged."""

    methodological_limitations: Concern
    coherence: Concern
    adequacy: Concern
    relevance: Concern
    confidence: ConfidenceLevel
    why: Reason


class ConfidenceView(Confidence):
    """What somebody judged of a CMOC, and when; the last one holds."""

    cmoc: str
    at: datetime
    event: str


class Statement(Value):
    """One CMOC: its wording, its status, and what that rests on.

    `elements` says how each of the four parts is evidenced; `stances` counts the standing links by stance;
    `studies` are those that count for `support`; `links` are all that stand, and `challenges` those of them
    that contradict or bound. `reasons` are the rules of the status, in their order, and `by_element` what speaks to
    each part and to the whole; documents of schemas before 3 have neither. `pattern` is there where its context goes
    with its outcome in several studies, `confidence` where somebody judged that.
    """

    cmoc: str
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    status: Status
    support: int
    flagged: bool
    elements: dict[str, Evidenced]
    stances: dict[str, int]
    studies: list[str]
    links: list[str]
    challenges: list[str]
    reasons: list[StatusReason] = Field(default=[], exclude_if=lambda reasons: not reasons)
    by_element: dict[Element, list[StanceCount]] = Field(default={}, exclude_if=lambda counts: not counts)
    pattern: Pattern | None = Field(default=None, exclude_if=lambda pattern: pattern is None)
    confidence: Confidence | None = Field(default=None, exclude_if=lambda judged: judged is None)

    @property
    def state(self) -> CmocState:
        return CmocState(
            cmoc=self.cmoc, theory=self.theory, status=self.status, support=self.support, flagged=self.flagged
        )


class TheoryText(Value):
    """A programme theory."""

    theory: str
    heading: str
    statement: str


class Counts(Value):
    """What stands behind a draft or revision."""

    studies: int
    reports: int
    fragments: int
    links: int


class GoneCmoc(Value):
    """A CMOC that is stated no more, by a person's decision: how it went, into which others, and why."""

    cmoc: str
    how: GoneHow
    into: list[str]
    why: str


class Body(Value):
    """What the synthesis says: the theories, every CMOC in the protocol's order, the hash of the set of
    links it rests on, the drills in force, and which CMOCs are stated no more."""

    theories: list[TheoryText]
    cmocs: list[Statement]
    fragments_sha256: str
    counts: Counts
    drills: list[str] = []
    gone: list[GoneCmoc] = []

    @property
    def states(self) -> list[CmocState]:
        return [statement.state for statement in self.cmocs]

    @property
    def links(self) -> set[str]:
        return {link for statement in self.cmocs for link in statement.links}


class EvidenceMoved(Value):
    """How many links came to stand since the preceding revision, and how many no longer do."""

    added: int
    withdrawn: int


class CmocDrafted(BaseModel):
    """One CMOC as it would be published: its wording, its status with the rules it rests on, and the studies that count
    for `support`. The links behind it: the evidence listing with `cmoc`."""

    cmoc: str
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    status: Status
    support: int
    flagged: bool
    elements: dict[str, Evidenced]
    stances: dict[str, int]
    studies: list[str]
    reasons: list[StatusReason] = []
    by_element: dict[Element, list[StanceCount]] = {}
    pattern: Pattern | None = None
    confidence: Confidence | None = None


class ManualSearch(BaseModel):
    """A strategy that people search by hand: when it was searched for what the protocol asks now, None where it never
    was, and the day on which it is due. No revision is signed past one that is overdue, unless it is left out."""

    strategy: str
    database: str
    searched_on: date | None
    due: date
    standing: Literal["searched", "due", "overdue"]


class CommentsOf(BaseModel):
    """How many comments of one person are open."""

    person: str
    open: int


class DraftView(BaseModel):
    """What would be published now: the theories, and their CMOCs in the protocol's order, with `changes` since the
    preceding revision. `settled` is false while something that arrived is not taken in yet. `manual` are the searches
    by hand. `drill` is that all of it is an exercise, or takes one back; `drill_in_part` that a part of it is, and
    something came beside that in earnest. `comments` says whose comments on it are open. `preceding` is the revision in
    force, which it is compared with."""

    review: str
    draft: str
    number: int
    cycle: int
    title: str
    settled: bool
    change_class: ChangeClass
    theories: list[TheoryText]
    cmocs: list[CmocDrafted]
    states: list[CmocState]
    changes: list[Change]
    evidence: EvidenceMoved
    counts: Counts
    fragments_sha256: str
    preceding: str | None
    preceding_number: int | None = None
    drill: bool
    drill_in_part: bool = False
    made_at: datetime
    manual: list[ManualSearch] = []
    comments: list[CommentsOf] = []


class LeftOut(Given):
    """A search by hand that is overdue, and why the revision goes without it."""

    strategy: Line
    reason: Reason


class SignDraft(Given):
    """Signs this draft and no other, with the hash of its evidence. It goes `without` those searches by hand that are
    overdue, each with its reason; the revision says so. `despite` is why it is signed while comments on it are open,
    which stays with the history of the revision, and is no part of it; `open_comments` how many its signer saw: where
    others are open by now, nothing is signed."""

    fragments_sha256: Line
    draft: Line
    summary: Prose
    drill: bool = False
    without: list[LeftOut] = Field(default=[], max_length=50)
    despite: Reason | None = Field(default=None, exclude_if=lambda why: why is None)
    open_comments: int | None = Field(default=None, ge=0, le=100_000, exclude_if=lambda seen: seen is None)


class NewComment(Given):
    """What somebody says of a line of the draft: of a `cmoc` its parts and its status, of a `theory` its statement.
    `words` are those of that line as they saw them: where it has others by now, nothing is taken."""

    cmoc: Line | None = None
    theory: Line | None = None
    part: CommentPart
    words: Annotated[str, Field(min_length=1, max_length=11_000)]
    text: Reason


class NewAnswer(Given):
    """What somebody answers to a comment."""

    text: Reason


class Resolved(Given):
    """What became of a comment."""

    why: Reason


class AnswerView(BaseModel):
    """What somebody answered to a comment."""

    text: str
    by: str
    at: datetime


class CommentView(BaseModel):
    """What somebody said of a line of a draft, and of which words. `earlier` is that the line reads otherwise by now:
    `words_now`, None where there is no such line any more. `answers` are in the order that they came in."""

    comment: str
    cmoc: str | None
    theory: str | None
    part: CommentPart
    draft: str
    words: str
    words_now: str | None
    earlier: bool
    text: str
    by: str
    at: datetime
    state: CommentState
    resolved_by: str | None
    resolved_at: datetime | None
    resolved_why: str | None
    answers: list[AnswerView]
    event: str


class Signing(BaseModel):
    """How a revision was signed, which its document does not say: how many comments on its draft were open, `despite`
    what, and which (`comments`, as many as are kept)."""

    review: str
    number: int
    signed_by: str
    signed_at: datetime
    open_comments: int
    despite: str | None
    comments: list[str]


class TriggerView(Value):
    """A rule that fired."""

    rule: str
    subject: str
    why: str
    cycle: int
    drill: bool
    at: datetime


class RevisionHead(Value):
    """A revision without its content."""

    revision: str
    review: str
    number: int
    cycle: int
    title: str
    change_class: ChangeClass
    summary: str
    preceding: str | None
    fragments_sha256: str
    signed_by: str
    signed_at: datetime
    drill: bool


class RevisionContent(RevisionHead):
    """The content of a revision, as read from the document that was signed.

    `because` are the ids of the events that led to it since the preceding revision. `not_searched` are the searches by
    hand that it goes without, `gone` the CMOCs that are stated no more, and `matrix_sha256` the hash of the links that
    it rests on (CSV in UTF-8); a document without any does not name them.
    """

    protocol_version: int
    protocol_sha256: str
    searched_through: dict[str, date]
    theories: list[TheoryText]
    cmocs: list[Statement]
    drills: list[str]
    counts: Counts
    evidence: EvidenceMoved
    changes: list[Change]
    triggers: list[TriggerView]
    because: list[str]
    not_searched: list[NotSearched] = Field(default=[], exclude_if=lambda left_out: not left_out)
    gone: list[GoneCmoc] = Field(default=[], exclude_if=lambda gone: not gone)
    matrix_sha256: str | None = Field(default=None, exclude_if=lambda sha256: sha256 is None)

    @property
    def body(self) -> Body:
        return Body(
            theories=self.theories, cmocs=self.cmocs, fragments_sha256=self.fragments_sha256, counts=self.counts,
            drills=self.drills, gone=self.gone,
        )  # fmt: skip


class NewRevisionWithdrawal(Given):
    """Why nobody should go by a revision any more, and which one is to be read instead, where there is such."""

    why: Prose
    replaced_by: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None


class WithdrawnRevision(BaseModel):
    """That a revision was withdrawn, for good: by whom, when and why, and which one is to be read instead where
    somebody said so."""

    number: int
    why: str
    by: str
    at: datetime
    replaced_by: int | None


class RevisionListed(RevisionHead):
    """A revision in a listing. One that was `withdrawn` says so."""

    content_sha256: str
    withdrawn: WithdrawnRevision | None = Field(default=None, exclude_if=lambda said: said is None)


class RevisionView(BaseModel):
    """A published revision: what its document says, the document's schema and hash, and the signature over that hash.
    `kid` names the key that signed it; null where it was signed before keys had ids. One that was deposited has its
    `doi`, and that of all of them (`concept_doi`). `preceding_number` is that of the one that it says what changed
    since. One that was `withdrawn` says so; `later_withdrawn` are those after it that were, the newest first."""

    content: RevisionContent
    document_schema: int
    content_sha256: str
    signature: str
    kid: str | None
    event: str
    doi: str | None = Field(default=None, exclude_if=lambda doi: doi is None)
    concept_doi: str | None = Field(default=None, exclude_if=lambda doi: doi is None)
    preceding_number: int | None = None
    withdrawn: WithdrawnRevision | None = Field(default=None, exclude_if=lambda said: said is None)
    later_withdrawn: list[WithdrawnRevision] = Field(default=[], exclude_if=lambda later: not later)


class DepositView(BaseModel):
    """How far the deposit of a revision in an archive is. One that changed nothing, or is an exercise, is `needless`.
    `reserved` has the DOI that it will have. `trouble` is why it does not get on; where the archive `refused` it, as it
    does what it wants otherwise, somebody should look; it is tried again at `again_at` all the same: None where it is
    not, as another archive is set, nobody names the review any more, or it is retired. Of one that was `withdrawn`
    since, the archive does not know: somebody says so there by hand."""

    number: int
    archive: str
    state: DepositState
    doi: str | None
    concept_doi: str | None
    tries: int
    trouble: str | None
    refused: bool
    again_at: datetime | None
    assigned_at: datetime | None
    withdrawn: bool = Field(default=False, exclude_if=lambda withdrawn: not withdrawn)


class ExportedRevision(BaseModel):
    """A revision to be verified elsewhere: the exact text that was signed (its UTF-8 has the hash `sha256`), and the
    signature. `kid` and `public_key` tell by which key; a verifier takes that key from where it trusts, not from here.
    `withdrawn` is what was so when it was exported, and is not signed.
    """

    revision: str
    document: str
    sha256: str
    signature: str
    kid: str | None
    public_key: str | None
    withdrawn: WithdrawnRevision | None = Field(default=None, exclude_if=lambda said: said is None)


#: What PROV says of each of several things, by their names.
Said = dict[str, dict[str, Any]]


class Provenance(BaseModel):
    """What a revision came from, as PROV-JSON (W3C): studies and persons by the ids that are in what was signed."""

    prefix: dict[str, str]
    entity: Said
    activity: Said
    agent: Said
    wasGeneratedBy: Said
    used: Said
    wasAssociatedWith: Said
    wasAttributedTo: Said
    wasDerivedFrom: Said


class Verified(BaseModel):
    """Whether a revision is still what was signed, and what is wrong where not; by which key it was signed, and the
    dates in which that key signs. `readable` is false for a document that only a later release can show.

    `review` to `drill`, and `not_searched`, are what the document says of itself; null where it does not hold. `links`
    is of how many links each status and each number was computed anew, null where they were not at hand. `withdrawn` is
    said where the platform is asked: what was signed holds all the same.
    """

    revision: str | None
    review: str | None
    number: int | None
    signed_by: str | None
    signed_at: datetime | None
    drill: bool | None
    holds: bool
    faults: list[str]
    document_schema: int | None
    readable: bool
    kid: str | None
    key_since: datetime | None
    key_until: datetime | None
    not_searched: list[NotSearched] | None = None
    links: int | None = None
    withdrawn: WithdrawnRevision | None = Field(default=None, exclude_if=lambda said: said is None)


class CourseStep(BaseModel):
    """What became of a review once, by whom, when and why: it is living, paused or retired from then on (`what`), or
    was handed over to another lead (`to`)."""

    what: Literal["living", "paused", "retired", "handed_over"]
    why: str
    by: str
    to: str | None
    at: datetime
    event: str


class NewCourse(Given):
    """What becomes of a review, and why, which its readers are told."""

    course: Course
    why: Prose


class Standing(BaseModel):
    """Where a review stands, as anybody who may read it sees it: its newest revision that is not withdrawn, and the one
    that was in force at the end of a day, which is the newest where no day is asked for; None before the first. `why`
    it is paused or retired, `since` when."""

    review: str
    title: str
    state: ReviewStanding
    why: str | None
    since: datetime | None
    revisions: int
    last_published: date | None
    next_due: date
    newest: RevisionListed | None
    in_force: RevisionListed | None


class CitedNotice(BaseModel):
    """What happened to a report after it appeared."""

    kind: str
    reason: str
    source: str
    heard_at: datetime


class CitedReport(BaseModel):
    """A report whose evidence stands in a revision, and the CMOCs that it speaks to there. `struck` says that it speaks
    no longer today, since it was retracted, withdrawn or replaced; `notices` are those that are no exercise."""

    record: str
    title: str | None
    study: str
    cmocs: list[str]
    struck: bool
    notices: list[CitedNotice]


class CitedStudies(BaseModel):
    """The reports that a revision rests on."""

    review: str
    number: int
    reports: list[CitedReport]


class Difference(BaseModel):
    """What changed between two revisions. `drill` says that at least one of them is an exercise."""

    review: str
    before: int
    after: int
    drill: bool
    change_class: ChangeClass
    changes: list[Change]


class StudyView(BaseModel):
    """A study, and the records that report it."""

    study: str
    records: list[str]
    titles: list[str]


class SupportRow(BaseModel):
    """The number of a CMOC and what it counts."""

    cmoc: str
    theory: str
    status: Status
    support: int
    flagged: bool
    elements: dict[str, Evidenced]
    stances: dict[str, int]
    links: int
    studies: list[str]


class SupportTable(BaseModel):
    """Support of every CMOC. The links behind a number: the evidence listing with `cmoc`."""

    review: str
    draft: str
    settled: bool
    rows: list[SupportRow]
    studies: list[StudyView]


class ProposalView(BaseModel):
    """What the evidence suggests to do with these CMOCs, because of what the `links` say of an `element`: the evidence
    listing with `cmoc` has them. `decided_by` declined it, and said why (`decided_why`)."""

    proposal: str
    review: str
    kind: ProposalKind
    cmocs: list[str]
    element: Element | None
    why: str
    links: list[str]
    state: ProposalState
    cycle: int
    drill: bool
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str | None
    event: str


class Declined(Given):
    """Why what the evidence suggests is not done."""

    why: Reason


class CmocView(BaseModel):
    """A CMOC in its newest wording. Of one that the protocol has no more, `gone_how` it went, into which others, and
    why, as a person decided (`gone_by`), with what others of the team think (`dissent`)."""

    cmoc: str
    theory: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    lineage: list[str]
    lineage_note: str | None
    set_aside_at: datetime | None
    gone_how: GoneHow | None = None
    gone_into: list[str] = []
    gone_why: str | None = None
    gone_by: str | None = None
    dissent: str | None = None


class CmocStanding(BaseModel):
    """A CMOC, and what would be published of it now (`drafted`): None of one that the protocol has no more, and before
    the first draft. `studies` are those that its rules name and those that count."""

    about: CmocView
    drafted: CmocDrafted | None
    studies: list[StudyView]


class Kin(BaseModel):
    """Where a CMOC comes from and where it went: those that it was made of and those that it became, near and far."""

    cmoc: str
    before: list[CmocView]
    after: list[CmocView]


class TheoryEventView(BaseModel):
    """Something that happened to a CMOC. `event` is its id in the journal."""

    cmoc: str
    cycle: int
    happened: str
    before: str | None
    after: str | None
    why: str
    links: list[str]
    actor: str
    at: datetime
    drill: bool
    event: str


class RejudgementView(BaseModel):
    """A re-judgement that a person owes a CMOC, or what became of it."""

    rejudgement: str
    cmoc: str
    record: str
    notice: str
    kind: str
    why: str
    drill: bool
    state: RejudgementState
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    how: str | None


class Judged(Given):
    """How a re-judgement came out."""

    how: Prose


class StatusView(BaseModel):
    """Where a review stands. `state` is active, due or overdue, by its publication cadence, or what a lead has said of
    it; `open_drills` counts the open re-judgements that are exercises. `manual` are the searches by hand."""

    review: str
    title: str
    protocol_version: int
    revisions: int
    last_published: date | None
    next_due: date
    state: ReviewStanding
    settled: bool
    open_rejudgements: int
    open_drills: int
    searched_through: dict[str, date]
    manual: list[ManualSearch] = []
    #: Included reports from which no evidence is coded yet.
    to_code: int = 0
    #: How many coders the protocol asks for each report; None where it asks for none.
    coders: int | None = None
    #: What the evidence suggests to do, and nobody has decided.
    open_proposals: int = 0
    #: Revisions that wait for a DOI because something is wrong, where DOIs are made of the review now.
    dois_in_trouble: int = 0
    #: Links whose CMOC reads otherwise since they were coded, and of which nobody has judged whether they hold.
    links_to_judge: int = 0
    #: What members said of lines of the draft, and nobody has resolved.
    open_comments: int = 0
    #: Reports whose coders differ, and of which people have not decided everything.
    coders_differ: int = 0
    #: Reports that not all of their coders have finished.
    being_coded: int = 0


# Figures


class MapCmoc(BaseModel):
    """A CMOC on the map of the theories: how it stands, and how many links speak to it (claims) beside the independent
    studies that count for `support`."""

    cmoc: str
    theory: str
    reasoning: str
    outcome: str
    status: Status
    support: int
    flagged: bool
    links: int
    stances: dict[str, int]


class MapStudy(BaseModel):
    """A study on the map: its first report that is included, how many there are, and how many of its links stand."""

    study: str
    record: str | None
    title: str | None
    reports: int
    links: int


class MapEdge(BaseModel):
    """That a study speaks to a CMOC in one stance, by so many links, of which so many say it outright (`explicit`). The
    links with their quotes: the evidence listing with `cmoc`, `study` and `stance`."""

    cmoc: str
    study: str
    stance: Stance
    links: int
    explicit: int


class LeftOutOfMap(BaseModel):
    """What a map does not show, since it would be too much to look at: studies, and links."""

    studies: int
    links: int


class TheoryMap(BaseModel):
    """The programme theories, their CMOCs, and the independent studies that speak to them, those with most links first.
    `settled` is false while something that arrived is not taken in yet, so that numbers of CMOCs and of edges may
    differ."""

    review: str
    title: str
    settled: bool
    theories: list[TheoryText]
    cmocs: list[MapCmoc]
    studies: list[MapStudy]
    edges: list[MapEdge]
    left_out: LeftOutOfMap


class StudyCell(BaseModel):
    """That a study speaks to one element of a CMOC in one stance, by so many links."""

    cmoc: str
    element: Element
    stance: Stance
    links: int
    explicit: int


class StudySpeaking(BaseModel):
    """A study that speaks to CMOCs, and what to: a row of the evidence matrix."""

    study: str
    record: str | None
    title: str | None
    reports: int
    cells: list[StudyCell]


class SupportAt(BaseModel):
    """The independent studies behind each CMOC as a revision says it, and its status then; whether the revision was
    withdrawn since."""

    number: int
    signed_at: datetime
    change_class: ChangeClass
    drill: bool
    states: list[CmocState]
    withdrawn: bool = Field(default=False, exclude_if=lambda withdrawn: not withdrawn)


#: What a study changed, the greatest of it; `nothing` where its evidence speaks to what was so already.
AddedChange = Literal["status", "element", "support", "nothing"]


class CmocMoved(BaseModel):
    """What the evidence of a study changed of a CMOC: its status, how one of its elements is evidenced, or its
    support."""

    cmoc: str
    what: Literal["status", "context", "resource", "reasoning", "outcome", "support"]
    before: str
    after: str


class StudyAdded(BaseModel):
    """What a study changed when it was coded, the `nth` of all. Of its links `links` count today, and `gone` count no
    more: they were withdrawn, their report does not stand, or the protocol has their CMOC no more. A study without any
    that counts has changed nothing that is so today."""

    nth: int
    study: str
    record: str | None
    title: str | None
    reports: int
    coded_at: datetime
    links: int
    gone: int
    change: AddedChange
    changes: list[CmocMoved]


class Saturation(BaseModel):
    """How much each added study still changes: shown, and nothing acts by it.

    Told of the evidence that counts today, in the order in which it was coded: what was withdrawn later is as if it had
    never come. `unchanged` are the last studies in a row that changed neither a status nor an element.
    `since_major` and `since_minor` are how many came after the revision was signed that was the last of its class,
    exercises aside; all of them where there was none.
    """

    review: str
    settled: bool
    studies: int
    speaking: int
    unchanged: int
    last_major: RevisionListed | None
    last_minor: RevisionListed | None
    since_major: int
    since_minor: int


# Study characteristics

#: What may be said of a characteristic: words or an option, several options, a number or a year, yes or no. As text any
#: may be written: options with `;` between them, `yes` and `no`.
CharacteristicValue = bool | int | float | str | list[str]

#: Where a characteristic of a study stands; one `differs` while answers stand that say different things.
AnswerState = Literal["unanswered", "answered", "differs"]

#: Characters of an answer in words, and answers that are taken at once.
LONGEST_ANSWER, MOST_AT_ONCE = 2_000, 500


#: The same as it may be sent; what is a little too long for an answer is refused by its own name.
_Sent = Annotated[str, Field(max_length=2 * LONGEST_ANSWER)]
_Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
GivenValue = (
    bool | _Whole | float | _Sent | Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=60)]
)


class CharacteristicView(BaseModel):
    """What the protocol asks of each study, as it has asked since the version `since`."""

    name: str
    label: str
    kind: Kind
    options: list[str]
    required: bool
    help: str | None
    least: float | None
    most: float | None
    since: int


class DescriptionGiven(Given):
    """What a report says of a characteristic of its study, in words of one's own: a `value`, or that it is
    `not_reported`; neither takes back what was said. It may rest on a `fragment` that is coded of the study, or on a
    place in the report. It corrects what stands, for which it says `why` where that said something else. `seen` are
    the answers that stood when it was written: where others stand by now, nothing is taken."""

    record: Line
    characteristic: Line
    value: GivenValue | None = None
    not_reported: bool = False
    locator: Line | None = None
    fragment: Line | None = None
    why: Reason | None = None
    seen: Annotated[list[Line], Field(max_length=200)] | None = None


class NewCharacteristics(Given):
    """Answers for one or several reports: all are taken, or none."""

    answers: Annotated[list[DescriptionGiven], Field(min_length=1, max_length=MOST_AT_ONCE)]


class CharacteristicAnswer(BaseModel):
    """One answer. `earlier` is that the protocol asks otherwise since its version `protocol_version`; `held` that the
    other of its two coders has not finished, so that nobody else sees it yet."""

    answer: str
    characteristic: str
    value: CharacteristicValue | None
    not_reported: bool
    record: str
    locator: str | None
    fragment: str | None
    why: str | None
    by: str
    at: datetime
    protocol_version: int
    supersedes: list[str]
    earlier: bool
    held: bool


class CharacteristicStanding(BaseModel):
    """A characteristic of a study: the answers that stand, one or, where people differ, several. It is `lacking` where
    it must be answered, and is not, or not as the protocol asks it now."""

    characteristic: str
    state: AnswerState
    lacking: bool
    answers: list[CharacteristicAnswer]


class StudyReport(BaseModel):
    """An included report of a study; `suspended` where a notice about it stands."""

    record: str
    title: str | None
    suspended: bool


class StudyCharacteristics(BaseModel):
    """What is known of an included study, in the order in which the protocol asks."""

    study: str
    reports: list[StudyReport]
    characteristics: list[CharacteristicStanding]
    lacking: int
    apart: int


class CharacteristicsTaken(BaseModel):
    """The studies as they are now, and how many answers were new."""

    changed: int
    studies: list[StudyCharacteristics]


# Extraction


#: How an included report stands with its coders: not all have finished; they differ; nothing is left to decide; or the
#: report is not included any more.
ExtractionState = Literal["open", "differing", "done", "withdrawn"]

#: What two coders say, side by side: the same; the same place with another stance, or another inference; or something
#: that one of them alone has.
DifferenceKind = Literal["agreed", "other_stance", "other_inference", "only_first", "only_second"]

#: What of a difference counts: what the first coder says, the second, both, or neither.
Keep = Literal["first", "second", "both", "neither"]


class ExtractionView(BaseModel):
    """An included report that so many `coders` code. Who they are is told once all have finished; `until` is how long
    it is kept for whoever asks, who has not finished; `mine` is that they have it, or finished it."""

    extraction: str
    record: str
    title: str | None
    state: ExtractionState
    coders: int
    taken: int
    finished: int
    mine: bool
    until: datetime | None
    finished_by: list[str]
    opened_at: datetime


class ExtractionClaimed(BaseModel):
    """What somebody has in hand to code; None where nothing waits for them."""

    extraction: ExtractionView | None


class ReconciliationView(BaseModel):
    """What somebody decided of a difference, and why."""

    difference: str
    cmoc: str
    element: Element
    keep: Keep
    kept: list[str]
    dropped: list[str]
    why: str
    by: str
    at: datetime
    event: str


class DifferenceView(BaseModel):
    """What the two coders of a report say of one element of a CMOC, side by side. It is `decided` where they agree, or
    somebody decided what counts: then both sides are as they stood, with the `decision`."""

    difference: str
    kind: DifferenceKind
    cmoc: str
    element: Element
    first: EvidenceView | None
    second: EvidenceView | None
    decided: bool
    decision: ReconciliationView | None = None


class DifferencesView(BaseModel):
    """The codings of a report's two coders, side by side, and what was decided. `decides` is whether whoever asks may
    decide."""

    extraction: ExtractionView
    differences: list[DifferenceView]
    reconciliations: list[ReconciliationView]
    decides: bool


class NewReconciliation(Given):
    """Which side of a difference counts, and why."""

    difference: Line
    keep: Keep
    why: Reason


class AgreedView(BaseModel):
    """How far two coders agree over `n` units, on `agreed` of which both said the same; `alpha` is Krippendorff's for
    nominal categories, None where chance alone would explain everything."""

    n: int
    agreed: int
    alpha: float | None


class CodingAgreementView(BaseModel):
    """How far coders agreed before anything was reconciled, over the reports that both have finished. A unit is an
    element of a CMOC in a report of which one of them coded anything at least; what is said of it is the stance, or
    nothing. `where_both` is over the units of which both coded something; `by_stance` tells each stance from the
    rest. `reports` are all that every coder of theirs has finished."""

    review: str
    reports: int = 0
    every: AgreedView
    where_both: AgreedView
    by_element: dict[Element, AgreedView]
    by_stance: dict[Stance, AgreedView]


# What people write for reports


class NewReportText(Given):
    """What a report says where only people can say it, in plain words. The same as it says already confirms it as it
    is. `seen` is the `event` of the text that whoever writes had before them: over a newer one nothing is written."""

    text: Chapter
    seen: Line | None = None


class ReportTextView(BaseModel):
    """What a report says of an item where only people can say it: who wrote it, or `confirmed` it as it was, when,
    and which `revision` was the newest then (0 before the first) under which version of the protocol. It is
    `out_of_date` where the review has a later one of either."""

    item: str
    text: str
    confirmed: bool
    by: str
    at: datetime
    revision: int
    protocol_version: int
    out_of_date: bool
    event: str
