"""The local filter says yes, no, or that title and abstract do not tell."""

from __future__ import annotations

from time import perf_counter

import pytest

from shared.strategies.pubmed import read_pubmed
from shared.strategies.reaching import fits, reaches
from shared.strategies.tree import Term

CARE = "Leading integrated care systems: a realist review"


@pytest.mark.parametrize(
    ("strategy", "title", "abstract", "reached"),
    [
        ("care[ti]", CARE, None, "yes"),
        ("rats[ti]", CARE, None, "no"),
        ('"integrated care"[ti]', CARE, None, "yes"),
        ('"care integrated"[ti]', CARE, None, "no"),
        ("care integrated[ti]", CARE, None, "yes"),
        ('"care review"[ti:~3]', CARE, None, "yes"),
        ('"review care"[ti:~2]', CARE, None, "no"),
        ('"system* a"[ti]', CARE, None, "yes"),
        # The authors' keywords, which nobody sees here, are in [tiab].
        ("rats[tiab]", CARE, "No animals.", "cannot tell"),
        ("rats[ab]", CARE, "No animals.", "no"),
        ("rats[ab]", CARE, None, "cannot tell"),
        ("care[ti] AND Humans[mh]", CARE, None, "cannot tell"),
        ("rats[ti] AND Humans[mh]", CARE, None, "no"),
        ("care[ti] OR Humans[mh]", CARE, None, "yes"),
        ("care[ti] NOT Animals[mh]", CARE, None, "cannot tell"),
        ("care[ti] NOT systems[ti]", CARE, None, "no"),
        ("theatre[ti]", "Théâtre", None, "yes"),
    ],
)
def test_a_work_is_reached_by_what_its_texts_say(strategy, title, abstract, reached):
    assert reaches(read_pubmed(strategy).tree, title, abstract) == reached


@pytest.mark.parametrize(
    ("pattern", "word", "does"),
    [
        ("leader*", "leadership", True),
        ("leader*", "leader", True),
        ("leader*", "lead", False),
        ("organi?ation", "organisation", True),
        ("organi?ation", "organiation", False),
        ("*ship", "leadership", True),
        ("l*d*p", "leadership", True),
        ("l*z*p", "leadership", False),
        ("ab*ba", "aba", False),
    ],
)
def test_a_star_is_any_letters_and_a_question_mark_one(pattern, word, does):
    assert fits(pattern, word) is does


@pytest.mark.waits
@pytest.mark.parametrize(
    ("term", "text"),
    [
        (Term("*a" * 200, "title"), "a" * 50_000),
        (Term(" ".join(["a"] * 300), "title"), "a " * 40_000),
        (Term(" ".join(["a*"] * 50), "title", near=9_999), "a " * 30_000 + "b"),
        (Term(" ".join(f"*{n}*" for n in range(300)), "title", near=3), " ".join(map(str, range(20_000)))),
    ],
)
def test_no_term_takes_long_on_any_text(term, text):
    began = perf_counter()

    assert reaches(term, text, None) in ("yes", "no")
    assert perf_counter() - began < 10
