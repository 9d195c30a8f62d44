"""Amending a protocol: what a file changes, and what becomes of what is there, shown before it is applied."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from services.cli.printing import counted, out
from services.cli.visible import visible
from shared.client.amending import effects_of
from shared.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.events.protocol import Protocol
    from shared.wire.protocol import Difference
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
    effects = effects_of(before, protocol, _queue(living, protocol.review))
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
