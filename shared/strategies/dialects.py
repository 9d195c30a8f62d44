"""What each source can say of a strategy, and how it is written there.

Held by each source's own documentation, where that is silent by what is safe: a phrase is given up for its words, a
truncation for any word. The words of what is written are `shared.folding`'s, so that nothing needs escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import ascii_letters, digits

from shared.events.protocol import LEAST_STEM
from shared.strategies.tree import And, Field, Node, Not, Or, Term

#: Bytes that an address has as they are.
_AS_IT_IS = f"{ascii_letters}{digits}_.-~".encode()

#: What a dialect writes a term with: its words, its field and whether something more is to be said of it.
Write = Callable[[Term], str]


def _as_sent(text: str) -> int:
    """Characters of a query in the address that it is sent in, where three stand for each byte that is not as it is."""
    sent = text.encode(errors="surrogatepass")
    return len(sent) + 2 * len(sent.translate(None, _AS_IT_IS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A source's language: what it cannot say is widened by `shared.strategies.widening`.

    `fields` maps each field that can be said to the one it is said by, which is the same or a wider one. `least_stem`
    is how many letters must stand before a final `*`; None is a source without truncation. `negates` says whether what
    it excludes is no more than what is written, which a source that stems words cannot promise. `longest` bounds one
    string, by `measured`.
    """

    name: str
    title: str
    write: Write
    fields: Mapping[Field, Field]
    least_stem: int | None = None
    inner_wildcards: bool = False
    truncates_phrases: bool = False
    near_in: frozenset[Field] = frozenset()
    negates: bool = False
    #: Whether it has the headings of indexers; else they are looked for as words.
    headings: bool = False
    joins: Mapping[str, str]
    #: What stands before all of it.
    begins: str = ""
    #: The names of a field, where one name may stand before a bracket of terms.
    named: Callable[[Field], list[str]] | None = None
    longest: int
    measured: Callable[[str], int] = len
    #: What holds of whatever is asked there.
    always: str = ""


class Writing:
    """A dialect that writes one strategy: each term and each bracket of it once, in however many strings they stand.

    A strategy of a thousand terms is looked at in hundreds of parts until each is short enough.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        #: What was written, by the identities of nodes, which are kept with it.
        self._inside: dict[int, tuple[Node, str]] = {}
        self._around: dict[int, tuple[Node, str]] = {}

    def written(self, node: Node) -> str:
        """The string for a tree that was widened for this source."""
        return f"{self._dialect.begins}{self._inner(node)}"

    def is_short(self, node: Node) -> bool:
        """Whether that string is no longer than the source takes."""
        return self._dialect.measured(self.written(node)) <= self._dialect.longest

    def _inner(self, node: Node) -> str:
        return _once(self._inside, node, self._written_inner)

    def _bracketed(self, node: Node) -> str:
        return _once(self._around, node, self._written_bracketed)

    def _written_inner(self, node: Node) -> str:
        joins = self._dialect.joins
        if isinstance(node, Term):
            return self._dialect.write(node)
        if isinstance(node, Not):
            return f"{joins['NOT']}{self._bracketed(node.of)}"
        if isinstance(node, Or):
            others = (self._bracketed(part) for part in self._others(node))
            # Two terms that differ for whoever reads them may be written alike.
            return joins["OR"].join(dict.fromkeys([*self._in_fields(node), *others]))
        # What is taken away comes last, behind what it is taken from.
        kept = [self._bracketed(part) for part in node.parts if not isinstance(part, Not)]
        taken = [f"{joins['AND NOT']}{self._bracketed(part.of)}" for part in node.parts if isinstance(part, Not)]
        return joins["AND"].join(kept) + "".join(taken)

    def _in_fields(self, node: Or) -> list[str]:
        """Terms of one field in one bracket behind each of its names: much shorter than each with all its names."""
        if self._dialect.named is None:
            return []
        words: dict[Field, list[str]] = {}
        for part in node.parts:
            if isinstance(part, Term) and part.field != "all":
                words.setdefault(part.field, []).append(_quoted(part))
        return [f"{name}:({' OR '.join(words[field])})" for field in words for name in self._dialect.named(field)]

    def _others(self, node: Or) -> list[Node]:
        named = self._dialect.named
        return [part for part in node.parts if named is None or not isinstance(part, Term) or part.field == "all"]

    def _written_bracketed(self, node: Node) -> str:
        inner = self._inner(node)
        # A term may be written as several with OR between them.
        is_several = isinstance(node, Term) and self._dialect.joins["OR"].strip() in inner.split()
        return f"({inner})" if is_several or isinstance(node, And | Or | Not) else inner


def _once(known: dict[int, tuple[Node, str]], node: Node, write: Callable[[Node], str]) -> str:
    if (found := known.get(id(node))) is None:
        found = known[id(node)] = node, write(node)
    return found[1]


def _quoted(term: Term) -> str:
    """The term's words, in quotation marks where there are several."""
    words = " ".join(term.words)
    return f'"{words}"' if len(term.words) > 1 else words


_PUBMED_TAGS: dict[Field, str] = {
    "title": "ti",
    "title_or_abstract": "tiab",
    "text": "tiab",
    "all": "all",
    "subject": "mh",
}


