"""The catalog: the one module that knows every service. It loads what is asked for: a process that serves one service
starts in half the time without the others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from shared.errors import Invalid
from shared.service import Service

#: In the order of a record's way.
NAMES = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")

#: The pages, which are served beside the services or alone; they keep nothing, and hear and emit no event.
PAGES = "web"

#: All of them, and each by its name; loaded when first asked for.
SERVICES: tuple[Service, ...]
BY_NAME: dict[str, Service]


def __getattr__(name: str) -> Any:
    if name == "SERVICES":
        return choose(())
    if name == "BY_NAME":
        return {service.name: service for service in choose(())}
    raise AttributeError(f"the catalog has no {name}")


def choose(names: Sequence[str], *, beside: Sequence[str] = ()) -> tuple[Service, ...]:
    """The named services, or all of them without names; what is named and no service is one of those `beside`. Raises
    Invalid for a name that is none."""
    unknown = [name for name in names if name not in (*NAMES, *beside)]
    if unknown:
        known = ", ".join((*NAMES, *beside))
        raise Invalid(f"no service is called {', '.join(map(repr, unknown))}; there are: {known}")
    return tuple(import_module(f"services.{name}.manifest").SERVICE for name in NAMES if not names or name in names)


def with_pages(names: Sequence[str]) -> bool:
    """Whether what is served under these names has pages too."""
    return not names or PAGES in names
