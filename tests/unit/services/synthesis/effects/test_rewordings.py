"""Where a CMOC reads otherwise, each link to those words is to be judged anew, and stands until it is."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, Invalid
from shared.events.synthesis import LinksQuestioned, LinksRejudged
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

BETTER = {"c1": {"outcome": "a better one"}}


@pytest.fixture
def reworded(rig: SynthesisRig) -> SynthesisRig:
    """Three links to c1, of which the outcome reads otherwise since version 2; the third is to its context."""
    rig.includes("r1", "r2")
    rig.links("r1", element="outcome")
    rig.links("r2", element="whole", by="ben")
    rig.links("r1", element="context")
    rig.links("r1", "c2", element="outcome")
    rig.signs()
    rig.adopts(protocol(wording=BETTER), version=2, why="Two reviewers\nasked.")
    return rig


def asked(rig: SynthesisRig) -> dict[str, str]:
    return {it.element: it.link for it in rig.lead.evidence(REVIEW, asked=True)}


def test_the_links_to_what_reads_otherwise_and_to_the_whole_are_asked_about_and_stand(reworded: SynthesisRig):
    assert set(asked(reworded)) == {"outcome", "whole"}
    assert all(it.stands and it.asked_version == 2 for it in reworded.lead.evidence(REVIEW, asked=True))
    assert reworded.states() == {"c1": ("supported", 2, False), "c2": ("partially_supported", 1, False)}
    assert reworded.lead.status(REVIEW).links_to_judge == 2
    [event] = reworded.bench.emitted(LinksQuestioned)
    assert (event.cmoc, event.elements, event.protocol_version, event.links) == ("c1", ["outcome"], 2, 2)


def test_each_element_is_listed_with_how_many_links_and_both_words(reworded: SynthesisRig):
    found = {it.element: it for it in reworded.lead.rewordings(REVIEW)}

    assert {element: (it.cmoc, it.links, it.since_version) for element, it in found.items()} == {
        "outcome": ("c1", 1, 2), "whole": ("c1", 1, 2),
    }  # fmt: skip
    assert list(reworded.lead.rewordings(REVIEW, cmoc="c2")) == []
    for it in found.values():
        [words] = it.rewordings
        assert (words.part, words.before, words.after, words.by) == (
            "outcome", "outcome of c1", "a better one", "dora",
        )  # fmt: skip


def test_what_is_kept_stands_and_what_is_withdrawn_is_history(reworded: SynthesisRig):
    links = asked(reworded)
    kept = reworded.person("carol").judge_links(REVIEW, [links["outcome"]], "keep", "it says so")
    assert (kept.links, kept.left) == ([links["outcome"]], 1)
    gone = reworded.lead.judge_links(REVIEW, [links["whole"]], "withdraw", "it says the opposite")

    assert gone.left == 0 and reworded.states()["c1"] == ("partially_supported", 1, False)
    evidence = {it.link: it for it in reworded.lead.evidence(REVIEW, cmoc="c1")}
    assert evidence[links["whole"]].why_not == "withdrawn by dora: it says the opposite"
    assert evidence[links["outcome"]].stands and evidence[links["outcome"]].asked_version is None
    [judged] = reworded.lead.judgements_of_link(REVIEW, links["outcome"])
    assert (judged.verdict, judged.why, judged.by, judged.protocol_version) == ("keep", "it says so", "carol", 2)
    assert [it.verdict for it in reworded.bench.emitted(LinksRejudged)] == ["keep", "withdraw"]
    assert "evidence_withdrawn" in reworded.history() and not list(reworded.lead.rewordings(REVIEW))


def test_many_are_judged_at_once_or_none(reworded: SynthesisRig):
    links = list(asked(reworded).values())
    with pytest.raises(Invalid, match=r"links\[2\]: review 'small' has no link"):
        reworded.lead.judge_links(REVIEW, [*links, "link_1"], "keep", "so")
    other = next(it.link for it in reworded.lead.evidence(REVIEW, cmoc="c2"))
    with pytest.raises(Conflict, match="nobody asks"):
        reworded.lead.judge_links(REVIEW, [*links, other], "keep", "so")
    assert len(asked(reworded)) == 2 and reworded.bench.emitted(LinksRejudged) == []

    assert reworded.lead.judge_links(REVIEW, links, "keep", "so").left == 0
    assert len(reworded.bench.emitted(LinksRejudged)) == 1
    with pytest.raises(Conflict, match="nobody asks"):
        reworded.lead.judge_links(REVIEW, links, "withdraw", "so")


def test_who_coded_a_link_judges_it_and_no_other_coder_does(reworded: SynthesisRig):
    links = asked(reworded)
    with pytest.raises(Forbidden, match="was coded by ben"):
        reworded.person("ana").judge_links(REVIEW, [links["outcome"], links["whole"]], "keep", "so")
    assert reworded.person("ana").judge_links(REVIEW, [links["outcome"]], "keep", "so").left == 1


def test_words_that_change_twice_are_asked_about_once_with_all_that_became_of_them(reworded: SynthesisRig):
    reworded.adopts(protocol(wording={"c1": {"outcome": "the best one", "context": "elsewhere"}}), version=3)

    found = {it.element: it for it in reworded.lead.rewordings(REVIEW)}
    assert {element: it.since_version for element, it in found.items()} == {"outcome": 2, "whole": 2, "context": 3}
    assert [it.after for it in found["outcome"].rewordings] == ["a better one", "the best one"]
    assert len(found["whole"].rewordings) == 3


def test_what_is_withdrawn_or_coded_anew_is_asked_about_no_more(reworded: SynthesisRig):
    evidence = next(it for it in reworded.lead.evidence(REVIEW, asked=True) if it.element == "outcome")
    reworded.person("ana").withdraw(REVIEW, evidence.fragment, "misread")
    assert set(asked(reworded)) == {"whole"}
    reworded.links("r1", element="outcome")
    assert set(asked(reworded)) == {"whole"} and reworded.lead.status(REVIEW).links_to_judge == 1


def test_other_words_of_a_theory_or_of_a_cmoc_without_links_ask_nothing(rig: SynthesisRig):
    rig.includes("r1")
    rig.links("r1", "c2")
    theories = [{"id": "trust", "heading": "Trust", "statement": "Trust helps most."}]
    rig.adopts(protocol(wording=BETTER, theories=theories), version=2)

    assert asked(rig) == {} and rig.bench.emitted(LinksQuestioned) == []
