"""The client's view of how the platform runs: health, journals of events, dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from shared.client.forms import Forms
from shared.client.http import Http, part
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.client.http import Asked
    from shared.wire import common as wire
else:
    wire = Forms("shared.wire.common")


#: The services that keep a journal, in the order of a record's way.
SERVICES = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")


class OperationsClient:
    """Health, journals and dead letters of every service."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def events(self, service: str, review: str, **filters: Asked) -> Iterator[wire.JournalEntry]:
        """What one service told about a review, oldest first. `filters`: correlation, event, cause, cursor."""
        return self._http.pages(f"/{service}/reviews/{part(review)}/events", wire.JournalEntry, **filters)

    def dead_letters(self, service: str, state: str = "waiting", **filters: Asked) -> Iterator[wire.DeadLetterView]:
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
        """Each thing each service depends on, also when one is down, of all addresses. An admin is told the reasons."""
        whole, *more = [answer.json() for answer in self._http.everywhere("/readyz", accept=(503,))]
        for other in more:
            whole["ready"] = whole["ready"] and other["ready"]
            whole["services"].update(other["services"])
        return self._http.item(wire.Readiness, whole)

    def signing_keys(self) -> wire.KeySet:
        """The public keys by which revisions are checked; every address of the platform has the same."""
        for answer in self._http.everywhere("/signing-keys"):
            return self._http.item(wire.KeySet, answer.json())
        raise NotFound("no address of the platform is given")

    def discard_dead_letter(self, service: str, letter: str, reason: str) -> wire.DeadLetterDecision:
        """Decides that it is never done; the answer says what follows."""
        path = f"/{service}/dead-letters/{part(letter)}/discard"
        return self._http.post(path, wire.DeadLetterDecision, {"reason": reason})

    def retry_group(
        self, service: str, group: str, asked: wire.RetryGroup | Mapping[str, object]
    ) -> wire.GroupDecision:
        """Tries some letters of a cause, oldest first; `last` of the answer is where the next request goes on."""
        return self._http.post(f"/{service}/dead-letters/groups/{part(group)}/retry", wire.GroupDecision, asked)

    def discard_group(
        self, service: str, group: str, asked: wire.DiscardGroup | Mapping[str, object]
    ) -> wire.GroupDecision:
        return self._http.post(f"/{service}/dead-letters/groups/{part(group)}/discard", wire.GroupDecision, asked)

    def held(self, service: str) -> Iterator[wire.HeldKeyView]:
        """The keys whose events wait for one that failed or is not here yet."""
        return self._http.pages(f"/{service}/held", wire.HeldKeyView)

    def put_off(self, service: str) -> Iterator[wire.PutOffView]:
        """What the service has not adopted, since its release lacks what is needed."""
        return self._http.pages(f"/{service}/put-off", wire.PutOffView)

    def give_up(self, service: str, asked: wire.GiveUpKey | wire.GiveUpReview | Mapping[str, object]) -> wire.GivenUp:
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
            flows |= {flow for flow in self._flows_led_to(review, [entry.event["id"] for entry in fresh])}
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
            flow: str = entry.event["correlationid"]
            return flow
        return beginning

    def _everywhere(self, review: str, **filters: Asked) -> Iterator[wire.JournalEntry]:
        for service in SERVICES:
            yield from self.events(service, review, **filters)
