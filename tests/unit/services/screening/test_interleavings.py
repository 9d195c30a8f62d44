"""Whatever people, leads, lapses, merges and dates do, in any order: a vote counts once, a record is somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from datetime import timedelta
from itertools import count
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from services.screening import jobs, store
from services.screening.commands import (
    assigning,
    batches,
    caps,
    conflicts,
    parking,
    queue,
    reopening,
    revising,
    undoing,
)
from services.screening.commands.assigning import Wish
from services.screening.domain import VOTERS, Ballot
from services.screening.models import OldNameRow, TaskRow
from services.screening.store import task_id
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Rejected
from shared.events.people import MemberJoined, MemberLeft, NameMapped
from shared.events.stages import Reconciliation
from shared.paging import PageAsked
from shared.wire.screening import BatchKind, NewBatch
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    SIFT,
    ScreeningRig,
    changed,
    discovered,
    make_bench,
    merged,
    parted,
    protocol,
    published,
    stated,
    updated,
)
from tests.unit.services.screening.soundness import assert_sound

PEOPLE = ("ana", "ben", "cy", "dee")
#: Both stages have reasons; the second is judged for CMOCs, and opens again when they change.
FIRST = {**SIFT, "reasons": REASONS}
PLAIN = {
    **DEPTH, "fields": [], "adjudicators": "adjudicator", "reasons": REASONS, "judged_for": "cmocs",
    "reopen_when_theory_changes": True,
}  # fmt: skip
OUT = {"exclude", "thin"}
ROLES = queue.ADJUDICATORS
#: Half of the courses are by consensus, which has people do most.
MODES = [*get_args(Reconciliation), "consensus", "consensus"]

people, records = st.sampled_from(PEOPLE), st.integers(0, 3)
kinds = st.sampled_from(["screening", "screening", "screening", "conflict"])
answers = st.sampled_from([0, 0, 0, 1, 2])
kinds_of_batches = st.sampled_from(get_args(BatchKind))
steps_of = st.one_of(
    st.tuples(st.just("works"), people, kinds, answers),
    st.tuples(st.just("works"), people, kinds, answers),
    st.tuples(st.just("works"), people, kinds, answers),
    st.tuples(st.just("claims"), people, kinds),
    st.tuples(st.just("votes"), people, kinds, answers),
    st.tuples(st.just("releases"), people, kinds),
    st.tuples(st.just("skips"), people, kinds),
    st.tuples(st.just("frees"), people, kinds),
    st.tuples(st.just("names"), people, records),
    st.tuples(st.just("waits"), st.sampled_from([20, 70])),
    st.tuples(st.just("lapses")),
    st.tuples(st.just("parks"), people, kinds, st.sampled_from([None, 1])),
    st.tuples(st.just("resumes"), records),
    st.tuples(st.just("comes_due")),
    st.tuples(st.just("merges"), records, records),
    st.tuples(st.just("parts"), records),
    st.tuples(st.just("discovers"), records, st.sampled_from(["2019", "2019", "2016"])),
    st.tuples(st.just("redates"), records, st.sampled_from(["2019", "2016"])),
    st.tuples(st.just("is_really"), people, people),
    st.tuples(st.just("leaves"), people),
    st.tuples(st.just("gives_up")),
    st.tuples(st.just("takes_back"), people),
    st.tuples(st.just("takes_back"), people),
    st.tuples(st.just("revises"), people, answers),
    st.tuples(st.just("reopens"), records, st.sampled_from(["sift", "depth"]), st.booleans()),
    st.tuples(st.just("theory_changes"), st.sampled_from(["c1", "c2"])),
    st.tuples(st.just("states"), records, st.sampled_from(["in", "out"])),
    st.tuples(st.just("asks_for"), kinds_of_batches, st.sampled_from(["sift", "depth"]), st.booleans()),
    st.tuples(st.just("asks_for"), kinds_of_batches, st.sampled_from(["sift", "depth"]), st.booleans()),
    st.tuples(st.just("undoes"), st.integers(0, 3)),
    st.tuples(st.just("assigns"), people, people, st.sampled_from(["sift", "depth"]), st.sampled_from([0, 50, 1])),
    st.tuples(st.just("moves")),
    st.tuples(st.just("unassigns")),
    st.tuples(st.just("caps"), st.sampled_from([None, 1, 3])),
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory) -> Iterator[ScreeningRig]:
    """One rig for all examples; each has a review of its own."""
    bench = make_bench(tmp_path_factory.mktemp("interleavings"))
    # Order is at stake here, not what survives a power cut: thousands of commits need not wait for the disk.
    event.listen(bench.running.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    bench.running.database.engine.dispose()
    made = ScreeningRig(bench)
    yield made
    made.bench.close()


class Course:
    """One review, and what people did in it that was accepted."""

    _numbers = count()

    def __init__(self, rig: ScreeningRig, mode: str, stages: Sequence[dict[str, Any]] = (FIRST, PLAIN)) -> None:
        self.rig, self.bench = rig, rig.bench
        self.review = f"plot-{next(self._numbers)}"
        self.cast: Counter[tuple[str, str]] = Counter()
        #: Under which name somebody acts now who acted under another.
        self.now: dict[str, str] = {}
        self.known: set[str] = set()
        #: Into which record each was merged that is so now.
        self.into: dict[str, str | None] = {}
        #: The task that each voted on last, and its answers.
        self.last: dict[str, tuple[str, list[str]]] = {}
        self._leases: dict[tuple[str, str], tuple[str, str, list[str]]] = {}
        self._revisions = count(1)
        self._batches: list[str] = []
        self._tell(published(protocol(*({"reconciliation": mode} | stage for stage in stages), review=self.review)))

    def _tell(self, event: Any) -> None:
        self.rig.hears(event.model_copy(update={"review": self.review}))

    def discovers(self, number: int, when: str) -> None:
        self._tell(discovered(f"r{number}", published=when, revision=next(self._revisions)))
        self.known.add(f"r{number}")

    def redates(self, number: int, when: str) -> None:
        if f"r{number}" in self.known:
            self._tell(updated(f"r{number}", published=when, revision=next(self._revisions)))

    def merges(self, number: int, into: int) -> None:
        if {f"r{number}", f"r{into}"} <= self.known:
            try:
                self._tell(merged(f"r{number}", into=f"r{into}"))
                self.into.setdefault(f"r{number}", None)
                self.into[f"r{number}"] = self.into[f"r{number}"] or f"r{into}"
            except Rejected as why:
                assert "merged" in why.detail

    def parts(self, number: int) -> None:
        """A merged record is parted again, with those that were merged into it."""
        record = f"r{number}"
        if self.into.get(record) is not None:
            brings = [other for other in self.into if other != record and self._passes(other, record)]
            self._tell(parted(record, self._home(record), next(self._revisions), brings))
            self.into[record] = None

    def _passes(self, record: str, other: str) -> bool:
        """Whether a record lives on through another one."""
        after = self.into.get(record)
        return after is not None and (after == other or self._passes(after, other))

    def _home(self, record: str) -> str:
        after = self.into.get(record)
        return record if after is None else self._home(after)

    def claims(self, name: str, kind: str) -> bool:
        name, held = self._who(name), []
        with suppress(Conflict), self.bench.work(name) as work:  # Their day may be full.
            held = queue.claim(work, self.review, kind, None, ROLES)
            for lease, _, _ in held:
                values = ["include", "unsure", "exclude"] if lease.stage == "sift" else ["rich", "moderate", "thin"]
                self._leases[name, kind] = (lease.id, lease.task, values)
        return bool(held)

    def votes(self, name: str, kind: str, which: int) -> None:
        name = self._who(name)
        if (name, kind) in self._leases:
            lease, task, values = self._leases[name, kind]
            answer = "include" if kind == "conflict" and values[which] == "unsure" else values[which]
            ballot = self.ballot(task, answer, name)
            try:
                with self.bench.work(name) as work:
                    by_voters = queue.in_hand(work, self.review, lease).task.adjudicators == VOTERS
                if kind == "conflict" and not by_voters:
                    self._looks(name, lease, ballot)
                with self.bench.work(name) as work:
                    queue.vote(work, self.review, lease, ballot, ROLES)
            except Conflict:
                return
            self.cast[task, name] += not by_voters
            self.last[name] = task, values

    def _looks(self, name: str, lease: str, ballot: Ballot) -> None:
        try:
            with self.bench.work(name) as work:
                queue.look(work, self.review, lease, ballot, ROLES)
        except Conflict as why:
            if why.slug != "already_looked":
                raise

    def leaves(self, name: str) -> None:
        """Somebody leaves the review, and comes back at once: what they were waited for is not."""
        name = self._who(name)
        self._tell(MemberLeft(review=self.review, person=name, role="lead"))
        self._tell(MemberJoined(review=self.review, person=name, role="lead", invited_by=None))
        self._leases = {key: held for key, held in self._leases.items() if key[0] != name}

    def gives_up(self) -> None:
        """A lead has a third person decide the first conflict that its voters decide."""
        with self.bench.work("lea", readonly=True) as work:
            query = select(TaskRow.id).where(TaskRow.review == self.review, TaskRow.adjudicators == VOTERS)
            waiting = work.session.execute(query.where(TaskRow.state == "conflict").order_by(TaskRow.id)).scalars()
            first = next(iter(waiting), None)
        if first is not None:
            with self.bench.work("lea") as work:
                conflicts.give_to_third_person(work, self.review, first, "they go in circles")

    def takes_back(self, name: str) -> None:
        """Takes the last vote back, where that is still free."""
        name = self._who(name)
        if name in self.last:
            with suppress(Conflict, NotFound), self.bench.work(name) as work:
                undoing.take_back(work, self.review, self.last[name][0])

    def revises(self, name: str, which: int) -> None:
        name = self._who(name)
        if name in self.last:
            task, values = self.last[name]
            with suppress(Conflict, NotFound), self.bench.work(name) as work:
                revising.revise(work, self.review, task, self.ballot(task, values[which], name))

    def reopens(self, number: int, stage: str, votes_stand: bool) -> None:
        """A lead has a record decided again."""
        with suppress(Conflict, NotFound, Invalid), self.bench.work("lea") as work:
            reopening.reopen(work, self.review, f"r{number}", stage, "misread", votes_stand=votes_stand)

    def works(self, name: str, kind: str, which: int) -> None:
        if self.claims(name, kind):
            self.votes(name, kind, which)

    def releases(self, name: str, kind: str) -> None:
        name = self._who(name)
        if (name, kind) in self._leases:
            try:
                with self.bench.work(name) as work:
                    queue.release(work, self.review, self._leases[name, kind][0])
            except Conflict:
                return

    def skips(self, name: str, kind: str) -> None:
        name = self._who(name)
        if (name, kind) in self._leases:
            try:
                with self.bench.work(name) as work:
                    queue.skip(work, self.review, self._leases[name, kind][0])
            except Conflict:
                return

    def frees(self, name: str, kind: str) -> None:
        """A lead frees what somebody holds."""
        name = self._who(name)
        if (name, kind) in self._leases:
            try:
                with self.bench.work("lea") as work:
                    queue.free(work, self.review, self._leases[name, kind][0], "on leave")
            except Conflict:
                return

    def names(self, name: str, number: int) -> None:
        """Somebody claims a record by its name, beside what they hold."""
        with suppress(Conflict), self.bench.work(self._who(name)) as work:
            queue.claim(work, self.review, "screening", None, ROLES, records=[f"r{number}"])

    def parks(self, name: str, kind: str, days: int | None) -> None:
        name = self._who(name)
        if (name, kind) in self._leases:
            task, until = self._leases[name, kind][1], self.bench.clock.now().date() + timedelta(days=days or 1)
            try:
                with self.bench.work(name) as work:
                    parking.park(work, self.review, task, "later", until if days else None, is_lead=False)
            except (Conflict, Forbidden):
                return

    def resumes(self, number: int) -> None:
        """A lead brings a record back, if it is parked."""
        task = task_id(self.review, f"r{number}", "sift")
        try:
            with self.bench.work("lea") as work:
                parking.resume(work, self.review, task, is_lead=True)
        except (Conflict, NotFound):
            return

    def comes_due(self) -> None:
        """A day goes by."""
        self.bench.clock.advance(hours=24)
        self.bench.runs(jobs.resume_what_is_due)

    def waits(self, minutes: int) -> None:
        self.bench.clock.advance(minutes=minutes)

    def lapses(self) -> None:
        self.bench.runs(jobs.return_lapsed_leases)

    def theory_changes(self, cmoc: str) -> None:
        """A CMOC says something else; what was excluded for it is asked anew."""
        self.rig.hears(changed(cmoc, after=f"context: a terrace {next(self._revisions)}", review=self.review))
        self.bench.runs(jobs.reopen_for_theories)

    def states(self, number: int, answer: str) -> None:
        """A file states what was decided about a record at both stages."""
        for stage in ("sift", "depth"):
            name = f"statement_{self.review}_{stage}_{number}_{answer}"
            self._tell(stated(f"r{number}", answer, stage=stage, statement=name))

    def asks_for(self, kind: str, stage: str, leads_on: bool, records: Sequence[str] = ()) -> None:
        """A lead asks for the same for these records, or all at a stage in which there is something to do."""
        into = ("include", "exclude") if stage == "sift" else ("rich", "thin")
        out = {"answer": into[1], "excluded_for": "opinion", "judged_for": [] if stage == "sift" else ["c1"]}
        on = {"answer": into[0], "judged_for": [] if stage == "sift" else ["c2"]}
        asked: dict[str, Any] = {"kind": kind, "stage": stage, "reason": "as we agreed"}
        if kind == "imported":
            asked |= {"imported": "import_1", "mapping": {"in": on, "out": out}}
        else:
            asked |= {"records": list(records)} if records else {"where": {}}
            asked |= (on if leads_on else out) if kind == "decide" else {}
            asked |= {"votes": "stand" if leads_on else "anew"} if kind == "reopen" else {}
        # A file may state nothing at this stage yet.
        with suppress(Invalid) if kind == "imported" else nullcontext(), self.bench.work("lea") as work:
            row = batches.request_batch(work, self.review, NewBatch.model_validate(asked))
            self._batches.append(row.id)
        self.bench.runs(jobs.carry_out_batches)

    def undoes(self, number: int) -> None:
        """A lead undoes one of the batches."""
        if number < len(self._batches):
            with suppress(Conflict), self.bench.work("lea") as work:
                batches.undo_batch(work, self.review, self._batches[number], "the wrong one")
            self.bench.runs(jobs.carry_out_batches)

    def assigns(self, name: str, other: str, stage: str, what: int) -> None:
        """A lead assigns the first two records, a share or a sample; who comes by is not moved before a job does so."""
        wish = {
            0: Wish(records=sorted(self.known)[:2]), 50: Wish(percent=50), 1: Wish(sample=1),
        }[what]  # fmt: skip
        with suppress(Conflict, Invalid), self.bench.work("lea") as work:
            assigning.assign(work, self.review, stage, [self._who(name), self._who(other)], wish)

    def unassigns(self) -> None:
        """A lead ends the first assignment that stands."""
        with self.bench.work("lea") as work:
            found = store.page_of_assignments(work, self.review, PageAsked(50, None, "")).rows
            standing = [row.id for row in found if row.ended_at is None]
            if standing:
                assigning.end(work, self.review, standing[0])

    def moves(self) -> None:
        self.bench.runs(jobs.move_assigned)

    def caps(self, votes: int | None) -> None:
        """A lead says how many votes a day people cast at most, or that any number will do."""
        with self.bench.work("lea") as work:
            caps.set_cap(work, self.review, None, None, votes)

    def is_really(self, name: str, person: str) -> None:
        """Somebody who acted under a name of before turns out to be another; they act no more under the first."""
        name, person = self._who(name), self._who(person)
        if name == person:
            return
        with self.bench.work("upgrade") as work:
            work.add(OldNameRow(review=self.review, name=name, acts=1))
        self._tell(NameMapped(review=self.review, name=name, person=person))
        self.bench.runs(jobs.replace_old_names)
        self.now[name] = person
        self.cast = Counter((task, self._who(caster)) for task, caster in self.cast.elements())
        self._leases = {key: held for key, held in self._leases.items() if key[0] != name}
        self.last.pop(name, None)

    def ballot(self, task: str, answer: str, name: str) -> Ballot:
        """Whoever excludes does so each for a reason and CMOCs of their own."""
        number = PEOPLE.index(name) if name in PEOPLE else 0
        reason = REASONS[number % len(REASONS)]["value"] if answer in OUT else None
        judged_for = [] if answer in ("include", "unsure", "exclude") else [["c1"], ["c2"], ["c1", "c2"]][number % 3]
        return Ballot(answer, "because", excluded_for=reason, judged_for=judged_for)

    def _who(self, name: str) -> str:
        return self._who(self.now[name]) if name in self.now else name

    def _back(self) -> bool:
        """A lead brings back whatever is parked; answers whether anything was."""
        with self.bench.work("lea") as work:
            found = store.page_of_parked(work, self.review, None, PageAsked(50, None, "")).rows
            for _, task, _ in found:
                parking.resume(work, self.review, task.id, is_lead=True)
        return bool(found)

    def finish(self) -> None:
        """Everyone works until nothing waits for anyone: what is assigned to those who left is anybody's."""
        self.waits(70)
        self.caps(None)
        self.moves()
        everyone = [*PEOPLE, "eve", "fay"]
        while any([self.claims(name, kind) for name in everyone for kind in ("screening", "conflict")]) or self._back():
            for name in everyone:
                self.votes(name, "screening", 0)
                self.votes(name, "conflict", 0)


@settings(max_examples=40)
@given(mode=st.sampled_from(MODES), steps=st.lists(steps_of, min_size=20, max_size=60))
def test_no_interleaving_loses_or_doubles_a_vote(rig, mode, steps):
    course = Course(rig, mode)
    for number in range(3):
        course.discovers(number, "2019")

    for what, *about in steps:
        getattr(course, what)(*about)
    assert_sound(rig.bench, course.review, course.cast)

    course.finish()
    assert_sound(rig.bench, course.review, course.cast)
    left = rig.person("lea").get(f"/screening/reviews/{course.review}/funnel").json()
    assert left["screening"] == 0
    assert left["merged"] + left["included"] + left["excluded"] + sum(left["by_rule"].values()) == len(course.known)
