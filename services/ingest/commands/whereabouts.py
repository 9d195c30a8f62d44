"""Whereabouts: what screening tells of many records at once, written together just before the commit, so that where
hundreds of people decide each decision costs little here."""

from __future__ import annotations

from collections.abc import Collection

from services.ingest import store
from services.ingest.commands.retrievals import seek_all
from services.ingest.models import ReviewRow
from shared.db.work import Work


class Whereabouts:
    """Where records stand, and which texts are to be sought, as one work has heard it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._standings: dict[tuple[str, str], dict[str, object]] = {}
        self._sought: dict[tuple[str, str], None] = {}
        #: Kept here, since a session lets go of what nobody holds.
        self._reviews: dict[str, ReviewRow] = {}

    def note(self, review: str, record: str, **standing: object) -> None:
        """Takes down where a record stands; what is told of it later in this work counts."""
        self._standings.setdefault((review, record), {}).update(standing)

    def seek(self, review: str, record: str) -> None:
        """Has the text of a record be sought, unless it was absorbed."""
        self._sought[review, record] = None

    def sought_from(self, review: str) -> Collection[str] | None:
        """The stages whose records' full texts are sought: the first that needs them, and those behind it. None where
        the protocol marks none, or is not known."""
        if review not in self._reviews and (row := store.review_if_known(self._work, review)) is not None:
            self._reviews[review] = row
        return self._reviews[review].sought_from if review in self._reviews else None

    def write(self) -> None:
        """Writes what was taken down so far, for who looks at it within this work."""
        standings, self._standings = self._standings, {}
        sought, self._sought = self._sought, {}
        store.note_standings(self._work, standings)
        seek_all(self._work, store.live_among(self._work, sought))

    def flush(self) -> None:
        self.write()


def whereabouts(work: Work) -> Whereabouts:
    """The whereabouts of this work."""
    return work.before_commit("ingest.whereabouts", lambda: Whereabouts(work))
