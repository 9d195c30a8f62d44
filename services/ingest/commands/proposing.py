"""Proposals of codings: asked for, evaluated before anybody sees them, and accepted or refused by each coder alone.

Copies lie here, so that what proposes from them does, too: synthesis hears of what a person made of it alone, by the
receipt of their quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.ingest import store
from services.ingest.commands import passages
from services.ingest.commands.passages import Kept, Sought
from services.ingest.domain import licences, proposing
from services.ingest.domain.passages import Parse
from services.ingest.domain.proposing import Located, ProposingStates
from services.ingest.models import (
    AnchorRow,
    EvaluationRow,
    ProposalDecisionRow,
    ProposedCodingRow,
    ProposedReadingRow,
    ProposerRow,
    ReviewRow,
    TextRow,
)
from services.ingest.ports.proposers.open import identities
from services.ingest.ports.proposers.port import Answer, Identity, NotProposed, Statement
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.ingest import ProposerEvaluated, ProposerSwitched
from shared.events.synthesis import ProposedBy
from shared.ids import id_of, new_id
from shared.paging import Found, PageAsked
from shared.quoting import Everywhere, Searched, Span, find, is_said
from shared.tokens import Person
from shared.wire.ingest import NewProposerSwitch, ProposalDecision


def known(work: Work, name: str) -> Identity:
    """A proposer in its version of today. Raises NotFound."""
    found = identities(work.settings)
    if name not in found:
        raise NotFound(f"there is no proposer {name!r}; there are: {', '.join(sorted(found))}", slug="unknown_proposer")
    return found[name]


def is_on(work: Work, review: str, identity: Identity) -> bool:
    """Whether coders are shown what it proposes: it was switched on, in this very version."""
    row = store.proposer(work, review, identity.name)
    return row is not None and row.is_on and row.version == identity.version


def statements_of(review: ReviewRow) -> list[Statement]:
    """The CMOCs that the protocol states. Raises Conflict where an earlier release heard it."""
    if review.cmocs is None:
        why = "publish the next version of the protocol, by which this release learns its CMOCs"
        raise Conflict(f"the CMOCs of review {review.review!r} are not known here yet: {why}", slug="cmocs_not_known")
    return [
        Statement(
            it["id"],
            {"context": it["context"], "resource": it["resource"], "reasoning": it["reasoning"],
             "outcome": it["outcome"]},
        )
        for it in review.cmocs
    ]  # fmt: skip


# Evaluated


def evaluate(work: Work, review: str, name: str) -> EvaluationRow:
    """Has a proposer be held against what people coded; one that waits already is that one. Raises NotFound and
    Conflict."""
    row = store.lock_review(work, review)
    identity = known(work, name)
    statements_of(row)
    last = store.newest_evaluation(work, review, name, identity.version)
    if last is not None and last.state == ProposingStates.WAITING:
        return last
    ProposingStates.check(None, ProposingStates.WAITING)
    return work.add(
        EvaluationRow(
            id=new_id("evaluation"), review=review, proposer=name, version=identity.version, model=identity.model,
            prompt=identity.prompt, protocol_version=row.protocol_version, state=ProposingStates.WAITING,
            due_at=work.now, asked_by=work.actor, asked_at=work.now,
        )
    )  # fmt: skip


def switch(work: Work, review: str, name: str, asked: NewProposerSwitch) -> ProposerRow:
    """Has coders be shown what a proposer proposes, or no more, and tells it. Raises NotFound, and Conflict before this
    version was evaluated on enough of what people coded."""
    store.lock_review(work, review)
    identity = known(work, name)
    evaluation = store.newest_evaluation(work, review, name, identity.version)
    if asked.on:
        _require_evaluated(identity, evaluation)
    row = store.proposer(work, review, name, lock=True)
    evaluated = evaluation.id if evaluation is not None and evaluation.state == ProposingStates.DONE else None
    if row is not None and (row.is_on, row.version, row.evaluation) == (asked.on, identity.version, evaluated):
        return row
    if row is None:
        row = work.add(
            ProposerRow(
                review=review, proposer=name, version=identity.version, why=asked.why, switched_by=work.actor,
                switched_at=work.now,
            )
        )  # fmt: skip
    row.version, row.evaluation, row.is_on, row.why = identity.version, evaluated, asked.on, asked.why
    row.switched_by, row.switched_at = work.actor, work.now
    work.emit(
        ProposerSwitched(
            review=review, proposer=name, proposer_version=identity.version, evaluation=evaluated, on=asked.on,
            why=asked.why, by=work.actor,
        )
    )  # fmt: skip
    return row


def _require_evaluated(identity: Identity, evaluation: EvaluationRow | None) -> None:
    which = f"version {identity.version!r} of proposer {identity.name!r}"
    if evaluation is None or evaluation.state != ProposingStates.DONE:
        raise Conflict(f"{which} was not evaluated on this review yet: ask for that first", slug="not_evaluated")
    if not proposing.is_enough(evaluation.links):
        why = f"{evaluation.links} links that people coded by quotes, and {proposing.LEAST_LINKS} are the least"
        raise Conflict(f"{which} was evaluated on {why}: code more, and evaluate it again", slug="too_few_links")


# Asked to read a copy


def request(work: Work, review: str, text: str, person: Person) -> list[ProposedReadingRow]:
    """Has those proposers that are on read a copy; what they have read stays. Raises NotFound, Forbidden, and Conflict
    where none is on, or the copy has no passages."""
    row = passages.standing_text(work, review, text)
    kept = passages.passages_for(work, row, person)
    wanted = _wanted(work, row, kept)
    if not wanted:
        why = "a lead evaluates one and switches it on; closed copies are not sent to other servers"
        raise Conflict(f"no proposer may read copy {text!r}: {why}", slug="no_proposer")
    there = {it.id: it for it in store.proposed_readings(work, wanted)}
    for reading, identity in wanted.items():
        if reading not in there:
            ProposingStates.check(None, ProposingStates.WAITING)
            there[reading] = work.add(
                ProposedReadingRow(
                    id=reading, review=review, text=text, parse=kept.parse, proposer=identity.name,
                    version=identity.version, protocol_version=store.review_of(work, review).protocol_version,
                    state=ProposingStates.WAITING, due_at=work.now, asked_by=work.actor, asked_at=work.now,
                )
            )  # fmt: skip
        elif there[reading].state == ProposingStates.FAILED:
            ProposingStates.turn(there[reading], ProposingStates.WAITING)
            there[reading].tries, there[reading].due_at, there[reading].trouble = 0, work.now, None
    return [there[reading] for reading in sorted(there)]


def readings_of(work: Work, review: str, text: str, person: Person) -> tuple[Kept, TextRow, list[ProposedReadingRow]]:
    """What proposers that are on have read of a copy as it is parsed today, for who may code by it."""
    row = passages.standing_text(work, review, text)
    kept = passages.passages_for(work, row, person)
    if not person.has("reviewer"):
        raise Forbidden("what is proposed is for those who code", slug="not_a_coder")
    return kept, row, store.proposed_readings(work, _wanted(work, row, kept))


def proposed(work: Work, readings: Sequence[ProposedReadingRow], page: PageAsked) -> Found[ProposedCodingRow]:
    """What they propose, without what whoever asks has refused."""
    return store.page_of_proposed(work, [it.id for it in readings], work.actor, page)


def _wanted(work: Work, row: TextRow, kept: Kept) -> dict[str, Identity]:
    """The readings of those proposers that may read this copy and are on, by their ids."""
    version = str(store.review_of(work, row.review).protocol_version)
    return {
        id_of("reading", row.id, kept.parse, it.name, it.version, version): it
        for it in identities(work.settings).values()
        if may_read(it, row) and is_on(work, row.review, it)
    }


def may_read(identity: Identity, row: TextRow) -> bool:
    """Whether a proposer is given a copy: one that is closed goes to nobody's server."""
    return not (identity.goes_out and licences.is_closed(row.licence_class))


