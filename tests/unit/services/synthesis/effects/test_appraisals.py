"""Rigour is of a fragment and a claim: what people judge of a link holds, supersedes, and stays in its history."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Invalid, NotFound
from shared.events.synthesis import LinkAppraised
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, judged


def test_one_fragment_that_is_not_credible_for_its_claim_takes_support_away(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    outcome = rig.links("r1", element="outcome", text="a survey of twelve").links[0].link
    rig.person("ana").withdraw(REVIEW, _fragment_of(rig, "r2", "outcome"), "another one says it")
    assert rig.states()["c1"][0] == "supported"

    said = rig.person("ben").appraise(REVIEW, outcome, "not_credible", "twelve people of one team")

    assert rig.states()["c1"] == ("partially_supported", 2, False)
    unmet = [reason.rule for reason in rig.draft().cmocs[0].reasons if not reason.met]
    assert unmet == ["outcome_is_shown"]
    [event] = rig.bench.emitted(LinkAppraised)
    assert (event.link, event.credibility, event.before, event.by) == (outcome, "not_credible", None, "ben")
    assert said.event in {envelope.id for envelope in rig.bench.journal()}


def test_a_strong_nugget_of_a_weak_report_counts(rig: SynthesisRig):
    rig.includes("r1")
    rig.includes("weak", judgements=[judged("exclude")])
    rig.shows_all_of("c1", "r1", "weak")
    assert rig.states()["c1"][0] == "partially_supported"

    for one in [it for it in rig.lead.evidence(REVIEW) if it.record == "weak"]:
        rig.lead.appraise(REVIEW, one.link, "credible", "this piece was observed, not inferred")

    assert rig.states()["c1"][0] == "supported"


def test_caution_is_not_enough_by_itself(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    against = rig.links("r2", element="outcome", stance="contradicts").links[0].link
    assert rig.states()["c1"][0] == "contested"

    rig.lead.appraise(REVIEW, against, "caution", "a single remark")

    assert rig.states()["c1"][0] == "supported"


def test_the_last_judgement_holds_and_all_of_them_stay(rig: SynthesisRig):
    rig.includes("r1")
    link = rig.links("r1", credibility="caution").links[0].link
    rig.person("ana").appraise(REVIEW, link, "credible", "the author confirms it")
    rig.person("ben").appraise(REVIEW, link, "not_credible", "the author took it back")
    rig.person("ben").appraise(REVIEW, link, "not_credible", "the author took it back")

    assert [(one.by, one.credibility) for one in rig.lead.appraisals(REVIEW, link)] == [
        ("ana", "credible"),
        ("ben", "not_credible"),
    ]
    [seen] = rig.lead.evidence(REVIEW)
    assert seen.credibility == "not_credible"
    assert [event.before for event in rig.bench.emitted(LinkAppraised)] == ["caution", "credible"]


def test_what_is_coded_again_is_judged_again_by_the_same_words(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    taken = rig.links("r2", element="outcome", stance="contradicts")
    for _ in range(2):
        assert rig.states()["c1"][0] == "contested"
        rig.person("ben").appraise(REVIEW, taken.links[0].link, "not_credible", "hearsay")
        assert rig.states()["c1"][0] == "supported"
        rig.person("ana").withdraw(REVIEW, taken.fragment, "too hasty")
        rig.links("r2", element="outcome", stance="contradicts")


def test_what_there_is_not_and_what_was_withdrawn_is_not_judged(rig: SynthesisRig):
    rig.includes("r1")
    taken = rig.links("r1")
    rig.lead.withdraw(REVIEW, taken.fragment, "misread")

    with pytest.raises(Conflict, match="misread"):
        rig.lead.appraise(REVIEW, taken.links[0].link, "credible", "why")
    with pytest.raises(NotFound, match="no link"):
        rig.lead.appraise(REVIEW, "link_none", "credible", "why")
    with pytest.raises(NotFound):
        list(rig.lead.appraisals(REVIEW, "link_none"))
    with pytest.raises(Invalid, match="credibility"):
        rig.lead.appraise(REVIEW, taken.links[0].link, "certain", "why")


def _fragment_of(rig: SynthesisRig, record: str, element: str) -> str:
    return next(it.fragment for it in rig.lead.evidence(REVIEW, record=record) if it.element == element)
