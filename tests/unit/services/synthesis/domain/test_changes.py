"""What counts as a change, and how much of one."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.changes import change_class, changes_of, differences, moved, shortened
from shared.events.synthesis import Change, Changed
from shared.wire.synthesis import Body, Confidence, Counts, GoneCmoc, Statement, TheoryText


def statement(cmoc: str = "c1", links: int = 2, **changes: object) -> Statement:
    about = {
        "cmoc": cmoc, "theory": "trust", "context": "c", "resource": "m", "reasoning": "r", "outcome": "o",
        "status": "partially_supported", "support": 2, "flagged": False, "elements": {}, "stances": {},
        "studies": ["s1", "s2"], "links": [f"{cmoc}-{number}" for number in range(links)], "challenges": [],
    }  # fmt: skip
    return Statement(**about | changes)


def body(*statements: Statement, theories: tuple[TheoryText, ...] = (), drills: tuple[str, ...] = ()) -> Body:
    counts = Counts(studies=0, reports=0, fragments=0, links=0)
    return Body(
        theories=list(theories), cmocs=list(statements), fragments_sha256="", counts=counts, drills=list(drills)
    )


def classed(before: Body | None, after: Body) -> tuple[str, list[str]]:
    changes = differences(before, after)
    return change_class(changes, first=before is None), [change.what for change in changes]


def test_the_first_revision_is_major_whatever_it_holds():
    assert classed(None, body())[0] == "MAJOR"
    assert classed(None, body(statement())) == ("MAJOR", ["added", "support"])


def test_nothing_changed_is_none():
    assert classed(body(statement()), body(statement())) == ("NONE", [])


def test_a_new_cmoc_and_one_that_is_gone_are_major():
    assert classed(body(statement("c1")), body(statement("c1"), statement("c2", support=0))) == ("MAJOR", ["added"])
    assert classed(body(statement("c1"), statement("c2")), body(statement("c1"))) == ("MAJOR", ["set aside"])


@pytest.mark.parametrize("part", ["context", "resource", "reasoning", "outcome", "theory"])
def test_another_wording_is_minor(part):
    assert classed(body(statement()), body(statement(**{part: "other"}))) == ("MINOR", [part])


def test_another_status_is_minor():
    assert classed(body(statement()), body(statement(status="contested"))) == ("MINOR", ["status"])


def test_another_wording_of_a_theory_is_minor():
    old, new = (TheoryText(theory="t", heading="H", statement=text) for text in ("old", "new"))

    assert classed(body(theories=(old,)), body(theories=(new,))) == ("MINOR", ["theory t"])
    assert classed(body(theories=(old,)), body()) == ("MINOR", ["theory t"])


def test_whatever_is_said_to_change_of_a_cmoc_can():
    """So that whoever has words for all of `Changed` has them for all that there is, and for nothing else."""
    sure = Confidence(
        methodological_limitations="none", coherence="none", adequacy="none", relevance="none", confidence="high",
        why="w", by="lea",
    )  # fmt: skip
    words = {part: "other" for part in ("theory", "context", "resource", "reasoning", "outcome")}
    other = {"status": "contested", "support": 3, "flagged": True, "confidence": sure, "links": ["x"], **words}
    said = [*changes_of(None, statement()), *changes_of(statement(), statement().model_copy(update=other))]
    for how in ("merged", "split", "refined", "refuted", "set_aside"):
        said += changes_of(statement(), None, GoneCmoc(cmoc="c1", how=how, into=[], why="w"))

    assert {change.what for change in said} == set(get_args(Changed))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"support": 3}, ["support"]),
        ({"links": 3}, ["links added"]),
        ({"links": 1}, ["links withdrawn"]),
        ({"flagged": True}, ["flagged"]),
    ],
)
def test_evidence_and_flags_are_a_patch(changed, what):
    assert classed(body(statement()), body(statement(**changed))) == ("PATCH", what)


def test_the_class_is_the_greatest_among_the_changes():
    after = body(statement(support=3, status="supported"), statement("c2"))

    assert classed(body(statement()), after)[0] == "MAJOR"


def test_evidence_moved_counts_links_both_ways():
    several = [statement(links=3), statement(links=1), statement("c2", links=2)]
    counted = [moved(several[0], several[1]), moved(None, several[2]), moved(several[0], None)]

    assert [(one.added, one.withdrawn) for one in counted] == [(0, 2), (2, 0), (0, 3)]


def test_cmoc_by_cmoc_the_changes_are_those_of_the_whole():
    before, after = [statement("c1"), statement("c2")], [statement("c1", support=3), statement("c3")]
    one_by_one = [*changes_of(before[0], after[0]), *changes_of(None, after[1]), *changes_of(before[1], None)]

    assert one_by_one == differences(body(*before), body(*after))
    assert changes_of(None, None) == []


@given(
    st.lists(
        st.builds(
            Change, cmoc=st.just("c"), what=st.just("w"), before=st.text(max_size=600) | st.integers(0, 9),
            after=st.none(), change_class=st.sampled_from(["MAJOR", "MINOR", "PATCH"]),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_an_event_tells_every_change_there_is_room_for_with_its_texts_cut(changes):
    short = shortened(changes)

    assert len(short) == len(changes)
    assert all(len(str(change.before)) <= 201 for change in short)
    order = ["MAJOR", "MINOR", "PATCH"]
    assert [order.index(change.change_class) for change in short] == sorted(
        order.index(change.change_class) for change in changes
    )


def test_an_event_never_outgrows_a_message_and_says_how_much_it_leaves_out():
    many = [
        Change(cmoc=f"c{n}", what="outcome", before="x" * 5000, after="y", change_class="MINOR") for n in range(5000)
    ]
    short = shortened(many)

    assert sum(len(change.model_dump_json()) for change in short) < 250_000
    assert short[-1].what == "further changes"
    assert short[-1].after + len(short) - 1 == 5000
