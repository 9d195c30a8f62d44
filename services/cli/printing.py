"""Printing: the same rows as a table for people or as JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from services.cli.visible import escaped, visible

if TYPE_CHECKING:
    from datetime import datetime

Row = TypeVar("Row")

#: Characters of a title in a table.
_LONGEST_TITLE = 60

#: Columns that are never broken over lines.
_WHOLE = {
    "cycle",
    "on",
    "found",
    "merged",
    "duplicates",
    "coded",
    "screened",
    "included",
    "fragments",
    "support per CMOC",
    "change",
    "last run",
    "run",
    "letter",
    "group",
    "person",
    "invitation",
    "key",
}

#: An id, which is there to be copied.
_ID = re.compile(r"[a-z]+_[0-9a-f]{32}")

#: The columns of a terminal that another cell is given before a table gives way to a block of lines for each row.
_LEAST_CELL = 10

#: What a file or another program gets is this wide, so that nothing is broken for it.
_NO_TERMINAL = 10_000


class _Safe(Console):
    """A console that shows what a terminal would act on, whoever wrote it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _Lines(_Safe):
    """A console that breaks lines for a terminal only, which alone has a width."""

    @property  # type: ignore[misc]  # nobody sets the size of these
    def size(self) -> ConsoleDimensions:
        real = super().size
        return real if self.is_terminal else ConsoleDimensions(_NO_TERMINAL, real.height)


# Titles and reasons are printed as they are: a `:smile:` in one is no emoji, and to look for them costs a file.
out = _Lines(emoji=False)
err = _Lines(stderr=True, emoji=False)


def print_json(value: object) -> None:
    """Prints a document or a model, or anything made of them, as indented JSON."""
    print(escaped(json.dumps(plain(value), indent=2, ensure_ascii=not shows_all(), default=str)))


def print_json_line(value: object) -> None:
    """Prints a document or a model as one line of JSON, at once, for whoever reads along."""
    print(escaped(json.dumps(plain(value), ensure_ascii=not shows_all(), default=str)), flush=True)


def shows_all() -> bool:
    """Whether the output can show every character; in JSON and YAML the others are escaped where it cannot."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def plain(value: object) -> object:
    """Models as plain dictionaries, however deep they lie."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def print_rows(
    rows: Iterable[Row], columns: Sequence[tuple[str, Callable[[Row], object]]], *, as_json: bool, empty: str
) -> None:
    """Prints rows: a column is its heading and what it shows of a row. `empty` is said when there are none.

    On a terminal that is too narrow for their table each row is a block of lines.
    """
    rows = list(rows)
    if as_json:
        print_json(rows)
    elif not rows:
        out.print(empty)
    else:
        headings, lines = [heading for heading, _ in columns], [[show(row) for _, show in columns] for row in rows]
        if _least_width(headings, lines) <= out.width:
            out.print(table(headings, lines))
        else:
            _print_blocks(headings, lines)


def _least_width(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> int:
    """How wide a terminal must be for a table, with ids in one piece and all else in some characters a line."""
    widths = [0 if not heading else max(map(len, heading.split())) for heading in headings]
    for line in lines:
        for at, cell in enumerate(line):
            text = "" if cell is None else str(cell)
            whole = headings[at] in _WHOLE or _ID.fullmatch(text)
            widths[at] = max(widths[at], cell_len(text) if whole else min(cell_len(text), _LEAST_CELL))
    return sum(widths) + 2 * (len(widths) - 1)


def _print_blocks(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Each line as a block of what it has, under each other."""
    for number, line in enumerate(lines):
        if number:
            out.print()
        named = [
            [Text(heading, style="bold"), cell]
            for heading, cell in zip(headings, line, strict=True)
            if str("" if cell is None else cell)
        ]
        out.print(table(["", ""], named, show_header=False))


def indented(text: Text) -> Padding:
    """A text under what it is of, no wider than it is itself."""
    return Padding.indent(text, 2)


def print_whole(shown: RenderableType) -> None:
    """Prints something with deep lines, each of them whole: a terminal breaks it, nothing is cut off at its width."""
    _Safe(emoji=False, width=_NO_TERMINAL).print(shown, soft_wrap=True)


def table(headings: Sequence[str], lines: Iterable[Sequence[object]], **style: Any) -> Table:
    """A table in the one style of all; what it holds is printed as it is, never read as markup."""
    made = Table(header_style="bold", box=None, pad_edge=False, **style)
    lines = list(lines)
    for at, heading in enumerate(headings):
        ids = any(_ID.fullmatch(str(line[at])) for line in lines if at < len(line))
        made.add_column(heading, overflow="fold", no_wrap=ids or heading in _WHOLE)
    for line in lines:
        made.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in line))
    return made


def title_of(title: str | None) -> str:
    """A title as far as a row of a table has room for it."""
    title = title or ""
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def counted(number: int, one: str, many: str | None = None) -> str:
    """How many of something there are: `1 conflict`, `2 conflicts`, `2 studies`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def print_line(text: str, style: str = "") -> None:
    """Prints a line that is to be copied, such as a command: whole, however narrow the terminal is."""
    out.print(Text(text, style=style), soft_wrap=True)


def day(instant: datetime | str) -> str:
    """The day of an instant as the platform tells it."""
    return _spelled(instant)[:10]


def minute(instant: datetime | str) -> str:
    """The minute of an instant as the platform tells it, such as `2026-10-07 12:30 UTC`."""
    return f"{_spelled(instant)[:16].replace('T', ' ')} UTC"


def second(instant: datetime | str) -> str:
    """The second of an instant as the platform tells it: a key's date is held against others to that and closer."""
    return f"{_spelled(instant)[:19].replace('T', ' ')} UTC"


def _spelled(instant: datetime | str) -> str:
    """An instant as text, which is how the plain client has it already."""
    return instant if isinstance(instant, str) else instant.isoformat()
