"""The rules of names (docs/architecture.md, Names), held where a test can hold them; what breaks one is caught."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from sqlmodel import SQLModel

from services.catalog import SERVICES
from shared import errors
from shared.runtime.app import routers

ROOT = Path(__file__).parent.parent.parent
PARTS = ("services", "shared", "demo", "bench", "deploy", "docs", "tests")

#: Words that gave way to plain ones.
BANNED = {
    "house", "theatre", "desk", "shelf", "shelves", "scene", "curtain", "room", "ledger", "place", "places", "told",
}  # fmt: skip

#: Where a banned word is stored or travels, and so stays; by file, with what it is.
STORED = {
    "services/ingest/models.py": {"told_at"},  # a column
    "services/ingest/store/notices.py": {"told_at"},
    "services/ingest/commands/notices.py": {"told_at"},
    "shared/wire/ingest.py": {"told_at"},  # a field of the API
    "services/synthesis/models.py": {"overdue_told"},  # a column
    "services/synthesis/jobs.py": {"overdue_told"},
    "services/screening/models.py": {"told", "places"},  # columns of a task
    "services/screening/commands/steps.py": {"told", "places"},
    "services/screening/commands/parking.py": {"told", "places"},
    "services/screening/reactions/records.py": {"told"},
    "tests/unit/services/screening/soundness.py": {"places"},
    "services/cli/doctor.py": {"told"},  # a key of `living doctor --json`
    "shared/bus/dead_letters.py": {"place"},  # a field of a group of dead letters
    "shared/wire/common.py": {"place"},
    "services/cli/dead_letters.py": {"place"},
}

#: What a route's function may begin with, by method.
VERBS = {
    "GET": {"export", "find", "list", "show", "verify"},
    "POST": {
        "accept", "add", "apply", "cast", "check", "close", "decide", "discard", "found", "free", "give", "join",
        "keep", "link", "make", "merge", "park", "pause", "pull", "release", "renew", "request", "resend", "resume",
        "retry", "send", "sign", "skip", "split", "undo", "withdraw",
    },
    "PUT": {"change", "set"},
    "DELETE": {"end", "erase"},
}  # fmt: skip

#: A slug that says one thing of a path (404), of what was sent (422) and of an event (a dead letter).
SAID_OF_SEVERAL = ({"NotFound", "Invalid", "Rejected"}, re.compile(r"unknown_\w+"))


def tables() -> Iterator[type[SQLModel]]:
    for module in ("shared.db.tables", *(f"services.{service.name}.models" for service in SERVICES)):
        for it in vars(importlib.import_module(module)).values():
            if (
                isinstance(it, type)
                and issubclass(it, SQLModel)
                and it.__module__ == module
                and hasattr(it, "__table__")
            ):
                yield it


def is_of_a_row(name: str) -> bool:
    return name.endswith("Row")


def test_every_table_is_of_rows():
    found = list(tables())

    assert [it.__name__ for it in found if not is_of_a_row(it.__name__)] == []
    assert len(found) > 40


def fault_of_route(name: str, method: str, path: str) -> str | None:
    """What is wrong with the name of a route's function; None when it says what is done with what its path names."""
    verb, _, noun = name.partition("_")
    if verb not in VERBS.get(method, set()):
        return f"{name}: {method} does not begin with {verb!r}"
    words = set(re.findall(r"[a-z]+", path))
    alike = {form for word in words for form in (word, word.removesuffix("s"), f"{word}s", word.removesuffix("z"))}
    if not alike & set(noun.split("_")):
        return f"{name}: {path} names no {noun.replace('_', ' ')!r}"
    return None


def test_every_route_is_a_verb_and_a_noun_of_its_path():
    routes = [route for router in routers(SERVICES) for route in router.routes if isinstance(route, APIRoute)]
    faults = [fault_of_route(route.name, method, route.path) for route in routes for method in route.methods or ()]

    assert [fault for fault in faults if fault] == []
    assert len(routes) > 40


