"""Days that an address asks for."""

from __future__ import annotations

from datetime import date

from services.web.page import Asked
from shared.errors import Invalid


def day_of(asked: Asked, name: str, why: str) -> date | None:
    """A day that the address asks for by this name; None where it asks for none. Raises Invalid, naming it, for what is
    no day, and `why`."""
    given = asked.query.get(name, "").strip()
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise Invalid.of(name, why) from error
