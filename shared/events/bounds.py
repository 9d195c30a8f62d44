"""Bounds of what events carry: what every log, database and index can keep, so that no odd value holds one up.

The bounds are no part of an event's frozen form: no producer of ours ever told anything outside them. An
event that does is *rejected* when it is decoded, with the field's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

#: Characters of an identifier: at four bytes each, two of them fit the 2,700 bytes of a PostgreSQL index row.
LONGEST_ID = 300

#: The largest number a count or revision may have: that of a PostgreSQL INTEGER; and the largest of a BIGINT.
LARGEST_COUNT, LARGEST = 2**31 - 1, 2**63 - 1

#: Characters of what describes a work. What is longer is not what it claims to be; together these keep a record's
#: event far below the 8 MiB that the log takes, and a search that finds it quick.
LONGEST_TITLE, LONGEST_ABSTRACT, LONGEST_VENUE = 5_000, 200_000, 2_000

#: How many authors a work has, and the characters of one's name and of all names together.
MOST_AUTHORS, LONGEST_AUTHOR, LONGEST_AUTHORS = 20_000, 1_000, 500_000

#: How many keywords a work has, and the characters of one.
MOST_KEYWORDS, LONGEST_KEYWORD = 200, 200

#: Bytes of an event as it travels: what the log takes (8 MiB), less its key and headers.
LARGEST_EVENT = 8 * 1024 * 1024 - 16 * 1024

#: The highest version that an event of any type may ever have: each is a change of its form, with an upcast that every
#: later release keeps. What claims a higher one waits for no release.
LATEST_VERSION = 1_000

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


@dataclass(frozen=True, slots=True)
class _UpTo:
    """A check for a number from 0 on, or for text by its length, that the form of an event does not tell."""

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return (
            core_schema.int_schema(ge=0, le=self.most)
            if source is int
            else core_schema.str_schema(max_length=self.most)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "integer" if schema["type"] == "int" else "string"}


def fault_of_authors(names: Sequence[str]) -> str | None:
    """What no work's authors can be: too many, or with names that are too long."""
    if len(names) <= MOST_AUTHORS and sum(map(len, names)) <= LONGEST_AUTHOR:
        return None  # As nearly all are.
    if len(names) > MOST_AUTHORS:
        return f"more than {MOST_AUTHORS} authors"
    if max(map(len, names), default=0) > LONGEST_AUTHOR:
        return f"an author's name of more than {LONGEST_AUTHOR} characters"
    if sum(map(len, names)) > LONGEST_AUTHORS:
        return f"authors' names of more than {LONGEST_AUTHORS} characters together"
    return None


def _check_authors(names: list[str]) -> list[str]:
    if fault := fault_of_authors(names):
        raise ValueError(f"holds {fault}")
    return names


def _check_keywords(keywords: list[str]) -> list[str]:
    if len(keywords) > MOST_KEYWORDS:
        raise ValueError(f"holds more than {MOST_KEYWORDS} keywords")
    if max(map(len, keywords), default=0) > LONGEST_KEYWORD:
        raise ValueError(f"holds a keyword of more than {LONGEST_KEYWORD} characters")
    return keywords


def _check_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds the character U+0000, which no database keeps")
    return text


#: The name of a thing, ours or someone else's, that databases keep indexed.
Id = Annotated[str, _UpTo(LONGEST_ID)]

#: What describes a work.
Title = Annotated[str, _UpTo(LONGEST_TITLE)]
Abstract = Annotated[str, _UpTo(LONGEST_ABSTRACT)]
Venue = Annotated[str, _UpTo(LONGEST_VENUE)]
Authors = Annotated[list[str], AfterValidator(_check_authors)]
Keywords = Annotated[list[str], AfterValidator(_check_keywords)]

#: A check for text that people write.
KeptText = AfterValidator(_check_text)

#: How many, or the how-manieth.
Count = Annotated[int, _UpTo(LARGEST_COUNT)]


def fault_of_data(data: object, locator: str = "data", depth: int = 1) -> str | None:
    """The first thing in a message's data that cannot be kept, with its place: NUL in a text or a name, or
    nesting that is too deep. None when all of it can."""
    if isinstance(data, str):
        return f"{locator!r} holds the character U+0000" if "\0" in data else None
    if not isinstance(data, dict | list):
        return None
    if depth > DEEPEST:
        return f"{locator[:60]!r} ... is nested deeper than {DEEPEST} levels"
    parts = data.items() if isinstance(data, dict) else enumerate(data)
    for name, part in parts:
        if isinstance(name, str) and "\0" in name:
            return f"a name in {locator!r} holds the character U+0000"
        if fault := fault_of_data(part, f"{locator}.{name}", depth + 1):
            return fault
    return None
