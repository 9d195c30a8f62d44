"""The client's view of how the platform runs: health, journals of events, dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shared.client.forms import Forms
from shared.client.http import Http, part
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.wire import common as wire
else:
    wire = Forms("shared.wire.common")


#: The services that keep a journal, in the order of a record's way.
SERVICES = ("protocol", "ingest", "screening", "synthesis", "search", "notify")


class OperationsClient:
    """Health, journals and dead letters of every service."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def events(self, service: str, review: str, **filters: Any) -> Iterator[wire.JournalEntry]:
        """What one service told about a review, oldest first. `filters`: correlation, event, cause, cursor."""
        return self._http.pages(f"/{service}/reviews/{part(review)}/events", wire.JournalEntry, **filters)

    def dead_letters(self, service: str, state: str = "waiting", **filters: Any) -> Iterator[wire.DeadLetterView]:
        """Oldest first. `filters`: type, slug, review, group."""
        return self._http.pages(f"/{service}/dead-letters", wire.DeadLetterView, state=state, **filters)

    def dead_letter(self, service: str, letter: str) -> wire.DeadLetterText:
        return self._http.get(f"/{service}/dead-letters/{part(letter)}", wire.DeadLetterText)

    def dead_letter_groups(self, service: str) -> Iterator[wire.DeadLetterGroup]:
        """The waiting dead letters by what they have in common: type, reason and place."""
        return self._http.pages(f"/{service}/dead-letters/groups", wire.DeadLetterGroup)

    def retry_dead_letter(self, service: str, letter: str) -> wire.DeadLetterView:
        """Tries it again now. Raises Invalid with its reason when it still will not work."""
        return self._http.post(f"/{service}/dead-letters/{part(letter)}/retry", wire.DeadLetterView)

    def ready(self) -> wire.Readiness:
        """Each thing each service depends on, also when one is down. An admin is told the reasons."""
        return self._http.get("/readyz", wire.Readiness, accept=(503,))

    def discard_dead_letter(self, service: str, letter: str, reason: str) -> wire.DeadLetterDecision:
        """Decides that it is never done; the answer says what follows."""
        path = f"/{service}/dead-letters/{part(letter)}/discard"
        return self._http.post(path, wire.DeadLetterDecision, {"reason": reason})

    def retry_group(self, service: str, group: str, asked: wire.RetryGroup | Mapping[str, Any]) -> wire.GroupDecision:
        """Tries some letters of a cause, oldest first; `last` of the answer is where the next request goes on."""
        return self._http.post(f"/{service}/dead-letters/groups/{part(group)}/retry", wire.GroupDecision, asked)

    def discard_group(
        self, service: str, group: str, asked: wire.DiscardGroup | Mapping[str, Any]
    ) -> wire.GroupDecision:
        return self._http.post(f"/{service}/dead-letters/groups/{part(group)}/discard", wire.GroupDecision, asked)

    def held(self, service: str) -> Iterator[wire.HeldKeyView]:
        """The keys whose events wait for one that failed or is not here yet."""
        return self._http.pages(f"/{service}/held", wire.HeldKeyView)

    def give_up(self, service: str, asked: wire.GiveUpKey | wire.GiveUpReview | Mapping[str, Any]) -> wire.GivenUp:
        """Decides that what some held keys wait for never comes."""
        return self._http.post(f"/{service}/held/discard", wire.GivenUp, asked)

    def trace(self, review: str, beginning: str) -> list[wire.JournalEntry]:
        """Everything that followed from a record or an event, in the order it was told: the flow it belongs
        to, and then each flow that an event of it led to. Raises NotFound when nothing did."""
        found: dict[str, wire.JournalEntry] = {}
        flows, asked = {self._flow_of(review, beginning)}, set[str]()
        while flows - asked:
            entries = [entry for flow in flows - asked for entry in self._everywhere(review, correlation=flow)]
            asked |= flows
            fresh = [entry for entry in entries if entry.event["id"] not in found]
            found.update((entry.event["id"], entry) for entry in fresh)
            flows |= set(self._flows_led_to(review, [entry.event["id"] for entry in fresh]))
        if not found:
            raise NotFound(f"no event of review {review!r} belongs to {beginning!r}")
        return sorted(found.values(), key=lambda entry: (entry.event["recordedtime"], entry.event["id"]))

    def _flows_led_to(self, review: str, events: list[str]) -> Iterator[str]:
        """The flows of the events that name one of these among their causes."""
        for start in range(0, len(events), 50):
            for entry in self._everywhere(review, cause=events[start : start + 50]):
                yield entry.event["correlationid"]

    def _flow_of(self, review: str, beginning: str) -> str:
        """A record's flow has the record's own id; an event tells which flow it belongs to."""
        for entry in self._everywhere(review, event=beginning):
            return entry.event["correlationid"]
        return beginning

    def _everywhere(self, review: str, **filters: Any) -> Iterator[wire.JournalEntry]:
        for service in SERVICES:
            yield from self.events(service, review, **filters)
