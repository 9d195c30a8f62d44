"""Findings: the living review as its readers know it, revision by revision."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from services.web import drawing
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from shared.errors import NotFound
from shared.wire.synthesis import RevisionListed, RevisionView, Statement, StatusView

pages = Pages()


@pages.page("/reviews/{review}/findings")
async def show_newest(asked: Asked) -> Drawn:
    """Leads to the newest revision; before the first one, says so."""
    review = asked.path["review"]
    listed = await _revisions(asked, review)
    if listed:
        return Go(drawing.url("reviews", review, "findings", str(max(one.number for one in listed))))
    version = await asked.api.protocol.newest(review)
    return Page("no-findings.html", {"review": review, "protocol": version.protocol})


@pages.page("/reviews/{review}/findings/{number}", allowed=("scripts",))
async def show_revision(asked: Asked) -> Drawn:
    """One revision: what changed, then what it says, theory by theory, and how far it rests on evidence."""
    review, number = asked.path["review"], _number(asked.path["number"])
    revision, status, listed, called = await asyncio.gather(
        asked.api.synthesis.revision(review, number), _status(asked, review), _revisions(asked, review),
        called_in(asked, review),
    )  # fmt: skip
    content = revision.content
    given = {
        "review": review, "revision": revision, "content": content, "status": status,
        "revisions": sorted(listed, key=lambda one: -one.number), "newest": max(one.number for one in listed),
        "theories": by_theory(revision), "signed_by": called(content.signed_by), "worded": worded,
    }  # fmt: skip
    return Page("findings.html", given)


def by_theory(revision: RevisionView) -> dict[str, Sequence[Statement]]:
    """The CMOCs of each theory, in the protocol's order."""
    cmocs = sorted(revision.content.cmocs, key=lambda cmoc: cmoc.theory)  # A stable order: theirs is kept within.
    return {theory: list(of_it) for theory, of_it in groupby(cmocs, key=lambda cmoc: cmoc.theory)}


def worded(value: object) -> str:
    """What was, or is by now, as people say it."""
    return drawing.text(f"findings.status.{value}") if drawing.has_text(f"findings.status.{value}") else str(value)


async def _revisions(asked: Asked, review: str) -> list[RevisionListed]:
    return [one async for one in asked.api.synthesis.revisions(review)]


async def _status(asked: Asked, review: str) -> StatusView | None:
    try:
        return await asked.api.synthesis.status(review)
    except NotFound:
        return None


def _number(text: str) -> int:
    """The number of a revision. Raises NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise NotFound(f"{text!r} is no revision")
    return int(text)
