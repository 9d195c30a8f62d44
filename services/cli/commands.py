"""Commands: click's own, loaded only when called, whose help says what each argument means and shows an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

import click

from shared.errors import Invalid

Did = TypeVar("Did", bound=Callable[..., Any])


class Command(click.Command):
    """A command with at least one example."""

    def __init__(self, *names: Any, example: str, **about: Any) -> None:
        super().__init__(*names, **about)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example"):
            # Never wrapped, so that it can be copied.
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Group(click.Group):
    """Some commands of one kind, in the order in which they are written."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, it.get_short_help_str(200)) for name, it in self.commands.items()])


class LazyGroup(click.Group):
    """Commands that are loaded when one is called, or its help is asked.

    `where` says for each name where it is (`module:attribute`) and, so that the list of them costs nothing,
    what it is for.
    """

    def __init__(self, *names: Any, where: Mapping[str, tuple[str, str]], **about: Any) -> None:
        super().__init__(*names, **about)
        self.where = where

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.where)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.where:
            return None
        module, _, attribute = self.where[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.where.items()])


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below one, with its whole name; loads them all."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    ctx = click.Context(command)
    for name in command.list_commands(ctx):
        inner = command.get_command(ctx, name)
        if inner is not None:
            yield from walk(inner, f"{path} {name}")


def argument(name: str, help: str, **about: Any) -> Callable[[Did], Did]:
    if isinstance(about.get("type"), click.Choice):
        # All that may be chosen would make a usage line that is broken in the middle of a word.
        several = about.get("nargs", 1) != 1
        choices = ", ".join(about["type"].choices)
        about.setdefault("metavar", f"[{name.upper()}]..." if several else name.upper())
        help = f"{help.rstrip('.')} ({choices})."
    return click.argument(name, help=help, **about)


def option(*names: str, help: str, **about: Any) -> Callable[[Did], Did]:
    return click.option(*names, help=help, show_default=about.get("default") is not None, **about)


def reason(help: str = "Why, for whoever reads it later.") -> Callable[[Did], Did]:
    """A reason that must be given, and says something."""
    return option("--reason", required=True, help=help, callback=_said)


def _said(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise Invalid("--reason is blank: a reason is required, for whoever reads it later")
    return value


REVIEW = argument("review", "The review, such as ics-leadership.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")
