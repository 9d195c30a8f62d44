"""Amending: what becomes of tasks and records when a version of a protocol follows another, as screening has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.events.protocol import Protocol
    from shared.wire.screening import StageQueue


def effects_of(before: Protocol, after: Protocol, queue: Sequence[StageQueue]) -> Iterator[str]:
    """What becomes of tasks and records, as screening does with a new version."""
    waiting = {stage.stage: stage for stage in queue}
    kept = {stage.name: stage for stage in after.stages}
    for stage in before.stages:
        there = waiting.get(stage.name)
        tasks = there.open + there.conflicts if there is not None else 0
        if stage.name not in kept and tasks:
            yield (
                f"{_tasks(tasks)} of stage {stage.name!r}, which is gone: what nobody has begun goes on to "
                "the next stage that it has not passed; the others, and those that have none, stay with the question "
                "that they were opened with, until people have answered it"
            )
        elif stage.name in kept and tasks and kept[stage.name] != stage:
            yield (
                f"{_tasks(tasks)} of stage {stage.name!r} that wait: those that nobody has begun are asked as "
                "the new version says; those with a vote, or in somebody's hand, stay as they were opened"
            )
    dates = (before.published_after, before.published_until)
    if dates != (after.published_after, after.published_until):
        yield (
            "every record is held against the dates again: what they kept out and now admit is opened, what nobody has "
            "voted on and they now refuse is closed"
        )
    known = {cmoc.id: cmoc for cmoc in before.cmocs}
    worded = [cmoc.id for cmoc in after.cmocs if known.get(cmoc.id) not in (None, cmoc)]
    anew = [stage.name for stage in after.stages if stage.reopen_when_theory_changes]
    if worded and anew:
        yield f"what was excluded for {', '.join(worded)} at {', '.join(anew)} is asked anew"


def _tasks(number: int) -> str:
    return f"{number} {'task' if number == 1 else 'tasks'}"
