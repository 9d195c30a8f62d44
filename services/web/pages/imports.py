"""Imports: a library file is sent, its records are taken in, and what came of each line of it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Any, get_args

import yaml
from starlette.datastructures import FormData, UploadFile

from services.web import drawing
from services.web.files import PIECE
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import ONCE, Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.written import errors_of, whole
from shared.client.asking import under
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.ingest import LARGEST_FILE, ImportView, LibraryFormat, ManualView

pages = Pages()

#: How the value of a choice begins that names an open search, or a strategy of which one begins.
_SEARCH, _STRATEGY = "search:", "strategy:"


@pages.page("/reviews/{review}/imports", allowed=("scripts",))
async def show_imports(asked: Asked) -> Drawn:
    """Every file that was brought, and for leads the form that brings one."""
    try:
        return await _imports(asked)
    except NotFound:
        return await without_protocol(asked)


@pages.upload("/reviews/{review}/imports", allowed=("scripts",))
async def bring_file(asked: Asked) -> Drawn:
    """Keeps a file and asks for its records. The same form again is the same import."""
    try:
        imported = await _brought(asked, asked.path["review"])
    except (Invalid, Conflict) as error:
        return await _imports(asked, error)
    return Go(drawing.url("reviews", asked.path["review"], "imports", imported.id))


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


async def _brought(asked: Asked, review: str) -> ImportView:
    """Raises Invalid, naming the field, and Conflict."""
    file = asked.file("file")
    if file is None:
        raise Invalid.of("file", drawing.text("imports.no_file"))
    if not file.size:
        raise Invalid.of("file", drawing.text("imports.empty_file"))
    wanted = _wanted(asked)
    kept = await asked.api.ingest.upload(review, lambda: _pieces(file), file.size)
    wanted |= {"file": kept.sha256, "name": (file.filename or "")[-200:]}
    wanted = await _of_search(asked, review, asked.text("of"), wanted)
    with asked.done_once():
        return await asked.api.ingest.request_import(review, wanted)


def _wanted(asked: Asked) -> dict[str, Any]:
    """What is said of the file; what is empty is not."""
    said: dict[str, Any] = {name: asked.text(name) for name in ("format", "database", "query", "searched_on")}
    if reported := asked.text("reported"):
        said["reported"] = whole(reported, "reported")
    said["query"] = said["query"].replace("\r\n", "\n")
    said["mapping"] = asked.text("mapping").replace("\r\n", "\n") or _mapping_of(asked)
    said["again"] = bool(asked.text("again"))
    return {name: value for name, value in said.items() if value not in ("", False)}


def _mapping_of(asked: Asked) -> str:
    """The mapping of the one column that the form names; '' where it names none. A value without an answer is one that
    states no decision."""
    column = asked.text("map-column")
    if not column:
        return ""
    pairs = [line.partition("=") for line in asked.text("map-answers").splitlines() if line.strip()]
    answers = {said.strip(): answer.strip() for said, _, answer in pairs if answer.strip()}
    ignored = [said.strip() for said, _, answer in pairs if not answer.strip()]
    about = {name: {"column": asked.text(f"map-{name}")} for name in ("reason", "by") if asked.text(f"map-{name}")}
    said = {"column": column, "stage": asked.text("map-stage"), "answers": answers, "ignore": ignored, **about}
    given = {"decisions": [{name: value for name, value in said.items() if value}]}
    return str(yaml.safe_dump(given, sort_keys=False, allow_unicode=True))


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


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)
    while piece := await file.read(PIECE):
        yield piece


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
