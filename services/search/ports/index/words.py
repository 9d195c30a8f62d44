"""Cuts texts and queries into the words of the index, so that what is found depends on neither server's own ideas.

A text goes into an index as its words in their order, with blanks between them, at which alone a server splits.
Behind a bar stand compounds in one word (`e-health` as `ehealth`). Where words count by their stems, these stand for
them, with a mark before a last letter that not all words of the stem have (`filing` and `file` count as `fil~e`): all
of them begin with what stands before the mark. Words that are more than that stand behind another bar as they are,
once, for queries that name the beginning of one: in signs instead of letters, so that none is taken for a stem.

There is one stemmer, SQLite's (Porter's, with its author's later changes). It is asked for each word once, for all new
words of a text together.
"""

from __future__ import annotations

import re
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, filterfalse, islice
from threading import Lock
from typing import Final, NamedTuple

from shared.errors import Invalid
from shared.folding import UNICODE, each_findable, findable

#: Changes with every change of what this module or `findable` makes of a text, of how an index is laid out, and with
#: the Unicode that this Python knows. An index of another form is made anew.
FORM = f"6, Unicode {UNICODE}"

ANALYZERS = ("english", "standard")

#: Stands between what belongs to no common phrase: two authors, a text and what stands behind it.
BAR = "¦"

#: Stand for the letters of words that count as they are written: ASCII, and nowhere in what is findable.
SIGNS = "!#$%&()*+,./:;<=>?@[]^_{|}"

#: Stands before the last letter of a stem that not all its words have.
MARK = "~"

#: Characters of a word that count; Elasticsearch cuts longer ones in two.
_LONGEST = 100

#: Words whose stems are remembered; what is more is asked again.
_REMEMBERED = 100_000

#: Fields of texts whose new words are asked for at once: to ask takes as long as for ten words.
_MET_AT_ONCE = 400

_ASCII = frozenset(map(chr, range(128)))
_RUN = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_PARTS = re.compile("[^-']+")
_POSSESSIVE = re.compile(r"'s(?<=[^\W_]'s)(?![^\W_])")
_IN_SIGNS = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", SIGNS.encode())


