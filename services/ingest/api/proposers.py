"""The routes of what proposes codings: how well it does, whether it is on, and what coders make of its proposals."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import passages, proposing
from services.ingest.commands.passages import Sought
from services.ingest.commands.proposing import Shown
from services.ingest.ports.proposers.open import identities
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.http.auth import Coder, Lead, Reader
from shared.http.blobs import blobs_of
from shared.http.paging import Hundred
from shared.http.parameters import Name
from shared.http.route import Asked
from shared.http.units import IdempotencyKey, reading_of
from shared.paging import Page
from shared.wire.ingest import (
    AnchoredQuote,
    EvaluatedProposer,
    NewProposerSwitch,
    ProposedCodingView,
    ProposedReadings,
    ProposerView,
    RefusedCoding,
)

Files = Annotated[Blobs, blobs_of("ingest")]


@router.get("/reviews/{review}/proposers")
def list_proposers(review: Name, work: Reading, person: Reader) -> list[ProposerView]:
    """What proposes codings, each in its version of today: how that was evaluated on the review, and whether coders are
    shown what it proposes."""
    store.review_of(work, review)
    return [views.proposer_view(work, review, it) for it in identities(work.settings).values()]


@router.post("/reviews/{review}/proposers/{proposer}/evaluations", status_code=201)
def request_evaluation(
    review: Name, proposer: Name, work: Unit, person: Lead, key: IdempotencyKey = None
) -> EvaluatedProposer:
    """Has a proposer be held against what people coded of the review's copies themselves. One that waits already is
    answered again."""
    command = f"evaluate {proposer} in {review}"
    return work.once(key, command, None, lambda: views.evaluation_view(proposing.evaluate(work, review, proposer)))


@router.get("/reviews/{review}/proposers/{proposer}/evaluations")
def list_evaluations(
    review: Name, proposer: Name, work: Reading, person: Reader, page: Hundred
) -> Page[EvaluatedProposer]:
    """How a proposer was evaluated on the review, in every version, the oldest first."""
    store.review_of(work, review)
    return store.page_of_evaluations(work, review, proposer, page).page(views.evaluation_view)


@router.post("/reviews/{review}/proposers/{proposer}/switch")
def decide_switch_of_proposer(
    review: Name, proposer: Name, body: NewProposerSwitch, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ProposerView:
    """Has coders be shown what a proposer proposes, or no more; on only where its version of today was evaluated on
    enough links. Another version, model or prompt is off until that is done again."""

    def switch() -> ProposerView:
        proposing.switch(work, review, proposer, body)
        return views.proposer_view(work, review, proposing.known(work, proposer))

    return work.once(key, f"switch {proposer} in {review}", body, switch)


@router.post("/reviews/{review}/texts/{text}/proposals")
def request_proposals_of_text(
    review: Name, text: Name, work: Unit, person: Coder, key: IdempotencyKey = None
) -> ProposedReadings:
    """Has the proposers that are on read a copy, for who may read it; what they have read stays."""

    def request() -> ProposedReadings:
        return views.proposed_readings(text, proposing.request(work, review, text, person))

    return work.once(key, f"proposals of {text}", None, request)


@router.get("/reviews/{review}/texts/{text}/proposals/readings")
def list_readings_of_text(review: Name, text: Name, work: Reading, person: Reader) -> ProposedReadings:
    """How far the proposers that are on are with a copy, for those who code."""
    _, _, readings = proposing.readings_of(work, review, text, person)
    return views.proposed_readings(text, readings)


@router.get("/reviews/{review}/texts/{text}/proposals")
def list_proposals_of_text(
    review: Name, text: Name, work: Reading, person: Reader, blobs: Files, page: Hundred
) -> Page[ProposedCodingView]:
    """What is proposed of a copy as it is parsed today, in its order, without what you have refused; for those who code
    and may read it. Nothing while no proposer is on."""
    kept, _, readings = proposing.readings_of(work, review, text, person)
    found = proposing.proposed(work, readings, page)
    parse = passages.read(blobs, kept) if found.rows else None
    taken = store.accepted_proposals(work, [row.id for row in found.rows], person.id)
    return found.page(lambda row: views.proposed_coding_view(row, readings, parse, taken=row.id in taken))


async def _shown(
    review: Name,
    text: Name,
    proposal: Name,
    person: Coder,
    blobs: Files,
    reading: Annotated[Asked, reading_of("ingest")],
) -> tuple[Shown, Sought]:
    """A proposal with the words that it is about, for the reading of which no transaction is open."""

    def look(work: Work) -> Shown:
        return proposing.shown(work, review, text, proposal, person)

    it = await reading.first(look)
    return it, await reading.aside(lambda: proposing.sought(passages.read(blobs, it.kept), it))


@router.post("/reviews/{review}/texts/{text}/proposals/{proposal}/accept", status_code=201)
def accept_proposal_of_text(
    review: Name,
    text: Name,
    proposal: Name,
    found: Annotated[tuple[Shown, Sought], Depends(_shown)],
    work: Unit,
    person: Coder,
) -> AnchoredQuote:
    """Makes the words of a proposal your quote, and gives its receipt, which names what proposed it: with it you code
    as you ever do, as proposed or otherwise. Nothing is coded by this. Again it is the same anchor."""
    it, quote = found
    anchor, row, receipt = proposing.accept(work, it, quote, person)
    return AnchoredQuote(anchor=views.anchor_view(row, anchor, person), receipt=receipt)


@router.post("/reviews/{review}/texts/{text}/proposals/{proposal}/refuse")
def discard_proposal_of_text(
    review: Name, text: Name, proposal: Name, work: Unit, person: Coder, key: IdempotencyKey = None
) -> RefusedCoding:
    """Has a proposal be shown to you no more. Nobody else learns of it."""

    def refuse() -> RefusedCoding:
        proposing.decide(work, proposing.shown(work, review, text, proposal, person), "refused")
        return RefusedCoding(proposal=proposal)

    return work.once(key, f"refuse {proposal}", None, refuse)
