"""What becomes of a report, as screening and ingest tell of its record."""

from __future__ import annotations

from typing import Final

from shared.states import States
from shared.wire.synthesis import ReportState


class ReportStates(States[ReportState]):
    """A record that screening decided about."""

    INCLUDED: Final = "included"
    EXCLUDED: Final = "excluded"
    REOPENED: Final = "reopened"
    MERGED: Final = "merged"

    what = "report"
    moves = {
        (None, INCLUDED): "screening includes its record",
        (None, EXCLUDED): "screening excludes its record at a stage",
        (None, REOPENED): "screening asks people about its record again",
        (INCLUDED, INCLUDED): "screening includes the record, too, in which another one lives on",
        (INCLUDED, EXCLUDED): "screening excludes its record",
        (INCLUDED, REOPENED): "screening asks people about its record again",
        (EXCLUDED, INCLUDED): "screening includes its record",
        (EXCLUDED, EXCLUDED): "screening excludes its record for another reason",
        (EXCLUDED, REOPENED): "screening asks people about its record again",
        (REOPENED, INCLUDED): "screening includes its record",
        (REOPENED, EXCLUDED): "screening excludes its record",
        (REOPENED, REOPENED): "screening asks people about its record again",
        (INCLUDED, MERGED): "its record is the same work as another",
        (EXCLUDED, MERGED): "its record is the same work as another",
        (REOPENED, MERGED): "its record is the same work as another",
        (MERGED, INCLUDED): "its record turns out to be a work of its own, and was included",
        (MERGED, EXCLUDED): "its record turns out to be a work of its own, and was not included",
        (MERGED, REOPENED): "its record turns out to be a work of its own, and waited for people",
    }
