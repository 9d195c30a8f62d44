"""What holds whatever happens, through the real service: hypothesis makes up the lives of reviews."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col

from services.synthesis.manifest import SERVICE
from services.synthesis.models import DraftRow
from shared.errors import Conflict, NotFound, Rejected
from shared.events.base import Envelope
from tests.unit.services.synthesis.rig import SynthesisRig, judged, protocol
from tests.workbench import Workbench

FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
RECORDS = ("r1", "r2", "r3")
STANCES = ("supports", "refines", "contradicts", "bounds", "inverse")
KINDS = ("retraction", "withdrawal", "reinstatement", "correction")

record = st.sampled_from(RECORDS)
link = st.tuples(st.just("link"), record, st.sampled_from(["c1", "c2"]), st.sampled_from(STANCES))
step = st.one_of(
    st.tuples(st.just("include"), record),
    st.tuples(st.just("exclude"), record),
    link,
    link,
    st.tuples(st.just("withdraw"), record),
    st.tuples(st.just("notice"), record, st.sampled_from(KINDS), st.booleans()),
    st.tuples(st.just("join"), record, record),
    st.tuples(st.just("merge"), record, record),
    st.tuples(st.just("reason"), record, st.sampled_from(["c1", "c2"]), st.sampled_from(["said of both", "said"])),
    st.tuples(st.just("appraise"), record, st.sampled_from(["credible", "caution", "not_credible"])),
    st.tuples(st.just("judge"), record, st.sampled_from(["advance", "exclude"])),
    st.tuples(st.just("word"), st.sampled_from(["better", "worse"])),
    st.tuples(st.just("settle")),
    st.tuples(st.just("sign")),
)
lives = st.lists(step, max_size=16)
numbers = itertools.count()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One platform for every review that hypothesis makes up here."""
    made = Workbench(SERVICE, tmp_path_factory.mktemp("invariants"))
    yield made
    made.close()


