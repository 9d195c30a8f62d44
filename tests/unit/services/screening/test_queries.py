"""What a queue of 100,000 records must not cost: a statement per record, or a look through a whole table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from services.screening import commands, jobs, store
from services.screening.domain import Ballot
from tests.unit.services.screening.desk import REVIEW, Desk, discovered, merged, noticed, updated


@contextmanager
def statements(desk: Desk) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that goes to the database within the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def see(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    engines = [database.engine for database in (desk.bench.running.database, desk.bench.running.requests)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", see)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", see)


def arrive(desk: Desk, first: int, number: int) -> int:
    """How many statements so many records cost in one transaction."""
    effect = desk.bench.service.effects(type(discovered("r")))[0]
    with statements(desk) as seen, desk.bench.work() as work:
        for index in range(first, first + number):
            effect(discovered(f"r{index}"), work)
    return len(seen)


def test_arrivals_cost_a_handful_of_statements_however_many_they_are(desk):
    arrive(desk, 0, 1)  # The first reads the protocol, once per process.
    few, many = arrive(desk, 100, 5), arrive(desk, 1000, 200)

    assert few == many < 12
    assert desk.queue("sift")["open"] == 206


def cost(desk: Desk, do: Callable[[], Any]) -> int:
    """How many statements something costs; beginning and committing a transaction are not counted."""
    with statements(desk) as seen:
        do()
    return sum(not statement.startswith("BEGIN") for statement, _ in seen)


def test_a_claim_and_a_vote_cost_a_handful_of_statements(either_desk):
    desk = either_desk
    desk.discovers(*(f"r{number:02d}" for number in range(40)))
    desk.answers("zoe", "include")  # The first reads the protocol, once per process.

    assert cost(desk, lambda: desk.claims("ana")) <= 6
    assert cost(desk, lambda: desk.claims("ana")) <= 2
    # Some that ana was the first to take, and some that nobody has taken: a statement for each.
    desk.claims_many("ana", count=5)
    assert cost(desk, lambda: desk.claims_many("ben", count=10)) <= 7
    assert cost(desk, lambda: desk.claims_many("ben", count=20)) <= 6

    second, first = desk.claims_many("ana", count=2)
    assert cost(desk, lambda: desk.votes("ana", first["lease"], "include")) <= 5
    assert cost(desk, lambda: desk.votes("ana", second["lease"], "include")) <= 13
    assert desk.record("r00")["state"] == "screening" and desk.record("r00")["stage"] == "depth"


def test_a_vote_under_a_key_costs_two_statements_more(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2")
    desk.answers("ana", "include")
    path = f"/screening/reviews/{REVIEW}/leases/{desk.claims('ana')['lease']}/vote"

    def send() -> None:
        sent = desk.person("ana").post(path, json={"answer": "include"}, headers={"Idempotency-Key": "key-of-ana-1"})
        assert sent.status_code == 200

    assert cost(desk, send) <= 7
    assert cost(desk, send) <= 2


def test_votes_of_one_stage_do_not_wait_for_each_others_commit(either_desk):
    """While one vote is not committed yet, others that close tasks of the same stage are."""
    desk = either_desk
    if desk.bench.running.database.sqlite:
        pytest.skip("SQLite has one writer at a time")
    desk.discovers("r1", "r2")
    for name in ("ana", "ben"):
        desk.claims_many(name, count=2)
    held = {name: desk.claims_many(name, count=2) for name in ("ana", "ben")}
    for task in held["ana"]:
        desk.votes("ana", task["lease"], "include")

    with desk.bench.work("ben") as slow:
        commands.vote(slow, REVIEW, held["ben"][0]["lease"], Ballot("include"), ())
        store.counts(slow).flush()
        slow.session.flush()
        with desk.bench.work("ben") as quick:
            quick.session.execute(text("SET LOCAL lock_timeout = '20s'"))
            task, _ = commands.vote(quick, REVIEW, held["ben"][1]["lease"], Ballot("include"), ())
        assert task.state == "advanced"


@pytest.fixture
def busy_desk(desk) -> Desk:
    """A desk where something of everything has happened."""
    desk.discovers(*(f"r{number}" for number in range(8)))
    desk.discovers("old", published="2010")
    for name, answer in (("ana", "include"), ("ben", "unsure"), ("cy", "include")):
        for _ in range(3):
            desk.answers(name, answer, stage="sift")
    return desk


def test_nothing_that_people_or_events_do_looks_through_a_table(busy_desk):
    desk = busy_desk
    with statements(desk) as seen:
        lease = desk.claims("dee")["lease"]
        desk.votes("dee", lease, "include")
        desk.claims("cy", "adjudicator", kind="conflict")
        desk.asks(f"/leases/{desk.claims('eve')['lease']}/release", None, "eve")
        desk.claims("fay")
        desk.bench.clock.advance(hours=2)
        desk.claims("nobody", stage="depth")
        desk.bench.runs(jobs.return_lapsed_leases)
        desk.claims_many("gil", count=10)
        desk.hears(updated("r5", revision=2), merged("r5", into="r6"), noticed("r6", "retraction"))
        desk.record("r0")
        for path in ("/queue", "/funnel", "/agreement", "/stages/sift/tasks", "/conflicts", "/conflicts?stage=sift"):
            desk.gets(path)
        desk.gets("/agreement", "ana", "adjudicator")
        desk.gets("/records", state="excluded")

    looking = {text: given for text, given in seen if re.match(r"\s*(SELECT|UPDATE|WITH)", text)}
    scans = [f"{plan}: {text}" for text, given in looking.items() for plan in _plans(desk, text, given) if _scans(plan)]
    assert len(looking) > 30
    assert scans == []


def _plans(desk: Desk, text: str, given: Any) -> list[str]:
    with desk.bench.running.database.engine.connect() as connection:
        return [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]


def _scans(plan: str) -> bool:
    """Whether a step of a plan reads a table from end to end. No tables are the queue's leaps, what a statement
    was handed as a parameter, and what it has put together itself."""
    own = ("heads", "CONSTANT", "given", "parts", "open_to_others")
    return plan.startswith("SCAN") and "VIRTUAL TABLE" not in plan and plan.split()[1] not in own
