"""The CMOCs of a revision as a sheet (CSV), a CMOC a line."""

from __future__ import annotations

import csv
import io

from services.synthesis.domain.matrix import cell
from services.synthesis.domain.states import PARTS
from services.synthesis.ports.crates import said_of
from shared.wire.synthesis import RevisionContent, Statement, WithdrawnRevision

_STANCES = ("supports", "refines", "contradicts", "bounds", "inverse")
_COLUMNS = (
    "cmoc", "theory", *PARTS, "status", "support", "flagged", *(f"{part}_evidence" for part in PARTS), *_STANCES,
    "studies", "links", "confidence",
)  # fmt: skip


def written(content: RevisionContent, withdrawn: WithdrawnRevision | None = None) -> bytes:
    """In RFC 4180's form; what begins as a formula of a spreadsheet does has a blank before it. Where the
    revision was withdrawn each line says so, in a column more."""
    out = io.StringIO()
    lines = csv.writer(out)
    more = [said_of(withdrawn)] if withdrawn is not None else []
    lines.writerow([*_COLUMNS, *(["withdrawn"] if more else [])])
    for it in content.cmocs:
        lines.writerow([cell(value) for value in [*_line(it), *more]])
    return out.getvalue().encode()


def _line(it: Statement) -> list[object]:
    return [
        it.cmoc,
        it.theory,
        *(getattr(it, part) for part in PARTS),
        it.status,
        it.support,
        it.flagged,
        *(it.elements.get(part, "none") for part in PARTS),
        *(it.stances.get(stance, 0) for stance in _STANCES),
        " ".join(it.studies),
        len(it.links),
        it.confidence.confidence if it.confidence is not None else None,
    ]
