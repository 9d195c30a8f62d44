"""The rig that synthesises a review in tests: events come in, people code and sign, all by the real service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from services.synthesis import jobs
from services.synthesis.manifest import SERVICE
from shared.client.http import Http
from shared.client.synthesis import SynthesisClient
from shared.events.base import Envelope, Event
from shared.events.ingest import Bibliography, RecordMerged, RecordNoticed, RecordSplit, RunCounts, RunFinished
from shared.events.protocol import Protocol, VersionPublished
from shared.events.screening import Judgement, RecordExcluded, RecordIncluded, RecordReopened, VoteCast
from shared.wire.synthesis import (
    DraftView,
    EvidenceBatch,
    EvidenceGiven,
    EvidenceTaken,
    FragmentGiven,
    LinkGiven,
    RevisionView,
    SignDraft,
)
from tests.workbench import Workbench

REVIEW = "small"


def protocol(cmocs: Iterable[str] = ("c1", "c2"), review: str = REVIEW, **changes: Any) -> Protocol:
    """A small protocol with these CMOCs; `wording={"c1": {"outcome": ...}}` words some of them otherwise."""
    wording = changes.pop("wording", {})
    parts = ("context", "resource", "reasoning", "outcome")
    document = {
        "review": review,
        "title": "A small review",
        "question": "What works for whom?",
        "definitions": {"context": "before", "mechanism": "resource and reasoning", "outcome": "result"},
        "strategies": [{"id": "one", "source": "pubmed", "query": "leader*[ti]"}],
        "stages": [
            {
                "name": "screen",
                "question": "In or out?",
                "answers": [{"value": "in", "leads_to": "advance"}, {"value": "out", "leads_to": "exclude"}],
            }
        ],
        "theories": [{"id": "trust", "heading": "Trust", "statement": "Trust helps."}],
        "cmocs": [
            {"id": cmoc, "theory": "trust"} | {part: f"{part} of {cmoc}" for part in parts} | wording.get(cmoc, {})
            for cmoc in cmocs
        ],
    }
    return Protocol.model_validate(document | changes)


def judged(outcome: str = "advance", stage: str = "screen") -> Judgement:
    vote = VoteCast(person="ana", answer="in", cast_at=datetime(2020, 1, 1, tzinfo=UTC))
    return Judgement(stage=stage, answer="in", outcome=outcome, decided_by="agreement", votes=[vote])


class SynthesisRig:
    """One review in the synthesis service. Ana and ben code, carol adjudicates, dora leads and signs."""

    def __init__(self, bench: Workbench, *, review: str = REVIEW) -> None:
        self.bench, self.review = bench, review
        self._roles = {"ana": "reviewer", "ben": "reviewer", "carol": "adjudicator", "dora": "lead", "rita": "reader"}
        self._people: dict[str, SynthesisClient] = {}
        self._screened: dict[str, int] = {}

    def person(self, name: str) -> SynthesisClient:
        if name not in self._people:
            http = self.bench.person(name, self._roles[name])
            token = http.headers["authorization"].removeprefix("Bearer ")
            self._people[name] = SynthesisClient(Http("http://testserver", token, client=http))
        return self._people[name]

    @property
    def lead(self) -> SynthesisClient:
        return self.person("dora")

    # What other services tell

    def adopts(self, plan: Protocol | None = None, version: int = 1, why: str | None = None) -> Envelope:
        plan = plan or protocol(review=self.review)
        event = VersionPublished.of(plan, version, "dora", why)
        # The event's own `version` is the protocol's; the envelope's is that of the event's form.
        return self.bench.hears_envelope(self.bench.envelope(event)._replace(dataversion=type(event).version))

    def includes(self, *records: str, judgements: list[Judgement] | None = None, revision: int | None = None) -> None:
        for record in records:
            self.hears_of(
                RecordIncluded(
                    review=self.review, record=record, revision=revision or self._next_step(record),
                    title=f"Title of {record}", judgements=judgements or [judged()],
                )
            )  # fmt: skip

    def excludes(self, record: str, *, stage: str | None = "screen", revision: int | None = None) -> None:
        self.hears_of(
            RecordExcluded(
                review=self.review, record=record, revision=revision or self._next_step(record), stage=stage,
                rule=None if stage else "published_after", reason="out of scope",
            )
        )  # fmt: skip

    def reopens(self, record: str) -> None:
        step = self._next_step(record)
        self.hears_of(
            RecordReopened(review=self.review, record=record, revision=step, stage="screen", reason="theory changed")
        )

    def merges(self, record: str, into: str) -> None:
        self.hears_of(RecordMerged(review=self.review, record=record, revision=2, into=into, evidence=["same doi"]))

    def parts(self, record: str, out_of: str, brings: Sequence[str] = ()) -> None:
        self.hears_of(
            RecordSplit(
                review=self.review, record=record, out_of=out_of, revision=3, run="run-1",
                bibliography=Bibliography(title=f"Title of {record}"), evidence=["other authors"], brings=list(brings),
            )
        )  # fmt: skip

    def notice_of(self, record: str, kind: str, notice: str) -> Envelope:
        """A notice as it is told now, to be heard later."""
        event = RecordNoticed(
            review=self.review, record=record, notice=notice, kind=kind, reason="as told", source="crossref"
        )
        return self.bench.envelope(event, correlation=record)

    def notices(self, record: str, kind: str, *, notice: str | None = None, drill: bool = False) -> None:
        self.hears_of(
            RecordNoticed(
                review=self.review, record=record, notice=notice or f"{kind}-of-{record}", kind=kind, reason="as told",
                source="crossref", drill=drill,
            )
        )  # fmt: skip

    def searched(self, source: str, through: date, **about: Any) -> None:
        self.bench.hears(
            RunFinished(
                review=self.review, run=f"run-{source}-{through}", source=source, query="q", counts=RunCounts(),
                window_from=date(2018, 1, 1), searched_through=through,
                **{"watch": f"watch-{source}", "protocol_version": 1} | about,
            )
        )  # fmt: skip

    def hears_of(self, event: Event) -> None:
        """Hears an event as a step of its record's flow."""
        self.bench.hears(event, correlation=event.key)

    def _next_step(self, record: str) -> int:
        self._screened[record] = self._screened.get(record, 0) + 1
        return self._screened[record]

    # What people do

    def links(
        self, record: str, cmoc: str = "c1", *, by: str = "ana", text: str | None = None, **link: Any
    ) -> EvidenceTaken:
        """A fragment of the record with one link; the text tells fragments apart."""
        given = evidence(record, cmoc, text=text, **link)
        return self.person(by).link(self.review, EvidenceBatch(evidence=[given])).evidence[0]

    def shows_all_of(self, cmoc: str, *records: str) -> None:
        """Explicit evidence of all four elements, each from the next of these records in turn."""
        for at, element in enumerate(("context", "resource", "reasoning", "outcome")):
            self.links(records[at % len(records)], cmoc, element=element)

    def settles(self) -> None:
        self.bench.runs(jobs.resynthesise)

    def draft(self) -> DraftView:
        """The draft once everything is taken in."""
        self.settles()
        draft = self.lead.draft(self.review)
        assert draft.settled
        return draft

    def states(self) -> dict[str, tuple[str, int, bool]]:
        """Status, support and flag of each CMOC."""
        return {state.cmoc: (state.status, state.support, state.flagged) for state in self.draft().states}

    def support(self) -> list[int]:
        return [state.support for state in self.draft().states]

    def signs(self, summary: str = "as drafted", **about: Any) -> RevisionView:
        draft = self.draft()
        signed = SignDraft(fragments_sha256=draft.fragments_sha256, draft=draft.draft, summary=summary, **about)
        return self.lead.sign(self.review, signed)

    def history(self, cmoc: str = "c1") -> list[str]:
        return [event.happened for event in self.lead.history(self.review, cmoc)]


def evidence(record: str, cmoc: str = "c1", *, text: str | None = None, **link: Any) -> EvidenceGiven:
    given = LinkGiven(cmoc=cmoc, **{"element": "resource"} | link)
    paraphrase = text or f"{record} says something of {cmoc} ({given.element}, {given.stance})"
    fragment = FragmentGiven(locator="p. 1", paraphrase=paraphrase, data_type="author_interpretation")
    return EvidenceGiven(record=record, fragment=fragment, links=[given])


def make_rig(workbench: Any, plan: Protocol | None = None, **settings: Any) -> SynthesisRig:
    """A rig whose protocol is adopted."""
    rig = SynthesisRig(workbench(SERVICE, **settings))
    rig.adopts(plan)
    return rig
