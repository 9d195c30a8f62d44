"""Checklists: what each guideline asks for, item by item, and who can say it: data, or people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import yaml

#: The reports that there are, by the guidelines that they follow.
Kind = Literal["prisma", "prisma-s", "prisma-lsr", "rameses"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Asked:
    """One item of a guideline: its number there, the section that it stands in, what it is about, the parts that data
    fills in (`shared.reporting.parts`), and what only people can write."""

    number: str
    section: str
    about: str
    filled_by: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checklist:
    """A guideline: what it is called, where it is published, and its items in their order."""

    kind: Kind
    title: str
    source: str
    items: tuple[Asked, ...]


@cache
def checklist(kind: Kind) -> Checklist:
    """The checklist of a guideline."""
    said = _read(kind)
    items = (
        Asked(**{**item, "filled_by": tuple(item.get("filled_by", ())), "written": tuple(item.get("written", ()))})
        for item in said["items"]
    )
    return Checklist(kind, said["title"], said["source"], tuple(items))


def _read(name: str) -> Any:
    return yaml.safe_load((_HERE / f"{name}.yaml").read_text(encoding="utf-8"))


#: What people write, by its name, with what each is asked for.
AUTHORED: Mapping[str, str] = MappingProxyType(_read("written"))
