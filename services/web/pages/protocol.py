"""Protocol: the plan in force and all before it, a text to amend it by, and what that would change, before it does."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from hashlib import sha256
from typing import Any, cast

from services.web import drawing, guided
from services.web.faults import errors_of
from services.web.lacking import without_protocol
from services.web.lived import lived
from services.web.names import called_in
from services.web.page import ONCE, Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.written import as_yaml, numbered
from shared.client.amending import effects_of
from shared.client.asking import under
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.events.protocol import SOURCES, Protocol
from shared.wire.ingest import MOST_PREVIEWED
from shared.wire.people import MemberView
from shared.wire.protocol import Checked, VersionView
from shared.wire.screening import StageQueue
from shared.wire.synthesis import RevisionListed

pages = Pages()

#: What the button does that has sources asked what the strings would bring; before the name of a strategy where it is
#: of that alone.
_COUNT = "count"

#: The questions of the guided form that faults may be about, beside those of its stages.
_QUESTIONS = (
    "title", "question", "published_after", "published_until", "definitions.context", "definitions.mechanism",
    "definitions.outcome", "criteria.include", "criteria.exclude", "highlights.include", "highlights.exclude", "manual",
    "concepts", "team", "theories[0].heading", "theories[0].statement", "cmocs[0].context", "cmocs[0].resource",
    "cmocs[0].reasoning", "cmocs[0].outcome",
)  # fmt: skip
_OF_A_STAGE = ("name", "question", "votes", "reasons")


@pages.page("/reviews/{review}/protocol", allowed=("scripts",))
async def show_protocol(asked: Asked) -> Drawn:
    """The version in force, all of it, and every version there was."""
    review = asked.path["review"]
    try:
        version = await asked.api.protocol.newest(review)
    except NotFound:
        return await without_protocol(asked)
    return await _shown(asked, version, version.version)


@pages.page("/reviews/{review}/protocol/versions/{version}", allowed=("scripts",))
async def show_version(asked: Asked) -> Drawn:
    """One version, and what it said otherwise than the one before it."""
    review, number = asked.path["review"], numbered(asked.path["version"])
    version, newest = await asyncio.gather(
        asked.api.protocol.version(review, number), asked.api.protocol.newest(review)
    )
    return await _shown(asked, version, newest.version)


@pages.page("/reviews/{review}/protocol/edit", allowed=("scripts",))
async def edit_protocol(asked: Asked) -> Drawn:
    """The protocol's text, to be amended."""
    try:
        newest = await asked.api.protocol.newest(asked.path["review"])
    except NotFound:
        return Go(_here(asked, "new"))
    return _text_page(asked, as_text(newest.protocol), newest.version)


@pages.form("/reviews/{review}/protocol/edit", allowed=("scripts",), labels={"document": "protocol.document"})
async def amend_protocol(asked: Asked) -> Drawn:
    """Checks a text and shows what it changes; applies one that was seen so."""
    text = asked.text("document")
    follows = _follows(asked)
    try:
        checked = await asked.api.protocol.check(asked.path["review"], text)
    except Invalid as error:
        return _text_page(asked, text, follows, faults=_at_lines(text, error))
    if _is_to_be_counted(asked):
        return await _counted(asked, checked)
    if _is_seen(asked, checked, text):
        return await _applied(asked, text, checked)
    effects = await _effects(asked, checked)
    return _text_page(asked, text, checked.newest, checked, effects, stale=checked.newest != follows)


#: What the guide calls what it asks.
_GUIDED = {
    "title": "protocol.guide.title", "question": "protocol.guide.asks", "manual": "protocol.guide.manual",
    "heading": "protocol.guide.heading", "statement": "protocol.guide.statement",
}  # fmt: skip


@pages.page("/reviews/{review}/protocol/new", allowed=("scripts",))
async def show_guide(asked: Asked) -> Drawn:
    """A first protocol, question by question; where there is one, its text is amended."""
    try:
        await asked.api.protocol.newest(asked.path["review"])
    except NotFound:
        return _guide(asked, await _members(asked), guided.at_first())
    return Go(_here(asked, "edit"))


