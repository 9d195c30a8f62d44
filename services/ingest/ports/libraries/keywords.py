"""Keywords as fields and cells write them together: one after another, with many kinds of signs between."""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.ingest.ports.libraries import names
from services.ingest.ports.libraries.common import one_line

#: What screening tools write where keywords stand, since there is no field for what was decided.
_DECISION = re.compile(r"\bASReview_\w|\b(?:RAYYAN|LIVING)-[A-Z]|\bUSER-NOTES:")
#: A comma that stands between two keywords, and not within `cyst (diagnosis, surgery)`.
_COMMA = re.compile(r",(?![^()]*\))")


def tidied(words: Iterable[str]) -> list[str]:
    """Those words that are keywords, each in one line; the star of MeSH before what is mainly looked at is left out."""
    found = (one_line(word.replace("/*", "/")) for word in words)
    return [word for word in found if word and not _DECISION.search(word)]


def listed(texts: Iterable[str]) -> list[str]:
    """Keywords that stand one a field or a line; in a field that is the only one, several with semicolons between."""
    lines = [line for text in texts for line in text.split("\n")]
    return tidied(lines[0].split(";") if len(lines) == 1 else lines)


def split(text: str) -> list[str]:
    """The keywords in a cell, by the sign that stands between them."""
    text = text.strip()
    if (words := names.literal(text)) is not None:
        return words
    for sign in ("\n", "|", ";"):
        if sign in text:
            return [part for line in text.split(sign) for part in line.split(";")]
    return _COMMA.split(text)
