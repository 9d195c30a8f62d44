"""Words that speak for a record or against it, marked in what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from shared.events.stages import Highlights

#: How what speaks for a record is shown, and what speaks against it.
FOR, AGAINST = "bold green", "bold red"


def marked(text: str, highlights: Highlights | None, style: str = "") -> Text:
    """A text with the protocol's words marked in it, in whatever case; a `*` at the end of a word stands for any
    letters."""
    shown = Text(text, style=style)
    if highlights is not None:
        _mark(shown, highlights.include, FOR)
        _mark(shown, highlights.exclude, AGAINST)
    return shown


@lru_cache(maxsize=16)
def any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words, whole and in whatever case; a `*` stands for any letters, a blank for any blanks."""
    # The longest first, as of two words that begin alike the first that fits is taken.
    forms = [re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for word in sorted(words, key=len)[::-1]]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)


def _mark(shown: Text, words: Sequence[str], style: str) -> None:
    if words:
        shown.highlight_regex(any_of(tuple(words)), style)
