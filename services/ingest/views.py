"""Views: rows of ingest as people see them, with what belongs to them, fetched for a page at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import timedelta

from services.ingest import store
from services.ingest.domain import copies, quotas
from services.ingest.domain.texts import RetrievalStates
from services.ingest.models import (
    CitationRow,
    CorrectionRow,
    DuplicateRow,
    ExportRow,
    ImportRow,
    NoticeRow,
    OpenCopiesRow,
    QuotaRow,
    RecordRow,
    RejectionRow,
    ReparseRow,
    RetrievalRow,
    RulingRow,
    RunRow,
    SourceRecordRow,
    TextRow,
    WatchRow,
)
from services.ingest.ports.libraries.catalog import lacks_of
from shared.db.work import Work
from shared.events.ingest import Bibliography, RunCounts
from shared.wire.ingest import (
    CitationView,
    CopyCounts,
    CorrectionView,
    DuplicateView,
    ExportView,
    ImportView,
    MergeView,
    NoticeView,
    OpenCopiesView,
    OpenCopyView,
    ParkedView,
    QuotaView,
    RecordCopiesView,
    RecordSummary,
    RecordTexts,
    RecordView,
    RejectionView,
    RelationView,
    ReparseView,
    RetrievalCounts,
    RetrievalView,
    RulingView,
    RunView,
    SourceRecordView,
    SplitView,
    TextView,
    WatchView,
)


def watch_views(work: Work, rows: Iterable[WatchRow]) -> list[WatchView]:
    rows = list(rows)
    last = store.last_runs(work, [row.id for row in rows])
    return [
        WatchView(watch=row.id, **row.model_dump(), last_run=run_view(last[row.id]) if row.id in last else None)
        for row in rows
    ]


def watch_view(work: Work, row: WatchRow) -> WatchView:
    return watch_views(work, [row])[0]


def quota_view(row: QuotaRow) -> QuotaView:
    figures = asdict(quotas.figures(row.said))
    return QuotaView(**row.model_dump(exclude={"spent"}), **figures, spent_usd=row.spent / 1_000_000)


def parked_views(work: Work, sources: Collection[str] | None = None) -> list[ParkedView]:
    """The sources that are left alone now, or those of them that are among these."""
    rows = store.parked_sources(work, work.now)
    return [ParkedView(**row.model_dump()) for row in rows if sources is None or row.source in sources]


def run_view(row: RunRow) -> RunView:
    return RunView(run=row.id, **row.model_dump(), counts=row.counts)


def rejection_view(row: RejectionRow) -> RejectionView:
    return RejectionView(rejection=row.id, **row.model_dump())


def import_views(work: Work, rows: Collection[ImportRow]) -> list[ImportView]:
    """Imports with the counts and remarks of their runs; one whose file was not opened yet has none."""
    runs = store.runs(work, [row.run for row in rows if row.run is not None])
    return [_import_view(row, runs.get(row.run or "")) for row in rows]


def _import_view(row: ImportRow, run: RunRow | None) -> ImportView:
    counts, remarks = (run.counts, run.remarks) if run is not None else (RunCounts(), [])
    return ImportView(**row.model_dump(exclude={"asked_format"}), counts=counts, remarks=remarks)


def export_view(work: Work, row: ExportRow) -> ExportView:
    kept_until = row.ended_at + timedelta(days=work.settings.export_days) if row.ended_at else None
    return ExportView(**row.model_dump(), lacks=sorted(lacks_of(row.format)), kept_until=kept_until)


def reparse_view(work: Work, row: ReparseRow) -> ReparseView:
    return ReparseView(reparse=row.id, **row.model_dump(), left=store.count_open_rejections(work, row))


def notice_view(row: NoticeRow) -> NoticeView:
    return NoticeView(notice=row.id, **row.model_dump())


def record_summary(row: RecordRow) -> RecordSummary:
    described = Bibliography.model_validate(row.bibliography)
    return RecordSummary(
        record=row.id,
        revision=row.revision,
        title=described.title,
        authors=described.authors,
        venue=described.venue,
        published=described.published,
        identifiers=described.identifiers,
        sources=[f"{one.source}:{one.id}" for one in described.sources],
        merged_into=row.merged_into,
    )


def record_view(work: Work, row: RecordRow) -> RecordView:
    """A record with all that it was made of, what was said of it, and what it says of others."""
    members = store.members_of(work, [row.id])
    return RecordView(
        record=row.id,
        **row.model_dump(),
        source_records=[SourceRecordView(**one.model_dump()) for one in members],
        merges=[MergeView(**one.model_dump()) for one in store.merges_into(work, row.id)],
        splits=[SplitView(**one.model_dump()) for one in store.splits_of(work, row.id)],
        corrections=[
            correction_view(one)
            for one in store.corrections_of(work, row.review, [(each.source, each.source_id) for each in members])
        ],
        relations=_relations(work, row.id),
        notices=[notice_view(one) for one in store.notices_of(work, [row.id])],
        strikes=[
            notice_view(claim)
            for one in members
            for claim in store.claims_of(work, row.review, one.source, [one.source_id])
            if claim.waits_for is not None
        ],
        open_copies=[copies_view(one) for one in store.open_copies(work, _dois(row, members)).values()],
    )


def correction_view(row: CorrectionRow) -> CorrectionView:
    about = row.model_dump(exclude={"id", "value"})
    return CorrectionView(correction=row.id, source_record=f"{row.source}:{row.source_id}", value=row.value[0], **about)


def _relations(work: Work, record: str) -> list[RelationView]:
    """The other records that hang together with this one."""
    rows = store.relations_of(work, [record])
    others = [(row, row.second if row.first == record else row.first) for row in rows]
    known = store.records(work, {other for _, other in others})
    return [
        RelationView(
            record=other, title=Bibliography.model_validate(known[other].bibliography).title,
            **row.model_dump(include={"kind", "evidence", "found_at"}),
        )
        for row, other in others
    ]  # fmt: skip


def ruling_view(work: Work, row: RulingRow) -> RulingView:
    return ruling_views(work, [row])[0]


def ruling_views(work: Work, rows: Collection[RulingRow]) -> list[RulingView]:
    """Rulings, each with the records that its source records are in now."""
    about = {row.id: [(source, source_id) for source, source_id in (*row.one, *row.other)] for row in rows}
    homes: dict[str, dict[tuple[str, str], str]] = {}
    for review in {row.review for row in rows}:
        keys = {key for row in rows if row.review == review for key in about[row.id]}
        homes[review] = {(one.source, one.source_id): one.record for one in store.kept(work, review, keys)}
    return [
        RulingView(
            ruling=row.id,
            records=sorted({homes[row.review][key] for key in about[row.id] if key in homes[row.review]}),
            one=[":".join(key) for key in row.one], other=[":".join(key) for key in row.other],
            **row.model_dump(exclude={"id", "review", "one", "other"}),
        )
        for row in rows
    ]  # fmt: skip


def _dois(row: RecordRow, members: Iterable[SourceRecordRow]) -> list[str]:
    """Every DOI that a record is or was known by, its own first."""
    named = [(one.content.get("identifiers") or {}).get("doi") for one in members]
    return list(dict.fromkeys(doi for doi in (row.doi, *sorted(filter(None, named))) if doi))


def copies_view(row: OpenCopiesRow) -> OpenCopiesView:
    return OpenCopiesView(**row.model_dump(), copies=[OpenCopyView(**one) for one in row.locations])


def record_copies_views(work: Work, rows: list[RecordRow]) -> list[RecordCopiesView]:
    known = store.open_copies(work, {row.doi for row in rows if row.doi})
    return [
        RecordCopiesView(
            record=row.id, title=Bibliography.model_validate(row.bibliography).title, doi=row.doi,
            open_copies=copies_view(known[row.doi]) if row.doi in known else None,
        )
        for row in rows
    ]  # fmt: skip


def copy_counts(work: Work, review: str) -> CopyCounts:
    counted = store.count_copies(work, review)
    answered = {found: sum(each.records for each in counted if each.found == found) for found in copies.FOUND}
    troubled = sum(each.records for each in counted if each.is_troubled)
    return CopyCounts(
        **answered,
        not_asked=sum(each.records for each in counted if each.has_doi and each.found is None),
        without_doi=sum(each.records for each in counted if not each.has_doi),
        troubled=troubled,
        trouble=store.trouble_with_copies(work, review) if troubled else None,
        asks=bool(work.settings.contact),
    )


def text_view(row: TextRow) -> TextView:
    return TextView(text=row.id, **row.model_dump())


def record_texts(work: Work, row: RecordRow) -> RecordTexts:
    """A record's copies, and whether one is sought."""
    retrieval = store.retrievals(work, [row.id]).get(row.id)
    return RecordTexts(
        record=row.id,
        retrieval=retrieval_views(work, [retrieval])[0] if retrieval else None,
        texts=[text_view(each) for each in store.texts_of(work, [row.id])],
    )


