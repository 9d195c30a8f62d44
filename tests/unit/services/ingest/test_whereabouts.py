"""What screening tells of many records at once: the same comes of it as one by one, at the cost of a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import col

from services.ingest.models import RecordRow
from shared.bus.reading import react
from shared.events.base import Event
from shared.events.ingest import TextSought
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, version, work

TITLES = [f"{what} of {whom}" for what in ("Care", "Trust", "Budgets") for whom in ("boards", "wards", "nurses")]


@pytest.fixture
def records(bench: IngestBench) -> list[str]:
    """Nine records of a review whose full texts are sought from its second stage on."""
    stages = ["title", "full-text", "rigour"]
    bench.hears(version(1, strategy("crossref"), stages=stages, needs={"full-text": "full_text"}))
    bench.sources["crossref"].put(*(work("crossref", f"10.5555/{n}", title) for n, title in enumerate(TITLES)))
    bench.pull()
    return [it["record"] for it in bench.items("records")]


def hears_at_once(bench: IngestBench, events: Sequence[Event]) -> None:
    """Lets ingest hear all of them in one transaction, as its listener does where event follows event."""
    with bench.work("bench") as at_once:
        for it in events:
            react(at_once, bench.service, bench.envelope(it), it)


def turn(record: str, which: str, revision: int) -> Event:
    about: dict[str, Any] = {"review": REVIEW, "record": record, "revision": revision}
    if which == "included":
        return RecordIncluded(**about, title="Care", judgements=[])
    if which == "excluded":
        return RecordExcluded(**about, stage="full-text", rule=None, reason="no care")
    if which == "reopened":
        return RecordReopened(**about, stage="full-text", reason="a slip")
    return RecordAdvanced(**about, stage="title", next_stage=which)


def standing(bench: IngestBench, record: str) -> tuple[Any, ...]:
    with bench.work() as at_work:
        row = at_work.session.execute(select(RecordRow).where(col(RecordRow.id) == record)).scalar_one()
        return row.followed, row.standing, row.stage, row.excluded_on, row.at_stage, row.reason


def sought(bench: IngestBench) -> list[str]:
    return [it.record for it in bench.emitted(TextSought)]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_at_once_leaves_records_as_what_is_told_one_by_one(bench, records, seed):
    random = Random(seed)
    alone, together = records[:4], records[4:8]
    ways = ["full-text", "rigour", "included", "excluded", "reopened"]
    turns = [(random.randrange(4), random.choice(ways)) for _ in range(14)]

    bench.hears(*(turn(alone[who], which, at) for at, (who, which) in enumerate(turns, 2)))
    hears_at_once(bench, [turn(together[who], which, at) for at, (who, which) in enumerate(turns, 2)])

    assert [standing(bench, it) for it in together] == [standing(bench, it) for it in alone]
    assert standing(bench, records[8]) == (True, "waiting", None, None, None, None)
    by_itself, at_once = ({of.index(it) for it in sought(bench) if it in of} for of in (alone, together))
    assert at_once == by_itself
    assert len(sought(bench)) == len(set(sought(bench)))


def test_many_decisions_cost_no_more_statements_than_few(bench, records):
    said = list[str]()

    def cost(of: Sequence[str]) -> int:
        event.listen(bench.running.database.engine, "before_cursor_execute", see)
        before = len(said)
        hears_at_once(bench, [turn(record, "full-text", 2) for record in of])
        event.remove(bench.running.database.engine, "before_cursor_execute", see)
        return len(said) - before

    def see(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    few, many = cost(records[:1]), cost(records[1:])

    assert many == few
    assert sought(bench) == records


def test_a_record_that_is_restricted_or_unknown_is_noted_and_not_sought(bench, records):
    with bench.work() as at_work:
        row = at_work.session.get(RecordRow, records[0])
        row.bibliography = {**row.bibliography, "restricted": True}

    hears_at_once(bench, [turn(it, "full-text", 2) for it in (records[0], "record_unknown", records[1])])

    assert standing(bench, records[0])[4] == "full-text"
    assert sought(bench) == [records[1]]
