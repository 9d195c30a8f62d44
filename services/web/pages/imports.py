"""Imports: a library file is sent, its records are taken in, and what came of each line of it is shown."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast, get_args

from starlette.datastructures import FormData

from services.web import drawing
from services.web.faults import errors_of
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import ONCE, Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.sending import sent
from services.web.written import as_yaml, lines_of, whole
from shared.client.asking import under
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.ingest import LARGEST_FILE, ImportView, LibraryFormat, ManualView

pages = Pages()

#: How the value of a choice begins that names an open search, or a strategy of which one begins.
_SEARCH, _STRATEGY = "search:", "strategy:"

#: Where a proposed mapping leaves open which stage something was decided at.
_OPEN_STAGE = re.compile(r'^([ -]*stage: )"\?"', re.MULTILINE)

#: What is wrong with a file as a whole.
_OF_THE_FILE = {"unreadable_library", "too_much_to_survey"}


@pages.page("/reviews/{review}/imports", allowed=("scripts",))
async def show_imports(asked: Asked) -> Drawn:
    """Every file that was brought, and for leads the form that brings one."""
    try:
        return await _imports(asked)
    except NotFound:
        return await without_protocol(asked)


#: What the forms of a file call their fields.
_OF_FILE = {
    "database": "imports.database", "reported": "imports.reported", "query": "imports.query", "of": "imports.of",
    "format": "imports.format", "map-column": "imports.column_name", "map-stage": "imports.column_stage",
    "map-answers": "imports.column_answers", "map-reason": "imports.column_reason", "map-by": "imports.column_by",
    "mapping": "imports.mapping",
}  # fmt: skip


@pages.upload("/reviews/{review}/imports", most=LARGEST_FILE, allowed=("scripts",), labels=_OF_FILE)
async def bring_file(asked: Asked) -> Drawn:
    """Keeps a file and asks for its records, or shows first what it holds. The same form again is the same import."""
    review = asked.path["review"]
    try:
        wanted = _wanted(asked)
        file, name = await sent(asked, lambda pieces, size: asked.api.ingest.upload(review, pieces, size))
        if asked.text("look"):
            return await _looked_at(asked, file, name)
        imported = await _begun(asked, review, wanted | {"file": file, "name": name})
    except (Invalid, Conflict) as error:
        return await _imports(asked, error)
    return Go(drawing.url("reviews", review, "imports", imported.id))


@pages.form(
    "/reviews/{review}/imports/of/{sha256}",
    labels=_OF_FILE | {"map-stage": "imports.looked_stage", "mapping": "imports.looked_yaml"},
)
async def bring_file_looked_at(asked: Asked) -> Drawn:
    """Asks for the records of a file that was sent before, once somebody has seen what it holds."""
    review, file, name = asked.path["review"], asked.path["sha256"], asked.text("name")
    try:
        wanted = _wanted(asked) | {"file": file, "name": name}
        if asked.text("mapped"):
            wanted["mapping"] = _at_stage(wanted.get("mapping", ""), asked.text("map-stage"))
        else:
            wanted.pop("mapping", None)
        imported = await _begun(asked, review, wanted)
    except (Invalid, Conflict) as error:
        return await _looked_at(asked, file, name, error)
    return Go(drawing.url("reviews", review, "imports", imported.id))


@pages.page("/reviews/{review}/imports/{imported}", allowed=("scripts",))
async def show_import(asked: Asked) -> Drawn:
    """How far a file is taken in, what came of it, and what of it is no record."""
    review, imported = asked.path["review"], asked.path["imported"]
    me, view, called = await asyncio.gather(
        asked.api.people.me(), asked.api.ingest.imported(review, imported), called_in(asked, review)
    )
    leads = has_role(me, "lead", review)
    rejected, mapping = await asyncio.gather(
        _rejected(asked, view), _mapping(asked, view) if leads else asyncio.sleep(0, None)
    )
    given = {
        "review": review, "imported": view, "called": called, "rejected": rejected, "mapping": mapping, "leads": leads,
        "query": asked.query,
    }  # fmt: skip
    return Page("import.html", given)


async def _begun(asked: Asked, review: str, wanted: dict[str, Any]) -> ImportView:
    """Raises Invalid, naming the field, and Conflict."""
    wanted = await _of_search(asked, review, asked.text("of"), wanted)
    with asked.done_once():
        return await asked.api.ingest.request_import(review, wanted)


async def _looked_at(asked: Asked, file: str, name: str, error: LivingError | None = None) -> Page:
    """What a file holds, and the form that brings it. What it is asked by stands in the form, since an address has no
    room for it. Raises Invalid for a file that is no library."""
    review, format = asked.path["review"], asked.text("format")
    if format and format not in get_args(LibraryFormat):
        raise Invalid.of("format", drawing.text("imports.no_format"))
    seen, version, manual = await asyncio.gather(
        asked.api.ingest.survey(review, file, name=name, format=cast(LibraryFormat, format) if format else None),
        asked.api.protocol.newest(review), _by_hand(asked, review),
    )  # fmt: skip
    typed = asked.text("mapping") or _mapping_of(asked)
    given = {
        "review": review, "seen": seen, "name": name, "manual": manual, "filled": asked.form,
        "stages": version.protocol.stages, "mapping": typed or ("" if error else seen.mapping),
        "mapped": bool(asked.text("mapped")) if error else seen.states or bool(typed),
        "errors": _errors(error),
    }  # fmt: skip
    return Page("import-look.html", given, 200 if error is None else 422)


def _at_stage(mapping: str, stage: str) -> str:
    """A proposed mapping with this stage wherever it leaves the stage open."""
    return _OPEN_STAGE.sub(lambda found: found[1] + json.dumps(stage), mapping) if stage else mapping


def _wanted(asked: Asked) -> dict[str, Any]:
    """What is said of the file; what is empty is not."""
    said: dict[str, Any] = {name: asked.text(name) for name in ("format", "database", "query", "searched_on")}
    if reported := asked.text("reported"):
        said["reported"] = whole(reported, "reported")
    said["mapping"] = asked.text("mapping") or _mapping_of(asked)
    said["again"] = bool(asked.text("again"))
    return {name: value for name, value in said.items() if value not in ("", False)}


def _mapping_of(asked: Asked) -> str:
    """The mapping of the one column that the form names; '' where it names none. A value without an answer is one that
    states no decision. Raises Invalid, naming the field, for more values than any has."""
    column = asked.text("map-column")
    if not column:
        return ""
    pairs = [line.partition("=") for line in lines_of(asked.text("map-answers"), "map-answers")]
    answers = {said.strip(): answer.strip() for said, _, answer in pairs if answer.strip()}
    ignored = [said.strip() for said, _, answer in pairs if not answer.strip()]
    about = {name: {"column": asked.text(f"map-{name}")} for name in ("reason", "by") if asked.text(f"map-{name}")}
    said = {"column": column, "stage": asked.text("map-stage"), "answers": answers, "ignore": ignored, **about}
    given = {"decisions": [{name: value for name, value in said.items() if value}]}
    return as_yaml(given)


async def _of_search(asked: Asked, review: str, of: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The same, of a search that was made by hand where the form names one: that says how its files were found."""
    if of.startswith(_STRATEGY):
        needed = ("database", "query", "searched_on", "reported")
        if missing := [name for name in needed if name not in wanted]:
            raise Invalid("", [{"at": name, "why": drawing.text("imports.of_search_needs")} for name in missing])
        with under(_also_once(asked)):
            search = await asked.api.ingest.begin_search(
                review, of.removeprefix(_STRATEGY), {name: wanted[name] for name in needed}
            )
        return {name: value for name, value in wanted.items() if name not in needed} | {"search": search.search}
    return wanted | ({"search": of.removeprefix(_SEARCH)} if of.startswith(_SEARCH) else {})


