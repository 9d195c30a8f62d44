"""What each source is asked for a strategy of a protocol: the one door for whoever checks, shows or runs strategies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from shared.errors import Invalid
from shared.events.protocol import ConceptTerm, Strategy
from shared.strategies.native import READERS, check_native
from shared.strategies.translating import TRANSLATED, Translation, Unsayable, translate
from shared.strategies.tree import Field, Node, Not, Term, all_of, any_of
from shared.strategies.widening import Warned

_OPERATOR = re.compile(r"(?<!\S)(?:AND|OR|NOT|ANDNOT|NEAR|ADJ)\d{0,2}(?!\S)")


def asked(strategy: Strategy, source: str) -> Translation:
    """The exact strings by which a source is asked for a strategy, with warnings.

    `strategy` is one of a protocol's and `source` one that it is `searched` at. A run asks for each of `strings` as it
    is, in the source's own syntax and without any window of days; one work may come by several, and all together find
    all that the strategy finds of what the source has. Where `filtered` is true more may come: what `reaches(tree_of(
    strategy), title, abstract)` says "no" of is none that was asked for. A query in the source's own syntax is given
    byte for byte, unfiltered. The same strategy gives the same strings in every process of a release; another release
    may give others.

    Raises StrategyFault for a query that cannot be read, Unsayable for what the source has no words for, and
    Invalid for a source that the strategy does not name.
    """
    if source not in strategy.searched:
        raise Invalid(f"strategy {strategy.id!r} is not asked at {source!r}; it is at: {', '.join(strategy.searched)}")
    if strategy.query is not None:
        warnings = tuple(Warned(source, None, warning) for warning in check_native(source, strategy.query))
        return Translation(source, (strategy.query,), warnings)
    if source not in TRANSLATED:
        known = ", ".join(TRANSLATED)
        raise Unsayable(f"concepts are not translated for {source}; they are for: {known}. Give it a query of its own")
    translation = _translated(_tree_of_concepts(strategy), source)
    return replace(translation, warnings=(*_with_operators(strategy, source), *translation.warnings))


def tree_of(strategy: Strategy) -> Node | None:
    """What a strategy means, to hold works against (`shared.strategies.reaching`); None where its syntax is not read.

    Raises StrategyFault for a query that cannot be read.
    """
    if strategy.query is None:
        return _tree_of_concepts(strategy)
    reader = READERS.get(strategy.source or "")
    return reader(strategy.query).tree if reader is not None else None


def _with_operators(strategy: Strategy, source: str) -> Iterator[Warned]:
    """Terms that look as if a part of a query stood in them."""
    without = [strategy.without] if strategy.without is not None else []
    for concept in (*(strategy.concepts or ()), *without):
        for term in concept.terms:
            if found := _OPERATOR.search(term.text):
                why = (
                    f"{found[0]} stands inside a term of {concept.name!r} and is no operator there: the term is looked "
                    "for as it is; a term is one way to say a concept, so write a term of each, or a concept"
                )
                yield Warned(source, term.text, why)


@lru_cache(maxsize=256)
def _translated(tree: Node, source: str) -> Translation:
    return translate(tree, source)


def _tree_of_concepts(strategy: Strategy) -> Node:
    blocks = [any_of(_term(term, term.field) for term in concept.terms) for concept in strategy.concepts or ()]
    if strategy.without is None:
        return all_of(blocks)
    # What is not wanted is not wanted in keywords either: PubMed could exclude by title and abstract alone nowhere.
    unwanted = (_term(it, "text" if it.field == "title_or_abstract" else it.field) for it in strategy.without.terms)
    return all_of([*blocks, Not(any_of(unwanted))])


def _term(term: ConceptTerm, field: Field) -> Term:
    return Term(" ".join(term.text.split()), field, near=term.near)
