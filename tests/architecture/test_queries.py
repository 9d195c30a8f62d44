"""Whoever looks for a query of a service finds it in its store: no other layer asks the database by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalog import SERVICES

ROOT = Path(__file__).parent.parent.parent

#: What a session is asked by, or told to do in bulk. To add a row and to flush are no queries.
ASKING = {"connection", "delete", "exec", "execute", "get", "get_one", "merge", "query", "scalar", "scalars"}


def _files(service: str) -> Iterator[Path]:
    folder = ROOT / "services" / service
    for file in sorted(folder.rglob("*.py")):
        if file.relative_to(folder).parts[0].removesuffix(".py") not in ("store", "models", "migrations"):
            yield file


def _queries(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Imports of what queries are made of, their errors aside, and calls of a session."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and _asks(node.module):
            yield node.lineno, f"from {node.module} import ..."
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, f"import {name.name}") for name in node.names if _asks(name.name))
        elif isinstance(node, ast.Attribute) and node.attr in ASKING and _is_session(node.value):
            yield node.lineno, f"session.{node.attr}"


def _asks(module: str) -> bool:
    return module.split(".")[0] in ("sqlalchemy", "sqlmodel") and module != "sqlalchemy.exc"


def _is_session(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "session") or (
        isinstance(node, ast.Attribute) and node.attr == "session"
    )


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_only_the_store_asks_the_database(service):
    found = [
        f"{file.relative_to(ROOT)}:{line} {what}"
        for file in _files(service.name)
        for line, what in _queries(ast.parse(file.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("from sqlmodel import select", True),
        ("from sqlalchemy.dialects import sqlite", True),
        ("import sqlalchemy", True),
        ("work.session.execute(query)", True),
        ("session.get(Run, run)", True),
        ("from sqlalchemy.exc import OperationalError", False),
        ("work.session.flush()", False),
        ("known.get(name)", False),
    ],
)
def test_a_query_that_somebody_makes_elsewhere_is_seen(code, seen):
    assert bool(list(_queries(ast.parse(code)))) is seen
