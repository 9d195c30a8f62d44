"""Drafts: takes in what arrived, CMOC by CMOC, and tells when the synthesis says something new."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.synthesis import store
from services.synthesis.commands import proposals
from services.synthesis.commands.history import Happening, log_triggers, tell_theories
from services.synthesis.domain.changes import changes_of, changes_of_theories, greatest, moved
from services.synthesis.domain.proposals import (
    Footing,
    Proposed,
    as_said,
    footing_of,
    mergers,
    proposals_of,
    reasoned_by,
)
from services.synthesis.domain.revisions import revision_id
from services.synthesis.domain.states import (
    PARTS,
    RULES,
    Link,
    Stated,
    Wording,
    hash_of,
    standing_by_cmoc,
    statement_of,
)
from services.synthesis.domain.triggers import Fired, fired
from services.synthesis.models import ConfidenceRow, DraftRow, ReviewRow, StatementRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.events.synthesis import RevisionDrafted
from shared.ids import id_of
from shared.wire.synthesis import Confidence, GoneCmoc, RevisionContent, Statement, TheoryText

#: What of a statement is not kept with the rest of it.
_APART = {"links"}

#: A row before anything is said.
_NEW: dict[str, Any] = {
    "position": 0, "theory": "", "status": "no_evidence", "support": 0, "flagged": False, "links_sha256": "",
    "sha256": "", "change_class": "NONE", "added": 0, "withdrawn": 0,
}  # fmt: skip


def resynthesise(work: Work, review_id: str) -> None:
    """Takes in what arrived: computes each CMOC that it concerns from what stands, and keeps the result as the draft.

    Costs what these CMOCs have, whatever others have, in a fixed number of queries. What is published is only read.
    """
    review = store.review_to_change(work, review_id)
    arrivals = store.unheeded(work, review_id)
    draft = store.draft(work, review_id)
    by_other_rules = draft is not None and draft.rules != RULES
    if not arrivals and not by_other_rules:
        return
    drills = sorted(store.drills_in_force(work, review_id))
    drilled = bool(drills) or bool(draft and draft.drills)
    with work.following(revision_id(review_id, review.cycle), None):
        taken = _take_in(work, review, None if by_other_rules else concerned(arrivals), drills=drills)
        tell_theories(work, review, taken.happened, drill=drilled)
        log_triggers(work, review, taken.fired, drill=bool(drills) or bool(draft and draft.published_drills))
        before = _said(draft)
        made = _keep(work, review, draft, drills)
        # Other rules that say the same are no news.
        if made is not None and _said(made) != before:
            states = store.states(work, review_id)
            event = RevisionDrafted(review=review_id, draft=made.draft, change_class=made.change_class, states=states)
            work.emit(event, because=[it.cause for it in arrivals])
    store.heed(work, [it.seq for it in arrivals], work.now)


def concerned(arrivals: Sequence[store.Arrival]) -> set[str] | None:
    """The CMOCs that something arrived for; None for all."""
    found: set[str] = set()
    for it in arrivals:
        if it.cmocs is None:
            return None
        found.update(it.cmocs)
    return found


def publish(work: Work, review: ReviewRow, draft: DraftRow) -> None:
    """What was drafted is what is published, from now on."""
    store.publish_statements(work, review.review)
    draft.published_theories, draft.published_drills = draft.theories, draft.drills
    # What is suggested for what has no evidence hangs on what is published.
    _take_in(work, review, store.without_evidence(work, review.review), drills=draft.drills)
    _keep(work, review, draft, draft.drills)


def go_back(work: Work, review: ReviewRow, content: RevisionContent | None) -> None:
    """What an earlier revision says is what is published, since those after it are withdrawn; None where all are. What
    is drafted is compared with that once the synthesis runs again."""
    said = {it.cmoc: it for it in content.cmocs} if content is not None else {}
    for row in store.statements(work, review.review):
        _published(row, said.pop(row.cmoc, None))
    for left in said.values():
        _published(work.add(StatementRow(review=review.review, cmoc=left.cmoc, **_NEW)), left)
    draft = store.draft(work, review.review)
    if draft is not None:
        draft.published_theories = [it.model_dump() for it in content.theories] if content is not None else []
        draft.published_drills = list(content.drills) if content is not None else []
    work.session.flush()


def _published(row: StatementRow, said: Statement | None) -> None:
    content = said.model_dump(mode="json", exclude=_APART) if said is not None else None
    row.published, row.published_links = content, list(said.links) if said is not None else []


@dataclass(slots=True)
class _Taken:
    """What came of computing these CMOCs anew (`touched`, also those that the protocol has no more): those whose status
    is another now, the rules that fire, what the evidence of each suggests, and what each rests on."""

    touched: set[str] = field(default_factory=set)
    happened: list[Happening] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)
    footings: list[Footing] = field(default_factory=list)
    wordings: Sequence[Wording] = ()


def _others(work: Work, review: ReviewRow, taken: _Taken) -> list[Footing]:
    """What those CMOCs rest on that were not computed, and have the reasoning of one that was: in the same words, or by
    the same fragments."""
    fragments = {fragment for it in taken.footings for fragment in it.reasoned}
    said = {it.reasoning for it in taken.footings}
    left = {it.cmoc: as_said(it.reasoning) for it in taken.wordings if it.cmoc not in taken.touched}
    if not left:
        return []
    links: dict[str, list[Link]] = defaultdict(list)
    reasoning = store.reasoning_links_of(work, fragments)
    for link in reasoning.links:
        links[link.cmoc].append(link)
    alike = [cmoc for cmoc, reasoning in left.items() if cmoc in links or reasoning in said]
    return [
        Footing(
            row.cmoc, left[row.cmoc], frozenset(row.statement.studies), row.shown_by,
            reasoned_by(links[row.cmoc], reasoning.reports),
        )
        for row in store.statements(work, review.review, alike)
        if row.statement is not None
    ]  # fmt: skip


def _take_in(work: Work, review: ReviewRow, cmocs: Collection[str] | None, *, drills: Collection[str]) -> _Taken:
    """Computes these CMOCs anew, or all, and keeps what their evidence suggests."""
    name = review.review
    known = {row.cmoc: row for row in store.statements(work, name, cmocs)}
    wordings = store.wordings(work, name)
    positions = {it.cmoc: at for at, it in enumerate(wordings) if cmocs is None or it.cmoc in cmocs}
    wanted = [it for it in wordings if it.cmoc in positions]
    links, reports = store.links_for_synthesis(work, name, None if cmocs is None else positions)
    standing, flagged = standing_by_cmoc(wanted, links, reports), store.flagged_cmocs(work, name)
    judged = store.newest_confidences(work, name, positions)
    taken = _Taken({*positions, *known}, wordings=wordings)
    for wording in wanted:
        speaking = standing[wording.cmoc]
        now = statement_of(wording, speaking, reports, wording.cmoc in flagged, _confidence(judged.get(wording.cmoc)))
        row = known.pop(wording.cmoc, None)
        before = row.statement if row is not None else None
        published = row.published_statement if row is not None else None
        taken.happened += _status(before, now.statement)
        taken.fired += fired(published, now.statement, new_supports=review.new_supports, doubts_needed=review.doubts)
        taken.proposed += proposals_of(
            wording, speaking, reports, status=now.statement.status, taken_up=wording.taken_up,
            published=published.status if published is not None else None,
        )  # fmt: skip
        footing = footing_of(wording, speaking, reports)
        taken.footings.append(footing)
        row = row or work.add(StatementRow(review=name, cmoc=wording.cmoc, **_NEW))
        row.shown_by = footing.shown_by
        _say(row, positions[wording.cmoc], now, published)
    gone = {it.cmoc: it for it in store.gone(work, name)} if known else {}
    for left in known.values():
        _unsay(work, left, gone.get(left.cmoc))
    work.session.flush()
    proposed = [*taken.proposed, *mergers(taken.footings, _others(work, review, taken))]
    proposals.keep(work, review, proposed, taken.touched, drill=bool(drills))
    return taken


def _say(row: StatementRow, position: int, now: Stated, published: Statement | None) -> None:
    said = now.statement
    content = said.model_dump(mode="json")
    row.position, row.theory, row.status = position, said.theory, said.status
    row.support, row.flagged = said.support, said.flagged
    row.said, row.links = {name: it for name, it in content.items() if name not in _APART}, said.links
    row.links_sha256, row.sha256 = now.links_sha256, _sha256(content)
    _compare(row, published, said)


def _confidence(row: ConfidenceRow | None) -> Confidence | None:
    return None if row is None else Confidence(**row.model_dump(include=set(Confidence.model_fields)))


def _unsay(work: Work, row: StatementRow, gone: GoneCmoc | None) -> None:
    """The protocol has it no more. What a revision states of it stays until one does not."""
    published = row.published_statement
    if published is None:
        store.forget_statement(work, row)
        return
    row.said, row.links, row.links_sha256, row.sha256 = None, [], "", ""
    _compare(row, published, None, gone)


def _compare(
    row: StatementRow, published: Statement | None, said: Statement | None, gone: GoneCmoc | None = None
) -> None:
    """Keeps how what is said differs from what is published."""
    changes, evidence = changes_of(published, said, gone), moved(published, said)
    row.changes = [change.model_dump(mode="json") for change in changes]
    row.change_class = greatest(change.change_class for change in changes)
    row.added, row.withdrawn = evidence.added, evidence.withdrawn


def _keep(work: Work, review: ReviewRow, row: DraftRow | None, drills: list[str]) -> DraftRow | None:
    """Keeps what is said now as the draft of the next revision; None when it is the draft already.

    A draft's id is made of its content, so who saw it can say which one.
    """
    heads, newest = store.statement_heads(work, review.review), store.newest_number(work, review.review)
    said = [it for it in heads if it.sha256]
    # Where the revision before was withdrawn it is compared with an earlier one, and so is another draft.
    cycle = str(review.cycle) if (newest or 0) == review.revisions else f"{review.cycle} after {newest}"
    draft = id_of(
        "draft", review.review, cycle,
        sha256({"theories": review.theories, "drills": drills, "cmocs": [[it.cmoc, it.sha256] for it in said]}),
    )  # fmt: skip
    if row is not None and row.draft == draft and row.rules == RULES:
        return None
    published_theories = [TheoryText(**theory) for theory in row.published_theories] if row is not None else []
    theories = [TheoryText(**theory) for theory in review.theories]
    changes = changes_of_theories(published_theories, theories) if newest else []
    classes = [*(it.change_class for it in heads), *(change.change_class for change in changes)]
    published_drills = row.published_drills if row is not None else []
    now = DraftRow(
        review=review.review,
        draft=draft,
        number=review.cycle,
        change_class=greatest(classes) if newest else "MAJOR",
        theories=review.theories,
        drills=drills,
        fragments_sha256=hash_of({it.cmoc: it.links_sha256 for it in said}),
        published_theories=row.published_theories if row is not None else [],
        published_drills=published_drills,
        changes=[change.model_dump(mode="json") for change in changes],
        added=sum(it.added for it in heads),
        withdrawn=sum(it.withdrawn for it in heads),
        drill=bool(drills) or bool(published_drills),
        rules=RULES,
        made_at=work.now,
    )
    return row.sqlmodel_update(now) if row else work.add(now)


def _said(row: DraftRow | None) -> tuple[str, str] | None:
    """What is told of a draft once it is another."""
    return None if row is None else (row.draft, row.change_class)


def _sha256(content: dict[str, Any]) -> str:
    """The hash of a statement, by which it is told from what it was before here, and nowhere else."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _status(before: Statement | None, now: Statement) -> Iterator[Happening]:
    """That a status is another than when the synthesis last ran, with the links that moved."""
    was = before.status if before is not None else None
    if now.status != (was or "no_evidence"):
        moved_links = sorted(set(now.links) ^ set(before.links if before is not None else ()))
        yield Happening(now.cmoc, now.status, _reason(now), was, now.status, moved_links)


def _reason(statement: Statement) -> str:
    """Why a CMOC has its status, in figures."""
    elements = ", ".join(f"{part} {statement.elements[part]}" for part in PARTS)
    stances = ", ".join(f"{count} {stance}" for stance, count in statement.stances.items()) or "none"
    return f"support {statement.support}; links: {stances}; elements: {elements}"
