"""Twins: the clients for asyncio, made from those that wait, so that nothing is written twice and nothing differs.

What a function awaits follows from what it calls: what asks the platform in the end is awaited, what goes through
answers one by one is gone through with `async for`. A mistake here is one of types, which `make lint` finds.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

CLIENT = Path(__file__).parent.parent / "shared" / "client"
FOLDER = CLIENT / "asynchronous"

#: The modules that have a twin, with what the twin is about.
MODULES = ("http", "ingest", "notify", "operations", "people", "protocol", "screening", "search", "synthesis")

#: What is another name in a twin, beside the clients' own.
_NAMES = {
    "Http": "AsyncHttp", "Sender": "AsyncSender", "Client": "AsyncClient", "Iterator": "AsyncIterator",
    "Iterable": "AsyncIterable", "iter_bytes": "aiter_bytes", "threading": "asyncio",
}  # fmt: skip

#: What asks, by whose it is: what of httpx and of the standard library is awaited, and as what.
_AWAITED = {
    "self._client.request": "self._client.request", "self._client.close": "self._client.aclose",
    "answer.read": "answer.aread", "time.sleep": "asyncio.sleep",
}  # fmt: skip
_ITERATED = {"answer.iter_bytes"}
_ENTERED = {"client.stream", "self._renewing"}

_Function = ast.FunctionDef
_Edit = tuple[int, int, str]


def twin(module: str) -> str:
    """The twin of a module of `shared.client`, as a file."""
    made = _Twin((CLIENT / f"{module}.py").read_text(), _known() if module != "http" else {}).made()
    made = _renamed(made).replace("shared.client.http", "shared.client.asynchronous.http")
    docstring, rest = made.split("\n", 1)
    made_from = f"# Made by `make docs` from shared/client/{module}.py; a test fails when it is stale."
    if module == "http":
        rest = rest.replace("import math\n", "import asyncio\nimport math\n", 1)
    return _formatted(f"{docstring}\n\n{made_from}\n{rest}")


def twins() -> dict[Path, Callable[[], str]]:
    return {FOLDER / f"{module}.py": partial(twin, module) for module in MODULES}


def _known() -> dict[str, str]:
    """How what a client calls of its `_http` is to be called: `awaited` or `iterated`."""
    http = _Twin((CLIENT / "http.py").read_text(), {})
    return {f"self._http.{name.removeprefix('self.')}": how for name, how in http.kinds.items()}


class _Twin:
    """One module, and what its functions are: `kinds` by the name that they are called by."""

    def __init__(self, text: str, known: dict[str, str]) -> None:
        self._text, self._tree = text, ast.parse(text)
        self._starts = [0]
        for line in text.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._all = dict(known) | dict.fromkeys(_AWAITED, "awaited") | dict.fromkeys(_ITERATED, "iterated")
        self.kinds: dict[str, str] = {}
        self._find_out()

    def made(self) -> str:
        edits = [edit for name, function in self._functions() for edit in self._edits(name, function)]
        raw = self._text.encode()
        for start, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1] - edit[0]), reverse=True):
            raw = raw[:start] + new.encode() + raw[end:]
        return raw.decode()

    def _find_out(self) -> None:
        """What each function is, until nothing new follows."""
        while True:
            found = {name: kind for name, function in self._functions() if (kind := self._kind(name, function))}
            if found == self.kinds:
                return
            self.kinds = found
            self._all |= found

    def _functions(self) -> Iterator[tuple[str, _Function]]:
        """The functions of the module, by how they are called."""
        for node in self._tree.body:
            if isinstance(node, _Function):
                yield node.name, node
            elif isinstance(node, ast.ClassDef):
                of = "sender" if node.name == "Sender" else "self"
                for inner in node.body:
                    if isinstance(inner, _Function):
                        yield f"{of}.{inner.name}", inner

    def _kind(self, name: str, function: _Function) -> str | None:
        if name.startswith("sender."):
            return "awaited"
        if isinstance(function.returns, ast.Subscript) and ast.unparse(function.returns.value) == "Iterator":
            reaches = any(self._called(node) for node in ast.walk(function))
            return "iterated" if reaches else None
        return "awaited" if any(self._called(node) or _enters(node) for node in ast.walk(function)) else None

    def _called(self, node: ast.AST) -> str | None:
        """How a call has to be made: awaited, iterated, or as it is."""
        return self._all.get(ast.unparse(node.func)) if isinstance(node, ast.Call) else None

    def _edits(self, name: str, function: _Function) -> Iterator[_Edit]:
        kind = self.kinds.get(name)
        yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
        if kind == "awaited" or (kind == "iterated" and yields):
            yield self._before(function, "async ")
        if name == "sender.close":
            start = self._at(function.lineno, function.col_offset)
            yield start, start + len("def close"), "def aclose"
        parents = {child: parent for parent in ast.walk(function) for child in ast.iter_child_nodes(parent)}
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and self._called(node) == "awaited":
                yield from self._await(node, parents[node])
            elif isinstance(node, ast.For) and self._called(node.iter) == "iterated":
                yield self._before(node, "async ")
            elif isinstance(node, ast.comprehension) and self._called(node.iter) == "iterated":
                yield self._before_for(node)
            elif isinstance(node, ast.With) and _enters(node):
                yield self._before(node, "async ")
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.YieldFrom):
                yield from self._one_by_one(node, node.value)

    def _await(self, call: ast.Call, parent: ast.AST) -> Iterator[_Edit]:
        # A part of what is awaited is taken once it is here.
        inside = isinstance(parent, ast.Attribute | ast.Subscript) and parent.value is call
        yield self._before(call, "(await " if inside else "await ")
        if inside:
            yield self._after(call, ")")
        called = ast.unparse(call.func)
        if (other := _AWAITED.get(called, called)) != called:
            yield self._start(call.func), self._end(call.func), other

    def _one_by_one(self, statement: ast.Expr, given: ast.YieldFrom) -> Iterator[_Edit]:
        """There is no `yield from` in what is awaited."""
        loop = "async for it in " if self._called(given.value) == "iterated" else "for it in "
        yield self._start(given), self._start(given.value), loop
        yield self._after(given, f":\n{' ' * (statement.col_offset + 4)}yield it")

    def _before_for(self, node: ast.comprehension) -> _Edit:
        at = self._text.encode().rindex(b"for ", 0, self._start(node.target))
        return at, at, "async "

    def _before(self, node: ast.expr | ast.stmt, words: str) -> _Edit:
        return self._start(node), self._start(node), words

    def _after(self, node: ast.expr, words: str) -> _Edit:
        return self._end(node), self._end(node), words

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> int:
        return self._at(node.end_lineno or 0, node.end_col_offset or 0)

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column


def _enters(node: ast.AST) -> bool:
    """Whether it enters what is entered with `async with`."""
    if not isinstance(node, ast.With):
        return False
    entered = [item.context_expr for item in node.items]
    return any(ast.unparse(it.func if isinstance(it, ast.Call) else it) in _ENTERED for it in entered)


def _renamed(text: str) -> str:
    """With the names that are others here: of a token, so that no word of a sentence is changed."""
    tokens = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = token.string
        if token.type == tokenize.NAME and (name in _NAMES or (name.endswith("Client") and name != "AsyncClient")):
            token = token._replace(string=_NAMES.get(name) or f"Async{name}")
        tokens.append(token)
    return _put_together(tokens)


def _put_together(tokens: list[tokenize.TokenInfo]) -> str:
    """The text of tokens, each as far from the one before as it was."""
    made, line, column = [], 1, 0
    for token in tokens:
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        if token.start[0] > line:
            line, column = token.start[0], 0
        made.append(" " * (token.start[1] - column) + token.string)
        line, column = token.end
        if token.type in (tokenize.NEWLINE, tokenize.NL):
            line, column = line + 1, 0
    return "".join(made)


def _formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    for asked in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        asked = [*ruff, *asked, "--stdin-filename", str(FOLDER / "twin.py"), "-"]
        text = subprocess.run(asked, input=text, text=True, stdout=subprocess.PIPE, check=False).stdout
    return text
