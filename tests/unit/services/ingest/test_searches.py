"""Searches that people make by hand: due on their day, told once, made by files that add up or by a signature."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.ingest.jobs import importing, searching
from shared.errors import Unavailable
from shared.events.ingest import FileImported, SearchDue, SearchFulfilled, WatchStopped
from shared.events.protocol import Strategy
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy
from tests.unit.services.ingest.test_imports import TITLES, ris, upload

QUERY = "'integrated care'/exp AND leader*:ti"


def by_hand(**fields: Any) -> Strategy:
    return Strategy(**{"id": "embase", "manual": "Embase", "query": QUERY, "every_days": 28, **fields})


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"), by_hand())
    return bench


def watch_of(bench: IngestBench, name: str = "embase") -> str:
    return next(one["watch"] for one in bench.get("status")["manual"] if one["strategy"] == name)


def stands(bench: IngestBench, name: str = "embase") -> Any:
    return next(one for one in bench.get("status")["manual"] if one["strategy"] == name)


def searched(bench: IngestBench, status: int = 201, **about: Any) -> Any:
    """Says what was searched."""
    body = {"database": "Embase", "query": QUERY, "searched_on": "2020-01-01", "reported": 4, **about}
    return bench.post(f"watches/{watch_of(bench)}/searches", body, status=status)


def bring(bench: IngestBench, search: str, content: bytes, *, taken_in: bool = True, status: int = 202) -> Any:
    """Brings a file of a search."""
    file = upload(bench, content)
    asked = bench.post("imports", {"file": file["sha256"], "name": "embase.ris", "search": search}, status=status)
    if taken_in and status == 202:
        bench.runs(importing.take_in_files)
    return asked


def sign(bench: IngestBench, role: str = "lead", status: int = 201, **about: Any) -> Any:
    body = {"query": QUERY, "searched_on": "2020-01-01", "reported": 1800, "words": "Nothing that we lack.", **about}
    return bench.post(f"watches/{watch_of(bench)}/nothing-new", body, role=role, status=status)


def announced(bench: IngestBench) -> list[tuple[str, bool]]:
    bench.runs(searching.announce_due_searches)
    return [(str(each.due), each.overdue) for each in bench.emitted(SearchDue)]


# Due


def test_a_search_by_hand_is_due_at_once_and_told_once_for_each_day_and_once_when_it_has_passed(ready):
    assert announced(ready) == announced(ready) == [("2020-01-01", False)]
    assert stands(ready)["standing"] == "due"

    ready.clock.advance(days=1)

    assert announced(ready) == announced(ready) == [("2020-01-01", False), ("2020-01-01", True)]
    assert (stands(ready)["standing"], stands(ready)["due"]) == ("overdue", "2020-01-01")
    (first, _) = ready.emitted(SearchDue)
    assert (first.strategy, first.database, first.query, first.owner) == ("embase", "Embase", QUERY, None)


def test_one_whose_day_passed_unseen_is_told_once_as_past(ready):
    ready.clock.advance(days=400)

    assert announced(ready) == announced(ready) == [("2020-01-01", True)]


def test_a_search_is_due_again_so_many_days_after_the_day_it_was_made(ready):
    sign(ready)
    assert (stands(ready)["standing"], stands(ready)["due"]) == ("searched", "2020-01-29")

    ready.clock.advance(days=28)

    assert announced(ready) == [("2020-01-29", False)]


def test_a_clock_that_is_set_back_tells_nothing_twice(ready):
    ready.clock.advance(days=3)
    seen = announced(ready)

    ready.clock.advance(days=-3)

    assert announced(ready) == seen
    assert stands(ready)["standing"] == "due"


def test_one_that_is_paused_is_not_due_until_it_is_resumed(ready):
    ready.post(f"watches/{watch_of(ready)}/pause")
    assert announced(ready) == [] and stands(ready)["standing"] == "paused"

    ready.post(f"watches/{watch_of(ready)}/resume")

    assert announced(ready) == [("2020-01-01", False)]


def test_nobody_pulls_it(ready):
    ready.pull_again(days=400)

    assert [run["source"] for run in ready.items("runs")] == ["crossref"]
    refused = ready.post(f"watches/{watch_of(ready)}/pull", status=409)
    assert refused["type"].endswith("searched_by_hand")


# Made by files


def test_a_search_in_two_files_is_made_once_both_are_in_and_add_up(ready):
    search = searched(ready)["search"]
    assert ready.get(f"searches/{search}")["lacks"] == "no file of it is in"

    bring(ready, search, ris(*TITLES[:3]))
    waits = ready.get(f"searches/{search}")
    assert (waits["state"], waits["lacks"]) == ("open", "3 records in 1 file, of 4 that were found")
    assert ready.emitted(SearchFulfilled) == []

    bring(ready, search, ris(TITLES[3]))

    made = ready.get(f"searches/{search}")
    assert (made["state"], made["lacks"], made["entries"], len(made["imports"])) == ("fulfilled", None, 4, 2)
    (made_event,) = ready.emitted(SearchFulfilled)
    assert (made_event.how, made_event.entries, made_event.reported, made_event.query, made_event.planned) == (
        "imported", 4, 4, QUERY, None,
    )  # fmt: skip
    assert sorted(made_event.files) == sorted(each.sha256 for each in ready.emitted(FileImported))
    assert (stands(ready)["searched_through"], stands(ready)["due"]) == ("2020-01-01", "2020-01-29")
    assert len(ready.records()) == 4


def test_its_files_are_runs_of_the_strategy_with_the_exact_string_and_in_the_coverage_by_its_name(ready):
    bring(ready, searched(ready)["search"], ris(*TITLES))

    (run,) = ready.items("runs")
    assert (run["source"], run["query"], run["since"], run["state"]) == (
        "import:embase", QUERY, "2020-01-01", "complete",
    )  # fmt: skip
    shares = {share["name"]: share for share in ready.get("coverage")["strategies"]}
    assert (shares["embase"]["records"], shares["embase"]["source"]) == (4, "import:embase")


def test_what_another_file_of_the_database_brought_is_the_same_source_record(ready):
    file = upload(ready, ris(*TITLES))
    ready.post("imports", {"file": file["sha256"], "name": "old.ris", "database": "embase"}, status=202)
    ready.runs(importing.take_in_files)

    search = searched(ready)["search"]
    bring(ready, search, ris(*TITLES))

    assert ready.get("imports")["items"][0]["counts"]["unchanged"] == 4
    assert ready.get(f"searches/{search}")["state"] == "fulfilled"


def test_the_same_file_is_taken_once_into_a_search(ready):
    search = searched(ready, reported=8)["search"]
    bring(ready, search, ris(*TITLES))

    refused = bring(ready, search, ris(*TITLES), status=409)

    assert refused["type"].endswith("file_there")
    assert ready.get(f"searches/{search}")["entries"] == 4


def test_a_file_that_cannot_be_read_leaves_the_search_open_and_another_one_makes_it(ready):
    search = searched(ready)["search"]
    bring(ready, search, b"Dear colleagues, the library is attached.")
    assert ready.get(f"searches/{search}")["lacks"] == "no file of it is in; 1 file could not be read"

    bring(ready, search, ris(*TITLES))

    assert ready.get(f"searches/{search}")["state"] == "fulfilled"


def test_a_kill_before_the_last_file_is_over_makes_the_search_once(ready, monkeypatch):
    settle, calls = importing.settle_search, []

    def dies(*given: Any) -> None:
        settle(*given)
        calls.append(given)
        if len(calls) == 1:
            raise Unavailable("the database is away")

    monkeypatch.setattr(importing, "settle_search", dies)
    search = searched(ready)["search"]
    bring(ready, search, ris(*TITLES), taken_in=False)
    with pytest.raises(Unavailable):
        ready.runs(importing.take_in_files)
    assert ready.emitted(SearchFulfilled) == [] and ready.get(f"searches/{search}")["state"] == "open"

    ready.runs(importing.take_in_files)

    assert len(ready.emitted(SearchFulfilled)) == 1
    assert ready.get(f"searches/{search}")["state"] == "fulfilled"


def test_a_lead_lets_a_search_lack_what_its_files_do_not_hold_and_it_is_made(ready):
    search = searched(ready, reported=5)["search"]
    bring(ready, search, ris(*TITLES))
    path = f"watches/{watch_of(ready)}/accept"
    assert ready.post(path, {"lacking": 2, "reason": "a guess"}, status=409)["type"].endswith("another_lack")

    ready.post(path, {"lacking": 1, "reason": "Embase counts one twice"})

    made = ready.get(f"searches/{search}")
    assert (made["state"], made["lacking"], made["reason"]) == ("fulfilled", 1, "Embase counts one twice")
    assert ready.emitted(SearchFulfilled)[0].lack == 1
    assert ready.post(path, {"lacking": 1, "reason": "again"}, status=409)["type"].endswith("nothing_lacks")


def test_a_wrong_count_is_mended_by_another_search_which_the_first_gives_way_to(ready):
    wrong = searched(ready, reported=3)["search"]
    bring(ready, wrong, ris(*TITLES))
    assert ready.get(f"searches/{wrong}")["lacks"] == "4 records in 1 file, of 3 that were found"

    right = searched(ready, reported=4)["search"]
    bring(ready, right, ris(*TITLES))

    states = {one["search"]: one["state"] for one in ready.items("searches")}
    assert states == {wrong: "superseded", right: "fulfilled"}
    assert bring(ready, wrong, ris(TITLES[0]), status=409)["type"].endswith("search_over")


@pytest.mark.waits  # They race.
def test_two_people_who_make_the_same_search_at_once_both_have_made_it(ready):
    watch = watch_of(ready)
    ready.clock.advance(days=2)
    body = {"query": QUERY, "reported": 0, "words": "Nothing."}
    people = [ready.person(name, "lead") for name in ("lea", "leo")]

    def signs(who: Any, day: str) -> int:
        path = f"/ingest/reviews/{REVIEW}/watches/{watch}/nothing-new"
        return int(who.post(path, json={**body, "searched_on": day}).status_code)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(signs, people, ["2020-01-02", "2020-01-02"]))

    assert answers == [201, 201]
    assert {one.by for one in ready.emitted(SearchFulfilled)} == {"lea", "leo"}
    assert stands(ready)["searched_through"] == "2020-01-02"


@pytest.mark.parametrize(
    ("about", "at"),
    [
        ({"database": "Scopus"}, "database"),
        ({"database": " "}, "database"),
        ({"query": ""}, "query"),
        ({"searched_on": "2020-01-02"}, "searched_on"),
        ({"reported": 0}, "reported"),
        ({"reported": None}, "reported"),
    ],
)
def test_what_a_search_says_wrongly_is_refused_by_its_field(ready, about, at):
    refused = searched(ready, status=422, **about)

    assert at in refused["errors"][0]["at"]
    assert ready.items("searches") == []


@pytest.mark.parametrize("lacking", ["database", "query", "searched_on", "reported"])
def test_nothing_that_a_search_must_name_may_be_left_out(ready, lacking):
    body = {"database": "Embase", "query": QUERY, "searched_on": "2020-01-01", "reported": 4}
    body.pop(lacking)

    refused = ready.post(f"watches/{watch_of(ready)}/searches", body, status=422)

    assert lacking in refused["errors"][0]["at"]


def test_a_day_before_the_last_one_is_refused(ready):
    ready.clock.advance(days=9)
    sign(ready, searched_on="2020-01-09")

    refused = searched(ready, searched_on="2020-01-08", status=422)

    assert refused["detail"] == "searched_on: strategy 'embase' was searched on 2020-01-09, after 2020-01-08"


def test_a_file_of_a_search_says_nothing_else_of_itself(ready):
    search = searched(ready)["search"]
    file = upload(ready, ris(*TITLES))

    asked = {"file": file["sha256"], "name": "a.ris", "search": search, "reported": 4}

    assert ready.post("imports", asked, status=422)["errors"][0]["at"] == "reported"
    assert ready.get(f"searches/{search}")["imports"] == []


def test_another_string_than_the_planned_one_is_kept_and_remarked_and_its_lines_do_not_matter(ready):
    other = searched(ready, query="leader*:ti,ab")
    assert (other["query"], other["planned"]) == ("leader*:ti,ab", QUERY)

    assert searched(ready, query=QUERY.replace(" AND ", "\nAND "))["planned"] is None


# Signed


def test_a_person_signs_that_nothing_is_new_and_the_statement_is_kept_as_it_was_signed(ready):
    made = sign(ready)

    said = json.loads(made["statement"])
    assert (said["says"], said["signed_by"], said["query"], said["searched_on"], said["reported"]) == (
        "searched, nothing new", "lea", QUERY, "2020-01-01", 1800,
    )  # fmt: skip
    assert hashlib.sha256(made["statement"].encode()).hexdigest() == made["statement_sha256"]
    (done,) = ready.emitted(SearchFulfilled)
    assert (done.how, done.by, done.statement_sha256) == ("nothing_new", "lea", made["statement_sha256"])
    assert (done.entries, done.files) == (0, [])


def test_nobody_signs_that_nothing_is_new_while_a_search_lacks_what_it_found(ready):
    begun = searched(ready)["search"]
    bring(ready, begun, ris(*TITLES[:2]))

    refused = sign(ready, status=409)
    bring(ready, begun, ris(*TITLES[2:]))

    assert refused["type"].endswith("search_open") and begun in refused["detail"]
    assert [one["state"] for one in ready.items("searches")] == ["fulfilled"]


def test_the_same_statement_again_changes_nothing(ready):
    first = sign(ready)

    assert sign(ready) == first
    assert len(ready.emitted(SearchFulfilled)) == 1


def test_its_owner_signs_though_no_lead_and_nobody_else_does(bench):
    bench.adopt(strategy("crossref"), by_hand(owner="lea"), by_hand(id="scopus", manual="Scopus", owner="ben"))
    path = f"watches/{watch_of(bench, 'scopus')}/nothing-new"
    body = {"query": QUERY, "searched_on": "2020-01-01", "words": "Nothing."}

    assert sign(bench, role="reviewer")["fulfilled_by"] == "lea"
    assert bench.post(path, body, role="reviewer", status=403)["type"].endswith("not_the_owner")


def test_a_program_signs_nothing(ready):
    key = ready.person("key_1", "lead", scopes=frozenset({"import", "records"}))
    body = {"query": QUERY, "searched_on": "2020-01-01", "words": "Nothing."}

    answer = key.post(f"/ingest/reviews/{REVIEW}/watches/{watch_of(ready)}/nothing-new", json=body)

    assert answer.json()["type"].endswith("scope_needed")


# Protocols


def test_one_whose_string_changes_is_due_anew_and_one_that_comes_back_to_it_was_searched(ready):
    sign(ready)
    ready.clock.advance(days=5)

    ready.adopt(strategy("crossref"), by_hand(query="other"), number=2)
    assert (stands(ready)["standing"], stands(ready)["due"]) == ("due", "2020-01-06")
    assert stands(ready)["searched_through"] is None

    ready.adopt(strategy("crossref"), by_hand(), number=3)
    assert (stands(ready)["standing"], stands(ready)["due"]) == ("searched", "2020-01-29")


def test_one_that_is_to_be_searched_more_often_is_due_earlier(ready):
    sign(ready)

    ready.adopt(strategy("crossref"), by_hand(every_days=7), number=2)

    assert stands(ready)["due"] == "2020-01-08"


def test_one_that_the_protocol_has_no_more_is_retired_and_comes_back_due(ready):
    ready.adopt(strategy("crossref"), number=2)
    assert stands(ready)["standing"] == "retired" and announced(ready) == []
    assert [stopped.state for stopped in ready.emitted(WatchStopped)] == ["retired"]
    assert sign_status(ready) == 409

    ready.clock.advance(days=3)
    ready.adopt(strategy("crossref"), by_hand(), number=3)

    assert (stands(ready)["standing"], announced(ready)) == ("due", [("2020-01-04", False)])


def sign_status(bench: IngestBench) -> int:
    body = {"query": QUERY, "searched_on": "2020-01-01", "words": "Nothing."}
    path = f"/ingest/reviews/{REVIEW}/watches/{watch_of(bench)}/nothing-new"
    return int(bench.lead.post(path, json=body).status_code)


def test_a_search_of_what_the_protocol_asked_before_is_made_and_moves_nothing(ready):
    search = searched(ready)["search"]
    ready.adopt(strategy("crossref"), by_hand(query="other"), number=2)

    bring(ready, search, ris(*TITLES))

    assert ready.get(f"searches/{search}")["state"] == "fulfilled"
    assert stands(ready)["searched_through"] is None


def test_files_of_a_search_come_in_though_the_protocol_names_another_database_meanwhile(ready):
    search = searched(ready)["search"]
    bring(ready, search, ris(*TITLES), taken_in=False)
    ready.adopt(strategy("crossref"), by_hand(manual="Scopus"), number=2)

    ready.runs(importing.take_in_files)

    assert len(ready.records()) == 4
    assert ready.get(f"searches/{search}")["state"] == "fulfilled"
    assert stands(ready)["source"] == "import:scopus" and stands(ready)["searched_through"] is None


def test_a_strategy_becomes_one_by_hand_and_a_query_again(ready):
    ready.adopt(by_hand(id="crossref"), number=2)
    assert stands(ready, "crossref")["standing"] == "due"
    ready.pull()
    assert ready.items("runs") == []

    ready.adopt(strategy("crossref"), number=3)

    assert [one["strategy"] for one in ready.get("status")["watches"] if one["state"] == "active"] == ["crossref"]
    ready.pull()
    assert [run["source"] for run in ready.items("runs")] == ["crossref"]
