"""Every query of synthesis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select, update

from services.synthesis.domain.cadence import Watch
from services.synthesis.domain.notices import SUSPENDING
from services.synthesis.domain.states import Link, Report, Wording
from services.synthesis.models import (
    ArrivalRow,
    CmocRow,
    DraftRow,
    FragmentRow,
    LinkRow,
    NoticeRow,
    RejudgementRow,
    ReportRow,
    ReviewRow,
    RevisionRow,
    TheoryEventRow,
    TriggerRow,
    WatchRow,
)
from shared.db.work import Work
from shared.errors import NotFound, UnknownReview

#: How many values one IN list holds; SQLite takes 32,766 parameters.
_IN = 5000


# Reviews


def review(work: Work, review: str) -> ReviewRow:
    """Raises NotFound."""
    return _found(work.session.get(ReviewRow, review), review)


def review_to_change(work: Work, review: str) -> ReviewRow:
    """The review, locked until this work ends. Raises NotFound."""
    return _found(work.session.get(ReviewRow, review, with_for_update=True), review)


def review_if_known(work: Work, review: str) -> ReviewRow | None:
    """The review, locked until this work ends, or None before its protocol has come."""
    return work.session.get(ReviewRow, review, with_for_update=True)


def reviews_due_by(work: Work, today: date) -> list[str]:
    return list(work.session.execute(select(ReviewRow.review).where(ReviewRow.next_due <= today)).scalars())


def _found(row: ReviewRow | None, review: str) -> ReviewRow:
    if row is None:
        raise UnknownReview(review)
    return row


# CMOCs


def cmocs(work: Work, review: str) -> dict[str, CmocRow]:
    """Every CMOC the review ever had, by id, in the protocol's order."""
    query = select(CmocRow).where(CmocRow.review == review).order_by(CmocRow.position, CmocRow.cmoc)
    return {row.cmoc: row for row in work.session.execute(query).scalars()}


def known_cmocs(work: Work, review: str, cmocs: Collection[str]) -> dict[str, bool]:
    """Those of these CMOCs that the review ever had, and whether each is set aside."""
    query = select(CmocRow.cmoc, CmocRow.set_aside_at.is_not(None))
    query = query.where(CmocRow.review == review, CmocRow.cmoc.in_(cmocs))
    return {cmoc: bool(set_aside) for cmoc, set_aside in work.session.execute(query)}


def wordings(work: Work, review: str) -> list[Wording]:
    """The CMOCs that the protocol has now, in its order."""
    query = (
        select(
            CmocRow.cmoc, CmocRow.theory, CmocRow.context, CmocRow.resource, CmocRow.reasoning, CmocRow.outcome
        )
        .where(CmocRow.review == review, CmocRow.set_aside_at.is_(None))
        .order_by(CmocRow.position, CmocRow.cmoc)
    )  # fmt: skip
    return [Wording(*row) for row in work.session.execute(query)]


def theory_events(work: Work, review: str, cmoc: str, after: int, limit: int) -> list[TheoryEventRow]:
    """What happened to a CMOC, oldest first."""
    query = select(TheoryEventRow).where(
        TheoryEventRow.review == review, TheoryEventRow.cmoc == cmoc, TheoryEventRow.seq > after
    )
    return list(work.session.execute(query.order_by(TheoryEventRow.seq).limit(limit)).scalars())


# Reports and notices


def report(work: Work, review: str, record: str) -> ReportRow | None:
    """The report of a record as it was decided about, locked until this work ends; it may be merged away."""
    return work.session.get(ReportRow, (review, record), with_for_update=True)


def surviving(work: Work, review: str, record: str) -> tuple[str, ReportRow | None]:
    """The record that lives on where this one was merged away, and its report; locked until this work ends."""
    row, seen = report(work, review, record), {record}
    while row is not None and row.merged_into is not None and row.merged_into not in seen:
        record = row.merged_into
        seen.add(record)
        row = report(work, review, record)
    return record, row


def reports(work: Work, review: str, after: str, limit: int) -> list[ReportRow]:
    """Every report of a review, by record."""
    query = select(ReportRow).where(ReportRow.review == review, ReportRow.record > after)
    return list(work.session.execute(query.order_by(ReportRow.record).limit(limit)).scalars())


