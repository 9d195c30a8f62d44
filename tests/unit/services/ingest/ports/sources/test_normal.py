"""Dates, counts and kinds in one form."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.sources import normal
from shared.events.values import earliest_day


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ((2019,), "2019"),
        (("2019", "04"), "2019-04"),
        (("2019", "Apr", "1"), "2019-04-01"),
        ((2019, 13, 1), "2019"),
        ((2019, 2, 30), "2019-02"),
        ((2019, None, 5), "2019"),
        ((None,), None),
        ((0, 1, 1), None),
        (("2019 ", "Spring"), "2019"),
        ((True, 1), None),
        ((9999, 12, 31), None),
        (("9999",), None),
        ((2200,), None),
        ((999, 1), None),
        ((1000,), None),
        ((1000, 1, 1), None),
        ((1000000,), None),
        ((2020, 1, 99), "2020-01"),
        ((2020, 1, -1), "2020-01"),
        ((2020, 1, 1609459200000), "2020-01"),
        ((2020, 10**30, 1), "2020"),
        ((10**30,), None),
        ((-2020,), None),
        (("9" * 5000,), None),
        (("٢٠٢٠",), None),
        ((2020.0,), None),
        (([2020], {}), None),
    ],
)
def test_a_date_is_as_precise_as_its_parts_allow(parts, read):
    assert normal.partial_date(*parts) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2019-04-01", "2019-04-01"),
        ("2025 Dec", "2025-12"),
        ("1998 Dec-1999 Jan", "1998-12"),
        ("2000 Spring", "2000"),
        ("1999 Sep-Oct", "1999-09"),
        ("2020 May 3", "2020-05-03"),
        ("3 May 2020", "2020-05-03"),
        ("Winter 2001", "2001"),
        ("2001 2d Quart", "2001"),
        ("2018 4th Quart", "2018"),
        ("Fall 2018", "2018"),
        ("2018 Jan-Feb", "2018-01"),
        ("2000-2001", "2000"),
        ("1609459200000", None),
        ("2001-02 Winter", "2001"),
        ("2001-2002", "2001"),
        ("2001-02", "2001-02"),
        ("9999", None),
        ("0000-00-00", None),
        ("99999", None),
        ("20200101", None),
        ("2020-01-99", "2020-01"),
        ("2020-13-45", "2020"),
        ("2020 " * 100_000, "2020"),
        ("in press", None),
        (None, None),
    ],
)
def test_a_date_in_words_keeps_what_is_certain(text, read):
    assert normal.partial_date_of(text) == read


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["2021-03", "2020-11-13"], "2020-11-13"),
        (["2020", "2020-11-13"], "2020-11-13"),
        (["2020-11-13", "2020"], "2020-11-13"),
        (["2019", "2020-11-13"], "2019"),
        (["2020", "2020-11-13", "2020-03"], "2020-03"),
        ([None, "2020"], "2020"),
        ([None], None),
        ([], None),
    ],
)
def test_the_earliest_date_is_taken_as_precisely_as_it_is_known(dates, first):
    assert normal.earliest(dates) == first
    assert normal.earliest(reversed(dates)) == first


def test_a_date_that_may_be_filled_up_is_no_more_precise_than_it_is():
    assert [normal.unfilled(text) for text in ("2020-01-01", "2020-05-01", "2020-05-02", "2020-01", None)] == [
        "2020", "2020-05", "2020-05-02", "2020-01", None,
    ]  # fmt: skip


@given(st.dates(min_value=date(1001, 1, 1), max_value=date(2199, 12, 31)))
def test_a_whole_day_survives_reading(day):
    assert normal.partial_date_of(day.isoformat()) == day.isoformat()
    assert normal.day(f"{day.isoformat()}T12:00:00") == day


@pytest.mark.parametrize(
    ("value", "many"),
    [
        (0, 0),
        (7, 7),
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        (-1, None),
        (True, None),
        (7.0, None),
        ("7", None),
        ([], None),
    ],
)
def test_a_count_is_one_that_every_database_holds(value, many):
    assert normal.count(value) == many


@pytest.mark.parametrize(
    ("text", "many"), [("7", 7), ("-7", None), ("²", None), ("9" * 5000, None), ("", None), (7, None)]
)
def test_a_count_in_digits(text, many):
    assert normal.count_of(text) == many


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12), min_size=1, max_size=3))
def test_whatever_the_parts_a_date_is_usable_or_none(parts):
    read = normal.partial_date(*parts)

    assert read is None or earliest_day(read) is not None


@given(st.text(max_size=40) | st.text(alphabet="0129 -/JanDecWinter", max_size=20))
def test_whatever_the_text_a_date_is_usable_or_none(text):
    read = normal.partial_date_of(text)

    assert read is None or earliest_day(read) is not None


def test_a_stamp_that_is_none_has_no_day():
    assert normal.day("soon") is None
    assert normal.day(None) is None


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["journal-article"], "article"),
        (["Journal Article", "Systematic Review"], "review"),
        (["Review", "Published Erratum"], "notice"),
        (["Journal Article", "Book Chapter", "Preprint"], "preprint"),
        (["posted-content"], "preprint"),
        (["Observational Study"], "other"),
        ([], "other"),
        ([None, 3], "other"),
    ],
)
def test_the_strongest_word_says_what_a_work_is(words, read):
    assert normal.kind(words) == read
