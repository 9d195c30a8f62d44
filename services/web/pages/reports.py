"""Reports: what guidelines ask for, filled in from data, with what only people can write and when they wrote it."""

from __future__ import annotations

import asyncio
from typing import Any

from anyio import to_thread
from starlette.responses import Response

from services.web import drawing, policy
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.saving import as_file
from services.web.written import numbered, whole
from shared.canonical import canonical_json
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.gathering import gather
from shared.reporting.as_docx import as_docx
from shared.reporting.as_json import as_json
from shared.reporting.checklists import AUTHORED, KINDS, Kind, checklist
from shared.reporting.documents import Document
from shared.reporting.reports import document_of

pages = Pages()

_AT = "/reviews/{review}/reports"

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

#: How many of the texts of an item its page shows beside the one that holds.
_BEFORE = 20


@pages.page(_AT, allowed=("scripts",))
async def show_reports(asked: Asked) -> Drawn:
    """The reports that there are, and how what people write for them stands; leads to the one that is asked for."""
    if kind := asked.query.get("kind"):
        try:
            revision = asked.query.get("revision", "").strip()
            number = whole(revision, "revision") if revision else None
        except Invalid as error:
            return await _reports(asked, error)
        return Go(drawing.url("reviews", asked.path["review"], "reports", _kind(kind), revision=number))
    return await _reports(asked)


@pages.page(_AT + "/texts/{item}", allowed=("scripts",))
async def show_report_text(asked: Asked) -> Drawn:
    """What people wrote for an item, newest first, and for leads the form."""
    return await _text(asked)


@pages.form(_AT + "/texts/{item}", allowed=("scripts",), labels={"text": "reports.text"})
async def write_report_text(asked: Asked) -> Drawn:
    """Writes it anew, or confirms it as it is."""
    review, item = asked.path["review"], asked.path["item"]
    confirms = asked.text("do") == "confirm"
    try:
        text = await _holding(asked) if confirms else asked.text("text")
        await asked.api.synthesis.write_report_text(review, item, text, seen=asked.text("seen") or None)
    except (Invalid, Conflict) as error:
        return await _text(asked, error)
    return Go(drawing.url("reviews", review, "reports", "texts", item, done="confirmed" if confirms else "written"))


@pages.page(_AT + "/{kind}", allowed=("scripts",))
async def show_report(asked: Asked) -> Drawn:
    """One report, whole, as it can be printed."""
    review = asked.path["review"]
    document, me = await asyncio.gather(_document(asked), asked.api.people.me())
    given = {
        "review": review, "report": document, "leads": has_role(me, "lead", review),
        "queries": {query: n for n, query in enumerate(document.queries(), 1)},
    }  # fmt: skip
    return Page("report.html", given)


@pages.page(_AT + "/{kind}/report.docx")
async def take_document(asked: Asked) -> Drawn:
    """The same as a Word document."""
    document = await _document(asked)
    made = await to_thread.run_sync(as_docx, document)
    kept = {
        "Content-Disposition": f'attachment; filename="{_name(document)}.docx"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(made, media_type=_DOCX, headers=policy.headers() | kept)


@pages.page(_AT + "/{kind}/report.json")
async def take_data(asked: Asked) -> Drawn:
    """The same for programs."""
    document = await _document(asked)
    return as_file(canonical_json(as_json(document)).decode(), "application/json", f"{_name(document)}.json")


async def _document(asked: Asked) -> Document:
    """The report that the address asks for. Raises NotFound for one that is none."""
    review, kind = asked.path["review"], _kind(asked.path["kind"])
    revision = asked.query.get("revision", "")
    number = numbered(revision) if revision else None
    called = await called_in(asked, review)
    return document_of(await gather(asked.api, review, kind, number, called))


def _name(document: Document) -> str:
    """What a file of it is called."""
    of = f"-revision-{document.revision}" if document.revision is not None else ""
    return f"{document.review}-{document.kind}{of}"


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("there is no such report")
    return name


async def _holding(asked: Asked) -> str:
    """The text of the item that holds; nothing where there is none."""
    newest = await _newest(asked, limit=1)
    return newest[0].text if newest else ""


async def _newest(asked: Asked, limit: int) -> Any:
    review, item = asked.path["review"], asked.path["item"]
    return (await asked.first(asked.api.synthesis.texts_of_item(review, item, newest_first=True), limit)).items


async def _reports(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    texts, standing, me, called = await asyncio.gather(
        asked.api.synthesis.report_texts(review), asked.api.synthesis.standing(review), asked.api.people.me(),
        called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "reports": [checklist(kind) for kind in KINDS], "authored": AUTHORED,
        "written": {it.item: it for it in texts}, "standing": standing, "leads": has_role(me, "lead", review),
        "called": called, "errors": errors_of(error), "query": asked.query,
        "asked_in": {
            name: [checklist(kind) for kind in KINDS if any(name in it.written for it in checklist(kind).items)]
            for name in AUTHORED
        },
    }  # fmt: skip
    return Page("reports.html", given, 200 if error is None else 422)


async def _text(asked: Asked, error: LivingError | None = None) -> Page:
    review, item = asked.path["review"], asked.path["item"]
    sheet, me, called = await asyncio.gather(
        asked.sheet(asked.api.synthesis.texts_of_item(review, item, newest_first=True), _BEFORE),
        asked.api.people.me(), called_in(asked, review),
    )  # fmt: skip
    newest = sheet.items if not asked.query.get("after") else await _newest(asked, limit=1)
    holds = newest[0] if newest else None
    given = {
        "review": review, "item": item, "asks": AUTHORED[item], "sheet": sheet, "holds": holds,
        "before": [it for it in sheet.items if holds is None or it.event != holds.event],
        "leads": has_role(me, "lead", review), "called": called, "query": asked.query, "errors": errors_of(error),
        "typed": asked.text("text") or (holds.text if holds else ""),
    }  # fmt: skip
    return Page("report-text.html", given, 200 if error is None else 422)
