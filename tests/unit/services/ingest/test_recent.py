"""What was searched of late is kept with its folded text, and no more of it than fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.ingest.domain.passages import Parse, Passage
from services.ingest.domain.recent import Recent

#: As how many characters a text of a thousand with one passage counts.
_A_TEXT = 2050


class Parses:
    """What is read, and how often."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def reader(self, name: str, length: int = 1000) -> Callable[[], Parse]:
        def read() -> Parse:
            self.read.append(name)
            return Parse("plain-1", name * length, [Passage("paragraph", "p1", 0, length)])

        return read


@pytest.fixture
def parses() -> Parses:
    return Parses()


def test_what_was_searched_before_is_neither_read_nor_folded_again(parses):
    recent = Recent()

    first, again = (recent.of("a", parses.reader("a")) for _ in range(2))

    assert parses.read == ["a"]
    assert first[0] is again[0] and first[1].folded is again[1].folded


def test_of_more_than_fits_what_was_used_longest_ago_goes(parses):
    recent = Recent(most=2 * _A_TEXT)

    for name in ("a", "b", "a", "c", "a", "b"):
        assert recent.of(name, parses.reader(name))[0].text[0] == name

    assert parses.read == ["a", "b", "c", "b"]


def test_what_is_longer_than_all_may_be_is_not_kept_and_puts_nothing_out(parses):
    recent = Recent(most=2 * _A_TEXT)

    for name, length in (("a", 1000), ("b", 3000), ("b", 3000), ("a", 1000)):
        recent.of(name, parses.reader(name, length))

    assert parses.read == ["a", "b", "b"]


def test_what_a_character_folds_to_counts_too(parses):
    recent = Recent(most=2 * _A_TEXT)

    for _ in range(2):
        recent.of("ﷺ", parses.reader("ﷺ"))  # Eighteen characters.

    assert len(parses.read) == 2
