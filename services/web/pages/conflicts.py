"""Conflicts: one's own answer first, then both forms side by side, and a decision that says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.web import drawing
from services.web.ballots import GONE, asks_for, ballot_of, filled_by, labels_of, letters
from services.web.faults import errors_of, labelled
from services.web.marking import marked
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.shortcuts import keys_of
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.events.screening import VoteCast
from shared.events.stages import Answer
from shared.wire.screening import MOST_IN_HAND, TaskInHand

pages = Pages()


@dataclass(frozen=True)
class Said:
    """What each of several people said of one thing, and what I said of it in my first look; `differs` where they did
    not say the same."""

    what: str
    by: list[str]
    mine: str

    @property
    def differs(self) -> bool:
        return len(set(self.by)) > 1


@dataclass(frozen=True)
class Outcome:
    """What becomes of a record by an answer: it `advances` to the stage `to`, is included where there is none, or is
    out; and who answered so."""

    answer: str
    advances: bool
    to: str | None
    like: list[str]


@pages.page("/reviews/{review}/conflicts", allowed=("scripts",))
async def show_conflicts(asked: Asked) -> Drawn:
    """The conflict that I have in hand; without one, those that wait."""
    return await _conflict(asked)


@pages.form("/reviews/{review}/conflicts/take")
async def take_conflict(asked: Asked) -> Drawn:
    """Takes one of those that wait: the one that is named, else the next."""
    review, record = asked.path["review"], asked.text("record")
    tasks = await asked.api.screening.claim_many(review, 1, kind="conflict", records=[record] if record else None)
    return Go(_here(asked) if tasks else _here(asked, done="nothing"))


@pages.form("/reviews/{review}/conflicts/look", allowed=("scripts",))
async def look(asked: Asked) -> Drawn:
    """Gives my own answer, after which the votes are shown."""
    review, lease = asked.path["review"], asked.text("lease")
    return await _answered(asked, asked.api.screening.look, _here(asked), review, lease)


@pages.form("/reviews/{review}/conflicts/decide", allowed=("scripts",))
async def decide(asked: Asked) -> Drawn:
    """Decides it, with why; where its voters decide together, says what I stand by now."""
    review, lease = asked.path["review"], asked.text("lease")
    return await _answered(asked, asked.api.screening.vote, _here(asked, done="decided"), review, lease)


@pages.form("/reviews/{review}/conflicts/release")
async def release(asked: Asked) -> Drawn:
    """Gives it back for somebody else to decide, or for me to decide later, once I have looked at it."""
    try:
        await asked.api.screening.release(asked.path["review"], asked.text("lease"))
    except (Conflict, NotFound) as error:
        if error.slug not in GONE:
            raise
    return Go(_here(asked, done="later" if asked.text("later") else ""))


async def _answered(asked: Asked, give: Any, then: str, review: str, lease: str) -> Drawn:
    try:
        held = await asked.api.screening.in_hand(review, lease)
        with asked.done_once():
            await give(review, lease, **ballot_of(asked, held))
    except Invalid as error:
        return await _conflict(asked, error)
    except (Conflict, NotFound) as error:
        if error.slug not in GONE | {"already_looked"}:
            raise
        return Go(_here(asked, gone=error.slug))
    return Go(then)


async def _conflict(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    try:
        held = await asked.api.screening.claim_many(review, MOST_IN_HAND, kind="conflict", mode="mine")
    except Forbidden:
        return await _for_others(asked)
    given: dict[str, Any] = {
        "review": review, "errors": errors_of(error), "filled": asked.form, "query": asked.query,
    }  # fmt: skip
    status = 200 if error is None else 422
    if not held:
        stage = asked.query.get("stage") or None
        waiting, queue, looked_at = await asyncio.gather(
            asked.sheet(asked.api.screening.conflicts(review, stage)),
            asked.api.screening.queue(review),
            asked.first(asked.api.screening.looked_at_conflicts(review)),
        )
        stages = [(it.stage, it.conflicts) for it in queue if it.conflicts]
        return Page(
            "conflicts.html",
            given | {"waiting": waiting, "stages": stages, "stage": stage, "looked_at": looked_at},
            status,
        )
    task = held[0]
    given["errors"] = labelled(given["errors"], labels_of(task))
    seen = task.decided_by_voters or task.look is not None
    called = await called_in(asked, review) if seen else str
    votes = [*task.votes, *(vote for one in task.elsewhere for vote in one.votes)]
    if task.look is not None and not asked.form:
        given["filled"] = filled_by(task.look)
    said = _beside(task, votes)
    given |= {
        "task": task, "letters": letters(asked, task.answers), "marked": marked(task), "seen": seen,
        "keys": keys_of(asked).actions, "asks": asks_for(task),
        "voters": [called(vote.person) for vote in votes], "said": said,
        "stands": [(called(stand.person), stand.answer) for stand in task.stands],
        "outcomes": outcomes(task, votes, await _stages(asked, task), called) if seen else [],
    }  # fmt: skip
    return Page("conflict.html", given, status)


async def _for_others(asked: Asked) -> Page:
    """What somebody is shown who decides no conflict: how many wait at which stage."""
    review = asked.path["review"]
    queue = await asked.api.screening.queue(review)
    stages = [(it.stage, it.conflicts) for it in queue if it.conflicts]
    return Page("conflicts-of-others.html", {"review": review, "stages": stages})


def _beside(task: TaskInHand, votes: list[VoteCast]) -> list[Said]:
    """What the votes say, thing by thing, beside one another and beside my first look."""

    def row(what: str, of: Callable[[VoteCast], str]) -> Said:
        return Said(what, [of(vote) for vote in votes], of(task.look) if task.look is not None else "")

    rows = [
        row("answer", lambda vote: vote.answer),
        row("excluded_for", lambda vote: vote.excluded_for or ""),
        row("judged_for", lambda vote: ", ".join(vote.judged_for)),
        *(row(field.label, partial(_filled, field.name)) for field in task.fields),
        row("reason", lambda vote: vote.reason or ""),
    ]
    return [one for one in rows if any(one.by) or one.mine]


def _filled(name: str, vote: VoteCast) -> str:
    return spoken(vote.fields.get(name))


def outcomes(
    task: TaskInHand, votes: Sequence[VoteCast], stages: Sequence[str], called: Callable[[str], str]
) -> list[Outcome]:
    """What each answer that I can give makes of the record, before I give it."""
    return [
        outcome_of(
            answer, task.stage, stages, [called(vote.person) for vote in votes if vote.answer == answer.value]
        )
        for answer in task.answers
    ]  # fmt: skip


def outcome_of(answer: Answer, stage: str, stages: Sequence[str], like: list[str]) -> Outcome:
    """What an answer at a stage makes of a record, and who answered so; `stages` are all, in their order."""
    later = stages[stages.index(stage) + 1 :] if stage in stages else []
    return Outcome(answer.value, answer.leads_to == "advance", next(iter(later), None), like)


async def _stages(asked: Asked, task: TaskInHand) -> list[str]:
    """The stages of the version of the protocol that a task was opened with, in their order."""
    version = await asked.api.protocol.version(asked.path["review"], task.protocol_version)
    return [stage.name for stage in version.protocol.stages]


def spoken(value: object) -> str:
    """A value of a form's field in words."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _here(asked: Asked, **said: str) -> str:
    return drawing.url("reviews", asked.path["review"], "conflicts", **said)