@pages.form("/reviews/{review}/protocol/new", allowed=("scripts",), labels=_GUIDED)
async def write_protocol(asked: Asked) -> Drawn:
    """Checks what was answered, and applies what was seen."""
    review, members = asked.path["review"], await _members(asked)
    if asked.text("do") == "more":
        form = asked.form
        return _guide(asked, members, form, stages=min(guided.stages_of(form) + 1, guided.MOST_STAGES))
    try:
        text = as_yaml(guided.document_of(review, asked.form, members))
    except Invalid as error:
        return _guide(asked, members, asked.form, faults=errors_of(error))
    if asked.text("do") == "text":
        return _text_page(asked, text, 0)
    try:
        checked = await asked.api.protocol.check(review, text)
    except Invalid as error:
        faults = guided.faults_in(asked.form, errors_of(error), _questions(asked))
        return _guide(asked, members, asked.form, faults=faults)
    if _is_to_be_counted(asked):
        return await _counted(asked, checked)
    if checked.newest:
        return _text_page(asked, text, checked.newest, checked, await _effects(asked, checked), stale=True)
    if _is_seen(asked, checked, text):
        return await _applied(asked, text, checked)
    return _guide(asked, members, asked.form, checked=checked, text=text)


@pages.page("/reviews/{review}/protocol/previews/{preview}", allowed=("scripts",))
async def show_preview(asked: Asked) -> Drawn:
    """What the sources have said so far of what the strings of a draft would bring."""
    review = asked.path["review"]
    preview = await asked.api.ingest.preview(review, asked.path["preview"])
    answered = sum(one.answered for one in preview.strings)
    return Page("preview.html", {"review": review, "preview": preview, "answered": answered, "query": asked.query})


def _is_to_be_counted(asked: Asked) -> bool:
    return asked.text("do").partition(":")[0] == _COUNT


async def _counted(asked: Asked, checked: Checked) -> Drawn:
    """Has sources asked what the strings of a draft would bring, or those of one of its strategies, and shows that on a
    page of its own. While another draft of this person is under way, shows that one."""
    review, protocol = asked.path["review"], checked.protocol
    chosen = asked.text("do").partition(":")[2]
    wanted = {
        "strategies": [
            it.model_dump(mode="json") for it in protocol.strategies if it.manual is None and chosen in ("", it.id)
        ],
        "search_from": protocol.search_from and protocol.search_from.isoformat(),
        "published_after": protocol.published_after and protocol.published_after.isoformat(),
    }
    # One form has several such buttons, and may be sent again once its text was changed.
    once = f"count {asked.text(ONCE)} {asked.text('do')} {sha256(checked.protocol.document().encode()).hexdigest()}"
    try:
        with under("cmd_" + sha256(once.encode()).hexdigest()[:32]):
            preview = (await asked.api.ingest.request_preview(review, wanted)).id
    except Conflict as error:
        if error.slug != "preview_under_way" or not (other := error.extra.get("preview")):
            raise
        return Go(_here(asked, "previews", str(other), other="yes"))
    return Go(_here(asked, "previews", preview))


def _countable(checked: Checked | None) -> list[str]:
    """What may be asked ahead at once: all that is asked (''), or where that is too much, which strategies."""
    strings = Counter({it.strategy: 0 for it in checked.asked} if checked is not None else {})
    for it in checked.asked if checked is not None else []:
        strings[it.strategy] += len(it.strings)
    if not strings:
        return []
    return [""] if strings.total() <= MOST_PREVIEWED else [it for it, n in strings.items() if n <= MOST_PREVIEWED]


