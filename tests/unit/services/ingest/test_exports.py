"""Files of records that leave: each record once, with where it stands, whatever happens while they are made."""

from __future__ import annotations

import csv
import io
from typing import Any, get_args

import pytest
from sqlalchemy import update

from services.ingest.jobs import exporting, importing
from services.ingest.models import ReviewRow
from services.ingest.ports.libraries.catalog import WRITERS, open_library
from services.ingest.ports.libraries.port import Entry
from shared.errors import Unavailable
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from shared.wire.ingest import ExportFormat
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

STAGES = ("title-abstract", "full-text")


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    """A review of five records: one waits, one was kept out by a rule, one waits for its full text, one is excluded
    there, one is included."""
    bench.adopt(strategy("crossref"), stages=[*STAGES, "rigour"])
    titles = ("Waiting boards", "Early boards", "Boards at full text", "Excluded boards", "Included boards")
    bench.sources["crossref"].put(
        *(work("crossref", f"w{n}", title, doi=f"10.5555/{n}") for n, title in enumerate(titles))
    )
    bench.pull()
    known = by_title(bench)
    out(bench, known["Early boards"], stage=None, rule="published_after", reason="published before 2017")
    for title in titles[2:]:
        bench.hears(
            RecordAdvanced(review=REVIEW, record=known[title], revision=2, stage=STAGES[0], next_stage=STAGES[1])
        )
    out(bench, known["Excluded boards"], stage=STAGES[1], rule=None, reason="no leadership")
    bench.hears(RecordIncluded(review=REVIEW, record=known["Included boards"], revision=3, title=None, judgements=[]))
    return bench


def by_title(bench: IngestBench) -> dict[str, str]:
    return {one["title"]: one["record"] for one in bench.items("records")}


def out(bench: IngestBench, record: str, **how: Any) -> None:
    bench.hears(RecordExcluded(review=REVIEW, record=record, revision=3, **how))


def export(bench: IngestBench, **asked: Any) -> tuple[Any, bytes]:
    """What came of an export, and its file."""
    made = bench.post("exports", {"format": "ris", **asked}, role="reviewer", status=202)
    bench.runs(exporting.make_exports)
    answer = bench.reader.get(f"/ingest/reviews/{REVIEW}/exports/{made['id']}/file")
    assert answer.status_code == 200, answer.text
    return bench.get(f"exports/{made['id']}"), answer.content


def entries(content: bytes) -> dict[str | None, Entry]:
    opened = open_library(io.BytesIO(content), name="file.ris", source="import:file")
    return {each.record.title: each for each in opened.entries if isinstance(each, Entry)}


def test_every_record_leaves_with_where_it_stands_and_why_it_is_excluded(ready):
    made, content = export(ready)

    assert (made["state"], made["records"], made["size"]) == ("done", 5, len(content))
    found = entries(content)
    assert len(found) == 5
    assert "published before 2017" in str(found["Early boards"].fields)
    excluded = str(found["Excluded boards"].fields)
    assert all(said in excluded for said in ("full-text", "excluded", "no leadership"))
    assert "included" in str(found["Included boards"].fields)


def test_a_table_has_the_same_columns_whichever_record_comes_first_and_says_what_brought_each(ready):
    some, none = (export(ready, format="csv", **asked)[1].decode("utf-8-sig") for asked in ({}, {"stage": "rigour"}))

    columns, *rows = csv.reader(io.StringIO(some))
    assert next(csv.reader(io.StringIO(none))) == columns
    said = {row[columns.index("title")]: dict(zip(columns, row, strict=True)) for row in rows}
    assert {row["databases"] for row in said.values()} == {"crossref"}
    assert {title: row["reason"] for title, row in said.items() if row["reason"]} == {
        "Early boards": "published before 2017", "Excluded boards": "no leadership",
    }  # fmt: skip
    assert {row["further_decisions"] for row in said.values()} == {""}


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({"stage": "title-abstract"}, {"Waiting boards"}),
        ({"stage": "full-text"}, {"Boards at full text", "Excluded boards", "Included boards"}),
        ({"stage": "full-text", "standing": "waiting"}, {"Boards at full text"}),
        ({"standing": "included"}, {"Included boards"}),
        ({"standing": "excluded"}, {"Early boards", "Excluded boards"}),
        ({"stage": "rigour"}, set()),
    ],
)
def test_a_stage_or_a_standing_leaves_alone(ready, asked, titles):
    made, content = export(ready, **asked)

    assert made["records"] == len(titles)
    assert set(entries(content)) == titles if titles else content == b""


def test_a_record_that_is_reopened_has_no_reason_any_more(ready):
    record = by_title(ready)["Excluded boards"]
    ready.hears(RecordReopened(review=REVIEW, record=record, revision=4, stage=STAGES[0], reason="voted twice"))

    _, content = export(ready, stage=STAGES[0])

    assert "no leadership" not in content.decode() and "Excluded boards" in entries(content)


