"""Ballots that people send: what is wrong with one, and what is kept of one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.screening import domain, store
from services.screening.domain import Ballot
from services.screening.models import Task, Vote, VoteRow
from shared.db.work import Work
from shared.errors import Invalid
from shared.ids import new_id


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


def cast(work: Work, task: Task, ballot: Ballot, *, deciding: bool) -> Vote:
    """The person's vote on a task: an independent one, or a `deciding` one, which is an adjudicator's."""
    return work.rows.add(
        VoteRow,
        Vote(
            id=new_id("vote"), task=task.id, person=work.actor, cast_on=task.id, review=task.review, stage=task.stage,
            **kept(ballot), protocol_version=task.protocol_version, deciding=deciding,
            cast_at=_cast_at(work, task), via=work.via,
        ),
    )  # fmt: skip


def _cast_at(work: Work, task: Task) -> datetime:
    """Now, or, where the clock stands still, just after what is history since the task was asked anew."""
    asked_anew = task.asked_anew_at
    return work.now if asked_anew is None else max(work.now, asked_anew + timedelta(microseconds=1))
