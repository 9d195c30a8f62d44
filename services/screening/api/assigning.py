"""The routes by which leads say who is given what: assignments, and caps on the votes of a day."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import assigning, caps
from services.screening.models import AssignmentRow
from services.screening.store import COUNTED_OF_POOL
from shared.db.work import Work
from shared.errors import Invalid
from shared.http.auth import Lead, Reviewer
from shared.http.paging import Fifty
from shared.http.parameters import Name
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.assigning import AssignmentView, CapView, NewAssignment, NewCap, PoolView

Review = Name
Assignment = Name


@router.post("/reviews/{review}/assignments")
def make_assignment(
    review: Review, body: NewAssignment, work: Unit, person: Lead, key: IdempotencyKey = None
) -> AssignmentView:
    """Assigns tasks of a stage to some people, who alone are given them; what others hold or voted stays.

    Tasks that wait are moved within seconds, what opens later is theirs from the beginning.
    """
    given = [name for name in ("records", "percent", "sample") if getattr(body, name) is not None]
    if len(given) != 1:
        raise Invalid.of("records", "give one of records, percent and sample")
    wish = assigning.Wish(body.records or (), body.percent, body.sample)

    def make() -> AssignmentView:
        return _views(work, [assigning.assign(work, review, body.stage, body.people, wish)])[0]

    return work.once(key, f"assign {review}", body, make)


@router.get("/reviews/{review}/assignments")
def list_assignments(review: Review, work: Reading, person: Lead, page: Fifty) -> Page[AssignmentView]:
    """The assignments of a review, the first made first, those that ended too."""
    views.known_plan(work, review)
    found = store.page_of_assignments(work, review, page)
    return found.shown_as(_views(work, found.rows))


@router.delete("/reviews/{review}/assignments/{assignment}")
def end_assignment(review: Review, assignment: Assignment, work: Unit, person: Lead) -> AssignmentView:
    """Ends an assignment: its tasks are anybody's again within seconds."""
    return _views(work, [assigning.end(work, review, assignment)])[0]


@router.get("/reviews/{review}/caps")
def list_caps(review: Review, work: Reading, person: Reviewer) -> list[CapView]:
    """How many votes a day people cast at most: for a lead all caps, for others those that may hold for them."""
    views.known_plan(work, review)
    return [
        CapView(stage=row.stage or None, person=row.person or None, votes=row.votes)
        for row in store.all_caps(work, review)
        if person.has("lead") or row.person in ("", person.id)
    ]


@router.put("/reviews/{review}/caps")
def set_cap(review: Review, body: NewCap, work: Unit, person: Lead) -> CapView:
    """Sets how many votes a day people cast at most, or takes that away. What they hold stays theirs."""
    caps.set_cap(work, review, body.stage, body.person, body.votes)
    return CapView(stage=body.stage, person=body.person, votes=body.votes)


def _views(work: Work, rows: Sequence[AssignmentRow]) -> list[AssignmentView]:
    """Assignments as leads see them."""
    pools = [pool for row in rows if row.ended_at is None for pool in row.pools]
    members, waiting = store.members_of_pools(work, pools), store.waiting_in_pools(work, pools)
    return [
        AssignmentView(
            assignment=row.id, stage=row.stage, kind=row.kind, people=row.people, percent=row.percent, size=row.size,
            made_by=row.made_by, made_at=row.made_at, ended_by=row.ended_by, ended_at=row.ended_at,
            moving=row.walk is not None and row.due_at is None,
            pools=[_pool_view(members.get(pool, []), waiting.get(pool, 0)) for pool in row.pools if pool in waiting],
        )
        for row in rows
    ]  # fmt: skip


def _pool_view(members: list[str], waiting: int) -> PoolView:
    return PoolView(people=members, waiting=waiting, or_more=waiting == COUNTED_OF_POOL)
