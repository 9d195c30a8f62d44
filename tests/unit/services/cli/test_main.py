"""What ends a command: one clear sentence, whatever the output can take, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click import Command, Context, Group

from services.cli import _COMMANDS, _not_said_yet, app, main
from shared.errors import Conflict, Invalid
from shared.keys.file import open_ring
from shared.paging import of_another
from shared.settings import Settings
from tests.unit.services.protocol.examples import SMALL, as_yaml

pytestmark = pytest.mark.waits

LEADERSHIP = Path(__file__).parents[4] / "reviews" / "ics-leadership"

PROGRAM = "from services.cli import main; main()"


def living(*words: str, into: int = subprocess.PIPE, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=into, stderr=subprocess.PIPE, env={**os.environ, **variables}, timeout=300, text=True,
        encoding="latin-1", check=False,
    )  # fmt: skip


@pytest.fixture
def greek(run, protocol, tmp_path) -> str:
    """A review whose title no latin letters can spell."""
    open_ring(Settings(_env_file=None))
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml({**SMALL, "title": "Περί ηγεσίας"}), encoding="utf-8")
    assert run("review", "apply", str(file)).exit_code == 0
    return "small"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize("words", [["review", "list"], ["review", "list", "--json"], ["--help"]], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_an_output_that_takes_no_more_is_told_in_a_line(greek, words, unbuffered):
    with open("/dev/full", "w") as full:
        ran = living(*words, into=full.fileno(), PYTHONUNBUFFERED=unbuffered)

    assert ran.returncode == 1
    assert ran.stderr == "the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", [["review", "list"], ["review", "show", "small"]], ids=" ".join)
def test_what_the_output_cannot_show_is_replaced(greek, words):
    ran = living(*words, PYTHONIOENCODING="latin-1")

    assert ran.returncode == 0 and "small" in ran.stdout and ran.stderr == ""


def test_json_is_json_for_an_output_of_few_letters(greek):
    ran = living("review", "list", "--json", PYTHONIOENCODING="latin-1")

    assert json.loads(ran.stdout)[0]["title"] == "Περί ηγεσίας"


def test_what_a_terminal_has_for_an_error_is_said_beneath_it(greek):
    ran = living("review", "show", "nope")

    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "unknown review: there is no review 'nope' with a protocol; one that was just applied arrives in seconds",
        "  `living review list` shows those there are",
    ]


@pytest.mark.parametrize(
    ("slug", "command"),
    [
        ("is_retrieved", "living texts show"),
        ("no_person", "living people invite"),
        ("review_taken", "living people invite REVIEW --role lead"),
        ("searches_overdue", "living ingest searched"),
        ("spoiled_revision", "living synthesis verify"),
        ("training_first", "living screen"),
    ],
)
def test_of_each_such_error_its_command_is_said(monkeypatch, capsys, slug, command):
    def refuses(prog_name: str) -> None:
        raise Conflict("not now", slug=slug)

    monkeypatch.setattr("services.cli.app", refuses)
    with pytest.raises(SystemExit):
        main()

    what, help_ = capsys.readouterr().err.splitlines()
    assert what.endswith(": not now") and f"`{command}`" in help_


@pytest.mark.parametrize("slug", _COMMANDS)
def test_the_commands_that_a_terminal_has_for_errors_are_there(slug):
    for said in re.findall(r"`living ([a-z ]+)", _COMMANDS[slug]):
        command: Command | None = app
        for word in said.split():
            assert isinstance(command, Group)
            command = command.get_command(Context(command), word)
        assert command is not None, said


def test_a_folder_that_cannot_be_made_for_a_demo_is_told():
    ran = living("demo", str(LEADERSHIP), "--folder", "/proc/no-such-place/x")

    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert "the folder /proc/no-such-place/x cannot be made" in ran.stderr and "--folder" in ran.stderr


def test_who_closed_the_output_gets_no_traceback():
    ran = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -c '{PROGRAM}' --version >&-"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_one_sentence_says_is_not_said_again():
    why = "say why: the answer needs a reason"
    one, line = {"at": "reason", "why": why}, {"at": "stages", "why": why, "line": 3}

    assert _not_said_yet(Invalid(f"reason: {why}", [one])) == []
    text = Invalid("search text, character 8: NOT stands alone", [{"at": "text:8", "why": "NOT stands alone"}])
    assert _not_said_yet(text) == _not_said_yet(of_another()) == []
    assert _not_said_yet(Invalid("the protocol has an error", [one])) == [one]
    assert _not_said_yet(Invalid(why, [{**one, "at": "stages.1"}])) == [{**one, "at": "stages.1"}]
    assert _not_said_yet(Invalid("at stages", [{"at": "stages"}])) == [{"at": "stages"}]
    assert _not_said_yet(Invalid(f"stages: {why}", [line])) == [line]
    assert _not_said_yet(Invalid(f"reason: {why}", [one, one])) == [one, one]
