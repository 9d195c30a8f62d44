"""Mine: what I did today, my votes, what I parked and noted, and how far I agree with others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.web import drawing
from services.web.ballots import asks_for, ballot_of, labels_of, letters
from services.web.faults import errors_of, labelled
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages, Sheet
from services.web.written import day_of
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.wire.screening import MyVote, PairAgreement, StageAgreement

pages = Pages()

#: What my votes are looked through by.
_ASKED = ("words", "stage", "answer", "since", "until")


@pages.page("/reviews/{review}/mine", allowed=("scripts",))
async def show_mine(asked: Asked) -> Drawn:
    """My day, my votes, and how far I agree."""
    return await _of_who_votes(asked, _mine(asked))


async def _mine(asked: Asked) -> Page:
    review, error = asked.path["review"], None
    votes: Sheet[MyVote]
    try:
        since, until = (day_of(asked, name) for name in ("since", "until"))
        words, stage, answer = (asked.query.get(name, "").strip() or None for name in ("words", "stage", "answer"))
        listing = asked.api.screening.my_votes(
            review, words=words, stage=stage, answer=answer, since=since, until=until
        )
        day, votes, queue, agreed = await asyncio.gather(
            asked.api.screening.my_day(review), asked.sheet(listing), asked.api.screening.queue(review), _agreed(asked)
        )
    except Invalid as found:
        error, votes = found, Sheet([], None)
        day, queue, agreed = await asyncio.gather(
            asked.api.screening.my_day(review), asked.api.screening.queue(review), _agreed(asked)
        )
    given = {
        "review": review, "day": day, "votes": votes, "stages": [it.stage for it in queue], "agreed": agreed,
        "query": asked.query, "asked": {name: asked.query.get(name, "") for name in _ASKED},
        "errors": errors_of(error),
    }  # fmt: skip
    return Page("mine.html", given, 200 if error is None else 422)


@pages.page("/reviews/{review}/mine/votes/{task}", allowed=("scripts",))
async def show_revision_of_vote(asked: Asked) -> Drawn:
    """The form of a task on which all votes are in, to say what I would answer now."""
    return await _revising(asked)


@pages.form("/reviews/{review}/mine/votes/{task}", allowed=("scripts",))
async def revise_vote(asked: Asked) -> Drawn:
    """Keeps what I would answer now beside my vote, which stays as it is."""
    review, task = asked.path["review"], asked.path["task"]
    try:
        form = await asked.api.screening.task(review, task)
        with asked.done_once():
            await asked.api.screening.revise(review, task, **ballot_of(asked, form))
    except (Invalid, Conflict) as error:
        return await _revising(asked, error)
    return Go(drawing.url("reviews", review, "mine", done="revised"))


async def _revising(asked: Asked, error: LivingError | None = None) -> Page:
    review, task = asked.path["review"], asked.path["task"]
    form = await asked.api.screening.task(review, task)
    given = {
        "review": review, "task": form, "filled": asked.form, "letters": letters(asked, form.answers),
        "asks": asks_for(form), "errors": labelled(errors_of(error), labels_of(form)),
    }  # fmt: skip
    status = 200 if error is None else 409 if isinstance(error, Conflict) else 422
    return Page("revise.html", given, status)


@pages.page("/reviews/{review}/mine/parked", allowed=("scripts",))
async def show_parked(asked: Asked) -> Drawn:
    """What I parked, each to be brought back; for a lead what anybody parked."""
    return await _of_who_votes(asked, _parked(asked))


@pages.form("/reviews/{review}/mine/parked", allowed=("scripts",))
async def bring_back(asked: Asked) -> Drawn:
    """Brings one back to the queue."""
    try:
        with asked.done_once():
            await asked.api.screening.unpark(asked.path["review"], asked.text("task"))
    except (Conflict, Forbidden, NotFound) as error:
        return await _parked(asked, error)
    return Go(drawing.url("reviews", asked.path["review"], "mine", "parked", done="back"))


@pages.page("/reviews/{review}/mine/notes", allowed=("scripts",))
async def show_notes(asked: Asked) -> Drawn:
    """My notes and tags."""
    return await _of_who_votes(asked, _notes(asked))


async def _of_who_votes(asked: Asked, made: Coroutine[Any, Any, Page]) -> Page:
    """A page of what is mine; for who reads and does not vote, one that says that there is nothing yet."""
    try:
        return await made
    except Forbidden as error:
        if error.slug != "role_needed":
            raise
        return Page("nothing-mine.html", {"review": asked.path["review"]})


async def _notes(asked: Asked) -> Page:
    review = asked.path["review"]
    notes = await asked.sheet(asked.api.screening.notes(review))
    return Page("my-notes.html", {"review": review, "notes": notes, "query": asked.query})


async def _parked(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    parked = await asked.sheet(asked.api.screening.parked(review))
    given = {"review": review, "parked": parked, "query": asked.query, "errors": errors_of(error)}
    return Page("my-parked.html", given, 200 if error is None else 409)


async def _agreed(asked: Asked) -> list[tuple[str, str, PairAgreement]]:
    """By stage, how far I agree with each whom I can be compared with."""
    review = asked.path["review"]
    me, called, stages = await asyncio.gather(asked.api.people.me(), called_in(asked, review), _stages_agreed(asked))
    return [(stage.stage, _other(pair, me.person, called), pair) for stage in stages for pair in stage.between
            if me.person in (pair.first, pair.second)]  # fmt: skip


async def _stages_agreed(asked: Asked) -> list[StageAgreement]:
    """How far people agree, where that may lead me no more; nothing before a vote of mine is on a task that has all."""
    try:
        return await asked.api.screening.agreement(asked.path["review"])
    except Forbidden as error:
        if error.slug != "votes_first":
            raise
        return []


def _other(pair: PairAgreement, me: str, called: Callable[[str], str]) -> str:
    return called(pair.second if pair.first == me else pair.first)
