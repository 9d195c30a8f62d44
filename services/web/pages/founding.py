"""Founding: a new review, whose protocol is written next."""

from __future__ import annotations

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from shared.errors import Conflict, Invalid, LivingError

pages = Pages()


@pages.page("/reviews/new")
async def show_founding(asked: Asked) -> Drawn:
    return _founding(asked)


@pages.form("/reviews/new", labels={"name": "found.name"})
async def found_review(asked: Asked) -> Drawn:
    """Founds it, and goes on to its protocol. The same form again is the same review."""
    name = asked.text("name").casefold()
    try:
        if not name:
            raise Invalid.of("name", drawing.text("found.no_name"))
        with asked.done_once():
            await asked.api.people.found(name)
    except (Invalid, Conflict) as error:
        return _founding(asked, error)
    if asked.session is not None:
        asked.web.api.forget(asked.session)
    return Go(drawing.url("reviews", name, "protocol", "new"))


def _founding(asked: Asked, error: LivingError | None = None) -> Page:
    # However the API says what a name may be, it is said here as it stands beside the field.
    why = [drawing.text("found.no_name")] if isinstance(error, Invalid) else [it["why"] for it in errors_of(error)]
    errors = [{"at": "name", "why": one} for one in why]
    return Page("found.html", {"errors": errors, "filled": asked.form}, 422 if error else 200)
