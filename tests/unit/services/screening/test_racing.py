"""Twenty and forty people at once, on both databases: no place is taken twice, no vote is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from services.screening import jobs, store
from services.screening.models import VoteRow
from tests.unit.services.screening.rig import REVIEW, ScreeningRig, merged
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_conflicts import parted_on
from tests.unit.services.screening.test_settling import looks_and_gives_back, settles
from tests.unit.services.screening.test_undo import take_back

pytestmark = pytest.mark.waits

Answer = TypeVar("Told")

PEOPLE = [f"p{number:02d}" for number in range(20)]
CROWD = [f"p{number:02d}" for number in range(40)]


def at_once(do: Callable[[Any], Answer], them: Iterable[Any]) -> list[Answer]:
    """Runs `do` for each of them, all starting together."""
    them = list(them)
    ready = Barrier(len(them))

    def start(one: Any) -> Answer:
        ready.wait()
        return do(one)

    with ThreadPoolExecutor(len(them)) as threads:
        return list(threads.map(start, them))


def claim(rig: ScreeningRig, name: str, kind: str = "screening") -> dict[str, Any] | None:
    return next(iter(claim_many(rig, name, 1, kind)), None)


def claim_many(
    rig: ScreeningRig, name: str, count: int, kind: str = "screening", stage: str | None = None
) -> list[dict[str, Any]]:
    """Claims; when too many are at it, again, as the answer says."""
    while True:
        answer = rig.asks("/claims", {"kind": kind, "count": count, "stage": stage}, name, "adjudicator")
        if answer.status_code == 200:
            return answer.json()["tasks"]
        assert (answer.status_code, answer.json()["title"]) == (503, "queue busy")


def test_twenty_people_take_twenty_places_of_ten_tasks(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(10)))

    taken = at_once(lambda name: claim(rig, name), PEOPLE)

    assert Counter(task["task"] for task in taken if task).most_common() == [
        (task, 2) for task, _ in Counter(task["task"] for task in taken if task).most_common()
    ]
    assert all(taken)
    assert_sound(rig.bench, REVIEW, set())


def test_ten_places_go_to_ten_of_twenty_and_the_rest_are_told_there_is_none(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(5)))

    taken = at_once(lambda name: claim(rig, name), PEOPLE)

    assert Counter(Counter(task["task"] for task in taken if task).values()) == {2: 5}
    assert taken.count(None) == 10
    assert_sound(rig.bench, REVIEW, set())


def test_one_person_in_ten_windows_takes_one_place(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")

    taken = at_once(lambda _: claim(rig, "ana"), range(10))

    assert len({task["lease"] for task in taken if task}) == 1
    assert all(taken)
    assert rig.queue("sift")["in_hand"] == 1
    assert_sound(rig.bench, REVIEW, set())


def test_one_lease_voted_with_ten_times_at_once_is_one_vote(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")

    answers = at_once(lambda _: rig.votes("ana", task["lease"], "include"), range(10))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert_sound(rig.bench, REVIEW, {(task["task"], "ana")})


def test_two_last_votes_at_once_decide_once(either_rig):
    rig = either_rig
    rig.discovers("r1")
    leases = {name: rig.claims(name) for name in ("ana", "ben")}

    answers = at_once(lambda name: rig.votes(name, leases[name]["lease"], "include"), leases)

    assert sorted(answer.json()["state"] for answer in answers) == ["advanced", "open"]
    assert_sound(rig.bench, REVIEW, {(leases["ana"]["task"], name) for name in leases})


def test_a_crowd_screens_everything_and_every_vote_counts(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(12)))
    given = dict(zip(PEOPLE, ["include", "include", "exclude"] * 7, strict=False))
    cast: set[tuple[str, str]] = set()

    def work(name: str) -> None:
        for kind in ("screening", "conflict") * 8:
            task = claim(rig, name, kind)
            if task is not None:
                answer = given[name] if task["stage"] == "sift" else "thin"
                rest = {"reason": "because", "fields": {"cmocs": ["c1"]} if task["stage"] == "depth" else {}}
                if kind == "conflict":
                    rig.looks(name, task["lease"], answer, "lead", **rest)
                voted = rig.votes(name, task["lease"], answer, "lead", **rest)
                assert voted.status_code == 200, voted.text
                cast.add((task["task"], name))

    at_once(work, PEOPLE)

    assert_sound(rig.bench, REVIEW, cast)
    assert len(cast) >= 24


def test_votes_lapses_and_merges_at_once_lose_nothing(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(10)))
    late = {name: claim(rig, name) for name in PEOPLE[:6]}
    rig.bench.clock.advance(minutes=50)
    timely = {name: claim(rig, name) for name in PEOPLE[6:14]}
    rig.bench.clock.advance(minutes=20)
    cast: set[tuple[str, str]] = set()

    def vote(name: str) -> None:
        task = (late | timely)[name]
        answer = rig.votes(name, task["lease"], "include")
        if answer.status_code == 200:
            cast.add((task["task"], name))
        else:
            assert answer.json()["title"] in ("lease lapsed", "task closed"), answer.text

    def merge(number: int) -> None:
        rig.hears(merged(f"r{number}", into=f"r{number + 5}"))

    doing: list[Callable[[], None]] = [lambda name=name: vote(name) for name in PEOPLE[:14]]
    doing += [lambda number=number: merge(number) for number in range(5)]
    doing += [lambda: rig.bench.runs(jobs.return_lapsed_leases)]
    at_once(lambda do: do(), doing)

    assert_sound(rig.bench, REVIEW, cast)
    assert {name for _, name in cast} <= set(timely)


def test_one_person_in_ten_windows_who_asks_for_four_each_time_holds_four(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(30)))

    taken = at_once(lambda _: claim_many(rig, "ana", 4), range(10))

    assert {len(tasks) for tasks in taken} == {4}
    assert len({task["lease"] for tasks in taken for task in tasks}) == 4
    assert rig.queue("sift")["in_hand"] == 4
    assert_sound(rig.bench, REVIEW, set())


def test_who_votes_in_one_window_and_claims_in_others_never_holds_more_than_asked(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(40)))
    cast: set[tuple[str, str]] = set()

    def work(window: int) -> list[int]:
        held = []
        for _ in range(4):
            tasks = claim_many(rig, "ana", 5)
            with rig.bench.work("ana", readonly=True) as reading:
                held.append(len(store.in_hand(reading, REVIEW, "ana", "screening")))
            task = tasks[window % len(tasks)]
            voted = rig.votes("ana", task["lease"], "include")
            if voted.status_code == 200:
                cast.add((task["task"], "ana"))
            else:
                assert voted.json()["title"] == "already voted", voted.text
        return held

    held = at_once(work, range(6))

    assert max(most for window in held for most in window) <= 5
    assert len(claim_many(rig, "ana", 5)) == 5
    assert_sound(rig.bench, REVIEW, cast)


def test_forty_people_who_claim_several_and_vote_at_once_lose_and_double_nothing(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(60)))
    cast: set[tuple[str, str]] = set()
    answers = {name: ("include", "exclude", "unsure")[number % 3] for number, name in enumerate(CROWD)}

    def work(name: str) -> None:
        for _ in range(3):
            tasks = claim_many(rig, name, 5)
            assert len(tasks) <= 5
            assert len({task["task"] for task in tasks}) == len(tasks)
            for task in tasks[:3]:
                voted = rig.votes(
                    name,
                    task["lease"],
                    answers[name] if task["stage"] == "sift" else "thin",
                    reason="because",
                    fields={"cmocs": ["c1"]} if task["stage"] == "depth" else {},
                )
                assert voted.status_code == 200, voted.text
                assert (task["task"], name) not in cast
                cast.add((task["task"], name))

    at_once(work, CROWD)

    assert_sound(rig.bench, REVIEW, cast)
    with rig.bench.work("reader", readonly=True) as reading:
        held = [store.in_hand(reading, REVIEW, name, "screening") for name in CROWD]
    assert all(len(mine) <= 5 for mine in held)
    assert all(len({one.task.id for one in mine}) == len(mine) for mine in held)
    rig.bench.runs(jobs.fold_counts)
    assert_sound(rig.bench, REVIEW, cast)


def test_a_place_that_was_taken_and_could_not_be_leased_goes_back_as_it_was(either_rig, monkeypatch):
    rig = either_rig
    rig.discovers("r1")
    assert rig.claims("ben") and rig.claims("cem")
    rig.bench.clock.advance(minutes=61)
    leases = store.add_leases
    # As when another window of the same person takes the slot at this very moment.
    monkeypatch.setattr(store, "add_leases", lambda *given: set())
    assert rig.claims("ana") is None
    monkeypatch.setattr(store, "add_leases", leases)

    takers = [name for name in ("ana", "dan", "eve") if rig.claims(name)]

    assert takers == ["ana", "dan"]
    assert_sound(rig.bench, REVIEW, set())


def test_one_vote_sent_twenty_times_under_one_key_is_cast_once_and_answered_to_all(either_rig):
    rig = either_rig
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]
    path = f"/screening/reviews/{REVIEW}/leases/{lease}/vote"

    def send(_: int) -> Any:
        return rig.person("ana").post(path, json={"answer": "include"}, headers={"Idempotency-Key": "key-of-ana-1"})

    answers = at_once(send, range(20))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert rig.record("r1")["stages"][0]["votes_cast"] == 1


def test_two_who_fold_at_once_while_others_vote_neither_lose_nor_double_a_count(either_rig, monkeypatch):
    monkeypatch.setattr(jobs, "FOLDED", 3)
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(24)))  # More than four people can take between them.
    cast: set[tuple[str, str]] = set()

    def work(name: str) -> None:
        for task in claim_many(rig, name, 6, stage="sift"):
            assert rig.votes(name, task["lease"], "include").status_code == 200
            cast.add((task["task"], name))

    def fold() -> None:
        for _ in range(5):
            rig.bench.runs(jobs.fold_counts)

    doing: list[Callable[[], None]] = [lambda name=name: work(name) for name in CROWD[:4]] + [fold, fold, fold]
    at_once(lambda do: do(), doing)
    assert_sound(rig.bench, REVIEW, cast)

    rig.bench.runs(jobs.fold_counts)
    assert_sound(rig.bench, REVIEW, cast)
    assert len(cast) == 24


def test_votes_parkings_skips_and_freed_leases_at_once_lose_and_double_nothing(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(12)))
    cast: set[tuple[str, str]] = set()

    def work(number: int) -> None:
        name = PEOPLE[number]
        for turn in range(4):
            for task in claim_many(rig, name, 2, stage="sift"):
                lease, what = task["lease"], (number + turn) % 4
                if what == 0:
                    answer = rig.asks(f"/tasks/{task['task']}/park", {"reason": "later"}, name)
                elif what == 1:
                    answer = rig.asks(f"/leases/{lease}/skip", None, name)
                elif what == 2:
                    answer = rig.votes(name, lease, "include")
                else:
                    answer = rig.asks(f"/leases/{lease}/free", {"reason": "away"}, "lea", "lead")
                assert answer.status_code in (200, 403, 409), answer.text
                if what == 2 and answer.status_code == 200:
                    cast.add((task["task"], name))

    def bring_back(_: int) -> None:
        for _ in range(6):
            for seen in rig.gets("/parked", "lea", "lead").json()["items"]:
                answer = rig.asks(f"/tasks/{seen['task']}/unpark", None, "lea", "lead")
                assert answer.status_code in (200, 409), answer.text

    at_once(
        lambda do: do(),
        [lambda number=number: work(number) for number in range(12)]
        + [lambda: bring_back(0), lambda: bring_back(1), lambda: rig.bench.runs(jobs.return_lapsed_leases)],
    )

    assert_sound(rig.bench, REVIEW, cast)


def test_one_vote_taken_back_ten_times_at_once_is_taken_back_once(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]

    answers = at_once(lambda _: take_back(rig, "ana", task), range(10))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 404: 9}
    assert rig.claims("ana")["task"] == task
    assert_sound(rig.bench, REVIEW, {(task, "ana")})


def test_a_vote_is_taken_back_before_the_last_one_or_not_at_all(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(8)))
    tasks = rig.claims_many("ana", count=8)
    for task in tasks:
        rig.votes("ana", task["lease"], "include")
    leases = {task["task"]: task["lease"] for task in rig.claims_many("ben", count=8)}

    def act(one: tuple[str, str]) -> Any:
        name, task = one
        return take_back(rig, name, task) if name == "ana" else rig.votes(name, leases[task], "exclude", reason="no")

    both = [(name, task["task"]) for task in tasks for name in ("ana", "ben")]
    answers = dict(zip(both, at_once(act, both), strict=True))

    for task in leases:
        undone, voted = answers["ana", task], answers["ben", task]
        assert voted.status_code == 200, voted.text
        if undone.status_code == 200:
            assert voted.json()["state"] == "open"
        else:
            assert (undone.json()["title"], voted.json()["state"]) == ("votes are in", "conflict")
    assert_sound(rig.bench, REVIEW, {(task, name) for name, task in both})


def test_people_who_vote_take_back_and_vote_anew_at_once_lose_and_double_nothing(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(24)))
    cast: Counter[tuple[str, str]] = Counter()
    undone: Counter[tuple[str, str]] = Counter()

    def work(name: str) -> None:
        for turn in range(4):
            for task in claim_many(rig, name, 2, stage="sift"):
                assert rig.votes(name, task["lease"], "include").status_code == 200
                cast[task["task"], name] += 1
                if turn % 2 == 0:
                    answer = take_back(rig, name, task["task"])
                    assert answer.status_code == 200 or answer.json()["title"] == "votes are in", answer.text
                    undone[task["task"], name] += answer.status_code == 200

    at_once(work, PEOPLE[:12])

    assert_sound(rig.bench, REVIEW, cast.elements())
    assert all(0 <= cast[one] - n <= 1 for one, n in undone.items())
    with rig.bench.work("reader", readonly=True) as reading:
        counting = reading.session.execute(select(VoteRow.cast_on, VoteRow.person).where(VoteRow.task.is_not(None)))
        assert Counter(map(tuple, counting)) == +(cast - undone)


def test_a_record_opened_again_by_ten_at_once_is_opened_once_whatever_its_people_do(either_rig):
    rig = either_rig
    rig.discovers("r1")
    for name in ("ana", "ben"):
        task = rig.answers(name, "include")["task"]
    lease = rig.claims("ana", stage="depth")["lease"]
    asked = {"stage": "sift", "reason": "misread"}

    doing: list[Callable[[], Any]] = [lambda: rig.asks("/records/r1/reopen", asked, "lea", "lead")] * 10
    doing += [lambda: rig.votes("ana", lease, "rich", fields={"cmocs": ["c1"]})]
    *answers, voted = at_once(lambda do: do(), doing)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert voted.status_code == 200 or voted.json()["title"] == "task closed", voted.text
    cast = [(task, "ana"), (task, "ben")]
    depth = [seen["task"] for seen in rig.record("r1")["stages"] if seen["stage"] == "depth"]
    assert_sound(rig.bench, REVIEW, [*cast, (depth[0], "ana")] if voted.status_code == 200 else cast)


def twenty_looked_at(rig: ScreeningRig, *adjudicators: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Twenty conflicts of which each of these gave a first look and put it back: what was cast, and the tasks."""
    records = [f"r{number:02d}" for number in range(20)]
    cast, tasks = parted_on(rig, *records), []
    for name in adjudicators:
        tasks = [looks_and_gives_back(rig, name, record, "include") for record in records]
    return cast, tasks


