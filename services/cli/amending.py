"""Amending a protocol: what a file changes, and what becomes of what is there, shown before it is applied."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from services.cli.printing import counted, out
from services.cli.visible import visible
from shared.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from services.protocol.domain.differences import Difference
    from shared.client import Client
    from shared.events.protocol import Protocol
    from shared.wire.screening import StageQueue

#: Characters that are shown of what was said, and of what is.
_GIST = 200


def amended(living: Client, protocol: Protocol) -> tuple[int, list[Difference], list[str]]:
    """The newest version of a file's review (0 where there is none), what the file says otherwise, and what follows."""
    from services.protocol.domain.differences import differences

    try:
        newest = living.protocol.newest(protocol.review)
    except NotFound:
        return 0, [], []
    before = _read(newest.protocol)
    effects = _effects(before, protocol, _queue(living, protocol.review))
    return newest.version, differences(before, protocol), list(effects)


def print_amendment(version: int, changes: Sequence[Difference], effects: Sequence[str]) -> None:
    out.print(f"Against version {version}: {counted(len(changes), 'change')}")
    for change in changes:
        out.print(Text(f"  {change.at}", style="bold"), soft_wrap=True)
        for sign, said, style in (("-", change.before, "red"), ("+", change.after, "green")):
            if said is not None:
                out.print(Text(f"    {sign} {_gist(said)}", style=style), soft_wrap=True)
    for effect in effects:
        out.print(Text(f"What follows: {effect}", style="yellow"), soft_wrap=True)


def _effects(before: Protocol, after: Protocol, queue: Sequence[StageQueue]) -> Iterator[str]:
    """What becomes of tasks and records, as screening does with a new version."""
    waiting = {stage.stage: stage for stage in queue}
    kept = {stage.name: stage for stage in after.stages}
    for stage in before.stages:
        there = waiting.get(stage.name)
        tasks = there.open + there.conflicts if there is not None else 0
        if stage.name not in kept and tasks:
            yield (
                f"{counted(tasks, 'task')} of stage {stage.name!r}, which is gone: what nobody has begun goes on to "
                "the next stage that it has not passed; the others, and those that have none, stay with the question "
                "that they were opened with, until people have answered it"
            )
        elif stage.name in kept and tasks and kept[stage.name] != stage:
            yield (
                f"{counted(tasks, 'task')} of stage {stage.name!r} that wait: those that nobody has begun are asked as "
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


def _queue(living: Client, review: str) -> list[StageQueue]:
    try:
        return living.screening.queue(review)
    except (NotFound, Forbidden):
        return []


def _read(document: Any) -> Protocol:
    from shared.events.protocol import Protocol

    return Protocol.model_validate_json(json.dumps(document, default=str), extra="ignore")


def _gist(said: Any) -> str:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return visible(text if len(text) <= _GIST else f"{text[:_GIST]}...")
