"""Waiting: for what other threads and processes bring about, with an end that a busy machine never reaches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeVar

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen], *, within: float = 300) -> Seen:
    """Looks until what it sees is true, and gives that back. Fails, telling the last look, when it never is."""
    until = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > until:
            raise AssertionError(f"not within {within} seconds; last seen: {seen!r}")
        time.sleep(0.02)


@contextmanager
def in_the_background(work: Callable[[Event], object]) -> Iterator[None]:
    """Runs `work(over)` in a thread until the block ends; its error is raised here."""
    over, errors = Event(), []

    def run() -> None:
        try:
            work(over)
        except Exception as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if errors:
        raise errors[0]
