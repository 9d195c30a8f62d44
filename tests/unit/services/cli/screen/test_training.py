"""A training set in `living screen`: its items come before any record, by the same keys, each with what is right."""

from __future__ import annotations

from typing import Any

import pytest

from services.cli.screen.cards import Card, card_of_item, lesson_of
from services.cli.screen.exchange import Cast, Claim, NextItem, Release, Train
from services.cli.screen.session import QUIET
from shared.errors import Conflict, Unavailable
from tests.flows.terminal import Screen
from tests.unit.services.cli.screen.sitting import ANSWERS, Sitting
from tests.unit.services.cli.screen.test_in_a_terminal import answerable, screens, seen
from tests.unit.services.screening.rig import REASONS, SIFT

__all__ = ["screens"]

FIRST = Conflict("a training set comes first", slug="training_first")


def an_item(name: str, left: int = 2, **changes: Any) -> Card:
    return card_of_item(
        {
            "stage": "sift", "item": name, "left": left, "of": 2, "title": f"On {name}", "abstract": "Gardens.",
            "identifier": "10.1000/one", "question": "Could it inform a theory?", "answers": ANSWERS, "reasons": [],
            "definitions": {}, "criteria": None, "highlights": None, **changes,
        }
    )  # fmt: skip


def receipt(**changes: Any) -> dict[str, Any]:
    said = {"is_right": True, "reason_is_right": None, "right": "include", "right_excluded_for": None}
    return {**said, "answer": "include", "excluded_for": None, "why": "So it is.", **changes}


@pytest.fixture
def sitting() -> Sitting:
    """Somebody who has the first item before them."""
    sitting = Sitting(can=("undo", "park", "note"))
    sitting.refuses(sitting.waiting(Claim), FIRST)
    sitting.answers(sitting.waiting(NextItem), an_item("one"))
    sitting.waits()
    return sitting


def test_items_come_where_a_training_set_comes_first_and_no_claim_is_sent_meanwhile(sitting):
    assert sitting.shown == "On one"
    assert not sitting.is_waiting(Claim)
    assert "1 of 2" in sitting.session.card.training

    sitting.presses("e")
    train = sitting.waiting(Train)
    assert (train.card.task, train.ballot.answer) == ("one", "exclude")
    assert sitting.casts == []
    sitting.answers(train, ("You answered exclude; right is include.", "So it is."))

    assert sitting.session.card.lesson[0] == "You answered exclude; right is include."
    assert sitting.session.done == 0 and not sitting.is_waiting(NextItem)


def test_what_is_right_is_read_before_the_next_item_comes(sitting):
    sitting.presses("i")
    sitting.presses("i", "i")
    sitting.answers(sitting.waiting(Train), ("Right: include.",))
    sitting.presses("enter", "i", "e")
    assert not sitting.is_waiting(NextItem) and len([it for it in sitting.sent if isinstance(it, Train)]) == 1

    sitting.waits(2 * QUIET)
    sitting.presses("i")
    assert not sitting.is_waiting(Train)
    sitting.waits()
    sitting.presses("enter")
    sitting.answers(sitting.waiting(NextItem), an_item("two", 1))
    assert sitting.shown == "On two"


def test_records_come_once_every_item_is_answered(sitting):
    sitting.presses("i")
    sitting.answers(sitting.waiting(Train), ("Right: include.",))
    sitting.waits()
    sitting.presses("enter")
    sitting.answers(sitting.waiting(NextItem), None)

    sitting.gets("r1")
    sitting.waits()
    sitting.presses("i")
    assert sitting.casts == [sitting.waiting(Cast)]


def test_an_item_cannot_be_taken_back_put_away_skipped_or_given_back(sitting):
    sitting.presses("z", "p", "s", "n", "f", every=2 * QUIET)
    assert sitting.session.dialog is None
    assert sitting.session.actions().keys() == {"highlights", "criteria", "help", "leave"}

    sitting.presses("q")
    assert not sitting.is_waiting(Release)
    assert sitting.session.over


def test_an_answer_to_an_item_is_sent_again_under_its_key_until_it_is_in(sitting):
    sitting.presses("i")
    train = sitting.waiting(Train)
    sitting.refuses(train, Unavailable("no way there"))
    sitting.waits(1.0)

    assert sitting.waiting(Train) is train


def test_an_item_that_was_answered_elsewhere_is_left(sitting):
    sitting.presses("i")
    sitting.refuses(sitting.waiting(Train), Conflict("you have answered it", slug="already_answered"))

    sitting.answers(sitting.waiting(NextItem), an_item("two", 1))
    assert sitting.shown == "On two"


def test_what_is_in_hand_is_answered_before_a_training_set_that_came_meanwhile():
    sitting = Sitting("r1", "r2")
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits(15.0)
    sitting.refuses(sitting.waiting(Claim), FIRST)
    assert sitting.shown == "On r2" and not sitting.is_waiting(NextItem)

    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits(1.0)
    sitting.refuses(sitting.waiting(Claim), FIRST)
    assert sitting.is_waiting(NextItem)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ("Right: include.", "So it is.")),
        ({"why": None}, ("Right: include.",)),
        (
            {"is_right": False, "answer": "exclude", "excluded_for": "opinion", "why": None},
            ("You answered exclude; right is include.",),
        ),
        (
            {
                "answer": "exclude", "excluded_for": "opinion", "right": "exclude", "right_excluded_for": "no-garden",
                "reason_is_right": False, "why": None,
            },
            ("You answered exclude (opinion); right is exclude (no-garden).",),
        ),
    ],
)  # fmt: skip
def test_a_lesson_says_what_was_answered_what_is_right_and_why(changes, lines):
    assert lesson_of(receipt(**changes)) == lines


def readable(screen: Screen) -> bool:
    """Whether the key that goes on from what is right is not dim."""
    return "[Enter] go on" in screen.text() and "2" not in screen.styled("[Enter] go on")


@pytest.mark.waits
def test_in_a_terminal_a_training_set_is_led_through_and_records_follow(screening_at, screens):
    items = [
        {"id": "roof", "title": "A garden on a roof", "answer": "include", "why": "It says how."},
        {"id": "park", "title": "A park", "answer": "exclude", "excluded_for": "no-garden"},
    ]
    rig = screening_at({**SIFT, "reasons": REASONS, "training": items})
    rig.discovers("r1")
    terminal = screens()

    terminal.until(answerable)
    assert "A garden on a roof" in terminal.screen.text() and "Training, item 1 of 2" in terminal.screen.text()
    terminal.press("i")
    terminal.until(seen("It says how."))
    terminal.until(readable)
    terminal.press("\r")
    terminal.until(seen("A park"))
    terminal.until(answerable)
    terminal.press("e")
    terminal.until(seen("Not about gardens"))
    terminal.press("3")
    terminal.until(seen("right is exclude (no-garden)"))
    terminal.until(readable)
    terminal.press("\r")
    terminal.until(seen("On r1"))
    terminal.until(answerable)
    terminal.press("i")
    terminal.until(seen("1 done"))
    terminal.press("q")

    assert terminal.ends() == 0
    (stage,) = rig.gets("/training", "ana").json()
    assert [(it["person"], it["right"], it["reasons_right"]) for it in stage["people"]] == [("ana", 2, 0)]
    assert [it["person"] for it in rig.record("r1")["stages"][0]["votes"]] == ["ana"]
