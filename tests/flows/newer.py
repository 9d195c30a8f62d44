"""A release of tomorrow, made for the test of two releases at once: run as a process in place of `services`.

Beside this release it has an optional field in events of each side, an event type, a version, a source, and a feature
that a protocol may need.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

#: The module that runs it, for `Processes`.
PROGRAM = "tests.flows.newer"

SOURCE, FEATURE = "arxiv", "weights"


def become(services: list[str]) -> None:
    """Changes the code of this process into that release's, before any of it is used."""
    from shared.events import ingest, protocol, screening

    seen = _add_types(ingest, screening)
    _add_fields_and_versions(ingest, screening, reads_only="ingest" not in services)
    _add_to_protocols(protocol)
    _add_a_source()
    _tell(seen)


def _add_types(ingest: ModuleType, screening: ModuleType) -> dict[str, type[Any]]:
    """Types of events that nobody knew, on topics that others read."""
    from shared.events.base import Event
    from shared.events.bounds import Id

    class RecordCounted(Event, type="ingest.record.counted", key="record"):
        """A record was counted."""

        record: Id

    class RecordWeighed(Event, type="screening.record.weighed", key="record"):
        """A record was weighed."""

        record: Id

    _put(ingest, RecordCounted)
    _put(screening, RecordWeighed)
    return {"ingest": RecordCounted, "screening": RecordWeighed}


def _add_fields_and_versions(ingest: ModuleType, screening: ModuleType, *, reads_only: bool) -> None:
    def with_mood(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "mood": "as before"}

    class RecordNoticed(ingest.RecordNoticed, type="ingest.record.noticed", key="record"):  # type: ignore[misc, name-defined]
        emitted_by: str | None = "tomorrow"

    class RecordIncluded(screening.RecordIncluded, type="screening.record.included", key="record"):  # type: ignore[misc, name-defined]
        mood: str | None = "tomorrow"

    class TaskClosed(  # type: ignore[misc]
        screening.TaskClosed,
        type="screening.task.closed",
        version=2,
        key="record",
        upcasts=(with_mood,),  # type: ignore[name-defined]
    ):
        mood: str = "tomorrow"

    _put(ingest, RecordNoticed)
    _put(screening, RecordIncluded)
    _put(screening, TaskClosed)
    if not reads_only:
        return

    # A version is told once all who act on it can read it: this side reads it, and ingest does not tell it yet.
    class RecordDiscovered(  # type: ignore[misc]
        ingest.RecordDiscovered,
        type="ingest.record.discovered",
        version=2,
        key="record",
        upcasts=(with_mood,),  # type: ignore[name-defined]
    ):
        mood: str

    _put(ingest, RecordDiscovered)


def _add_to_protocols(protocol: ModuleType) -> None:
    class Protocol(protocol.Protocol):  # type: ignore[misc, name-defined]
        weights: bool = False

    _put(protocol, Protocol)
    protocol.SOURCES = (*protocol.SOURCES, SOURCE)
    protocol.FEATURES |= {
        FEATURE: protocol.Feature(lambda it: it.weights, ("screening", "synthesis")),
        f"source:{SOURCE}": protocol.Feature(
            lambda it: any(one.source == SOURCE for one in it.strategies), ("ingest",)
        ),
    }


def _add_a_source() -> None:
    from services.ingest.ports.sources import catalog
    from services.ingest.ports.sources.europepmc import EuropePMC

    class Another(EuropePMC):
        name = SOURCE

        def pages(self, *asked: Any, **how: Any) -> Iterator[Any]:
            for page in super().pages(*asked, **how):
                named = [record.model_copy(update={"source": SOURCE}) for record in page.records]
                yield page.model_copy(update={"records": named})

    open_usual = catalog.open_sources

    def open_all(settings: Any, client: Any, **timing: Any) -> Any:
        theirs = Another(catalog.Access(settings.europepmc_url, settings.contact), client, **timing)
        return open_usual(settings, client, **timing) | {SOURCE: theirs}

    catalog.open_sources = open_all  # type: ignore[assignment]


def _tell(seen: dict[str, type[Any]]) -> None:
    """Each side tells its new type once for every version of a protocol that it adopts."""
    from importlib import import_module

    from shared.events.protocol import VersionPublished
    from shared.service import on

    for name, event in seen.items():
        manifest = import_module(f"services.{name}.manifest")

        def tell(work: Any, adopted: VersionPublished, event: type[Any] = event) -> None:
            """Tells what nobody knew."""
            work.emit(event(review=adopted.review, record="rec_1"))

        service = manifest.SERVICE
        manifest.SERVICE = replace(
            service, emits=[*service.emits, event], reactions=[*service.reactions, on(VersionPublished, tell)]
        )


def _put(module: ModuleType, one: type[Any]) -> None:
    """In the place of the class of that name, before anything has asked for it."""
    one.__module__ = module.__name__
    setattr(module, one.__name__, one)


if __name__ == "__main__":
    become(sys.argv[2:])

    from services.cli import main

    main()
