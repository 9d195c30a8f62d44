"""Caps: how many votes people cast on a day at most, as a lead asks for. What they hold is not taken from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.screening import domain, store, views
from shared.db.work import Work
from shared.errors import Conflict


@dataclass(slots=True)
class Allowance:
    """What is left of somebody's day: caps by stage, and what they have cast on it and hold, by stage."""

    caps: Mapping[str, int]
    used: Counter[str]

    def left_at(self, stage: str) -> int | None:
        """How many more may be given to them at a stage; None is any number."""
        return domain.left_of_day(stage, self.caps, self.used)

    def at(self, stage: str, most: int) -> int:
        """How many of so many that is."""
        left = self.left_at(stage)
        return most if left is None else min(left, most)

    def takes(self, stages: Iterable[str]) -> None:
        """Counts what they are given."""
        if self.caps:
            self.used.update(stages)


def allowance(work: Work, review: str, held: Iterable[str]) -> Allowance:
    """What is left of this person's day, who holds a record to screen at each of these stages."""
    caps = store.caps_of(work, review, work.actor) if store.has_caps(work, review) else {}
    if not caps:
        return UNCAPPED
    used = Counter(store.cast_since(work, review, work.actor, domain.midnight(work.now)))
    used.update(held)
    return Allowance(caps, used)


#: Of somebody whose votes nothing caps.
UNCAPPED = Allowance({}, Counter())


def day_is_full(stage: str) -> Conflict:
    """Why somebody is given nothing more today."""
    return Conflict(
        f"you have cast as many votes today at stage {stage!r} as a lead lets you; there is more tomorrow (UTC)",
        slug="day_is_full",
        stage=stage,
    )


def set_cap(work: Work, review: str, stage: str | None, person: str | None, votes: int | None) -> None:
    """Sets how many votes a day somebody, or everybody who has no cap of their own, casts at a stage, or in the review,
    at most; None takes it away. Raises NotFound for an unknown stage."""
    plan = views.known_plan(work, review)
    if stage is not None:
        views.require_stage(views.known_stages(plan, store.dropped_stages(work, review)), review, stage)
    store.set_cap(work, review, person or "", stage or domain.WHOLE_REVIEW, votes)
