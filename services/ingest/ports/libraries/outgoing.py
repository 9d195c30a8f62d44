"""Records on their way out: the rows of a table, and text as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.ingest.ports.libraries.columns import OWN_COLUMN
from services.ingest.ports.libraries.names import joined
from services.ingest.ports.libraries.port import DECISIONS, Exported
from shared.events.values import Identifiers

_TEXTS = ("title", "abstract", "venue", "volume", "issue", "pages", "article_number", "publisher", "published", "kind",
          "language")  # fmt: skip
_LISTS = ("other_titles", "keywords", "authors", "editors", "issns", "isbns", "urls")
#: The columns of a description, in the order in which people look at them.
COLUMNS = (
    "title", "other_titles", "authors", "editors", "published", "venue", "volume", "issue", "pages", "article_number",
    "abstract", "keywords", "kind", "language", "publisher", "issns", "isbns", "urls", *Identifiers.model_fields,
)  # fmt: skip

#: Which sources brought a record; and where decisions go that have no column of their own.
DATABASES, FURTHER = "databases", "further_decisions"

#: All columns, the same ones in every table whatever its records are, so that a program may count on them.
ALL_COLUMNS = (OWN_COLUMN, *COLUMNS, DATABASES, *DECISIONS, FURTHER)


def rows_of(records: Iterable[Exported]) -> Iterator[list[str]]:
    """The names of the columns, then a row for each record."""
    yield list(ALL_COLUMNS)
    for record in records:
        known = (record.decisions.get(name, "") for name in DECISIONS)
        further = [f"{name}: {value}" for name, value in record.decisions.items() if name not in DECISIONS]
        yield [record.record, *_described(record), "; ".join(record.databases), *known, joined(further)]


def _described(record: Exported) -> Iterator[str]:
    it = record.bibliography
    for name in COLUMNS:
        if name in _TEXTS:
            yield getattr(it, name) or ""
        elif name in _LISTS:
            yield joined(getattr(it, name))
        else:
            yield getattr(it.identifiers, name) or ""


def in_pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """The texts in UTF-8, each as it comes."""
    return (text.encode("utf-8", "replace") for text in texts)
