"""Training sets from a terminal: how right people were, for leads everybody, for others they themselves."""

from __future__ import annotations

from services.cli import _COMMANDS
from shared.errors import Conflict
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import REVIEW, SIFT

ITEMS = [{"id": "one", "title": "On one", "answer": "include"}, {"id": "two", "title": "On two", "answer": "exclude"}]


def test_how_right_people_were_is_shown(screening_at, as_):
    rig = screening_at({**SIFT, "training": ITEMS})
    rig.discovers("r1")
    for name, item, answer in (("ana", "one", "include"), ("ana", "two", "include"), ("ben", "one", "include")):
        rig.asks("/stages/sift/training", {"item": item, "answer": answer}, name)

    shown = as_("lea", "queue", "training", REVIEW, role="lead").stdout
    assert "ana" in shown and "ben" in shown
    assert "2 of 2" in shown and "1 of 2" in shown and "exclude as include 1" in " ".join(shown.split())
    (stage,) = data(as_("ben", "queue", "training", REVIEW, "--json"))
    assert [(it["person"], it["right"], it["specificity"]) for it in stage["people"]] == [("ben", 1, None)]
    assert "nobody has answered" in as_("cy", "queue", "training", REVIEW).stdout


def test_taking_a_record_says_that_a_training_set_comes_first(screening_at, as_):
    screening_at({**SIFT, "training": ITEMS}).discovers("r1")

    refused = as_("ana", "queue", "next", REVIEW)

    assert isinstance(refused.exception, Conflict) and refused.exception.slug == "training_first"
    assert "`living screen`" in _COMMANDS[refused.exception.slug]
