"""A document of the index, how parts of it join, and what an event says about it: what the listener and a rebuild
share; what becomes of a rebuild; and of which news a saved search tells. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Literal, get_args

from shared.errors import Rejected
from shared.events.base import Event
from shared.events.ingest import (
    Bibliography,
    NoticeKind,
    RecordDiscovered,
    RecordMerged,
    RecordNoticed,
    RecordSplit,
    RecordUpdated,
)
from shared.events.protocol import Cmoc, Theory, VersionPublished
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened, TaskOpened
from shared.events.synthesis import (
    CmocState,
    FragmentDescribed,
    RevisionDrafted,
    RevisionPublished,
    RevisionWithdrawn,
    TheoryChanged,
)
from shared.ids import id_of
from shared.states import States
from shared.wire.search import RebuildState

#: `excluded` are those that people left out at a stage; a rule of the protocol has others `kept_out`.
Status = Literal["screening", "included", "excluded", "kept_out"]


class RebuildStates(States[RebuildState]):
    """A rebuild of the index."""

    WAITING: Final = "waiting"
    RUNNING: Final = "running"
    DONE: Final = "done"
    FAILED: Final = "failed"

    #: Those in which it is not over.
    UNFINISHED = (WAITING, RUNNING)

    what = "rebuild"
    moves = {
        (None, WAITING): "an admin asks for it",
        (WAITING, RUNNING): "its turn has come",
        (RUNNING, RUNNING): "the process that made it died, and another begins it again",
        (RUNNING, DONE): "the new index is the live one",
        (RUNNING, FAILED): "an error, which it keeps",
    }


#: What of a record is news: its description, where it stands with reviewers, what happened to its report.
Part = Literal["described", "screened", "noticed"]

#: What a saved search asks about the parts of a record beyond its description.
_ASKED_OF: Mapping[Part, Collection[str]] = {"screened": ("status", "stage"), "noticed": ("notice",)}

#: The stage of a record that waits where all of its review come in, of which nobody needs to tell.
AT_FIRST = ""


@dataclass(frozen=True, slots=True)
class Screening:
    """Where a record stands with the reviewers."""

    status: Status = "screening"
    stage: str | None = None
    reason: str | None = None


#: What a reinstatement takes back; a correction or a replacement stands for ever.
_UNDONE_BY_REINSTATEMENT = frozenset({"expression_of_concern", "partial_retraction", "retraction", "withdrawal"})

#: What is looked for to find records of which nothing was noticed.
NO_NOTICE = "none"

#: Characters of a notice's reason that are kept.
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to a published report after it appeared, as ingest tells it.

    `at` is the instant (UTC) at which it was told of this record; empty where an earlier release did not keep it. One
    without a source is lost: it went with another record, which was parted from this one.
    """

    id: str
    kind: NoticeKind
    source: str
    reason: str
    drill: bool = False
    at: str = ""


#: Notices stand in the order in which they were told: an id may be older, of one that waited for its record or came
#: with another one that was merged into it.
_in_order = attrgetter("at", "id", "source")


