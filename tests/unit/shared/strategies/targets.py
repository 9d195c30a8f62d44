"""What sources make of a query, evaluated in small and apart from the platform's own, to hold translations against."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, product
from urllib.parse import parse_qsl

Words = list[str]


@dataclass(frozen=True)
class Document:
    """A work as a source has it: words of title, abstract and keywords, headings, and what else is known of it."""

    title: Words = field(default_factory=list)
    abstract: Words = field(default_factory=list)
    keywords: list[Words] = field(default_factory=list)
    headings: list[Words] = field(default_factory=list)
    attributes: frozenset[str] = frozenset()

    def texts(self) -> list[Words]:
        return [self.title, self.abstract, *self.keywords, *self.headings]


def is_like(pattern: str, word: str) -> bool:
    return re.fullmatch(pattern.replace("*", ".*").replace("?", "."), word) is not None


def spots(pattern: str, text: Words) -> list[int]:
    return [at for at, word in enumerate(text) if is_like(pattern, word)]


def has_phrase(phrase: Words, text: Words) -> bool:
    return any(
        all(is_like(pattern, text[at + step]) for step, pattern in enumerate(phrase))
        for at in range(len(text) - len(phrase) + 1)
    )


def has_window(words: Words, others: int, text: Words) -> bool:
    """All of the words, in any order, with at most so many others between the first and the last of them."""
    size = len(words) + others
    windows = [text[at : at + size] for at in range(max(1, len(text) - size + 1))]
    return any(all(spots(word, window) for word in words) for window in windows)


def has_gaps(words: Words, gap: int, text: Words) -> bool:
    """PubMed's: at most so many words between each and the next."""
    standing = [sorted(set(chosen)) for chosen in product(*(spots(word, text) for word in words))]
    return any(all(b - a - 1 <= gap for a, b in pairwise(chosen)) for chosen in standing)


def has_slop(words: Words, slop: int, text: Words) -> bool:
    """Lucene's: how far words must be moved to stand side by side."""
    for chosen in product(*(spots(word, text) for word in words)):
        moved = [at - index for index, at in enumerate(chosen)]
        if max(moved) - min(moved) <= slop:
            return True
    return False


@dataclass(frozen=True)
class Language:
    """A source's notation: what its operators look like, and the texts that a field looks into."""

    fields: dict[str, Callable[[Document], list[Words]]]
    near: Callable[[Words, int, Words], bool] = has_slop
    tags: bool = False
    begins: str = ""
    wildcards: bool = True


_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<name>[A-Za-z_.]+):(?=[("\w])|"(?P<phrase>[^"]*)"(?:~(?P<slop>\d+))?
    |\[(?P<tag>[^\]]*)\]|(?P<word>[^\s()"\[\]]+))""",
    re.VERBOSE,
)
_OPERATORS = {"AND": "AND", "OR": "OR", "NOT": "NOT", "ANDNOT": "NOT", "+": "AND", "|": "OR"}


def finds(language: Language, query: str, document: Document) -> bool:
    """Whether a source that speaks the language finds the document by the query."""
    assert query.startswith(language.begins)
    tokens = [found for found in _TOKEN.finditer(query[len(language.begins) :].strip())]
    found, at = _expression(language, tokens, 0, document, "")
    assert at == len(tokens), query
    return found


def _expression(
    language: Language, tokens: list[re.Match[str]], at: int, document: Document, name: str
) -> tuple[bool, int]:
    """Operators from left to right; what is written always has brackets where that matters."""
    found, at = _operand(language, tokens, at, document, name)
    seen = set()
    while at < len(tokens) and not tokens[at]["close"]:
        operator = _OPERATORS[tokens[at]["word"]]
        negated = operator == "NOT"
        at += 1
        while tokens[at]["word"] == "NOT":
            negated, at = not negated, at + 1
        seen.add("OR" if operator == "OR" else "AND")
        right, at = _operand(language, tokens, at, document, name)
        right = right != negated
        found = (found or right) if operator == "OR" else (found and right)
    assert len(seen) < 2, "AND and OR side by side are read differently by every source"
    return found, at


def _operand(
    language: Language, tokens: list[re.Match[str]], at: int, document: Document, name: str
) -> tuple[bool, int]:
    token = tokens[at]
    if token["name"]:
        return _operand(language, tokens, at + 1, document, token["name"])
    if token["open"]:
        found, at = _expression(language, tokens, at + 1, document, name)
        assert tokens[at]["close"]
        return found, at + 1
    text, at, near = token["phrase"] or token["word"], at + 1, token["slop"]
    assert text and text not in _OPERATORS, text
    if language.tags:
        tag, _, gap = tokens[at]["tag"].partition(":~")
        name, at, near = tag, at + 1, gap or None
    if name == "attribute":
        return text in document.attributes, at
    if name == "mh":
        return text.split() in document.headings, at
    words = re.split(r"[\s-]+", text)
    assert language.wildcards or "*" not in text
    texts = language.fields[name](document)
    if near is not None:
        return any(language.near(words, int(near), one) for one in texts), at
    return any(has_phrase(words, one) for one in texts), at


def _title(document: Document) -> list[Words]:
    return [document.title]


def _abstract(document: Document) -> list[Words]:
    return [document.abstract]


def _both(document: Document) -> list[Words]:
    return [document.title, document.abstract]


LANGUAGES = {
    "pubmed": Language(
        {
            "ti": _title,
            "tiab": lambda it: [it.title, it.abstract, *it.keywords],
            "all": Document.texts,
        },
        near=has_gaps,
        tags=True,
    ),
    "europepmc": Language(
        {
            "TITLE": _title,
            "ABSTRACT": _abstract,
            "TITLE_ABS": _both,
            "KW": lambda it: [*it.keywords, *it.headings],
            "": Document.texts,
        }
    ),
    "openalex": Language({"": _both}, begins="title_and_abstract.search.exact:"),
    "semanticscholar": Language({"": _both}),
    "doaj": Language(
        {
            "bibjson.title": _title,
            "bibjson.abstract": _abstract,
            "bibjson.keywords": lambda it: it.keywords,
            "": Document.texts,
        },
        wildcards=False,
    ),
    "arxiv": Language({"ti": _title, "abs": _abstract, "all": Document.texts}, wildcards=False),
}


def found_by(source: str, query: str, document: Document) -> bool:
    if source != "crossref":
        return finds(LANGUAGES[source], query, document)
    asked = dict(parse_qsl(query, strict_parsing=True))["query.bibliographic"].split()
    return bool(set(asked) & set(document.title))
