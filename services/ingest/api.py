"""The routes of ingest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from fastapi import APIRouter

from services.ingest import store
from services.ingest.handlers import duplicates, notices, runs, watches
from services.ingest.models import Duplicate, Notice, Record, Run, Watch
from services.ingest.sources import normal
from shared.db.work import Work
from shared.errors import Invalid
from shared.events.ingest import Bibliography
from shared.http.auth import Lead, Reader
from shared.http.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from shared.http.parameters import Name, Word
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.wire.ingest import (
    DuplicateVerdict,
    DuplicateView,
    IngestStatus,
    MergeView,
    NewNotice,
    NoticeView,
    RecordSummary,
    RecordView,
    RejectionView,
    RunItemView,
    RunView,
    SourceRecordView,
    WatchView,
)

router = APIRouter(prefix="/ingest", tags=["ingest"], route_class=Route)

Unit = unit_of("ingest")
Reading = reading_of("ingest")


@router.get("/reviews/{review}/status")
def read_status(review: Name, work: Reading, who: Reader) -> IngestStatus:
    """How many records there are, what waits for a person, and how each watch stands."""
    row = store.review_of(work.session, review)
    return IngestStatus(
        review=review,
        protocol_version=row.protocol_version,
        records=row.records,
        source_records=row.source_records,
        open_duplicates=store.open_duplicates(work.session, review),
        watches=_watch_views(work, store.watches_of(work.session, review)),
    )


@router.get("/reviews/{review}/watches")
def list_watches(review: Name, work: Reading, who: Reader) -> Page[WatchView]:
    """Every watch of a review, in the order of their strategies' names."""
    return Page(items=_watch_views(work, store.watches_of(work.session, review)))


@router.post("/reviews/{review}/watches/{watch}/pause")
def pause_watch(review: Name, watch: Name, work: Unit, who: Lead, key: IdempotencyKey = None) -> WatchView:
    """Stops pulling a watch until it is resumed."""
    command = f"pause {watch}"
    return work.once(key, command, None, lambda: _watch_view(work, watches.pause_watch(work, review, watch)))


@router.post("/reviews/{review}/watches/{watch}/resume")
def resume_watch(review: Name, watch: Name, work: Unit, who: Lead, key: IdempotencyKey = None) -> WatchView:
    """Pulls a paused watch again."""
    command = f"resume {watch}"
    return work.once(key, command, None, lambda: _watch_view(work, watches.resume_watch(work, review, watch)))


@router.post("/reviews/{review}/watches/{watch}/pull")
def pull_watch(review: Name, watch: Name, work: Unit, who: Lead, key: IdempotencyKey = None) -> WatchView:
    """Makes a watch due now; the scheduler pulls it within half a minute."""
    command = f"pull {watch}"
    return work.once(key, command, None, lambda: _watch_view(work, watches.pull_now(work, review, watch)))


@router.get("/reviews/{review}/runs")
def list_runs(
    review: Name, work: Reading, who: Reader, watch: Word | None = None, cursor: Cursor | None = None, limit: Limit = 50
) -> Page[RunView]:
    """Runs, the newest first; of one watch if given."""
    rows = store.runs_before(work.session, review, watch, _after(cursor), limit + 1)
    return _page(rows, limit, "id", _run_view)


@router.get("/reviews/{review}/runs/{run}")
def read_run(review: Name, run: Name, work: Reading, who: Reader) -> RunView:
    """One run with its counts."""
    return _run_view(store.run_of(work.session, review, run))


