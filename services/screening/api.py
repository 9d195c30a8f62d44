"""The routes of screening: the queue, the leases, the votes, and what became of each record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter

from services.screening import store, views
from services.screening.commands import queue
from services.screening.domain import Ballot, TaskStates
from shared.db.work import Work
from shared.errors import NotFound
from shared.http.auth import Confirmer, Reader, Reviewer
from shared.http.paging import Hundred
from shared.http.parameters import Name, Word
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page
from shared.tokens import Person
from shared.wire.people import OldNames
from shared.wire.screening import (
    Claim,
    ClaimRequest,
    Funnel,
    LeaseView,
    RecordHistory,
    RecordState,
    RecordSummary,
    StageAgreement,
    StageQueue,
    TaskInHand,
    TaskState,
    TaskSummary,
    VoteReceipt,
    VoteRequest,
)

router = APIRouter(prefix="/screening", tags=["screening"], route_class=Route)

Unit = Annotated[Work, unit_of("screening")]
Reading = Annotated[Work, reading_of("screening")]

Review = Name
Lease = Name
Record = Name
Stage = Name


@router.post("/reviews/{review}/claims")
def make_claim(review: Review, body: ClaimRequest, work: Unit, person: Reviewer) -> Claim:
    """Brings the next tasks for this person, each under a lease: at most `count`, none when nothing waits.

    First come those of this kind that they hold already, the oldest first, so asking twice takes no more slots.
    """
    held = queue.claim(work, review, body.kind, body.stage, _adjudicates(person), body.count)
    return Claim(tasks=views.tasks_in_hand(work, held))


@router.get("/reviews/{review}/leases/{lease}")
def show_lease(review: Review, lease: Lease, work: Reading, person: Reviewer) -> TaskInHand:
    """What this person holds under a live lease: the record, the question, and the form as a vote must fill it in."""
    return views.tasks_in_hand(work, [queue.in_hand(work, review, lease)])[0]


@router.post("/reviews/{review}/leases/{lease}/vote")
def cast_vote(
    review: Review, lease: Lease, body: VoteRequest, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> VoteReceipt:
    """Casts the vote a lease is for: an independent one, or the decision of a conflict with its reason."""
    ballot = Ballot(body.answer, body.reason, body.fields)

    def cast() -> VoteReceipt:
        return views.vote_receipt(*queue.vote(work, review, lease, ballot, _adjudicates(person)))

    return work.once(key, f"vote {review} {lease}", body, cast)


@router.post("/reviews/{review}/leases/{lease}/release")
def release_lease(review: Review, lease: Lease, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> LeaseView:
    """Gives a slot back; the task goes to the end of the queue."""
    command = f"release {review} {lease}"
    return work.once(key, command, None, lambda: views.lease_view(queue.release(work, review, lease)))


@router.post("/reviews/{review}/leases/{lease}/renew")
def renew_lease(review: Review, lease: Lease, work: Unit, person: Reviewer) -> LeaseView:
    """Keeps a live lease for as long again from now."""
    return views.lease_view(queue.renew(work, review, lease))


@router.get("/reviews/{review}/queue")
def show_queue(review: Review, work: Reading, person: Reader) -> list[StageQueue]:
    """How each stage stands, in the order of the newest protocol."""
    states, in_hand = store.counted(work, review).states, store.leases_in_hand(work, review, work.now)
    return [views.stage_queue(stage, states.get(stage, {}), in_hand) for stage in _stages(work, review, states)]


@router.get("/reviews/{review}/funnel")
def show_funnel(review: Review, work: Reading, person: Reader) -> Funnel:
    """Where every record is now, and what became of those that entered each stage."""
    states = store.counted(work, review).states
    return views.funnel(states, _stages(work, review, states))


@router.get("/reviews/{review}/agreement")
def show_agreement(review: Review, work: Reading, person: Reader) -> list[StageAgreement]:
    """How far independent votes agree, stage by stage, over the tasks whose two votes are in, adjudicated or not.

    For a lead all stages; for others those where a vote of their own is on a task that has all its votes. Whoever
    may adjudicate sees nothing of an open conflict that they have not claimed or voted on.
    """
    plan, counted = views.known_plan(work, review), store.counted(work, review)
    answers = {stage.name: [answer.value for answer in stage.answers] for stage in plan.protocol.stages}
    stages = _stages(work, review, counted.states)
    if not person.has("lead"):
        stages = views.stages_judged(work, review, stages, may_vote=person.has("reviewer"))
    hidden = store.pairs_to_decide(work, review, person.id) if _is_blind(person) else {}
    return [
        views.stage_agreement(
            stage,
            answers.get(stage, []),
            counted.pairs.get(stage, {}),
            counted.alone.get(stage, 0),
            hidden.get(stage, {}),
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
    return store.page_of_tasks(work, review, stage, state, page).page(lambda found: views.task_summary(*found))


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
    return store.page_of_conflicts(work, review, stage, page).page(lambda found: views.task_summary(*found))


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
    """One record's way through screening: its stages, the votes this person may see, its notices and merges."""
    stages = _stages(work, review, store.counted(work, review).states)
    row = store.get_record(work, review, record)
    if row is None:
        raise NotFound(f"review {review!r} has no record {record!r} in screening", slug="unknown_record")
    return views.record_history(work, row, stages)


def _adjudicates(person: Person) -> list[str]:
    """The adjudicators' roles that a person has."""
    return [role for role in queue.ADJUDICATORS if person.has(role)]


def _is_blind(person: Person) -> bool:
    """Whether this person may come to decide a conflict that they must not know anything of before."""
    return person.has(queue.ADJUDICATORS[0]) and not person.has("lead")


def _stages(work: Work, review: str, states: Mapping[str, Any]) -> list[str]:
    return views.known_stages(views.known_plan(work, review), states)


def _known_stage(work: Work, review: str, stage: str) -> None:
    views.require_stage(_stages(work, review, store.counted(work, review).states), review, stage)


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Review, work: Reading, person: Confirmer) -> OldNames:
    """The names that votes bear from before people had ids, and that are nobody's yet."""
    return OldNames.of([(row.name, row.acts) for row in store.old_names(work, review)])
