"""What one has done, from a terminal, and for leads how much everybody does."""

from __future__ import annotations

from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import REVIEW


def test_my_own_votes_are_listed_and_found_again(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1", "r2")
    for answer in ("include", "unsure"):
        rig.answers("ana", answer)

    assert [vote["record"] for vote in data(as_("ana", "queue", "mine", REVIEW, "--json"))] == ["r2", "r1"]
    (vote,) = data(as_("ana", "queue", "mine", REVIEW, "--answer", "unsure", "--words", "on R2", "--json"))
    assert (vote["stage"], vote["free"]) == ("sift", True)
    assert "On r1" in as_("ana", "queue", "mine", REVIEW).stdout
    assert "you have no such vote" in as_("ben", "queue", "mine", REVIEW).stdout


def test_leads_see_how_much_everybody_does(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1")
    rig.answers("ana", "include")

    (line,) = data(as_("lea", "queue", "workload", REVIEW, "--json", role="lead"))
    assert (line["person"], line["stage"], line["votes"], line["decided"]) == ("ana", "sift", 1, 0)
    assert "ana" in as_("lea", "queue", "workload", REVIEW, role="lead").stdout
    empty = as_("lea", "queue", "workload", REVIEW, "--until", "2019-12-31", role="lead").stdout
    assert "nobody has voted in these days" in empty
