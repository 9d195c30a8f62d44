"""What the evidence suggests to do with CMOCs: one row a rule, and what just does not suggest it."""

from __future__ import annotations

import pytest

from services.synthesis.domain.proposals import Proposed, footing_of, mergers, proposals_of
from services.synthesis.domain.states import Link, Report, Wording, statement_of


def wording(cmoc: str = "c1", reasoning: str = "people feel safe", taken_up: tuple[str, ...] = ()) -> Wording:
    return Wording(cmoc, "t", "c", "m", reasoning, "o", taken_up)


def link(
    study: str,
    element: str,
    stance: str = "supports",
    *,
    cmoc: str = "c1",
    fragment: str = "",
    inference: str = "explicit",
) -> Link:
    fragment = fragment or f"{study} of {cmoc}"
    return Link(f"{fragment}/{cmoc}/{element}/{stance}", fragment, study, cmoc, element, stance, inference)


def reports(*links: Link) -> dict[str, Report]:
    """Each record a study of its own, which stands; those that begin with `weak` are not credible."""
    return {it.record: Report(it.record, it.record, True, not it.record.startswith("weak")) for it in links}


def suggested(*links: Link, published: str | None = None, taken_up: tuple[str, ...] = ()) -> list[Proposed]:
    worded, known = wording(taken_up=taken_up), reports(*links)
    status = statement_of(worded, links, known, False).statement.status
    return list(proposals_of(worded, links, known, status=status, published=published, taken_up=taken_up))


def pairs(first: list[Link], second: list[Link], *, alike: bool = False) -> list[Proposed]:
    known = reports(*first, *second)
    footings = [
        footing_of(wording("c1"), first, known),
        footing_of(
            wording("c2", "People feel   SAFE" if alike else "people hold each other to account"), second, known
        ),
    ]
    return list(mergers(footings[:1], footings))


def speaking(cmoc: str, *studies: str, shared: tuple[str, ...] = ()) -> list[Link]:
    """Reasoning of a CMOC by these studies; of those `shared`, one fragment speaks to any CMOC."""
    return [
        link(study, "reasoning", cmoc=cmoc, fragment=f"{study} of both" if study in shared else "") for study in studies
    ]


def test_a_cmoc_published_without_evidence_that_still_has_none_might_be_set_aside():
    assert [it.kind for it in suggested(published="no_evidence")] == ["set_aside"]
    assert suggested(published=None) == []
    assert suggested(link("a", "context"), published="no_evidence") == []


def test_two_independent_studies_that_refine_an_element_suggest_other_words_with_their_links():
    [one] = suggested(link("a", "context", "refines"), link("b", "context", "refines"), link("c", "context"))

    assert (one.kind, one.element, one.cmocs) == ("refine", "context", ("c1",))
    assert one.links == ("a of c1/c1/context/refines", "b of c1/c1/context/refines")


@pytest.mark.parametrize(
    "second",
    [
        link("a", "context", "refines", fragment="another of a"),
        link("b", "outcome", "refines"),
        link("b", "context", "refines", inference="inferred"),
        link("weak b", "context", "refines"),
    ],
    ids=["the same study", "another element", "inferred", "not credible"],
)
def test_one_study_alone_suggests_no_other_words(second):
    assert suggested(link("a", "context", "refines"), second) == []


def test_what_a_person_has_taken_up_suggests_nothing_again():
    both = [link("a", "context", "refines"), link("b", "context", "refines")]

    assert suggested(*both, taken_up=(both[0].link,)) == []
    third = link("c", "context", "refines")
    assert suggested(*both, third, taken_up=(both[0].link,))[0].links == (both[1].link, third.link)


def test_studies_that_show_it_and_others_that_show_where_it_ends_suggest_two_configurations():
    within, beyond = [link(it, "context") for it in "ab"], [link(it, "context", "bounds") for it in "cd"]

    [one] = suggested(*within, *beyond)

    assert (one.kind, one.element) == ("split", "context")
    assert one.links == tuple(sorted(it.link for it in [*within, *beyond]))


@pytest.mark.parametrize("beyond", [["c"], ["a", "b"], ["a", "c"], ["weak c", "weak d"]])
def test_a_single_bound_or_bounds_by_the_same_studies_suggest_no_split(beyond):
    links = [link(it, "context") for it in "ab"] + [link(it, "context", "bounds") for it in beyond]

    assert suggested(*links) == []


def test_two_cmocs_that_share_most_papers_and_their_reasoning_suggest_a_merger():
    [one] = pairs(speaking("c1", *"abc", shared=("a", "b")), speaking("c2", *"abd", shared=("a", "b")))

    assert (one.kind, one.cmocs, one.element) == ("merge", ("c1", "c2"), "reasoning")
    assert "2 of 4 studies" in one.why and len(one.links) == 4
    assert [it.kind for it in pairs(speaking("c1", *"ab"), speaking("c2", *"ab"), alike=True)] == ["merge"]


def test_papers_alone_never_suggest_a_merger_however_many_are_shared():
    assert pairs(speaking("c1", *"abcdefgh"), speaking("c2", *"abcdefgh")) == []
    whole = [[link(it, "whole", cmoc=cmoc, fragment=f"{it} of both") for it in "abcd"] for cmoc in ("c1", "c2")]
    assert pairs(*whole) == []


def test_the_same_words_without_shared_papers_suggest_no_merger():
    assert pairs(speaking("c1", *"abc"), speaking("c2", *"cde"), alike=True) == []
    assert pairs(speaking("c1"), speaking("c2"), alike=True) == []
