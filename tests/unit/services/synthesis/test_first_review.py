"""The first review's own files, through the real service: its figures are computed, and they are the published ones."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from demo.history import history_of
from services.protocol.domain import check
from services.synthesis.manifest import SERVICE
from shared.wire.synthesis import EvidenceBatch, EvidenceFile, EvidenceGiven
from tests.unit.services.synthesis.rig import SynthesisRig

FOLDER = Path(__file__).parents[4] / "reviews" / "ics-leadership"
PROTOCOL = check((FOLDER / "protocol.yaml").read_bytes(), review="ics-leadership")
EVIDENCE = EvidenceFile.model_validate(yaml.safe_load((FOLDER / "evidence.yaml").read_text()))

#: The years by which the published review's papers appeared.
YEARS = {
    2018: ["10.1111/1468-0009.12357", "10.5334/ijic.3106", "10.1111/hsc.12537", "10.1108/jica-02-2018-0020",
           "10.1177/2053434518800884"],
    2019: ["10.1108/jhom-02-2019-0032", "10.1108/jica-06-2018-0042"],
    2020: ["10.1136/leader-2020-000228", "10.5334/ijic.4684", "10.1177/1355819619869745",
           "10.1108/lhs-09-2019-0066", "10.5334/ijic.5440", "10.1186/s12875-020-01168-z"],
    2021: ["10.1108/jica-07-2021-0040", "10.1108/jica-12-2020-0074", "10.5334/ijic.5936"],
    2022: ["10.1371/journal.pone.0266899", "10.1136/ihj-2021-000112"],
}  # fmt: skip
CUMULATIVE = {
    2018: [2, 3, 2, 2, 3, 3],
    2019: [3, 4, 4, 3, 3, 4],
    2020: [7, 8, 7, 6, 5, 7],
    2021: [9, 10, 10, 8, 5, 8],
    2022: [10, 11, 12, 8, 6, 10],
}
GORDON, SIMS = "10.5334/ijic.4684", "10.5334/ijic.5936"


@pytest.fixture
def rig(workbench) -> SynthesisRig:
    rig = SynthesisRig(workbench(SERVICE, at="2018-01-01T12:00:00+00:00"), review="ics-leadership")
    rig.adopts(PROTOCOL)
    return rig


def coded() -> dict[str, list[EvidenceGiven]]:
    """The evidence file by DOI; a record is called by its DOI here."""
    found: dict[str, list[EvidenceGiven]] = defaultdict(list)
    for one in EVIDENCE.evidence:
        doi = one.doi.lower()
        found[doi].append(EvidenceGiven(record=doi, fragment=one.fragment, links=one.links))
    return found


def post(rig: SynthesisRig, dois: list[str], *, without: tuple[str, str] | None = None) -> None:
    """Includes these papers and posts their evidence, one (DOI, CMOC) aside where asked."""
    by_doi = coded()
    for doi in dois:
        rig.includes(doi)
        given = [one for one in by_doi[doi] if (doi, one.links[0].cmoc) != without]
        rig.person("ana").link(rig.review, EvidenceBatch(evidence=given))


def all_papers() -> list[str]:
    return [doi for dois in YEARS.values() for doi in dois]


def test_the_files_hold_18_papers_57_links_six_cmocs_and_four_theories():
    links = [link for one in EVIDENCE.evidence for link in one.links]

    assert len(coded()) == 18 and set(coded()) == set(all_papers())
    assert len({(one.doi, link.cmoc) for one in EVIDENCE.evidence for link in one.links}) == len(links) == 57
    assert (len(PROTOCOL.cmocs), len(PROTOCOL.theories), PROTOCOL.publish_every_days) == (6, 4, 365)
    assert [(stage.name, stage.votes) for stage in PROTOCOL.stages] == [
        (name, 2) for name in ("title_abstract", "full_text", "relevance", "richness", "rigour")
    ]
    assert all(cmoc.lineage and "inference" in cmoc.lineage_note for cmoc in PROTOCOL.cmocs)


def test_the_evidence_quotes_nobody_and_says_where_it_infers():
    stances = {(one.doi.lower(), link.cmoc): link for one in EVIDENCE.evidence for link in one.links}
    context = {doi for (doi, cmoc), link in stances.items() if cmoc == "cmoc-3" and link.element == "context"}

    assert all(one.fragment.quote is None for one in EVIDENCE.evidence)
    assert context == {"10.1108/jica-07-2021-0040", GORDON, "10.1108/jica-12-2020-0074", SIMS}
    assert {doi for (doi, cmoc), link in stances.items() if cmoc == "cmoc-5" and link.stance == "bounds"} == {
        "10.1111/1468-0009.12357",
        "10.1111/hsc.12537",
    }
    assert stances["10.1111/hsc.12537", "cmoc-6"].stance == "bounds"
    inverse = [link for (_, cmoc), link in stances.items() if cmoc == "cmoc-1" and link.stance == "inverse"]
    assert inverse and all(link.inference == "inferred" and link.rationale for link in inverse)


def test_support_after_each_yearly_cycle_is_the_published_table(rig):
    classes = []
    for year, dois in YEARS.items():
        rig.bench.clock.set(f"{year}-12-31T12:00:00+00:00")
        post(rig, dois)
        content = rig.signs(f"Cycle of {year}").content
        assert [one.support for one in content.cmocs] == CUMULATIVE[year]
        assert content.number == content.cycle == year - 2017
        classes.append(content.change_class)

    assert classes == ["MAJOR", "PATCH", "PATCH", "PATCH", "PATCH"]
    counts = rig.draft().counts
    assert (counts.studies, counts.reports, counts.fragments, counts.links) == (18, 18, 57, 57)
    assert all(rig.lead.verify(rig.review, number).holds for number in range(1, 6))


@pytest.mark.parametrize(
    ("doi", "without", "flagged"),
    [(GORDON, [10, 10, 11, 7, 5, 9], {2, 3, 4, 5, 6}), (SIMS, [9, 10, 11, 7, 6, 9], {1, 2, 3, 4, 6})],
    ids=["gordon", "sims"],
)
def test_a_retraction_drill_gives_the_figures_without_the_paper_and_its_end_gives_them_back(rig, doi, without, flagged):
    post(rig, all_papers())
    before = rig.draft()

    rig.notices(doi, "retraction", drill=True)
    during = rig.draft()
    rig.notices(doi, "reinstatement", drill=True)
    after = rig.draft()

    assert [state.support for state in during.states] == without
    assert {f"cmoc-{number}" for number in flagged} == {state.cmoc for state in during.states if state.flagged}
    assert after.states == before.states
    assert after.fragments_sha256 == before.fragments_sha256 != during.fragments_sha256


def test_dropping_one_link_from_the_file_changes_the_figures(rig):
    post(rig, all_papers(), without=(GORDON, "cmoc-4"))

    assert rig.support() == [10, 11, 12, 7, 6, 10] != CUMULATIVE[2022]


def test_every_number_is_traced_to_the_links_and_events_behind_it(rig):
    post(rig, YEARS[2018])
    rig.settles()
    seen = {envelope.id for envelope in rig.bench.journal()}
    table = rig.lead.support(rig.review)

    for row in table.rows:
        behind = list(rig.lead.evidence(rig.review, cmoc=row.cmoc))
        assert {one.study for one in behind if one.stands} == set(row.studies)
        assert len(row.studies) == row.support
        assert {one.event for one in behind} <= seen


@pytest.fixture
def amended(workbench) -> SynthesisRig:
    """The review from its nine initial CMOCs on, which an amendment made six."""
    rig = SynthesisRig(workbench(SERVICE, at="2018-01-01T12:00:00+00:00"), review="ics-leadership")
    before, after, why = history_of(FOLDER)
    rig.adopts(check(before.encode(), review="ics-leadership"))
    assert len(rig.draft().cmocs) == 9
    rig.adopts(check(after.encode(), review="ics-leadership"), version=2, why=why)
    return rig


def test_nine_initial_cmocs_became_six_by_recorded_events(amended):
    gone = {it.cmoc: (it.gone_how, it.gone_into) for it in amended.lead.cmocs(amended.review) if it.set_aside_at}

    assert gone == {
        "initial-1": ("refined", ["cmoc-1"]), "initial-2": ("merged", ["cmoc-6"]), "initial-3": ("no_evidence", []),
        "initial-4": ("merged", ["cmoc-2"]), "initial-5": ("merged", ["cmoc-2"]), "initial-6": ("refined", ["cmoc-3"]),
        "initial-7": ("refined", ["cmoc-4"]), "initial-8": ("refined", ["cmoc-5"]), "initial-9": ("merged", ["cmoc-6"]),
    }  # fmt: skip
    happened = {name: [it.happened for it in amended.lead.history(amended.review, name)] for name in gone}
    assert {name: events[0] for name, events in happened.items()} == dict.fromkeys(gone, "proposed")
    assert [events[-1] for events in happened.values()] == [
        "refined", "merged", "set_aside", "merged", "merged", "refined", "refined", "refined", "merged",
    ]  # fmt: skip
    assert [it.cmoc for it in amended.draft().cmocs] == [f"cmoc-{number}" for number in range(1, 7)]


def test_what_is_inferred_of_that_says_so_wherever_it_is_read(amended):
    for name in ("cmoc-2", "cmoc-6"):
        kin = amended.lead.kin(amended.review, name)
        assert all("An inference" in it.gone_why for it in kin.before) and len(kin.before) == 2
        assert "inference" in next(iter(amended.lead.history(amended.review, name))).why
    assert "evidence" in amended.lead.cmoc(amended.review, "initial-3").about.gone_why


def test_the_six_have_the_published_support_and_their_status_whatever_they_were_made_of(amended):
    for year, dois in YEARS.items():
        post(amended, dois)
        assert amended.support() == CUMULATIVE[year]

    revision = amended.signs("Nine became six.").content
    assert {it.status for it in revision.cmocs} == {"partially_supported"}
    assert [it.cmoc for it in revision.gone] == [f"initial-{number}" for number in range(1, 10)]
    assert amended.lead.verify(amended.review, 1).holds
