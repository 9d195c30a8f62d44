"""The routes of ingest."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from services.ingest import store, views
from services.ingest.commands import corrections, duplicates, exports, imports, notices, reparses, watches
from services.ingest.domain.clusters import PairStates
from services.ingest.domain.coverage import coverage
from services.ingest.ports.fulltext.catalog import NAME as FULL_TEXTS
from services.ingest.ports.libraries.catalog import ending_of
from shared import identifiers
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.http.auth import Exporter, Importer, Lead, Reader
from shared.http.blobs import BlobResponse, blobs_of, received
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import Day, Name, Number, Word, YesNo
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page
from shared.wire.ingest import (
    CitationView,
    CorrectionView,
    Coverage,
    DuplicateVerdict,
    DuplicateView,
    ExportView,
    FileView,
    ImportView,
    IngestStatus,
    NewAcceptance,
    NewCorrection,
    NewExport,
    NewImport,
    NewMerge,
    NewNotice,
    NewReparse,
    NewSeparation,
    NewSplit,
    NoticeView,
    PairState,
    ParkedView,
    QuotaView,
    RawAnswerView,
    RecordCopiesView,
    RecordSummary,
    RecordView,
    RejectionView,
    ReparseView,
    RulingView,
    RunItemView,
    RunView,
    Undoing,
    WatchPurpose,
    WatchView,
)

router = APIRouter(prefix="/ingest", tags=["ingest"], route_class=Route)

#: Bytes of a file that people may bring.
LARGEST_FILE = 1024 * 1024 * 1024

Unit = Annotated[Work, unit_of("ingest")]
Reading = Annotated[Work, reading_of("ingest")]


@router.get("/reviews/{review}/status")
def show_status(review: Name, work: Reading, person: Reader) -> IngestStatus:
    """How many records there are, what waits for a person, and how each watch stands."""
    row = store.review_of(work, review)
    searches, sweeps, chases = (
        store.watches_of(work, review, "search"),
        store.watches_of(work, review, "changes"),
        store.watches_of(work, review, "citations"),
    )
    return IngestStatus(
        review=review,
        protocol_version=row.protocol_version,
        records=row.records,
        source_records=row.source_records,
        open_duplicates=store.open_duplicates(work, review),
        watches=views.watch_views(work, searches),
        sweeps=views.watch_views(work, sweeps),
        chases=views.watch_views(work, chases),
        parked=views.parked_views(work, {FULL_TEXTS, *(watch.source for watch in (*searches, *sweeps, *chases))}),
        open_copies=views.copy_counts(work, review),
    )


@router.get("/quota")
def list_quotas(work: Reading, person: Lead, page: Hundred) -> Page[QuotaView]:
    """How much each source was asked on each day, for all reviews together, the newest day first; for leads."""
    return store.page_of_quotas(work, page).page(views.quota_view)


@router.get("/parked")
def list_parked(work: Reading, person: Lead) -> Page[ParkedView]:
    """The sources that are left alone for now, since they asked for it; for leads."""
    return Page(items=views.parked_views(work))


@router.get("/reviews/{review}/watches")
def list_watches(review: Name, work: Reading, person: Reader, purpose: WatchPurpose = "search") -> Page[WatchView]:
    """Every watch of a review over its strategies, over what sources change, or over the citations of its included
    reports, in the order of their names."""
    return Page(items=views.watch_views(work, store.watches_of(work, review, purpose)))


@router.get("/reviews/{review}/citations")
def list_citations(
    review: Name, work: Reading, person: Reader, page: Hundred, record: Word | None = None
) -> Page[CitationView]:
    """Which included reports cite what a chase of citations found, or are cited by it, as each source has it; of one
    record that was found if given."""
    store.review_of(work, review)
    found = store.page_of_citations(work, review, record, page)
    return found.shown_as(views.citation_views(work, found.rows))


@router.get("/reviews/{review}/coverage")
def show_coverage(
    review: Name, work: Reading, person: Reader, since: Day | None = None, until: Day | None = None
) -> Coverage:
    """Which source and which strategy brought the records found in these days, how far those came in screening, and
    what would be lost without each."""
    store.review_of(work, review)
    rows = store.watches_of(work, review, "search", "citations", "import")
    watches = {row.id: (row.strategy, row.source) for row in rows}
    days = since, until
    return coverage(review, days, store.brought(work, review, days), watches)


@router.post("/reviews/{review}/watches/{watch}/pause")
def pause_watch(review: Name, watch: Name, work: Unit, person: Lead, key: IdempotencyKey = None) -> WatchView:
    """Stops pulling a watch until it is resumed."""
    command = f"pause {watch}"
    return work.once(key, command, None, lambda: views.watch_view(work, watches.pause_watch(work, review, watch)))


@router.post("/reviews/{review}/watches/{watch}/resume")
def resume_watch(review: Name, watch: Name, work: Unit, person: Lead, key: IdempotencyKey = None) -> WatchView:
    """Pulls a paused watch again."""
    command = f"resume {watch}"
    return work.once(key, command, None, lambda: views.watch_view(work, watches.resume_watch(work, review, watch)))


@router.post("/reviews/{review}/watches/{watch}/pull")
def pull_watch(review: Name, watch: Name, work: Unit, person: Lead, key: IdempotencyKey = None) -> WatchView:
    """Makes a watch due now; the scheduler pulls it within half a minute."""
    command = f"pull {watch}"
    return work.once(key, command, None, lambda: views.watch_view(work, watches.pull_now(work, review, watch)))


@router.post("/reviews/{review}/watches/{watch}/accept")
def accept_lack_of_watch(
    review: Name, watch: Name, body: NewAcceptance, work: Unit, person: Lead, key: IdempotencyKey = None
) -> WatchView:
    """Accepts what the last run of a watch lacks, as where its source counts a work twice: a run that lacks no more is
    complete from then on, until the strategy asks something else. Takes that back with 0."""

    def accept() -> WatchView:
        row = watches.accept_lack(work, review, watch, body.lacking, body.reason)
        return views.watch_view(work, row)

    return work.once(key, f"accept {watch}", body, accept)


@router.get("/reviews/{review}/runs")
def list_runs(review: Name, work: Reading, person: Reader, page: Fifty, watch: Word | None = None) -> Page[RunView]:
    """Runs, the newest first; of one watch if given."""
    return store.page_of_runs(work, review, watch, page).page(views.run_view)


@router.get("/reviews/{review}/runs/{run}")
def show_run(review: Name, run: Name, work: Reading, person: Reader) -> RunView:
    """One run with its counts."""
    return views.run_view(store.run_of(work, review, run))


@router.get("/reviews/{review}/runs/{run}/items")
def list_run_items(review: Name, run: Name, work: Reading, person: Reader, page: Hundred) -> Page[RunItemView]:
    """Where each item of a run went, but for those that had not changed."""
    store.run_of(work, review, run)
    return store.page_of_items(work, run, page).page(lambda row: RunItemView(**row.model_dump()))


@router.get("/reviews/{review}/runs/{run}/rejections")
def list_rejections(review: Name, run: Name, work: Reading, person: Reader, page: Hundred) -> Page[RejectionView]:
    """The items of a run that are no usable records, each with its reason."""
    store.run_of(work, review, run)
    found = store.page_of_rejections(work, run, page)
    return found.page(views.rejection_view)


@router.get("/reviews/{review}/rejections")
def list_rejections_of_review(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    source: Word | None = None,
    run: Word | None = None,
    open: YesNo | None = None,
) -> Page[RejectionView]:
    """The items that are no usable records, those of the newest run first; `open` are those that are none even after
    their answers were read again."""
    store.review_of(work, review)
    if run is not None:
        store.run_of(work, review, run)
    return store.page_of_rejections_of(work, review, source, run, open, page).page(views.rejection_view)


@router.post("/reviews/{review}/files", status_code=201)
def add_file(
    review: Name,
    blob: Annotated[Blob, received("ingest", role="lead", scope="import", limit=LARGEST_FILE)],
    work: Reading,
    person: Importer,
) -> FileView:
    """Keeps a file as it is, for a day unless something names it by its hash, as an import does."""
    store.review_of(work, review)
    return FileView(sha256=blob.sha256, size=blob.size)


@router.post("/reviews/{review}/imports", status_code=202)
def request_import(
    review: Name,
    body: NewImport,
    work: Unit,
    person: Importer,
    blobs: Annotated[Blobs, blobs_of("ingest")],
    key: IdempotencyKey = None,
) -> ImportView:
    """Asks for the records of an uploaded library file to be taken in, each with where it came from."""

    def ask() -> ImportView:
        return views.import_views(work, [imports.request_import(work, blobs, review, body)])[0]

    return work.once(key, "import", body, ask)


@router.get("/reviews/{review}/imports")
def list_imports(review: Name, work: Reading, person: Reader, page: Fifty) -> Page[ImportView]:
    """Every file that was brought, the newest first."""
    store.review_of(work, review)
    found = store.page_of_imports(work, review, page)
    return found.shown_as(views.import_views(work, found.rows))


@router.get("/reviews/{review}/imports/{imported}")
def show_import(review: Name, imported: Name, work: Reading, person: Reader) -> ImportView:
    """How far a file is taken in, and what has come of it."""
    return views.import_views(work, [store.import_of(work, review, imported)])[0]


@router.post("/reviews/{review}/exports", status_code=202)
def request_export(
    review: Name, body: NewExport, work: Unit, person: Exporter, key: IdempotencyKey = None
) -> ExportView:
    """Asks for a file of the review's records, with where each stands and why it was excluded."""

    def ask() -> ExportView:
        return views.export_view(work, exports.request_export(work, review, body))

    return work.once(key, "export", body, ask)


