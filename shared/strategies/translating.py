"""Translation: the exact strings by which a source is asked for a strategy, and what they bring beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from shared.errors import Invalid
from shared.strategies.dialects import DIALECTS, Dialect, Writing
from shared.strategies.tree import And, Node, Not, Or, Term, all_of, any_of, has_wildcard, spelled, terms_of
from shared.strategies.widening import Warned, Widening

CROSSREF = "crossref"

#: The sources that a strategy can be translated for.
TRANSLATED = (*DIALECTS, CROSSREF)

#: How many strings one strategy becomes at one source at most; each is walked by itself.
MOST_STRINGS = 24

_CROSSREF_LONGEST = 2_000
_CROSSREF_ALWAYS = (
    "Crossref has no AND, phrase or truncation and looks in titles, authors and journals, not in abstracts: any of "
    "these words may match, and what says them in its abstract alone is not found there"
)


class Unsayable(Invalid):
    """A strategy of which a source can say nothing, or that cannot be cut into strings short enough for it."""

    slug = "unsayable_strategy"


@dataclass(frozen=True, slots=True)
class Translation:
    """What a source is asked.

    `strings` are in the source's own syntax; together they find all that the strategy finds of what the source has.
    `filtered` says that they may bring more, so that what comes should be held against the strategy
    (`shared.strategies.reaching`); `warnings` say why.
    """

    source: str
    strings: tuple[str, ...]
    warnings: tuple[Warned, ...] = ()
    filtered: bool = False


def translate(tree: Node, source: str) -> Translation:
    """The strategy as the source can say it. Raises Unsayable, saying which terms are in the way."""
    if source == CROSSREF:
        return _for_crossref(tree)
    dialect = DIALECTS[source]
    widening = Widening(dialect)
    widened = widening.wide(tree)
    if isinstance(widened, bool):
        raise _nothing_left(dialect, tree)
    writing = Writing(dialect)
    while (parts := _cut(widened, writing)) is None:
        widened = _without_longest(widened, writing, widening)
    strings = tuple(map(writing.written, parts))
    always = (Warned(source, None, dialect.always),) if dialect.always else ()
    warned = tuple(widening.warnings)
    return Translation(source, strings, always + warned, filtered=bool(warned) or source == "semanticscholar")


def _nothing_left(dialect: Dialect, tree: Node) -> Unsayable:
    """Which terms hold back nothing; what is not excluded there is beside the point."""
    parts = tree.parts if isinstance(tree, And) else (tree,)
    widening = Widening(dialect)
    widening.wide(all_of([part for part in parts if not isinstance(part, Not)] or parts))
    warned = tuple(widening.warnings)
    said = "; ".join(warning.sentence() for warning in warned[:5])
    more = f" (and {len(warned) - 5} more)" if len(warned) > 5 else ""
    return Unsayable(
        f"{dialect.title} can say nothing of this strategy, and would be asked for all it has: {said}{more}"
    )


def _cut(tree: Node, writing: Writing) -> list[Node] | None:
    """The tree as parts that are short enough each, and find the same together: the longest OR is dealt out. None when
    there would be too many, or one that cannot be cut."""
    parts, ready = [tree], list[Node]()
    while parts:
        part = parts.pop()
        if writing.is_short(part):
            ready.append(part)
            continue
        halves = _halves(part, writing)
        if halves is None:
            return None
        parts += reversed(halves)
        if len(parts) + len(ready) > MOST_STRINGS:
            return None
    return ready


def _without_longest(tree: Node, writing: Writing, widening: Widening) -> Node:
    """The tree without its longest concept, which finds more. Raises Unsayable when there is but one."""
    if isinstance(tree, Or) and (ands := [part for part in tree.parts if isinstance(part, And)]):
        longest = max(ands, key=lambda part: len(writing.written(part)))
        shorter = _without_longest(longest, writing, widening)
        return any_of(shorter if part is longest else part for part in tree.parts)
    kept = [part for part in tree.parts if not isinstance(part, Not)] if isinstance(tree, And) else []
    excluded = [part for part in tree.parts if isinstance(part, Not)] if isinstance(tree, And) else []
    if excluded:
        widening.warn(None, "what is excluded is left out there, since the whole is too long")
        return all_of(kept)
    if len(kept) < 2:
        dialect = widening.dialect
        raise Unsayable(
            f"{dialect.title} takes {dialect.longest:,} characters, and this strategy would be more than "
            f"{MOST_STRINGS} such strings: make its longest concept shorter"
        )
    block = max(kept, key=lambda part: len(writing.written(part)))
    first = next(terms_of(block))
    widening.warn(
        None, f"the concept that begins with {spelled(first)!r} is left out there, since the whole is too long"
    )
    return all_of(part for part in kept if part is not block)


def _halves(tree: Node, writing: Writing) -> list[Node] | None:
    """The tree twice, each time with one half of its longest OR; None when it has none."""
    if isinstance(tree, Or):
        return _parted(tree)
    if not isinstance(tree, And):
        return None
    at = max(
        (index for index, part in enumerate(tree.parts) if isinstance(part, Or)),
        key=lambda index: len(writing.written(tree.parts[index])),
        default=None,
    )
    if at is None:
        return None
    longest = tree.parts[at]
    assert isinstance(longest, Or)  # As all that were looked at.
    before, after = tree.parts[:at], tree.parts[at + 1 :]
    # All but a part alone stays flat as it is, and is not compared anew, which takes long where there are many terms.
    return [
        And((*before, half, *after)) if isinstance(half, Or) else all_of([*before, half, *after])
        for half in _parted(longest)
    ]


def _parted(tree: Or) -> list[Node]:
    """The two halves of an OR."""
    middle = len(tree.parts) // 2
    return [Or(half) if len(half) > 1 else half[0] for half in (tree.parts[:middle], tree.parts[middle:])]


def _for_crossref(tree: Node) -> Translation:
    """Crossref's any-of-these-words: of blocks joined by AND one is enough, of a phrase one word."""
    words = _any_word(tree)
    if words is None:
        why = "every concept has a term without a whole word in it, and Crossref cannot truncate; write the words out"
        raise Unsayable(f"Crossref can say nothing of this strategy, and would be asked for all it has: {why}")
    strings, now = list[str](), list[str]()
    for word in words:
        if now and len(quote(" ".join([*now, word]))) > _CROSSREF_LONGEST:
            strings.append(" ".join(now))
            now = []
        now.append(word)
    strings.append(" ".join(now))
    if len(strings) > MOST_STRINGS:
        raise Unsayable(f"Crossref would be asked in more than {MOST_STRINGS} strings; make it shorter")
    asked = tuple(f"query.bibliographic={string}" for string in strings)
    return Translation(CROSSREF, asked, (Warned(CROSSREF, None, _CROSSREF_ALWAYS),), filtered=True)


def _any_word(node: Node) -> list[str] | None:
    """Words of which a work that the node finds has one at least; None where there are no such words."""
    if isinstance(node, Term):
        whole = [word for word in node.words if not has_wildcard(word)]
        # The longest is the rarest, as a rule.
        return [max(whole, key=len)] if whole and node.field != "attribute" else None
    if isinstance(node, Not):
        return None
    found = [_any_word(part) for part in node.parts]
    if isinstance(node, Or):
        return None if None in found else list(dict.fromkeys(word for words in found if words for word in words))
    return min((words for words in found if words is not None), key=len, default=None)
