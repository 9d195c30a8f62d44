"""Full texts: those of records that passed a stage are sought, and copies are fetched from where they are open."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from services.ingest import store
from services.ingest.commands.retrievals import seek_all
from services.ingest.commands.texts import keep_text
from services.ingest.domain import kinds, licences
from services.ingest.domain.copies import fetches
from services.ingest.domain.texts import EUROPEPMC, PMC, UNPAYWALL, RetrievalStates, next_try
from services.ingest.domain.watching import Standings
from services.ingest.models import OpenCopiesRow, RecordRow, TextRow
from services.ingest.ports.fulltext.fetching import TextFetcher, Turns
from services.ingest.ports.fulltext.port import Address, Fetched, Location, NotFetched
from services.ingest.ports.sources import pubmed
from services.ingest.ports.sources.catalog import Sources
from shared import counters, logging
from shared.apart import each
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import Bibliography
from shared.ids import new_id
from shared.service import Context, Gauge
from shared.settings import Settings

log = logging.get(__name__)

ACTOR = "ingest:texts"

#: Records of a turn that are looked at, of which so many are fetched, so many at once.
LOOKED_AT, MOST_A_TURN, AT_ONCE = 500, 20, 4

#: For how long a text waits that only those have who asked to be left alone.
PUT_OFF = timedelta(minutes=15)

#: Addresses of others at which one copy is looked for.
_MOST_ADDRESSES = 8

_FETCHED = counters.counter(
    "living_texts_fetched", "Records whose full text was looked for at addresses, by what came of it.", ["ended"]
)


def seek_texts_of_before(running: Context) -> None:
    """Seeks the texts of records that had passed a stage before an upgrade, some at a time."""
    while not running.stopping.is_set():
        with running.work(ACTOR) as work:
            review = store.review_to_seek_for(work)
            if review is None:
                return
            row = store.lock_review(work, review)
            if row.seeking is None:
                continue
            found, row.seeking = store.passed_unsought(work, review, row.seeking, LOOKED_AT)
            seek_all(work, [(review, record) for record in found])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A record whose text is looked for: at each group of addresses, in their order, until one has a copy."""

    review: str
    record: str
    groups: tuple[tuple[Address, ...], ...]


@dataclass
class _Outcome:
    """What came of it: copies, and how the addresses failed that have none."""

    fetched: list[Fetched] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    retry_after: float | None = None


def fetch_open_texts(running: Context) -> None:
    """Fetches copies of the texts that are sought from where they are open: an article of PubMed Central as JATS, and
    the best open location of its DOI. A few at a time, one at a host, and with no transaction open meanwhile.

    What an address answers is judged by its bytes. Where all fail that is written down, and tried again after growing
    pauses, some times; a text of which nobody knows an address rests until one is known.
    """
    fetcher, settings = running.resource(Sources).fetcher, running.settings
    if fetcher is None or not fetches(wanted=settings.fetch_texts, contact=settings.contact):
        return
    wanted = _due(running)
    turns = Turns()
    with each("record") as failures, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="texts") as pool:
        try:
            tasks = {pool.submit(_fetch, running, fetcher, turns, one): one for one in wanted}
            for task in as_completed(tasks):
                if running.stopping.is_set():
                    return
                with failures.apart(tasks[task].record):
                    _write_down(running, tasks[task], task)
        finally:
            pool.shutdown(cancel_futures=True)


def gauges(work: Work) -> list[Gauge]:
    """How many texts are sought, retrieved and not."""
    counted = store.count_all_retrievals(work)
    values: dict[tuple[str, ...], float] = {(state,): float(counted.get(state, 0)) for state in RetrievalStates.all()}
    return [Gauge("living_retrievals", "Full texts of records by what is so of them.", ("state",), values)]


def _due(running: Context) -> list[_Wanted]:
    """What is looked for in this turn. That of a record which is absorbed or excluded, or of which nobody knows an
    address, rests; what only those have who are left alone waits, in the way of none of the others."""
    with running.work(ACTOR) as work:
        due = store.due_retrievals(work, LOOKED_AT)
        rows = store.records(work, due)
        known = store.open_copies(work, {row.doi for row in rows.values() if row.doi})
        left_alone = {row.source for row in store.parked_sources(work, work.now)}
        wanted, resting, waiting = list[_Wanted](), list[str](), list[str]()
        for record in due:
            row = rows.get(record)
            groups = _groups(row, known.get(row.doi or ""), work.settings) if row is not None and _goes_on(row) else ()
            asked = tuple(group for group in map(lambda it: _but(it, left_alone), groups) if group)
            if row is None or not groups:
                resting.append(record)
            elif not asked:
                waiting.append(record)
            elif len(wanted) < MOST_A_TURN:
                wanted.append(_Wanted(row.review, record, asked))
        store.put_off_retrievals(work, resting, None)
        store.put_off_retrievals(work, waiting, work.now + PUT_OFF)
        return wanted


def _goes_on(row: RecordRow) -> bool:
    return row.merged_into is None and row.standing != Standings.EXCLUDED


