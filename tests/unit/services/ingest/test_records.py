"""Records: one for each work, with its provenance; what matching cannot settle waits for a person."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from services.ingest.domain.clusters import clusters, compared
from services.ingest.domain.matching import cite
from services.ingest.jobs import keying
from services.ingest.models import RecordRow, ReviewRow, SourceKeyRow, SourceRecordRow
from services.ingest.ports.sources.port import SourceRecord
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordSplit, RecordUpdated, RunFinished
from tests.unit.services.ingest.rig import LONG_TITLE, SOURCES, IngestBench, strategy, work
from tests.unit.services.ingest.test_clusters import source_records

ALL = [strategy(name) for name in SOURCES]


def puts(bench: IngestBench, *records: SourceRecord) -> None:
    for record in records:
        bench.sources[record.source].put(record)


def test_the_same_work_of_two_sources_is_one_record_that_says_who_gave_what(bench):
    bench.adopt(*ALL)
    puts(bench, work("crossref", "10.1/a", doi="10.1/a"))
    bench.pull()
    puts(bench, work("pubmed", "7", doi="10.1/a", pmid="7", language="en", abstract="We looked at boards."))
    bench.pull_again()

    (record,) = bench.records()
    assert record["revision"] == 2
    assert record["bibliography"]["provenance"]["title"] == "crossref:10.1/a"
    assert record["bibliography"]["provenance"]["abstract"] == "pubmed:7"
    assert {(one["source"], one["source_id"]) for one in record["source_records"]} == {
        ("crossref", "10.1/a"), ("pubmed", "7"),
    }  # fmt: skip
    joined = {one["source"]: one["because"] for one in record["source_records"]}
    assert joined["crossref"] == []
    assert "both have the DOI 10.1/a" in joined["pubmed"]
    (updated,) = bench.emitted(RecordUpdated)
    assert set(updated.changed) == {"abstract", "language", "identifiers", "sources", "provenance"}
    assert [one.source for one in updated.bibliography.sources] == ["crossref", "pubmed"]


def test_a_source_record_between_two_records_merges_the_younger_into_the_older(bench):
    bench.adopt(*ALL)
    puts(bench, work("crossref", "10.1/a", doi="10.1/a", venue="BMJ"))
    bench.pull()
    puts(bench, work("pubmed", "7", pmid="7", venue="Lancet"))
    bench.pull_again()
    older, younger = [record["record"] for record in bench.items("records")]

    puts(bench, work("europepmc", "MED:7", doi="10.1/a", pmid="7", venue=None))
    bench.pull_again()

    (merged,) = bench.emitted(RecordMerged)
    assert (merged.record, merged.into, merged.revision) == (younger, older, 2)
    assert "europepmc MED:7 belongs to both" in merged.evidence
    assert bench.clusters() == {frozenset({"crossref:10.1/a", "pubmed:7", "europepmc:MED:7"})}
    (record,) = bench.records()
    assert [(one["absorbed"], one["evidence"]) for one in record["merges"]] == [(younger, merged.evidence)]
    assert bench.get(f"records/{younger}")["merged_into"] == older
    assert [one["record"] for one in bench.items("records", pmid="7")] == [older]
    status = bench.get("status")
    assert (status["records"], status["source_records"], status["open_duplicates"]) == (1, 3, 0)
    merged_by = {run.source: run.counts.merged for run in bench.emitted(RunFinished)}  # Of each source the last one.
    assert merged_by == {"crossref": 0, "pubmed": 0, "europepmc": 1, "openalex": 0}


def test_mergers_of_mergers_are_all_found_from_the_survivor(bench):
    bench.adopt(*ALL)
    for source, fields in (
        ("crossref", {"doi": "10.1/a", "venue": "BMJ"}),
        ("pubmed", {"pmid": "7", "venue": "Lancet"}),
        ("openalex", {"openalex": "W1", "venue": "Thorax"}),
    ):
        puts(bench, work(source, source, **fields))
        bench.pull_again()
    first, second, third = [record["record"] for record in bench.items("records")]

    puts(bench, work("europepmc", "1", pmid="7", openalex="W1", venue=None))
    bench.pull_again()
    puts(bench, work("europepmc", "2", doi="10.1/a", pmid="7", venue=None))
    bench.pull_again()

    (record,) = bench.records()
    assert record["record"] == first
    assert {one["absorbed"] for one in record["merges"]} == {second, third}
    assert all(bench.get(f"records/{one}")["merged_into"] == first for one in (second, third))


def test_records_that_one_page_shows_to_be_one_are_told_as_one(bench):
    bench.adopt(strategy("europepmc"))
    puts(
        bench,
        work("europepmc", "1", doi="10.1/a", venue="BMJ"),
        work("europepmc", "2", pmid="7", venue="Lancet"),
        work("europepmc", "3", doi="10.1/a", pmid="7", venue=None),
    )

    bench.pull()

    (seen,) = bench.emitted(RecordDiscovered)
    assert len(seen.bibliography.sources) == 3
    assert bench.emitted(RecordMerged) == bench.emitted(RecordUpdated) == []
    counts = bench.emitted(RunFinished)[-1].counts
    assert (counts.new, counts.merged) == (1, 2)


def test_records_are_found_by_an_identifier_in_any_spelling(bench):
    bench.adopt(strategy("crossref"))
    puts(bench, work("crossref", "10.1/a", doi="10.1000/abc", pmid="77"), work("crossref", "x", "Another one entirely"))
    bench.pull()

    for spelling in ("10.1000/abc", "https://doi.org/10.1000/ABC", "doi:10.1000/abc"):
        (found,) = bench.items("records", doi=spelling)
        assert found["title"] == LONG_TITLE
    assert len(bench.items("records", pmid="77")) == 1
    assert bench.items("records", doi="10.1000/other") == []


@pytest.mark.parametrize(
    "query", [{"doi": "no doi"}, {"pmid": "x"}, {"doi": "10.1000/a", "pmid": "7"}, {"cursor": "??"}]
)
def test_a_look_up_that_cannot_be_read_is_refused(bench, query):
    bench.adopt(strategy("crossref"))

    answer = bench.person(role="reader").get(f"/ingest/reviews/{bench.review}/records", params=query)

    assert answer.status_code == 422, answer.text


def test_unknown_things_are_not_found(bench):
    bench.adopt(strategy("crossref"))
    for path in ("records/rec_x", "runs/run_x", "runs/run_x/items", "runs/run_x/rejections"):
        assert bench.person(role="reader").get(f"/ingest/reviews/{bench.review}/{path}").status_code == 404
    assert bench.person(role="reader").get("/ingest/reviews/nothing/status").status_code == 404
    assert bench.anybody().get(f"/ingest/reviews/{bench.review}/records").status_code == 401
    other = bench.person(role="reader", reviews=("another",))
    assert other.get(f"/ingest/reviews/{bench.review}/records").status_code == 403


def two_with_other_dois(bench: IngestBench) -> dict:
    """Pulls two works that might be one, and gives their pair."""
    bench.adopt(*ALL)
    puts(bench, work("crossref", "10.1/pre", doi="10.1/pre"))
    bench.pull()
    puts(bench, work("openalex", "W1", doi="10.1/art", openalex="W1"))
    bench.pull_again()
    (pair,) = bench.items("duplicates")
    return pair


def test_what_might_be_the_same_waits_for_a_person(bench):
    pair = two_with_other_dois(bench)

    assert {pair["first"]["sources"][0], pair["second"]["sources"][0]} == {"crossref:10.1/pre", "openalex:W1"}
    assert pair["state"] == "open"
    assert "their DOIs differ: 10.1/pre, 10.1/art" in pair["evidence"]
    assert bench.get("status")["open_duplicates"] == 1
    assert sum(run.counts.maybe_duplicate for run in bench.emitted(RunFinished)) == 1


def test_a_person_makes_two_records_one(bench):
    pair = two_with_other_dois(bench)

    decided = bench.post(f"duplicates/{pair['duplicate']}", {"verdict": "same", "reason": "a second DOI of it"})

    assert (decided["state"], decided["decided_by"], decided["reason"]) == ("same", "lea", "a second DOI of it")
    (merged,) = bench.emitted(RecordMerged)
    assert (merged.record, merged.into) == (pair["second"]["record"], pair["first"]["record"])
    assert merged.evidence[-1] == "lea decided that they are one: a second DOI of it"
    (record,) = bench.records()
    assert record["merges"][0]["merged_by"] == "lea"
    assert len(record["source_records"]) == 2
    assert bench.emitted(RecordUpdated)[-1].record == record["record"]

    seen = len(bench.all_emitted())
    bench.pull_again()
    assert len(bench.records()) == 1
    assert all(isinstance(event, RunFinished) for event in bench.all_emitted()[seen:])
    bench.post(f"duplicates/{pair['duplicate']}", {"verdict": "different", "reason": "no"}, status=409)


def test_what_a_person_keeps_apart_no_later_pull_brings_together(bench):
    pair = two_with_other_dois(bench)
    bench.post(f"duplicates/{pair['duplicate']}", {"verdict": "different", "reason": "the article has other data"})

    puts(bench, work("europepmc", "1", doi="10.1/pre", venue=None), work("pubmed", "7", doi="10.1/art", pmid="7"))
    puts(bench, work("europepmc", "2", doi="10.1/pre", pmid="7", venue=None))
    bench.pull_again()
    bench.pull_again()

    assert bench.emitted(RecordMerged) == []
    assert len(bench.records()) == 2
    (kept,) = bench.items("duplicates", state="different")
    assert kept["reason"] == "the article has other data"

    bench.post(f"duplicates/{pair['duplicate']}", {"verdict": "same", "reason": "on second thoughts"})
    assert len(bench.records()) == 1


def test_a_pair_follows_its_records_into_a_merger(bench):
    bench.adopt(*ALL)
    puts(bench, work("crossref", "10.1/a", doi="10.1/a", venue="BMJ"))
    bench.pull()
    puts(bench, work("pubmed", "7", pmid="7", venue="Lancet"), work("openalex", "W1", openalex="W1", venue="Thorax"))
    bench.pull_again()
    assert len(bench.items("duplicates")) == 3

    puts(bench, work("europepmc", "1", doi="10.1/a", pmid="7", venue="Gut"))
    bench.pull_again()

    live = {record["record"] for record in bench.items("records")}
    pairs = bench.items("duplicates")
    assert len(live) == 2
    assert [{pair["first"]["record"], pair["second"]["record"]} for pair in pairs] == [live]
    (settled,) = bench.items("duplicates", state="same")
    assert settled["decided_by"] == "ingest:pull"


def test_a_lead_decides_and_a_retried_command_decides_once(bench):
    pair = two_with_other_dois(bench)
    path, body = f"duplicates/{pair['duplicate']}", {"verdict": "same", "reason": "yes"}
    bench.post(path, body, role="adjudicator", status=403)
    bench.post(path, {"verdict": "perhaps", "reason": "x"}, status=422)
    bench.post(path, {"verdict": "same", "reason": "  "}, status=422)
    bench.post("duplicates/dup_x", body, status=404)

    first = bench.post(path, body, **{"Idempotency-Key": "decide-once"})
    again = bench.post(path, body, **{"Idempotency-Key": "decide-once"})

    assert first == again
    assert len(bench.emitted(RecordMerged)) == 1


@pytest.fixture(scope="module")
def long_bench(tmp_path_factory) -> Iterator[IngestBench]:
    bench = IngestBench(tmp_path_factory.mktemp("arrivals"))
    yield bench
    bench.close()


reviews = itertools.count()


def pulled(bench: IngestBench, records: list[SourceRecord], per_page: int, pulls: int) -> IngestBench:
    """A new review that met these records in this order, in so many pulls, so many on a page."""
    bench.review = f"review-{next(reviews)}"
    for source in bench.sources.values():
        source.items, source.per_page = [], per_page
    bench.adopt(*ALL)
    size = -(-len(records) // pulls)
    for start in range(0, len(records), size):
        puts(bench, *records[start : start + size])
        pull_now(bench)
    return bench


def pull_now(bench: IngestBench) -> None:
    """Pulls this review only."""
    for watch in bench.items("watches"):
        bench.post(f"watches/{watch['watch']}/pull")
    bench.pull()


def described(bench: IngestBench) -> list:
    """Every canonical description, but for the ids of runs."""
    found = [record["bibliography"] for record in bench.records()]
    for one in found:
        for source in one["sources"]:
            del source["run"]
    return sorted(found, key=lambda one: str(one["sources"]))


@settings(max_examples=15)
@given(source_records(), st.randoms(), st.integers(1, 5), st.integers(1, 3))
def test_neither_order_nor_pages_change_what_is_merged_or_how_it_is_described(long_bench, records, random, size, pulls):
    pulled(long_bench, records, per_page=9, pulls=1)
    clusters, descriptions = long_bench.clusters(), described(long_bench)
    open_before = long_bench.get("status")["open_duplicates"]

    pulled(long_bench, random.sample(records, len(records)), size, pulls)

    assert long_bench.clusters() == clusters
    assert described(long_bench) == descriptions
    status = long_bench.get("status")
    assert status["open_duplicates"] == open_before == len(long_bench.items("duplicates"))
    assert status["records"] == len(clusters)
    assert status["source_records"] == len(records)
    for run in long_bench.items("runs"):
        counts = run["counts"]
        assert counts["found"] == sum(counts[part] for part in ("new", "merged", "updated", "unchanged", "rejected"))

    seen = len(long_bench.all_emitted())
    pull_now(long_bench)
    assert all(isinstance(event, RunFinished) for event in long_bench.all_emitted()[seen:])


#: Works that look alike, in two sources that number them, some of which an identifier tells apart.
@st.composite
def crowds(draw) -> list[SourceRecord]:
    title = st.sampled_from([LONG_TITLE, "Leadership in integrated care: abstracts of the meeting"])
    crowd = [
        work(source, str(number), draw(title) if mixed else LONG_TITLE, **({"doi": "10.1/s"} if shares else {}))
        for mixed, shares in [(draw(st.booleans()), draw(st.booleans()))]
        for source in ("crossref", "pubmed")
        for number in range(draw(st.sampled_from([1, 2, 3, 14, 15, 16, 30, 31, 40])))
    ]
    named = [work("europepmc", str(n), doi="10.1/s", pmid=str(n)) for n in range(draw(st.integers(0, 2)))]
    return [*crowd, *named, *draw(source_records())]


@settings(max_examples=6)
@given(crowds(), st.randoms(), st.sampled_from([1, 7, 100]), st.integers(1, 3))
def test_what_nothing_tells_apart_is_sorted_alike_in_every_order(long_bench, records, random, size, pulls):
    records = list({(record.source, record.source_id): record for record in records}.values())
    whole = compared(map(cite, records))
    expected = {
        frozenset(":".join(key) for key in members) for members in clusters(whole, whole.citations.keys()).members
    }

    pulled(long_bench, random.sample(records, len(records)), size, pulls)

    assert long_bench.clusters() == expected


def test_a_database_of_before_makes_its_keys_anew_and_pulls_wait(bench):
    bench.adopt(*ALL)
    puts(bench, work("crossref", "10.1/a", doi="10.1/a"), work("pubmed", "7", doi="10.1/a", pmid="7"))
    bench.pull()
    with bench.work("upgrade") as doing:
        doing.session.execute(delete(SourceKeyRow))
        doing.session.execute(update(ReviewRow).values(keys=0))

    puts(bench, work("europepmc", "MED:7", pmid="7"))
    bench.pull_again()
    assert bench.get("status")["source_records"] == 2

    bench.runs(keying.make_keys_anew)
    bench.pull()
    assert bench.clusters() == {frozenset({"crossref:10.1/a", "pubmed:7", "europepmc:MED:7"})}


def test_an_upgrade_that_compares_otherwise_parts_and_merges(bench):
    """What an earlier release made one stays one only where the rules of now say so."""
    bench.adopt(*ALL)
    puts(bench, work("crossref", "a", doi="10.1/a"), work("crossref", "b", "Of other things entirely", doi="10.1/b"))
    puts(bench, work("pubmed", "7", doi="10.1/a", pmid="7"))
    bench.pull()
    with bench.work("upgrade") as doing:
        one, other = sorted({row.record for row in doing.session.execute(select(SourceRecordRow)).scalars()})
        doing.session.execute(update(SourceRecordRow).values(record=one))
        doing.session.execute(update(RecordRow).where(RecordRow.id == other).values(merged_into=one))
        doing.session.execute(update(ReviewRow).values(keys=0, records=1))

    bench.runs(keying.make_keys_anew)

    assert bench.clusters() == {frozenset({"crossref:a", "pubmed:7"}), frozenset({"crossref:b"})}
    (split,) = bench.emitted(RecordSplit)
    assert split.out_of == one
    assert bench.get("status")["records"] == 2
