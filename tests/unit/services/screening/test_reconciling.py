"""From votes to a decision: each way of reconciling them, for every set of votes that one to four people can cast."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from services.screening import domain
from services.screening.domain import Decision
from shared.events.stages import Reconciliation, Stage
from tests.unit.services.screening.rig import REVIEW, SIFT

ROOT = Path(__file__).parents[4]
MODES = get_args(Reconciliation)
OUTCOMES = ("advance", "adjudicate", "exclude")
#: By outcome the answer of the stage that leads there.
ANSWERS = {"advance": "include", "adjudicate": "unsure", "exclude": "exclude"}

#: What two votes come to, by hand: under third_person, consensus, include_if_any, exclude_if_all.
TWO_VOTES: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("advance", "advance"): ("advance", "advance", "advance", "advance"),
    ("advance", "adjudicate"): ("conflict", "conflict", "advance", "advance"),
    ("advance", "exclude"): ("conflict", "conflict", "advance", "advance"),
    ("adjudicate", "adjudicate"): ("conflict", "conflict", "conflict", "advance"),
    ("adjudicate", "exclude"): ("conflict", "conflict", "conflict", "advance"),
    ("exclude", "exclude"): ("exclude", "exclude", "exclude", "exclude"),
}


#: Those of r0 to r199 that are the first of a share of thirty per cent.
FIRST_FIVE = ["r2", "r3", "r6", "r16", "r20"]


def stage_of(mode: str, **changes: object) -> Stage:
    return Stage.model_validate({**SIFT, "reconciliation": mode, **changes})


def came_to(mode: str, votes: tuple[str, ...]) -> str:
    decided = domain.decide(stage_of(mode), [ANSWERS[vote] for vote in votes])
    return decided.outcome if decided is not None else "conflict"


def expected(mode: str, votes: tuple[str, ...]) -> str:
    """The rule in other words than the code has it: by counting."""
    on, out, asking = (sum(vote == outcome for vote in votes) for outcome in ("advance", "exclude", "adjudicate"))
    if out == len(votes):
        return "exclude"
    if mode == "exclude_if_all" or (mode == "include_if_any" and on) or on == len(votes):
        return "advance"
    assert asking or (on and out)
    return "conflict"


def test_the_ways_are_those_of_the_table():
    assert MODES == ("third_person", "consensus", "include_if_any", "exclude_if_all")
    assert len(TWO_VOTES) == len({frozenset(votes) for votes in product(OUTCOMES, repeat=2)})


@pytest.mark.parametrize("votes", TWO_VOTES, ids=" and ".join)
def test_two_votes_come_to_what_the_table_says_whoever_votes_first(votes):
    for mode, outcome in zip(MODES, TWO_VOTES[votes], strict=True):
        assert came_to(mode, votes) == came_to(mode, votes[::-1]) == outcome, mode


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("voters", [1, 2, 3, 4])
def test_all_votes_of_one_to_four_people_come_to_what_the_rule_says(mode, voters):
    seen = {votes: came_to(mode, votes) for votes in product(OUTCOMES, repeat=voters)}

    assert len(seen) == 3**voters
    assert seen == {votes: expected(mode, votes) for votes in seen}


def test_the_table_of_the_documentation_is_what_the_code_does():
    page = (ROOT / "docs" / "stages.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in re.findall(r"^\| .*\|$", page, re.M)]
    table = [row for row in rows if tuple(row[0].split(", ")) in TWO_VOTES]

    assert ["votes", *MODES] in rows
    assert {tuple(votes.split(", ")): tuple(outcomes) for votes, *outcomes in table} == TWO_VOTES


@pytest.mark.parametrize(
    ("mode", "answers", "decided"),
    [
        ("include_if_any", ["include", "exclude"], Decision("include", "advance")),
        ("include_if_any", ["unsure", "exclude"], None),
        ("exclude_if_all", ["include", "exclude"], Decision("include", "advance")),
        ("exclude_if_all", ["unsure", "exclude"], Decision("unsure", "advance")),
        ("exclude_if_all", ["unsure"], Decision("unsure", "advance")),
        ("consensus", ["exclude", "exclude"], Decision("exclude", "exclude")),
    ],
)
def test_which_answer_stands(mode, answers, decided):
    assert domain.decide(stage_of(mode), answers) == decided


def test_of_several_answers_that_lead_on_the_most_doubtful_one_stands_however_the_others_voted():
    answers = [
        {"value": "thin", "leads_to": "exclude"},
        {"value": "moderate", "leads_to": "advance"},
        {"value": "rich", "leads_to": "advance"},
    ]
    for mode in ("include_if_any", "exclude_if_all"):
        stage = stage_of(mode, answers=answers)
        assert domain.decide(stage, ["rich", "thin", "moderate"]) == Decision("moderate", "advance")
        assert domain.decide(stage, ["thin", "rich"]) == Decision("rich", "advance")


@pytest.mark.parametrize("percent", [1, 5, 20, 50, 99])
def test_the_share_that_is_double_screened_is_near_what_the_protocol_says(percent):
    stage = stage_of("third_person", double_screened=percent)

    needed = [domain.votes_needed(stage, REVIEW, f"rec_{number:032x}") for number in range(10_000)]

    assert set(needed) == {1, 2}
    # Four standard deviations of a draw of 10,000.
    assert abs(needed.count(2) - 100 * percent) < 4 * (percent * (100 - percent)) ** 0.5


def test_review_record_and_stage_alone_decide_which_are_double_screened():
    records = [f"r{number}" for number in range(200)]

    def drawn(review: str = REVIEW, **changes: object) -> list[int]:
        stage = stage_of("third_person", double_screened=30, **changes)
        return [domain.votes_needed(stage, review, record) for record in records]

    assert drawn(question="Another?", adjudicators="lead", fields=[]) == drawn()
    assert [needed > 1 for needed in drawn(votes=3)] == [needed > 1 for needed in drawn()]
    assert drawn(review="plots") != drawn() != drawn(name="scope")
    # On whatever machine: these ones.
    assert [record for record, needed in zip(records, drawn(), strict=True) if needed == 2][:5] == FIRST_FIVE


def test_a_larger_share_holds_the_smaller_one():
    few, many = (stage_of("third_person", double_screened=percent) for percent in (10, 40))

    for number in range(1000):
        assert domain.votes_needed(few, REVIEW, f"r{number}") <= domain.votes_needed(many, REVIEW, f"r{number}")


def test_all_records_get_all_votes_where_the_stage_names_no_share():
    assert {domain.votes_needed(stage_of("third_person", votes=3), REVIEW, f"r{number}") for number in range(99)} == {3}
