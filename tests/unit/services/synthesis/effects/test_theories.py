"""The CMOCs follow the protocol's versions, and nothing of them is ever lost."""

from __future__ import annotations

import pytest

from shared.errors import NotFound
from shared.events.synthesis import TheoryChanged
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


def test_a_protocol_proposes_its_cmocs(rig: SynthesisRig):
    seen = rig.bench.emitted(TheoryChanged)

    assert [(event.cmoc, event.happened) for event in seen] == [("c1", "proposed"), ("c2", "proposed")]
    assert "outcome: outcome of c1" in seen[0].after
    assert rig.states() == {"c1": ("no_evidence", 0, False), "c2": ("no_evidence", 0, False)}


def test_another_wording_refines_a_cmoc_and_tells_what_changed(rig: SynthesisRig):
    rig.adopts(protocol(wording={"c1": {"outcome": "a better one"}}), version=2)

    [refined] = [event for event in rig.bench.emitted(TheoryChanged) if event.happened == "refined"]
    assert (refined.cmoc, refined.before, refined.after) == ("c1", "outcome: outcome of c1", "outcome: a better one")
    assert rig.history("c2") == ["proposed"]


def test_a_cmoc_that_the_protocol_drops_is_set_aside_with_its_evidence_and_can_come_back(rig: SynthesisRig):
    rig.includes("r1")
    rig.links("r1", "c2")
    rig.settles()
    rig.adopts(protocol(["c1"]), version=2)

    assert list(rig.states()) == ["c1"]
    assert [cmoc.cmoc for cmoc in rig.lead.cmocs(REVIEW) if cmoc.set_aside_at] == ["c2"]
    assert len(list(rig.lead.evidence(REVIEW, cmoc="c2"))) == 1

    rig.adopts(protocol(), version=3)

    assert rig.states()["c2"] == ("partially_supported", 1, False)
    assert rig.history("c2")[:4] == ["proposed", "partially_supported", "set_aside", "reinstated"]


def test_one_cmoc_says_by_which_rules_it_stands_as_it_does_until_it_is_no_more(rig: SynthesisRig):
    rig.includes("r1")
    rig.links("r1", "c2")
    rig.settles()

    found = rig.lead.cmoc(REVIEW, "c2")
    assert found.drafted == next(it for it in rig.lead.draft(REVIEW).cmocs if it.cmoc == "c2")
    named = {study for reason in found.drafted.reasons for study in reason.studies}
    assert found.drafted.reasons and {it.study for it in found.studies} == named
    assert [(it.records, it.titles) for it in found.studies] == [(["r1"], ["Title of r1"])]
    assert (untouched := rig.lead.cmoc(REVIEW, "c1")).studies == [] and untouched.about.outcome == "outcome of c1"

    rig.adopts(protocol(["c1"]), version=2)
    rig.settles()

    gone = rig.lead.cmoc(REVIEW, "c2")
    assert (gone.about.gone_how, gone.drafted, gone.studies) == ("set_aside", None, [])
    with pytest.raises(NotFound, match="has no CMOC 'c9'"):
        rig.lead.cmoc(REVIEW, "c9")


def lives_on(cmocs: dict[str, list[str]], **changes: object) -> object:
    """A protocol with these CMOCs, each with its lineage."""
    plan = protocol(list(cmocs), **changes)
    worded = [cmoc.model_copy(update={"lineage": cmocs[cmoc.id]}) for cmoc in plan.cmocs]
    return plan.model_copy(update={"cmocs": worded})


def gone(rig: SynthesisRig) -> dict[str, tuple[str | None, list[str]]]:
    return {it.cmoc: (it.gone_how, it.gone_into) for it in rig.lead.cmocs(REVIEW) if it.set_aside_at}


def test_two_that_live_on_as_one_are_merged_and_what_is_published_says_so(rig: SynthesisRig):
    rig.includes("r1")
    rig.links("r1", "c2")
    rig.signs()
    rig.adopts(lives_on({"c3": ["c1", "c2"]}), version=2)

    assert gone(rig) == {"c1": ("merged", ["c3"]), "c2": ("merged", ["c3"])}
    merged = [event for event in rig.bench.emitted(TheoryChanged) if event.happened == "merged"]
    assert [(event.cmoc, event.into) for event in merged] == [("c1", ["c3"]), ("c2", ["c3"])]
    signed = rig.signs().content
    assert [(it.cmoc, it.what, it.after) for it in signed.changes] == [
        ("c3", "added", "no_evidence"),
        ("c1", "merged", "c3"),
        ("c2", "merged", "c3"),
    ]
    assert signed.change_class == "MAJOR" and [it.cmoc for it in signed.gone] == ["c1", "c2"]
    assert rig.lead.diff(REVIEW, 1, 2).changes == signed.changes