def standing(notices: Iterable[Notice]) -> list[Notice]:
    """Those that stand: a reinstatement takes back what was said before it, a drill's that of drills."""
    stand: list[Notice] = []
    for notice in sorted(notices, key=_in_order):
        if not notice.source:
            continue
        if notice.kind != "reinstatement":
            stand.append(notice)
            continue
        stand = [one for one in stand if one.drill != notice.drill or one.kind not in _UNDONE_BY_REINSTATEMENT]
    return stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All that is known of one record of one review, or a part of it.

    Two parts come from two streams of events in any order, each with its own revision (0 = nothing heard yet); the
    third, `notices`, only grows. A described record (`revision` > 0) without a bibliography is *gone*: it was merged
    into another, and this tombstone keeps older news of it from bringing it back. The index keeps all of the
    bibliography but its `provenance`.

    `seen` is the state of the index that this document was read from, or None when it was made afresh;
    only `SearchIndex.put` looks at it.
    """

    record: str
    review: str
    revision: int = 0
    bibliography: Bibliography | None = None
    screening_revision: int = 0
    #: Before they are heard of, it waits for them.
    screening: Screening = Screening(stage=AT_FIRST)
    notices: tuple[Notice, ...] = ()
    seen: str | None = field(default=None, compare=False)

    @property
    def gone(self) -> bool:
        return self.revision > 0 and self.bibliography is None

    @property
    def parts(self) -> list[Part]:
        """What it tells of its record."""
        known: dict[Part, object] = {
            "described": self.revision, "screened": self.screening_revision, "noticed": self.notices
        }  # fmt: skip
        return [part for part, said in known.items() if said]

    @property
    def noticed(self) -> list[str]:
        """The kinds of the notices that stand, each once, without drills."""
        return sorted({notice.kind for notice in standing(self.notices) if not notice.drill})

    def joined(self, other: Document) -> Document:
        """Takes the newer of each part. In any order, with any repetition, the same documents join to one.

        Raises Rejected when the other is of another record or review.
        """
        if (self.record, self.review) != (other.record, other.review):
            raise Rejected(
                f"record {other.record} of review {other.review} cannot be joined with "
                f"record {self.record} of review {self.review}"
            )
        described = max(self, other, key=lambda document: document.revision)
        screened = max(self, other, key=lambda document: document.screening_revision)
        return replace(
            self,
            revision=described.revision,
            bibliography=described.bibliography,
            screening_revision=screened.screening_revision,
            screening=screened.screening,
            notices=_joined(self.notices, other.notices),
        )


def _joined(notices: Iterable[Notice], others: Iterable[Notice]) -> tuple[Notice, ...]:
    """Each once, in the order in which they were told; one that was kept without its instant is that with it."""
    each = {notice.id: notice for notice in sorted((*notices, *others), key=_in_order)}
    return tuple(sorted(each.values(), key=_in_order))


def joined_by_record(documents: Iterable[Document]) -> dict[str, Document]:
    """What is new of each record, as one document each."""
    joined: dict[str, Document] = {}
    for document in documents:
        known = joined.get(document.record)
        joined[document.record] = known.joined(document) if known else document
    return joined


def document_of(event: Event, at: datetime) -> Document | None:
    """The part of a document that this event, which happened then, tells; None for an event that tells nothing about
    one."""
    match event:
        case RecordUpdated(lost_notices=[_, *_]):
            described = _described(event, event.record, event.revision, bibliography=event.bibliography)
            instant = at.astimezone(UTC).isoformat()
            return replace(
                described, notices=tuple(Notice(each, "correction", "", "", at=instant) for each in event.lost_notices)
            )
        case RecordDiscovered() | RecordUpdated() | RecordSplit():
            return _described(event, event.record, event.revision, bibliography=event.bibliography)
        case RecordMerged():
            return _described(event, event.record, event.revision, bibliography=None)
        case RecordNoticed():
            reason, instant = event.reason[:_LONGEST_REASON], at.astimezone(UTC).isoformat()
            said = Notice(event.notice, event.kind, event.source, reason, event.drill, instant)
            return Document(record=event.record, review=event.review, notices=(said,))
        case TaskOpened():
            return _screened(event, event.record, event.revision, Screening("screening", event.stage))
        case RecordAdvanced():
            return _screened(event, event.record, event.revision, Screening("screening", event.next_stage))
        case RecordIncluded():
            return _screened(event, event.record, event.revision, Screening("included"))
        case RecordExcluded():
            by: Status = "excluded" if event.rule is None else "kept_out"
            return _screened(event, event.record, event.revision, Screening(by, event.stage, event.reason))
        case RecordReopened():
            return _screened(event, event.record, event.revision, Screening("screening", event.stage, event.reason))
    return None


def _described(event: Event, record: str, revision: int, *, bibliography: Bibliography | None) -> Document:
    return Document(record=record, review=event.review, revision=revision, bibliography=bibliography)


def _screened(event: Event, record: str, revision: int, screening: Screening) -> Document:
    return Document(record=record, review=event.review, screening_revision=revision, screening=screening)


def parts_asked(asked: Mapping[str, object]) -> list[Part]:
    """The parts of which news can have a record match what is asked for: a description always, and the others where
    they are asked for."""
    return ["described", *(part for part, names in _ASKED_OF.items() if any(asked.get(name) for name in names))]


def as_kept(stages: Iterable[str], first: str | None) -> tuple[str, ...]:
    """Stages as the index keeps them, where the first one may go without saying."""
    stages = tuple(stages)
    return (*stages, AT_FIRST) if first in stages else stages


#: What is found beside records: a fragment of a report, a CMOC with its programme theory, a signed revision.
PieceKind = Literal["fragment", "theory", "release"]
PIECE_KINDS: tuple[PieceKind, ...] = get_args(PieceKind)

#: What a CMOC is once the protocol states it no more, as its history tells.
_GONE = ("set_aside", "refuted", "merged", "split")

#: Characters of a text that are kept to be found.
_LONGEST_TEXT = 200_000

#: A later one supersedes an earlier one: a number; where there is none, the instant and the event that told it.
Rank = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What one stream of events says of a piece, and how new that is."""

    rank: Rank
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """All that is known of one piece of what a review's synthesis says, or a part of it. Each part comes from a stream
    of events of its own, in any order. `words` are what it says: without them it is not found, yet keeps older news
    from bringing it back. `seen` is as that of a `Document`."""

    piece: str
    review: str
    kind: PieceKind
    parts: Mapping[str, Said]
    seen: str | None = field(default=None, compare=False)

    def joined(self, other: Piece) -> Piece:
        """Takes the newer of each part. In any order, with any repetition, the same pieces join to one."""
        parts = dict(self.parts)
        for name, said in other.parts.items():
            parts[name] = max(parts.get(name, said), said, key=lambda one: one.rank)
        return replace(self, parts=parts)

    @property
    def about(self) -> Mapping[str, Any]:
        """What all of its parts say of it."""
        return {name: value for part in sorted(self.parts) for name, value in self.parts[part].about.items()}

    @property
    def heading(self) -> str:
        return str(self.about.get("heading") or "")

    @property
    def text(self) -> str:
        """What it is found by, a paragraph each."""
        return "\n".join(self.about.get("texts", ()))[:_LONGEST_TEXT]

    @property
    def listed(self) -> bool:
        return bool(self.about.get("texts"))

    @property
    def tags(self) -> list[dict[str, str]]:
        """What it is narrowed and counted by: of a fragment each of its links by itself."""
        about = self.about
        match self.kind:
            case "fragment":
                standing = "suspended" if about.get("suspended") else "standing"
                names = ("cmoc", "element", "stance", "inference")
                return [{name: link[name] for name in names} | {"standing": standing} for link in about["links"]]
            case "theory":
                # Where nobody has said how the evidence stands yet, nothing is said of it.
                known = {"theory": about["theory"], "status": about.get("status")} if self.listed else {}
                standing = about.get("standing", "stated")
                return [{name: value for name, value in (known | {"standing": standing}).items() if value}]
            case "release":
                # That it is withdrawn may be heard first.
                return [{"change_class": about["change_class"]}] if self.listed else []


