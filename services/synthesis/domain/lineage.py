"""Lineage: how a CMOC went that the protocol has no more, and in which others it lives on, as people decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.events.protocol import Protocol
from shared.events.synthesis import Happened
from shared.wire.synthesis import GoneHow


@dataclass(frozen=True, slots=True)
class Gone:
    """What a version of the protocol says became of a CMOC that it has no more."""

    how: GoneHow
    happened: Happened
    into: tuple[str, ...] = ()
    why: str | None = None
    dissent: str | None = None


def gone_by(cmoc: str, protocol: Protocol) -> Gone:
    """What this version says of a CMOC that it has not: where others have it in their lineage it is split into several,
    merged into one with further parents, or goes on in other words; else it is refuted or set aside, as is said."""
    children = [it for it in protocol.cmocs if cmoc in it.lineage]
    said = next((it for it in protocol.set_aside if it.cmoc == cmoc), None)
    if said is not None:
        happened: Happened = "refuted" if said.how == "refuted" else "set_aside"
        return Gone(said.how, happened, tuple(it.id for it in children), said.why, said.dissent)
    into = tuple(it.id for it in children)
    notes = [it.lineage_note for it in children if it.lineage_note]
    why = f"it goes on as {', '.join(into)}" + (f": {notes[0]}" if notes else "")
    if len(children) > 1:
        return Gone("split", "split", into, why)
    if children:
        is_merged = len(children[0].lineage) > 1
        return Gone("merged", "merged", into, why) if is_merged else Gone("refined", "refined", into, why)
    return Gone("set_aside", "set_aside")


def kin_of(
    cmoc: str, parents: Mapping[str, Sequence[str]], into: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[str]]:
    """Those that a CMOC was made of and those that it became, near and far, the nearest first; each once, also where
    they go round in circles."""
    children = {
        name: [*became, *(child for child, of in parents.items() if name in of and child not in became)]
        for name, became in {**dict.fromkeys(parents, ()), **into}.items()
    }
    return list(_walked(cmoc, parents)), list(_walked(cmoc, children))


def _walked(start: str, ways: Mapping[str, Sequence[str]]) -> Iterator[str]:
    seen, waiting = {start}, list(ways.get(start, ()))
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in ways:
            continue
        seen.add(name)
        yield name
        waiting += ways[name]
