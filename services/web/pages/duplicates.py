"""Duplicates: two records side by side that may be one, a decision that says why, and how to take it back."""

from __future__ import annotations

import asyncio
from typing import Any

from services.web import drawing
from services.web.describing import beside
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError
from shared.events.ingest import Bibliography
from shared.wire.ingest import DuplicateView, RulingView

pages = Pages()

_AT = "/reviews/{review}/duplicates"

#: What is said of a pair that is none any more: somebody decided, perhaps oneself by the same form, or something came.
_GONE = {"absorbed", "key_reused", "merged_already"}


@pages.page(_AT, allowed=("scripts",))
async def show_pair(asked: Asked) -> Drawn:
    """The oldest pair that waits; after one that was skipped, the next."""
    return await _pair(asked)


@pages.form(_AT + "/merge", allowed=("scripts",))
async def merge(asked: Asked) -> Drawn:
    """Makes both one."""
    return await _decided(asked, asked.api.ingest.merge, "merge")


@pages.form(_AT + "/keep-apart", allowed=("scripts",))
async def keep_apart(asked: Asked) -> Drawn:
    """Keeps them two, whatever comes."""
    return await _decided(asked, asked.api.ingest.keep_apart, "apart")


@pages.form(_AT + "/undo")
async def undo_last(asked: Asked) -> Drawn:
    """Takes the last ruling back, and shows its pair again."""
    await _undone(asked, asked.text("ruling"))
    return Go(_on(asked, done="undone"))


@pages.page(_AT + "/rulings", allowed=("scripts",))
async def show_rulings(asked: Asked) -> Drawn:
    """What people ruled, the newest first."""
    return await _rulings(asked)


@pages.form(_AT + "/rulings/{ruling}/undo", allowed=("scripts",))
async def undo_ruling(asked: Asked) -> Drawn:
    """Takes one of them back."""
    try:
        await _undone(asked, asked.path["ruling"])
    except (Invalid, Conflict) as error:
        return await _rulings(asked, error)
    return Go(drawing.url("reviews", asked.path["review"], "duplicates", "rulings", done="undone"))


async def _undone(asked: Asked, ruling: str) -> None:
    reason = asked.text("reason") or drawing.text("duplicates.because.undo")
    with asked.done_once():
        await asked.api.ingest.undo(asked.path["review"], ruling, reason=reason)


async def _decided(asked: Asked, decide: Any, kind: str) -> Drawn:
    """To the next pair; where somebody else decided meanwhile, too."""
    review, first, second = asked.path["review"], asked.text("first"), asked.text("second")
    reason = asked.text("reason") or drawing.text(f"duplicates.because.{kind}")
    try:
        with asked.done_once():
            made: RulingView = await decide(review, first, other=second, reason=reason)
    except Invalid as error:
        return await _pair(asked, error)
    except Conflict as error:
        if error.slug not in _GONE:
            raise
        return Go(_on(asked, gone="yes"))
    return Go(_on(asked, done=kind, ruling=made.ruling))


async def _pair(asked: Asked, error: LivingError | None = None) -> Page:
    """The pair that comes after those that were skipped; of one record where the address names it."""
    review = asked.path["review"]
    record, after = (asked.text(name) or asked.query.get(name, "") for name in ("record", "after"))
    waiting = asked.api.ingest.duplicates(review, record=record or None)
    sheet, me = await asyncio.gather(asked.sheet(waiting, 1, after), asked.api.people.me())
    pair = sheet.items[0] if sheet.items else None
    books = await _described(asked, pair) if pair is not None else []
    given = {
        "review": review, "pair": pair, "books": books, "rows": beside(books), "after": after, "record": record,
        "next": sheet.next, "leads": has_role(me, "lead", review), "query": asked.query,
        "errors": errors_of(error), "reason": asked.text("reason"),
    }  # fmt: skip
    return Page("duplicates.html", given, 200 if error is None else 422)


async def _described(asked: Asked, pair: DuplicateView) -> list[Bibliography]:
    """Both descriptions whole."""
    review = asked.path["review"]
    both = await asyncio.gather(*(asked.api.ingest.record(review, it.record) for it in (pair.first, pair.second)))
    return [one.bibliography for one in both]


async def _rulings(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    sheet, me, called = await asyncio.gather(
        asked.sheet(asked.api.ingest.rulings(review)), asked.api.people.me(), called_in(asked, review)
    )
    given = {
        "review": review, "sheet": sheet, "called": called, "leads": has_role(me, "lead", review),
        "query": asked.query, "errors": errors_of(error),
        "path": drawing.url("reviews", review, "duplicates", "rulings"),
    }  # fmt: skip
    return Page("rulings.html", given, 200 if error is None else 422)


def _on(asked: Asked, **said: str) -> str:
    """Where those that were skipped stay skipped."""
    here = {name: asked.text(name) for name in ("record", "after")}
    return drawing.url("reviews", asked.path["review"], "duplicates", **here, **said)
