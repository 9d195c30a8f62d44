"""`living ingest record` and `living ingest duplicates`: what a record is made of, and what people rule about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.errors import Conflict, Invalid, LivingError
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest with two works that nobody takes for one, and two that might be."""
    bench = IngestBench(tmp_path / "ruled")
    serve(bench)
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["crossref"].put(work("crossref", "a", "Gardens on roofs of hospitals", doi="10.1/a"))
    bench.sources["crossref"].put(work("crossref", "pre", doi="10.1/pre"))
    bench.pull()
    bench.sources["pubmed"].put(work("pubmed", "7", "Bees in the city and their keepers", pmid="7"))
    bench.sources["pubmed"].put(work("pubmed", "8", doi="10.1/art", pmid="8"))
    bench.pull_again()
    yield bench
    bench.close()


def of(bench: IngestBench) -> dict[str, str]:
    return {name: one["record"] for one in bench.items("records") for name in one["sources"]}


def test_records_are_merged_parted_kept_apart_and_all_of_it_undone(ingest, as_):
    older, younger = of(ingest)["crossref:a"], of(ingest)["pubmed:7"]
    because = ("--reason", "I have read both")
    lead = {"role": "lead"}

    merged = data(as_("lea", "ingest", "duplicates", "merge", REVIEW, older, younger, *because, "--json", **lead))
    assert (merged["kind"], merged["records"]) == ("same", [older])
    shown = as_("rita", "ingest", "record", REVIEW, older, role="reader").stdout
    assert "pubmed:7" in shown and f"took in {younger}" in shown

    split = as_("lea", "ingest", "duplicates", "split", REVIEW, older, "--absorbed", younger, *because, **lead).stdout
    assert "they are in 2 records now" in split
    apart = as_("lea", "ingest", "duplicates", "keep-apart", REVIEW, older, younger, *because, **lead).stdout
    assert "apart" in apart

    rows = data(as_("rita", "ingest", "duplicates", "rulings", REVIEW, "--json", role="reader"))
    assert [row["kind"] for row in rows] == ["apart", "split", "same"]
    for row in rows:
        undone = as_("lea", "ingest", "duplicates", "undo", REVIEW, row["ruling"], *because, **lead).stdout
        assert "undone" in undone
    assert "I have read both" in as_("rita", "ingest", "duplicates", "rulings", REVIEW, role="reader").stdout


def test_a_source_record_is_parted_by_its_name(ingest, as_):
    older, younger = of(ingest)["crossref:a"], of(ingest)["pubmed:7"]
    as_("lea", "ingest", "duplicates", "merge", REVIEW, older, younger, "--reason", "one", role="lead")

    as_(
        "lea", "ingest", "duplicates", "split", REVIEW, older, "--source-record", "pubmed:7", "--reason", "two",
        role="lead",
    )  # fmt: skip

    assert of(ingest)["pubmed:7"] != of(ingest)["crossref:a"]


def test_pairs_are_listed_and_decided(ingest, as_):
    (pair,) = data(as_("rita", "ingest", "duplicates", "list", REVIEW, "--json", role="reader"))
    assert pair["duplicate"] in as_("rita", "ingest", "duplicates", "list", REVIEW, role="reader").stdout

    decided = as_(
        "lea", "ingest", "duplicates", "decide", REVIEW, pair["duplicate"], "different", "--reason", "other data",
        role="lead",
    )  # fmt: skip

    assert "are different" in decided.stdout
    assert "no pair is open" in as_("rita", "ingest", "duplicates", "list", REVIEW, role="reader").stdout


@pytest.mark.parametrize(
    ("how", "reason", "error"),
    [("itself", "one", Invalid), ("absorbed", "one", Conflict), ("blank", "  ", Invalid)],
)
def test_what_cannot_be_is_refused(ingest, as_, how, reason, error):
    older, younger = of(ingest)["crossref:a"], of(ingest)["pubmed:7"]
    rest = {
        "itself": ("merge", REVIEW, older, older),
        "absorbed": ("split", REVIEW, older, "--absorbed", younger),
        "blank": ("keep-apart", REVIEW, older, younger),
    }[how]

    refused = as_("lea", "ingest", "duplicates", *rest, "--reason", reason, role="lead").exception

    assert isinstance(refused, error) and isinstance(refused, LivingError)
