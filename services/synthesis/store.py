"""Every query of synthesis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from services.synthesis.domain.cadence import LIVING, Manual, Watch
from services.synthesis.domain.comments import CommentStates, Line
from services.synthesis.domain.deposits import OPEN
from services.synthesis.domain.extraction import Coded, ExtractionStates, HeldStates
from services.synthesis.domain.matrix import MatrixLink
from services.synthesis.domain.notices import SUSPENDING, RejudgementStates
from services.synthesis.domain.proposals import ProposalStates
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.states import PARTS, RULES, Link, Report, Wording
from services.synthesis.models import (
    AnswerRow,
    AppraisalRow,
    ArrivalRow,
    CharacteristicAnswerRow,
    CharacteristicRow,
    CmocRow,
    CodingPairRow,
    CodingRow,
    CommentRow,
    ConfidenceRow,
    CourseRow,
    DepositRow,
    DraftRow,
    ExtractionRow,
    FragmentRow,
    LinkJudgementRow,
    LinkRow,
    LostAnchorRow,
    ManualRow,
    MatrixRow,
    NoticeRow,
    ProposalRow,
    ReconciliationRow,
    RejudgementRow,
    ReportRow,
    ReportTextRow,
    ReviewRow,
    RevisionRow,
    RewordingRow,
    SearchRow,
    SigningRow,
    StatementRow,
    TheoryEventRow,
    TriggerRow,
    UndescribedRow,
    WatchRow,
    WithdrawnRevisionRow,
)
from shared.db.many import is_sqlite
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound, UnknownReview
from shared.events.synthesis import Change, ChangeClass, CmocState, Element, Stance, Status
from shared.paging import Found, PageAsked
from shared.wire.synthesis import Counts, DepositState, GoneCmoc, Statement

#: How many values one IN list holds; SQLite takes 32,766 parameters.
_IN = 5000

Row = TypeVar("Row")

#: Tell the locks of what arrives for a review, of which reports are of one study, and of what a person is given to
#: code, from others that a name is made into.
_ARRIVALS, _STUDIES, _CLAIMS = 20181231, 20190101, 20190102

#: For what changes rows that nobody in the same work has read: those that it has are not looked through.
_UNWATCHED = {"synchronize_session": False}

#: In letters, since an index of some rows is not used for what is bound later.
_INCLUDED = col(ReportRow.state) == literal_column(f"'{ReportStates.INCLUDED}'")

#: Of a link: that it counts, where its report stands.
_COUNTS = col(LinkRow.withdrawn_at).is_(None) & col(LinkRow.held).is_(None)


def _has_no_link(of_these: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of a report: that it has no link of which that holds."""
    return ~(
        select(col(LinkRow.id))
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .where(
            col(FragmentRow.review) == col(ReportRow.review), col(FragmentRow.record) == col(ReportRow.record), of_these
        )
        .exists()
    )


#: Of a report: that nothing is coded of it that more than its coder knows of; and that nothing counts, so that coders
#: may be asked for it: what is held back of a record that it was one with counts here for nobody to decide.
_UNCODED = _has_no_link(col(LinkRow.withdrawn_at).is_(None) & col(LinkRow.held).is_distinct_from(HeldStates.CODING))
_UNCOUNTED = _has_no_link(_COUNTS)

#: In letters for the same reason.
_OPEN_COMMENT = col(CommentRow.state) == literal_column(f"'{CommentStates.OPEN}'")

#: Of a link: that somebody should judge whether it holds for the words of today.
_ASKED = col(LinkRow.asked_version).is_not(None) & col(LinkRow.held).is_(None) & col(LinkRow.withdrawn_at).is_(None)

#: As `ReportRow.stands` says it.
_STANDS = (
    (col(ReportRow.state) == ReportStates.INCLUDED)
    & col(ReportRow.suspended_by).is_(None)
    & col(ReportRow.drilled_by).is_(None)
)


# Reviews


def review(work: Work, review: str) -> ReviewRow:
    """Raises NotFound."""
    return _found(work.session.get(ReviewRow, review), review)


def review_to_change(work: Work, review: str, *, alone: bool = False) -> ReviewRow:
    """The review, locked until this work ends; with nothing that arrives for it meanwhile (`alone`). Raises
    NotFound."""
    return _found(review_if_known(work, review, alone=alone), review)


def review_if_known(work: Work, review: str, *, alone: bool = False) -> ReviewRow | None:
    """The same, or None before its protocol has come."""
    # Before the row, as everywhere: one who has the row and waits for this would wait for one who waits for the row.
    hold_arrivals(work, review, alone=alone)
    return work.session.get(ReviewRow, review, with_for_update=True)


def known_review(work: Work, review: str) -> ReviewRow | None:
    """The review as it is read, or None before its protocol has come."""
    return work.session.get(ReviewRow, review)


def reviews_due_by(work: Work, today: date) -> list[str]:
    due = select(col(ReviewRow.review)).where(col(ReviewRow.next_due) <= today, col(ReviewRow.course) == LIVING)
    return list(work.session.scalars(due))


def _found(row: ReviewRow | None, review: str) -> ReviewRow:
    if row is None:
        raise UnknownReview(review)
    return row


def course_steps(work: Work, review: str, page: PageAsked) -> Found[CourseRow]:
    """What became of a review, the newest first."""
    query = select(CourseRow).where(col(CourseRow.review) == review)
    return read_page(work, query, page, col(CourseRow.seq), descending=True)


# CMOCs


def cmocs(work: Work, review: str) -> dict[str, CmocRow]:
    """Every CMOC the review ever had, by id, in the protocol's order."""
    query = select(CmocRow).where(col(CmocRow.review) == review).order_by(col(CmocRow.position), col(CmocRow.cmoc))
    return {row.cmoc: row for row in work.session.scalars(query)}


def cmoc(work: Work, review: str, cmoc: str) -> CmocRow:
    """Raises NotFound for one that the review never had."""
    row = work.session.get(CmocRow, (review, cmoc))
    if row is None:
        raise NotFound(f"review {review!r} has no CMOC {cmoc!r}", slug="unknown_cmoc")
    return row


def known_cmocs(work: Work, review: str, cmocs: Collection[str]) -> dict[str, bool]:
    """Those of these CMOCs that the review ever had, and whether each is set aside."""
    query = select(col(CmocRow.cmoc), col(CmocRow.set_aside_at).is_not(None))
    query = query.where(col(CmocRow.review) == review, col(CmocRow.cmoc).in_(cmocs))
    return {cmoc: bool(set_aside) for cmoc, set_aside in work.session.execute(query)}


def wordings(work: Work, review: str) -> list[Wording]:
    """The CMOCs that the protocol has now, in its order."""
    query = (
        select(
            col(CmocRow.cmoc), col(CmocRow.theory), col(CmocRow.context), col(CmocRow.resource),
            col(CmocRow.reasoning), col(CmocRow.outcome), col(CmocRow.taken_up),
        )
        .where(col(CmocRow.review) == review, col(CmocRow.set_aside_at).is_(None))
        .order_by(col(CmocRow.position), col(CmocRow.cmoc))
    )  # fmt: skip
    return [Wording(*row) for row in work.session.execute(query)]


def gone(work: Work, review: str) -> list[GoneCmoc]:
    """The CMOCs that are stated no more, and how each went, in the order of their ids."""
    query = select(CmocRow).where(col(CmocRow.review) == review, col(CmocRow.set_aside_at).is_not(None))
    return [
        GoneCmoc(cmoc=row.cmoc, how=row.gone_how or "set_aside", into=row.gone_into, why=row.gone_why or "")
        for row in work.session.scalars(query.order_by(col(CmocRow.cmoc)))
    ]


def confidences(
    work: Work, review: str, cmoc: str, page: PageAsked, *, newest_first: bool = False
) -> Found[ConfidenceRow]:
    """How confident people were in a CMOC, oldest first or newest."""
    query = select(ConfidenceRow).where(col(ConfidenceRow.review) == review, col(ConfidenceRow.cmoc) == cmoc)
    return read_page(work, query, page, col(ConfidenceRow.seq), descending=newest_first)


def newest_confidences(work: Work, review: str, cmocs: Collection[str]) -> dict[str, ConfidenceRow]:
    """What holds of these CMOCs, of those of which somebody judged."""
    newest = select(func.max(col(ConfidenceRow.seq))).where(col(ConfidenceRow.review) == review)
    found = (
        row
        for part in _chunks(newest.group_by(col(ConfidenceRow.cmoc)), col(ConfidenceRow.cmoc), cmocs)
        for row in work.session.scalars(select(ConfidenceRow).where(col(ConfidenceRow.seq).in_(part)))
    )
    return {row.cmoc: row for row in found}


def report_texts(work: Work, review: str) -> list[ReportTextRow]:
    """What was written last for each item of reports, in the order of their names."""
    newest = select(func.max(col(ReportTextRow.seq))).where(col(ReportTextRow.review) == review)
    found = select(ReportTextRow).where(col(ReportTextRow.seq).in_(newest.group_by(col(ReportTextRow.item))))
    return list(work.session.scalars(found.order_by(col(ReportTextRow.item))))


def newest_report_text(work: Work, review: str, item: str) -> ReportTextRow | None:
    """What was written last for one item."""
    query = select(ReportTextRow).where(col(ReportTextRow.review) == review, col(ReportTextRow.item) == item)
    return work.session.scalars(query.order_by(col(ReportTextRow.seq).desc()).limit(1)).first()


def report_texts_of_item(
    work: Work, review: str, item: str, page: PageAsked, *, newest_first: bool = False
) -> Found[ReportTextRow]:
    """All that was written for an item of reports, oldest first or newest."""
    query = select(ReportTextRow).where(col(ReportTextRow.review) == review, col(ReportTextRow.item) == item)
    return read_page(work, query, page, col(ReportTextRow.seq), descending=newest_first)


def theory_events(work: Work, review: str, cmoc: str, page: PageAsked) -> Found[TheoryEventRow]:
    """What happened to a CMOC, oldest first."""
    query = select(TheoryEventRow).where(col(TheoryEventRow.review) == review, col(TheoryEventRow.cmoc) == cmoc)
    return read_page(work, query, page, col(TheoryEventRow.seq))


