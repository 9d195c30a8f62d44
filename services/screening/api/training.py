"""The routes of training sets: what is asked next, an answer, and how right people were."""

from __future__ import annotations

from collections import defaultdict

from services.screening import domain, store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import training
from services.screening.domain import Ballot, Trained, TrainingFigures
from shared.db.work import Work
from shared.events.stages import Stage
from shared.http.auth import Reviewer
from shared.http.parameters import Name, Word
from shared.http.units import IdempotencyKey
from shared.wire.training import (
    NextTraining,
    PersonTraining,
    StageTraining,
    TrainingCard,
    TrainingPair,
    TrainingReceipt,
    TrainingRequest,
)

Review = Name
Named = Name


@router.get("/reviews/{review}/training")
def list_training(review: Review, work: Reading, person: Reviewer) -> list[StageTraining]:
    """How people answered the training set of each stage that has one: for a lead all, for others they themselves."""
    protocol = views.known_plan(work, review).protocol
    given = _given(work, review, None if person.has("lead") else person.id)
    stages = [stage for stage in protocol.stages if stage.training]
    return [_stage_training(stage, given[stage.name], person.id) for stage in stages]


@router.get("/reviews/{review}/training/next")
def show_next_training(review: Review, work: Reading, person: Reviewer, stage: Word | None = None) -> NextTraining:
    """The next item that this person has to answer before they vote at a stage, or any; not what is right."""
    found = training.next_item(work, review, stage)
    if found is None:
        return NextTraining(item=None)
    asked, item, left = found
    protocol = views.known_plan(work, review).protocol
    card = TrainingCard(
        stage=asked.name, item=item.id, left=left, of=len(asked.training),
        title=item.title, abstract=item.abstract, identifier=item.identifier,
        question=asked.question, answers=asked.answers, reasons=asked.reasons,
        definitions=protocol.definitions, criteria=protocol.criteria, highlights=protocol.highlights,
    )  # fmt: skip
    return NextTraining(item=card)


@router.post("/reviews/{review}/stages/{stage}/training")
def give_training_answer(
    review: Review,
    stage: Named,
    body: TrainingRequest,
    work: Unit,
    person: Reviewer,
    key: IdempotencyKey = None,
) -> TrainingReceipt:
    """Answers an item of a stage's training set, once; the answer says what is right, and why. It is no vote."""

    def give() -> TrainingReceipt:
        ballot = Ballot(body.answer, excluded_for=body.excluded_for)
        given, left = training.answer_item(work, review, stage, body.item, ballot)
        return TrainingReceipt(
            stage=stage, item=body.item, answer=given.answer, excluded_for=given.excluded_for,
            is_right=given.right, reason_is_right=given.reason_right,
            right=given.item.answer, right_excluded_for=given.item.excluded_for, why=given.item.why, left=left,
        )  # fmt: skip

    return work.once(key, f"train {review} {stage}", body, give)


def _given(work: Work, review: str, person: str | None) -> dict[str, dict[str, list[store.TrainingAnswer]]]:
    """What everybody, or one person, answered, by stage and person."""
    found: dict[str, dict[str, list[store.TrainingAnswer]]] = defaultdict(lambda: defaultdict(list))
    for it in store.training_answers(work, review, person):
        found[it.stage][it.person].append(it)
    return found


def _stage_training(stage: Stage, given: dict[str, list[store.TrainingAnswer]], me: str) -> StageTraining:
    items = {domain.asked_by(item): item for item in stage.training}
    people = []
    for person, answers in sorted(given.items()):
        counted = [Trained(items[it.asked], it.answer, it.excluded_for) for it in answers if it.asked in items]
        if counted or person == me:
            people.append(_person_training(person, domain.training_figures(stage, counted)))
    return StageTraining(stage=stage.name, size=len(items), people=people)


def _person_training(person: str, found: TrainingFigures) -> PersonTraining:
    return PersonTraining(
        person=person, answered=found.answered, right=found.right, sensitivity=found.sensitivity,
        specificity=found.specificity, reasons=found.reasons, reasons_right=found.reasons_right,
        answers=[TrainingPair(right=right, answer=said, n=n) for (right, said), n in sorted(found.answers.items())],
    )  # fmt: skip
