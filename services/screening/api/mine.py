"""The routes of what people have done: their own votes, their day, and for leads how much everybody does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from services.screening import domain, store, views
from services.screening.api.router import Reading, router
from shared.errors import Invalid
from shared.http.auth import Lead, Reviewer
from shared.http.paging import Hundred
from shared.http.parameters import Day, Name, Word
from shared.paging import Page
from shared.wire.screening import DayAnswers, DayOfWork, MyDay, MyVote

Review = Name

#: How many days of work are told at once, and how many where nothing is said.
MOST_DAYS, USUAL_DAYS = 31, 14


@router.get("/reviews/{review}/votes/mine")
def list_own_votes(
    review: Review,
    work: Reading,
    person: Reviewer,
    page: Hundred,
    stage: Word | None = None,
    answer: Word | None = None,
    since: Day | None = None,
    until: Day | None = None,
    words: Word | None = None,
) -> Page[MyVote]:
    """One's own votes that stand, the newest first: at a stage, with an answer, cast within these days (UTC), and on
    records whose titles have all of these words."""
    views.known_plan(work, review)
    begins, ends = _begin(since) if since else None, _end(until) if until else None
    asked = store.VotesAsked(stage, answer, begins, ends, words)
    found = store.page_of_own_votes(work, review, person.id, asked, page)
    return found.shown_as(views.own_votes(work, found.rows))


@router.get("/reviews/{review}/votes/mine/day")
def show_own_day(review: Review, work: Reading, person: Reviewer, day: Day | None = None) -> MyDay:
    """What one has done on a day (UTC), today where none is given."""
    views.known_plan(work, review)
    that = day or domain.midnight(work.now).date()
    lately = work.now - timedelta(hours=1)
    counted = store.answers_between(work, review, person.id, _begin(that), _end(that), lately)
    return MyDay(
        day=that, n=sum(n for *_, n, _ in counted), last_hour=sum(late for *_, late in counted),
        answers=[
            DayAnswers(stage=stage, answer=answer, deciding=deciding, n=n) for stage, answer, deciding, n, _ in counted
        ],
    )  # fmt: skip


@router.get("/reviews/{review}/workload")
def list_workload(
    review: Review, work: Reading, person: Lead, since: Day | None = None, until: Day | None = None
) -> list[DayOfWork]:
    """How many votes everybody has cast, by day (UTC), person and stage: within at most 31 days, the last 14 where
    nothing is said. What anybody answered is not told."""
    views.known_plan(work, review)
    usual, today = timedelta(days=USUAL_DAYS - 1), domain.midnight(work.now).date()
    last = until or (since + min(usual, date.max - since) if since else today)
    first = since or last - min(usual, last - date.min)
    if last < first:
        raise Invalid.of("until", f"{last} is before {first}")
    if (last - first).days >= MOST_DAYS:
        raise Invalid.of("since", f"is more than {MOST_DAYS} days before {last}; ask for fewer at once")
    found = store.work_between(work, review, _begin(first), _end(last))
    return [
        DayOfWork(day=day, person=person, stage=stage, votes=votes, decided=decided)
        for day, person, stage, votes, decided in found
    ]


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _end(day: date) -> datetime:
    """When the day after begins; the last day of all has none."""
    return _begin(day + timedelta(days=1)) if day < date.max else datetime.max.replace(tzinfo=UTC)
