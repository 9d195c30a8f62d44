"""Reports: which records speak in the synthesis, and for which study."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.commands.history import Happening, mark_due, tell_theories
from services.synthesis.domain.reports import ReportStates
from services.synthesis.models import ReportRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound
from shared.events.synthesis import Happened
from shared.ids import id_of
from shared.wire.synthesis import ReportState


def join_study(work: Work, review: str, record: str, same_as: str | None, why: str) -> ReportRow:
    """Counts a record's report as one of another's study, or as a study of its own again.

    Raises NotFound for a record that has no report here, Conflict for one that was merged away.
    """
    store.hold_studies(work, review, alone=True)
    report, other = _present(work, review, record), _present(work, review, same_as) if same_as else None
    study = other.study if other else own_study(review, record)
    if study != report.study:
        before, report.study = report.study, study
        tell_evidence(work, report, "studies_joined" if other else "studies_parted", why, before=before, after=study)
    return report


def own_study(review: str, record: str) -> str:
    return id_of("study", review, record)


def _present(work: Work, review: str, record: str) -> ReportRow:
    report = store.report(work, review, record)
    if report is None:
        raise NotFound(f"synthesis has no report of record {record!r} in review {review!r}")
    if report.merged_into is not None:
        raise Conflict(f"record {record!r} was merged into {report.merged_into!r}: join that one", slug="merged")
    return report


def tell_evidence(
    work: Work, report: ReportRow, happened: Happened, why: str, *, before: str | None = None, after: str | None = None
) -> None:
    """Tells every CMOC that a report speaks to what became of its evidence, and marks the review due."""
    touched = store.touched(work, report.review, report.record)
    if not touched:
        return
    review = store.review(work, report.review)
    happenings = [Happening(one.cmoc, happened, why, before, after, one.links) for one in touched]
    emitted = tell_theories(work, review, happenings)
    mark_due(work, report.review, work.causation or emitted[0], [one.cmoc for one in touched])


def new_report(
    work: Work, review: str, record: str, *, state: ReportState = ReportStates.EXCLUDED, revision: int = -1
) -> ReportRow:
    ReportStates.check(None, state)
    return work.add(
        ReportRow(
            review=review, record=record, state=state, revision=revision, study=own_study(review, record),
            correlation=work.correlation, caused_by=work.causation,
        )
    )  # fmt: skip
