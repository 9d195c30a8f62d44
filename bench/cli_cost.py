"""What a command costs: the CPU seconds of the command line beside those of importing typer and rich alone."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: Importing what every command line of this kind stands on: the measure of the others.
_YARDSTICK = ("-c", "import typer, rich")
_LIVING = ("-m", "services")


def measure(times: int = 3) -> dict[str, float]:
    """CPU seconds, user and system, the best of `times` runs each: of the yardstick (`typer_and_rich`), of
    `living --help`, and of a client command that finds no server; and their ratios to the yardstick.

    The runs take turns, so that a machine that is slow for a while is slow for all of them.
    """
    commands = {
        "typer_and_rich": _YARDSTICK,
        "help": (*_LIVING, "--help"),
        "group_help": (*_LIVING, "queue", "--help"),
        "client_command": (*_LIVING, "queue", "status", "no-review"),
    }
    seconds = {name: float("inf") for name in commands}
    for _ in range(times):
        for name, words in commands.items():
            seconds[name] = min(seconds[name], _cpu(words))
    ratios = {f"{name}_ratio": seconds[name] / seconds["typer_and_rich"] for name in list(commands)[1:]}
    return {**seconds, **ratios}


def _cpu(words: Sequence[str]) -> float:
    """CPU seconds of one Python process, which finds neither settings nor a server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVING_")}
    environment |= {"PYTHONPATH": str(ROOT), "LIVING_KEY": "no token", "LIVING_URL": "http://127.0.0.1:9"}
    before = _used()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, *words], env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
