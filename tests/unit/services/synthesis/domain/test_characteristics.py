"""Which answers of a study stand, and which values fit what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.characteristics import (
    Answered,
    fitting,
    heads,
    is_lacking,
    state_of,
    that_stand,
)
from shared.events.characteristics import Characteristic


def asks(kind: str, **about: object) -> Characteristic:
    return Characteristic.model_validate({"name": "one", "label": "One", "kind": kind} | about)


COLOURS = asks("choices", options=["red", "green; dark", "blue"])


@pytest.mark.parametrize(
    ("question", "given_value", "kept"),
    [
        (asks("text"), " in a city ", "in a city"),
        (asks("choice", options=["a", "b; c"]), "b; c", "b; c"),
        (COLOURS, ["blue", "red", "blue"], ["red", "blue"]),
        (COLOURS, "blue; red", ["red", "blue"]),
        (COLOURS, "green; dark", ["green; dark"]),
        (asks("number"), "-12.50", -12.5),
        (asks("number", least=0), 3, 3),
        (asks("year"), "1998", 1998),
        (asks("yes_no"), "No", False),
        (asks("yes_no"), True, True),
    ],
)
def test_a_value_is_kept_as_its_kind_has_it(question: Characteristic, given_value: object, kept: object):
    found = fitting(question, given_value)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("question", "given_value", "why"),
    [
        (asks("text"), 3, "takes words"),
        (asks("text"), "  ", "says nothing"),
        (asks("text"), "x" * 2001, "2,001"),
        (asks("text"), "a\0b", "NUL"),
        (asks("choice", options=["a", "b"]), "c", "no option 'c'; there are: 'a', 'b'"),
        (asks("choice", options=["a", "b"]), ["a", "b"], "takes one of its options"),
        (COLOURS, [], "takes of its options"),
        (COLOURS, True, "takes of its options"),
        (asks("number"), "about ten", "takes a number"),
        (asks("number"), True, "takes a number"),
        (asks("number"), float("nan"), "takes a number"),
        (asks("number"), 1e16, "larger than any"),
        (asks("number", least=0), -1, "0 or more"),
        (asks("number", most=5), "6", "5 or less"),
        (asks("year"), "98", "takes a year"),
        (asks("year"), 1998.5, "takes a year"),
        (asks("year"), 999, "takes a year"),
        (asks("yes_no"), "perhaps", "takes yes or no"),
        (asks("yes_no"), 1, "takes yes or no"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_would_fit(question, given_value, why):
    with pytest.raises(ValueError, match=why):
        fitting(question, given_value)


def test_who_says_the_same_does_not_differ_and_a_yes_is_no_one():
    yes, also, one = (Answered(name, "q", value, False, 1) for name, value in (("a", True), ("b", True), ("c", 1)))
    assert [state_of(some) for some in ([], [yes, also], [yes, one])] == ["unanswered", "answered", "differs"]


def test_what_must_be_answered_lacks_an_answer_to_it_as_it_is_asked_now():
    old = Answered("a", "q", "x", False, 1)
    assert [is_lacking([old], required=True, since=since) for since in (1, 2)] == [False, True]
    assert is_lacking([], required=True, since=1) and not is_lacking([], required=False, since=1)


@st.composite
def histories(draw: st.DrawFn) -> list[Answered]:
    """Answers of several people, each of which supersedes some of those before."""
    made: list[Answered] = []
    for at in range(draw(st.integers(0, 12))):
        names = [it.answer for it in made]
        superseded = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        value = draw(st.sampled_from([None, "city", "village"]))
        made.append(Answered(f"answer_{at}", "q", value, value is None and draw(st.booleans()), 1, superseded))
    return made


@given(histories(), st.randoms(use_true_random=False))
def test_in_whatever_order_and_however_often_they_come_the_same_answers_stand(history, random):
    again = history + [random.choice(history) for _ in range(len(history))]
    random.shuffle(again)

    assert that_stand(again) == that_stand(history)
    assert heads(again) == heads(history)
    assert state_of(that_stand(again)) == state_of(that_stand(history))


@given(histories(), st.sampled_from([None, "city"]))
def test_an_answer_to_all_that_was_said_stands_alone(history, value):
    last = Answered("last", "q", value, False, 1, heads(history))
    assert that_stand([*history, last]) == ([last] if value else [])
