"""Help that teaches: every command says what it does, what each argument means, and shows an example that is right."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from services.cli import app
from services.cli.commands import walk
from services.cli.root import WHERE
from services.protocol.domain import check

ROOT = Path(__file__).parents[4]
COMMANDS = dict(walk(app, "living"))


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_explains_itself_within_eighty_columns(path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*path.split()[1:], "--help"]).output

    example = shown.partition("Example:\n")[2]
    assert example.strip() and all(line.startswith("  ") for line in example.splitlines() if line)
    seen = shown.partition("Example:\n")[0]
    assert all(len(line) <= 80 for line in seen.splitlines())
    assert all(it.help for it in COMMANDS[path].params if isinstance(it, click.Argument | click.Option))


@pytest.mark.parametrize(("path", "command"), COMMANDS.items(), ids=COMMANDS)
def test_its_example_is_a_line_that_it_takes(path, command):
    for line in command.example.splitlines():
        words = shlex.split(line.partition(" < ")[0].replace("$(", " ").rstrip(")"))
        called = words[words.index("living") + 1 :]
        given = called[len(path.split()) - 1 :]
        assert ["living", *called][: len(path.split())] == path.split()
        if not any(word.startswith("reviews/") for word in given):  # Of a folder that lies elsewhere.
            command.make_context(path, given)


@pytest.mark.parametrize("path", ["living review check", "living ingest preview"])
def test_the_file_of_its_example_is_a_protocol(path):
    (file,) = (word for word in shlex.split(COMMANDS[path].example) if word.startswith("reviews/"))

    assert check((ROOT / file).read_bytes()).strategies


@pytest.mark.parametrize("words", [[], ["queue"], ["queue", "vote"]])
def test_help_is_asked_for_in_short_too(words):
    asked = [CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help")]

    assert asked[0].exit_code == 0 and asked[0].output == asked[1].output


def test_the_list_says_of_each_group_what_the_group_says():
    ctx = click.Context(app)
    for name, (_, seen) in WHERE.items():
        command = app.get_command(ctx, name)
        if isinstance(command, click.Group):
            assert command.help == seen


def test_an_unknown_command_is_told(run):
    result = run("queu")

    assert result.exit_code == 2 and "No such command 'queu'" in result.output


def test_a_usage_line_names_a_choice_and_is_one_line():
    for path in ("log rewind", "log lag", "events replay", "dead-letters discard"):
        usage = CliRunner().invoke(app, [*path.split(), "--help"]).output.partition("\n\n")[0]

        assert len(usage.splitlines()) == 1 and "SERVICE" in usage and "{" not in usage


def test_days_are_asked_for_as_people_write_them(run):
    assert run("search", "query", "--help").output.count("YYYY-MM-DD") == 2


def test_the_version_is_told(run):
    assert run("--version").output.startswith("living-reviews ")
