"""Words: the same for both servers, and where each stands."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.ports.index.sqlite_sql import tokenizer
from services.search.ports.index.words import BAR, RUN, Words, placed
from shared.errors import Invalid
from shared.folding import composed

_texts = st.text(st.one_of(st.characters(), st.sampled_from("aeing -'’s\u00ad\u0301ดูमिा中が한ßﬁ")), max_size=40)


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
    assert Words("standard").unstemmed([text]).split() == words.split()


def test_an_analyzer_that_is_not_there_is_named() -> None:
    with pytest.raises(Invalid, match=r"'klingon'.*english, standard"):
        Words("klingon")


@given(st.lists(_texts, max_size=3))
def test_what_sqlite_stems_by_itself_is_what_is_stemmed_for_another(texts: list[str]) -> None:
    words = Words("english")
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = {tokenizer(stems=True)})")
        db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, row)")
        db.execute("INSERT INTO texts VALUES (?)", [words.unstemmed(texts)])
        terms = {term for (term,) in db.execute("SELECT term FROM terms")}

    assert terms == set(words.stemmed(texts).split())


@given(_texts)
def test_the_words_of_a_text_stand_in_it_in_their_order(text: str) -> None:
    runs = [(match[0], parts) for match in RUN.finditer(composed(text)) for parts in placed(match[0])]
    words = [part.form for _, parts in runs for part in parts]

    assert words == Words("standard").unstemmed([text]).partition(BAR)[0].split()
    assert all(0 <= part.start < part.end <= len(run) for run, parts in runs for part in parts)
