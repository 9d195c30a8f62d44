"""Describing: what sources say of a work, side by side, which of them gave what, and where a work is elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.web import drawing
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers
from shared.wire.ingest import RecordView

#: Fields of a description that are no words of a source's about the work.
_OTHER = {"sources", "provenance", "restricted", "identifiers"}

#: The fields of a description in their order; an identifier is one by itself.
FIELDS = (
    *(name for name in Bibliography.model_fields if name not in _OTHER),
    *(f"identifiers.{kind}" for kind in Identifiers.model_fields),
)

#: Where a work is found by what it is called.
_ADDRESSES = {
    "identifiers.doi": "https://doi.org/{}",
    "identifiers.pmid": "https://pubmed.ncbi.nlm.nih.gov/{}/",
    "identifiers.pmcid": "https://pmc.ncbi.nlm.nih.gov/articles/{}/",
    "identifiers.openalex": "https://openalex.org/{}",
}

#: Where the description says that a person gave a field, and the id of the correction by which.
_BY_PERSON = "person:"


@dataclass(frozen=True)
class Said:
    """What is said under one name: by the description, and by each of several sources. `given_by` are those that the
    description has it from, `correction` the one by which a person gave it."""

    name: str
    value: str
    by: list[str]
    given_by: list[bool]
    correction: str | None

    @property
    def differs(self) -> bool:
        """Whether two of them say something, and not the same."""
        return len({one for one in self.by if one}) > 1

    @property
    def label(self) -> str:
        return drawing.worded("record.field.", self.name)

    @property
    def address(self) -> str | None:
        """Where the work is found by this; None where it is nowhere."""
        known = _ADDRESSES.get(self.name)
        if known is None:
            return drawing.link(self.value) if self.name == "urls" else None
        return known.format(quote(self.value, safe="/")) if self.value else None


def described(record: RecordView) -> list[Said]:
    """The description field by field, of those that anybody says something of, with what each source says."""
    by = [one.content for one in record.source_records]
    names = [f"{one.source}:{one.source_id}" for one in record.source_records]
    book = record.bibliography.model_dump(mode="json")
    rows = [_said(name, book, by, names, record.bibliography.provenance) for name in FIELDS]
    return [row for row in rows if row.value or any(row.by) or row.correction]


def beside(records: Iterable[Bibliography]) -> list[Said]:
    """Several descriptions beside one another."""
    books = [one.model_dump(mode="json") for one in records]
    rows = [Said(name, "", [spoken(_in(book, name)) for book in books], [], None) for name in FIELDS]
    return [row for row in rows if any(row.by)]


def labels(record: RecordView) -> list[str]:
    """What its sources are called: by their name, where only one record is of it."""
    sources = [one.source for one in record.source_records]
    return [
        one.source if sources.count(one.source) == 1 else f"{one.source}:{one.source_id}"
        for one in record.source_records
    ]


def spoken(value: object) -> str:
    """A value of a source's, whatever it is, as text."""
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {spoken(one)}" for name, one in value.items() if spoken(one))
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return "; ".join(spoken(one) for one in value)
    return str(value)


def _said(
    name: str, book: Mapping[str, Any], by: list[dict[str, Any]], names: list[str], provenance: Mapping[str, str]
) -> Said:
    # Of a list each item may be another source's: keywords.3
    givers = {giver for field, giver in provenance.items() if field == name or field.startswith(f"{name}.")}
    person = next((giver.removeprefix(_BY_PERSON) for giver in givers if giver.startswith(_BY_PERSON)), None)
    return Said(
        name,
        spoken(_in(book, name)),
        [spoken(_in(one, name)) for one in by],
        [source in givers for source in names],
        person,
    )


def _in(content: Mapping[str, Any], name: str) -> object:
    """What stands under a name, also within another."""
    first, _, rest = name.partition(".")
    value = content.get(first)
    if not rest:
        return value
    return value.get(rest) if isinstance(value, Mapping) else None
