"""Conflicts that I looked at and put back: many decided at once by my own first looks, where the forms agree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from services.web import drawing
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages, Sheet
from services.web.pages.conflicts import Outcome, outcome_of, spoken
from shared.errors import Invalid, LivingError
from shared.events.protocol import Protocol
from shared.events.screening import VoteCast
from shared.events.stages import Stage
from shared.wire.screening import LookedAtConflict, Settlement

pages = Pages()


@dataclass(frozen=True)
class Row:
    """A conflict that I looked at: what becomes of it by my look, who answered what, what all of them say `alike`
    beside that, by its label, and the labels of what they do not."""

    conflict: LookedAtConflict
    outcome: Outcome | None
    votes: list[tuple[str, str]]
    alike: list[tuple[str, str]]
    differs: list[str]


@pages.page("/reviews/{review}/conflicts/looked-at", allowed=("scripts",))
async def show_looked_at(asked: Asked) -> Drawn:
    """The conflicts that I looked at and put back."""
    return await _looked_at(asked)


@pages.form("/reviews/{review}/conflicts/settle", allowed=("scripts",))
async def settle(asked: Asked) -> Drawn:
    """Decides those that are ticked, each by my first look; those that could not be are named, with why."""
    review, tasks = asked.path["review"], asked.texts("tasks")
    try:
        if not tasks:
            raise Invalid.of("tasks", drawing.text("settling.none_ticked"))
        with asked.done_once():
            done = await asked.api.screening.settle_conflicts(review, tasks, asked.text("resolution"))
    except Invalid as error:
        return await _looked_at(asked, error=error)
    if done.settled < len(done.conflicts):
        return await _looked_at(asked, done=done)
    return Go(drawing.url("reviews", review, "conflicts", "looked-at", settled=done.settled))


async def _looked_at(asked: Asked, *, error: LivingError | None = None, done: Settlement | None = None) -> Page:
    review = asked.path["review"]
    sheet, called = await asyncio.gather(
        asked.sheet(asked.api.screening.looked_at_conflicts(review), after=asked.text("after") or None),
        called_in(asked, review),
    )
    protocols = await _protocols(asked, {one.protocol_version for one in sheet.items})
    rows = Sheet([_row(one, protocols[one.protocol_version], called) for one in sheet.items], sheet.next)
    settled = asked.query.get("settled", "")
    ticked = _ticked(asked, sheet.items)
    given = {
        "review": review, "rows": rows, "errors": errors_of(error), "filled": asked.form,
        "query": {name: asked.query[name] for name in ("after", "ticked") if name in asked.query},
        "after": asked.text("after") or asked.query.get("after", ""), "ticked": ticked,
        "may": [one.task for one in sheet.items if one.refused is None],
        "settled": done.settled if done else int(settled) if settled.isascii() and settled.isdigit() else None,
        "refused": [one for one in done.conflicts if one.refused] if done else [],
    }  # fmt: skip
    return Page("looked-at.html", given, 200 if error is None and done is None else 422)


def _ticked(asked: Asked, conflicts: Collection[LookedAtConflict]) -> set[str]:
    """Which are ticked: those of the form, else, where the address asks for it, all that may be."""
    chosen = set(asked.texts("tasks"))
    every = asked.query.get("ticked") == "all"
    return {one.task for one in conflicts if one.refused is None and (every or one.task in chosen)}


async def _protocols(asked: Asked, versions: Collection[int]) -> Mapping[int, Protocol]:
    """The versions of the protocol that these were opened with, which are few."""
    review = asked.path["review"]
    found = await asyncio.gather(*(asked.api.protocol.version(review, version) for version in sorted(versions)))
    return {version: one.protocol for version, one in zip(sorted(versions), found, strict=True)}


def _row(one: LookedAtConflict, protocol: Protocol, called: Callable[[str], str]) -> Row:
    votes = [*one.votes, *(vote for other in one.elsewhere for vote in other.votes)]
    names = [stage.name for stage in protocol.stages]
    stage = protocol.stages[names.index(one.stage)] if one.stage in names else None
    labels = dict(_labels(stage))
    answers = {answer.value: answer for answer in stage.answers} if stage else {}
    answer = answers.get(one.look.answer)
    return Row(
        one,
        outcome_of(answer, one.stage, names, []) if answer is not None and answer.leads_to != "adjudicate" else None,
        [(called(vote.person), vote.answer) for vote in votes],
        list(_alike(votes[0], labels, one.differs)) if votes else [],
        [labels.get(name, name) for name in one.differs],
    )


def _alike(vote: VoteCast, labels: Mapping[str, str], differs: Collection[str]) -> Iterator[tuple[str, str]]:
    """What everybody says alike, as one of them does."""
    for at, label in labels.items():
        said = vote.judged_for if at == "judged_for" else vote.fields.get(at.removeprefix("fields."))
        if at not in (*differs, "excluded_for") and said not in (None, "", []):
            yield label, spoken(said)


def _labels(stage: Stage | None) -> Iterator[tuple[str, str]]:
    """What is said in a form beside the answer, by the name that it differs under, with its label."""
    yield from ((f"fields.{field.name}", field.label) for field in (stage.fields if stage else ()))
    yield "judged_for", drawing.text("conflicts.said.judged_for")
    yield "excluded_for", drawing.text("conflicts.said.excluded_for")
