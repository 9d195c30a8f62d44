"""Open copies: where the texts of what passed a stage of screening can be read by anybody, asked for DOI by DOI."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Literal

from services.ingest import store
from services.ingest.domain.copies import FOUND, availability
from services.ingest.domain.watching import next_try
from services.ingest.jobs import quotas
from services.ingest.jobs.items import words_of
from services.ingest.ports.fulltext.port import FullText, FullTexts
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.port import SourceDrifted, SourceRefused, SourceUnavailable
from shared import counters, logging
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.events.ingest import SourceParked, SourceResumed
from shared.service import Context, Gauge

log = logging.get(__name__)

ACTOR = "ingest:copies"

#: DOIs of a turn at most: a minute's, at the pace that the service is asked at; and those whose answers may be none.
MOST_A_TURN, MOST_TROUBLES = 100, 10

#: Seconds for which a service that refuses us is left alone.
_REFUSED_PAUSE = 3600.0

_ASKED = counters.counter(
    "living_full_texts_asked", "DOIs of which it was asked where they are open, by what came of it.", ["ended"]
)


def find_open_copies(running: Context) -> None:
    """Asks where the texts of reports are open that passed a stage and are not excluded, each DOI once for all reviews.

    Each answer is kept by a transaction of its own before the next is asked for, so that a killed process costs one.
    What goes wrong is written down with its DOI, which is tried again after a pause; a few such end the turn, as does a
    service that does not answer. One that refuses us, as it does an address that it does not take, is left alone for an
    hour. Nobody is asked while no contact is set, as the service wants to know one.
    """
    full_texts = running.resource(Sources).full_texts
    if full_texts is None or not running.settings.contact:
        return
    left = MOST_TROUBLES
    for doi in _due(running, full_texts):
        if running.stopping.is_set() or not left:
            return
        match _find(running, full_texts, doi):
            case "trouble":
                left -= 1
            case "away":
                return


def gauges(work: Work) -> list[Gauge]:
    """What is known of all DOIs, and of how many it could not be learnt."""
    counted, troubled = store.count_all_copies(work)
    found: dict[tuple[str, ...], float] = {(each,): float(counted.get(each, 0)) for each in FOUND}
    return [
        Gauge("living_open_copies", "DOIs by what was answered last, asked where they are open.", ("found",), found),
        Gauge("living_open_copies_failing", "DOIs that were asked for in vain last.", (), {(): float(troubled)}),
    ]


def _due(running: Context, full_texts: FullTexts) -> list[str]:
    """The DOIs of this turn: none while the service is left alone, and no more than it may be asked for today."""
    with running.work(ACTOR, readonly=True) as work:
        if full_texts.name in {row.source for row in store.parked_sources(work, work.now)}:
            return []
        today = store.quotas_of_day(work, work.now.astimezone(UTC).date().isoformat())
        asked = sum(row.requests for row in today if row.source == full_texts.name)
        limit = max(0, min(MOST_A_TURN, full_texts.most_a_day - asked))
        return store.dois_to_ask(work, work.now - timedelta(days=work.settings.open_copy_days), limit)


def _find(running: Context, full_texts: FullTexts, doi: str) -> Literal["found", "trouble", "away"]:
    """Asks for one, and keeps what is answered; or whether there was trouble of its own, or of all alike."""
    tally = quotas.Tally(full_texts.name)
    try:
        found = full_texts.find(doi, tally.hear)
        with running.work(ACTOR) as work:
            tally.write(work)
            what = _keep(work, doi, found)
            _resume(work, full_texts.name)
        _ASKED.labels(what).inc()
        return "found"
    except SourceRefused as error:
        # It is us that it refuses, since a DOI that it does not know is an answer.
        why = SourceUnavailable(str(error), source=error.source, retry_after=_REFUSED_PAUSE)
        _leave_alone(running, why, tally)
        return "away"
    except (SourceUnavailable, SourceDrifted) as error:
        _note(running, doi, error, tally)
        return "trouble" if isinstance(error, SourceDrifted) else "away"
    except Exception as error:
        # What is ours and away is nothing about this DOI, and told by whoever runs the job.
        if not is_down(error):
            _note(running, doi, error, tally)
        raise


def _keep(work: Work, doi: str, found: FullText | None) -> str:
    """Keeps an answer in place of the last one."""
    row = store.lock_copies(work, doi)
    row.found = availability(is_known=found is not None, has_copy=bool(found and found.locations))
    row.openness = found.openness if found else None
    before = row.locations
    row.locations = [location.model_dump(mode="json") for location in found.locations] if found else []
    if row.locations and row.locations != before:
        store.wake_retrievals(work, doi)
    row.remarks = found.remarks if found else []
    row.answered_at, row.failures, row.trouble, row.retry_at = work.now, 0, None, None
    return row.found


def _park(work: Work, error: Exception) -> None:
    """Leaves the service alone where it asks for that, and tells the reviews whose records wait for it."""
    if (parked := quotas.leave_alone(work, error)) is not None:
        for review in store.reviews_of_passed(work):
            work.emit(SourceParked(review=review, source=parked.source, until=parked.until, why=parked.why))


def _resume(work: Work, source: str) -> None:
    """Tells those reviews that it answers again, where it was left alone."""
    if store.parked_source(work, source) is not None:
        store.unpark(work, source)
        for review in store.reviews_of_passed(work):
            work.emit(SourceResumed(review=review, source=source))


def _leave_alone(running: Context, error: SourceUnavailable, tally: quotas.Tally) -> None:
    """Writes down that the service is left alone for now, which is no trouble of any DOI."""
    _ASKED.labels("trouble").inc()
    log.warning("full texts are asked for later", source=error.source, error=str(error))
    with running.work(ACTOR) as work:
        tally.write(work, refused=True)
        _park(work, error)


def _note(running: Context, doi: str, error: Exception, tally: quotas.Tally) -> None:
    """Writes down why there was no answer; what was answered before stays."""
    _ASKED.labels("trouble").inc()
    log.warning("nothing is learnt of where a text is open", doi=doi, error=str(error))
    retry_after = error.retry_after if isinstance(error, SourceUnavailable) else None
    with running.work(ACTOR) as work:
        tally.write(work, refused=quotas.asks_for_long(error))
        _park(work, error)
        row = store.lock_copies(work, doi)
        row.failures += 1
        row.trouble, row.retry_at = words_of(error), next_try(work.now, row.failures, retry_after)
