"""Opens the search index that a setting names, so that nobody else knows which adapters there are."""

from __future__ import annotations

from pathlib import Path

from services.search.ports.index.port import SearchIndex
from shared.errors import Invalid


def open_index(url: str, *, name: str = "living-records", analyzer: str = "english") -> SearchIndex:
    """Opens `sqlite:FILE` or `http(s)://[USER:PASSWORD@]HOST:PORT` (Elasticsearch) without asking it anything.

    `name` keeps several indexes apart in one file or cluster; `analyzer` is how texts are made into words. Raises
    Invalid for a URL of another kind, or an analyzer that there is not.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        from services.search.ports.index.sqlite import SqliteIndex

        return SqliteIndex(Path(rest), name=name, analyzer=analyzer)
    if scheme in ("http", "https"):
        from services.search.ports.index.elastic import ElasticIndex

        return ElasticIndex(url, name=name, analyzer=analyzer)
    raise Invalid(f"the search URL begins with {scheme!r}; it must be 'sqlite:FILE' or 'http(s)://HOST:PORT'")
