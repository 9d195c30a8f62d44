"""Twenty strategies of published reviews, as their authors wrote them: read, and translated for every source."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from shared.strategies.dialects import DIALECTS
from shared.strategies.europepmc import read_europepmc
from shared.strategies.pubmed import read_pubmed
from shared.strategies.translating import TRANSLATED, translate
from shared.strategies.tree import depth_of, terms_of

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def strategies(realdata: Path) -> list[str]:
    file = realdata / "screening" / "protocols" / "ielab_seed_collection_pubmed_queries.jsonl"
    return [json.loads(line)["query"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_all_twenty_are_read(strategies):
    read = [read_pubmed(strategy) for strategy in strategies]

    assert len(read) == 20
    assert sum(len(list(terms_of(it.tree))) for it in read) == 1_531
    assert max(depth_of(it.tree) for it in read) == 7
    # What their authors should know: marks of word processors everywhere, small operators, a missing one, a stroke.
    assert Counter(warning.partition(" (")[0] for it in read for warning in it.warnings) == {
        "typographic quotation marks are read as plain ones": 20,
        "operators in small letters": 14,
        "terms without an operator between them are joined by AND": 1,
        "AND and OR stand side by side without brackets, and go from left to right": 1,
        "'/' holds no word and is passed over": 1,
    }


def test_what_pubmed_is_written_is_read_as_the_same_again(strategies):
    for strategy in strategies:
        (written,) = translate(read_pubmed(strategy).tree, "pubmed").strings
        assert translate(read_pubmed(written).tree, "pubmed").strings == (written,)


@pytest.mark.parametrize("source", TRANSLATED)
def test_each_is_translated_for_every_source(strategies, source):
    translations = [translate(read_pubmed(strategy).tree, source) for strategy in strategies]

    assert len(translations) == 20
    for translation in translations:
        assert translation.strings
        assert translation.filtered == bool([it for it in translation.warnings if it.term or source == "crossref"])
        for string in translation.strings:
            if source in DIALECTS:
                assert DIALECTS[source].measured(string) <= DIALECTS[source].longest
            if source == "europepmc":
                assert read_europepmc(string).warnings == ()
