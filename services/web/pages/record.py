"""A record: what is said of it and by whom, where it stands, what was coded from it, and what happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, get_args

from services.web import drawing
from services.web.describing import described, labels, spoken
from services.web.faults import errors_of
from services.web.names import called_in, naming
from services.web.page import Asked, Drawn, Go, Page, Pages, Sheet
from services.web.roles import has_role
from services.web.saving import saved
from services.web.sending import sent
from shared.client.operations import SERVICES
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.events.ingest import Bibliography, NoticeKind
from shared.wire.common import JournalEntry
from shared.wire.ingest import (
    LARGEST_TEXT,
    CorrectableField,
    LicenceClass,
    RecordView,
    TextReaders,
    TextVersion,
)
from shared.wire.people import Me
from shared.wire.screening import RecordHistory
from shared.wire.synthesis import EvidenceView

pages = Pages()

_AT = "/reviews/{review}/records/{record}"

#: Events of each service that a record's history shows.
_EVENTS = 200

#: Pairs that wait of which a record's page names the other.
_PAIRS = 10

#: What a history says of an event beside what it is.
_TELLING = ("stage", "next_stage", "outcome", "rule", "into", "out_of", "kind", "reason", "cmoc", "changed", "channel")


@pages.page(_AT, allowed=("scripts",))
async def show_record(asked: Asked) -> Drawn:
    """All of one record. One that lives on in another leads there."""
    return await _record(asked)


@pages.page(_AT + "/history", allowed=("scripts",))
async def show_history(asked: Asked) -> Drawn:
    """What happened to a record, in order: of one that lives on in another, until then."""
    review, record = asked.path["review"], asked.path["record"]
    (shown, called), of_services = await asyncio.gather(
        asyncio.gather(asked.api.ingest.record(review, record), called_in(asked, review)),
        asyncio.gather(*(_events(asked, service) for service in SERVICES)),
    )
    entries = sorted(
        (entry for sheet in of_services for entry in sheet.items),
        key=lambda entry: (entry.event["recordedtime"], entry.event["id"]),
    )
    given = {
        "review": review, "record": shown, "called": called, "events": [_event(entry) for entry in entries],
        "more": any(sheet.next for sheet in of_services),
    }  # fmt: skip
    return Page("record-history.html", given)


@pages.page("/reviews/{review}/texts/{text}/file")
async def show_copy(asked: Asked) -> Drawn:
    """The file of a copy of a report, to be saved."""
    review, text = asked.path["review"], asked.path["text"]
    about = await asked.api.ingest.text(review, text)
    return await saved(
        asked, lambda api, into: api.ingest.file_of_text(review, text, into),
        hashed=about.sha256, size=about.size, name=f"{text}.{about.kind}",
    )  # fmt: skip


@pages.form(_AT + "/correct", allowed=("scripts",), labels={"value": "record.value", "field": "record.which"})
async def correct(asked: Asked) -> Drawn:
    """Says what a field is, whatever its sources say."""
    field, said = asked.text("field"), asked.text("value")
    value = [line.strip() for line in said.splitlines() if line.strip()] if _is_list(field) else said or None

    async def doing() -> None:
        await asked.api.ingest.correct(*_ids(asked), field=field, value=value, reason=asked.text("reason"))

    return await _done(asked, "correct", doing)


@pages.form(_AT + "/corrections/{correction}/undo", allowed=("scripts",))
async def undo_correction(asked: Asked) -> Drawn:
    async def doing() -> None:
        reason = asked.text("reason") or drawing.text("record.undone")
        await asked.api.ingest.undo_correction(asked.path["review"], asked.path["correction"], reason)

    return await _done(asked, "undo", doing)


@pages.form(_AT + "/notice", allowed=("scripts",), labels={"kind": "record.notice_kind"})
async def give_notice(asked: Asked) -> Drawn:
    """Tells of a retraction and the like; or of an exercise."""

    async def doing() -> None:
        kind: Any = asked.text("kind")
        drill = asked.text("drill") == "yes"
        await asked.api.ingest.notice(*_ids(asked), kind=kind, reason=asked.text("reason"), drill=drill)

    return await _done(asked, "notice", doing)


@pages.form(_AT + "/split", allowed=("scripts",))
async def split_record(asked: Asked) -> Drawn:
    """Parts source records, or one that was absorbed, from it."""

    async def doing() -> None:
        absorbed = asked.text("absorbed") or None
        sources = [] if absorbed else asked.texts("source_record")
        await asked.api.ingest.split(
            *_ids(asked), source_records=sources, absorbed=absorbed, reason=asked.text("reason")
        )

    return await _done(asked, "split", doing, f"part-{asked.text('absorbed')}" if asked.text("absorbed") else "split")


@pages.form(_AT + "/merge", allowed=("scripts",), labels={"other": "record.other"})
async def merge_record(asked: Asked) -> Drawn:
    """Makes it one with another that a person names."""

    async def doing() -> None:
        await asked.api.ingest.merge(*_ids(asked), other=asked.text("other"), reason=asked.text("reason"))

    return await _done(asked, "merge", doing)


@pages.form(_AT + "/withdraw", allowed=("scripts",))
async def withdraw(asked: Asked) -> Drawn:
    """Takes away for good what is held back of it."""

    async def doing() -> None:
        await asked.api.ingest.withdraw(*_ids(asked), asked.text("reason"))

    return await _done(asked, "withdraw", doing)


@pages.form(_AT + "/retrieval", allowed=("scripts",))
async def decide_retrieval(asked: Asked) -> Drawn:
    """Says that its full text cannot be had, or is to be sought again."""

    async def doing() -> None:
        state: Any = asked.text("state")
        await asked.api.ingest.decide_retrieval(*_ids(asked), state=state, reason=asked.text("reason"))

    return await _done(asked, "retrieval", doing)


#: What the form of a copy calls its fields.
_OF_COPY = {
    "licence": "record.licence_said", "licence_class": "record.licence_class", "readers": "record.readers_are",
    "version": "record.version_is", "url": "record.copy_from", "file": "record.file",
}  # fmt: skip


@pages.upload(_AT + "/texts", most=LARGEST_TEXT, allowed=("scripts",), labels=_OF_COPY)
async def add_copy(asked: Asked) -> Drawn:
    """Keeps a file as a copy of the report, with who may read it."""
    review, record = _ids(asked)
    said = {name: asked.text(name) for name in ("licence", "licence_class", "readers", "version", "url")}
    given = {name: value for name, value in said.items() if value}

    async def doing() -> None:
        # Not within: who may send none at all is told so on a page of its own.
        try:
            await asked.api.ingest.add_text(review, record, {"file": file, "name": name} | given)
        except Forbidden as error:
            raise Conflict(error.detail) from error

    try:
        file, name = await sent(asked, lambda pieces, size: asked.api.ingest.upload_text(review, pieces, size))
    except Invalid as error:
        return await _record(asked, error, "add")
    return await _done(asked, "add", doing)


@pages.form(_AT + "/texts/{text}/withdraw", allowed=("scripts",))
async def withdraw_copy(asked: Asked) -> Drawn:
    """Takes a copy back, such as a wrong file."""

    async def doing() -> None:
        await asked.api.ingest.withdraw_text(asked.path["review"], asked.path["text"], reason=asked.text("reason"))

    return await _done(asked, "copy", doing, f"copy-{asked.path['text']}")


async def _done(asked: Asked, done: str, doing: Callable[[], Awaitable[None]], form: str = "") -> Drawn:
    """Does what a form asks for; what is wrong with that is said in the form, where it is not the only one of its kind
    in that of this name."""
    try:
        with asked.done_once():
            await doing()
    except (Invalid, Conflict, NotFound) as error:
        return await _record(asked, error, form or done)
    return Go(_here(asked, done=done))


async def _record(asked: Asked, error: LivingError | None = None, form: str = "") -> Drawn:
    review, record = _ids(asked)
    (shown, me, called), (texts, history, evidence, citations, pairs) = await asyncio.gather(
        asyncio.gather(asked.api.ingest.record(review, record), asked.api.people.me(), called_in(asked, review)),
        asyncio.gather(
            asked.api.ingest.texts(review, record),
            _screening(asked),
            _evidence(asked),
            asked.first(asked.api.ingest.citations(review, record=record)),
            asked.first(asked.api.ingest.duplicates(review, record=record), _PAIRS),
        ),
    )
    if shown.merged_into is not None and error is None:
        return Go(drawing.url("reviews", review, "records", shown.merged_into, came_from=record))
    given = {
        "review": review, "record": shown, "book": shown.bibliography, "called": called, "rows": described(shown),
        "labels": labels(shown), "texts": texts, "history": history, "evidence": evidence, "citations": citations,
        "pairs": [(one, one.second if one.first.record == record else one.first) for one in pairs.items],
        "standing": [one for one in shown.notices if one.stands],
        "corrections": {one.correction: one for one in shown.corrections},
        "restricted": any(one.restricted and one.withdrawn_at is None for one in shown.additions),
        "naming": naming, "came_from": _came_from(asked, shown), "done": asked.query.get("done"),
    }  # fmt: skip
    forms = _forms(asked, shown, me) | {"errors": [_with_line(asked, it) for it in errors_of(error)], "form": form}
    return Page("record.html", given | forms, 200 if error is None else 422)


def _forms(asked: Asked, shown: RecordView, me: Me) -> dict[str, Any]:
    """What its forms offer to whoever looks, and what was typed."""
    leads = has_role(me, "lead", asked.path["review"])
    correcting = asked.text("field") or asked.query.get("correct", "")
    return {
        "leads": leads, "contributes": has_role(me, "reviewer", asked.path["review"]), "typed": asked.form,
        "own": me.person, "largest_text": LARGEST_TEXT, "licences": get_args(LicenceClass),
        "readers": get_args(TextReaders), "versions": get_args(TextVersion),
        "correctable": get_args(CorrectableField) if leads else (), "kinds": get_args(NoticeKind),
        "correcting": correcting, "value": _value_of(asked, shown.bibliography, correcting),
        "chosen": asked.texts("source_record"),
    }  # fmt: skip


async def _screening(asked: Asked) -> RecordHistory | None:
    """Its way through screening; None while screening has not heard of it."""
    try:
        return await asked.api.screening.record(*_ids(asked))
    except NotFound:
        return None


async def _evidence(asked: Asked) -> Sheet[EvidenceView]:
    review, record = _ids(asked)
    try:
        return await asked.first(asked.api.synthesis.evidence(review, record=record))
    except NotFound:  # Synthesis has not heard of the review yet.
        return Sheet([], None)


async def _events(asked: Asked, service: str) -> Sheet[JournalEntry]:
    """What a service told of a record; its flow has the record's own id."""
    review, record = _ids(asked)
    try:
        return await asked.first(asked.api.operations.events(service, review, correlation=record), _EVENTS)
    except (Forbidden, NotFound):
        return Sheet([], None)


