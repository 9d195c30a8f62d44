"""The routes of those who screen: claims, leases and votes."""

from __future__ import annotations

from collections import Counter

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import caps, conflicts, queue
from services.screening.domain import TO_DECIDE, TO_SCREEN, Ballot
from shared.http.auth import Lead, Reviewer
from shared.http.parameters import Name, YesNo
from shared.http.units import IdempotencyKey
from shared.wire.screening import (
    Claim,
    ClaimRequest,
    LeaseView,
    StageLeft,
    TaskInHand,
    TaskSummary,
    ThirdPersonRequest,
    VoteReceipt,
    VoteRequest,
)

Review = Name
Lease = Name
Task = Name


@router.post("/reviews/{review}/claims")
def make_claim(review: Review, body: ClaimRequest, work: Unit, person: Reviewer) -> Claim:
    """Brings the next tasks for this person, each under a lease: at most `count`, none when nothing waits.

    First come those of this kind that they hold already, the oldest first, so asking twice takes no more slots; of
    named records, those of them. Without a stage a person stays at the one where they were last given something, while
    anything waits for them there.
    """
    held = queue.claim(
        work, review, body.kind, body.stage, queue.adjudicates(person), body.count, body.mode, body.records, body.ahead
    )
    return Claim(tasks=views.tasks_in_hand(work, held))


@router.get("/reviews/{review}/left")
def list_left(review: Review, work: Reading, person: Reviewer) -> list[StageLeft]:
    """How much waits for this person at each stage, in the order of the newest protocol: what has a free slot, and
    nothing of theirs in it. Stages of before are listed while something waits at them."""
    plan, held = views.known_plan(work, review), store.in_hand_of(work, review, person.id)
    to_screen = Counter({stage: n for (stage, kind), n in held.items() if kind == TO_SCREEN})
    return views.stages_left(
        [
            (stage, queue.left(work, review, stage, TO_SCREEN, ()), queue.left(work, review, stage, TO_DECIDE, roles))
            for roles in [queue.adjudicates(person)]
            for stage in views.known_stages(plan, store.dropped_stages(work, review))
        ],
        held,
        caps.allowance(work, review, to_screen.elements()).left_at,
    )


@router.get("/reviews/{review}/leases/{lease}")
def show_lease(review: Review, lease: Lease, work: Reading, person: Reviewer) -> TaskInHand:
    """What this person holds under a live lease: the record, the question, and the form as a vote must fill it in."""
    return views.tasks_in_hand(work, [queue.in_hand(work, review, lease)])[0]


@router.post("/reviews/{review}/leases/{lease}/vote")
def cast_vote(
    review: Review, lease: Lease, body: VoteRequest, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> VoteReceipt:
    """Casts the vote a lease is for: an independent one, the decision of a conflict with its reason, or what one of its
    voters stands by, where they decide together: it is decided once all of them stand by one answer.

    A conflict of others is decided after one's first look (`look_first`).
    """
    ballot = Ballot(body.answer, body.reason, body.fields, body.excluded_for, body.judged_for)

    def cast() -> VoteReceipt:
        return views.vote_receipt(work, *queue.vote(work, review, lease, ballot, queue.adjudicates(person)))

    return work.once(key, f"vote {review} {lease}", body, cast)


@router.post("/reviews/{review}/leases/{lease}/look")
def give_look(
    review: Review, lease: Lease, body: VoteRequest, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> TaskInHand:
    """Gives an adjudicator's own answer to a conflict they hold, before they see a vote: their first look, which is
    kept and is no vote. The answer is the conflict with its votes, to be decided."""
    ballot = Ballot(body.answer, body.reason, body.fields, body.excluded_for, body.judged_for)

    def look() -> TaskInHand:
        return views.tasks_in_hand(work, [queue.look(work, review, lease, ballot, queue.adjudicates(person))])[0]

    return work.once(key, f"look {review} {lease}", body, look)


@router.post("/reviews/{review}/tasks/{task}/adjudication")
def request_adjudication(
    review: Review, task: Task, body: ThirdPersonRequest, work: Unit, person: Lead, key: IdempotencyKey = None
) -> TaskSummary:
    """Has an adjudicator decide a conflict that its voters were to decide together, with the reason."""

    def give() -> TaskSummary:
        return views.task_summary(work, *conflicts.give_to_third_person(work, review, task, body.reason))

    return work.once(key, f"adjudication {review} {task}", body, give)


@router.post("/reviews/{review}/leases/{lease}/release")
def release_lease(
    review: Review,
    lease: Lease,
    work: Unit,
    person: Reviewer,
    unread: YesNo = False,
    key: IdempotencyKey = None,
) -> LeaseView:
    """Gives a slot back; the task goes to the end of the queue. One that nobody looked at (`unread`), as when somebody
    ends their day who had claimed several, does not count towards parking."""
    command = f"release {review} {lease}"
    return work.once(key, command, None, lambda: views.lease_view(queue.release(work, review, lease, unread=unread)))


@router.post("/reviews/{review}/leases/{lease}/skip")
def skip_lease(review: Review, lease: Lease, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> LeaseView:
    """Gives a slot back, and brings the task to this person again only after the others; for everybody else it stays
    where it is in the queue."""
    return work.once(key, f"skip {review} {lease}", None, lambda: views.lease_view(queue.skip(work, review, lease)))


@router.post("/reviews/{review}/leases/{lease}/renew")
def renew_lease(review: Review, lease: Lease, work: Unit, person: Reviewer) -> LeaseView:
    """Keeps a live lease for as long again from now. What was claimed `ahead` counts as looked at from then on."""
    return views.lease_view(queue.renew(work, review, lease))