def joined_by_piece(pieces: Iterable[Piece]) -> dict[str, Piece]:
    """What is new of each piece, as one each."""
    joined: dict[str, Piece] = {}
    for piece in pieces:
        known = joined.get(piece.piece)
        joined[piece.piece] = known.joined(piece) if known else piece
    return joined


def pieces_of(event: Event, at: datetime, event_id: str) -> list[Piece]:
    """What this event, which happened then and was told by that id, says of pieces."""
    instant = at.astimezone(UTC).isoformat()
    match event:
        case FragmentDescribed():
            return [_fragment(event)]
        case VersionPublished():
            theories = {theory.id: theory for theory in event.protocol.theories}
            return [_cmoc(event, cmoc, theories[cmoc.theory]) for cmoc in event.protocol.cmocs]
        case RevisionDrafted():
            return [
                _of_cmoc(event.review, state.cmoc, "evidenced", (0, instant, event_id), _evidenced(state))
                for state in event.states
            ]
        case TheoryChanged(happened=happened, cmoc=cmoc) if happened in (*_GONE, "reinstated", "proposed"):
            standing = happened if happened in _GONE else "stated"
            about = {"standing": standing, "why": event.why if standing != "stated" else None, "into": event.into}
            return [_of_cmoc(event.review, cmoc, "standing", (0, instant, event_id), about)]
        case RevisionPublished():
            return [_release(event)]
        case RevisionWithdrawn():
            why = {"withdrawn": event.why, "replaced_by": event.replaced_by}
            return [_of_release(event.review, event.revision, "withdrawn", (event.number, "", ""), why)]
    return []


def _fragment(event: FragmentDescribed) -> Piece:
    about = {
        "record": event.record, "study": event.study, "locator": event.locator, "suspended": event.suspended,
        "paraphrase": event.paraphrase, "quote": event.quote,
        "texts": [text for text in (event.paraphrase, event.quote) if text],
        "links": [link.model_dump() for link in event.links],
    }  # fmt: skip
    said = Said((event.revision, "", ""), about)
    return Piece(piece=event.fragment, review=event.review, kind="fragment", parts={"described": said})


def _cmoc(event: VersionPublished, cmoc: Cmoc, theory: Theory) -> Piece:
    parts = {"context": cmoc.context, "resource": cmoc.resource, "reasoning": cmoc.reasoning, "outcome": cmoc.outcome}
    about = {
        "cmoc": cmoc.id, "theory": theory.id, "heading": theory.heading, "statement": theory.statement,
        "protocol_version": event.version, **parts, "texts": [*parts.values(), theory.statement],
    }  # fmt: skip
    return _of_cmoc(event.review, cmoc.id, "worded", (event.version, "", ""), about)


def _of_cmoc(review: str, cmoc: str, part: str, rank: Rank, about: Mapping[str, Any]) -> Piece:
    return Piece(piece=id_of("piece", review, cmoc), review=review, kind="theory", parts={part: Said(rank, about)})


def _evidenced(state: CmocState) -> Mapping[str, Any]:
    return {"status": state.status, "support": state.support, "flagged": state.flagged}


def _release(event: RevisionPublished) -> Piece:
    words = [
        text
        for cmoc in event.words
        for text in (cmoc.heading, cmoc.context, cmoc.resource, cmoc.reasoning, cmoc.outcome)
    ]
    about = {
        "number": event.number, "heading": event.title, "summary": event.summary, "change_class": event.change_class,
        "drill": event.drill, "texts": [event.summary or event.title, *dict.fromkeys(words)],
    }  # fmt: skip
    return _of_release(event.review, event.revision, "published", (event.number, "", ""), about)


def _of_release(review: str, revision: str, part: str, rank: Rank, about: Mapping[str, Any]) -> Piece:
    name = id_of("piece", review, revision)
    return Piece(piece=name, review=review, kind="release", parts={part: Said(rank, about)})