def _event(entry: JournalEntry) -> dict[str, Any]:
    """An event as a line of a history; a service that does something by itself is no person."""
    event, named = entry.event, f"record.event.{entry.event['type']}"
    service, colon, _ = event["actor"].partition(":")
    return {
        "type": event["type"],
        "is_known": drawing.has_text(named),
        "at": datetime.fromisoformat(event["time"]),
        "actor": event["actor"],
        "service": service if colon else None,
        "about": [(name, spoken(event["data"][name])) for name in _TELLING if event["data"].get(name)],
    }


def _came_from(asked: Asked, shown: RecordView) -> str | None:
    """The record that somebody looked for, if it lives on in this one."""
    named = asked.query.get("came_from")
    return named if any(one.absorbed == named for one in shown.merges) else None


def _value_of(asked: Asked, book: Bibliography, field: str) -> str:
    """What a correction begins with: what was typed, else what is so now; a list is one item a line."""
    if asked.form.get("value") is not None:
        return asked.text("value")
    if field not in get_args(CorrectableField):
        return ""
    value = getattr(book, field)
    return "\n".join(value) if isinstance(value, list) else str(value or "")


def _with_line(asked: Asked, fault: dict[str, str]) -> dict[str, str]:
    """What is wrong with one item of a list, at the line that it was written on."""
    item = fault["at"].removeprefix("value.")
    if item == fault["at"] or not item.isdigit():
        return fault
    lines = [n for n, line in enumerate(asked.text("value").splitlines(), 1) if line.strip()]
    return fault | {"to": "value", "label": drawing.text("record.line", n=lines[int(item)])}


def _is_list(field: str) -> bool:
    return isinstance(getattr(Bibliography(), field, None), list)


def _ids(asked: Asked) -> tuple[str, str]:
    return asked.path["review"], asked.path["record"]


def _here(asked: Asked, **said: str) -> str:
    return drawing.url("reviews", asked.path["review"], "records", asked.path["record"], **said)
