"""Splits: votes return to where they were cast, what was voted since stays, and each record is somewhere."""

from __future__ import annotations

from services.screening.store import task_id
from shared.events.screening import RecordExcluded, RecordIncluded, RecordReopened
from tests.unit.services.screening.rig import REVIEW, ScreeningRig, lost, merged, noticed, parted
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_merges import NO, stage, vote_on


def test_votes_cast_before_the_merger_return_and_those_since_stay(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")
    rig.hears(merged("r1", into="r2"))
    vote_on(rig, "r2", "ben", "include")
    assert rig.record("r2")["stage"] == "depth"

    rig.hears(parted("r1", out_of="r2"))

    assert [vote["person"] for vote in stage(rig, "r1")["votes"] or []] in (["ana"], [])
    assert (stage(rig, "r1")["votes_cast"], stage(rig, "r1")["state"]) == (1, "open")
    assert (stage(rig, "r2")["votes_cast"], stage(rig, "r2")["state"]) == (1, "open")
    assert (rig.record("r1")["state"], rig.record("r2")["stage"]) == ("screening", "sift")
    assert {event.record for event in rig.bench.emitted(RecordReopened)} == {"r1", "r2"}
    assert rig.record("r1")["merge"] is None


def test_a_record_that_was_excluded_is_so_again(rig):
    rig.discovers("r1")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "exclude", **NO)
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r2")["state"] == "excluded"

    rig.hears(parted("r1", out_of="r2"))

    assert rig.record("r1")["state"] == "excluded"
    assert (rig.record("r2")["state"], stage(rig, "r2")["votes_cast"]) == ("screening", 0)
    assert [event.record for event in rig.bench.emitted(RecordExcluded)] == ["r1", "r2", "r1"]
    assert [shown["n"] for shown in rig.gets("/agreement").json()] == [1]


def test_a_record_that_was_included_is_so_again_with_its_judgements(rig):
    rig.discovers("r1")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "include")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "rich", fields={"cmocs": ["c1"]})
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))

    rig.hears(parted("r1", out_of="r2"))

    included = rig.bench.emitted(RecordIncluded)
    assert [event.record for event in included] == ["r1", "r2", "r1"]
    assert [judged.answer for judged in included[-1].judgements] == ["include", "rich"]
    assert (rig.record("r1")["state"], rig.record("r2")["state"]) == ("included", "screening")


def test_a_decision_on_other_votes_stays_with_the_survivor(rig):
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")
    for name in ("ben", "cy"):
        rig.votes(name, rig.claims(name)["lease"], "include")
    decided = "r1" if rig.record("r1")["stage"] == "depth" else "r2"
    other = "r2" if decided == "r1" else "r1"
    rig.hears(merged(other, into=decided))

    rig.hears(parted(other, out_of=decided))

    assert rig.record(decided)["stage"] == "depth"
    assert rig.record(other)["stage"] == "sift"


