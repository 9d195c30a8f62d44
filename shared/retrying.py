"""Trying again: what is called until it works, with the pauses of `shared.pauses`, on tenacity."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Signal

from tenacity import RetryCallState, Retrying, retry_if_exception

#: Seconds to wait after so many tries, of which the last failed so.
PauseOf = Callable[[int, BaseException], float]


class Stopped(Exception):
    """A wait ended because the process does; the cause is what had failed."""


def retrying(
    again: Callable[[BaseException], bool],
    pause: PauseOf,
    *,
    tries: int | None = None,
    seconds: float | None = None,
    longest: float = float("inf"),
    stopping: Signal | None = None,
    sleep: Callable[[float], None] = time.sleep,
    waiting: Callable[[BaseException], None] = lambda error: None,
) -> Retrying:
    """Calls what it is given until it returns, and raises its last error when `again` says no, after so many `tries` or
    `seconds`, or where the pause would be longer than `longest`. `statistics["attempt_number"]` counts the tries.

    `waiting` hears of each error that is waited for. With `stopping` a wait ends at once when that is set, by Stopped.
    """

    def error_of(state: RetryCallState) -> BaseException:
        error = state.outcome.exception() if state.outcome else None
        assert error is not None, "only what failed is tried again"
        return error

    def wait(state: RetryCallState) -> float:
        return pause(state.attempt_number, error_of(state))

    def rest(state: RetryCallState) -> None:
        error = error_of(state)
        waiting(error)
        if stopping is not None and stopping.wait(state.upcoming_sleep):
            raise Stopped from error

    def is_over(state: RetryCallState) -> bool:
        late = seconds is not None and (state.seconds_since_start or 0.0) >= seconds
        return late or state.attempt_number == tries or state.upcoming_sleep > longest

    return Retrying(
        retry=retry_if_exception(again),
        wait=wait,
        stop=is_over,
        before_sleep=rest,
        sleep=sleep if stopping is None else lambda seconds: None,
        reraise=True,
    )
