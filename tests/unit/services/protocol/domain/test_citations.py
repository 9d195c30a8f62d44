"""Citations in a protocol: where they are chased, refused with the place of every fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.protocol.domain import check
from services.protocol.domain.rules import broken_rules
from shared.errors import Invalid
from shared.events.protocol import CITING_SOURCES, MOST_SOURCES, SOURCES, Need, Protocol, VersionPublished
from tests.unit.services.protocol.examples import SMALL, as_yaml, small

ALL = {"sources": list(CITING_SOURCES), "every_days": 30}


def test_citations_are_chased_at_every_source_that_knows_them():
    protocol = check(as_yaml(small(citations=ALL)))

    assert protocol.citations is not None
    assert (protocol.citations.sources, protocol.citations.every_days) == (list(CITING_SOURCES), 30)
    assert set(CITING_SOURCES) < set(SOURCES)


def test_a_protocol_without_citations_says_nothing_of_them():
    protocol = check(as_yaml(SMALL))

    assert protocol.citations is None and protocol.needs() == []
    assert "citations" not in json.loads(protocol.document())


def test_a_version_with_citations_needs_an_ingest_that_chases_them():
    protocol = check(as_yaml(small(citations={"sources": ["crossref"]})))
    version = VersionPublished.of(protocol, 1, "dora")

    assert version.needs == [Need(feature="citations", services=["ingest"])]
    assert json.loads(version.document)["citations"] == {"sources": ["crossref"], "every_days": 7}
    assert Protocol.read(version.document) == protocol


@pytest.mark.parametrize(
    ("given", "at", "why"),
    [
        ({"sources": ["crossref", "pubmed"]}, "citations.sources[1]", "no citations are known at 'pubmed'"),
        ({"sources": ["crossref", "crossref"]}, "citations.sources[1]", "the source 'crossref' is named twice"),
        ({"sources": []}, "citations.sources", "at least 1"),
        ({"every_days": 7}, "citations.sources", "missing"),
        ({"sources": ["crossref"], "every_days": 0}, "citations.every_days", "1"),
        ({"sources": ["crossref"], "depth": 2}, "citations.depth", ""),
        (["crossref"], "citations", ""),
    ],
)
def test_citations_that_cannot_be_chased_are_refused_with_their_line(given: Any, at: str, why: str):
    with pytest.raises(Invalid) as refused:
        check(as_yaml(small(citations=given)))

    (fault,) = refused.value.errors
    assert fault["at"] == at and why in fault["why"]
    line = as_yaml(small(citations=given)).splitlines().index("citations:") + 1
    assert fault["line"] >= line


@pytest.mark.parametrize("name", ["crossref", "pubmed"])
def test_of_more_sources_than_may_be_named_the_first_ones_are_told_of(name: str):
    many = [name] * 50_000
    strategy = {"id": "leaders", "sources": many, "concepts": []}
    broken = list(broken_rules({"citations": {"sources": many}, "strategies": [strategy]}, None))

    twice = [path for path, why in broken if "named twice" in why]
    behind = range(1, MOST_SOURCES)
    assert twice == [
        *(("strategies", 0, "sources", at) for at in behind),
        *(("citations", "sources", at) for at in behind),
    ]
    assert len(broken) <= 3 * MOST_SOURCES


def test_more_sources_than_may_be_named_are_refused():
    with pytest.raises(Invalid) as refused:
        check(as_yaml(small(citations={"sources": [f"source-{number}" for number in range(MOST_SOURCES + 1)]})))

    assert any(each["at"] == "citations.sources" and str(MOST_SOURCES) in each["why"] for each in refused.value.errors)
