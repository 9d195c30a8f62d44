"""Views: what the synthesis holds as people see it; why evidence does not stand is said here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time

from services.synthesis import store
from services.synthesis.domain.cadence import LIVING, searched_through, standing
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.revisions import revision_id
from services.synthesis.models import (
    AppraisalRow,
    CmocRow,
    ConfidenceRow,
    DraftRow,
    FragmentRow,
    NoticeRow,
    ProposalRow,
    RejudgementRow,
    ReportRow,
    ReportTextRow,
    ReviewRow,
)
from shared.db.work import Work
from shared.wire.synthesis import (
    AppraisalView,
    CitedNotice,
    CitedReport,
    CitedStudies,
    CmocDrafted,
    CmocStanding,
    CmocView,
    ConfidenceView,
    DraftView,
    EvidenceMoved,
    EvidenceView,
    ManualSearch,
    NoticeView,
    ProposalView,
    Quoted,
    QuoteSelector,
    RejudgementView,
    ReportTextView,
    ReportView,
    RevisionContent,
    RevisionListed,
    Standing,
    StatusView,
    StudyView,
    SupportRow,
    SupportTable,
    TheoryText,
)

#: What of a fragment says where its quote is, under the same name.
_SELECTED = {"anchor", "parse_sha256", "page", "quote_sha256", "salt", "lost"}


def support_table(work: Work, draft: DraftRow) -> SupportTable:
    """Support of every CMOC, with the studies that each counts."""
    review, said = draft.review, store.said(work, draft.review)
    return SupportTable(
        review=review,
        draft=draft.draft,
        settled=store.settled(work, review),
        rows=[
            SupportRow(links=len(one.links), **one.model_dump(include=set(SupportRow.model_fields) - {"links"}))
            for one in said
        ],
        studies=_studies(work, review, {study for statement in said for study in statement.studies}),
    )


def cmoc_standing(work: Work, row: CmocRow) -> CmocStanding:
    """One CMOC, and what would be published of it now."""
    said = next((it.statement for it in store.statements(work, row.review, [row.cmoc])), None)
    named = {study for reason in said.reasons for study in reason.studies} | {*said.studies} if said else set()
    return CmocStanding(
        about=CmocView(**row.model_dump()),
        drafted=CmocDrafted(**said.model_dump(include=set(CmocDrafted.model_fields))) if said else None,
        studies=_studies(work, row.review, named),
    )


def _studies(work: Work, review: str, studies: Collection[str]) -> list[StudyView]:
    """These studies, each with the included reports of it."""
    records: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for study, record, title in store.reports_of_studies(work, review, studies):
        records[study].append((record, title))
    return [
        StudyView(study=study, records=[one for one, _ in of], titles=[title or "" for _, title in of])
        for study, of in sorted(records.items())
    ]


def draft_view(work: Work, row: DraftRow, about: ReviewRow) -> DraftView:
    """A draft, and how it differs from the newest revision."""
    review = row.review
    said, changes = store.drafted(work, row)
    in_part = row.drill and store.is_in_earnest(work, review)
    return DraftView(
        review=review,
        draft=row.draft,
        number=row.number,
        cycle=row.number,
        title=about.title,
        settled=store.settled(work, review),
        change_class=row.change_class,
        theories=[TheoryText(**theory) for theory in row.theories],
        cmocs=[CmocDrafted(**one.model_dump(include=set(CmocDrafted.model_fields))) for one in said],
        states=[one.state for one in said],
        changes=changes,
        evidence=EvidenceMoved(added=row.added, withdrawn=row.withdrawn),
        counts=store.counts(work, review),
        fragments_sha256=row.fragments_sha256,
        preceding=revision_id(review, row.number - 1) if row.number > 1 else None,
        drill=row.drill and not in_part,
        drill_in_part=in_part,
        made_at=row.made_at,
        manual=manual_searches(work, about),
    )


def manual_searches(work: Work, row: ReviewRow) -> list[ManualSearch]:
    """The strategies that people search by hand, and how they stand today."""
    today = work.now.astimezone(UTC).date()
    return [
        ManualSearch(
            strategy=it.strategy, database=it.database, searched_on=it.searched_on, due=it.due,
            standing=it.standing(today),
        )
        for it in store.manual_strategies(work, row.review, row.protocol_version)
    ]  # fmt: skip


def status(work: Work, row: ReviewRow) -> StatusView:
    rejudgements, drills = store.open_rejudgement_counts(work, row.review)
    return StatusView(
        state=standing(row.next_due, work.now.date(), row.course),
        settled=store.settled(work, row.review),
        open_rejudgements=rejudgements,
        open_drills=drills,
        searched_through=searched_through(store.watches(work, row.review)),
        manual=manual_searches(work, row),
        to_code=store.count_to_code(work, row.review),
        open_proposals=store.count_open_proposals(work, row.review),
        **row.model_dump(include=set(StatusView.model_fields)),
    )


def standing_view(work: Work, row: ReviewRow, on: date | None) -> Standing:
    """What anybody may know of where a review stands; nothing of what is drafted."""
    newest = store.head(work, row.review, row.revisions)
    until = datetime.combine(on, time.max, UTC) if on is not None else None
    is_at_rest = row.course != LIVING
    in_force = newest if until is None else store.head_before(work, row, until)
    return Standing(
        review=row.review, title=row.title, state=standing(row.next_due, work.now.date(), row.course),
        why=row.course_why if is_at_rest else None, since=row.course_since if is_at_rest else None,
        revisions=row.revisions, last_published=row.last_published, next_due=row.next_due, newest=_listed(newest),
        in_force=_listed(in_force),
    )  # fmt: skip


def _listed(found: store.Head | None) -> RevisionListed | None:
    return None if found is None else RevisionListed(content_sha256=found[1], **found[0])


def cited_studies(work: Work, content: RevisionContent) -> CitedStudies:
    """The reports that a revision rests on, with what was noticed about them by today."""
    found = store.reports_behind(work, content.review, content.body.links)
    noticed: dict[str, list[CitedNotice]] = defaultdict(list)
    for notice in store.notices(work, content.review, [row.record for row, _ in found]):
        if not notice.drill:
            shown = notice.model_dump(include=set(CitedNotice.model_fields))
            noticed[notice.record].append(CitedNotice(**shown))
    return CitedStudies(
        review=content.review,
        number=content.number,
        reports=[
            CitedReport(
                record=row.record, title=row.title, study=row.study, cmocs=cmocs, struck=row.suspended_by is not None,
                notices=noticed[row.record],
            )
            for row, cmocs in found
        ],
    )  # fmt: skip


def evidence_view(found: store.Evidence) -> EvidenceView:
    link, fragment, report = found
    return EvidenceView(
        link=link.id,
        record=report.record,
        study=report.study,
        title=report.title,
        event=link.event_id,
        stands=link.withdrawn_at is None and report.stands,
        why_not=_why_not(found),
        quoted=_quoted(fragment),
        selector=_selector(fragment),
        **link.model_dump(
            include={"fragment", "cmoc", "element", "stance", "inference", "rationale", "credibility", "linked_at"}
        ),
        **fragment.model_dump(include={"locator", "quote", "paraphrase", "data_type", "coder"}),
    )


def appraisal_view(row: AppraisalRow) -> AppraisalView:
    return AppraisalView(event=row.event_id, **row.model_dump(include=set(AppraisalView.model_fields) - {"event"}))


def confidence_view(row: ConfidenceRow) -> ConfidenceView:
    return ConfidenceView(event=row.event_id, **row.model_dump(include=set(ConfidenceView.model_fields) - {"event"}))


def report_text_view(row: ReportTextRow, about: ReviewRow) -> ReportTextView:
    shown = row.model_dump(include=set(ReportTextView.model_fields) - {"event", "out_of_date"})
    return ReportTextView(event=row.event_id, out_of_date=row.is_behind(about), **shown)


def _quoted(row: FragmentRow) -> Quoted | None:
    if row.anchor is None:
        return "as_given" if row.quote is not None else None
    if row.lost is not None:
        return "lost"
    return "verified" if row.quote is not None else "withheld"


def _selector(row: FragmentRow) -> QuoteSelector | None:
    if row.anchor is None:
        return None
    where = {"text": row.text_copy, "start": row.begins, "end": row.ends}
    return QuoteSelector.model_validate(row.model_dump(include=_SELECTED) | where)


def _why_not(found: store.Evidence) -> str | None:
    link, _, report = found
    if link.withdrawn_at is not None:
        return f"withdrawn by {link.withdrawn_by}: {link.withdrawn_why}"
    if report.state != ReportStates.INCLUDED:
        return f"its report is {report.state}"
    if report.suspended_by is not None:
        return f"its report is suspended by notice {report.suspended_by}"
    return f"its report is suspended by the drill {report.drilled_by}" if report.drilled_by else None


def report_views(work: Work, review: str, rows: list[ReportRow]) -> list[ReportView]:
    noticed: dict[str, list[NoticeRow]] = defaultdict(list)
    for notice in store.notices(work, review, [row.record for row in rows]):
        noticed[notice.record].append(notice)
    return [
        ReportView(
            stands=row.stands,
            suspended=row.suspended,
            event=row.caused_by,
            notices=[NoticeView(**notice.model_dump()) for notice in noticed[row.record]],
            **row.model_dump(include={"record", "state", "study", "title", "merged_into"}),
        )
        for row in rows
    ]


def proposal_view(row: ProposalRow) -> ProposalView:
    return ProposalView(
        proposal=row.id,
        event=row.event_id,
        cmocs=row.cmocs,
        **row.model_dump(exclude={"id", "event_id", "cmoc", "other", "declined_links"}),
    )


def rejudgement_view(row: RejudgementRow) -> RejudgementView:
    return RejudgementView(rejudgement=row.id, **row.model_dump(exclude={"id"}))
