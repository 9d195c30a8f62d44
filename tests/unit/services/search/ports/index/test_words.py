"""Words: the same for both servers, and where each stands."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.search.ports.index.sqlite_sql import TOKENIZER
from services.search.ports.index.telling import stop_words
from services.search.ports.index.words import BAR, MARK, Words, located
from shared.errors import Invalid
from shared.folding import composed

_texts = st.text(st.one_of(st.characters(), st.sampled_from("aeing -'’s\u00ad\u0301ดูमिा中が한ßﬁ")), max_size=40)
ENGLISH = Words("english")


def indexed(texts: list[str], analyzer: str = "english") -> str:
    (words,) = Words(analyzer).indexed([texts])
    return words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("treatment.Results", "treatment results"),
        ("The patient’s e-health", f"the patient e health {BAR} ehealth"),
        ("O'Neill's rock-'n'-roll -", f"o neill rock n roll {BAR} oneill rocknroll"),
        ("- 'tis nurses'", "tis nurses"),
        ("患者 ดี", "患 者 ด ี"),
    ],
)
def test_the_words_of_a_text(text: str, words: str) -> None:
    assert indexed([text], "standard").split() == words.split()


def test_an_analyzer_that_is_not_there_is_named() -> None:
    with pytest.raises(Invalid, match=r"'klingon'.*english, standard"):
        Words("klingon")


#: Words of which Porter's rules make something: each ending behind each beginning.
_BEGINNINGS = (
    "fil",
    "possib",
    "leader",
    "univers",
    "polic",
    "rat",
    "hop",
    "legi",
    "agre",
    "sky",
    "b",
    "conflat",
    "differ",
)
_ENDINGS = (
    "", "e", "es", "s", "y", "ies", "ing", "ed", "eed", "er", "ers", "al", "ally", "ation", "ational", "ization",
    "izer", "ator", "ility", "ilities", "ency", "ancy", "ably", "ibly", "eli", "ousness", "iveness", "fulness",
    "alism", "ality", "ivity", "icate", "icity", "ical", "ology", "ment", "ement", "ion", "sion", "tion", "ive", "lle",
)  # fmt: skip
_made = st.builds("".join, st.lists(st.sampled_from(_BEGINNINGS + _ENDINGS), min_size=1, max_size=3)).filter(bool)
_words = st.one_of(_made, st.text("abceilmnorstuy09д", min_size=1, max_size=9))


@given(_words)
@example("policy")
@example("filing")
@example("possibility")
def test_a_word_begins_with_what_its_stem_has_before_a_mark(word: str) -> None:
    assert word.startswith(ENGLISH.stem(word).partition(MARK)[0])


@given(_words)
def test_a_word_counts_as_what_sqlite_makes_of_it(porter: sqlite3.Connection, word: str) -> None:
    porter.execute("DELETE FROM texts")
    porter.execute("INSERT INTO texts VALUES (?)", [word])
    (stem,) = porter.execute("SELECT term FROM terms").fetchone()

    assert ENGLISH.stem(word).replace(MARK, "") == (stem if word.isascii() else word)


@given(st.lists(_words, min_size=1, max_size=6), _words, st.integers(1, 9))
@example(["filing"], "file", 4)
@example(["policy"], "policies", 5)
@example(["integrity"], "integrated", 8)
def test_a_beginning_finds_exactly_the_words_that_begin_so(
    porter: sqlite3.Connection, each: list[str], word: str, letters: int
) -> None:
    beginning = word[:letters]
    porter.execute("DELETE FROM plain")
    porter.execute("INSERT INTO plain VALUES (?)", [indexed([" ".join(each)])])
    match = " OR ".join(f'"{one}" *' for one in ENGLISH.beginnings(beginning))
    found = porter.execute("SELECT 1 FROM plain WHERE plain MATCH ?", [match]).fetchone()

    assert bool(found) == any(word.startswith(beginning) for word in each)


@pytest.fixture(scope="module")
def porter() -> Iterator[sqlite3.Connection]:
    """A table that stems as SQLite does, and one that splits at blanks as the index does."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'porter ascii')")
        db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, row)")
        db.execute(f"CREATE VIRTUAL TABLE plain USING fts5(text, tokenize = {TOKENIZER})")
        yield db


@pytest.mark.waits
def test_a_word_is_the_same_to_all_who_ask_when_more_were_met_than_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.search.ports.index.words._REMEMBERED", 50)
    texts = [f"leaders policies filing word{number}xing" for number in range(300)]
    expected = [f"leader polic{MARK}i fil{MARK}e word{number}x" for number in range(300)]
    found: list[list[str]] = []

    def ask() -> None:
        found.append([indexed([text]).partition(f" {BAR}")[0] for text in texts])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert found == [expected] * 4


@given(_texts)
def test_the_words_of_a_text_are_located_as_they_are_indexed(text: str) -> None:
    where = located(composed(text))
    spans = [where.span(*match.span()) for match in re.finditer("[^ -]+", where.letters)]

    words = where.letters.replace("-", " ").split()
    assert words == indexed([text], "standard").partition(BAR)[0].split()
    assert all(0 <= start < end <= len(composed(text)) for start, end in spans)


@pytest.mark.parametrize(
    ("text", "word", "stands"),
    [
        ("the Größe of", "grosse", "Größe"),
        ("is so\u00adfter\u00ad now", "softer", "so\u00adfter\u00ad"),
        ("an oﬃce", "office", "oﬃce"),
        ("日本の医療", "医", "医"),
        ("q\u0301 is q", "q", "q\u0301"),
        ("à l’œuvre", "oeuvre", "œuvre"),
        ("ｶﾞﾝ", "ガ", "ｶﾞ"),
    ],
)
def test_a_word_stands_where_the_text_has_it(text: str, word: str, stands: str) -> None:
    where = located(composed(text))
    at = where.letters.index(word)
    start, end = where.span(at, at + len(word))

    assert text[start:end] == stands


def test_what_tells_nothing_is_reckoned_once_for_an_analyzer_and_holds_no_index_of_it():
    assert stop_words(Words("english")) is stop_words(Words("english"))
    assert "this" in stop_words(Words("standard")) != stop_words(ENGLISH)
