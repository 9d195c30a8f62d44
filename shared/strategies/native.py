"""Checks of a strategy in a source's own syntax: what is surely wrong is refused, what is unsure is a warning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

from shared.strategies.europepmc import read_europepmc
from shared.strategies.pubmed import read_pubmed
from shared.strategies.reading import QUOTES, bounded
from shared.strategies.tree import DEEPEST, Read, StrategyFault

#: The sources whose syntax is read as a tree.
READERS: dict[str, Callable[[str], Read]] = {"pubmed": read_pubmed, "europepmc": read_europepmc}

_CROSSREF_NAMES = (
    "affiliation author bibliographic chair container-title contributor degree description editor event-acronym "
    "event-location event-name event-sponsor event-theme funder-name publisher-location publisher-name "
    "standards-body-acronym standards-body-name title translator"
)
_CROSSREF_FIELDS = {"query", "filter", *(f"query.{name}" for name in _CROSSREF_NAMES.split())}
#: The days that a run asks about, and by which a walk is cut into slices.
_CROSSREF_WINDOWS = tuple(f"{way}-{day}-date" for day in ("index", "pub", "created") for way in ("from", "until"))
_FILTER = re.compile(r"[a-z][a-z_.-]*:")
_PIECE = re.compile(r"\\.|[\s\S]")


def check_native(source: str, query: str) -> tuple[str, ...]:
    """What whoever wrote a strategy for one source should know of it.

    Raises StrategyFault, naming line and column, where the source would refuse it or surely read something else.
    """
    if source in READERS:
        return READERS[source](query).warnings
    bounded(query)
    return tuple(dict.fromkeys(_CHECKS.get(source, _balanced)(query)))


def _balanced(text: str) -> Iterator[str]:
    """Brackets and quotation marks come in pairs; a backslash takes the meaning from the next character."""
    opened: list[int] = []
    quoted: int | None = None
    at = 0
    for piece in _PIECE.findall(text):
        if piece in QUOTES:
            quoted = at if quoted is None else None
            if piece != '"':
                yield "typographic quotation marks may not be read as plain ones"
        elif quoted is None and piece == "(":
            opened.append(at)
            if len(opened) > DEEPEST:
                raise StrategyFault(f"brackets are nested more than {DEEPEST} deep", text, at)
        elif quoted is None and piece == ")":
            if not opened:
                raise StrategyFault("this bracket is closed and was never opened", text, at)
            if not text[opened.pop() + 1 : at].strip():
                raise StrategyFault("there is nothing between these brackets", text, at)
        at += len(piece)
    if quoted is not None:
        raise StrategyFault("this quotation mark is never closed", text, quoted)
    if opened:
        raise StrategyFault("this bracket is never closed", text, opened[-1])


def _crossref(text: str) -> Iterator[str]:
    yield "Crossref has no AND: any of the words may match, and a work that has most of them comes first"
    if "=" not in text:
        if re.search(r"\b(?:AND|OR|NOT)\b|[\"*]", text):
            yield "Crossref knows neither operators nor quotation marks nor *, and takes them for words or for nothing"
        return
    at, seen = 0, Counter[str]()
    for part in text.split("&"):
        name = part.partition("=")[0]
        if "=" not in part:
            why = f"{part.strip()[:40]!r} is no parameter; an & that belongs to a value is written %26"
            raise StrategyFault(why, text, at)
        if name not in _CROSSREF_FIELDS:
            raise StrategyFault(f"there is no parameter {name[:40]!r}; there are query, filter, query.*", text, at)
        seen[name] += 1
        if seen[name] > 1:
            raise StrategyFault(f"{name} is given twice, and Crossref takes one of them; join them in one", text, at)
        at += len(part) + 1
    filters = dict(parse_qsl(text, keep_blank_values=True)).get("filter", "")
    yield from _filters(text, filters, _CROSSREF_WINDOWS, "a work with any of its values is found")


def _openalex(text: str) -> Iterator[str]:
    if _FILTER.match(text) is None:
        yield "it is sent as a search, of titles, abstracts and full texts, which costs ten times what a filter does"
    else:
        yield from _filters(text, text, ("from_publication_date", "to_publication_date"), "a work needs all its values")
    yield from _balanced(text)
    if re.search(r"\b(?:and|or|not)\b", re.sub(r'"[^"]*"', "", text)):
        yield "operators in small letters are words; write AND, OR, NOT"


def _filters(text: str, filters: str, set_by_runs: tuple[str, ...], twice: str) -> Iterator[str]:
    """`name:value` between commas."""
    seen: set[tuple[str, str]] = set()
    at = max(text.find(filters), 0)
    for part in filters.split(",") if filters.strip() else []:
        if _FILTER.match(part.strip()) is None:
            why = f"{part.strip()[:40]!r} is no filter; filters are name:value, with a comma between two"
            raise StrategyFault(why, text, at)
        name, value = (it.strip() for it in part.split(":", 1))
        if name in set_by_runs:
            raise StrategyFault(f"{name} is set by each run itself, for the days it asks about", text, at)
        if (name, value) in seen:
            raise StrategyFault(f"the filter {part.strip()[:40]!r} is given twice", text, at)
        if name in {known for known, _ in seen}:
            yield f"the filter {name} is given more than once: {twice}"
        seen.add((name, value))
        at += len(part) + 1


def _doaj(text: str) -> Iterator[str]:
    yield from _balanced(text)
    if (found := re.search(r"(?<!\\)[*?~]", text)) and found.start() > 0:
        raise StrategyFault(f"DOAJ takes no {found[0]}: it has neither wildcards nor proximity", text, found.start())


def _arxiv(text: str) -> Iterator[str]:
    yield from _balanced(text)
    for found in re.finditer(r"(?<![\w:])([a-z_]{1,20}):", text):
        if found[1] not in ("ti", "au", "abs", "co", "jr", "cat", "rn", "id", "all", "doi"):
            yield f"the field {found[1]} is not known here, and left to arXiv"
    if re.search(r"\bNOT\b", text):
        yield "arXiv writes ANDNOT, and may take NOT for a word"


def _semanticscholar(text: str) -> Iterator[str]:
    yield from _balanced(text)
    if found := re.search(r"\b(?:AND|OR|NOT)\b", text):
        yield f"Semantic Scholar takes {found[0]} for a word; it writes + for AND, | for OR, - for NOT"


_CHECKS: dict[str, Callable[[str], Iterator[str]]] = {
    "crossref": _crossref, "openalex": _openalex, "doaj": _doaj, "arxiv": _arxiv, "semanticscholar": _semanticscholar,
}  # fmt: skip
