"""The status rules of a realist synthesis, and that nothing but what stands counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.states import PARTS, Link, Report, Wording, credible, synthesise
from shared.wire.synthesis import Body, Statement

WORDING = Wording("c1", "trust", "c", "m", "r", "o")


def report(record: str, *, study: str | None = None, stands: bool = True, credible: bool = True) -> Report:
    return Report(record, study or f"study of {record}", stands, credible)


def link(
    record: str, element: str = "whole", stance: str = "supports", inference: str = "explicit", n: int = 0
) -> Link:
    name = f"{record}-{element}-{stance}-{n}"
    return Link(f"link-{name}", f"fragment-{name}", record, "c1", element, stance, inference)


def say(*links: Link, reports: list[Report] | None = None, flagged: frozenset[str] = frozenset()) -> Statement:
    """What the links say of c1; their reports stand unless given."""
    known = reports or [report(record) for record in {one.record for one in links}]
    body = synthesise([], [WORDING], links, {one.record: one for one in known}, flagged=flagged)
    return body.cmocs[0]


def test_a_cmoc_without_evidence_is_kept_and_says_so():
    said = say()

    assert (said.status, said.support, said.elements["context"]) == ("no_evidence", 0, "none")


def test_explicit_evidence_of_all_four_elements_from_two_studies_is_support():
    parts = [link("a", part) for part in PARTS[:3]] + [link("b", "outcome")]

    assert say(*parts).status == "supported"
    assert say(link("a", "whole"), link("b", "context")).status == "supported"


@pytest.mark.parametrize("part", PARTS)
def test_one_element_that_is_only_inferred_makes_support_partial(part):
    links = [link(record, one, inference="inferred" if one == part else "explicit") for record in "ab" for one in PARTS]

    assert say(*links).status == "partially_supported"
    assert say(*links).elements[part] == "inferred"


def test_a_single_study_however_often_it_reports_is_partial_support():
    reports = [report("a", study="one"), report("b", study="one")]
    said = say(link("a"), link("b"), reports=reports)

    assert (said.status, said.support) == ("partially_supported", 1)


def test_a_credible_contradiction_contests_a_cmoc_whatever_supports_it():
    links = [link("a"), link("b"), link("c", "outcome", "contradicts")]

    assert say(*links).status == "contested"
    assert say(*links).support == 2
    doubted = [report("a"), report("b"), report("c", credible=False)]
    assert say(*links, reports=doubted).status == "supported"


def test_only_contradicting_evidence_is_no_support_yet_contests():
    assert (say(link("a", stance="contradicts")).status, say(link("a", stance="contradicts")).support) == (
        "contested",
        0,
    )


@pytest.mark.parametrize("stance", ["bounds", "inverse"])
def test_bounds_and_the_inverse_count_as_studies_but_show_no_element(stance):
    said = say(link("a", stance=stance), link("b", stance=stance))

    assert (said.status, said.support) == ("partially_supported", 2)
    assert set(said.elements.values()) == {"none"}
    assert said.stances == {stance: 2}


def test_a_report_that_is_not_credible_counts_but_shows_nothing_explicitly():
    said = say(link("a"), link("b"), reports=[report("a", credible=False), report("b", credible=False)])

    assert (said.status, said.support, said.elements["outcome"]) == ("partially_supported", 2, "inferred")


def test_a_report_that_does_not_stand_lends_nothing():
    said = say(link("a"), link("b"), reports=[report("a"), report("b", stands=False)])

    assert (said.support, said.links) == (1, ["link-a-whole-supports-0"])


def test_links_to_a_cmoc_that_is_set_aside_count_for_nothing():
    body = synthesise([], [], [link("a")], {"a": report("a")})

    assert body.cmocs == [] and body.counts.links == 0


def test_a_flag_shows_and_changes_no_number():
    assert say(link("a"), flagged=frozenset({"c1"})).flagged
    assert say(link("a"), flagged=frozenset({"c1"})).support == say(link("a")).support


def test_judgements_are_credible_when_every_stage_led_on():
    assert credible([]) and credible(["advance", "advance"])
    assert not credible(["advance", "exclude"])


LINKS = st.lists(
    st.builds(
        link,
        st.sampled_from("abcd"),
        st.sampled_from([*PARTS, "whole"]),
        st.sampled_from(["supports", "refines", "contradicts", "bounds", "inverse"]),
        st.sampled_from(["explicit", "inferred"]),
    ),
    max_size=12,
    unique_by=lambda one: one.link,
)
REPORTS = st.tuples(*(st.tuples(st.sampled_from(["s1", "s2", ""]), st.booleans(), st.booleans()) for _ in "abcd"))


def bodies(links: list[Link], drawn: tuple[tuple[str, bool, bool], ...]) -> Body:
    reports = {
        record: report(record, study=study or None, stands=stands, credible=trusted)
        for record, (study, stands, trusted) in zip("abcd", drawn, strict=True)
    }
    return synthesise([], [WORDING], links, reports)


@given(LINKS, REPORTS, st.randoms(use_true_random=False))
def test_what_is_said_never_depends_on_the_order_of_arrival(links, drawn, random):
    shuffled = random.sample(links, len(links))

    assert bodies(links, drawn) == bodies(shuffled, drawn)


@given(LINKS, REPORTS)
def test_support_is_the_number_of_distinct_standing_studies_and_more_evidence_never_lowers_it(links, drawn):
    for taken in range(len(links)):
        assert bodies(links[:taken], drawn).cmocs[0].support <= bodies(links, drawn).cmocs[0].support
    said = bodies(links, drawn).cmocs[0]
    assert said.support == len(set(said.studies)) <= len(said.links)
    assert (said.status == "no_evidence") <= (said.support == 0)
    assert set(said.challenges) <= set(said.links)


@given(LINKS, REPORTS)
def test_the_hash_of_the_fragments_changes_exactly_with_what_stands(links, drawn):
    whole = bodies(links, drawn)
    for at in range(len(links)):
        less = bodies(links[:at] + links[at + 1 :], drawn)
        stood = links[at].link in whole.cmocs[0].links
        assert (less.fragments_sha256 != whole.fragments_sha256) == stood
