"""Corrections: a person's word about a field outranks every source, goes with its source record, and may be undone."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.ingest import RecordCorrected, RecordUpdated
from tests.unit.services.ingest.rig import LONG_TITLE, IngestBench, strategy, work

BETTER = "How leadership really works: a realist review"


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    """A review of one record, which two sources know."""
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["crossref"].put(work("crossref", "10.1/a", doi="10.1/a"))
    bench.sources["pubmed"].put(work("pubmed", "7", doi="10.1/a", pmid="7"))
    bench.pull()
    return bench


def only(bench: IngestBench) -> Any:
    (record,) = bench.records()
    return record


def correct(bench: IngestBench, field: str, value: Any, status: int = 201, **about: Any) -> Any:
    record = about.pop("record", None) or only(bench)["record"]
    body = {"field": field, "value": value, "reason": "as it is printed", **about}
    return bench.post(f"records/{record}/corrections", body, status=status)


def test_what_a_person_corrects_is_what_the_record_says_and_where_that_comes_from(ready):
    made = correct(ready, "title", BETTER)

    record = only(ready)
    assert record["bibliography"]["title"] == BETTER
    assert record["bibliography"]["provenance"]["title"] == f"person:{made['correction']}"
    (shown,) = record["corrections"]
    assert (shown["value"], shown["corrected_by"], shown["reason"]) == (BETTER, "lea", "as it is printed")
    (said,) = ready.emitted(RecordCorrected)
    assert (said.record, said.field, said.undone) == (record["record"], "title", False)
    assert ready.emitted(RecordUpdated)[-1].changed == ["title", "provenance"]


def test_corrected_keywords_are_a_persons_alone(bench):
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(work("crossref", "10.1/a", doi="10.1/a", keywords=["Trust"]))
    bench.pull()
    assert only(bench)["bibliography"]["provenance"]["keywords.0"] == "crossref:10.1/a"

    made = correct(bench, "keywords", ["Leadership"])

    provenance = only(bench)["bibliography"]["provenance"]
    assert {name: said for name, said in provenance.items() if name.startswith("keywords")} == {
        "keywords": f"person:{made['correction']}"
    }


def test_no_source_outranks_it_later(ready):
    correct(ready, "abstract", "We asked leaders.")

    ready.sources["crossref"].items[0] = work("crossref", "10.1/a", doi="10.1/a", abstract="An abstract of ours.")
    ready.pull_again()

    assert only(ready)["bibliography"]["abstract"] == "We asked leaders."


def test_the_newest_correction_counts_and_undoing_it_brings_the_one_before_back(ready):
    correct(ready, "title", BETTER)
    second = correct(ready, "title", "Leadership")
    assert only(ready)["bibliography"]["title"] == "Leadership"

    undone = ready.post(f"corrections/{second['correction']}/undo", {"reason": "a slip"})

    assert (undone["undone_by"], undone["undone_why"]) == ("lea", "a slip")
    assert only(ready)["bibliography"]["title"] == BETTER
    ready.post(f"corrections/{undone['correction']}/undo", {"reason": "again"})
    assert [event.undone for event in ready.emitted(RecordCorrected)] == [False, False, True]


def test_what_sources_say_counts_again_when_all_is_undone(ready):
    made = correct(ready, "title", BETTER)

    ready.post(f"corrections/{made['correction']}/undo", {"reason": "it was right"})

    described = only(ready)["bibliography"]
    assert (described["title"], described["provenance"]["title"]) == (LONG_TITLE, "crossref:10.1/a")


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("authors", ["Okoye, Ada"], ["Okoye, Ada"]),
        ("authors", [], []),
        ("abstract", None, None),
        ("published", "2019-04", "2019-04"),
        ("kind", "report", "report"),
        ("language", "eng", "en"),
        ("pages", "e12", "e12"),
        ("keywords", ["Leadership", "trust"], ["Leadership", "trust"]),
    ],
)
def test_each_field_takes_what_it_may_be(ready, field, value, kept):
    correct(ready, field, value)

    assert only(ready)["bibliography"].get(field) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authors", "Okoye, Ada"),
        ("title", ["a", "b"]),
        ("title", "x" * 5_001),
        ("title", " "),
        ("published", "soon"),
        ("published", "9999"),
        ("kind", "poem"),
        ("kind", None),
        ("language", "klingon"),
        ("volume", "9" * 301),
        ("keywords", "Leadership"),
        ("keywords", ["x" * 201]),
        ("keywords", [f"word {number}" for number in range(201)]),
        ("doi", "10.1/b"),
    ],
)
def test_what_a_field_cannot_be_is_refused_and_nothing_is_kept(ready, field, value):
    correct(ready, field, value, status=422)

    assert only(ready)["corrections"] == []
    assert ready.emitted(RecordCorrected) == []


def test_a_correction_goes_with_the_source_record_that_gave_the_field(ready):
    correct(ready, "title", BETTER)
    record = only(ready)["record"]

    ready.post(f"records/{record}/split", {"source_records": ["crossref:10.1/a"], "reason": "another text"})

    titles = {one["source_records"][0]["source"]: one["bibliography"]["title"] for one in ready.records()}
    assert titles == {"crossref": BETTER, "pubmed": LONG_TITLE}


def test_what_is_corrected_again_goes_with_the_same_source_record(ready):
    ready.sources["pubmed"].put(work("pubmed", "7", doi="10.1/a", pmid="7", abstract="We asked."))
    ready.pull_again()
    record = only(ready)["record"]
    first = correct(ready, "abstract", "We asked leaders.")
    second = correct(ready, "abstract", "We asked forty leaders.")
    correct(ready, "abstract", "We asked fifty leaders.")

    assert first["source_record"] == second["source_record"] == "pubmed:7"
    ready.post(f"records/{record}/split", {"source_records": ["pubmed:7"], "reason": "another text"})

    abstracts = {one["source_records"][0]["source"]: one["bibliography"]["abstract"] for one in ready.records()}
    assert abstracts == {"crossref": None, "pubmed": "We asked fifty leaders."}


def test_a_correction_outlasts_a_merger(ready):
    ready.sources["pubmed"].put(work("pubmed", "8", "Of other things entirely", pmid="8", published="2021"))
    ready.pull_again()
    one, other = (record["record"] for record in ready.records())
    correct(ready, "title", BETTER, record=other)

    ready.post(f"records/{one}/merge", {"other": other, "reason": "one study"})

    assert only(ready)["bibliography"]["title"] == BETTER
    correct(ready, "title", "Leadership", status=409, record=other)


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_leads_alone_correct(ready, role):
    record = only(ready)["record"]

    ready.post(
        f"records/{record}/corrections", {"field": "title", "value": BETTER, "reason": "so"}, role=role, status=403
    )


def test_a_correction_that_is_none_and_a_record_that_is_none_are_not_found(ready):
    ready.post("corrections/correction_0/undo", {"reason": "so"}, status=404)
    correct(ready, "title", BETTER, status=404, record="rec_0")
