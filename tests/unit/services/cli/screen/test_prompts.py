"""Questions that are answered by keys: what is typed is what is meant, and what cannot be is told."""

from __future__ import annotations

import pytest

from services.cli.screen.cards import Option
from services.cli.screen.prompts import LONGEST, PICKING, Line, Pick

MANY = [Option(f"o{number}", f"Option {number}") for number in range(40)]


def typed(line: Line, *keys: str) -> Line:
    for key in keys:
        line.press(key)
    return line


def test_a_line_is_edited_as_lines_are():
    line = typed(Line("Why?"), *"no dxta", "left", "left", "backspace", "a", "end", " ", "!")
    assert line.value == "no data !"
    assert typed(line, "home", "delete", "N").value == "No data !"
    assert typed(line, "end", "ctrl-w").value == "No data"
    assert typed(line, "ctrl-u").value == ""


def test_a_line_takes_no_more_than_the_platform_does():
    line = Line("Why?")
    line.insert("x" * (LONGEST + 100))
    typed(line, "y")

    assert len(line.value) == LONGEST


@pytest.mark.parametrize("key", ["up", "pgdn", "tab", "\x07"])
def test_keys_that_are_no_text_put_nothing_into_a_line(key):
    assert typed(Line("Why?"), key).text == ""


@pytest.mark.parametrize(("text", "good"), [("12", True), ("0,5", True), ("a", False), ("100", False), ("-1", False)])
def test_a_number_is_one_within_its_bounds(text, good):
    line = typed(Line("How many?", number=True, least=0, most=99), *text)

    assert line.press("enter") is good and bool(line.fault) is not good


def test_one_is_picked_by_its_key_or_with_the_arrows():
    for number, sign in enumerate(PICKING):
        pick = Pick("Which?", MANY)
        assert pick.press(sign) and pick.value == f"o{number}"
    beyond = Pick("Which?", MANY)
    for _ in range(39):
        beyond.press("down")
    assert beyond.press("enter") and beyond.value == "o39"


def test_several_are_ticked_and_unticked_until_enter():
    pick = Pick("Which?", MANY, several=True)
    for key in ("3", "1", "3", "down", " "):
        assert not pick.press(key)

    assert pick.press("enter") and pick.value == ["o0", "o3"]


def test_several_of_which_one_is_required_are_not_none():
    pick = Pick("Which?", MANY, several=True)

    assert not pick.press("enter") and pick.fault


def test_what_is_not_there_is_not_picked():
    pick = Pick("Which?", MANY[:2])

    assert not pick.press("3") and pick.fault and pick.value == ""


def test_a_choice_that_may_be_left_out_can_be():
    pick = Pick("Which?", MANY, required=False, chosen=["o1"])

    assert pick.press("backspace") and pick.value == ""
