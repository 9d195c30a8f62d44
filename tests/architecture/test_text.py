"""What is done to text before it is compared stands in one module, and so do identifiers."""

from __future__ import annotations

from pathlib import Path

import pytest

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
