"""Words that speak for a record or against it, marked in what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from shared.highlighting import any_of

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


def _mark(shown: Text, words: Sequence[str], style: str) -> None:
    if words:
        shown.highlight_regex(any_of(tuple(words)), style)
