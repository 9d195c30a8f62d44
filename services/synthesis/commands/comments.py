"""Comments: members say what they think of a line of the draft, answer each other, and say what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from services.synthesis import store
from services.synthesis.domain.comments import MOST_ANSWERS, MOST_OPEN, CommentStates
from services.synthesis.models import AnswerRow, CommentRow, SigningRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import CommentAnswered, CommentMade, CommentResolved
from shared.ids import new_id
from shared.tokens import Person
from shared.wire.synthesis import NewComment, SignDraft


def make(work: Work, review: str, given: NewComment) -> CommentRow:
    """Keeps what somebody says of a line of the draft.

    Raises NotFound before there is a draft, Invalid for what is no line or one that it has not, and Conflict where
    the line has other words than they saw, or where too many comments are open.
    """
    about, draft = store.review(work, review), store.draft(work, review)
    if (given.cmoc is None) == (given.theory is None):
        raise Invalid.of("cmoc", "name either a CMOC or a programme theory", slug="unfit_line")
    if (given.theory is not None) != (given.part == "statement"):
        why = "a programme theory has a statement, a CMOC its parts and its status"
        raise Invalid.of("part", why, slug="unfit_line")
    if draft is None:
        raise NotFound(f"review {review!r} has no draft yet: the synthesis runs within seconds", slug="no_draft")
    _require_line(given, now=_words(work, review, given))
    if store.count_open_comments(work, review) >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} comments on {about.title!r} are open already: resolve some first", slug="too_many_comments"
        )
    comment, by = new_id("comment"), work.actor
    event_id = work.emit(
        CommentMade(
            review=review, comment=comment, cmoc=given.cmoc, theory=given.theory, part=given.part, draft=draft.draft,
            by=by,
        )
    )  # fmt: skip
    CommentStates.check(None, CommentStates.OPEN)
    return work.add(
        CommentRow(
            id=comment, review=review, cmoc=given.cmoc, theory=given.theory, part=given.part, draft=draft.draft,
            words=given.words, text=given.text, by=by, at=work.now, event_id=event_id,
        )
    )  # fmt: skip


def answer(work: Work, review: str, comment: str, text: str) -> CommentRow:
    """Keeps what somebody answers. Raises NotFound, and Conflict where nothing is left to be said."""
    row = _open(work, review, comment)
    if len(store.answers(work, [comment]).get(comment, [])) >= MOST_ANSWERS:
        raise Conflict(f"comment {comment!r} has {MOST_ANSWERS} answers: resolve it", slug="too_many_answers")
    with work.following(work.correlation, row.event_id):
        work.emit(CommentAnswered(review=review, comment=comment, by=work.actor))
    work.add(AnswerRow(review=review, comment=comment, text=text, by=work.actor, at=work.now))
    work.session.flush()
    return row


def resolve(work: Work, review: str, comment: str, why: str, by: Person) -> CommentRow:
    """Says what became of a comment. Raises NotFound, Conflict where that was said, and Forbidden for anybody but who
    made it or a lead."""
    row = _open(work, review, comment)
    if row.by != by.id and not by.has("lead"):
        raise Forbidden(f"comment {comment!r} was made by {row.by}: only they or a lead may resolve it")
    CommentStates.turn(row, CommentStates.RESOLVED)
    row.resolved_by, row.resolved_at, row.resolved_why = by.id, work.now, why
    with work.following(work.correlation, row.event_id):
        work.emit(
            CommentResolved(
                review=review, comment=comment, cmoc=row.cmoc, theory=row.theory, part=row.part, by=by.id
            )
        )  # fmt: skip
    return row


def sign_despite(work: Work, review: str, number: int, open_comments: Sequence[str], signed: SignDraft) -> None:
    """Keeps why a revision is signed while these comments on its draft are open. Raises Conflict where nobody says, and
    where others are open than the signer saw."""
    if signed.open_comments not in (None, len(open_comments)):
        seen = f"open comments: {len(open_comments)}, and you saw {signed.open_comments}"
        raise Conflict(
            f"other comments on this draft are open by now ({seen}): look at them before you sign",
            slug="comments_open",
            errors=[{"at": "despite", "why": seen}],
        )
    if not open_comments:
        return
    if signed.despite is None:
        raise Conflict(
            f"comments on this draft are open: {len(open_comments)}. Resolve them, or say why you sign despite them",
            slug="comments_open",
            errors=[{"at": "despite", "why": f"open comments: {len(open_comments)}"}],
        )
    count, named = len(open_comments), list(open_comments)
    work.add(SigningRow(review=review, number=number, open_comments=count, comments=named, despite=signed.despite))


def _words(work: Work, review: str, given: NewComment) -> str | None:
    said = store.lines(work, store.review(work, review), [given.cmoc] if given.cmoc is not None else [])
    return said.get((given.cmoc or given.theory or "", given.part))


def _require_line(given: NewComment, *, now: str | None) -> None:
    if now is None:
        named = "cmoc" if given.cmoc is not None else "theory"
        raise Invalid.of(named, f"the draft has no {given.part} of {getattr(given, named)!r}", slug="unknown_line")
    if now != given.words:
        raise Conflict(
            f"the {given.part} reads otherwise by now: {now[:200]!r}. Look again before you comment on it",
            slug="line_changed",
        )


def _open(work: Work, review: str, comment: str) -> CommentRow:
    row = store.comment(work, review, comment, to_change=True)
    if row.state != CommentStates.OPEN:
        raise Conflict(
            f"comment {comment!r} was resolved by {row.resolved_by}: {row.resolved_why}", slug="comment_resolved"
        )
    return row
