"""Search's effects: each event's news goes into the index, a batch at a time, just before its commit."""

from __future__ import annotations

from collections.abc import Iterable

from services.search import store
from services.search.domain import Document, Piece, document_of, pieces_of
from services.search.ports.index import SearchIndex, write, write_pieces
from shared.db.work import Work
from shared.events.base import Event
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordNoticed, RecordSplit, RecordUpdated
from shared.events.people import AccessWithdrawn, MemberLeft
from shared.events.protocol import VersionPublished
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened, TaskOpened
from shared.events.synthesis import (
    FragmentDescribed,
    RevisionDrafted,
    RevisionPublished,
    RevisionWithdrawn,
    TheoryChanged,
)


def describe_record(work: Work, event: RecordDiscovered | RecordUpdated | RecordSplit) -> None:
    """Makes a record findable by its newest description; one that was merged is found again when it is parted."""
    _tell_index(work, event)


def bury_merged_record(work: Work, event: RecordMerged) -> None:
    """Takes a record that lives on in another one out of every search, for good."""
    _tell_index(work, event)


def note_notice(work: Work, event: RecordNoticed) -> None:
    """Shows with a record what happened to its report after it appeared, and makes it findable by that."""
    _tell_index(work, event)


def note_stage(work: Work, event: TaskOpened) -> None:
    """Makes a record findable by the stage at which it waits. The first one goes without saying: a document that has
    no news of screening is taken for it, so that of each new record the index is written to once and not twice."""
    news = _news(work)
    if event.revision > 1 or event.stage != news.first_stage(work, event):
        _tell_index(work, event)


def note_decision(work: Work, event: RecordAdvanced | RecordIncluded | RecordExcluded | RecordReopened) -> None:
    """Makes a record findable by where it stands in screening."""
    _tell_index(work, event)


def describe_piece(
    work: Work,
    event: FragmentDescribed
    | VersionPublished
    | TheoryChanged
    | RevisionDrafted
    | RevisionPublished
    | RevisionWithdrawn,
) -> None:
    """Makes what the synthesis says findable by its words: fragments, CMOCs, revisions."""
    if pieces := pieces_of(event, work.occurred, work.causation or ""):
        _news(work).add_pieces(pieces)


def end_alerts(work: Work, event: MemberLeft) -> None:
    """Has the saved searches of somebody who left a review tell nothing more."""
    store.end_alerts(work, event.person, event.review)


def end_alerts_of_key(work: Work, event: AccessWithdrawn) -> None:
    """Has those of a program whose key was withdrawn tell nothing more. A person's other keys may still be theirs."""
    if event.subject.startswith("key_"):
        store.end_alerts(work, event.subject)


class News:
    """What a batch of events tells the index; written when the work is about to be committed.

    The inbox is committed after the index: when that fails, the same news is written again and changes nothing. What
    saved searches may tell of is written down for their job in the commit itself.
    """

    def __init__(self, work: Work) -> None:
        self._work, self._index = work, work.resource(SearchIndex)
        self._documents: list[tuple[Document, str | None]] = []
        self._pieces: list[Piece] = []
        self._first_stages: dict[str, str] = {}

    def add(self, document: Document, event: str | None) -> None:
        self._documents.append((document, event))

    def add_pieces(self, pieces: Iterable[Piece]) -> None:
        self._pieces += pieces

    def first_stage(self, work: Work, event: TaskOpened) -> str:
        """Where records of that review come in; this one's stage, where none has before."""
        known = self._first_stages.get(event.review)
        if known is None:
            known = self._first_stages[event.review] = store.keep_first_stage(work, event.review, event.stage)
        return known

    def flush(self) -> None:
        if self._pieces:
            write_pieces(self._index.pieces, self._pieces)
        if self._documents:
            before = write(self._index, [document for document, _ in self._documents])
            store.add_arrivals(self._work, self._documents, before)


def _tell_index(work: Work, event: Event) -> None:
    document = document_of(event, work.occurred)
    if document is not None:
        _news(work).add(document, work.causation)


def _news(work: Work) -> News:
    return work.before_commit("news", lambda: News(work))
