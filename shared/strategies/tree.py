"""The tree of a search strategy: terms joined by AND, OR and NOT, the same whatever it was written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

from shared.errors import Invalid
from shared.events.protocol import LONGEST_QUERY
from shared.folding import plain

#: How deep brackets, or operators that alternate without any, may be nested; real strategies need six.
DEEPEST = 50

#: What a term looks into. `text` is title, abstract and the authors' keywords, `all` whatever a source has of a work,
#: `subject` headings given by indexers; `attribute` is anything that is no text of a work (its date, its type).
Field = Literal["title", "abstract", "title_abstract", "text", "all", "subject", "attribute"]

#: How many characters a strategy has at most.
LONGEST = LONGEST_QUERY

_WORD = re.compile(r"(?:[^\W_]|[*?])+")


class StrategyFault(Invalid):
    """A strategy that cannot be read. `line` and `column` count from 1 and name where it is wrong, `why` says what."""

    slug = "malformed_strategy"

    def __init__(self, why: str, text: str, at: int) -> None:
        self.why = why
        self.line = text.count("\n", 0, at) + 1
        self.column = at - (text.rfind("\n", 0, at) + 1) + 1
        where = f"line {self.line}, column {self.column}"
        error = {"at": where, "why": why, "line": self.line, "column": self.column}
        super().__init__(f"the strategy cannot be read: {where}: {why}", [error])


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase, without quotation marks, and where it is looked for.

    `*` stands for any letters, `?` for one. An `exact` phrase has its words side by side; of another they are all
    somewhere in the field. `near` says that they stand in any order with at most so many other words between them
    all. `tag` is the field as it was written, where that says more than `field` does.
    """

    text: str
    field: Field = "title_abstract"
    exact: bool = True
    near: int | None = None
    tag: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words as they are matched: small letters without accents, `*` and `?` kept."""
        return words_of(self.text)


@dataclass(frozen=True, slots=True)
class Not:
    """All but these."""

    of: Node


@dataclass(frozen=True, slots=True)
class And:
    """What all parts find; there are two or more."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What any part finds; there are two or more."""

    parts: tuple[Node, ...]


Node = Term | Not | And | Or


@dataclass(frozen=True, slots=True)
class Read:
    """What a strategy was read as, and what whoever wrote it should know, such as an operator in small letters."""

    tree: Node
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a term as they are matched, with their `*` and `?`."""
    return tuple(word for word in _WORD.findall(plain(text)) if word.strip("*?"))


def has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def all_of(parts: Iterable[Node]) -> Node:
    """The parts joined by AND, flat; one part alone is itself. There is one at least."""
    flat = tuple(dict.fromkeys(it for part in parts for it in (part.parts if isinstance(part, And) else (part,))))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: Iterable[Node]) -> Node:
    """The parts joined by OR, flat; one part alone is itself. There is one at least."""
    flat = tuple(dict.fromkeys(it for part in parts for it in (part.parts if isinstance(part, Or) else (part,))))
    return flat[0] if len(flat) == 1 else Or(flat)


def terms_of(tree: Node) -> Iterator[Term]:
    """Every term of a tree, in its order."""
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Term):
            yield node
        else:
            waiting.extend([node.of] if isinstance(node, Not) else reversed(node.parts))


def depth_of(tree: Node) -> int:
    """How deep a tree is; a term alone is 1."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        if not isinstance(node, Term):
            waiting.extend((part, depth + 1) for part in ([node.of] if isinstance(node, Not) else node.parts))
    return deepest


def spelled(term: Term) -> str:
    """A term as people are told of it."""
    near = f" (near {term.near})" if term.near is not None else ""
    tag = f"[{term.tag}]" if term.tag else ""
    return f"{term.text}{tag}{near}"


def meant(name: str, known: Iterable[str]) -> str:
    """The nearest of the names that there are, as the end of a sentence; empty when none is near."""
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
