"""The search index: one promise (`port`), one query language (`query`), two adapters (`sqlite`, `elastic`)."""

from services.search.index.open import open_index
from services.search.index.port import (
    FACETS,
    Document,
    FacetCount,
    Hit,
    Query,
    Results,
    Screening,
    SearchIndex,
)
from services.search.index.writing import write

__all__ = [
    "FACETS",
    "Document",
    "FacetCount",
    "Hit",
    "Query",
    "Results",
    "Screening",
    "SearchIndex",
    "open_index",
    "write",
]
