"""The routes of the files that people bring and take away."""

from __future__ import annotations

from typing import Annotated

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import exports, imports, surveys, uploads
from services.ingest.ports.libraries.catalog import ending_of
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.errors import Conflict, NotFound
from shared.http.afterwards import Afterwards
from shared.http.auth import Exporter, Importer, Lead, Reader
from shared.http.blobs import BlobResponse, blobs_of, received
from shared.http.paging import Fifty, Hundred
from shared.http.parameters import FileName, Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.ingest import (
    LARGEST_FILE,
    ExportView,
    FileSurvey,
    FileView,
    ImportView,
    LibraryFormat,
    MappingView,
    NewExport,
    NewImport,
    StatementView,
)


@router.post("/reviews/{review}/files", status_code=201)
def add_file(
    review: Name,
    blob: Annotated[Blob, received("ingest", role="lead", scope="import", limit=LARGEST_FILE)],
    work: Unit,
    person: Importer,
) -> FileView:
    """Keeps a file as it is, for a day unless something names it by its hash, as an import of whoever sent it does."""
    return uploads.keep_upload(work, review, blob)


@router.get("/reviews/{review}/files/{sha256}/survey", response_model=FileSurvey)
def show_survey_of_file(
    review: Name,
    sha256: Name,
    work: Reading,
    person: Importer,
    blobs: Annotated[Blobs, blobs_of("ingest")],
    name: FileName,
    format: LibraryFormat | None = None,
) -> Afterwards:
    """What a file that one uploaded holds, by its first records: its columns, how often each is filled and with what,
    and the mapping that these suggest, with `?` for what only a person can say. `name` is what the file is called.
    Nothing is kept of it, and no transaction is held while it is read."""
    store.review_of(work, review)
    uploads.require_sent(work, review, sha256)
    return Afterwards(lambda: surveys.survey(blobs, sha256, name=name, format=format).model_dump_json().encode())


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
        return views.import_views(work, [imports.request_import(work, blobs, review, body)], person)[0]

    return work.once(key, "import", body, ask)


@router.get("/reviews/{review}/imports")
def list_imports(review: Name, work: Reading, person: Reader, page: Fifty) -> Page[ImportView]:
    """Every file that was brought, the newest first."""
    store.review_of(work, review)
    found = store.page_of_imports(work, review, page)
    return found.shown_as(views.import_views(work, found.rows, person))


@router.get("/reviews/{review}/imports/{imported}")
def show_import(review: Name, imported: Name, work: Reading, person: Reader) -> ImportView:
    """How far a file is taken in, and what has come of it."""
    return views.import_views(work, [store.import_of(work, review, imported)], person)[0]


@router.get("/reviews/{review}/imports/{imported}/mapping")
def show_mapping_of_import(review: Name, imported: Name, work: Reading, person: Lead) -> MappingView:
    """What a lead said the file's columns mean, as it was written: for leads, since it may say what was decided about
    all of the file. Not found where nothing was said."""
    row = store.import_of(work, review, imported)
    if row.mapping is None or row.mapping_sha256 is None:
        raise NotFound(f"import {imported!r} came without a mapping", slug="no_mapping")
    return MappingView(sha256=row.mapping_sha256, text=row.mapping)


@router.get("/reviews/{review}/decisions")
def list_decisions(
    review: Name,
    work: Reading,
    person: Lead,
    page: Hundred,
    record: Word | None = None,
    imported: Word | None = None,
    stage: Word | None = None,
) -> Page[StatementView]:
    """What files state was decided about records before, file by file: for leads, since it would lead whoever has yet
    to decide."""
    store.review_of(work, review)
    if record is not None:
        store.record_of(work, review, record)
    if imported is not None:
        store.import_of(work, review, imported)
    found = store.page_of_statements(work, review, page, record=record, imported=imported, stage=stage)
    return found.shown_as(views.statement_views(work, found.rows))


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


@router.get("/reviews/{review}/exports/{export}/file", response_class=BlobResponse, responses={409: {}})
def show_file_of_export(
    review: Name, export: Name, work: Reading, person: Reader, blobs: Annotated[Blobs, blobs_of("ingest")]
) -> BlobResponse:
    """The file, to be saved. A conflict while it is not made."""
    row = store.export_of(work, review, export)
    if row.sha256 is None or row.size is None:
        raise Conflict(f"export {export!r} is {row.state}: {row.error or 'ask again in some seconds'}", slug="not_made")
    return BlobResponse(blobs, Blob(row.sha256, row.size), f"{review}{ending_of(row.format)}")