def test_what_was_merged_away_does_not_leave(ready):
    twin = work("pubmed", "7", "Waiting boards", doi="10.5555/0")
    ready.adopt(strategy("crossref"), strategy("pubmed"), number=2)
    ready.sources["pubmed"].put(twin)
    ready.pull_again()

    made, _ = export(ready)

    assert made["records"] == 5


@pytest.mark.parametrize("format", WRITERS)
def test_what_left_and_comes_back_changes_nothing(ready, format):
    _, content = export(ready, format=format)
    before = ready.clusters()
    file = ready.lead.post(f"/ingest/reviews/{REVIEW}/files", content=content).json()
    ready.post("imports", {"file": file["sha256"], "name": "back.ris"}, status=202)

    ready.runs(importing.take_in_files)

    (back,) = ready.items("imports")
    assert (back["entries"], back["counts"]["unchanged"], back["counts"]["found"]) == (5, 5, 5)
    assert (back["database"], back["repeated"], back["remarks"]) == ("living", 0, [])
    assert ready.clusters() == before


def test_what_somebody_changed_in_a_file_that_left_is_said_and_changes_nothing(ready):
    _, content = export(ready)
    content = content.replace(b"Waiting boards", b"Boards that wait no longer")
    file = ready.lead.post(f"/ingest/reviews/{REVIEW}/files", content=content).json()
    ready.post("imports", {"file": file["sha256"], "name": "back.ris"}, status=202)

    ready.runs(importing.take_in_files)

    (back,) = ready.items("imports")
    record = by_title(ready)["Waiting boards"]
    assert back["counts"]["unchanged"] == 5
    assert [remark for remark in back["remarks"] if record in remark and "living ingest correct" in remark]


def test_the_same_again_while_it_waits_is_the_same_and_more_than_five_wait_for_nobody(ready):
    first = ready.post("exports", {"format": "ris"}, role="reviewer", status=202)
    again = ready.post("exports", {"format": "ris"}, role="reviewer", status=202)
    for format in ("csv", "nbib", "bibtex", "xlsx"):
        ready.post("exports", {"format": format}, role="reviewer", status=202)

    refused = ready.post("exports", {"format": "endnote"}, role="reviewer", status=429)

    assert again["id"] == first["id"]
    assert refused["type"].endswith("exports_wait")


def test_a_stage_that_the_protocol_lacks_is_refused_with_those_that_it_has(ready):
    refused = ready.post("exports", {"format": "ris", "stage": "fulltext"}, role="reviewer", status=422)

    assert refused["type"].endswith("unknown_stage")
    assert refused["errors"] == [
        {"at": "stage", "why": f"'fulltext' is no stage of '{REVIEW}', which has full-text, rigour, title-abstract"}
    ]


def test_a_stage_is_refused_where_an_earlier_release_heard_the_protocol(ready):
    with ready.work("upgrade") as doing:
        doing.session.execute(update(ReviewRow).values(first_stage=None))

    refused = ready.post("exports", {"format": "ris", "stage": "full-text"}, role="reviewer", status=409)

    assert refused["type"].endswith("stages_unknown")
    assert export(ready)[0]["records"] == 5


def test_a_file_that_is_not_made_yet_is_a_conflict(ready):
    waiting = ready.post("exports", {"format": "ris"}, role="reviewer", status=202)

    answer = ready.reader.get(f"/ingest/reviews/{REVIEW}/exports/{waiting['id']}/file")

    assert answer.status_code == 409 and answer.json()["type"].endswith("not_made")


def test_a_kill_while_a_file_is_written_has_it_written_anew(ready, monkeypatch):
    read = exporting._records

    def dies(*given: Any) -> Any:
        yield next(read(*given))
        raise Unavailable("the disk is away")

    monkeypatch.setattr(exporting, "_records", dies)
    waiting = ready.post("exports", {"format": "ris"}, role="reviewer", status=202)
    with pytest.raises(Unavailable):
        ready.runs(exporting.make_exports)
    assert ready.get(f"exports/{waiting['id']}")["state"] == "waiting"
    monkeypatch.setattr(exporting, "_records", read)

    ready.runs(exporting.make_exports)

    made = ready.get(f"exports/{waiting['id']}")
    assert (made["state"], made["records"]) == ("done", 5)


def test_a_file_is_forgotten_after_its_days(ready):
    made, _ = export(ready)
    with ready.work() as at:
        assert exporting.forget_exports(at, at.now, 10) == 0
    ready.clock.advance(days=8)

    with ready.work() as at:
        assert exporting.forget_exports(at, at.now, 10) == 1

    assert ready.items("exports") == []
    assert ready.reader.get(f"/ingest/reviews/{REVIEW}/exports/{made['id']}").status_code == 404


def test_records_are_read_some_at_a_time_and_none_is_left_out(ready, monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 2)

    made, content = export(ready)

    assert (made["records"], len(entries(content))) == (5, 5)


def test_every_format_that_is_written_may_be_asked_for():
    assert set(get_args(ExportFormat)) == set(WRITERS)