@router.get("/reviews/{review}/exports")
def list_exports(review: Name, work: Reading, person: Reader, page: Fifty) -> Page[ExportView]:
    """The files that were asked for and are kept, the newest first."""
    store.review_of(work, review)
    return store.page_of_exports(work, review, page).page(lambda row: views.export_view(work, row))


@router.get("/reviews/{review}/exports/{export}")
def show_export(review: Name, export: Name, work: Reading, person: Reader) -> ExportView:
    """Whether it is made, and what it holds."""
    return views.export_view(work, store.export_of(work, review, export))


@router.get("/reviews/{review}/exports/{export}/file", response_class=BlobResponse)
def show_file_of_export(
    review: Name, export: Name, work: Reading, person: Reader, blobs: Annotated[Blobs, blobs_of("ingest")]
) -> BlobResponse:
    """The file, to be saved. A conflict while it is not made."""
    row = store.export_of(work, review, export)
    if row.sha256 is None or row.size is None:
        raise Conflict(f"export {export!r} is {row.state}: {row.error or 'ask again in some seconds'}", slug="not_made")
    return BlobResponse(blobs, Blob(row.sha256, row.size), f"{review}{ending_of(row.format)}")


@router.post("/reviews/{review}/reparses", status_code=202)
def request_reparse(
    review: Name, body: NewReparse, work: Unit, person: Lead, key: IdempotencyKey = None
) -> ReparseView:
    """Asks for kept answers to be read again, as sources' answers are read today; no source is asked anything. The same
    again, while it is not over, answers that one."""

    def ask() -> ReparseView:
        return views.reparse_view(work, reparses.request_reparse(work, review, body))

    return work.once(key, "reparse", body, ask)