def _pubmed(term: Term) -> str:
    tag = term.tag or _PUBMED_TAGS[term.field]
    if term.field in ("subject", "attribute"):
        # As they are: a heading has commas and strokes, a range of dates has a colon.
        text = term.text.replace('"', " ").strip()
        return f"{text}[{tag}]" if term.field == "attribute" and ":" in text else f'"{text}"[{tag}]'
    if term.near is not None:
        return f'"{" ".join(term.words)}"[{tag.partition(":")[0]}:~{term.near}]'
    if not term.exact:
        # Joined by hyphens a phrase that PubMed does not know is found nowhere; in quotation marks it is found in
        # parts, by which a NOT would take away too much.
        return f"{'-'.join(term.words)}[{tag}]"
    return f'"{" ".join(term.words)}"[{tag}]'


def _europepmc(term: Term) -> str:
    words = _quoted(term)
    if term.field == "text":
        return f"TITLE_ABS:{words} OR KW:{words}"
    prefix = {"title": "TITLE:", "abstract": "ABSTRACT:", "title_or_abstract": "TITLE_ABS:", "subject": "KW:"}
    return f"{prefix.get(term.field, '')}{words}"


def _openalex(term: Term) -> str:
    return _quoted(term)


def _semanticscholar(term: Term) -> str:
    words = " ".join(term.words)
    if term.near is not None:
        # It counts how far words must be moved, which in another order is further.
        return f'"{words}"~{term.near + 2 * (len(term.words) - 1)}'
    if words.endswith("*"):
        # Words are kept there by their stems: one that is longer than its stem is met by itself alone.
        return f"{words} | {words[:-1]}"
    return _quoted(term)


def _doaj(term: Term) -> str:
    words = _quoted(term)
    return words if term.field == "all" else " OR ".join(f"{name}:{words}" for name in _doaj_names(term.field))


def _doaj_names(field: Field) -> list[str]:
    names = {"title": ["title"], "abstract": ["abstract"], "title_or_abstract": ["title", "abstract"]}
    return [f"bibjson.{name}" for name in names.get(field, ["title", "abstract", "keywords"])]


def _arxiv(term: Term) -> str:
    words = _quoted(term)
    names = {"title": ["ti"], "abstract": ["abs"], "all": ["all"]}.get(term.field, ["ti", "abs"])
    return " OR ".join(f"{name}:{words}" for name in names)


_WORDS = {"AND": " AND ", "OR": " OR ", "NOT": "NOT ", "AND NOT": " NOT "}
_BOTH: dict[Field, Field] = {
    "title": "title_or_abstract", "abstract": "title_or_abstract", "title_or_abstract": "title_or_abstract",
    "text": "title_or_abstract", "all": "title_or_abstract", "subject": "title_or_abstract",
}  # fmt: skip
_EACH: dict[Field, Field] = {
    "title": "title", "abstract": "abstract", "title_or_abstract": "title_or_abstract", "text": "text", "all": "all",
}  # fmt: skip

#: Every source that a strategy is translated for but Crossref, which has no Boolean language: see `translating`.
DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="pubmed", title="PubMed", write=_pubmed, joins=_WORDS, headings=True, negates=True,
            fields=_EACH
            | {"abstract": "text", "title_or_abstract": "text", "subject": "subject", "attribute": "attribute"},
            least_stem=LEAST_STEM, truncates_phrases=True, near_in=frozenset({"title", "title_or_abstract", "text"}),
            longest=60_000,  # It is sent in the body.
            always="PubMed looks in the keywords of authors too, where title and abstract are meant",
        ),
        Dialect(
            name="europepmc", title="Europe PMC", write=_europepmc, headings=True, negates=True, least_stem=1,
            joins=_WORDS | {"AND NOT": " AND NOT "}, inner_wildcards=True, fields=_EACH | {"subject": "subject"},
            longest=10_000,  # A long one goes in the body; very long ones with many ORs time out there.
        ),
        Dialect(
            name="openalex", title="OpenAlex", write=_openalex, joins=_WORDS, negates=True, least_stem=3, fields=_BOTH,
            begins="title_and_abstract.search.exact:", longest=3_200, measured=_as_sent,  # An address has 4 KB.
            always="OpenAlex looks in titles and abstracts, for words as they are written",
        ),
        Dialect(
            name="semanticscholar", title="Semantic Scholar", write=_semanticscholar, fields=_BOTH, least_stem=1,
            joins={"AND": " + ", "OR": " | ", "NOT": "-", "AND NOT": " + -"}, near_in=frozenset({"title_or_abstract"}),
            longest=3_200, measured=_as_sent,
            always="Semantic Scholar looks in titles and abstracts, and finds other forms of a word too",
        ),
        Dialect(
            name="doaj", title="DOAJ", write=_doaj, joins=_WORDS | {"AND NOT": " AND NOT "}, longest=5_000,
            fields=_EACH | {"subject": "text"}, measured=_as_sent, named=_doaj_names,
        ),
        Dialect(
            name="arxiv", title="arXiv", write=_arxiv, joins=_WORDS | {"AND NOT": " ANDNOT "}, longest=10_000,
            fields=_EACH | {"text": "title_or_abstract", "subject": "title_or_abstract"},
        ),
    )
}  # fmt: skip
