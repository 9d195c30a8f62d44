"""The client's view of search."""

from __future__ import annotations

from typing import Any

from shared.client.http import Http
from shared.wire.search import Rebuilds, RebuildView, SearchPage


class SearchClient:
    """Finding records, and rebuilding the index."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def find(self, review: str, q: str = "", **about: Any) -> SearchPage:
        """One page. `about`: published_from, published_until, status, source, kind, language, venue, sort, facet,
        limit, cursor. Raises Invalid, with the place, when the query cannot be understood."""
        return self._http.get(f"/search/reviews/{review}/records", SearchPage, q=q, **about)

    def rebuild(self) -> RebuildView:
        """Asks for the index to be made anew from the log."""
        return self._http.post("/search/rebuilds", RebuildView)

    def rebuilds(self) -> Rebuilds:
        """The newest rebuilds, newest first."""
        return self._http.get("/search/rebuilds", Rebuilds)
