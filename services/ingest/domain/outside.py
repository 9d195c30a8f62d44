"""What is outside of a strategy: works that a source gave since it could only be asked more widely."""

from __future__ import annotations

from collections.abc import Iterable

from shared.strategies.reaching import reaches
from shared.strategies.tree import Node


def is_outside(tree: Node, titles: Iterable[str | None], abstract: str | None) -> bool:
    """Whether a strategy would surely not find a work under any of its titles, as where one is a translation."""
    return all(reaches(tree, title, abstract) == "no" for title in (list(titles) or [None]))
