"""Queries about copies that are parsed, and about the quotes that stand in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import pairwise

from sqlalchemy import delete, func, or_, select, update
from sqlmodel import col

from services.ingest.domain.passages import PARSERS
from services.ingest.models import AnchorRow, ParseRow, ParsingRow, TextRow
from services.ingest.store.common import batches, inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked
from shared.wire.ingest import AnchorState


def have_parsed(work: Work, text: str) -> None:
    """Has a copy be parsed, as soon as its turn comes; as if it had never been tried."""
    work.session.flush()
    row = {"text": text, "due_at": work.now, "tries": 0, "deaths": 0}
    waiting = inserting(work, ParsingRow).values(row)
    work.session.execute(waiting.on_conflict_do_update(index_elements=["text"], set_=row))


def next_parsing(work: Work) -> ParsingRow | None:
    """The copy that is to be parsed now and waits longest, locked."""
    due = select(ParsingRow).where(col(ParsingRow.due_at) <= work.now)
    due = due.order_by(col(ParsingRow.due_at), col(ParsingRow.text)).limit(1).with_for_update()
    return work.session.execute(due).scalar()


def count_parsings(work: Work) -> int:
    """How many copies are to be parsed."""
    count: int = work.session.execute(select(func.count()).select_from(ParsingRow)).scalar_one()
    return count


def lock_parsing(work: Work, text: str) -> ParsingRow | None:
    """That a copy is to be parsed, locked until the end of the transaction; None where it is not, or not any more."""
    work.session.flush()
    return work.session.get(ParsingRow, text, with_for_update=True, populate_existing=True)


def parse_no_more(work: Work, text: str) -> None:
    """Has a copy be parsed no more."""
    work.session.flush()
    work.session.execute(delete(ParsingRow).where(col(ParsingRow.text) == text))


def have_parsed_anew(work: Work, limit: int) -> int:
    """Has copies be parsed that a parser of before read last; answers how many."""
    known = sorted(PARSERS.values())
    tried = col(ParseRow.tried_by)
    # As ranges between those of today, which an index walks.
    between = [(tried > low) & (tried < high) for low, high in pairwise(known)]
    others = or_(tried < known[0], tried > known[-1], *between)
    waiting = select(col(ParsingRow.text)).where(col(ParsingRow.text) == col(ParseRow.text)).exists()
    found = select(col(ParseRow.text)).where(col(ParseRow.superseded_at).is_(None), others, ~waiting)
    texts = list(work.session.execute(found.limit(limit)).scalars())
    for text in texts:
        have_parsed(work, text)
    return len(texts)


def lock_text(work: Work, text: str) -> TextRow | None:
    """A copy, locked until the end of the transaction."""
    work.session.flush()
    return work.session.get(TextRow, text, with_for_update=True, populate_existing=True)


def parses_of_now(work: Work, texts: Iterable[str]) -> dict[str, ParseRow]:
    """What came of parsing these copies last, of those that are parsed."""
    return {
        row.text: row
        for batch in batches(texts)
        for row in work.session.execute(
            select(ParseRow).where(col(ParseRow.text).in_(batch), col(ParseRow.superseded_at).is_(None))
        ).scalars()
    }


def parses_of(work: Work, text: str) -> list[ParseRow]:
    """All that came of parsing a copy, the oldest first."""
    mine = select(ParseRow).where(col(ParseRow.text) == text).order_by(col(ParseRow.id))
    return list(work.session.execute(mine).scalars())


def forget_parse(work: Work, row: ParseRow) -> None:
    """Takes away what came of parsing a copy; its blob is let go of by whoever asks for this."""
    work.session.execute(delete(ParseRow).where(col(ParseRow.id) == row.id))


def superseded_parses(work: Work, before: datetime, limit: int) -> list[ParseRow]:
    """What earlier parsers made of copies, where no quote stands in it; the oldest first."""
    quoted = select(col(AnchorRow.id)).where(col(AnchorRow.parse) == col(ParseRow.id)).exists()
    old = select(ParseRow).where(col(ParseRow.superseded_at) < before, ~quoted)
    old = old.order_by(col(ParseRow.superseded_at), col(ParseRow.id)).limit(limit)
    return list(work.session.execute(old).scalars())


def move_passages(work: Work, text: str, into: str) -> None:
    """Has all that came of parsing a copy, and the quotes that stand in it, be those of another copy of its bytes."""
    work.session.flush()
    for row, its in ((ParseRow, col(ParseRow.text)), (AnchorRow, col(AnchorRow.text))):
        moved = update(row).where(its == text).values(text=into)
        work.session.execute(moved.execution_options(synchronize_session=False))
    work.session.expire_all()


def anchor_at(work: Work, text: str, begins: int, ends: int, made_by: str, state: AnchorState) -> AnchorRow | None:
    """Somebody's quote that stands at these characters of a copy, if they made one."""
    mine = select(AnchorRow).where(
        col(AnchorRow.text) == text, col(AnchorRow.begins) == begins, col(AnchorRow.ends) == ends,
        col(AnchorRow.made_by) == made_by, col(AnchorRow.state) == state,
    )  # fmt: skip
    return work.session.execute(mine.order_by(col(AnchorRow.id)).limit(1)).scalar()


def anchor_of(work: Work, review: str, anchor: str) -> AnchorRow:
    """A quote of one of a review's copies. Raises NotFound."""
    row = work.session.get(AnchorRow, anchor)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no quote {anchor!r}")
    return row


def anchors_of(work: Work, text: str) -> list[AnchorRow]:
    """All quotes of a copy, the oldest first."""
    mine = select(AnchorRow).where(col(AnchorRow.text) == text).order_by(col(AnchorRow.id))
    return list(work.session.execute(mine).scalars())


def page_of_anchors(
    work: Work, review: str, page: PageAsked, *, text: str | None, state: AnchorState | None, made_by: str | None
) -> Found[AnchorRow]:
    """Quotes of a review, or of one of its copies, the oldest first; those in a state, or that somebody made, if
    given."""
    mine = select(AnchorRow).where(col(AnchorRow.review) == review if text is None else col(AnchorRow.text) == text)
    if state is not None:
        mine = mine.where(col(AnchorRow.state) == state)
    if made_by is not None:
        mine = mine.where(col(AnchorRow.made_by) == made_by)
    return read_page(work, mine, page, col(AnchorRow.id))


def texts_by_id(work: Work, texts: Collection[str]) -> dict[str, TextRow]:
    """These copies by their ids."""
    return {
        row.id: row
        for batch in batches(sorted(texts))
        for row in work.session.execute(select(TextRow).where(col(TextRow.id).in_(batch))).scalars()
    }
