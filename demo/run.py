"""The play: people with keys of their own live a review through, cycle by cycle, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from demo.receiver import Receiver
from demo.recorded import RecordedReview
from shared.client import Client
from shared.clock import FileClock
from shared.errors import Conflict, NotFound, Unavailable
from shared.events.ingest import NoticeKind
from shared.wire.ingest import RunView
from shared.wire.notify import NewSubscription
from shared.wire.screening import TaskInHand
from shared.wire.synthesis import DraftView, EvidenceBatch, EvidenceGiven, RejudgementView, RevisionView, SignDraft

Seen = TypeVar("Seen")
Tell = Callable[[str], None]

#: Seconds to wait for what the platform does by itself before the demo run is given up.
PATIENCE = 120.0


class SignedCycle(BaseModel):
    """One row of the programme: a yearly cycle, or one half of the drill."""

    name: str
    found: int = 0
    merged: int = 0
    screened: int = 0
    included: int = 0
    fragments: int = 0
    support: list[int]
    flagged: list[int] = []
    change_class: str
    revision: int


class Outcome(BaseModel):
    """Everything the run brought about, as it was computed, and where it differs from the recorded review."""

    review: str
    cycles: list[SignedCycle]
    stages: dict[str, dict[str, int]]
    records: int
    source_records: int
    links: int
    conflicts: int
    blind: int
    notifications: int
    refused_notifications: int
    feed_entries: int
    rejudgements: dict[str, int]
    a_record: str
    differences: list[str]


class DemoRun:
    """Plays a recorded review against the platform at `urls`, with one client a person.

    `keys` holds a key for each person of it, `clock` the file of the platform's clock. What
    the platform does by itself (pulling, merging, indexing, synthesising, telling) is only waited for, each for at most
    `patience` seconds.
    """

    def __init__(
        self,
        recorded: RecordedReview,
        urls: str | Mapping[str, str],
        keys: Mapping[str, str],
        clock: Path,
        tell: Tell,
        patience: float = PATIENCE,
    ) -> None:
        self._recorded, self._clock, self._tell, self._patience = recorded, clock, tell, patience
        self._review = recorded.review
        self._clients = {name: Client.at(urls, key, patience=patience) for name, key in keys.items()}
        people = recorded.decisions.people
        self._reviewers = [self._clients[name] for name in people.reviewers]
        self._adjudicator, self._lead = self._clients[people.adjudicator], self._clients[people.lead]
        self._receiver = Receiver()
        self._done: dict[str, str | None] = {}
        self._cycles: list[SignedCycle] = []
        self._past_runs: list[RunView] = []
        self._conflicts = self._blind = 0

    def run(self) -> Outcome:
        """Plays everything. Raises Unavailable when the platform stands still."""
        with ExitStack() as stack:
            for client in self._clients.values():
                stack.enter_context(client)
            stack.enter_context(self._receiver.listening())
            opening = date(self._recorded.expected.cycles[0].clock.year, 1, 1)
            self._set_clock(opening)
            self._open_the_review()
            # The first pull finds nothing yet; it must not meet the first cycle's papers by being slow.
            self._wait_for_the_pull(opening)
            for cycle in self._recorded.expected.cycles:
                self._live_through(cycle.clock)
            self._drill()
            return self._look_back()

    # The beginning

    def _open_the_review(self) -> None:
        """Applies the protocol, twice, since the second time must change nothing; lets anybody read what will be
        published, and subscribes to what comes."""
        applied = self._lead.protocol.apply(self._review, self._recorded.protocol)
        again = self._lead.protocol.apply(self._review, self._recorded.protocol)
        if again.changed or again.version != applied.version:
            raise Conflict("applying the same protocol again made a new version")
        self._tell(f"protocol version {applied.version} is applied; applying it again changed nothing")
        self._lead.people.set_public(self._review, True)
        subscription = self._lead.notify.subscribe(
            self._review, NewSubscription(channel="webhook", url=self._receiver.url)
        )
        self._receiver.secret = subscription.secret
        self._lead.notify.subscribe(self._review, NewSubscription(channel="feed"))

    # A cycle

    def _live_through(self, day: date) -> None:
        """One yearly cycle: pull, screen, code, sign."""
        self._set_clock(day)
        found, merged = self._wait_for_the_pull(day)
        self._tell(f"{day.year}: {found} found, {merged} duplicates")
        screened = self._screen()
        included, fragments = self._code()
        self._tell(f"{day.year}: {screened} screened, {included} included, {fragments} fragments coded")
        self._sign(
            SignedCycle(
                name=str(day.year), found=found, merged=merged, screened=screened, included=included,
                fragments=fragments, support=[], change_class="", revision=0,
            ),
            f"Cycle of {day.year}: {included} reports taken in.",
        )  # fmt: skip

    def _set_clock(self, day: date) -> None:
        FileClock.write(self._clock, datetime(day.year, day.month, day.day, 12, tzinfo=UTC))

    def _wait_for_the_pull(self, day: date) -> tuple[int, int]:
        """Waits until every source is searched through that day and screening knows every record."""
        before = {run.run for run in self._past_runs}
        self._until(f"the sources are searched through {day}", lambda: self._is_searched_through(day))
        through = {watch.source: day for watch in self._lead.ingest.watches(self._review)}
        self._until(
            f"synthesis has heard that the sources are searched through {day}",
            lambda: self._lead.synthesis.status(self._review).searched_through == through,
        )
        self._past_runs = list(self._lead.ingest.runs(self._review))
        fresh = [run for run in self._past_runs if run.run not in before]
        status = self._lead.ingest.status(self._review)
        self._until(
            "screening knows every record",
            lambda: self._lead.screening.funnel(self._review).discovered >= status.records,
        )
        # What a whole walk gives is mostly what came before; a source that has no other days is walked whole alone.
        searched = {run.watch: run for run in fresh if run.purpose == "whole"}
        searched |= {run.watch: run for run in fresh if run.purpose == "new"}
        return sum(run.counts.found for run in searched.values()), sum(run.counts.merged for run in fresh)

    def _is_searched_through(self, day: date) -> bool:
        watches = list(self._lead.ingest.watches(self._review))
        return bool(watches) and all(watch.searched_through == day for watch in watches)

    def _screen(self) -> int:
        """Reviewers take turns until nothing waits for anyone; answers how many records were decided."""
        before = self._decided()
        while any([self._one_vote(number) for number in range(len(self._reviewers))] + [self._one_adjudication()]):
            pass
        return self._decided() - before

    def _decided(self) -> int:
        funnel = self._lead.screening.funnel(self._review)
        return funnel.included + funnel.excluded - sum(funnel.by_rule.values())

    def _one_vote(self, number: int) -> bool:
        reviewer = self._reviewers[number]
        task = reviewer.screening.claim(self._review)
        if task is None:
            return False
        seen = reviewer.screening.record(self._review, task.record.record).stages
        if any(stage.votes for stage in seen if stage.task == task.task):
            raise Conflict(f"{task.task}: a vote can be seen before one's own")
        self._blind += 1
        answer, reason = self._recorded.decisions.answer(_doi(task), task.stage, number)
        self._vote(reviewer, task, answer, reason)
        return True

    def _one_adjudication(self) -> bool:
        task = self._adjudicator.screening.claim(self._review, kind="conflict")
        if task is None:
            return False
        self._conflicts += 1
        answer, reason = self._recorded.decisions.adjudication(_doi(task), task.stage)
        if task.votes:
            raise Conflict(f"{task.task}: a vote can be seen before one's own look")
        self._look(self._adjudicator, task, answer, reason)
        self._vote(self._adjudicator, task, answer, reason)
        return True

    def _look(self, person: Client, task: TaskInHand, answer: str, reason: str | None) -> None:
        """Gives a first look, as full as a vote."""
        named, judged_for = self._asked(task, answer)
        person.screening.look(
            self._review, task.lease, answer, reason, self._fields(task), excluded_for=named, judged_for=judged_for
        )

    def _vote(self, person: Client, task: TaskInHand, answer: str, reason: str | None) -> None:
        """Casts a vote with all that the stage asks: its form, for which reason, for which CMOCs."""
        named, judged_for = self._asked(task, answer)
        person.screening.vote(
            self._review, task.lease, answer, reason, self._fields(task), excluded_for=named, judged_for=judged_for
        )

    def _asked(self, task: TaskInHand, answer: str) -> tuple[str | None, list[str]]:
        """For which reason an answer excludes, and for which CMOCs it is."""
        doi = _doi(task)
        excludes = any(known.value == answer and known.leads_to == "exclude" for known in task.answers)
        named = self._recorded.decisions.excluded_for(doi, task.stage) if excludes and task.reasons else None
        # What went out before it was coded is judged for all of them.
        cmocs = self._recorded.cmocs_for(doi) or [cmoc.id for cmoc in task.cmocs]
        return named, cmocs if task.judged_for and not excludes else []

    def _fields(self, task: TaskInHand) -> dict[str, str | list[str]]:
        """What the stage's form asks: the CMOCs a paper is coded for, and a first option or a word elsewhere."""
        filled: dict[str, str | list[str]] = {}
        for field in task.fields:
            if field.kind == "cmocs":
                filled[field.name] = self._recorded.cmocs_for(_doi(task))
            elif field.required:
                filled[field.name] = (
                    [field.options[0]] if field.kind == "choices" else (field.options or ["as coded"])[0]
                )
        return {name: value for name, value in filled.items() if value}

    def _code(self) -> tuple[int, int]:
        """Posts the coded fragments of every report that was newly included; answers how many of each."""
        coder = self._reviewers[0]
        fresh = [record.record for record in coder.screening.records(self._review, "included")]
        fresh = [record for record in fresh if record not in self._done]
        fragments = 0
        for record in fresh:
            doi = coder.screening.record(self._review, record).record.identifiers.get("doi")
            self._done[record] = doi
            given = [
                EvidenceGiven(record=record, fragment=coded.fragment, links=coded.links)
                for coded in self._recorded.evidence_for(doi)
            ]
            if given:
                self._patiently(partial(coder.synthesis.link, self._review, EvidenceBatch(evidence=given)))
            fragments += len(given)
        return len(fresh), fragments

    def _sign(self, cycle: SignedCycle, summary: str, drill: bool = False) -> None:
        """Waits for the synthesis to take everything in, then signs what it drafted."""
        content = self._until("the draft is signed", lambda: self._signed(summary, drill)).content
        cycle.support = [cmoc.support for cmoc in content.cmocs]
        cycle.flagged = [number for number, cmoc in enumerate(content.cmocs, 1) if cmoc.flagged]
        cycle.change_class, cycle.revision = content.change_class, content.number
        self._cycles.append(cycle)
        self._tell(f"revision {content.number} is signed: {content.change_class}, support {cycle.support}")

    def _signed(self, summary: str, drill: bool) -> RevisionView | None:
        """Reads the draft and signs it, once everything that arrived is taken in; None if it moved meanwhile."""
        draft = self._until("the synthesis has taken everything in", self._settled_draft)
        seen = SignDraft(fragments_sha256=draft.fragments_sha256, draft=draft.draft, summary=summary, drill=drill)
        try:
            return self._lead.synthesis.sign(self._review, seen)
        except Conflict:
            return None

    def _settled_draft(self) -> DraftView | None:
        draft = self._lead.synthesis.draft(self._review)
        return draft if draft.settled else None

    # The drill

    def _drill(self) -> None:
        """Plays a retraction and its reinstatement; both are signed, and both stay in the history."""
        drill = self._recorded.expected.drill
        if drill is None:
            return
        record = next(record for record, doi in self._done.items() if doi == drill.doi)
        halves: tuple[tuple[NoticeKind, bool], ...] = (("retraction", True), ("reinstatement", False))
        for kind, opened in halves:
            notice = self._lead.ingest.notice(self._review, record, kind=kind, reason=drill.reason, drill=True)
            self._until(f"the {kind} is taken in", partial(self._is_rejudging, opened))
            self._tell(f"drill: {kind} {notice.notice}")
            self._sign(
                SignedCycle(name=f"drill: {kind}", support=[], change_class="", revision=0),
                f"Drill: {kind}.",
                drill=True,
            )

    def _is_rejudging(self, opened: bool) -> bool:
        """Whether some re-judgement is open, if it is to be, or none."""
        return bool(self._open_rejudgements()) == opened

    def _open_rejudgements(self) -> list[RejudgementView]:
        return [it for it in self._lead.synthesis.rejudgements(self._review) if it.state == "open"]

    # The end

    def _look_back(self) -> Outcome:
        """Waits for the last notification, counts everything, and compares it with the recorded review."""
        revisions = list(self._lead.synthesis.revisions(self._review))
        self._until("every notification has arrived", lambda: len(self._receiver.notifications) >= len(revisions))
        funnel = self._lead.screening.funnel(self._review)
        status = self._lead.ingest.status(self._review)
        rejudgements = [it.state for it in self._lead.synthesis.rejudgements(self._review)]
        drilled = self._recorded.expected.drill
        outcome = Outcome(
            review=self._review,
            cycles=self._cycles,
            stages={stage.stage: {"entered": stage.entered, "advanced": stage.advanced} for stage in funnel.stages},
            records=status.records,
            source_records=status.source_records,
            links=self._lead.synthesis.draft(self._review).counts.links,
            conflicts=self._conflicts,
            blind=self._blind,
            notifications=len(self._receiver.notifications),
            refused_notifications=len(self._receiver.refused),
            feed_entries=self._lead.notify.feed(self._review).count(b"<entry>"),
            rejudgements={state: rejudgements.count(state) for state in sorted(set(rejudgements))},
            a_record=next(record for record, doi in self._done.items() if drilled is None or doi == drilled.doi),
            differences=[],
        )
        outcome.differences = [
            *differences(self._recorded, outcome),
            *(f"revision {it.number} does not hold its signature" for it in revisions if not self._holds(it.number)),
        ]
        return outcome

    def _holds(self, number: int) -> bool:
        return self._lead.synthesis.verify(self._review, number).holds

    # Waiting

    def _until(self, what: str, look: Callable[[], Seen | None]) -> Seen:
        """What is seen at last. A service that does not know something yet has not heard of it yet."""
        until = time.monotonic() + self._patience
        said = ""
        while True:
            try:
                if seen := look():
                    return seen
            except (NotFound, Conflict) as not_yet:
                said = f"; the last answer was: {not_yet}"
            if time.monotonic() > until:
                raise Unavailable(f"waited {self._patience:.0f} seconds in vain until {what}{said}")
            time.sleep(0.05)

    def _patiently(self, do: Callable[[], Seen]) -> Seen:
        """Does a command that needs an event to have arrived, again until it has."""
        return self._until("synthesis knows the report", lambda: [do()])[0]


