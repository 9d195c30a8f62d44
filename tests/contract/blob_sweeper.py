"""A process that sweeps a store's first bucket until something comes in: `python -m tests.contract.blob_sweeper SITE
URL_OF_ITS_DATABASE`."""

from __future__ import annotations

import json
import select
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from shared.blobs.port import Blobs
from shared.db.engine import Database, opened
from shared.runtime.blobs import SPARED, sweep_bucket
from shared.service import Context
from tests.contract.blob_sites import open_described, work


def sweep(blobs: Blobs, database: Database) -> None:
    """Looks through the bucket once."""
    site = SimpleNamespace(database=database)
    running: Any = SimpleNamespace(
        blobs=blobs, service=SimpleNamespace(name="swept"), work=lambda actor, *, readonly: work(cast(Any, site))
    )
    sweep_bucket(cast(Context, running), "00", datetime.now(UTC) - SPARED)


def main(described: dict[str, str], url: str) -> None:
    with opened(url) as database:
        while not select.select([sys.stdin], [], [], 0)[0]:
            sweep(open_described(described), database)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
