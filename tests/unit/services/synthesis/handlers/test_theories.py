"""The CMOCs follow the protocol's versions, and nothing of them is ever lost."""

from __future__ import annotations

from shared.events.synthesis import TheoryChanged
from tests.unit.services.synthesis.room import REVIEW, Room, protocol


def test_a_protocol_proposes_its_cmocs(room: Room):
    told = room.bench.told(TheoryChanged)

    assert [(event.cmoc, event.happened) for event in told] == [("c1", "proposed"), ("c2", "proposed")]
    assert "outcome: outcome of c1" in told[0].after
    assert room.states() == {"c1": ("no_evidence", 0, False), "c2": ("no_evidence", 0, False)}


def test_another_wording_refines_a_cmoc_and_tells_what_changed(room: Room):
    room.adopts(protocol(wording={"c1": {"outcome": "a better one"}}), version=2)

    [refined] = [event for event in room.bench.told(TheoryChanged) if event.happened == "refined"]
    assert (refined.cmoc, refined.before, refined.after) == ("c1", "outcome: outcome of c1", "outcome: a better one")
    assert room.history("c2") == ["proposed"]


def test_a_cmoc_that_the_protocol_drops_is_set_aside_with_its_evidence_and_can_come_back(room: Room):
    room.includes("r1")
    room.links("r1", "c2")
    room.settles()
    room.adopts(protocol(["c1"]), version=2)

    assert list(room.states()) == ["c1"]
    assert [cmoc.cmoc for cmoc in room.lead.cmocs(REVIEW) if cmoc.set_aside_at] == ["c2"]
    assert len(list(room.lead.evidence(REVIEW, cmoc="c2"))) == 1

    room.adopts(protocol(), version=3)

    assert room.states()["c2"] == ("partially_supported", 1, False)
    assert room.history("c2")[:4] == ["proposed", "partially_supported", "set_aside", "reinstated"]


def test_an_older_version_never_overwrites_a_newer_one(room: Room):
    room.adopts(protocol(["c1", "c2", "c3"]), version=3)
    before = room.lead.cmocs(REVIEW)

    room.adopts(protocol(["c2"]), version=2)
    room.adopts(protocol(["c1"]), version=3)

    assert room.lead.cmocs(REVIEW) == before
    assert room.lead.status(REVIEW).protocol_version == 3


def test_cmocs_are_stated_in_the_protocols_order(room: Room):
    room.adopts(protocol(["c9", "c1", "c2"]), version=2)

    assert list(room.states()) == ["c9", "c1", "c2"]


def test_an_amendment_is_a_trigger_and_the_first_version_is_none(room: Room):
    assert list(room.lead.triggers(REVIEW)) == []

    room.adopts(protocol(["c1"]), version=2)

    assert [(one.rule, one.subject) for one in room.lead.triggers(REVIEW)] == [("protocol_amended", "2")]


def test_the_same_protocol_heard_twice_changes_nothing(room: Room):
    envelope = room.adopts(protocol(["c1", "c2", "c3"]), version=2)
    told = room.bench.journal()

    room.bench.hears_envelope(envelope)

    assert room.bench.journal() == told
