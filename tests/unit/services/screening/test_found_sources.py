"""Each record that a source gave is identified once, whatever becomes of the records that list it, and in whatever
order that is heard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from services.screening import jobs
from shared.errors import NotYet, Rejected
from shared.events.base import Event
from shared.events.ingest import SourceRef
from tests.unit.services.screening.rig import (
    SIFT,
    ScreeningRig,
    discovered,
    found_at,
    make_bench,
    merged,
    parted,
    protocol,
    published,
    updated,
)
from tests.unit.services.screening.soundness import assert_sound

SOURCES = ("openalex", "crossref", "added:website")

#: What happens to a record, and with which other one.
HAPPENS = st.tuples(
    st.sampled_from(["found", "merge", "part"]), st.integers(0, 3), st.integers(0, 3), st.sampled_from(SOURCES)
)


@pytest.fixture(scope="module")
def quick_rig(tmp_path_factory) -> Iterator[ScreeningRig]:
    """One rig for all examples; each has a review of its own."""
    bench = make_bench(tmp_path_factory.mktemp("found"))
    event.listen(bench.running.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    bench.running.database.engine.dispose()
    yield ScreeningRig(bench)
    bench.close()


class Ingested:
    """Four records as ingest has them, and what it tells of them: by record in order."""

    _numbers = count()

    def __init__(self, chased: bool) -> None:
        self.review = f"found-{next(self._numbers)}"
        self.records = [f"r{number}" for number in range(4)]
        self.own = {name: [found_at("openalex", name, by_citations=chased and name == "r3")] for name in self.records}
        self.home = {name: name for name in self.records}
        self.events: defaultdict[str, list[Event]] = defaultdict(list)
        self._revisions = count(2)
        for name in self.records:
            self._tell(name, discovered(name, sources=self.own[name]))

    def happens(self, what: str, number: int, other: int, source: str) -> None:
        record, into = self.records[number], self.records[other]
        if what == "found":
            self.own[record].append(found_at(source, f"{record}-{next(self._revisions)}", "run_2"))
            self._describe(self.home[record])
        elif what == "merge" and other < number and self.home[record] == record and self.home[into] == into:
            self.home = {name: into if there == record else there for name, there in self.home.items()}
            self._describe(into)
            self._tell(record, merged(record, into, next(self._revisions)))
        elif what == "part" and self.home[record] != record:
            was, self.home[record] = self.home[record], record
            self._describe(was)
            self._tell(record, parted(record, was, next(self._revisions), sources=self._listed(record)))

    def _describe(self, record: str) -> None:
        self._tell(record, updated(record, revision=next(self._revisions), sources=self._listed(record)))

    def _listed(self, record: str) -> list[SourceRef]:
        return [found for name in self.records if self.home[name] == record for found in self.own[name]]

    def _tell(self, record: str, event: Event) -> None:
        self.events[record].append(event.model_copy(update={"review": self.review}))

    def heard_by(self, rig: ScreeningRig, random: Random) -> None:
        """Of each record in order, of several in any, and some twice; what cannot be heard yet waits."""
        left = {record: list(events) for record, events in self.events.items()}
        while left:
            record = random.choice(sorted(left))
            try:
                rig.hears(left[record][0])
            except (NotYet, Rejected):
                continue
            if random.random() < 0.7:
                left[record].pop(0)
            left = {name: events for name, events in left.items() if events}


@settings(max_examples=30)
@given(happens=st.lists(HAPPENS, max_size=10), random=st.randoms(use_true_random=False), chased=st.booleans())
def test_each_source_record_is_identified_once_in_whatever_order_it_is_heard_of(quick_rig, happens, random, chased):
    ingested = Ingested(chased)
    quick_rig.hears(published(protocol(SIFT, review=ingested.review)))
    for each in happens:
        ingested.happens(*each)

    ingested.heard_by(quick_rig, random)

    flow = _flow(quick_rig, ingested.review)
    every = [found for own in ingested.own.values() for found in own]
    alive = {record for record, home in ingested.home.items() if record == home}
    names = Counter(f"citations:{found.source}" if found.by_citations else found.source for found in every)
    assert flow["identified"] == {"n": len(every), "sources": dict(sorted(names.items()))}
    assert flow["duplicates"]["n"] == len(every) - len(alive)
    assert flow["waiting"]["n"] == len(alive)
    assert all(n > 0 for n in flow["duplicates"]["sources"].values())
    assert_sound(quick_rig.bench, ingested.review, Counter())


def test_a_record_that_another_source_brings_too_is_a_duplicate_from_that_day_on(rig):
    rig.discovers("r1", source="openalex")
    rig.bench.clock.advance(hours=24)
    both = [found_at("openalex", "r1"), found_at("pubmed", "7", "run_2")]
    rig.hears(updated("r1", revision=2, sources=both), updated("r1", revision=3, published="2020", sources=both))

    days = [rig.gets("/flow", on=day).json() for day in ("2020-01-01", "2020-01-02")]
    assert [(day["identified"]["n"], day["duplicates"]["sources"]) for day in days] == [(1, {}), (2, {"pubmed": 1})]


def test_a_merge_and_what_parts_it_again_lose_no_source_record_and_count_none_twice(either_rig):
    rig = either_rig
    rig.discovers("r1", source="openalex")
    rig.discovers("r2", source="pubmed")
    both = [found_at("openalex", "r1"), found_at("pubmed", "r2")]

    rig.hears(merged("r2", into="r1"), updated("r1", revision=2, sources=both))
    assert _counted(rig) == (2, 1, {"pubmed": 1})
    rig.bench.runs(jobs.fold_counts)
    assert _counted(rig) == (2, 1, {"pubmed": 1})

    rig.hears(parted("r2", "r1", sources=[found_at("pubmed", "r2")]))
    rig.hears(updated("r1", revision=11, sources=[found_at("openalex", "r1")]))
    assert _counted(rig) == (2, 0, {})


def test_a_record_that_lost_the_source_record_that_brought_it_stands_for_one_that_it_has(rig):
    rig.discovers("r1", source="openalex")
    both = [found_at("openalex", "r1"), found_at("pubmed", "7")]
    rig.hears(updated("r1", revision=2, sources=both))

    rig.hears(parted("r2", "r1", sources=[found_at("openalex", "r1")]))
    rig.hears(updated("r1", revision=3, sources=[found_at("pubmed", "7")]))

    flow = rig.gets("/flow").json()
    assert _counted(rig) == (2, 0, {})
    assert flow["waiting"]["sources"] == {"openalex": 1, "pubmed": 1}


def test_a_chase_that_finds_what_a_search_brought_finds_a_duplicate_by_other_methods(rig):
    rig.discovers("r1", source="openalex")
    rig.hears(updated("r1", revision=2, sources=[
        found_at("openalex", "r1"), found_at("semanticscholar", "9", "run_2", by_citations=True),
    ]))  # fmt: skip

    flow = rig.gets("/flow").json()
    assert flow["other_methods"]["identified"] == {"n": 1, "sources": {"citations:semanticscholar": 1}}
    assert (flow["other_methods"]["duplicates"]["n"], flow["databases"]["duplicates"]["n"]) == (1, 0)


def _flow(rig: ScreeningRig, review: str) -> dict[str, Any]:
    answer = rig.person("ana").get(f"/screening/reviews/{review}/flow")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _counted(rig: ScreeningRig) -> tuple[int, int, dict[str, int]]:
    flow = rig.gets("/flow").json()
    return flow["identified"]["n"], flow["duplicates"]["n"], flow["duplicates"]["sources"]
