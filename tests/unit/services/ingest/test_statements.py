"""Decisions that files state: kept once, with where they stand, told, shown to leads alone; nothing of a misfit is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from services.ingest.jobs import exporting, importing
from services.ingest.models import ReviewRow
from shared.errors import Unavailable
from shared.events.ingest import DecisionStated
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, version
from tests.unit.services.ingest.test_imports import TITLES, upload

MAPPING = """
# How we screened before.
decisions:
  - column: Decision
    stage: title-abstract
    answers: {Yes: include, No: exclude}
    ignore: [Not screened]
    reason: {column: Why}
    by: {column: Reviewer}
"""

DECIDED = ("Yes,,Ana", "No,wrong population,Ben", "Not screened,,", ",,")


def table(*decided: str, titles: list[str] = TITLES) -> bytes:
    """A table with these works, and what somebody decided about each."""
    rows = (f'"{title}",2021,{each}\n' for title, each in zip(titles, decided, strict=False))
    return ("Title,Year,Decision,Why,Reviewer\n" + "".join(rows)).encode()


def bring(bench: IngestBench, content: bytes, mapping: str = MAPPING, name: str = "library.csv", **about: Any) -> Any:
    """Brings a file with a mapping, and has it taken in; what came of it, as a lead sees it."""
    file = upload(bench, content)
    asked = bench.post(
        "imports", {"file": file["sha256"], "name": name, "mapping": mapping, **about}, status=202
    )  # fmt: skip
    bench.runs(importing.take_in_files)
    return lead(bench, f"imports/{asked['id']}")


def lead(bench: IngestBench, path: str, status: int = 200, **params: Any) -> Any:
    answer = bench.lead.get(f"/ingest/reviews/{REVIEW}/{path}", params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


def decisions(bench: IngestBench, **asked: Any) -> list[Any]:
    return lead(bench, "decisions", **asked)["items"]


def said(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [(row["line"], row["answer"], row["said"], row["by"], row["reason"]) for row in rows]


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"))
    return bench


def test_what_a_file_states_is_kept_with_where_it_stands_and_who_brought_it(ready):
    done = bring(ready, table(*DECIDED))

    assert (done["state"], done["entries"], done["stated"], done["kept"]) == ("done", 4, 2, 2)
    one, other = decisions(ready)
    assert said([one, other]) == [
        (2, "include", "Yes", "Ana", None), (3, "exclude", "No", "Ben", "wrong population"),
    ]  # fmt: skip
    assert (one["stage"], one["column"], one["name"]) == ("title-abstract", "Decision", "library.csv")
    assert (one["imported"], one["brought_by"]) == (done["id"], "lea")
    assert (one["file_sha256"], one["mapping_sha256"]) == (done["sha256"], done["mapping_sha256"])
    assert lead(ready, f"imports/{done['id']}/mapping") == {"sha256": done["mapping_sha256"], "text": MAPPING}


def test_columns_that_the_mapping_reads_are_not_among_those_that_are_not_read(ready):
    done = bring(ready, table(*DECIDED).replace(b"Reviewer", b"Reviewer,Shelf"))

    remarks = ready.get(f"runs/{done['run']}")["remarks"]
    assert [remark for remark in remarks if remark.startswith("columns")] == ["columns not read: Shelf"]


def test_labels_among_keywords_may_be_decisions(ready):
    mapping = "decisions:\n  - column: Keywords\n    stage: title-abstract\n    answers: {in: include, out: exclude}\n"
    bring(ready, f"Title,Year,Keywords\n{TITLES[0]},2021,in\n{TITLES[1]},2021,out\n".encode(), mapping)

    assert [row["answer"] for row in decisions(ready)] == ["include", "exclude"]


def test_each_is_told_on_the_flow_of_its_record(ready):
    bring(ready, table(*DECIDED))

    first, second = ready.emitted(DecisionStated)
    shown = decisions(ready)
    assert [first.record, second.record] == [row["record"] for row in shown]
    assert (first.statement, first.line, first.answer, first.by) == (shown[0]["statement"], 2, "include", "Ana")
    assert (second.reason, second.said, second.brought_by) == ("wrong population", "No", "lea")
    emitted = [envelope for envelope in ready.journal() if envelope.type == DecisionStated.type]
    assert [envelope.correlationid for envelope in emitted] == [first.record, second.record]


def test_the_same_again_states_nothing_new_whatever_the_file_is_called(ready):
    bring(ready, table(*DECIDED), database="covidence")
    before = decisions(ready)

    again = bring(ready, table(*DECIDED) + b"\n", name="again.csv", database="covidence")

    assert (again["stated"], again["kept"]) == (2, 0)
    assert decisions(ready) == before
    assert len(ready.emitted(DecisionStated)) == 2


def test_another_answer_is_another_statement(ready):
    bring(ready, table("Yes,,Ana"))

    bring(ready, table("No,,Ana"))

    assert [row["answer"] for row in decisions(ready)] == ["include", "exclude"]
    assert len({row["record"] for row in decisions(ready)}) == 1


def test_a_kill_between_two_batches_loses_and_doubles_nothing(ready, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    take, taken = importing._take_batch, []

    def dies(*given: Any, **about: Any) -> None:
        if len(taken) == 1:
            taken.append("gone")
            raise Unavailable("the machine is gone")
        taken.append("in")
        take(*given, **about)

    monkeypatch.setattr(importing, "_take_batch", dies)
    with pytest.raises(Unavailable):
        bring(ready, table(*DECIDED))
    assert len(decisions(ready)) == 1

    ready.runs(importing.take_in_files)

    (done,) = ready.items("imports")
    assert (done["state"], done["stated"], done["kept"]) == ("done", 2, 2)
    assert len(decisions(ready)) == len(ready.emitted(DecisionStated)) == 2


def test_statements_of_one_record_one_file_and_one_stage_are_found(ready):
    first = bring(ready, table(*DECIDED))
    bring(ready, table("Yes,,Cleo", titles=TITLES[2:]), name="more.csv")
    one, other, more = decisions(ready)

    assert decisions(ready, record=one["record"]) == [one]
    assert decisions(ready, imported=first["id"]) == [one, other]
    assert decisions(ready, stage="title-abstract") == [one, other, more]
    assert decisions(ready, stage="full-text") == []
    page = lead(ready, "decisions", limit=2)
    assert lead(ready, "decisions", limit=2, cursor=page["next"])["items"] == [more]
    lead(ready, "decisions", status=404, record="rec_none")
    lead(ready, "decisions", status=404, imported="import_none")


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_nobody_who_has_yet_to_decide_sees_what_was_decided(ready, role):
    bring(ready, table(*DECIDED))
    misfit = bring(ready, table("Perhaps,,Dora"), name="odd.csv")
    record = decisions(ready)[1]["record"]
    person = ready.person("rob", role)

    refused = [
        person.get(f"/ingest/reviews/{REVIEW}/{path}") for path in ("decisions", f"imports/{misfit['id']}/mapping")
    ]
    shown = person.get(f"/ingest/reviews/{REVIEW}/records/{record}").text
    journal = person.get(f"/ingest/reviews/{REVIEW}/events", params={"correlation": record}).text
    failed = person.get(f"/ingest/reviews/{REVIEW}/imports/{misfit['id']}").text
    made = ready.post("exports", {"format": "csv"}, role="reviewer", status=202)
    ready.runs(exporting.make_exports)
    file = person.get(f"/ingest/reviews/{REVIEW}/exports/{made['id']}/file").text

    assert [each.status_code for each in refused] == [403, 403]
    assert decisions(ready)[1]["statement"] not in journal
    assert "ingest.decision.stated" in journal
    for text in (shown, journal, failed, file):
        assert not any(word in text for word in ("exclude", "wrong population", "Ben", "Perhaps", "Dora"))
    assert "wrong population" in ready.lead.get(f"/ingest/reviews/{REVIEW}/records/{record}").text
    assert "wrong population" in ready.lead.get(f"/ingest/reviews/{REVIEW}/events").text


@pytest.mark.parametrize("row", [b",2021,No,wrong population,Ben\n", b"Boards,2021,No,wrong population,Ben,Dora\n"])
@pytest.mark.parametrize("about", [{}, {"mapping": None}], ids=["mapped", "plain"])
def test_what_is_no_record_shows_leads_alone_what_was_decided(ready, row, about):
    done = bring(ready, table(*DECIDED) + row, **about)

    (rejected,) = ready.items("rejections")
    assert rejected["source_id"] == "line 6"
    paths = ("rejections", f"runs/{done['run']}/rejections", f"runs/{done['run']}")
    shown = [ready.reader.get(f"/ingest/reviews/{REVIEW}/{path}").text for path in paths]
    assert not any(word in text for text in shown for word in ("wrong population", "Ben", "Dora"))
    assert all("wrong population" in lead(ready, path)["items"][0]["excerpt"] for path in paths[:2])


def test_a_statement_goes_with_its_source_record_through_mergers_and_splits(ready):
    bring(ready, table(*DECIDED))
    one, other = decisions(ready)

    ready.post(f"records/{one['record']}/merge", {"other": other["record"], "reason": "one study"})
    together = decisions(ready)
    shown = lead(ready, f"records/{together[0]['record']}")["statements"]
    ready.post(
        f"records/{together[0]['record']}/split", {"source_records": [other["source_record"]], "reason": "two studies"}
    )

    assert {row["record"] for row in together} == {together[0]["record"]}
    assert shown == together
    assert [row["source_record"] for row in decisions(ready)] == [one["source_record"], other["source_record"]]
    assert len({row["record"] for row in decisions(ready)}) == 2


def test_what_is_said_of_a_record_of_ours_that_comes_back_is_said_of_that_record(ready):
    bring(ready, table(",,"), database="embase")
    (known,) = ready.records()
    file = f"living_record,title,Decision,Why,Reviewer\n{known['record']},{TITLES[0]},No,too old,Ana\n".encode()

    for name in ("back.csv", "again.csv"):
        bring(ready, file, name=name)

    (row,) = decisions(ready)
    assert (row["record"], row["answer"], row["reason"]) == (known["record"], "exclude", "too old")
    assert row["source_record"] == ":".join(known["source_records"][0][each] for each in ("source", "source_id"))
    assert len(ready.records()) == 1


NO_COLUMN = MAPPING.replace("column: Decision", "column: Verdict")
CITED = MAPPING.replace("column: Decision", "column: Year")


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        (NO_COLUMN, "the mapping, line 4: library.csv has no column or tag 'Verdict'; it has Title, Year, Decision"),
        (CITED, "the mapping, line 4: the column 'Year' of library.csv is a part of the citation, and no decision"),
        (MAPPING.replace("Yes: include, ", ""), "library.csv, line 2, column 'Decision': 'Yes': the mapping has this"),
        (MAPPING.replace("column: Why", "column: Grund"), "has no column or tag 'Grund'"),
    ],
)
def test_a_file_that_does_not_fit_is_named_by_its_line_and_nothing_of_it_is_stored(ready, mapping, why):
    done = bring(ready, table(*DECIDED), mapping)

    assert (done["state"], done["run"], done["stated"], done["kept"]) == ("failed", None, 0, 0)
    assert why in done["problems"][0]
    assert "nothing of the file was taken in" in done["error"] and "line" in done["error"]
    assert ready.records() == [] and decisions(ready) == [] and ready.items("runs") == []
    assert ready.all_emitted() == []


def test_a_value_that_nobody_mapped_is_named_once_with_how_often_it_stands_there(ready):
    done = bring(ready, table("Maybe,,A", "Maybe,,B", "Yes,,C", "So-so,,D"))

    assert done["problems"] == [
        "library.csv, line 2, column 'Decision': 'Maybe': the mapping has this value neither under answers nor under "
        "ignore (2 times, first there)",
        "library.csv, line 5, column 'Decision': 'So-so': the mapping has this value neither under answers nor under "
        "ignore",
    ]
    assert "Maybe" not in done["error"]


def test_a_file_that_breaks_off_later_is_not_taken_in_half_under_a_mapping(ready, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)

    done = bring(ready, table("Yes,,Ana", "Nein,,Ben"))

    assert done["state"] == "failed" and ready.records() == []


def test_a_stage_that_went_between_asking_and_taking_in_is_a_misfit(ready):
    file = upload(ready, table(*DECIDED))
    asked = ready.post(
        "imports", {"file": file["sha256"], "name": "library.csv", "mapping": MAPPING}, status=202
    )  # fmt: skip
    later = version(2, strategy("crossref"))
    stage = later.protocol.stages[0].model_copy(update={"name": "screening"})
    ready.hears(type(later).of(later.protocol.model_copy(update={"stages": [stage]}), 2, "lea"))

    ready.runs(importing.take_in_files)

    done = lead(ready, f"imports/{asked['id']}")
    assert (done["state"], done["problems"]) == (
        "failed", ["the mapping, line 5: the protocol has no stage 'title-abstract'; it has screening"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "line", "why"),
    [
        ("decisions: [", 1, "cannot be read"),
        (MAPPING.replace("title-abstract", "title_abstract"), 5, "no stage 'title_abstract'; it has title-abstract"),
        (MAPPING.replace("No: exclude", "No: out"), 6, "title-abstract has no answer 'out'; it has include, exclude"),
        (MAPPING.replace("No: exclude", "No: '?'"), 6, "what only you can say"),
        (MAPPING.replace("ignore", "ignored"), 7, "there is no key 'ignored' here; there may be: stage, column"),
        (MAPPING.replace("    stage: title-abstract\n", ""), 4, "the key 'stage' is missing"),
    ],
)
def test_a_mapping_that_is_none_is_refused_with_its_line_before_anything_is_asked(ready, mapping, line, why):
    file = upload(ready, table(*DECIDED))

    problem = ready.post(
        "imports", {"file": file["sha256"], "name": "library.csv", "mapping": mapping}, status=422
    )  # fmt: skip

    assert problem["type"].endswith("malformed_mapping")
    assert problem["errors"][0]["line"] == line and why in problem["detail"]
    assert ready.items("imports") == []


def test_a_mapping_longer_than_any_is_refused(ready):
    file = upload(ready, table(*DECIDED))

    problem = ready.post(
        "imports", {"file": file["sha256"], "name": "library.csv", "mapping": "#" * 70_000}, status=422
    )  # fmt: skip

    assert "mapping" in problem["errors"][0]["at"]


def test_no_mapping_is_taken_where_an_earlier_release_heard_the_protocol(ready):
    with ready.work() as unit:
        unit.session.execute(update(ReviewRow).values(stages=None))
    file = upload(ready, table(*DECIDED))

    problem = ready.post(
        "imports", {"file": file["sha256"], "name": "library.csv", "mapping": MAPPING}, status=409
    )  # fmt: skip

    assert problem["type"].endswith("stages_unknown")


def test_an_import_without_a_mapping_states_nothing_and_has_none_to_show(ready):
    file = upload(ready, table(*DECIDED))
    asked = ready.post("imports", {"file": file["sha256"], "name": "library.csv"}, status=202)
    ready.runs(importing.take_in_files)

    assert decisions(ready) == []
    assert ready.get(f"imports/{asked['id']}")["mapping_sha256"] is None
    assert lead(ready, f"imports/{asked['id']}/mapping", status=404)["type"].endswith("no_mapping")
