"""A broker of a test's own, which it may kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.flows.profiles import ROOT

_LOCAL = [sys.executable, str(ROOT / "deploy" / "local")]


@dataclass(frozen=True)
class Broker:
    """A broker that runs, by the name of its instance."""

    instance: str

    @classmethod
    @contextmanager
    def of_its_own(cls, name: str) -> Iterator[Broker]:
        """Starts one, and takes it away with all that it keeps."""
        broker = cls(f"{name}-{os.getpid()}")
        broker.up()
        try:
            yield broker
        finally:
            subprocess.check_call([*_LOCAL, "down", "--instance", broker.instance, "--wipe"])

    @property
    def url(self) -> str:
        return str(self._server()["url"])

    def up(self) -> None:
        """Starts it where it does not run, with what it kept."""
        subprocess.check_call([*_LOCAL, "up", "--instance", self.instance, "--only", "kafka"])

    def kill(self) -> None:
        """Ends it as a power cut would."""
        os.kill(self._server()["pid"], signal.SIGKILL)

    def _server(self) -> dict[str, Any]:
        # `status` exits with 3 while a server does not answer; what it prints is what counts here.
        command = [*_LOCAL, "status", "--json", "--instance", self.instance]
        servers = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
        return next(server for server in servers if server["server"] == "kafka")