# Decided


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal that somebody may decide about, and where its copy's words are."""

    row: ProposedCodingRow
    by: ProposedBy
    kept: Kept


def shown(work: Work, review: str, text: str, proposal: str, person: Person) -> Shown:
    """Raises NotFound for what is no proposal, or one of a proposer that is off, or another by now."""
    row = store.proposed_coding(work, review, text, proposal)
    kept, _, readings = readings_of(work, review, text, person)
    of = next((it for it in readings if it.id == row.reading), None)
    if of is None:
        raise NotFound(f"proposal {proposal!r} is shown no more: its proposer is off, or another by now", slug="stale")
    return Shown(row, ProposedBy(proposer=of.proposer, version=of.version), kept)


def sought(parse: Parse, it: Shown) -> Sought:
    return Sought(it.kept, parse, Span(it.row.begins, it.row.ends))


def accept(work: Work, it: Shown, quote: Sought, person: Person) -> tuple[AnchorRow, TextRow, str]:
    """Anchors the words of a proposal as this person's quote, with a receipt that names what proposed it; the same
    again is the same. Raises Conflict for one that they refused."""
    decide(work, it, "accepted")
    return passages.add_quote(work, it.row.text, quote, person, proposed_by=it.by)


def decide(work: Work, it: Shown, decision: ProposalDecision) -> None:
    """Keeps what somebody made of a proposal. Raises Conflict where they decided otherwise before."""
    before = store.proposal_decision(work, it.row.id, work.actor)
    if before is None:
        made = ProposalDecisionRow(
            proposal=it.row.id, person=work.actor, review=it.row.review, decision=decision, at=work.now
        )
        work.add(made)
    elif before.decision != decision:
        raise Conflict(f"you have {before.decision} this proposal", slug="decided_already")


