"""Sources: what is asked again and again, how it stands, what needs somebody, and every run with what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from services.web import drawing
from services.web.faults import errors_of
from services.web.glance import needs
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.written import whole
from shared.client.asking import one_sheet
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.wire.common import DeadLetterGroup
from shared.wire.ingest import IngestStatus, ManualView, QuotaView, WatchView

pages = Pages()

#: Days of sources that the page of all shows of what they were asked.
_QUOTAS = 20


@pages.page("/reviews/{review}/sources", allowed=("scripts",))
async def show_sources(asked: Asked) -> Drawn:
    """Every watch, those that need somebody first."""
    review = asked.path["review"]
    try:
        me, status = await asyncio.gather(asked.api.people.me(), asked.api.ingest.status(review))
    except NotFound:
        return await without_protocol(asked)
    leads = has_role(me, "lead", review)
    quotas, letters = await asyncio.gather(
        _quotas(asked) if leads else asyncio.sleep(0, []),
        _dead_letters(asked) if has_role(me, "admin", review) else asyncio.sleep(0, []),
    )
    every = _every(status)
    given = {
        "review": review, "status": status, "every": every, "needing": [it for it in every if needs(it)],
        "needs": needs, "of_search": of_search, "manual": status.manual, "leads": leads, "quotas": quotas,
        "letters": letters,
    }  # fmt: skip
    return Page("sources.html", given)


@pages.page("/reviews/{review}/sources/{watch}", allowed=("scripts",))
async def show_watch(asked: Asked) -> Drawn:
    """One watch: what it asks, what may be done, and its runs."""
    return await _watch(asked)


@pages.form("/reviews/{review}/sources/{watch}/pause", allowed=("scripts",))
async def pause_watch(asked: Asked) -> Drawn:
    return await _done(asked, "paused", asked.api.ingest.pause)


@pages.form("/reviews/{review}/sources/{watch}/resume", allowed=("scripts",))
async def resume_watch(asked: Asked) -> Drawn:
    return await _done(asked, "resumed", asked.api.ingest.resume)


@pages.form("/reviews/{review}/sources/{watch}/pull", allowed=("scripts",))
async def pull_watch(asked: Asked) -> Drawn:
    return await _done(asked, "pulled", asked.api.ingest.pull_now)


@pages.form("/reviews/{review}/sources/{watch}/accept", allowed=("scripts",))
async def accept_lack(asked: Asked) -> Drawn:
    """Accepts what the last run lacks, which was shown; 0 takes back what was accepted."""

    async def accept(review: str, watch: str) -> object:
        lacking = whole(asked.text("lacking"), "lacking")
        return await asked.api.ingest.accept(review, watch, lacking=lacking, reason=asked.text("reason"))

    return await _done(asked, "accepted", accept)


@pages.form(
    "/reviews/{review}/sources/{watch}/nothing-new",
    allowed=("scripts",),
    labels={"query": "sources.exact", "searched_on": "sources.searched_on"},
)
async def sign_nothing_new(asked: Asked) -> Drawn:
    """Signs that a search by hand brought nothing that the review has not."""

    async def sign(review: str, watch: str) -> object:
        wanted: dict[str, object] = {
            "query": asked.text("query"),
            "searched_on": asked.text("searched_on"),
            "words": asked.text("words"),
        }
        if reported := asked.text("reported"):
            wanted["reported"] = whole(reported, "reported")
        return await asked.api.ingest.sign_nothing_new(review, watch, wanted)

    return await _done(asked, "signed", sign)


@pages.page("/reviews/{review}/runs/{run}", allowed=("scripts",))
async def show_run(asked: Asked) -> Drawn:
    """One run: its window, a sum of what came, and where each item went or why it is none."""
    review, run = asked.path["review"], asked.path["run"]
    me, view = await asyncio.gather(asked.api.people.me(), asked.api.ingest.run(review, run))
    shows = asked.query.get("show") or ("rejections" if view.counts.rejected else "items")
    items = shows != "rejections"
    sheet: Any = await (
        asked.sheet(asked.api.ingest.items(review, run))
        if items
        else asked.sheet(asked.api.ingest.rejections(review, run))
    )
    given = {
        "review": review, "run": view, "items": items, "sheet": sheet,
        "leads": has_role(me, "lead", review), "query": asked.query,
    }  # fmt: skip
    return Page("run.html", given)


@pages.form("/reviews/{review}/runs/{run}/read-again")
async def read_again(asked: Asked) -> Drawn:
    """Has the kept answers of a run be read again that have items which are no records; no source is asked."""
    review, run = asked.path["review"], asked.path["run"]
    with asked.done_once():
        await asked.api.ingest.request_reparse(review, run=run, rejected=True)
    return Go(drawing.url("reviews", review, "runs", run, done="reread"))


async def _done(asked: Asked, done: str, doing: Callable[[str, str], Awaitable[object]]) -> Drawn:
    review, watch = asked.path["review"], asked.path["watch"]
    try:
        with asked.done_once():
            await doing(review, watch)
    except (Invalid, Conflict) as error:
        return await _watch(asked, error)
    return Go(drawing.url("reviews", review, "sources", watch, done=done))


async def _watch(asked: Asked, error: LivingError | None = None) -> Page:
    review, watch = asked.path["review"], asked.path["watch"]
    me, status, runs, called = await asyncio.gather(
        asked.api.people.me(), asked.api.ingest.status(review),
        asked.sheet(asked.api.ingest.runs(review, watch=watch)), called_in(asked, review),
    )  # fmt: skip
    found = _named(status, watch)
    if found is None:
        raise NotFound(f"there is no watch {watch!r}")
    given = {
        "review": review, "watch": found, "by_hand": isinstance(found, ManualView), "runs": runs, "called": called,
        "leads": has_role(me, "lead", review), "reviews": has_role(me, "reviewer", review), "errors": errors_of(error),
        "needs": needs(found) if isinstance(found, WatchView) else "", "filled": asked.form, "query": asked.query,
        "of_search": of_search, "parked": next((it for it in status.parked if it.source == found.source), None),
    }  # fmt: skip
    return Page("watch.html", given, 200 if error is None else 422)


def of_search(manual: ManualView) -> str:
    """How the form that brings a file names the search by hand that it is of: the open one, or a new one."""
    for search in manual.searches:
        if search.state == "open":
            return f"search:{search.search}"
    return f"strategy:{manual.watch}"


def _every(status: IngestStatus) -> list[WatchView]:
    return [*status.watches, *status.chases, *status.sweeps]


def _named(status: IngestStatus, watch: str) -> WatchView | ManualView | None:
    known: list[WatchView | ManualView] = [*_every(status), *status.manual]
    return next((it for it in known if it.watch == watch), None)


async def _quotas(asked: Asked) -> list[QuotaView]:
    """What sources were asked on the last days, and what they say is left."""
    with one_sheet(limit=_QUOTAS):
        return [it async for it in asked.api.ingest.quotas()]


async def _dead_letters(asked: Asked) -> list[DeadLetterGroup]:
    """What ingest set aside, by what it has in common; for those to whom the API shows it."""
    try:
        with one_sheet(limit=_QUOTAS):
            return [it async for it in asked.api.operations.dead_letter_groups("ingest")]
    except Forbidden:
        return []
