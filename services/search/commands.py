"""What people ask of their saved searches, and how these tell of what they find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.search import store
from services.search.domain import Document, as_kept
from services.search.models import SavedSearchRow
from services.search.ports.index import Query
from shared.db.work import Work
from shared.events.search import AlertMatched, Match
from shared.ids import new_id
from shared.wire.search import NewSavedSearch

#: Records that one alert names; of the others it says how many there are.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a saved search finds now, and the event that told the news of it."""

    document: Document
    event: str | None


def save(work: Work, review: str, owner: str, wish: NewSavedSearch) -> SavedSearchRow:
    """Keeps a search of somebody. Raises Conflict where they have one of that name, or too many."""
    asked = wish.model_dump(mode="json", exclude={"name", "alert"})
    row = SavedSearchRow(
        id=new_id("saved"), review=review, owner=owner, name=wish.name, asked=asked, saved_at=work.now
    )  # fmt: skip
    if wish.alert:
        store.require_few_alerts(work, review, owner)
        row.alerts_since = work.now
    return store.save(work, row)


def set_alert(work: Work, row: SavedSearchRow, *, alert: bool) -> SavedSearchRow:
    """Has a saved search tell of what comes to match it, or nothing more. Doing it twice changes nothing. Raises
    Conflict where its owner has too many that do."""
    if not alert:
        row.alerts_since = None
    elif row.alerts_since is None:
        store.require_few_alerts(work, row.review, row.owner)
        row.alerts_since = work.now
    return row


def query_of(review: str, asked: Mapping[str, Any], first: str | None) -> Query:
    """What a saved search asks for; `first` is the stage at which records of its review come in."""

    def among(name: str) -> tuple[str, ...]:
        return tuple(asked.get(name, ()))

    return Query(
        review=review, text=asked.get("q", ""), published_from=_day(asked.get("published_from")),
        published_until=_day(asked.get("published_until")), status=among("status"),
        stage=as_kept(among("stage"), first), source=among("source"), kind=among("kind"), language=among("language"),
        venue=among("venue"), notice=among("notice"),
    )  # fmt: skip


def tell(work: Work, review: str, found: Mapping[str, Sequence[Found]]) -> None:
    """Tells, for each saved search that still alerts, of what it finds and did not tell of before."""
    owners = store.still_alerting(work, found)
    new = store.tell_once(work, [(saved, it.document.record) for saved in owners for it in found[saved]])
    for saved, owner in owners.items():
        if some := [it for it in found[saved] if (saved, it.document.record) in new]:
            named = some[:MOST_NAMED]
            matched = AlertMatched(
                review=review, saved=saved, owner=owner, records=[*map(_match, named)], more=len(some) - len(named)
            )
            work.emit(matched, because=_events(named))


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def _match(found: Found) -> Match:
    about = found.document.bibliography
    return Match(record=found.document.record, title=about.title if about else None)


def _events(found: Iterable[Found]) -> list[str]:
    return [it.event for it in found if it.event is not None]