def add_theory_events(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    """Appends to the history of CMOCs, in one statement."""
    if rows:
        work.session.execute(insert(TheoryEventRow), rows)


# Reports and notices


def report(work: Work, review: str, record: str) -> ReportRow | None:
    """The report of a record as it was decided about, locked until this work ends; it may be merged away."""
    return work.session.get(ReportRow, (review, record), with_for_update=True)


def surviving(work: Work, review: str, record: str) -> tuple[str, ReportRow | None]:
    """The record that lives on where this one was merged away, and its report; that one alone is locked, until this
    work ends, since who holds several meets others who hold some of them."""
    tried: set[str] = set()
    while True:
        record = name_of_surviving(work, review, record)
        row = report(work, review, record)
        # One that was merged away before it was locked is gone on from, unless they go in a circle.
        if row is None or row.merged_into is None or record in tried:
            return record, row
        tried.add(record)


def surviving_to_read(work: Work, review: str, record: str) -> tuple[str, ReportRow | None]:
    """The same, locking none."""
    name = name_of_surviving(work, review, record)
    return name, work.session.get(ReportRow, (review, name))


def name_of_surviving(work: Work, review: str, record: str) -> str:
    """The record that lives on where this one was merged away; itself, where it was not, or in a circle."""
    seen = {record}
    while True:
        query = select(col(ReportRow.merged_into)).where(col(ReportRow.review) == review)
        into = work.session.scalar(query.where(col(ReportRow.record) == record))
        if into is None or into in seen:
            return record
        seen.add(record := into)


def reports(work: Work, review: str, page: PageAsked, *, state: str | None, to_code: bool) -> Found[ReportRow]:
    """Every report of a review, by record; those in one state, and from which no evidence is coded, where asked."""
    query = select(ReportRow).where(col(ReportRow.review) == review)
    if state is not None:
        # Spelled out, for the index of those that are included.
        query = query.where(_INCLUDED if state == ReportStates.INCLUDED else col(ReportRow.state) == state)
    if to_code:
        query = query.where(_INCLUDED, _UNCODED)
    return read_page(work, query, page, col(ReportRow.record))


def count_to_code(work: Work, review: str) -> int:
    """From how many included reports no evidence is coded yet."""
    query = select(func.count()).select_from(ReportRow).where(col(ReportRow.review) == review)
    return work.session.scalars(query.where(_INCLUDED, _UNCODED)).one()


def is_coded(work: Work, review: str, record: str) -> bool:
    """Whether evidence from a report counts, where it stands."""
    uncounted = select(col(ReportRow.record)).where(
        col(ReportRow.review) == review, col(ReportRow.record) == record, _UNCOUNTED
    )
    work.session.flush()
    return work.session.scalar(uncounted) is None


def reports_of_studies(work: Work, review: str, studies: Collection[str]) -> list[tuple[str, str, str | None]]:
    """Study, record and title of each included report of these studies."""
    query = select(col(ReportRow.study), col(ReportRow.record), col(ReportRow.title)).where(
        col(ReportRow.review) == review, col(ReportRow.state) == ReportStates.INCLUDED
    )
    found = (tuple(row) for part in _chunks(query, col(ReportRow.study), studies) for row in work.session.execute(part))
    return sorted(found, key=lambda row: row[1])


def notice(work: Work, review: str, notice: str) -> NoticeRow | None:
    query = select(NoticeRow).where(col(NoticeRow.review) == review, col(NoticeRow.notice) == notice)
    return work.session.scalars(query).one_or_none()


def notices(work: Work, review: str, records: Collection[str]) -> list[NoticeRow]:
    """The notices about these records, in the order they were heard."""
    query = select(NoticeRow).where(col(NoticeRow.review) == review, col(NoticeRow.record).in_(records))
    return list(work.session.scalars(query.order_by(col(NoticeRow.seq))))


def noticed(work: Work, review: str, notices: Collection[str]) -> list[tuple[NoticeRow, str | None]]:
    """These notices, each with the title of the report that it is about, in the order they were heard."""
    query = (
        select(NoticeRow, col(ReportRow.title))
        .join(ReportRow, (col(ReportRow.review) == NoticeRow.review) & (col(ReportRow.record) == NoticeRow.record))
        .where(col(NoticeRow.review) == review, col(NoticeRow.notice).in_(notices))
        .order_by(col(NoticeRow.seq))
    )
    return [(notice, title) for notice, title in work.session.execute(query)] if notices else []


def hold_studies(work: Work, review: str, *, alone: bool) -> None:
    """For whoever locks several reports of a review, and before the first: until this work ends nobody puts any
    together or apart, or nobody but this one (`alone`). Else two who hold some of them would wait for each other."""
    _hold(work, review, _STUDIES, alone=alone)


def unite_studies(work: Work, review: str, study: str, into: str) -> None:
    """Counts every report of one study as one of another."""
    work.session.execute(
        update(ReportRow).where(col(ReportRow.review) == review, col(ReportRow.study) == study).values(study=into)
    )


def records_of_study(work: Work, review: str, study: str) -> list[str]:
    """The records whose reports are of a study, in the order of their ids."""
    query = select(col(ReportRow.record)).where(col(ReportRow.review) == review, col(ReportRow.study) == study)
    return list(work.session.scalars(query.order_by(col(ReportRow.record))))


def part_studies(work: Work, review: str, records: Collection[str], study: str, out_of: str) -> None:
    """Counts these records' reports as ones of a study again, where they still are of the other."""
    work.session.execute(
        update(ReportRow)
        .where(col(ReportRow.review) == review, col(ReportRow.record).in_(records), col(ReportRow.study) == out_of)
        .values(study=study)
    )


def return_fragments(work: Work, review: str, coded_on: Collection[str], record: str) -> None:
    """Gives a record the fragments that were coded on it, or on what was merged into it, and what was answered."""
    work.session.execute(
        update(CharacteristicAnswerRow)
        .where(col(CharacteristicAnswerRow.review) == review, col(CharacteristicAnswerRow.answered_on).in_(coded_on))
        .values(record=record)
    )
    work.session.execute(
        update(FragmentRow)
        .where(col(FragmentRow.review) == review, col(FragmentRow.coded_on).in_(coded_on))
        .values(record=record)
    )


def rejudgements_of_notice(work: Work, review: str, record: str, notice: str) -> list[RejudgementRow]:
    """The re-judgements of a record that a notice opened; locked until this work ends."""
    query = select(RejudgementRow).where(
        col(RejudgementRow.review) == review,
        col(RejudgementRow.record) == record,
        col(RejudgementRow.notice) == notice,
    )
    return list(work.session.scalars(query.order_by(col(RejudgementRow.id)).with_for_update()))


def move_evidence(work: Work, review: str, record: str, into: str) -> None:
    """Gives a record's fragments, notices and re-judgements to another, and what was answered of its study; the notices
    are to be applied to it."""
    session = work.session
    session.execute(
        update(CharacteristicAnswerRow)
        .where(col(CharacteristicAnswerRow.review) == review, col(CharacteristicAnswerRow.record) == record)
        .values(record=into)
    )
    session.execute(
        update(FragmentRow)
        .where(col(FragmentRow.review) == review, col(FragmentRow.record) == record)
        .values(record=into)
    )
    session.execute(
        update(NoticeRow)
        .where(col(NoticeRow.review) == review, col(NoticeRow.record) == record)
        .values(record=into, applied=False)
    )
    session.execute(
        update(RejudgementRow)
        .where(col(RejudgementRow.review) == review, col(RejudgementRow.record) == record)
        .values(record=into)
    )


# Evidence


@dataclass(frozen=True, slots=True)
class Touched:
    """A CMOC that a report's evidence speaks to, the links, and the event that told the last of them."""

    cmoc: str
    links: list[str]
    event: str


def touched(work: Work, review: str, record: str) -> list[Touched]:
    """The CMOCs that a record's links speak to, those aside that are withdrawn or held back."""
    query = (
        select(col(LinkRow.cmoc), col(LinkRow.id), col(LinkRow.event_id))
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .where(col(FragmentRow.review) == review, col(FragmentRow.record) == record, _COUNTS)
        .order_by(col(LinkRow.cmoc), col(LinkRow.seq))
    )
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for cmoc, link, event in work.session.execute(query):
        found[cmoc].append((link, event))
    return [Touched(cmoc, [link for link, _ in links], links[-1][1]) for cmoc, links in found.items()]


def fragments_by_id(work: Work, fragments: Collection[str]) -> dict[str, FragmentRow]:
    return {row.id: row for row in _in_chunks(work, select(FragmentRow), col(FragmentRow.id), fragments)}


def fragments_that_count(work: Work, fragments: Collection[str]) -> set[str]:
    """Those of these fragments of which a link counts."""
    query = select(col(LinkRow.fragment)).where(_COUNTS).distinct()
    return set(_in_chunks(work, query, col(LinkRow.fragment), fragments))


def links_by_id(work: Work, links: Collection[str]) -> dict[str, LinkRow]:
    """Locked until this work ends."""
    return {row.id: row for row in _in_chunks(work, select(LinkRow).with_for_update(), col(LinkRow.id), links)}


def fragment(work: Work, review: str, fragment: str) -> FragmentRow:
    """Raises NotFound."""
    row = work.session.get(FragmentRow, fragment)
    if row is None or row.review != review:
        raise no_fragment(review, fragment)
    return row


def no_fragment(review: str, fragment: str) -> NotFound:
    return NotFound(f"review {review!r} has no fragment {fragment!r}")


def is_shown(work: Work, fragment: str) -> bool:
    """Whether whoever asks may know of any link of a fragment."""
    query = select(col(LinkRow.id)).join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
    query = query.where(col(LinkRow.fragment) == fragment, _shown_to(work.actor))
    return work.session.scalars(query.limit(1)).first() is not None


def fragments_of_anchor(work: Work, review: str, anchor: str) -> list[FragmentRow]:
    """The fragments that are of a quote, each of one coder; locked until this work ends."""
    query = select(FragmentRow).where(col(FragmentRow.anchor) == anchor, col(FragmentRow.review) == review)
    return list(work.session.scalars(query.order_by(col(FragmentRow.id)).with_for_update()))


def mark_undescribed(work: Work, fragments: Iterable[str]) -> None:
    """Has it told anew what these fragments say."""
    rows = [{"fragment": fragment} for fragment in fragments]
    if rows:
        work.session.execute(insert(UndescribedRow), rows)


def mark_undescribed_by_links(work: Work, links: Sequence[str]) -> None:
    """The same of the fragments that these links are of."""
    for start in range(0, len(links), _IN):
        some = select(col(LinkRow.fragment)).where(col(LinkRow.id).in_(links[start : start + _IN])).distinct()
        work.session.execute(insert(UndescribedRow).from_select(["fragment"], some))


def mark_undescribed_of(work: Work, review: str, records: Collection[str]) -> None:
    """The same of all that was coded of these records."""
    some = select(col(FragmentRow.id)).where(col(FragmentRow.review) == review)
    for part in _chunks(some, col(FragmentRow.record), records):
        work.session.execute(insert(UndescribedRow).from_select(["fragment"], part))


def undescribed(work: Work, limit: int) -> list[tuple[int, str]]:
    """What is to be told anew, the oldest first, each as often as it was marked."""
    query = select(col(UndescribedRow.seq), col(UndescribedRow.fragment)).order_by(col(UndescribedRow.seq))
    return [(seq, fragment) for seq, fragment in work.session.execute(query.limit(limit))]


def forget_undescribed(work: Work, rows: Collection[int]) -> None:
    work.session.execute(delete(UndescribedRow).where(col(UndescribedRow.seq).in_(rows)), execution_options=_UNWATCHED)


class Described(NamedTuple):
    """A fragment, the report that speaks for it, its links that count, and whether somebody withdrew what
    the report says."""

    fragment: FragmentRow
    report: ReportRow | None
    links: list[LinkRow]
    erased: bool


def to_describe(work: Work, fragments: Collection[str]) -> list[Described]:
    """Fragments with what of them counts, locked until this work ends."""
    rows = select(FragmentRow).where(col(FragmentRow.id).in_(fragments)).order_by(col(FragmentRow.id))
    found = list(work.session.scalars(rows.with_for_update()))
    links: dict[str, list[LinkRow]] = defaultdict(list)
    counting = select(LinkRow).where(col(LinkRow.fragment).in_(fragments), _COUNTS).order_by(col(LinkRow.seq))
    for link in work.session.scalars(counting):
        links[link.fragment].append(link)
    # By review, each of whose reports is named once.
    reports: dict[tuple[str, str], ReportRow] = {}
    erased: set[tuple[str, str]] = set()
    by_review: dict[str, set[str]] = defaultdict(set)
    for row in found:
        by_review[row.review].add(row.record)
    for review, records in by_review.items():
        of_review = select(ReportRow).where(col(ReportRow.review) == review, col(ReportRow.record).in_(records))
        reports |= {(review, one.record): one for one in work.session.scalars(of_review)}
        said = select(col(NoticeRow.record)).where(
            col(NoticeRow.review) == review, col(NoticeRow.record).in_(records), col(NoticeRow.kind) == "withdrawal",
            ~col(NoticeRow.drill),
        )  # fmt: skip
        erased |= {(review, record) for record in work.session.scalars(said.distinct())}
    return [
        Described(it, reports.get((it.review, it.record)), links[it.id], (it.review, it.record) in erased)
        for it in found
    ]


def lost_anchor(work: Work, review: str, anchor: str) -> str | None:
    """Why no copy says a quote any more; None where one does."""
    row = work.session.get(LostAnchorRow, (review, anchor))
    return row.why if row is not None else None


def set_lost(work: Work, review: str, anchor: str, why: str | None) -> None:
    """Notes that no copy says a quote any more, or that one does again."""
    row = work.session.get(LostAnchorRow, (review, anchor), with_for_update=True)
    if row is not None and why is None:
        work.session.delete(row)
    elif row is not None and why is not None:
        row.why = why
    elif why is not None:
        work.add(LostAnchorRow(review=review, anchor=anchor, why=why))


def standing_links(work: Work, fragment: str) -> list[LinkRow]:
    """The links of a fragment that are not withdrawn, locked until this work ends."""
    query = (
        select(LinkRow)
        .where(col(LinkRow.fragment) == fragment, col(LinkRow.withdrawn_at).is_(None))
        .order_by(col(LinkRow.seq))
    )
    return list(work.session.scalars(query.with_for_update()))


class Speaking(NamedTuple):
    """Links, and by record the reports that they are of: read together, lest a merger between two questions parts
    them."""

    links: list[Link]
    reports: dict[str, Report]


def links_for_synthesis(work: Work, review: str, cmocs: Collection[str] | None) -> Speaking:
    """Every link to these CMOCs of a review, or to all, that is neither withdrawn nor held back, without its texts."""
    query = _links().where(col(LinkRow.review) == review)
    return _speaking(work, [query] if cmocs is None else _chunks(query, col(LinkRow.cmoc), cmocs))


def reasoning_links_of(work: Work, fragments: Collection[str]) -> Speaking:
    """The links of these fragments to the reasoning of any CMOC that are neither withdrawn nor held back. It names no
    review, lest a database goes through all that one has."""
    query = _links().where(col(LinkRow.element) == "reasoning")
    return _speaking(work, _chunks(query, col(LinkRow.fragment), fragments))


def _speaking(work: Work, queries: Iterable[Any]) -> Speaking:
    found = Speaking([], {})
    for query in queries:
        for *link, study, stands, is_credible in work.session.execute(query):
            found.links.append(it := Link(*link))
            if it.record not in found.reports:
                found.reports[it.record] = Report(it.record, study, stands, is_credible)
    return found


def _links(*, every: bool = False) -> Any:
    """Links as the synthesis takes them, those that count, or also those that did, if `every` one is asked for."""
    columns = (
        col(LinkRow.id), col(LinkRow.fragment), col(FragmentRow.record), col(LinkRow.cmoc), col(LinkRow.element),
        col(LinkRow.stance), col(LinkRow.inference), col(LinkRow.credibility), col(ReportRow.study), _STANDS,
        col(ReportRow.credible),
    )  # fmt: skip
    query = (
        select(*columns)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(ReportRow, (col(ReportRow.review) == LinkRow.review) & (col(ReportRow.record) == FragmentRow.record))
    )
    return query.where(col(LinkRow.held).is_(None) if every else _COUNTS)


def link(work: Work, review: str, link: str) -> LinkRow:
    """Raises NotFound, also for one of which whoever asks may not know."""
    query = select(LinkRow).join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
    query = query.where(col(LinkRow.review) == review, col(LinkRow.id) == link, _shown_to(work.actor))
    row = work.session.scalars(query).first()
    if row is None:
        raise NotFound(f"review {review!r} has no link {link!r}", slug="unknown_link")
    return row


def link_to_change(work: Work, review: str, link: str) -> tuple[LinkRow, FragmentRow]:
    """A link, locked until this work ends, and its fragment. Raises NotFound."""
    query = select(LinkRow).where(col(LinkRow.review) == review, col(LinkRow.id) == link)
    row = work.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(f"review {review!r} has no link {link!r}", slug="unknown_link")
    return row, fragment(work, review, row.fragment)


def last_appraisal(work: Work, review: str, link: str) -> AppraisalRow | None:
    query = select(AppraisalRow).where(col(AppraisalRow.review) == review, col(AppraisalRow.link) == link)
    return work.session.scalars(query.order_by(col(AppraisalRow.seq).desc()).limit(1)).one_or_none()


def appraisals(work: Work, review: str, link: str, page: PageAsked) -> Found[AppraisalRow]:
    """What was judged of a link, oldest first."""
    query = select(AppraisalRow).where(col(AppraisalRow.review) == review, col(AppraisalRow.link) == link)
    return read_page(work, query, page, col(AppraisalRow.seq))


def matrix(work: Work, review: str) -> Iterator[MatrixLink]:
    """Every link that stands on a CMOC that the protocol has, with its fragment, report and study."""
    stated = select(col(StatementRow.cmoc)).where(col(StatementRow.review) == review, col(StatementRow.sha256) != "")
    query = (
        select(LinkRow, FragmentRow, ReportRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(
            ReportRow,
            (col(ReportRow.review) == col(FragmentRow.review)) & (col(ReportRow.record) == col(FragmentRow.record)),
        )
        .where(
            col(LinkRow.review) == review, _COUNTS, col(LinkRow.cmoc).in_(stated), _STANDS
        )
    )  # fmt: skip
    for link, fragment, report in work.session.execute(query.execution_options(yield_per=500)):
        credible = report.credible if link.credibility is None else link.credibility == "credible"
        # Words that nobody held against a copy may be of one that is closed.
        quote = fragment.quote if fragment.anchor is not None else None
        yield MatrixLink(
            quote=quote,
            link=link.id, credible=credible, judged=link.credibility, study=report.study, record=report.record,
            title=report.title, start=fragment.begins, end=fragment.ends,
            **link.model_dump(include={"cmoc", "element", "stance", "inference", "rationale", "fragment"}),
            **fragment.model_dump(
                include={
                    "coder", "data_type", "locator", "paraphrase", "anchor", "parse_sha256", "quote_sha256",
                    "salt",
                }
            ),
        )  # fmt: skip


def reports_behind(work: Work, review: str, links: Collection[str]) -> list[tuple[ReportRow, list[str]]]:
    """The reports that these links are of, as they are today, by record, with the CMOCs that each speaks to."""
    reports, cmocs, all_of_them = dict[str, ReportRow](), defaultdict[str, set[str]](set), sorted(links)
    for start in range(0, len(all_of_them), _IN):
        query = (
            select(ReportRow, col(LinkRow.cmoc))
            .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
            .join(
                ReportRow,
                (col(ReportRow.review) == col(FragmentRow.review)) & (col(ReportRow.record) == col(FragmentRow.record)),
            )
            .where(col(LinkRow.review) == review, col(LinkRow.id).in_(all_of_them[start : start + _IN]))
        )
        for report, cmoc in work.session.execute(query):
            reports[report.record] = report
            cmocs[report.record].add(cmoc)
    return [(reports[record], sorted(cmocs[record])) for record in sorted(reports)]


Evidence = tuple[LinkRow, FragmentRow, ReportRow]


def evidence(
    work: Work,
    review: str,
    page: PageAsked,
    *,
    record: str | None,
    cmoc: str | None,
    element: str | None,
    link: str | None,
    proposal: str | None,
    study: str | None,
    stance: str | None,
    asked: bool,
    person: str,
) -> Found[Evidence]:
    """Links with their fragments and reports, in the order they were made, as a person may see them; of one record,
    study, CMOC, element or stance, one link, those that speak for a proposal, or those of which somebody should judge
    whether they hold, where given."""
    query = _evidence().where(col(LinkRow.review) == review, _shown_to(person))
    if record is not None:
        query = query.where(col(FragmentRow.record) == record)
    if cmoc is not None:
        query = query.where(col(LinkRow.cmoc) == cmoc)
    if element is not None:
        query = query.where(col(LinkRow.element) == element)
    if link is not None:
        query = query.where(col(LinkRow.id) == link)
    if proposal is not None:
        query = query.where(col(LinkRow.id).in_(_speaking_for(work, proposal)))
    if study is not None:
        query = query.where(col(ReportRow.study) == study)
    if stance is not None:
        query = query.where(col(LinkRow.stance) == stance)
    if asked:
        query = query.where(_ASKED)
    return read_page(work, query, page, col(LinkRow.seq))


def evidence_of(work: Work, review: str, links: Collection[str], person: str, *, finished: str) -> list[Evidence]:
    """Those of these links that a person may see, with their fragments and reports: all that were coded in an
    extraction that is `finished`."""
    shown = _shown_to(person) | (col(FragmentRow.extraction) == finished)
    parts = _chunks(_evidence().where(col(LinkRow.review) == review, shown), col(LinkRow.id), links)
    return [(link, fragment, report) for part in parts for link, fragment, report in work.session.execute(part)]


def _evidence() -> Any:
    return (
        select(LinkRow, FragmentRow, ReportRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(
            ReportRow,
            (col(ReportRow.review) == col(FragmentRow.review)) & (col(ReportRow.record) == col(FragmentRow.record)),
        )
    )


def _shown_to(person: str) -> ColumnElement[bool]:
    """Of a link: that a person may know of it. What somebody codes beside another they alone see before both are
    done."""
    return col(LinkRow.held).is_distinct_from(HeldStates.CODING) | (col(FragmentRow.coder) == person)


def _speaking_for(work: Work, proposal: str) -> Select[tuple[str]]:
    """The links of a proposal, which may be more than a statement has parameters."""
    each = func.json_each if is_sqlite(work.session) else func.jsonb_array_elements_text
    spoken = each(col(ProposalRow.links)).table_valued("value")
    return select(spoken.c.value).select_from(ProposalRow).join(spoken, true()).where(col(ProposalRow.id) == proposal)


# Figures


class Stated(NamedTuple):
    """How a CMOC stands, with its statement without its links."""

    cmoc: str
    theory: str
    status: Status
    support: int
    flagged: bool
    said: dict[str, Any]


def stated(work: Work, review: str, theory: str | None) -> list[Stated]:
    """Every CMOC that the protocol has, in its order; those of one theory, where given."""
    columns = [getattr(StatementRow, name) for name in Stated._fields]
    query = select(*columns).where(col(StatementRow.review) == review, col(StatementRow.sha256) != "")
    if theory is not None:
        query = query.where(col(StatementRow.theory) == theory)
    ordered = query.order_by(col(StatementRow.position), col(StatementRow.cmoc))
    return [Stated(*row) for row in work.session.execute(ordered)]


class SpeakingStudy(NamedTuple):
    """A study, how many of its links stand, and of how many studies it is one."""

    study: str
    links: int
    of: int


def speaking_studies(work: Work, review: str, cmocs: Collection[str], most: int) -> list[SpeakingStudy]:
    """The studies of which most links stand on these CMOCs, so many at most."""
    count = func.count()
    query = _standing(review, col(ReportRow.study), count, func.count().over()).where(col(LinkRow.cmoc).in_(cmocs))
    query = query.group_by(col(ReportRow.study)).order_by(count.desc(), col(ReportRow.study))
    return [SpeakingStudy(*row) for row in work.session.execute(query.limit(most))]


def edges(
    work: Work, review: str, cmocs: Collection[str], studies: Collection[str], most: int
) -> list[tuple[str, str, Stance, int, int]]:
    """CMOC, study and stance of the links that stand between these, how many those are, and how many say it outright;
    those with most links, so many at most."""
    by, count = (col(LinkRow.cmoc), col(ReportRow.study), col(LinkRow.stance)), func.count()
    query = _standing(review, *by, count, _outright()).where(
        col(LinkRow.cmoc).in_(cmocs), col(ReportRow.study).in_(studies)
    )
    found = work.session.execute(query.group_by(*by).order_by(count.desc(), *by).limit(most))
    return [(cmoc, study, stance, links, explicit) for cmoc, study, stance, links, explicit in found]


def studies_that_speak(work: Work, review: str, page: PageAsked) -> Found[str]:
    """The studies of which a report stands and has a link that does, by their ids."""
    spoken = select(col(LinkRow.id)).join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
    spoken = spoken.where(
        col(FragmentRow.review) == col(ReportRow.review), col(FragmentRow.record) == col(ReportRow.record),
        _COUNTS,
    )  # fmt: skip
    query = select(col(ReportRow.study)).where(col(ReportRow.review) == review, _STANDS, spoken.exists()).distinct()
    return read_page(work, query, page, col(ReportRow.study))


def cells(work: Work, review: str, studies: Collection[str]) -> list[tuple[str, str, Element, Stance, int, int]]:
    """Study, CMOC, element and stance of the links of these studies that stand, how many those are, and how many say it
    outright."""
    by = (col(ReportRow.study), col(LinkRow.cmoc), col(LinkRow.element), col(LinkRow.stance))
    query = _standing(review, *by, func.count(), _outright()).where(col(ReportRow.study).in_(studies))
    found = work.session.execute(query.group_by(*by).order_by(*by))
    return [(study, cmoc, element, stance, n, explicit) for study, cmoc, element, stance, n, explicit in found]


class CodedLink(NamedTuple):
    """A link with its report, when it was made, and whether it was withdrawn."""

    link: Link
    report: Report
    at: datetime
    withdrawn: bool


def coded(work: Work, review: str) -> Iterator[CodedLink]:
    """Every link of a review in the order in which they were made, also those that do not stand, but none that is held
    back; few at a time."""
    query = _links(every=True).add_columns(col(LinkRow.linked_at), col(LinkRow.withdrawn_at).is_not(None))
    query = query.where(col(LinkRow.review) == review).order_by(col(LinkRow.seq))
    for *link, study, stands, credible, at, withdrawn in work.session.execute(query.execution_options(yield_per=1000)):
        it = Link(*link)
        yield CodedLink(it, Report(it.record, study, stands, credible), at, bool(withdrawn))


def last_of_class(work: Work, review: str, change_class: ChangeClass) -> Head | None:
    """Head and content hash of the newest revision of a class that is no exercise and not withdrawn; None where there
    is none."""
    query = _heads(review).where(
        ~_withdrawn().exists(),
        col(RevisionRow.head)["change_class"].as_string() == change_class,
        ~col(RevisionRow.head)["drill"].as_boolean(),
    )
    found = work.session.execute(query.order_by(col(RevisionRow.number).desc()).limit(1)).first()
    return None if found is None else (found[0], found[1])


def contents(work: Work, review: str, page: PageAsked, *, newest_first: bool = False) -> Found[str]:
    """What was signed of each revision, oldest first or newest."""
    query = select(col(RevisionRow.content)).where(col(RevisionRow.review) == review)
    return read_page(work, query, page, col(RevisionRow.number), descending=newest_first)


def _standing(review: str, *columns: Any) -> Any:
    """Of the links of a review that stand, with their fragments and reports."""
    return (
        select(*columns)
        .select_from(LinkRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(ReportRow, (col(ReportRow.review) == LinkRow.review) & (col(ReportRow.record) == FragmentRow.record))
        .where(col(LinkRow.review) == review, _COUNTS, _STANDS)
    )


def _outright() -> Any:
    return func.count().filter(col(LinkRow.inference) == "explicit")


# Extraction


def claim_alone(work: Work, review: str, person: str) -> None:
    """Until this work ends a person is given one thing to code, whatever else they ask at the same time."""
    _hold(work, f"{review}/{person}", _CLAIMS, alone=True)


def extraction(work: Work, review: str, extraction: str) -> ExtractionRow:
    """Raises NotFound."""
    row = work.session.get(ExtractionRow, extraction)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no extraction {extraction!r}", slug="unknown_extraction")
    return row


def extraction_to_change(work: Work, review: str, extraction: str) -> ExtractionRow:
    """The same, locked until this work ends; the report that it is of is locked before. Raises NotFound."""
    row = work.session.get(ExtractionRow, extraction, with_for_update=True, populate_existing=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no extraction {extraction!r}", slug="unknown_extraction")
    return row


def extractions_of_record(work: Work, review: str, record: str) -> list[ExtractionRow]:
    """Those of a record, and of what was merged into it; locked until this work ends, as the report is before them."""
    query = select(ExtractionRow).where(col(ExtractionRow.review) == review, col(ExtractionRow.record) == record)
    ordered = query.order_by(col(ExtractionRow.id)).with_for_update().execution_options(populate_existing=True)
    return list(work.session.scalars(ordered))


def extractions_of_links(work: Work, review: str, links: Collection[str]) -> list[tuple[str, str]]:
    """The extractions in which these links were coded, each once, with its record."""
    query = (
        select(col(ExtractionRow.id), col(ExtractionRow.record))
        .join(FragmentRow, col(FragmentRow.extraction) == col(ExtractionRow.id))
        .join(LinkRow, col(LinkRow.fragment) == col(FragmentRow.id))
        .where(col(LinkRow.review) == review)
        .distinct()
    )
    parts = _chunks(query, col(LinkRow.id), set(links))
    return sorted({(name, record) for part in parts for name, record in work.session.execute(part)})


def return_extractions(work: Work, review: str, opened_on: Collection[str], record: str) -> None:
    """Gives a record the extractions that were opened on it, or on what was merged into it."""
    work.session.execute(
        update(ExtractionRow)
        .where(col(ExtractionRow.review) == review, col(ExtractionRow.opened_on).in_(opened_on))
        .values(record=record)
    )


def extractions(
    work: Work, review: str, page: PageAsked, *, state: str | None, record: str | None, person: str | None
) -> Found[tuple[ExtractionRow, str | None]]:
    """By id, with the titles of their reports; those in one state, of one record, or that a person has in hand, where
    given."""
    query = (
        select(ExtractionRow, col(ReportRow.title))
        .join(
            ReportRow,
            (col(ReportRow.review) == ExtractionRow.review) & (col(ReportRow.record) == ExtractionRow.record),
        )
        .where(col(ExtractionRow.review) == review)
    )
    if state is not None:
        query = query.where(col(ExtractionRow.state) == state)
    if record is not None:
        query = query.where(col(ExtractionRow.record) == record)
    if person is not None:
        in_hand = select(col(CodingRow.extraction)).where(
            col(CodingRow.review) == review, col(CodingRow.person) == person, col(CodingRow.finished_at).is_(None)
        )
        query = query.where(col(ExtractionRow.id).in_(in_hand))
    return read_page(work, query, page, col(ExtractionRow.id))


def count_extractions(work: Work, review: str, states: Collection[str]) -> dict[str, int]:
    """How many reports are in each of these states with their coders."""
    query = (
        select(col(ExtractionRow.state), func.count())
        .where(col(ExtractionRow.review) == review, col(ExtractionRow.state).in_(states))
        .group_by(col(ExtractionRow.state))
    )
    return {state: n for state, n in work.session.execute(query)}


def titles(work: Work, review: str, records: Collection[str]) -> dict[str, str | None]:
    """The titles of these records' reports."""
    query = select(col(ReportRow.record), col(ReportRow.title)).where(col(ReportRow.review) == review)
    return {
        record: title
        for part in _chunks(query, col(ReportRow.record), records)
        for record, title in work.session.execute(part)
    }


def codings(work: Work, extractions: Collection[str], *, lock: bool = False) -> dict[str, list[CodingRow]]:
    """The codings that each of these extractions asks for, in their order."""
    found: dict[str, list[CodingRow]] = {extraction: [] for extraction in extractions}
    query = select(CodingRow).order_by(col(CodingRow.extraction), col(CodingRow.number))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    for row in _in_chunks(work, query, col(CodingRow.extraction), extractions):
        found[row.extraction].append(row)
    return found


def coding_in_hand(work: Work, review: str, person: str) -> CodingRow | None:
    """What a person has in hand to code, locked until this work ends."""
    query = select(CodingRow).where(
        col(CodingRow.review) == review, col(CodingRow.person) == person, col(CodingRow.finished_at).is_(None)
    )
    locked = query.with_for_update().execution_options(populate_existing=True)
    return work.session.scalars(locked).one_or_none()


def next_free_coding(work: Work, review: str, person: str) -> CodingRow | None:
    """The next coding for a person, of a report of which they have none; locked until this work ends, and passed over
    where somebody else takes it at this moment.

    They were given what they had in the order of positions, and whatever comes back goes to the end: it goes on behind
    the last that they had. Only where that finds nothing is the rest looked through.
    """
    last = select(func.max(col(CodingRow.position))).where(
        col(CodingRow.review) == review, col(CodingRow.person) == person
    )
    behind = work.session.scalar(last)
    mine = aliased(CodingRow)
    has_one = select(col(mine.id)).where(col(mine.extraction) == col(CodingRow.extraction), col(mine.person) == person)
    free = select(CodingRow).where(
        col(CodingRow.review) == review, col(CodingRow.person).is_(None), col(CodingRow.open), ~has_one.exists()
    )
    ordered = free.order_by(col(CodingRow.position), col(CodingRow.id)).limit(1)
    ordered = ordered.with_for_update(skip_locked=True, of=CodingRow).execution_options(populate_existing=True)
    found = None
    if behind is not None:
        found = work.session.scalars(ordered.where(col(CodingRow.position) >= behind)).first()
    return found or work.session.scalars(ordered).first()


def return_lapsed_codings(work: Work, position: int, limit: int, review: str | None = None) -> int:
    """Frees codings whose time is over, of one review where given, and has them wait at the end; answers how many."""
    lapsed = (
        col(CodingRow.person).is_not(None), col(CodingRow.finished_at).is_(None), col(CodingRow.expires_at) <= work.now,
    )  # fmt: skip
    some = select(col(CodingRow.id)).where(*lapsed)
    if review is not None:
        some = some.where(col(CodingRow.review) == review)
    some = some.order_by(col(CodingRow.expires_at)).limit(limit).with_for_update(skip_locked=True)
    ids = list(work.session.scalars(some))
    if ids:
        work.session.execute(
            update(CodingRow).where(col(CodingRow.id).in_(ids)).values(person=None, expires_at=None, position=position)
        )
    return len(ids)


def coded_links(work: Work, extraction: str) -> list[tuple[LinkRow, FragmentRow]]:
    """The links of an extraction that are not withdrawn, with their fragments, those aside that were coded on another
    record while the two were one, and stayed with it."""
    query = (
        select(LinkRow, FragmentRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(ExtractionRow, col(ExtractionRow.id) == col(FragmentRow.extraction))
        .where(col(FragmentRow.extraction) == extraction, col(LinkRow.withdrawn_at).is_(None))
        .where(col(FragmentRow.record) == col(ExtractionRow.record))
        .order_by(col(LinkRow.seq))
        .execution_options(populate_existing=True)
    )
    return [(link, fragment) for link, fragment in work.session.execute(query)]


def show_withdrawn_links(work: Work, extraction: str) -> None:
    """What coders took back while they coded nobody need be kept from any more."""
    of_it = select(col(FragmentRow.id)).where(col(FragmentRow.extraction) == extraction)
    work.session.execute(
        update(LinkRow)
        .where(col(LinkRow.fragment).in_(of_it), col(LinkRow.withdrawn_at).is_not(None))
        .values(held=None)
    )


def count_coded_links(work: Work, extraction: str, person: str) -> int:
    """How many links a person has made in an extraction that are not withdrawn."""
    query = (
        select(func.count())
        .select_from(LinkRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .where(col(FragmentRow.extraction) == extraction, col(FragmentRow.coder) == person)
        .where(col(LinkRow.withdrawn_at).is_(None))
    )
    return work.session.scalars(query).one()


def coded_of(rows: Iterable[tuple[LinkRow, FragmentRow]]) -> list[Coded]:
    """The same, as rules weigh them."""
    return [
        Coded(
            link.id, fragment.coder, link.cmoc, link.element, link.stance, link.inference, fragment.locator,
            fragment.quote or fragment.paraphrase, fragment.text_copy, fragment.begins, fragment.ends,
        )
        for link, fragment in rows
    ]  # fmt: skip


def kept_of(decisions: Iterable[ReconciliationRow], rows: Iterable[tuple[LinkRow, FragmentRow]]) -> set[str]:
    """Those of the same that people decided to keep. What was coded anew since then is kept by no decision."""
    made = {link.id: link.linked_at for link, _ in rows}
    return {link for it in decisions for link in it.kept if link in made and made[link] <= it.at}


def reconciliations(work: Work, extraction: str) -> list[ReconciliationRow]:
    """What was decided of an extraction, oldest first."""
    query = select(ReconciliationRow).where(col(ReconciliationRow.extraction) == extraction)
    return list(work.session.scalars(query.order_by(col(ReconciliationRow.seq))))


def count_pairs(work: Work, review: str, counted: Mapping[tuple[Any, str, str], int]) -> None:
    """Adds what two coders said side by side; in one order, so that two who add the same never wait for each other."""
    insert_ = sqlite_insert if is_sqlite(work.session) else postgresql_insert
    for (element, first, second), n in sorted(counted.items()):
        row = insert_(CodingPairRow).values(review=review, element=element, first=first, second=second, n=n)
        key = ["review", "element", "first", "second"]
        work.session.execute(row.on_conflict_do_update(index_elements=key, set_={"n": col(CodingPairRow.n) + n}))


def pairs(work: Work, review: str) -> dict[tuple[Any, str, str], int]:
    """How often two coders said what of an element."""
    rows = work.session.scalars(select(CodingPairRow).where(col(CodingPairRow.review) == review))
    return {(row.element, row.first, row.second): row.n for row in rows}


def reviews_to_open(work: Work) -> list[str]:
    """The reviews with reports that were included before coders were asked for."""
    return list(work.session.scalars(select(col(ReviewRow.review)).where(col(ReviewRow.to_open))))


def records_to_open(work: Work, review: str, limit: int) -> list[str]:
    """Included reports of which nothing counts, and which no coder is asked for."""
    is_asked = select(col(ExtractionRow.id)).where(
        col(ExtractionRow.review) == col(ReportRow.review), col(ExtractionRow.record) == col(ReportRow.record)
    )
    query = select(col(ReportRow.record)).where(
        col(ReportRow.review) == review, _INCLUDED, _UNCOUNTED, ~is_asked.exists()
    )
    return list(work.session.scalars(query.order_by(col(ReportRow.record)).limit(limit)))


def extractions_to_widen(work: Work, review: str, limit: int) -> list[tuple[str, str]]:
    """Those that nobody has begun, and that ask for fewer coders than the review does now, each with its record."""
    taken = select(col(CodingRow.id)).where(
        col(CodingRow.extraction) == col(ExtractionRow.id), col(CodingRow.person).is_not(None)
    )
    query = (
        select(col(ExtractionRow.id), col(ExtractionRow.record))
        .join(ReviewRow, col(ReviewRow.review) == col(ExtractionRow.review))
        .join(
            ReportRow,
            (col(ReportRow.review) == col(ExtractionRow.review)) & (col(ReportRow.record) == col(ExtractionRow.record)),
        )
        .where(col(ExtractionRow.review) == review, col(ExtractionRow.state) == ExtractionStates.OPEN)
        .where(col(ExtractionRow.coders) < col(ReviewRow.coders), _UNCOUNTED, ~taken.exists())
    )
    found = work.session.execute(query.order_by(col(ExtractionRow.id)).limit(limit))
    return [(name, record) for name, record in found]


# Characteristics


def characteristics(work: Work, review: str) -> dict[str, CharacteristicRow]:
    """All that was ever asked of each study, by name, in the protocol's order."""
    query = select(CharacteristicRow).where(col(CharacteristicRow.review) == review)
    rows = work.session.scalars(query.order_by(col(CharacteristicRow.position), col(CharacteristicRow.name)))
    return {row.name: row for row in rows}


def included_studies(work: Work, review: str, page: PageAsked) -> Found[str]:
    """The studies of which a report is included, by their ids."""
    query = select(col(ReportRow.study)).where(col(ReportRow.review) == review, _INCLUDED)
    return read_page(work, query.distinct(), page, col(ReportRow.study))


def included_reports(work: Work, review: str, studies: Collection[str]) -> list[ReportRow]:
    """The included reports of these studies, by record."""
    query = select(ReportRow).where(col(ReportRow.review) == review, _INCLUDED)
    return sorted(_in_chunks(work, query, col(ReportRow.study), studies), key=lambda row: row.record)


def characteristic_answers(
    work: Work, review: str, records: Collection[str], person: str | None
) -> list[CharacteristicAnswerRow]:
    """All that was answered from these records, oldest first, as a person may see it: what one of two coders answers
    they alone see before both have finished. Without a person, what everybody may."""
    query = select(CharacteristicAnswerRow).where(
        col(CharacteristicAnswerRow.review) == review, _answer_shown_to(person)
    )
    found = _in_chunks(work, query, col(CharacteristicAnswerRow.record), records)
    return sorted(found, key=lambda row: row.seq or 0)


def characteristic_answers_of_record(
    work: Work, review: str, record: str, page: PageAsked, *, person: str
) -> Found[CharacteristicAnswerRow]:
    """All that was answered from a record, oldest first, as a person may see it."""
    query = select(CharacteristicAnswerRow).where(
        col(CharacteristicAnswerRow.review) == review,
        col(CharacteristicAnswerRow.record) == record,
        _answer_shown_to(person),
    )
    return read_page(work, query, page, col(CharacteristicAnswerRow.seq))


def held_answers(work: Work, extraction: str) -> list[CharacteristicAnswerRow]:
    """What two coders of a report answered that is held back, oldest first."""
    query = select(CharacteristicAnswerRow).where(
        col(CharacteristicAnswerRow.extraction) == extraction, col(CharacteristicAnswerRow.held)
    )
    return list(work.session.scalars(query.order_by(col(CharacteristicAnswerRow.seq))))


def _answer_shown_to(person: str | None) -> ColumnElement[bool]:
    shown = ~col(CharacteristicAnswerRow.held)
    return shown if person is None else shown | (col(CharacteristicAnswerRow.by) == person)


# Who did what

#: The columns that say so. What was signed has names, too, and stays as it was signed.
_ACTORS: tuple[tuple[Any, Any], ...] = (
    (FragmentRow, col(FragmentRow.coder)),
    (AppraisalRow, col(AppraisalRow.by)),
    (ConfidenceRow, col(ConfidenceRow.by)),
    (CharacteristicAnswerRow, col(CharacteristicAnswerRow.by)),
    (CommentRow, col(CommentRow.by)),
    (LinkJudgementRow, col(LinkJudgementRow.by)),
    (LinkRow, col(LinkRow.withdrawn_by)),
    (RejudgementRow, col(RejudgementRow.closed_by)),
    (ReportTextRow, col(ReportTextRow.by)),
    (TheoryEventRow, col(TheoryEventRow.actor)),
)


def actors(work: Work, review: str) -> list[tuple[str, int]]:
    """Who coded, withdrew and judged anew in a review, and is in its history, each with how often."""
    acts = [select(by.label("actor")).where(col(table.review) == review, by.is_not(None)) for table, by in _ACTORS]
    every = union_all(*acts).subquery()
    counted = select(every.c.actor, func.count()).group_by(every.c.actor)
    return [(actor, number) for actor, number in work.session.execute(counted)]


def replace_name(work: Work, review: str, name: str, person: str) -> None:
    """Puts a person for a name in all that says who did what in a review."""
    for table, by in _ACTORS:
        work.session.execute(update(table).where(col(table.review) == review, by == name).values({by: person}))


# Comments


def lines(work: Work, review: ReviewRow, cmocs: Collection[str]) -> dict[Line, str]:
    """What each line says of these CMOCs, as far as the protocol has them, and of all programme theories."""
    said = {(it["theory"], "statement"): f"{it['heading']}: {it['statement']}" for it in review.theories}
    parts = [getattr(CmocRow, part) for part in PARTS]
    stated = (col(StatementRow.review) == col(CmocRow.review)) & (col(StatementRow.cmoc) == col(CmocRow.cmoc))
    query = select(col(CmocRow.cmoc), *parts, col(StatementRow.status)).outerjoin(StatementRow, stated)
    query = query.where(col(CmocRow.review) == review.review, col(CmocRow.set_aside_at).is_(None))
    for part in _chunks(query, col(CmocRow.cmoc), cmocs):
        for cmoc, *words, status in work.session.execute(part):
            said |= {(cmoc, part): text for part, text in zip(PARTS, words, strict=True)}
            if status is not None:
                said[cmoc, "status"] = status
    return said


def comments(
    work: Work, review: str, page: PageAsked, *, state: str | None, cmoc: str | None, theory: str | None
) -> Found[CommentRow]:
    """Comments on the drafts of a review, oldest first; those in one state, on one CMOC or programme theory."""
    query = select(CommentRow).where(col(CommentRow.review) == review)
    if state is not None:
        query = query.where(_OPEN_COMMENT if state == CommentStates.OPEN else col(CommentRow.state) == state)
    if cmoc is not None:
        query = query.where(col(CommentRow.cmoc) == cmoc)
    if theory is not None:
        query = query.where(col(CommentRow.theory) == theory)
    return read_page(work, query, page, col(CommentRow.seq))


def comment(work: Work, review: str, comment: str, *, to_change: bool = False) -> CommentRow:
    """Locked until this work ends where it is to be changed. Raises NotFound."""
    query = select(CommentRow).where(col(CommentRow.id) == comment, col(CommentRow.review) == review)
    if to_change:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = work.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(f"review {review!r} has no comment {comment!r}", slug="unknown_comment")
    return row


def answers(work: Work, comments: Collection[str]) -> dict[str, list[AnswerRow]]:
    """What was answered to each of these comments, in the order that it came in."""
    found: dict[str, list[AnswerRow]] = defaultdict(list)
    for row in _in_chunks(work, select(AnswerRow).order_by(col(AnswerRow.seq)), col(AnswerRow.comment), comments):
        found[row.comment].append(row)
    return found


def open_comments(work: Work, review: str) -> list[tuple[str, str]]:
    """Id and author of each open comment, oldest first; there are as many as may be open."""
    query = select(col(CommentRow.id), col(CommentRow.by)).where(col(CommentRow.review) == review, _OPEN_COMMENT)
    return [(comment, by) for comment, by in work.session.execute(query.order_by(col(CommentRow.seq)))]


def count_open_comments(work: Work, review: str) -> int:
    query = select(func.count()).select_from(CommentRow).where(col(CommentRow.review) == review, _OPEN_COMMENT)
    return work.session.scalars(query).one()


def signing(work: Work, review: str, number: int) -> SigningRow | None:
    return work.session.get(SigningRow, (review, number))


# Proposals


def proposals_to_change(work: Work, review: str, cmocs: Collection[str]) -> dict[str, ProposalRow]:
    """Every proposal that there ever was for these CMOCs, by id. Whoever changes them holds the review."""
    query = select(ProposalRow).where(col(ProposalRow.review) == review)
    found = (
        it
        for column in (col(ProposalRow.cmoc), col(ProposalRow.other))
        for part in _chunks(query, column, cmocs)
        for it in work.session.scalars(part)
    )
    return {it.id: it for it in found}


def proposal(work: Work, review: str, proposal: str) -> ProposalRow:
    """Raises NotFound. Whoever changes it holds the review."""
    row = work.session.get(ProposalRow, proposal)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no proposal {proposal!r}", slug="unknown_proposal")
    return row


def count_open_proposals(work: Work, review: str) -> int:
    query = select(func.count()).select_from(ProposalRow)
    query = query.where(col(ProposalRow.review) == review, col(ProposalRow.state) == ProposalStates.OPEN)
    return work.session.scalars(query).one()


def proposals(work: Work, review: str, state: str | None, page: PageAsked) -> Found[ProposalRow]:
    """By id; those in one state where given."""
    query = select(ProposalRow).where(col(ProposalRow.review) == review)
    if state is not None:
        query = query.where(col(ProposalRow.state) == state)
    return read_page(work, query, page, col(ProposalRow.id))


def refining_links(work: Work, review: str, cmoc: str, parts: Collection[str]) -> list[str]:
    """The links that stand and refine one of these parts of a CMOC."""
    query = select(col(LinkRow.id)).where(
        col(LinkRow.review) == review,
        col(LinkRow.cmoc) == cmoc,
        col(LinkRow.stance) == "refines",
        col(LinkRow.element).in_([*parts, "whole"]),
        _COUNTS,
    )
    return sorted(work.session.scalars(query))


# Words that are others now


def ask_links(work: Work, review: str, cmoc: str, parts: Collection[str], version: int) -> int:
    """Has the links that stand to these parts of a CMOC, and to the whole, be judged anew, in one statement; answers
    how many. Those that are to be judged already stay so since the version that asked first. What is held back is asked
    about, too, once it counts; it is not told how much that is."""
    to_these = (
        col(LinkRow.review) == review, col(LinkRow.cmoc) == cmoc, col(LinkRow.element).in_([*parts, "whole"]),
    )  # fmt: skip
    asked = update(LinkRow).where(*to_these, col(LinkRow.withdrawn_at).is_(None))
    asked = asked.values(asked_version=func.coalesce(col(LinkRow.asked_version), version))
    work.session.execute(asked, execution_options=_UNWATCHED)
    return work.session.scalars(select(func.count()).select_from(LinkRow).where(*to_these, _COUNTS)).one()


def count_links_to_judge(work: Work, review: str) -> int:
    query = select(func.count()).select_from(LinkRow).where(col(LinkRow.review) == review, _ASKED)
    return work.session.scalars(query).one()


#: CMOC, element, how many links, and since which version.
Reworded = tuple[str, Element, int, int]


def reworded(work: Work, review: str, page: PageAsked, *, cmoc: str | None) -> Found[Reworded]:
    """The elements that links to be judged anew speak to, by CMOC; of one where given."""
    of = col(LinkRow.cmoc), col(LinkRow.element)
    counted = select(*of, func.count().label("links"), func.min(col(LinkRow.asked_version)).label("since"))
    counted = counted.where(col(LinkRow.review) == review, _ASKED)
    if cmoc is not None:
        counted = counted.where(col(LinkRow.cmoc) == cmoc)
    each = counted.group_by(*of).subquery()
    query: Select[Any] = select(each.c.cmoc, each.c.element, each.c.links, each.c.since)
    return read_page(work, query, page, each.c.cmoc, each.c.element)


def rewordings(work: Work, review: str, cmocs: Collection[str]) -> dict[str, list[RewordingRow]]:
    """What became of the words of these CMOCs, in the order of the protocol's versions."""
    query = select(RewordingRow).where(col(RewordingRow.review) == review)
    found: dict[str, list[RewordingRow]] = defaultdict(list)
    for row in _in_chunks(work, query.order_by(col(RewordingRow.protocol_version)), col(RewordingRow.cmoc), cmocs):
        found[row.cmoc].append(row)
    return found


def links_to_judge(work: Work, review: str, links: Collection[str]) -> dict[str, tuple[LinkRow, str]]:
    """These links, locked until this work ends in the order in which they were made, each with its coder."""
    query = select(LinkRow, col(FragmentRow.coder)).join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
    query = query.where(col(LinkRow.review) == review, col(LinkRow.id).in_(links), col(LinkRow.held).is_(None))
    query = query.order_by(col(LinkRow.seq)).with_for_update(of=LinkRow).execution_options(populate_existing=True)
    return {link.id: (link, coder) for link, coder in work.session.execute(query)}


def judgements_of_link(work: Work, review: str, link: str, page: PageAsked) -> Found[LinkJudgementRow]:
    """What was judged of a link whose CMOC read otherwise, oldest first."""
    query = select(LinkJudgementRow).where(col(LinkJudgementRow.review) == review, col(LinkJudgementRow.link) == link)
    return read_page(work, query, page, col(LinkJudgementRow.seq))


# Re-judgements and triggers


def rejudgement_to_change(work: Work, review: str, rejudgement: str) -> RejudgementRow:
    """Locked until this work ends. Raises NotFound."""
    row = work.session.get(RejudgementRow, rejudgement, with_for_update=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no re-judgement {rejudgement!r}")
    return row


def has_rejudgement(work: Work, rejudgement: str) -> bool:
    return work.session.get(RejudgementRow, rejudgement) is not None


def rejudgements(work: Work, review: str, state: str | None, page: PageAsked) -> Found[RejudgementRow]:
    """By id; those of one state where given."""
    query = select(RejudgementRow).where(col(RejudgementRow.review) == review)
    if state is not None:
        query = query.where(col(RejudgementRow.state) == state)
    return read_page(work, query, page, col(RejudgementRow.id))


def flagged_cmocs(work: Work, review: str) -> set[str]:
    """The CMOCs that somebody must judge anew."""
    query = select(col(RejudgementRow.cmoc)).where(
        col(RejudgementRow.review) == review, col(RejudgementRow.state) == RejudgementStates.OPEN
    )
    return set(work.session.scalars(query))


def rejudgements_a_reinstatement_ends(work: Work, review: str, record: str, drill: bool) -> list[RejudgementRow]:
    """The open re-judgements of a record that its suspension opened; locked until this work ends."""
    query = select(RejudgementRow).where(
        col(RejudgementRow.review) == review,
        col(RejudgementRow.record) == record,
        col(RejudgementRow.state) == RejudgementStates.OPEN,
        col(RejudgementRow.kind).in_(SUSPENDING),
        col(RejudgementRow.drill) == drill,
    )
    return list(work.session.scalars(query.order_by(col(RejudgementRow.id)).with_for_update()))


def drills_in_force(work: Work, review: str) -> set[str]:
    """The notices of drills that suspend a report or keep a re-judgement open."""
    suspending = select(col(ReportRow.drilled_by)).where(
        col(ReportRow.review) == review, col(ReportRow.drilled_by).is_not(None)
    )
    flagging = select(col(RejudgementRow.notice)).where(
        col(RejudgementRow.review) == review,
        col(RejudgementRow.state) == RejudgementStates.OPEN,
        col(RejudgementRow.drill),
    )
    drilled = {notice for notice in work.session.scalars(suspending) if notice is not None}
    return drilled | set(work.session.scalars(flagging))


def cmocs_of_notices(work: Work, review: str, notices: Collection[str]) -> list[str]:
    """The CMOCs that these notices asked people to judge anew."""
    query = select(col(RejudgementRow.cmoc)).where(col(RejudgementRow.review) == review)
    return sorted(
        {cmoc for part in _chunks(query, col(RejudgementRow.notice), notices) for cmoc in work.session.scalars(part)}
    )


def triggers_of_cycle(work: Work, review: str, cycle: int) -> list[TriggerRow]:
    query = select(TriggerRow).where(col(TriggerRow.review) == review, col(TriggerRow.cycle) == cycle)
    return list(work.session.scalars(query.order_by(col(TriggerRow.seq))))


def fired_before(work: Work, review: str, cycle: int, subjects: Collection[str]) -> set[tuple[str, str]]:
    """Rule and subject of what fired for these subjects in a cycle."""
    query = select(col(TriggerRow.rule), col(TriggerRow.subject))
    query = query.where(col(TriggerRow.review) == review, col(TriggerRow.cycle) == cycle)
    return {
        (rule, subject)
        for part in _chunks(query, col(TriggerRow.subject), subjects)
        for rule, subject in work.session.execute(part)
    }


def triggers(work: Work, review: str, page: PageAsked) -> Found[TriggerRow]:
    return read_page(work, select(TriggerRow).where(col(TriggerRow.review) == review), page, col(TriggerRow.seq))


def forget_triggers(work: Work, before: datetime, limit: int) -> int:
    """Takes away the oldest triggers that fired before then in cycles that are over; answers how many."""
    old = (
        select(col(TriggerRow.seq))
        .join(ReviewRow, col(ReviewRow.review) == col(TriggerRow.review))
        .where(col(TriggerRow.at) < before, col(TriggerRow.cycle) <= col(ReviewRow.revisions))
        .order_by(col(TriggerRow.at))
        .limit(limit)
    )
    rows = work.session.scalars(old).all()
    work.session.execute(delete(TriggerRow).where(col(TriggerRow.seq).in_(rows)))
    return len(rows)


# Arrivals, drafts and revisions


def due_reviews(work: Work, limit: int = 100) -> list[str]:
    """Reviews with something that arrived and is not taken in, of those whose protocol is known, and those whose draft
    was made by other rules."""
    arrived: Select[Any] = (
        select(col(ArrivalRow.review).label("review"))
        .join(ReviewRow, col(ReviewRow.review) == col(ArrivalRow.review))
        .where(col(ArrivalRow.heeded_at).is_(None))
    )
    by_other_rules: Select[Any] = select(col(DraftRow.review).label("review")).where(col(DraftRow.rules) != RULES)
    due = union(arrived, by_other_rules).subquery()
    return list(work.session.scalars(select(due.c.review).order_by(due.c.review).limit(limit)))


def hold_arrivals(work: Work, review: str, *, alone: bool) -> None:
    """Until this work ends, either nothing arrives for a review that is not known yet (`alone`), or something may: what
    is signed is read by several statements, each of which would see what others commit meanwhile. One who writes to
    SQLite is alone anyway."""
    _hold(work, review, _ARRIVALS, alone=alone)


def _hold(work: Work, review: str, what: int, *, alone: bool) -> None:
    if not is_sqlite(work.session):
        shared = "" if alone else "_shared"
        hold = text(f"SELECT pg_advisory_xact_lock{shared}(hashtextextended(:review, {what}))")
        work.session.execute(hold, {"review": review})


def settled(work: Work, review: str) -> bool:
    """Whether all that arrived is taken in."""
    query = (
        select(col(ArrivalRow.seq))
        .where(col(ArrivalRow.review) == review, col(ArrivalRow.heeded_at).is_(None))
        .limit(1)
    )
    made = select(col(DraftRow.rules)).where(col(DraftRow.review) == review)
    return work.session.execute(query).first() is None and work.session.scalar(made) in (None, RULES)


class Arrival(NamedTuple):
    """Place and cause of an arrival, and the CMOCs that it concerns; None for all."""

    seq: int
    cause: str
    cmocs: list[str] | None


def unheeded(work: Work, review: str) -> list[Arrival]:
    """The arrivals not taken in yet."""
    query = select(col(ArrivalRow.seq), col(ArrivalRow.cause), col(ArrivalRow.cmocs)).where(
        col(ArrivalRow.review) == review, col(ArrivalRow.heeded_at).is_(None)
    )
    return [Arrival(*row) for row in work.session.execute(query.order_by(col(ArrivalRow.seq)))]


def heed(work: Work, arrivals: Sequence[int], at: datetime) -> None:
    """Marks exactly these arrivals as taken in: another one may have arrived since they were read."""
    for start in range(0, len(arrivals), _IN):
        work.session.execute(
            update(ArrivalRow).where(col(ArrivalRow.seq).in_(arrivals[start : start + _IN])).values(heeded_at=at),
            execution_options=_UNWATCHED,
        )


def causes_of_open_cycle(work: Work, review: str) -> list[str]:
    """The events taken in since the last revision, oldest first."""
    query = select(col(ArrivalRow.cause)).where(
        col(ArrivalRow.review) == review, col(ArrivalRow.cycle).is_(None), col(ArrivalRow.heeded_at).is_not(None)
    )
    return list(dict.fromkeys(work.session.scalars(query.order_by(col(ArrivalRow.seq)))))


def is_in_earnest(work: Work, review: str) -> bool:
    """Whether anything was taken in since the last revision that did not come by an exercise."""
    query = select(col(ArrivalRow.seq)).where(
        col(ArrivalRow.review) == review, col(ArrivalRow.cycle).is_(None), col(ArrivalRow.heeded_at).is_not(None)
    )
    return work.session.scalars(query.where(~col(ArrivalRow.drill)).limit(1)).first() is not None


def close_cycle(work: Work, review: str, cycle: int) -> None:
    """Everything taken in so far belongs to this cycle."""
    taken_in = (
        col(ArrivalRow.review) == review,
        col(ArrivalRow.cycle).is_(None),
        col(ArrivalRow.heeded_at).is_not(None),
    )
    work.session.execute(update(ArrivalRow).where(*taken_in).values(cycle=cycle))


def draft(work: Work, review: str) -> DraftRow | None:
    return work.session.get(DraftRow, review)


def statements(work: Work, review: str, cmocs: Collection[str] | None = None) -> list[StatementRow]:
    """What is said of these CMOCs, or of all, in the protocol's order; those that it has no more come last."""
    query = select(StatementRow).where(col(StatementRow.review) == review)
    found = [query] if cmocs is None else _chunks(query, col(StatementRow.cmoc), cmocs)
    rows = [row for part in found for row in work.session.scalars(part)]
    return sorted(rows, key=lambda row: (row.said is None, row.position, row.cmoc))


def said(work: Work, review: str) -> list[Statement]:
    """What the synthesis says of every CMOC, in the protocol's order."""
    return _said(statements(work, review))


def drafted(work: Work, draft: DraftRow) -> tuple[list[Statement], list[Change]]:
    """The same of a draft, and how it differs from the newest revision: CMOC by CMOC, then those that the protocol has
    no more, then the theories."""
    rows = statements(work, draft.review)
    changes = [*(change for row in rows for change in row.changes), *draft.changes]
    return _said(rows), [Change(**change) for change in changes]


def _said(rows: Sequence[StatementRow]) -> list[Statement]:
    return [statement for row in rows if (statement := row.statement) is not None]


def forget_statement(work: Work, row: StatementRow) -> None:
    """Of a CMOC that neither the protocol nor a revision has nothing is said."""
    work.session.delete(row)


class StatementHead(NamedTuple):
    """How one CMOC stands, without its statement; `sha256` is empty of one that the protocol has no more."""

    cmoc: str
    sha256: str
    links_sha256: str
    change_class: ChangeClass
    added: int
    withdrawn: int


def statement_heads(work: Work, review: str) -> list[StatementHead]:
    """How every CMOC stands, in the protocol's order."""
    columns = [getattr(StatementRow, name) for name in StatementHead._fields]
    query = select(*columns).where(col(StatementRow.review) == review)
    ordered = query.order_by(col(StatementRow.position), col(StatementRow.cmoc))
    return [StatementHead(*row) for row in work.session.execute(ordered)]


def states(work: Work, review: str) -> list[CmocState]:
    """The state of every CMOC that the protocol has, in its order."""
    columns = [getattr(StatementRow, name) for name in CmocState.model_fields]
    query = select(*columns).where(col(StatementRow.review) == review, col(StatementRow.sha256) != "")
    ordered = query.order_by(col(StatementRow.position), col(StatementRow.cmoc))
    return [CmocState(**row._mapping) for row in work.session.execute(ordered)]


def without_evidence(work: Work, review: str) -> list[str]:
    """The CMOCs that no study speaks to."""
    query = select(col(StatementRow.cmoc)).where(col(StatementRow.review) == review)
    return list(work.session.scalars(query.where(col(StatementRow.status) == "no_evidence")))


def publish_statements(work: Work, review: str) -> None:
    """What is said of each CMOC is what is published of it."""
    session, of_review = work.session, col(StatementRow.review) == review
    session.flush()
    session.execute(delete(StatementRow).where(of_review, col(StatementRow.sha256) == ""))
    session.execute(
        update(StatementRow)
        .where(of_review)
        .values(
            published=col(StatementRow.said),
            published_links=col(StatementRow.links),
            changes=[],
            change_class="NONE",
            added=0,
            withdrawn=0,
        )
    )
    session.expire_all()


def counts(work: Work, review: str) -> Counts:
    """What stands behind all that is said of a review."""
    stated = select(col(StatementRow.cmoc)).where(col(StatementRow.review) == review, col(StatementRow.sha256) != "")
    query = (
        select(
            func.count(func.distinct(col(ReportRow.study))), func.count(func.distinct(col(ReportRow.record))),
            func.count(func.distinct(col(LinkRow.fragment))), func.count(),
        )
        .select_from(LinkRow)
        .join(FragmentRow, col(FragmentRow.id) == col(LinkRow.fragment))
        .join(
            ReportRow,
            (col(ReportRow.review) == col(FragmentRow.review)) & (col(ReportRow.record) == col(FragmentRow.record)),
        )
        .where(
            col(LinkRow.review) == review, _COUNTS, col(LinkRow.cmoc).in_(stated), _STANDS
        )
    )  # fmt: skip
    studies, reports, fragments, links = work.session.execute(query).one()
    return Counts(studies=studies, reports=reports, fragments=fragments, links=links)


def revision(work: Work, review: str, number: int) -> RevisionRow:
    """Raises NotFound."""
    row = work.session.get(RevisionRow, (review, number))
    if row is None:
        raise NotFound(f"review {review!r} has no revision {number}")
    return row


def matrix_of(work: Work, review: str, number: int) -> bytes | None:
    """The links that a revision rests on (CSV as gzip); None of one that was signed before they were kept."""
    row = work.session.get(MatrixRow, (review, number))
    return row.csv_gz if row is not None else None


def last_deposit(work: Work, review: str, archive: str, state: DepositState | None = None) -> DepositRow | None:
    """The deposit of the newest revision that an archive has to do with, or has in one state; None where there is
    none."""
    query = select(DepositRow).where(col(DepositRow.review) == review, col(DepositRow.archive) == archive)
    if state is not None:
        query = query.where(col(DepositRow.state) == state)
    return work.session.scalars(query.order_by(col(DepositRow.number).desc()).limit(1)).first()


def deposit(work: Work, review: str, archive: str, number: int) -> DepositRow:
    """A deposit that is there."""
    return work.session.get_one(DepositRow, (review, archive, number))


def deposit_to_change(work: Work, review: str, archive: str, number: int) -> DepositRow:
    """A deposit that is there, locked until this work ends."""
    return work.session.get_one(DepositRow, (review, archive, number), with_for_update=True)


def deposits(work: Work, review: str, page: PageAsked) -> Found[DepositRow]:
    """Those of a review, archive by archive, oldest revision first."""
    query = select(DepositRow).where(col(DepositRow.review) == review)
    return read_page(work, query, page, col(DepositRow.archive), col(DepositRow.number))


def dois_of(work: Work, review: str, number: int) -> tuple[str, str] | None:
    """The DOI of a revision, and that of all of them: those that were assigned last."""
    query = (
        select(col(DepositRow.doi), col(DepositRow.concept_doi))
        .where(col(DepositRow.review) == review, col(DepositRow.number) == number)
        .where(col(DepositRow.assigned_at).is_not(None))
        .order_by(col(DepositRow.assigned_at).desc())
        .limit(1)
    )
    found = work.session.execute(query).first()
    return None if found is None or found[0] is None or found[1] is None else (found[0], found[1])


def count_deposits_in_trouble(work: Work, review: str, archive: str) -> int:
    """Those of a review that are being made in an archive, and do not get on."""
    query = select(func.count()).select_from(DepositRow)
    query = query.where(col(DepositRow.review) == review, col(DepositRow.archive) == archive)
    query = query.where(col(DepositRow.trouble).is_not(None), col(DepositRow.state).in_(OPEN))
    return work.session.scalars(query).one()


#: Head and content hash of a revision.
Head = tuple[dict[str, Any], str]


def revisions(work: Work, review: str, page: PageAsked, *, newest_first: bool = False) -> Found[Head]:
    """Head and content hash of each revision, oldest first or newest; without the contents, which are large."""
    return read_page(work, _heads(review), page, col(RevisionRow.number), descending=newest_first)


def head(work: Work, review: str, number: int) -> Head | None:
    """Those of one revision; None where there is none."""
    found = work.session.execute(_heads(review).where(col(RevisionRow.number) == number)).first()
    return None if found is None else (found[0], found[1])


def newest_head(work: Work, review: str) -> Head | None:
    """Those of the newest revision that is not withdrawn; None where there is none."""
    found = work.session.execute(
        _heads(review).where(~_withdrawn().exists()).order_by(col(RevisionRow.number).desc()).limit(1)
    ).first()
    return None if found is None else (found[0], found[1])


def newest_number(work: Work, review: str) -> int | None:
    """The number of the newest revision that is not withdrawn."""
    query = select(func.max(col(RevisionRow.number))).where(col(RevisionRow.review) == review, ~_withdrawn().exists())
    return work.session.scalars(query).one()


def head_before(work: Work, review: ReviewRow, until: datetime) -> Head | None:
    """Those of the last revision that was signed before an instant, and not withdrawn before it; None where there is
    none. They are signed one after the other, so that a few are looked at, whatever their number."""
    low, high = 0, review.revisions
    while low < high:
        middle = (low + high + 1) // 2
        seen = head(work, review.review, middle)
        if seen is not None and datetime.fromisoformat(seen[0]["signed_at"]) < until:
            low = middle
        else:
            high = middle - 1
    in_force = _heads(review.review).where(col(RevisionRow.number) <= low, ~_withdrawn(until).exists())
    found = work.session.execute(in_force.order_by(col(RevisionRow.number).desc()).limit(1)).first()
    return None if found is None else (found[0], found[1])


def _withdrawn(before: datetime | None = None) -> Select[int]:
    """That a revision is withdrawn, or was so before an instant."""
    query = select(col(WithdrawnRevisionRow.number)).where(
        col(WithdrawnRevisionRow.review) == RevisionRow.review, col(WithdrawnRevisionRow.number) == RevisionRow.number
    )
    return query if before is None else query.where(col(WithdrawnRevisionRow.at) < before)


def withdrawn_revision(work: Work, review: str, number: int) -> WithdrawnRevisionRow | None:
    """That a revision was withdrawn; None of one that was not."""
    return work.session.get(WithdrawnRevisionRow, (review, number))


def withdrawn_revisions(work: Work, review: str, numbers: Collection[int]) -> dict[int, WithdrawnRevisionRow]:
    """Those of these revisions that were withdrawn, by their numbers."""
    query = select(WithdrawnRevisionRow).where(col(WithdrawnRevisionRow.review) == review)
    found = (row for part in _chunks(query, col(WithdrawnRevisionRow.number), numbers)
             for row in work.session.scalars(part))  # fmt: skip
    return {row.number: row for row in found}


def withdrawn_after(work: Work, review: str, number: int, limit: int) -> list[WithdrawnRevisionRow]:
    """The revisions after one that were withdrawn, the newest first."""
    query = select(WithdrawnRevisionRow).where(
        col(WithdrawnRevisionRow.review) == review, col(WithdrawnRevisionRow.number) > number
    )
    return list(work.session.scalars(query.order_by(col(WithdrawnRevisionRow.number).desc()).limit(limit)))


def _heads(review: str) -> Select[tuple[dict[str, Any], str]]:
    return select(col(RevisionRow.head), col(RevisionRow.content_sha256)).where(col(RevisionRow.review) == review)


# How far was searched


def watch(work: Work, review: str, watch: str) -> WatchRow | None:
    return work.session.get(WatchRow, (review, watch), with_for_update=True)


def watches(work: Work, review: str) -> list[Watch]:
    query = select(col(WatchRow.source), col(WatchRow.protocol_version), col(WatchRow.searched_through))
    return [Watch(*row) for row in work.session.execute(query.where(col(WatchRow.review) == review))]


def manual_rows(work: Work, review: str) -> dict[str, ManualRow]:
    """Every strategy of a review that was ever searched by hand, by its name."""
    rows = work.session.scalars(select(ManualRow).where(col(ManualRow.review) == review))
    return {row.strategy: row for row in rows}


def manual_strategies(work: Work, review: str, version: int) -> list[Manual]:
    """The strategies that this version has people search by hand, in its order, and when that was done last."""
    searched = (
        (col(SearchRow.review) == col(ManualRow.review))
        & (col(SearchRow.strategy) == col(ManualRow.strategy))
        & (col(SearchRow.question) == col(ManualRow.question))
    )
    columns = col(ManualRow.strategy), col(ManualRow.database), col(ManualRow.every_days), col(ManualRow.asked_on)
    query = select(*columns, col(SearchRow.searched_on)).select_from(ManualRow).outerjoin(SearchRow, searched)
    query = query.where(col(ManualRow.review) == review, col(ManualRow.protocol_version) == version)
    return [Manual(*row) for row in work.session.execute(query.order_by(col(ManualRow.position)))]


def search_by_hand(work: Work, review: str, strategy: str, question: str) -> SearchRow | None:
    """The last search for a question of a strategy, locked until this work ends."""
    return work.session.get(SearchRow, (review, strategy, question), with_for_update=True)


def open_rejudgement_counts(work: Work, review: str) -> tuple[int, int]:
    """How many re-judgements are open, and how many of them are drills."""
    query = select(func.count(), func.count().filter(col(RejudgementRow.drill))).select_from(RejudgementRow)
    query = query.where(col(RejudgementRow.review) == review, col(RejudgementRow.state) == RejudgementStates.OPEN)
    every, drills = work.session.execute(query).one()
    return every, drills


def _in_chunks(work: Work, query: Select[Row], column: Mapped[str], values: Collection[str]) -> Iterator[Row]:
    for part in _chunks(query, column, values):
        yield from work.session.scalars(part)


def _chunks(query: Any, column: Mapped[Any], values: Collection[Any]) -> Iterator[Any]:
    """A query for some values of a column, in as many as one statement takes."""
    wanted = sorted(values)
    for start in range(0, len(wanted), _IN):
        yield query.where(column.in_(wanted[start : start + _IN]))