def differences(recorded: RecordedReview, outcome: Outcome) -> list[str]:
    """Every figure that is not as the recorded review has it, each in a sentence."""
    expected = recorded.expected
    pairs: list[tuple[str, object, object]] = [
        ("records", expected.records, outcome.records),
        ("links", expected.links, outcome.links),
        ("notifications by webhook", len(outcome.cycles), outcome.notifications),
        ("entries in the feed", len(outcome.cycles), outcome.feed_entries),
    ]
    for stage, figures in expected.stages.items():
        pairs.append((f"stage {stage}", figures.model_dump(), outcome.stages.get(stage)))
    cycles = {cycle.name: cycle for cycle in outcome.cycles}
    for cycle in expected.cycles:
        pairs.append((f"support in {cycle.clock.year}", cycle.support, _support(cycles, str(cycle.clock.year))))
    if expected.drill is not None:
        drilled = cycles.get("drill: retraction")
        pairs += [
            ("support in the drill", expected.drill.support, _support(cycles, "drill: retraction")),
            ("CMOCs flagged in the drill", expected.drill.flagged, drilled.flagged if drilled else None),
            ("support after the drill", expected.cycles[-1].support, _support(cycles, "drill: reinstatement")),
        ]
    return [f"{what}: {found}, not {wanted}" for what, wanted, found in pairs if wanted != found]


def _support(cycles: Mapping[str, SignedCycle], name: str) -> list[int] | None:
    return cycles[name].support if name in cycles else None


def _doi(task: TaskInHand) -> str | None:
    return task.record.identifiers.get("doi")
