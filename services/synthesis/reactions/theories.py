"""Theories: takes the CMOCs of each protocol version into the synthesis, and keeps what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date
from typing import Any, TypedDict

from services.synthesis import store
from services.synthesis.commands.history import Happening, log_triggers, mark_due, tell_theories
from services.synthesis.commands.rewordings import ask_anew
from services.synthesis.domain.cadence import next_due
from services.synthesis.domain.lineage import gone_by
from services.synthesis.domain.states import PARTS
from services.synthesis.domain.triggers import PROTOCOL_AMENDED, Fired
from services.synthesis.models import CharacteristicRow, CmocRow, ManualRow, ReviewRow
from shared.db.work import Work
from shared.events.protocol import Cmoc, Triggers, VersionPublished

#: Of a CMOC that the protocol has.
_STATED: dict[str, Any] = {
    "set_aside_at": None, "gone_how": None, "gone_into": [], "gone_why": None, "gone_by": None, "dissent": None,
}  # fmt: skip


#: What makes a characteristic another question.
_MEANS = ("label", "kind", "options", "least", "most")


class _Plan(TypedDict):
    """What a review takes from a protocol version."""

    title: str
    protocol_version: int
    protocol_sha256: str
    theories: list[dict[str, str]]
    publish_every_days: int
    next_due: date
    new_supports: int
    doubts: int
    coders: int | None
    reconciled_by: str
    to_open: bool


def adopt_theories(work: Work, event: VersionPublished) -> None:
    """Makes a protocol's theories and CMOCs the review's. One that it no longer has is set aside, never deleted."""
    review = store.review_if_known(work, event.review)
    if review is not None and event.version <= review.protocol_version:
        return
    amended = review is not None
    _adopt_searches(work, event, before=review.protocol_version if review is not None else 0)
    _adopt_characteristics(work, event)
    review = _adopt_plan(work, event, review)
    tell_theories(work, review, list(_adopt_cmocs(work, event)))
    if amended:
        log_triggers(work, review, [Fired(PROTOCOL_AMENDED, str(event.version), _amended(event))])
    mark_due(work, event.review, work.causation or "", None)


def _amended(event: VersionPublished) -> str:
    """That a version was made, and why where that was said, in one line."""
    why = f": {' '.join(event.why.split())}" if event.why else ""
    return f"protocol version {event.version}{why}"


def _adopt_plan(work: Work, event: VersionPublished, review: ReviewRow | None) -> ReviewRow:
    protocol = event.protocol
    triggers, asked = protocol.triggers or Triggers(), protocol.extraction
    started = review.started_on if review else work.now.date()
    plan: _Plan = {
        "title": protocol.title,
        "protocol_version": event.version,
        "protocol_sha256": event.sha256,
        "theories": [
            {"theory": theory.id, "heading": theory.heading, "statement": theory.statement}
            for theory in protocol.theories
        ],
        "publish_every_days": protocol.publish_every_days,
        "next_due": next_due(started, review.last_published if review else None, protocol.publish_every_days),
        "new_supports": triggers.new_supports,
        "doubts": triggers.doubts,
        "coders": asked.coders if asked else None,
        "reconciled_by": asked.reconciled_by if asked else "coders",
        # What was included before is asked of coders by a job, since it may be much.
        "to_open": asked is not None,
    }
    if review is not None:
        return review.sqlmodel_update(dict(plan))
    return work.add(ReviewRow(review=event.review, started_on=started, **plan))


def _adopt_searches(work: Work, event: VersionPublished, *, before: int) -> None:
    """Brings the strategies that people search by hand to the protocol's. One is asked since this version where it asks
    something else than before, or was not in the version `before`."""
    known = store.manual_rows(work, event.review)
    for position, strategy in enumerate(event.protocol.strategies):
        if strategy.manual is None:
            continue
        question, row = event.protocol.question_of(strategy), known.get(strategy.id)
        goes_on = row is not None and (row.question, row.protocol_version) == (question, before)
        asked_on = row.asked_on if row is not None and goes_on else work.occurred.astimezone(UTC).date()
        plan = ManualRow(
            review=event.review, strategy=strategy.id, position=position, database=strategy.manual, question=question,
            every_days=strategy.every_days, asked_on=asked_on, protocol_version=event.version,
        )  # fmt: skip
        if row is None:
            work.add(plan)
        else:
            row.sqlmodel_update(plan)


def _adopt_characteristics(work: Work, event: VersionPublished) -> None:
    """Brings what is asked of each study to the protocol's. One that is asked otherwise is so since this version, and
    so is one that is asked again; whether it must be answered, and its help, make no other question of it."""
    known = store.characteristics(work, event.review)
    for position, asked in enumerate(event.protocol.characteristics):
        plan = {part: getattr(asked, part) for part in type(asked).model_fields} | {"position": position, "asked": True}
        row = known.pop(asked.name, None)
        if row is None:
            work.add(CharacteristicRow(review=event.review, since=event.version, **plan))
            continue
        if not row.asked or any(getattr(row, part) != plan[part] for part in _MEANS):
            row.since = event.version
        row.sqlmodel_update(plan)
    for row in known.values():
        row.asked, row.position = False, len(event.protocol.characteristics)


def _adopt_cmocs(work: Work, event: VersionPublished) -> Iterator[Happening]:
    """Brings the review's CMOCs to the protocol's; gives what that does to each."""
    known = store.cmocs(work, event.review)
    for position, cmoc in enumerate(event.protocol.cmocs):
        worded = cmoc.model_dump(exclude={"id"}) | {"position": position} | _STATED
        row = known.pop(cmoc.id, None)
        if row is None:
            work.add(CmocRow(review=event.review, cmoc=cmoc.id, **worded))
            yield Happening(cmoc.id, "proposed", cmoc.lineage_note or "the protocol proposes it", after=_wording(cmoc))
        else:
            yield from _compared(row, cmoc, event.version)
            anew = [part for part in PARTS if getattr(row, part) != getattr(cmoc, part)]
            if anew:
                ask_anew(work, row, cmoc, anew, event)
                row.taken_up = sorted({*row.taken_up, *store.refining_links(work, event.review, cmoc.id, anew)})
            row.sqlmodel_update(worded)
    for row in known.values():
        if row.set_aside_at is None:
            gone = gone_by(row.cmoc, event.protocol)
            row.set_aside_at, row.gone_by, row.dissent = work.now, event.published_by, gone.dissent
            row.gone_how, row.gone_into = gone.how, list(gone.into)
            row.gone_why = gone.why or event.why or f"protocol version {event.version} no longer has it"
            yield Happening(row.cmoc, gone.happened, row.gone_why, before=_wording(row), into=gone.into)


def _compared(row: CmocRow, cmoc: Cmoc, version: int) -> Iterator[Happening]:
    """What a protocol version does to a CMOC that is known."""
    if row.set_aside_at is not None:
        yield Happening(cmoc.id, "reinstated", f"protocol version {version} has it again", after=_wording(cmoc))
    changed = [part for part in ("theory", *PARTS) if getattr(row, part) != getattr(cmoc, part)]
    if changed:
        why = f"protocol version {version} words it anew"
        yield Happening(cmoc.id, "refined", why, before=_wording(row, changed), after=_wording(cmoc, changed))


def _wording(cmoc: Cmoc | CmocRow, parts: Sequence[str] = PARTS) -> str:
    """A CMOC's parts as one text: `context: ...`, a line each."""
    return "\n".join(f"{part}: {getattr(cmoc, part)}" for part in parts)
