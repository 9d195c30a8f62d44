"""What the evidence suggests is told once, lapses by itself, and is declined by people alone."""

from __future__ import annotations

import pytest

from services.synthesis.models import ProposalRow
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.synthesis import ProposalClosed, ProposalOpened
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


def refines(rig: SynthesisRig, *records: str) -> None:
    for record in records:
        rig.links(record, element="outcome", stance="refines")


@pytest.fixture
def suggested(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2", "r3")
    refines(rig, "r1", "r2")
    rig.settles()
    return rig


def open_ones(rig: SynthesisRig) -> list[tuple[str, list[str], str | None]]:
    return [(it.kind, it.cmocs, it.element) for it in rig.lead.proposals(REVIEW, "open")]


def test_what_the_evidence_suggests_is_told_once_and_is_a_trigger(suggested: SynthesisRig):
    [it] = suggested.lead.proposals(REVIEW)
    refines(suggested, "r3")
    suggested.settles()

    assert (it.kind, it.cmocs, it.element, it.state, it.cycle) == ("refine", ["c1"], "outcome", "open", 1)
    [event] = suggested.bench.emitted(ProposalOpened)
    assert (event.proposal, event.links) == (it.proposal, it.links)
    [now] = suggested.lead.proposals(REVIEW)
    assert len(now.links) == 3 and now.proposed_at == it.proposed_at
    assert ("theory_change_proposed", it.proposal) in [
        (one.rule, one.subject) for one in suggested.lead.triggers(REVIEW)
    ]


def test_it_lapses_when_the_evidence_goes_and_comes_back_with_it(suggested: SynthesisRig):
    suggested.excludes("r2")
    suggested.settles()
    assert open_ones(suggested) == []
    assert [it.state for it in suggested.bench.emitted(ProposalClosed)] == ["lapsed"]

    suggested.includes("r2")
    suggested.settles()
    assert open_ones(suggested) == [("refine", ["c1"], "outcome")]


def test_declined_it_stays_so_until_other_links_speak_for_it(suggested: SynthesisRig):
    [it] = suggested.lead.proposals(REVIEW)
    declined = suggested.lead.decline(REVIEW, it.proposal, "both name the same team")
    suggested.links("r1", element="context")
    suggested.settles()
    assert (declined.state, declined.decided_by, declined.decided_why) == (
        "declined",
        "dora",
        "both name the same team",
    )
    assert open_ones(suggested) == []

    refines(suggested, "r3")
    suggested.settles()
    [again] = suggested.lead.proposals(REVIEW, "open")
    assert (again.proposal, again.decided_by) == (it.proposal, None)
    assert len(suggested.bench.emitted(ProposalOpened)) == 2


def test_an_amendment_that_words_the_element_anew_is_what_was_suggested(suggested: SynthesisRig):
    suggested.adopts(protocol(wording={"c1": {"outcome": "as they refine it"}}), version=2)
    suggested.settles()
    assert open_ones(suggested) == []

    refines(suggested, "r3")
    suggested.settles()
    assert open_ones(suggested) == []  # One study alone speaks for yet other words.


def test_only_a_lead_declines_and_only_what_is_open(suggested: SynthesisRig):
    [it] = suggested.lead.proposals(REVIEW)
    with pytest.raises(Forbidden):
        suggested.person("ana").decline(REVIEW, it.proposal, "why")
    with pytest.raises(NotFound, match="no proposal"):
        suggested.lead.decline(REVIEW, "proposal_none", "why")
    suggested.lead.decline(REVIEW, it.proposal, "once")
    with pytest.raises(Conflict, match="declined: once"):
        suggested.lead.decline(REVIEW, it.proposal, "twice")


def test_a_merger_is_suggested_whichever_of_the_two_something_arrives_for_last(rig: SynthesisRig):
    rig.includes("r1", "r2")
    for cmoc in ("c2", "c1"):
        for record in ("r1", "r2"):
            rig.links(record, cmoc, element="reasoning", text=f"what {record} says of both")
        rig.settles()

    assert open_ones(rig) == [("merge", ["c1", "c2"], "reasoning")]
    rig.adopts(protocol(["c1"]), version=2)
    rig.settles()
    assert open_ones(rig) == []


def test_three_more_studies_without_other_words_ask_for_another_look(rig: SynthesisRig):
    rig.includes("r1", "r2", "r3", "r4")
    rig.links("r1")
    rig.links("r1", "c2")
    rig.signs()
    for record in ("r2", "r3"):
        rig.links(record)
    rig.settles()
    assert [it.rule for it in rig.lead.triggers(REVIEW)] == []

    rig.links("r4")
    rig.settles()
    assert [(it.rule, it.subject) for it in rig.lead.triggers(REVIEW)] == [("new_supports_without_new_wording", "c1")]


def test_the_links_that_speak_for_it_are_listed_by_its_name_and_it_is_counted(suggested: SynthesisRig):
    [it] = suggested.lead.proposals(REVIEW)

    assert suggested.lead.proposal(REVIEW, it.proposal) == it
    assert sorted(one.link for one in suggested.lead.evidence(REVIEW, proposal=it.proposal)) == it.links
    assert suggested.lead.status(REVIEW).open_proposals == 1
    suggested.lead.decline(REVIEW, it.proposal, "one team")
    assert suggested.lead.status(REVIEW).open_proposals == 0
    with pytest.raises(NotFound):
        suggested.lead.proposal(REVIEW, "prop_none")


def test_more_links_than_a_statement_takes_may_speak_for_it(either_rig: SynthesisRig):
    either_rig.includes("r1", "r2")
    refines(either_rig, "r1", "r2")
    either_rig.settles()
    [it] = either_rig.lead.proposals(REVIEW)
    with either_rig.bench.work() as work:
        row = work.session.get_one(ProposalRow, it.proposal)
        row.links = [*row.links, *(f"link_{number:06}" for number in range(70_000))]

    found = either_rig.lead.evidence(REVIEW, proposal=it.proposal)
    assert sorted(one.link for one in found) == it.links
    [first] = either_rig.lead.evidence(REVIEW, proposal=it.proposal, link=it.links[0])
    assert first.link == it.links[0]
