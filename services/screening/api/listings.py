"""The routes of those who look: how each stage stands, how far people agree, and what became of each record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from services.screening import store, views
from services.screening.api.router import Reading, router
from services.screening.commands import queue
from services.screening.domain import TaskStates
from services.screening.domain.automations import AUTOMATIONS
from shared.db.work import Work
from shared.errors import Invalid, NotFound
from shared.http.auth import Confirmer, Reader
from shared.http.paging import Hundred
from shared.http.parameters import AskedNumber, Day, Name, Word
from shared.paging import Page
from shared.tokens import Person
from shared.wire.common import AutomationView
from shared.wire.people import OldNames
from shared.wire.screening import (
    Funnel,
    RecordHistory,
    RecordState,
    RecordSummary,
    StageAgreement,
    StageQueue,
    TaskState,
    TaskSummary,
)

Review = Name
Record = Name
Stage = Name


@router.get("/reviews/{review}/automations")
def list_automations(review: Review, work: Reading, person: Reader) -> list[AutomationView]:
    """The steps of screening that are taken by themselves, each with the version of its rules."""
    views.known_plan(work, review)
    return list(AUTOMATIONS)


@router.get("/reviews/{review}/queue")
def show_queue(review: Review, work: Reading, person: Reader) -> list[StageQueue]:
    """How each stage stands, in the order of the newest protocol."""
    states, in_hand = store.counted(work, review).states, store.leases_in_hand(work, review, work.now)
    return [views.stage_queue(stage, states.get(stage, {}), in_hand) for stage in _stages(work, review, states)]


@router.get("/reviews/{review}/funnel")
def show_funnel(review: Review, work: Reading, person: Reader) -> Funnel:
    """Where every record is now, and what became of those that entered each stage. Leads see besides where people
    agree less than the protocol's floor asks."""
    counted = store.counted(work, review)
    drifted = Counter(alarm.stage for alarm in store.alarms(work, review)) if person.has("lead") else Counter[str]()
    return views.funnel(counted, _stages(work, review, counted.states), drifted)


@router.get("/reviews/{review}/agreement")
def show_agreement(
    review: Review,
    work: Reading,
    person: Reader,
    since: Day | None = None,
    until: Day | None = None,
    cycle: AskedNumber | None = None,
) -> list[StageAgreement]:
    """How far independent votes agree, stage by stage, over the tasks that have all their votes, adjudicated or not: of
    those whose last vote came in within these days (UTC), or within a cycle, which ends with the day on which its first
    revision was signed.

    For a lead all stages; for others those where a vote of their own is on a task that has all its votes. Whoever
    may adjudicate sees nothing of an open conflict that they have not claimed or voted on.
    """
    plan, counted = views.known_plan(work, review), store.counted(work, review)
    answers = {stage.name: [answer.value for answer in stage.answers] for stage in plan.protocol.stages}
    reasons = {stage.name: [reason.value for reason in stage.reasons] for stage in plan.protocol.stages}
    floors = {stage.name: stage.agreement_floor for stage in plan.protocol.stages}
    stages = _stages(work, review, counted.states)
    if not person.has("lead"):
        stages = views.stages_judged(work, review, stages, may_vote=person.has("reviewer"))
    days = _days(work, review, since, until, cycle)
    compared = store.compared(work, review, *days)
    hidden = store.compared_in_conflicts(work, review, person.id, *days) if _is_blind(person) else {}
    return [
        views.stage_agreement(
            stage,
            answers.get(stage, []),
            compared.get(stage, Counter()),
            counted.alone.get(stage, 0),
            hidden.get(stage, Counter()),
            of=None if person.has("lead") else person.id,
            floor=floors.get(stage),
            reasons=reasons.get(stage, ()),
        )
        for stage in stages
    ]


@router.get("/reviews/{review}/stages/{stage}/tasks")
def list_tasks(
    review: Review,
    stage: Stage,
    work: Reading,
    person: Reader,
    page: Hundred,
    state: TaskState = TaskStates.OPEN,
) -> Page[TaskSummary]:
    """The tasks of a stage that are in one state, in queue order."""
    _known_stage(work, review, stage)
    return store.page_of_tasks(work, review, stage, state, page).page(lambda found: views.task_summary(work, *found))


@router.get("/reviews/{review}/conflicts")
def list_conflicts(
    review: Review,
    work: Reading,
    person: Reader,
    page: Hundred,
    stage: Word | None = None,
) -> Page[TaskSummary]:
    """The tasks whose votes lead to different outcomes and wait for an adjudicator, in queue order."""
    if stage is not None:
        _known_stage(work, review, stage)
    views.known_plan(work, review)
    return store.page_of_conflicts(work, review, stage, page).page(lambda found: views.task_summary(work, *found))


@router.get("/reviews/{review}/records")
def list_records(
    review: Review,
    work: Reading,
    person: Reader,
    state: RecordState,
    page: Hundred,
) -> Page[RecordSummary]:
    """The records that are in one state, by id; an excluded one says by which rule or for which reason."""
    views.known_plan(work, review)
    return store.page_of_records(work, review, state, page).page(views.record_summary)


@router.get("/reviews/{review}/records/{record}")
def show_record(review: Review, record: Record, work: Reading, person: Reader) -> RecordHistory:
    """One record's way through screening: its stages, the votes this person may see, its notices and merges, and when
    it was parked, where that cannot lead them any more."""
    stages = _stages(work, review, store.counted(work, review).states)
    row = store.get_record(work, review, record)
    if row is None:
        raise NotFound(f"review {review!r} has no record {record!r} in screening", slug="unknown_record")
    return views.record_history(work, row, stages, is_lead=person.has("lead"))


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Review, work: Reading, person: Confirmer) -> OldNames:
    """The names that votes bear from before people had ids, and that are nobody's yet."""
    return OldNames.of([(row.name, row.acts) for row in store.old_names(work, review)])


def _days(work: Work, review: str, since: date | None, until: date | None, cycle: int | None) -> tuple[date, date]:
    """The days that are asked for, the first and the last of them."""
    if cycle is not None:
        if since is not None or until is not None:
            raise Invalid.of("cycle", "is given beside days; give one of the two")
        return store.days_of_cycle(work, review, cycle)
    if since is not None and until is not None and until < since:
        raise Invalid.of("until", f"{until} is before {since}")
    return since or date.min, until or date.max


def _is_blind(person: Person) -> bool:
    """Whether this person may come to decide a conflict that they must not know anything of before."""
    return person.has(queue.ADJUDICATORS[0]) and not person.has("lead")


def _stages(work: Work, review: str, states: Mapping[str, Any]) -> list[str]:
    return views.known_stages(views.known_plan(work, review), states)


def _known_stage(work: Work, review: str, stage: str) -> None:
    views.require_stage(_stages(work, review, store.counted(work, review).states), review, stage)
