"""Proposals: keeps what the evidence suggests to do with CMOCs, tells it once, and lets people decline it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from services.synthesis import store
from services.synthesis.commands.history import log_triggers
from services.synthesis.domain.proposals import ProposalStates, Proposed
from services.synthesis.domain.triggers import PROPOSED, Fired
from services.synthesis.models import ProposalRow, ReviewRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.synthesis import ProposalClosed, ProposalOpened
from shared.ids import id_of
from shared.wire.synthesis import ProposalState

#: How many links an event names.
_MOST_LINKS = 500


def keep(work: Work, review: ReviewRow, proposed: Iterable[Proposed], touched: Collection[str], *, drill: bool) -> None:
    """Keeps what is suggested for these CMOCs. What is suggested no longer lapses; what a person declined stays so
    until links speak for it that did not then."""
    known = store.proposals_to_change(work, review.review, touched)
    news: list[ProposalRow] = []
    suggested = {id_of("proposal", review.review, *it.about): it for it in proposed}
    for name, it in suggested.items():
        row = known.get(name)
        if row is None:
            news.append(_new(work, review, name, it, drill))
        elif row.state == ProposalStates.OPEN or set(it.links) - set(row.declined_links):
            was = row.state
            ProposalStates.turn(row, ProposalStates.OPEN)
            row.why, row.links, row.drill = it.why, list(it.links), drill
            if was != ProposalStates.OPEN:
                row.cycle, row.proposed_at = review.cycle, work.now
                row.decided_by = row.decided_at = row.decided_why = None
                news.append(row)
    _tell(work, review, news)
    for name, row in known.items():
        if row.state == ProposalStates.OPEN and name not in suggested:
            _close(work, row, ProposalStates.LAPSED, "the evidence suggests it no longer")


def decline(work: Work, review: str, proposal: str, why: str) -> ProposalRow:
    """A person decides against what the evidence suggests. Raises NotFound, and Conflict where it is not open."""
    store.review_to_change(work, review)
    row = store.proposal(work, review, proposal)
    if row.state != ProposalStates.OPEN:
        said = f": {row.decided_why}" if row.decided_why else ""
        raise Conflict(f"proposal {proposal!r} is {row.state}{said}", slug="closed")
    row.decided_by, row.decided_at, row.decided_why = work.actor, work.now, why
    row.declined_links = row.links
    _close(work, row, ProposalStates.DECLINED, why)
    return row


def _new(work: Work, review: ReviewRow, name: str, it: Proposed, drill: bool) -> ProposalRow:
    ProposalStates.check(None, ProposalStates.OPEN)
    cmoc, *others = it.cmocs
    return work.add(
        ProposalRow(
            id=name, review=review.review, kind=it.kind, cmoc=cmoc, other=next(iter(others), None), element=it.element,
            why=it.why, links=list(it.links), state=ProposalStates.OPEN, cycle=review.cycle, drill=drill,
            proposed_at=work.now, event_id="",
        )
    )  # fmt: skip


def _tell(work: Work, review: ReviewRow, rows: Sequence[ProposalRow]) -> None:
    for row in rows:
        row.event_id = work.emit(
            ProposalOpened(
                review=row.review, proposal=row.id, kind=row.kind, cmocs=row.cmocs, element=row.element, why=row.why,
                links=row.links[:_MOST_LINKS], drill=row.drill,
            )
        )  # fmt: skip
    fired = [Fired(PROPOSED, row.id, f"{row.kind} {', '.join(row.cmocs)}: {row.why}") for row in rows]
    log_triggers(work, review, fired, drill=any(row.drill for row in rows))


def _close(work: Work, row: ProposalRow, state: ProposalState, why: str) -> None:
    ProposalStates.turn(row, state)
    row.event_id = work.emit(
        ProposalClosed(review=row.review, proposal=row.id, kind=row.kind, cmocs=row.cmocs, state=row.state, why=why)
    )
