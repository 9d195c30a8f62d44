"""What an event says about a search document: the one mapping that the listener and a rebuild share. Pure."""

from __future__ import annotations

from services.search.index.port import Document, Screening
from shared.events.base import Event
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordUpdated
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened


def document_of(event: Event) -> Document | None:
    """The part of a document that this event tells; None for an event that tells nothing about one."""
    match event:
        case RecordDiscovered() | RecordUpdated():
            return _described(event, event.record, event.revision, bibliography=event.bibliography)
        case RecordMerged():
            return _described(event, event.record, event.revision, bibliography=None)
        case RecordAdvanced():
            return _screened(event, event.record, event.revision, Screening("screening", event.next_stage))
        case RecordIncluded():
            return _screened(event, event.record, event.revision, Screening("included"))
        case RecordExcluded():
            return _screened(event, event.record, event.revision, Screening("excluded", event.stage, event.reason))
        case RecordReopened():
            return _screened(event, event.record, event.revision, Screening("screening", event.stage, event.reason))
    return None


def _described(event: Event, record: str, revision: int, **part: object) -> Document:
    return Document(record=record, review=event.review, revision=revision, **part)  # type: ignore[arg-type]


def _screened(event: Event, record: str, revision: int, screening: Screening) -> Document:
    return Document(record=record, review=event.review, screening_revision=revision, screening=screening)