def test_a_new_record_comes_into_the_first_stage(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")

    rig.hears(parted("r9", out_of="r1", revision=1), parted("r9", out_of="r1", revision=1))

    assert (rig.record("r9")["state"], stage(rig, "r9")["votes_cast"]) == ("screening", 0)
    assert stage(rig, "r1")["votes_cast"] == 1


def test_what_was_merged_into_it_comes_with_it(rig):
    rig.discovers("r1", "r2", "r3")
    vote_on(rig, "r1", "ana", "include")
    rig.hears(merged("r1", into="r2"), merged("r2", into="r3"))
    assert stage(rig, "r3")["votes_cast"] == 1

    rig.hears(parted("r2", out_of="r3", brings=["r1"]))

    assert (stage(rig, "r2")["votes_cast"], stage(rig, "r3")["votes_cast"]) == (1, 0)
    assert [merge["record"] for merge in rig.record("r2")["absorbed"]] == ["r1"]


def test_what_decided_it_goes_with_what_was_merged_into_it_and_is_parted_first(rig):
    rig.discovers("r1", "r2", "r3")
    task = both_include(rig, "r1")
    rig.hears(merged("r1", into="r2"), merged("r2", into="r3"))

    rig.hears(parted("r1", out_of="r3"), parted("r2", out_of="r3"))

    assert [rig.record(name)["stage"] for name in ("r1", "r2", "r3")] == ["depth", "sift", "sift"]
    assert (stage(rig, "r2")["votes_cast"], stage(rig, "r2")["state"]) == (0, "open")
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")])


def test_what_decided_it_comes_back_to_it_with_what_was_merged_into_it(rig):
    rig.discovers("r1", "r2", "r3")
    task = both_include(rig, "r1")
    rig.hears(merged("r1", into="r2"), merged("r2", into="r3"))

    rig.hears(parted("r2", out_of="r3", brings=["r1"]))

    assert (rig.record("r2")["stage"], rig.record("r3")["stage"]) == ("depth", "sift")
    assert [vote["person"] for vote in stage(rig, "r2")["votes"]] == ["ana", "ben"]
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")])

    rig.hears(parted("r1", out_of="r2"))

    assert [rig.record(name)["stage"] for name in ("r1", "r2", "r3")] == ["depth", "sift", "sift"]
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")])


def both_include(rig: ScreeningRig, record: str) -> str:
    """Ana and ben let a record on; the task."""
    for name in ("ana", "ben"):
        vote_on(rig, record, name, "include")
    return task_id(REVIEW, record, "sift")


def test_a_split_and_a_merger_again_and_each_heard_twice(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")
    for _ in range(2):
        rig.hears(merged("r1", into="r2"), merged("r1", into="r2"))
        assert stage(rig, "r2")["votes_cast"] == 1
        rig.hears(parted("r1", out_of="r2"), parted("r1", out_of="r2"))
        assert (stage(rig, "r1")["votes_cast"], stage(rig, "r2")["votes_cast"]) == (1, 0)

    vote_on(rig, "r1", "ben", "include")
    assert rig.record("r1")["stage"] == "depth"


def test_an_adjudicators_decision_returns_with_the_votes_it_was_made_on(rig: ScreeningRig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r1", "ben", "unsure")
    rig.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r2")["state"] == "excluded"

    rig.hears(parted("r1", out_of="r2"))

    assert rig.record("r1")["state"] == "excluded"
    assert [vote["person"] for vote in stage(rig, "r1")["votes"]] == ["ana", "ben", "cy"]
    assert (rig.record("r2")["state"], stage(rig, "r2")["votes_cast"]) == ("screening", 0)


def test_notices_go_with_the_record_that_they_are_told_of(rig):
    rig.discovers("r1", "r2")
    rig.hears(noticed("r1", "retraction"), merged("r1", into="r2"))
    assert len(rig.record("r2")["notices"]) == 1

    rig.hears(parted("r1", out_of="r2"), noticed("r1", "retraction"), lost("r2", "retraction_of_r1"))

    assert [notice["notice"] for notice in rig.record("r1")["notices"]] == ["retraction_of_r1"]
    assert rig.record("r2")["notices"] == []


def test_what_was_parted_from_it_before_that_was_heard_comes_with_it_no_more(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3", "r4")
    task = vote_on(rig, "r1", "ana", "include")["task"]
    rig.hears(merged("r1", into="r2"), merged("r4", into="r1"), merged("r2", into="r3"))

    # Events of one record come in their order; of several, in any.
    rig.hears(parted("r1", out_of="r2", revision=11, brings=["r4"]))
    rig.hears(parted("r2", out_of="r3", brings=["r1", "r4"]))

    assert [rig.record(name)["state"] for name in ("r1", "r2", "r3")] == ["screening"] * 3
    assert [rig.record(name)["merge"] for name in ("r1", "r2")] == [None, None]
    assert [merge["record"] for merge in rig.record("r1")["absorbed"]] == ["r4"]
    assert rig.record("r2")["absorbed"] == []
    assert_sound(rig.bench, REVIEW, [(task, "ana")])


def test_what_it_brings_whose_merger_was_not_heard_yet_comes_once_it_is(rig):
    rig.discovers("r1", "r2", "r3")
    task = vote_on(rig, "r1", "ana", "include")["task"]
    rig.hears(merged("r2", into="r3"))

    rig.hears(parted("r2", out_of="r3", brings=["r1"]))
    assert (rig.record("r1")["state"], rig.record("r2")["absorbed"]) == ("screening", [])

    rig.hears(merged("r1", into="r2"))
    assert [merge["record"] for merge in rig.record("r2")["absorbed"]] == ["r1"]
    assert stage(rig, "r2")["votes_cast"] == 1
    assert_sound(rig.bench, REVIEW, [(task, "ana")])
