"""A bounded number work, a bounded number wait, nobody alone keeps the others out, and nothing begun is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

import pytest

from shared.errors import Busy
from shared.http.admission import Gate
from tests.waiting import eventually

pytestmark = pytest.mark.waits


class Slow:
    """Work that goes on until it is let go, and remembers whose was done in which order."""

    def __init__(self) -> None:
        self.go, self.begun, self._lock = Event(), [], Lock()

    def work(self, person: str) -> Callable[[], str]:
        def do() -> str:
            with self._lock:
                self.begun.append(person)
            assert self.go.wait(60)
            return person

        return do


async def never_gone() -> None:
    await asyncio.Event().wait()


def gate(at_once: int = 4, waiting: int = 100, patience: float = 60) -> Gate:
    return Gate("toy", at_once=at_once, waiting=waiting, patience=patience)


async def ask(at: Gate, slow: Slow, *persons: str) -> list[asyncio.Task[str]]:
    """Everybody asks, in this order."""
    asked = []
    for person in persons:
        asked.append(asyncio.create_task(at.run(person, slow.work(person), never_gone)))
        await asyncio.sleep(0)
    return asked


async def seen(look: Callable[[], Any]) -> None:
    await asyncio.to_thread(eventually, look)


def test_only_so_many_work_at_once_and_all_get_their_turn():
    async def everybody() -> None:
        at, slow = gate(at_once=4), Slow()
        asked = await ask(at, slow, *(f"p{number}" for number in range(20)))
        await seen(lambda: len(slow.begun) == 4)
        assert (at.working, at.waiting) == (4, 16)

        slow.go.set()
        assert await asyncio.gather(*asked) == [f"p{number}" for number in range(20)]
        await seen(lambda: (at.working, at.waiting) == (0, 0))

    asyncio.run(everybody())


def test_who_comes_when_too_many_wait_is_told_so_at_once():
    async def everybody() -> None:
        at, slow = gate(at_once=1, waiting=8), Slow()
        asked = await ask(at, slow, *(f"p{number}" for number in range(9)))
        await seen(lambda: at.waiting == 8)

        with pytest.raises(Busy, match="8 requests wait"):
            await at.run("late", slow.work("late"), never_gone)
        assert at.refused == 1
        slow.go.set()
        await asyncio.gather(*asked)

    asyncio.run(everybody())


def test_one_person_never_has_more_than_half_of_the_places_and_a_quarter_of_the_list():
    async def everybody() -> None:
        at, slow = gate(at_once=4, waiting=40), Slow()
        greedy = await ask(at, slow, *["greedy"] * 30)
        await seen(lambda: slow.begun == ["greedy"] * 2)
        refused = [task for task in greedy if task.done()]
        assert len(refused) == 18 and all(isinstance(task.exception(), Busy) for task in refused)

        others = await ask(at, slow, "ana", "ben")
        await seen(lambda: sorted(slow.begun[2:]) == ["ana", "ben"])
        slow.go.set()
        await asyncio.gather(*others, *(task for task in greedy if task not in refused))

    asyncio.run(everybody())


def test_what_one_person_has_waiting_keeps_nobody_from_a_place_that_is_free():
    async def everybody() -> None:
        at, slow, warm = gate(at_once=4), Slow(), Slow()
        warm.go.set()
        await asyncio.gather(*await ask(at, warm, "a", "b", "c", "d"))  # From now on there are threads for all places.
        greedy = await ask(at, slow, *["greedy"] * 6)
        await seen(lambda: slow.begun == ["greedy"] * 2)

        others = await ask(at, slow, "ana", "ben")

        await seen(lambda: sorted(slow.begun[2:]) == ["ana", "ben"])
        slow.go.set()
        await asyncio.gather(*others, *greedy)

    asyncio.run(everybody())


def test_who_has_a_full_share_waits_with_patience_too_where_threads_have_nothing_to_do():
    async def everybody() -> None:
        at, slow, warm = gate(at_once=4, patience=2), Slow(), Slow()
        warm.go.set()
        await asyncio.gather(*await ask(at, warm, "a", "b", "c", "d"))
        working = await ask(at, slow, "greedy", "greedy")
        await seen(lambda: slow.begun == ["greedy"] * 2)

        (late,) = await ask(at, slow, "greedy")

        with pytest.raises(Busy, match="its turn did not come"):
            await late
        slow.go.set()
        await asyncio.gather(*working)

    asyncio.run(everybody())


def test_those_who_wait_are_served_round_by_round():
    async def everybody() -> None:
        at, slow = gate(at_once=1), Slow()
        asked = await ask(at, slow, "first", *["greedy"] * 5, "ana", "ben")
        await seen(lambda: slow.begun == ["first"])

        slow.go.set()
        await asyncio.gather(*asked)
        assert slow.begun == ["first", "greedy", "ana", "ben", *["greedy"] * 4]

    asyncio.run(everybody())


def test_who_waits_too_long_or_leaves_gives_the_place_up():
    async def everybody() -> None:
        at, slow = gate(at_once=1, patience=2), Slow()
        (working,) = await ask(at, slow, "first")
        await seen(lambda: slow.begun == ["first"])

        with pytest.raises(Busy, match="turn"):
            await at.run("ana", slow.work("ana"), never_gone)
        with pytest.raises(Busy):
            await at.run("ben", slow.work("ben"), lambda: asyncio.sleep(0))
        slow.go.set()
        assert await working == "first"
        assert slow.begun == ["first"] and at.waiting == 0

    asyncio.run(everybody())


def test_what_was_begun_is_brought_to_its_end_even_if_its_asker_has_left():
    async def everybody() -> None:
        at, slow = gate(at_once=1), Slow()
        (asked,) = await ask(at, slow, "ana")
        await seen(lambda: slow.begun == ["ana"])
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert at.working == 1

        slow.go.set()
        await seen(lambda: at.working == 0)
        assert await at.run("ben", lambda: "told", never_gone) == "told"

    asyncio.run(everybody())


def test_a_closed_gate_refuses_those_who_wait_and_finishes_what_works():
    async def everybody() -> None:
        at, slow = gate(at_once=1), Slow()
        working, *waiting = await ask(at, slow, "ana", "ben", "cleo")
        await seen(lambda: slow.begun == ["ana"])

        at.close()
        for task in waiting:
            with pytest.raises(Busy, match="stopped"):
                await task
        with pytest.raises(Busy, match="stopped"):
            await at.run("dan", slow.work("dan"), never_gone)
        slow.go.set()
        assert await working == "ana"

    asyncio.run(everybody())


def test_an_error_of_the_work_reaches_its_asker_and_frees_the_place():
    async def everybody() -> None:
        at = gate(at_once=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await at.run("ana", lambda: 1 // 0, never_gone)
        assert await at.run("ana", lambda: "told", never_gone) == "told"

    asyncio.run(everybody())
