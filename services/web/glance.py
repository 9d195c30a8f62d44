"""At a glance: where all of a review is now, as the way from its sources to its theories, and what waits for somebody.

What stands still comes first, each with why and where to do something about it. All of it is what the services say;
one that has not heard of the review yet, or that somebody may not ask, says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from services.web import drawing
from services.web.page import Asked
from services.web.roles import has_role
from shared.client.asking import one_sheet
from shared.client.operations import SERVICES
from shared.errors import Forbidden, NotFound
from shared.wire.ingest import IngestStatus, WatchView
from shared.wire.people import Me
from shared.wire.screening import Funnel
from shared.wire.synthesis import DraftView, StatusView

#: Kinds of dead letters that are looked at, of each service.
_LETTERS = 20

Known = TypeVar("Known")


@dataclass(frozen=True)
class Waiting:
    """Something that waits for somebody: what (`glance.waits.` of the texts), of what or how much, and where to."""

    what: str
    to: str
    n: int = 1
    of: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the way: what (`glance.step.`, or a stage's own name), how much is there, what more there is to say
    (`glance.more.`), and where it is."""

    what: str
    n: int
    to: str
    more: list[tuple[str, int]] = field(default_factory=list)
    stage: str = ""


@dataclass(frozen=True)
class Glance:
    """A review as it stands."""

    waiting: list[Waiting]
    way: list[Step]


async def looked(asked: Asked, me: Me) -> tuple[Glance, Funnel | None]:
    """How the review of the path stands, as whoever asks may know it."""
    review, api = asked.path["review"], asked.api
    admin = has_role(me, "admin", review)
    (ingest, funnel, status, draft, letters), handing = await asyncio.gather(
        asyncio.gather(
            _known(api.ingest.status(review)),
            _known(api.screening.funnel(review)),
            _known(api.synthesis.status(review)),
            _known(api.synthesis.draft(review)),
            _dead_letters(asked) if admin else _no_letters(),
        ),
        _handing(asked, me),
    )
    waiting = [
        *handing,
        *_of_synthesis(review, status, draft, me),
        *_of_sources(review, ingest),
        *_of_screening(review, funnel),
    ]
    to = drawing.url("reviews", review, "sources")
    waiting += [Waiting("letters", to, n, name) for name, n in letters.items() if n]
    way = [*_first_steps(review, ingest, funnel), *_stages(review, funnel), *_last_steps(review, funnel, status, draft)]
    return Glance(waiting, way), funnel


async def _handing(asked: Asked, me: Me) -> list[Waiting]:
    """That the review is to change hands, for whom that names and for its leads."""
    review = asked.path["review"]
    found = await _known(asked.first(asked.api.people.handovers(review), 1))
    last = next(iter(found.items), None) if found is not None else None
    if last is None or last.state != "open":
        return []
    to = drawing.url("reviews", review, "people", "handover")
    if last.to == me.person:
        return [Waiting("to_take_over", to)]
    return [Waiting("being_handed_over", to)] if has_role(me, "lead", review) else []


def needs(watch: WatchView) -> str:
    """Why a watch needs somebody: it is paused; it fails, or is `behind`, since what is new came in and the walk over
    all dates fails; or it is due and nobody asks. '' where it does not."""
    if watch.state == "retired":
        return ""
    if watch.state == "paused":
        return "paused"
    if watch.trouble is not None:
        return "behind" if watch.last_run is not None and watch.last_run.state == "complete" else "fails"
    return "late" if watch.late else ""


def _of_sources(review: str, status: IngestStatus | None) -> Iterator[Waiting]:
    if status is None:
        return
    to = drawing.url("reviews", review, "sources")
    for parked in status.parked:
        yield Waiting("parked_source", to, of=drawing.source(parked.source))
    watches = [*status.watches, *status.chases, *status.sweeps]
    for why in ("fails", "behind", "late", "paused"):
        if needing := [
            f"{watch.strategy} ({drawing.source(watch.source)})" for watch in watches if needs(watch) == why
        ]:
            yield Waiting(f"watch_{why}", to, len(needing), ", ".join(needing))
    for manual in status.manual:
        if manual.standing in ("due", "overdue"):
            path = drawing.url("reviews", review, "sources", manual.watch)
            what = "by_hand" if manual.standing == "overdue" else "by_hand_due"
            yield Waiting(what, path, of=f"{manual.strategy}, {manual.database}")
    if status.open_duplicates:
        yield Waiting("duplicates", drawing.url("reviews", review, "duplicates"), status.open_duplicates)


