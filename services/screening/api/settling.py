"""The routes of those who decide many conflicts at once, of which they gave their first look before."""

from __future__ import annotations

from services.screening import views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import queue, settling
from shared.http.auth import Reviewer
from shared.http.paging import Fifty
from shared.http.parameters import Name
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.screening import LookedAtConflict, Settlement, SettleRequest

Review = Name


@router.get("/reviews/{review}/conflicts/looked-at")
def list_looked_at(review: Review, work: Reading, person: Reviewer, page: Fifty) -> Page[LookedAtConflict]:
    """The conflicts that wait of which this person gave their first look and which they may decide, the first looked at
    first, with what the votes do not say alike. What somebody else has in hand is not among them."""
    found = settling.looked_at(work, review, queue.adjudicates(person), page)
    leases = settling.in_hand(work, [known.task.id for known in found.rows])
    return found.page(lambda known: views.looked_at(known, leases.get(known.task.id)))


@router.post("/reviews/{review}/conflicts/settle")
def decide_conflicts(
    review: Review, body: SettleRequest, work: Unit, person: Reviewer, key: IdempotencyKey = None
) -> Settlement:
    """Decides conflicts of which this person gave their first look, each by the answer of that look, where their forms
    agree, with one resolution for all.

    One that cannot be settled keeps no other: it says why, in its place.
    """

    def settle() -> Settlement:
        return views.settlement(settling.settle(work, review, body.tasks, body.resolution, queue.adjudicates(person)))

    return work.once(key, f"settle {review}", body, settle)
