"""Printing: the same rows as a table for people or as JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = TypeVar("Row", bound=BaseModel)

#: `--json` of every listing.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]

#: Columns that are never broken over lines.
_WHOLE = {"cycle", "found", "merged", "screened", "included", "fragments", "support per CMOC", "change"}

out = Console()
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """Prints a model, or anything made of models, as indented JSON."""
    print(orjson.dumps(plain(value), option=orjson.OPT_INDENT_2, default=str).decode())


def plain(value: Any) -> Any:
    """Models as plain dictionaries, however deep they lie."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def print_rows(
    rows: Iterable[Row], columns: Sequence[tuple[str, Callable[[Row], Any]]], *, as_json: bool, empty: str
) -> None:
    """Prints rows: a column is its heading and what it shows of a row. `empty` is said when there are none."""
    rows = list(rows)
    if as_json:
        print_json(rows)
    elif not rows:
        out.print(empty)
    else:
        out.print(table([heading for heading, _ in columns], [[show(row) for _, show in columns] for row in rows]))


def table(headings: Sequence[str], lines: Iterable[Sequence[Any]], **style: Any) -> Table:
    """A table in the house style; what it holds is printed as it is, never read as markup."""
    made = Table(header_style="bold", box=None, pad_edge=False, **style)
    for heading in headings:
        made.add_column(heading, overflow="fold", no_wrap=heading in _WHOLE)
    for line in lines:
        made.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in line))
    return made
