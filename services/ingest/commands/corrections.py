"""Correcting a record: a person says what a field of its description is, and outranks every source for good."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError

from services.ingest import store
from services.ingest.commands.writing import tell_description
from services.ingest.domain.additions import SHOWN
from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.description import BY_PERSON, Contribution, corrected, describe
from services.ingest.models import CorrectionRow, RecordRow, SourceRecordRow
from services.ingest.ports.sources.port import Kind, SourceRecord
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.ingest import Bibliography, RecordCorrected
from shared.ids import new_id
from shared.languages import language
from shared.wire.ingest import NewCorrection

_LISTS = ("authors", "editors", "keywords")


def correct(work: Work, review: str, record: str, asked: NewCorrection) -> CorrectionRow:
    """Corrects a field of a record's description. Raises NotFound, Invalid for a value that the field cannot have, and
    Conflict for a record that is absorbed in another, and for what may not be told of a restricted one."""
    known = store.lock_review(work, review)
    row = _live(work, review, record)
    value = _value(asked)
    members = store.members_of(work, [record])
    _require_shown(record, members, asked.field)
    source, source_id = _carrier(work, row, members, asked.field)
    correction = CorrectionRow(
        id=new_id("correction"), review=review, source=source, source_id=source_id, field=asked.field, value=[value],
        reason=asked.reason, corrected_by=work.actor, corrected_at=work.now,
    )  # fmt: skip
    work.add(correction)
    known.corrections += 1
    _tell(work, row, members, correction, asked.reason, undone=False)
    return correction


def undo_correction(work: Work, review: str, correction: str, reason: str) -> CorrectionRow:
    """Takes a correction back: what was corrected before it, or what the sources say, counts again. One that was
    undone stays so. Raises NotFound."""
    store.lock_review(work, review)
    found = store.correction_of(work, review, correction)
    if found.undone_at is not None:
        return found
    found.undone_by, found.undone_at, found.undone_why = work.actor, work.now, reason
    row = store.record_of(work, review, store.record_with(work, review, (found.source, found.source_id)))
    _tell(work, row, store.members_of(work, [row.id]), found, reason, undone=True)
    return found


def _tell(
    work: Work,
    row: RecordRow,
    members: list[SourceRecordRow],
    correction: CorrectionRow,
    reason: str,
    *,
    undone: bool,
) -> None:
    """Has the record be described as it is now, and tells who says so and why."""
    with work.following(row.id, None):
        work.emit(
            RecordCorrected(
                review=row.review, record=row.id, correction=correction.id, field=correction.field, reason=reason,
                undone=undone,
            )
        )  # fmt: skip
    keys = [(member.source, member.source_id) for member in members]
    standing = store.standing_corrections(work, row.review, keys)
    chases = store.chases_among(work, {member.run for member in members})
    described = describe(
        Contribution(SourceRecord.model_validate(member.content), member.run, member.run in chases)
        for member in members
    )
    tell_description(work, row, corrected(described, [each for key in keys for each in standing.get(key, ())]))


def _live(work: Work, review: str, record: str) -> RecordRow:
    row = store.record_of(work, review, record)
    if row.merged_into is not None:
        raise Conflict(f"record {record!r} lives on in {row.merged_into!r}: correct that one", slug="record_absorbed")
    return row


def _require_shown(record: str, members: list[SourceRecordRow], field: str) -> None:
    """Raises Conflict for a field that would tell of a restricted record what is held back of it."""
    if field not in SHOWN and all(member.content.get("restricted") for member in members):
        raise Conflict(f"record {record!r} is restricted: of it only {', '.join(SHOWN)} are told", slug="restricted")


def _carrier(work: Work, row: RecordRow, members: list[SourceRecordRow], field: str) -> SourceKey:
    """The source record that gave a field, or with which it was corrected before, so that what is replaced never goes
    another way than what replaces it; else the first."""
    keys = [(member.source, member.source_id) for member in members]
    given = Bibliography.model_validate(row.bibliography).provenance.get(field, "")
    if given.startswith(BY_PERSON):
        before = store.correction_of(work, row.review, given.removeprefix(BY_PERSON))
        given = f"{before.source}:{before.source_id}"
    return next((key for key in keys if ":".join(key) == given), keys[0])


def _value(asked: NewCorrection) -> Any:
    """The value in the form that descriptions have. Raises Invalid."""
    value: Any = asked.value
    if asked.field in _LISTS:
        value = [] if value is None else value
        if not isinstance(value, list):
            raise _invalid(f"{asked.field} are a list of {'words' if asked.field == 'keywords' else 'names'}")
    elif isinstance(value, list):
        raise _invalid(f"{asked.field} is a text, and no list")
    elif asked.field == "kind" and value not in get_args(Kind):
        raise _invalid(f"a kind is one of {', '.join(get_args(Kind))}")
    elif asked.field == "language" and value is not None and (value := language(value)) is None:
        raise _invalid("a language is a code of ISO 639, such as en")
    try:
        read = getattr(Bibliography.model_validate({asked.field: value}), asked.field)
    except ValidationError as error:
        raise _invalid(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    if read is None and value is not None:
        raise _invalid(f"{value!r} is no {asked.field} that can be used")
    return read


def _invalid(why: str) -> Invalid:
    return Invalid.of("value", why)
