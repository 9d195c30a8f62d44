"""Strategies in a protocol: concepts for several sources or a query for one, refused with the place of every fault."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.protocol.domain import check, digest
from shared.errors import Invalid
from shared.events.protocol import Need, Protocol, VersionPublished
from shared.strategies.asking import asked, tree_of
from shared.strategies.reaching import reaches
from tests.unit.services.protocol.examples import SMALL, as_yaml, small

ROOT = Path(__file__).parents[5]
CARE = {"name": "integrated care", "terms": ["integrated care", {"text": "care system", "near": 2}]}
BLOCKS: dict[str, Any] = {
    "id": "blocks",
    "sources": ["pubmed", "europepmc"],
    "concepts": [{"name": "leadership", "terms": ["leader*", {"text": "governance", "field": "title"}]}, CARE],
    "not": {"name": "animals", "terms": ["rats"]},
}


def faults(*strategies: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        check(as_yaml(small(strategies=list(strategies))))
    assert all(isinstance(error["line"], int) for error in refused.value.errors)
    return {error["at"]: error["why"] for error in refused.value.errors}


def test_concepts_for_several_sources_are_a_strategy():
    (strategy,) = check(as_yaml(small(strategies=[BLOCKS]))).strategies

    assert strategy.searched == ("pubmed", "europepmc")
    assert [term.text for concept in strategy.concepts for term in concept.terms] == [
        "leader*", "governance", "integrated care", "care system",
    ]  # fmt: skip
    assert strategy.without is not None


def test_a_protocol_without_concepts_is_the_document_it_always_was():
    protocol = check(as_yaml(SMALL))

    assert protocol.needs() == []
    assert protocol.model_dump(mode="json")["strategies"] == [
        {"id": "one", "source": "pubmed", "query": "leader*[ti]", "every_days": 7, "overlap_days": 14}
    ]
    assert digest(protocol) == "0fb40aa715f5860b64b767c6dc6e3603d4635c1e7ef885ac179948365f23c6ce"


def test_a_version_with_concepts_needs_a_release_that_has_them():
    protocol = check(as_yaml(small(strategies=[BLOCKS])))
    version = VersionPublished.of(protocol, 1, "dora")

    assert version.needs == [Need(feature="strategy:concepts")]
    assert version.protocol == protocol
    assert json.loads(version.document)["strategies"][0]["not"]["terms"] == [
        {"text": "rats", "field": "title_or_abstract"}
    ]
    assert Protocol.read(version.document) == protocol


def test_a_long_query_needs_a_release_that_takes_it():
    query = " OR ".join(f"word{number}[tiab]" for number in range(400))
    protocol = check(as_yaml(small(strategies=[{"id": "one", "source": "pubmed", "query": query}])))

    assert protocol.needs() == [Need(feature="strategy:long")]


@pytest.mark.parametrize(
    ("source", "query", "why"),
    [
        ("pubmed", "((leader*[tiab] AND", "line 1, column 17: AND has nothing after it"),
        ("pubmed", "leader[tiabs]", "line 1, column 7: there is no field [tiabs]; did you mean 'tiab'?"),
        ("europepmc", "TITEL:leader", "line 1, column 1: there is no field TITEL; did you mean TITLE?"),
        ("crossref", "query.author=a&query.author=b", "query.author is given twice"),
        ("crossref", "filter=type:book&filter=issn:1", "filter is given twice"),
        ("crossref", "query.title=R&D", "'D' is no parameter; an & that belongs to a value is written %26"),
        ("crossref", "query.titel=a", "there is no parameter 'query.titel'"),
        ("crossref", "filter=from-index-date:2018-01-01", "from-index-date is set by each run itself"),
        ("crossref", "filter=issn:1,until-pub-date:2018", "until-pub-date is set by each run itself"),
        ("crossref", "query=a&filter=from-created-date:2018", "from-created-date is set by each run itself"),
        ("openalex", "title.search:(a OR b", "this bracket is never closed"),
        ("openalex", "title.search:(a, b)", "'b)' is no filter"),
        ("openalex", "type:article,type:article", "the filter 'type:article' is given twice"),
        ("openalex", "title.search:a,from_publication_date:2018-01-01", "from_publication_date is set by each run"),
    ],
)
def test_a_query_that_its_source_would_refuse_or_misread_is_refused(source, query, why):
    found = faults({"id": "one", "source": source, "query": query})

    assert list(found) == ["strategies[0].query"]
    assert why in found["strategies[0].query"]


@pytest.mark.parametrize(
    ("changes", "at", "why"),
    [
        ({"sources": ["pubmed", "pubmedd"]}, "strategies[0].sources[1]", "there is no source 'pubmedd'"),
        ({"sources": ["pubmed", "pubmed"]}, "strategies[0].sources[1]", "the source 'pubmed' is named twice"),
        ({"sources": None}, "strategies[0]", "sources missing"),
        ({"source": "pubmed"}, "strategies[0]", "source and sources are of two ways"),
        (
            {"concepts": [CARE, {**CARE, "terms": ["joined-up care"]}]},
            "strategies[0].concepts[1].name",
            "is taken by concepts[0]",
        ),
        (
            {"concepts": [{"name": "a", "terms": ["lea*"]}]},
            "strategies[0].concepts[0].terms[0].text",
            "behind 4 letters or more",
        ),
        (
            {"concepts": [{"name": "a", "terms": ['"a b"']}]},
            "strategies[0].concepts[0].terms[0].text",
            "a phrase needs no quotation marks",
        ),
        (
            {"concepts": [{"name": "a", "terms": [{"text": "a", "field": "titel"}]}]},
            "strategies[0].concepts[0].terms[0].field",
            "'title'",
        ),
        ({"nott": {"name": "a", "terms": ["b"]}}, "strategies[0].nott", "did you mean not?"),
        (
            {"sources": ["crossref"], "concepts": [{"name": "a", "terms": ["leader*"]}]},
            "strategies[0].sources[0]",
            "Crossref can say nothing of this strategy",
        ),
    ],
)
def test_concepts_that_cannot_be_asked_are_refused_with_their_place(changes, at, why):
    given = {name: value for name, value in (BLOCKS | changes).items() if value is not None}

    assert why in faults(given)[at]


def test_no_fault_hides_another():
    broken = {"id": "two", "source": "crossref", "query": "query.title=R&D"}

    assert set(faults({"id": "one", "source": "pubmed", "query": "(a"}, broken, {"id": "three"})) == {
        "strategies[0].query", "strategies[1].query", "strategies[2]",
    }  # fmt: skip


def test_the_strategies_of_the_manual_are_right():
    manual = (ROOT / "docs" / "strategies.md").read_text()
    blocks = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL))
    concepts, native, by_hand, chased = blocks

    protocol = check(as_yaml(small(strategies=[*concepts["strategies"], *native, *by_hand], **chased)))

    assert [strategy.searched for strategy in protocol.strategies] == [
        ("pubmed", "europepmc", "openalex"), ("pubmed",), (),
    ]  # fmt: skip


def test_the_first_review_has_strategies_for_the_real_sources():
    folder = ROOT / "reviews" / "ics-leadership"
    given = yaml.safe_load((folder / "strategies.yaml").read_text())["strategies"]
    protocol = yaml.safe_load((folder / "protocol.yaml").read_text())

    strategies = check(as_yaml(protocol | {"strategies": given})).strategies

    blocks = strategies[0]
    assert blocks.searched == ("pubmed", "europepmc", "openalex")
    assert [len(asked(blocks, source).strings) for source in blocks.searched] == [1, 1, 1]
    tree = tree_of(blocks)
    titles = [paper["title"] for paper in yaml.safe_load((folder / "papers.yaml").read_text())["papers"]]
    # Of the 22 papers 8 say both in their titles, and 10 more when their abstracts say that they are of leaders.
    assert sum(reaches(tree, title, None) == "yes" for title in titles) == 8
    assert sum(reaches(tree, title, "Leaders.") == "yes" for title in titles) == 18


def test_strategies_of_too_many_terms_are_refused_soon():
    words = {"name": "words", "terms": [f"word{number}" for number in range(300)]}
    four = {"sources": ["pubmed", "europepmc"], "concepts": [{**words, "name": name} for name in "abcd"]}
    three = {**four, "sources": ["pubmed", "europepmc", "openalex", "crossref"], "concepts": four["concepts"][:3]}

    assert "its concepts have 1,200 terms" in faults({"id": "one", **json.loads(json.dumps(four))})["strategies[0]"]
    many = [{"id": f"s{number}", **json.loads(json.dumps(three))} for number in range(8)]
    assert faults(*many) == {"strategies[5]": "the strategies translate more than 20,000 terms in all"}
