"""What ingest does by itself, as reports on a review say it."""

from __future__ import annotations

from services.ingest.domain import matching
from services.ingest.domain.passages import PARSERS
from shared.wire.common import AutomationView

#: What each kind of copy is called.
_COPIES = {"jats": "JATS", "html": "HTML", "txt": "plain text", "pdf": "PDF"}

AUTOMATIONS = (
    AutomationView(
        step="de-duplication", does="decides by fixed rules whether two descriptions are of one work",
        version=matching.RULES, decided_by="the rules where nothing speaks against it, else a person", evaluated=False,
    ),
    *(
        AutomationView(
            step=f"parsing of {_COPIES[kind]}", does="reads a copy of a report as headings and paragraphs",
            version=int(parser.rpartition("-")[2]), decided_by="whoever quotes it, held against the copy",
            evaluated=False,
        )
        for kind, parser in PARSERS.items()
    ),
)  # fmt: skip
