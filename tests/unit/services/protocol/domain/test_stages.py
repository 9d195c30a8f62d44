"""What a protocol says of its stages: how their votes are reconciled, and how many there are."""

from __future__ import annotations

from typing import Any

import pytest

from services.protocol.domain import check
from tests.unit.services.protocol.domain.test_check import errors_of
from tests.unit.services.protocol.examples import SMALL, as_yaml, small


def with_stage(**said: Any) -> str:
    return as_yaml(small(stages=[{**SMALL["stages"][0], **said}]))


@pytest.mark.parametrize("mode", ["third_person", "consensus", "include_if_any", "exclude_if_all"])
def test_a_stage_names_how_its_votes_are_reconciled(mode):
    assert check(with_stage(reconciliation=mode)).stages[0].reconciliation == mode


def test_a_way_of_reconciling_that_there_is_not_is_refused_with_those_there_are():
    (error,) = errors_of(with_stage(reconciliation="majority")).values()

    assert error["at"] == "stages[0].reconciliation"
    assert "'third_person', 'consensus', 'include_if_any' or 'exclude_if_all'" in error["why"]


@pytest.mark.parametrize("percent", [0, 100, -1, 2.5, "half"])
def test_a_share_is_a_whole_number_from_1_to_99(percent):
    assert list(errors_of(with_stage(double_screened=percent))) == ["stages[0].double_screened"]


@pytest.mark.parametrize(("name", "value"), [("reconciliation", "consensus"), ("double_screened", 20)])
def test_what_takes_two_votes_is_refused_where_one_is_asked_for(name, value):
    assert list(errors_of(with_stage(votes=1, **{name: value}))) == [f"stages[0].{name}"]
    assert check(with_stage(votes=2, **{name: value})) == check(with_stage(**{name: value}))
