"""Alerts: what arrivals cost a review with many saved searches, beside the bare queries over what arrived.

The service's own job reads what arrived, asks each saved search for it, keeps what it told and tells it; the bare side
asks the index by its own client for the identifiers of the arrived records that each of the same searches finds.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from elasticsearch import Elasticsearch
from sqlalchemy import update

from bench import corpus, search
from bench.search import Question
from services.search import store
from services.search.domain import Document, parts_asked
from services.search.jobs.alerts import tell_matches
from services.search.manifest import SERVICE
from services.search.models import SavedSearchRow
from services.search.ports.index import SearchIndex, write
from services.search.ports.index.words import Words
from shared.db import migrate
from shared.ids import new_id
from shared.runtime.platform import Platform
from shared.settings import Settings

_REVIEW = "bench"

#: Searches that alert, and records that arrive together: one, as from a correction, and a page of a source.
SEARCHES, ARRIVING = 1_000, (1, 100)

#: Times that each is timed, of which the middle one counts, and searches of one request to Elasticsearch.
_TURNS, _AT_ONCE = 5, 200

#: How many times the bare queries an arrival may take.
REACH = 2.0


@dataclass(frozen=True, slots=True)
class Arriving:
    """So many records that arrived together: the seconds of the job and of the bare queries, and what was found."""

    records: int
    ours: float
    bare: float
    matches: int

    @property
    def times(self) -> float:
        """How many times the bare queries the job takes."""
        return self.ours / self.bare


@dataclass(frozen=True, slots=True)
class Alerts:
    """A run over an index of so many records."""

    records: int
    searches: int
    arriving: list[Arriving]


class Bare(Protocol):
    """The index without the port."""

    def ask(self, questions: Sequence[Question], records: Sequence[str]) -> int:
        """How many of these records the questions find together."""
        ...


def measure(settings: Settings, count: int, tell: Callable[[int], None]) -> Alerts:
    """Fills an index, has searches alert, lets records arrive, and drops it all."""
    platform = Platform(settings, [SERVICE])
    try:
        running = platform.running["search"]
        running.jobs.leading = True
        migrate.upgrade(running.database, SERVICE)
        index = running.resource(SearchIndex)
        index.ready()
        for there in search.fill(index, count):
            tell(there)
        index.refresh()
        url, words = settings.resolved(settings.search_url), Words(settings.search_analyzer)
        bare: Bare = (_Sqlite if url.startswith("sqlite:") else _Elastic)(url, settings.search_index, words)
        questions = list(islice(_asked(index), SEARCHES))
        with running.work("bench") as work:
            for number, it in enumerate(questions):
                asked = {"q": it.query.text, "kind": list(it.query.kind)}
                work.add(
                    SavedSearchRow(
                        id=new_id("saved"), review=_REVIEW, owner=f"person_{number % 50}", name=str(number),
                        asked=asked, saved_at=work.now, alerts_since=work.now, asks_of=" ".join(parts_asked(asked)),
                    )
                )  # fmt: skip
        fresh = _documents(count)
        arriving = [_measure(running, index, bare, questions, fresh, many) for many in ARRIVING]
        index.drop()
    finally:
        platform.stop()
    return Alerts(count, len(questions), arriving)


def _asked(index: SearchIndex) -> Iterator[Question]:
    """The questions that are timed for searches, each only as a first page of it is asked for."""
    questions = search.questions(index, SEARCHES // 7 + 1, seed=3, deep=False)
    return (it for it in questions if it.kind != "listing")


def _documents(first: int) -> Iterator[Document]:
    needed = _TURNS * sum(ARRIVING) + sum(ARRIVING)
    for it in corpus.records(_REVIEW, needed, first=first, mixed=True):
        yield Document(record=it.record, review=it.review, revision=it.revision, bibliography=it.bibliography)


def _measure(
    running: Any, index: SearchIndex, bare: Bare, questions: Sequence[Question], fresh: Iterator[Document], many: int
) -> Arriving:
    """The middle of some times on each side, by turns, each with records that are new; the first warms both."""
    ours, others, matches = list[float](), list[float](), 0
    for _ in range(_TURNS + 1):
        arrived = list(islice(fresh, many))
        write(index, arrived)
        index.refresh()
        with running.work("bench") as work:
            # Each time all tell, as if none had before.
            work.session.execute(update(SavedSearchRow).values(alerted_at=None))
            store.add_arrivals(work, [(it, None) for it in arrived], {})
        gc.collect()
        began = time.perf_counter()
        tell_matches(running)
        ours.append(time.perf_counter() - began)
        gc.collect()
        began = time.perf_counter()
        matches = bare.ask(questions, [it.record for it in arrived])
        others.append(time.perf_counter() - began)
    return Arriving(many, _middle(ours[1:]), _middle(others[1:]), matches)


def _middle(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


class _Sqlite(search.BareSqlite):
    """FTS5, over a connection of its own: each question with the rows that arrived."""

    def ask(self, questions: Sequence[Question], records: Sequence[str]) -> int:  # type: ignore[override]
        rows, texts = f"records_{self.generation}", f"texts_{self.generation}"
        marks = ", ".join("?" * len(records))
        ids = [id for (id,) in self.db.execute(f"SELECT id FROM {rows} WHERE record IN ({marks})", list(records))]
        those, found = ", ".join(map(str, ids)), 0
        for it in questions:
            if kinds := it.query.kind:
                words = f"SELECT r.id FROM {texts} JOIN {rows} AS r ON r.id = {texts}.rowid WHERE {texts} MATCH ?"
                asked = f"{words} AND {texts}.rowid IN ({those}) AND r.kind = ?"
                found += len(self.db.execute(asked, [self.match(it), *kinds]).fetchall())
            else:
                asked = f"SELECT rowid FROM {texts} WHERE {texts} MATCH ? AND rowid IN ({those})"
                found += len(self.db.execute(asked, [self.match(it)]).fetchall())
        return found


class _Elastic(search.BareElastic):
    """Elasticsearch's multi search, over a client of its own: each question filtered by the ids that arrived."""

    def ask(self, questions: Sequence[Question], records: Sequence[str]) -> int:  # type: ignore[override]
        found = 0
        with closing(Elasticsearch(self.url)) as client:
            for start in range(0, len(questions), _AT_ONCE):
                lines: list[Any] = []
                for it in questions[start : start + _AT_ONCE]:
                    query = self.found(it)
                    query["filter"] = [*query["filter"], {"ids": {"values": list(records)}}]
                    lines += [{}, {"query": {"bool": query}, "size": len(records), "_source": False}]
                for answer in client.msearch(index=self.name, searches=lines)["responses"]:
                    found += len(answer["hits"]["hits"])
        return found
