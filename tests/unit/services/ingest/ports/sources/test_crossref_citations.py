"""Crossref's references: what publishers keep to themselves, and reports that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.ingest.ports.sources.citing import Seed
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import Page, SourceDrifted, SourceRefused
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply


def report(suffix: str, **more: Any) -> dict[str, Any]:
    return {"DOI": f"10.1000/{suffix}", "title": [f"Report {suffix}"], "type": "journal-article"} | more


def chased(*reports: dict[str, Any], refusing: Callable[[list[str]], bool] = lambda dois: False) -> list[Page]:
    """A chase of these reports, by all their DOIs; every other work that is asked for is there."""
    there = {each["DOI"]: each for each in reports}

    def answer(request: httpx.Request) -> httpx.Response:
        dois = [each[4:] for each in request.url.params["filter"].split(",") if each.startswith("doi:")]
        if refusing(dois):
            fault = {"type": "validation-failure", "value": "x", "message": "that is no DOI"}
            return json_reply({"status": "failed", "message": [fault]}, 400)
        items = [there.get(doi) or {"DOI": doi, "title": [f"Work {doi}"]} for doi in dois]
        return json_reply({"message-type": "work-list", "message": {"total-results": len(items), "items": items}})

    seeds = [Seed(record=f"rec-{each['DOI'][-1]}", ids=[each["DOI"]]) for each in reports]
    net = Net(answer)
    source = Crossref(Access("https://crossref.example"), net.client, **net.timing)
    return list(source.chase(seeds))


def found(pages: list[Page]) -> set[str]:
    return {record.source_id for page in pages for record in page.records}


def remarks(pages: list[Page]) -> str:
    return "; ".join(remark for page in pages for remark in page.remarks)


@pytest.mark.parametrize("name", ["references-count", "reference-count"])
@pytest.mark.parametrize("reference", [{}, {"reference": None}, {"reference": []}])
def test_references_that_a_publisher_keeps_to_itself_are_remarked_with_their_number(reference, name):
    pages = chased(report("a", **reference, **{name: 57}), report("b", reference=[{"DOI": "10.2000/1"}]))

    assert found(pages) == {"10.2000/1"} and not any(page.missing for page in pages)
    assert "crossref does not give all references of 1 reports" in remarks(pages)
    assert remarks(pages).endswith("keep them to themselves: 10.1000/a (0 of 57)")


def test_references_that_are_fewer_than_their_count_are_remarked():
    pages = chased(report("a", **{"reference": [{"DOI": "10.2000/1"}], "references-count": 3}))

    assert found(pages) == {"10.2000/1"} and "10.1000/a (1 of 3)" in remarks(pages)


def test_references_as_many_as_their_count_or_of_no_count_need_no_remark():
    one = [{"DOI": "10.2000/1"}]
    pages = chased(report("a", **{"reference": one, "references-count": 1}), report("b", reference=one), report("c"))

    assert remarks(pages) == ""


@pytest.mark.parametrize("odd", [{"x": 1}, "10.2000/1", 57])
def test_references_that_are_no_list_are_drift(odd):
    with pytest.raises(SourceDrifted, match=r"the references of 10\.1000/a are no list"):
        chased(report("a", reference=odd))


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_a_report_whose_doi_is_refused_is_named_and_the_others_are_chased(size):
    reports = [report(chr(97 + at), reference=[{"DOI": f"10.2000/{at}"}]) for at in range(size)]
    last = reports[-1]["DOI"]

    pages = chased(*reports, refusing=lambda dois: last in dois)

    assert found(pages) == {f"10.2000/{at}" for at in range(size - 1)}
    assert [each for page in pages for each in page.missing] == [f"references of {last}"]
    assert f"{last} is refused: crossref refused the request: that is no DOI" in remarks(pages)
    assert "does not know" not in remarks(pages)


def test_a_refused_report_lacks_its_references_though_another_one_that_cites_it_brings_it():
    cited = iter([True])

    def refusing(dois: list[str]) -> bool:
        return "10.1000/b" in dois and (len(dois) > 1 or next(cited, False))

    pages = chased(report("a", reference=[{"DOI": "10.1000/b"}]), report("b"), refusing=refusing)

    assert found(pages) == {"10.1000/b"}
    assert [each for page in pages for each in page.missing] == ["references of 10.1000/b"]


def test_a_source_that_refuses_every_report_refuses_the_chase():
    with pytest.raises(SourceRefused, match="that is no DOI"):
        chased(*(report(chr(97 + at)) for at in range(20)), refusing=lambda dois: True)
