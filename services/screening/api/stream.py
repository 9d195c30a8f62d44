"""The stream of a review: how its queue stands, how far it is, and what becomes of conflicts, as it happens.

It says what `GET .../queue` and `GET .../funnel` say to everybody, and of conflicts, to whoever may adjudicate, which
task is one and which none any more: nothing of any vote (docs/blindness.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import Response
from fastapi.sse import format_sse_event

from services.screening import store, views
from services.screening.api.router import asking, router
from services.screening.commands import queue
from services.screening.store import Turned
from shared.db.work import Work
from shared.http.auth import Reader
from shared.http.parameters import Name
from shared.http.streams import Asking, EventStream, Streams
from shared.wire.screening import Funnel, StageQueue
from shared.wire.stream import ConflictTurned, Followed, Gap, ProgressNow, QueueNow

Review = Name

#: How many of the newest turns of conflicts a process keeps for all who follow a review; who lacks more reads them,
#: so many at a time.
_KEPT, _AT_ONCE = 1000, 200

#: The mark of what a listener was not shown yet.
_NOTHING = "00000000"

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=60,
        pattern=r"^(-|[0-9]{1,18})\.[0-9a-f]{8}\.[0-9a-f]{8}$",
        description="The `id` of the last event that was taken: what comes next is what came after, once each.",
    ),
]


@dataclass(frozen=True, slots=True)
class Seen:
    """How a review stood at a look; `turns` are the newest, without a gap, up to the `last`. A mark is the same as long
    as what it marks is."""

    stages: list[StageQueue]
    funnel: Funnel
    marks: tuple[str, str]
    turns: tuple[Turned, ...]
    last: int


@router.get(
    "/reviews/{review}/stream",
    response_class=EventStream,
    status_code=200,
    responses={200: {"description": "Events as `text/event-stream`, each with its `kind` as the event's name."}},
)
async def show_stream(review: Review, request: Request, person: Reader, last: LastEventId = None) -> Response:
    """What happens in a review, as server-sent events: `queue` and `progress`, how each stage stands and where the
    records are, at once and whenever that is another; `conflict`, for whoever may adjudicate, which task became one,
    was decided or is none any more; `gap`, where that was not kept for as long as somebody was away.

    Whoever was cut off comes back with `Last-Event-ID`: when the connection was lost, the token is over, or this
    process is stopped. Who was removed from the review, or has another role now, is cut off within seconds.
    """
    reader = _Reader(review, asking(request.app, review))
    follower = _Follower(reader, last, adjudicates=person.has(queue.ADJUDICATORS[0]))
    streams: Streams = request.app.state.streams
    return EventStream(request, streams.listening(person.id, reader.ask.name, reader.look), follower.news)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who looks at a review, for all who follow it."""

    review: str
    ask: Asking

    async def look(self, before: Seen | None) -> Seen:
        """How the review stands: the same as before where nothing has changed."""
        while not await self.ask(lambda work: store.is_numbered(work, self.review)):
            await self.ask(lambda work: store.number_turns(work, self.review), readonly=False)
        return await self.ask(lambda work: _look(work, self.review, before))

    async def turns_after(self, seen: Seen, number: int) -> Sequence[Turned]:
        """The next turns after this number; none where they are not kept any more."""
        if seen.turns and seen.turns[0].number <= number + 1:
            return seen.turns[number + 1 - seen.turns[0].number :]
        return await self.ask(lambda work: store.turns_after(work, self.review, number, _AT_ONCE))

    async def last_number(self) -> int:
        """The last number that was given, by whatever process."""
        return await self.ask(lambda work: store.last_number(work, self.review))


class _Follower:
    """Somebody who follows a review, and up to where they know it."""

    def __init__(self, reader: _Reader, last: str | None, *, adjudicates: bool) -> None:
        number, *marks = (last or f"-.{_NOTHING}.{_NOTHING}").split(".")
        self._reader, self._adjudicates, self._marks = reader, adjudicates, marks
        self._number = int(number) if adjudicates and number != "-" else None

    async def news(self, seen: Seen) -> AsyncIterator[bytes]:
        """The events that they do not know of yet."""
        if self._adjudicates:
            async for event in self._turns(seen):
                yield event
        queue, progress = seen.marks
        if self._marks[0] != queue:
            self._marks[0] = queue
            yield _event(QueueNow(id=self._id, stages=seen.stages))
        if self._marks[1] != progress:
            self._marks[1] = progress
            yield _event(ProgressNow(id=self._id, funnel=seen.funnel))

    async def _turns(self, seen: Seen) -> AsyncIterator[bytes]:
        if self._number is None:
            self._number = seen.last
        if self._number > seen.last and self._number <= await self._reader.last_number():
            return  # Another process told them of what this one is to see at its next look.
        while self._number != seen.last:
            # What is ahead of the last was said by a database that is there no more.
            turns = await self._reader.turns_after(seen, self._number) if self._number < seen.last else ()
            first = turns[0].number - 1 if turns else seen.last
            if first != self._number:
                self._number = first
                yield _event(Gap(id=self._id))
            for turned in turns:
                self._number = turned.number
                about = ConflictTurned(
                    id=self._id, task=turned.task, stage=turned.stage, turn=turned.turn, at=turned.at
                )
                yield _event(about)

    @property
    def _id(self) -> str:
        return ".".join(["-" if self._number is None else str(self._number), *self._marks])


def _look(work: Work, review: str, before: Seen | None) -> Seen:
    plan = views.known_plan(work, review)
    counted, in_hand = store.counted(work, review), store.leases_in_hand(work, review, work.now)
    names = views.known_stages(plan, counted.states)
    stages = [views.stage_queue(stage, counted.states.get(stage, {}), in_hand) for stage in names]
    funnel = views.funnel(counted, names, {})
    marks = _mark("".join(stage.model_dump_json() for stage in stages)), _mark(funnel.model_dump_json())
    turns = store.newest_turns(work, review, before.last if before else 0, _KEPT)
    if before is not None and not turns and before.marks == marks:
        return before
    last = turns[-1].number if turns else before.last if before else store.last_number(work, review)
    known = (*(before.turns if before and len(turns) < _KEPT else ()), *turns)
    return Seen(stages, funnel, marks, known[-_KEPT:], last)


def _mark(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:8]


def _event(event: Followed) -> bytes:
    return format_sse_event(data_str=event.model_dump_json(), event=event.kind, id=event.id)
