"""Answers: tells what people answered of a study, of two coders once both have finished."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from services.synthesis import store
from services.synthesis.models import CharacteristicAnswerRow, ReportRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.events.synthesis import CharacteristicAnswered, CharacteristicsRecorded


def tell(work: Work, report: ReportRow, rows: Sequence[CharacteristicAnswerRow]) -> None:
    """Tells answers from one report, in an event for each person and version of the protocol; without their words."""
    for (by, version), some in groupby(
        sorted(rows, key=lambda it: (it.by, it.protocol_version, it.seq or 0)), lambda it: (it.by, it.protocol_version)
    ):
        of_one = list(some)
        answers = [
            CharacteristicAnswered(
                answer=it.id, characteristic=it.characteristic, supersedes=it.supersedes,
                sha256=sha256([it.value, it.not_reported]),
            )
            for it in of_one
        ]  # fmt: skip
        with work.following(report.correlation, report.caused_by):
            event_id = work.emit(
                CharacteristicsRecorded(
                    review=report.review, record=report.record, study=report.study, protocol_version=version,
                    answers=answers, by=by,
                )
            )  # fmt: skip
        for it in of_one:
            it.event_id = event_id


def show(work: Work, extraction: str, report: ReportRow, finished: Collection[str]) -> None:
    """Shows and tells what those answered who have finished, now that all have. What somebody answered who gave the
    report back stays theirs alone."""
    rows = [it for it in store.held_answers(work, extraction) if it.by in finished]
    for it in rows:
        it.held = False
    tell(work, report, rows)