def reports_for_synthesis(work: Work, review: str) -> dict[str, Report]:
    """Every report that may have evidence, by record; without its judgements, which are large."""
    stands = (ReportRow.state == "included") & ReportRow.suspended_by.is_(None) & ReportRow.drilled_by.is_(None)
    query = select(ReportRow.record, ReportRow.study, stands, ReportRow.credible)
    query = query.where(ReportRow.review == review, ReportRow.state != "merged")
    return {row[0]: Report(*row) for row in work.session.execute(query)}


def reports_of_studies(work: Work, review: str, studies: Collection[str]) -> list[tuple[str, str, str | None]]:
    """Study, record and title of each included report of these studies."""
    query = select(ReportRow.study, ReportRow.record, ReportRow.title).where(
        ReportRow.review == review, ReportRow.state == "included"
    )
    return [row for row in map(tuple, work.session.execute(query.order_by(ReportRow.record))) if row[0] in studies]


def notice(work: Work, review: str, notice: str) -> NoticeRow | None:
    query = select(NoticeRow).where(NoticeRow.review == review, NoticeRow.notice == notice)
    return work.session.execute(query).scalar_one_or_none()


def notices(work: Work, review: str, records: Collection[str]) -> list[NoticeRow]:
    """The notices about these records, in the order they were heard."""
    query = select(NoticeRow).where(NoticeRow.review == review, NoticeRow.record.in_(records))
    return list(work.session.execute(query.order_by(NoticeRow.seq)).scalars())


def unite_studies(work: Work, review: str, study: str, into: str) -> None:
    """Counts every report of one study as one of another."""
    work.session.execute(
        update(ReportRow).where(ReportRow.review == review, ReportRow.study == study).values(study=into)
    )


