"""The flow of records at any date is what an independent recount finds, which reads the log and nothing of screening.

In the suite a review of some hundred records lives for some weeks; `python -m tests --flow` has 5,716 records go
through its six stages for half a year, on either database (slow: some 30,000 answers of people).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from shared.events.screening import RecordReopened
from tests.unit.services.screening.flow_course import Extent, LoggedCourse
from tests.unit.services.screening.flow_recount import Figure, excluded_for, figures_of, in_column, recounted
from tests.unit.services.screening.rig import ScreeningRig, make_bench
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_interleavings import PLAIN

SMALL = Extent(records=300, days=30, answers=45, others=12)
WHOLE = Extent(records=5716, days=180, answers=180, others=40)

#: Set by `python -m tests --flow`.
AT_LENGTH = pytest.mark.skipif(not os.environ.get("LIVING_TEST_FLOW"), reason="run by python -m tests --flow")

#: How many dates the flow is looked at on.
DATES = 50


@pytest.fixture
def empty_rig(tmp_path, settings) -> Iterator[ScreeningRig]:
    bench = make_bench(tmp_path / "flow", **settings)
    if not settings:
        # What survives a power cut is not at stake.
        engine = bench.running.database.engine
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
        engine.dispose()
    yield ScreeningRig(bench)
    bench.close()


@pytest.mark.parametrize("mode", ["third_person", "consensus"])
def test_at_any_date_the_flow_is_what_the_log_says(empty_rig, mode):
    _live_and_recount(empty_rig, mode, SMALL)


@AT_LENGTH
@pytest.mark.slow
def test_at_any_date_the_flow_of_a_whole_review_is_what_the_log_says(empty_rig):
    _live_and_recount(empty_rig, "third_person", WHOLE)


def _live_and_recount(rig: ScreeningRig, mode: str, extent: Extent) -> None:
    random = Random(f"{mode} 20")
    course = LoggedCourse(rig, mode, random, extent)
    first, ended = course.today, dict[int, date]()
    for number in course.lives():
        part, rest = divmod((number + 1) * 10, extent.days)
        if rest >= 10:
            continue
        # Ten times, evenly.
        match part:
            case 2:
                course.amends(published_after="2018-06-30")
            case 3:
                stages = [course.stages[at] for at in (0, 1, 2, 4, 3, 5)]
                course.amends(*stages)
            case 4 | 6:
                _reword_and_see_what_is_asked_anew(course, "c1", f"a terrace {part}")
            case 5 | 8:
                cycle = len(ended) + 1
                ended[cycle] = course.today
                course.signs(cycle)
            case 7:
                course.amends(*course.stages[:5], {**PLAIN, "name": "setting"}, published_after="2017-12-31")
            case 9:
                _reword_and_see_what_is_asked_anew(course, "c2", "a balcony")
    log, today = course.log(), course.today
    chosen = [first + timedelta(days=random.randrange(extent.days)) for _ in range(DATES)]
    days = sorted({*chosen, *ended.values(), first - timedelta(days=1), first + timedelta(days=extent.days), today})
    counted = recounted(log, days)

    for day in days:
        flow = course.flow(on=day)
        assert figures_of(flow) == counted[day], day
        for column in ("databases", "other_methods"):
            assert figures_of(flow[column]) == in_column(counted[day], others=column == "other_methods"), (day, column)
    assert figures_of(course.flow()) == counted[today]
    assert figures_of(course.flow(cycle=1)) == counted[ended[1]]
    assert _changed(course.flow(cycle=2)) == _difference(counted[ended[2]], counted[ended[1]])
    assert _changed(course.flow(cycle=3)) == _difference(counted[today], counted[ended[2]])
    _everything_happened(course, log, counted[today])
    assert_sound(course.bench, course.review, course.cast)


def _reword_and_see_what_is_asked_anew(course: LoggedCourse, cmoc: str, context: str) -> None:
    """A CMOC has other words. What was excluded for it under others is asked anew, and nothing else."""
    course.amends(**{cmoc: context})
    before = course.log()
    stages = [stage["name"] for stage in course.stages if stage.get("reopen_when_theory_changes")]
    out = excluded_for(before, cmoc, stages, course.version)
    course.synthesis_tells(cmoc)
    reopened = {(it.record, it.stage) for _, it in course.log()[len(before) :] if isinstance(it, RecordReopened)}

    assert out.for_it and out.for_others
    assert out.for_it <= reopened
    assert not reopened & (out.for_others | out.since)


def _everything_happened(course: LoggedCourse, log: list[Any], last: Counter[Figure]) -> None:
    assert {"identified", "duplicate", "kept_out", "excluded_for", "included", "passed", "not_retrieved"} <= {
        figure[0] for figure in last
    }
    assert {event.type for _, event in log} >= {
        "ingest.record.split", "screening.record.reopened", "screening.task.parked", "screening.conflict.opened",
    }  # fmt: skip
    assert len({stage for _, stage, _, _ in last if stage}) == 7
    assert any(event.taken_back for _, event in log if event.type == "screening.task.closed")
    assert sum(n for (what, _, _, _), n in last.items() if what == "identified") == sum(map(len, course.own.values()))


def _changed(flow: dict[str, Any]) -> dict[Figure, int]:
    return {figure: n for figure, n in figures_of(flow).items() if n}


def _difference(after: Counter[Figure], before: Counter[Figure]) -> dict[Figure, int]:
    found = {figure: after[figure] - before[figure] for figure in {*after, *before}}
    return {figure: n for figure, n in found.items() if n}
