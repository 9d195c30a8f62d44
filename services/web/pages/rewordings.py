"""Rewordings: links to a CMOC that reads otherwise, which people keep or withdraw, one or many at once."""

from __future__ import annotations

import asyncio
from typing import get_args

from services.web import drawing
from services.web.faults import errors_of
from services.web.lacking import without_protocol
from services.web.names import called_in, naming
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.events.synthesis import Element
from shared.wire.synthesis import EvidenceView, LinkVerdict

pages = Pages()

_AT = "/reviews/{review}/synthesis/rewordings"


@pages.page(_AT, allowed=("scripts",))
async def show_rewordings(asked: Asked) -> Drawn:
    """The elements that read otherwise than when links to them were coded, each with both words."""
    review = asked.path["review"]
    try:
        sheet = await asked.sheet(asked.api.synthesis.rewordings(review))
    except NotFound:
        return await without_protocol(asked)
    return Page("rewordings.html", {"review": review, "sheet": sheet, "query": asked.query})


@pages.page(_AT + "/{cmoc}/{element}", allowed=("scripts",))
async def show_links_to_judge(asked: Asked) -> Drawn:
    """The links to one of them that somebody should judge, and a form for those that are ticked."""
    return await _links(asked)


@pages.form(_AT + "/{cmoc}/{element}", allowed=("scripts",))
async def judge_links(asked: Asked) -> Drawn:
    """Keeps those that are ticked, or takes them back."""
    review, cmoc, element = (asked.path[name] for name in ("review", "cmoc", "element"))
    links = asked.texts("links")
    verdict = next((it for it in get_args(LinkVerdict) if it == asked.text("verdict")), None)
    try:
        if not links:
            raise Invalid.of("links", drawing.text("rewordings.none_ticked"))
        if verdict is None:
            raise Invalid.of("verdict", drawing.text("rewordings.no_verdict"))
        with asked.done_once():
            await asked.api.synthesis.judge_links(review, links, verdict, asked.text("why"))
    except (Invalid, Conflict) as error:
        return await _links(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "rewordings", cmoc, element, done="judged"))


async def _links(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, cmoc, api = asked.path["review"], asked.path["cmoc"], asked.api.synthesis
    element = next((it for it in get_args(Element) if it == asked.path["element"]), None)
    if element is None:
        raise NotFound("a CMOC has no such element")
    found, sheet, reworded, me, called = await asyncio.gather(
        api.cmoc(review, cmoc),
        asked.sheet(api.evidence(review, cmoc=cmoc, element=element, asked=True), after=asked.text("after") or None),
        _reworded(asked, cmoc, element), asked.api.people.me(), called_in(asked, review),
    )  # fmt: skip
    decides, ticked = has_role(me, "adjudicator", review), asked.query.get("ticked") == "all"
    mine = {it.link for it in sheet.items if _may(it, me.person, decides, has_role(me, "reviewer", review))}
    given = {
        "review": review, "about": found.about, "element": element, "sheet": sheet, "called": called, "naming": naming,
        "rewordings": reworded, "may": mine, "query": asked.query, "errors": errors_of(error),
        "ticked": mine if ticked else set(asked.texts("links")), "verdict": asked.text("verdict"),
        "why": asked.text("why"), "after": asked.text("after") or asked.query.get("after", ""),
    }  # fmt: skip
    return Page("links-to-judge.html", given, 200 if error is None else 422)


def _may(link: EvidenceView, person: str, decides: bool, codes: bool) -> bool:
    return decides or (codes and link.coder == person)


async def _reworded(asked: Asked, cmoc: str, element: str) -> list[object]:
    """What became of the words."""
    elements = asked.api.synthesis.rewordings(asked.path["review"], cmoc=cmoc)
    return [words async for it in elements if it.element == element for words in it.rewordings]