class Life(SynthesisRig):
    """A review of its own, which remembers the events it heard."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, review=f"review-{next(numbers)}")
        self.heard: list[Envelope] = []
        self._notices = itertools.count()
        self.versions = 1
        self.adopts()

    def hears_of(self, event: object) -> None:
        self.heard += self.bench.hears(event, correlation=event.key)

    def lives(self, steps: list[tuple]) -> Life:
        for kind, *about in steps:
            try:
                getattr(self, f"_{kind}")(*about)
            except (NotFound, Conflict, Rejected):
                # Coding what is not included, or merging in circles, is refused: that is an answer too.
                continue
        return self

    def _reason(self, record: str, cmoc: str, text: str) -> None:
        self.links(record, cmoc, element="reasoning", text=text)

    def _appraise(self, record: str, credibility: str) -> None:
        for one in list(self.lead.evidence(self.review, record=record))[:1]:
            self.lead.appraise(self.review, one.link, credibility, "looked at")

    def _judge(self, record: str, outcome: str) -> None:
        self.includes(record, judgements=[judged(outcome)])

    def _word(self, outcome: str) -> None:
        self.versions += 1
        self.adopts(protocol(review=self.review, wording={"c1": {"outcome": outcome}}), version=self.versions)

    def _include(self, record: str) -> None:
        self.includes(record)

    def _exclude(self, record: str) -> None:
        self.excludes(record)

    def _link(self, record: str, cmoc: str, stance: str) -> None:
        self.links(record, cmoc, stance=stance)

    def _withdraw(self, record: str) -> None:
        for one in list(self.lead.evidence(self.review, record=record))[:1]:
            self.lead.withdraw(self.review, one.fragment, "changed their mind")

    def _notice(self, record: str, kind: str, drill: bool) -> None:
        self.notices(record, kind, notice=f"n{next(self._notices)}", drill=drill)

    def _join(self, record: str, other: str) -> None:
        self.lead.join_study(self.review, record, "one study", same_as=other)

    def _merge(self, record: str, into: str) -> None:
        self.merges(record, into)

    def codes(self, by: str, record: str, codings: list[tuple]) -> None:
        """Claims a report, codes it and finishes."""
        claimed = self.person(by).claim_extraction(self.review).extraction
        assert claimed is not None and claimed.record == record
        for _, _, cmoc, stance in codings:
            self.links(record, cmoc, by=by, stance=stance)
        self.person(by).finish_extraction(self.review, claimed.extraction)

    def _settle(self) -> None:
        self.settles()

    def _sign(self) -> None:
        self.signs()

    def emitted(self) -> list[Envelope]:
        return [envelope for envelope in self.bench.journal() if envelope.data["review"] == self.review]


@FEW
@given(lives)
def test_every_number_is_the_count_of_the_studies_that_stand_behind_it(bench, steps):
    life = Life(bench).lives(steps)
    draft = life.draft()

    behind: dict[str, set[str]] = defaultdict(set)
    for one in life.lead.evidence(life.review):
        if one.stands and one.stance != "contradicts":
            behind[one.cmoc].add(one.study)
    assert {state.cmoc: state.support for state in draft.states} == {cmoc: len(behind[cmoc]) for cmoc in ("c1", "c2")}


@FEW
@given(lives)
def test_taken_in_bit_by_bit_it_says_what_a_full_run_says(bench, steps):
    life = Life(bench).lives(steps)
    before = life.draft()
    proposed = [(one.proposal, one.why, one.links) for one in life.lead.proposals(life.review, "open")]

    with bench.work() as work:
        work.session.execute(update(DraftRow).where(col(DraftRow.review) == life.review).values(rules=0))
    after = life.draft()

    assert after.model_copy(update={"made_at": before.made_at}) == before
    assert [(one.proposal, one.why, one.links) for one in life.lead.proposals(life.review, "open")] == proposed
    standing = [one for one in life.lead.evidence(life.review) if one.stands and one.cmoc in ("c1", "c2")]
    assert after.counts.links == len(standing)
    assert after.counts.studies == len({one.study for one in standing})


@FEW
@given(lives)
def test_hearing_every_event_again_changes_nothing(bench, steps):
    life = Life(bench).lives(steps)
    before, emitted = life.draft(), life.emitted()

    for envelope in life.heard:
        bench.hears_envelope(envelope)

    assert life.draft() == before
    assert life.emitted() == emitted


@FEW
@given(lives, record, st.sampled_from(["retraction", "withdrawal", "replacement"]))
def test_a_suspension_and_its_end_are_the_identity(bench, steps, record, kind):
    # The drill's lane is free, so that this notice is the one that suspends, and its end the one that lifts.
    life = Life(bench).lives([one for one in steps if one[0] != "notice" or not one[3]])
    before = life.draft()

    life.notices(record, kind, notice="drilled", drill=True)
    life.settles()
    life.notices(record, "reinstatement", notice="over", drill=True)
    after = life.draft()

    assert (after.draft, after.states, after.fragments_sha256) == (before.draft, before.states, before.fragments_sha256)
    assert not [one for one in life.lead.rejudgements(life.review, "open") if one.drill]


@FEW
@given(lives, lives)
def test_whatever_comes_later_a_published_revision_stays_as_it_was_signed(bench, before, after):
    life = Life(bench).lives(before)
    number = life.signs().content.number
    signed = life.lead.revision(life.review, number)

    life.lives(after).draft()

    assert life.lead.revision(life.review, number) == signed
    assert life.lead.verify(life.review, number).holds


@FEW
@given(
    st.lists(link, max_size=8, unique_by=lambda one: one[1:]),
    st.lists(st.tuples(st.just("notice"), record, st.sampled_from(KINDS), st.booleans()), max_size=4),
    st.randoms(use_true_random=False),
)
def test_support_does_not_depend_on_the_order_in_which_services_are_heard(bench, links, notices, random):
    """The order of one record's own notices is kept by the log; everything else may come in any order."""

    def a_life() -> list[tuple[str, int]]:
        queues = [[one for one in notices if one[1] == record] for record in RECORDS]
        queues += [[("include", record)] for record in RECORDS]
        steps = []
        while any(queues):
            steps.append(random.choice([queue for queue in queues if queue]).pop(0))
        life = Life(bench).lives(steps[: len(steps) // 2])
        rest = steps[len(steps) // 2 :]
        included = {one[1] for one in steps[: len(steps) // 2] if one[0] == "include"}
        early = [one for one in links if one[1] in included]
        life.lives(random.sample(early, len(early)))
        life.lives(rest)
        late = [one for one in links if one[1] not in included]
        life.lives(random.sample(late, len(late)))
        return [(state.status, state.support) for state in life.draft().states]

    assert a_life() == a_life()


coding = st.tuples(
    st.sampled_from(["r1", "r2"]), st.sampled_from(["ana", "ben"]), st.sampled_from(["c1", "c2"]),
    st.sampled_from(["supports", "bounds"]),
)  # fmt: skip


@FEW
@given(st.lists(coding, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_what_two_coders_say_counts_the_same_in_whatever_order_they_say_it(bench, codings, random):
    def a_life() -> tuple:
        life = Life(bench)
        life.adopts(protocol(review=life.review, extraction={"coders": 2}), version=2)
        life.includes("r1", "r2")
        queues = [
            [lambda by=by, record=record: life.codes(by, record, [one for one in codings if one[:2] == (record, by)])
             for record in ("r1", "r2")]
            for by in ("ana", "ben")
        ]  # fmt: skip
        while any(queues):
            random.choice([queue for queue in queues if queue]).pop(0)()
            if random.random() < 0.3:
                life.settles()
        draft = life.draft()
        links = [(one.record, one.cmoc, one.stance, one.coder) for one in life.lead.evidence(life.review) if one.stands]
        agreed = life.lead.coding_agreement(life.review)
        for envelope in life.heard:
            bench.hears_envelope(envelope)
        assert life.draft() == draft
        return [(it.status, it.support) for it in draft.states], len(links), agreed.every, agreed.by_stance

    assert a_life() == a_life()