def _also_once(asked: Asked) -> str:
    """What the search is known by that begins with this form, however often it is sent."""
    return "cmd_" + sha256(f"a search of {asked.text(ONCE)}".encode()).hexdigest()[:32]


async def _imports(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    me, sheet, called, version = await asyncio.gather(
        asked.api.people.me(), asked.sheet(asked.api.ingest.imports(review)), called_in(asked, review),
        asked.api.protocol.newest(review),
    )  # fmt: skip
    leads = has_role(me, "lead", review)
    manual = await _by_hand(asked, review) if leads else []
    given = {
        "stages": version.protocol.stages,
        "review": review, "sheet": sheet, "called": called, "manual": manual,
        "filled": asked.form or FormData([("of", asked.query.get("of", ""))]),
        "leads": leads, "formats": get_args(LibraryFormat), "errors": _errors(error),
        "query": asked.query, "most": LARGEST_FILE,
    }  # fmt: skip
    return Page("imports.html", given, 200 if error is None else 422)


def _errors(error: LivingError | None) -> list[dict[str, str]]:
    """What is wrong, at its field; of a file that came before, what to tick; of a mapping, each fault with its line."""
    if error is not None and error.slug == "malformed_mapping":
        said = error.extra["errors"] or [{"at": "", "why": error.detail}]
        return [{"at": "mapping", "why": _at_line(fault)} for fault in said]
    if error is not None and error.slug == "brought_before":
        return [{"at": "again", "why": drawing.text("imports.brought_before")}]
    if error is not None and error.slug in _OF_THE_FILE:
        return [{"at": "file", "why": error.detail}]
    return errors_of(error)


def _at_line(fault: Mapping[str, object]) -> str:
    """A fault of a mapping, with its line where it has one."""
    return (
        drawing.text("imports.at_line", line=fault["line"], why=fault["why"]) if "line" in fault else str(fault["why"])
    )


async def _by_hand(asked: Asked, review: str) -> list[ManualView]:
    """The strategies that people search by hand."""
    return [it for it in (await asked.api.ingest.status(review)).manual if it.standing != "retired"]


async def _rejected(asked: Asked, view: ImportView) -> Any:
    """One page of what of the file is no record; None where all of it is."""
    if view.run is None or not view.counts.rejected:
        return None
    return await asked.sheet(asked.api.ingest.rejections(view.review, view.run))


async def _mapping(asked: Asked, view: ImportView) -> str | None:
    """What a lead said its columns mean."""
    if view.mapping_sha256 is None:
        return None
    try:
        return (await asked.api.ingest.mapping(view.review, view.id)).text
    except NotFound:
        return None
