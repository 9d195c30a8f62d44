"""The events of synthesis: evidence, what it does to the theories, and the signed revisions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema

from shared.events.base import Event, Value
from shared.events.bounds import Count, Id

Element = Literal["context", "resource", "reasoning", "outcome", "whole"]
Stance = Literal["supports", "refines", "contradicts", "bounds", "inverse"]
Inference = Literal["explicit", "inferred"]
#: Whether one fragment is trustworthy for one claim: rigour is of a piece of data and what it is used for, not of a
#: paper (Pawson 2006, chapter 4; Wong 2018).
Credibility = Literal["credible", "caution", "not_credible"]
Status = Literal["supported", "partially_supported", "no_evidence", "contested"]
#: What can happen to a CMOC: to its words, to the reports and the evidence behind it, to its status by that. One more
#: is a new version of `TheoryChanged`, since an event with another kind cannot be read.
Happened = Literal[
    "proposed",
    "refined",
    "merged",
    "split",
    "set_aside",
    "refuted",
    "reinstated",
    "evidence_withdrawn",
    "evidence_restored",
    "evidence_moved",
    "studies_joined",
    "studies_parted",
    "supported",
    "partially_supported",
    "no_evidence",
    "contested",
]
ChangeClass = Literal["MAJOR", "MINOR", "PATCH", "NONE"]
#: How great each class is, from none.
RANKS: dict[ChangeClass, int] = {"NONE": 0, "PATCH": 1, "MINOR": 2, "MAJOR": 3}
#: What a diff says became of a CMOC; whoever tells of it has words for each.
Changed = Literal[
    "added",
    "set aside",
    "merged",
    "split",
    "goes on as",
    "refuted",
    "theory",
    "context",
    "resource",
    "reasoning",
    "outcome",
    "status",
    "confidence",
    "support",
    "links added",
    "links withdrawn",
    "flagged",
]
#: Beside these a diff says, by its id, that a programme theory reads otherwise, and that there is more than is told.
THEORY, FURTHER_CHANGES = "theory ", "further changes"

#: How much somebody is concerned about one part of the confidence in a finding, and how confident they are in the
#: whole (GRADE-CERQual; Lewin 2018, Implementation Science 13, supplement 1).
Concern = Literal["none", "minor", "moderate", "serious"]
ConfidenceLevel = Literal["high", "moderate", "low", "very_low"]


class LinkMade(Value):
    """A fragment speaks to one element of one CMOC."""

    link: Id
    cmoc: Id
    element: Element
    stance: Stance
    inference: Inference
    rationale: str | None = None
    credibility: Credibility | None = Field(default=None, exclude_if=lambda judged: judged is None)


class QuoteMade(Value):
    """Where a copy of a report says a quote, without its words: characters of its parsed text of that hash, and the
    salted hash of the words (`shared.receipts`)."""

    anchor: Id
    text: Id
    parse_sha256: str
    start: Count
    end: Count
    quote_sha256: str
    salt: str


class ProposedBy(Value):
    """What proposed a coding that its coder made their own, and which version of it."""

    proposer: Id
    version: Id


class EvidenceLinked(Event, type="synthesis.evidence.linked", key="review", topic="synthesis.evidence"):
    """A coder tied a fragment of an included report to CMOC elements."""

    record: Id
    study: Id
    fragment: Id
    coder: Id
    links: list[LinkMade]
    quote: QuoteMade | None = Field(default=None, exclude_if=lambda quote: quote is None)
    proposed_by: ProposedBy | None = Field(default=None, exclude_if=lambda by: by is None)


class LinkSaid(Value):
    """What one link of a fragment says."""

    link: Id
    cmoc: Id
    element: Element
    stance: Stance
    inference: Inference


class FragmentDescribed(Event, type="synthesis.fragment.described", key="review", topic="synthesis.evidence"):
    """What a fragment says now, and to what it is tied: all of it anew, which supersedes what was told with a lower
    `revision`. One that counts no more has no links and no words. `quote` are words that were found in a copy that is
    open, and no others. What a notice about its report holds up is `suspended`."""

    fragment: Id
    revision: Count
    record: Id
    study: Id
    suspended: bool
    paraphrase: str | None
    quote: str | None
    locator: str | None
    links: list[LinkSaid]


class LinkAppraised(Event, type="synthesis.link.appraised", key="review", topic="synthesis.evidence"):
    """Somebody judged whether a fragment is trustworthy for what a link says by it; it supersedes what was judged of
    that link before."""

    record: Id
    fragment: Id
    link: Id
    cmoc: Id
    credibility: Credibility
    before: Credibility | None
    why: str
    by: Id


class ExtractionOpened(Event, type="synthesis.extraction.opened", key="review", topic="synthesis.evidence"):
    """An included report waits for so many coders."""

    extraction: Id
    record: Id
    coders: Count


class ExtractionFinished(Event, type="synthesis.extraction.finished", key="review", topic="synthesis.evidence"):
    """A coder has coded all that they find in a report, perhaps nothing; `finished` of its `coders` have. Of two, what
    they coded is told by `synthesis.evidence.linked` once both have finished and it counts, and not before."""

    extraction: Id
    record: Id
    finished: Count
    coders: Count


class ExtractionReconciled(Event, type="synthesis.extraction.reconciled", key="review", topic="synthesis.evidence"):
    """Somebody decided what the two coders of a report differ in: which links are `kept`, which `dropped`, and why."""

    extraction: Id
    record: Id
    cmoc: Id
    element: Element
    kept: list[Id]
    dropped: list[Id]
    why: str
    by: Id


class CharacteristicAnswered(Value):
    """What is said of a characteristic of a study now, without its words: the hash of these, and which answers it
    supersedes."""

    answer: Id
    characteristic: Id
    sha256: str
    supersedes: list[Id] = []


class CharacteristicsRecorded(
    Event, type="synthesis.characteristics.recorded", key="review", topic="synthesis.evidence"
):
    """Somebody answered what the protocol asks of a study (`answers`, in its version `protocol_version`), from this
    report of it. What two coders answer is told once both have finished, and not before. Answers are only ever added:
    one that corrects others supersedes them."""

    record: Id
    study: Id
    protocol_version: Count
    answers: list[CharacteristicAnswered]
    by: Id


def _knew_less(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had no word for what is merged, split or refuted; what it has words for is the same."""
    return data


