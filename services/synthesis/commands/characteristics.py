"""Characteristics: keeps what people answer of each included study; a correction supersedes, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.synthesis import store
from services.synthesis.commands import extraction
from services.synthesis.commands.answers import tell
from services.synthesis.domain.characteristics import MOST_ANSWERS, Answered, fitting, heads, same, that_stand
from services.synthesis.domain.extraction import ExtractionStates, finished_by, may_decide
from services.synthesis.domain.reports import ReportStates
from services.synthesis.models import CharacteristicAnswerRow, CharacteristicRow, ExtractionRow, ReportRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import new_id
from shared.receipts import salted
from shared.tokens import Person
from shared.wire.synthesis import DescriptionGiven, NewCharacteristics


@dataclass(frozen=True)
class _Report:
    """A report that is answered for: who codes it, whether an answer is `held` back until both have finished, and
    whether this person corrects what others answered. `answers` are those that theirs stand beside, `others` the rest
    of what they may see of its study."""

    row: ReportRow
    within: ExtractionRow | None
    held: bool
    decides: bool
    answers: Sequence[CharacteristicAnswerRow]
    others: frozenset[str]


def record(work: Work, review: str, given: NewCharacteristics, by: Person) -> tuple[int, list[str]]:
    """Keeps answers, all or none; one that says what stands already changes nothing. How many are new, and the studies.

    Raises Invalid for a characteristic that is not asked, a value that does not fit, or a correction without why;
    NotFound and Conflict for reports that are not included or speak no more, where others answered meanwhile, and where
    two others code the report; Forbidden for who does not decide what its coders differ in.
    """
    store.review(work, review)
    asked = store.characteristics(work, review)
    fitted = _fitted(asked, given.answers)
    reports = _reports(work, review, given.answers, by)
    made: dict[str, list[CharacteristicAnswerRow]] = {}
    for at, (one, value) in enumerate(zip(given.answers, fitted, strict=True)):
        report = reports[one.record]
        if (row := _answer(work, report, asked[one.characteristic], one, value, f"answers[{at}].", by)) is not None:
            made.setdefault(report.row.record, []).append(row)
    work.session.flush()
    by_record = {it.row.record: it for it in reports.values()}
    for name, rows in sorted(made.items()):
        if not by_record[name].held:
            tell(work, by_record[name].row, rows)
    return sum(map(len, made.values())), sorted({it.row.study for it in reports.values()})


def _fitted(asked: Mapping[str, CharacteristicRow], given: Sequence[DescriptionGiven]) -> list[Any]:
    """The values as they are kept. Raises Invalid with each that does not fit."""
    values: list[Any] = []
    errors: list[dict[str, Any]] = []
    for at, one in enumerate(given):
        question = asked.get(one.characteristic)
        values.append(None)
        if question is None or not question.asked:
            names = ", ".join(name for name, it in asked.items() if it.asked)
            why = (
                f"asks of no study {one.characteristic[:80]!r}; it asks: {names}"
                if names
                else "asks nothing of studies"
            )
            errors.append({"at": f"answers[{at}].characteristic", "why": f"the protocol {why}"})
        elif one.value is not None and one.not_reported:
            errors.append({"at": f"answers[{at}].not_reported", "why": "stands beside a value: say either"})
        elif one.value is not None:
            try:
                values[at] = fitting(question, one.value)
            except ValueError as fault:
                errors.append({"at": f"answers[{at}].value", "why": f"{question.label!r} {fault}"})
    if errors:
        raise Invalid(f"{errors[0]['at']}: {errors[0]['why']}", errors, slug="unfit_characteristic")
    return values


def _reports(work: Work, review: str, given: Sequence[DescriptionGiven], by: Person) -> dict[str, _Report]:
    """The reports by the records that were given, locked in their order."""
    first = {one.record: at for at, one in reversed(list(enumerate(given)))}
    if len(first) > 1:
        store.hold_studies(work, review, alone=False)
    rows = {name: _speaking(work, review, name, f"answers[{first[name]}].record") for name in sorted(first)}
    twice = Counter((rows[one.record].record, one.characteristic) for one in given)
    for at, one in enumerate(given):
        if twice[rows[one.record].record, one.characteristic] > 1:
            raise Invalid.of(f"answers[{at}].characteristic", "is answered twice of this report", slug="given_twice")
    found = store.included_reports(work, review, {it.study for it in rows.values()})
    answers = store.characteristic_answers(work, review, [it.record for it in found], by.id)
    of_study = {it.record: it.study for it in found}
    return {name: _asked_of(work, row, [it for it in answers if of_study[it.record] == row.study], by)
            for name, row in rows.items()}  # fmt: skip


def _speaking(work: Work, review: str, record: str, at: str) -> ReportRow:
    """The report that speaks for a record, locked. Raises NotFound, and Conflict for one that does not speak."""
    name, report = store.surviving(work, review, record)
    if report is None:
        why = f"synthesis knows no included record {record!r} in review {review!r}; one that was just included arrives"
        raise NotFound(
            f"{at}: {why} in seconds", slug="unknown_record", errors=[{"at": at, "why": f"{why} in seconds"}]
        )
    if report.state != ReportStates.INCLUDED:
        why = f"record {name!r} is not included ({report.state}): only included studies are described"
        raise Conflict(f"{at}: {why}", slug="not_included", errors=[{"at": at, "why": why}])
    if not report.stands:
        why = f"a notice about record {name!r} stands, so that it speaks no more: nothing is answered from it"
        raise Conflict(f"{at}: {why}", slug="report_suspended", errors=[{"at": at, "why": why}])
    return report


def _asked_of(work: Work, report: ReportRow, answers: Sequence[CharacteristicAnswerRow], by: Person) -> _Report:
    """A report as its coders are asked. While two code it others answer nothing, and neither who has finished does."""
    rows = store.extractions_of_record(work, report.review, report.record)
    two = [it for it in rows if it.coders > 1 and it.state != ExtractionStates.WITHDRAWN]
    if any(it.state == ExtractionStates.OPEN for it in two):
        within = extraction.asked_of(work, report)
        if within is not None and within.state == ExtractionStates.OPEN:
            mine = [it for it in answers if it.by == by.id and it.record == report.record]
            return _beside(report, within, mine, answers, held=True, decides=True)
    shown = [it for it in answers if not it.held]
    if not two:
        return _beside(report, None, shown, answers, held=False, decides=True)
    codings = store.codings(work, [two[0].id])[two[0].id]
    finished = finished_by(codings)
    decides = may_decide(store.review(work, report.review).reconciled_by, finished, by)
    if not decides and by.id not in finished:
        raise _not_to_decide()
    return _beside(report, two[0], shown, answers, held=False, decides=decides)


def _beside(
    report: ReportRow, within: ExtractionRow | None, answers: Sequence[CharacteristicAnswerRow],
    visible: Iterable[CharacteristicAnswerRow], *, held: bool, decides: bool,
) -> _Report:  # fmt: skip
    others = frozenset(it.id for it in visible) - {it.id for it in answers}
    return _Report(report, within, held, decides, answers, others)


def _answer(
    work: Work,
    report: _Report,
    question: CharacteristicRow,
    given: DescriptionGiven,
    value: Any,
    at: str,
    by: Person,
) -> CharacteristicAnswerRow | None:
    """One answer; None where it says what stands already."""
    review = store.review(work, report.row.review)
    rows = [it for it in report.answers if it.characteristic == given.characteristic]
    known = [it.answered for it in rows]
    stand, superseded = that_stand(known), heads(known)
    if given.seen is not None and set(given.seen) - report.others != {it.answer for it in stand}:
        why = "somebody answered it meanwhile, and nothing of theirs was written over: read that first"
        raise Conflict(f"{at}characteristic: {why}", slug="answered_meanwhile",
                       errors=[{"at": f"{at}characteristic", "why": why}])  # fmt: skip
    new = Answered("", given.characteristic, value, given.not_reported, review.protocol_version)
    by_id = {it.id: it for it in rows}
    if not stand and not new.is_said and (given.locator or given.fragment):
        where = "locator" if given.locator else "fragment"
        raise Invalid.of(f"{at}{where}", "says where it is told, and not what: give the answer too", slug="no_answer")
    if _says_nothing_new(new, [(it, by_id[it.answer]) for it in stand], given, since=question.since):
        return None
    if not report.decides and any(by_id[name].by != by.id for name in superseded):
        raise _not_to_decide()
    if given.why is None and not report.held and any(not same(new, it) for it in stand):
        raise Invalid.of(f"{at}why", "another answer stands: say why yours corrects it", slug="why_missing")
    if len(rows) >= MOST_ANSWERS:
        raise Conflict(
            f"{given.characteristic!r} was answered {MOST_ANSWERS} times already", slug="too_many_corrections"
        )
    _require_fragment(work, report, given, value, at, by)
    within = report.within
    row = CharacteristicAnswerRow(
        id=new_id("answer"), review=report.row.review, record=report.row.record,
        answered_on=report.row.record, said=None if value is None else [value],
        protocol_version=review.protocol_version, supersedes=superseded, by=by.id, at=work.now,
        extraction=None if within is None else within.id, held=report.held,
        event_id="" if within is None else within.event_id,
        **given.model_dump(include={"characteristic", "not_reported", "locator", "fragment", "why"}),
    )  # fmt: skip
    return work.add(row)


def _says_nothing_new(
    new: Answered, stand: Sequence[tuple[Answered, CharacteristicAnswerRow]], given: DescriptionGiven, *, since: int
) -> bool:
    """Whether it takes back what nobody said; or what stands says the same, of the same piece of the report, and as the
    protocol asks it now."""
    if not new.is_said:
        return not stand
    where = (given.locator, given.fragment)
    return bool(stand) and all(
        same(new, one) and one.version >= since and (row.locator, row.fragment) == where for one, row in stand
    )


def _require_fragment(work: Work, report: _Report, given: DescriptionGiven, value: Any, at: str, by: Person) -> None:
    """Raises Invalid for a fragment that is none of this study's, and for an answer that only repeats the words of a
    closed copy, which are not kept here."""
    if given.fragment is None:
        return
    row = store.fragments_by_id(work, [given.fragment]).get(given.fragment)
    shown = row is not None and (row.coder == by.id or store.is_shown(work, row.id))
    if row is None or not shown or row.review != report.row.review or not _is_of_study(work, report, row.record):
        raise Invalid.of(
            f"{at}fragment", f"nothing is coded of this study as {given.fragment!r}", slug="unknown_fragment"
        )
    if (
        isinstance(value, str)
        and row.quote is None
        and row.salt is not None
        and salted(value, row.salt) == row.quote_sha256
    ):
        why = "these are the words of a copy that is closed: say it in words of your own"
        raise Invalid.of(f"{at}value", why, slug="words_of_closed_copy")


def _is_of_study(work: Work, report: _Report, record: str) -> bool:
    return record in store.records_of_study(work, report.row.review, report.row.study)


def _not_to_decide() -> Forbidden:
    return Forbidden(
        "two people code this report: once both have finished one of them or an adjudicator corrects it, as the "
        "protocol says of what they differ in",
        slug="not_to_decide",
    )
