"""The local filter: whether a strategy reaches a work, by title and abstract, when a source brought more than asked.

It never says no of a work that the strategy would find: what cannot be seen in a title and an abstract (a heading of
indexers, a date, an author's keyword, an abstract that a source withholds) is `cannot tell`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from shared.folding import plain_words
from shared.strategies.tree import Node, Not, Or, Term

Reached = Literal["yes", "no", "cannot tell"]

#: Words of an abstract or title that are looked at; hardly a real one has as many.
_MOST_WORDS = 5_000


def reaches(tree: Node, title: str | None, abstract: str | None) -> Reached:
    """Whether a work with this title and abstract is one that the strategy finds; None is a text that is not there.

    `yes` and `no` are certain, but for what a source itself reads more widely than it is written (stemming, synonyms).
    Markup in the texts is taken for words: pass them as plain text.
    """
    found = _held(tree, _Texts(title, abstract))
    return "cannot tell" if found is None else "yes" if found else "no"


class _Texts:
    """The words of a work, by field."""

    def __init__(self, title: str | None, abstract: str | None) -> None:
        self.title = _Words(title) if title and title.strip() else None
        self.abstract = _Words(abstract) if abstract and abstract.strip() else None


class _Words:
    """The words of one text, in their order and by themselves."""

    def __init__(self, text: str) -> None:
        words = plain_words(text)[:_MOST_WORDS]
        self.whole = len(words) < _MOST_WORDS
        self.at: dict[str, list[int]] = {}
        for index, word in enumerate(words):
            self.at.setdefault(word, []).append(index)
        self._found: dict[str, list[int]] = {}

    def standing(self, word: str) -> list[int]:
        """Where a word stands, which may have wildcards."""
        if "*" not in word and "?" not in word:
            return self.at.get(word, [])
        if word not in self._found:
            self._found[word] = sorted(at for known, all_at in self.at.items() if fits(word, known) for at in all_at)
        return self._found[word]


def _held(node: Node, texts: _Texts) -> bool | None:
    """True, False or None, where it cannot be told (Kleene's logic)."""
    if isinstance(node, Term):
        return _term(node, texts)
    if isinstance(node, Not):
        inner = _held(node.of, texts)
        return None if inner is None else not inner
    decides = isinstance(node, Or)
    found: bool | None = not decides
    for part in node.parts:
        one = _held(part, texts)
        if one is decides:
            return decides
        if one is None:
            found = None
    return found


def _term(term: Term, texts: _Texts) -> bool | None:
    if term.field in ("subject", "attribute"):
        return None
    looked_into = {"title": [texts.title], "abstract": [texts.abstract]}.get(term.field, [texts.title, texts.abstract])
    there = [words for words in looked_into if words is not None]
    words = term.words
    if not words:
        return None
    if not term.exact and term.near is None:
        found = all(any(text.standing(word) for text in there) for word in words)
    else:
        found = any(_together(words, term.near, text) for text in there)
    if found:
        return True
    # What is not seen may stand in keywords, in a text that is not here, or behind what was looked at.
    unseen = term.field in ("text", "all") or len(there) < len(looked_into) or not all(it.whole for it in there)
    return None if unseen else False


def _together(words: Sequence[str], near: int | None, text: _Words) -> bool:
    """Whether the words stand side by side in their order, or in any order with `near` others between them all."""
    standing = [text.standing(word) for word in words]
    if not all(standing):
        return False
    if near is None:
        return any(all(_has(at, first + step) for step, at in enumerate(standing)) for first in standing[0])
    reach = len(words) + near
    return any(_within(standing, first, first + reach) for at in standing for first in at)


def _within(standing: list[list[int]], first: int, end: int) -> bool:
    """Whether each word stands somewhere from `first` on and before `end`."""
    for at in standing:
        index = bisect_left(at, first)
        if index == len(at) or at[index] >= end:
            return False
    return True


def _has(at: list[int], wanted: int) -> bool:
    index = bisect_left(at, wanted)
    return index < len(at) and at[index] == wanted


@lru_cache(maxsize=4096)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("*"))


def fits(pattern: str, word: str) -> bool:
    """Whether a word is one that the pattern stands for: `*` any letters, `?` one. In linear steps, unlike a regular
    expression with as many stars."""
    first, *others = _pieces(pattern)
    if not others:
        return len(word) == len(first) and _same(first, word, 0)
    last = others.pop()
    if len(word) < len(first) + len(last) or not _same(first, word, 0) or not _same(last, word, len(word) - len(last)):
        return False
    at, end = len(first), len(word) - len(last)
    for piece in others:
        at = _first(piece, word, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _first(piece: str, word: str, at: int, end: int) -> int:
    if "?" not in piece:
        return word.find(piece, at, end)
    return next((start for start in range(at, end - len(piece) + 1) if _same(piece, word, start)), -1)


def _same(piece: str, word: str, start: int) -> bool:
    if "?" not in piece:
        return word.startswith(piece, start)
    there = word[start : start + len(piece)]
    return len(there) == len(piece) and all(a in ("?", b) for a, b in zip(piece, there, strict=True))
