"""The search index: one promise (`port`), one query language (`query`), two adapters (`sqlite`, `elastic`)."""

from services.search.ports.index.matching import Among
from services.search.ports.index.open import open_index
from services.search.ports.index.pieces import PieceHit, PieceQuery, write_pieces
from services.search.ports.index.port import FACETS, NOTICE, FacetCount, Hit, Query, Results, SearchIndex
from services.search.ports.index.words import FORM
from services.search.ports.index.writing import write

__all__ = [
    "FACETS",
    "FORM",
    "NOTICE",
    "Among",
    "FacetCount",
    "Hit",
    "PieceHit",
    "PieceQuery",
    "Query",
    "Results",
    "SearchIndex",
    "open_index",
    "write",
    "write_pieces",
]
