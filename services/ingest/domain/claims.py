"""What a record of a file claims to be, by an id of ours or a number of its database: it may be that where what it says
of its work agrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from services.ingest.domain.titles import compare_titles, read_title
from shared.events.values import Identifiers
from shared.folding import plain_words

#: How titles compare that may be of one work, whatever was mended of one of them.
_ALIKE = ("equal", "close", "part", "stage", "signs", "word")

#: Letters from which on a part of a name is more than an initial.
_TELLING_NAME = 3


class Said(Protocol):
    """What is said of a work."""

    @property
    def title(self) -> str | None: ...
    @property
    def abstract(self) -> str | None: ...
    @property
    def authors(self) -> list[str]: ...
    @property
    def published(self) -> str | None: ...
    @property
    def identifiers(self) -> Identifiers: ...


def agree(one: Said, other: Said) -> bool:
    """Whether two descriptions may be of one work: they share an identifier, or their titles are alike; of works
    without titles, their abstracts are the same."""
    if any(mine == its for _, mine, its in _both(one.identifiers, other.identifiers)):
        return True
    if not one.title or not other.title:
        return bool(one.abstract) and plain_words(one.abstract or "") == plain_words(other.abstract or "")
    if plain_words(one.title) == plain_words(other.title):
        return True
    return compare_titles(read_title(one.title), read_title(other.title)) in _ALIKE


def differences(one: Said, other: Said) -> list[str]:
    """What two descriptions of one work say otherwise. Of what a format may not hold, or holds less precisely, it
    counts where both say something."""
    found = [
        name
        for name in ("title", "abstract")
        if plain_words(getattr(one, name) or "") != plain_words(getattr(other, name) or "")
    ]
    if one.authors and other.authors and _names(one.authors) != _names(other.authors):
        found.append("authors")
    if one.published and other.published and one.published[:4] != other.published[:4]:
        found.append("year")
    return found + [kind for kind, mine, its in _both(one.identifiers, other.identifiers) if mine != its]


def _both(one: Identifiers, other: Identifiers) -> Iterator[tuple[str, str, str]]:
    """The identifiers that both have, by their kinds."""
    for kind in Identifiers.model_fields:
        if (mine := getattr(one, kind)) and (its := getattr(other, kind)):
            yield kind, mine, its


def _names(people: list[str]) -> set[str]:
    words = {word for name in people for word in plain_words(name)}
    return {word for word in words if len(word) >= _TELLING_NAME}
