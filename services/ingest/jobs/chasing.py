"""Chasing citations: what the included reports of a review cite, and what cites them, is found at their pace."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from services.ingest import store
from services.ingest.models import RunRow
from services.ingest.ports.sources.citing import Citing, Seed
from services.ingest.ports.sources.port import Keep, Page, Source, SourceRefused
from services.ingest.ports.sources.reading import read_cursor
from shared.db.work import Work
from shared.events.base import Value
from shared.service import Context


class Position(Value):
    """Where a chase stands among the included records: behind which of them, and, within the next ones that are asked
    about at once (`seeds` tells which these were), what the source's cursor says."""

    after: str = ""
    seeds: str = ""
    at: dict[str, Any] | None = None


def pages(running: Context, actor: str, run: RunRow, source: Source, keep: Keep) -> Iterator[Page]:
    """The pages of a chase, from the run's cursor on.

    Some included records are read, and asked about with no transaction open. Where other ones stand in their place when
    a run is taken up, as one of them is included no more, these are asked about from the beginning. Raises
    SourceRefused for a source that knows no citations.
    """
    if not isinstance(source, Citing):
        raise SourceRefused(f"{source.name} knows no citations", source=source.name)
    position, more = read_cursor(run.cursor, Position) or Position(), True
    while more:
        with running.work(actor, readonly=True) as work:
            seeds, more = _seeds(work, run, position.after, source.seeds_at_once)
        mark = hashlib.sha256("\n".join(seed.model_dump_json() for seed in seeds).encode()).hexdigest()
        goes_on = position.at is not None and position.seeds == mark
        at = orjson.dumps(position.at).decode() if goes_on else None
        behind = Position(after=seeds[-1].record if seeds else position.after)
        for page in source.chase(seeds, at, keep):
            here = behind
            if page.cursor is not None:
                here = Position(after=position.after, seeds=mark, at=orjson.loads(page.cursor))
            cursor = here.model_dump_json() if page.cursor is not None or more else None
            yield page.model_copy(update={"cursor": cursor, "reported": None})
        position = behind


def _seeds(work: Work, run: RunRow, after: str, at_once: int) -> tuple[list[Seed], bool]:
    """The next included records, each with its ids at the run's source, and whether more follow."""
    found = store.included(work, run.review, after=after, limit=at_once + 1)
    some: Sequence[tuple[str, str | None]] = found[:at_once]
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for record, own in store.ids_at(work, run.source, [record for record, _ in some]):
        ids[record].append(own)
    return [Seed(record=record, ids=ids[record], doi=doi) for record, doi in some], len(found) > at_once
