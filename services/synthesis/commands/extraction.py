"""Extraction: gives included reports to coders, and counts what two of them coded once they agree or people decided."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from services.synthesis import store
from services.synthesis.commands import answers, notices
from services.synthesis.commands.history import Happening, log_triggers, mark_due, tell_theories
from services.synthesis.domain.extraction import (
    ExtractionStates,
    Sides,
    Weighed,
    compared,
    finished_by,
    may_decide,
    require_finished,
    weighed,
)
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.triggers import FIRST_EVIDENCE, Fired
from services.synthesis.models import CodingRow, ExtractionRow, FragmentRow, LinkRow, ReconciliationRow, ReportRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.synthesis import (
    EvidenceLinked,
    ExtractionFinished,
    ExtractionOpened,
    ExtractionReconciled,
    LinkMade,
    ProposedBy,
    QuoteMade,
)
from shared.ids import id_of
from shared.tokens import Person
from shared.wire.synthesis import NewReconciliation

#: How many lapsed codings a claim returns by itself when it finds nothing else.
_RETURNED_BY_A_CLAIM = 50

#: Links that one coder may make of one report, since all of two coders' are laid side by side at once.
MOST_LINKS = 2_000


# Which reports wait for coders


def follow(work: Work, report: ReportRow) -> None:
    """Has a report wait for coders while it is included, where the protocol asks for some, and for nobody else. What
    its coders have finished is theirs again, however many these are; beside it one at most is still to be coded."""
    found = store.extractions_of_record(work, report.review, report.record)
    if report.state != ReportStates.INCLUDED:
        for row in found:
            _withdraw(work, row)
    elif found:
        codings = store.codings(work, [row.id for row in found], lock=True)
        for row in found:
            if row.state == ExtractionStates.WITHDRAWN and len(finished_by(codings[row.id])) == row.coders:
                _revive(work, row)
        _go_on_with_one(work, report, found)
    elif not store.is_coded(work, report.review, report.record):
        _open(work, report)


def _go_on_with_one(work: Work, report: ReportRow, found: Sequence[ExtractionRow]) -> None:
    """Has one that is still to be coded wait again: of this record, else any where none stands."""
    states = {row.state for row in found}
    if ExtractionStates.OPEN in states:
        return
    ended = [row for row in found if row.state == ExtractionStates.WITHDRAWN]
    own = [row for row in ended if row.opened_on == report.record]
    if states != {ExtractionStates.WITHDRAWN}:
        ended = own
    for row in (own or ended)[:1]:
        _revive(work, row)


def go_with(work: Work, gone: str, survivor: ReportRow) -> None:
    """What was asked of a record's coders is asked of that in which it lives on; where that asks by itself, what nobody
    has finished is asked no more."""
    moved = store.extractions_of_record(work, survivor.review, gone)
    own = store.extractions_of_record(work, survivor.review, survivor.record)
    for row in moved:
        row.record = survivor.record
        if row.state == ExtractionStates.OPEN and any(it.state != ExtractionStates.WITHDRAWN for it in own):
            _withdraw(work, row)
    work.session.flush()
    follow(work, survivor)


def return_to(work: Work, report: ReportRow, brings: Collection[str], left: ReportRow | None) -> None:
    """The record is one of its own again, and so is what was asked of its coders."""
    store.return_extractions(work, report.review, [report.record, *brings], report.record)
    for one in [report, left]:
        if one is None:
            continue
        # What comes back to life is settled by that.
        standing = [
            row
            for row in store.extractions_of_record(work, one.review, one.record)
            if row.state != ExtractionStates.WITHDRAWN
        ]
        follow(work, one)
        # What was coded while they were one may be of the other now.
        for row in standing:
            if row.state != ExtractionStates.WITHDRAWN:
                settle(work, row)


def open_missing(work: Work, review_id: str, limit: int) -> None:
    """Asks coders for reports that were included before the protocol did, and are not coded yet; and more coders for
    those that nobody has begun, where it asks for more."""
    store.hold_studies(work, review_id, alone=False)
    for record in store.records_to_open(work, review_id, limit):
        report = store.report(work, review_id, record)
        if report is not None:
            with work.following(report.correlation, report.caused_by):
                follow(work, report)
    for name, record in store.extractions_to_widen(work, review_id, limit):
        report = store.report(work, review_id, record)
        if report is not None:
            _widen(work, report, store.extraction_to_change(work, review_id, name))
    # Asked once no other version can come between, which would ask for more.
    review = store.review_to_change(work, review_id)
    if not store.records_to_open(work, review_id, 1) and not store.extractions_to_widen(work, review_id, 1):
        review.to_open = False


def _open(work: Work, report: ReportRow) -> None:
    review = store.known_review(work, report.review)
    if review is None or review.coders is None:
        return
    name = id_of("extraction", report.review, report.record)
    event = ExtractionOpened(review=report.review, extraction=name, record=report.record, coders=review.coders)
    event_id = work.emit(event)
    ExtractionStates.check(None, ExtractionStates.OPEN)
    work.add(
        ExtractionRow(
            id=name, review=report.review, record=report.record, opened_on=report.record, state=ExtractionStates.OPEN,
            coders=review.coders, opened_at=work.now, event_id=event_id,
        )
    )  # fmt: skip
    _add_codings(work, report.review, name, range(1, review.coders + 1))


def _widen(work: Work, report: ReportRow, row: ExtractionRow) -> None:
    """Asks as many coders as the protocol asks for now, unless somebody has begun since it was looked for."""
    review, codings = store.review(work, row.review), store.codings(work, [row.id], lock=True)[row.id]
    begun = any(it.person is not None for it in codings) or store.is_coded(work, row.review, row.record)
    if begun or row.state != ExtractionStates.OPEN or review.coders is None or review.coders <= row.coders:
        return
    with work.following(report.correlation, row.event_id):
        opened = ExtractionOpened(review=row.review, extraction=row.id, record=row.record, coders=review.coders)
        row.event_id = work.emit(opened)
    _add_codings(work, row.review, row.id, range(row.coders + 1, review.coders + 1))
    row.coders = review.coders


def _add_codings(work: Work, review: str, extraction: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        coding = id_of("coding", extraction, str(number))
        work.add(CodingRow(id=coding, review=review, extraction=extraction, number=number, position=_position()))
    work.session.flush()


def _withdraw(work: Work, row: ExtractionRow) -> None:
    """Nobody is asked any more; who had finished stays its coder."""
    if row.state == ExtractionStates.WITHDRAWN:
        return
    ExtractionStates.turn(row, ExtractionStates.WITHDRAWN)
    for coding in store.codings(work, [row.id], lock=True)[row.id]:
        coding.open = False
        if coding.finished_at is None:
            coding.person = coding.expires_at = None
    work.session.flush()


def _revive(work: Work, row: ExtractionRow) -> None:
    codings = store.codings(work, [row.id], lock=True)[row.id]
    for coding in codings:
        coding.open, coding.position = True, _position()
    settle(work, row, codings)


def _position() -> int:
    """The end of the queue: microseconds of the machine's own clock, which goes on where the platform's does not."""
    return time.time_ns() // 1000


# What people do


def claim(work: Work, review: str) -> ExtractionRow | None:
    """What this person has in hand to code, or else the next that waits for them; None where nothing does."""
    store.review(work, review)
    store.claim_alone(work, review, work.actor)
    coding = store.coding_in_hand(work, review, work.actor) or store.next_free_coding(work, review, work.actor)
    if coding is None and store.return_lapsed_codings(work, _position(), _RETURNED_BY_A_CLAIM, review):
        coding = store.next_free_coding(work, review, work.actor)
    if coding is None:
        return None
    coding.person, coding.expires_at = work.actor, _expiry(work)
    work.session.flush()
    return store.extraction(work, review, coding.extraction)


def return_lapsed(work: Work, limit: int) -> None:
    """Gives what nobody finished in time to others, who get it after what waits already."""
    store.return_lapsed_codings(work, _position(), limit)


def renew(work: Work, review: str, extraction: str) -> ExtractionRow:
    """Keeps a report for as long again from now. Raises as `_in_hand` does."""
    row, _, coding = _in_hand(work, review, extraction)
    coding.expires_at = _expiry(work)
    return row


def release(work: Work, review: str, extraction: str) -> ExtractionRow:
    """Gives a report back for others. What was coded of it counts for nothing unless its person comes back to it."""
    row, _, coding = _in_hand(work, review, extraction)
    coding.person = coding.expires_at = None
    coding.position = _position()
    work.session.flush()
    return row


def finish(work: Work, review: str, extraction: str) -> ExtractionRow:
    """Says that one has coded all that one finds in a report, perhaps nothing; again it changes nothing."""
    row, codings = _held(work, review, extraction)
    coding = _mine(work, codings)
    if coding is not None and coding.finished_at is not None:
        return row
    if coding is None:
        raise _not_yours(row)
    coding.finished_at, coding.expires_at = work.now, None
    work.session.flush()
    report = store.report(work, review, row.record)
    event = ExtractionFinished(
        review=review, extraction=row.id, record=row.record, finished=len(finished_by(codings)), coders=row.coders
    )
    with work.following(report.correlation if report else work.correlation, row.event_id):
        work.emit(event)
    settle(work, row, codings)
    return row


def reconcile(work: Work, review: str, extraction: str, decided: NewReconciliation, by: Person) -> ReconciliationRow:
    """Decides what two coders differ in: which side counts, and why. What is dropped is withdrawn, and says so.

    Raises NotFound for what is no difference of theirs, Conflict for one that was decided, and Forbidden.
    """
    row, codings = _held(work, review, extraction)
    require_decider(work, row, codings, by)
    rows = store.coded_links(work, row.id)
    side = next(
        (it for it in _weighed(work, row, finished_by(codings), rows).sides if it.difference == decided.difference),
        None,
    )
    if side is None:
        why = "it may have been decided, or its coders have corrected it: look at them again"
        raise NotFound(
            f"extraction {extraction!r} has no difference {decided.difference!r}; {why}", slug="no_difference"
        )
    if side.decided:
        raise Conflict("nothing is left to decide here: the coders agree, or it was decided", slug="decided_already")
    kept, dropped = _parted(side, decided)
    event = ExtractionReconciled(
        review=review, extraction=row.id, record=row.record, cmoc=side.links[0].cmoc, element=side.links[0].element,
        kept=kept, dropped=dropped, why=decided.why, by=by.id,
    )  # fmt: skip
    report = store.report(work, review, row.record)
    with work.following(report.correlation if report else work.correlation, row.event_id):
        event_id = work.emit(event)
    leaving = [link for link, _ in rows if link.id in dropped and link.held is None]
    for link, _ in rows:
        if link.id in dropped:
            link.withdrawn_at, link.withdrawn_by, link.withdrawn_why = work.now, by.id, decided.why
            link.asked_version = None
    if report is not None:
        _tell_leaving(work, report, leaving, decided.why)
    made = work.add(
        ReconciliationRow(
            review=review, extraction=row.id, difference=side.difference, cmoc=event.cmoc, element=event.element,
            keep=decided.keep, kept=kept, dropped=dropped, why=decided.why, by=by.id, at=work.now, event_id=event_id,
        )
    )  # fmt: skip
    work.session.flush()
    settle(work, row, codings)
    return made


def require_decider(work: Work, row: ExtractionRow, codings: Sequence[CodingRow], by: Person) -> None:
    """Raises Conflict before all have finished, Forbidden for who does not decide."""
    require_finished(row.state, finished := finished_by(codings), row.coders)
    reconciled_by = store.review(work, row.review).reconciled_by
    if not may_decide(reconciled_by, finished, by):
        who = "an adjudicator who did not code it decides"
        if reconciled_by == "coders":
            who = "one of its two coders or an adjudicator decides"
        raise Forbidden(f"what the coders of this report differ in {who}", slug="not_to_decide")


# Evidence of two coders


def asked_of(work: Work, report: ReportRow) -> ExtractionRow | None:
    """The extraction of two coders in which this person codes a report; None where whoever may code does. The report
    is kept for them for as long again, however many code it.

    Raises Conflict for who has finished while the other has not (`coding_finished`), and for who is none of its
    coders (`not_your_coding`).
    """
    found = [
        row
        for row in store.extractions_of_record(work, report.review, report.record)
        if row.state != ExtractionStates.WITHDRAWN
    ]
    codings = store.codings(work, [row.id for row in found], lock=True)
    mine = [(row, it) for row in found if (it := _mine(work, codings[row.id])) is not None]
    for _, coding in mine:
        if coding.finished_at is None:
            coding.expires_at = _expiry(work)
    two = [row for row in found if row.coders > 1]
    if not two:
        return None
    # What one is at work at, before what one has finished.
    for row, coding in sorted(mine, key=lambda it: (it[1].finished_at is not None, it[0].id)):
        if row.coders == 1:
            continue
        if coding.finished_at is not None and row.state == ExtractionStates.OPEN:
            raise Conflict(
                "you have finished your coding of this report, and its other coder has not: correct it once they have",
                slug="coding_finished",
            )
        return row
    raise _not_yours(two[0])


def require_few_links(work: Work, row: ExtractionRow, links: Collection[str]) -> None:
    """Raises Conflict where these new links of this person are too many beside those that stand."""
    if store.count_coded_links(work, row.id, work.actor) + len(links) > MOST_LINKS:
        raise Conflict(f"one coder makes {MOST_LINKS:,} links of one report at most", slug="too_many_links")


def in_front_of(work: Work, fragment: FragmentRow) -> ExtractionRow | None:
    """The extraction of a fragment, locked before its links are, as everywhere; None where there is none."""
    if fragment.extraction is None:
        return None
    row = store.extraction(work, fragment.review, fragment.extraction)
    store.report(work, row.review, row.record)
    return store.extraction_to_change(work, row.review, row.id)


def in_front_of_links(work: Work, review: str, links: Collection[str]) -> list[ExtractionRow]:
    """The extractions of these links that have not ended, each once, locked before the links are: first every report,
    in the order of their records, then these. Nothing is merged or parted meanwhile."""
    store.hold_studies(work, review, alone=False)
    of_records = store.extractions_of_links(work, review, links)
    for record in sorted({record for _, record in of_records}):
        store.report(work, review, record)
    rows = [store.extraction_to_change(work, review, name) for name, _ in sorted(of_records)]
    return [row for row in rows if row.state != ExtractionStates.WITHDRAWN]


def settle(work: Work, row: ExtractionRow, codings: Sequence[CodingRow] | None = None) -> None:
    """Brings what counts of an extraction to what its coders said and people decided, and tells what counts from now
    on; nothing of it before. Whoever calls holds the extraction."""
    work.session.flush()
    codings = store.codings(work, [row.id], lock=True)[row.id] if codings is None else codings
    if len(finished_by(codings)) < row.coders:
        # What was coded of it is held back since it was made.
        if row.state != ExtractionStates.OPEN:
            ExtractionStates.turn(row, ExtractionStates.OPEN)
        return
    rows = store.coded_links(work, row.id) if row.coders > 1 else []
    now = _weighed(work, row, finished_by(codings), rows)
    if row.state != now.state:
        ExtractionStates.turn(row, now.state)
    if row.coders > 1 and not row.compared:
        row.compared = True
        store.show_withdrawn_links(work, row.id)
        store.count_pairs(work, row.review, compared(finished_by(codings), store.coded_of(rows)))
    counting = [(link, fragment) for link, fragment in rows if link.held and now.held[link.id] is None]
    leaving = [link for link, _ in rows if link.held is None and now.held[link.id] is not None]
    for link, _ in rows:
        link.held = now.held[link.id]
    report = store.report(work, row.review, row.record)
    if report is not None and now.state != ExtractionStates.OPEN and row.coders > 1:
        answers.show(work, row.id, report, finished_by(codings))
    if report is not None:
        _tell_counting(work, row, report, counting)
        _tell_leaving(work, report, leaving, "its two coders differ since one of them corrected what they coded")
    work.session.flush()


def _weighed(
    work: Work, row: ExtractionRow, finished: Sequence[str], rows: Sequence[tuple[LinkRow, FragmentRow]]
) -> Weighed:
    kept = store.kept_of(store.reconciliations(work, row.id), rows)
    return weighed(row.id, row.coders, finished, store.coded_of(rows), kept)


def _tell_counting(
    work: Work, row: ExtractionRow, report: ReportRow, counting: Sequence[tuple[LinkRow, FragmentRow]]
) -> None:
    if not counting:
        return
    known = store.known_cmocs(work, row.review, {link.cmoc for link, _ in counting})
    for _, of_one in groupby(sorted(counting, key=lambda it: (it[1].id, it[0].id)), key=lambda it: it[1].id):
        group = list(of_one)
        fragment, links = group[0][1], [link for link, _ in group]
        made = [LinkMade(link=it.id, **it.model_dump(include=set(LinkMade.model_fields) - {"link"})) for it in links]
        with work.following(report.correlation, row.event_id):
            event_id = work.emit(
                EvidenceLinked(
                    review=row.review, record=report.record, study=report.study, fragment=fragment.id,
                    coder=fragment.coder, links=made, quote=_quote_of(fragment),
                    proposed_by=None if fragment.proposed_by is None else ProposedBy(**fragment.proposed_by),
                )
            )  # fmt: skip
        for link in links:
            link.event_id = event_id
        mark_due(work, row.review, event_id, [link.cmoc for link in links])
    store.mark_undescribed(work, sorted({fragment.id for _, fragment in counting}))
    notices.ask_about(work, report, [link for link, _ in counting])
    first = [
        Fired(FIRST_EVIDENCE, cmoc, "the protocol set it aside, and evidence for it arrived")
        for cmoc, is_set_aside in sorted(known.items())
        if is_set_aside
    ]
    if first:
        log_triggers(work, store.review(work, row.review), first)


def _tell_leaving(work: Work, report: ReportRow, leaving: Sequence[LinkRow], why: str) -> None:
    for link in leaving:
        with work.following(report.correlation, link.event_id):
            happening = Happening(link.cmoc, "evidence_withdrawn", why, links=[link.id])
            [cause] = tell_theories(work, store.review(work, report.review), [happening])
            mark_due(work, report.review, cause, [link.cmoc])


def _quote_of(fragment: FragmentRow) -> QuoteMade | None:
    if fragment.anchor is None:
        return None
    return QuoteMade(
        anchor=fragment.anchor, text=fragment.text_copy or "", parse_sha256=fragment.parse_sha256 or "",
        start=fragment.begins or 0, end=fragment.ends or 0, quote_sha256=fragment.quote_sha256 or "",
        salt=fragment.salt or "",
    )  # fmt: skip


def _parted(side: Sides, decided: NewReconciliation) -> tuple[list[str], list[str]]:
    """The links that a decision keeps, and those that it drops. Raises Conflict for a side that is not there."""
    first, second = (None if it is None else it.link for it in (side.first, side.second))
    wanted = {"first": [first], "second": [second], "both": [first, second], "neither": []}[decided.keep]
    if None in wanted:
        raise Conflict(f"only one coder has this: there is no {decided.keep!r} to keep", slug="no_such_side")
    return [it for it in wanted if it], [it for it in (first, second) if it is not None and it not in wanted]


def _held(work: Work, review: str, extraction: str) -> tuple[ExtractionRow, list[CodingRow]]:
    """An extraction with its codings, locked until this work ends, the report first. Raises NotFound."""
    store.report(work, review, store.extraction(work, review, extraction).record)
    row = store.extraction_to_change(work, review, extraction)
    return row, store.codings(work, [row.id], lock=True)[row.id]


def _in_hand(work: Work, review: str, extraction: str) -> tuple[ExtractionRow, list[CodingRow], CodingRow]:
    """The same with this person's coding, which they have not finished. Raises Conflict."""
    row, codings = _held(work, review, extraction)
    coding = _mine(work, codings)
    if coding is None:
        raise _not_yours(row)
    if coding.finished_at is not None:
        raise Conflict("you have finished your coding of this report", slug="coding_finished")
    return row, codings, coding


def _mine(work: Work, codings: Sequence[CodingRow]) -> CodingRow | None:
    return next((it for it in codings if it.person == work.actor), None)


def _not_yours(row: ExtractionRow) -> Conflict:
    return Conflict(
        f"record {row.record!r} is coded by {row.coders}, and you have it not in hand: claim the next report, or give "
        "the one that you have back first; what lapsed was given to another",
        slug="not_your_coding",
    )


def _expiry(work: Work) -> datetime:
    return work.now + timedelta(hours=work.settings.extraction_lease_hours)
