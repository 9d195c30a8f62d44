"""Withdrawals: a lead says that nobody should go by a signed revision any more; what was signed stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime

from services.synthesis import store
from services.synthesis.commands import drafts
from services.synthesis.commands.history import mark_due
from services.synthesis.domain.cadence import next_due
from services.synthesis.domain.revisions import content_of, revision_id
from services.synthesis.models import ReviewRow, RevisionRow, WithdrawnRevisionRow
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.synthesis import RevisionWithdrawn
from shared.wire.synthesis import NewRevisionWithdrawal


def withdraw(work: Work, review_id: str, number: int, wish: NewRevisionWithdrawal) -> RevisionRow:
    """Withdraws a revision, for good. The same again changes nothing. Where it was the newest, the one before it that
    is not withdrawn is in force again, and what is drafted is compared with that.

    Raises NotFound, Invalid for what cannot be read instead, and Conflict for one that was withdrawn otherwise.
    """
    review = store.review_to_change(work, review_id, alone=True)
    revision = store.revision(work, review_id, number)
    known = store.withdrawn_revision(work, review_id, number)
    if known is not None:
        if (known.why, known.replaced_by) != (wish.why, wish.replaced_by):
            raise Conflict(f"revision {number} of {review_id!r} is withdrawn already", slug="revision_withdrawn")
        return revision
    _require_readable(work, review, number, wish.replaced_by)
    newest = store.newest_number(work, review_id)
    row = work.add(
        WithdrawnRevisionRow(
            review=review_id, number=number, why=wish.why, by=work.actor, at=work.now, replaced_by=wish.replaced_by,
            event_id="",
        )
    )  # fmt: skip
    work.session.flush()
    in_force = store.newest_number(work, review_id)
    row.event_id = work.emit(
        RevisionWithdrawn(
            review=review_id, revision=revision_id(review_id, number), number=number, why=wish.why, by=work.actor,
            replaced_by=wish.replaced_by, in_force=in_force,
        )
    )  # fmt: skip
    if in_force != newest:
        _go_back(work, review, in_force)
        mark_due(work, review_id, row.event_id, None)
    work.note("revision withdrawn", review=review_id, number=number, by=work.actor)
    return revision


def _go_back(work: Work, review: ReviewRow, in_force: int | None) -> None:
    """Has the review be as it was when this revision was its newest, but that evidence came since."""
    if in_force is None:
        drafts.go_back(work, review, None)
        review.last_published = None
    else:
        content = content_of(store.revision(work, review.review, in_force).content)
        drafts.go_back(work, review, content)
        signed_at: datetime = content.signed_at
        review.last_published = signed_at.astimezone(UTC).date()
    review.next_due = next_due(review.started_on, review.last_published, review.publish_every_days)


def _require_readable(work: Work, review: ReviewRow, number: int, instead: int | None) -> None:
    """Raises Invalid for a revision that nobody can read instead of another."""
    if instead is None:
        return
    if instead == number:
        raise Invalid.of("replaced_by", "a revision is not read instead of itself")
    if not 1 <= instead <= review.revisions:
        raise Invalid.of("replaced_by", f"there is no revision {instead}")
    if store.withdrawn_revision(work, review.review, instead) is not None:
        raise Invalid.of("replaced_by", f"revision {instead} is withdrawn too")
