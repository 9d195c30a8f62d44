"""What a queue of 100,000 records must not cost: a statement per record, or a look through a whole table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from services.screening import jobs, store
from services.screening.commands import queue
from services.screening.domain import Ballot
from shared.events.people import MemberLeft
from tests.unit.services.screening.rig import (
    DEPTH,
    REVIEW,
    SIFT,
    ScreeningRig,
    changed,
    discovered,
    merged,
    noticed,
    parted,
    stated,
    updated,
)
from tests.unit.services.screening.test_conflicts import parted_on
from tests.unit.services.screening.test_settling import looks_and_gives_back, outcome, settles


@contextmanager
def statements(rig: ScreeningRig) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that goes to the database within the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def see(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    engines = [database.engine for database in (rig.bench.running.database, rig.bench.running.requests)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", see)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", see)


def arrive(rig: ScreeningRig, first: int, number: int) -> int:
    """How many statements so many records cost in one transaction."""
    effect = rig.bench.service.effects(type(discovered("r")))[0]
    with statements(rig) as seen, rig.bench.work() as work:
        for index in range(first, first + number):
            effect(work, discovered(f"r{index}"))
    return len(seen)


def test_arrivals_cost_a_handful_of_statements_however_many_they_are(rig):
    arrive(rig, 0, 1)  # The first reads the protocol, once per process.
    few, many = arrive(rig, 100, 5), arrive(rig, 1000, 200)

    assert few == many < 12
    assert rig.queue("sift")["open"] == 206


def cost(rig: ScreeningRig, do: Callable[[], Any]) -> int:
    """How many statements something costs; beginning and committing a transaction are not counted."""
    with statements(rig) as seen:
        do()
    return sum(not statement.startswith("BEGIN") for statement, _ in seen)


def test_a_claim_and_a_vote_cost_a_handful_of_statements(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(40)))
    rig.answers("zoe", "include")  # The first reads the protocol, once per process.

    # Whoever comes to a stage costs one more, once: it is written down that they are there.
    assert cost(rig, lambda: rig.claims("ana")) <= 7
    assert cost(rig, lambda: rig.claims("ana")) <= 2
    # Some that ana was the first to take, and some that nobody has taken: a statement for each.
    rig.claims_many("ana", count=5)
    rig.claims_many("ben", records=["r39"])
    assert cost(rig, lambda: rig.claims_many("ben", count=10)) <= 7
    assert cost(rig, lambda: rig.claims_many("ben", count=20)) <= 6

    second, first = rig.claims_many("ana", count=2)
    assert cost(rig, lambda: rig.votes("ana", first["lease"], "include")) <= 5
    assert cost(rig, lambda: rig.votes("ana", second["lease"], "include")) <= 13
    rig.answers("fay", "include", stage="sift")
    assert cost(rig, lambda: rig.claims("fay")) <= 6
    assert rig.record("r00")["state"] == "screening" and rig.record("r00")["stage"] == "depth"


def test_a_vote_under_a_key_costs_two_statements_more(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")
    path = f"/screening/reviews/{REVIEW}/leases/{rig.claims('ana')['lease']}/vote"

    def send() -> None:
        sent = rig.person("ana").post(path, json={"answer": "include"}, headers={"Idempotency-Key": "key-of-ana-1"})
        assert sent.status_code == 200

    assert cost(rig, send) <= 7
    assert cost(rig, send) <= 2


def test_taking_a_vote_back_costs_a_handful_of_statements(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    tasks = [rig.answers("ana", "include")["task"] for _ in range(2)]
    undo = f"/tasks/{tasks[0]}/take-back", None, "ana"
    rig.asks(f"/tasks/{tasks[1]}/take-back", None, "ana")

    assert cost(rig, lambda: rig.asks(*undo)) <= 5
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_votes_of_one_stage_do_not_wait_for_each_others_commit(either_rig):
    """While one vote is not committed yet, others that close tasks of the same stage are."""
    rig = either_rig
    if rig.bench.running.database.sqlite:
        pytest.skip("SQLite has one writer at a time")
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.claims_many(name, count=2)
    held = {name: rig.claims_many(name, count=2) for name in ("ana", "ben")}
    for task in held["ana"]:
        rig.votes("ana", task["lease"], "include")

    with rig.bench.work("ben") as slow:
        queue.vote(slow, REVIEW, held["ben"][0]["lease"], Ballot("include"), ())
        store.counts(slow).flush()
        slow.session.flush()
        with rig.bench.work("ben") as quick:
            quick.session.execute(text("SET LOCAL lock_timeout = '120s'"))
            task, _ = queue.vote(quick, REVIEW, held["ben"][1]["lease"], Ballot("include"), ())
        assert task.state == "advanced"


@pytest.fixture
def busy_rig(rig) -> ScreeningRig:
    """A rig where something of everything has happened."""
    rig.discovers(*(f"r{number}" for number in range(8)))
    rig.discovers("old", published="2010")
    for name, answer in (("ana", "include"), ("ben", "unsure"), ("cy", "include")):
        for _ in range(3):
            rig.answers(name, answer, stage="sift")
    return rig


def test_nothing_that_people_or_events_do_looks_through_a_table(busy_rig):
    rig = busy_rig
    with statements(rig) as seen:
        lease = rig.claims("dee")["lease"]
        rig.votes("dee", lease, "include")
        rig.answers("cy", "include", "adjudicator", "conflict", reason="it fits")
        rig.claims("cy", "adjudicator", kind="conflict")
        rig.asks(f"/leases/{rig.claims('eve')['lease']}/release", None, "eve")
        rig.claims("fay")
        mine = rig.answers("dee", "include", stage="sift")["task"]
        for task, name in ((mine, "dee"), (rig.record("r0")["stages"][0]["task"], "ana")):
            rig.asks(f"/tasks/{task}/take-back", None, name)
            rig.asks(f"/tasks/{task}/revise", {"answer": "unsure"}, name)
            rig.gets(f"/tasks/{task}")
        rig.answers("dee", "include", stage="sift")
        rig.answers("gus", "include", stage="sift")
        rig.asks("/records/r4/reopen", {"stage": "sift", "reason": "misread"}, "lea", "lead")
        rig.bench.clock.advance(hours=2)
        rig.claims("nobody", stage="depth")
        rig.bench.runs(jobs.return_lapsed_leases)
        rig.claims_many("gil", count=10)
        rig.asks(f"/leases/{rig.claims('hal', mode='half_screened_first')['lease']}/skip", None, "hal")
        rig.claims("hal")
        named = rig.claims_many("ida", records=["r6", "r7"])[0]
        rig.asks(f"/tasks/{named['task']}/park", {"reason": "later", "until": "2020-02-01"}, "ida")
        rig.gets("/left", "ida", "adjudicator")
        rig.gets("/parked", "ida")
        rig.gets("/parked", "lea", "lead")
        rig.gets("/leases", "lea", "lead")
        for what in ({"records": ["r7"]}, {"sample": 1}, {"percent": 20}):
            made = rig.asks("/assignments", {"stage": "sift", "people": ["jan", "kim"], **what}, "lea", "lead").json()
            rig.bench.runs(jobs.move_assigned)
        rig.person("lea", "lead").put(f"/screening/reviews/{REVIEW}/caps", json={"votes": 9, "stage": "sift"})
        rig.answers("jan", "include", stage="sift")
        rig.claims_many("jan", records=["r6", "r7"], count=2)
        for path in ("/left", "/caps", "/training", "/training/next"):
            rig.gets(path, "jan")
        rig.gets("/assignments", "lea", "lead")
        rig.person("lea", "lead").delete(f"/screening/reviews/{REVIEW}/assignments/{made['assignment']}")
        rig.hears(MemberLeft(review=REVIEW, person="jan", role="reviewer"))
        rig.bench.runs(jobs.move_assigned)
        rig.bench.clock.advance(hours=24 * 40)
        rig.bench.runs(jobs.move_assigned)
        rig.bench.runs(jobs.resume_what_is_due)
        rig.hears(updated("r5", revision=2), merged("r5", into="r6"), noticed("r6", "retraction"))
        rig.record("r0")
        for path in ("/queue", "/funnel", "/agreement", "/stages/sift/tasks", "/conflicts", "/conflicts?stage=sift"):
            rig.gets(path)
        looks_and_gives_back(rig, "kit", "r1", "include")
        for path in ("/conflicts/looked-at", "/conflicts/looked-at?limit=1"):
            listed = rig.gets(path, "kit", "adjudicator").json()["items"]
        assert outcome(settles(rig, listed[0]["task"], name="kit")) == ["advanced"]
        rig.gets("/agreement", "ana", "adjudicator")
        rig.gets("/records", state="excluded")

    looking = {text: given for text, given in seen if re.match(r"\s*(SELECT|UPDATE|WITH)", text)}
    scans = [f"{plan}: {text}" for text, given in looking.items() for plan in _plans(rig, text, given) if _scans(plan)]
    assert len(looking) > 30
    assert scans == []


def test_many_conflicts_are_settled_at_a_few_statements_each_and_those_looked_at_are_listed_at_a_few_in_all(rig):
    records = [f"r{number:02d}" for number in range(40)]
    parted_on(rig, *records)
    tasks = [looks_and_gives_back(rig, "cy", record, "include") for record in records]
    settles(rig, tasks[0])

    listed = {
        n: cost(rig, lambda n=n: rig.gets(f"/conflicts/looked-at?limit={n}", "cy", "adjudicator")) for n in (2, 39)
    }
    few, many = (cost(rig, lambda some=some: settles(rig, *some)) for some in (tasks[1:4], tasks[4:]))

    assert listed[2] == listed[39] < 12
    assert (many - few) / 33 <= 8 and few < 40
    assert rig.queue("sift")["conflicts"] == 0


def test_those_looked_at_are_found_by_an_index_however_many_conflicts_wait(rig):
    parted_on(rig, "r1", "r2")
    looks_and_gives_back(rig, "cy", "r1", "include")
    with statements(rig) as seen:
        rig.gets("/conflicts/looked-at", "cy", "adjudicator")

    looking = {said: given for said, given in seen if "waits_in" in said and "ORDER BY" in said}
    plans = [plan for said, given in looking.items() for plan in _plans(rig, said, given)]
    assert any("opinions_waiting" in plan for plan in plans), plans
    assert not any(_scans(plan) or "TEMP B-TREE" in plan for plan in plans), plans


def test_what_a_theory_reopens_is_found_by_an_index_in_its_order(rig_of):
    rig = rig_of({**SIFT, "reopen_when_theory_changes": True}, DEPTH)
    rig.discovers("r1", "r2")
    for name in ("ana", "ben", "ana", "ben"):
        rig.answers(name, "exclude", reason="so it is")
    rig.hears(changed("c1"))
    with statements(rig) as seen:
        rig.bench.runs(jobs.reopen_for_theories)

    looking = {said: given for said, given in seen if "records" in said and "tasks.position" in said}
    plans = [plan for said, given in looking.items() for plan in _plans(rig, said, given)]
    assert rig.queue("sift")["open"] == 2
    assert any("tasks_listing" in plan and "(position,id)>(?,?)" in plan for plan in plans), plans
    assert not any(_scans(plan) or "TEMP B-TREE" in plan for plan in plans), plans


def test_a_batch_costs_a_statement_or_two_a_record_and_looks_through_no_table(rig):
    rig.discovers(*(f"r{number:03d}" for number in range(100)))
    rig.hears(*(stated(f"r{number:03d}", "in" if number % 2 else "out") for number in range(100)))
    mapping = {"in": {"answer": "include"}, "out": {"answer": "exclude"}}
    costs = {}
    with statements(rig) as seen:
        for kind, asked in {
            "imported": {"imported": "import_1", "mapping": mapping},
            "reopen": {"where": {"state": "excluded"}},
            "park": {"where": {"published_after": "2018-01-01", "stated": "out"}},
            "bring_back": {"where": {}},
            "decide": {"where": {"published_before": "2030-01-01"}, "answer": "exclude"},
        }.items():
            body = {"kind": kind, "stage": "sift", "reason": "so", **asked}
            batch = rig.asks("/batches", body, "lea", "lead").json()["batch"]
            before = len(seen)
            done = rig.carried_out(batch)["done"]
            costs[kind] = (len(seen) - before) / done
            rig.gets(f"/batches/{batch}/records", "lea", "lead", outcome="left_alone")
            if kind == "decide":
                rig.undoes(batch)
        rig.gets("/decisions", "lea", "lead")
        rig.gets("/batches", "lea", "lead")
        rig.hears(parted("r200", "r001", sources=[{"source": "import:scopus", "id": "s_r001", "run": "run_1"}]))

    looking = {text: given for text, given in seen if re.match(r"\s*(SELECT|UPDATE|WITH|INSERT)", text)}
    scans = [f"{plan}: {text}" for text, given in looking.items() for plan in _plans(rig, text, given) if _scans(plan)]
    # That index has what is to be done, and no more.
    assert [scan for scan in scans if not scan.startswith("SCAN batches USING INDEX batches_to_do")] == []
    assert costs["imported"] < 3 and costs["decide"] < 3 and costs["park"] < 3 and costs["bring_back"] < 14, costs


def _plans(rig: ScreeningRig, text: str, given: Any) -> list[str]:
    with rig.bench.running.database.engine.connect() as connection:
        return [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]


def _scans(plan: str) -> bool:
    """Whether a step of a plan reads a table from end to end. No tables are the queue's leaps, one's own pools, what a
    statement was handed as a parameter, and what it has put together itself, which is bounded."""
    own = ("heads", "mine", "CONSTANT", "given", "parts", "open_to_others", "waiting")
    return plan.startswith("SCAN") and "VIRTUAL TABLE" not in plan and plan.split()[1] not in own
