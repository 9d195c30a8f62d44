"""What `living review check` shows of strategies: the exact strings for each source, and what to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from services.cli.printing import counted, out, table

if TYPE_CHECKING:
    from shared.wire.protocol import StrategyAsked

#: Warnings of one strategy at one source that are shown; `--json` has all.
_SHOWN = 12


def print_asked(rows: list[StrategyAsked]) -> None:
    """A table of the strings, and below it what each source cannot say."""
    lines = [
        [row.strategy if not number else "", row.source if not number else "", string]
        for row in rows
        for number, string in enumerate(row.strings)
    ]
    out.print(table(["strategy", "source", "asked for"], lines))
    for row in rows:
        for line in _warned(row):
            out.print(line, soft_wrap=True)


def _warned(row: StrategyAsked) -> Iterator[Text]:
    if not row.warnings:
        return
    held = "; what comes is held against the strategy" if row.filtered else ""
    yield Text(f"\n{row.strategy} at {row.source}{held}:", style="yellow")
    # Terms of which the same is said stand in one line.
    said = [
        (why, [it.term for it in group if it.term])
        for why, group in groupby(sorted(row.warnings, key=lambda it: it.why), key=lambda it: it.why)
    ]
    for why, terms in said[:_SHOWN]:
        named = f": {'; '.join(map(str, terms[:5]))}" if terms else ""
        more = f" and {counted(len(terms) - 5, 'more term')}" if len(terms) > 5 else ""
        yield Text(f"  {why}{named}{more}")
    if len(said) > _SHOWN:
        yield Text(f"  and {counted(len(said) - _SHOWN, 'more warning')}: --json has all", style="dim")
