"""Parameters: what an address and its query may say, as strict as a body, and typed once for every route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, get_args, get_origin

from fastapi import Path, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BeforeValidator, Field

from shared.errors import Invalid
from shared.events.bounds import LARGEST, LARGEST_COUNT
from shared.wire.common import BLANKS


def _matched(pattern: str, wanted: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError(f"must be {wanted}")
        return value

    return BeforeValidator(check)


def _kept(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character, which nothing here has")
    return text


#: For a whole number, after its bounds: nothing but digits, so no 1.0 and no 1_000.
DIGITS = _matched(r"-?[0-9]{1,20}", "a whole number, in digits")


def _said(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds a control character; between lines stands a line feed alone")
    if not text.strip():
        raise ValueError("says nothing; write something or leave it out")
    return text.strip()


#: What no text of several lines holds: every control character but the line feed; in brackets of a pattern.
_CONTROLS = r"\x00-\x09\x0b-\x1f\x7f-\x9f"
_CONTROL = re.compile(f"[{_CONTROLS}]")

_KEPT = (Field(json_schema_extra={"pattern": r"^[^\x00]*$"}), AfterValidator(_kept))

#: `true` or `false`, and no other spelling.
YesNo = Annotated[bool, _matched("true|false", "true or false")]

#: A day as YYYY-MM-DD.
Day = Annotated[date, _matched(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day as YYYY-MM-DD")]

#: A word or name to look for.
Word = Annotated[str, Query(max_length=500), *_KEPT]

#: Why something is done, in one line or several.
Why = Annotated[
    str,
    Query(max_length=1000, json_schema_extra={"pattern": rf"^[^{_CONTROLS}]*[^{_CONTROLS}{BLANKS}][^{_CONTROLS}]*$"}),
    AfterValidator(_said),
]

#: What someone searches for.
Question = Annotated[str, Query(max_length=8000), *_KEPT]

#: What a file is called, as a person has it.
FileName = Annotated[str, Query(min_length=1, max_length=500), *_KEPT]

#: Several words, any of which may fit. The whole is annotated, since FastAPI looks for lists in a body otherwise.
Words = Annotated[list[Annotated[str, Field(max_length=500), *_KEPT]] | None, Query(max_length=50)]

#: The name of a review, or the id of anything in it, as part of an address.
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}$")]

#: Which version or revision, counted from 1: as part of an address, and asked for by name.
Number = Annotated[int, Path(ge=1, le=LARGEST_COUNT), DIGITS]
AskedNumber = Annotated[int, Query(ge=1, le=LARGEST_COUNT), DIGITS]

#: The same, where 0 is before the first.
AskedNumberOrNone = Annotated[int, Query(ge=0, le=LARGEST_COUNT), DIGITS]

#: A position in a journal.
Seq = Annotated[int, Query(ge=0, le=LARGEST), DIGITS]


def check_query(request: Request) -> None:
    """Raises Invalid, naming each, for query parameters that the route does not have, or has only once."""
    asked = [name for name, _ in request.query_params.multi_items()]
    known = dict(sorted(_fields(request.scope["route"].dependant))) if asked else {}
    faults = [
        {"at": f"query.{name}", "why": f"there is no such parameter here; there are: {', '.join(known) or 'none'}"}
        for name in dict.fromkeys(asked)
        if name not in known
    ] + [
        {"at": f"query.{name}", "why": "is given more than once"}
        for name in dict.fromkeys(asked)
        if known.get(name) is False and asked.count(name) > 1
    ]
    if faults:
        raise Invalid(f"{faults[0]['at'][:100]}: {faults[0]['why']}", faults[:50])


def _fields(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The query parameters of a route, and whether each may be given several times."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        yield field.alias, list in (get_origin(kind), *map(get_origin, get_args(kind)))
    for inner in dependant.dependencies:
        yield from _fields(inner)
