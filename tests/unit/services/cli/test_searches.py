"""`living ingest import --strategy`, `searched` and `searches`: what people search by hand, from a terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from click import UsageError

from services.cli.printing import table
from services.cli.searches import standing, to_search
from services.cli.synthesis import _left_out
from services.ingest.jobs import importing
from shared.errors import Invalid, NotFound
from shared.events.protocol import Strategy
from shared.wire.ingest import IngestStatus, ManualView
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy
from tests.unit.services.ingest.test_imports import TITLES, ris

#: Files are taken in by a thread of their own, as they are where the platform runs.
pytestmark = pytest.mark.waits

SEARCH = ["--database", "Embase", "--query", "@embase.txt", "--searched-on", "2019-12-31"]


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of a review that is searched by hand too, which takes files in as they come."""
    bench = IngestBench(tmp_path / "brought")
    serve(bench)
    by_hand = {"manual": "Embase", "query": "leader*:ti", "every_days": 28}
    bench.adopt(strategy("crossref"), Strategy(id="embase", **by_hand))
    (tmp_path / "embase.txt").write_text("leader*:ti\n")
    (tmp_path / "one.ris").write_bytes(ris(*TITLES[:2]))
    (tmp_path / "two.ris").write_bytes(ris(*TITLES[2:]))
    over = threading.Event()

    def take_in() -> None:
        while not over.wait(0.05):
            bench.runs(importing.take_in_files)

    taking = threading.Thread(target=take_in)
    taking.start()
    yield bench
    over.set()
    taking.join()
    bench.close()


def living(as_, *words: str, role: str = "lead", by: str = "lea"):
    return as_(by, "ingest", *words, role=role)


def test_a_search_in_two_files_is_brought_by_one_command_and_made(ingest, as_):
    shown = living(as_, "import", REVIEW, "one.ris", "two.ris", "--strategy", "embase", *SEARCH, "--reported", "4")

    assert shown.exit_code == 0
    assert "embase: searched on 2019-12-31, 4 records" in shown.stderr
    (row,) = data(living(as_, "searches", REVIEW, "--strategy", "embase", "--json"))
    assert (row["state"], row["entries"], row["planned"]) == ("fulfilled", 4, None)


def test_files_that_hold_more_than_was_reported_are_all_brought_and_make_no_search(ingest, as_, monkeypatch):
    take_in = importing.take_in_files
    # No file is taken in before both are there, as where the first one is large.
    monkeypatch.setattr(importing, "take_in_files", lambda it: len(ingest.items("imports")) == 2 and take_in(it))

    shown = living(as_, "import", REVIEW, "one.ris", "two.ris", "--strategy", "embase", *SEARCH, "--reported", "2")

    assert "is open: 4 records in 2 files, of 2 that were found" in shown.stderr


def test_what_lacks_is_said_with_what_can_be_done_and_more_files_make_the_search(ingest, as_):
    shown = living(as_, "import", REVIEW, "one.ris", "--strategy", "embase", *SEARCH, "--reported", "4")
    (row,) = data(living(as_, "searches", REVIEW, "--json"))
    assert f"search {row['search']} is open: 2 records in 1 file, of 4 that were found" in shown.stderr
    assert f"living ingest accept {REVIEW} embase --lacking 2" in shown.stderr

    more = living(as_, "import", REVIEW, "two.ris", "--search", row["search"])

    assert "embase: searched on 2019-12-31, 4 records" in more.stderr


def test_what_lacks_is_accepted_by_the_name_of_the_strategy(ingest, as_):
    living(as_, "import", REVIEW, "one.ris", "--strategy", "embase", *SEARCH, "--reported", "3")

    shown = living(as_, "accept", REVIEW, "embase", "--lacking", "1", "--reason", "Embase counts one twice.")
    assert "1 record, accepted: Embase counts one twice." in living(as_, "searches", REVIEW).stdout

    assert shown.stdout.strip() == "embase: searched on 2019-12-31, with what lacks"


def test_a_search_names_all_that_it_must(ingest, as_):
    refused = living(as_, "import", REVIEW, "one.ris", "--strategy", "embase", "--database", "Embase").exception

    assert isinstance(refused, Invalid) and "--query, --searched-on, --reported missing" in refused.detail
    assert isinstance(
        living(as_, "import", REVIEW, "one.ris", "--strategy", "embase", "--search", "search_1").exception, Invalid
    )
    assert isinstance(
        living(as_, "import", REVIEW, "one.ris", "--strategy", "crossref", *SEARCH, "--reported", "4").exception,
        NotFound,
    )
    assert data(living(as_, "searches", REVIEW, "--json")) == []


def test_nothing_new_is_signed_and_listed(ingest, as_):
    said = ["--query", "other", "--searched-on", "2019-12-31", "--words", "All were known."]

    shown = living(as_, "searched", REVIEW, "embase", "--nothing-new", *said)

    assert "embase: searched on 2019-12-31, nothing new; signed as " in " ".join(shown.stdout.split())
    assert "the string is another than the protocol's" in " ".join(shown.stdout.split())
    assert "nothing new, signed" in " ".join(living(as_, "searches", REVIEW).stdout.split())
    assert living(as_, "searched", REVIEW, "embase", *said).exit_code == 2


def test_the_watches_list_what_is_searched_by_hand(ingest, as_):
    shown = " ".join(living(as_, "watches", REVIEW).stdout.split())

    assert "embase Embase due since 2020-01-01 never" in shown and "no search yet" in shown


def view(**different) -> ManualView:
    seen = {
        "watch": "watch_1", "strategy": "embase", "database": "Embase", "source": "import:embase", "query": None,
        "every_days": 28, "owner": "person_1", "standing": "overdue", "due": "2026-11-02", "searched_through": None,
        "searches": [],
    }  # fmt: skip
    return ManualView(**{**seen, **different})


def test_the_status_says_who_is_to_search_since_when_and_how():
    literature = IngestStatus.model_construct(manual=[view(), view(standing="searched", strategy="scopus")])

    lines = [line.plain for line in to_search("small", literature, {"person_1": "Lea"}.get)]

    assert lines[0] == "\nEmbase (embase) is to be searched by hand by Lea: overdue since 2026-11-02"
    assert "living ingest import small FILE... --strategy embase" in lines[1]
    assert not any("scopus" in line for line in lines)
    assert [standing(view(standing=it)).plain for it in ("searched", "due", "paused")] == [
        "due 2026-11-02", "due since 2026-11-02", "paused",
    ]  # fmt: skip
    assert table(["state"], [[standing(view())]]).row_count == 1


def test_each_search_that_is_left_out_has_a_reason():
    assert _left_out((), ()) == []
    assert _left_out(("a", "b"), ("x",)) == [{"strategy": "a", "reason": "x"}, {"strategy": "b", "reason": "x"}]
    assert _left_out(("a", "b"), ("x", "y"))[1] == {"strategy": "b", "reason": "y"}
    for without, reasons in ((("a",), ()), ((), ("x",)), (("a", "b", "c"), ("x", "y"))):
        with pytest.raises(UsageError):
            _left_out(without, reasons)
