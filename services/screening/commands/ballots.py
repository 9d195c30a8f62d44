"""Ballots that people send: what is wrong with one, and what is kept of one."""

from __future__ import annotations

from typing import Any

from services.screening import domain, store
from services.screening.domain import Ballot
from services.screening.models import Task
from shared.db.work import Work
from shared.errors import Invalid


def check(work: Work, task: Task, ballot: Ballot, *, deciding: bool) -> None:
    """Raises Invalid, listing everything wrong with a ballot on this task."""
    plan = store.plan_of(work, task)
    cmocs = {cmoc.id for cmoc in plan.protocol.cmocs}
    found = domain.faults(store.stage_of(work, task), ballot, cmocs, deciding=deciding)
    if found:
        first = found[0]
        errors = [{"at": fault.at, "why": fault.why, "slug": fault.slug} for fault in found]
        raise Invalid(f"{first.at}: {first.why}", errors, slug=first.slug)


def kept(ballot: Ballot) -> dict[str, Any]:
    """What a vote, a revised one or an opinion keeps of a ballot, by its columns."""
    return {
        "answer": ballot.answer, "reason": ballot.reason, "fields": ballot.filled_in,
        "excluded_for": ballot.excluded_for, "judged_for": list(ballot.judged_for) or None,
    }  # fmt: skip
