"""Training: whoever votes at a stage first answers its training set, whose items are no records and whose answers are
no votes: they are counted nowhere but in figures of their own."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening import domain, store, views
from services.screening.domain import Ballot, Trained
from services.screening.store import Plan
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.events.stages import Stage, TrainingItem


def untrained_at(work: Work, plan: Plan) -> list[str]:
    """The stages whose training set this person has not finished, in the protocol's order."""
    return [stage.name for stage, left in _left(work, plan) if left]


def training_first(stage: str) -> Conflict:
    """Why nothing is given to somebody at a stage."""
    reason = f"stage {stage!r} has a training set, which you have not finished: answer it first"
    return Conflict(reason, slug="training_first", stage=stage)


def next_item(work: Work, review: str, stage: str | None) -> tuple[Stage, TrainingItem, int] | None:
    """The next item that this person has to answer, at a stage or at the first that has one, and how many are left at
    it; None when there is none. Raises NotFound."""
    plan = views.known_plan(work, review)
    if stage is not None:
        _stage(plan, stage)
    for named, left in _left(work, plan, stage):
        if left:
            return named, left[0], len(left)
    return None


def answer_item(work: Work, review: str, stage: str, item: str, ballot: Ballot) -> tuple[Trained, int]:
    """Keeps this person's answer to an item, which is their first and only one; answers it with how many items are left
    at the stage.

    Raises NotFound (`unknown_stage`, `unknown_item`), Conflict (`already_answered`), or Invalid as `vote` does for an
    answer or a reason.
    """
    plan = views.known_plan(work, review)
    named = _stage(plan, stage)
    asked = next((it for it in named.training if it.id == item), None)
    if asked is None:
        raise NotFound(f"the training set of stage {stage!r} has no item {item!r}", slug="unknown_item")
    if found := domain.faults_of_answer(named, ballot):
        errors = [{"at": fault.at, "why": fault.why, "slug": fault.slug} for fault in found]
        raise Invalid(f"{found[0].at}: {found[0].why}", errors, slug=found[0].slug)
    kept = store.keep_training_answer(
        work, review, stage, domain.asked_by(asked), item, ballot.answer, ballot.excluded_for
    )
    if not kept:
        raise Conflict(f"you have answered item {item!r} already, and the first answer counts", slug="already_answered")
    ((_, left),) = _left(work, plan, stage)
    return Trained(asked, ballot.answer, ballot.excluded_for), len(left)


def _stage(plan: Plan, stage: str) -> Stage:
    named = domain.stage_named(plan.protocol, stage)
    if named is None:
        views.require_stage([it.name for it in plan.protocol.stages], plan.protocol.review, stage)
    assert named is not None
    return named


def _left(work: Work, plan: Plan, stage: str | None = None) -> Sequence[tuple[Stage, list[TrainingItem]]]:
    """The stages that have a training set, or one of them, each with the items that this person has not answered."""
    trains = [it for it in plan.protocol.stages if it.training and stage in (None, it.name)]
    if not trains:
        return []
    answered = store.trained_at(work, plan.protocol.review, work.actor, [it.name for it in trains])
    return [(it, domain.still_to_answer(it, answered[it.name])) for it in trains]
