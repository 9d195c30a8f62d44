"""Protocol versions as screening works by them, each read once per process."""

from __future__ import annotations

from dataclasses import dataclass

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


#: Beside them whether anything is assigned there, so that a review that assigns nothing is asked for no pools.
_VERSIONS = Said(
    """
SELECT version, EXISTS (SELECT 1 FROM pools WHERE review = :review) AS has_pools
FROM protocols WHERE review = :review ORDER BY version DESC
"""
)


def versions(work: Work, review: str) -> list[int]:
    """The numbers of the protocol versions that screening has heard of, newest first; asked once per work."""
    asked: dict[str, list[tuple[int, bool]]] = work.session.info.setdefault("screening.versions", {})
    if review not in asked:
        asked[review] = [(version, bool(has)) for version, has in work.rows.read(_VERSIONS, {"review": review})]
    return [version for version, _ in asked[review]]


def has_pools(work: Work, review: str) -> bool:
    """Whether anything of a review is assigned to some people."""
    versions(work, review)
    return any(has for _, has in work.session.info["screening.versions"][review])


def forget_has_pools(work: Work) -> None:
    """Has it be asked anew, since this work changed it."""
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


def adopt(work: Work, row: ProtocolRow) -> None:
    work.add(row)
    work.session.flush()
    work.session.info.pop("screening.versions", None)


def rechecks(work: Work) -> list[ProtocolRow]:
    """The versions whose changed dates some records have not been held against."""
    query = select(ProtocolRow).where(col(ProtocolRow.recheck_after).is_not(None)).order_by(col(ProtocolRow.review))
    return list(work.session.execute(query).scalars())
