"""Real input: recorded works that nobody here wrote, taken in by the whole platform and accounted for one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from demo.environment import Environment
from shared.client import Client
from shared.errors import NotFound, Unavailable
from shared.events.ingest import RunCounts

Seen = TypeVar("Seen")

REVIEW = "real-input"

#: Seconds without any progress after which the platform is said to stand still.
PATIENCE = 120.0

#: Everything OpenAlex has, screened in one stage; what appeared before 2018 is left out by the date criterion.
PROTOCOL = """
review: real-input
title: Real input on its way
question: Does every recorded work arrive, once, where it belongs?
published_after: 2017-12-31
search_from: 1500-01-01
definitions: {context: what was there, mechanism: what works, outcome: what follows}
strategies:
  - {id: everything, source: openalex, query: "is_paratext:false", every_days: 3660}
stages:
  - name: title-abstract
    question: Could it matter?
    answers: [{value: include, leads_to: advance}, {value: exclude, leads_to: exclude}]
theories: [{id: one, heading: One, statement: There is one.}]
cmocs: [{id: one, theory: one, context: c, resource: m, reasoning: r, outcome: o}]
"""


class Account(BaseModel):
    """Where every work went. `whole` when each is a record, a merge or a rejection, and each record is findable
    and has a task or a reason why not."""

    reported: int
    counts: RunCounts
    records: int
    open_duplicates: int
    rejections: dict[str, int]
    searchable: int
    with_task: int
    left_out: dict[str, int]

    @property
    def whole(self) -> bool:
        counts = self.counts
        return (
            self.reported
            == counts.found
            == counts.new + counts.merged + counts.updated + counts.unchanged + counts.rejected
            and counts.rejected == sum(self.rejections.values())
            and self.records == self.searchable == self.with_task + sum(self.left_out.values())
        )

    def lines(self) -> list[tuple[str, int]]:
        """The account, line by line."""
        return [
            ("works the source reported", self.reported),
            ("works that came", self.counts.found),
            ("  new records", self.counts.new),
            ("  duplicates of a record", self.counts.merged),
            ("  updated or unchanged", self.counts.updated + self.counts.unchanged),
            *((f"  rejected: {reason}", count) for reason, count in self.rejections.items()),
            ("possible duplicates for a person", self.open_duplicates),
            ("records", self.records),
            ("  searchable", self.searchable),
            ("  with a screening task", self.with_task),
            *((f"  left out by {rule}", count) for rule, count in self.left_out.items()),
        ]


def take_in(environment: Environment, tell: Callable[[str], None]) -> Account:
    """Applies the protocol and watches until nothing moves any more. Raises Unavailable when nothing moves too soon."""
    with Client.at(environment.processes.urls, environment.key("Lead", "lead", REVIEW), patience=60) as living:
        living.protocol.apply(REVIEW, PROTOCOL)
        _follow(living, tell)
        return _account(living)


def _follow(living: Client, tell: Callable[[str], None]) -> None:
    """Tells how far it is, until the run is over and every record is screened and searchable."""
    last, moved_at = (-1, -1, -1), time.monotonic()
    while True:
        records, done = _pulled(living)
        now = records, _screened(living), living.search.find(REVIEW, limit=1).total
        if now != last:
            last, moved_at = now, time.monotonic()
            tell(f"{now[0]} records, {now[1]} at screening, {now[2]} searchable")
        if done and now[0] == now[1] == now[2]:
            return
        if time.monotonic() - moved_at > PATIENCE:
            raise Unavailable(f"nothing has moved for {PATIENCE:.0f} seconds at {last}")
        time.sleep(0.5)


def _pulled(living: Client) -> tuple[int, bool]:
    """How many records there are, and whether the source is searched through."""
    status = _known(lambda: living.ingest.status(REVIEW))
    if status is None or not status.watches:
        return 0, False
    for watch in status.watches:
        if watch.trouble:
            raise Unavailable(f"the source cannot be pulled: {watch.trouble}")
    return status.records, all(watch.searched_through is not None for watch in status.watches)


def _screened(living: Client) -> int:
    funnel = _known(lambda: living.screening.funnel(REVIEW))
    return funnel.discovered - funnel.merged if funnel else 0


def _account(living: Client) -> Account:
    status, funnel = living.ingest.status(REVIEW), living.screening.funnel(REVIEW)
    (watch,) = status.watches
    # Of a slow machine the changes of the source may have been asked for by now, too.
    (run,) = living.ingest.runs(REVIEW, watch=watch.watch)
    rejections: dict[str, int] = {}
    for rejection in living.ingest.rejections(REVIEW, run.run):
        rejections[rejection.reason] = rejections.get(rejection.reason, 0) + 1
    return Account(
        reported=run.reported or 0,
        counts=run.counts,
        records=status.records,
        open_duplicates=status.open_duplicates,
        rejections=rejections,
        searchable=living.search.find(REVIEW, limit=1).total,
        with_task=funnel.screening + funnel.included,
        left_out=funnel.by_rule,
    )


def _known(look: Callable[[], Seen]) -> Seen | None:
    """What it sees, or None while the review is still on its way to that service."""
    try:
        return look()
    except NotFound:
        return None
