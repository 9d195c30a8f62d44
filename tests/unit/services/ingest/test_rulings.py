"""What people decide about which source records are one work: it outranks the machine for good, and can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.ports.sources.port import Notice
from shared.events.ingest import RecordMerged, RecordNoticed, RecordSplit, RecordUpdated
from tests.unit.services.ingest.rig import SOURCES, IngestBench, retracted, strategy, work

ALL = [strategy(name) for name in SOURCES]
WHY = {"reason": "I have read both"}


def homes(bench: IngestBench) -> dict[str, str]:
    return {name: one["record"] for one in bench.items("records") for name in one["sources"]}


@pytest.fixture
def adopted(bench) -> IngestBench:
    bench.adopt(*ALL)
    return bench


def puts(bench: IngestBench, *records: Any) -> dict[str, str]:
    for record in records:
        bench.sources[record.source].put(record)
    bench.pull_again()
    return homes(bench)


def a_and_b(bench: IngestBench) -> tuple[str, str]:
    """Two works that have nothing to do with one another."""
    puts(bench, work("crossref", "a", "Gardens on roofs of hospitals", doi="10.1/a"))
    found = puts(bench, work("pubmed", "7", "Bees in the city and their keepers", pmid="7"))
    return found["crossref:a"], found["pubmed:7"]


def test_a_person_makes_one_of_what_no_machine_would(adopted):
    bench = adopted
    older, younger = a_and_b(bench)

    ruling = bench.post(f"records/{younger}/merge", {"other": older, **WHY})
    again = bench.post(f"records/{older}/merge", {"other": younger, **WHY})

    assert (ruling["kind"], ruling["records"], ruling["decided_by"]) == ("same", [older], "lea")
    assert again["ruling"] == ruling["ruling"]
    (merged,) = bench.emitted(RecordMerged)
    assert (merged.record, merged.into) == (younger, older)
    assert merged.evidence == ["lea decided that they are one: I have read both"]
    assert bench.get("status")["records"] == 1
    seen = len(bench.all_emitted())
    puts(bench, work("pubmed", "7", "Bees in the city and their keepers, again", pmid="7"))
    assert bench.clusters() == {frozenset({"crossref:a", "pubmed:7"})}
    assert not [event for event in bench.all_emitted()[seen:] if isinstance(event, RecordSplit)]


def test_what_a_person_made_one_comes_apart_when_it_is_undone(adopted):
    bench = adopted
    older, younger = a_and_b(bench)
    ruling = bench.post(f"records/{older}/merge", {"other": younger, **WHY})
    # More of the younger one comes in meanwhile: it is no less that.
    bees = "Bees in the city and their keepers"
    puts(bench, work("europepmc", "1", bees, pmid="7"), work("openalex", "W1", bees, pmid="7"))

    undone = bench.post(f"rulings/{ruling['ruling']}/undo", {"reason": "they were two after all"})
    again = bench.post(f"rulings/{ruling['ruling']}/undo", {"reason": "once more"})

    assert (undone["undone_by"], undone["undone_why"]) == ("lea", "they were two after all")
    assert undone == again
    (split,) = bench.emitted(RecordSplit)
    assert (split.record, split.out_of, split.revision) == (younger, older, 3)
    assert [source.source for source in split.bibliography.sources] == ["europepmc", "openalex", "pubmed"]
    assert "they were two after all" in split.evidence[0]
    assert homes(bench)["crossref:a"] == older
    assert homes(bench)["europepmc:1"] == homes(bench)["pubmed:7"] == younger
    shown = bench.get(f"records/{younger}")
    assert (shown["merged_into"], [one["out_of"] for one in shown["splits"]]) == (None, [older])
    assert bench.get("status")["records"] == 2
    assert bench.get(f"records/{older}")["merges"] == []


def one_of_three(bench: IngestBench) -> str:
    """A record of three source records."""
    found = puts(
        bench,
        work("crossref", "a", doi="10.1/a"),
        work("pubmed", "7", doi="10.1/a", pmid="7"),
        work("europepmc", "1", pmid="7"),
    )
    (record,) = set(found.values())
    return record


def test_a_source_record_is_parted_for_good_and_against_later_arrivals(adopted):
    bench = adopted
    record = one_of_three(bench)
    seen = len(bench.emitted(RecordUpdated))

    ruling = bench.post(f"records/{record}/split", {"source_records": ["europepmc:1"], **WHY})
    again = bench.post(f"records/{record}/split", {"source_records": ["europepmc:1"], **WHY})
    puts(bench, work("openalex", "W1", doi="10.1/a", pmid="7"), work("europepmc", "1", pmid="7", language="en"))

    assert again["ruling"] == ruling["ruling"]
    (split,) = bench.emitted(RecordSplit)
    assert (split.out_of, split.revision) == (record, 1)
    assert split.evidence == ["lea decided that they are not one: I have read both"]
    assert bench.clusters() == {frozenset({"crossref:a", "pubmed:7", "openalex:W1"}), frozenset({"europepmc:1"})}
    assert bench.emitted(RecordMerged) == []
    assert bench.items("duplicates") == []
    lost = bench.emitted(RecordUpdated)[seen]
    assert [source.source for source in lost.bibliography.sources] == ["crossref", "pubmed"]


def test_a_merger_is_parted_as_a_whole_and_merged_again(adopted):
    bench = adopted
    older, younger = a_and_b(bench)
    bench.post(f"records/{older}/merge", {"other": younger, **WHY})

    bench.post(f"records/{older}/split", {"absorbed": younger, **WHY})
    assert homes(bench) == {"crossref:a": older, "pubmed:7": younger}
    bench.post(f"records/{older}/merge", {"other": younger, "reason": "on second thoughts"})

    assert homes(bench) == {"crossref:a": older, "pubmed:7": older}
    heard = [event for event in bench.all_emitted() if isinstance(event, RecordMerged | RecordSplit)]
    assert [(type(event), event.record, event.revision) for event in heard] == [
        (RecordMerged, younger, 2),
        (RecordSplit, younger, 3),
        (RecordMerged, younger, 4),
    ]
    assert [one["kind"] for one in bench.items("rulings")] == ["same", "split", "same"]


def test_what_is_kept_apart_no_bridge_brings_together_until_it_is_undone(adopted):
    bench = adopted
    puts(bench, work("crossref", "a", doi="10.1/a", venue="BMJ"))
    found = puts(bench, work("pubmed", "7", pmid="7", venue="Lancet"))
    one, other = found["crossref:a"], found["pubmed:7"]
    ruling = bench.post(f"records/{one}/keep-apart", {"other": other, **WHY})
    (pair,) = bench.items("duplicates", state="different")
    assert (pair["decided_by"], bench.items("duplicates")) == ("lea", [])

    puts(bench, work("europepmc", "1", doi="10.1/a", pmid="7", venue=None))
    assert len(bench.clusters()) == 2

    bench.post(f"rulings/{ruling['ruling']}/undo", {"reason": "they are one"})
    assert len(bench.clusters()) == 1
    assert bench.items("duplicates", state="different") == []


def test_a_later_word_of_a_person_replaces_the_earlier(adopted):
    bench = adopted
    one, other = a_and_b(bench)
    bench.post(f"records/{one}/keep-apart", {"other": other, **WHY})

    merged = bench.post(f"records/{one}/merge", {"other": other, **WHY})
    assert len(bench.clusters()) == 1

    bench.post(f"rulings/{merged['ruling']}/undo", WHY)
    assert len(bench.clusters()) == 2


def test_notices_follow_the_source_record_that_carries_them(adopted):
    bench = adopted
    record = one_of_three(bench)
    puts(bench, retracted(work("europepmc", "1", pmid="7")))
    (heard,) = bench.emitted(RecordNoticed)
    assert heard.record == record

    bench.post(f"records/{record}/split", {"source_records": ["europepmc:1"], **WHY})

    (split,) = bench.emitted(RecordSplit)
    assert [event.record for event in bench.emitted(RecordNoticed)] == [record, split.record]
    assert bench.emitted(RecordUpdated)[-1].lost_notices == [heard.notice]
    assert bench.get(f"records/{record}")["notices"] == []
    assert [one["kind"] for one in bench.get(f"records/{split.record}")["notices"]] == ["retraction"]


def test_a_notice_given_before_a_merger_goes_back_with_its_record(adopted):
    bench = adopted
    older, younger = a_and_b(bench)
    bench.post(f"records/{younger}/notices", {"kind": "retraction", "reason": "made up"}, status=201)
    bench.post(f"records/{older}/merge", {"other": younger, **WHY})
    bench.post(f"records/{older}/notices", {"kind": "correction", "reason": "a table"}, status=201)

    bench.post(f"records/{older}/split", {"absorbed": younger, **WHY})

    assert [one["kind"] for one in bench.get(f"records/{younger}")["notices"]] == ["retraction"]
    assert [one["kind"] for one in bench.get(f"records/{older}")["notices"]] == ["correction"]


def test_a_notice_of_another_work_finds_that_work_where_it_is(adopted):
    bench = adopted
    record = one_of_three(bench)
    notice = Notice(kind="retraction", of={"pmid": "7"})
    strikes = work("openalex", "W9", "A word about another work entirely", openalex="W9")
    puts(bench, strikes.model_copy(update={"notices": [notice]}))

    bench.post(f"records/{record}/split", {"source_records": ["europepmc:1", "pubmed:7"], **WHY})

    (split,) = bench.emitted(RecordSplit)
    assert [one["kind"] for one in bench.get(f"records/{split.record}")["notices"]] == ["retraction"]


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("records/{one}/merge", {"other": "{one}"}, 422, "same_record"),
        ("records/{one}/keep-apart", {"other": "{one}"}, 422, "same_record"),
        ("records/{one}/merge", {"other": "rec_of_another_review"}, 404, "not_found"),
        ("records/{one}/split", {"absorbed": "{two}"}, 409, "never_merged"),
        ("records/{one}/split", {"source_records": ["pubmed:7"]}, 404, "unknown_source_record"),
        ("records/{one}/split", {"source_records": ["pubmed"]}, 422, "unknown_source_record"),
        ("records/{one}/split", {"source_records": ["crossref:a"]}, 422, "all_of_it"),
        ("records/{one}/split", {}, 422, "nothing_to_split"),
        ("records/{one}/split", {"source_records": ["crossref:a"], "absorbed": "{two}"}, 422, "nothing_to_split"),
        ("rulings/ruling_x/undo", {}, 404, "not_found"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(adopted, path, body, status, slug):
    bench = adopted
    one, two = a_and_b(bench)
    seen = len(bench.all_emitted())
    named = {"{one}": one, "{two}": two}
    filled = {name: named.get(value, value) if isinstance(value, str) else value for name, value in body.items()}

    problem = bench.post(path.replace("{one}", one), {**filled, **WHY}, status=status)

    assert problem["type"].endswith(slug), problem
    assert len(bench.all_emitted()) == seen
    assert bench.items("rulings") == []


def test_a_record_of_another_review_is_none_here(adopted):
    bench = adopted
    one, _ = a_and_b(bench)
    bench.review = "another-review"
    bench.adopt(*ALL)
    there = puts(bench, work("crossref", "b", "Of other things", doi="10.1/b"))

    reader = bench.person("lea", "lead", reviews=("another-review", "ics-leadership"))
    answer = reader.post(
        f"/ingest/reviews/another-review/records/{there['crossref:b']}/merge", json={"other": one, **WHY}
    )

    assert answer.status_code == 404


def test_what_was_absorbed_is_not_split_or_merged_by_its_old_name(adopted):
    bench = adopted
    older, younger = a_and_b(bench)
    third = puts(bench, work("openalex", "W5", "A third one altogether", openalex="W5"))["openalex:W5"]
    bench.post(f"records/{older}/merge", {"other": younger, **WHY})

    for path, body in (
        (f"records/{younger}/split", {"source_records": ["pubmed:7"]}),
        (f"records/{younger}/merge", {"other": third}),
        (f"records/{third}/keep-apart", {"other": younger}),
    ):
        assert bench.post(path, {**body, **WHY}, status=409)["type"].endswith("absorbed")


TRUST = "Trust between hospitals and their councils in shared care"


def three_alike(bench: IngestBench) -> tuple[str, str, str]:
    """Three records, of any two of which a person is asked whether they are one."""
    puts(bench, work("crossref", "a", TRUST, doi="10.1/a", published="2018", authors=["Okoye, Ada"]))
    puts(bench, work("pubmed", "7", TRUST, pmid="7", published="2016", authors=["Okoye, Ada", "Ben, C"], venue="B"))
    found = puts(bench, work("europepmc", "9", TRUST, published="2014", authors=["Okoye, Ada", "Dee, D"], venue="C"))
    assert len(bench.items("duplicates")) == 3
    return found["crossref:a"], found["pubmed:7"], found["europepmc:9"]


def asked(bench: IngestBench, state: str) -> set[frozenset[str]]:
    """Which two records each pair in a state is of."""
    pairs = bench.items("duplicates", state=state)
    return {frozenset({pair["first"]["record"], pair["second"]["record"]}) for pair in pairs}


@pytest.mark.parametrize("merged", [(0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("apart", [(0, 1), (0, 2), (1, 2)])
def test_a_merger_takes_over_what_is_kept_apart_from_either_record(adopted, apart, merged):
    bench = adopted
    records = three_alike(bench)
    one, other = (records[at] for at in apart)
    bench.post(f"records/{one}/keep-apart", {"other": other, **WHY})
    into, gone = (records[at] for at in merged)

    bench.post(f"records/{into}/merge", {"other": gone, **WHY})

    (third,) = set(records) - {into, gone}
    assert len(bench.clusters()) == 2
    assert asked(bench, "same") == {frozenset({into, gone})}
    assert asked(bench, "different" if third in (one, other) else "open") == {frozenset({into, third})}
    assert asked(bench, "open" if third in (one, other) else "different") == set()


def test_a_source_makes_one_of_two_records_of_which_one_is_kept_apart_from_a_third(adopted):
    bench = adopted
    first, second, third = three_alike(bench)
    bench.post(f"records/{second}/keep-apart", {"other": third, **WHY})

    puts(bench, work("openalex", "W1", TRUST, doi="10.1/a", pmid="7", published="2017", authors=["Okoye, Ada"]))

    assert {run["state"] for run in bench.items("runs")} == {"complete"}
    assert frozenset({"crossref:a", "pubmed:7", "openalex:W1"}) in bench.clusters()
    assert asked(bench, "different") == {frozenset({first, third})}


def a_pair_parted(bench: IngestBench) -> tuple[Any, str, str]:
    """A pair that a person made one and then parted, and its two records."""
    puts(bench, work("crossref", "a", TRUST, doi="10.1/a", published="2018", authors=["Okoye, Ada"]))
    puts(bench, work("pubmed", "7", TRUST, pmid="7", published="2016", authors=["Okoye, Ada", "Ben, C"], venue="B"))
    (pair,) = bench.items("duplicates")
    one, other = pair["first"]["record"], pair["second"]["record"]
    bench.post(f"duplicates/{pair['duplicate']}", {"verdict": "same", **WHY})
    bench.post(f"records/{one}/split", {"absorbed": other, "reason": "they were two after all"})
    return pair["duplicate"], one, other


def test_a_pair_that_was_one_and_is_parted_is_different_by_the_word_that_parted_it(adopted):
    bench = adopted
    pair, one, other = a_pair_parted(bench)

    (shown,) = bench.items("duplicates", state="different")
    assert (shown["duplicate"], shown["decided_by"], shown["reason"]) == (pair, "lea", "they were two after all")
    assert asked(bench, "same") == asked(bench, "open") == set()
    bench.post(f"records/{one}/keep-apart", {"other": other, **WHY})
    bench.post(f"duplicates/{pair}", {"verdict": "different", **WHY})
    assert asked(bench, "different") == {frozenset({one, other})}
    bench.post(f"duplicates/{pair}", {"verdict": "same", **WHY})
    assert asked(bench, "same") == {frozenset({one, other})}
    refused = bench.post(f"duplicates/{pair}", {"verdict": "different", **WHY}, status=409)
    assert refused["type"].endswith("merged_already")


def test_a_pair_that_was_parted_is_asked_about_again_when_both_words_are_taken_back(adopted):
    bench = adopted
    _, one, other = a_pair_parted(bench)

    for ruling in bench.items("rulings"):
        bench.post(f"rulings/{ruling['ruling']}/undo", WHY)

    assert asked(bench, "open") == {frozenset({one, other})}
    assert asked(bench, "same") == asked(bench, "different") == set()


def test_pairs_are_listed_of_one_record_with_what_speaks_for_them_and_against(adopted):
    bench = adopted
    one, two, three = three_alike(bench)

    assert len(bench.items("duplicates", record=one)) == 2
    assert {(pair["first"]["record"], pair["second"]["record"]) for pair in bench.items("duplicates", record=two)} == {
        (one, two), (two, three),
    }  # fmt: skip
    assert bench.items("duplicates", record="rec_nothing") == []
    (pair,) = (it for it in bench.items("duplicates", record=one) if it["second"]["record"] == two)
    assert "the titles agree" in pair["speaks_for"] and "they are of 2016 and 2018" in pair["speaks_against"]
    assert {*pair["speaks_for"], *pair["speaks_against"]} <= {*pair["evidence"]}


def test_a_ruling_says_the_titles_of_its_records(adopted):
    bench = adopted
    one, two, _ = three_alike(bench)

    ruling = bench.post(f"records/{one}/keep-apart", {"other": two, **WHY})

    assert (ruling["records"], ruling["titles"]) == (sorted((one, two)), [TRUST, TRUST])
    assert bench.items("rulings")[0]["titles"] == [TRUST, TRUST]
