"""Clusters: the order of arrival does not matter, and a person's word does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.clusters import COMMON, Pair, Pool
from services.ingest.domain.description import Contribution, describe
from services.ingest.domain.matching import cite
from services.ingest.ports.sources.port import SourceRecord
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, SOURCES, work


def pooled(records: Iterable[SourceRecord], pool: Pool | None = None) -> Pool:
    """A pool with these records placed in this order; ids sort by age."""
    pool, numbers = pool or Pool(), count()
    for record in records:
        pool.assign(cite(record), lambda: f"rec_{next(numbers):04}")
    return pool


def clusters(pool: Pool) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(members) for members in pool.members.values()}


def open_pairs(pool: Pool) -> set[frozenset[frozenset[tuple[str, str]]]]:
    """The doubts, told by the clusters they are between."""
    return {frozenset(frozenset(pool.members[record]) for record in pair) for pair in pool.doubts}


#: A small world in which works are easily taken for one another: some share a DOI, some a title, some nothing.
@st.composite
def source_records(draw) -> list[SourceRecord]:
    titles = [LONG_TITLE, "How leadership works in integrated care systems", "Editorial", "Pleural disease", None]
    described = st.fixed_dictionaries(
        {
            "title": st.sampled_from(titles),
            "authors": st.sampled_from([PEOPLE, [*reversed(PEOPLE)], ["Nicholson C", "Hepworth J"], ["Rosa, Ute"], []]),
            "venue": st.sampled_from(["Int J Integr Care", "International Journal of Integrated Care", "Lancet", None]),
            "published": st.sampled_from(["2018", "2018-03", "2018-03-08", "2019", "2021-01-02", None]),
            "kind": st.sampled_from(["article", "preprint", "review", "other"]),
            "abstract": st.sampled_from([None, "Short.", "A much longer abstract."]),
            "doi": st.sampled_from([None, None, "10.1/a", "10.1/b"]),
            "pmid": st.sampled_from([None, None, "1", "2"]),
        }
    )
    fields = draw(st.lists(st.tuples(st.sampled_from(SOURCES), described), min_size=2, max_size=9))
    return [work(source, str(number), **each) for number, (source, each) in enumerate(fields)]


#: A busy machine is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(source_records(), st.randoms())
def test_any_order_of_arrival_gives_the_same_clusters_doubts_and_descriptions(records, random):
    shuffled = random.sample(records, len(records))

    one, other = pooled(records), pooled(shuffled)

    assert clusters(one) == clusters(other)
    assert open_pairs(one) == open_pairs(other)
    assert descriptions(one, records) == descriptions(other, records)


def descriptions(pool: Pool, records: list[SourceRecord]) -> list[str]:
    by_position = {(record.source, record.source_id): Contribution(record, "run") for record in records}
    return sorted(describe(by_position[at] for at in members).model_dump_json() for members in pool.members.values())


@PATIENT
@given(source_records())
def test_every_source_record_is_in_one_cluster_and_placing_it_again_changes_nothing(records):
    pool = pooled(records)
    before = clusters(pool)

    pooled(records, pool)

    assert sorted(at for members in pool.members.values() for at in members) == sorted(
        (record.source, record.source_id) for record in records
    )
    assert clusters(pool) == before


def test_a_source_record_that_is_the_same_as_two_records_makes_them_one_into_the_older():
    by_doi, by_pmid = work("crossref", "a", doi="10.1/a", venue="BMJ"), work("pubmed", "1", pmid="1", venue="Lancet")
    bridge = work("europepmc", "1", doi="10.1/a", pmid="1")

    pool = pooled([by_doi, by_pmid, bridge])

    assert list(pool.members) == ["rec_0000"]
    (merger,) = pool.mergers
    assert (merger.absorbed, merger.into) == ("rec_0001", "rec_0000")
    assert "europepmc 1 belongs to both" in merger.evidence
    assert "both have the PubMed id 1" in merger.evidence
    assert pool.home("rec_0001") == "rec_0000"


def test_what_a_person_keeps_apart_no_source_record_brings_together():
    pool = pooled([work("crossref", "a", doi="10.1/a", venue="Lancet"), work("pubmed", "1", pmid="1", venue="BMJ")])
    pool.pairs[Pair(("rec_0000", "rec_0001"))] = "different"

    assignment = pool.assign(cite(work("europepmc", "1", doi="10.1/a", pmid="1", venue=None)), lambda: "rec_new")

    assert assignment.record == "rec_0000"
    assert len(pool.members) == 2
    assert not pool.mergers


def test_what_a_person_keeps_apart_stays_so_when_a_third_record_is_merged_in():
    pool = Pool()
    for name, record in (("rec_1", "a"), ("rec_2", "b"), ("rec_3", "c")):
        pool.know(name, [cite(work("crossref", record, f"{record} work about something of its own entirely"))])
    pool.pairs = {Pair(("rec_2", "rec_3")): "different", Pair(("rec_1", "rec_3")): "open"}

    pool.merge("rec_1", "rec_2", ("a person said so",))

    assert pool.pairs == {Pair(("rec_1", "rec_3")): "different"}


def test_a_key_that_too_many_records_hold_tells_nothing():
    """Abstracts of a meeting under one DOI are not compared one by one for ever."""
    meeting = [
        work("crossref", str(n), f"Abstract number{n} of a meeting about {n}", authors=[f"Author{n}, A"], doi="10.1/m")
        for n in range(COMMON + 20)
    ]

    pool = pooled(meeting)

    assert len(pool.members) == COMMON + 20
    assert len(pool.doubts) < COMMON * (COMMON + 1) / 2 + 1
