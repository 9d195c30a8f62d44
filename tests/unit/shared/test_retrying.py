"""Trying again: pauses grow by the number of tries alone, and a stop ends every wait at once."""

from __future__ import annotations

from threading import Event, Timer

import pytest

from shared.pauses import no_less_than_asked, pause_after, retry_after, spread
from shared.retrying import Stopped, retrying


def failing(times: int):
    """Something that works after so many failures, and how often it was called."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise OSError(f"failure {len(calls)}")
        return "done"

    return call, calls


def a_fault(error: BaseException) -> bool:
    return isinstance(error, OSError)


def test_a_pause_doubles_up_to_the_longest():
    assert [pause_after(tries, first=0.5, longest=5) for tries in range(7)] == [0.5, 0.5, 1, 2, 4, 5, 5]
    assert pause_after(10**9, first=1, longest=60) == 60
    assert all(1 <= spread(2) <= 2 for _ in range(50))


def test_what_is_asked_for_is_waited_for_but_not_without_end():
    assert no_less_than_asked(5, None, most=60) == no_less_than_asked(5, 2, most=60) == 5
    assert no_less_than_asked(5, 30, most=60) == 30
    assert no_less_than_asked(5, 1e15, most=60) == 60


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("7", None, 7),
        (" 7.5 ", None, 7.5),
        ("Fri, 27 Nov 2026 10:00:30 GMT", "Fri, 27 Nov 2026 10:00:00 GMT", 30),
        ("Fri, 27 Nov 2026 09:00:00 GMT", "Fri, 27 Nov 2026 10:00:00 GMT", 0),
        ("Fri, 27 Nov 2026 10:00:30 GMT", None, None),
        ("9999999999", None, None),
        ("7.", None, None),
        ("-7", None, None),
        ("²", None, None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_a_header_asks_in_seconds_or_by_the_askers_own_clock(header, date, seconds):
    assert retry_after(header, date) == seconds


def test_it_is_tried_until_it_works_with_the_pauses_it_is_given():
    call, calls = failing(3)
    slept: list[float] = []
    heard: list[str] = []
    attempts = retrying(
        a_fault, lambda tries, error: float(tries), sleep=slept.append, waiting=lambda e: heard.append(str(e))
    )

    assert attempts(call) == "done"
    assert (slept, len(calls), attempts.statistics["attempt_number"]) == ([1, 2, 3], 4, 4)
    assert heard == ["failure 1", "failure 2", "failure 3"]


@pytest.mark.parametrize(("bounds", "last"), [({"tries": 2}, 2), ({"longest": 2.5}, 3), ({"seconds": 0.0}, 1)])
def test_it_gives_up_with_the_last_error(bounds, last):
    call, calls = failing(9)

    with pytest.raises(OSError, match=f"failure {last}"):
        retrying(a_fault, lambda tries, error: float(tries), sleep=lambda seconds: None, **bounds)(call)
    assert len(calls) == last


def test_what_is_no_such_failure_is_raised_at_once():
    call, calls = failing(9)

    with pytest.raises(OSError):
        retrying(lambda error: False, lambda tries, error: 60.0)(call)
    assert len(calls) == 1


@pytest.mark.waits
def test_a_stop_ends_the_wait_at_once_and_nothing_is_tried_after_it():
    call, calls = failing(9)
    stopping = Event()
    Timer(0.05, stopping.set).start()

    with pytest.raises(Stopped) as stopped:
        retrying(a_fault, lambda tries, error: 3600.0, stopping=stopping)(call)
    assert (len(calls), str(stopped.value.__cause__)) == (1, "failure 1")
