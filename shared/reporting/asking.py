"""Asking: where each number of a report comes from, so that whoever reads it can ask for it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: A step into an answer: a field, every item of a list, or the items that have this in a field.
Step = str | tuple[str, str]
EVERY = "*"

#: What is done with all that the steps lead to: there is one of it, or it is counted, each once, or added up.
How = Literal["value", "count", "distinct", "sum"]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the API. A `listing` is gone through page after page; what is not `needed` may not
    be there, or not be for whoever asks."""

    path: str
    asked: tuple[tuple[str, str], ...] = ()
    listing: bool = False
    needed: bool = field(default=True, compare=False)

    @property
    def line(self) -> str:
        """As somebody would ask it."""
        asked = "&".join(f"{name}={value}" for name, value in self.asked)
        line = f"GET {self.path}" + (f"?{asked}" if asked else "")
        return f"{line}, page after page" if self.listing else line


@dataclass(frozen=True, slots=True)
class Query:
    """A request, and how a number is read out of its answer."""

    request: Request
    steps: tuple[Step, ...]
    how: How = "value"

    @property
    def reading(self) -> str:
        """How it is read, in words: `stages[stage=sift].reached.n`, `count of items[*]`. Steps into
        a listing begin at its items."""
        said = "items" if self.request.listing else ""
        for step in self.steps:
            if isinstance(step, tuple):
                said += f"[{step[0]}={step[1]}]"
            elif step == EVERY:
                said += "[*]"
            else:
                said += f".{step}" if said else step
        return said if self.how == "value" else f"{self.how} of {said or 'the answer'}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a report, with the query that gives it again."""

    value: int | float
    query: Query


def found_in(answer: Any, steps: tuple[Step, ...]) -> list[Any]:
    """All that the steps lead to; nothing where one leads nowhere."""
    found = [answer]
    for step in steps:
        found = [inner for each in found for inner in _stepped(each, step)]
    return found


def reckoned(answer: Any, query: Query) -> int | float | None:
    """The number that a query reads out of an answer; None where there is none."""
    found = found_in(answer, query.steps)
    if query.how == "count":
        return len(found)
    if query.how == "distinct":
        return len(set(found))
    numbers = [it for it in found if isinstance(it, int | float) and not isinstance(it, bool)]
    if query.how == "sum":
        return sum(numbers)
    return numbers[0] if len(found) == len(numbers) == 1 else None


def _stepped(each: Any, step: Step) -> Iterator[Any]:
    if isinstance(step, tuple):
        name, value = step
        yield from (it for it in _items(each) if isinstance(it, Mapping) and str(it.get(name)) == value)
    elif step == EVERY:
        yield from _items(each)
    elif isinstance(each, Mapping) and step in each:
        yield each[step]


def _items(each: Any) -> list[Any]:
    if isinstance(each, Mapping):
        return list(each.values())
    return each if isinstance(each, list) else []
