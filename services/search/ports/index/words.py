"""Cuts texts and queries into the words of the index, so that what is found depends on neither server's own ideas.

A text goes into an index as its words in their order, with blanks between them, at which alone a server splits. Behind
a bar stand compounds in one word (`e-health` as `ehealth`). Where words count by their stems, all of them stand behind
another bar as they are, for queries that name the beginning of one: in signs instead of letters, so that no word is
taken for a stem.

There is one stemmer, SQLite's (Porter's, with its author's later changes): its index stems what it is given, outside
Python's lock, and for Elasticsearch and for marks it is asked word by word.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import Final, NamedTuple

from shared.errors import Invalid
from shared.folding import UNICODE, each_findable, findable

#: Changes with every change of what this module or `findable` makes of a text, of how an index is laid out, and with
#: the Unicode that this Python knows. An index of another form is made anew.
FORM = f"2, Unicode {UNICODE}"

ANALYZERS = ("english", "standard")

#: Stands between what belongs to no common phrase: two authors, a text and what stands behind it.
BAR = "¦"

#: Stand for the letters of words that no stemmer may shorten: ASCII, and nowhere in what is findable.
SIGNS = "!#$%&()*+,./:;<=>?@[]^_{|}"

#: Characters of a word that count; Elasticsearch cuts longer ones in two.
_LONGEST = 100

#: Words whose stems are remembered; what is more is asked again.
_REMEMBERED = 200_000

#: What stands in a text between blanks.
RUN = re.compile(r"\S+")
_PARTS = re.compile("[^-']+")
_POSSESSIVE = re.compile(r"(?<=[^\W_])'s(?![^\W_])")
_TOO_LONG = re.compile(rf"( [^ ]{{{_LONGEST}}})[^ ]+")
_IN_SIGNS = str.maketrans("abcdefghijklmnopqrstuvwxyz", SIGNS)


class Part(NamedTuple):
    """A word in a text: as it is written (folded), and from where to where."""

    form: str
    start: int
    end: int


class Words:
    """The words of texts, by an analyzer: `english` takes the forms of a word for one, `standard` does not."""

    def __init__(self, analyzer: str) -> None:
        if analyzer not in ANALYZERS:
            raise Invalid(f"the analyzer is {analyzer!r}; the search index knows {', '.join(ANALYZERS)}")
        self.stems: Final = analyzer == "english"

    def stem(self, word: str) -> str:
        """What a word counts as."""
        return _stems[word] if self.stems else word

    def unstemmed(self, texts: Iterable[str]) -> str:
        """What an index that stems by itself takes in of texts; no phrase goes from one into the next."""
        words = _words(texts)
        return f"{words} {BAR} {in_signs(words)}" if self.stems else words

    def stemmed(self, texts: Iterable[str]) -> str:
        """The same for an index that does not stem."""
        words = _words(texts)
        if not self.stems:
            return words
        each = words.split()
        return f"{' '.join(map(_stems.__getitem__, each))} {BAR} {in_signs(' '.join(dict.fromkeys(each)))}"

    def beginning(self, letters: str) -> str:
        """What the words of an index begin with that begin so."""
        return in_signs(letters) if self.stems else letters


def in_signs(words: str) -> str:
    """Words in signs instead of letters."""
    return words.translate(_IN_SIGNS)


def counted(word: str) -> str:
    """What of a word counts."""
    return word[:_LONGEST]


def parts_of(piece: str) -> list[str]:
    """The words of which a findable piece is made: of `e-health` two, of `patient's` one."""
    return _PARTS.findall(_POSSESSIVE.sub("", piece) if "'" in piece else piece)


def _words(texts: Iterable[str]) -> str:
    words = f" {BAR} ".join(map(_in_order, texts))
    return _TOO_LONG.sub(r"\1", f" {words}")[1:]


def _in_order(text: str) -> str:
    found = findable(text)
    if "'" in found:
        found = _POSSESSIVE.sub("", found).replace("'", "-")
    if "-" not in found:
        return found
    whole = (piece.replace("-", "") for piece in found.split() if "-" in piece.strip("-"))
    compounds = " ".join(dict.fromkeys(whole))
    found = found.replace("-", " ")
    return f"{found} {BAR} {compounds}" if compounds else found


@lru_cache(maxsize=20_000)
def placed(run: str) -> tuple[tuple[Part, ...], ...]:
    """The words of a run of a composed text, those of one piece together; `RUN` has a text's runs."""
    if run.isascii() and run.isalnum():
        return ((Part(run.lower(), 0, len(run)),),)
    letters, offsets, ends = "", list[int](), dict[int, int]()
    for offset, found in each_findable(run):
        letters += found
        offsets += [offset] * len(found)
        # What nobody sees belongs to what stands before it.
        ends[offsets[-1] if offsets else 0] = offset + 1
    pieces = []
    for piece in RUN.finditer(letters):
        start = piece.start()
        pieces.append(
            tuple(
                Part(part[0], offsets[start + part.start()], ends[offsets[start + part.end() - 1]])
                for part in _PARTS.finditer(_POSSESSIVE.sub("--", piece[0]))
            )
        )
    return tuple(pieces)


class _Stems(dict[str, str]):
    """The stem of each word, as SQLite's stemmer has it, kept while there are not too many."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("CREATE VIRTUAL TABLE words USING fts5(word, tokenize = 'porter ascii', content = '')")
        self._db.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, row)")

    def __missing__(self, word: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = stem = self._ask(word) if word.isascii() else word
        return stem

    def _ask(self, word: str) -> str:
        stem: str
        with self._lock:
            self._db.execute("INSERT INTO words VALUES (?)", [word])
            (stem,) = self._db.execute("SELECT term FROM stems").fetchone()
            self._db.execute("INSERT INTO words (words) VALUES ('delete-all')")
        return stem


_stems = _Stems()