class Located(NamedTuple):
    """A composed text as it is findable, with a hyphen for each sign inside a word, and where its characters stand in
    the text: each at the same offset when `offsets` is None; they end with the text's length."""

    letters: str
    offsets: list[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From where to where in the text these characters stand, with what nobody sees behind them."""
        if self.offsets is None:
            return start, end
        last = self.offsets[end - 1]
        return self.offsets[start], self.offsets[bisect_right(self.offsets, last)]


class Words:
    """The words of texts, by an analyzer: `english` takes the forms of a word for one, `standard` does not."""

    def __init__(self, analyzer: str) -> None:
        if analyzer not in ANALYZERS:
            raise Invalid(f"the analyzer is {analyzer!r}; the search index knows {', '.join(ANALYZERS)}")
        self.analyzer: Final = analyzer
        self.stems: Final = analyzer == "english"

    def stem(self, word: str) -> str:
        """What a word counts as."""
        return _stems.of([word])[0] if self.stems else word

    def indexed(self, fields: Iterable[Iterable[str]]) -> Iterator[str]:
        """What an index takes in of each field of texts; no phrase goes from one text into the next."""
        waiting = iter(fields)
        while some := [_in_order(texts) for texts in islice(waiting, _MET_AT_ONCE)]:
            if self.stems:
                _stems.meet(some)
            yield from map(self._indexed, some)

    def _indexed(self, each: list[str]) -> str:
        if not self.stems:
            return " ".join(map(counted, each))
        stems = _stems.of(each)
        # A word that some stem is alike needs no second mention.
        beyond = {counted(word) for word in set(each).difference(stems)}
        return f"{' '.join(stems)} {BAR} {_in_signs(' '.join(beyond))}"

    def apart(self, texts: Iterable[str]) -> tuple[str, str]:
        """The same of a field for an index that keeps words as they are apart from stems: in their order, by what they
        count as; and each of them once, as it is, or nothing where that is the same."""
        each = list(map(counted, _in_order(texts)))
        return (" ".join(_stems.of(each)), " ".join(dict.fromkeys(each))) if self.stems else (" ".join(each), "")

    def beginnings(self, letters: str) -> tuple[str, ...]:
        """What the words of an index begin with that begin so: any of these."""
        return tuple(dict.fromkeys([letters, _in_signs(letters)])) if self.stems else (letters,)


def shared(stem: str) -> str:
    """What all words of a stem begin with."""
    return stem.partition(MARK)[0]


def counted(word: str) -> str:
    """What of a word counts."""
    return word[:_LONGEST]


def parts_of(piece: str) -> list[str]:
    """The words of which a findable piece is made: of `e-health` two, of `patient's` one."""
    return _PARTS.findall(_POSSESSIVE.sub("", piece) if "'" in piece else piece)


def _in_order(texts: Iterable[str]) -> list[str]:
    return f" {BAR} ".join(map(_found_in, texts)).split()


def _found_in(text: str) -> str:
    found = findable(text)
    if "'" in found:
        found = _POSSESSIVE.sub("", found).replace("'", "-")
    if "-" not in found:
        return found
    whole = " ".join({found[start:end].replace("-", ""): None for start, end in compounds(found)})
    found = found.replace("-", " ")
    return f"{found} {BAR} {whole}" if whole else found


def compounds(found: str) -> Iterator[tuple[int, int]]:
    """Where something is written with hyphens inside. Little is, so that only what is about a hyphen is looked at."""
    at = found.find("-")
    while at >= 0:
        start, end = found.rfind(" ", 0, at) + 1, found.find(" ", at)
        piece = found[start : end if end >= 0 else None]
        inner = piece.strip("-")
        if "-" in inner:
            start += piece.index(inner)
            yield start, start + len(inner)
        at = found.find("-", end) if end >= 0 else -1


def _in_signs(words: str) -> str:
    """Words in signs instead of letters."""
    return words.encode().translate(_IN_SIGNS).decode()


def located(text: str) -> Located:
    """The words of a composed text, each in its place."""
    letters, offsets = findable(text), None
    if not (text.isascii() or all(len(findable(char)) == 1 for char in set(text) - _ASCII)):
        letters, offsets = _one_by_one(text)
    if "'" in letters:
        letters = _POSSESSIVE.sub("--", letters).replace("'", "-")
    return Located(letters, offsets)


def _one_by_one(text: str) -> tuple[str, list[int]]:
    pieces, offsets = list[str](), list[int]()
    for run in _RUN.finditer(text):
        if run[0].isascii():
            pieces.append(findable(run[0]))
            offsets += range(run.start(), run.end())
        else:
            for offset, found in each_findable(run[0]):
                pieces.append(found)
                offsets += [run.start() + offset] * len(found)
    return "".join(pieces), [*offsets, len(text)]


class _Stems:
    """What words count as, by SQLite's stemmer; remembered while there are not too many."""

    def __init__(self) -> None:
        self._known, self._lock = dict[str, str](), Lock()
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("CREATE VIRTUAL TABLE words USING fts5(word, tokenize = 'porter ascii', content = '')")
        self._db.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, instance)")

    def of(self, words: list[str]) -> list[str]:
        """What each of these words counts as."""
        try:
            return list(map(self._known.__getitem__, words))
        except KeyError:
            # Of a word that is too long its beginning alone is known.
            words = list(map(counted, words))
            return list(map(self._knowing(words).__getitem__, words))

    def meet(self, many: list[list[str]]) -> None:
        """Asks for all words at once that are met for the first time."""
        new = set(filterfalse(self._known.__contains__, chain.from_iterable(many)))
        if new:
            self._knowing(list(map(counted, new)))

    def _knowing(self, words: list[str]) -> dict[str, str]:
        """What is known of words, of all these among them."""
        with self._lock:
            if len(self._known) > _REMEMBERED:
                # Whoever works with the old ones keeps them.
                self._known = {}
            new = set(words).difference(self._known)
            plain = [word for word in new if word.isascii() and word.isalnum()]
            stems = dict(zip(plain, map(_marked, self._ask(plain)), strict=True))
            self._known.update({word: stems.get(word, word) for word in new})
            return self._known

    def _ask(self, words: list[str]) -> list[str]:
        self._db.execute("INSERT INTO words VALUES (?)", [" ".join(words)])
        stems = [stem for (stem,) in self._db.execute("SELECT term FROM stems ORDER BY offset")]
        self._db.execute("INSERT INTO words (words) VALUES ('delete-all')")
        return stems


def _marked(stem: str) -> str:
    """A stem with a mark before a last letter that the stemmer may have put there: of `policy` it makes `polici`, of
    `filing` `file`, of `possibility` `possibl`."""
    put_there = len(stem) > 1 and stem.endswith(("e", "i", "bl"))
    return f"{stem[:-1]}{MARK}{stem[-1]}" if put_there else stem


_stems = _Stems()
