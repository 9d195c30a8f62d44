"""Saturation: what each study that was added changed, as the evidence that counts today came in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Literal

from services.synthesis.domain.states import (
    ENOUGH_STUDIES,
    PARTS,
    SHOWN,
    Link,
    Report,
    is_credible,
    parts_of,
    shows,
    status_without,
)
from shared.events.synthesis import Element
from shared.wire.synthesis import AddedChange, CmocMoved, Evidenced, StatusRule

What = Literal["status", "context", "resource", "reasoning", "outcome", "support"]

#: The parts of a CMOC, of which it is said how each is evidenced.
_WORDED: tuple[Literal["context", "resource", "reasoning", "outcome"], ...] = (
    "context", "resource", "reasoning", "outcome",
)  # fmt: skip


_ORDER: tuple[What, ...] = ("status", *_WORDED, "support")


@dataclass(slots=True)
class Added:
    """A study in the order of its first link: when that was made, how many of its links count, how many count no more,
    and what it changed."""

    study: str
    coded_at: datetime
    links: int = 0
    gone: int = 0
    changes: list[CmocMoved] = field(default_factory=list)

    @property
    def change(self) -> AddedChange:
        """The greatest of what it changed."""
        moved: set[str] = {one.what for one in self.changes}
        if "status" in moved:
            return "status"
        if moved.intersection(_WORDED):
            return "element"
        return "support" if moved else "nothing"

    @property
    def speaks(self) -> bool:
        return self.links > 0


class Replay:
    """Takes links one by one, in the order in which they were made, and keeps what each study changed by them. What it
    holds grows with the studies of each CMOC, not with the links."""

    def __init__(self, cmocs: Iterable[str]) -> None:
        self._cmocs = {cmoc: _Standing() for cmoc in cmocs}
        self._added: dict[str, Added] = {}
        #: Of each CMOC and each that changes of it the study that changed it last, and what it was before that study.
        self._last: dict[tuple[str, What], tuple[str, int]] = {}

    def take(self, link: Link, report: Report, at: datetime, *, withdrawn: bool) -> None:
        added = self._added.setdefault(report.study, Added(report.study, at))
        cmoc = self._cmocs.get(link.cmoc)
        if withdrawn or not report.stands or cmoc is None:
            added.gone += 1
            return
        added.links += 1
        before = cmoc.seen()
        cmoc.take(link, report)
        for what, now in cmoc.seen().items():
            if now != before[what]:
                self._move(added, link.cmoc, what, before[what], now)

    def _move(self, added: Added, cmoc: str, what: What, before: str, after: str) -> None:
        """One study's changes of the same, with no other's between, are one."""
        by, at = self._last.get((cmoc, what), ("", 0))
        if by == added.study:
            added.changes[at] = added.changes[at].model_copy(update={"after": after})
            return
        self._last[cmoc, what] = (added.study, len(added.changes))
        added.changes.append(CmocMoved(cmoc=cmoc, what=what, before=before, after=after))

    def added(self) -> list[Added]:
        """Every study, in the order in which they came; what it changed, CMOC by CMOC."""
        order = {cmoc: at for at, cmoc in enumerate(self._cmocs)}
        for one in self._added.values():
            moved = (it for it in one.changes if it.before != it.after)
            one.changes = sorted(moved, key=lambda it: (order[it.cmoc], _ORDER.index(it.what)))
        self._last.clear()
        return list(self._added.values())

    def standing(self) -> Mapping[str, Mapping[What, str]]:
        """How each CMOC stands after all that was taken."""
        return {name: cmoc.seen() for name, cmoc in self._cmocs.items()}


def unchanged(added: Iterable[Added]) -> int:
    """How many of those that speak, the last ones in a row, changed neither a status nor an element."""
    speaking = [one for one in added if one.speaks]
    return sum(1 for _ in takewhile(lambda one: one.change in ("support", "nothing"), reversed(speaking)))


def since(added: Iterable[Added], at: datetime | None) -> int:
    """How many of those that speak came after an instant; all of them, where there is none."""
    return sum(1 for one in added if one.speaks and (at is None or one.coded_at > at))


class _Standing:
    """How a CMOC stands by the links so far: the rules of `states`, kept up link by link."""

    def __init__(self) -> None:
        self.contested = False
        self.behind: set[str] = set()
        self.showing: set[str] = set()
        self.elements: dict[Element, Evidenced] = dict.fromkeys(PARTS, "none")

    def take(self, link: Link, report: Report) -> None:
        reports = {link.record: report}
        if link.stance != "contradicts":
            self.behind.add(report.study)
        elif is_credible(link, reports):
            self.contested = True
        if shows(link, reports):
            self.showing.add(report.study)
            self.elements |= dict.fromkeys(parts_of(link), "explicit")
        elif link.stance in ("supports", "refines"):
            self.elements |= {part: "inferred" for part in parts_of(link) if self.elements[part] == "none"}

    def seen(self) -> dict[What, str]:
        seen: dict[What, str] = {what: self.elements[what] for what in _WORDED}
        return seen | {"status": status_without(list(self._unmet())), "support": str(len(self.behind))}

    def _unmet(self) -> Iterator[StatusRule]:
        if self.contested:
            yield "no_credible_contradiction"
        if not self.behind:
            yield "has_support"
        yield from (SHOWN[part] for part in PARTS if self.elements[part] != "explicit")
        if len(self.showing) < ENOUGH_STUDIES:
            yield "enough_studies"
