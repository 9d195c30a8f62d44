"""What screening does when ingest tells what a file states was decided before: it keeps that, with its record."""

from __future__ import annotations

from services.screening import store
from shared.db.work import Work
from shared.events.ingest import DecisionStated, RecordSplit, RecordUpdated


def keep_statement(work: Work, event: DecisionStated) -> None:
    """Keeps that somebody decided something before, of which nothing is decided until a lead applies it."""
    if store.keep_statement(work, event, work.occurred):
        store.counts(work).add(event.review, event.stage, "stated", event.imported, event.answer)


def follow_parted_sources(work: Work, event: RecordSplit) -> None:
    """What is stated of source records goes with them to the record that they were parted into."""
    store.part_sources(work, event.review, event.record, event.bibliography.sources, work.occurred)


def follow_moved_sources(work: Work, event: RecordUpdated) -> None:
    """What is stated of source records goes with them to the record that has them now."""
    if "sources" in event.changed:
        store.move_statements(work, event.review, event.record, event.bibliography.sources, work.occurred)
