"""A document of the index, how parts of it join, and what an event says about it: what the listener and a rebuild
share; what becomes of a rebuild; and of which news a saved search tells. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final, Literal

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
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened, TaskOpened
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
