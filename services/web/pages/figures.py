"""Figures of people, for leads: how much is done, how far people agree, how their examples went, and who is given
what."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Page, Pages
from services.web.written import day_of
from shared.errors import Invalid
from shared.wire.screening import DayOfWork, StageAgreement

pages = Pages()

#: How many days are shown where nobody says which.
_DAYS = 14

#: How high the bar of the busiest day is, and how wide each is.
HIGH, WIDE = 24, 8


@dataclass(frozen=True)
class Load:
    """What somebody has done: their votes of each day, and what they decided; `bars` are as high as the days were busy,
    beside the busiest of anybody."""

    who: str
    by_day: Sequence[int]
    by_stage: Sequence[tuple[str, int]]
    decided: int
    bars: Sequence[int]

    @property
    def votes(self) -> int:
        return sum(self.by_day)

    @property
    def days(self) -> int:
        """The days on which they voted."""
        return sum(1 for n in self.by_day if n)

    @property
    def most(self) -> int:
        return max(self.by_day)

    @property
    def a_day(self) -> float:
        """Votes of a day on which they voted."""
        return round(self.votes / self.days, 1) if self.days else 0


@pages.page("/reviews/{review}/people/figures", allowed=("scripts",))
async def show_figures(asked: Asked) -> Drawn:
    """Workload, agreement, examples, assignments and caps, of one review."""
    review, api = asked.path["review"], asked.api.screening
    error = None
    try:
        since, until = await _days_asked(asked)
        work = await api.workload(review, since=since, until=until)
    except Invalid as found:
        error, work = found, []
        since = until = date.min
    agreement, training, caps, assigned, called = await asyncio.gather(
        api.agreement(review), api.training(review), api.caps(review), asked.sheet(api.assignments(review)),
        called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "since": since, "until": until, "loads": loads(work, since, until, called),
        "agreement": agreement, "training": training, "caps": caps, "assigned": assigned, "called": called,
        "drifted": list(_drifted(agreement, called)), "query": asked.query, "errors": errors_of(error),
        "high": HIGH, "wide": WIDE, "asked": {name: asked.query.get(name, "") for name in ("since", "until")},
    }  # fmt: skip
    return Page("figures.html", given, 200 if error is None else 422)


def loads(work: Iterable[DayOfWork], since: date, until: date, called: Callable[[str], str]) -> list[Load]:
    """What everybody has done, who did most first."""
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    found: dict[str, list[DayOfWork]] = {}
    for one in work:
        found.setdefault(one.person, []).append(one)
    of_day = {person: Counter[date]() for person in found}
    for person, lines in found.items():
        for line in lines:
            of_day[person][line.day] += line.votes
    busiest = max((n for counted in of_day.values() for n in counted.values()), default=0) or 1
    made = [
        Load(
            called(person),
            by_day := [of_day[person][day] for day in days],
            _by_stage(lines),
            sum(line.decided for line in lines),
            [-(-n * HIGH // busiest) for n in by_day],
        )
        for person, lines in found.items()
    ]
    return sorted(made, key=lambda load: (-load.votes, load.who))


def _by_stage(lines: Iterable[DayOfWork]) -> list[tuple[str, int]]:
    counted: Counter[str] = Counter()
    for line in lines:
        counted[line.stage] += line.votes
    return [(stage, n) for stage, n in sorted(counted.items()) if n]


def _drifted(agreement: Iterable[StageAgreement], called: Callable[[str], str]) -> Iterable[str]:
    for stage in agreement:
        for pair in stage.between:
            if pair.below:
                yield f"{called(pair.first)} + {called(pair.second)} ({stage.stage})"


async def _days_asked(asked: Asked) -> tuple[date, date]:
    """The days that the address asks for, or the last fourteen. Raises Invalid, naming it, for what is no day."""
    since, until = (day_of(asked, name) for name in ("since", "until"))
    last = until or (await asked.api.screening.my_day(asked.path["review"])).day
    return since or last - min(timedelta(days=_DAYS - 1), last - date.min), last