@router.get("/reviews/{review}/reparses/{reparse}")
def show_reparse(review: Name, reparse: Name, work: Reading, person: Reader) -> ReparseView:
    """How far it is, and what has come of it."""
    return views.reparse_view(work, store.reparse_of(work, review, reparse))


@router.get("/reviews/{review}/runs/{run}/answers")
def list_answers(review: Name, run: Name, work: Reading, person: Lead, page: Hundred) -> Page[RawAnswerView]:
    """What the source answered during a run, as it came, while it is kept: for leads, since it may be licensed."""
    store.run_of(work, review, run)
    return store.page_of_answers(work, run, page).page(lambda row: RawAnswerView(**row.model_dump()))


@router.get("/reviews/{review}/runs/{run}/answers/{number}", response_class=BlobResponse)
def show_answer(
    review: Name,
    run: Name,
    number: Number,
    work: Reading,
    person: Lead,
    blobs: Annotated[Blobs, blobs_of("ingest")],
) -> BlobResponse:
    """The bytes of an answer, to be saved; the listing says what they are."""
    store.run_of(work, review, run)
    answer = store.answer_of(work, run, number)
    return BlobResponse(blobs, Blob(answer.sha256, answer.size), f"{run}-{number}")


@router.get("/reviews/{review}/open-copies")
def list_open_copies(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[RecordCopiesView]:
    """Where the records that passed a stage and are not excluded can be read by anybody, the oldest record first. The
    addresses are others' words."""
    store.review_of(work, review)
    found = store.page_of_passed(work, review, page)
    return found.shown_as(views.record_copies_views(work, found.rows))


@router.get("/reviews/{review}/records")
def list_records(
    review: Name,
    work: Reading,
    person: Reader,
    page: Hundred,
    doi: Word | None = None,
    pmid: Word | None = None,
) -> Page[RecordSummary]:
    """Records, the oldest first; or those with a DOI or PubMed id, in any of its spellings."""
    key = _identifier_key(doi, pmid)
    found = store.page_of_records(work, review, page) if key is None else store.page_of_holders(work, review, key, page)
    return found.page(views.record_summary)


@router.get("/reviews/{review}/records/{record}")
def show_record(review: Name, record: Name, work: Reading, person: Reader) -> RecordView:
    """A record with its provenance, its source records, what was merged into it and why, and its notices."""
    return views.record_view(work, store.record_of(work, review, record))


@router.post("/reviews/{review}/records/{record}/notices", status_code=201)
def give_notice(
    review: Name, record: Name, body: NewNotice, work: Unit, person: Lead, key: IdempotencyKey = None
) -> NoticeView:
    """Tells everyone that a record's report was retracted, corrected, reinstated ...; or that this is a drill."""

    def give() -> NoticeView:
        return views.notice_view(notices.give_notice(work, review, record, body.kind, body.reason, drill=body.drill))

    return work.once(key, f"give notice {record}", body, give)


@router.get("/reviews/{review}/duplicates")
def list_duplicates(
    review: Name,
    work: Reading,
    person: Reader,
    page: Fifty,
    state: PairState = PairStates.OPEN,
) -> Page[DuplicateView]:
    """Pairs of records that might be one, the oldest first."""
    found = store.page_of_duplicates(work, review, state, page)
    return found.shown_as(views.duplicate_views(work, found.rows))


@router.post("/reviews/{review}/duplicates/{duplicate}")
def decide_duplicate(
    review: Name, duplicate: Name, body: DuplicateVerdict, work: Unit, person: Lead, key: IdempotencyKey = None
) -> DuplicateView:
    """Decides a pair, for good: a person outranks the machine."""

    def decide() -> DuplicateView:
        pair = duplicates.decide_duplicate(work, review, duplicate, body.verdict, body.reason)
        work.session.flush()
        return views.duplicate_views(work, [pair])[0]

    return work.once(key, f"decide duplicate {duplicate}", body, decide)


@router.post("/reviews/{review}/records/{record}/merge")
def merge_records(
    review: Name, record: Name, body: NewMerge, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Makes a record and another one, one for good: the older of both takes in the other."""

    def merge() -> RulingView:
        return views.ruling_view(work, duplicates.merge(work, review, record, body.other, body.reason))

    return work.once(key, f"merge {record}", body, merge)


@router.post("/reviews/{review}/records/{record}/split")
def split_record(
    review: Name, record: Name, body: NewSplit, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Parts source records from a record for good, or a record that was absorbed in it, which comes back."""

    def split() -> RulingView:
        ruling = duplicates.split(work, review, record, body.source_records, body.absorbed, body.reason)
        return views.ruling_view(work, ruling)

    return work.once(key, f"split {record}", body, split)


@router.post("/reviews/{review}/records/{record}/keep-apart")
def keep_records_apart(
    review: Name, record: Name, body: NewSeparation, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Keeps a record and another one apart for good, whatever comes."""

    def keep() -> RulingView:
        return views.ruling_view(work, duplicates.keep_apart(work, review, record, body.other, body.reason))

    return work.once(key, f"keep apart {record}", body, keep)


@router.post("/reviews/{review}/records/{record}/corrections", status_code=201)
def add_correction_of_record(
    review: Name, record: Name, body: NewCorrection, work: Unit, person: Lead, key: IdempotencyKey = None
) -> CorrectionView:
    """Says what a field of a record's description is, whatever its sources say, now and later."""

    def add() -> CorrectionView:
        return views.correction_view(corrections.correct(work, review, record, body))

    return work.once(key, f"correct {record}", body, add)


@router.post("/reviews/{review}/corrections/{correction}/undo")
def undo_correction(
    review: Name, correction: Name, body: Undoing, work: Unit, person: Lead, key: IdempotencyKey = None
) -> CorrectionView:
    """Takes a correction back: what was corrected before it, or what the sources say, counts again."""

    def undo() -> CorrectionView:
        return views.correction_view(corrections.undo_correction(work, review, correction, body.reason))

    return work.once(key, f"undo {correction}", body, undo)


@router.get("/reviews/{review}/rulings")
def list_rulings(review: Name, work: Reading, person: Reader, page: Hundred) -> Page[RulingView]:
    """What people decided about which source records are one work, the newest first; what was undone, too."""
    store.review_of(work, review)
    found = store.page_of_rulings(work, review, page)
    return found.shown_as(views.ruling_views(work, found.rows))


@router.post("/reviews/{review}/rulings/{ruling}/undo")
def undo_ruling(
    review: Name, ruling: Name, body: Undoing, work: Unit, person: Lead, key: IdempotencyKey = None
) -> RulingView:
    """Takes a ruling back: what was decided before it, and what the machine says, counts again."""

    def undo() -> RulingView:
        return views.ruling_view(work, duplicates.undo(work, review, ruling, body.reason))

    return work.once(key, f"undo {ruling}", body, undo)


def _identifier_key(doi: str | None, pmid: str | None) -> str | None:
    if doi is not None and pmid is not None:
        raise Invalid("give a doi or a pmid, not both", [{"at": "pmid", "why": "doi is given too"}])
    for kind, text, read in (("doi", doi, identifiers.doi), ("pmid", pmid, identifiers.pmid)):
        if text is None:
            continue
        if (value := read(text)) is None:
            raise Invalid(f"{kind}: {text!r} is none", [{"at": kind, "why": "not of its form"}])
        return f"{kind}:{value}"
    return None
