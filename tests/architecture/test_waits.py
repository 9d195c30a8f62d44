"""A test that waits says so, by the marker `waits`: `make busy` runs those again and again on a busy machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Whoever uses one of these waits for other threads or processes, for a clock, or for a real connection's time-out.
WAITING = {
    "asyncio.sleep", "asyncio.to_thread", "asyncio.wait_for", "concurrent.futures", "demo.environment",
    "demo.processes", "multiprocessing", "signal", "subprocess", "tests.waiting", "threading", "time",
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


class Module:
    """A module of the tests: what it defines, and what each name in it stands for."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = path, ast.parse(path.read_text())
        self.defined = {it.name: it for it in self.tree.body if isinstance(it, Definition)}
        self.imported: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self.imported |= {it.asname or it.name.partition(".")[0]: it.name for it in node.names}
            elif isinstance(node, ast.ImportFrom):
                self.imported |= {it.asname or it.name: f"{node.module}.{it.name}" for it in node.names}

    def uses(self, definition: Definition) -> Iterator[str]:
        """The dotted names that a definition uses, and the fixtures that it asks for."""
        for node in ast.walk(definition):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"

    def marked(self, function: Function) -> bool:
        whole = [
            it.value
            for it in self.tree.body
            if isinstance(it, ast.Assign) and ast.unparse(it.targets[0]) == "pytestmark"
        ]
        return any("pytest.mark.waits" in ast.unparse(it) for it in [*whole, *function.decorator_list])


@cache
def module(path: Path) -> Module:
    return Module(path)


@cache
def waits(path: Path, name: str) -> bool:
    """Whether what is called `name` in a module, or what that uses in turn, waits."""
    return _waits(path, name, set())


def _waits(path: Path, name: str, seen: set[tuple[Path, str]]) -> bool:
    if (path, name) in seen:
        return False
    seen.add((path, name))
    here, first, rest = module(path), *name.partition(".")[::2]
    if first in here.defined:
        return any(_waits(path, it, seen) for it in here.uses(here.defined[first]))
    if first in here.imported:
        stands_for = ".".join(filter(None, [here.imported[first], rest]))
        if any(stands_for == it or stands_for.startswith(f"{it}.") for it in WAITING):
            return True
        origin, _, imported = here.imported[first].rpartition(".")
        source = ROOT.joinpath(*origin.split(".")).with_suffix(".py")
        whole = ROOT.joinpath(*here.imported[first].split(".")).with_suffix(".py")
        if rest and whole.is_file() and origin.partition(".")[0] == "tests":  # A module of helpers: `crowd.crowd`.
            return _waits(whole, rest, seen)
        return origin.startswith("tests.") and source.is_file() and _waits(source, imported, seen)
    fixtures = [folder / "conftest.py" for folder in path.parents if folder.is_relative_to(ROOT / "tests")]
    return any(_waits(it, name, seen) for it in fixtures if it.is_file() and it != path and name in module(it).defined)


def those_of(path: Path) -> Iterator[Function]:
    return (it for it in ast.walk(module(path).tree) if isinstance(it, Function) and it.name.startswith("test_"))


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/**/test_*.py")), ids=lambda it: str(it.relative_to(ROOT)))
def test_a_test_that_waits_has_the_marker(path):
    unmarked = [it.name for it in those_of(path) if waits(path, it.name) and not module(path).marked(it)]
    assert unmarked == [], "they wait, race or depend on time: mark them with pytest.mark.waits (docs/testing.md)"


def test_waiting_is_seen_by_way_of_helpers_and_fixtures():
    log = ROOT / "tests" / "contract" / "test_event_log.py"
    assert waits(log, "test_two_groups_each_see_everything"), "its fixture gives a reader, which polls in a thread"
    assert waits(ROOT / "tests" / "flows" / "test_load.py", "crowd.crowd"), "its module of helpers is imported whole"
    assert waits(ROOT / "tests" / "flows" / "test_loop.py", "the_run"), "its processes are the demo's"
    assert not waits(log, "test_creating_topics_again_changes_nothing")
