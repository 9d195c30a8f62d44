"""Two people who really screened the same records apart: their votes, cast again by two clients, come out as published.

The votes of the first round are those of the last one, but where the two had not agreed yet. Slow: seven thousand
votes, each a request.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import pytest

from tests.unit.services.screening.conftest import rig_of
from tests.unit.services.screening.rig import ScreeningRig

ROOT = Path(os.environ.get("LIVING_REALDATA", "../shared/realdata")) / "screening" / "dualscreen-wmotte"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not ROOT.exists(), reason=f"there is no folder {ROOT} (LIVING_REALDATA)"),
]

__all__ = ["rig_of"]

STAGE = {
    "name": "criterion", "question": "Does it meet the criterion?", "votes": 2,
    "answers": [{"value": "yes", "leads_to": "advance"}, {"value": "no", "leads_to": "exclude"}],
}  # fmt: skip

#: Each criterion, as the tables of votes and those of disagreements call it.
CRITERIA = {
    "systematic-reviews-only": "systematic-reviews",
    "meta-analysis-only": "meta-analysis",
    "randomised-trials-only": "randomised-trials",
    "human-studies-only": "human",
}
FIRST, LAST = "out.01.compare", "out.04.final.compare"
MEANT = {"1": "yes", "0": "no"}

Votes = dict[str, tuple[str, str]]


def rows(name: str) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with (ROOT / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def votes(name: str) -> Votes:
    """PMID -> what the two answered, of the records that both judged."""
    return {
        row["pmid"]: (MEANT[row["included_c"]], MEANT[row["included_w"]])
        for row in rows(name)
        if {row["included_c"], row["included_w"]} <= set(MEANT)
    }


def screened(rig: ScreeningRig, name: str, said: dict[str, str]) -> None:
    """One client's day: takes what waits, fifty at a time, and answers as they did."""
    while tasks := rig.claims_many(name, count=50):
        for task in tasks:
            assert rig.votes(name, task["lease"], said[task["record"]["record"]]).status_code == 200


@pytest.mark.parametrize(
    ("criterion", "round_"),
    [(criterion, round_) for criterion in CRITERIA for round_ in (FIRST, LAST) if (criterion, round_) != (
        "human-studies-only", FIRST)],
)  # fmt: skip
def test_kappa_and_conflicts_are_those_that_were_published(rig_of, criterion, round_):
    published = next(row for row in rows(f"{round_}/kappas_w_c.tsv") if row["type"] == criterion)
    parted = votes(f"{round_}/disagreements_w_c__{CRITERIA[criterion]}.tsv")
    cast = votes(f"{LAST}/df__{criterion}.tsv") | (parted if round_ == FIRST else {})
    rig = rig_of(STAGE)
    rig.discovers(*cast)

    screened(rig, "c", {record: first for record, (first, _) in cast.items()})
    screened(rig, "w", {record: second for record, (_, second) in cast.items()})

    (found,) = rig.gets("/agreement", "lea", "lead").json()
    assert (found["n"], found["n"] - found["agreed"]) == (int(published["n"]), int(published["n_disagree"]))
    assert round(found["kappa"], 3) == float(published["kappaMean"])
    # Theirs is reckoned in another way (from the margins): within two hundredths, where few agree by chance alone.
    bounds = found["kappa_interval"]["low"], found["kappa_interval"]["high"]
    assert bounds == pytest.approx((float(published["kappaLower"]), float(published["kappaUpper"])), abs=0.02)
    conflicts, cursor = set(), None
    while True:
        page = rig.gets("/conflicts", "lea", "lead", cursor=cursor).json()
        conflicts |= {task["record"] for task in page["items"]}
        if (cursor := page["next"]) is None:
            break
    assert conflicts == parted.keys()
