"""What one version of a protocol says otherwise than another, for whoever is about to amend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.events.protocol import Protocol
from shared.wire.protocol import Difference

#: By which key the parts of a list are told apart, the first that they all have.
_NAMES = ("id", "name", "value", "role")

#: How the place ends of what is a list in another order.
_ORDER = " (order)"


def differences(before: Protocol, after: Protocol) -> list[Difference]:
    """What is said otherwise, in the order of the protocol's parts; the order of parts that have names counts too,
    since records go through stages in it."""
    return list(_between("", before.model_dump(mode="json"), after.model_dump(mode="json")))


def counted(changes: Iterable[Difference]) -> dict[str, int]:
    """How many of them are of each part of a protocol, in its order: what stands before the first dot of `at`."""
    return dict(Counter(change.at.partition(".")[0].removesuffix(_ORDER) for change in changes))


def _between(at: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _between(f"{at}.{key}" if at else str(key), before.get(key), after.get(key))
    elif (one := _named(before)) is not None and (other := _named(after)) is not None:
        for name in dict.fromkeys([*one, *other]):
            yield from _between(f"{at}.{name}", one.get(name), other.get(name))
        kept = [name for name in one if name in other], [name for name in other if name in one]
        if kept[0] != kept[1]:
            yield Difference(at=f"{at}{_ORDER}", before=kept[0], after=kept[1])
    else:
        yield Difference(at=at, before=before, after=after)


def _named(parts: Any) -> Mapping[str, Any] | None:
    """The parts of a list by their names; None for what is no list of such."""
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        return None
    for key in _NAMES:
        if all(isinstance(part, dict) and isinstance(part.get(key), str) for part in parts):
            return {part[key]: part for part in parts}
    return None
