"""Clusters: the order of arrival does not matter, and a person's word does."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.clusters import COMMON, Clusters, Ruling, SourceKey, clusters, compared, doubts
from services.ingest.domain.matching import cite
from services.ingest.ports.sources.port import SourceRecord
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, SOURCES, work


def sorted_out(records: Iterable[SourceRecord], rulings: Iterable[Ruling] = ()) -> Clusters:
    """These records, sorted into clusters."""
    found = compared(map(cite, records))
    return clusters(found, found.citations.keys(), rulings)


def parts(found: Clusters) -> set[frozenset[SourceKey]]:
    return set(found.members)


def key(record: SourceRecord) -> SourceKey:
    return record.source, record.source_id


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
def test_any_order_gives_the_same_clusters_and_doubts(records, random):
    shuffled = random.sample(records, len(records))

    one, other = (compared(map(cite, each)) for each in (records, shuffled))
    found, again = (clusters(each, each.citations.keys()) for each in (one, other))

    assert found.members == again.members
    assert list(doubts(one, found)) == list(doubts(other, again))


@PATIENT
@given(source_records(), st.lists(st.integers(0, 8), min_size=2, max_size=4))
def test_a_persons_word_holds_whatever_the_machine_says(records, numbers):
    keys = [key(records[number % len(records)]) for number in numbers]
    one, other = frozenset(keys[:1]), frozenset(keys[1:]) - {keys[0]}

    for kind in ("same", "apart", "split"):
        found = sorted_out(records, [Ruling(kind, one, other, "1")])
        homes = {found.home[each] for each in other}
        assert sorted(each for cluster in found.members for each in cluster) == sorted({*map(key, records)})
        if kind == "same":
            assert homes <= {found.home[keys[0]]}
        else:
            assert found.home[keys[0]] not in homes
        if kind == "split":
            assert len(homes) <= 1


def test_works_that_nothing_tells_apart_are_not_merged():
    """Twelve abstracts of one title in two sources that number them are no twenty-four reports of one work."""
    alike = [work(source, str(number)) for source in ("crossref", "pubmed") for number in range(12)]

    assert len(sorted_out(alike).members) == 24


def test_a_work_that_one_source_has_twice_is_one():
    found = sorted_out([work("crossref", "1"), work("openalex", "W1"), work("openalex", "W2"), work("pubmed", "1")])

    assert len(found.members) == 1


def test_what_looks_like_two_works_of_two_sources_is_neither():
    first = [work("crossref", "a", doi="10.1/a"), work("openalex", "W1", doi="10.1/a")]
    second = [work("crossref", "b", doi="10.1/b"), work("openalex", "W2", doi="10.1/b")]

    found = sorted_out([*first, *second, work("pubmed", "1")])

    assert parts(found) == {frozenset(map(key, first)), frozenset(map(key, second)), frozenset({("pubmed", "1")})}


def test_a_file_of_the_team_keeps_nothing_apart():
    """Each of two exports may hold a work twice."""
    twice = [work(source, str(number)) for source in ("import:scopus", "import:embase") for number in range(2)]

    assert len(sorted_out(twice).members) == 1


def test_a_newer_word_outranks_an_older_one():
    records = [
        work("crossref", "a", "Of something"),
        work("pubmed", "1", "Of another"),
        work("openalex", "W1", "Third"),
    ]
    a, b, c = map(key, records)
    together = Ruling("same", frozenset({a, b, c}), frozenset(), "1")

    assert len(sorted_out(records, [together]).members) == 1
    assert parts(sorted_out(records, [together, Ruling("apart", frozenset({a}), frozenset({c}), "2")])) == {
        frozenset({a, b}),
        frozenset({c}),
    }
    assert len(sorted_out(records, [Ruling("apart", frozenset({a}), frozenset({c}), "0"), together]).members) == 1


def test_what_a_person_keeps_apart_no_bridge_brings_together():
    apart = [work("crossref", "a", doi="10.1/a", venue="Lancet"), work("pubmed", "1", pmid="1", venue="BMJ")]
    bridge = work("europepmc", "1", doi="10.1/a", pmid="1", venue=None)
    word = Ruling("apart", frozenset({key(apart[0])}), frozenset({key(apart[1])}), "1")

    assert len(sorted_out([*apart, bridge]).members) == 1
    assert sorted(map(len, sorted_out([*apart, bridge], [word]).members)) == [1, 2]


def test_a_key_that_too_many_source_records_hold_tells_nothing():
    """Abstracts of a meeting under one DOI are not compared one by one for ever."""
    meeting = [
        work("crossref", str(n), f"Abstract number{n} of a meeting about {n}", authors=[f"Author{n}, A"], doi="10.1/m")
        for n in range(COMMON + 1)
    ]
    few, many = compared(map(cite, meeting[:-1])), compared(map(cite, meeting))

    assert list(doubts(few, clusters(few, few.citations.keys())))
    assert not list(doubts(many, clusters(many, many.citations.keys())))
