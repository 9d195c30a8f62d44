"""Searches that people make by hand: what was searched, by whom, and when that is as good as done.

Whoever has one be made locks the open searches of its watch first (`store.open_searches`), and then the watch.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date

from services.ingest import store
from services.ingest.domain.searching import Found, differs, lacks
from services.ingest.domain.watching import ImportStates, SearchStates, WatchStates, next_pull
from services.ingest.models import SearchRow, WatchRow
from shared.canonical import canonical_json
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid
from shared.events.ingest import LackAccepted, SearchFulfilled
from shared.events.protocol import slug_of
from shared.ids import new_id
from shared.tokens import Person
from shared.wire.ingest import NewSearch, NothingNew, SearchMade

#: Files that one search may have.
MOST_FILES = 200

#: The form of what a person signs.
_STATEMENT = 1


def begin_search(work: Work, review: str, watch_id: str, asked: NewSearch) -> SearchRow:
    """Keeps what was searched, of which the files are to come. Raises NotFound, Conflict for a watch that is none of a
    manual strategy or not in force, and Invalid for another database and a day that cannot be."""
    watch = searchable(work, review, watch_id)
    assert watch.database is not None
    if (slug_of(asked.database) or asked.database) != (slug_of(watch.database) or watch.database):
        raise Invalid.of("database", f"strategy {watch.strategy!r} is searched in {watch.database}, not there")
    _require_day(work, watch, asked.searched_on)
    return work.add(_search(work, watch, asked.query, asked.searched_on, made="imported", reported=asked.reported))


def sign_nothing_new(work: Work, review: str, watch_id: str, said: NothingNew, person: Person) -> SearchRow:
    """Keeps a person's statement that a search found nothing new, and has the strategy be searched by it. The same
    statement again changes nothing.

    Raises what `begin_search` raises, Forbidden for whoever neither leads the review nor owns the search, and Conflict
    while a search of it lacks some of what it found: that it brought nothing new is not so.
    """
    begun = [search for search in store.open_searches(work, watch_id) if store.has_files(work, search.id)]
    watch = searchable(work, review, watch_id)
    if not person.has("lead") and person.id != watch.owner:
        raise Forbidden(
            f"strategy {watch.strategy!r} is not yours to search: its owner or a lead signs", slug="not_the_owner"
        )
    known = store.same_statement(work, watch, work.actor, said.query, said.searched_on, said.reported)
    if known is not None:
        return known
    if begun:
        raise Conflict(
            f"search {begun[0].id!r} of {begun[0].searched_on} has files, and lacks some of what was found: bring the "
            "rest, or let a lead accept what it lacks",
            slug="search_open",
        )
    _require_day(work, watch, said.searched_on)
    row = _search(work, watch, said.query, said.searched_on, made="nothing_new", reported=said.reported)
    statement = canonical_json(_statement(row, said.words))
    row.statement, row.statement_sha256 = statement.decode(), hashlib.sha256(statement).hexdigest()
    row.reason = said.words
    work.add(row)
    _fulfil(work, row, watch, [])
    return row


def take_file(work: Work, review: str, search: str, sha256: str) -> SearchRow:
    """The search that a file is to be of, locked. Raises NotFound, and Conflict where it is over, has this file or has
    too many."""
    row = store.search_of(work, review, search, lock=True)
    if row.state != SearchStates.OPEN:
        raise Conflict(f"search {search!r} is {row.state}: it takes no more files", slug="search_over")
    files = [file for file in store.files_of(work, [row.id]) if file.state != ImportStates.FAILED]
    if sha256 in [file.sha256 for file in files]:
        raise Conflict(f"search {search!r} has this very file", slug="file_there")
    if len(files) >= MOST_FILES:
        raise Conflict(f"search {search!r} has {MOST_FILES} files, which is the most", slug="too_many_files")
    return row


def settle_search(work: Work, review: str, search: str) -> None:
    """Has a search be made where all its files are in and hold as many records as were found; called by the work that
    ends one of them. One that is not whole gives way to another of its day or later."""
    work.session.flush()
    row = store.search_of(work, review, search)
    is_open = row in store.open_searches(work, row.watch)
    if not is_open or store.has_unfinished_files(work, row.id):
        return
    found = Found.of(store.files_of(work, [row.id]))
    watch = store.watch_of(work, review, row.watch, lock=True)
    if not lacks(row.reported, row.lacking, found):
        _fulfil(work, row, watch, found.hashes)
    elif _is_of_today(row, watch) and watch.searched_through is not None and row.searched_on <= watch.searched_through:
        SearchStates.turn(row, SearchStates.SUPERSEDED)


def accept_lack_of_search(work: Work, review: str, watch_id: str, lacking: int, reason: str) -> WatchRow:
    """Lets the newest open search of a watch that has files lack so many records, by which it is made.

    Raises Conflict where there is none, or it does not lack just that, so that nobody accepts what they have not seen.
    """
    watch = store.watch_of(work, review, watch_id)
    row = next((it for it in reversed(store.open_searches(work, watch.id)) if store.has_files(work, it.id)), None)
    if row is None or not lacking:
        why = "a search that was made stays so" if not lacking else "no search of it is open and has files"
        raise Conflict(f"nothing to accept of watch {watch_id!r}: {why}", slug="nothing_lacks")
    if store.has_unfinished_files(work, row.id):
        raise Conflict(f"files of search {row.id!r} are still being taken in: wait for them", slug="lack_unknown")
    found = Found.of(store.files_of(work, [row.id]))
    if not found.hashes or (row.reported or 0) - found.entries != lacking:
        lack = (row.reported or 0) - found.entries
        raise Conflict(f"search {row.id!r} of watch {watch_id!r} lacks {lack}, not {lacking}", slug="another_lack")
    row.lacking, row.reason = lacking, reason
    work.session.refresh(watch, with_for_update=True)
    work.emit(LackAccepted(review=review, watch=watch.id, source=watch.source, lack=lacking, reason=reason))
    _fulfil(work, row, watch, found.hashes)
    return watch


def searchable(work: Work, review: str, watch_id: str) -> WatchRow:
    """The watch of a manual strategy that is in force, locked. Raises NotFound and Conflict."""
    watch = store.watch_of(work, review, watch_id, lock=True)
    if watch.purpose != "manual":
        raise Conflict(f"watch {watch_id!r} is not searched by hand: {watch.source} is asked for it", slug="not_manual")
    if watch.state == WatchStates.RETIRED:
        raise Conflict(f"watch {watch_id!r} is retired: the protocol no longer has it", slug="watch_retired")
    return watch


def due_of(watch: WatchRow) -> date:
    """The day on which a manual strategy is due (UTC)."""
    return watch.due_at.astimezone(UTC).date()


def _search(
    work: Work, watch: WatchRow, query: str, searched_on: date, *, made: SearchMade, reported: int | None
) -> SearchRow:
    assert watch.database is not None and watch.question is not None
    return SearchRow(
        id=new_id("search"), review=watch.review, watch=watch.id, strategy=watch.strategy, database=watch.database,
        question=watch.question, protocol_version=watch.protocol_version, query=query,
        planned=watch.query if watch.query and differs(watch.query, query) else None, searched_on=searched_on,
        reported=reported, made=made, asked_by=work.actor, asked_at=work.now,
    )  # fmt: skip


def _require_day(work: Work, watch: WatchRow, searched_on: date) -> None:
    """Raises Invalid for a day that is to come, or before the last one."""
    if searched_on > work.now.astimezone(UTC).date():
        raise Invalid.of("searched_on", f"{searched_on} lies in the future")
    if watch.searched_through is not None and searched_on < watch.searched_through:
        raise Invalid.of(
            "searched_on", f"strategy {watch.strategy!r} was searched on {watch.searched_through}, after {searched_on}"
        )


def _statement(row: SearchRow, words: str) -> dict[str, object]:
    """What is signed, for whoever reads it without this platform."""
    return {
        "statement": _STATEMENT, "says": "searched, nothing new", "review": row.review, "strategy": row.strategy,
        "database": row.database, "protocol_version": row.protocol_version, "query": row.query, "planned": row.planned,
        "searched_on": row.searched_on.isoformat(), "reported": row.reported, "words": words,
        "signed_by": row.asked_by, "signed_at": row.asked_at.astimezone(UTC).isoformat(),
    }  # fmt: skip


def _fulfil(work: Work, row: SearchRow, watch: WatchRow, files: list[str]) -> None:
    """Has a search be made; its strategy is searched by it, unless that asks something else by now."""
    SearchStates.turn(row, SearchStates.FULFILLED)
    row.fulfilled_by, row.fulfilled_at = work.actor, work.now
    due, entries = due_of(watch), Found.of(store.files_of(work, [row.id])).entries
    if _is_of_today(row, watch):
        through = max(row.searched_on, watch.searched_through or row.searched_on)
        watch.searched_through, watch.due_at = through, next_pull(through, watch.every_days)
        work.session.flush()
        _give_way(work, row, watch)
    work.emit(
        SearchFulfilled(
            review=row.review, search=row.id, watch=watch.id, strategy=row.strategy, source=watch.source,
            database=row.database, question=row.question, protocol_version=row.protocol_version, query=row.query,
            planned=row.planned, searched_on=row.searched_on, due=due, how=row.made, reported=row.reported,
            entries=entries, lack=row.lacking, reason=row.reason, by=row.asked_by,
            statement_sha256=row.statement_sha256, files=files,
        )
    )  # fmt: skip
    work.note("search made", review=row.review, search=row.id, how=row.made)


def _give_way(work: Work, made: SearchRow, watch: WatchRow) -> None:
    """Lets open searches of its day or before give way to one that was made, but those whose files are under way."""
    for row in store.open_searches(work, watch.id):
        is_older = row.id != made.id and row.searched_on <= made.searched_on
        if is_older and store.has_files(work, row.id) and not store.has_unfinished_files(work, row.id):
            SearchStates.turn(row, SearchStates.SUPERSEDED)


def _is_of_today(row: SearchRow, watch: WatchRow) -> bool:
    """Whether a search was for what its strategy asks now."""
    return row.question == watch.question and watch.purpose == "manual"
