"""The worked example of the statuses: each row's links give its status, for the reasons that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from services.synthesis.domain.states import Link, Report, Wording, statement_of
from shared.events.synthesis import Status
from shared.wire.synthesis import StatusRule

ROWS = yaml.safe_load((Path(__file__).parents[5] / "reviews/worked-example/statuses.yaml").read_text())

LEFT_OUT = ("", "", "supports", "explicit", None)


def links_of(row: dict[str, Any]) -> list[Link]:
    whole = [[*given, *LEFT_OUT[len(given) :]] for given in row["links"]]
    return [
        Link(f"link-{at}", f"fragment-{at}", study, "c", element, stance, inference, credibility)
        for at, (study, element, stance, inference, credibility) in enumerate(whole)
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["row"])
def test_a_row_has_its_status_for_its_reasons(row):
    links = links_of(row)
    reports = {it.record: Report(it.record, it.record, True, not it.record.startswith("weak")) for it in links}

    said = statement_of(Wording("c", "t", "c", "m", "r", "o"), links, reports, flagged=False).statement

    assert said.status == row["status"]
    assert [reason.rule for reason in said.reasons if not reason.met] == row["unmet"]


def test_the_example_has_every_status_and_every_rule_unmet_somewhere():
    assert {row["status"] for row in ROWS} == set(get_args(Status))
    assert {rule for row in ROWS for rule in row["unmet"]} == set(get_args(StatusRule))
