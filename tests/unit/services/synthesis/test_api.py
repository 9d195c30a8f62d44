"""The routes: roles, pages, retries, and clear problems for what is not there or made up."""

from __future__ import annotations

import pytest

from services.synthesis.manifest import SERVICE
from shared.errors import NotFound
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, evidence, judged, protocol


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2")
    for record in ("r1", "r2"):
        for cmoc in ("c1", "c2"):
            rig.links(record, cmoc)
    rig.settles()
    return rig


def test_a_reader_sees_everything_and_changes_nothing(rig: SynthesisRig):
    reader = rig.bench.person("rita", "reader")
    seen = ["", "/evidence", "/reports", "/cmocs", "/cmocs/c1/history", "/support", "/draft", "/revisions",
            "/rejudgements", "/triggers"]  # fmt: skip

    assert {reader.get(f"/synthesis/reviews/{REVIEW}{path}").status_code for path in seen} == {200}
    for path in ("/evidence", "/evidence/batch", "/evidence/f/withdraw", "/reports/r1/study", "/draft/sign"):
        assert reader.post(f"/synthesis/reviews/{REVIEW}{path}", json={}).status_code == 403


def test_a_token_for_another_review_opens_nothing_here(rig: SynthesisRig):
    stranger = rig.bench.person("eve", "admin", reviews=("other",))

    assert stranger.get(f"/synthesis/reviews/{REVIEW}/draft").status_code == 403
    assert rig.bench.anybody().get(f"/synthesis/reviews/{REVIEW}/draft").status_code == 401


def test_listings_come_in_pages_that_hold_everything_once(rig: SynthesisRig):
    reader = rig.bench.person("rita", "reader")
    for path, name in (("evidence", "link"), ("reports", "record"), ("cmocs/c1/history", "event")):
        found, cursor = [], ""
        while cursor is not None:
            answer = reader.get(f"/synthesis/reviews/{REVIEW}/{path}?limit=1{cursor and f'&cursor={cursor}'}").json()
            assert len(answer["items"]) <= 1
            found += [item[name] for item in answer["items"]]
            cursor = answer["next"]
        assert len(found) == len(set(found)) > 1


def test_evidence_is_listed_by_record_and_by_cmoc(rig: SynthesisRig):
    assert len(list(rig.lead.evidence(REVIEW))) == 4
    assert {one.record for one in rig.lead.evidence(REVIEW, record="r1")} == {"r1"}
    assert {one.cmoc for one in rig.lead.evidence(REVIEW, cmoc="c2", record="r1")} == {"c2"}


def test_why_a_protocol_was_amended_is_said_where_it_is_a_reason_to_look_again(rig: SynthesisRig):
    rig.adopts(protocol(cmocs=["c1"]), version=2, why="one of them\nwas never meant")
    rig.adopts(protocol(), version=3)

    said = [it.why for it in rig.lead.triggers(REVIEW) if it.rule == "protocol_amended"]
    assert said == ["protocol version 2: one of them was never meant", "protocol version 3"]


def test_the_links_of_a_cmoc_that_is_set_aside_are_still_listed(rig: SynthesisRig):
    rig.adopts(protocol(cmocs=["c1"]), version=2)
    rig.settles()

    assert {one.cmoc for one in rig.lead.evidence(REVIEW, cmoc="c2")} == {"c2"}


def test_a_draft_is_read_whole_before_it_is_signed(rig: SynthesisRig):
    draft, support = rig.draft(), rig.lead.support(REVIEW)

    assert [(theory.theory, theory.statement) for theory in draft.theories] == [("trust", "Trust helps.")]
    assert [(cmoc.cmoc, cmoc.theory, cmoc.outcome) for cmoc in draft.cmocs] == [
        ("c1", "trust", "outcome of c1"),
        ("c2", "trust", "outcome of c2"),
    ]
    assert [(cmoc.support, cmoc.studies) for cmoc in draft.cmocs] == [
        (row.support, row.studies) for row in support.rows
    ]
    assert [cmoc.support for cmoc in draft.cmocs] == [2, 2]


