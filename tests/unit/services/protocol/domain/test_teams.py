"""What a team lacks to do what the stages ask, and what a protocol may say of its team."""

from __future__ import annotations

from typing import Any

import pytest

from services.protocol.domain import check, lacking, lacking_as_named, missing
from shared.events.stages import Stage
from tests.unit.services.protocol.domain.test_check import errors_of
from tests.unit.services.protocol.examples import SMALL, as_yaml, small

ALIKE = [{"value": "in", "leads_to": "advance"}, {"value": "out", "leads_to": "exclude"}]
ASKING = [*ALIKE, {"value": "maybe", "leads_to": "adjudicate"}]


def lacks(stage: dict[str, Any], *roles: str) -> list[str]:
    made = Stage.model_validate({"name": "screen", "question": "In?", "answers": ASKING, **stage})
    return lacking([made], {f"p{number}": role for number, role in enumerate(roles)})


FEW = "stage 'screen' asks for 2 votes on a record, and one person may vote"
NOBODY = "nobody may decide a conflict of stage 'screen', which takes the role 'adjudicator'"
LEFT = "nobody who did not vote is left to decide a conflict of stage 'screen'"
HINT = f"{LEFT}; `reconciliation: consensus` has the voters decide"


@pytest.mark.parametrize(
    ("stage", "roles", "said"),
    [
        ({}, ["reviewer", "reviewer", "adjudicator"], []),
        ({}, ["reviewer", "reviewer", "lead", "reader"], []),
        ({}, ["reviewer", "reader", "reader"], [FEW]),
        ({}, ["reviewer", "reviewer", "reviewer"], [NOBODY]),
        ({}, ["reviewer", "lead"], [HINT]),
        ({"answers": ALIKE}, ["lead", "lead"], [HINT]),
        ({"reconciliation": "consensus"}, ["reviewer", "lead"], []),
        ({"reconciliation": "consensus"}, ["lead"], [FEW]),
        ({"reconciliation": "consensus", "double_screened": 20}, ["reviewer", "lead"], [LEFT]),
        ({"reconciliation": "consensus", "double_screened": 20, "answers": ALIKE}, ["reviewer", "reviewer"], []),
        ({"reconciliation": "include_if_any"}, ["reviewer", "reviewer"], [NOBODY]),
        ({"reconciliation": "include_if_any"}, ["reviewer", "lead"], [LEFT]),
        ({"reconciliation": "include_if_any", "answers": ALIKE}, ["reviewer", "reviewer"], []),
        ({"reconciliation": "exclude_if_all"}, ["reviewer", "reviewer"], []),
        ({"votes": 1}, ["lead"], [LEFT]),
        ({"votes": 1, "answers": ALIKE}, ["reviewer"], []),
        (
            {"adjudicators": "lead"},
            ["reviewer", "reviewer", "adjudicator"],
            [NOBODY.replace("'adjudicator'", "'lead'")],
        ),
    ],
)
def test_what_a_team_lacks_is_said_of_each_stage(stage, roles, said):
    assert lacks(stage, *roles) == said


def test_a_protocol_names_its_team_and_its_stages_are_held_against_it():
    team = [{"role": "reviewer", "people": ["person_1"]}, {"role": "lead", "people": ["person_2"]}]

    protocol = check(as_yaml(small(team=team)))

    assert lacking_as_named(protocol) == [HINT]
    assert lacking_as_named(check(as_yaml(SMALL))) == []
    assert missing(protocol, {"person_2": "reviewer", "person_3": "lead"}) == [
        "person_1 is to be reviewer, and is no member",
        "person_2 is to be lead, and is reviewer here",
    ]
    assert missing(protocol, {"person_1": "lead", "person_2": "admin"}) == []


@pytest.mark.parametrize(
    ("team", "at"),
    [
        ([{"role": "boss", "people": ["p"]}], "team[0].role"),
        ([{"role": "lead", "people": []}], "team[0].people"),
        ([{"role": "lead", "people": ["Ana Ruiz"]}], "team[0].people[0]"),
        ([{"role": "lead", "people": ["p"]}, {"role": "reviewer", "people": ["q", "p"]}], "team[1].people[1]"),
        ([{"role": "lead"}], "team[0].people"),
    ],
)
def test_a_team_that_is_none_is_refused_with_its_field(team, at):
    assert list(errors_of(as_yaml(small(team=team)))) == [at]


def test_a_name_in_a_team_is_told_that_people_are_named_by_their_ids():
    (error,) = errors_of(as_yaml(small(team=[{"role": "lead", "people": ["Ana Ruiz"]}]))).values()

    assert "a person is named by the id" in error["why"]
