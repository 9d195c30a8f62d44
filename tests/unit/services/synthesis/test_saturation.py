"""Saturation: what each study that was added changed, of what counts today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.saturation import Replay
from services.synthesis.domain.states import Link, Report, Wording, statement_of
from tests.unit.services.synthesis.rig import REVIEW

BEGAN = datetime(2020, 1, 1, tzinfo=UTC)

links = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3"]),
        st.sampled_from(["c1", "c2"]),
        st.sampled_from(["context", "resource", "reasoning", "outcome", "whole"]),
        st.sampled_from(["supports", "refines", "contradicts", "bounds", "inverse"]),
        st.sampled_from(["explicit", "inferred"]),
        st.sampled_from([None, "credible", "caution", "not_credible"]),
    ),
    max_size=25,
)


def added(rig):
    return list(rig.lead.added_studies(REVIEW))


def moved(one):
    return {(it.cmoc, it.what): (it.before, it.after) for it in one.changes}


def test_each_study_says_what_it_changed_in_the_order_of_coding(rig):
    rig.includes("r1", "r2", "r3")
    rig.shows_all_of("c1", "r1")
    rig.links("r2", element="whole")
    rig.links("r3", element="context")
    rig.settles()

    first, second, third = added(rig)
    assert [it.nth for it in (first, second, third)] == [1, 2, 3]
    assert (first.record, first.change, first.links) == ("r1", "status", 4)
    assert moved(first)["c1", "status"] == ("no_evidence", "partially_supported")
    assert moved(first)["c1", "outcome"] == ("none", "explicit")
    assert moved(second) == {("c1", "status"): ("partially_supported", "supported"), ("c1", "support"): ("1", "2")}
    assert (third.change, moved(third)) == ("support", {("c1", "support"): ("2", "3")})
    assert rig.lead.saturation(REVIEW).unchanged == 1


def test_what_was_withdrawn_later_changed_nothing_that_is_so_today(rig):
    rig.includes("r1", "r2")
    fragment = rig.links("r1", element="whole").fragment
    rig.links("r2", element="whole")
    rig.person("ana").withdraw(REVIEW, fragment, "misread")
    rig.settles()

    first, second = added(rig)
    assert (first.links, first.gone, first.change, first.changes) == (0, 1, "nothing", [])
    assert moved(second)["c1", "support"] == ("0", "1")
    found = rig.lead.saturation(REVIEW)
    assert (found.studies, found.speaking) == (2, 1)


def test_evidence_of_a_retracted_report_counts_no_more(rig):
    rig.includes("r1")
    rig.links("r1")
    rig.notices("r1", "retraction")
    rig.settles()
    assert [(it.links, it.gone) for it in added(rig)] == [(0, 1)]


def test_a_study_that_speaks_to_what_was_so_already_changes_nothing(rig):
    rig.includes("r1")
    rig.links("r1")
    rig.links("r1", text="the same again", by="ben")
    assert len(added(rig)) == 1
    rig.includes("r2")
    rig.links("r2", stance="contradicts", credibility="caution")
    assert [it.change for it in added(rig)] == ["status", "nothing"]


def test_the_last_revisions_that_changed_a_theory_or_a_status_are_named(either_rig):
    either_rig.includes("r1", "r2", "r3")
    either_rig.links("r1")
    either_rig.signs()
    either_rig.links("r2", "c2")
    either_rig.signs()
    either_rig.bench.clock.advance(hours=1)
    either_rig.links("r3")
    either_rig.signs()

    found = either_rig.lead.saturation(REVIEW)
    assert (found.last_major.number, found.last_minor.number) == (1, 2)
    assert (found.since_minor, found.unchanged) == (1, 1)


def test_before_a_revision_all_came_since_the_last(rig):
    rig.includes("r1")
    rig.links("r1")
    rig.settles()
    found = rig.lead.saturation(REVIEW)
    assert (found.last_major, found.last_minor, found.since_major, found.since_minor) == (None, None, 1, 1)


def test_the_studies_read_page_by_page_in_either_order(rig):
    rig.includes(*(f"r{n}" for n in range(5)))
    for n in range(5):
        rig.links(f"r{n}")
    http = rig.bench.person("rita", "reader")
    for newest, order in (("false", [1, 2, 3, 4, 5]), ("true", [5, 4, 3, 2, 1])):
        seen, cursor = [], None
        while not seen or cursor:
            asked = {"limit": 2, "newest_first": newest} | ({"cursor": cursor} if cursor else {})
            answer = http.get(f"/synthesis/reviews/{REVIEW}/saturation/studies", params=asked).json()
            seen += [it["nth"] for it in answer["items"]]
            cursor = answer["next"]
        assert seen == order


@given(links)
def test_after_all_links_a_replay_says_what_the_synthesis_says(given_links):
    """The rules are those of the status, kept up link by link: there is one answer."""
    reports = {study: Report(study, study, True, True) for study in ("s1", "s2", "s3")}
    replay, made = Replay(["c1", "c2"]), []
    for number, (study, cmoc, element, stance, inference, credibility) in enumerate(given_links):
        made.append(Link(f"l{number}", f"f{number}", study, cmoc, element, stance, inference, credibility))
        replay.take(made[-1], reports[study], BEGAN + timedelta(hours=number), withdrawn=False)

    for cmoc, stands in replay.standing().items():
        wording = Wording(cmoc, "t", "c", "m", "r", "o")
        said = statement_of(wording, [it for it in made if it.cmoc == cmoc], reports, False).statement
        assert stands == {"status": said.status, "support": str(said.support), **said.elements}
