"""Views: what the synthesis holds as people see it; why evidence does not stand is said here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from services.synthesis import store
from services.synthesis.domain.cadence import LIVING, RETIRED, searched_through, standing
from services.synthesis.domain.characteristics import is_lacking, state_of, that_stand
from services.synthesis.domain.extraction import (
    Agreed,
    ExtractionStates,
    HeldStates,
    Sides,
    agreement,
    as_decided,
    finished_by,
    may_decide,
    require_finished,
    weighed,
)
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.revisions import content_of, revision_id
from services.synthesis.domain.saturation import Added, Replay, since, unchanged
from services.synthesis.models import (
    AppraisalRow,
    CharacteristicAnswerRow,
    CharacteristicRow,
    CmocRow,
    CodingRow,
    CommentRow,
    ConfidenceRow,
    CourseRow,
    DraftRow,
    ExtractionRow,
    FragmentRow,
    LinkJudgementRow,
    NoticeRow,
    ProposalRow,
    ReconciliationRow,
    RejudgementRow,
    ReportRow,
    ReportTextRow,
    ReviewRow,
    WithdrawnRevisionRow,
)
from services.synthesis.ports.dois.open import Dois
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, Page, PageAsked, cut, of_another, with_one_more
from shared.tokens import Person
from shared.wire.synthesis import (
    AgreedView,
    AnswerView,
    AppraisalView,
    CharacteristicAnswer,
    CharacteristicStanding,
    CharacteristicView,
    CitedNotice,
    CitedReport,
    CitedStudies,
    CmocDrafted,
    CmocStanding,
    CmocView,
    CodingAgreementView,
    CommentsOf,
    CommentView,
    ConfidenceView,
    CourseStep,
    DepositView,
    DifferencesView,
    DifferenceView,
    DraftView,
    EvidenceMoved,
    EvidenceView,
    ExtractionView,
    Held,
    LeftOutOfMap,
    LinkJudgementView,
    ManualSearch,
    MapCmoc,
    MapEdge,
    MapStudy,
    NoticeView,
    ProposalView,
    Quoted,
    QuoteSelector,
    ReconciliationView,
    RejudgementView,
    ReportTextView,
    ReportView,
    RevisionContent,
    RevisionListed,
    Rewording,
    RewordingView,
    Saturation,
    Signing,
    Standing,
    StatusView,
    StudyAdded,
    StudyCell,
    StudyCharacteristics,
    StudyReport,
    StudySpeaking,
    StudyView,
    SupportAt,
    SupportRow,
    SupportTable,
    TheoryMap,
    TheoryText,
    WithdrawnRevision,
)

#: Why a link is held back.
_HELD: dict[Held, str] = {
    HeldStates.CODING: "not all coders of its report have finished",
    HeldStates.DIFFERS: "the coders of its report differ, and nobody has decided",
    HeldStates.DOUBLED: "the other coder of its report says the same, which counts once",
    HeldStates.LEFT: "its coder gave the report back",
}

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
    commented = store.open_comments(work, review)
    preceding = store.newest_number(work, review)
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
        preceding=revision_id(review, preceding) if preceding is not None else None,
        preceding_number=preceding,
        drill=row.drill and not in_part,
        drill_in_part=in_part,
        made_at=row.made_at,
        manual=manual_searches(work, about),
        comments=[CommentsOf(person=by, open=n) for by, n in Counter(by for _, by in commented).most_common()],
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
    archive = _archive(work, row)
    coded = store.count_extractions(work, row.review, [ExtractionStates.OPEN, ExtractionStates.DIFFERING])
    return StatusView(
        state=standing(row.next_due, work.now.date(), row.course),
        settled=store.settled(work, row.review),
        open_rejudgements=rejudgements,
        open_drills=drills,
        searched_through=searched_through(store.watches(work, row.review)),
        manual=manual_searches(work, row),
        to_code=store.count_to_code(work, row.review),
        open_proposals=store.count_open_proposals(work, row.review),
        dois_in_trouble=store.count_deposits_in_trouble(work, row.review, archive) if archive else 0,
        links_to_judge=store.count_links_to_judge(work, row.review),
        open_comments=store.count_open_comments(work, row.review),
        coders_differ=coded.get(ExtractionStates.DIFFERING, 0),
        # What one coder says counts at once, so that nothing waits for them to finish.
        being_coded=coded.get(ExtractionStates.OPEN, 0) if (row.coders or 0) > 1 else 0,
        **row.model_dump(include=set(StatusView.model_fields)),
    )


def standing_view(work: Work, row: ReviewRow, on: date | None) -> Standing:
    """What anybody may know of where a review stands; nothing of what is drafted."""
    newest = store.newest_head(work, row.review)
    until = datetime.combine(on, time.max, UTC) if on is not None else None
    is_at_rest = row.course != LIVING
    in_force = newest if until is None else store.head_before(work, row, until)
    return Standing(
        review=row.review, title=row.title, state=standing(row.next_due, work.now.date(), row.course),
        why=row.course_why if is_at_rest else None, since=row.course_since if is_at_rest else None,
        revisions=row.revisions, last_published=row.last_published, next_due=row.next_due,
        newest=_listed(work, row, newest), in_force=_listed(work, row, in_force),
    )  # fmt: skip


def _listed(work: Work, about: ReviewRow, found: store.Head | None) -> RevisionListed | None:
    return None if found is None else listed(work, about.review, [found])[0]


def course_step(row: CourseRow) -> CourseStep:
    return CourseStep(event=row.event_id, **row.model_dump(include=set(CourseStep.model_fields) - {"event"}))


def withdrawn_view(work: Work, review: str, number: int) -> WithdrawnRevision | None:
    """That a revision was withdrawn, and why; None of one that was not."""
    row = store.withdrawn_revision(work, review, number)
    return None if row is None else withdrawn_of(row)


def withdrawn_of(row: WithdrawnRevisionRow) -> WithdrawnRevision:
    return WithdrawnRevision(**row.model_dump(include=set(WithdrawnRevision.model_fields)))


def listed(work: Work, review: str, found: Sequence[store.Head]) -> list[RevisionListed]:
    """Revisions as listings show them; those that were withdrawn say so."""
    withdrawn = store.withdrawn_revisions(work, review, {head["number"] for head, _ in found})
    return [
        RevisionListed(
            content_sha256=sha256, **head,
            withdrawn=withdrawn_of(row) if (row := withdrawn.get(head["number"])) is not None else None,
        )
        for head, sha256 in found
    ]  # fmt: skip


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


#: Edges that a map has at most, and studies that it has where nobody asks for more or fewer.
MOST_EDGES, USUAL_STUDIES = 2_000, 60


def theory_map(work: Work, about: ReviewRow, theory: str | None, most: int) -> TheoryMap:
    """The theories, their CMOCs, and so many of the studies that speak to them; of one theory, where given. Raises
    NotFound for one that the review has not."""
    review = about.review
    theories = [TheoryText(**it) for it in about.theories if theory in (None, it["theory"])]
    if not theories and theory is not None:
        raise NotFound(f"review {review!r} has no theory {theory!r}", slug="unknown_theory")
    named = {it.theory for it in theories}
    cmocs = [_map_cmoc(it) for it in store.stated(work, review, theory) if it.theory in named]
    ids = [it.cmoc for it in cmocs]
    studies = store.speaking_studies(work, review, ids, most)
    reports = {it.study: it for it in _studies(work, review, [it.study for it in studies])}
    found = store.edges(work, review, ids, [it.study for it in studies], MOST_EDGES)
    edges = [MapEdge(cmoc=it[0], study=it[1], stance=it[2], links=it[3], explicit=it[4]) for it in found]
    return TheoryMap(
        review=review, title=about.title, settled=store.settled(work, review), theories=theories, cmocs=cmocs,
        edges=edges,
        studies=[MapStudy(**_named(it.study, reports.get(it.study)), links=it.links) for it in studies],
        left_out=LeftOutOfMap(
            studies=studies[0].of - len(studies) if studies else 0,
            links=max(0, sum(it.links for it in cmocs) - sum(it.links for it in edges)),
        ),
    )  # fmt: skip


def _map_cmoc(it: store.Stated) -> MapCmoc:
    words, stances = it.said, it.said["stances"]
    return MapCmoc(
        cmoc=it.cmoc, theory=it.theory, reasoning=words["reasoning"], outcome=words["outcome"], status=it.status,
        support=it.support, flagged=it.flagged, links=sum(stances.values()), stances=stances,
    )  # fmt: skip


def _named(study: str, it: StudyView | None) -> dict[str, Any]:
    """A study with the first of its reports."""
    if it is None:
        return {"study": study, "record": None, "title": None, "reports": 0}
    return {"study": study, "record": it.records[0], "title": it.titles[0] or None, "reports": len(it.records)}


def studies_speaking(work: Work, review: str, studies: Sequence[str]) -> list[StudySpeaking]:
    """What each of these studies speaks to."""
    reports = {it.study: it for it in _studies(work, review, studies)}
    cells: dict[str, list[StudyCell]] = defaultdict(list)
    for study, cmoc, element, stance, links, explicit in store.cells(work, review, studies):
        cells[study].append(StudyCell(cmoc=cmoc, element=element, stance=stance, links=links, explicit=explicit))
    return [StudySpeaking(**_named(study, reports.get(study)), cells=cells[study]) for study in studies]


def supports_at(work: Work, review: str, frozen: Sequence[str]) -> list[SupportAt]:
    """How each CMOC stood by what was signed."""
    contents = [content_of(it) for it in frozen]
    withdrawn = store.withdrawn_revisions(work, review, {it.number for it in contents})
    kept = set(SupportAt.model_fields) & set(RevisionContent.model_fields)
    return [
        SupportAt(states=it.body.states, withdrawn=it.number in withdrawn, **it.model_dump(include=kept))
        for it in contents
    ]


def saturation(work: Work, about: ReviewRow) -> Saturation:
    """How much each added study still changes, in numbers."""
    review, added = about.review, _added(work, about.review)
    major, minor = (_listed(work, about, store.last_of_class(work, review, it)) for it in ("MAJOR", "MINOR"))
    return Saturation(
        review=review, settled=store.settled(work, review), studies=len(added),
        speaking=sum(1 for it in added if it.speaks), unchanged=unchanged(added), last_major=major, last_minor=minor,
        since_major=since(added, major.signed_at if major else None),
        since_minor=since(added, minor.signed_at if minor else None),
    )  # fmt: skip


def studies_added(work: Work, review: str, page: PageAsked, *, newest_first: bool) -> Found[StudyAdded]:
    """What each study changed, in the order in which they came or the other way round. Raises Invalid for a position
    that is none of this listing."""
    added = list(enumerate(_added(work, review), 1))
    if newest_first:
        added.reverse()
    begin = 0
    if page.after is not None:
        if len(page.after) != 1 or type(page.after[0]) is not int:
            raise of_another()
        begin = next((at for at, it in enumerate(added, 1) if it[0] == page.after[0]), len(added))
    some = cut(added[begin : begin + with_one_more(page.limit)], page, lambda it: [it[0]])
    reports = {it.study: it for it in _studies(work, review, [one.study for _, one in some.rows])}
    return Found([
        StudyAdded(
            nth=nth, **_named(one.study, reports.get(one.study)) , coded_at=one.coded_at,
            links=one.links, gone=one.gone, change=one.change, changes=one.changes,
        )
        for nth, one in some.rows
    ], some.next)  # fmt: skip


def _added(work: Work, review: str) -> list[Added]:
    """Every study as it was added, of the evidence that counts today."""
    replay = Replay(it.cmoc for it in store.wordings(work, review))
    for coded in store.coded(work, review):
        replay.take(coded.link, coded.report, coded.at, withdrawn=coded.withdrawn)
    return replay.added()


def evidence_view(found: store.Evidence) -> EvidenceView:
    link, fragment, report = found
    return EvidenceView(
        link=link.id,
        record=report.record,
        study=report.study,
        title=report.title,
        event=link.event_id,
        stands=link.withdrawn_at is None and link.held is None and report.stands,
        why_not=_why_not(found),
        held=link.held if link.withdrawn_at is None else None,
        quoted=_quoted(fragment),
        selector=_selector(fragment),
        **link.model_dump(
            include={
                "fragment",
                "cmoc",
                "element",
                "stance",
                "inference",
                "rationale",
                "credibility",
                "linked_at",
                "asked_version",
            }
        ),
        **fragment.model_dump(include={"locator", "quote", "paraphrase", "data_type", "coder", "proposed_by"}),
    )


def extraction_view(work: Work, row: ExtractionRow) -> ExtractionView:
    """A report that waits for its coders, as whoever asks may see it."""
    return extraction_views(work, [(row, store.titles(work, row.review, [row.record]).get(row.record))])[0]


def extraction_views(work: Work, rows: Sequence[tuple[ExtractionRow, str | None]]) -> list[ExtractionView]:
    """Several of them. Who codes a report is told once all have finished."""
    codings = store.codings(work, {row.id for row, _ in rows})
    return [_extraction(work, row, title, codings[row.id]) for row, title in rows]


def _extraction(work: Work, row: ExtractionRow, title: str | None, codings: Sequence[CodingRow]) -> ExtractionView:
    finished = finished_by(codings)
    mine = next((it for it in codings if it.person == work.actor), None)
    return ExtractionView(
        extraction=row.id, title=title, taken=sum(it.person is not None for it in codings), finished=len(finished),
        mine=mine is not None, until=mine.expires_at if mine is not None else None,
        finished_by=finished if len(finished) == row.coders else [],
        **row.model_dump(include={"record", "state", "coders", "opened_at"}),
    )  # fmt: skip


def differences(work: Work, row: ExtractionRow, person: Person) -> DifferencesView:
    """What two coders say, side by side. Raises Conflict before both have finished."""
    codings = store.codings(work, [row.id])[row.id]
    require_finished(row.state, finished := finished_by(codings), row.coders)
    rows, decisions = store.coded_links(work, row.id), store.reconciliations(work, row.id)
    sides = weighed(row.id, row.coders, finished, store.coded_of(rows), store.kept_of(decisions, rows)).sides
    asked = {it.link for side in sides for it in side.links}
    asked.update(link for it in decisions for link in it.kept + it.dropped)
    # What was decided of may be coded anew by now, in another extraction whose coders have not finished.
    found = store.evidence_of(work, row.review, asked, person.id, finished=row.id)
    shown = {it[0].id: evidence_view(it) for it in found}
    decided = {it.difference: reconciliation_view(it) for it in decisions}
    return DifferencesView(
        extraction=extraction_view(work, row),
        differences=[
            DifferenceView(
                difference=side.difference, kind=side.kind, cmoc=side.links[0].cmoc, element=side.links[0].element,
                first=shown[side.first.link] if side.first is not None else None,
                second=shown[side.second.link] if side.second is not None else None, decided=side.decided,
                decision=decided.get(side.difference) if side.decided else None,
            )
            for side in _as_they_stood(sides, decisions, finished, found)
        ],
        reconciliations=[reconciliation_view(it) for it in decisions],
        decides=person.has("reviewer") and may_decide(store.review(work, row.review).reconciled_by, finished, person),
    )  # fmt: skip


def _as_they_stood(
    sides: Sequence[Sides],
    decisions: Sequence[ReconciliationRow],
    finished: Sequence[str],
    found: Sequence[store.Evidence],
) -> list[Sides]:
    """What is side by side now; in the stead of what is left of a difference that people decided, that difference."""
    coded = {it.link: it for it in store.coded_of((link, fragment) for link, fragment, _ in found)}
    # Of a difference that came up again, and is open, nothing is decided.
    now = [it for it in sides if it.kind == "agreed" or not it.decided]
    open_again = {it.difference for it in now}
    before = {
        it.difference: as_decided(it.difference, finished, [coded[at] for at in it.kept + it.dropped if at in coded])
        for it in decisions
        if it.difference not in open_again
    }
    return [*now, *(it for it in before.values() if it is not None)]


def reconciliation_view(row: ReconciliationRow) -> ReconciliationView:
    return ReconciliationView(
        event=row.event_id, **row.model_dump(include=set(ReconciliationView.model_fields) - {"event"})
    )


def coding_agreement(work: Work, review: str) -> CodingAgreementView:
    """How far coders agreed, over the reports that both have finished."""
    found = agreement(store.pairs(work, review))
    finished = store.count_extractions(work, review, [ExtractionStates.DIFFERING, ExtractionStates.DONE])
    return CodingAgreementView(
        review=review,
        reports=sum(finished.values()),
        every=_agreed(found.every),
        where_both=_agreed(found.where_both),
        by_element={element: _agreed(it) for element, it in found.by_element.items()},
        by_stance={stance: _agreed(it) for stance, it in found.by_stance.items()},
    )


def _agreed(it: Agreed) -> AgreedView:
    return AgreedView(n=it.n, agreed=it.agreed, alpha=it.alpha)


def appraisal_view(row: AppraisalRow) -> AppraisalView:
    return AppraisalView(event=row.event_id, **row.model_dump(include=set(AppraisalView.model_fields) - {"event"}))


def confidence_view(row: ConfidenceRow) -> ConfidenceView:
    return ConfidenceView(event=row.event_id, **row.model_dump(include=set(ConfidenceView.model_fields) - {"event"}))


def reworded_views(work: Work, review: str, rows: list[store.Reworded]) -> list[RewordingView]:
    """Elements that read otherwise than when links to them were coded, with what became of their words since then."""
    words = store.rewordings(work, review, {cmoc for cmoc, *_ in rows})
    return [
        RewordingView(
            cmoc=cmoc, element=element, links=links, since_version=since,
            rewordings=[
                Rewording(**it.model_dump(include=set(Rewording.model_fields)))
                for it in words.get(cmoc, [])
                if it.protocol_version >= since and element in (it.part, "whole")
            ],
        )
        for cmoc, element, links, since in rows
    ]  # fmt: skip


def link_judgement_view(row: LinkJudgementRow) -> LinkJudgementView:
    return LinkJudgementView(
        event=row.event_id, **row.model_dump(include=set(LinkJudgementView.model_fields) - {"event"})
    )


def comment_views(work: Work, review: ReviewRow, rows: list[CommentRow]) -> list[CommentView]:
    """Comments with their answers, and whether the line that each is on reads otherwise by now."""
    answers = store.answers(work, [row.id for row in rows])
    lines = store.lines(work, review, {row.cmoc for row in rows if row.cmoc is not None})
    kept = set(CommentView.model_fields) - {"comment", "words_now", "earlier", "answers", "event"}
    return [
        CommentView(
            comment=row.id,
            event=row.event_id,
            words_now=(now := lines.get(row.line)),
            earlier=now != row.words,
            answers=[AnswerView(text=it.text, by=it.by, at=it.at) for it in answers.get(row.id, [])],
            **row.model_dump(include=kept),
        )
        for row in rows
    ]


def signing_view(work: Work, review: str, number: int) -> Signing:
    """How a revision was signed. Raises NotFound."""
    content = content_of(store.revision(work, review, number).content)
    row = store.signing(work, review, number)
    return Signing(
        review=review, number=number, signed_by=content.signed_by, signed_at=content.signed_at,
        open_comments=row.open_comments if row is not None else 0, despite=row.despite if row is not None else None,
        comments=row.comments if row is not None else [],
    )  # fmt: skip


def report_text_view(row: ReportTextRow, about: ReviewRow) -> ReportTextView:
    shown = row.model_dump(include=set(ReportTextView.model_fields) - {"event", "out_of_date"})
    return ReportTextView(event=row.event_id, out_of_date=row.is_behind(about), **shown)


def characteristic_view(row: CharacteristicRow) -> CharacteristicView:
    return CharacteristicView(**row.model_dump(include=set(CharacteristicView.model_fields)))


def asked_of_studies(work: Work, review: str) -> list[CharacteristicRow]:
    """What the protocol asks of each study, in its order."""
    return [row for row in store.characteristics(work, review).values() if row.asked]


def characteristic_answer_view(
    row: CharacteristicAnswerRow, asked: Mapping[str, CharacteristicRow]
) -> CharacteristicAnswer:
    question = asked.get(row.characteristic)
    earlier = question is None or not question.asked or row.protocol_version < question.since
    shown = row.model_dump(include=set(CharacteristicAnswer.model_fields) - {"answer", "earlier", "value"})
    return CharacteristicAnswer(answer=row.id, earlier=earlier, value=row.value, **shown)


def study_characteristics(
    work: Work, review: str, studies: Sequence[str], person: str | None
) -> list[StudyCharacteristics]:
    """What is known of these studies, as a person may see it; without one, as everybody may."""
    asked = {row.name: row for row in asked_of_studies(work, review)}
    reports: dict[str, list[ReportRow]] = defaultdict(list)
    for report in store.included_reports(work, review, studies):
        reports[report.study].append(report)
    of_study = {it.record: study for study, some in reports.items() for it in some}
    answers: dict[str, dict[str, list[CharacteristicAnswerRow]]] = defaultdict(lambda: defaultdict(list))
    for row in store.characteristic_answers(work, review, of_study, person):
        answers[of_study[row.record]][row.characteristic].append(row)
    return [_study(study, reports[study], asked, answers[study]) for study in studies]


def characteristics_of(work: Work, review: str, record: str, person: str) -> StudyCharacteristics:
    """The same of the study that a record's report is of. Raises NotFound for one that is not included."""
    name, row = store.surviving_to_read(work, review, record)
    if row is None or row.state != ReportStates.INCLUDED:
        store.review(work, review)
        raise NotFound(f"review {review!r} has no included report of record {name!r}", slug="unknown_record")
    return study_characteristics(work, review, [row.study], person)[0]


