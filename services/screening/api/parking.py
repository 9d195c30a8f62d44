"""The routes of what does not go on by itself: tasks are parked and brought back, and leads free what others hold."""

from __future__ import annotations

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import parking, queue
from shared.http.auth import Lead, Reviewer
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.screening import (
    Freeing,
    LeaseLine,
    LeaseView,
    NewParking,
    ParkedTask,
    ParkingView,
    TaskStanding,
)

Review = Name
Task = Name
Lease = Name


@router.post("/reviews/{review}/tasks/{task}/park")
def park_task(
    review: Review, task: Task, body: NewParking, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> ParkingView:
    """Sets a task aside that this person holds, or a lead: nobody is given it until a day, or until it is brought back.

    What others hold of it they may still answer. Until the task is closed none but a lead is told who parked it, or
    why.
    """

    def park() -> ParkingView:
        _, kept = parking.park(work, review, task, body.reason, body.until, is_lead=person.has("lead"))
        return views.parking_view(kept)

    return work.once(key, f"park {review} {task}", body, park)


@router.post("/reviews/{review}/tasks/{task}/unpark")
def resume_task(review: Review, task: Task, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> TaskStanding:
    """Brings a parked task back to the queue: a lead any, others what they parked themselves."""

    def resume() -> TaskStanding:
        return views.task_standing(parking.resume(work, review, task, is_lead=person.has("lead")))

    return work.once(key, f"unpark {review} {task}", None, resume)


@router.get("/reviews/{review}/parked")
def list_parked(review: Review, work: Reading, person: Reviewer, page: Fifty) -> Page[ParkedTask]:
    """The parked tasks, the first parked first, and how each came to it: for a lead all, for others those that they
    parked themselves."""
    views.known_plan(work, review)
    is_lead = person.has("lead")
    found = store.page_of_parked(work, review, None if is_lead else person.id, page)
    return found.shown_as(views.parked_tasks(work, found.rows, is_lead=is_lead))


@router.get("/reviews/{review}/leases")
def list_leases(
    review: Review, work: Reading, person: Lead, page: Hundred, held_by: Word | None = None
) -> Page[LeaseLine]:
    """What everybody, or somebody, has in hand."""
    views.known_plan(work, review)
    return store.page_of_leases(work, review, held_by, page).page(lambda found: views.lease_line(*found))


@router.post("/reviews/{review}/leases/{lease}/free")
def free_lease(
    review: Review, lease: Lease, body: Freeing, work: Unit, person: Lead, key: IdempotencyKey = None
) -> LeaseView:
    """Gives back to the queue what somebody has in hand, with a reason that they see."""

    def free() -> LeaseView:
        return views.lease_view(queue.free(work, review, lease, body.reason))

    return work.once(key, f"free {review} {lease}", body, free)
