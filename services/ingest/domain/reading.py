"""Who may read a copy of a report, and what of it others may see."""

from __future__ import annotations

from typing import Protocol

from services.ingest.domain import licences
from shared.errors import Forbidden
from shared.tokens import Person
from shared.wire.ingest import LicenceClass, TextReaders


class Copy(Protocol):
    """What of a copy decides it."""

    readers: TextReaders
    licence_class: LicenceClass
    quotable_words: int


def may_read(copy: Copy, person: Person) -> bool:
    """Whether somebody may read a copy; a program never may read one that is not open."""
    is_kept_from_programs = person.is_program and licences.is_closed(copy.licence_class)
    return person.has(licences.ROLES[copy.readers]) and not is_kept_from_programs


def require_reader(copy: Copy, person: Person) -> None:
    """Raises Forbidden unless somebody may read a copy."""
    if person.is_program and licences.is_closed(copy.licence_class):
        why = f"the licence of this copy is {copy.licence_class}, and a program's key reads open ones alone"
        raise Forbidden(why, slug="copy_closed")
    if not may_read(copy, person):
        why = f"this copy is for {copy.readers} of the review, and your role here is {person.role!r}"
        raise Forbidden(why, slug="copy_closed")


def is_shown(copy: Copy, words: int) -> bool:
    """Whether a quote of so many words may be seen by others than its readers."""
    return not licences.is_closed(copy.licence_class) or words <= copy.quotable_words


def seen_of(person: Person) -> str | None:
    """Whose quotes somebody sees: their own, and leads everybody's (None). Two who code the same report must not know
    what the other quotes."""
    return None if person.has("lead") else person.id
