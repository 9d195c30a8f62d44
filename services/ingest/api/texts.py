"""The routes of full texts: copies of reports, and whether each is sought, retrieved or not."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import passages, retrievals, texts, uploads
from services.ingest.commands.passages import Kept, Sought
from services.ingest.domain import reading
from services.ingest.domain.kinds import ENDINGS
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import NotFound
from shared.http.auth import Coder, Contributor, Lead, Reader
from shared.http.blobs import BlobResponse, blobs_of, received
from shared.http.paging import Hundred
from shared.http.parameters import Name
from shared.http.route import Asked
from shared.http.units import IdempotencyKey, reading_of
from shared.paging import Page
from shared.wire.ingest import (
    LARGEST_TEXT,
    AnchoredQuote,
    AnchorState,
    AnchorView,
    FileView,
    NewQuotableWords,
    NewQuote,
    NewRetrieval,
    NewText,
    PassageView,
    RecordTexts,
    RetrievalState,
    RetrievalView,
    TextView,
    TextWithdrawal,
)

Files = Annotated[Blobs, blobs_of("ingest")]


@router.post("/reviews/{review}/text-files", status_code=201)
def add_file_of_text(
    review: Name,
    blob: Annotated[Blob, received("ingest", role="reviewer", scope="import", limit=LARGEST_TEXT)],
    work: Unit,
    person: Contributor,
) -> FileView:
    """Keeps a file as it is, for a day unless a copy of a report names it by its hash, as whoever sent it may."""
    return uploads.keep_upload(work, review, blob)


@router.get("/reviews/{review}/records/{record}/texts")
def list_texts_of_record(review: Name, record: Name, work: Reading, person: Reader) -> RecordTexts:
    """The copies of a record's report, those that were withdrawn too, and whether one is sought. Who may read a copy
    stands with it."""
    return views.record_texts(work, store.record_of(work, review, record))


@router.post("/reviews/{review}/records/{record}/texts", status_code=201)
def add_text_of_record(
    review: Name, record: Name, body: NewText, work: Unit, person: Contributor, blobs: Files, key: IdempotencyKey = None
) -> TextView:
    """Keeps an uploaded file as a copy of a record's report, with what its licence lets people do and who may read it.
    Its kind is told by its bytes."""

    def add() -> TextView:
        return views.text_view(work, texts.add_text(work, blobs, review, record, body, person))

    return work.once(key, f"add text {record}", body, add)


@router.get("/reviews/{review}/texts/{text}")
def show_text(review: Name, text: Name, work: Reading, person: Reader) -> TextView:
    """A copy of a report: where it is from, its licence, who may read it, and what came of parsing it."""
    return views.text_view(work, store.text_of(work, review, text))


@router.get("/reviews/{review}/texts/{text}/file", response_class=BlobResponse)
def show_file_of_text(review: Name, text: Name, work: Reading, person: Reader, blobs: Files) -> BlobResponse:
    """The file of a copy, to be saved, for whom its `readers` names; a program's key reads open copies alone."""
    row = store.text_of(work, review, text)
    reading.require_reader(row, person)
    if row.withdrawn_at is not None:
        raise NotFound(f"copy {text!r} was withdrawn: {row.withdrawn_why}", slug="copy_withdrawn")
    return BlobResponse(blobs, Blob(row.sha256, row.size), f"{row.id}{ENDINGS[row.kind]}")


@router.post("/reviews/{review}/texts/{text}/withdraw")
def withdraw_text(
    review: Name, text: Name, body: TextWithdrawal, work: Unit, person: Contributor, key: IdempotencyKey = None
) -> TextView:
    """Takes a copy back, such as a wrong file: for whoever added it and for leads. Its bytes are kept no longer, unless
    something else uses them."""

    def withdraw() -> TextView:
        return views.text_view(work, texts.withdraw_text(work, review, text, body.reason, person))

    return work.once(key, f"withdraw {text}", body, withdraw)


@router.post("/reviews/{review}/records/{record}/retrieval")
def decide_retrieval_of_record(
    review: Name, record: Name, body: NewRetrieval, work: Unit, person: Contributor, key: IdempotencyKey = None
) -> RetrievalView:
    """Says that the full text of a record's report cannot be had, and why; or has it be sought (again)."""

    def decide() -> RetrievalView:
        return views.retrieval_views(work, [retrievals.decide_retrieval(work, review, record, body)])[0]

    return work.once(key, f"retrieval of {record}", body, decide)


@router.get("/reviews/{review}/retrievals")
def list_retrievals(
    review: Name, work: Reading, person: Reader, page: Hundred, state: RetrievalState | None = None
) -> Page[RetrievalView]:
    """Of each record whose full text was ever sought whether it is retrieved, the oldest record first; those in a state
    if given."""
    store.review_of(work, review)
    found = store.page_of_retrievals(work, review, state, page)
    return found.shown_as(views.retrieval_views(work, found.rows))


