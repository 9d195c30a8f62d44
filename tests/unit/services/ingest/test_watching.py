"""Windows and pauses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.watching import (
    is_turn_of_new,
    is_whole_due,
    lacks,
    next_pull,
    next_try,
    whole_window,
    window,
)

TODAY = date(2020, 6, 1)
NOW = datetime(2020, 6, 1, 12, tzinfo=UTC)


def test_the_first_window_begins_with_the_protocols_first_day_less_the_overlap():
    days = {"searched_through": None, "overlap_days": 14, "today": TODAY}

    assert window(search_from=date(2018, 1, 15), **days) == (date(2018, 1, 1), TODAY)
    assert window(search_from=None, **days)[0] < date(2010, 7, 1)
    assert window(search_from=date(2030, 1, 1), **days)[0] < TODAY
    assert window(search_from=date.min, **days)[0] == date(1000, 1, 1)


@settings(deadline=None)
@given(st.dates(date(1000, 1, 1), TODAY), st.integers(0, 3660))
def test_windows_leave_no_day_out(searched_through, overlap_days):
    since, until = window(
        searched_through=searched_through, search_from=date(2018, 1, 1), overlap_days=overlap_days, today=TODAY
    )

    assert since == searched_through - timedelta(days=overlap_days)
    assert until == TODAY


def test_a_whole_walk_reaches_around_the_protocols_dates():
    assert whole_window(search_from=date(2018, 1, 1), today=TODAY) == (date(2016, 1, 2), date(2021, 6, 2))
    assert whole_window(search_from=None, today=TODAY)[0] < date(2008, 7, 1)
    assert whole_window(search_from=date(2030, 1, 1), today=TODAY)[0] < TODAY
    assert whole_window(search_from=date.min, today=TODAY)[0] == date(1000, 1, 1)


def test_a_whole_walk_is_due_at_first_and_so_many_days_after_the_last():
    days = {"every_days": 90, "now": NOW}
    assert is_whole_due(walked=None, **days)
    assert not is_whole_due(walked=NOW - timedelta(days=89), **days)
    assert is_whole_due(walked=NOW - timedelta(days=90), **days)


def test_while_whole_walks_fail_every_fourth_try_is_for_what_is_new():
    assert [is_turn_of_new(failures) for failures in range(8)] == [False, False, False, True] * 2


@given(st.integers(0, 100_000), st.integers(0, 100_000), st.floats(0, 0.01))
def test_what_lacks_is_never_more_than_the_drift_without_a_word(reported, received, slack):
    lack = lacks(reported=reported, received=received, slack=slack)
    assert lack in (0, reported - received)
    assert lack or reported - received <= reported * slack


def test_a_source_without_a_count_lacks_nothing_that_one_could_know():
    assert lacks(reported=None, received=3, slack=0.0) == 0


def test_a_strategy_is_due_so_many_days_after_the_last_day_searched():
    assert next_pull(date(2020, 6, 1), 7) == datetime(2020, 6, 8, tzinfo=UTC)


def test_pauses_after_failures_grow_up_to_a_limit_and_honour_the_source():
    pauses = [next_try(NOW, failures) - NOW for failures in range(1, 40)]

    assert pauses[0] == timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=6)
    assert next_try(NOW, 1, retry_after=53_578) == NOW + timedelta(seconds=53_578)
    assert next_try(NOW, 9, retry_after=1.5) > NOW + timedelta(hours=1)
    assert next_try(NOW, 1, retry_after=1e15) == NOW + timedelta(days=30)
