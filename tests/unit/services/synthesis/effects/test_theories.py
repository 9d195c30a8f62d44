"""The CMOCs follow the protocol's versions, and nothing of them is ever lost."""

from __future__ import annotations

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
