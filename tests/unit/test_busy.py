"""What keeps the cores busy ends with whoever started it, and what tests came to is counted by test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.busy import Came, Tally, busy
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]

#: Whoever runs in the background of a shell is deaf to Ctrl-C, and so would be what it starts.
HEARS_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('tests', run_name='__main__')"
)

STARTS = """
import time
from tests.busy import busy
with busy(2) as processes:
    print(*(it.pid for it in processes), flush=True)
    time.sleep(600)
"""

FIRST = """<testsuites><testsuite>
<testcase file="tests/test_a.py" name="test_one[x]" time="1.5" />
<testcase file="tests/test_a.py" name="test_two" time="0.5"><failure message="no">no</failure></testcase>
<testcase file="tests/test_a.py" name="test_two" time="0.7"><error message="nor this">no</error></testcase>
<testcase file="tests/test_a.py" name="test_three" time="0"><skipped message="not here" /></testcase>
</testsuite></testsuites>"""
SECOND = """<testsuites><testsuite>
<testcase file="tests/test_a.py" name="test_one[x]" time="9.25" />
<testcase file="tests/test_a.py" name="test_two" time="0.1" />
</testsuite></testsuites>"""


@pytest.mark.waits
def test_busy_processes_end_with_the_context():
    with busy(2) as processes:
        assert [it.poll() for it in processes] == [None, None]
    assert [it.returncode for it in processes] == [-9, -9]


@pytest.mark.waits
def test_busy_processes_end_when_whoever_started_them_is_killed():
    with subprocess.Popen([sys.executable, "-c", STARTS], cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        started = [int(word) for word in starter.stdout.readline().split()]
        assert len(started) == 2 and all(map(_lives, started))
        starter.kill()
    eventually(lambda: not any(map(_lives, started)))


@pytest.mark.waits
def test_ctrl_c_ends_it_with_the_summary_and_no_trace(tmp_path):
    (tmp_path / "test_standing.py").write_text(
        "import pathlib, pytest, time\n@pytest.mark.waits\ndef test_it():\n"
        f"    pathlib.Path({str(tmp_path / 'stands')!r}).touch()\n    time.sleep(600)\n"
    )
    again = ["-c", HEARS_CTRL_C, "--busy", "1", "--times", "3", "-p", "no:cacheprovider", str(tmp_path)]
    servers = {"LIVING_TEST_KAFKA_URL": "kafka://127.0.0.1:9"}  # Else it would start its own.
    with subprocess.Popen(
        [sys.executable, *again], cwd=ROOT, env={**os.environ, **servers}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as runs:  # fmt: skip
        eventually((tmp_path / "stands").exists)
        os.killpg(runs.pid, signal.SIGINT)
        said, complained = runs.communicate()

    assert runs.returncode == 130
    assert "0 of 3 runs are done" in said and "0 tests, 0 of which failed" in said
    assert "Traceback" not in complained


def _lives(process: int) -> bool:
    """Whether it computes still: one that ended, and that nobody has asked for yet, is listed as a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_each_test_is_told_with_its_failures_and_its_longest_run(tmp_path):
    tally = Tally()
    for name, text in (("1.xml", FIRST), ("2.xml", SECOND)):
        (tmp_path / name).write_text(text)
        tally.add(tmp_path / name)
    tally.add(tmp_path / "never-written.xml")

    assert tally.tests == {
        "tests/test_a.py::test_one[x]": Came(2, 0, 9.25),
        "tests/test_a.py::test_two": Came(2, 1, 0.7),
    }
    assert tally.report().splitlines() == [
        "  0 of   2 failed,    9.2 s at most: tests/test_a.py::test_one[x]",
        "  1 of   2 failed,    0.7 s at most: tests/test_a.py::test_two",
        "2 tests, 1 of which failed at least once",
    ]
