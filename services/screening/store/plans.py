"""Protocol versions as screening works by them, each read once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import col

from services.screening.domain import says
from services.screening.models import ProtocolRow, Task
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotYet
from shared.events.protocol import Protocol
from shared.events.stages import Stage


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol version, read."""

    version: int
    protocol: Protocol


class Plans:
    """The protocol versions of one database, read once per process: a version never changes."""

    def __init__(self, most: int = 300) -> None:
        self._read: dict[tuple[str, int], Plan] = {}
        self._most = most

    def of(self, work: Work, review: str, version: int) -> Plan:
        """A version that is there."""
        plan = self._read.get((review, version))
        if plan is None:
            row = work.session.get_one(ProtocolRow, (review, version))
            plan = self._read[review, version] = Plan(version, Protocol.read(row.document))
            while len(self._read) > self._most:
                self._read.pop(next(iter(self._read)), None)
        return plan


#: Beside them whether a review assigns anything or caps votes, so that one which does not is asked for neither.
_VERSIONS = Said(
    """
SELECT version, EXISTS (SELECT 1 FROM pools WHERE review = :review) AS has_pools,
    EXISTS (SELECT 1 FROM caps WHERE review = :review) AS has_caps
FROM protocols WHERE review = :review ORDER BY version DESC
"""
)


class _Known(NamedTuple):
    """The versions of a review, the newest first, and what else it uses."""

    versions: list[int]
    has_pools: bool
    has_caps: bool


def _known(work: Work, review: str) -> _Known:
    """Asked once per work."""
    asked: dict[str, _Known] = work.session.info.setdefault("screening.versions", {})
    if review not in asked:
        rows = work.rows.read(_VERSIONS, {"review": review})
        asked[review] = _Known([row[0] for row in rows], any(row[1] for row in rows), any(row[2] for row in rows))
    return asked[review]


def versions(work: Work, review: str) -> list[int]:
    """The numbers of the protocol versions that screening has heard of, newest first."""
    return _known(work, review).versions


def has_pools(work: Work, review: str) -> bool:
    """Whether anything of a review is assigned to some people."""
    return _known(work, review).has_pools


def has_caps(work: Work, review: str) -> bool:
    """Whether the votes of a day are capped for anybody in a review."""
    return _known(work, review).has_caps


def forget_what_is_known(work: Work) -> None:
    """Has all this be asked anew, since this work changed it."""
    work.session.info.pop("screening.versions", None)


def newest(work: Work, review: str) -> Plan | None:
    """The newest protocol version that screening has heard of."""
    known = versions(work, review)
    return work.resource(Plans).of(work, review, known[0]) if known else None


def plan_of(work: Work, task: Task) -> Plan:
    """The version that a task was opened under."""
    return work.resource(Plans).of(work, task.review, task.protocol_version)


def the_plan(work: Work, review: str) -> Plan:
    """The newest protocol version of a review. Raises NotYet while none is known."""
    plan = newest(work, review)
    if plan is None:
        raise NotYet(f"the protocol of review {review!r} is not known yet", slug="no_protocol_yet")
    return plan


def stage_of(work: Work, task: Task) -> Stage:
    """The stage as it was when the task was opened: its question, its answers, its votes."""
    return {stage.name: stage for stage in plan_of(work, task).protocol.stages}[task.stage]


def dropped_stages(work: Work, review: str) -> set[str]:
    """The stages that older versions had and the newest has not."""
    had, *rest = [
        {stage.name for stage in work.resource(Plans).of(work, review, version).protocol.stages}
        for version in versions(work, review)
    ]
    return set().union(*rest) - had


def stale_versions(work: Work, review: str, cmoc: str, wording: str) -> set[int]:
    """The protocol versions that have a CMOC in other words than these, or have it not."""
    plans = (work.resource(Plans).of(work, review, version) for version in versions(work, review))
    return {plan.version for plan in plans if not says(plan.protocol, cmoc, wording)}


def version_if_known(work: Work, review: str, version: int) -> ProtocolRow | None:
    """A protocol version as it was published; None before it is heard of."""
    return work.session.get(ProtocolRow, (review, version))


def reviews(work: Work) -> list[str]:
    """The reviews that screening has heard of."""
    return [review for (review,) in work.rows.read(select(col(ProtocolRow.review)).distinct())]


_NEWEST = Said(
    "SELECT version FROM protocols WHERE review = :review ORDER BY version DESC LIMIT 1 {locked}",
    postgresql={"locked": "FOR UPDATE"},
)


def hold_walks(work: Work, review: str) -> None:
    """Holds, until this work ends, what goes through many records of a review: each holds these in an order of its own,
    and two at once might wait for each other. Nobody who screens waits for it."""
    work.rows.read(_NEWEST, {"review": review})


def adopt(work: Work, row: ProtocolRow) -> None:
    work.add(row)
    work.session.flush()
    forget_what_is_known(work)


def rechecks(work: Work) -> list[ProtocolRow]:
    """The versions whose changed dates some records have not been held against."""
    query = select(ProtocolRow).where(col(ProtocolRow.recheck_after).is_not(None)).order_by(col(ProtocolRow.review))
    return list(work.session.execute(query).scalars())