class ConfidenceJudged(Event, type="synthesis.confidence.judged", key="review", topic="synthesis.theories"):
    """Somebody judged how confident one may be in a CMOC, by the four parts of GRADE-CERQual; it supersedes what was
    judged of it before."""

    cmoc: Id
    methodological_limitations: Concern
    coherence: Concern
    adequacy: Concern
    relevance: Concern
    confidence: ConfidenceLevel
    before: ConfidenceLevel | None
    why: str
    by: Id


class TheoryChanged(
    Event, type="synthesis.theory.changed", version=2, key="review", topic="synthesis.theories", upcasts=(_knew_less,)
):
    """Something happened to a CMOC. Where it has other words now, `after` has those parts of it that are other, as
    lines such as `context: ...`. Of one that is merged or split, `into` are the CMOCs in which it lives on. Where
    evidence was withdrawn, `links` are those that count no more."""

    cmoc: Id
    # Its form was released as any text.
    happened: Annotated[Happened, WithJsonSchema({"type": "string", "examples": list(get_args(Happened))})]
    before: str | None = None
    after: str | None = None
    why: str
    drill: bool = False
    into: list[Id] = Field(default=[], exclude_if=lambda into: not into)
    links: list[Id] = Field(default=[], exclude_if=lambda links: not links)


class ProposalOpened(Event, type="synthesis.proposal.opened", key="review", topic="synthesis.theories"):
    """The evidence suggests to do something with these CMOCs (`kind`: merge, split, refine or set_aside), because of
    what these links, of which it names as many as an event holds, say of an element. Only a person does it."""

    proposal: Id
    kind: Id
    cmocs: list[Id]
    element: Id | None
    why: str
    links: list[Id]
    drill: bool = False


class ProposalClosed(Event, type="synthesis.proposal.closed", key="review", topic="synthesis.theories"):
    """A proposal is open no more (`state`): a person declined it, or the evidence suggests it no longer."""

    proposal: Id
    kind: Id
    cmocs: list[Id]
    state: Id
    why: str


class RejudgementOpened(Event, type="synthesis.rejudgement.opened", key="review"):
    """A CMOC lost or regained evidence and a person should judge it anew."""

    rejudgement: Id
    cmoc: Id
    record: Id
    notice: Id
    why: str
    drill: bool = False


class RejudgementClosed(Event, type="synthesis.rejudgement.closed", key="review"):
    """A re-judgement was made, or no longer needs to be."""

    rejudgement: Id
    cmoc: Id
    how: str
    drill: bool = False


class LinksQuestioned(Event, type="synthesis.links.questioned", key="review", topic="synthesis.evidence"):
    """A version of the protocol words elements of a CMOC anew: so many links that stand, to these and to the whole, are
    to be judged anew. They stand until somebody does."""

    cmoc: Id
    elements: list[Id]
    protocol_version: Count
    links: Count


class LinksRejudged(Event, type="synthesis.links.rejudged", key="review", topic="synthesis.evidence"):
    """Somebody judged whether links to a CMOC hold for its words as they are now (`verdict`: keep or withdraw)."""

    cmoc: Id
    links: list[Id]
    verdict: Id
    why: str
    by: Id


class CommentMade(Event, type="synthesis.comment.made", key="review", topic="synthesis.theories"):
    """A member said something of a line of a draft: a part or the status of a CMOC, or a programme theory. What they
    said is for those who may read the draft, and so is not here."""

    comment: Id
    cmoc: Id | None
    theory: Id | None
    part: Id
    draft: Id
    by: Id


class CommentAnswered(Event, type="synthesis.comment.answered", key="review", topic="synthesis.theories"):
    """Somebody answered a comment on a line of a draft."""

    comment: Id
    by: Id


