"""The tally: what each source was asked on a day, what it said of our budget, and which are left alone until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.ingest import store
from services.ingest.domain import quotas
from services.ingest.domain.watching import LONGEST_WAIT
from services.ingest.models import ParkedRow, QuotaRow
from services.ingest.ports.sources.port import LONGEST_PAUSE, Heard, SourceUnavailable
from shared.db.work import Work
from shared.events.ingest import SourceParked
from shared.service import Gauge

_MILLION = 1_000_000

#: Dollars that one answer costs at most, whatever a source says: what is added up must fit its column.
_DEAREST = 1_000_000.0


class Tally:
    """What one walk of a source was answered since it was last written down."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._requests, self._spent = 0, 0
        self._said: dict[str, str] = {}

    def hear(self, heard: Heard) -> None:
        """Counts an answer, of whatever status, and keeps what it says of our budget."""
        self._requests += 1
        said = quotas.kept(heard.quota)
        self._spent += round(min(quotas.figures(said).cost_usd or 0.0, _DEAREST) * _MILLION)
        self._said = said or self._said

    def write(self, work: Work, *, refused: bool = False) -> None:
        """Writes it down in the row of today, with what it belongs to. A source is pulled by one run at a time, and
        asked ahead by one preview, so that its row is no place where others wait long."""
        if not self._requests and not refused:
            return
        row = store.quota_of(work, self._source, work.now.astimezone(UTC).date().isoformat())
        row.requests += self._requests
        row.spent += self._spent
        row.refusals += refused
        row.said, row.heard_at = self._said or row.said, work.now
        self._requests, self._spent = 0, 0


def asks_for_long(error: Exception) -> bool:
    """Whether a source asks to be left alone for longer than an adapter waits, as when a day's budget is used up."""
    return isinstance(error, SourceUnavailable) and (error.retry_after or 0.0) > LONGEST_PAUSE


def park(work: Work, review: str | None, error: Exception) -> None:
    """Leaves a source alone, for every review, as long as it asks for; tells the one that met it, if any did, and those
    whose watches are put off."""
    row = leave_alone(work, error)
    if row is None:
        return
    for each in sorted({*([review] if review is not None else []), *store.put_off(work, row.source, row.until)}):
        work.emit(SourceParked(review=each, source=row.source, until=row.until, why=row.why))


def leave_alone(work: Work, error: Exception) -> ParkedRow | None:
    """Notes until when a source is left alone that asks for it; None where it does not, or not for long."""
    if not isinstance(error, SourceUnavailable) or not asks_for_long(error):
        return None
    wait = min(timedelta(seconds=min(error.retry_after or 0.0, LONGEST_WAIT.total_seconds())), LONGEST_WAIT)
    until = work.now + wait
    why = str(error).replace("\0", "").encode(errors="replace").decode()
    row = store.parked_source(work, error.source)
    if row is None:
        row = work.add(ParkedRow(source=error.source, since=work.now, until=until, why=why))
    row.until, row.why = max(until, row.until), why
    return row


def gauges(work: Work) -> list[Gauge]:
    """How much each source was asked today, what it said is left, and which are left alone."""
    today = store.quotas_of_day(work, work.now.astimezone(UTC).date().isoformat())
    said = {row.source: quotas.figures(row.said) for row in today}
    left: dict[tuple[str, ...], float] = {
        (source, unit): value
        for source, it in said.items()
        for unit, value in (("requests", it.remaining), ("usd", it.remaining_usd))
        if value is not None
    }
    most: dict[tuple[str, ...], float] = {
        (source, unit): value
        for source, it in said.items()
        for unit, value in (("requests", it.limit), ("usd", it.limit_usd))
        if value is not None
    }
    parked = {row.source for row in store.parked_sources(work, work.now)}
    watched = {*store.watched_sources(work), *parked}
    return [
        Gauge("living_source_requests_today", "Answers of a source today (UTC).", ("source",), _of(today, "requests")),
        Gauge("living_source_refusals_today", "Walks that an empty budget ended.", ("source",), _of(today, "refusals")),
        Gauge("living_source_quota", "What a source said may be asked, in its unit.", ("source", "unit"), most),
        Gauge("living_source_quota_left", "What a source said is left of it.", ("source", "unit"), left),
        Gauge(
            "living_source_parked", "1 where a source is left alone since it asked for it.", ("source",),
            {(source,): float(source in parked) for source in watched},
        ),
    ]  # fmt: skip


def _of(rows: list[QuotaRow], field: str) -> dict[tuple[str, ...], float]:
    return {(row.source,): float(getattr(row, field)) for row in rows}


def days_of_long_ago(work: Work, before: datetime, limit: int) -> int:
    """What was asked on the oldest days, as far as they were over before then."""
    return store.forget_quotas(work, before.astimezone(UTC).date().isoformat(), limit)
