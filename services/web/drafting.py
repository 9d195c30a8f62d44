"""Drafting: a draft beside what a lead saw of it before, so that whoever signs signs what they saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from services.web.page import Asked
from shared.events.synthesis import Change
from shared.wire.synthesis import CmocDrafted, DraftView, ManualSearch, StudyView

#: Letters of a mark: enough that no two lines of one draft have the same.
_LETTERS = 12


@dataclass(frozen=True)
class Arrived:
    """What differs from the draft that somebody saw: the lines that are new since, and how many are there no more."""

    came: list[Change]
    went: int


def marks_of(changes: Iterable[Change]) -> str:
    """The lines of a draft, as a form carries them."""
    return " ".join(_mark(change) for change in changes)


def arrived(draft: DraftView, seen: str) -> Arrived:
    """What a draft has otherwise than the one of which these are the lines."""
    before, now = set(seen.split()), {_mark(change): change for change in draft.changes}
    return Arrived([change for mark, change in now.items() if mark not in before], len(before - now.keys()))


def overdue(draft: DraftView) -> list[ManualSearch]:
    """The searches by hand without which it is signed only for a reason."""
    return [one for one in draft.manual if one.standing == "overdue"]


def reasons_of(asked: Asked, searches: Iterable[ManualSearch]) -> dict[str, str]:
    """What was written of each search that is left out."""
    return {one.strategy: asked.text(f"without.{one.strategy}") for one in searches}


def cmocs_by_theory(draft: DraftView) -> dict[str, list[CmocDrafted]]:
    """The CMOCs of each theory, in the protocol's order."""
    found: dict[str, list[CmocDrafted]] = {theory.theory: [] for theory in draft.theories}
    for cmoc in draft.cmocs:
        found.setdefault(cmoc.theory, []).append(cmoc)
    return found


def titles_of(studies: Iterable[StudyView]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The reports of each study, by record and title."""
    return {one.study: list(zip(one.records, one.titles, strict=True)) for one in studies}


def _mark(change: Change) -> str:
    said = "\0".join((change.cmoc, change.what, str(change.before), str(change.after)))
    return sha256(said.encode()).hexdigest()[:_LETTERS]
