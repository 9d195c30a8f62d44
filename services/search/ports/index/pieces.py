"""Pieces in the search index: what the synthesis says, findable beside records, in the same generation as these."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from services.search.domain import Piece, PieceKind, joined_by_piece
from services.search.ports.index.cursor import page_by_rank
from services.search.ports.index.highlight import Finds
from services.search.ports.index.port import FACET_SIZE, MAX_FILTER_VALUES, MAX_LIMIT, FacetCount
from shared.errors import Invalid, Unavailable
from shared.events.ingest import Bibliography
from shared.paging import PageAsked

#: What pieces are narrowed and counted by, of each kind.
TAGS: dict[PieceKind, tuple[str, ...]] = {
    "fragment": ("cmoc", "element", "stance", "inference", "standing"),
    "theory": ("theory", "status", "standing"),
    "release": ("change_class",),
}
ALL_TAGS = ("cmoc", "element", "stance", "inference", "standing", "theory", "status", "change_class")

_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceQuery:
    """What is looked for among the pieces of one kind in one review, in the language of records, whose `title:` is a
    heading and `abstract:` what a piece says. `tags` admits any of the values of each name: of a fragment, at one and
    the same link. Without a text pieces are in the order of their ids. Raises Invalid."""

    review: str
    kind: PieceKind
    text: str = ""
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    facets: bool = False
    limit: int = 20
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise Invalid.of("limit", f"must be 1 to {MAX_LIMIT}")
        for name, values in self.tags:
            if name not in TAGS[self.kind]:
                raise Invalid.of(name, f"is nothing that a {self.kind} is narrowed by")
            if len(values) > MAX_FILTER_VALUES:
                raise Invalid.of(name, f"at most {MAX_FILTER_VALUES} values")

    @property
    def scope(self) -> str:
        return scope_of(self.review, self.kind)

    @property
    def counted(self) -> tuple[str, ...]:
        return TAGS[self.kind] if self.facets else ()

    @property
    def page(self) -> PageAsked:
        """Raises Invalid when the cursor is of another query, or none of ours."""
        return page_by_rank(repr(replace(self, cursor=None, limit=1, facets=False)), self.limit, self.cursor)


def scope_of(review: str, kind: PieceKind) -> str:
    """A review's pieces of one kind, by a name that no review has."""
    return f"{kind}/{review}"


@dataclass(frozen=True, slots=True)
class PieceHit:
    """A piece that was found; `marked` is as that of a record: `title` its heading, `abstract` what it says."""

    piece: Piece
    score: float | None
    marked: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class PieceResults:
    """One page, how many there are on all pages, the facets, and the next page's cursor."""

    hits: list[PieceHit]
    total: int
    facets: dict[str, list[FacetCount]]
    next: str | None


class Pieces(Protocol):
    """The pieces of a generation of the index, or of the live one. They live, are swapped and are dropped with it, and
    promise what it promises of records."""

    def get(self, pieces: Collection[str]) -> dict[str, Piece]:
        """These pieces, also those that are not found any more; one that was never put is absent."""
        ...

    def put(self, pieces: Iterable[Piece]) -> set[str]:
        """Stores pieces and returns those that were refused: stored ones that `seen` does not know."""
        ...

    def search(self, query: PieceQuery) -> PieceResults:
        """Raises Invalid, with the place, when the text cannot be understood or the cursor is another query's."""
        ...

    def like(self, piece: str, review: str, limit: int) -> list[PieceHit]:
        """Pieces of its kind and review that say much of what tells this one from others, the most alike first."""
        ...


def write_pieces(index: Pieces, news: Iterable[Piece]) -> None:
    """Joins each piece with what the index holds of it: read, join, put; refused, again. Raises Unavailable when others
    keep changing the same pieces."""
    waiting = joined_by_piece(news)
    for _ in range(_ATTEMPTS):
        if not waiting:
            return
        known = index.get(waiting)
        joined = {name: known[name].joined(one) if name in known else one for name, one in waiting.items()}
        refused = index.put([one for name, one in joined.items() if name not in known or one != known[name]])
        waiting = {name: waiting[name] for name in refused}
    raise Unavailable(f"others keep changing the same {len(waiting)} pieces of the search index: try again")


def as_described(piece: Piece) -> Bibliography:
    """Its texts in the fields that the index has for those of records."""
    return Bibliography.model_construct(title=piece.heading, abstract=piece.text)


def marked_in(finds: Finds, piece: Piece) -> dict[str, list[str]]:
    return finds.marked(as_described(piece))


def most_first(counts: Iterable[tuple[str, int]]) -> list[FacetCount]:
    return [FacetCount(*one) for one in sorted(counts, key=lambda it: (-it[1], it[0]))][:FACET_SIZE]