def _of_screening(review: str, funnel: Funnel | None) -> Iterator[Waiting]:
    for stage in funnel.stages if funnel is not None else []:
        named = drawing.stage(stage.stage)
        if stage.conflicts:
            yield Waiting("conflicts", drawing.url("reviews", review, "conflicts"), stage.conflicts, named)
        if stage.parked:
            yield Waiting("parked", drawing.url("reviews", review, "mine", "parked"), stage.parked, named)
        if stage.drifted:
            yield Waiting("drifted", drawing.url("reviews", review, "people", "figures"), stage.drifted, named)


def _of_synthesis(review: str, status: StatusView | None, draft: DraftView | None, me: Me) -> Iterator[Waiting]:
    """What waits of the synthesis, as far as it is for whoever looks."""
    if status is None:
        return
    to = drawing.url("reviews", review, "synthesis")
    if status.state == "overdue":
        yield Waiting("overdue", to, of=str(status.next_due))
    if judged := status.open_rejudgements - status.open_drills:
        yield Waiting("rejudgements", drawing.url("reviews", review, "synthesis", "judgements"), judged)
    if status.to_code and has_role(me, "reviewer", review):
        yield Waiting("to_code", drawing.url("reviews", review, "synthesis", "coding"), status.to_code)
    coders = drawing.url("reviews", review, "synthesis", "extractions")
    if status.coders_differ:
        yield Waiting("coders_differ", f"{coders}?state=differing", status.coders_differ)
    if status.being_coded:
        yield Waiting("being_coded", f"{coders}?state=open", status.being_coded)
    if status.open_proposals and has_role(me, "lead", review):
        yield Waiting("proposals", drawing.url("reviews", review, "synthesis", "proposals"), status.open_proposals)
    if status.links_to_judge and has_role(me, "reviewer", review):
        yield Waiting("rewordings", drawing.url("reviews", review, "synthesis", "rewordings"), status.links_to_judge)
    if status.open_comments:
        yield Waiting("comments", drawing.url("reviews", review, "synthesis", "comments"), status.open_comments)
    # A first draft says what the protocol says, until there is evidence.
    is_news = draft is not None and (draft.counts.links if draft.number == 1 else draft.change_class != "NONE")
    if draft is not None and is_news and status.state != "retired" and has_role(me, "lead", review):
        yield Waiting("sign", to, draft.number)


def _first_steps(review: str, status: IngestStatus | None, funnel: Funnel | None) -> Iterator[Step]:
    """What sources gave, less the duplicates, are records; less those that a rule keeps out they reach a stage."""
    if status is None:
        return
    active = [watch for watch in status.watches if watch.state == "active"]
    sources = {watch.source for watch in active} | {manual.database for manual in status.manual}
    found = funnel.identified if funnel is not None else status.source_records
    yield Step("sources", len(sources), drawing.url("reviews", review, "sources"), [("found", found)])
    removed = [("duplicates", funnel.duplicates), ("kept_out", sum(funnel.by_rule.values()))] if funnel else []
    more = [*removed, ("alike", status.open_duplicates)]
    yield Step("records", status.records, drawing.url("reviews", review, "records"), more)


def _stages(review: str, funnel: Funnel | None) -> Iterator[Step]:
    for stage in funnel.stages if funnel is not None else []:
        more = [("conflicts", stage.conflicts), ("parked", stage.parked), ("passed", stage.advanced)]
        to = drawing.url("reviews", review, "screen", stage.stage)
        yield Step("stage", stage.open, to, more, stage.stage)


def _last_steps(
    review: str, funnel: Funnel | None, status: StatusView | None, draft: DraftView | None
) -> Iterator[Step]:
    if funnel is not None:
        yield Step("included", funnel.included, drawing.url("reviews", review, "flow"))
    if status is None or draft is None:
        return
    counts, to = draft.counts, drawing.url("reviews", review, "synthesis")
    coding = drawing.url("reviews", review, "synthesis", "coding")
    yield Step("evidence", counts.fragments, coding, [("studies", counts.studies), ("links", counts.links)])
    yield Step("theories", len(draft.theories), to, [("cmocs", len(draft.cmocs)), ("revisions", status.revisions)])


async def _known(asking: Awaitable[Known]) -> Known | None:
    """What a service says; None where it has not heard of the review yet, or does not say it to them."""
    try:
        return await asking
    except (NotFound, Forbidden):
        return None


async def _no_letters() -> dict[str, int]:
    return {}


async def _dead_letters(asked: Asked) -> dict[str, int]:
    """How many events each service has set aside, of the kinds that it lists first."""
    counted = await asyncio.gather(*(_known(_letters_of(asked, name)) for name in SERVICES))
    return {name: n or 0 for name, n in zip(SERVICES, counted, strict=True)}


async def _letters_of(asked: Asked, service: str) -> int:
    with one_sheet(limit=_LETTERS):
        return sum([group.count async for group in asked.api.operations.dead_letter_groups(service)])
