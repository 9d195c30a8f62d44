"""Notices: a retraction suspends a report's evidence, a reinstatement brings back exactly what was there before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.synthesis import store
from services.synthesis.commands.history import Happening, log_triggers, mark_due, tell_theories
from services.synthesis.domain.notices import RejudgementStates, effect_of
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.triggers import REPORT_NOTICED, Fired
from services.synthesis.models import LinkRow, NoticeRow, RejudgementRow, ReportRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.synthesis import Happened, RejudgementClosed, RejudgementOpened
from shared.ids import id_of


def apply_waiting(work: Work, report: ReportRow) -> None:
    """Applies the notices that waited for this report to be included, in the order they came."""
    if report.state != ReportStates.INCLUDED:
        return
    work.session.flush()
    for notice in store.notices(work, report.review, [report.record]):
        if not notice.applied:
            notice.applied = True
            with work.following(notice.correlation, notice.event_id):
                _apply(work, notice, report)


def ask_about(work: Work, report: ReportRow, links: Sequence[LinkRow]) -> None:
    """Has the CMOCs to which these links speak be judged anew for the notices in force that were applied before the
    links counted, and after they were made: who made them did not know."""
    by_cmoc: dict[str, list[LinkRow]] = defaultdict(list)
    for link in links:
        by_cmoc[link.cmoc].append(link)
    for notice in _in_force(store.notices(work, report.review, [report.record])):
        made = {
            cmoc: [it.id for it in of_one if it.linked_at <= notice.heard_at]
            for cmoc, of_one in sorted(by_cmoc.items())
        }
        touched = [store.Touched(cmoc, names, by_cmoc[cmoc][0].event_id) for cmoc, names in made.items() if names]
        with work.following(notice.correlation, notice.event_id):
            opened = _open_rejudgements(work, notice, report, touched)
        if opened:
            fired = [Fired(REPORT_NOTICED, notice.notice, _why(notice, report))]
            log_triggers(work, store.review(work, report.review), fired, drill=notice.drill)


def _in_force(notices: Iterable[NoticeRow]) -> list[NoticeRow]:
    """Those that were applied, without the ones that a reinstatement ended since."""
    found: list[NoticeRow] = []
    for notice in notices:
        if not notice.applied:
            continue
        if effect_of(notice.kind) == "lifts":
            found = [it for it in found if it.drill != notice.drill or effect_of(it.kind) == "flags"]
        else:
            found.append(notice)
    return found


def move(work: Work, notice: NoticeRow, record: str, report: ReportRow | None) -> None:
    """Has a notice be about another record: what it did to the one it was about is undone, and is done to the other."""
    left, notice.record, notice.applied = store.report(work, notice.review, notice.record), record, False
    if left is not None:
        by = "drilled_by" if notice.drill else "suspended_by"
        touched = store.touched(work, left.review, left.record)
        if getattr(left, by) == notice.notice:
            setattr(left, by, None)
            _tell(work, notice, left, touched, "reinstated")
            if (other := _still_suspending(work, left, notice)) is not None:
                other.applied = False
        mine = {one.cmoc for one in store.touched(work, notice.review, record)}
        for row in store.rejudgements_of_notice(work, notice.review, left.record, notice.notice):
            if row.cmoc in mine:
                row.record = record
            elif row.state == RejudgementStates.OPEN:
                _close(work, row, f"no longer needed: the notice is about record {record}")
        work.session.flush()
        apply_waiting(work, left)
        _mark_due(work, notice, touched)
    if report is not None:
        apply_waiting(work, report)


def _still_suspending(work: Work, report: ReportRow, without: NoticeRow) -> NoticeRow | None:
    """The notice that suspends a report where another one is not about it any more."""
    found = None
    for other in store.notices(work, report.review, [report.record]):
        effect = effect_of(other.kind) if other.drill == without.drill and other is not without else "flags"
        if effect == "suspends" and found is None:
            found = other
        elif effect == "lifts":
            found = None
    return found


def close_rejudgement(work: Work, review: str, rejudgement: str, how: str) -> RejudgementRow:
    """A person judged the CMOC anew. Raises NotFound, and Conflict when that was done already."""
    row = store.rejudgement_to_change(work, review, rejudgement)
    if row.state != RejudgementStates.OPEN:
        raise Conflict(f"re-judgement {rejudgement!r} was closed by {row.closed_by}: {row.how}", slug="closed")
    with work.following(row.correlation, row.event_id):
        mark_due(work, review, _close(work, row, how), [row.cmoc], drill=row.drill)
    return row


def _apply(work: Work, notice: NoticeRow, report: ReportRow) -> None:
    """A drill and the real thing suspend a report apart from each other, so that the end of a drill cannot
    bring back what was retracted in earnest."""
    effect, by = effect_of(notice.kind), "drilled_by" if notice.drill else "suspended_by"
    touched = store.touched(work, report.review, report.record)
    if effect == "suspends":
        # Also where another does: an account's giver may take it back, of which the words go from the index.
        store.mark_undescribed_of(work, report.review, [report.record])
    if effect == "flags":
        _open_rejudgements(work, notice, report, touched)
    elif effect == "suspends" and getattr(report, by) is None:
        setattr(report, by, notice.notice)
        _tell(work, notice, report, touched, "evidence_withdrawn")
        _open_rejudgements(work, notice, report, touched)
    elif effect == "lifts" and getattr(report, by) is not None:
        setattr(report, by, None)
        _tell(work, notice, report, touched, "reinstated")
        _close_what_it_opened(work, notice, report)
    if touched:
        fired = [Fired(REPORT_NOTICED, notice.notice, _why(notice, report))]
        log_triggers(work, store.review(work, report.review), fired, drill=notice.drill)
        _mark_due(work, notice, touched)


def _mark_due(work: Work, notice: NoticeRow, touched: list[store.Touched]) -> None:
    cause, cmocs = work.causation or notice.notice, [one.cmoc for one in touched]
    mark_due(work, notice.review, cause, cmocs, drill=notice.drill)


def _tell(work: Work, notice: NoticeRow, report: ReportRow, touched: list[store.Touched], happened: Happened) -> None:
    if touched:
        happenings = [Happening(one.cmoc, happened, _why(notice, report), links=one.links) for one in touched]
        tell_theories(work, store.review(work, report.review), happenings, drill=notice.drill)


def _why(notice: NoticeRow, report: ReportRow) -> str:
    return f"{notice.kind} of record {report.record}: {notice.reason}"


def _open_rejudgements(work: Work, notice: NoticeRow, report: ReportRow, touched: list[store.Touched]) -> int:
    """Asks anew about each of these CMOCs once for a notice; answers how many that opened."""
    opened = 0
    for one in touched:
        rejudgement = id_of("rejudge", report.review, notice.notice, one.cmoc)
        if store.has_rejudgement(work, rejudgement):
            continue
        why = f"{len(one.links)} of its links come from record {report.record} ({notice.kind}: {notice.reason})"
        event_id = work.emit(
            RejudgementOpened(
                review=report.review, rejudgement=rejudgement, cmoc=one.cmoc, record=report.record,
                notice=notice.notice, why=why, drill=notice.drill,
            )
        )  # fmt: skip
        work.add(
            RejudgementRow(
                id=rejudgement, review=report.review, cmoc=one.cmoc, record=report.record, notice=notice.notice,
                kind=notice.kind, why=why, drill=notice.drill, opened_at=work.now, correlation=work.correlation,
                event_id=event_id,
            )
        )  # fmt: skip
        opened += 1
    return opened


def _close_what_it_opened(work: Work, notice: NoticeRow, report: ReportRow) -> None:
    work.session.flush()
    for row in store.rejudgements_a_reinstatement_ends(work, report.review, report.record, notice.drill):
        _close(work, row, "no longer needed: the report was reinstated")


def _close(work: Work, row: RejudgementRow, how: str) -> str:
    RejudgementStates.turn(row, RejudgementStates.CLOSED)
    row.closed_at, row.closed_by, row.how = work.now, work.actor, how
    return work.emit(RejudgementClosed(review=row.review, rejudgement=row.id, cmoc=row.cmoc, how=how, drill=row.drill))
