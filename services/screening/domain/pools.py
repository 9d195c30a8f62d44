"""Pools: people who alone are given some tasks of a stage, and which of its records each is of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.canonical import canonical_json
from shared.events.stages import Stage

#: Of how many parts all records of a stage are.
WHOLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Pool:
    """So many people, who are of the records drawn from `begins` to before `ends`, or of named ones alone."""

    id: str
    members: int
    begins: int | None = None
    ends: int | None = None

    def takes(self, drawn: int) -> bool:
        return self.begins is not None and self.ends is not None and self.begins <= drawn < self.ends


def pool_of(stage: Stage, review: str, record: str, pools: Mapping[str, Pool], assigned_to: str | None) -> str:
    """The pool of a record at a stage among those that the stage has: the one that it is assigned to by name, or the
    one of its share; '' is anybody. A pool of fewer people than the stage asks for votes has nothing, since what they
    began nobody could finish: which of the records need how many votes must not show either."""
    pool = pools.get(assigned_to) if assigned_to is not None else None
    if pool is None:
        part = drawn(review, record, stage.name)
        pool = next((it for it in pools.values() if it.takes(part)), None)
    return pool.id if pool is not None and pool.members >= stage.votes else ""


def drawn(review: str, record: str, stage: str) -> int:
    """Which of the parts of a stage a record is of, by their names alone: the same on every machine. It says nothing of
    whether the record is double screened, which is drawn by itself."""
    digest = hashlib.sha256(canonical_json([review, record, stage, "pool"])).digest()
    return int.from_bytes(digest[:8]) * WHOLE >> 64


def dealt(people: Sequence[str], votes: int, percent: int) -> list[tuple[tuple[str, ...], int]]:
    """Pools in which each of these people has `percent` of a stage's records, with how large a part each pool is.

    Each record gets `votes` people: the first with the next ones, the second with those after them, and so on round.
    """
    if len(people) == votes:
        return [(tuple(people), WHOLE * percent // 100)]
    round_again = [*people, *people]
    return [
        (tuple(round_again[first : first + votes]), WHOLE * percent // (100 * votes)) for first in range(len(people))
    ]


def first_gap(width: int, used: Iterable[tuple[int, int]]) -> int | None:
    """Where so large a part is free between those that are used; None where it is nowhere."""
    begins = 0
    for first, last in sorted(used):
        if first - begins >= width:
            return begins
        begins = max(begins, last)
    return begins if WHOLE - begins >= width else None


def sample_order(assignment: str, record: str) -> bytes:
    """By what a sample is drawn: the lowest are in it."""
    return hashlib.sha256(canonical_json([assignment, record])).digest()