@router.post("/reviews/{review}/texts/{text}/parse")
def request_parse_of_text(review: Name, text: Name, work: Unit, person: Lead, key: IdempotencyKey = None) -> TextView:
    """Has a copy be parsed once more, such as one that took too long."""

    def request() -> TextView:
        return views.text_view(work, passages.have_parsed_again(work, review, text))

    return work.once(key, f"parse {text}", None, request)


@router.get("/reviews/{review}/texts/{text}/passages")
def list_passages_of_text(
    review: Name, text: Name, work: Reading, person: Reader, blobs: Files, page: Hundred
) -> Page[PassageView]:
    """The headings and paragraphs of a copy in reading order, for whom its `readers` names; a program's key reads those
    of open copies alone."""
    row = passages.standing_text(work, review, text)
    kept = passages.passages_for(work, row, person)
    return views.passages_page(kept.parse, passages.read(blobs, kept), page)


async def _sought(
    review: Name,
    text: Name,
    body: NewQuote,
    person: Coder,
    blobs: Files,
    reading: Annotated[Asked, reading_of("ingest")],
) -> Sought:
    """The quote in the body, found in what the copy says: of a book that may take seconds, for which no transaction is
    open, and nobody waits who writes."""

    def look(work: Work) -> Kept:
        return passages.passages_for(work, passages.standing_text(work, review, text), person)

    kept = await reading.first(look)
    return await reading.aside(lambda: passages.seek_quote(blobs, kept, body))


@router.post("/reviews/{review}/texts/{text}/quotes", status_code=201)
def add_quote_of_text(
    review: Name,
    text: Name,
    quote: Annotated[Sought, Depends(_sought)],
    work: Unit,
    person: Coder,
) -> AnchoredQuote:
    """Anchors words that a copy says, and gives a receipt that proves it. What it does not say exactly, however it is
    typeset, is refused with what comes nearest (`nearest`); what it says more than once, with where (`spans`); and what
    stands in it everywhere, also within words, until more of it is quoted. Your same quote again is the same
    anchor, so that a retry needs no key of its own."""
    # None is taken, since nothing could be kept under it: a quote of a closed copy is to lie with its anchor alone.
    anchor, row, receipt = passages.add_quote(work, text, quote, person)
    return AnchoredQuote(anchor=views.anchor_view(row, anchor, person), receipt=receipt)


@router.get("/reviews/{review}/texts/{text}/anchors")
def list_anchors_of_text(
    review: Name, text: Name, work: Reading, person: Reader, page: Hundred, state: AnchorState | None = None
) -> Page[AnchorView]:
    """Your quotes of a copy, the oldest first; those in a state if given. Leads see all."""
    row = store.text_of(work, review, text)
    found = store.page_of_anchors(work, review, page, text=row.id, state=state, made_by=reading.seen_of(person))
    return found.page(lambda anchor: views.anchor_view(row, anchor, person))


@router.get("/reviews/{review}/anchors")
def list_anchors(
    review: Name, work: Reading, person: Reader, page: Hundred, state: AnchorState | None = None
) -> Page[AnchorView]:
    """Your quotes of all copies of a review, the oldest first; those in a state if given, such as that are lost since
    their copies were parsed anew. Leads see all."""
    store.review_of(work, review)
    found = store.page_of_anchors(work, review, page, text=None, state=state, made_by=reading.seen_of(person))
    rows = store.texts_by_id(work, {anchor.text for anchor in found.rows})
    return found.page(lambda anchor: views.anchor_view(rows[anchor.text], anchor, person))


@router.get("/reviews/{review}/anchors/{anchor}")
def show_anchor(review: Name, anchor: Name, work: Reading, person: Reader) -> AnchorView:
    """One quote, whoever made it, for who knows it from the evidence that was coded by it; with its words for whoever
    may read its copy."""
    row = store.anchor_of(work, review, anchor)
    return views.anchor_view(store.text_of(work, review, row.text), row, person)


@router.post("/reviews/{review}/texts/{text}/quotable-words")
def decide_quotable_words_of_text(
    review: Name, text: Name, body: NewQuotableWords, work: Unit, person: Lead, key: IdempotencyKey = None
) -> TextView:
    """Says of how many words quotes of a closed copy may be shown to whoever may not read it; none unless said."""

    def decide() -> TextView:
        row = passages.decide_quotable_words(work, review, text, body.words)
        work.note("quotable words decided", text=text, words=body.words, why=body.reason)
        return views.text_view(work, row)

    return work.once(key, f"quotable words of {text}", body, decide)