def test_two_adjudicators_who_settle_the_same_twenty_at_once_decide_each_once(either_rig):
    rig = either_rig
    cast, tasks = twenty_looked_at(rig, "cy", "dee")
    asked = {"cy": tasks, "dee": tasks[::-1]}

    answers = at_once(lambda name: settles(rig, *asked[name], name=name), asked)

    assert [answer.status_code for answer in answers] == [200, 200]
    by = [
        (one["task"], name)
        for name, answer in zip(asked, answers, strict=True)
        for one in answer.json()["conflicts"]
        if one["settled"]
    ]
    refused = [one["refused"]["slug"] for answer in answers for one in answer.json()["conflicts"] if one["refused"]]
    assert sorted(task for task, _ in by) == sorted(tasks) and refused == ["task_closed"] * 20
    assert_sound(rig.bench, REVIEW, [*cast, *by])


def test_settling_votes_claims_and_mergers_at_once_lose_nothing_and_wait_for_no_end(either_rig):
    rig = either_rig
    cast, tasks = twenty_looked_at(rig, "cy", "dee")
    rig.discovers(*(f"s{number}" for number in range(8)))
    held = {name: rig.claims(name) for name in ("eve", "fay", "gus", "hal")}
    alone = rig.claims("dee", "adjudicator", kind="conflict", records=["r07"])
    counted = set(cast)

    def settle(name: str, some: list[str]) -> None:
        answer = settles(rig, *some, name=name)
        assert answer.status_code == 200, answer.text
        counted.update((one["task"], name) for one in answer.json()["conflicts"] if one["settled"])

    def vote(name: str, task: dict[str, Any], answer: str, role: str) -> None:
        if rig.votes(name, task["lease"], answer, role, reason="so").status_code == 200:
            counted.add((task["task"], name))

    doing: list[Callable[[], Any]] = [
        lambda: settle("cy", tasks), lambda: settle("dee", tasks[::-1]), lambda: settle("cy", tasks[5:15]),
        lambda: vote("dee", alone, "include", "adjudicator"),
        *(lambda name=name: vote(name, held[name], "include", "reviewer") for name in held),
        *(lambda number=number: claim(rig, f"p{number}", "conflict") for number in range(4)),
        *(lambda number=number: rig.hears(merged(f"r0{number}", into=f"r1{number}")) for number in range(4)),
        lambda: rig.bench.runs(jobs.return_lapsed_leases),
    ]  # fmt: skip
    at_once(lambda do: do(), doing)

    assert_sound(rig.bench, REVIEW, counted)