def test_one_that_lives_on_as_two_is_split_and_the_evidence_is_found_from_either(rig: SynthesisRig):
    rig.adopts(lives_on({"c1": [], "c3": ["c2"], "c4": ["c2"]}), version=2)
    rig.adopts(lives_on({"c1": [], "c5": ["c3", "c4"]}), version=3)

    assert gone(rig) == {"c2": ("split", ["c3", "c4"]), "c3": ("merged", ["c5"]), "c4": ("merged", ["c5"])}
    kin = rig.lead.kin(REVIEW, "c5")
    assert ([it.cmoc for it in kin.before], kin.after) == (["c3", "c4", "c2"], [])
    assert [it.cmoc for it in rig.lead.kin(REVIEW, "c2").after] == ["c3", "c4", "c5"]
    with pytest.raises(NotFound):
        rig.lead.kin(REVIEW, "c9")


def test_what_is_refuted_is_so_by_a_person_who_says_why_and_who_thinks_otherwise(rig: SynthesisRig):
    refuted = [{"cmoc": "c2", "how": "refuted", "why": "three trials show the opposite", "dissent": "ana: too early"}]
    rig.signs()
    rig.adopts(protocol(["c1"], set_aside=refuted), version=2)

    [cmoc] = [it for it in rig.lead.cmocs(REVIEW) if it.set_aside_at]
    assert (cmoc.gone_how, cmoc.gone_why, cmoc.gone_by) == ("refuted", "three trials show the opposite", "dora")
    assert cmoc.dissent == "ana: too early"
    assert rig.history("c2")[-1] == "refuted"
    assert [(it.cmoc, it.what) for it in rig.draft().changes] == [("c2", "refuted")]
    rig.adopts(protocol(), version=3)
    assert gone(rig) == {} and rig.draft().changes == []


def test_an_older_version_never_overwrites_a_newer_one(rig: SynthesisRig):
    rig.adopts(protocol(["c1", "c2", "c3"]), version=3)
    before = rig.lead.cmocs(REVIEW)

    rig.adopts(protocol(["c2"]), version=2)
    rig.adopts(protocol(["c1"]), version=3)

    assert rig.lead.cmocs(REVIEW) == before
    assert rig.lead.status(REVIEW).protocol_version == 3


def test_cmocs_are_stated_in_the_protocols_order(rig: SynthesisRig):
    rig.adopts(protocol(["c9", "c1", "c2"]), version=2)

    assert list(rig.states()) == ["c9", "c1", "c2"]


def test_an_amendment_is_a_trigger_and_the_first_version_is_none(rig: SynthesisRig):
    assert list(rig.lead.triggers(REVIEW)) == []

    rig.adopts(protocol(["c1"]), version=2)

    assert [(one.rule, one.subject) for one in rig.lead.triggers(REVIEW)] == [("protocol_amended", "2")]


def test_the_same_protocol_heard_twice_changes_nothing(rig: SynthesisRig):
    envelope = rig.adopts(protocol(["c1", "c2", "c3"]), version=2)
    seen = rig.bench.journal()

    rig.bench.hears_envelope(envelope)

    assert rig.bench.journal() == seen


def test_a_protocol_that_asks_for_one_more_study_has_the_rule_fire_and_one_that_says_nothing_asks_for_three(
    rig: SynthesisRig,
):
    rig.signs()
    rig.adopts(protocol(triggers={"new_supports": 2, "doubts": 2}), version=2)
    rig.includes("r1", "r2")
    rig.links("r1")
    rig.links("r1", stance="bounds")
    rig.settles()
    seen = "new_supports_without_new_wording", "contradiction_or_bound_arrived"
    assert not {it.rule for it in rig.lead.triggers(REVIEW)} & {*seen}
    rig.links("r2")
    rig.links("r2", stance="contradicts")
    rig.settles()

    assert {it.rule for it in rig.lead.triggers(REVIEW)} >= {*seen}
