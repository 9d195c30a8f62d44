"""Services have one inner shape: `work` comes first, stores take it and no session, and nothing leans on its tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalog import SERVICES

ROOT = Path(__file__).parent.parent.parent

#: Search's store alone also serves what is looked at with no unit of work open: the marks of its index, at a start.
STORES = [service.name for service in SERVICES if service.name != "search"]


def functions(*folders: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        # A route's parameters are in the order of its address.
        if "api" in (file.stem, file.parent.name) or "http" in file.parts or "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def misplaced(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return "work" in parameters(node)[1:] or "work" in [argument.arg for argument in node.args.kwonlyargs]


def test_work_is_the_first_argument_wherever_it_is_one():
    assert [where for where, node in functions("services", "shared") if misplaced(node)] == []


@pytest.mark.parametrize("service", STORES)
def test_a_store_takes_work_and_no_session(service):
    folder = f"services/{service}"
    found = [where for where, node in functions(folder) if "/store" in where and "session" in parameters(node)]
    assert found == []


def imports(folder: str) -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield file.relative_to(ROOT).as_posix(), node.module.split(".")[0]
            elif isinstance(node, ast.Import):
                yield from ((file.relative_to(ROOT).as_posix(), name.name.split(".")[0]) for name in node.names)


@pytest.mark.parametrize(
    ("folder", "leaned_on"),
    [("bench", "tests"), ("demo", "tests"), ("services", "tests"), ("shared", "tests"), ("services", "bench")],
)
def test_what_is_used_leans_on_nothing_that_only_tries_it(folder, leaned_on):
    assert [file for file, module in imports(folder) if module == leaned_on] == []


@pytest.mark.parametrize("code", ["def f(review, work): ...", "def f(self, review, work): ...", "def f(*, work): ..."])
def test_a_work_that_comes_later_is_seen(code):
    node = ast.parse(code).body[0]
    assert isinstance(node, ast.FunctionDef) and misplaced(node)
