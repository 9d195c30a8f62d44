"""Whereabouts: what screening tells of many records at once, written together just before the commit, so that where
hundreds of people decide each decision costs little here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from services.ingest import store
from services.ingest.commands.retrievals import seek_all
from services.ingest.domain.watching import Standings
from services.ingest.models import ReviewRow
from shared.db.work import Work


class Whereabouts:
    """Where records stand, and which texts are to be sought, as one work has heard it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._standings: dict[tuple[str, str], dict[str, object]] = {}
        self._sought: dict[tuple[str, str], None] = {}
        #: Those that wait again at a stage, and have not gone on from there.
        self._back_at: dict[tuple[str, str], str] = {}
        #: Kept here, since a session lets go of what nobody holds.
        self._reviews: dict[str, ReviewRow] = {}

    def note(self, review: str, record: str, **standing: object) -> None:
        """Takes down where a record stands; what is told of it later in this work counts."""
        self._standings.setdefault((review, record), {}).update(standing)
        if "stage" in standing:
            self._back_at.pop((review, record), None)

    def note_back(self, review: str, record: str, stage: str) -> date | None:
        """Takes down that a record waits again at a stage, which it has not passed then; answers the day on which it
        was excluded last, None where it never was."""
        noted = self._standings.get((review, record), {}).get("excluded_on")
        self.note(review, record, followed=True, standing=Standings.WAITING, at_stage=stage, reason=None)
        self._back_at[review, record] = stage
        return noted if isinstance(noted, date) else store.excluded_on(self._work, review, record)

    def seek(self, review: str, record: str) -> None:
        """Has the text of a record be sought, unless it was absorbed."""
        self._sought[review, record] = None

    def sought_from(self, review: str) -> Collection[str] | None:
        """The stages whose records' full texts are sought: the first that needs them, and those behind it. None where
        the protocol marks none, or is not known."""
        if review not in self._reviews and (row := store.review_if_known(self._work, review)) is not None:
            self._reviews[review] = row
        return self._reviews[review].sought_from if review in self._reviews else None

    def flush(self) -> None:
        # Before all else, and in one order: what is written below is held then.
        store.note_standings(self._work, self._standings)
        for (review, record), stage in self._back_at.items():
            store.pass_no_more(self._work, review, record, stage)
            store.wake_retrieval(self._work, record)
        seek_all(self._work, store.live_among(self._work, self._sought))
        self._standings, self._back_at, self._sought = {}, {}, {}


def whereabouts(work: Work) -> Whereabouts:
    """The whereabouts of this work."""
    return work.before_commit("ingest.whereabouts", lambda: Whereabouts(work))
