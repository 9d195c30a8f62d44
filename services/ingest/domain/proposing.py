"""How well a proposer does on what people coded themselves, before anybody is shown what it proposes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from shared.events.synthesis import Element, Stance
from shared.states import States
from shared.wire.ingest import ProposingState

#: From how many links on that people coded an evaluation is enough to switch a proposer on.
LEAST_LINKS: Final = 20

#: Copies that one evaluation reads, and proposals of one copy that are kept.
MOST_COPIES, MOST_PROPOSED = 200, 500

#: How often a proposer is asked for the same again, and seconds between, which double.
MOST_TRIES, PAUSE, LONGEST_PAUSE = 5, 30, 3600

_Z = 1.959964


class ProposingStates(States[ProposingState]):
    """What was asked of a proposer: to be evaluated, or to read a copy."""

    WAITING: Final = "waiting"
    DONE: Final = "done"
    FAILED: Final = "failed"

    what = "proposing"
    moves = {
        (None, WAITING): "a lead asks for an evaluation, or a coder for proposals",
        (WAITING, DONE): "the proposer has read what it was to read",
        (WAITING, FAILED): "it was tried too often, or is another one by now",
        (FAILED, WAITING): "a coder asks again",
    }


@dataclass(frozen=True, slots=True)
class Located:
    """That some characters of a copy speak to an element of a CMOC: as somebody coded, or as is proposed."""

    begins: int
    ends: int
    cmoc: str
    element: Element
    stance: Stance

    def says_as(self, other: Located) -> bool:
        """Whether it says the same, of characters of which some are the same."""
        same = (self.cmoc, self.element, self.stance) == (other.cmoc, other.element, other.stance)
        return same and self.begins < other.ends and other.begins < self.ends


def held_against(coded: Collection[Located], proposed: Collection[Located]) -> tuple[int, int]:
    """How many of what people coded was found, and how many of what was proposed is right."""
    found = sum(any(one.says_as(it) for it in proposed) for one in coded)
    right = sum(any(it.says_as(one) for one in coded) for it in proposed)
    return found, right


def share(part: int, of: int) -> list[float] | None:
    """A share with its 95 % interval by Wilson, as share, low and high; None of nothing."""
    if of == 0:
        return None
    p, z = part / of, _Z**2
    middle, half = p + z / (2 * of), _Z * sqrt(p * (1 - p) / of + z / (4 * of**2))
    low, high = (middle - half) / (1 + z / of), (middle + half) / (1 + z / of)
    return [round(p, 4), round(max(low, 0.0), 4), round(min(high, 1.0), 4)]


def is_enough(links: int) -> bool:
    return links >= LEAST_LINKS


def pause_after(tries: int, asked: float | None) -> float:
    """Seconds before it is tried again; what a server asks for is heeded up to an hour."""
    return min(max(PAUSE * 2.0 ** min(tries - 1, 10), asked or 0.0), LONGEST_PAUSE)


def distinct(found: Iterable[Located]) -> list[Located]:
    """Each once, in the order in which they stand."""
    return sorted(set(found), key=lambda it: (it.begins, it.ends, it.cmoc, it.element, it.stance))
