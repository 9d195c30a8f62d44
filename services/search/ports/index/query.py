"""The query language: turns what people type into one small tree that every adapter translates.

    leadership trust            both words, anywhere in title, abstract, authors or venue
    leadership OR governance    either; AND binds more tightly than OR
    care NOT hospital           without; so does care -hospital
    (a OR b) c                  parentheses
    "integrated care system"    the words in this order, next to each other
    title:trust  author:"miller r"  abstract:(trust OR power)  venue:leader
    doi:10.5334/ijic.4684       the whole DOI (a DOI by itself means the same)
    leader*  doi:10.5334/*      whatever begins so
    *                           every record, as does the empty text

AND, OR and NOT are operators in capitals only. A word without a letter or digit is passed over. What the words of
a text are, `services.search.ports.index.words` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NoReturn

from shared import identifiers
from shared.errors import Invalid
from shared.folding import asked, findable, is_found, is_one_word, stands_alone

MAX_LENGTH = 8_000
MAX_TERMS = 200
MAX_DEPTH = 20
MIN_PREFIX = 2

Field = Literal["title", "abstract", "author", "venue", "doi"]
FIELDS: tuple[Field, ...] = ("title", "abstract", "author", "venue", "doi")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One word or several in this order, as typed; anywhere when `field` is None. A `doi` is whole, lower case."""

    text: str
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of one word (of a whole DOI when `field` is `doi`), as it is findable."""

    text: str
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Everything:
    """Every record."""


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


Expression = Phrase | Prefix | Everything | And | Or | Not


def parse(text: str) -> Expression | None:
    """Reads a query; None when it is blank. Raises Invalid with the place and what was expected there."""
    if len(text) > MAX_LENGTH:
        _refuse(MAX_LENGTH + 1, f"the text has {len(text)} characters; at most {MAX_LENGTH} are read")
    if not text.strip():
        return None
    parser = _Parser(list(_tokens(text)), len(text) + 1)
    expression = parser.alternatives(None, depth=1)
    parser.expect_end()
    if expression is None:
        _refuse(1, "expected a word with a letter or digit")
    return expression


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_GRAMMAR = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<open>\() | (?P<close>\))
    | (?P<phrase>"[^"]*") | (?P<unclosed>")
    | (?P<minus>-(?=[^\W_]|["(]))
    | (?P<doi>(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?10\.\d{{4,9}}/[^\s"()]*(?:\([^\s"()]*\)[^\s"()]*)*)
    | (?P<field>(?:{"|".join(FIELDS)}):)\s*
    | (?P<unknown>[a-z]+:(?=[^\s()]))
    | (?P<operator>(?-i:AND|OR|NOT)(?![^\s()"]))
    | (?P<word>[^\s()"]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _tokens(text: str) -> Iterable[_Token]:
    for match in _GRAMMAR.finditer(asked(text)):
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Token(kind, match[kind], match.start() + 1)


class _Parser:
    """Recursive descent over the tokens. A method gives None for words that have nothing to search for."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens, self._next, self._end, self._terms = tokens, 0, end, 0

    def alternatives(self, field: Field | None, depth: int) -> Expression | None:
        parts = [self._conjunction(field, depth)]
        while self._take("operator", "OR"):
            parts.append(self._conjunction(field, depth))
        return _joined(Or, parts)

    def expect_end(self) -> None:
        if token := self._peek():
            _refuse(token.at, "expected an end: this parenthesis was never opened")

    def _conjunction(self, field: Field | None, depth: int) -> Expression | None:
        parts = [self._negation(field, depth)]
        while self._take("operator", "AND") or self._more():
            parts.append(self._negation(field, depth))
        return _joined(And, parts)

    def _negation(self, field: Field | None, depth: int) -> Expression | None:
        token = self._take("operator", "NOT") or self._take("minus")
        if not token:
            return self._primary(field, depth)
        self._check_depth(token, depth)
        part = self._negation(field, depth + 1)
        return Not(part) if part else None

    def _primary(self, field: Field | None, depth: int) -> Expression | None:
        token = self._advance()
        match token.kind:
            case "open":
                return self._group(token, field, depth)
            case "field":
                return self._fielded(token, depth)
            case "unclosed":
                _refuse(token.at, "this quotation mark is never closed")
            case "unknown":
                _refuse(token.at, f"there is no field {token.text!r}: use one of {_names()}, or quote the text")
            case "close" | "operator" | "minus":
                _refuse(token.at, f"expected a word, a phrase or a parenthesis before {token.text!r}")
        return self._term(token, field)

    def _fielded(self, name: _Token, depth: int) -> Expression | None:
        following = self._peek()
        if following and following.kind == "field":
            _refuse(following.at, f"expected a word, a phrase or a parenthesis after {name.text!r}")
        return self._primary(_field(name), depth)

    def _group(self, opening: _Token, field: Field | None, depth: int) -> Expression | None:
        self._check_depth(opening, depth)
        inside = self.alternatives(field, depth + 1)
        if not self._take("close"):
            _refuse(opening.at, "this parenthesis is never closed")
        return inside

    def _term(self, token: _Token, field: Field | None) -> Expression | None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            _refuse(token.at, f"at most {MAX_TERMS} words and phrases are read")
        if field == "doi" or (field is None and token.kind == "doi"):
            return _doi(token)
        return _phrase(token, field) if token.kind == "phrase" else _word(token, field)

    def _check_depth(self, token: _Token, depth: int) -> None:
        if depth > MAX_DEPTH:
            _refuse(token.at, f"parentheses and NOT are nested more than {MAX_DEPTH} deep")

    def _more(self) -> bool:
        token = self._peek()
        return token is not None and token.kind != "close" and (token.kind, token.text) != ("operator", "OR")

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str | None = None) -> _Token | None:
        token = self._peek()
        if token is None or token.kind != kind or text not in (None, token.text):
            return None
        self._next += 1
        return token

    def _advance(self) -> _Token:
        token = self._peek()
        if token is None:
            _refuse(self._end, "the text ends where a word, a phrase or a parenthesis was expected")
        self._next += 1
        return token