def retrieval_views(work: Work, rows: Collection[RetrievalRow]) -> list[RetrievalView]:
    known = store.records(work, [row.record for row in rows])
    titles = {one: Bibliography.model_validate(row.bibliography).title for one, row in known.items()}
    return [RetrievalView(title=titles.get(row.record), **row.model_dump()) for row in rows]


def retrieval_counts(work: Work, review: str) -> RetrievalCounts:
    counted = store.count_retrievals(work, review)
    by_state = {state: sum(each.records for each in counted if each.state == state) for state in RetrievalStates.all()}
    settings = work.settings
    resting = sum(each.records for each in counted if each.rests and each.state == RetrievalStates.SOUGHT)
    return RetrievalCounts(
        **by_state, resting=resting, fetches=copies.fetches(wanted=settings.fetch_texts, contact=settings.contact)
    )


def citation_views(work: Work, rows: Collection[tuple[CitationRow, str, str]]) -> list[CitationView]:
    """Links, each with the record that was found and that of the report."""
    known = store.records(work, {one for _, record, report in rows for one in (record, report)})
    titles = {one: Bibliography.model_validate(row.bibliography).title for one, row in known.items()}
    return [
        CitationView(
            record=record, title=titles[record], report=report, report_title=titles[report],
            standing=known[report].standing, record_standing=known[record].standing,
            **row.model_dump(include={"source", "source_id", "direction", "run"}),
        )
        for row, record, report in rows
    ]  # fmt: skip


def duplicate_views(work: Work, rows: list[DuplicateRow]) -> list[DuplicateView]:
    summaries = {
        record: record_summary(row)
        for record, row in store.records(work, {one for row in rows for one in (row.first, row.second)}).items()
    }
    return [
        DuplicateView(
            duplicate=row.id,
            first=summaries[row.first],
            second=summaries[row.second],
            **row.model_dump(exclude={"first", "second"}),
        )
        for row in rows
    ]
