"""Slices: a window of any size is walked whole, though its source gives no more than so many items of one question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.sources.port import Page, SourceRecord, SourceRefused
from services.ingest.ports.sources.slices import Position, Slices

SINCE, UNTIL = date(2020, 1, 1), date(2020, 12, 31)


@dataclass
class Toy:
    """A source with these items, one a day each; `trouble` may change what the next page holds."""

    days: list[date]
    size: int = 3
    ceiling: int = 10
    numbered: bool = False
    asked: list[Position] = field(default_factory=list)
    trouble: dict[int, Callable[[Page], Page]] = field(default_factory=dict)

    def walk(self, cursor: str | None = None) -> list[Page]:
        slices = Slices(
            source="toy", size=self.size, ceiling=self.ceiling, ask=self.ask, numbered=self.numbered
        )  # fmt: skip
        return list(slices.walk(SINCE, UNTIL, cursor))

    def ask(self, position: Position) -> Page:
        self.asked.append(position)
        held = [n for n, day in enumerate(self.days) if position.since <= day <= position.until]
        records = [SourceRecord(source="toy", source_id=str(n)) for n in held[position.start :][: self.size]]
        page = Page(records=records, reported=len(held))
        return self.trouble.pop(len(self.asked), lambda page: page)(page)


def ids(pages: list[Page]) -> list[int]:
    return [int(record.source_id) for page in pages for record in page.records]


def less(page: Page) -> Page:
    return page.model_copy(update={"records": page.records[:-1]})


def nothing(page: Page) -> Page:
    return page.model_copy(update={"records": []})


def days(*numbers: int) -> list[date]:
    return [SINCE + timedelta(days=number) for number in numbers]


@given(st.lists(st.integers(0, 365), max_size=80), st.integers(1, 7), st.booleans())
def test_every_item_is_given_once_and_the_windows_count_is_told(numbers, size, numbered):
    busiest = max((numbers.count(number) for number in numbers), default=0)
    toy = Toy(days(*sorted(numbers)), size, ceiling=max(busiest, 5), numbered=numbered)
    pages = toy.walk()

    assert ids(pages) == list(range(len(numbers)))
    assert {page.reported for page in pages} == {len(numbers)}
    assert [page.cursor for page in pages].index(None) == len(pages) - 1
    assert all(len(page.cursor or "") < 300 for page in pages)


def test_a_walk_goes_on_from_each_of_its_cursors():
    toy = Toy(days(*range(0, 360, 9)))
    pages = toy.walk()

    for stop, page in enumerate(pages[:-1], 1):
        assert ids(pages[:stop]) + ids(toy.walk(page.cursor)) == list(range(40))


@pytest.mark.parametrize(
    "cursor", ["nonsense", "[]", "{}", '{"since": "2020-02-01", "until": "9999-12-31"}', '{"since": "1", "until": "2"}']
)
def test_a_cursor_of_another_window_begins_this_one(cursor):
    assert ids(Toy(days(1, 2, 3)).walk(cursor)) == [0, 1, 2]


def test_slices_grow_again_where_there_is_little():
    crowd = Toy(days(*[n // 2 for n in range(60)], 300))
    pages = crowd.walk()

    assert ids(pages) == list(range(61))
    assert len({(position.since, position.until) for position in crowd.asked}) < 25


def test_a_day_with_more_than_the_ceiling_is_refused_and_named():
    with pytest.raises(SourceRefused, match="toy has 11 records of 2020-02-10 alone, and gives 10 at most"):
        Toy(days(*[40] * 11)).walk()


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("fault", [less, nothing])
def test_a_page_that_holds_less_than_the_count_says_is_asked_for_again(fault, numbered):
    toy = Toy(days(*range(8)), numbered=numbered, trouble={2: fault, 3: fault})
    pages = toy.walk()

    assert ids(pages) == list(range(8))
    assert [position.start for position in toy.asked] == [0, 3, 3, 3, 6]


def test_what_never_comes_ends_no_walk_and_shows_in_the_count():
    toy = Toy(days(*range(8)), numbered=True, trouble=dict.fromkeys((2, 3, 4), nothing))
    pages = toy.walk()

    assert ids(pages) == [0, 1, 2, 6, 7]
    assert {page.reported for page in pages} == {8}


def test_a_short_page_costs_no_item_where_the_next_begins_behind_it():
    toy = Toy(days(*range(8)), trouble=dict.fromkeys((2, 3, 4), less))

    assert ids(toy.walk()) == list(range(8))


def test_a_slice_that_something_left_is_begun_again():
    toy = Toy(days(*range(8)))

    def shifted(page: Page) -> Page:
        del toy.days[0]
        return page

    toy.trouble = {1: shifted}
    pages = toy.walk()

    # Without beginning again the second page would begin with the fifth of those that are left.
    assert ids(pages) == [0, 1, 2, *range(7)]
    assert pages[-1].reported == 7


def test_a_slice_that_loses_something_at_every_page_ends_all_the_same():
    toy = Toy(days(*range(200)), ceiling=300)
    toy.trouble = {
        n: lambda page: (toy.days.pop(), page)[1] for n in range(1, 150)
    }  # fmt: skip

    assert len(toy.walk()) < 150
    assert max(position.begun for position in toy.asked) == 2
