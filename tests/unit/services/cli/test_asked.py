"""`living review check` shows what each source will be asked, and needs no platform for it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from services.cli import app
from tests.unit.services.protocol.examples import as_yaml, small

BLOCKS = {
    "id": "blocks",
    "sources": ["pubmed", "openalex"],
    "concepts": [{"name": "leading", "terms": ["leader*", *({"text": f"term {n}", "near": 1} for n in range(7))]}],
}


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")

    def run(strategy, *options, **more):
        file = tmp_path / "protocol.yaml"
        file.write_text(as_yaml(small(strategies=[strategy], **more)))
        return CliRunner().invoke(app, ["review", "check", str(file), *options])

    return run


def test_the_exact_strings_are_shown_source_by_source(check):
    shown = check(BLOCKS).output

    assert "no errors" in shown
    assert '"leader*"[tiab] OR "term 0"[tiab:~1] OR' in shown
    assert "title_and_abstract.search.exact:leader* OR (term AND 0) OR" in shown


def test_what_a_source_cannot_say_is_told_once_for_all_terms_that_it_is_said_of(check):
    shown = check(BLOCKS).output

    assert "blocks at openalex; what comes is held against the strategy:" in shown
    assert "its words are looked for each by itself, wherever they stand: term 0 (near 1); " in shown
    assert "and 2 more terms" in shown


def test_it_is_told_where_citations_are_chased(check):
    citations = {"sources": ["openalex", "crossref"], "every_days": 7}

    assert "citations are chased at openalex, crossref, every 7 days" in check(BLOCKS, citations=citations).output
    assert json.loads(check(BLOCKS, "--json", citations=citations).output)["citations"] == citations
    assert json.loads(check(BLOCKS, "--json").output)["citations"] is None


def test_json_has_every_string_and_warning(check):
    pubmed, openalex = json.loads(check(BLOCKS, "--json").output)["strategies"]

    assert (pubmed["source"], pubmed["filtered"], len(pubmed["strings"])) == ("pubmed", False, 1)
    assert (openalex["source"], openalex["filtered"]) == ("openalex", True)
    assert [it["term"] for it in openalex["warnings"] if it["term"]] == [f"term {n} (near 1)" for n in range(7)]


def test_a_strategy_that_is_broken_is_refused_with_its_line(check):
    result = check({"id": "one", "source": "pubmed", "query": "((leader*[tiab] AND"})

    (error,) = result.exception.errors
    assert (error["at"], error["why"]) == ("strategies[0].query", "line 1, column 17: AND has nothing after it")
    assert error["line"] == 12
