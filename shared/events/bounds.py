"""Bounds of what events carry: what every log, database and index can keep, so that no odd value holds one up.

The bounds are no part of an event's frozen form: no producer of ours ever told anything outside them. An
event that does is *rejected* when it is decoded, with the field's name.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

#: Characters of an identifier: at four bytes each, two of them fit the 2,700 bytes of a PostgreSQL index row.
LONGEST_ID = 300

#: The largest number a count or revision may have: that of a PostgreSQL INTEGER.
LARGEST_COUNT = 2**31 - 1

#: How deep a message may be nested; the writer of JSON in our databases gives up at 254.
DEEPEST = 100

_UNKEPT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def fault_of_id(text: str) -> str | None:
    """What is wrong with an attribute of an envelope: it is too long, or no line of text that every server keeps."""
    if len(text) <= LONGEST_ID and text.isprintable():
        return None  # As nearly all are: Python looks faster than a pattern.
    if len(text) > LONGEST_ID:
        return f"is longer than {LONGEST_ID} characters"
    if odd := _UNKEPT.search(text):
        return f"holds the character U+{ord(odd[0]):04X}, which is no text"
    return None


def _check_id(text: str) -> str:
    if len(text) > LONGEST_ID:
        raise ValueError(f"is longer than {LONGEST_ID} characters")
    return text


def _check_count(number: int) -> int:
    if not 0 <= number <= LARGEST_COUNT:
        raise ValueError(f"must be from 0 to {LARGEST_COUNT}")
    return number


def _check_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds the character U+0000, which no database keeps")
    return text


#: The name of a thing, ours or someone else's, that databases keep indexed.
Id = Annotated[str, AfterValidator(_check_id)]

#: A check for text that people write.
KeptText = AfterValidator(_check_text)

#: How many, or the how-manieth.
Count = Annotated[int, AfterValidator(_check_count)]


def fault_of_data(data: Any, place: str = "data", depth: int = 1) -> str | None:
    """The first thing in a message's data that cannot be kept, with its place: NUL in a text or a name, or
    nesting that is too deep. None when all of it can."""
    if isinstance(data, str):
        return f"{place!r} holds the character U+0000" if "\0" in data else None
    if not isinstance(data, dict | list):
        return None
    if depth > DEEPEST:
        return f"{place[:60]!r} ... is nested deeper than {DEEPEST} levels"
    parts = data.items() if isinstance(data, dict) else enumerate(data)
    for name, part in parts:
        if isinstance(name, str) and "\0" in name:
            return f"a name in {place!r} holds the character U+0000"
        if fault := fault_of_data(part, f"{place}.{name}", depth + 1):
            return fault
    return None
