"""Reading pages by their cursors, and their items one by one: each a record or an explained rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, tostring

import orjson

from services.ingest.sources.markup import squeeze
from services.ingest.sources.port import EXCERPT, Page, Rejection, SourceRecord, SourceRefused

_LONGEST = {"source_id": 300, "title": 5_000, "abstract": 200_000, "venue": 2_000}
_MOST_AUTHORS = 20_000


@dataclass
class Reader:
    """Applies `read` to each item of a page of `source`; knows at which position it stands."""

    source: str
    read: Callable[[Any, Reader], SourceRecord | Rejection]
    position: int = 0

    def page(self, items: list[Any], **facts: Any) -> Page:
        """The page of these items; `facts` are the other fields of `Page`."""
        records: list[SourceRecord] = []
        rejections: list[Rejection] = []
        for self.position, item in enumerate(items):
            outcome = self.read(item, self)
            records.append(outcome) if isinstance(outcome, SourceRecord) else rejections.append(outcome)
        return Page(records=records, rejections=rejections, **facts)

    def record(self, item: Any, *, source_id: str, **fields: Any) -> SourceRecord | Rejection:
        """The record, unless nothing tells what it is or a field is too long to be what it claims."""
        record = SourceRecord(source=self.source, source_id=source_id, **fields)
        identified = any(record.identifiers.model_dump().values())
        if not (record.title or record.abstract or identified):
            return self.reject(item, source_id, "it has no title, no abstract and no identifier known elsewhere")
        if reason := _too_long(record):
            return self.reject(item, source_id, reason)
        return record

    def reject(self, item: Any, source_id: str | None, reason: str) -> Rejection:
        return Rejection(
            source=self.source,
            source_id=source_id and source_id[:300],
            position=self.position,
            reason=reason,
            excerpt=_excerpt(item),
        )


def walk(ask: Callable[[str], Page], cursor: str | None, start: str) -> Iterator[Page]:
    """Asks page after page, each with the cursor of the one before, from `cursor` or else from `start` on.

    The end shows in one of several ways: no further cursor, an empty page, the same cursor again.
    """
    place = cursor or start
    while True:
        try:
            page = ask(place)
        except SourceRefused:
            if place == start or place != cursor:
                raise
            # A cursor of an earlier day may have lapsed: what follows now was partly given before.
            place = start
            continue
        if not page.found or page.cursor == place:
            page = page.model_copy(update={"cursor": None})
        yield page
        if page.cursor is None:
            return
        place = page.cursor


def _too_long(record: SourceRecord) -> str | None:
    for name, most in _LONGEST.items():
        if len(getattr(record, name) or "") > most:
            return f"its {name} is longer than {most} characters, so it is not one"
    if len(record.authors) > _MOST_AUTHORS:
        return f"it names more than {_MOST_AUTHORS} authors"
    return None


def _excerpt(item: Any) -> str:
    if isinstance(item, Element):
        return squeeze(tostring(item, encoding="unicode"))[:EXCERPT]
    return orjson.dumps(item, default=str).decode()[:EXCERPT]


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one: a field of another shape counts as absent."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """The value if it is text that says something."""
    return value if isinstance(value, str) and value.strip() else None
