"""What a protocol may say of its stages: taken as it is, refused with the place of every fault, needed of services."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from services.protocol.domain import check
from shared.errors import Invalid
from shared.events.protocol import Need, Protocol, VersionPublished
from shared.events.synthesis import Happened
from tests.unit.services.protocol.domain.test_check import errors_of
from tests.unit.services.protocol.examples import SMALL, as_yaml, small

MANUAL = (Path(__file__).parents[5] / "docs" / "stages.md").read_text()
(SCREEN,) = SMALL["stages"]
REASON = {"value": "setting", "label": "Another setting"}
NOTE = {"name": "note", "label": "A note"}
ITEM = {"id": "one", "title": "On one", "answer": "in"}
NUMBER = {"name": "sites", "label": "Sites", "kind": "number"}


def stages(*changes: dict[str, Any]) -> dict[str, Any]:
    """The small protocol with a stage for each of these changes of its own."""
    made = [SCREEN | {"name": f"s{number}"} | change for number, change in enumerate(changes)]
    return small(stages=json.loads(json.dumps(made)))  # YAML would write what is twice the same thing as an alias.


def one_stage(**said: Any) -> str:
    return as_yaml(small(stages=[SCREEN | said]))


def faults(given: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        check(as_yaml(given))
    assert all(isinstance(error["line"], int) for error in refused.value.errors)
    return {error["at"]: error["why"] for error in refused.value.errors}


@pytest.mark.parametrize(
    ("given", "need"),
    [
        (stages({"reasons": [REASON]}), Need(feature="stage:reasons", services=["screening"])),
        (stages({"fields": [NUMBER]}), Need(feature="stage:numbers")),
        (stages({"fields": [NOTE | {"help": "So."}]}), Need(feature="stage:help", services=["screening"])),
        (stages({"judged_for": "cmocs"}), Need(feature="stage:judged_for", services=["screening"])),
        (
            stages({"reopen_when_theory_changes": True}),
            Need(feature="stage:theory_changes", services=["screening"]),
        ),
        (stages({}, {"needs": "full_text"}), Need(feature="stage:needs", services=["ingest", "screening"])),
        (stages({"reconciliation": "consensus"}), Need(feature="stage:reconciliation", services=["screening"])),
        (stages({"double_screened": 20}), Need(feature="stage:double_screened", services=["screening"])),
        (stages({"training": [ITEM]}), Need(feature="stage:training", services=["screening"])),
        (small(criteria={"include": ["It is of care."]}), Need(feature="protocol:criteria", services=["screening"])),
        (small(highlights={"exclude": ["mice"]}), Need(feature="protocol:highlights", services=["screening"])),
    ],
)  # fmt: skip
def test_each_kind_of_thing_that_a_protocol_says_needs_a_release_that_has_it(given, need):
    protocol = check(as_yaml(given))

    assert protocol.needs() == [need]
    version = VersionPublished.of(protocol, 1, "dora")
    assert Protocol.read(version.document) == protocol == version.protocol


@pytest.mark.parametrize(
    ("given", "at", "why"),
    [
        (stages({"reasons": [REASON, REASON]}), "stages[0].reasons[1].value", "'setting' is taken by reasons[0]"),
        (
            stages({"reasons": [REASON, REASON | {"value": "other"}]}),
            "stages[0].reasons[1].label", "'Another setting' is taken by reasons[0]",
        ),
        (stages({"reasons": [{"value": "Not so", "label": "x"}]}), "stages[0].reasons[0].value", ""),
        (stages({"reasons": [REASON | {"value": f"r{n}"} for n in range(31)]}), "stages[0].reasons", "30"),
        (stages({"fields": [NUMBER | {"least": 3, "most": 2}]}), "stages[0].fields[0].most", "3 or more and 2 or less"),
        (stages({"fields": [NOTE | {"least": 1}]}), "stages[0].fields[0].least", "that is for a number"),
        (stages({"fields": [NUMBER | {"options": ["1"]}]}), "stages[0].fields[0].options", "has no options"),
        (stages({"fields": [NUMBER | {"most": "many"}]}), "stages[0].fields[0].most", "number"),
        (stages({"judged_for": "theories"}), "stages[0].judged_for", "cmocs"),
        (stages({"needs": "abstract"}), "stages[0].needs", "full_text"),
        (stages({"training": [ITEM, ITEM]}), "stages[0].training[1].id", "'one' is taken by training[0]"),
        (stages({"training": [ITEM | {"answer": "perhaps"}]}), "stages[0].training[0].answer", "is no answer of this"),
        (
            stages({"training": [ITEM | {"answer": "out", "excluded_for": "moon"}], "reasons": [REASON]}),
            "stages[0].training[0].excluded_for", "is no reason of this stage; it has: setting",
        ),
        (
            stages({"training": [ITEM | {"excluded_for": "setting"}], "reasons": [REASON]}),
            "stages[0].training[0].excluded_for", "does not exclude",
        ),
        (stages({"training": [ITEM | {"id": f"i{n}"} for n in range(201)]}), "stages[0].training", "200"),
        (stages({"training": [ITEM | {"answer": ["x"], "excluded_for": 3}]}), "stages[0].training[0].answer", "text"),
        (stages({"needs": "full_text"}, {}), "stages[0].needs", "the first stage needs no full text"),
        (small(criteria={"includes": []}), "criteria.includes", "did you mean include"),
        (small(highlights={"include": ["care", "Care"]}), "highlights.include[1]", "is in highlights.include already"),
        (
            small(highlights={"include": ["care"], "exclude": ["CARE "]}),
            "highlights.exclude[0]", "is in highlights.include already",
        ),
        (small(highlights={"include": [f"w{n}" for n in range(201)]}), "highlights.include", "200"),
    ],
)  # fmt: skip
def test_what_a_stage_cannot_be_is_refused_with_its_place(given, at, why):
    assert why in faults(given)[at]


def test_the_stages_of_the_manual_are_right():
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)]

    for block in blocks:
        assert {need.feature for need in check(as_yaml(small(**block))).needs()}
    assert len(blocks) >= 5


def test_the_manual_names_each_feature_and_each_thing_that_can_happen_to_a_theory():
    features = {feature for feature in re.findall(r"`((?:stage|protocol):\w+)`", MANUAL)}

    assert features >= {
        "stage:reconciliation", "stage:double_screened", "stage:reasons", "stage:numbers", "stage:help",
        "stage:judged_for", "stage:theory_changes", "stage:needs", "stage:training",
        "protocol:criteria", "protocol:highlights",
    }  # fmt: skip
    rows = re.findall(r"^\| (`.*?) \| .* \| (?:yes|no)", MANUAL, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(get_args(Happened))


@pytest.mark.parametrize("mode", ["third_person", "consensus", "include_if_any", "exclude_if_all"])
def test_a_stage_names_how_its_votes_are_reconciled(mode):
    assert check(one_stage(reconciliation=mode)).stages[0].reconciliation == mode


def test_a_way_of_reconciling_that_there_is_not_is_refused_with_those_there_are():
    (error,) = errors_of(one_stage(reconciliation="majority")).values()

    assert error["at"] == "stages[0].reconciliation"
    assert "'third_person', 'consensus', 'include_if_any' or 'exclude_if_all'" in error["why"]


@pytest.mark.parametrize("percent", [0, 100, -1, 2.5, "half"])
def test_a_share_is_a_whole_number_from_1_to_99(percent):
    assert list(errors_of(one_stage(double_screened=percent))) == ["stages[0].double_screened"]


@pytest.mark.parametrize(("name", "value"), [("reconciliation", "consensus"), ("double_screened", 20)])
def test_what_takes_two_votes_is_refused_where_one_is_asked_for(name, value):
    assert list(errors_of(one_stage(votes=1, **{name: value}))) == [f"stages[0].{name}"]
    assert check(one_stage(votes=2, **{name: value})) == check(one_stage(**{name: value}))
