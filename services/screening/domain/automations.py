"""What screening does by itself, as reports on a review say it."""

from __future__ import annotations

from services.screening.domain import dates
from shared.wire.common import AutomationView

AUTOMATIONS = (
    AutomationView(
        step="date rules", does="keeps out what the protocol's dates surely exclude", version=dates.RULES,
        decided_by="the protocol", evaluated=False,
    ),
)  # fmt: skip
