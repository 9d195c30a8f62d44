"""The client's view of how the platform runs: health, journals of events, dead letters."""

# Made by `make docs` from shared/client/operations.py; a test fails when it is stale.

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from shared.client.asynchronous.http import AsyncHttp, part
from shared.client.forms import Forms
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.client.asynchronous.http import Asked
    from shared.wire import common as wire
else:
    wire = Forms("shared.wire.common")


#: The services that keep a journal, in the order of a record's way.
SERVICES = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")


class AsyncOperationsClient:
    """Health, journals and dead letters of every service."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    def events(self, service: str, review: str, **filters: Asked) -> AsyncIterator[wire.JournalEntry]:
        """What one service told about a review, oldest first. `filters`: correlation, event, cause, cursor."""
        return self._http.pages(f"/{service}/reviews/{part(review)}/events", wire.JournalEntry, **filters)

    def dead_letters(
        self, service: str, state: str = "waiting", **filters: Asked
    ) -> AsyncIterator[wire.DeadLetterView]:
        """Oldest first. `filters`: type, slug, review, group."""
        return self._http.pages(f"/{service}/dead-letters", wire.DeadLetterView, state=state, **filters)

    async def dead_letter(self, service: str, letter: str) -> wire.DeadLetterText:
        return await self._http.get(f"/{service}/dead-letters/{part(letter)}", wire.DeadLetterText)

    def dead_letter_groups(self, service: str) -> AsyncIterator[wire.DeadLetterGroup]:
        """The waiting dead letters by what they have in common: type, reason and place."""
        return self._http.pages(f"/{service}/dead-letters/groups", wire.DeadLetterGroup)

    async def retry_dead_letter(self, service: str, letter: str) -> wire.DeadLetterView:
        """Tries it again now. Raises Invalid with its reason when it still will not work."""
        return await self._http.post(f"/{service}/dead-letters/{part(letter)}/retry", wire.DeadLetterView)

    async def ready(self) -> wire.Readiness:
        """Each thing each service depends on, also when one is down, of all addresses. An admin is told the reasons."""
        whole, *more = [answer.json() async for answer in self._http.everywhere("/readyz", accept=(503,))]
        for other in more:
            whole["ready"] = whole["ready"] and other["ready"]
            whole["services"].update(other["services"])
        return self._http.item(wire.Readiness, whole)

    async def signing_keys(self) -> wire.KeySet:
        """The public keys by which revisions are checked; every address of the platform has the same."""
        async for answer in self._http.everywhere("/signing-keys"):
            return self._http.item(wire.KeySet, answer.json())
        raise NotFound("no address of the platform is given")

    async def discard_dead_letter(self, service: str, letter: str, reason: str) -> wire.DeadLetterDecision:
        """Decides that it is never done; the answer says what follows."""
        path = f"/{service}/dead-letters/{part(letter)}/discard"
        return await self._http.post(path, wire.DeadLetterDecision, {"reason": reason})

    async def retry_group(
        self, service: str, group: str, asked: wire.RetryGroup | Mapping[str, object]
    ) -> wire.GroupDecision:
        """Tries some letters of a cause, oldest first; `last` of the answer is where the next request goes on."""
        return await self._http.post(f"/{service}/dead-letters/groups/{part(group)}/retry", wire.GroupDecision, asked)

    async def discard_group(
        self, service: str, group: str, asked: wire.DiscardGroup | Mapping[str, object]
    ) -> wire.GroupDecision:
        return await self._http.post(f"/{service}/dead-letters/groups/{part(group)}/discard", wire.GroupDecision, asked)

    def held(self, service: str) -> AsyncIterator[wire.HeldKeyView]:
        """The keys whose events wait for one that failed or is not here yet."""
        return self._http.pages(f"/{service}/held", wire.HeldKeyView)

    def put_off(self, service: str) -> AsyncIterator[wire.PutOffView]:
        """What the service has not adopted, since its release lacks what is needed."""
        return self._http.pages(f"/{service}/put-off", wire.PutOffView)

    async def give_up(
        self, service: str, asked: wire.GiveUpKey | wire.GiveUpReview | Mapping[str, object]
    ) -> wire.GivenUp:
        """Decides that what some held keys wait for never comes."""
        return await self._http.post(f"/{service}/held/discard", wire.GivenUp, asked)

    async def trace(self, review: str, beginning: str) -> list[wire.JournalEntry]:
        """Everything that followed from a record or an event, in the order it was told: the flow it belongs
        to, and then each flow that an event of it led to. Raises NotFound when nothing did."""
        found: dict[str, wire.JournalEntry] = {}
        flows, asked = {await self._flow_of(review, beginning)}, set[str]()
        while flows - asked:
            entries = [entry for flow in flows - asked async for entry in self._everywhere(review, correlation=flow)]
            asked |= flows
            fresh = [entry for entry in entries if entry.event["id"] not in found]
            found.update((entry.event["id"], entry) for entry in fresh)
            flows |= {flow async for flow in self._flows_led_to(review, [entry.event["id"] for entry in fresh])}
        if not found:
            raise NotFound(f"no event of review {review!r} belongs to {beginning!r}")
        return sorted(found.values(), key=lambda entry: (entry.event["recordedtime"], entry.event["id"]))

    async def _flows_led_to(self, review: str, events: list[str]) -> AsyncIterator[str]:
        """The flows of the events that name one of these among their causes."""
        for start in range(0, len(events), 50):
            async for entry in self._everywhere(review, cause=events[start : start + 50]):
                yield entry.event["correlationid"]

    async def _flow_of(self, review: str, beginning: str) -> str:
        """A record's flow has the record's own id; an event tells which flow it belongs to."""
        async for entry in self._everywhere(review, event=beginning):
            flow: str = entry.event["correlationid"]
            return flow
        return beginning

    async def _everywhere(self, review: str, **filters: Asked) -> AsyncIterator[wire.JournalEntry]:
        for service in SERVICES:
            async for it in self.events(service, review, **filters):
                yield it
