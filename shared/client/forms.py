"""Forms: the wire models by name, loaded when an answer is read as one, so that a client costs nothing to open."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Form:
    """A model of `shared.wire` by its module and name."""

    module: str
    name: str

    def load(self) -> Any:
        return getattr(import_module(self.module), self.name)


class Forms:
    """A module of wire models: `Forms("shared.wire.search").SearchPage` names one without loading it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Form:
        return Form(self._module, name)
