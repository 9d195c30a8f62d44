"""An honest API: what the description says is what is answered, for every operation and every kind of request.

Slow: some five thousand requests, each operation in every way that its description allows or forbids. A random run
(`LIVING_TEST_RANDOM`, its seed) asks many times more. It runs as a process of its own, since what is asked is made up
of the texts in whatever modules are loaded, too: beside other tests it would ask something else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zlib

import pytest

pytestmark = pytest.mark.waits

SEED = os.environ.get("LIVING_TEST_RANDOM", "")


@pytest.mark.slow
def test_every_answer_is_as_the_description_says():
    examples = ["100", str(zlib.crc32(SEED.encode()))] if SEED else ["3"]

    asked = subprocess.run([sys.executable, "-m", "tests.flows.described", *examples], capture_output=True, text=True)

    assert asked.returncode == 0, asked.stdout + asked.stderr
