"""The command line: `living ...` for people at a terminal, `--json` for programs.

A command loads what it needs when it is called, and one that speaks to the platform needs no server library: it
must start at once. `tests/unit/services/cli/test_imports.py` counts.
"""

from __future__ import annotations

import sys

import click

from services.cli.root import app
from shared.errors import Invalid, LivingError


def main() -> None:
    """Runs the command line; an error of the platform is one clear sentence, never a traceback."""
    try:
        app(prog_name="living")
    except LivingError as error:
        click.echo(f"{click.style(error.slug.replace('_', ' ') + ':', fg='red', bold=True)} {error.detail}", err=True)
        for item in error.errors[:50] if isinstance(error, Invalid) else []:
            place = f"line {item['line']}: " if "line" in item else ""
            click.echo(f"  {place}{click.style(str(item.get('at', '')), fg='yellow')} {item.get('why', '')}", err=True)
        sys.exit(1)
    except Exception as error:
        # What a database, a disk or a network says is no fault of ours, which alone deserves a traceback.
        from shared.bus.judging import is_down, reason_of

        if not is_down(error):
            raise
        click.echo(f"{click.style('unavailable:', fg='red', bold=True)} {reason_of(error)}", err=True)
        sys.exit(1)


__all__ = ["app", "main"]
