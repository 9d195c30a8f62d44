"""Finds which of a few records a query finds, so that what arrives can be asked for by each saved search.

Asked in a small index of these records alone, in memory: the words and the language of queries are those of both
adapters, so the answer is what either index would give, and neither is asked anything, nor has to show what is new
first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from services.search.domain import Document
from services.search.ports.index.port import Query
from services.search.ports.index.sqlite_generation import Generation
from services.search.ports.index.words import Words
from shared.errors import Invalid


class Among:
    """Some records by themselves. For one thread at a time; to be closed."""

    def __init__(self, documents: Iterable[Document], *, analyzer: str) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self._generation = Generation(self._db, 1, Words(analyzer))
        self._generation.create()
        self._generation.put(replace(document, seen=None) for document in documents)

    def found(self, query: Query) -> set[str]:
        """The records that a query finds, whatever its order, page and facets. One that cannot be understood any more
        finds none."""
        try:
            return self._generation.matching(query)
        except Invalid:
            return set()

    def close(self) -> None:
        self._db.close()
