"""`living ingest mapping`, `import --decisions` and `decisions`: from a file of before to what it says was decided."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Invalid
from tests.unit.services.cli.conftest import data
from tests.unit.services.cli.test_library_files import bring
from tests.unit.services.cli.test_library_files import ingest as ingest
from tests.unit.services.ingest.rig import REVIEW
from tests.unit.services.ingest.test_statements import DECIDED, MAPPING, table

pytestmark = pytest.mark.waits

RAYYAN = (
    "title,year,notes\n"
    '"How boards learn",2021,"RAYYAN-INCLUSION: {""Ana""=>""Included"", ""Ben""=>""Excluded""} '
    '| RAYYAN-EXCLUSION-REASONS: wrong population"\n'
    '"Trust in councils",2021,"RAYYAN-INCLUSION: {""Ana""=>""Included""}"\n'
)

COVIDENCE = (
    "Title,Authors,Published Year,Covidence #,Study,Notes\n"
    '"How boards learn","Okoye, Ada",2021,#1,Okoye 2021,"Exclusion reason: Wrong study design; "\n'
    '"Trust in councils","Okoye, Ada",2021,#2,Okoye 2021,\n'
)

ASREVIEW = (
    "record_id,title,year,asreview_label,asreview_time\n"
    '0,"How boards learn",2021,1,2024-01-02\n1,"Trust in councils",2021,0,2024-01-03\n2,"Nurses who lead",2021,,\n'
)


def decisions(as_, *given: str):
    rows = data(as_("lea", "ingest", "decisions", REVIEW, *given, "--json", role="lead"))
    return [(row["line"], row["answer"], row["by"], row["reason"]) for row in rows]


@pytest.mark.parametrize(
    ("content", "open_answer", "expected"),
    [
        (
            RAYYAN, "include",
            [(2, "exclude", "Ben", "wrong population"), (2, "include", "Ana", None), (3, "include", "Ana", None)],
        ),
        (COVIDENCE, "exclude", [(2, "exclude", None, "Wrong study design"), (3, "exclude", None, None)]),
        (ASREVIEW, "include", [(2, "include", None, None), (3, "exclude", None, None)]),
    ],
    ids=["Rayyan", "Covidence", "ASReview"],
)  # fmt: skip
def test_what_screening_tools_export_comes_in_by_the_mapping_that_is_proposed(
    ingest, as_, run, tmp_path, content, open_answer, expected
):
    (tmp_path / "library.csv").write_text(content)
    said = run("ingest", "mapping", "library.csv", "--to", "decisions.yaml")
    assert "is written to decisions.yaml" in said.stderr
    mapping = tmp_path / "decisions.yaml"
    text = mapping.read_text().replace('stage: "?"', "stage: title-abstract")
    mapping.write_text(text.replace('answer: "?"', f"answer: {open_answer}"))

    shown = bring(as_, "library.csv", "--decisions", "decisions.yaml")

    assert f"{len(expected)} decisions kept; none is applied: living ingest decisions {REVIEW} --import" in shown.stderr
    assert sorted(decisions(as_), key=str) == sorted(expected, key=str)


def test_decisions_are_listed_by_record_file_and_stage(ingest, as_, tmp_path):
    assert "no file states a decision" in as_("lea", "ingest", "decisions", REVIEW, role="lead").output
    (tmp_path / "library.csv").write_bytes(table(*DECIDED))
    (tmp_path / "decisions.yaml").write_text(MAPPING)
    bring(as_, "library.csv", "--decisions", "decisions.yaml")

    shown = as_("lea", "ingest", "decisions", REVIEW, role="lead").stdout
    (row, _) = data(as_("lea", "ingest", "decisions", REVIEW, "--json", role="lead"))
    record = as_("lea", "ingest", "record", REVIEW, row["record"], role="lead").stdout

    assert "library.csv, line 2" in shown and "Decision: Yes" in shown and "wrong population" in shown
    assert "library.csv, line 2, states include at title-abstract by Ana" in record
    assert decisions(as_, "--record", row["record"]) == [(2, "include", "Ana", None)]
    assert len(decisions(as_, "--import", row["imported"], "--stage", "title-abstract")) == 2


def test_the_same_again_says_that_it_was_known(ingest, as_, tmp_path):
    (tmp_path / "library.csv").write_bytes(table(*DECIDED))
    (tmp_path / "decisions.yaml").write_text(MAPPING)
    bring(as_, "library.csv", "--decisions", "decisions.yaml")

    shown = bring(as_, "library.csv", "--decisions", "decisions.yaml")

    assert "0 decisions kept, 2 known before; none is applied" in shown.stderr


def test_a_file_that_does_not_fit_is_told_with_every_problem(ingest, as_, tmp_path):
    (tmp_path / "library.csv").write_bytes(table("Perhaps,,Ana", "Never,,Ana"))
    (tmp_path / "decisions.yaml").write_text(MAPPING)

    shown = bring(as_, "library.csv", "--decisions", "decisions.yaml")

    assert isinstance(shown.exception, Invalid) and "nothing of the file was taken in" in str(shown.exception)
    assert "library.csv, line 2, column 'Decision': 'Perhaps'" in shown.stdout
    assert "library.csv, line 3, column 'Decision': 'Never'" in shown.stdout
    assert ingest.records() == []


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        (None, "--decisions: decisions.yaml is no file that is there"),
        (b"\xff\xfe\xff", "--decisions: decisions.yaml is not UTF-8; save it as UTF-8"),
        (b"decisions: [", "decisions.yaml: the mapping cannot be read: "),
        (b"decisions:\n  - stage: a\n    answer: '?'\n", "decisions.yaml: the mapping, line 3: '?' stands for"),
    ],
)
def test_a_mapping_that_is_none_is_refused_before_anything_is_sent(ingest, as_, tmp_path, mapping, why):
    (tmp_path / "library.csv").write_bytes(table(*DECIDED))
    if mapping is not None:
        (tmp_path / "decisions.yaml").write_bytes(mapping)

    refused = bring(as_, "library.csv", "--decisions", "decisions.yaml").exception

    assert isinstance(refused, Invalid) and str(refused).startswith(why)
    assert ingest.items("imports") == []


def test_a_proposal_is_printed_and_writes_over_nothing(run, tmp_path):
    (tmp_path / "library.csv").write_text(ASREVIEW)
    (tmp_path / "decisions.yaml").write_text("mine")

    printed = run("ingest", "mapping", "library.csv").stdout
    kept = run("ingest", "mapping", "library.csv", "--to", "decisions.yaml").exception
    nothing = run("ingest", "mapping", "nothing.csv").exception

    assert '  - column: "asreview_label"' in printed and '"1": include  # once' in printed
    assert isinstance(kept, Conflict) and (tmp_path / "decisions.yaml").read_text() == "mine"
    assert isinstance(nothing, Invalid) and str(nothing) == "nothing.csv is no file that is there"
