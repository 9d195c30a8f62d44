"""Withdrawing a revision: a lead says that nobody should go by it any more, and what is to be read instead."""

from __future__ import annotations

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.written import numbered
from shared.errors import Conflict, Invalid, LivingError, NotFound

pages = Pages()

_AT = "/reviews/{review}/findings/{number}/withdraw"


@pages.page(_AT)
async def show_withdrawal(asked: Asked) -> Drawn:
    return await _withdrawal(asked)


@pages.form(_AT)
async def withdraw_revision(asked: Asked) -> Drawn:
    review, number = asked.path["review"], numbered(asked.path["number"])
    try:
        with asked.done_once():
            await asked.api.synthesis.withdraw_revision(review, number, asked.text("why"), replaced_by=_instead(asked))
    except (Invalid, Conflict) as error:
        return await _withdrawal(asked, error)
    return Go(drawing.url("reviews", review, "findings", str(number)))


def _instead(asked: Asked) -> int | None:
    """The number of the revision that is to be read instead, where one is given."""
    given = asked.text("replaced_by").strip()
    if not given:
        return None
    try:
        return numbered(given)
    except NotFound:
        raise Invalid.of("replaced_by", drawing.text("findings.no_number")) from None


async def _withdrawal(asked: Asked, error: LivingError | None = None) -> Page:
    review, number = asked.path["review"], numbered(asked.path["number"])
    revision = await asked.api.synthesis.revision(review, number)
    given = {
        "review": review, "revision": revision, "content": revision.content, "why": asked.text("why"),
        "replaced_by": asked.text("replaced_by"), "errors": errors_of(error),
    }  # fmt: skip
    return Page("withdraw-revision.html", given, 200 if error is None else 409 if isinstance(error, Conflict) else 422)
