"""What people ask of their saved searches, and how these tell of what they find."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.search import store
from services.search.domain import Document, as_kept, parts_asked
from services.search.models import SavedSearchRow, UntoldRow
from services.search.ports.index import Query
from shared.db.work import Work
from shared.events.search import AlertMatched, Match
from shared.ids import new_id
from shared.wire.search import NewSavedSearch

#: Records that one alert names; of the others it says how many there are.
MOST_NAMED = 20

#: A search tells no more often, so that an import that goes on for hours is a few messages.
BETWEEN = timedelta(minutes=10)


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
        _begin(work, row)
    return store.save(work, row)


def set_alert(work: Work, review: str, owner: str, saved: str, *, alert: bool) -> SavedSearchRow:
    """Has a saved search of somebody's tell of what comes to match it, or nothing more. Doing it twice changes nothing.
    Raises NotFound for what is none of theirs, Conflict where they have too many that do."""
    if not alert:
        row = store.saved_search(work, review, owner, saved)
        row.alerts_since = None
    elif (row := store.find_saved(work, review, owner, saved)).alerts_since is None:
        store.require_few_alerts(work, review, owner)
        _begin(work, row := store.saved_search(work, review, owner, saved))
    return row


def _begin(work: Work, row: SavedSearchRow) -> None:
    row.alerts_since, row.asks_of = work.now, " ".join(parts_asked(row.asked))


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


def keep(work: Work, found: Mapping[str, Sequence[Found]]) -> None:
    """Keeps what saved searches that still alert have found and had not before, until they tell of it."""
    alerting = store.still_alerting(work, found)
    new = store.keep_matches(work, [(row.id, it.document.record) for row in alerting for it in found[row.id]])
    for row in alerting:
        if some := [_named(it) for it in found[row.id] if (row.id, it.document.record) in new]:
            untold = store.untold(work, row.id)
            if untold is None:
                due_at = max(work.now, row.alerted_at + BETWEEN) if row.alerted_at is not None else work.now
                untold = UntoldRow(saved=row.id, review=row.review, records=[], since=work.now, due_at=due_at)
                work.add(untold)
            records = [*untold.records, *some]
            untold.records, untold.more = records[:MOST_NAMED], untold.more + len(records[MOST_NAMED:])


def tell(work: Work, saved: Collection[str]) -> None:
    """Has saved searches tell of what they found; those that alert no more tell nothing."""
    alerting = {row.id: row for row in store.still_alerting(work, saved)}
    for each in saved:
        untold = store.untold(work, each)
        if untold is None:
            continue
        if (row := alerting.get(each)) is not None:
            records = [Match(record=it["record"], title=it["title"]) for it in untold.records]
            matched = AlertMatched(review=row.review, saved=row.id, owner=row.owner, records=records, more=untold.more)
            work.emit(matched, because=[it["event"] for it in untold.records if it["event"] is not None])
            row.alerted_at = work.now
        store.forget_untold(work, untold)


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def _named(found: Found) -> dict[str, Any]:
    about = found.document.bibliography
    return {"record": found.document.record, "title": about.title if about else None, "event": found.event}
