"""Documents: reads YAML or JSON that anybody may have written into plain data, and keeps where each value stands.

A protocol is one, and so is a mapping of the decisions in a library file.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

import yaml

from shared.errors import Invalid

Form = Literal["yaml", "json"]
Path = tuple[str | int, ...]

#: How deep values may be nested; a protocol needs six.
DEEPEST = 40

#: How many names and values a document may hold; a protocol with 500 CMOCs has some ten thousand.
MOST_VALUES = 50_000

#: How large a document may be, in bytes of UTF-8 or characters; a protocol is 900,000 at most, without its comments.
LARGEST_DOCUMENT = 4_000_000

#: How long anything but a text may be: a number in base 60 of half a million places takes minutes to work out.
LONGEST_NUMBER = 40

# What PostgreSQL and UTF-8 cannot hold, though both YAML and JSON can spell it.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_CANNOT_BE_STORED = "the text holds a character that cannot be stored (NUL or half a surrogate pair)"

_TOO_DEEP = f"values are nested more than {DEEPEST} deep"
_TOO_MANY = f"there are more than {MOST_VALUES} values"

_TAG = "tag:yaml.org,2002:"
_PLAIN: dict[type[yaml.Node], set[str]] = {
    yaml.MappingNode: {f"{_TAG}map"},
    yaml.SequenceNode: {f"{_TAG}seq"},
    yaml.ScalarNode: {f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")},
}


#: What may be meant, by the beginning of what YAML's reader says.
_HINTS = {
    "mapping values are not allowed": "a colon stands where none may be; put text that holds a colon in quotes",
    "expected <block end>": "the line does not fit the one above: indent it as its neighbours, and put text that goes "
    "on after a quote in quotes as a whole",
    "could not find expected ':'": "a key without its colon, or text that needs quotes",
    "found character '\\t'": "a tab cannot start any token; indent with spaces",
    "found unexpected end of stream": "the text in quotes that begins here never ends",
    "expected ',' or ']'": "the [ that opens here is never closed, or a comma is missing behind it",
    "expected ',' or '}'": "the { that opens here is never closed, or a comma is missing behind it",
}

#: What YAML's reader was about when it met a fault that is where that begins.
_BEGUN = ("while scanning a simple key", "while scanning a quoted scalar", "while parsing a flow")


@dataclass
class Document:
    """Plain data; the line of each value, where the form has lines; what is wrong with it as a document; and how
    many values it holds."""

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[Path, str]] = field(default_factory=list)
    size: int = 0

    def line_of(self, path: Path) -> int | None:
        """The line of a value, or of the nearest one around it that is there."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


class _Unreadable(Exception):
    """A text that is no document: why, and where that shows."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(why)
        self.why, self.line, self.column = why, line, column


def read(text: str | bytes, form: Form, *, what: str, slug: str, as_written: bool = False) -> Document:
    """Reads a document; `what` it is and the `slug` of a bad one are for the error. Every value that is no list and has
    no names in it is a text `as_written`, or else what YAML takes it for. Raises Invalid, naming line and column, when
    it is not of its form at all."""
    try:
        return _read(text, form, as_written)
    except _Unreadable as error:
        line_named = f" (line {error.line})" if error.line else ""
        fault: dict[str, object] = {"at": "(the whole file)", "why": error.why}
        fault |= {name: value for name, value in {"line": error.line, "column": error.column}.items() if value}
        raise Invalid(f"{what} cannot be read: {error.why}{line_named}", [fault], slug=slug) from error


def _read(text: str | bytes, form: Form, as_written: bool) -> Document:
    if len(text) > LARGEST_DOCUMENT:
        raise _Unreadable(f"it is larger than {LARGEST_DOCUMENT} bytes")
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        # What was read, which begins behind a byte order mark.
        line = error.object[: error.start].count(b"\n") + 1
        raise _Unreadable("a letter there is not UTF-8; save the file as UTF-8", line) from error
    return _read_json(plain) if form == "json" else _read_yaml(plain, as_written)


class _Loader(yaml.SafeLoader):
    """Composes nodes without building anything of them; refuses what a plain document has no need of.

    An alias stands for a value written elsewhere, so a few lines can stand for billions of values: there
    are none here.
    """

    _depth = _count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # The stubs of PyYAML tell no type of it.
        self._depth += 1
        self._count += 1
        for broken, why in (
            (isinstance(event, yaml.AliasEvent), "an alias (*) is not allowed; write the value out"),
            (self._depth > DEEPEST, _TOO_DEEP),
            (self._count > MOST_VALUES, _TOO_MANY),
        ):
            if broken:
                raise yaml.MarkedYAMLError(problem=why, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _read_yaml(text: str, as_written: bool) -> Document:
    try:
        loader = _Loader(text)
        try:
            return _Walk(loader, as_written).document()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = (error.context_mark if _was_begun(error) else None) or error.problem_mark or error.context_mark
        why = _plainly(error.problem or "it is not YAML")
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        raise _Unreadable(why, line, column) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Unreadable("a character that YAML does not allow", line) from error


def _was_begun(error: yaml.MarkedYAMLError) -> bool:
    """Whether what is wrong is where it begins, and met only later: a key without a colon, a quote or a bracket that is
    never closed."""
    return (error.context or "").startswith(_BEGUN)


def _plainly(problem: str) -> str:
    """What YAML's reader says, for people who write files and not readers."""
    hint = next((hint for beginning, hint in _HINTS.items() if problem.startswith(beginning)), None)
    return hint or problem


