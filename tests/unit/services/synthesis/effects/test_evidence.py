"""Evidence is linked once, only for included records, and is withdrawn without being lost."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import EvidenceLinked, TheoryChanged
from shared.wire.synthesis import EvidenceBatch
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, evidence, protocol


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2")
    return rig


def test_a_link_is_told_as_a_step_on_its_records_way(rig: SynthesisRig):
    taken = rig.links("r1", "c1", element="resource", stance="bounds", inference="inferred", rationale="so it reads")

    [seen] = rig.bench.emitted(EvidenceLinked)
    assert (seen.record, seen.study, seen.fragment, seen.coder) == ("r1", taken.study, taken.fragment, "ana")
    [made] = seen.links
    assert (made.cmoc, made.element, made.stance, made.inference) == ("c1", "resource", "bounds", "inferred")
    [envelope] = [one for one in rig.bench.journal() if one.type == EvidenceLinked.type]
    assert envelope.correlationid == "r1"
    assert envelope.causationid is not None and envelope.actor == "ana"


def test_the_same_link_twice_changes_nothing(rig: SynthesisRig):
    first = rig.links("r1")
    again = rig.links("r1")

    assert (first.changed, again.changed) == (True, False)
    assert [link.link for link in again.links] == [link.link for link in first.links]
    assert len(rig.bench.emitted(EvidenceLinked)) == 1
    twice = EvidenceBatch(evidence=[evidence("r2"), evidence("r2")])
    assert [one.changed for one in rig.person("ana").link(REVIEW, twice).evidence] == [True, False]


def test_a_fragment_that_is_known_takes_further_links(rig: SynthesisRig):
    rig.links("r1", "c1", text="one fragment")
    more = rig.links("r1", "c2", text="one fragment")

    assert more.changed
    assert len({one.fragment for one in rig.lead.evidence(REVIEW)}) == 1


def test_two_coders_of_the_same_fragment_are_two_fragments_of_one_study(rig: SynthesisRig):
    mine, theirs = rig.links("r1", by="ana"), rig.links("r1", by="ben")

    assert mine.fragment != theirs.fragment
    assert rig.support() == [1, 0]


def test_a_link_coded_otherwise_before_is_a_conflict_not_a_silent_change(rig: SynthesisRig):
    rig.links("r1", inference="inferred")

    with pytest.raises(Conflict, match="as inferred"):
        rig.links("r1", inference="explicit")


def test_an_unknown_record_is_not_found_and_one_that_is_not_included_a_conflict(rig: SynthesisRig):
    with pytest.raises(NotFound):
        rig.links("nobody knows")

    rig.excludes("r3")
    rig.reopens("r2")
    for record, state in (("r3", "excluded"), ("r2", "reopened")):
        with pytest.raises(Conflict, match=state):
            rig.links(record)


def test_an_unknown_review_is_not_found_and_an_unknown_cmoc_invalid_with_its_place(rig: SynthesisRig):
    with pytest.raises(NotFound):
        rig.person("ana").link("other", EvidenceBatch(evidence=[evidence("r1")]))

    with pytest.raises(Invalid) as caught:
        batch = EvidenceBatch(evidence=[evidence("r1"), evidence("r2", "c7")])
        rig.person("ana").link(REVIEW, batch)
    assert caught.value.errors == [{"at": "evidence[1].links[0].cmoc", "why": "review 'small' has no CMOC 'c7'"}]
    with pytest.raises(Invalid) as caught:
        rig.person("ana").link_one(REVIEW, evidence("r2", "c7"))
    assert caught.value.errors[0]["at"] == "links[0].cmoc"


def test_of_a_batch_all_is_taken_or_nothing(rig: SynthesisRig):
    with pytest.raises(NotFound):
        rig.person("ana").link(REVIEW, EvidenceBatch(evidence=[evidence("r1"), evidence("unknown")]))

    assert list(rig.lead.evidence(REVIEW)) == []
    assert rig.bench.emitted(EvidenceLinked) == []


@pytest.mark.parametrize(
    "spoiled",
    [
        {"record": "r1"},
        {"record": "r1", "fragment": {}, "links": []},
        {"record": "r1", "fragment": {"locator": "p", "paraphrase": "x\0y", "data_type": "observation"}, "links": []},
        {"evidence": []},
        [],
        "words",
    ],
)
def test_malformed_evidence_is_a_clear_problem(rig: SynthesisRig, spoiled):
    answer = rig.bench.person("ana").post(f"/synthesis/reviews/{REVIEW}/evidence", json=spoiled)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_link_that_is_given_twice_in_one_fragment_is_invalid(rig: SynthesisRig):
    given = evidence("r1").model_dump()
    given["links"] += [given["links"][0] | {"inference": "inferred"}]

    answer = rig.bench.person("ana").post(f"/synthesis/reviews/{REVIEW}/evidence", json=given)
    assert answer.status_code == 422
    assert "link 1 repeats link 0" in answer.json()["errors"][0]["why"]


def test_more_than_a_batch_holds_is_refused(rig: SynthesisRig):
    many = [evidence("r1", text=str(number)).model_dump() for number in range(201)]

    answer = rig.bench.person("ana").post(f"/synthesis/reviews/{REVIEW}/evidence/batch", json={"evidence": many})
    assert answer.status_code == 422


def test_a_reader_may_not_code(rig: SynthesisRig):
    with pytest.raises(Forbidden):
        rig.links("r1", by="rita")


def test_withdrawn_evidence_counts_no_more_and_stays_to_be_seen(rig: SynthesisRig):
    taken = rig.links("r1")
    rig.links("r2")
    assert rig.support() == [2, 0]

    withdrawn = rig.person("ana").withdraw(REVIEW, taken.fragment, "misread")

    assert withdrawn.links == [link.link for link in taken.links]
    assert rig.support() == [1, 0]
    [gone] = [one for one in rig.lead.evidence(REVIEW) if not one.stands]
    assert (gone.fragment, gone.why_not) == (taken.fragment, "withdrawn by ana: misread")
    assert rig.history()[-1] == "evidence_withdrawn"
    assert rig.person("ana").withdraw(REVIEW, taken.fragment, "again").links == []


def test_one_link_of_a_fragment_can_be_withdrawn_by_itself(rig: SynthesisRig):
    kept, gone = rig.links("r1", "c1", text="one"), rig.links("r1", "c2", text="one")

    rig.person("ana").withdraw(REVIEW, kept.fragment, "not that one", link=gone.links[0].link)

    assert rig.support() == [1, 0]


def test_only_its_coder_or_a_lead_withdraws_a_fragment(rig: SynthesisRig):
    taken = rig.links("r1", by="ana")

    with pytest.raises(Forbidden, match="coded by ana"):
        rig.person("ben").withdraw(REVIEW, taken.fragment, "I would not")
    assert rig.lead.withdraw(REVIEW, taken.fragment, "after discussion").links
    with pytest.raises(NotFound):
        rig.lead.withdraw(REVIEW, "frag_none", "why")


def test_withdrawn_evidence_that_is_coded_again_stands_again_as_coded_then(rig: SynthesisRig):
    taken = rig.links("r1", inference="inferred")
    rig.person("ana").withdraw(REVIEW, taken.fragment, "too hasty")

    again = rig.links("r1", inference="explicit")

    assert (again.fragment, again.changed) == (taken.fragment, True)
    [link] = rig.lead.evidence(REVIEW)
    assert (link.stands, link.inference) == (True, "explicit")
    assert rig.support() == [1, 0]


def test_first_evidence_for_a_cmoc_that_was_set_aside_is_a_trigger(rig: SynthesisRig):
    rig.adopts(protocol(["c1"]), version=2)

    rig.links("r1", "c2")

    rules = [(one.rule, one.subject) for one in rig.lead.triggers(REVIEW)]
    assert ("set_aside_cmoc_has_evidence", "c2") in rules


def test_the_history_names_who_when_and_which_links(rig: SynthesisRig):
    taken = rig.links("r1")
    rig.person("ana").withdraw(REVIEW, taken.fragment, "misread")

    [event] = [one for one in rig.lead.history(REVIEW, "c1") if one.happened == "evidence_withdrawn"]
    assert (event.actor, event.why, event.links) == ("ana", "misread", [taken.links[0].link])
    [seen] = [one for one in rig.bench.emitted(TheoryChanged) if one.happened == "evidence_withdrawn"]
    assert seen.why == "misread"
    assert event.event in {envelope.id for envelope in rig.bench.journal()}
