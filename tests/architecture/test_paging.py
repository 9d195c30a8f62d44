"""There is one pager: nobody else asks for a row more than the page has, or makes a cursor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.catalog import SERVICES
from shared.http.paging import asking
from shared.http.route import name_of
from shared.runtime.app import routers

ROOT = Path(__file__).parent.parent.parent

#: Those who may make and read the text of a cursor: the pager's own parts, and search, whose listings are its queries.
CURSORS = {"shared/paging.py", "shared/http/paging.py", "services/search/ports/index/cursor.py"}


def by_hand(tree: ast.AST) -> Iterator[int]:
    """Lines that add one to a limit, or cut something at one."""
    for node in ast.walk(tree):
        adds = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and named_limit(node.left)
        cuts = isinstance(node, ast.Slice) and node.upper is not None and named_limit(node.upper)
        if adds or cuts:
            yield getattr(node, "lineno", node.upper.lineno if isinstance(node, ast.Slice) else 0)


def named_limit(node: ast.AST) -> bool:
    return getattr(node, "id", getattr(node, "attr", None)) == "limit"


def test_nobody_else_pages_by_hand():
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for folder in ("services", "shared")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file.relative_to(ROOT).as_posix() != "shared/paging.py"
        for line in by_hand(ast.parse(file.read_text()))
    ]
    assert found == []


def test_nobody_else_makes_or_reads_a_cursor():
    found = {
        file.relative_to(ROOT).as_posix()
        for folder in ("services", "shared")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if "encode_cursor" in file.read_text() or "decode_cursor" in file.read_text()
    }
    assert found == CURSORS


def asks_for_a_cursor(dependant: Dependant) -> Iterator[object]:
    """The functions below a route that take a cursor."""
    if any(parameter.name == "cursor" for parameter in dependant.query_params):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from asks_for_a_cursor(inner)


def test_every_listing_takes_the_cursors_of_its_own_address_alone():
    """Which is what `asking` sees to; search has a listing for each query."""
    by_themselves = {
        name_of(route)
        for router in routers(SERVICES)
        for route in router.routes
        if isinstance(route, APIRoute)
        for call in asks_for_a_cursor(route.dependant)
        if getattr(call, "__module__", None) != asking.__module__
    }
    assert by_themselves == {
        "search_find_records", "search_find_fragments", "search_find_theories", "search_find_releases",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["find(limit + 1)", "rows[:limit]", "rows[: query.limit]", "f(self.limit + 1)"])
def test_a_page_made_by_hand_is_seen(code):
    assert list(by_hand(ast.parse(code)))
