"""What screening knows of full texts: whether a record's is sought, retrieved or not, for whoever reads it at a
stage."""

from __future__ import annotations

from services.screening import store
from services.screening.reactions.arrivals import lock_record
from shared.db.work import Work
from shared.events.ingest import TextNotRetrieved, TextRetrieved, TextSought, TextWithdrawn
from shared.wire.screening import TextState


def note_text_is_sought(work: Work, event: TextSought) -> None:
    """The full text of a record is looked for, perhaps again."""
    _note(work, event.review, event.record, "sought")


def note_text_is_here(work: Work, event: TextRetrieved) -> None:
    """A copy of a record's report is kept."""
    _note(work, event.review, event.record, "retrieved")


def note_text_is_not_to_be_had(work: Work, event: TextNotRetrieved) -> None:
    """Somebody says that the full text cannot be had."""
    _note(work, event.review, event.record, "not_retrieved")


def note_copy_is_gone(work: Work, event: TextWithdrawn) -> None:
    """A copy is one no more; the text is sought again where it was the last."""
    _note(work, event.review, event.record, "retrieved" if event.left else "sought")


def _note(work: Work, review: str, record: str, state: TextState) -> None:
    # What is told of a record that screening never met matters to nobody here.
    if (found := lock_record(work, review, record)) is not None:
        store.count_standing(work, found, -1)
        found.text = state
        store.count_standing(work, found, 1)
