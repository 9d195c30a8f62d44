"""A report as JSON, for programs: each number with the request that gives it again, and how it is read."""

from __future__ import annotations

from typing import Any

from shared.reporting.asking import Number, Query, Step
from shared.reporting.documents import Authored, Block, Document, Item, Lack, Paragraph, Run, Stated, Table


def as_json(document: Document) -> dict[str, Any]:
    """The whole report."""
    return {
        "kind": document.kind,
        "title": document.title,
        "source": document.source,
        "review": document.review,
        "name": document.name,
        "revision": document.revision,
        "on": document.on,
        "items": [_item(item) for item in document.items],
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "section": item.section,
        "about": item.about,
        "state": item.state,
        "blocks": [_block(block) for block in item.blocks],
        "written": [_authored(it) for it in item.authored],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"paragraph": _runs(block)}
        case Table():
            rows = [[_runs(cell) for cell in row] for row in block.rows]
            return {"table": _runs(block.caption), "head": list(block.head), "rows": rows, "cut": block.cut}
        case Lack():
            return {"lacks": block.why, "mended_at": block.mended_at}


def _runs(paragraph: Paragraph) -> list[dict[str, Any]]:
    return [_run(run) for run in paragraph.runs]


def _run(run: Run) -> dict[str, Any]:
    match run:
        case Number():
            return {"number": run.value, "query": _query(run.query)}
        case Stated():
            return {"stated": run.text}
        case _:
            return {"words": run.text}


def _query(query: Query) -> dict[str, Any]:
    request = query.request
    asked: dict[str, Any] = {"method": "GET", "path": request.path, "asked": dict(request.asked)}
    return asked | {"listing": request.listing, "steps": [_step(step) for step in query.steps], "how": query.how}


def _step(step: Step) -> str | dict[str, str]:
    return step if isinstance(step, str) else {step[0]: step[1]}


def _authored(written: Authored) -> dict[str, Any]:
    return {
        "item": written.item,
        "asks": written.asks,
        "text": written.text,
        "by": written.by,
        "at": written.at.isoformat() if written.at else None,
        "confirmed": written.confirmed,
        "revision": written.revision,
        "protocol_version": written.protocol_version,
        "out_of_date": written.out_of_date,
    }
