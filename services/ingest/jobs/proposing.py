"""Proposing: copies are read by what proposes codings, one after another, with no transaction open meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest import store
from services.ingest.commands import passages, proposing
from services.ingest.commands.passages import Kept
from services.ingest.domain.passages import Parse
from services.ingest.domain.proposing import MOST_COPIES, MOST_PROPOSED, Located, ProposingStates, distinct
from services.ingest.models import EvaluationRow, ProposedReadingRow
from services.ingest.ports.proposers.port import Answer, NotProposed, Paragraph, Proposer, Statement
from services.ingest.ports.sources.catalog import Sources
from shared.blobs.packing import Blob
from shared.db.work import Work
from shared.errors import Conflict, Lost
from shared.service import Context

ACTOR = "ingest:proposing"


@dataclass(frozen=True, slots=True)
class _Begun:
    """A copy that is being read, for an evaluation or for coders, and what people coded of it."""

    row: str
    text: str
    kept: Kept
    proposer: Proposer
    statements: list[Statement]
    coded: list[Located]


def propose(running: Context) -> None:
    """Reads what coders wait for first, and then goes on with what is evaluated."""
    while not running.stopping.is_set() and running.leading and (_read_next(running) or _evaluate_next(running)):
        pass


def _read_next(running: Context) -> bool:
    """Reads the copy that waits longest; answers whether there was one."""
    with running.work(ACTOR) as work:
        row = store.next_proposed_reading(work, work.now)
        if row is None:
            return False
        begun = _begin_reading(work, running, row)
    if begun is None:
        return True
    try:
        found, dropped, answer = _ask(running, begun)
    except NotProposed as trouble:
        with running.work(ACTOR) as work:
            if (
                row := store.lock_proposed_reading(work, begun.row)
            ) is not None and row.state == ProposingStates.WAITING:
                proposing.note_trouble(work, row, trouble)
        return True
    with running.work(ACTOR) as work:
        if (row := store.lock_proposed_reading(work, begun.row)) is not None and row.state == ProposingStates.WAITING:
            proposing.keep_reading(work, row, found, dropped, answer)
    return True


def _begin_reading(work: Work, running: Context, row: ProposedReadingRow) -> _Begun | None:
    text = store.lock_text(work, row.text)
    parse = store.parses_of_now(work, [row.text]).get(row.text)
    proposer = _proposer(running, row)
    if text is None or text.withdrawn_at is not None or parse is None or parse.id != row.parse or parse.blob is None:
        proposing.note_trouble(work, row, _gone("the copy was withdrawn or parsed anew"))
        return None
    review = store.review_of(work, row.review)
    if (
        proposer is None
        or review.protocol_version != row.protocol_version
        or not proposing.may_read(proposer.identity, text)
    ):
        proposing.note_trouble(work, row, _gone("the proposer or the protocol is another by now"))
        return None
    kept = Kept(parse.id, Blob(parse.blob, parse.size or 0))
    return _Begun(row.id, text.id, kept, proposer, proposing.statements_of(review), [])


def _evaluate_next(running: Context) -> bool:
    """Holds what is proposed of one copy more against what people coded of it; answers whether there was one."""
    with running.work(ACTOR) as work:
        row = store.next_evaluation(work, work.now)
        if row is None:
            return False
        begun = _begin_evaluating(work, running, row)
    if begun is None:
        return True
    try:
        found, dropped, answer = _ask(running, begun)
    except NotProposed as trouble:
        with running.work(ACTOR) as work:
            if (row := store.lock_evaluation(work, begun.row)) is not None and row.state == ProposingStates.WAITING:
                proposing.note_trouble(work, row, trouble)
        return True
    with running.work(ACTOR) as work:
        if (row := store.lock_evaluation(work, begun.row)) is not None and row.state == ProposingStates.WAITING:
            proposing.add_to_evaluation(row, begun.text, begun.coded, distinct(found), dropped, answer)
    return True


def _begin_evaluating(work: Work, running: Context, row: EvaluationRow) -> _Begun | None:
    """The next copy of which people coded something; None where the evaluation ended, or that copy is passed over."""
    proposer = _proposer(running, row)
    if proposer is None:
        proposing.note_trouble(work, row, _gone("the proposer is another by now"))
        return None
    name = store.next_coded_text(work, row.review, row.behind) if row.reports < MOST_COPIES else None
    if name is None:
        proposing.finish_evaluation(work, row)
        return None
    coded = store.coded_of(work, row.review, name, MOST_PROPOSED)
    # Where a copy was given up for another of the same bytes, its quotes went there.
    text = store.lock_text(work, coded[0][1].text) if coded else None
    parse = store.parses_of_now(work, [text.id]).get(text.id) if text is not None else None
    if (
        text is None
        or text.withdrawn_at is not None
        or not proposing.may_read(proposer.identity, text)
        or parse is None
        or not parse.blob
    ):
        row.behind = name
        return None
    try:
        statements = proposing.statements_of(store.review_of(work, row.review))
    except Conflict as unknown:
        proposing.note_trouble(work, row, _gone(unknown.detail))
        return None
    stated = {it.cmoc for it in statements}
    here = [
        Located(anchor.begins, anchor.ends, link.cmoc, link.element, link.stance)
        for link, anchor in coded
        if link.cmoc in stated and link.element and link.stance and anchor.parse == parse.id
    ]
    kept = Kept(parse.id, Blob(parse.blob, parse.size or 0))
    return _Begun(row.id, name, kept, proposer, statements, here)


def _ask(running: Context, begun: _Begun) -> tuple[dict[Located, str], int, Answer]:
    """What is proposed of a copy and stands in it, what was dropped, and all that was answered."""
    try:
        parse: Parse = passages.read(running.blobs, begun.kept)
    except Lost as lost:
        raise NotProposed(f"the copy's passages are lost: {lost}") from lost
    paragraphs = [Paragraph(it.locator, parse.of(it)) for it in parse.passages if it.kind == "paragraph"]
    answer = begun.proposer.propose(paragraphs, begun.statements, running.stopping.is_set)
    found, dropped = proposing.located(parse, answer)
    return found, dropped, answer


def _proposer(running: Context, row: EvaluationRow | ProposedReadingRow) -> Proposer | None:
    """Who was asked, where it is still of that version."""
    found = running.resource(Sources).proposers.get(row.proposer)
    return found if found is not None and found.identity.version == row.version else None


def _gone(why: str) -> NotProposed:
    return NotProposed(why, refused=True)
