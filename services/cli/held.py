"""What one has in hand, as commands are given it: by its lease, by its task, or as `mine` where there is but one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli.commands import argument
from shared.client import Client
from shared.errors import Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from shared.wire.screening import Kind, TaskInHand

#: What stands for the one record that somebody holds.
MINE = "mine"

LEASE = argument("lease", "The lease that `living queue next` showed, or `mine` where it is the only one you hold.")
TASK = argument("task", "A task, the lease by which you hold it, or `mine` where it is the only one you hold.")


def lease_of(living: Client, review: str, given: str) -> str:
    """A lease by its id, or the only one that somebody holds. Raises NotFound where they hold none, Invalid where they
    hold several, for nobody is to answer what they did not read."""
    return given if given != MINE else _only(living, review).lease


def task_of(living: Client, review: str, given: str) -> str:
    """A task by its own id, by that of a lease, or the only one that somebody holds. Raises as `lease_of`."""
    if given == MINE:
        return _only(living, review).task
    return living.screening.in_hand(review, given).task if given.startswith("lease_") else given


def _only(living: Client, review: str) -> TaskInHand:
    held = [*_held(living, review, "screening"), *_held(living, review, "conflict")]
    if not held:
        raise NotFound("you hold nothing: living queue next shows you a record", slug="nothing_held")
    if len(held) > 1:
        found = [
            {"at": task.lease, "why": f"{task.record.title or task.record.record} ({task.stage})"} for task in held
        ]
        raise Invalid(f"you hold {len(held)} records, so name the lease of one", found, slug="several_held")
    return held[0]


def _held(living: Client, review: str, kind: Kind) -> list[TaskInHand]:
    try:
        return living.screening.claim_many(review, 50, None, kind, "mine")
    except Forbidden:
        return []  # Who may hold no conflicts holds none.
