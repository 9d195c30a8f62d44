"""Duplicates that people labelled, and recorded works: what matching merges is right, and little is left.

The gold sets have other fields than our sources: no identifiers in the screening sets of CoLRev, `NA` for what is
missing in that of ASySD. Each row comes from a source of its own, since they were exported from many databases.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from demo.replay.app import replay_app
from demo.replay.server import ReplayServer
from demo.replay.works import OpenAlexWorksCorpus
from services.ingest import store
from services.ingest.domain.clusters import SourceKey, clusters, compared, doubts
from services.ingest.domain.matching import cite, decide
from services.ingest.jobs import pulling
from services.ingest.manifest import SERVICE
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.port import SourceRecord
from shared import identifiers
from shared.events.ingest import RecordDiscovered, RecordMerged, RecordUpdated, RunFinished
from shared.events.values import Identifiers
from shared.paging import PageAsked
from tests.unit.services.ingest.rig import REVIEW, strategy, version
from tests.workbench import Workbench

pytestmark = pytest.mark.realdata

Pairs = set[tuple[str, str]]


def row_record(row: dict[str, str], name: str, authors: list[str]) -> SourceRecord:
    """A row of a gold set as a source would send it; every row is from a source of its own."""
    year = normal.partial_date_of(row["year"])
    row = {column: "" if value == "NA" else value for column, value in row.items()}
    return SourceRecord(
        source=name,
        source_id=name,
        title=row["title"] or None,
        authors=[author for author in authors if author],
        venue=row.get("journal") or row.get("booktitle") or None,
        volume=row.get("volume") or None,
        issue=row.get("number") or row.get("issue") or None,
        pages=row.get("pages") or None,
        issns=[number for text in re.split(r"[\s;(]+", row.get("isbn") or "") if (number := identifiers.issn(text))],
        published=year and year[:4],
        kind="article",
        identifiers=Identifiers(doi=identifiers.doi(row.get("doi"))),
    )


def colrev(folder: Path) -> list[SourceRecord]:
    with (folder / "records_pre_merged.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row_record(row, row["ID"], [name.strip() for name in row["author"].split(" and ")]) for row in rows]


def same_in(path: Path, column: str = "merged_ids") -> Pairs:
    """Every pair of ids that a file says are one work."""
    with path.open(newline="") as file:
        groups = [sorted(row[column].split(";")) for row in csv.DictReader(file)]
    return {pair for group in groups for pair in combinations(group, 2)}


@dataclass(frozen=True, slots=True)
class Sorted:
    """What matching makes of records: the source records of each cluster, the cluster of each, and what is left."""

    members: list[frozenset[SourceKey]]
    home: Mapping[SourceKey, int]
    doubts: set[frozenset[int]]


def sorted_out(records: Iterable[SourceRecord]) -> Sorted:
    found = compared(map(cite, records))
    sorted_into = clusters(found, found.citations.keys())
    home = sorted_into.home
    left = {frozenset((home[it.one], home[it.other])) for it in doubts(found, sorted_into) if it.relation is None}
    return Sorted(sorted_into.members, home, left)


def merged_in(found: Sorted) -> Pairs:
    groups = (sorted(source for source, _ in members) for members in found.members)
    return {pair for group in groups for pair in combinations(group, 2)}


def score(name: str, right: int, found: int, there: int, maybe: int) -> tuple[float, float]:
    """Precision and recall, printed."""
    precision, recall = right / found, right / there
    print(f"\n{name}: {there} duplicates, {found} merged, {maybe} pairs of records left to a person; ", end="")
    print(f"precision {precision:.4f}, recall {recall:.4f}")
    return precision, recall


@pytest.mark.parametrize(
    ("name", "least_recall", "most_doubts"), [("cytology_screening", 0.99, 6), ("respiratory", 0.96, 14)]
)
def test_exports_without_identifiers_are_merged_rightly(realdata, name, least_recall, most_doubts):
    folder = realdata / "dedup" / "colrev-bibdedupe" / name
    gold = same_in(folder / "merged_record_ids.csv")

    found = sorted_out(colrev(folder))

    merged = merged_in(found)
    precision, recall = score(name, len(gold & merged), len(merged), len(gold), len(found.doubts))
    assert precision == 1
    assert recall >= least_recall
    assert len(found.doubts) <= most_doubts


@pytest.mark.parametrize("name", ["cytology_screening", "respiratory"])
def test_clusters_are_the_same_in_every_order(realdata, name):
    records = colrev(realdata / "dedup" / "colrev-bibdedupe" / name)

    merged = merged_in(sorted_out(records))

    for seed in range(10):
        shuffled = random.Random(seed).sample(records, len(records))
        assert merged_in(sorted_out(shuffled)) == merged


def test_updates_of_a_review_are_not_merged(realdata):
    """The labels count these as one; they are versions, which a person may put together."""
    folder = realdata / "dedup" / "colrev-bibdedupe" / "respiratory"
    with (folder / "updated_paper_pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lookalikes = {f"id_{int(row['ID']):07}" for row in rows}
    assert len(lookalikes) > 10

    merged = merged_in(sorted_out(colrev(folder)))

    assert [pair for pair in merged if set(pair) <= lookalikes] == []


def asysd(path: Path) -> tuple[list[SourceRecord], dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("latin1"))))
    records = [
        # The names stand in one string without a separator: "Adeli K.Lewis G. F.".
        row_record(row, row["record_id"], re.split(r"(?<=\.)(?=[A-Z][a-z])|;", row["author"]))
        for row in rows
    ]
    return records, {row["record_id"]: row["source"] for row in rows}


def test_an_export_with_shared_supplement_dois_is_merged_rightly(realdata):
    """The set says which record of a group was kept as `unique`, not which group: two in one record are a wrong
    merge, a record with none is a missed one."""
    records, label = asysd(realdata / "dedup" / "asysd" / "labelled_test_set.csv.gz")

    found = sorted_out(records)

    kept = [sum(label[source] == "unique" for source, _ in members) for members in found.members]
    wrong = sum(unique - 1 for unique in kept if unique > 1)
    missed = kept.count(0)
    removed = len(records) - len(found.members)
    right = removed - wrong
    precision, recall = score("asysd", right, removed, right + missed, len(found.doubts))
    assert precision == 1
    assert recall >= 0.999
    assert len(found.doubts) <= 8


def test_conference_abstracts_that_share_a_doi_stay_apart(realdata):
    """Their titles and pages tell them apart; the few that are on one page are left to a person."""
    records, _ = asysd(realdata / "dedup" / "asysd" / "labelled_test_set.csv.gz")
    by_doi: dict[str, set[int]] = defaultdict(set)
    found = sorted_out(records)

    for record in records:
        if record.identifiers.doi:
            by_doi[record.identifiers.doi].add(found.home[record.source, record.source_id])

    shared = {doi: homes for doi, homes in by_doi.items() if len(homes) > 1}
    assert len(shared) > 10
    pairs = {frozenset(pair) for homes in shared.values() for pair in combinations(sorted(homes), 2)}
    asked = pairs & found.doubts
    assert len(asked) <= len(pairs) / 20


def test_labelled_pairs_are_never_merged_wrongly(realdata):
    cases = json.loads((realdata / "dedup" / "colrev-bibdedupe" / "test_cases.json").read_text())["cases"]
    verdicts = {case["id"]: decide(*map(cite, pair_of(case))).verdict for case in cases}
    same = {case["id"] for case in cases if case["expected_duplicate"]}

    for name, verdict in verdicts.items():
        print(f"{'same' if name in same else 'different':9} -> {verdict:9} {name}")
    assert {name for name, verdict in verdicts.items() if verdict == "same"} <= same
    # What is left is a Cochrane update.
    assert sum(verdicts[name] == "same" for name in same) >= len(same) - 1


def pair_of(case: dict) -> Iterator[SourceRecord]:
    for name in ("record_a", "record_b"):
        row = {"title": "", "year": "", **case[name]}
        row["title"] = "" if row["title"] == "UNKNOWN" else row["title"]
        authors = row.get("author", "")
        names = re.split(r" and |;", authors) if " and " in authors or ";" in authors else _glued(authors)
        yield row_record(row, name, [one.strip() for one in names])


def _glued(authors: str) -> list[str]:
    return re.split(r"(?<=\.)(?=[A-Z][a-z])", authors)


#: Two builds of the same works, about 25 days apart.
MARCH, APRIL = "**/works_2023-03.zip", "**/works_2023-04-10.zip"


@pytest.fixture(scope="module")
def harvested(realdata, tmp_path_factory) -> Iterator[tuple[Workbench, list[RunFinished]]]:
    """A review that pulled the March build and then the April build, through the real adapter: 80 pages over HTTP,
    which take some twenty seconds."""
    folder = realdata / "api-responses" / "openalex-synergy"
    corpora = [OpenAlexWorksCorpus(folder, pattern) for pattern in (MARCH, APRIL)]
    with ReplayServer(replay_app(corpora[0])) as march, ReplayServer(replay_app(corpora[1])) as april:
        bench = Workbench(
            SERVICE, tmp_path_factory.mktemp("synergy"), at="2023-04-11T00:00:00", openalex_url=f"{march.url}/openalex"
        )
        everything = strategy("openalex", "from_publication_date:1000-01-01")
        bench.hears(version(1, everything, search_from="1500-01-01"))
        bench.runs(pulling.pull_due_watches)
        later = SERVICE.resources(bench.settings.model_copy(update={"openalex_url": f"{april.url}/openalex"}))
        bench.running.resources["openalex"] = later["openalex"]
        with bench.work() as work:
            (watch,) = store.watches_of(work, REVIEW, "search")
            watch.due_at, watch.searched_through = work.now, None
        bench.runs(pulling.pull_due_watches)
        later.close()
        yield bench, bench.emitted(RunFinished)
        bench.close()


@pytest.mark.slow
def test_every_recorded_work_is_a_record_a_merge_or_a_rejection(harvested):
    bench, (first, second) = harvested

    for run in (first, second):
        counts = run.counts
        assert run.complete and counts.found == run.reported
        assert counts.found == counts.new + counts.merged + counts.updated + counts.unchanged + counts.rejected
    assert (first.counts.found, second.counts.found) == (3943, 3944)
    discovered, absorbed = bench.emitted(RecordDiscovered), bench.emitted(RecordMerged)
    assert first.counts.new + second.counts.new == len(discovered) == len({event.record for event in discovered})
    with bench.work(readonly=True) as work:
        review = store.review_of(work, REVIEW)
        assert review.records == len(discovered) - len(absorbed)
        assert review.source_records == 3944


@pytest.mark.slow
def test_what_was_merged_of_the_recorded_works_is_printed_with_its_evidence(harvested):
    """OpenAlex alone gave these works, one of them twice under one PubMed id; what else is alike waits for a person."""
    bench, (first, second) = harvested

    with bench.work(readonly=True) as work:
        pairs = store.page_of_duplicates(work, REVIEW, "open", None, PageAsked(100)).rows
        records = store.records(work, {one for pair in pairs for one in (pair.first, pair.second)})
    print(f"\n{first.counts.merged} merged, {len(pairs)} left to a person:")
    for pair in pairs:
        print("-", "; ".join(pair.evidence))
        for one in (pair.first, pair.second):
            described = records[one].bibliography
            print("   ", described["title"], described["published"], described["identifiers"])
    assert (first.counts.merged, second.counts.merged) == (1, 0)
    assert 2 <= len(pairs) <= 8


@pytest.mark.slow
def test_a_later_build_of_the_same_works_updates_what_changed_and_doubles_nothing(harvested):
    bench, (_, second) = harvested

    assert (second.counts.new, second.counts.merged) == (1, 0)
    assert second.counts.updated > 100
    assert second.counts.unchanged > 1000
    updated = bench.emitted(RecordUpdated)
    assert len({event.record for event in updated}) == len(updated)
    changed = Counter(field for event in updated for field in event.changed)
    print(f"\n{second.counts.updated} updated; fields changed: {dict(changed)}")
    assert changed["abstract"] > 50
