"""`make migrations`: writes a migration for each service whose models have what its migrations lack."""

from __future__ import annotations

import sys
import tempfile

from services.catalog import SERVICES
from shared.db import migrate
from shared.db.engine import opened


def main(message: str) -> None:
    """Upgrades an empty SQLite database of each service, compares, and writes what is missing."""
    for service in SERVICES:
        service.migrations.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/{service.name}.db") as database:
            migrate.upgrade(database, service)
            if migrate.drift(database, service):
                migrate.write_revision(database, service, message)
                print(f"{service.name}: written")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "first tables")
