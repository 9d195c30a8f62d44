"""Arrivals: new records of one work, written together just before its commit, so that 100,000 cost little each.

Whoever needs a record within the same work gets it from here, and it is written first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.screening import domain, store
from services.screening.commands import steps
from services.screening.domain import RecordStates, TaskStates
from services.screening.domain.flow import FOUND, counted_as
from services.screening.models import Record, RecordRow, TaskRow
from services.screening.store import Plan
from shared.db.many import insert_many
from shared.db.work import Work
from shared.events.ingest import Bibliography, RecordDiscovered, RecordSplit, RecordUpdated, SourceRef
from shared.events.screening import RecordExcluded, TaskOpened

Description = RecordDiscovered | RecordUpdated | RecordSplit


@dataclass(frozen=True, slots=True)
class _Arrival:
    event: Description
    plan: Plan
    correlation: str
    causation: str | None


class Arrivals:
    """The records that came in during one work and are not written yet."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: dict[tuple[str, str], _Arrival] = {}
        # Asked for here, so that they are there, and written last, when this is flushed.
        self._found, self._counts = store.found_sources(work), store.counts(work)

    def add(self, event: Description) -> None:
        """Takes a record in. Raises NotYet while its review's protocol is not known."""
        plan = store.the_plan(self._work, event.review)
        key = event.review, event.record
        if key in self._waiting:
            self.write()
        self._waiting[key] = _Arrival(event, plan, self._work.correlation, self._work.causation)

    def write(self) -> None:
        """Writes what waits, and tells it. A record that was here already is only described anew."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        known = store.known_records(self._work, waiting)
        records, tasks = [], []
        for key, arrival in waiting.items():
            if key not in known:
                record, task = self._admitted(arrival)
                records.append(record)
                tasks += task
        insert_many(self._work.session, RecordRow, records)
        insert_many(self._work.session, TaskRow, tasks)
        for key in known:
            with self._work.following(waiting[key].correlation, waiting[key].causation):
                describe_known(self._work, waiting[key].event, waiting[key].plan)

    def flush(self) -> None:
        self.write()
        self._found.flush()
        self._counts.flush()

    def _admitted(self, arrival: _Arrival) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The rows of a record that screening had not met: itself, and its first task unless a rule refuses it."""
        event, plan, work = arrival.event, arrival.plan, self._work
        record = _row(work, event, arrival.correlation)
        refused = domain.refusal(plan.protocol, event.bibliography.published)
        if record["unlisted"]:
            store.add_to_flow(work, event.review, None, [FOUND])
        self._found.add(event.review, _listed(event))
        with work.following(arrival.correlation, arrival.causation):
            if refused is not None:
                record.update(state=RecordStates.EXCLUDED, rule=refused.rule, reason=refused.reason)
                self._counts.move(event.review, "", None, f"rule:{refused.rule}")
                store.add_to_flow(work, event.review, record["source"], [("", "kept_out", refused.rule)])
                work.emit(
                    RecordExcluded(
                        review=event.review, record=event.record, revision=1,
                        stage=None, rule=refused.rule, reason=refused.reason,
                    )
                )  # fmt: skip
                return record, []
            stage = plan.protocol.stages[0]
            task = steps.new_task(work, event.review, event.record, stage, plan.version, arriving=True)
            record["stage"] = stage.name
            self._counts.move(event.review, "", None, RecordStates.SCREENING)
            self._counts.move(event.review, stage.name, None, TaskStates.OPEN)
            store.add_to_flow(work, event.review, record["source"], [(stage.name, "waiting", "")])
            task["told"] = work.emit(
                TaskOpened(
                    review=event.review, record=event.record, revision=1,
                    task=task["id"], stage=stage.name, votes_needed=task["votes_needed"],
                )
            )  # fmt: skip
            return record, [task]


def arrivals(work: Work) -> Arrivals:
    """The arrivals of this work."""
    return work.before_commit("screening.arrivals", lambda: Arrivals(work))


def lock_record(work: Work, review: str, record: str) -> Record | None:
    """A record, also one that only just arrived, held by this work until its end."""
    arrivals(work).write()
    return store.lock_record(work, review, record)


def describe_known(work: Work, event: Description, plan: Plan | None = None) -> bool:
    """Describes a record anew, if it is known and the event newer, and holds it against the dates again.

    Answers whether the record is known.
    """
    record = store.lock_record(work, event.review, event.record)
    if record is None:
        return False
    listed = _listed(event)
    store.count_listed(work, record, listed)
    if event.revision > record.described:
        record.sqlmodel_update(_description(event.bibliography))
        record.described = event.revision
        if listed and record.source not in {counted_as(found) for found in listed}:
            # What brought it is another record's now, or was not kept.
            steps.set_source(work, record, _source(event, listed))
        steps.hold_against_dates(work, record, plan or store.the_plan(work, event.review), "date_mended")
    return True


def _row(work: Work, event: Description, correlation: str) -> dict[str, Any]:
    listed = _listed(event)
    return {
        "review": event.review, "id": event.record, "state": RecordStates.SCREENING, "stage": None, "rule": None,
        "reason": None, "step": 1, "described": event.revision, **_description(event.bibliography),
        "source": _source(event, listed), "unlisted": not listed,
        "passed": [], "notices": [], "merged_into": None, "merge": None,
        "correlation": correlation, "arrived_at": work.now,
    }  # fmt: skip


def _listed(event: Description) -> list[SourceRef]:
    """The source records of a record. A release of before told of a whole record, and of no source record, that a chase
    of citations brought it."""
    by_citations = not isinstance(event, RecordUpdated) and event.by_citations
    return [
        found.model_copy(update={"by_citations": True}) if by_citations and found.run == event.run else found
        for found in event.bibliography.sources
    ]


def _source(event: Description, listed: Sequence[SourceRef]) -> str | None:
    """What brought a record: the source that the run of its event is of, or else the first that is named."""
    brought = [found for found in listed if found.run == event.run] or listed
    return counted_as(brought[0]) if brought else None


def _description(found: Bibliography) -> dict[str, Any]:
    """What a reviewer needs to see of a record."""
    return {
        "title": found.title, "abstract": found.abstract, "authors": found.authors, "venue": found.venue,
        "published": found.published, "identifiers": found.identifiers.model_dump(exclude_none=True),
        "restricted": found.restricted,
    }  # fmt: skip
