"""Parts: what data say of the items of guidelines, each part by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from shared.reporting.documents import Block
from shared.reporting.gathered import Gathered
from shared.reporting.parts import finding, living, searching, selecting

#: What data say of one thing.
Part = Callable[[Gathered], Sequence[Block]]

PARTS: Mapping[str, Part] = MappingProxyType(
    {part.__name__: part for part in (*searching.PARTS, *selecting.PARTS, *finding.PARTS, *living.PARTS)}
)
