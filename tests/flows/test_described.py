"""An honest API: what the description says is what is answered, for every operation and every kind of request.

Slow: some five thousand requests, each operation in every way that its description allows or forbids. A random run
(`LIVING_TEST_RANDOM`, its seed) asks many times more.
"""

from __future__ import annotations

import os
import zlib

import pytest

from tests.flows.described import look, platform

pytestmark = pytest.mark.waits

SEED = os.environ.get("LIVING_TEST_RANDOM", "")


@pytest.mark.slow
def test_every_answer_is_as_the_description_says(tmp_path):
    with platform(tmp_path) as client:
        documented = {
            f"{method.upper()} {path}"
            for path, summary in client.get("/openapi.json").json()["paths"].items()
            for method in summary
        }
        found = look(client, examples=100, seed=zlib.crc32(SEED.encode())) if SEED else look(client, examples=3)

    assert found.summary() == ""
    assert found.operations == documented
