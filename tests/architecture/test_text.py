"""What is done to text before it is compared stands in one module, and so do identifiers."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli import _COMMANDS as COMMANDS

ROOT = Path(__file__).parent.parent.parent


def having(text: str) -> set[str]:
    """The modules in which a text stands."""
    files = (file for folder in ("services", "shared", "demo") for file in (ROOT / folder).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix() for file in files if text in file.read_text()}


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("import unicodedata", "shared/folding.py"),
        ("(?:dx\\.)?doi\\.org", "shared/identifiers.py"),
        ("langcodes import", "shared/languages.py"),
    ],
)
def test_it_stands_in_its_one_place(text, home):
    assert having(text) - {"services/search/ports/index/query.py"} == {home}


def test_what_the_platform_says_names_no_command_of_a_terminal_which_says_its_own():
    """`services/cli/__init__.py` has them, by the slug of the error: a person in a browser has no terminal."""
    assert {module for module in having("`living ") if "/commands/" in module} == set()


def test_a_terminal_says_its_commands_of_errors_that_there_are():
    assert {slug for slug in COMMANDS if not having(f'"{slug}"') - {"services/cli/__init__.py"}} == set()
