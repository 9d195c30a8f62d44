"""What a signed revision means to screening: a cycle has ended."""

from __future__ import annotations

from services.screening import store
from shared.db.work import Work
from shared.events.synthesis import RevisionPublished


def end_cycle(work: Work, event: RevisionPublished) -> None:
    """Keeps the day on which a cycle ended, for figures that are asked for by cycle; a drill ends none."""
    if not event.drill:
        store.note_cycle(work, event.review, event.cycle)
