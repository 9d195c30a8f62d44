"""The toy service as a process of its own, for what only a real connection can show."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import ALL_REVIEWS, Person, issue_token
from tests.waiting import eventually

ROOT = Path(__file__).parents[4]


@dataclass
class Served:
    """A running server."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    settings: Settings
    log: Path

    def headers(self, name: str = "ana", role: str = "reviewer") -> dict[str, str]:
        person = Person.member(name, role, (ALL_REVIEWS,))
        key = open_ring(self.settings)
        token = issue_token(key, person, now=datetime.now(UTC), valid_for=timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def terminate(self) -> int:
        """Asks it to stop, and waits until it has."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300)


@contextmanager
def served(folder: Path, open_files: int = 0, uploads: bool = False, **settings: Any) -> Iterator[Served]:
    """The toy service, with uploads if asked for, served; it is stopped in the end, whatever happened."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"data_dir": str(folder), "port": port, "upgrade_at_start": False, "log_format": "json", **settings}
    read = Settings(_env_file=None, **given)
    open_ring(read)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVING_")}
    log, more = folder / "served.log", ["uploads"] if uploads else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.shared.http.child", str(open_files), json.dumps(given), *more],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        server = Served(f"http://127.0.0.1:{port}", port, process, read, log)
        eventually(lambda: process.poll() is not None or _answers(server))
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.kill()
        process.wait()


def _answers(server: Served) -> bool:
    try:
        return httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
    except httpx.TransportError:
        return False
