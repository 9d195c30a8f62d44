"""`make docs`: writes the pages that the code can tell better than a person, and freezes new event forms."""

from __future__ import annotations

from docs.generate import PAGES
from shared.events.registry import EVENTS
from shared.events.schemas import freeze

for path, page in PAGES.items():
    path.write_text(page())
    print(path.name)
for event in EVENTS:
    if freeze(event):
        print(f"frozen: {event.type} version {event.version}")
