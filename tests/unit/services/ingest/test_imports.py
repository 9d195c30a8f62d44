"""Files that people bring: their records come in with where they came from, each once, whatever breaks on the way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from services.ingest.commands import imports
from services.ingest.jobs import importing, pulling
from shared.errors import Unavailable
from shared.events.ingest import FileImported, RecordDiscovered, RunFinished
from tests.disks import mounted
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

TITLES = [
    "How boards of shared care learn to decide",
    "Trust between hospitals and councils",
    "Nurses who lead neighbourhood teams",
    "Budgets that follow the patient home",
]


def ris(*titles: str, more: str = "") -> bytes:
    """A library file with these works, and between them whatever else it has."""
    return "".join(
        f"TY  - JOUR\r\nTI  - {title}\r\nAU  - Okoye, Ada\r\nPY  - 2021\r\nT2  - Journal of Shared Care\r\n"
        f"VL  - 12\r\nSP  - {first(title)}\r\nEP  - {first(title) + 7}\r\n{more}ER  - \r\n\r\n"
        for title in titles
    ).encode()


def first(title: str) -> int:
    """Its first page: each has pages of its own."""
    return 10 * TITLES.index(title) + 123 if title in TITLES else 1000


def upload(bench: IngestBench, content: bytes, role: str = "lead", status: int = 201) -> Any:
    client = bench.person("lea", role)
    answer = client.post(f"/ingest/reviews/{REVIEW}/files", content=content)
    assert answer.status_code == status, answer.text
    return answer.json()


def bring(bench: IngestBench, content: bytes, **about: Any) -> Any:
    """Brings a file, and has it taken in; what came of it."""
    file = upload(bench, content)
    asked = bench.post("imports", {"file": file["sha256"], "name": "library.ris", **about}, status=202)
    bench.runs(importing.take_in_files)
    return bench.get(f"imports/{asked['id']}")


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"))
    return bench


def test_a_file_is_a_run_that_says_who_brought_what_and_how_it_was_found(ready):
    done = bring(
        ready, ris(*TITLES), database="embase", query="lead* AND care", searched_on="2019-12-31", reported=4
    )  # fmt: skip

    assert (done["state"], done["entries"], done["counts"]["new"], done["error"]) == ("done", 4, 4, None)
    assert (done["format"], done["database"], done["asked_by"]) == ("ris", "embase", "lea")
    assert done["read"] == done["size"] == len(ris(*TITLES))
    run = ready.get(f"runs/{done['run']}")
    assert (run["purpose"], run["source"], run["query"], run["since"], run["state"]) == (
        "import", "import:embase", "lead* AND care", "2019-12-31", "complete",
    )  # fmt: skip
    (finished,) = ready.emitted(FileImported)
    assert (finished.run, finished.database, finished.entries) == (done["run"], "embase", 4)
    assert finished.sha256 == done["sha256"]
    assert (finished.complete, finished.reported, str(finished.searched_on)) == (True, 4, "2019-12-31")
    assert ready.emitted(RunFinished) == []
    titles = {record["bibliography"]["title"] for record in ready.records()}
    assert titles == set(TITLES)
    assert {one.bibliography.pages for one in ready.emitted(RecordDiscovered)} >= {"123-130", "133-140"}


def unlike(numbers: range) -> bytes:
    """A library file with works that share nothing with one another."""
    return "".join(
        f"TY  - JOUR\r\nTI  - Shared care of region {number} in year {number}\r\nAU  - Writer{number}, Ada\r\n"
        f"PY  - 2021\r\nVL  - {number}\r\nSP  - {number}\r\nDO  - 10.5555/{number}\r\nER  - \r\n\r\n"
        for number in numbers
    ).encode()


def test_many_records_are_taken_in_by_no_more_statements_than_few(ready):
    engine, said = ready.running.database.engine, list[str]()
    event.listen(engine, "before_cursor_execute", lambda *about: said.append(about[2]))

    bring(ready, unlike(range(40)))
    of_few = len(said)
    bring(ready, unlike(range(40, 120)))
    of_many = len(said) - of_few

    assert len(ready.items("records")) == 120
    assert of_many <= of_few


def test_the_same_file_again_changes_nothing(ready):
    bring(ready, ris(*TITLES))
    before = len(ready.journal())

    again = bring(ready, ris(*TITLES))

    assert (again["counts"]["new"], again["counts"]["unchanged"]) == (0, 4)
    assert [type(event) for event in ready.all_emitted()[before:]] == [FileImported]


def test_columns_of_which_nothing_is_taken_in_are_named_once(ready):
    done = bring(ready, b"Title;Autor;Jahr\nEins;Ada;2019\nZwei;Ben;2020\n", name="bibliothek.csv", database="embase")

    assert (done["entries"], done["junk"], ready.get(f"runs/{done['run']}")["remarks"]) == (
        2, 0, ["columns not read: Autor, Jahr"],
    )  # fmt: skip


def test_a_remark_names_so_many_columns_and_counts_the_others(ready):
    columns = ",".join(f"c{number}" for number in range(70))
    done = bring(ready, f"Title,{columns}\nA{',1' * 70}\n".encode(), name="wide.csv", database="embase")

    (remark,) = ready.get(f"runs/{done['run']}")["remarks"]
    assert remark.endswith("c48, c49 and 20 more")


def test_a_release_that_reads_keywords_changes_no_record_that_has_none_and_no_order_of_them_is_news(ready):
    words = "KW  - trust\r\nKW  - boards\r\n"
    bring(ready, ris(TITLES[0]) + ris(TITLES[1], more=words))
    before = len(ready.journal())

    again = bring(ready, ris(TITLES[0]) + ris(TITLES[1], more="KW  - boards\r\nKW  - trust\r\n"))

    assert (again["counts"]["unchanged"], again["counts"]["updated"]) == (2, 0)
    assert [type(event) for event in ready.all_emitted()[before:]] == [FileImported]
    (described,) = (one for one in ready.records() if one["bibliography"]["title"] == TITLES[1])
    assert described["bibliography"]["keywords"] == ["trust", "boards"]


def test_a_file_that_has_grown_brings_what_is_new(ready):
    bring(ready, ris(*TITLES[:2]))

    grown = bring(ready, ris(*TITLES))

    assert (grown["counts"]["new"], grown["counts"]["unchanged"]) == (2, 2)
    assert len(ready.records()) == 4


def test_a_record_that_stands_twice_is_counted_once_and_said_to_be_repeated(ready):
    done = bring(ready, ris(*TITLES, TITLES[0]))

    assert (done["entries"], done["repeated"], done["counts"]["found"]) == (5, 1, 4)


def test_what_a_source_has_too_is_merged_with_it(ready):
    author = {"authors": ["Okoye, Ada"], "venue": "Journal of Shared Care", "published": "2021"}
    ready.sources["crossref"].put(work("crossref", "10.5555/a", TITLES[0], doi="10.5555/a", **author))
    ready.pull()

    done = bring(ready, ris(*TITLES))

    assert (done["counts"]["new"], done["counts"]["merged"]) == (3, 1)
    assert len(ready.records()) == 4


def test_records_that_cannot_be_read_are_listed_by_their_lines_and_the_rest_goes_in(ready):
    broken = b"TY  - JOUR\r\nER  - \r\n\r\n"

    done = bring(ready, ris(TITLES[0]) + broken + ris(TITLES[1]))

    assert (done["entries"], done["counts"]["new"], done["counts"]["rejected"]) == (3, 2, 1)
    (rejected,) = ready.items(f"runs/{done['run']}/rejections")
    assert rejected["source_id"] == "line 11" and rejected["reason"].startswith("line 11: ")


def test_fewer_records_than_the_database_found_are_told(ready):
    done = bring(ready, ris(*TITLES), reported=412)

    assert done["state"] == "done"
    assert done["error"] == "library.ris has 4 records, of 412 that were found as you said"
    assert ready.get(f"runs/{done['run']}")["state"] == "partial"
    assert ready.emitted(FileImported)[0].complete is False


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x01" + bytes(100), b"Dear colleagues, the library is attached."])
def test_a_file_of_the_wrong_kind_fails_with_its_name_and_line_and_nothing_is_stored(ready, content):
    done = bring(ready, content)

    assert (done["state"], done["run"]) == ("failed", None)
    assert "library.ris, line 1: " in done["error"]
    assert ready.items("runs") == [] and ready.records() == []


def test_a_kill_between_two_batches_loses_and_doubles_nothing(ready, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    take, calls = importing._take_batch, []

    def dies(*given: Any, **named: Any) -> None:
        calls.append(given)
        if len(calls) == 3:
            raise Unavailable("the database is away")
        take(*given, **named)

    monkeypatch.setattr(importing, "_take_batch", dies)
    file = upload(ready, ris(*TITLES))
    asked = ready.post("imports", {"file": file["sha256"], "name": "library.ris"}, status=202)
    with pytest.raises(Unavailable):
        ready.runs(importing.take_in_files)
    assert ready.get(f"imports/{asked['id']}")["entries"] == 2

    ready.runs(importing.take_in_files)

    done = ready.get(f"imports/{asked['id']}")
    assert (done["state"], done["entries"], done["counts"]["new"]) == ("done", 4, 4)
    assert len(ready.emitted(FileImported)) == 1
    assert len(ready.emitted(RecordDiscovered)) == 4


def test_a_file_that_is_lost_fails_its_import_with_the_reason(ready):
    file = upload(ready, ris(*TITLES))
    asked = ready.post("imports", {"file": file["sha256"], "name": "library.ris"}, status=202)
    ready.running.blobs.remove(file["sha256"], datetime.now(UTC) + timedelta(days=2))

    ready.runs(importing.take_in_files)

    lost = ready.get(f"imports/{asked['id']}")
    assert lost["state"] == "failed" and file["sha256"] in lost["error"]


@pytest.mark.waits
def test_a_file_waits_for_room_for_its_copy_and_says_so_until_there_is_some(ready, monkeypatch, tmp_path):
    file = upload(ready, ris(*TITLES, more=f"AB  - {'care ' * 1000}\r\n" * 20))
    asked = ready.post("imports", {"file": file["sha256"], "name": "../a/lib.ris"}, status=202)
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk.folder))
        with disk.full():
            says = r"working copy of '\.\./a/lib\.ris', .* the disk of .* is full"
            with pytest.raises(Unavailable, match=says) as refused:
                ready.runs(importing.take_in_files)
            assert refused.value.slug == "disk_full"
            waiting = ready.get(f"imports/{asked['id']}")
            assert waiting["state"] == "waiting" and "goes on by itself" in waiting["error"]

        ready.runs(importing.take_in_files)

    done = ready.get(f"imports/{asked['id']}")
    assert (done["state"], done["counts"]["new"], done["error"]) == ("done", 4, None)


def test_files_are_listed_the_newest_first_and_are_in_the_coverage(ready):
    bring(ready, ris(TITLES[0]), name="first.ris", database="cinahl")
    bring(ready, ris(*TITLES), name="second.ris", database="scopus")

    assert [each["name"] for each in ready.items("imports")] == ["second.ris", "first.ris"]
    sources = {each["name"]: each for each in ready.get("coverage")["sources"]}
    assert sources["import:scopus"]["records"] == 4


def test_the_files_of_a_database_are_never_pulled(ready):
    bring(ready, ris(*TITLES), database="embase")

    ready.pull_again(days=400)

    (watch,) = ready.items("watches", purpose="import")
    assert (watch["strategy"], watch["last_run"]["counts"]["found"]) == ("import:embase", 4)
    assert ready.items("watches", purpose="changes") == []
    refused = ready.post(f"watches/{watch['watch']}/pull", status=409)
    assert refused["type"].endswith("watch_of_files")


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_only_leads_bring_files(ready, role):
    upload(ready, ris(*TITLES), role=role, status=403)
    ready.post("imports", {"file": "0" * 64, "name": "library.ris"}, role=role, status=403)


@pytest.mark.parametrize(
    ("about", "at"),
    [
        ({"file": "x"}, "file"),
        ({"searched_on": "2030-01-01"}, "searched_on"),
        ({"searched_on": "soon"}, "searched_on"),
        ({"database": "Embase (Ovid)"}, "database"),
        ({"format": "pdf"}, "format"),
        ({"reported": -1}, "reported"),
        ({"name": " "}, "name"),
        ({"query": "x" * 100_001}, "query"),
    ],
)
def test_what_is_said_wrongly_of_a_file_is_refused_by_its_field(ready, about, at):
    file = upload(ready, ris(*TITLES))

    problem = ready.post("imports", {"file": file["sha256"], "name": "library.ris", **about}, status=422)

    assert at in problem["errors"][0]["at"]
    assert ready.items("imports") == []


def test_a_file_that_was_never_uploaded_is_not_found(ready):
    problem = ready.post("imports", {"file": "0" * 64, "name": "library.ris"}, status=404)

    assert problem["type"].endswith("unknown_file") and "0" * 64 in problem["detail"]
    assert ready.items("imports") == []


def test_an_import_waits_while_another_is_taken_in_and_both_come_in(ready):
    for name in ("first.ris", "second.ris"):
        file = upload(ready, ris(*TITLES))
        ready.post("imports", {"file": file["sha256"], "name": name}, status=202)

    ready.runs(importing.take_in_files)

    assert [each["state"] for each in ready.items("imports")] == ["done", "done"]
    assert len(ready.records()) == 4


def test_a_pull_goes_on_beside_an_import_that_has_begun(ready, monkeypatch):
    monkeypatch.setattr(importing, "_end", lambda *given: (_ for _ in ()).throw(Unavailable("away")))
    file = upload(ready, ris(*TITLES))
    ready.post("imports", {"file": file["sha256"], "name": "library.ris"}, status=202)
    with pytest.raises(Unavailable):
        ready.runs(importing.take_in_files)

    ready.runs(pulling.pull_due_watches)

    states = {each["purpose"]: each["state"] for each in ready.items("runs")}
    assert (states.pop("import"), set(states.values())) == ("running", {"complete"})


def titles(bench: IngestBench) -> list[str]:
    return sorted(record["bibliography"]["title"] for record in bench.records())


def sheet(*rows: str, columns: str = "title,accession number") -> bytes:
    return "\n".join((columns, *rows, "")).encode()


@pytest.mark.parametrize("about", [{}, {"database": "embase"}, {"database": "zotero"}])
def test_the_row_numbers_of_two_sheets_make_no_work_another(ready, about):
    bring(ready, sheet(f"{TITLES[0]},1", f"{TITLES[1]},2"), name="a.csv", **about)
    before = ready.records()

    second = bring(ready, sheet(f"{TITLES[2]},1", f"{TITLES[3]},2"), name="b.csv", **about)
    again = bring(ready, sheet(f"{TITLES[2]},1", f"{TITLES[3]},2"), name="b.csv", **about)

    assert titles(ready) == sorted(TITLES)
    assert [each for each in ready.records() if each in before] == before
    assert (second["counts"]["new"], again["counts"]["new"], again["counts"]["unchanged"]) == (2, 0, 2)
    remark = "line 2: its number 1 is that of another work, so that it is known by what it says"
    assert (remark in second["remarks"]) == (about == {"database": "embase"})


def test_numbers_that_a_spreadsheet_rounded_are_none(ready):
    done = bring(ready, sheet(*(f"{title},2.0201E+11" for title in TITLES)), name="a.csv", database="embase")

    assert titles(ready) == sorted(TITLES)
    assert (done["counts"]["new"], done["repeated"], len(done["remarks"])) == (4, 0, 4)
    assert done["remarks"][0] == "line 2: its number 2.0201E+11 was rounded by a spreadsheet, and is none"


def test_a_number_that_stands_twice_in_a_file_loses_nothing_and_is_remarked(ready):
    rows = [f"{TITLES[0]},900001,first", f"{TITLES[1]},900001,second", f"{TITLES[0]},900001,third"]

    done = bring(ready, sheet(*rows, columns="title,accession number,abstract"), name="a.csv", database="embase")

    assert titles(ready) == sorted(TITLES[:2])
    assert done["remarks"] == [
        "line 3: its number 900001 is that of another work, so that it is known by what it says",
        "line 4: its number 900001 stands above in this file and says otherwise, and what stands last counts",
    ]


def test_a_number_goes_on_with_its_work_when_its_database_mends_that(ready):
    bring(ready, sheet(f"{TITLES[0]},900001"), name="a.csv", database="embase")

    done = bring(ready, sheet(f"{TITLES[0]}: a review,900001"), name="a.csv", database="embase")

    assert (done["counts"]["updated"], done["remarks"]) == (1, [])
    assert titles(ready) == [f"{TITLES[0]}: a review"]


def only(bench: IngestBench) -> Any:
    (record,) = bench.records()
    return record


def test_works_that_claim_to_be_a_record_and_are_none_are_taken_in(ready):
    bring(ready, ris(TITLES[0]))
    record = only(ready)["record"]
    rows = [f"{record},{title},10.5555/{at}" for at, title in enumerate(TITLES)]

    done = bring(ready, sheet(*rows, columns="living_record,title,doi"), name="a.csv")

    assert titles(ready) == sorted(TITLES)
    assert (done["entries"], done["counts"]["new"], done["counts"]["unchanged"]) == (4, 3, 1)
    assert done["repeated"] == 0
    assert done["remarks"] == [
        f"line {line}: {record} is another work here, so that this one is taken in as what it says"
        for line in (3, 4, 5)
    ]


def test_a_record_that_comes_back_twice_is_one_where_it_says_the_same(ready):
    bring(ready, ris(TITLES[0]))
    record = only(ready)["record"]
    rows = [f"{record},{TITLES[0]},{year}" for year in (2021, 2021, 1999)]

    done = bring(ready, sheet(*rows, columns="living_record,title,year"), name="a.csv")

    assert (done["entries"], done["repeated"], done["counts"]["unchanged"]) == (3, 1, 1)
    assert done["remarks"] == [
        f"line 4: {record} stands above in this file and says otherwise, so that this one is taken in as what it says"
    ]


def test_what_somebody_changed_of_a_record_that_left_is_remarked(ready):
    bring(ready, ris(TITLES[0]))
    known = only(ready)
    row = f'{known["record"]},{TITLES[0]},10.5555/other,"Nobody, Else",1999'

    done = bring(ready, sheet(row, columns="living_record,title,doi,authors,published"), name="a.csv")

    assert done["remarks"] == [
        f"line 2: {known['record']} is described otherwise here (authors, year), and stays so: "
        "`living ingest correct` changes it"
    ]
    assert only(ready)["bibliography"] == known["bibliography"]


def test_a_record_that_was_absorbed_since_comes_back_as_what_it_was(ready):
    bring(ready, ris(*TITLES[:2]))
    one, other = (record["record"] for record in ready.records())
    left = {record["record"]: record["bibliography"]["title"] for record in ready.records()}
    ready.post(f"records/{one}/merge", {"other": other, "reason": "one study"})
    rows = [f"{record},{title}" for record, title in left.items()]

    done = bring(ready, sheet(*rows, columns="living_record,title"), name="a.csv")

    assert (done["counts"]["new"], done["counts"]["unchanged"], len(only(ready)["source_records"])) == (0, 2, 2)


SCOPUS = "UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-85141483180\r\n"
ZOTERO = "DA  - 2021/03/01/\r\n"


@pytest.mark.parametrize(
    ("more", "about", "remarks"),
    [
        (SCOPUS, {}, []),
        (SCOPUS, {"database": "scopus"}, []),
        (SCOPUS, {"database": "embase"}, ["the file shows scopus, and is taken as embase, as you said"]),
        (ZOTERO, {}, ["nobody said of which database it is, nor does it: its records are taken as of `zotero`"]),
        (ZOTERO, {"database": "embase"}, []),
        ("", {}, ["nobody said of which database it is, nor does it: its records are taken as of `file`"]),
        ("", {"database": "embase"}, []),
    ],
)
def test_which_database_a_file_is_taken_as_of_is_remarked_where_it_shows_another_or_none(ready, more, about, remarks):
    assert bring(ready, ris(TITLES[0], more=more), **about)["remarks"] == remarks


def test_the_same_bytes_are_of_another_database_only_where_that_is_meant(ready):
    first = bring(ready, ris(*TITLES), database="embase", name="embase.ris")
    file = upload(ready, ris(*TITLES))["sha256"]

    for about in ({"database": "scopus"}, {}):
        refused = ready.post("imports", {"file": file, "name": "scopus.ris", **about}, status=409)
        assert refused["type"].endswith("brought_before")
        assert first["id"] in refused["detail"] and "embase" in refused["detail"]
    assert bring(ready, ris(*TITLES), database="embase")["counts"]["unchanged"] == 4
    assert bring(ready, ris(*TITLES), database="scopus", again=True)["counts"]["merged"] == 4
    assert bring(ready, ris(*TITLES), database="embase")["counts"]["unchanged"] == 4


def test_a_file_of_which_nobody_says_the_database_is_the_same_again_as_what_it_shows(ready):
    bring(ready, ris(TITLES[0], more=SCOPUS))

    assert bring(ready, ris(TITLES[0], more=SCOPUS))["counts"]["unchanged"] == 1
    assert bring(ready, ris(TITLES[0], more=SCOPUS), database="scopus")["counts"]["unchanged"] == 1


def at_once(bench: IngestBench, monkeypatch: pytest.MonkeyPatch, *said: dict[str, Any]) -> list[Any]:
    """What is answered to people who bring the same file at the same moment, each saying something of it."""
    content = ris(*TITLES)
    people = [bench.person(f"lead{number}", "lead") for number in range(len(said))]
    for person in people:
        answer = person.post(f"/ingest/reviews/{REVIEW}/files", content=content)
    file, both, looks = answer.json()["sha256"], threading.Barrier(len(said)), imports.require_sent

    def all_together(*given: Any) -> None:
        looks(*given)
        with suppress(threading.BrokenBarrierError):  # One writes at a time in SQLite, and waits for nobody.
            both.wait(1 if bench.platform.running["ingest"].database.sqlite else 30)

    monkeypatch.setattr(imports, "require_sent", all_together)
    body = {"file": file, "name": "library.ris"}
    with ThreadPoolExecutor(len(said)) as pool:
        asking = [
            pool.submit(person.post, f"/ingest/reviews/{REVIEW}/imports", json=body | each)
            for person, each in zip(people, said, strict=True)
        ]
        return [one.result() for one in asking]


@pytest.mark.waits  # They race.
def test_the_same_file_that_comes_twice_at_once_is_one_import(ready, monkeypatch):
    answers = at_once(ready, monkeypatch, {}, {})

    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == len(ready.items("imports")) == 1
    ready.runs(importing.take_in_files)
    assert len(ready.emitted(FileImported)) == 1


@pytest.mark.waits  # They race.
def test_of_two_who_bring_the_same_file_at_once_as_of_two_databases_one_is_refused(ready, monkeypatch):
    answers = at_once(ready, monkeypatch, {"database": "embase"}, {"database": "scopus"})

    assert sorted(answer.status_code for answer in answers) == [202, 409]
    assert len(ready.items("imports")) == 1


def test_what_is_said_otherwise_of_a_file_under_way_is_another_import(ready):
    file = upload(ready, ris(*TITLES))["sha256"]
    asked = [
        ready.post("imports", {"file": file, "name": "library.ris", **about}, status=202)["id"]
        for about in ({}, {}, {"query": "boards"}, {"again": True})
    ]
    assert asked[0] == asked[1] and len(set(asked)) == 3
