"""The catalog: the one module that knows every service."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.manifest import SERVICE as ingest
from services.notify.manifest import SERVICE as notify
from services.people.manifest import SERVICE as people
from services.protocol.manifest import SERVICE as protocol
from services.screening.manifest import SERVICE as screening
from services.search.manifest import SERVICE as search
from services.synthesis.manifest import SERVICE as synthesis
from shared.errors import Invalid
from shared.service import Service

#: In the order of a record's way.
SERVICES: tuple[Service, ...] = (people, protocol, ingest, screening, synthesis, search, notify)

BY_NAME = {service.name: service for service in SERVICES}


def choose(names: Sequence[str]) -> tuple[Service, ...]:
    """The named services, or all of them without names. Raises Invalid for a name that is none."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise Invalid(f"no service is called {', '.join(map(repr, unknown))}; there are: {', '.join(BY_NAME)}")
    return tuple(service for service in SERVICES if not names or service.name in names)
