"""Records: found by words, narrowed by what they are and where they stand; and the searches that one comes back to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, QueryParams

from services.web import drawing
from services.web.faults import errors_of
from services.web.marking import found_in
from services.web.page import SHEET, Asked, Drawn, Go, Page, Pages
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.wire.search import FoundRecord, SavedSearch, SearchPage

pages = Pages()

#: What the records that are found are narrowed by, as the address has it.
NARROWED_BY = ("status", "stage", "source", "kind", "language", "venue", "notice")
_DAYS = ("published_from", "published_until")

#: What is shown first of what they can be narrowed by: where they stand.
_FIRST = ("status", "stage")

#: What an address asks of this page.
ASKED = ("q", *_DAYS, *NARROWED_BY, "sort")


@dataclass(frozen=True)
class Value:
    """A value that some of what was found have, how many, and where these alone are."""

    value: str
    count: int
    href: str


@dataclass(frozen=True)
class Narrowed:
    """By what it is narrowed, and where it is not."""

    name: str
    value: str
    href: str


@pages.page("/reviews/{review}/records")
async def show_records(asked: Asked) -> Drawn:
    """What is looked for; or what a saved search asks for, to which an alert leads."""
    review, wanted = asked.path["review"], asked.query.get("saved")
    for one in await _saved(asked, review) if wanted else []:
        if one.saved == wanted:
            return Go(_here(review, _of_saved(one)))
    return await _records(asked, _chosen(asked.request.query_params))


@pages.form("/reviews/{review}/records/saved", labels={"name": "records.save_as"})
async def save_search(asked: Asked) -> Drawn:
    """Saves the search that is shown, under a name."""
    review, chosen = asked.path["review"], _chosen(asked.form)
    try:
        with asked.done_once():
            alert = asked.text("alert") == "yes"
            await asked.api.search.save(review, {"name": asked.text("name"), "alert": alert} | chosen)
    except (Invalid, Conflict) as error:
        return await _records(asked, chosen, not_saved=error)
    return Go(_here(review, chosen, done="saved"))


@pages.form("/reviews/{review}/records/saved/{saved}/alert")
async def set_alert(asked: Asked) -> Drawn:
    """Has one tell of what comes to match it, or nothing more; one that is gone tells nothing."""
    review, alert = asked.path["review"], asked.text("alert") == "yes"
    try:
        with asked.done_once():
            await asked.api.search.alert(review, asked.path["saved"], alert=alert)
    except Conflict as error:
        return await _records(asked, {}, not_saved=error)
    except NotFound:
        await asked.api.people.review(review)  # Which says so of a review that is not theirs.
        return Go(_here(review, {}))
    return Go(_here(review, {}, done="alert_on" if alert else "alert_off"))


@pages.form("/reviews/{review}/records/saved/{saved}/end")
async def forget_search(asked: Asked) -> Drawn:
    """Forgets one; one that is gone already stays so."""
    review = asked.path["review"]
    try:
        await asked.api.search.forget(review, asked.path["saved"])
    except NotFound:
        await asked.api.people.review(review)  # Which says so of a review that is not theirs.
    return Go(_here(review, {}, done="forgotten"))


@pages.page("/reviews/{review}/records/{record}/alike")
async def show_alike(asked: Asked) -> Drawn:
    """Records that are like one."""
    review, record = asked.path["review"], asked.path["record"]
    about, found = await asyncio.gather(
        asked.api.ingest.record(review, record), asked.api.search.alike(review, record)
    )  # fmt: skip
    given = {
        "review": review, "record": record, "title": about.bibliography.title, "found": found,
        "marked": [_marked(one) for one in found.items],
    }  # fmt: skip
    return Page("alike.html", given)


async def _records(asked: Asked, chosen: Mapping[str, Any], *, not_saved: LivingError | None = None) -> Page:
    review, after = asked.path["review"], asked.query.get("after")
    (found, error), saved = await asyncio.gather(_found(asked, review, chosen, after), _saved(asked, review))
    # A search that tells has to be brought by something; whoever has no such search is asked nothing of it.
    unbrought = after is None and any(one.alert for one in saved) and not await _is_brought(asked, review)
    path = _here(review, {})
    items = found.items if found else []
    given = {
        "review": review, "path": path, "chosen": chosen, "query": {**chosen, "after": after},
        "done": asked.query.get("done"), "found": found, "narrowed": _narrowed(path, chosen),
        "facets": _facets(path, chosen, found) if found else {}, "marked": [_marked(one) for one in items],
        "saved": [(one, _here(review, _of_saved(one))) for one in saved], "name": asked.text("name"),
        "errors": _faults(error), "not_saved": errors_of(not_saved), "unbrought": unbrought,
    }  # fmt: skip
    return Page("records.html", given, 200 if error is None and not_saved is None else 422)


async def _found(
    asked: Asked, review: str, chosen: Mapping[str, Any], after: str | None
) -> tuple[SearchPage | None, LivingError | None]:
    """What is found; or what is wrong with what was asked. Of all there is nothing is counted unless that is asked for:
    it takes longer the more there is, and a list does not."""
    counted = after is None and (bool({*chosen} - {"sort"}) or asked.query.get("narrow") == "yes")
    facets = ["all"] if counted else None
    try:
        return await asked.api.search.find(review, **chosen, facet=facets, limit=SHEET, cursor=after), None
    except Invalid as error:
        return None, error


async def _saved(asked: Asked, review: str) -> list[SavedSearch]:
    return [one async for one in asked.api.search.saved(review)]


async def _is_brought(asked: Asked, review: str) -> bool:
    """Whether one of their subscriptions brings what saved searches find; taken to be so where nobody says."""
    try:
        async for one in asked.api.notify.subscriptions(review):
            if one.active and "alert" in one.kinds:
                return True
    except LivingError:
        return True
    return False


def _chosen(given: FormData | QueryParams) -> dict[str, Any]:
    """What is looked for, of a form or an address, as the API takes it."""
    said = {name: [value.strip() for value in given.getlist(name) if isinstance(value, str)] for name in ASKED}
    values = {name: [value for value in each if value] for name, each in said.items()}
    return {name: each if name in NARROWED_BY else each[0] for name, each in values.items() if each}


def _of_saved(one: SavedSearch) -> dict[str, Any]:
    return {name: value for name in ASKED if (value := getattr(one, name))}


def _facets(path: str, chosen: Mapping[str, Any], found: SearchPage) -> dict[str, list[Value]]:
    """What can be chosen of what was found, each as a link that narrows it; where records stand comes first."""
    return {
        name: [
            Value(one.value, one.count, drawing.again(path, chosen, **_with(name, one.value, chosen)))
            for one in found.facets[name]
            if one.value not in chosen.get(name, [])
        ]
        for name in sorted(found.facets, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    }


def _with(name: str, value: str, chosen: Mapping[str, Any]) -> dict[str, object]:
    if name == "year":
        return {"published_from": f"{value}-01-01", "published_until": f"{value}-12-31"}
    return {name: [*chosen.get(name, []), value]}


def _narrowed(path: str, chosen: Mapping[str, Any]) -> list[Narrowed]:
    """What was chosen, each as a link that takes it back."""
    days = [Narrowed(name, chosen[name], drawing.again(path, chosen, **{name: ""})) for name in _DAYS if name in chosen]
    return days + [
        Narrowed(name, value, drawing.again(path, chosen, **{name: [it for it in chosen[name] if it != value]}))
        for name in NARROWED_BY
        for value in chosen.get(name, [])
    ]


def _marked(one: FoundRecord) -> dict[str, Any]:
    """The title, and pieces of the abstract, with what was found marked."""
    title = one.marked.get("title")
    return {
        "title": found_in(title[0]) if title else one.bibliography.title,
        "pieces": [found_in(piece) for piece in one.marked.get("abstract", [])],
    }


def _faults(error: LivingError | None) -> list[dict[str, str]]:
    """What is wrong, by the name of the field that says it."""
    return list(map(_fault, errors_of(error)))


def _fault(error: dict[str, str]) -> dict[str, str]:
    what, _, character = error["at"].partition(":")
    if what == "text":
        return {"at": "q", "why": drawing.text("records.at_character", n=character, why=error["why"])}
    return error


def _here(review: str, chosen: Mapping[str, Any], **said: str) -> str:
    return drawing.again(drawing.url("reviews", review, "records"), chosen, **said)
