"""The routes of what is searched: how it stands, what brought what, and what people ask of watches."""

from __future__ import annotations

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import watches
from services.ingest.domain.coverage import coverage
from services.ingest.ports.fulltext.catalog import NAME as FULL_TEXTS
from shared.http.auth import Lead, Reader
from shared.http.paging import Hundred
from shared.http.parameters import Day, Name, Word
from shared.http.units import IdempotencyKey
from shared.paging import Page
from shared.wire.common import AutomationView
from shared.wire.ingest import (
    CitationView,
    Coverage,
    IngestStatus,
    NewAcceptance,
    ParkedView,
    QuotaView,
    WatchPurpose,
    WatchView,
)


@router.get("/reviews/{review}/automations")
def list_automations(review: Name, work: Reading, person: Reader) -> list[AutomationView]:
    """The steps of ingest that are taken by themselves, each with the version of its rules."""
    store.review_of(work, review)
    return views.automations(work, review)


@router.get("/reviews/{review}/status")
def show_status(review: Name, work: Reading, person: Reader) -> IngestStatus:
    """How many records there are, what waits for a person, and how each watch stands."""
    row = store.review_of(work, review)
    searches, sweeps, chases = (
        store.watches_of(work, review, "search"),
        store.watches_of(work, review, "changes"),
        store.watches_of(work, review, "citations"),
    )
    manual = store.watches_of(work, review, "manual")
    return IngestStatus(
        review=review,
        protocol_version=row.protocol_version,
        records=row.records,
        source_records=row.source_records,
        open_duplicates=store.open_duplicates(work, review),
        watches=views.watch_views(work, searches),
        sweeps=views.watch_views(work, sweeps),
        chases=views.watch_views(work, chases),
        manual=views.manual_views(work, manual),
        parked=views.parked_views(work, {FULL_TEXTS, *(watch.source for watch in (*searches, *sweeps, *chases))}),
        open_copies=views.copy_counts(work, review),
        retrievals=views.retrieval_counts(work, review),
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
    """Every watch of a review over its strategies, over what sources change, over the citations of its included
    reports, or those of its manual strategies, in the order of their names."""
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
    rows = store.watches_of(work, review, "search", "citations", *store.NEVER_PULLED)
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