@router.get("/reviews/{review}/runs/{run}/items")
def list_items(
    review: Name, run: Name, work: Reading, who: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[RunItemView]:
    """Where each item of a run went, but for those that had not changed."""
    store.run_of(work.session, review, run)
    rows = store.items_after(work.session, run, _after(cursor), limit + 1)
    return _page(rows, limit, "source_id", lambda row: RunItemView(**row.model_dump()))


@router.get("/reviews/{review}/runs/{run}/rejections")
def list_rejections(
    review: Name, run: Name, work: Reading, who: Reader, cursor: Cursor | None = None, limit: Limit = 100
) -> Page[RejectionView]:
    """The items of a run that are no usable records, each with its reason."""
    store.run_of(work.session, review, run)
    rows = store.rejections_after(work.session, run, _after(cursor), limit + 1)
    return _page(rows, limit, "id", lambda row: RejectionView(rejection=row.id, **row.model_dump()))


@router.get("/reviews/{review}/records")
def list_records(
    review: Name,
    work: Reading,
    who: Reader,
    doi: Word | None = None,
    pmid: Word | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 100,
) -> Page[RecordSummary]:
    """Records, the oldest first; or those with a DOI or PubMed id, in any of its spellings."""
    after = _after(cursor)
    key = _identifier_key(doi, pmid)
    rows = (
        store.records_after(work.session, review, after, limit + 1)
        if key is None
        else store.holders_after(work.session, review, key, after, limit + 1)
    )
    return _page(rows, limit, "id", _summary)


@router.get("/reviews/{review}/records/{record}")
def read_record(review: Name, record: Name, work: Reading, who: Reader) -> RecordView:
    """A record with its provenance, its source records, what was merged into it and why, and its notices."""
    row = store.record_of(work.session, review, record)
    return RecordView(
        record=row.id,
        **row.model_dump(),
        source_records=[SourceRecordView(**one.model_dump()) for one in store.members_of(work.session, [record])],
        merges=[MergeView(**one.model_dump()) for one in store.merges_into(work.session, record)],
        notices=[_notice_view(one) for one in store.notices_of(work.session, [record])],
    )


@router.post("/reviews/{review}/records/{record}/notices", status_code=201)
def give_notice(
    review: Name, record: Name, body: NewNotice, work: Unit, who: Lead, key: IdempotencyKey = None
) -> NoticeView:
    """Tells everyone that a record's report was retracted, corrected, reinstated ...; or that this is a drill."""

    def give() -> NoticeView:
        return _notice_view(notices.give_notice(work, review, record, body.kind, body.reason, drill=body.drill))

    return work.once(key, f"give notice {record}", body, give)


@router.get("/reviews/{review}/duplicates")
def list_duplicates(
    review: Name,
    work: Reading,
    who: Reader,
    state: Literal["open", "same", "different"] = "open",
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Page[DuplicateView]:
    """Pairs of records that might be one, the oldest first."""
    rows = store.duplicates_after(work.session, review, state, _after(cursor), limit + 1)
    views = {view.duplicate: view for view in _duplicate_views(work, rows)}
    return _page(rows, limit, "id", lambda row: views[row.id])


@router.post("/reviews/{review}/duplicates/{duplicate}")
def decide_duplicate(
    review: Name, duplicate: Name, body: DuplicateVerdict, work: Unit, who: Lead, key: IdempotencyKey = None
) -> DuplicateView:
    """Decides a pair, for good: a person outranks the machine."""

    def decide() -> DuplicateView:
        pair = duplicates.decide_duplicate(work, review, duplicate, body.verdict, body.reason)
        work.session.flush()
        return _duplicate_views(work, [pair])[0]

    return work.once(key, f"decide duplicate {duplicate}", body, decide)


def _after(cursor: str | None) -> str | None:
    place = decode_cursor(cursor, str)
    return place[0] if place else None


def _page(rows: list[Any], limit: int, key: str, view: Any) -> Page[Any]:
    """A page of at most `limit` of the rows, of which one more was read to see whether there is a next."""
    more, rows = len(rows) > limit, rows[:limit]
    return Page(items=[view(row) for row in rows], next=encode_cursor(getattr(rows[-1], key)) if more else None)


def _identifier_key(doi: str | None, pmid: str | None) -> str | None:
    if doi is not None and pmid is not None:
        raise Invalid("give a doi or a pmid, not both", [{"at": "pmid", "why": "doi is given too"}])
    for kind, text, read in (("doi", doi, normal.doi), ("pmid", pmid, normal.pmid)):
        if text is None:
            continue
        if (value := read(text)) is None:
            raise Invalid(f"{kind}: {text!r} is none", [{"at": kind, "why": "not of its form"}])
        return f"{kind}:{value}"
    return None


def _watch_views(work: Work, rows: Iterable[Watch]) -> list[WatchView]:
    rows = list(rows)
    last = store.last_runs(work.session, [row.id for row in rows])
    return [
        WatchView(watch=row.id, **row.model_dump(), last_run=_run_view(last[row.id]) if row.id in last else None)
        for row in rows
    ]


def _watch_view(work: Work, row: Watch) -> WatchView:
    return _watch_views(work, [row])[0]


def _run_view(row: Run) -> RunView:
    return RunView(run=row.id, **row.model_dump(), counts=runs.counts_of(row))


def _notice_view(row: Notice) -> NoticeView:
    return NoticeView(notice=row.id, **row.model_dump())


def _summary(row: Record) -> RecordSummary:
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


def _duplicate_views(work: Work, rows: list[Duplicate]) -> list[DuplicateView]:
    summaries = {
        record: _summary(row)
        for record, row in store.records(work.session, {one for row in rows for one in (row.first, row.second)}).items()
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
