"""The map of the theories and the evidence matrix: claims and independent studies, counted apart."""

from __future__ import annotations

from io import BytesIO

import networkx
import pytest

from services.synthesis.domain.graphml import graphml_of
from shared.errors import NotFound
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

TWO_THEORIES = [
    {"id": "trust", "heading": "Trust", "statement": "Trust helps."},
    {"id": "time", "heading": "Time", "statement": "Time helps."},
]


@pytest.fixture
def coded(either_rig: SynthesisRig) -> SynthesisRig:
    """Two studies speak to the first CMOC, one of them by two reports, and one speaks against it."""
    either_rig.includes("r1", "r2", "r3")
    either_rig.lead.join_study(REVIEW, "r2", "one trial", same_as="r1")
    either_rig.links("r1", element="context")
    either_rig.links("r2", element="outcome", inference="inferred")
    either_rig.links("r3", element="outcome", stance="contradicts")
    either_rig.settles()
    return either_rig


def test_a_map_counts_claims_and_independent_studies_apart(coded):
    found = coded.lead.map(REVIEW)

    first, second = found.cmocs
    assert (first.cmoc, first.links, first.support, first.status) == ("c1", 3, 1, "contested")
    assert (second.cmoc, second.links, second.support) == ("c2", 0, 0)
    assert [(it.record, it.reports, it.links) for it in found.studies] == [("r1", 2, 2), ("r3", 1, 1)]
    assert [(it.stance, it.links, it.explicit) for it in found.edges] == [("supports", 2, 1), ("contradicts", 1, 1)]
    assert found.left_out.model_dump() == {"studies": 0, "links": 0} and found.settled


def test_an_edge_opens_its_links(coded):
    edge = coded.lead.map(REVIEW).edges[0]

    opened = list(coded.lead.evidence(REVIEW, cmoc=edge.cmoc, study=edge.study, stance=edge.stance))
    assert [it.record for it in opened] == ["r1", "r2"] and len(opened) == edge.links
    assert [it.record for it in coded.lead.evidence(REVIEW, stance="contradicts")] == ["r3"]


def test_a_map_that_would_be_too_large_says_what_it_leaves_out(coded):
    found = coded.lead.map(REVIEW, most=1)
    assert [it.record for it in found.studies] == ["r1"]
    assert found.left_out.model_dump() == {"studies": 1, "links": 1}


def test_what_does_not_stand_is_on_no_map(coded):
    coded.notices("r3", "retraction")
    coded.settles()
    found = coded.lead.map(REVIEW)
    assert [it.stance for it in found.edges] == ["supports"] and len(found.studies) == 1


def test_a_map_of_one_theory_has_its_cmocs_alone(rig_of):
    plan = protocol(("c1", "c2"), wording={"c2": {"theory": "time"}}, theories=TWO_THEORIES)
    rig = rig_of(plan)
    rig.includes("r1", "r2")
    rig.links("r1", "c1")
    rig.links("r2", "c2")
    rig.settles()

    found = rig.lead.map(REVIEW, theory="time")
    assert ([it.theory for it in found.theories], [it.cmoc for it in found.cmocs]) == (["time"], ["c2"])
    assert [it.record for it in found.studies] == ["r2"]
    with pytest.raises(NotFound, match="no theory 'luck'"):
        rig.lead.map(REVIEW, theory="luck")


def test_a_review_of_which_nothing_is_coded_has_an_empty_map(rig):
    found = rig.lead.map(REVIEW)
    assert (found.studies, found.edges, found.left_out.links) == ([], [], 0)
    assert list(rig.lead.studies_speaking(REVIEW)) == []


def test_the_map_reads_as_graphml_elsewhere(coded):
    graph = networkx.read_graphml(BytesIO(coded.lead.map_graphml(REVIEW).encode()), force_multigraph=True)

    assert graph.is_directed() and graph.graph["links_left_out"] == 0
    first = graph.nodes["cmoc:c1"]
    assert (first["status"], first["support"], first["claims"], first["flagged"]) == ("contested", 1, 3, False)
    assert graph.nodes["theory:trust"]["label"] == "Trust"
    stances = {said["stance"]: said["links"] for _, _, said in graph.in_edges("cmoc:c1", data=True)}
    assert stances == {"supports": 2, "contradicts": 1}
    assert list(graph.successors("cmoc:c1")) == ["theory:trust"]


def test_words_that_xml_means_otherwise_or_cannot_say_are_graphml_still(coded):
    found = coded.lead.map(REVIEW)
    studies = [it.model_copy(update={"title": 'A < B & "C"\x0b\x00'}) for it in found.studies]
    written = graphml_of(found.model_copy(update={"studies": studies}))
    graph = networkx.read_graphml(BytesIO(written.encode()))
    assert {said["label"] for _, said in graph.nodes(data=True) if said["kind"] == "study"} == {'A < B & "C"'}


def test_the_matrix_says_of_each_study_what_it_speaks_to(coded):
    one, other = sorted(coded.lead.studies_speaking(REVIEW), key=lambda it: it.record or "")
    assert (one.record, one.reports) == ("r1", 2)
    cells = {(it.cmoc, it.element, it.stance): (it.links, it.explicit) for it in one.cells}
    assert cells == {("c1", "context", "supports"): (1, 1), ("c1", "outcome", "supports"): (1, 0)}
    assert [(it.stance, it.links) for it in other.cells] == [("contradicts", 1)]


def test_the_matrix_reads_page_by_page(rig):
    rig.includes(*(f"r{n}" for n in range(5)))
    for n in range(5):
        rig.links(f"r{n}")
    http = rig.bench.person("rita", "reader")
    pages, cursor = [], None
    while not pages or cursor:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = http.get(f"/synthesis/reviews/{REVIEW}/studies", params=asked).json()
        pages.append([it["record"] for it in answer["items"]])
        cursor = answer["next"]
    assert [len(it) for it in pages] == [2, 2, 1] and len({it for some in pages for it in some}) == 5


def test_support_is_told_revision_by_revision(coded):
    coded.signs()
    coded.includes("r4")
    coded.links("r4", "c2")
    coded.signs()

    found = list(coded.lead.support_at_revisions(REVIEW))
    assert [(it.number, it.change_class) for it in found] == [(1, "MAJOR"), (2, "MINOR")]
    assert [[state.support for state in it.states] for it in found] == [[1, 0], [1, 1]]
