"""Gathered: what the API answered for a report, and what else has to be asked for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from shared.reporting.asking import EVERY, How, Number, Query, Request, Step, found_in, reckoned
from shared.reporting.checklists import Kind
from shared.reporting.documents import Stated

#: Of how many cycles, the newest, a report shows the flow beside each other.
MOST_CYCLES = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `cut` where a listing has more than a report takes."""

    body: Any
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a report is made of: of one `revision`, or of the review as it is now. What was not there is None."""

    review: str
    kind: Kind
    revision: int | None
    answers: Mapping[Request, Answer | None]
    #: What people are called to whoever reads the report.
    called: Callable[[str], str] = str

    def has(self, request: Request, *steps: Step) -> bool:
        """Whether the answer says something there."""
        return any(found not in (None, "", [], {}) for found in self.all(request, *steps))

    def all(self, request: Request, *steps: Step) -> list[Any]:
        """All that an answer says there; nothing where there is no answer."""
        answer = self.answers.get(request)
        return [] if answer is None else found_in(answer.body, steps)

    def one(self, request: Request, *steps: Step) -> Any:
        """What it says there; None where it says nothing, or several things."""
        found = self.all(request, *steps)
        return found[0] if len(found) == 1 else None

    def items(self, request: Request, *steps: Step) -> list[Any]:
        """The items of a list there."""
        return self.all(request, *steps, EVERY)

    @property
    def signed(self) -> list[Any]:
        """The signed revisions up to that of the report, the newest first."""
        last = self.revision
        return [it for it in self.items(self.revisions) if last is None or it["number"] <= last]

    def names(self, request: Request, *steps: Step) -> list[str]:
        """The names of what stands there."""
        found = self.one(request, *steps)
        return list(found) if isinstance(found, Mapping) else []

    def number(self, request: Request, *steps: Step, how: How = "value") -> Number | Stated:
        """A number, with where it comes from; a dash where the answer has none."""
        answer, query = self.answers.get(request), Query(request, steps, how)
        value = None if answer is None else reckoned(answer.body, query)
        return Stated("–") if value is None else Number(value, query)

    def stated(self, request: Request, *steps: Step) -> Stated:
        """A name, a date or words that stand there; a dash where nothing does."""
        found = self.one(request, *steps)
        return Stated("–" if found in (None, "") else str(found))

    def person(self, person: object) -> Stated:
        """What somebody is called."""
        return Stated(self.called(str(person)) if person else "–")

    def is_cut(self, request: Request) -> bool:
        answer = self.answers.get(request)
        return answer is not None and answer.cut

    # What is asked of whom

    def _of(self, service: str, path: str = "", **asked: Any) -> Request:
        given = tuple((name, str(value)) for name, value in asked.items() if value is not None)
        return Request(f"/{service}/reviews/{self.review}{path}", given)

    @property
    def standing(self) -> Request:
        return self._of("synthesis", "/standing")

    @property
    def status(self) -> Request:
        return self._of("synthesis")

    @property
    def texts(self) -> Request:
        return self._of("synthesis", "/report-texts")

    @property
    def revisions(self) -> Request:
        return Request(f"/synthesis/reviews/{self.review}/revisions", (("newest_first", "true"),), listing=True)

    @property
    def content(self) -> Request:
        """What the revision says; or the draft, where none is asked for."""
        if self.revision is None:
            draft = f"/synthesis/reviews/{self.review}/draft"
            return Request(draft, needed=False)
        return self._of("synthesis", f"/revisions/{self.revision}")

    @property
    def said(self) -> tuple[Step, ...]:
        """Where in that answer the theories stand."""
        return () if self.revision is None else ("content",)

    @property
    def studies(self) -> Request:
        """The reports that it rests on."""
        if self.revision is None:
            return Request(f"/synthesis/reviews/{self.review}/support", needed=False)
        return self._of("synthesis", f"/revisions/{self.revision}/studies")

    @property
    def ingest(self) -> Request:
        return self._of("ingest", "/status")

    @property
    def agreement(self) -> Request:
        # Shown to leads, and to those who vote, of what they may see.
        return Request(f"/screening/reviews/{self.review}/agreement", needed=False)

    @property
    def coding_agreement(self) -> Request:
        return Request(f"/synthesis/reviews/{self.review}/coding-agreement", needed=False)

    @property
    def asked_of_studies(self) -> Request:
        """What the protocol asks of each study now."""
        return self._of("synthesis", "/characteristics")

    @property
    def described(self) -> Request:
        """What is known of each included study, as it stands today."""
        return Request(f"/synthesis/reviews/{self.review}/characteristics/studies", listing=True, needed=False)

    @property
    def versions(self) -> Request:
        return Request(f"/protocol/reviews/{self.review}/versions", (("newest_first", "true"),), listing=True)

    @property
    def version(self) -> int | None:
        """The version of the protocol that it goes by."""
        found = self.one(self.status, "protocol_version")
        if self.revision is not None:
            found = self.one(self.content, "content", "protocol_version")
        return found if isinstance(found, int) else None

    @property
    def protocol(self) -> Request:
        return self._of("protocol", f"/versions/{self.version}")

    @property
    def undated_flow(self) -> Request:
        """The flow of now, which says of which day it is."""
        return self._of("screening", "/flow", cycle=self.revision)

    @property
    def flow(self) -> Request:
        """All that came by the day of the report."""
        return self._of("screening", "/flow", on=self.one(self.undated_flow, "on"))

    @property
    def cycle(self) -> int | None:
        """The cycle that the report is of: one leads to the revision of its number."""
        if self.revision is not None:
            return self.revision
        signed = self.one(self.standing, "revisions")
        return signed + 1 if isinstance(signed, int) else None

    @property
    def cycle_flow(self) -> Request:
        """What came within the cycle."""
        return self.flow_of(self.cycle)

    def flow_of(self, cycle: int | None) -> Request:
        request = self._of("screening", "/flow", cycle=cycle)
        return Request(request.path, request.asked, needed=False)

    @property
    def cycles(self) -> list[int]:
        """The newest cycles, oldest first."""
        last = self.cycle or 0
        return list(range(max(1, last - MOST_CYCLES + 1), last + 1))

    def automations(self) -> list[Request]:
        return [self._of(service, "/automations") for service in ("ingest", "screening", "synthesis")]


def wanted(gathered: Gathered) -> list[Request]:
    """What is to be asked next: some can only be asked once another is answered. Nothing once all is there."""
    first = [
        gathered.standing, gathered.status, gathered.texts, gathered.revisions, gathered.content, gathered.studies,
        gathered.ingest, gathered.agreement, gathered.versions, gathered.undated_flow, *gathered.automations(),
    ]  # fmt: skip
    then: list[tuple[Callable[[], bool], Callable[[], list[Request]]]] = [
        (lambda: gathered.version is not None, lambda: [gathered.protocol]),
        (lambda: gathered.has(gathered.undated_flow, "on"), lambda: [gathered.flow]),
        (lambda: gathered.cycle is not None, partial(_cycles, gathered)),
        (
            lambda: gathered.version is not None and gathered.has(gathered.protocol, "protocol", "extraction"),
            lambda: [gathered.coding_agreement],
        ),
        (
            lambda: gathered.version is not None and gathered.has(gathered.protocol, "protocol", "characteristics"),
            lambda: [gathered.asked_of_studies, gathered.described],
        ),
    ]
    more = [request for is_known, ask in then if is_known() for request in ask()]
    return [request for request in dict.fromkeys([*first, *more]) if request not in gathered.answers]


def _cycles(gathered: Gathered) -> list[Request]:
    if gathered.kind == "prisma-lsr":
        return [gathered.flow_of(cycle) for cycle in gathered.cycles]
    return [gathered.cycle_flow]


def answered(gathered: Gathered, answers: Mapping[Request, Answer | None]) -> Gathered:
    """The same with what was answered since."""
    return replace(gathered, answers={**gathered.answers, **answers})
