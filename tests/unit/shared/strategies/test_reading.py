"""Strategies as people write them become one tree, or a fault that names line, column and what is wrong."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.strategies.europepmc import read_europepmc
from shared.strategies.pubmed import read_pubmed
from shared.strategies.tree import DEEPEST, LONGEST, And, Not, Or, StrategyFault, Term, depth_of, terms_of

READERS = {"pubmed": read_pubmed, "europepmc": read_europepmc}


def text(words: str, **more: object) -> Term:
    return Term(words, "text", tag="tiab", **more)


def test_pubmed_is_read_with_its_fields_phrases_and_brackets():
    read = read_pubmed(
        '("integrated care"[tiab] OR integrat*[Title/Abstract]) AND "Leadership"[MeSH Terms] NOT rats[ti]'
    )

    assert read.tree == And(
        (
            Or((text("integrated care"), Term("integrat*", "text", tag="Title/Abstract"))),
            Term("Leadership", "subject", tag="MeSH Terms"),
            Not(Term("rats", "title", tag="ti")),
        )
    )
    assert read.warnings == ()


def test_pubmed_goes_from_left_to_right_and_europepmc_takes_and_first():
    a, b, c = (Term(letter, "all") for letter in "abc")

    assert read_pubmed("a OR b AND c").tree == And((Or((a, b)), c))
    assert read_europepmc("a OR b AND c").tree == Or((a, And((b, c))))
    assert "side by side without brackets" in read_pubmed("a OR b AND c").warnings[0]


def test_words_without_quotation_marks_are_one_term_whose_field_is_behind_them():
    assert read_pubmed("hurtle cell[tiab]").tree == text("hurtle cell", exact=False)


@pytest.mark.parametrize(
    ("strategy", "tree"),
    [
        ('"care system"[tiab:~3]', Term("care system", "text", near=3, tag="tiab:~3")),
        ('"2018/01/01"[dp] : "3000"[dp]', Term("2018/01/01:3000", "attribute", tag="dp")),
        ("“care”[tiab]", text("care")),
        ("humans[mh:noexp]", Term("humans", "subject", tag="mh:noexp")),
        ("a[tiab] AND NOT b[tiab]", And((text("a"), Not(text("b"))))),
        ("a[tiab] not b[tiab]", And((text("a"), Not(text("b"))))),
        ("a[tiab] b[tiab]", And((text("a"), text("b")))),
    ],
)
def test_pubmed_knows(strategy, tree):
    assert read_pubmed(strategy).tree == tree


@pytest.mark.parametrize(
    ("strategy", "tree"),
    [
        ("TITLE:(a OR b)", Or((Term("a", "title"), Term("b", "title")))),
        ('TITLE_ABS:"care system"~3', Term("care system", "title_abstract", near=3)),
        ("FIRST_PDATE:[2018 TO 2020]", Term("[2018 TO 2020]", "attribute", tag="FIRST_PDATE")),
        ("a NOT b", And((Term("a", "all"), Not(Term("b", "all"))))),
        ("NOT b", Not(Term("b", "all"))),
        ("10.1000/abc:def", Term("10.1000/abc:def", "all")),
    ],
)
def test_europepmc_knows(strategy, tree):
    assert read_europepmc(strategy).tree == tree


@pytest.mark.parametrize(
    ("strategy", "line", "column", "why"),
    [
        ("((leader*[tiab] AND", 1, 17, "AND has nothing after it"),
        ("(leader*[tiab]", 1, 1, "this bracket is never closed"),
        ("leader*[tiab])", 1, 14, "this bracket is closed and was never opened"),
        ("a[tiab] AND\n  ()", 2, 3, "there is nothing between these brackets"),
        ("OR a[tiab]", 1, 1, "OR has nothing before it"),
        ("NOT a[tiab]", 1, 1, "NOT has nothing before it"),
        ("a[tiab] OR\nOR b[tiab]", 2, 1, "OR has nothing before it"),
        ('a[tiab] AND "b', 1, 13, "this quotation mark is never closed"),
        ('"a[tiab] AND "b"[tiab]', 1, 1, "this quotation mark is not closed before the next field"),
        ("a[tiabs]", 1, 2, "there is no field [tiabs]; did you mean 'tiab'?"),
        ("a[tiab", 1, 2, "this square bracket is never closed"),
        ("[tiab]", 1, 1, "the field [tiab] has no term before it"),
        ('"humans"[mh:~3]', 1, 9, "proximity (~) is for [ti] and [tiab] alone"),
        ("*[tiab]", 1, 1, "there is nothing to look for in this term"),
        ('a[dp] : ("b"[dp])', 1, 7, "a range (:) needs a date on either side"),
        (" \n ", 1, 1, "it is empty"),
        ("a\0b", 1, 2, "a character that cannot be searched for"),
        ("a\ud800", 1, 2, "half a surrogate pair, which is no character"),
        ("a" * (LONGEST + 1), 1, LONGEST + 1, "it has 60,001 characters, and may have 60,000"),
        ("(" * 51 + "a" + ")" * 51, 1, 51, "brackets are nested more than 50 deep"),
    ],
)
def test_pubmed_refuses_and_says_where(strategy, line, column, why):
    with pytest.raises(StrategyFault) as refused:
        read_pubmed(strategy)

    assert (refused.value.line, refused.value.column, refused.value.why) == (line, column, why)


@pytest.mark.parametrize(
    ("strategy", "line", "column", "why"),
    [
        ("TITEL:a", 1, 1, "there is no field TITEL; did you mean TITLE?"),
        ("a AND\nTITLE:", 2, 1, "the field TITLE has no term behind it"),
        ("TITLE: AND b", 1, 1, "the field TITLE has no term behind it"),
        ("FIRST_PDATE:[2018", 1, 1, "this square bracket is never closed"),
        ("FIRST_PDATE:[2018-2020]", 1, 1, "a range is written [A TO B]"),
        ('TITLE:"a', 1, 7, "this quotation mark is never closed"),
        ("(a OR b", 1, 1, "this bracket is never closed"),
        ("a AND", 1, 3, "AND has nothing after it"),
    ],
)
def test_europepmc_refuses_and_says_where(strategy, line, column, why):
    with pytest.raises(StrategyFault) as refused:
        read_europepmc(strategy)

    assert (refused.value.line, refused.value.column, refused.value.why) == (line, column, why)


def test_a_field_that_europepmc_may_have_is_a_warning():
    assert read_europepmc("SOMETHING_NEW:a").warnings == (
        "the field SOMETHING_NEW is not known here, and left to Europe PMC",
    )


PIECES = [
    "(", ")", '"', "“", "[", "]", "[tiab]", "[dp]", ":", "AND ", "OR ", "NOT ", "or ", "a ", "b* ", "~3", "\\",
    "TITLE:", "*", " ",
]  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("source", READERS)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
@example("((leader*[tiab] AND")
def test_whatever_is_written_is_a_tree_or_a_fault_with_its_place(source, strategy):
    try:
        read = READERS[source](strategy)
    except StrategyFault as fault:
        assert 1 <= fault.line <= strategy.count("\n") + 1
        assert 1 <= fault.column <= len(strategy) + 1
    else:
        assert list(terms_of(read.tree))
        assert depth_of(read.tree) <= 2 * DEEPEST + 1


HOSTILE = [
    "(", "[", '"', "a[", "a[tiab] ", '"a" ', "NOT ", "a or ", "a OR b AND ", "TITLE:", "a:", "A_", "X:[", "\\", "* ",
    "a*", "“", "a[tiab] : ", "(a OR b) AND ", "(a) ",
]  # fmt: skip


@pytest.mark.waits
@pytest.mark.parametrize("source", READERS)
@pytest.mark.parametrize("piece", HOSTILE)
def test_sixty_thousand_characters_of_anything_take_a_moment(source, piece):
    strategy = (piece * (LONGEST // len(piece) - 1)).ljust(LONGEST - 1, " ")

    began = perf_counter()
    try:
        READERS[source](strategy + "a")
    except StrategyFault as fault:
        assert fault.why
    assert perf_counter() - began < 5