def slugs(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each slug that is spelt, with the class that is raised under it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            raised = ast.unparse(node.func).rpartition(".")[2]
            for keyword in node.keywords:
                if keyword.arg == "slug" and isinstance(keyword.value, ast.Constant) and raised[0].isupper():
                    yield str(keyword.value.value), raised
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                targets = line.targets if isinstance(line, ast.Assign) else []
                if any(isinstance(it, ast.Name) and it.id == "slug" for it in targets):
                    yield str(ast.literal_eval(line.value)), node.name


def kind_of(raised: str) -> str:
    """The kind of an error's class: that of the platform's tree which it is or stands below."""
    for it in getattr(errors, raised, object).__mro__:
        if errors.LivingError in it.__bases__:
            return str(it.__name__)
    return raised


def faults_of_slugs(trees: list[ast.AST]) -> list[str]:
    kinds: dict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for slug, raised in slugs(tree):
            kinds[slug].add(kind_of(raised))
    several, form = SAID_OF_SEVERAL
    # A class of a module's own stands below one of the tree, and is the only one with its slug.
    known = {slug: {kind for kind in found if hasattr(errors, kind)} for slug, found in kinds.items()}
    return [slug for slug in kinds if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug)] + [
        f"{slug}: {sorted(found)}"
        for slug, found in known.items()
        if len(found) > 1 and not (form.fullmatch(slug) and found <= several)
    ]


def test_every_slug_is_in_snake_case_and_means_one_kind_of_error():
    trees = [ast.parse(file.read_text()) for part in ("services", "shared") for file in (ROOT / part).rglob("*.py")]

    assert faults_of_slugs(list(trees)) == []


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that code gives or uses, but those of tests, which are sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.name.startswith("test_"):
                yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from (node.asname or node.name).split(".")


def words(name: str) -> set[str]:
    """The words of an identifier or of a module's name."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def banned(tree: ast.AST, but: set[str] = frozenset()) -> set[str]:  # type: ignore[assignment]
    return {name for name in names(tree) if name not in but and words(name) & BANNED}


def files() -> list[Path]:
    return [
        file
        for part in PARTS
        for file in sorted((ROOT / part).rglob("*.py"))
        if "migrations" not in file.parts  # They say what is stored.
    ]


def test_no_name_is_of_the_old_words():
    found = {
        name: said
        for file in files()
        for name in [str(file.relative_to(ROOT))]
        if (said := banned(ast.parse(file.read_text()), STORED.get(name, set())) | (words(file.stem) & BANNED))
    }

    assert found == {}, "docs/glossary.md has the word for it"


def test_what_is_excused_is_still_there():
    for name, excused in STORED.items():
        assert excused <= set(names(ast.parse((ROOT / name).read_text()))), name


def who_is_asked(tree: ast.AST) -> list[str]:
    """The functions with an argument `who`: whoever asks is a `person`."""
    functions = [it for it in ast.walk(tree) if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [it.name for it in functions if "who" in {arg.arg for arg in (*it.args.posonlyargs, *it.args.args)}]


def test_whoever_asks_is_a_person():
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files()
        if file.relative_to(ROOT).parts[0] in ("services", "shared")
        for name in who_is_asked(ast.parse(file.read_text()))
    ]

    assert found == []


@pytest.mark.parametrize(
    "planted",
    ["class Desk: pass", "def f(room): pass", "x.told = 1", "import shelf", "f(old_places=1)", "theScene = 1"],
)
def test_a_planted_name_is_caught(planted):
    assert banned(ast.parse(planted))


def test_what_is_planted_elsewhere_is_caught_too():
    assert not is_of_a_row("Record")
    assert fault_of_route("get_record", "GET", "/ingest/reviews/{review}/records/{record}")
    assert fault_of_route("show_run", "GET", "/ingest/reviews/{review}/records/{record}")
    assert not fault_of_route("show_record", "GET", "/ingest/reviews/{review}/records/{record}")
    assert faults_of_slugs([ast.parse("raise Conflict('x', slug='noSuch')")])
    assert faults_of_slugs([ast.parse("raise Conflict('x', slug='busy')\nraise NotFound('x', slug='busy')")])
    assert not faults_of_slugs(
        [ast.parse("raise Invalid('x', slug='unknown_x')\nraise NotFound('x', slug='unknown_x')")]
    )
    assert who_is_asked(ast.parse("@router.get('/x')\ndef f(work, who): pass"))
