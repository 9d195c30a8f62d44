"""How voters come to one answer: whom a conflict that they decide together still asks, and when it is decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol


class Stand(Protocol):
    """What a voter stands by; each has one at most, and a later one has a higher number."""

    @property
    def person(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def number(self) -> int: ...


def agreed(voters: Collection[str], stands: Sequence[Stand]) -> str | None:
    """The answer that all of these voters, two at least, stand by; None while there is none."""
    theirs = {stand.person: stand.answer for stand in stands if stand.person in voters}
    answers = set(theirs.values())
    return answers.pop() if len(voters) > 1 and len(theirs) == len(voters) and len(answers) == 1 else None


def is_asked(voter: str, voters: Collection[str], stands: Sequence[Stand]) -> bool:
    """Whether a voter is asked: they have said nothing, or another voter stands by something else since.

    While voters have not agreed, one of them at least is asked.
    """
    mine = next((stand for stand in stands if stand.person == voter), None)
    others = [stand for stand in stands if stand.person in voters and stand.person != voter]
    return mine is None or any(it.answer != mine.answer and it.number > mine.number for it in others)
