"""A process that fetches texts and dies at a step: `python -m tests.unit.services.ingest.text_child STEP FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.ingest.commands import texts as commands
from services.ingest.jobs import texts
from services.ingest.ports.fulltext.fetching import TextFetcher
from shared.blobs import names
from tests.unit.services.ingest.rig import IngestBench

CONTACT = "team@review.example"


def die(*given: Any, **more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(done: Callable[..., Any]) -> Callable[..., Any]:
    """Does it, and dies before anything else happens."""

    def do(*given: Any, **more: Any) -> None:
        done(*given, **more)
        die()

    return do


def main(step: str, folder: Path) -> None:
    bench = IngestBench(folder, at="2020-02-01T00:00:00+00:00", fetcher=local_fetcher(), contact=CONTACT)
    if step == "put":
        names.keep = die
    if step == "named":
        names.keep = dying(names.keep)
    if step == "written":
        commands.settle = dying(commands.settle)
    bench.runs(texts.fetch_open_texts)
    die()


def local_fetcher() -> TextFetcher:
    """One that goes to this machine too, and makes no pauses."""
    return TextFetcher(user_agent="us", limit=1024 * 1024, timeout=120, each=60, private=True, pause=0.0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