def _but(group: tuple[Address, ...], left_alone: set[str]) -> tuple[Address, ...]:
    """The addresses without those of sources that asked to be left alone."""
    return tuple(it for it in group if not it.own or (it.source if it.source != PMC else pubmed.NAME) not in left_alone)


def _groups(row: RecordRow, copies: OpenCopiesRow | None, settings: Settings) -> tuple[tuple[Address, ...], ...]:
    """Where copies of a record's report may be: as JATS, and as others keep it."""
    pmcid = Bibliography.model_validate(row.bibliography).identifiers.pmcid
    jats = _of_pmc(pmcid, settings) if pmcid else ()
    locations = [Location.model_validate(one) for one in copies.locations[:_MOST_ADDRESSES]] if copies else []
    open_ones = tuple(
        Address(it.pdf or it.url, UNPAYWALL, (kinds.PDF, kinds.JATS), it.licence, it.version or "unknown")
        for it in locations
    )
    return tuple(group for group in (jats, open_ones) if group)


def _of_pmc(pmcid: str, settings: Settings) -> tuple[Address, ...]:
    """Europe PMC gives what it may, and PubMed Central what it may, which is not the same."""
    asked = urlencode({"db": "pmc", "id": pmcid.removeprefix("PMC"), "retmode": "xml", "tool": "living-reviews"})
    return (
        Address(f"{settings.europepmc_url.rstrip('/')}/{pmcid}/fullTextXML", EUROPEPMC, (kinds.JATS,), own=True),
        Address(f"{settings.pubmed_url.rstrip('/')}/efetch.fcgi?{asked}", PMC, (kinds.JATS,), own=True),
    )


def _fetch(running: Context, fetcher: TextFetcher, turns: Turns, wanted: _Wanted) -> _Outcome:
    """Looks for a copy at each group of addresses. Raises what our own store of blobs raises."""
    outcome = _Outcome()
    for group in wanted.groups:
        for address in group:
            if running.stopping.is_set():
                return outcome
            try:
                outcome.fetched.append(fetcher.fetch(address, running.blobs, turns, running.stopping))
                break
            except NotFetched as none:
                outcome.troubles.append(str(none))
                outcome.retry_after = max(filter(None, (outcome.retry_after, none.retry_after)), default=None)
    return outcome


def _write_down(running: Context, wanted: _Wanted, task: Future[_Outcome]) -> None:
    try:
        outcome = task.result()
    except Exception as error:
        # What is ours and away is nothing about this text, and told by whoever runs the job.
        if not is_down(error):
            _keep(running, wanted, _Outcome(troubles=[f"{type(error).__name__}: {error}"[:300]]))
        raise
    _FETCHED.labels("fetched" if _keep(running, wanted, outcome) else "trouble").inc()


def _keep(running: Context, wanted: _Wanted, outcome: _Outcome) -> bool:
    """Keeps the copies, or why there are none; answers whether there were any. A text that was brought, given up or
    merged meanwhile is left as it is."""
    with running.work(ACTOR) as work:
        store.lock_review(work, wanted.review)
        row = store.lock_retrieval(work, wanted.record)
        if row is None or row.state != RetrievalStates.SOUGHT or not store.is_live(work, wanted.review, wanted.record):
            return False
        taken_back = {it.sha256 for it in store.texts_of(work, [wanted.record]) if it.withdrawn_at is not None}
        members, troubles, kept = store.identifiers_of_members(work, wanted.record), [*outcome.troubles], False
        for one in outcome.fetched:
            if one.blob.sha256 in taken_back:
                troubles.append(f"the copy at {one.url[:200]} was taken back before")
                continue
            try:
                keep_text(work, running.blobs, _row(work, wanted, one, _carrier(members, one)))
                kept = True
            except Conflict as full:
                troubles.append(full.detail)
        if not kept:
            row.tries += 1
            row.trouble, row.retry_at = "; ".join(troubles)[:2000], next_try(work.now, row.tries, outcome.retry_after)
            log.warning("no copy is to be had", record=wanted.record, why=row.trouble)
        return kept


def _row(work: Work, wanted: _Wanted, one: Fetched, carrier: tuple[str, str] | None) -> TextRow:
    licence_class = licences.class_of(one.licence)
    source, source_id = carrier or (None, None)
    return TextRow(
        id=new_id("text"), review=wanted.review, record=wanted.record, carrier_source=source, carrier_id=source_id,
        sha256=one.blob.sha256, size=one.blob.size, kind=one.kind, name=f"{wanted.record}{kinds.ENDINGS[one.kind]}",
        version=one.address.version, source=one.address.source, url=one.url[:2000], licence=one.licence,
        licence_class=licence_class, readers=licences.readers_of(licence_class), added_by=work.actor,
        added_at=work.now,
    )  # fmt: skip


def _carrier(members: Sequence[tuple[tuple[str, str], dict[str, object]]], one: Fetched) -> tuple[str, str] | None:
    """The source record that led to a copy, by the identifier it was asked for by; else the first."""
    by = "pmcid" if one.address.own else "doi"
    named = [key for key, identifiers in members if identifiers.get(by)]
    return next(iter([*named, *(key for key, _ in members)]), None)