def _study(
    study: str,
    reports: Sequence[ReportRow],
    asked: Mapping[str, CharacteristicRow],
    answers: Mapping[str, Sequence[CharacteristicAnswerRow]],
) -> StudyCharacteristics:
    stand = [_characteristic(row, answers.get(name, []), asked) for name, row in asked.items()]
    return StudyCharacteristics(
        study=study,
        reports=[StudyReport(record=it.record, title=it.title, suspended=it.suspended) for it in reports],
        characteristics=stand,
        lacking=sum(it.lacking for it in stand),
        apart=sum(it.state == "differs" for it in stand),
    )


def _characteristic(
    question: CharacteristicRow, rows: Sequence[CharacteristicAnswerRow], asked: Mapping[str, CharacteristicRow]
) -> CharacteristicStanding:
    by_id = {row.id: row for row in rows}
    stand = that_stand(row.answered for row in rows)
    return CharacteristicStanding(
        characteristic=question.name,
        state=state_of(stand),
        lacking=is_lacking(stand, required=question.required, since=question.since),
        answers=[characteristic_answer_view(by_id[it.answer], asked) for it in stand],
    )


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
    if link.held is not None:
        return _HELD[link.held]
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


def _archive(work: Work, row: ReviewRow) -> str | None:
    """The archive in which revisions of a review are deposited now; None where they are not."""
    archive = work.resource(Dois).archive_of(row.review)
    return archive.name if archive is not None and row.course != RETIRED else None


def deposits(work: Work, row: ReviewRow, page: PageAsked) -> Page[DepositView]:
    """Those of a review; nothing is tried again where it is not deposited any more. Of one that an archive has and
    whose revision was withdrawn since, that it was."""
    archive, found = _archive(work, row), store.deposits(work, row.review, page)
    numbers = {it.number for it in found.rows if it.doi is not None}
    withdrawn = store.withdrawn_revisions(work, row.review, numbers)
    return found.page(
        lambda it: DepositView(
            again_at=it.due_at if it.archive == archive else None,
            withdrawn=it.number in withdrawn,
            **it.model_dump(include=set(DepositView.model_fields)),
        )
    )


def proposal_view(row: ProposalRow) -> ProposalView:
    return ProposalView(
        proposal=row.id,
        event=row.event_id,
        cmocs=row.cmocs,
        **row.model_dump(exclude={"id", "event_id", "cmoc", "other", "declined_links"}),
    )


def rejudgement_view(row: RejudgementRow) -> RejudgementView:
    return RejudgementView(rejudgement=row.id, **row.model_dump(exclude={"id"}))
