"""Drafts: runs the synthesis again when something arrived, and tells when it says something new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.synthesis import store
from services.synthesis.commands.history import Happening, log_triggers, tell_theories
from services.synthesis.domain.changes import change_class, concerns_a_drill, differences, evidence_moved
from services.synthesis.domain.revisions import content_of, revision_id
from services.synthesis.domain.states import PARTS, synthesise
from services.synthesis.domain.triggers import fired
from services.synthesis.models import DraftRow, ReviewRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.events.synthesis import RevisionDrafted
from shared.ids import id_of
from shared.wire.synthesis import Body, Statement, TheoryText


def resynthesise(work: Work, review_id: str) -> None:
    """Takes in what arrived: recomputes every CMOC and keeps the result as the draft.

    Needs a fixed number of queries, whatever the review holds. What is published is only read here.
    """
    review = store.review_to_change(work, review_id)
    arrivals = store.unheeded(work, review_id)
    if not arrivals:
        return
    published, before, body = published_body(work, review), _drafted(work, review_id), _body(work, review)
    with work.following(revision_id(review_id, review.cycle), None):
        tell_theories(work, review, _statuses(before, body), drill=concerns_a_drill(before, body))
        log_triggers(work, review, fired(published, body), drill=concerns_a_drill(published, body))
        draft = keep_draft(work, review, published, body)
        if draft is not None:
            event = RevisionDrafted(
                review=review_id, draft=draft.draft, change_class=draft.change_class, states=body.states
            )
            work.emit(event, because=[cause for _, cause in arrivals])
    store.heed(work, [seq for seq, _ in arrivals], work.now)


def published_body(work: Work, review: ReviewRow) -> Body | None:
    """What the newest revision says, or None before the first."""
    newest = store.newest_revision(work, review)
    return content_of(newest.content).body if newest else None


def keep_draft(work: Work, review: ReviewRow, published: Body | None, body: Body) -> DraftRow | None:
    """Keeps the body as the draft of the next revision; None when it is the draft already.

    A draft's id is made of its content, so who saw it can say which one.
    """
    draft = id_of("draft", review.review, str(review.cycle), sha256(body.model_dump(mode="json")))
    row = store.draft(work, review.review)
    if row is not None and row.draft == draft:
        return None
    changes, moved = differences(published, body), evidence_moved(published, body)
    now = DraftRow(
        review=review.review,
        draft=draft,
        number=review.cycle,
        change_class=change_class(published, changes),
        body=body.model_dump(mode="json"),
        changes=[change.model_dump(mode="json") for change in changes],
        added=moved.added,
        withdrawn=moved.withdrawn,
        drill=concerns_a_drill(published, body),
        made_at=work.now,
    )
    return row.sqlmodel_update(now) if row else work.add(now)


def _body(work: Work, review: ReviewRow) -> Body:
    return synthesise(
        [TheoryText(**theory) for theory in review.theories],
        store.wordings(work, review.review),
        store.links_for_synthesis(work, review.review),
        store.reports_for_synthesis(work, review.review),
        flagged=store.flagged_cmocs(work, review.review),
        drills=store.drills_in_force(work, review.review),
    )


def _drafted(work: Work, review: str) -> Body | None:
    """What the synthesis said when it last ran."""
    draft = store.draft(work, review)
    return Body.model_validate(draft.body) if draft else None


def _statuses(before: Body | None, body: Body) -> Iterator[Happening]:
    """The CMOCs whose status is another than when the synthesis last ran, and the links that moved."""
    known: Mapping[str, Statement] = {one.cmoc: one for one in before.cmocs} if before else {}
    for now in body.cmocs:
        was = known.get(now.cmoc)
        if now.status != (was.status if was else "no_evidence"):
            moved = sorted(set(now.links) ^ set(was.links if was else ()))
            yield Happening(now.cmoc, now.status, _reason(now), was.status if was else None, now.status, moved)


def _reason(statement: Statement) -> str:
    """Why a CMOC has its status, in figures."""
    elements = ", ".join(f"{part} {statement.elements[part]}" for part in PARTS)
    stances = ", ".join(f"{count} {stance}" for stance, count in statement.stances.items()) or "none"
    return f"support {statement.support}; links: {stances}; elements: {elements}"