@pytest.mark.parametrize(
    "path",
    [
        "/synthesis/reviews/none",
        "/synthesis/reviews/none/draft",
        "/synthesis/reviews/none/support",
        "/synthesis/reviews/none/evidence",
        "/synthesis/reviews/none/cmocs",
        "/synthesis/reviews/none/revisions",
        f"/synthesis/reviews/{REVIEW}/cmocs/none/history",
        f"/synthesis/reviews/{REVIEW}/evidence?cmoc=none",
        f"/synthesis/reviews/{REVIEW}/revisions/1",
        f"/synthesis/reviews/{REVIEW}/revisions/1/verify",
        f"/synthesis/reviews/{REVIEW}/diff?before=1&after=2",
    ],
)
def test_what_is_not_there_is_not_found(rig: SynthesisRig, path):
    answer = rig.bench.person("rita", "reader").get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/evidence?cursor=zzz",
        "/evidence?cursor=WyJ4Il0",
        "/evidence?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTldCg",
        "/reports?cursor=WzFd",
        "/evidence?limit=0",
        "/rejudgements?state=ajar",
        "/revisions/0",
        "/revisions/99999999999",
        "/diff",
    ],
)
def test_what_is_made_up_is_invalid_and_never_an_error_here(rig: SynthesisRig, path):
    assert rig.bench.person("rita", "reader").get(f"/synthesis/reviews/{REVIEW}{path}").status_code == 422


def test_a_retried_command_gets_its_first_answer(rig: SynthesisRig):
    ana, headers = rig.bench.person("ana"), {"Idempotency-Key": "evidence-0001"}
    body = evidence("r1", text="something new").model_dump()
    answers = [ana.post(f"/synthesis/reviews/{REVIEW}/evidence", json=body, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["changed"] is True
    other = evidence("r1", text="something else").model_dump()
    assert ana.post(f"/synthesis/reviews/{REVIEW}/evidence", json=other, headers=headers).status_code == 409


def test_the_support_table_names_the_studies_and_their_titles(rig: SynthesisRig):
    table = rig.lead.support(REVIEW)

    assert [(row.cmoc, row.support, row.links) for row in table.rows] == [("c1", 2, 2), ("c2", 2, 2)]
    assert table.rows[0].elements == {
        "context": "none", "resource": "explicit", "reasoning": "none", "outcome": "none",
    }  # fmt: skip
    assert {tuple(study.titles) for study in table.studies} == {("Title of r1",), ("Title of r2",)}
    assert {study for row in table.rows for study in row.studies} == {study.study for study in table.studies}


def test_a_review_says_where_it_stands(rig: SynthesisRig):
    status = rig.lead.status(REVIEW)

    assert (status.title, status.revisions, status.state, status.settled) == ("A small review", 0, "active", True)
    with pytest.raises(NotFound):
        rig.lead.status("none")


def test_the_service_knows_no_stage_and_no_cmoc_by_name(workbench):
    """A second review, with other names throughout, in the same service."""
    rig = SynthesisRig(workbench(SERVICE), review="rats")
    plan = protocol(["burrow", "maze"], review="rats")
    rig.adopts(plan)
    rig.includes("rat-paper", judgements=[judged(stage="smell"), judged(stage="taste")])
    rig.links("rat-paper", "maze")

    assert [(state.cmoc, state.support) for state in rig.draft().states] == [("burrow", 0), ("maze", 1)]


def test_reports_to_be_coded_are_those_included_of_which_no_link_holds_and_are_counted(rig: SynthesisRig):
    assert list(rig.lead.reports(REVIEW, to_code=True)) == [] and rig.lead.status(REVIEW).to_code == 0
    rig.includes("r3")
    for link in list(rig.lead.evidence(REVIEW, record="r2")):
        rig.lead.withdraw(REVIEW, link.fragment, "misread")

    assert [it.record for it in rig.lead.reports(REVIEW, to_code=True)] == ["r2", "r3"]
    assert rig.lead.status(REVIEW).to_code == 2
    assert [it.record for it in rig.lead.reports(REVIEW, state="included")] == ["r1", "r2", "r3"]
    assert list(rig.lead.reports(REVIEW, state="excluded")) == []


def test_evidence_is_found_by_its_link_and_by_the_element_it_speaks_to(rig: SynthesisRig):
    every = list(rig.lead.evidence(REVIEW))

    assert list(rig.lead.evidence(REVIEW, link=every[1].link)) == [every[1]]
    assert list(rig.lead.evidence(REVIEW, link="link_none")) == []
    of_element = list(rig.lead.evidence(REVIEW, cmoc="c1", element=every[0].element))
    assert of_element == [it for it in every if (it.cmoc, it.element) == ("c1", every[0].element)]
