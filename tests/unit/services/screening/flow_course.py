"""A review of many days in which everything happens that the flow of records counts, with all that screening heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date
from random import Random
from typing import Any

from sqlalchemy import func, select

from services.screening import jobs
from services.screening.commands import queue
from services.screening.domain import Ballot
from shared.db.tables import OutboxRow
from shared.errors import Busy
from shared.events import registry
from shared.events.base import Envelope, Event
from shared.events.ingest import SourceRef, TextNotRetrieved, TextRetrieved, TextSought, TextWithdrawn
from tests.unit.services.screening.rig import (
    ScreeningRig,
    discovered,
    found_at,
    parted,
    protocol,
    published,
    revision_published,
    updated,
)
from tests.unit.services.screening.rig import changed as theory_changed
from tests.unit.services.screening.test_interleavings import FIRST, PEOPLE, PLAIN, ROLES, Course

SOURCES = ("openalex", "openalex", "europepmc", "import:scopus", "added:expert", "citations:crossref")

#: Six stages, of which some ask one person, some three, some in ways of their own to reconcile.
SIX = (
    {**FIRST, "double_screened": 30},
    {**PLAIN, "name": "texts", "needs": "full_text", "reopen_when_theory_changes": False},
    {**PLAIN, "name": "relevance"},
    {**PLAIN, "name": "depth", "reconciliation": "consensus"},
    {**PLAIN, "name": "rigour", "votes": 1},
    {**PLAIN, "name": "transfer", "votes": 3, "reconciliation": "include_if_any"},
)

#: How many tasks somebody takes at once.
_AT_ONCE = 10

_CMOCS = ("c1", "c2")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much happens: records that arrive, days, and by day answers and other things that people do."""

    records: int
    days: int
    answers: int
    others: int


