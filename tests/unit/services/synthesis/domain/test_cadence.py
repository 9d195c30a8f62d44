"""The two clocks: how far was searched, and when a revision is due."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.cadence import Watch, next_due, searched_through, standing

DAYS = st.dates(date(2018, 1, 1), date(2024, 1, 1))


def test_a_source_is_searched_as_far_as_the_least_of_its_watches():
    watches = [
        Watch("pubmed", 1, date(2020, 5, 1)),
        Watch("pubmed", 1, date(2020, 3, 1)),
        Watch("crossref", 1, date(2020, 4, 1)),
    ]

    assert searched_through(watches) == {"pubmed": date(2020, 3, 1), "crossref": date(2020, 4, 1)}


def test_a_strategy_that_the_protocol_dropped_does_not_hold_its_source_back():
    assert searched_through([Watch("pubmed", 1, date(2018, 1, 1)), Watch("pubmed", 2, date(2020, 1, 1))]) == {
        "pubmed": date(2020, 1, 1)
    }


@given(st.lists(st.builds(Watch, st.sampled_from(["a", "b"]), st.integers(1, 3), DAYS), max_size=8), st.randoms())
def test_how_far_was_searched_does_not_depend_on_the_order_of_watches(watches, random):
    assert searched_through(random.sample(watches, len(watches))) == searched_through(watches)


def test_a_revision_is_due_after_the_last_one_or_after_the_beginning():
    assert next_due(date(2018, 1, 1), None, 365) == date(2019, 1, 1)
    assert next_due(date(2018, 1, 1), date(2018, 12, 31), 365) == date(2019, 12, 31)


@pytest.mark.parametrize(("day", "state"), [(30, "active"), (31, "due")])
def test_a_review_is_active_then_due_then_overdue(day, state):
    assert standing(date(2018, 12, 31), date(2018, 12, day)) == state
    assert standing(date(2018, 12, 31), date(2019, 1, 1)) == "overdue"


@pytest.mark.parametrize("course", ["paused", "retired"])
def test_a_review_that_rests_or_has_ended_is_never_late(course):
    assert standing(date(2018, 12, 31), date(2020, 1, 1), course) == course
