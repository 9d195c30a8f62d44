"""Decisions in files that nobody here wrote: each comes in by the mapping that the file itself suggests, and there are
as many as an independent count finds."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from services.ingest.domain.mappings import read_mapping
from services.ingest.domain.proposals import Survey
from services.ingest.domain.statements import Check, Statement, stated
from services.ingest.jobs import importing
from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Entry
from tests.unit.services.ingest.rig import IngestBench, strategy
from tests.unit.services.ingest.test_imports import upload

ROOT = Path(os.environ.get("LIVING_REALDATA", "../shared/realdata"))
NO_DATA = f"there is no folder {ROOT} (LIVING_REALDATA)"

pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not ROOT.exists(), reason=NO_DATA)]

DEMO = "exports/asreview-demo"
#: Tables with the column that has what was decided.
TABLES = [
    (f"{DEMO}/generic_labels.csv", "label_included"),
    (f"{DEMO}/generic_partial_labels.csv", "label_included"),
    (f"{DEMO}/generic_labels_no_abs.csv", "label_included"),
    ("screening/asreview-srd/Nagtegaal_2019.csv.gz", "label_included"),
    ("screening/asreview-srd/Nagtegaal_2019.csv.gz", "label_abstract_screening"),
    ("screening/asreview-srd/Cohen_2006_ADHD.csv.gz", "label_abstract_screening"),
    ("screening/synergy/Chou_2004.csv.gz", "label_included"),
    ("screening/living-covid-suicide/snapshots/2020-05-31.csv.gz", "initial_decision"),
    ("screening/living-covid-suicide/snapshots/2020-05-31.csv.gz", "expert_decision"),
]
MEANT = {"1": "include", "0": "exclude", "Include": "include", "Exclude": "exclude"}


def content(name: str) -> bytes:
    raw = (ROOT / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def entries(name: str) -> list[Entry]:
    library = open_library(io.BytesIO(content(name)), name=Path(name).name.removesuffix(".gz"), source="import:file")
    return [each for each in library.entries if isinstance(each, Entry)]


def proposed(name: str) -> str:
    """The mapping that a file suggests, its stage filled in."""
    survey = Survey()
    for entry in entries(name):
        survey.see(entry.fields)
    return survey.proposal(Path(name).name, None).replace('stage: "?"', "stage: title-abstract")


def statements(name: str) -> list[tuple[int, Statement]]:
    mapped = read_mapping(proposed(name))
    check = Check(name, mapped)
    found = []
    for entry in entries(name):
        check.see(entry.line, entry.fields)
        found += [(entry.line, each) for each in stated(mapped, entry.fields) if isinstance(each, Statement)]
    assert check.problems() == []
    return found


@pytest.mark.parametrize(("name", "column"), TABLES)
def test_a_table_states_as_many_decisions_as_its_column_has(name, column):
    rows = csv.DictReader(io.StringIO(content(name).decode("utf-8-sig"), newline=""))
    said_nothing = ("title", "abstract", "doi", "pmid", "pubmedID", "openalex_id", "url")
    labels = Counter(
        MEANT[row[column]] for row in rows if row[column] in MEANT and any(row.get(each) for each in said_nothing)
    )

    found = Counter(each.answer for _, each in statements(name) if each.column == column)

    assert found == labels and sum(found.values()) > 0


@pytest.mark.parametrize("name", [f"{DEMO}/baseline_tag-notes_labels.ris"])
def test_a_file_of_asreview_states_each_of_its_labels(name):
    text = content(name).decode("utf-8-sig")
    labels = Counter(
        {"relevant": "include", "irrelevant": "exclude"}[label]
        for record in text.split("ER  -")
        if (label := (re.findall(r"ASReview_(relevant|irrelevant|not_seen)", record) or [None])[-1])
        in ("relevant", "irrelevant")
    )

    assert Counter(each.answer for _, each in statements(name)) == labels


@pytest.mark.parametrize("name", [f"{DEMO}/generic_labels.csv", f"{DEMO}/baseline_tag-notes_labels.ris"])
def test_a_recorded_file_comes_in_with_its_decisions(tmp_path, name):
    bench = IngestBench(tmp_path)
    bench.adopt(strategy("crossref"))
    file = upload(bench, content(name))
    asked = bench.post(
        "imports", {"file": file["sha256"], "name": Path(name).name, "mapping": proposed(name)}, status=202
    )

    bench.runs(importing.take_in_files)

    done = bench.get(f"imports/{asked['id']}")
    expected = statements(name)
    assert (done["state"], done["stated"]) == ("done", len(expected))
    kept = bench.lead.get(f"/ingest/reviews/{bench.review}/decisions", params={"limit": 500}).json()["items"]
    assert done["kept"] == len(kept) > 0
    assert {(row["line"], row["answer"]) for row in kept} <= {(line, each.answer) for line, each in expected}
    bench.close()
