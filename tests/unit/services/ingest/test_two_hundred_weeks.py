"""Two hundred weeks of a source that indexes late, dates wrongly, changes its mind and retracts old works."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.ingest.ports.sources.port import Dating, Keep, Notice, Page, Query, SourceRecord, keep_nothing
from shared.events import registry
from shared.events.ingest import RecordDiscovered, RecordNoticed
from tests.unit.services.ingest.rig import IngestBench, strategy, work

pytestmark = pytest.mark.slow  # Every day of four years is lived through.

BEGIN, WEEKS, WORKS = date(2020, 1, 1), 200, 240
PUBLISHED_AFTER = date(2018, 1, 1)
EVERY_DAYS, WHOLE_EVERY_DAYS = 7, 90


@dataclass
class Work:
    """A work, and the days on which things happen to it: `came` is when the source has it first, `published` what it
    says then of its day, `redated` on which day it says another, `retracted` when it says that."""

    record: SourceRecord
    came: date
    published: date
    redated: tuple[date, date] | None = None
    retracted: date | None = None

    def on(self, today: date) -> SourceRecord:
        published = self.day_on(today)
        notices = [Notice(kind="retraction")] if self.retracted and self.retracted <= today else []
        return self.record.model_copy(update={"published": published.isoformat(), "notices": notices})

    def day_on(self, today: date) -> date:
        return self.redated[1] if self.redated and self.redated[0] <= today else self.published

    def changed(self) -> list[date]:
        return [self.came, *([self.redated[0]] if self.redated else []), *([self.retracted] if self.retracted else [])]


@dataclass
class World:
    """A source over the years, asked by the days that it knows."""

    bench: IngestBench | None
    works: list[Work]
    datings: tuple[Dating, ...]
    least_overlap_days: int
    name: str = "crossref"
    slack: float = 0.0
    ids_at_once: int = 100
    asked: list[Query] = field(default_factory=list)

    @property
    def today(self) -> date:
        assert self.bench is not None
        return self.bench.clock.now().date()

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        self.asked.append(query)
        there = [each for each in self.works if each.came <= self.today]
        found = [each.on(self.today) for each in there if query.since <= self._day(each, query.by) <= query.until]
        start = int(cursor or 0)
        while True:
            end = start + 50
            following = str(end) if end < len(found) else None
            yield Page(records=found[start:end], cursor=following, reported=len(found))
            if following is None:
                return
            start = end

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        wanted = [each for each in self.works if each.record.source_id in ids and each.came <= self.today]
        changed = [each for each in wanted if any(since <= day <= self.today for day in each.changed())]
        yield Page(records=[each.on(self.today) for each in changed])

    def _day(self, each: Work, by: Dating) -> date:
        if by == "published":
            return each.day_on(self.today)
        return each.came if by == "came" else max(day for day in each.changed() if day <= self.today)


def works(chance: random.Random) -> list[Work]:
    made = []
    end = BEGIN + timedelta(weeks=WEEKS)
    for number in range(WORKS):
        published = PUBLISHED_AFTER - timedelta(days=3_000) + timedelta(days=chance.randrange(3_000 + 365 + WEEKS * 7))
        # Most come at once, some ahead of their print, some years late, a back-file on one day.
        lag = chance.choice([0, 0, 3, 20, -200, 90, 400, 1_200])
        came = date(2022, 2, 2) if number % 17 == 0 else published + timedelta(days=lag)
        one = Work(work("crossref", f"10.1/{number}", f"Study {number} on leading {number}"), came, published)
        if number % 5 == 0:
            one.redated = (came + timedelta(days=30), published + timedelta(days=chance.choice([-400, -20, 31, 200])))
        if number % 3 == 0:
            one.retracted = max(came, BEGIN) + timedelta(days=chance.randrange(5, 900))
        if came < end:
            made.append(one)
    return made


@pytest.mark.parametrize(
    ("datings", "overlap"), [(("came", "changed", "published"), 2), (("published",), 730)], ids=["came", "published"]
)
def test_every_work_is_found_by_the_next_whole_walk_and_every_retraction_told_within_a_day(tmp_path, datings, overlap):
    world = World(None, works(random.Random(7)), datings, overlap)
    bench = world.bench = IngestBench(tmp_path, sources={"crossref": world})
    bench.clock.set(datetime.combine(BEGIN, time(12), UTC).isoformat())
    bench.adopt(
        strategy("crossref", every_days=EVERY_DAYS, overlap_days=14, whole_every_days=WHOLE_EVERY_DAYS),
        published_after=PUBLISHED_AFTER,
    )
    for _ in range(WEEKS * 7):
        bench.pull()
        bench.clock.advance(days=1)
    found: dict[str, date] = {}
    heard: dict[str, date] = {}
    for envelope in bench.journal():
        event, day = registry.decode(envelope), date.fromisoformat(str(envelope.time)[:10])
        if isinstance(event, RecordDiscovered):
            found[event.bibliography.sources[0].id] = day
        elif isinstance(event, RecordNoticed):
            heard[event.record] = day
    records = {
        one["identifiers"]["doi"] or one["sources"][0].split(":", 1)[1]: one["record"] for one in bench.items("records")
    }
    last = world.today

    late = {}
    for one in world.works:
        for since in {one.came, one.redated[0] if one.redated else one.came}:
            day = max(since, BEGIN)
            within = PUBLISHED_AFTER <= one.day_on(day) <= day + timedelta(days=366)
            due = day + timedelta(days=WHOLE_EVERY_DAYS + EVERY_DAYS + 1)
            if within and due <= last and found.get(one.record.source_id, last) > due:
                late[one.record.source_id] = (one, found.get(one.record.source_id))
    assert late == {}
    assert len(found) > 100

    untold = {}
    for one in world.works:
        source_id = one.record.source_id
        if one.retracted and source_id in found:
            due = max(one.retracted, found[source_id]) + timedelta(days=1)
            if due < last and heard.get(records[source_id], last) > due:
                untold[source_id] = (one, heard.get(records[source_id]))
    assert untold == {}
    assert len(heard) > 30
    bench.close()
