"""Widening: a strategy as one source can say it, never finding less, with a word for whatever it finds more.

What is under a NOT is narrowed instead, so that less is taken away. `True` stands for everything, `False` for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shared.strategies.dialects import Dialect
from shared.strategies.tree import And, Field, Node, Not, Or, Term, all_of, any_of, has_wildcard, spelled

Widened = Node | bool


@dataclass(frozen=True, slots=True)
class Warned:
    """What a source cannot say of a strategy: the source, the term as it was written (None: all of it), and why."""

    source: str
    term: str | None
    why: str

    def sentence(self) -> str:
        return f"{self.term}: {self.why}" if self.term else self.why


@dataclass(slots=True)
class Widening:
    """One tree on its way into one source's language."""

    dialect: Dialect
    warnings: dict[Warned, None] = field(default_factory=dict)

    def warn(self, term: Term | None, why: str) -> None:
        self.warnings[Warned(self.dialect.name, spelled(term) if term else None, why)] = None

    def wide(self, node: Node) -> Widened:
        """What finds all that the node finds, or more."""
        if isinstance(node, Term):
            return self._term(node)
        if isinstance(node, Not):
            return self._negated(node)
        parts = [self.wide(part) for part in node.parts]
        if isinstance(node, Or):
            if True in parts:
                return True
            if any(isinstance(part, Not) for part in parts):
                self.warn(None, "one side of an OR excludes, which the source cannot say; that OR holds back nothing")
                return True
            found = [part for part in parts if not isinstance(part, bool)]
            return any_of(found) if found else False
        if False in parts:
            return False
        kept = [part for part in parts if not isinstance(part, bool)]
        # A source takes away from something: where nothing is left, all but these is everything.
        return all_of(kept) if any(not isinstance(part, Not) for part in kept) else True

    def _negated(self, node: Not) -> Widened:
        if not self.dialect.negates:
            self.warn(None, "nothing is excluded: the source may read an excluded word as more than it says")
            return True
        inner = self._narrow(node.of)
        if isinstance(inner, bool):
            return not inner
        return inner.of if isinstance(inner, Not) else Not(inner)

    def _narrow(self, node: Node) -> Widened:
        """What finds nothing but what the node finds."""
        if isinstance(node, Term):
            exact = self._exactly(node)
            if exact is None:
                self.warn(node, "it is not excluded there, since the source could only exclude more than it says")
            return False if exact is None else exact
        if isinstance(node, Not):
            inner = self.wide(node.of)
            return (not inner) if isinstance(inner, bool) else Not(inner)
        parts = [self._narrow(part) for part in node.parts]
        kept = [part for part in parts if not isinstance(part, bool)]
        if isinstance(node, And):
            return False if False in parts or not any(not isinstance(part, Not) for part in kept) else all_of(kept)
        kept = [part for part in kept if not isinstance(part, Not)]
        return any_of(kept) if kept else False

    def _exactly(self, term: Term) -> Term | None:
        """The term where the source says neither more nor less by it."""
        words, dialect = term.words, self.dialect
        there = dialect.fields.get(term.field)
        if there != term.field and (term.field, there) not in _SAME:
            return None
        if term.field in ("subject", "attribute"):
            return term if dialect.name == "pubmed" else None
        if (term.near is not None and len(words) > 1) or any(
            has_wildcard(word) and not self._may_truncate(word) for word in words
        ):
            return None
        if len(words) > 1 and (any(map(has_wildcard, words)) or not term.exact):
            return None
        # PubMed gives up a phrase it has not met for its words, unless it is joined by hyphens.
        exact = len(words) == 1 or dialect.name != "pubmed"
        return replace(term, field=there or term.field, exact=exact, near=None)

    def _may_truncate(self, word: str) -> bool:
        """Whether the source takes the word's wildcards as they are meant."""
        if self.dialect.least_stem is None:
            return False
        stem = word.rstrip("*")
        if has_wildcard(stem):
            return self.dialect.inner_wildcards and stem[0] not in "*?" and word[-1] != "?"
        return len(stem) >= self.dialect.least_stem

    def _term(self, term: Term) -> Widened:
        field_there = self.dialect.fields.get(term.field)
        if field_there is None:
            self.warn(term, "the source has nothing of this kind to look into, so it holds back nothing there")
            return True
        if term.field == "subject":
            return self._subject(term, field_there)
        if term.field == "attribute":
            return term
        if field_there != term.field and (term.field, field_there) not in _SAME | _ALWAYS:
            self.warn(term, f"it is looked for in {_SPOKEN[field_there]}, not in {_SPOKEN[term.field]} alone")
        return self._words(term, replace(term, field=field_there, tag=term.tag if field_there == term.field else ""))

    def _subject(self, term: Term, field_there: str) -> Widened:
        if self.dialect.name == "pubmed":
            return term
        heading = replace(term, text=term.text.partition("/")[0], tag="", exact=False)
        text_field: Field = "text" if "text" in self.dialect.fields.values() else "title_or_abstract"
        in_words = self._words(heading, replace(heading, field=text_field))
        if not self.dialect.headings:
            self.warn(term, "the source has no headings of indexers; the words of this one are looked for instead")
            return in_words
        self.warn(term, "the source does not look into what is below a heading; its words are looked for as well")
        if isinstance(in_words, Term):
            return in_words  # One word: wherever the heading is looked for, it is too.
        return in_words if isinstance(in_words, bool) else any_of([replace(heading, exact=True), in_words])

    def _words(self, term: Term, said: Term) -> Widened:
        """The term in its field, or its words by themselves where they cannot be said as they stand."""
        words, dialect = said.words, self.dialect
        if len(words) == 1:
            said = replace(said, near=None)
        sayable = [word for word in words if not has_wildcard(word) or self._may_truncate(word)]
        if not sayable:
            self.warn(term, "the source cannot truncate it, so it holds back nothing there; write the words out")
            return True
        truncated = any(map(has_wildcard, words))
        if said.near is not None and len(sayable) == len(words):
            if said.field in dialect.near_in and not truncated:
                if len(words) > 2:
                    self.warn(term, "so many other words may stand between each two of its words there")
                return said
        elif said.near is None and len(words) == len(sayable) and (said.exact or len(words) == 1):
            only_last = dialect.truncates_phrases and not any(map(has_wildcard, words[:-1])) and "?" not in words[-1]
            if len(words) == 1 or not truncated or only_last:
                return replace(said, text=" ".join(words), exact=True, near=None)
        # Little words are in no index of some sources, where asking for one would find nothing.
        telling = [word for word in sayable if word not in _LITTLE] or sayable[:1]
        dropped = [word for word in words if word not in telling]
        if dropped or term.exact or term.near is not None:
            but = f", but for {', '.join(dropped)}" if dropped else ""
            self.warn(term, f"its words are looked for each by itself{but}, wherever they stand")
        return all_of(replace(said, text=word, near=None, exact=True) for word in telling)


_LITTLE = {
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "if", "in", "into", "is", "it", "no", "not",
    "of", "on", "or", "such", "that", "the", "to", "was", "with",
}  # fmt: skip

#: Fields that are said by another one which looks into no more than they do of what a source has.
_SAME = {("text", "title_or_abstract"), ("all", "title_or_abstract")}
#: And one that is wider, of which `Dialect.always` tells.
_ALWAYS = {("title_or_abstract", "text")}
_SPOKEN = {
    "title": "the title", "abstract": "the abstract", "title_or_abstract": "title and abstract",
    "text": "title, abstract and keywords", "all": "all fields", "subject": "headings", "attribute": "its field",
}  # fmt: skip
