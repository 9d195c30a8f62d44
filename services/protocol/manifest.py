"""Protocol: keeps what each review plans, as numbered versions that never change."""

from __future__ import annotations

from pathlib import Path

from services.protocol import api, models
from shared.events.protocol import VersionPublished
from shared.service import Service

SERVICE = Service(
    name="protocol",
    summary="keeps what each review plans, as numbered versions that never change",
    package=Path(__file__).parent,
    tables=models.Base.metadata,
    routes=api.router,
    emits=[VersionPublished],
)
