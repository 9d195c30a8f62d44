"""What becomes of the full text of a report: where it may be from, and when it is looked for again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.pauses import no_less_than_asked, pause_after
from shared.states import States
from shared.wire.ingest import AnchorState, RetrievalState


class RetrievalStates(States[RetrievalState]):
    """The full text of a record's report."""

    SOUGHT: Final = "sought"
    RETRIEVED: Final = "retrieved"
    NOT_RETRIEVED: Final = "not_retrieved"

    what = "retrieval"
    moves = {
        (None, SOUGHT): "its record passes a stage, or somebody asks for it or brings a copy",
        (SOUGHT, RETRIEVED): "a first copy is found, brought, or comes with another record",
        (SOUGHT, NOT_RETRIEVED): "somebody says that it cannot be had",
        (NOT_RETRIEVED, SOUGHT): "somebody asks for it again",
        (NOT_RETRIEVED, RETRIEVED): "a copy comes after all",
        (RETRIEVED, SOUGHT): "its last copy is taken back, or goes with another record",
    }


class AnchorStates(States[AnchorState]):
    """A quote that was found in a copy of a report."""

    ANCHORED: Final = "anchored"
    LOST: Final = "lost"

    what = "anchor"
    moves = {
        (None, ANCHORED): "the copy says it, once",
        (ANCHORED, LOST): "the copy is parsed anew and does not say it once, or is withdrawn",
        (LOST, ANCHORED): "the copy is parsed anew and says it",
    }


#: Where copies are from: a location that Unpaywall names, what Europe PMC or PubMed Central give, or a person.
UNPAYWALL: Final = "unpaywall"
EUROPEPMC: Final = "europepmc"
PMC: Final = "pmc"
PERSON: Final = "person"

#: Copies of a record at most, those that were taken back among them.
MOST_COPIES = 100

#: How often it is looked for at addresses that fail, before it rests until more is known or somebody asks.
MOST_TRIES = 8

#: Pauses after tries that failed.
_FIRST, _LONGEST = timedelta(minutes=10), timedelta(days=2)


def next_try(now: datetime, tries: int, retry_after: float | None) -> datetime | None:
    """When it is looked for again after so many tries that failed: ten minutes, twenty ... two days, and no sooner than
    an address asks for; None where it was tried often enough."""
    if tries >= MOST_TRIES:
        return None
    pause = pause_after(tries, first=_FIRST.total_seconds(), longest=_LONGEST.total_seconds())
    return now + timedelta(seconds=no_less_than_asked(pause, retry_after, most=7 * _LONGEST.total_seconds()))
