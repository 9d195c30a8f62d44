"""Reports: what a guideline asks for, filled in with what was gathered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.reporting.checklists import AUTHORED, Asked, checklist
from shared.reporting.documents import Authored, Block, Document, Item
from shared.reporting.gathered import Gathered
from shared.reporting.parts import PARTS


def document_of(gathered: Gathered) -> Document:
    """The report of a kind, item by item. What people are called is as whoever gathered it may know."""
    asked = checklist(gathered.kind)
    written = {it["item"]: it for it in gathered.items(gathered.texts)}
    return Document(
        kind=gathered.kind,
        title=asked.title,
        source=asked.source,
        review=gathered.review,
        name=gathered.stated(gathered.standing, "title").text,
        revision=gathered.revision,
        on=gathered.stated(gathered.undated_flow, "on").text,
        items=tuple(_item(gathered, item, written) for item in asked.items),
    )


def _item(gathered: Gathered, item: Asked, written: dict[str, Any]) -> Item:
    blocks: list[Block] = [block for part in item.filled_by for block in PARTS[part](gathered)]
    authored = tuple(_authored(gathered, name, written.get(name)) for name in item.written)
    return Item(item.number, item.section, item.about, tuple(blocks), authored)


def _authored(gathered: Gathered, name: str, found: dict[str, Any] | None) -> Authored:
    if found is None:
        return Authored(name, AUTHORED[name])
    return Authored(
        name, AUTHORED[name], text=found["text"], by=gathered.person(found["by"]).text,
        at=datetime.fromisoformat(found["at"]), confirmed=found["confirmed"], revision=found["revision"],
        protocol_version=found["protocol_version"], out_of_date=found["out_of_date"],
    )  # fmt: skip