def move_evidence(work: Work, review: str, record: str, into: str) -> None:
    """Gives a record's fragments, notices and re-judgements to another; the notices are to be applied to it."""
    session = work.session
    session.execute(
        update(FragmentRow).where(FragmentRow.review == review, FragmentRow.record == record).values(record=into)
    )
    session.execute(
        update(NoticeRow)
        .where(NoticeRow.review == review, NoticeRow.record == record)
        .values(record=into, applied=False)
    )
    session.execute(
        update(RejudgementRow)
        .where(RejudgementRow.review == review, RejudgementRow.record == record)
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
    """The CMOCs that a record's links speak to, withdrawn ones aside."""
    query = (
        select(LinkRow.cmoc, LinkRow.id, LinkRow.event_id)
        .join(FragmentRow, FragmentRow.id == LinkRow.fragment)
        .where(FragmentRow.review == review, FragmentRow.record == record, LinkRow.withdrawn_at.is_(None))
        .order_by(LinkRow.cmoc, LinkRow.seq)
    )
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for cmoc, link, event in work.session.execute(query):
        found[cmoc].append((link, event))
    return [Touched(cmoc, [link for link, _ in links], links[-1][1]) for cmoc, links in found.items()]


def fragments_by_id(work: Work, fragments: Collection[str]) -> dict[str, FragmentRow]:
    return {row.id: row for row in _in_chunks(work, select(FragmentRow), FragmentRow.id, fragments)}


def links_by_id(work: Work, links: Collection[str]) -> dict[str, LinkRow]:
    """Locked until this work ends."""
    return {row.id: row for row in _in_chunks(work, select(LinkRow).with_for_update(), LinkRow.id, links)}


def fragment(work: Work, review: str, fragment: str) -> FragmentRow:
    """Raises NotFound."""
    row = work.session.get(FragmentRow, fragment)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no fragment {fragment!r}")
    return row


def standing_links(work: Work, fragment: str) -> list[LinkRow]:
    """The links of a fragment that are not withdrawn, locked until this work ends."""
    query = select(LinkRow).where(LinkRow.fragment == fragment, LinkRow.withdrawn_at.is_(None)).order_by(LinkRow.seq)
    return list(work.session.execute(query.with_for_update()).scalars())


def links_for_synthesis(work: Work, review: str) -> Iterator[Link]:
    """Every link of a review that is not withdrawn, without its texts."""
    query = (
        select(
            LinkRow.id, LinkRow.fragment, FragmentRow.record, LinkRow.cmoc, LinkRow.element, LinkRow.stance,
            LinkRow.inference,
        )
        .join(FragmentRow, FragmentRow.id == LinkRow.fragment)
        .where(LinkRow.review == review, LinkRow.withdrawn_at.is_(None))
    )  # fmt: skip
    for row in work.session.execute(query):
        yield Link(*row)


Evidence = tuple[LinkRow, FragmentRow, ReportRow]


def evidence(
    work: Work, review: str, *, record: str | None, cmoc: str | None, after: int, limit: int
) -> list[Evidence]:
    """Links with their fragments and reports, in the order they were made; of one record or CMOC where given."""
    query = (
        select(LinkRow, FragmentRow, ReportRow)
        .join(FragmentRow, FragmentRow.id == LinkRow.fragment)
        .join(ReportRow, (ReportRow.review == FragmentRow.review) & (ReportRow.record == FragmentRow.record))
        .where(LinkRow.review == review, LinkRow.seq > after)
    )
    if record is not None:
        query = query.where(FragmentRow.record == record)
    if cmoc is not None:
        query = query.where(LinkRow.cmoc == cmoc)
    return [tuple(row) for row in work.session.execute(query.order_by(LinkRow.seq).limit(limit))]


# Re-judgements and triggers


def rejudgement_to_change(work: Work, review: str, rejudgement: str) -> RejudgementRow:
    """Locked until this work ends. Raises NotFound."""
    row = work.session.get(RejudgementRow, rejudgement, with_for_update=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no re-judgement {rejudgement!r}")
    return row


def rejudgements(work: Work, review: str, state: str | None, after: str, limit: int) -> list[RejudgementRow]:
    """By id; those of one state where given."""
    query = select(RejudgementRow).where(RejudgementRow.review == review, RejudgementRow.id > after)
    if state is not None:
        query = query.where(RejudgementRow.state == state)
    return list(work.session.execute(query.order_by(RejudgementRow.id).limit(limit)).scalars())


def flagged_cmocs(work: Work, review: str) -> set[str]:
    """The CMOCs that somebody must judge anew."""
    query = select(RejudgementRow.cmoc).where(RejudgementRow.review == review, RejudgementRow.state == "open")
    return set(work.session.execute(query).scalars())


def rejudgements_a_reinstatement_ends(work: Work, review: str, record: str, drill: bool) -> list[RejudgementRow]:
    """The open re-judgements of a record that its suspension opened; locked until this work ends."""
    query = select(RejudgementRow).where(
        RejudgementRow.review == review,
        RejudgementRow.record == record,
        RejudgementRow.state == "open",
        RejudgementRow.kind.in_(SUSPENDING),
        RejudgementRow.drill == drill,
    )
    return list(work.session.execute(query.order_by(RejudgementRow.id).with_for_update()).scalars())


def drills_in_force(work: Work, review: str) -> set[str]:
    """The notices of drills that suspend a report or keep a re-judgement open."""
    suspending = select(ReportRow.drilled_by).where(ReportRow.review == review, ReportRow.drilled_by.is_not(None))
    flagging = select(RejudgementRow.notice).where(
        RejudgementRow.review == review, RejudgementRow.state == "open", RejudgementRow.drill
    )
    return set(work.session.execute(suspending).scalars()) | set(work.session.execute(flagging).scalars())


def triggers_of_cycle(work: Work, review: str, cycle: int) -> list[TriggerRow]:
    query = select(TriggerRow).where(TriggerRow.review == review, TriggerRow.cycle == cycle)
    return list(work.session.execute(query.order_by(TriggerRow.seq)).scalars())


def triggers(work: Work, review: str, after: int, limit: int) -> list[TriggerRow]:
    query = select(TriggerRow).where(TriggerRow.review == review, TriggerRow.seq > after)
    return list(work.session.execute(query.order_by(TriggerRow.seq).limit(limit)).scalars())


# Arrivals, drafts and revisions


def due_reviews(work: Work, limit: int = 100) -> list[str]:
    """Reviews with something that arrived and is not taken in; of those whose protocol is known."""
    query = (
        select(ArrivalRow.review)
        .join(ReviewRow, ReviewRow.review == ArrivalRow.review)
        .where(ArrivalRow.heeded_at.is_(None))
        .distinct()
        .order_by(ArrivalRow.review)
        .limit(limit)
    )
    return list(work.session.execute(query).scalars())


def settled(work: Work, review: str) -> bool:
    """Whether all that arrived is taken in."""
    query = select(ArrivalRow.seq).where(ArrivalRow.review == review, ArrivalRow.heeded_at.is_(None)).limit(1)
    return work.session.execute(query).first() is None


def unheeded(work: Work, review: str) -> list[tuple[int, str]]:
    """Place and cause of each arrival not taken in yet."""
    query = select(ArrivalRow.seq, ArrivalRow.cause).where(ArrivalRow.review == review, ArrivalRow.heeded_at.is_(None))
    return [tuple(row) for row in work.session.execute(query.order_by(ArrivalRow.seq))]


def heed(work: Work, arrivals: Sequence[int], at: datetime) -> None:
    """Marks exactly these arrivals as taken in: another one may have arrived since they were read."""
    for start in range(0, len(arrivals), _IN):
        work.session.execute(
            update(ArrivalRow).where(ArrivalRow.seq.in_(arrivals[start : start + _IN])).values(heeded_at=at)
        )


def causes_of_open_cycle(work: Work, review: str) -> list[str]:
    """The events taken in since the last revision, oldest first."""
    query = select(ArrivalRow.cause).where(
        ArrivalRow.review == review, ArrivalRow.cycle.is_(None), ArrivalRow.heeded_at.is_not(None)
    )
    return list(dict.fromkeys(work.session.execute(query.order_by(ArrivalRow.seq)).scalars()))


def close_cycle(work: Work, review: str, cycle: int) -> None:
    """Everything taken in so far belongs to this cycle."""
    taken_in = (ArrivalRow.review == review, ArrivalRow.cycle.is_(None), ArrivalRow.heeded_at.is_not(None))
    work.session.execute(update(ArrivalRow).where(*taken_in).values(cycle=cycle))


def draft(work: Work, review: str) -> DraftRow | None:
    return work.session.get(DraftRow, review)


def newest_revision(work: Work, review: ReviewRow) -> RevisionRow | None:
    return work.session.get(RevisionRow, (review.review, review.revisions)) if review.revisions else None


def revision(work: Work, review: str, number: int) -> RevisionRow:
    """Raises NotFound."""
    row = work.session.get(RevisionRow, (review, number))
    if row is None:
        raise NotFound(f"review {review!r} has no revision {number}")
    return row


def revisions(work: Work, review: str, after: int, limit: int) -> list[tuple[dict[str, object], str]]:
    """Head and content hash of each revision, oldest first; without the contents, which are large."""
    query = select(RevisionRow.head, RevisionRow.content_sha256).where(
        RevisionRow.review == review, RevisionRow.number > after
    )
    return [tuple(row) for row in work.session.execute(query.order_by(RevisionRow.number).limit(limit))]


# How far was searched


def watch(work: Work, review: str, watch: str) -> WatchRow | None:
    return work.session.get(WatchRow, (review, watch), with_for_update=True)


def watches(work: Work, review: str) -> list[Watch]:
    query = select(WatchRow.source, WatchRow.protocol_version, WatchRow.searched_through)
    return [Watch(*row) for row in work.session.execute(query.where(WatchRow.review == review))]


def open_rejudgement_count(work: Work, review: str) -> int:
    query = select(func.count()).select_from(RejudgementRow)
    query = query.where(RejudgementRow.review == review, RejudgementRow.state == "open")
    return work.session.execute(query).scalar_one()


def _in_chunks(work: Work, query: Select, column: object, values: Collection[str]) -> Iterator[object]:
    wanted = sorted(values)
    for start in range(0, len(wanted), _IN):
        yield from work.session.execute(query.where(column.in_(wanted[start : start + _IN]))).scalars()
