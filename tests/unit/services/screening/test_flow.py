"""The flow of records: at any date it is what the log says, and it is drawn so that nothing in it can run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import event, func, select

from services.screening import jobs
from shared.client.http import Http
from shared.client.screening import ScreeningClient
from shared.db.tables import OutboxRow
from shared.events import registry
from shared.events.base import Event
from shared.events.ingest import SourceRef, TextNotRetrieved, TextRetrieved, TextSought, TextWithdrawn
from tests.unit.services.screening.flow_recount import Figure, figures_of, recounted
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    SIFT,
    ScreeningRig,
    discovered,
    make_bench,
    merged,
    protocol,
    published,
    revision_published,
    updated,
)
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_interleavings import FIRST, PEOPLE, PLAIN, Course

STAGES = (FIRST, PLAIN, {**PLAIN, "name": "rigour"})
SOURCES = ("openalex", "openalex", "europepmc", "import:scopus", "added:expert")
DAYS = 30


class LoggedCourse(Course):
    """A course that keeps what was heard, by its day and by what had been told before it."""

    def __init__(self, rig: ScreeningRig, mode: str, random: Random) -> None:
        self.heard: list[tuple[int, date, Event]] = []
        self.random = random
        super().__init__(rig, mode, STAGES)

    def _tell(self, event: Any) -> None:
        before = self._newest()
        super()._tell(event)
        self.heard.append((before, self.today, event))

    def _newest(self) -> int:
        with self.bench.running.database.session(readonly=True) as session:
            return session.scalar(select(func.max(OutboxRow.seq))) or 0

    @property
    def today(self) -> date:
        return self.bench.clock.now().astimezone(UTC).date()

    def discovers(self, number: int, when: str) -> None:
        source = SourceRef(source=self.random.choice(SOURCES), id=f"s{number}", run="run_1")
        self._tell(discovered(f"r{number}", published=when, revision=next(self._revisions), sources=[source]))
        self.known.add(f"r{number}")

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

    def amends(self, published_after: str) -> None:
        plan = protocol(*STAGES, review=self.review, published_after=published_after)
        self._tell(published(plan, 2))
        self.bench.runs(jobs.apply_moved_dates)

    def day(self, number: int, new: int, steps: int) -> None:
        """A day's work: some records come in, and people do one thing after another."""
        choice, known = self.random.choice, number * new
        for at in range(known, known + new):
            self.discovers(at, choice(["2019", "2019", "2018", "2016"]))
        for _ in range(steps):
            record, other, name = (self.random.randrange(known + new) for _ in range(3))
            name = choice(PEOPLE)
            match self.random.randrange(45):
                case 0:
                    self.merges(record, other)
                case 1:
                    self.parts(int(choice(sorted(self.into))[1:]) if self.into else record)
                case 2:
                    self.redates(record, choice(["2019", "2016"]))
                case 3:
                    self.takes_back(name)
                case 4:
                    self.reopens(record, choice(["sift", "depth", "rigour"]), votes_stand=choice([True, False]))
                case 5:
                    self.claims(name, "screening")
                    self.parks(name, "screening", choice([None, 1]))
                case 6:
                    self.resumes(record)
                case 7 | 8:
                    self.texts(record, self.random.randrange(4))
                case 40 | 41:
                    self.states(known + self.random.randrange(new), choice(["in", "out"]))
                case 42:
                    self.asks_for("imported", choice(["sift", "depth"]), leads_on=True)
                case 43:
                    named = [f"r{self.random.randrange(known + new)}" for _ in range(4)]
                    self.asks_for(choice(["decide", "reopen"]), "sift", choice([True, False]), named)
                case 44:
                    self.undoes(self.random.randrange(3 * len(self._batches) + 1))
                case 9 | 10 | 11 | 12 | 13:
                    self.works(name, "conflict", choice([0, 0, 2]))
                case _:
                    self.works(name, "screening", choice([0, 0, 0, 0, 1, 2, 2]))
        self.waits(70)
        self.lapses()

    def log(self) -> Iterator[tuple[date, Event]]:
        """What was heard and told, in order, each with its day."""
        emitted = [
            (number, envelope.occurred.astimezone(UTC).date(), registry.decode(envelope))
            for number, envelope in self._envelopes()
        ]
        heard = [(number + 0.5, day, event) for number, day, event in self.heard]
        for _, day, event_ in sorted([*emitted, *heard], key=lambda it: it[0]):
            yield day, event_

    def _envelopes(self) -> Iterator[tuple[int, Any]]:
        with self.bench.running.database.session(readonly=True) as session:
            numbers = session.execute(select(OutboxRow.seq).order_by(OutboxRow.seq)).scalars().all()
        for number, envelope in zip(numbers, self.bench.journal(), strict=True):
            if envelope.data["review"] == self.review:
                yield number, envelope

    def flow(self, **asked: Any) -> dict[str, Any]:
        answer = self.rig.person("ana").get(f"/screening/reviews/{self.review}/flow", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def empty_rig(tmp_path) -> Iterator[ScreeningRig]:
    bench = make_bench(tmp_path / "flow")
    event.listen(bench.running.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    bench.running.database.engine.dispose()
    yield ScreeningRig(bench)
    bench.close()


@pytest.mark.parametrize("mode", ["third_person", "consensus"])
def test_at_any_date_the_flow_is_what_the_log_says(empty_rig, mode):
    random = Random(f"{mode} 20")
    course = LoggedCourse(empty_rig, mode, random)
    first = course.today
    for number in range(DAYS):
        course.day(number, new=10, steps=50)
        if number == DAYS // 2:
            course.amends("2018-06-30")
            course.theory_changes("c1")
            empty_rig.bench.runs(jobs.fold_counts)
            course._tell(revision_published(1))
        course.comes_due()
    assert_sound(course.bench, course.review, course.cast)
    log = list(course.log())
    last = recounted(log, course.today)

    for days in [*random.sample(range(DAYS), 10), -1, DAYS]:
        day = first + timedelta(days=days)
        assert figures_of(course.flow(on=day)) == recounted(log, day), day
    assert figures_of(course.flow()) == last
    ended = first + timedelta(days=DAYS // 2)
    assert _changed(course.flow(cycle=2)) == _difference(last, recounted(log, ended))
    assert figures_of(course.flow(cycle=1)) == recounted(log, ended)
    assert {
        "identified",
        "duplicate",
        "kept_out",
        "excluded_for",
        "included",
        "passed",
        "not_retrieved",
        "passed_before",
    } <= {figure[0] for figure in last}
    assert {event.type for _, event in log} >= {
        "ingest.record.split", "screening.record.reopened", "screening.task.parked", "screening.conflict.opened",
    }  # fmt: skip
    assert len({figure[3] for figure in last}) == len({*SOURCES})


def _changed(flow: dict[str, Any]) -> dict[Figure, int]:
    return {figure: n for figure, n in figures_of(flow).items() if n}


def _difference(after: Counter[Figure], before: Counter[Figure]) -> dict[Figure, int]:
    found = {figure: after[figure] - before[figure] for figure in {*after, *before}}
    return {figure: n for figure, n in found.items() if n}


def test_the_flow_adds_up_and_says_what_is_out_for_which_reason(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS}, DEPTH)
    rig.discovers("r1", "r2", "r3")
    rig.discovers("old", published="2010")
    rig.hears(merged("r3", into="r1"))
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")

    flow = rig.gets("/flow").json()
    sift, depth = flow["stages"]

    assert (flow["identified"]["n"], flow["duplicates"]["n"]) == (4, 1)
    assert flow["kept_out"] == {"published_after": {"n": 1, "sources": {"": 1}}}
    assert [sift[name]["n"] for name in ("reached", "passed", "excluded", "waiting")] == [2, 1, 1, 0]
    assert sift["excluded_for"] == {"opinion": {"n": 1, "sources": {"": 1}}}
    assert (depth["reached"]["n"], depth["waiting"]["n"]) == (1, 1)
    assert rig.gets("/flow", on="2019-12-31").json()["identified"]["n"] == 0


def test_days_that_are_summed_up_and_days_that_are_not_count_together(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", sources=[SourceRef(source="doaj", id="1", run="run_1")])
    rig.bench.runs(jobs.fold_counts)
    rig.bench.clock.advance(hours=24)
    rig.discovers("r3")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="a balcony")

    flows = [rig.gets("/flow", on=day).json() for day in ("2020-01-01", "2020-01-02")]
    rig.bench.runs(jobs.fold_counts)
    assert [rig.gets("/flow", on=day).json() for day in ("2020-01-01", "2020-01-02")] == flows
    assert [flow["identified"]["sources"] for flow in flows] == [{"doaj": 2}, {"": 1, "doaj": 2}]
    assert [flow["excluded"]["n"] for flow in flows] == [0, 1]


def test_a_later_source_does_not_take_a_record_from_the_one_that_brought_it(rig):
    rig.discovers("r1", sources=[SourceRef(source="doaj", id="1", run="run_1")])
    both = [SourceRef(source=name, id="1", run="run_2") for name in ("openalex", "doaj")]
    rig.hears(updated("r1", revision=2, sources=both))

    assert rig.gets("/flow").json()["identified"]["sources"] == {"doaj": 1}


def test_a_day_and_a_cycle_are_not_asked_for_together(rig):
    refused = rig.gets("/flow", on="2020-01-01", cycle=1)

    assert refused.status_code == 422
    assert rig.gets("/flow.svg", on="2020-01-01", cycle=1).status_code == 422
    assert rig.gets("/flow", on="yesterday").status_code == 422


def test_the_picture_has_the_figures_and_runs_nothing_whatever_names_say(rig_of):
    label = "<script>alert(1)</script> & co"
    rig = rig_of({**SIFT, "reasons": [{"value": "opinion", "label": label}]}, {**DEPTH, "needs": "full_text"})
    rig.discovers("r1", "r2", sources=[SourceRef(source="openalex", id="1", run="run_1")])
    rig.discovers("r3", sources=[SourceRef(source="added:<b>", id="1", run="run_1")])
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a view", excluded_for="opinion")
    rig.hears(TextSought(review=REVIEW, record="r1"), TextNotRetrieved(review=REVIEW, record="r1", reason="lost"))

    answer = rig.gets("/flow.svg")
    drawn = ElementTree.fromstring(answer.text)
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert {element.tag.rpartition("}")[2] for element in drawn.iter()} == {
        "svg", "title", "style", "rect", "text", "line", "polyline",
    }  # fmt: skip
    assert {
        "Records from databases and registers (n = 2)", "Records from other methods (n = 1)", "added:<b> (n = 1)",
        f"{label} (n = 1)", "Records screened: sift (n = 3)", "Reports sought for retrieval (n = 1)",
        "Reports not retrieved (n = 1)", "Reports assessed: depth (n = 1)", "Records included (n = 0)",
    } <= {*words}  # fmt: skip


def test_the_client_has_the_flow_and_its_picture(rig):
    rig.discovers("r1")
    person = rig.person("ana")
    token = person.headers["Authorization"].removeprefix("Bearer ")
    client = ScreeningClient(Http("http://testserver", token, client=person))

    assert client.flow(REVIEW, on=date(2020, 1, 1)).identified.n == 1
    assert client.flow(REVIEW, on=date(2019, 12, 31)).identified.n == 0
    assert client.flow(REVIEW, cycle=1).stages[0].waiting.n == 1
    assert client.flow_svg(REVIEW).startswith("<svg")