async def _shown(asked: Asked, version: VersionView, newest: int) -> Page:
    review = asked.path["review"]
    me, sheet, called, changed, revisions = await asyncio.gather(
        asked.api.people.me(), asked.sheet(asked.api.protocol.versions(review, newest_first=True)),
        called_in(asked, review), asked.api.protocol.changes(review, version.version), _revisions(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "version": version, "protocol": version.protocol, "newest": newest, "sheet": sheet,
        "called": called, "changes": changed.changes, "said": said, "leads": has_role(me, "lead", review),
        "text": as_text(version.protocol), "query": asked.query, "revisions": revisions,
        "lived": lived(sheet.items, revisions, more=sheet.next is not None),
    }  # fmt: skip
    return Page("protocol.html", given)


async def _revisions(asked: Asked, review: str) -> list[RevisionListed]:
    """The newest revisions, which the history shows between the newest versions; on its later pages none."""
    if asked.query.get("after"):
        return []
    try:
        found = await asked.first(asked.api.synthesis.revisions(review, newest_first=True))
    except NotFound:
        return []
    return list(found.items)


async def _applied(asked: Asked, text: str, checked: Checked) -> Drawn:
    """Applies what was seen; where somebody amended it meanwhile, shows what it changes of that."""
    review = asked.path["review"]
    try:
        with asked.done_once():
            await asked.api.protocol.apply(review, text, follows=checked.newest, why=_why(asked) or None)
    except Invalid as error:  # The text is sound; what is wrong is beside it.
        effects = await _effects(asked, checked)
        return _text_page(asked, text, checked.newest, checked, effects, errors=errors_of(error))
    except Conflict as error:
        if error.slug != "not_the_newest":
            raise
        checked = await asked.api.protocol.check(review, text)
        return _text_page(asked, text, checked.newest, checked, await _effects(asked, checked), stale=True)
    return Go(_here(asked, done="applied"))


def _text_page(
    asked: Asked,
    text: str,
    follows: int,
    checked: Checked | None = None,
    effects: list[str] | None = None,
    *,
    stale: bool = False,
    faults: list[dict[str, Any]] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Page:
    given = {
        "countable": _countable(checked), "most_previewed": MOST_PREVIEWED, "why": _why(asked), "errors": errors or [],
        "review": asked.path["review"], "text": text, "follows": follows, "checked": checked, "effects": effects or [],
        "stale": stale, "faults": faults or [], "said": said, "seen": _seen(checked.newest, text) if checked else "",
    }  # fmt: skip
    return Page("protocol-edit.html", given, 422 if faults or errors else 409 if stale else 200)


def _guide(
    asked: Asked,
    members: list[MemberView],
    form: Any,
    *,
    faults: list[dict[str, str]] | None = None,
    checked: Checked | None = None,
    text: str = "",
    stages: int | None = None,
) -> Page:
    given = {
        "review": asked.path["review"], "filled": form, "members": members, "errors": faults or [], "checked": checked,
        "countable": _countable(checked), "most_previewed": MOST_PREVIEWED, "sources": SOURCES, "text": text,
        "stages": stages or guided.stages_of(form), "most_stages": guided.MOST_STAGES,
        "effects": [], "said": said,
        "defined": not any(fault["at"].startswith("definitions") for fault in faults or []),
        "seen": _seen(0, text) if checked else "",
    }  # fmt: skip
    return Page("protocol-new.html", given, 422 if faults else 200)


def _questions(asked: Asked) -> list[str]:
    stages = range(guided.stages_of(asked.form))
    return [*_QUESTIONS, *(f"stages[{at}].{name}" for at in stages for name in _OF_A_STAGE)]


async def _members(asked: Asked) -> list[MemberView]:
    return [member async for member in asked.api.people.members(asked.path["review"])]


async def _effects(asked: Asked, checked: Checked) -> list[str]:
    """What becomes of what is there, once this is applied."""
    if not checked.newest:
        return []
    review = asked.path["review"]
    before, queue = await asyncio.gather(asked.api.protocol.version(review, checked.newest), _queue(asked, review))
    return list(effects_of(before.protocol, checked.protocol, queue))


async def _queue(asked: Asked, review: str) -> list[StageQueue]:
    try:
        return await asked.api.screening.queue(review)
    except (NotFound, Forbidden):
        return []


def as_text(protocol: Protocol) -> str:
    """A protocol as people write it; what is as it is without being said is left out."""
    return as_yaml(json.loads(protocol.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)))


def said(value: object) -> str:
    """A part of a protocol as a difference shows it."""
    return value if isinstance(value, str) else as_yaml(value).removesuffix("...\n").strip()


def _at_lines(text: str, error: LivingError) -> list[dict[str, Any]]:
    """The faults, each with the line of the text that it is on."""
    lines, faults = text.split("\n"), cast(list[dict[str, Any]], errors_of(error))
    return [
        fault | {"says": lines[fault["line"] - 1] if 0 < fault.get("line", 0) <= len(lines) else ""} for fault in faults
    ]


def _is_seen(asked: Asked, checked: Checked, text: str) -> bool:
    """Whether whoever applies a text was shown what it changes of the version that is the newest."""
    return asked.text("do") == "apply" and asked.text("seen") == _seen(checked.newest, text)


def _seen(newest: int, text: str) -> str:
    return sha256(f"{newest}:{text}".encode()).hexdigest()


def _why(asked: Asked) -> str:
    """Why it is amended, as whoever does says."""
    return asked.text("why")


def _follows(asked: Asked) -> int:
    text = asked.text("follows")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _here(asked: Asked, *more: str, **given: str) -> str:
    return drawing.url("reviews", asked.path["review"], "protocol", *more, **given)
