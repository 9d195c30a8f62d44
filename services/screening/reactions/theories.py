"""What screening does when a theory changes: it asks anew about what was excluded for it, where the protocol says
so."""

from __future__ import annotations

from services.screening import domain, store
from services.screening.commands import steps
from services.screening.models import TheoryChangeRow
from shared.db.work import Work
from shared.events.synthesis import TheoryChanged


def ask_anew_about_exclusions(work: Work, event: TheoryChanged) -> None:
    """Keeps that a CMOC says something else now, for each stage that opens again by that; a job goes through what was
    excluded there, some at a time."""
    plan = store.newest(work, event.review)
    if plan is None or not domain.reopens(event):
        return
    for stage in plan.protocol.stages:
        if stage.reopen_when_theory_changes:
            work.add(
                TheoryChangeRow(
                    event=work.causation or "", stage=stage.name, review=event.review, cmoc=event.cmoc,
                    wording=event.after or "", why=event.why, correlation=work.correlation,
                    last_position=steps.queue_position(),
                )
            )  # fmt: skip
