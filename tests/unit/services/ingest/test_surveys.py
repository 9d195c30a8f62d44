"""A file is looked at before it is taken in: by who sent it alone, bounded, and refused with what is wrong."""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from services.ingest.commands import surveys
from services.ingest.domain.outlines import MOST_COLUMNS, Outline
from shared.runtime.running import Running
from tests.disks import mounted
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy
from tests.unit.services.ingest.test_imports import TITLES, ris, upload

DECIDED = (
    b"Title,Year,Decision,Notes\nA first bed,2021,include,\nA second bed,2021,exclude,<b>no</b>\n"
    b"A third bed,2021,perhaps,\nA fourth bed,2021,,\n"
)


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"))
    return bench


def ask(bench: IngestBench, content: bytes, status: int = 200, name: str = "library.csv", **params: Any) -> Any:
    sha256 = upload(bench, content)["sha256"]
    answer = bench.person("lea", "lead").get(
        f"/ingest/reviews/{REVIEW}/files/{sha256}/survey", params={"name": name, **params}
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_survey_says_what_columns_hold_and_what_they_may_mean(ready):
    seen = ask(ready, DECIDED)

    assert (seen["format"], seen["records"], seen["rejected"], seen["whole"]) == ("csv", 4, 0, True)
    assert seen["cited"] == ["Title", "Year"]
    decision = next(column for column in seen["columns"] if column["name"] == "Decision")
    assert decision["filled"] == 3 and {each["value"] for each in decision["values"]} == {
        "include", "exclude", "perhaps"
    }  # fmt: skip
    (proposed,) = yaml.safe_load(seen["mapping"])["decisions"]
    assert proposed["column"] == "Decision" and proposed["stage"] == "?"
    assert proposed["answers"] == {"include": "include", "exclude": "exclude", "perhaps": "?"}
    assert "living" not in seen["mapping"] and seen["states"]


def test_a_proposal_as_it_stands_is_refused_until_a_person_has_said_the_rest(ready):
    seen = ask(ready, DECIDED)
    body = {"file": seen["sha256"], "name": "library.csv", "mapping": seen["mapping"]}

    problem = ready.post("imports", body, status=422)

    assert all("what only you can say" in fault["why"] for fault in problem["errors"])


def test_a_file_of_tags_is_surveyed_too(ready):
    seen = ask(ready, ris(*TITLES, more="C1  - kept\r\n"), name="library.ris")

    assert (seen["format"], seen["records"]) == ("ris", len(TITLES))
    assert not seen["states"]
    assert {column["name"]: column["filled"] for column in seen["columns"]} == {"C1": len(TITLES)}


def test_who_did_not_send_a_file_learns_nothing_of_it(ready):
    sha256 = upload(ready, DECIDED)["sha256"]
    path = f"/ingest/reviews/{REVIEW}/files/{sha256}/survey"

    other = ready.person("leo", "lead").get(path, params={"name": "library.csv"})
    assert other.status_code == 404 and other.json()["type"].endswith("unknown_file")
    none = ready.person("leo", "lead").get(path.replace(sha256, "0" * 64), params={"name": "library.csv"})
    assert none.json()["type"] == other.json()["type"]
    assert ready.person("ana", "reviewer").get(path, params={"name": "library.csv"}).status_code == 403


def test_only_the_first_records_of_a_long_file_are_looked_at(ready, monkeypatch):
    monkeypatch.setattr(surveys, "MOST_RECORDS", 2)
    seen = ask(ready, DECIDED)
    assert (seen["records"], seen["whole"]) == (2, False)


def test_of_a_large_file_only_its_beginning_is_read(ready, monkeypatch):
    content = b"Title,Label\n" + b"".join(b"Bed %d,yes\n" % number for number in range(1000))
    monkeypatch.setattr(surveys, "MOST_BYTES", 2000)
    seen = ask(ready, content)
    assert 0 < seen["records"] < 200 and not seen["whole"]


def test_a_large_file_that_is_cut_within_its_frame_says_what_was_seen(ready, monkeypatch):
    one = '{"type": "article", "title": "A bed", "note": "raised"}'
    monkeypatch.setattr(surveys, "MOST_BYTES", 2000)
    seen = ask(ready, f"[{', '.join([one] * 200)}]".encode(), name="library.json")
    assert seen["records"] and not seen["whole"]


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, b"<a>" + b" " * 8_000_000)
    return out.getvalue()


