"""Comments: what members say of lines of the draft, what others answer, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import Any

from services.web import drawing
from services.web.faults import errors_of
from services.web.lacking import without_draft
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.synthesis import DraftView

pages = Pages()

_AT = "/reviews/{review}/synthesis/comments"

#: The lines of a CMOC.
_PARTS = ("context", "resource", "reasoning", "outcome", "status")


@pages.page(_AT, allowed=("scripts",))
async def show_comments(asked: Asked) -> Drawn:
    """What members said of lines of the drafts, oldest first; those that are open, or all."""
    return await _comments(asked)


@pages.page(_AT + "/new", allowed=("scripts",))
async def show_new_comment(asked: Asked) -> Drawn:
    """The lines of a CMOC or of a programme theory, and a form to say something of one."""
    return await _new(asked)


@pages.form(_AT + "/new", allowed=("scripts",), labels={"text": "comments.text", "part": "comments.line"})
async def make_comment(asked: Asked) -> Drawn:
    """Says it, of the words that the form showed."""
    review, part = asked.path["review"], asked.text("part")
    said = {"part": part, "words": asked.text(f"words.{part}") or part, "text": asked.text("text")}
    try:
        if not part:
            raise Invalid.of("part", drawing.text("comments.which_line"))
        with asked.done_once():
            await asked.api.synthesis.comment(review, {**_named(asked), **said})
    except (Invalid, Conflict) as error:
        return await _new(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "comments", done="made"))


@pages.form(_AT + "/{comment}/answer", allowed=("scripts",))
async def answer_comment(asked: Asked) -> Drawn:
    """Answers one that is open."""
    review, comment = asked.path["review"], asked.path["comment"]
    try:
        with asked.done_once():
            await asked.api.synthesis.answer_comment(review, comment, asked.text("text"))
    except (Invalid, Conflict) as error:
        return await _comments(asked, error, "text")
    return Go(drawing.url("reviews", review, "synthesis", "comments", done="answered"))


@pages.form(_AT + "/{comment}/resolve", allowed=("scripts",))
async def resolve_comment(asked: Asked) -> Drawn:
    """Says what became of one."""
    review, comment = asked.path["review"], asked.path["comment"]
    try:
        with asked.done_once():
            await asked.api.synthesis.resolve_comment(review, comment, asked.text("why"))
    except (Invalid, Conflict) as error:
        return await _comments(asked, error, "why")
    return Go(drawing.url("reviews", review, "synthesis", "comments", done="resolved"))


def _named(asked: Asked) -> dict[str, str]:
    """The CMOC or the programme theory that is asked for."""
    found = {name: asked.form.get(name) or asked.query.get(name, "") for name in ("cmoc", "theory")}
    return {name: str(value) for name, value in found.items() if value}


def _lines(draft: DraftView, cmoc: str | None, theory: str | None) -> dict[str, str]:
    """What each line says. Raises NotFound."""
    for it in draft.theories:
        if it.theory == theory:
            return {"statement": f"{it.heading}: {it.statement}"}
    for one in draft.cmocs:
        if one.cmoc == cmoc:
            return {part: getattr(one, part) for part in _PARTS}
    raise NotFound("the draft has no such line")


async def _new(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, named = asked.path["review"], _named(asked)
    try:
        draft = await asked.api.synthesis.draft(review)
    except NotFound as missing:
        return await without_draft(asked, missing)
    given = {
        "review": review, "of": named, "lines": _lines(draft, named.get("cmoc"), named.get("theory")),
        "part": asked.text("part") or asked.query.get("part", ""), "text": asked.text("text"),
        "errors": errors_of(error),
    }  # fmt: skip
    return Page("comment-new.html", given, 200 if error is None else 422)


async def _comments(asked: Asked, error: LivingError | None = None, field: str = "") -> Drawn:
    review, api = asked.path["review"], asked.api.synthesis
    state: Any = None if asked.query.get("which") == "all" else "open"
    cmoc = asked.query.get("cmoc") or None
    sheet, me, called = await asyncio.gather(
        asked.sheet(api.comments(review, state=state, cmoc=cmoc)), asked.api.people.me(), called_in(asked, review)
    )
    given = {
        "review": review, "sheet": sheet, "every": state is None, "called": called, "query": asked.query,
        "leads": has_role(me, "lead", review), "codes": has_role(me, "reviewer", review), "person": me.person,
        "errors": errors_of(error), "which": asked.path.get("comment", ""), "field": field,
        "written": asked.text(field) if field else "",
    }  # fmt: skip
    return Page("comments.html", given, 200 if error is None else 422)
