"""Articles that their publishers marked up: read into passages, of which true quotes are found and changed ones not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.ingest.domain.passages import Parse, Passage
from services.ingest.ports.parsing import jats
from shared.quoting import Searched, find
from tests.unit.services.ingest.test_quotes import changed

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def articles(realdata: Path) -> list[Parse]:
    files = sorted((realdata / "api-responses" / "pubmed-titipata").glob("*.nxml"))
    assert len(files) >= 8
    return [jats.parse(file.read_bytes()) for file in files]


def test_each_is_read_by_its_sections(articles):
    for parse in articles:
        assert parse.paragraphs > 10
        assert parse.passages[0].locator == "title"
        assert any(each.locator.startswith("sec1") for each in parse.passages)
        assert all("  " not in parse.of(each) for each in parse.passages)


def test_two_hundred_quotes_of_them_are_found_at_their_paragraph_and_none_with_a_word_changed(articles):
    chance, found, accepted, tried = random.Random(11), 0, list[str](), 0
    searched = [Searched(parse.text) for parse in articles]
    for _ in range(200):
        number, passage, words = some_words(articles, chance)
        # As somebody's own program gives it back: with plain quotes and dashes, broken into lines.
        typed = words.replace("“", '"').replace("”", '"').replace("–", "-").replace(" ", "\n", 1)
        found += any(passage.start <= span.start < passage.end for span in find(searched[number], typed))
    while tried < 200:
        number, passage, words = some_words(articles, chance)
        other = changed(words, chance)
        # By chance it may be what stands elsewhere, which were true.
        if other not in articles[number].text:
            tried += 1
            accepted += [other] if find(searched[number], other) else []

    assert found >= 198
    assert accepted == []


def some_words(articles: list[Parse], chance: random.Random) -> tuple[int, Passage, str]:
    """A dozen words of some article, with its number and their paragraph."""
    number = chance.randrange(len(articles))
    parse = articles[number]
    paragraphs = [each for each in parse.passages if each.kind == "paragraph" and each.end - each.start > 300]
    passage = chance.choice(paragraphs)
    words = parse.of(passage).split(" ")
    start = chance.randrange(len(words) - 12)
    return number, passage, " ".join(words[start : start + chance.randint(10, 12)])
