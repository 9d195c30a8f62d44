"""The query language by itself: what becomes of a text, and where a bad one is bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.ports.index.query import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    And,
    Everything,
    Expression,
    Not,
    Or,
    Phrase,
    Prefix,
    parse,
)
from shared.errors import Invalid

A, B, C = Phrase("a"), Phrase("b"), Phrase("c")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", None),
        (" \t\n", None),
        ("a", A),
        ("a b c", And((A, B, C))),
        ("a AND b", And((A, B))),
        ("a OR b c", Or((A, And((B, C))))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("((a))", A),
        ("a NOT b", And((A, Not(B)))),
        ("a -b", And((A, Not(B)))),
        ("-(a b)", Not(And((A, B)))),
        ("a AND NOT b OR c", Or((And((A, Not(B))), C))),
        ("a-b", Phrase("a-b")),
        ("a - b", And((A, B))),
        ("--a", Phrase("--a")),
        ("or and not", And((Phrase("or"), Phrase("and"), Phrase("not")))),
        ("ANDROID ORCHID", And((Phrase("ANDROID"), Phrase("ORCHID")))),
        ("NOT(a)OR(b)", Or((Not(A), B))),
        ('"a b"', Phrase("a b")),
        ('x"a"y', And((Phrase("x"), A, Phrase("y")))),
        ("“a b”", Phrase("a b")),
        ("title:a", Phrase("a", "title")),
        ("Title: a", Phrase("a", "title")),
        ('author:"a b"', Phrase("a b", "author")),
        ("abstract:(a OR b)", Or((Phrase("a", "abstract"), Phrase("b", "abstract")))),
        ("title:(a venue:b)", And((Phrase("a", "title"), Phrase("b", "venue")))),
        ("-title:a", Not(Phrase("a", "title"))),
        ("subtitle: a", And((Phrase("subtitle:"), A))),
        ("lead*", Prefix("lead")),
        ("LEAD*", Prefix("lead")),
        ("lead**", Prefix("lead")),
        ("title:Führ*", Prefix("fuhr", "title")),
        ("10.1234/AB.c", Phrase("10.1234/ab.c", "doi")),
        ("10.1234/ab.", Phrase("10.1234/ab", "doi")),
        ("doi:10.1234/ab*", Prefix("10.1234/ab", "doi")),
        ("DOI: 10.1234/ab", Phrase("10.1234/ab", "doi")),
        ("http://dx.doi.org/10.1234/ab", Phrase("10.1234/ab", "doi")),
        ('doi:"10.1234/a(b"', Phrase("10.1234/a(b", "doi")),
        ("(10.1234/a(b)c)", Phrase("10.1234/a(b)c", "doi")),
        ("title:10.1234/ab", Phrase("10.1234/ab", "title")),
        ("10.5 a", And((Phrase("10.5"), A))),
        ("a & b", And((A, B))),
        ("a OR -", A),
        ("Häkkinen’s", Phrase("Häkkinen’s")),
        ("*", Everything()),
        ("a *", And((A, Everything()))),
        ("a\x00b", And((A, B))),
        ("a\ud800b", And((A, B))),
    ],
)
def test_a_text_becomes_a_tree(text: str, expression: Expression | None) -> None:
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ('a "b', 3, "never closed"),
        ("a (b", 3, "never closed"),
        ("a) b", 2, "never opened"),
        ("a OR", 5, "the text ends"),
        ("a OR OR b", 6, "before 'OR'"),
        ("a AND )", 7, "before ')'"),
        ("()", 2, "before ')'"),
        ("title:", 7, "the text ends"),
        ("title: author:a", 8, "after 'title:'"),
        ("title:-a", 7, "before '-'"),
        ("a titel:b", 3, "no field 'titel:'"),
        ("http://example.org", 1, "no field 'http:'"),
        ("a b*c", 4, "at the end"),
        ("a *b", 3, "at the end"),
        ("a-b*", 1, "letters and digits"),
        ("a x*", 3, "at least 2"),
        ('"a b*"', 5, "phrase"),
        ("& -", 1, "letter or digit"),
        ('""', 1, "letter or digit"),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS + 1, f"{MAX_TERMS} words"),
        ("(" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "nested"),
        ("NOT " * 1_000 + "a", 4 * MAX_DEPTH + 1, "nested"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "characters"),
    ],
)
def test_a_bad_text_is_refused_with_its_place(text: str, at: int, why: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(text)

    (error,) = refusal.value.errors
    assert error["at"] == f"text:{at}"
    assert why in error["why"]
    assert f"character {at}" in refusal.value.detail


_pieces = st.lists(
    st.sampled_from(
        ['"', "(", ")", "-", "*", ":", "OR", "AND", "NOT", "title:", "doi:", "10.1234/", " ", "a", "é", "."]
    )
)


@given(st.one_of(st.text(), _pieces.map("".join), _pieces.map(" ".join)))
def test_a_text_is_read_or_invalid_and_never_anything_else(text: str) -> None:
    try:
        expression = parse(text)
    except Invalid as refusal:
        assert refusal.errors
        return
    assert (expression is None) == (not text.strip())


_words = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=8)


@given(st.lists(_words, min_size=1, max_size=20))
def test_plain_words_are_all_wanted(words: list[str]) -> None:
    expression = parse(" ".join(words))

    parts = expression.parts if isinstance(expression, And) else (expression,)
    assert len(parts) == len(words)
    assert all(isinstance(part, Phrase) and part.field is None for part in parts)
