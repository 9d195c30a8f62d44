"""The promise of blindness names a test for each of its sentences, and each of those is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/blindness.md").read_text()
#: A promise is an item of a list, which may go over several lines.
PROMISES = re.findall(r"^- (.*?)(?=^- |^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_test_that_the_promise_names_is_there():
    missing = [f"{file}::{name}" for file, name in NAMED if name not in named_in(ROOT / file)]

    assert len(NAMED) > 20
    assert missing == []


def test_every_promise_names_a_test():
    bare = [promise for promise in PROMISES if "::" not in promise]

    assert len(PROMISES) > 15
    assert [promise for promise in bare if not promise.startswith("That there was a decision")] == []


def named_in(file: Path) -> set[str]:
    """The names of a file's tests."""
    if not file.exists():
        return set()
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
