"""Marks: safe whatever the text, and cut where words end."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.ports.index.highlight import (
    CLOSING,
    OPENING,
    marked_fields,
    marked_fragments,
    marked_whole,
    spans_of,
    united,
)
from shared.folding import composed


def test_marks_become_offsets_into_the_text_without_them() -> None:
    assert spans_of(f"a {OPENING}bc{CLOSING} d {OPENING}e{CLOSING}") == [(2, 4), (7, 8)]
    assert spans_of("none") == []


@pytest.mark.parametrize(
    ("spans", "one"),
    [
        ([(3, 5), (0, 2)], [(0, 2), (3, 5)]),
        ([(0, 3), (2, 5)], [(0, 5)]),
        ([(0, 2), (2, 5)], [(0, 5)]),
        ([(0, 9), (2, 5)], [(0, 9)]),
        ([(4, 4)], []),
    ],
)
def test_marks_that_overlap_become_one(spans: list[tuple[int, int]], one: list[tuple[int, int]]) -> None:
    assert united(spans) == one


def test_all_but_the_marks_is_escaped() -> None:
    assert marked_whole("<b>&'\"", [(1, 2)]) == "&lt;<mark>b</mark>&gt;&amp;&#x27;&quot;"


def test_a_short_text_is_one_whole_fragment() -> None:
    assert marked_fragments("trust in teams", [(0, 5)]) == ["<mark>trust</mark> in teams"]


def test_a_fragment_of_a_long_text_begins_and_ends_between_words() -> None:
    text = "before " * 50 + "trust " + "after " * 50

    (fragment,) = marked_fragments(text, [(350, 355)])

    assert re.fullmatch(r"…before( before)* <mark>trust</mark>( after)*…", fragment)
    assert 150 < len(fragment) < 260


def test_the_fragments_with_the_most_finds_are_kept_in_the_order_of_the_text() -> None:
    gap = "x " * 200
    text = f"one {gap}two two {gap}one {gap}one {gap}two two"
    spans = [match.span() for match in re.finditer("one|two", text)]

    fragments = marked_fragments(text, spans)

    assert [fragment.count("<mark>") for fragment in fragments] == [1, 2, 2]


def test_a_word_longer_than_a_fragment_is_kept_whole() -> None:
    assert marked_fragments("x" * 900, [(0, 900)]) == [f"<mark>{'x' * 900}</mark>"]


def test_a_field_without_a_find_is_absent() -> None:
    assert marked_fields(None, "trust", [], [(0, 5)]) == {"abstract": ["<mark>trust</mark>"]}


_spans = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8)


@given(text=st.text(max_size=300), spans=_spans)
def test_without_its_marks_a_marked_text_is_the_escaped_text(text: str, spans: list[tuple[int, int]]) -> None:
    # Composed pieces make a composed whole only where no cut parts a letter from its accent.
    text = html.unescape(html.escape(text.encode("ascii", "ignore").decode()))
    inside = united([(start, min(end, len(text))) for start, end in spans])

    assert re.sub("</?mark>", "", marked_whole(text, inside)) == html.escape(composed(text))
    fragments = marked_fragments(text, inside)
    assert len(fragments) <= 3
    assert all(html.unescape(re.sub("</?mark>|^…|…$", "", fragment)) in text for fragment in fragments)
    assert all("<mark>" in fragment for fragment in fragments)
    assert bool(fragments) == bool(inside)
