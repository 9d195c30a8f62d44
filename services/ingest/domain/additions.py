"""What a person may add, what is wrong with it as a whole, and how much of it may be told."""

from __future__ import annotations

from collections.abc import Iterator

from shared import identifiers
from shared.canonical import sha256
from shared.events.protocol import ADDED
from shared.events.values import earliest_day
from shared.languages import language
from shared.wire.ingest import FoundBy, NewAddition

#: What of a restricted record is told.
SHOWN = ("title", "published", "kind", "language")

#: What of a restricted addition stays where only its review's people may read it.
HELD_BACK = ("authors", "venue", "url", "abstract")


def source_of(how: FoundBy) -> str:
    """The source of what was found so, by which ways to find are told apart as databases are."""
    return f"{ADDED}{how}"


def is_restricted(asked: NewAddition) -> bool:
    """Whether what is said of it may not be told: an account always is about people."""
    return asked.restricted or asked.kind == "account"


def faults(asked: NewAddition) -> Iterator[tuple[str, str]]:
    """Each field that cannot be so beside the others or in the world, and why."""
    if asked.kind == "account" and asked.consent is None:
        yield "consent", "an account needs what was consented to, who took that down, and when"
    if asked.doi is not None and is_restricted(asked):
        yield "doi", "what has a DOI is published, and so is not restricted"
    elif asked.doi is not None and identifiers.doi(asked.doi) is None:
        yield "doi", f"{asked.doi!r} is none"
    if asked.published is not None and earliest_day(asked.published) is None:
        yield "published", f"{asked.published!r} is no day on which anything can have been published"
    if asked.language is not None and language(asked.language) is None:
        yield "language", f"{asked.language!r} is no code of ISO 639, such as en"


def digest_of(asked: NewAddition) -> str:
    """What tells one statement from another: all that it says, whoever says it."""
    return sha256(asked.model_dump(mode="json", exclude={"dry_run"}))
