"""Written: what somebody wrote in a form or an address, as what it is."""

from __future__ import annotations

from datetime import date

import yaml

from services.web import drawing
from services.web.page import Asked
from shared.errors import Invalid, NotFound

#: Lines of a field that lists something, each on a line.
_MOST_LINES = 1_000

#: Digits of a whole number that anybody means.
_LONGEST = 9


def day_of(asked: Asked, name: str) -> date | None:
    """A day that the address asks for by this name; None where it asks for none. Raises Invalid, naming it."""
    return day_in(asked.query.get(name, "").strip(), name)


def day_in(given: str, at: str) -> date | None:
    """A day that somebody wrote; None for nothing. Raises Invalid, naming the field."""
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise Invalid.of(at, drawing.text("form.no_day")) from error


def whole(text: str, at: str, why: str | None = None) -> int:
    """A whole number, not below zero. Raises Invalid, naming the field, and `why` where it is a number of something."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        raise Invalid.of(at, why or drawing.text("form.no_whole"))
    return int(text)


def numbered(text: str) -> int:
    """The number of a revision or a version, as an address has it. Raises NotFound for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST and int(text)):
        raise NotFound(f"{text!r} is the number of nothing")
    return int(text)


def lines_of(text: str, at: str) -> list[str]:
    """The lines of a text that say something. Raises Invalid, naming the field, for more than any list here has."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        raise Invalid.of(at, drawing.text("form.lines", n=_MOST_LINES))
    return lines


def as_yaml(data: object) -> str:
    """What pages write as a file of the API's. By the C library where Python has it: a form may hold a megabyte, and
    everybody waits for who writes it down."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100))
