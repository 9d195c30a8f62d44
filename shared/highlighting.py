"""Highlighting: where a text has the words of a protocol that speak for a record or against it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, Protocol

Side = Literal["include", "exclude"]


class Words(Protocol):
    """The words that speak for a record, and those that speak against it (`shared.events.stages.Highlights`)."""

    @property
    def include(self) -> Sequence[str]: ...

    @property
    def exclude(self) -> Sequence[str]: ...


@lru_cache(maxsize=16)
def any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words, whole and in whatever case; a `*` stands for any letters, a blank for any blanks."""
    # The longest first, as of two words that begin alike the first that fits is taken.
    forms = [re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for word in sorted(words, key=len)[::-1]]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)


def spans(text: str, words: Words | None) -> Iterator[tuple[int, int, Side]]:
    """From where to where a text has such words, in order; where both sides begin alike, it speaks against."""
    if words is None:
        return
    at = 0
    found = [*_found(text, words.exclude, "exclude"), *_found(text, words.include, "include")]
    for begins, ends, side in sorted(found, key=lambda it: it[0]):
        if begins >= at:
            yield begins, ends, side
            at = ends


def _found(text: str, words: Sequence[str], side: Side) -> Iterator[tuple[int, int, Side]]:
    return ((*match.span(), side) for match in any_of(tuple(words)).finditer(text)) if words else iter(())
