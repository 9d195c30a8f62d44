"""Rows: how the parts of a report make tables, and call what has a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from shared.events.protocol import ADDED, FILES
from shared.reporting.documents import Paragraph, Run, Stated, Table, Words, said
from shared.strategies.dialects import DIALECTS

Thing = TypeVar("Thing")

#: How many rows a table of a report has at most.
MOST_ROWS = 200

#: Sources that no strategy is translated for, as people call them.
_OTHERS = {"crossref": "Crossref"}


def table(
    caption: str | Paragraph,
    head: Sequence[str],
    things: Iterable[Thing],
    row: Callable[[Thing], Iterable[Run | Paragraph]],
    *,
    cut: bool = False,
) -> Table:
    """A table with a row for each thing, up to as many as a report shows; `cut` where not all are given."""
    rows = [tuple(map(cell, row(thing))) for thing in islice(things, MOST_ROWS + 1)]
    called = words(caption) if isinstance(caption, str) else caption
    return Table(called, tuple(head), tuple(rows[:MOST_ROWS]), cut=cut or len(rows) > MOST_ROWS)


def cell(content: Run | Paragraph) -> Paragraph:
    return content if isinstance(content, Paragraph) else Paragraph((content,))


def words(text: str) -> Paragraph:
    """A paragraph of words of ours alone."""
    return said("{it}", it=Words(text))


def source_called(name: str) -> Stated:
    """A source as people call it."""
    if name in DIALECTS:
        return Stated(DIALECTS[name].title)
    return Stated(_OTHERS.get(name) or name.removeprefix(FILES).removeprefix(ADDED) or "–")


def named(text: object) -> Stated:
    """A name, a date or words of data; a dash where there is nothing."""
    return Stated("–" if text in (None, "") else str(text))


def day_of(instant: object) -> Stated:
    """The day of an instant that data have."""
    return named(instant and str(instant)[:10])
