"""Queries about what proposes codings: what people coded, how it was evaluated, and what it proposes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, literal_column, select
from sqlmodel import col

from services.ingest.domain.proposing import ProposingStates
from services.ingest.domain.texts import AnchorStates
from services.ingest.models import (
    AnchorRow,
    CodedLinkRow,
    EvaluationRow,
    ProposalDecisionRow,
    ProposedCodingRow,
    ProposedReadingRow,
    ProposerRow,
)
from services.ingest.store.common import batches, inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: In letters, since an index of some rows is not used for what is bound later.
_WAITING: ColumnElement[str] = literal_column(f"'{ProposingStates.WAITING}'")

#: Of a link: that it was not withdrawn since it was linked.
_STANDS = col(CodedLinkRow.linked_at).is_not(None) & (
    col(CodedLinkRow.withdrawn_at).is_(None) | (col(CodedLinkRow.withdrawn_at) < col(CodedLinkRow.linked_at))
)


def note_coded(work: Work, rows: Collection[dict[str, object]]) -> None:
    """Keeps links as they were told; one that was told before is as it was told now."""
    for row in rows:
        added = inserting(work, CodedLinkRow).values(row)
        kept = {name: value for name, value in row.items() if name != "link"}
        work.session.execute(added.on_conflict_do_update(index_elements=["link"], set_=kept))


def note_coded_no_more(work: Work, review: str, links: Collection[str], at: datetime) -> None:
    """Keeps since when links count no more, also of those of which nothing was heard yet."""
    note_coded(work, [{"link": link, "review": review, "withdrawn_at": at} for link in links])


def next_coded_text(work: Work, review: str, behind: str) -> str | None:
    """The copy that follows another in the order of their ids of those of which somebody coded something."""
    query = select(col(CodedLinkRow.text)).where(col(CodedLinkRow.review) == review, col(CodedLinkRow.text) > behind)
    query = query.where(_STANDS).order_by(col(CodedLinkRow.text)).limit(1)
    return work.session.execute(query).scalar()


def coded_of(work: Work, review: str, text: str, limit: int) -> list[tuple[CodedLinkRow, AnchorRow]]:
    """What stands of what people coded of a copy by quotes that it says today, with these."""
    query = (
        select(CodedLinkRow, AnchorRow)
        .join(AnchorRow, col(AnchorRow.id) == col(CodedLinkRow.anchor))
        .where(col(CodedLinkRow.review) == review, col(CodedLinkRow.text) == text, _STANDS)
        .where(col(AnchorRow.state) == AnchorStates.ANCHORED)
        .order_by(col(CodedLinkRow.link))
        .limit(limit)
    )
    return [(link, anchor) for link, anchor in work.session.execute(query)]


def proposer(work: Work, review: str, name: str, *, lock: bool = False) -> ProposerRow | None:
    return work.session.get(ProposerRow, (review, name), with_for_update=lock or None)


def newest_evaluation(work: Work, review: str, name: str, version: str) -> EvaluationRow | None:
    """The evaluation of a version of a proposer that was asked for last."""
    mine = select(EvaluationRow).where(col(EvaluationRow.review) == review, col(EvaluationRow.proposer) == name)
    mine = mine.where(col(EvaluationRow.version) == version).order_by(col(EvaluationRow.id).desc()).limit(1)
    return work.session.execute(mine).scalar()


def page_of_evaluations(work: Work, review: str, name: str, page: PageAsked) -> Found[EvaluationRow]:
    """How a proposer was evaluated in a review, the oldest first."""
    mine = select(EvaluationRow).where(col(EvaluationRow.review) == review, col(EvaluationRow.proposer) == name)
    return read_page(work, mine, page, col(EvaluationRow.id))


def next_evaluation(work: Work, now: datetime) -> EvaluationRow | None:
    """The evaluation that is to go on now and waits longest, locked."""
    due = select(EvaluationRow).where(col(EvaluationRow.state) == _WAITING, col(EvaluationRow.due_at) <= now)
    due = due.order_by(col(EvaluationRow.due_at), col(EvaluationRow.id)).limit(1).with_for_update()
    return work.session.execute(due).scalar()


def lock_evaluation(work: Work, evaluation: str) -> EvaluationRow | None:
    return work.session.get(EvaluationRow, evaluation, with_for_update=True, populate_existing=True)


def next_proposed_reading(work: Work, now: datetime) -> ProposedReadingRow | None:
    """The copy that is to be read now and waits longest, locked."""
    due = select(ProposedReadingRow).where(
        col(ProposedReadingRow.state) == _WAITING, col(ProposedReadingRow.due_at) <= now
    )
    due = due.order_by(col(ProposedReadingRow.due_at), col(ProposedReadingRow.id)).limit(1).with_for_update()
    return work.session.execute(due).scalar()


def lock_proposed_reading(work: Work, reading: str) -> ProposedReadingRow | None:
    return work.session.get(ProposedReadingRow, reading, with_for_update=True, populate_existing=True)


def proposed_readings(work: Work, readings: Collection[str]) -> list[ProposedReadingRow]:
    """Those of these that were asked for."""
    return [
        row
        for batch in batches(sorted(readings))
        for row in work.session.execute(
            select(ProposedReadingRow).where(col(ProposedReadingRow.id).in_(batch)).order_by(col(ProposedReadingRow.id))
        ).scalars()
    ]


def proposed_coding(work: Work, review: str, text: str, proposal: str) -> ProposedCodingRow:
    """Raises NotFound."""
    row = work.session.get(ProposedCodingRow, proposal)
    if row is None or (row.review, row.text) != (review, text):
        raise NotFound(f"copy {text!r} has no proposal {proposal!r}", slug="unknown_proposal")
    return row


def page_of_proposed(work: Work, readings: Collection[str], person: str, page: PageAsked) -> Found[ProposedCodingRow]:
    """What these readings propose, in the order of the text, without what somebody refused."""
    refused = select(col(ProposalDecisionRow.proposal)).where(
        col(ProposalDecisionRow.proposal) == col(ProposedCodingRow.id), col(ProposalDecisionRow.person) == person,
        col(ProposalDecisionRow.decision) == "refused",
    )  # fmt: skip
    mine = select(ProposedCodingRow).where(col(ProposedCodingRow.reading).in_(sorted(readings)), ~refused.exists())
    return read_page(work, mine, page, col(ProposedCodingRow.begins), col(ProposedCodingRow.id))


def accepted_proposals(work: Work, proposals: Collection[str], person: str) -> set[str]:
    """Those of these that somebody took up."""
    query = select(col(ProposalDecisionRow.proposal)).where(
        col(ProposalDecisionRow.proposal).in_(sorted(proposals)), col(ProposalDecisionRow.person) == person,
        col(ProposalDecisionRow.decision) == "accepted",
    )  # fmt: skip
    return set(work.session.execute(query).scalars())


def proposal_decision(work: Work, proposal: str, person: str) -> ProposalDecisionRow | None:
    return work.session.get(ProposalDecisionRow, (proposal, person), with_for_update=True)
