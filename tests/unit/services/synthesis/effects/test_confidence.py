"""How sure people are of a CMOC is theirs to say, by the four parts of GRADE-CERQual, and readers are told."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import ConfidenceJudged
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

SURE = {
    "methodological_limitations": "minor", "coherence": "none", "adequacy": "moderate", "relevance": "none",
    "confidence": "moderate", "why": "eight studies, all of one country",
}  # fmt: skip


def test_the_last_judgement_holds_is_published_and_all_of_them_stay(rig: SynthesisRig):
    rig.signs()
    rig.lead.judge_confidence(REVIEW, "c1", SURE)
    rig.person("carol").judge_confidence(REVIEW, "c1", SURE | {"confidence": "low", "why": "none is from a town"})
    rig.person("carol").judge_confidence(REVIEW, "c1", SURE | {"confidence": "low", "why": "none is from a town"})

    assert [(it.by, it.confidence) for it in rig.lead.confidence(REVIEW, "c1")] == [
        ("dora", "moderate"),
        ("carol", "low"),
    ]
    assert [it.by for it in rig.lead.confidence(REVIEW, "c1", newest_first=True)] == ["carol", "dora"]
    assert [event.before for event in rig.bench.emitted(ConfidenceJudged)] == [None, "moderate"]
    signed = rig.signs().content
    said = signed.cmocs[0].confidence
    assert said is not None and (said.confidence, said.by, said.why) == ("low", "carol", "none is from a town")
    assert [(it.what, it.after, it.change_class) for it in signed.changes] == [("confidence", "low", "MINOR")]
    assert rig.lead.verify(REVIEW, 2).holds and signed.cmocs[1].confidence is None


def test_it_changes_no_status_and_stays_when_evidence_comes(rig: SynthesisRig):
    rig.includes("r1")
    rig.lead.judge_confidence(REVIEW, "c1", SURE | {"confidence": "high"})
    rig.links("r1")

    assert rig.states()["c1"] == ("partially_supported", 1, False)
    judged = rig.draft().cmocs[0].confidence
    assert judged is not None and judged.confidence == "high"


def test_only_who_adjudicates_judges_and_only_what_the_protocol_has(rig: SynthesisRig):
    with pytest.raises(Forbidden):
        rig.person("ana").judge_confidence(REVIEW, "c1", SURE)
    with pytest.raises(NotFound, match="no CMOC"):
        rig.lead.judge_confidence(REVIEW, "c9", SURE)
    with pytest.raises(Invalid, match="coherence"):
        rig.lead.judge_confidence(REVIEW, "c1", SURE | {"coherence": "some"})
    rig.adopts(protocol(["c1"]), version=2)
    with pytest.raises(Conflict, match="no more"):
        rig.lead.judge_confidence(REVIEW, "c2", SURE)
    assert rig.bench.emitted(ConfidenceJudged) == []


def test_context_and_outcome_that_go_together_in_two_studies_are_a_pattern_with_what_speaks_against(rig: SynthesisRig):
    rig.includes("r1", "r2", "r3")
    for record in ("r1", "r2"):
        rig.links(record, element="context")
        assert rig.draft().cmocs[0].pattern is None
        rig.links(record, element="outcome")
    ends = rig.links("r3", element="context", stance="bounds").links[0].link
    against = rig.links("r3", element="outcome", stance="inverse").links[0].link

    pattern = rig.signs().content.cmocs[0].pattern

    assert pattern is not None and len(pattern.studies) == 2
    assert (pattern.counter, pattern.moderators) == ([against], [ends])
