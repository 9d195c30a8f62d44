"""Reading kept answers again, after an adapter was mended: what they hold is taken in, and no source is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.ingest import store
from services.ingest.commands.deduplication import Incoming, Outcome, take_in
from services.ingest.domain.watching import ReparseStates
from services.ingest.jobs.items import storable
from services.ingest.jobs.runs import outside_of_strategy
from services.ingest.models import RawAnswerRow, RejectionRow, ReparseRow, ReviewRow, RunItemRow, RunRow
from services.ingest.ports.sources import port
from services.ingest.ports.sources.catalog import Sources
from shared import logging
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.errors import Conflict, Invalid, Lost
from shared.ids import id_of
from shared.service import Context
from shared.wire.ingest import ReparseState

log = logging.get(__name__)

ACTOR = "ingest:reparse"

_LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class Reread:
    """What an answer of that time says as it is read today."""

    at: datetime
    page: port.Page


def reparse_answers(running: Context) -> None:
    """Reads again what people asked for, one after another, a page of a run in a transaction.

    A process that dies leaves its place, and the next one goes on from there. An error ends a reparse, which keeps it;
    a server that is away does not.
    """
    while not running.stopping.is_set():
        with running.work(ACTOR) as work:
            keying = store.reviews_to_key(work)
            asked = next((row for row in store.unfinished_reparses(work) if row.review not in keying), None)
            if asked is None:
                return
            if asked.state == ReparseStates.WAITING:
                ReparseStates.turn(asked, ReparseStates.RUNNING)
        try:
            while not running.stopping.is_set() and _next_page(running, asked.id):
                pass
        except Exception as error:
            if is_down(error) or isinstance(error, Conflict):
                raise
            _end(running, asked.id, ReparseStates.FAILED, f"{type(error).__name__}: {error}")
            raise
        if running.stopping.is_set():
            return
        _end(running, asked.id, ReparseStates.DONE, None)


def _end(running: Context, reparse: str, state: ReparseState, error: str | None) -> None:
    with running.work(ACTOR, correlation=reparse) as work:
        row = store.lock_reparse(work, reparse)
        ReparseStates.turn(row, state)
        row.ended_at = work.now
        row.error = error and error.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR]
    log.info("reparse over", review=row.review, reparse=reparse, state=state, pages=row.pages)


def _next_page(running: Context, reparse: str) -> bool:
    """Reads the answers of the next page of a run, with no transaction open, and takes in what they hold; false where
    there is none."""
    with running.work(ACTOR, readonly=True) as work:
        row = store.reparse(work, reparse)
        following = store.next_answered_page(work, row)
        if following is None:
            return False
        run, page = following
        answers = store.answers_of_page(work, run.id, page)
        stood = (row.at_run, row.at_page)
    source = running.resource(Sources).get(run.source)
    if source is None:
        raise Invalid(f"there is no source {run.source!r} any more, so nothing reads what it answered")
    reread, lost = _read(running, source, answers)
    with running.work(ACTOR, correlation=run.id) as work:
        row = store.lock_reparse(work, reparse)
        if (row.at_run, row.at_page) != stood or row.state != ReparseStates.RUNNING:
            raise Conflict(f"reparse {reparse!r} was moved on by another process", slug="reparse_moved")
        take_page_again(work, row, run.id, page, reread)
        row.at_run, row.at_page = run.id, page
        row.pages += 1
        row.answers += len(answers)
        row.lost += lost
    return True


def _read(running: Context, source: port.Source, answers: Iterable[RawAnswerRow]) -> tuple[list[Reread], int]:
    """Answers that carry works, one after another, and how many are not there any more."""
    reread, lost = [], 0
    for answer in answers:
        try:
            body = b"".join(running.blobs.open(answer.sha256, limit=answer.size))
        except Lost as error:
            log.warning("a kept answer is lost", run=answer.run, number=answer.number, error=str(error))
            lost += 1
            continue
        heard = port.Heard(answer.asked, answer.status, answer.content_type, answer.fetched_at, body)
        if (page := source.read_again(heard)) is not None:
            reread.append(Reread(answer.fetched_at, _storable(page)))
    return reread, lost


def _storable(page: port.Page) -> port.Page:
    records, rejections = map(storable, page.records), map(storable, page.rejections)
    return page.model_copy(update={"records": list(records), "rejections": list(rejections)})


def take_page_again(work: Work, row: ReparseRow, run_id: str, page: int, reread: Sequence[Reread]) -> None:
    """Takes in what the answers of a page of a run say today, and counts it.

    Of a work the newest answer counts, whichever run it came in. A sweep brings no work that the review does not have,
    a chase none that it has no link to, and no run one that is outside of its strategy.
    What was rejected and is a record now is resolved; what is rejected only now is kept with its reason. The run's own
    counts stay as they were told.
    """
    review = store.lock_review(work, row.review)
    run = store.run_of(work, row.review, run_id)
    said = {record.source_id: (one.at, record) for one in reread for record in one.page.records}
    known = store.source_records(work, run.review, run.source, said)
    outside = outside_of_strategy(work, run, [record for _, record in said.values()], known)
    if run.purpose == "citations":
        outside |= said.keys() - known.keys() - store.linked(work, run.review, run.source, said)
    changed: dict[str, tuple[datetime, Incoming]] = {}
    for source_id, (at, record) in said.items():
        before, content_hash = known.get(source_id), record.content_hash
        if source_id in outside or (before is None and run.purpose == "changes"):
            continue
        if before is not None and _is_older(before, run, at):
            row.older += 1
        elif before is not None and before.content_hash == content_hash:
            row.unchanged += 1
        else:
            changed[source_id] = at, Incoming(record, content_hash, before.record if before else None)
    went = _take_in(work, review, row, run, changed, known)
    homes = {source_id: one.record for source_id, one in known.items()}
    homes |= {source_id: outcome.record for source_id, outcome in went.items()}
    still = _keep_rejections(work, row, run, page, reread, homes)
    _resolve(work, row, store.open_rejections(work, run.id, page), reread, homes, still)


def _is_older(before: store.Known, run: RunRow, at: datetime) -> bool:
    """Whether what is known of a work came later than this answer. Of what an earlier release took in the walk that met
    it last tells; ids of runs sort by age."""
    return run.walk < before.seen_in if before.answered_at is None else at < before.answered_at


def _take_in(
    work: Work,
    review: ReviewRow,
    row: ReparseRow,
    run: RunRow,
    changed: Mapping[str, tuple[datetime, Incoming]],
    known: Mapping[str, store.Known],
) -> dict[str, Outcome]:
    outcomes, _ = take_in(work, review, run.id, [incoming for _, incoming in changed.values()])
    for at in {at for at, _ in changed.values()}:
        of_answer = [source_id for source_id, one in changed.items() if one[0] == at]
        fresh = [source_id for source_id in of_answer if source_id not in known]
        store.mark_read_again(work, run.review, run.source, of_answer, at, new_in=None)
        # Not as met by its walk, which may go on and is to count it when it comes.
        store.mark_read_again(work, run.review, run.source, fresh, at, new_in=row.id)
    went = {source_id: outcomes[run.source, source_id] for source_id in changed}
    if run.purpose != "changes":
        store.note_origins(work, run.review, run.source, went, run.watch)
    known_before = store.known_items(work, run.id, went)
    items = [
        {"run": run.id, "source_id": source_id, "outcome": outcome.what, "record": outcome.record}
        for source_id, outcome in went.items()
        if source_id not in known_before
    ]
    store.add_all(work, RunItemRow, items)
    counted = Counter(outcome.what for outcome in went.values())
    row.new += counted["new"]
    row.merged += counted["merged"]
    row.updated += counted["updated"]
    return went


def _keep_rejections(
    work: Work, row: ReparseRow, run: RunRow, page: int, reread: Sequence[Reread], homes: Mapping[str, str]
) -> set[tuple[str | None, str]]:
    """Keeps what is rejected now and was not, and the reasons of now; answers which items are rejected, by their ids
    and beginnings."""
    rejected = {
        (each.source_id, each.excerpt): each
        for one in reread
        for each in one.page.rejections
        if each.source_id not in homes or each.source_id is None
    }
    before = {
        (each.source_id, each.excerpt): each
        for each in store.rejections_of_walk(work, run, {excerpt for _, excerpt in rejected})
    }
    for what, rejection in rejected.items():
        if (kept := before.get(what)) is not None:
            kept.reason, kept.resolved_at, kept.record = rejection.reason, None, None
            continue
        row.rejected += 1
        rejection_id = id_of("rejection", row.id, run.id, str(page), what[0] or "", what[1])
        work.add(RejectionRow(id=rejection_id, review=run.review, run=run.id, page=page, **rejection.model_dump()))
    return set(rejected)


def _resolve(
    work: Work,
    row: ReparseRow,
    rejections: Iterable[RejectionRow],
    reread: Sequence[Reread],
    homes: Mapping[str, str],
    still: set[tuple[str | None, str]],
) -> None:
    """Notes which rejected items of a page are records now: those whose id a record has, and those in whose place there
    is one where nothing is rejected that begins as they do."""
    for rejection in rejections:
        if (rejection.source_id, rejection.excerpt) in still:
            continue
        own = rejection.source_id
        found = {own} if own is not None and own in homes else _standing_at(rejection.position, reread)
        records = {homes[each] for each in found if each in homes}
        if records:
            rejection.resolved_at = work.now
            rejection.record = next(iter(records)) if len(records) == 1 else None
            row.resolved += 1


def _standing_at(position: int, reread: Sequence[Reread]) -> set[str]:
    """The ids of the records that stand in a place of any of the answers."""
    found: set[str] = set()
    for one in reread:
        rejected = {each.position for each in one.page.rejections}
        index = position - sum(each < position for each in rejected)
        if position not in rejected and index < len(one.page.records):
            found.add(one.page.records[index].source_id)
    return found
