"""The command line: `living ...` for people at a terminal, `--json` for programs.

A command loads what it needs when it is called, and one that speaks to the platform needs no server library: it
must start at once. `tests/unit/services/cli/test_imports.py` counts.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

import click

from services.cli.root import app
from services.cli.visible import visible
from shared.errors import Invalid, LivingError

#: By slug, what a terminal has for somebody who meets an error. The platform says each to everybody alike.
_COMMANDS = {
    "comments_open": "`living synthesis sign` takes --despite 'WHY'; `living synthesis comments` lists them",
    "is_retrieved": "`living texts show` names the copy",
    "no_person": "`living people invite` makes a link, and `living login` takes it",
    "review_taken": "`living people invite REVIEW --role lead` lets an admin invite the lead of one that is there",
    "searches_overdue": "`living ingest import` brings a file; `living ingest searched` signs that nothing is new",
    "spoiled_revision": "`living synthesis verify` says what is wrong with it",
    "training_first": "`living screen` leads through it",
    "unknown_review": "`living review list` shows those there are",
}


class _Output(io.TextIOWrapper):
    """Standard output that replaces what it cannot show, and keeps why it took no more."""

    lost: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self.lost = error
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.lost = error
            raise


def main() -> None:
    """Runs the command line; an error of the platform is one clear sentence, never a traceback."""
    was = sys.stdout
    if was is None:  # Whoever called us has closed it (`>&-`).
        was = open(os.devnull, "w")  # noqa: SIM115
    sys.stdout = output = _Output(
        was.buffer,
        was.encoding,
        errors="replace",
        line_buffering=bool(was.line_buffering),
        # Only what Python itself opens says so.
        write_through=getattr(was, "write_through", False),
    )
    try:
        code = _run(output)
        with suppress(OSError):
            output.flush()
        if output.lost is not None:
            code = _give_up(output, output.lost)
    finally:
        sys.stdout = was
        output.detach()
    sys.exit(code)


def _give_up(output: _Output, lost: OSError) -> int:
    """Tells why the output took no more; whoever stopped reading it needs no telling."""
    # What is left in a buffer would be tried again at the end, with a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
    if not isinstance(lost, BrokenPipeError):
        _say("the output", f"cannot be written: {lost.strerror}")
    return 1


def _run(output: _Output) -> int | str | None:
    """The exit code of what was called."""
    try:
        app(prog_name="living")
    except SystemExit as end:
        return end.code
    except LivingError as error:
        _say(f"{error.slug.replace('_', ' ')}:", error.detail)
        if error.slug in _COMMANDS:
            click.echo(f"  {_COMMANDS[error.slug]}", err=True)
        for item in _not_said_yet(error) if isinstance(error, Invalid) else []:
            line = f"line {item['line']}: " if "line" in item else ""
            at, why = (visible(str(item.get(name, ""))) for name in ("at", "why"))
            click.echo(f"  {line}{click.style(at, fg='yellow')} {why}", err=True)
    except Exception as error:
        # What a database, a disk or a network says is no fault of ours, which alone deserves a traceback.
        from shared.bus.judging import is_down, reason_of

        if not is_down(error):
            raise
        if error is not output.lost:
            _say("unavailable:", reason_of(error))
    return 1


def _not_said_yet(error: Invalid) -> list[dict[str, Any]]:
    """What is wrong where, unless the one sentence says both already, the place perhaps in words."""
    said = error.detail
    match error.errors:
        case [{"at": at, "why": why, **more}] if "line" not in more and (
            said.endswith(f": {why}") or (at in said and why in said)
        ):
            return []
        case several:
            return several[:50]


def _say(what: str, detail: str) -> None:
    click.echo(f"{click.style(what, fg='red', bold=True)} {visible(detail)}", err=True)


__all__ = ["app", "main"]
