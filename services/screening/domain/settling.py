"""Where forms agree: what those who parted on a record say alike, so that many such conflicts are settled at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.screening.domain.ballots import Ballot
from services.screening.domain.stages import answer_named
from shared.events.stages import Stage


class Form(Protocol):
    """What somebody filled in, in a vote or a first look."""

    @property
    def answer(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...
    @property
    def excluded_for(self) -> str | None: ...
    @property
    def judged_for(self) -> Sequence[str] | None: ...


class Cast(Form, Protocol):
    """A form that was cast as a vote."""

    @property
    def cast_on(self) -> str: ...
    @property
    def cast_at(self) -> datetime: ...


def differing(stage: Stage, forms: Sequence[Form]) -> list[str]:
    """What these forms do not say alike beside their answers, by the names that a ballot's faults have too. Of why a
    record is out, those are asked alone who exclude it."""
    filled = [Ballot(form.answer, fields=form.fields).filled_in for form in forms]
    named = list(dict.fromkeys(name for fields in filled for name in fields))
    found = [f"fields.{name}" for name in named if _differ([fields.get(name) for fields in filled])]
    if _differ([list(form.judged_for or ()) for form in forms]):
        found.append("judged_for")
    if _differ([form.excluded_for for form in forms if _excludes(stage, form)]):
        found.append("excluded_for")
    return found


def labels(stage: Stage) -> dict[str, str]:
    """What people read for the names of what differs."""
    fields = {f"fields.{field.name}": f"{field.label!r}" for field in stage.fields}
    return {**fields, "judged_for": "the CMOCs", "excluded_for": "the reason that it is out for"}


def came_after(task: str, votes: Sequence[Cast], look: datetime) -> bool:
    """Whether a vote may be another than whoever looked then has seen: cast since, or brought here by a merger."""
    return any(vote.cast_at > look or vote.cast_on != task for vote in votes)


def settled_by(stage: Stage, look: Form, forms: Sequence[Form], resolution: str) -> Ballot:
    """What decides a conflict by the answer of a first look, where these forms agree: it says what they say alike."""
    alike = forms[0]
    return Ballot(
        look.answer,
        resolution,
        Ballot(alike.answer, fields=alike.fields).filled_in,
        look.excluded_for if _excludes(stage, look) else None,
        tuple(alike.judged_for or ()),
    )


def _excludes(stage: Stage, form: Form) -> bool:
    answer = answer_named(stage, form.answer)
    return answer is not None and answer.leads_to == "exclude"


def _differ(values: Sequence[Any]) -> bool:
    """Whether these are not all the same; several that were chosen are so in whatever order."""
    alike = [sorted(map(str, value)) if isinstance(value, list) else value for value in values]
    return any(value != alike[0] for value in alike[1:])
