"""The flow of records: at any date it is what the log says, and it is drawn so that nothing in it can run."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

from services.screening import jobs
from shared.client.http import Http
from shared.client.screening import ScreeningClient
from shared.events.ingest import TextNotRetrieved, TextSought
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    SIFT,
    discovered,
    found_at,
    merged,
    updated,
)


def test_the_flow_adds_up_and_says_what_is_out_for_which_reason(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS}, DEPTH)
    rig.discovers("r1", "r2", "r3")
    rig.discovers("old", published="2010")
    rig.hears(merged("r3", into="r1"))
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")

    flow = rig.gets("/flow").json()
    sift, depth = flow["stages"]

    assert (flow["identified"]["n"], flow["duplicates"]["n"]) == (4, 1)
    assert flow["kept_out"] == {"published_after": {"n": 1, "sources": {"": 1}}}
    assert [sift[name]["n"] for name in ("reached", "passed", "excluded", "waiting")] == [2, 1, 1, 0]
    assert sift["excluded_for"] == {"opinion": {"n": 1, "sources": {"": 1}}}
    assert (depth["reached"]["n"], depth["waiting"]["n"]) == (1, 1)
    assert rig.gets("/flow", on="2019-12-31").json()["identified"]["n"] == 0


def test_days_that_are_summed_up_and_days_that_are_not_count_together(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", source="doaj")
    rig.bench.runs(jobs.fold_counts)
    rig.bench.clock.advance(hours=24)
    rig.discovers("r3")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="a balcony")

    flows = [rig.gets("/flow", on=day).json() for day in ("2020-01-01", "2020-01-02")]
    rig.bench.runs(jobs.fold_counts)
    assert [rig.gets("/flow", on=day).json() for day in ("2020-01-01", "2020-01-02")] == flows
    assert [flow["identified"]["sources"] for flow in flows] == [{"doaj": 2}, {"": 1, "doaj": 2}]
    assert [flow["excluded"]["n"] for flow in flows] == [0, 1]


def test_a_later_source_does_not_take_a_record_from_the_one_that_brought_it(rig):
    rig.discovers("r1", source="doaj")
    rig.hears(updated("r1", revision=2, sources=[found_at(name, "r1") for name in ("crossref", "doaj")]))
    flow = rig.gets("/flow").json()

    assert flow["identified"] == {"n": 2, "sources": {"crossref": 1, "doaj": 1}}
    assert flow["duplicates"] == {"n": 1, "sources": {"crossref": 1}}
    assert flow["waiting"]["sources"] == {"doaj": 1}


def test_a_day_and_a_cycle_are_not_asked_for_together(rig):
    refused = rig.gets("/flow", on="2020-01-01", cycle=1)

    assert refused.status_code == 422
    assert rig.gets("/flow.svg", on="2020-01-01", cycle=1).status_code == 422
    assert rig.gets("/flow", on="yesterday").status_code == 422


def test_the_picture_has_the_figures_and_runs_nothing_whatever_names_say(rig_of):
    label = "<script>alert(1)</script> & co"
    rig = rig_of({**SIFT, "reasons": [{"value": "opinion", "label": label}]}, {**DEPTH, "needs": "full_text"})
    rig.discovers("r1", "r2", source="openalex")
    rig.discovers("r3", source="added:<b>")
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")
    rig.hears(TextSought(review=REVIEW, record="r1"), TextNotRetrieved(review=REVIEW, record="r1", reason="lost"))

    answer = rig.gets("/flow.svg")
    drawn = ElementTree.fromstring(answer.text)
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert {element.tag.rpartition("}")[2] for element in drawn.iter()} == {
        "svg", "title", "style", "rect", "text", "line", "polyline",
    }  # fmt: skip
    assert {
        "Identification via databases and registers", "Identification via other methods", "Records identified (n = 2)",
        "Records identified (n = 1)", "<b> (n = 1)", f"{label} (n = 1)", "Records screened: sift (n = 2)",
        "Records screened: sift (n = 1)",
        "Reports sought for retrieval (n = 1)", "Reports not retrieved (n = 1)", "Reports assessed: depth (n = 1)",
        "Reports assessed: depth (n = 0)", "Records included (n = 0)", "from other methods (n = 0)",
    } <= {*words}  # fmt: skip


def test_a_report_that_people_read_where_they_have_it_is_no_more_awaited_than_kept(rig_of):
    rig = rig_of(SIFT, {**DEPTH, "needs": "full_text"})
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "include")
    rig.hears(TextSought(review=REVIEW, record="r1"), TextSought(review=REVIEW, record="r2"))
    rig.hears(TextNotRetrieved(review=REVIEW, record="r2", reason="lost"))
    for name in ("ana", "ben"):
        rig.answers(name, "rich", stage="depth", fields={"cmocs": ["c1"]})

    drawn = ElementTree.fromstring(rig.gets("/flow.svg").text)
    words = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}

    assert {
        "Reports sought for retrieval (n = 2)", "of these no copy kept here (n = 1)", "Reports not retrieved (n = 1)",
        "Reports assessed: depth (n = 2)", "of these not retrieved (n = 1)",
    } <= words  # fmt: skip


def test_what_came_by_citations_or_by_hand_has_a_column_of_its_own(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS}, DEPTH)
    rig.discovers("r1", "r2", source="crossref")
    rig.discovers("r3", source="added:website")
    # As a release of before told it.
    chased = discovered("r4", sources=[found_at("crossref", "r4")])
    rig.hears(chased.model_copy(update={"by_citations": True}), merged("r2", into="r1"))
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")

    flow = rig.gets("/flow").json()
    databases, others = flow["databases"], flow["other_methods"]

    assert flow["identified"]["sources"] == {"added:website": 1, "citations:crossref": 1, "crossref": 2}
    assert (databases["identified"]["n"], databases["duplicates"]["n"], databases["stages"][1]["reached"]["n"]) == (
        2, 1, 1,
    )  # fmt: skip
    assert (others["identified"]["n"], others["duplicates"]["n"], others["waiting"]["n"]) == (2, 0, 1)
    assert databases["stages"][0]["excluded_for"] == {}
    assert others["stages"][0]["excluded_for"] == {"opinion": {"n": 1, "sources": {"added:website": 1}}}
    assert _boxes(rig.gets("/flow.svg").text) == 13


def test_without_other_methods_the_picture_has_one_column(rig):
    rig.discovers("r1")

    drawn = rig.gets("/flow.svg").text

    assert "Identified from databases and registers (n = 1)" in drawn and "other methods" not in drawn
    assert _boxes(drawn) == 7


def _boxes(drawn: str) -> int:
    return sum(element.get("class") == "box" for element in ElementTree.fromstring(drawn).iter())


def test_the_client_has_the_flow_and_its_picture(rig):
    rig.discovers("r1")
    person = rig.person("ana")
    token = person.headers["Authorization"].removeprefix("Bearer ")
    client = ScreeningClient(Http("http://testserver", token, client=person))

    assert client.flow(REVIEW, on=date(2020, 1, 1)).identified.n == 1
    assert client.flow(REVIEW, on=date(2019, 12, 31)).identified.n == 0
    assert client.flow(REVIEW, cycle=1).stages[0].waiting.n == 1
    assert client.flow_svg(REVIEW).startswith("<svg")
