"""Marks: safe whatever the text, and cut where words end."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.ports.index.highlight import Finds, marked_fragments, marked_whole, united
from services.search.ports.index.sought import sought
from services.search.ports.index.words import Words
from shared.errors import Invalid
from shared.events.ingest import Bibliography
from shared.folding import composed


def spans(query: str, text: str, analyzer: str = "english") -> list[str]:
    """What of a title is found by a query."""
    return [text[start:end] for start, end in Finds(sought(query), Words(analyzer)).spans(text, "title")]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("trust", "Trust is not distrust.", ["Trust"]),
        ("leading", "Leads, leading", ["Leads", "leading"]),
        ("lead*", "Leads, leading, leap", ["Leads", "leading"]),
        ('"integrated care"', "Integrated, care; integrating care is care", ["Integrated, care", "integrating care"]),
        ("ehealth", "e-health, e health and eHealth", ["e-health", "e health", "eHealth"]),
        ("trust -power", "power and trust", ["trust"]),
        ("abstract:trust", "trust", []),
        ("*", "trust", []),
        ("10.1234/trust", "trust", []),
    ],
)
def test_finds_stand_where_the_query_found_them(query: str, text: str, found: list[str]) -> None:
    assert spans(query, text) == found


def test_a_text_that_repeats_one_word_is_marked_as_far_as_that_costs_little() -> None:
    (found,) = spans("好" * 150, "好" * 90_000)

    assert 150 <= len(found) < 10_000


def test_a_paragraph_in_quotes_is_refused_and_a_sentence_is_not() -> None:
    sentence = " ".join(f"word{number}" for number in range(200))

    assert spans(f'"{sentence}"', f"So: {sentence}.") == [sentence]
    with pytest.raises(Invalid, match="201 words next to each other are looked for, and 200 is the most"):
        sought(f'"{sentence} more"')


def test_without_stems_only_the_word_itself_is_marked() -> None:
    assert spans("leading", "Leads, leading", "standard") == ["leading"]


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
    finds = Finds(sought("trust"), Words("english"))

    assert finds.marked(Bibliography(abstract="trust")) == {"abstract": ["<mark>trust</mark>"]}
    assert finds.marked(None) == finds.marked(Bibliography()) == {}


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