class LoggedCourse(Course):
    """A course that keeps what was heard, by its day and by what had been told before it."""

    def __init__(self, rig: ScreeningRig, mode: str, random: Random, extent: Extent) -> None:
        self.heard: list[tuple[int, date, Event]] = []
        self.random, self.extent = random, extent
        self.stages: tuple[dict[str, Any], ...] = tuple({"reconciliation": mode} | stage for stage in SIX)
        self.version, self.published_after = 1, "2017-12-31"
        self.words = dict.fromkeys(_CMOCS, "a plot")
        #: The source records of each record, as ingest has them, and when it was published.
        self.listed: dict[str, list[SourceRef]] = {}
        self.own: dict[str, list[SourceRef]] = {}
        self.when: dict[str, str] = {}
        super().__init__(rig, mode, self.stages)

    # --- what happens

    def lives(self) -> Iterator[int]:
        """Goes through all days; answers the number of each once it is over."""
        for number in range(self.extent.days):
            self._day(number)
            yield number

    def _day(self, number: int) -> None:
        """Some records come in, people answer, and other things happen in between."""
        known, days = len(self.known), self.extent.days
        for at in range(known, self.extent.records * (number + 1) // days):
            self.discovers(at, self.random.choice(["2019", "2019", "2019", "2018", "2016"]))
        parts = 4
        for _ in range(parts):
            self._people_answer(self.extent.answers // parts)
            for _ in range(self.extent.others // parts):
                self._something_else()
        self.waits(70)
        self.lapses()
        self.comes_due()
        if self.random.random() < 0.3:
            self.bench.runs(jobs.fold_counts)

    def _people_answer(self, most: int) -> None:
        """People take some tasks at once and answer them, until so many answers are given or nobody gets a task."""
        given, idle = 0, 0
        while given < most and idle < 4:
            kind = "conflict" if self.random.random() < 0.2 else "screening"
            answered = self._answers_some(self.random.choice(PEOPLE), kind)
            given, idle = given + answered, 0 if answered else idle + 1

    def _answers_some(self, name: str, kind: Any) -> int:
        try:
            with self.bench.work(name) as work:
                held = queue.claim(work, self.review, kind, None, ROLES, count=_AT_ONCE)
                taken = [(lease.id, lease.task, lease.stage, lease.record) for lease, _, _ in held]
        except Busy:
            return 0
        for lease, task, stage, record in taken:
            values = ["include", "unsure", "exclude"] if stage == "sift" else ["rich", "moderate", "thin"]
            self._leases[name, kind] = lease, task, values
            self.votes(name, kind, self._leans(record, stage))
        return len(taken)

    def _leans(self, record: str, stage: str) -> int:
        """Which of three answers somebody gives: mostly what speaks for itself in a record."""
        if self.random.random() < 0.15:
            return self.random.randrange(3)
        return 0 if Random(f"{record} {stage}").random() < 0.65 else 2

    def ballot(self, task: str, answer: str, name: str) -> Ballot:
        """Of what is judged for CMOCs everybody names the same."""
        given = super().ballot(task, answer, name)
        return (
            replace(given, judged_for=Random(task).choice([["c1"], ["c2"], [*_CMOCS]])) if given.judged_for else given
        )

    def _something_else(self) -> None:
        name, other = self.random.choice(PEOPLE), self.random.choice(PEOPLE)
        record, into = self._any(), self._any()
        stage = self.random.choice(self.stages)["name"]
        match self.random.randrange(27):
            case 0 | 1:
                self.merges(record, into)
            case 2:
                merged = sorted(name for name, after in self.into.items() if after is not None)
                self.parts(int(self.random.choice(merged)[1:]) if merged else record)
            case 3:
                self.redates(record, self.random.choice(["2019", "2016"]))
            case 4 | 5:
                self.takes_back(name)
            case 6 | 7:
                self.reopens(record, stage, votes_stand=self.random.random() < 0.5)
            case 8:
                self.claims(name, "screening")
                self.parks(name, "screening", self.random.choice([None, 1]))
            case 9:
                self.resumes(record)
            case 10 | 11 | 12:
                self.texts(record, self.random.randrange(4))
            case 13:
                self.claims(name, "screening")
                self.releases(name, "screening")
            case 14:
                self.claims(name, "screening")
                self.skips(name, "screening")
            case 15:
                self.claims(name, "conflict")
                self.frees(name, "conflict")
            case 16:
                self.revises(name, self.random.randrange(3))
            case 17:
                self.names(other, record)
            case 18:
                self.gives_up()
            case 19 | 20:
                self.states(record, self.random.choice(["in", "out"]))
            case 21:
                self.asks_for("imported", self.random.choice(["sift", "depth"]), leads_on=True)
            case 22:
                named = [f"r{self._any()}" for _ in range(4)]
                self.asks_for(self.random.choice(["decide", "reopen"]), "sift", self.random.random() < 0.5, named)
            case 23:
                self.undoes(self.random.randrange(3 * len(self._batches) + 1))
            case 24 | 25:
                self.is_found_again(record)
            case _:
                self.works(name, "conflict", self.random.choice([0, 2]))

    def _any(self) -> int:
        return self.random.randrange(max(len(self.known), 1))

    def discovers(self, number: int, when: str) -> None:
        record = f"r{number}"
        self.own[record] = [self._found(f"s{number}", "run_1")]
        self.listed[record], self.when[record] = list(self.own[record]), when
        found = discovered(record, published=when, revision=next(self._revisions), sources=self.listed[record])
        self._tell(found)
        self.known.add(record)

    def _found(self, id: str, run: str) -> SourceRef:
        by, _, source = self.random.choice(SOURCES).rpartition("citations:")
        return found_at(source, id, run, by_citations=bool(by))

    def redates(self, number: int, when: str) -> None:
        if (record := f"r{number}") in self.known:
            self.when[record] = when
            self._describes(record)

    def is_found_again(self, number: int) -> None:
        """Another source brings a record, or what it is one with."""
        if (record := f"r{number}") in self.known:
            found = self._found(f"a{next(self._revisions)}", "run_2")
            self.own[record].append(found)
            self.listed[self._home(record)].append(found)
            self._describes(self._home(record))

    def merges(self, number: int, into: int) -> None:
        """The survivor lists what was the other's, before or after it is told that the other is gone; or twice."""
        record = f"r{number}"
        stood = record in self.known and self.into.get(record) is None
        home = self._home(f"r{into}")
        if stood and home in self.known and home != record:
            moved, early = self.listed[record], self.random.random() < 0.5
            self.listed[home] = [*self.listed[home], *moved]
            if early:
                self._describes(home)
            super().merges(number, into)
            if not early or self.random.random() < 0.3:
                self._describes(home)
        else:
            super().merges(number, into)

    def parts(self, number: int) -> None:
        """What was a record's is its own again, and the other lists it no more."""
        record = f"r{number}"
        if self.into.get(record) is not None:
            home = self._home(record)
            brings = [other for other in self.into if other != record and self._passes(other, record)]
            theirs = [found for each in (record, *brings) for found in self.own[each]]
            left = [found for found in self.listed[home] if found not in theirs]
            self.listed[record], self.listed[home] = theirs, left
            if late := self.random.random() < 0.5:
                self._describes(home)
            self._tell(parted(record, home, next(self._revisions), brings, sources=theirs))
            self.into[record] = None
            if not late:
                self._describes(home)

    def _describes(self, record: str) -> None:
        sources, when = self.listed[record], self.when[record]
        self._tell(updated(record, published=when, revision=next(self._revisions), sources=sources))

    def texts(self, number: int, how: int) -> None:
        about = {"review": self.review, "record": f"r{number}"}
        copy = {"text": "t", "sha256": "f" * 64}
        said: list[Event] = [
            TextSought(**about),
            TextNotRetrieved(**about, reason="out of print"),
            TextRetrieved(
                **about, **copy, size=1, kind="pdf", text_version="published", source="person",
                licence_class="open", readers="members",
            ),
            TextWithdrawn(**about, **copy, reason="the wrong one", left=how % 2),
        ]  # fmt: skip
        self._tell(said[how])

    def amends(self, *stages: dict[str, Any], published_after: str | None = None, **words: str) -> None:
        """The protocol has other stages, other dates, or CMOCs (`words` by id) in another context."""
        self.version += 1
        self.stages = stages or self.stages
        self.published_after = published_after or self.published_after
        self.words |= words
        parts = {"resource": "tools", "reasoning": "pride", "outcome": "fruit", "theory": "tending"}
        cmocs = [{"id": cmoc, "context": context, **parts} for cmoc, context in self.words.items()]
        plan = protocol(*self.stages, review=self.review, published_after=self.published_after, cmocs=cmocs)
        self._tell(published(plan, self.version))
        self.bench.runs(jobs.apply_amendments)

    def synthesis_tells(self, cmoc: str) -> None:
        """That a CMOC says something else, as the newest protocol has it; what was excluded for it is asked anew."""
        self._tell(theory_changed(cmoc, after=f"context: {self.words[cmoc]}"))
        self.bench.runs(jobs.reopen_for_theories)

    def signs(self, cycle: int) -> None:
        self._tell(revision_published(cycle))

    # --- what was heard and told

    def _tell(self, event: Any) -> None:
        before = self._newest()
        super()._tell(event)
        self.heard.append((before, self.today, event.model_copy(update={"review": self.review})))

    def _newest(self) -> int:
        with self.bench.running.database.session(readonly=True) as session:
            return session.scalar(select(func.max(OutboxRow.seq))) or 0

    @property
    def today(self) -> date:
        return self.bench.clock.now().astimezone(UTC).date()

    def log(self) -> list[tuple[date, Event]]:
        """What was heard and told, in order, each with its day."""
        emitted = [
            (number, envelope.occurred.astimezone(UTC).date(), registry.decode(envelope))
            for number, envelope in self._envelopes()
        ]
        heard = [(number + 0.5, day, event) for number, day, event in self.heard]
        return [(day, event) for _, day, event in sorted([*emitted, *heard], key=lambda it: it[0])]

    def _envelopes(self) -> Iterator[tuple[int, Envelope]]:
        with self.bench.running.database.session(readonly=True) as session:
            query = select(OutboxRow.seq, OutboxRow.payload).where(OutboxRow.review == self.review)
            rows = session.execute(query.order_by(OutboxRow.seq)).all()
        for number, payload in rows:
            yield number, Envelope.from_json(payload)

    def flow(self, **asked: Any) -> dict[str, Any]:
        answer = self.rig.person("ana").get(f"/screening/reviews/{self.review}/flow", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()
