"""What a type checker finds in a script that uses the clients, of both kinds.

Slow: mypy reads all that the clients stand on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent.parent

SCRIPT = """
from shared.client import Client
from shared.client.asynchronous import AsyncClient

with Client.at("http://127.0.0.1:8000", "key") as waiting:
    reveal_type(waiting.screening.claim("review"))
    reveal_type(waiting.screening.conflicts("review"))


async def main() -> None:
    async with AsyncClient.at("http://127.0.0.1:8000", "key") as living:
        reveal_type(await living.screening.claim("review"))
        reveal_type(living.screening.conflicts("review"))
        living.screening.claim("review").lease
        async for event in living.screening.follow("review"):
            if event.kind == "conflict":
                reveal_type(event)
"""


@pytest.mark.slow
@pytest.mark.waits
def test_a_strict_checker_finds_every_type_and_whatever_is_not_awaited(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    checker = [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--cache-dir", ".cache", "script.py"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}

    said = subprocess.run(checker, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout

    assert re.findall(r'Revealed type is "([^"]+)"', said) == [
        "shared.wire.screening.TaskInHand | None",
        "typing.Iterator[shared.wire.screening.TaskSummary]",
        "shared.wire.screening.TaskInHand | None",
        "typing.AsyncIterator[shared.wire.screening.TaskSummary]",
        "shared.wire.stream.ConflictTurned",
    ]
    assert re.findall(r"error: (.*)", said) == [
        '"Coroutine[Any, Any, TaskInHand | None]" has no attribute "lease"  [attr-defined]'
    ]