class CommentResolved(Event, type="synthesis.comment.resolved", key="review", topic="synthesis.theories"):
    """Whoever made a comment, or a lead, says that nothing is left to be done about it."""

    comment: Id
    cmoc: Id | None
    theory: Id | None
    part: Id
    by: Id


class CmocState(Value):
    """One CMOC as a revision states it. `support` counts independent studies that stand."""

    cmoc: Id
    theory: Id
    status: Status
    support: Count
    flagged: bool = False


class Change(Value):
    """One line of a diff between two revisions; `what` is a part of the CMOC, or what became of it."""

    cmoc: Id
    what: str
    before: Any = None
    after: Any = None
    change_class: ChangeClass


class CmocWords(Value):
    """A CMOC that changed, as people read it: its programme theory by its heading, and its four parts, cut where they
    are long. One that is stated no more has the words that it had."""

    cmoc: Id
    theory: Id
    heading: str
    context: str
    resource: str
    reasoning: str
    outcome: str


class RevisionDrafted(Event, type="synthesis.revision.drafted", key="review"):
    """The synthesis ran and its result differs from the draft before."""

    draft: Id
    change_class: ChangeClass
    states: list[CmocState]


class NotSearched(Value):
    """A search by hand that a revision goes without: of which strategy, in which database, since when it is due, and
    why its signer leaves it out."""

    strategy: Id
    database: Id
    due: date
    reason: str


class NoticedReport(Value):
    """A report of which something was said since the revision before, such as that it was retracted (`kind`), by its
    title, cut where it is long; or in a drill."""

    record: Id
    title: str | None
    kind: Id
    drill: bool = Field(default=False, exclude_if=lambda drill: not drill)


class RevisionPublished(Event, type="synthesis.revision.published", key="review"):
    """A named person signed a revision: what the theories are now, what changed and why.

    `because` holds the ids of the events that led to it; `signature` is a compact JWS (EdDSA) over the
    revision's content hash, to be checked with the platform's public key. `words` are those of the CMOCs that changed,
    and `noticed` the reports of which something was said, as many as a message holds; `noticed_more` is how often
    something was said beside these. `drill` is that all of it is an exercise, or takes one back. Where a part of it is,
    `drilled` are the CMOCs that an exercise is about.
    """

    revision: Id
    number: Count
    cycle: Count
    title: str
    change_class: ChangeClass
    states: list[CmocState]
    changes: list[Change]
    summary: str
    fragments_sha256: str
    content_sha256: str
    preceding: Id | None
    searched_through: dict[str, date]
    signed_by: Id
    signature: str
    because: list[str]
    drill: bool = False
    not_searched: list[NotSearched] = Field(default=[], exclude_if=lambda left_out: not left_out)
    words: list[CmocWords] = Field(default=[], exclude_if=lambda words: not words)
    noticed: list[NoticedReport] = Field(default=[], exclude_if=lambda noticed: not noticed)
    noticed_more: Count = Field(default=0, exclude_if=lambda more: not more)
    drilled: list[Id] = Field(default=[], exclude_if=lambda drilled: not drilled)


class RevisionWithdrawn(Event, type="synthesis.revision.withdrawn", key="review"):
    """A lead withdrew a signed revision, for good, and said why: nobody should go by it. What was signed stays as it
    is. `replaced_by` is the number of the one that is to be read instead, where there is such; `in_force` that of the
    newest which is not withdrawn."""

    revision: Id
    number: Count
    why: str
    by: Id
    replaced_by: Count | None = Field(default=None, exclude_if=lambda number: number is None)
    in_force: Count | None = Field(default=None, exclude_if=lambda number: number is None)


class DoiAssigned(Event, type="synthesis.doi.assigned", key="review", topic="synthesis.revisions"):
    """A signed revision was deposited in an archive for good: its DOI, and that of all of the review's there."""

    revision: Id
    number: Count
    doi: Annotated[str, Field(min_length=9, max_length=300)]
    concept_doi: Annotated[str, Field(min_length=9, max_length=300)]
    archive: Annotated[str, Field(min_length=1, max_length=2000)]


class CourseChanged(Event, type="synthesis.course.changed", key="review", topic="synthesis.reviews"):
    """A lead said what becomes of a review: it is living, paused or retired, and why; `since` when it is what it is
    now."""

    course: Id
    before: Id
    why: str
    by: Id | None = Field(default=None, exclude_if=lambda by: by is None)
    since: datetime | None = Field(default=None, exclude_if=lambda since: since is None)


class ReportTextWritten(Event, type="synthesis.report_text.written", key="review", topic="synthesis.reviews"):
    """A lead wrote what reports say of an item that only people can say, or confirmed it as it is (`confirmed`), when
    `revision` was the newest (0 before the first) under this version of the protocol; it supersedes what was written
    of that item before. Its words are not told: `sha256` is theirs."""

    item: Id
    sha256: str
    confirmed: bool
    revision: Count
    protocol_version: Count
    by: Id


class ReviewOverdue(Event, type="synthesis.review.overdue", key="review", topic="synthesis.reviews"):
    """A review missed its publication cadence."""

    due: date
    last_published: date | None
