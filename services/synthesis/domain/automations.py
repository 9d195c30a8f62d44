"""What synthesis does by itself, as reports on a review say it."""

from __future__ import annotations

from services.synthesis.domain import states
from shared.wire.common import AutomationView

AUTOMATIONS = (
    AutomationView(
        step="synthesis", does="finds support and status of each CMOC from the coded evidence by fixed rules",
        version=states.RULES, decided_by="a lead, who signs", evaluated=False,
    ),
    AutomationView(
        step="coding",
        does="gives reports to coders where the protocol asks for any; of two links that say the same one counts",
        version=states.RULES, decided_by="the two coders; where they differ, whom the protocol names", evaluated=False,
    ),
    AutomationView(
        step="proposals", does="suggests by fixed rules to merge, split, refine or set aside a CMOC",
        version=states.RULES, decided_by="a person, by an amendment of the protocol", evaluated=False,
    ),
)  # fmt: skip
