"""A process that parses and dies at a step: `python -m tests.unit.services.ingest.passages_child STEP FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from services.ingest.commands import passages as commands
from services.ingest.jobs import parsing
from services.ingest.ports.parsing import worker
from tests.unit.services.ingest.rig import IngestBench


def die(*given: Any, **more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(step: str, folder: Path) -> None:
    bench = IngestBench(folder, at="2020-02-01T00:00:00+00:00")
    if step == "begun":
        worker.Parser._run = die  # type: ignore[method-assign]
    if step == "parsed":
        parsing._keep = die
    if step == "written":
        commands._tell_parsed = die
    bench.runs(parsing.parse_texts)
    die()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
