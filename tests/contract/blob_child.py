"""A process that puts a blob and dies at a step: `python -m tests.contract.blob_child STEP SITE_AS_JSON`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.contract.blob_sites import BYTES, open_described


def dying(done: Callable[..., Any]) -> Callable[..., Any]:
    """Does it, and dies before anything else happens."""

    def do(*given: Any, **more: Any) -> None:
        done(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return do


def main(step: str, described: dict[str, str]) -> None:
    blobs = open_described(described)
    draft = blobs.draft(len(BYTES))
    sink = draft._sink
    if step == "begun":
        sink.write = dying(sink.write)
    if step == "synced":
        os.fsync = dying(os.fsync)
    if step == "renamed":
        os.rename = dying(os.rename)
    draft.write(BYTES)
    if step == "written":
        os.kill(os.getpid(), signal.SIGKILL)
    draft.finish()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