HOSTILE = {
    "noise": bytes(range(256)) * 100,
    "a bomb": bomb(),
    "a million columns": b"title," + b"a," * 1_000_000 + b"\nx\n",
    "a page": b"<!doctype html><html><body>Sign in</body></html>",
    "half of an archive": bomb()[:500],
    "blanks": b" \n" * 50,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_library_is_refused_with_a_reason(ready, what):
    problem = ask(ready, HOSTILE[what], status=422, name="library.txt")
    assert problem["type"].endswith("unreadable_library") and problem["detail"]


@pytest.mark.parametrize("format", ["csv", "csl-json", "xlsx", "endnote"])
def test_what_is_said_to_be_of_a_kind_and_is_not_is_refused(ready, format):
    problem = ask(ready, b"\x00\x01nothing of that kind\xff", status=422, format=format)
    assert problem["type"].endswith("unreadable_library")


def test_a_cell_larger_than_any_record_is_one_row_that_cannot_be_read(ready):
    seen = ask(ready, DECIDED + b'"' + b"a" * (16 * 1024 * 1024) + b'",2021,include,\nA last bed,2021,include,\n')
    assert seen["rejected"] == 1 and seen["records"] == 5


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_other_letters_are_read(ready, encoding):
    seen = ask(ready, "Title,Urteil\nBücher über Gärten,schön\n".encode(encoding))
    (column,) = seen["columns"]
    assert column["values"] == [{"value": "schön", "times": 1}]


def test_what_takes_too_long_is_refused(ready, monkeypatch):
    monkeypatch.setattr(surveys, "MOST_SECONDS", -1.0)
    problem = ask(ready, DECIDED, status=422)
    assert problem["type"].endswith("too_much_to_survey")


def test_a_large_workbook_is_not_unpacked(ready, monkeypatch):
    monkeypatch.setattr(surveys, "MOST_BYTES", 1000)
    problem = ask(ready, bomb(), status=422, name="library.xlsx")
    assert problem["type"].endswith("too_much_to_survey")


def test_no_transaction_is_open_while_a_file_is_read(ready, monkeypatch):
    work, survey, now, while_read, ever = Running.work, surveys.survey, [], [], []

    @contextmanager
    def counted(*given, **named):
        with work(*given, **named) as one:
            now.append(one)
            ever.append(one)
            yield one
        now.remove(one)

    def looked(*given, **named):
        while_read.append(len(now))
        return survey(*given, **named)

    monkeypatch.setattr(Running, "work", counted)
    monkeypatch.setattr(surveys, "survey", looked)
    ask(ready, DECIDED)
    assert ever and while_read == [0]


@pytest.mark.waits
def test_where_the_disk_is_full_that_is_said(ready, tmp_path, monkeypatch):
    content = DECIDED + b"A bed,2021,include,much\n" * 200_000
    with mounted(tmp_path / "disk", "2m") as disk, monkeypatch.context() as small:
        small.setattr(tempfile, "tempdir", str(disk.folder))
        problem = ask(ready, content, status=503)
        assert problem["type"].endswith("disk_full") and str(disk.folder) not in problem["detail"]


def test_a_column_is_named_as_a_mapping_names_it_however_long_its_name_is(ready):
    seen = ask(ready, f"Title,{'Label ' * 5000}\nA bed,yes\n".encode())
    assert [len(column["name"]) for column in seen["columns"]] == [100]


def test_memory_is_bounded_by_columns_and_values():
    outline = Outline()
    for number in range(200):
        outline.see({f"c{number}-{column}": f"{number}" * 500 for column in range(10)})
    columns = list(outline.columns())
    assert len(columns) == MOST_COLUMNS and outline.more_columns == 2000 - MOST_COLUMNS
    assert all(len(value) <= 80 for column in columns for value, _ in column.values)
