"""Whom a revision concerns: whoever asked for what it changes, by as much."""

from __future__ import annotations

from collections.abc import Mapping

from shared.events.synthesis import FURTHER_CHANGES, RANKS, THEORY, RevisionPublished

#: What stands for all that a review says.
EVERYTHING = ""


def interests(theories: list[str], cmocs: list[str]) -> list[str]:
    """What a subscription is told of: some theories and CMOCs, or everything."""
    return [*(of_theory(it) for it in theories), *(of_cmoc(it) for it in cmocs)] or [EVERYTHING]


def of_theory(theory: str) -> str:
    return f"{THEORY}{theory}"


def of_cmoc(cmoc: str) -> str:
    return f"cmoc {cmoc}"


def concerned(event: RevisionPublished) -> dict[str, int]:
    """What a revision changes, and how much each of it at most; everything by the class of the whole.

    Where it has more changes than an event holds, whatever it states may be among them.
    """
    theories = {it.cmoc: it.theory for it in event.words} | {it.cmoc: it.theory for it in event.states}
    changed: dict[str, int] = {EVERYTHING: RANKS[event.change_class]}
    for change in event.changes:
        rank = RANKS[change.change_class]
        if change.cmoc:
            _raise(changed, of_cmoc(change.cmoc), rank)
            if change.cmoc in theories:
                _raise(changed, of_theory(theories[change.cmoc]), rank)
            if change.what == "theory" and isinstance(change.before, str):
                _raise(changed, of_theory(change.before), rank)
        elif change.what == FURTHER_CHANGES:
            for cmoc, theory in theories.items():
                _raise(changed, of_cmoc(cmoc), rank)
                _raise(changed, of_theory(theory), rank)
        else:
            _raise(changed, change.what, rank)  # It is of a theory, and spelt as in `of_theory`.
    return changed


def by_rank(changed: Mapping[str, int]) -> dict[int, list[str]]:
    """What is changed by as much, together."""
    together: dict[int, list[str]] = {}
    for what, rank in changed.items():
        together.setdefault(rank, []).append(what)
    return together


def _raise(changed: dict[str, int], what: str, rank: int) -> None:
    changed[what] = max(rank, changed.get(what, 0))
