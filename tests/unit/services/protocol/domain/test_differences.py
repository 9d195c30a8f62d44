"""What one version of a protocol says otherwise than another is named part by part, whatever moved around it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from services.protocol.domain import check
from services.protocol.domain.differences import counted, differences
from tests.unit.services.protocol.examples import SMALL, small

STAGE = SMALL["stages"][0]


def seen_apart(before: dict, after: dict) -> dict[str, tuple[object, object]]:
    found = differences(check(json.dumps(before), form="json"), check(json.dumps(after), form="json"))
    return {it.at: (it.before, it.after) for it in found}


def test_a_protocol_says_nothing_otherwise_than_itself():
    assert seen_apart(SMALL, SMALL) == {}


def test_a_part_is_named_by_the_names_of_what_it_is_in():
    other = {**STAGE, "votes": 3, "answers": [{**STAGE["answers"][0], "reason_required": True}, *STAGE["answers"][1:]]}
    name, answer = STAGE["name"], STAGE["answers"][0]["value"]

    assert seen_apart(SMALL, small(title="Larger", stages=[other, *SMALL["stages"][1:]])) == {
        "title": (SMALL["title"], "Larger"),
        f"stages.{name}.votes": (2, 3),
        f"stages.{name}.answers.{answer}.reason_required": (False, True),
    }


def test_what_is_new_or_gone_is_whole_and_the_order_of_what_stays_counts():
    one, other = {**STAGE, "name": "one"}, {**STAGE, "name": "other"}

    assert set(seen_apart(small(stages=[one]), small(stages=[one, other]))) == {"stages.other"}
    assert seen_apart(small(stages=[one, other]), small(stages=[one]))["stages.other"][1] is None
    assert seen_apart(small(stages=[one, other]), small(stages=[other, one])) == {
        "stages (order)": (["one", "other"], ["other", "one"])
    }


def test_changes_are_counted_by_the_part_of_the_protocol_that_they_are_of():
    one, other = {**STAGE, "name": "one"}, {**STAGE, "name": "other"}
    before, after = small(stages=[one, other]), small(title="Larger", stages=[other, {**one, "votes": 1}])

    assert counted(differences(*(check(json.dumps(it), form="json") for it in (before, after)))) == {
        "title": 1,
        "stages": 2,
    }


@given(st.lists(st.sampled_from(["one", "other", "third"]), min_size=1, unique=True), st.sampled_from([1, 2, 3]))
def test_there_is_a_difference_wherever_documents_differ(names, votes):
    before = small(stages=[{"votes": 2, **STAGE, "name": "one"}])
    after = small(stages=[{**STAGE, "name": name, "votes": votes} for name in names])

    is_same = before == small(stages=[{"votes": 2, **stage} for stage in after["stages"]])

    assert (seen_apart(before, after) == {}) == is_same