# What comes of it


def located(parse: Parse, answer: Answer) -> tuple[dict[Located, str], int]:
    """Those proposals whose quote the copy says, once, with why; and how many are none."""
    searched, found, dropped = Searched(parse.text), dict[Located, str](), answer.dropped
    for number, it in enumerate(answer.proposed):
        span = _span(parse, searched, it.exact, it.locator) if number < proposing.MOST_PROPOSED else None
        if span is None:
            dropped += 1
            continue
        found.setdefault(Located(span.start, span.end, it.cmoc, it.element, it.stance), it.why)
    return found, dropped


def _span(parse: Parse, searched: Searched, exact: str, locator: str | None) -> Span | None:
    passage = parse.named(locator) if locator is not None else None
    within = Span(passage.start, passage.end) if passage is not None else None
    try:
        spans = find(searched, exact, "", "", within) if is_said(exact) else []
    except Everywhere:
        return None
    return spans[0] if len(spans) == 1 else None


def keep_reading(work: Work, row: ProposedReadingRow, found: dict[Located, str], dropped: int, answer: Answer) -> None:
    """Keeps what a proposer makes of a copy: characters alone, none of its words."""
    ProposingStates.turn(row, ProposingStates.DONE)
    row.proposals, row.dropped, row.trouble = len(found), dropped, None
    row.asked_tokens, row.answered_tokens = answer.asked, answer.answered
    for it, why in found.items():
        name = id_of("proposed", row.id, str(it.begins), str(it.ends), it.cmoc, it.element, it.stance)
        work.add(
            ProposedCodingRow(
                id=name, review=row.review, reading=row.id, text=row.text, begins=it.begins, ends=it.ends, cmoc=it.cmoc,
                element=it.element, stance=it.stance, why=why[:500],
            )
        )  # fmt: skip


def add_to_evaluation(
    row: EvaluationRow, text: str, coded: Sequence[Located], found: Sequence[Located], dropped: int, answer: Answer
) -> None:
    """Counts one copy more."""
    hits, right = proposing.held_against(coded, found)
    row.reports, row.links, row.found = row.reports + 1, row.links + len(coded), row.found + hits
    row.proposed, row.right, row.dropped = row.proposed + len(found), row.right + right, row.dropped + dropped
    row.asked_tokens, row.answered_tokens = row.asked_tokens + answer.asked, row.answered_tokens + answer.answered
    row.behind, row.tries, row.trouble = text, 0, None


def finish_evaluation(work: Work, row: EvaluationRow) -> None:
    """Keeps how an evaluation ended, and tells it."""
    ProposingStates.turn(row, ProposingStates.DONE)
    row.done_at, row.trouble = work.now, None
    work.emit(
        ProposerEvaluated(
            review=row.review, evaluation=row.id, proposer=row.proposer, proposer_version=row.version, model=row.model,
            prompt=row.prompt, protocol_version=row.protocol_version, reports=row.reports, links=row.links,
            found=row.found, proposed=row.proposed, right=row.right, dropped=row.dropped,
            sensitivity=proposing.share(row.found, row.links), precision=proposing.share(row.right, row.proposed),
            enough=proposing.is_enough(row.links),
        )
    )  # fmt: skip


def note_trouble(work: Work, row: EvaluationRow | ProposedReadingRow, trouble: NotProposed) -> None:
    """Keeps why a proposer made nothing, and when it is asked again, if it is."""
    row.tries += 1
    row.trouble = trouble.why[:300]
    if row.tries >= proposing.MOST_TRIES or (trouble.refused and row.tries >= 2):
        ProposingStates.turn(row, ProposingStates.FAILED)
    row.due_at = work.now + timedelta(seconds=proposing.pause_after(row.tries, trouble.retry_after))
