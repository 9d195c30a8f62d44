"""A slow machine, made on purpose: processes that keep the cores busy, and what tests run beside them came to."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Spins as long as the process that started it is there, so that none is left when that one is killed.
SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many processes that do nothing but compute, for as long as the context lasts."""
    # In groups of their own: a Ctrl-C is for who started them, who ends them. Not in sessions, of which Linux gives
    # each the same share of the cores (autogroup, sched(7)): all tests together would count as one of these.
    spin = [sys.executable, "-c", SPIN, str(os.getpid())]
    started = [subprocess.Popen(spin, process_group=0) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


@dataclass
class Came:
    """What one test came to: how often it was run and failed, and the seconds of its longest run."""

    runs: int = 0
    failed: int = 0
    longest: float = 0.0


@dataclass
class Tally:
    """What the tests of several runs came to, by name."""

    tests: dict[str, Came] = field(default_factory=dict)

    def add(self, results: Path) -> None:
        """Adds a run, as pytest wrote it in JUnit's form (xunit1); one that ended before writing adds nothing."""
        if not results.exists():
            return
        failed: set[str] = set()
        seconds: dict[str, float] = {}
        for case in ElementTree.parse(results).iter("testcase"):
            name = f"{case.get('file')}::{case.get('name')}"
            if case.find("skipped") is not None:
                continue
            # One that fails, and again when it clears away, is there twice.
            seconds[name] = max(seconds.get(name, 0.0), float(case.get("time", 0)))
            if case.find("failure") is not None or case.find("error") is not None:
                failed.add(name)
        for name, took in seconds.items():
            came = self.tests.setdefault(name, Came())
            came.runs += 1
            came.failed += name in failed
            came.longest = max(came.longest, took)

    def report(self) -> str:
        """A line a test, what failed and what took longest last."""
        worst_last = sorted(self.tests.items(), key=lambda item: (item[1].failed, item[1].longest))
        lines = [f"{it.failed:3} of {it.runs:3} failed, {it.longest:6.1f} s at most: {name}" for name, it in worst_last]
        failed = sum(1 for it in self.tests.values() if it.failed)
        return "\n".join([*lines, f"{len(self.tests)} tests, {failed} of which failed at least once"])