def _joined(kind: type[And] | type[Or], parts: list[Expression | None]) -> Expression | None:
    kept = tuple(part for part in parts if part is not None)
    return kind(kept) if len(kept) > 1 else (kept[0] if kept else None)


def _field(token: _Token) -> Field:
    name = token.text[:-1].lower()
    return next(field for field in FIELDS if field == name)


def _phrase(token: _Token, field: Field | None) -> Expression | None:
    if "*" in token.text:
        _refuse(token.at + token.text.index("*"), "a phrase cannot contain *")
    return _leaf(token.text[1:-1], field)


def _word(token: _Token, field: Field | None) -> Expression | None:
    stem = token.text.rstrip("*")
    if token.text == "*":
        if field is not None:
            _refuse(token.at, f"* by itself stands for every record, so nothing can stand before it as {field}: does")
        return Everything()
    if "*" not in token.text or not is_found(token.text):
        return _leaf(token.text, field)
    if "*" in stem:
        _refuse(token.at + stem.index("*"), "* can only stand at the end of a word")
    if not is_one_word(stem):
        _refuse(token.at, "a word that ends in * can only have letters and digits")
    letters = findable(stem).strip()
    if len(letters) < MIN_PREFIX and not any(map(stands_alone, letters)):
        _refuse(token.at, f"a word that ends in * needs at least {MIN_PREFIX} letters")
    return Prefix(letters, field)


def _doi(token: _Token) -> Expression | None:
    text = token.text.strip('"').strip().lower()
    name = identifiers.without_resolver(text).rstrip(".,;")
    if not is_found(name):
        return None
    return Prefix(name.rstrip("*"), "doi") if name.endswith("*") else Phrase(name, "doi")


def _leaf(text: str, field: Field | None) -> Expression | None:
    return Phrase(text, field) if is_found(text) else None


def _names() -> str:
    return ", ".join(f"{field}:" for field in FIELDS)


def _refuse(at: int, why: str) -> NoReturn:
    raise Invalid(f"search text, character {at}: {why}", errors=[{"at": f"text:{at}", "why": why}])