class _Walk:
    """Turns composed nodes into plain data, noting lines and faults on its way."""

    def __init__(self, loader: _Loader, as_written: bool) -> None:
        self._loader, self._as_written = loader, as_written
        self._document = Document()

    def document(self) -> Document:
        node = self._loader.get_single_node()
        if node is None:
            raise _Unreadable("it is empty", 1)
        self._document.data = self._value(node, (), node.start_mark.line)
        return self._document

    def _value(self, node: yaml.Node, path: Path, line: int) -> object:
        self._document.lines[path] = line + 1
        if node.tag not in _PLAIN[type(node)]:
            self._fault(path, f"the tag {node.tag.replace(_TAG, '!!')} is not allowed; write a plain value")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, at), item.start_mark.line) for at, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # The third that `_PLAIN` knows.
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, value in node.value:
            line = key.start_mark.line
            if not isinstance(key, yaml.ScalarNode) or _UNWRITABLE.search(key.value):
                self._fault(path, f"line {line + 1}: a name must be plain text")
                continue
            inner = (*path, key.value)
            if key.value in values:
                first = self._document.lines[inner]
                self._document.faults.append((inner, f"named twice: on line {first} and on line {line + 1}"))
                continue
            values[key.value] = self._value(value, inner, line)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Hashable:
        if self._as_written:
            return self._stored(node.value, path)
        if node.tag != f"{_TAG}str" and len(node.value) > LONGEST_NUMBER:
            kind = node.tag.removeprefix(_TAG)
            self._fault(path, f"{node.value[:20]!r}... is read as {kind} and too long for one; put it in quotes")
            return None
        try:
            value: Hashable = self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._fault(path, f"{node.value[:80]!r} is no {node.tag.removeprefix(_TAG)}; put it in quotes")
            return None
        return self._stored(value, path)

    def _stored(self, value: Hashable, path: Path) -> Hashable:
        if isinstance(value, str) and _UNWRITABLE.search(value):
            self._fault(path, _CANNOT_BE_STORED)
            return None
        return value

    def _fault(self, path: Path, why: str) -> None:
        self._document.faults.append((path, why))


def _read_json(text: str) -> Document:
    document = Document()
    try:
        document.data = json.loads(
            text, object_pairs_hook=lambda pairs: _named_once(pairs, document), parse_constant=_no_number
        )
    except json.JSONDecodeError as error:
        raise _Unreadable(error.msg, error.lineno, error.colno) from error
    except (RecursionError, ValueError) as error:
        raise _Unreadable(f"it cannot be read as JSON: {error}") from error
    document.data = _storable(document.data, (), document)
    return document


def _storable(value: object, path: Path, document: Document) -> object:
    """The value without the texts that cannot be stored, which are noted."""
    document.size += 1
    if len(path) > DEEPEST or document.size > MOST_VALUES:
        raise _Unreadable(_TOO_DEEP if len(path) > DEEPEST else _TOO_MANY)
    if isinstance(value, list):
        return [_storable(item, (*path, index), document) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            name: _storable(item, (*path, name), document)
            for name, item in value.items()
            if _storable(name, path, document) is not None
        }
    if isinstance(value, str) and _UNWRITABLE.search(value):
        document.faults.append((path, _CANNOT_BE_STORED))
        return None
    return value


def _named_once(pairs: list[tuple[str, object]], document: Document) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        shown = ", ".join(_UNWRITABLE.sub("\ufffd", name[:80]) for name in twice[:5])
        document.faults.append(((), f"named twice in one object: {shown}"))
    return values


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def spelled(path: Path) -> str:
    """A place in the file as people write it: `stages[2].answers[0].leads_to`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "(the whole file)"
