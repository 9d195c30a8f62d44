"""What a queue of 100,000 records must not cost: a statement per record, or a look through a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from services.screening import jobs
from tests.unit.services.screening.desk import Desk, discovered, merged, noticed, updated


@contextmanager
def statements(desk: Desk) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that goes to the database within the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def see(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    engine = desk.bench.running.database.engine
    event.listen(engine, "before_cursor_execute", see)
    yield seen
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
    own = ("heads", "CONSTANT", "parts", "open_to_others")
    return plan.startswith("SCAN") and "VIRTUAL TABLE" not in plan and plan.split()[1] not in own
