"""How a canonical record is described: each field from one source, and which one, however they arrived.

The sources are asked in an order of trust, the same for every record:

- title, authors, venue, date, language, identifiers: Crossref, PubMed, Europe PMC, OpenAlex (the publisher's
  own deposit first, then the curated, then the derived); abstracts: Europe PMC, PubMed, Crossref, OpenAlex
  (Crossref often has none or markup, OpenAlex rebuilds its own from an index). A file of a database follows the
  source itself. Other sources come next, by name, and last what a person typed.
- The first that has a value gives it, unless the value is a fragment: a title much shorter than another
  source's lacks its subtitle; an abstract or author list less than half as long is cut.
- Volume, issue, pages and article number come from one source: of those that tell most of them the one with which
  most others agree, and the first of these.
- The most precise date is taken, of several that of the same source; the first kind that says more than `article`.
- Further titles and keywords are those of all sources, each once.
- What a person corrected outranks all of them.
- It is restricted where one of them is: more is known of it than may be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from services.ingest.domain.matching import Described
from shared.events.bounds import MOST_KEYWORDS
from shared.events.ingest import Bibliography, SourceRef
from shared.events.protocol import ADDED, FILES
from shared.events.values import Identifiers
from shared.folding import plain_words

_TRUST = ("crossref", "pubmed", "europepmc", "openalex")
_TRUST_FOR_ABSTRACTS = ("europepmc", "pubmed", "crossref", "openalex")

#: What begins, in `provenance`, the id of the correction by which a person gave a field.
BY_PERSON = "person:"

#: Where in its venue a work is, which one source tells together.
_WHERE = ("volume", "issue", "pages", "article_number")

#: Further titles that a description keeps.
_MOST_TITLES = 20

#: How much of the longest value a value must have, or it counts as a fragment of it.
_WHOLE_TITLE, _WHOLE_TEXT = 0.8, 0.5


class Contributed(Described, Protocol):
    """What a source's record contributes to a description."""

    @property
    def abstract(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def keywords(self) -> list[str]: ...
    @property
    def isbns(self) -> list[str]: ...
    @property
    def publisher(self) -> str | None: ...
    @property
    def urls(self) -> list[str]: ...


Brought = TypeVar("Brought", bound=Contributed, covariant=True)


@dataclass(frozen=True, slots=True)
class Contribution(Generic[Brought]):
    """A source's record, and the run that brought it."""

    record: Brought
    run: str
    #: Whether that run asked for citations.
    by_citations: bool = False

    @property
    def name(self) -> str:
        return f"{self.record.source}:{self.record.source_id}"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says a field is; ids sort by age, and the newest counts."""

    id: str
    field: str
    value: Any


def corrected(described: Bibliography, corrections: Iterable[Correction]) -> Bibliography:
    """A description as people corrected it: their word outranks every source, and `provenance` says whose it is."""
    newest = {each.field: each for each in sorted(corrections, key=lambda each: each.id)}
    if not newest:
        return described
    fields = {name: each.value for name, each in newest.items()}
    of_sources = {name: given for name, given in described.provenance.items() if name.split(".")[0] not in newest}
    provenance = of_sources | {name: f"{BY_PERSON}{each.id}" for name, each in newest.items()}
    return described.model_copy(update={**fields, "provenance": provenance})


def describe(contributions: Iterable[Contribution[Contributed]]) -> Bibliography:
    """Makes the canonical description of at least one contribution; their order does not matter."""
    trusted = sorted(contributions, key=_rank(_TRUST))
    for_abstracts = sorted(trusted, key=_rank(_TRUST_FOR_ABSTRACTS))
    where = _where_most_agree(trusted)
    chosen: dict[str, Contribution[Contributed]] = {
        "title": _first_whole(trusted, "title", _WHOLE_TITLE),
        "abstract": _first_whole(for_abstracts, "abstract", _WHOLE_TEXT),
        "authors": _first_whole(trusted, "authors", _WHOLE_TEXT),
        "editors": _first_whole(trusted, "editors", _WHOLE_TEXT),
        "venue": _first(trusted, "venue"),
        "published": max(trusted, key=lambda one: (len(one.record.published or ""), one is where)),
        "kind": _most_telling_kind(trusted),
        "language": _first(trusted, "language"),
        **dict.fromkeys(_WHERE, where),
        **{name: _first(trusted, name) for name in ("issns", "isbns", "publisher", "urls")},
    }
    identifiers = {kind: _first_identifier(trusted, kind) for kind in Identifiers.model_fields}
    fields = {name: value for name, one in chosen.items() if (value := getattr(one.record, name))}
    provenance = {name: chosen[name].name for name in fields}
    titles = _further_titles(trusted, fields.get("title"))
    provenance |= {f"other_titles.{index}": name for index, name in enumerate(titles.values())}
    keywords, brought = _keywords(trusted)
    provenance |= {f"keywords.{first}": name for first, name in brought.items()}
    provenance |= {f"identifiers.{kind}": one.name for kind, one in identifiers.items() if one is not None}
    return Bibliography(
        **fields,
        other_titles=list(titles),
        keywords=keywords,
        identifiers=Identifiers(
            **{kind: getattr(one.record.identifiers, kind) for kind, one in identifiers.items() if one is not None}
        ),
        sources=[
            SourceRef(source=one.record.source, id=one.record.source_id, run=one.run, by_citations=one.by_citations)
            for one in sorted(trusted, key=lambda one: (one.record.source, one.record.source_id))
        ],
        provenance=provenance,
        restricted=any(one.record.restricted for one in trusted),
    )


def changes(before: Bibliography, after: Bibliography) -> list[str]:
    """The names of the fields that differ; keywords in another order are the same."""
    differ = [name for name in Bibliography.model_fields if getattr(before, name) != getattr(after, name)]
    if "keywords" in differ and set(before.keywords) == set(after.keywords):
        differ.remove("keywords")
    return differ


def _rank(trust: Sequence[str]) -> Callable[[Contribution[Contributed]], tuple[int, bool, str, str]]:
    def rank(one: Contribution[Contributed]) -> tuple[int, bool, str, str]:
        source = one.record.source
        database = source.removeprefix(FILES)
        trusted = trust.index(database) if database in trust else len(trust) + source.startswith(ADDED)
        return trusted, database != source, source, one.record.source_id

    return rank


def _first(trusted: Sequence[Contribution[Contributed]], name: str) -> Contribution[Contributed]:
    """The first that has a value; where none has, the first of all."""
    return next((one for one in trusted if getattr(one.record, name)), trusted[0])


def _where_most_agree(trusted: Sequence[Contribution[Contributed]]) -> Contribution[Contributed]:
    if len(trusted) == 1:
        return trusted[0]
    said = Counter((name, value) for one in trusted for name in _WHERE if (value := getattr(one.record, name)))

    def weight(one: Contribution[Contributed]) -> tuple[int, int]:
        values = [(name, value) for name in _WHERE if (value := getattr(one.record, name))]
        return len(values), sum(said[value] for value in values)

    return max(trusted, key=weight)


def _further_titles(trusted: Sequence[Contribution[Contributed]], title: str | None) -> dict[str, str]:
    """The further titles of all sources, each with the first that has it; one that only looks different is no other."""
    found: dict[str, str] = {}
    if not any(one.record.other_titles for one in trusted):
        return found
    known = {plain_words(title or "")}
    for one in trusted:
        for other in one.record.other_titles:
            if (words := plain_words(other)) not in known and len(found) < _MOST_TITLES:
                known.add(words)
                found[other] = one.name
    return found


def _keywords(trusted: Sequence[Contribution[Contributed]]) -> tuple[list[str], dict[int, str]]:
    """The keywords of all sources, one source after the other, as many as a work has; and where those begin that each
    source adds."""
    kept: dict[str, str] = {}
    brought: dict[int, str] = {}
    for one in trusted:
        begins = len(kept)
        for keyword in one.record.keywords:
            if len(kept) < MOST_KEYWORDS:
                kept.setdefault(keyword.casefold(), keyword)
        if len(kept) > begins:
            brought[begins] = one.name
    return list(kept.values()), brought


def _first_identifier(trusted: Sequence[Contribution[Contributed]], kind: str) -> Contribution[Contributed] | None:
    return next((one for one in trusted if getattr(one.record.identifiers, kind)), None)


def _first_whole(trusted: Sequence[Contribution[Contributed]], name: str, whole: float) -> Contribution[Contributed]:
    """The first whose value is no fragment of the longest."""
    sizes = [len(getattr(one.record, name) or "") for one in trusted]
    least = max(sizes) * whole
    return next(one for one, size in zip(trusted, sizes, strict=True) if size >= least)


def _most_telling_kind(trusted: Sequence[Contribution[Contributed]]) -> Contribution[Contributed]:
    telling = [one for one in trusted if one.record.kind not in ("article", "other")]
    plain = [one for one in trusted if one.record.kind == "article"]
    return (telling or plain or list(trusted))[0]
