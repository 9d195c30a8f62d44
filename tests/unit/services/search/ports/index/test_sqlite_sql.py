"""Queries in FTS5's words: always well formed, however deep, and nothing typed is syntax."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.ports.index.query import MAX_DEPTH, Everything
from services.search.ports.index.sought import AllOf, AnyOf, Beginning, Doi, Row, Sought, Without, sought
from services.search.ports.index.sqlite_sql import TOKENIZER, WEIGHTS, match_expression, spelled
from services.search.ports.index.words import Words

ENGLISH = Words("english")


@pytest.fixture(scope="module")
def texts() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE texts USING fts5({', '.join(WEIGHTS)}, tokenize = {TOKENIZER})")
        for review in ("v", "w"):
            words = [*ENGLISH.indexed([["trust in teams"]]), spelled(review)]
            db.execute("INSERT INTO texts (title, scope) VALUES (?, ?)", words)
        yield db


def found(texts: sqlite3.Connection, wanted: Sought) -> int:
    match = match_expression(wanted, "v", ENGLISH)
    return len(texts.execute("SELECT 1 FROM texts WHERE texts MATCH ?", [match]).fetchall())


_fields = st.sampled_from([None, "title", "author"])
_words = st.text(st.characters(exclude_characters="\0 "), min_size=1, max_size=12)
_leaves = st.one_of(
    st.builds(Row, st.lists(st.sampled_from(["trust", "in", "teams", "xx"]) | _words, min_size=1).map(tuple), _fields),
    st.builds(Beginning, st.sampled_from(["tr", "te", "xx"]), _fields),
    st.builds(Doi, st.text(max_size=12), st.booleans()),
    st.just(Everything()),
)
_trees = st.recursive(
    _leaves,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=4).map(lambda some: AllOf(tuple(some))),
        st.lists(parts, min_size=2, max_size=4).map(lambda some: AnyOf(tuple(some))),
        parts.map(Without),
    ),
    max_leaves=12,
)


@given(_trees)
def test_any_tree_is_a_good_expression_that_stays_in_its_review(texts: sqlite3.Connection, tree: Sought) -> None:
    # Of two equal documents in two reviews, a tree or its opposite finds ours, and neither finds the other.
    assert found(texts, tree) + found(texts, Without(tree)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "(" * MAX_DEPTH + "trust" + ")" * MAX_DEPTH,
        "NOT " * MAX_DEPTH + "trust",
        "(trust OR b c -(" * (MAX_DEPTH // 3) + "trust" + "))" * (MAX_DEPTH // 3),
        "-(a OR (b -c) " * (MAX_DEPTH // 2 - 1) + ")" * (MAX_DEPTH // 2 - 1),
    ],
)
def test_the_deepest_text_is_not_too_deep_for_fts5(texts: sqlite3.Connection, text: str) -> None:
    assert found(texts, sought(text)) in (0, 1)


@given(st.text(), st.text())
def test_spelled_texts_are_plain_words_whose_beginnings_stay_beginnings(one: str, other: str) -> None:
    one, other = (text.encode("utf-8", "ignore").decode() for text in (one, other))

    assert set(spelled(one)) <= set("bcdfghjklmnpqrtv")
    assert spelled(one + other).startswith(spelled(one))
    assert (spelled(one) == spelled(other)) == (one == other)
