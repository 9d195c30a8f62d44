"""The command line: `living ...` for people at a terminal, `--json` for programs."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from services.cli.root import app
from shared.errors import Invalid, LivingError


def main() -> None:
    """Runs the command line; an error of the platform is one clear sentence, never a traceback."""
    try:
        app()
    except LivingError as error:
        stderr = Console(stderr=True, soft_wrap=True)
        stderr.print(f"[bold red]{error.slug.replace('_', ' ')}:[/] {escape(error.detail)}")
        if isinstance(error, Invalid):
            for item in error.errors[:50]:
                place = f"line {item['line']}: " if "line" in item else ""
                stderr.print(
                    f"  {place}[yellow]{escape(str(item.get('at', '')))}[/] {escape(str(item.get('why', '')))}"
                )
        sys.exit(1)


__all__ = ["app", "main"]
