"""The platform as processes of this machine, to be started, killed, restarted and stopped."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx

from shared.errors import Unavailable
from shared.outward.trust import trusted

ALL = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")


class Processes:
    """Some `living serve` processes with one set of settings.

    `split` says which services share a process: `[ALL]` is the embedded profile, one service a process the
    distributed one. `programs` names the module that runs the process of a service, where it is not this release's
    own; it may change before a process starts again. Each process writes its log below `folder`/logs. Everything
    started is stopped by `stop`, by process id, whatever happened in between.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        split: Sequence[Sequence[str]] = (ALL,),
        programs: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self.programs = dict(programs or {})
        self._settings = dict(settings)
        self._together = {service: tuple(services) for services in split for service in services}
        self._ports = dict(zip(map(tuple, split), _free_ports(), strict=False))
        self._processes: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service."""
        return {service: f"http://127.0.0.1:{self._ports[services]}" for service, services in self._together.items()}

    def start(self, timeout: float = 600) -> None:
        """Starts every process that does not run and waits until all are ready.

        Raises Unavailable, with the end of its log, when one ends or is not ready in `timeout` seconds.
        """
        for services in self._ports:
            if services not in self._processes or self._processes[services].poll() is not None:
                self._open(services)
        until = time.monotonic() + timeout
        for services in self._ports:
            self._wait_until_ready(services, until)

    def kill(self, service: str) -> None:
        """Ends the process of a service as a power cut would (SIGKILL)."""
        process = self._processes[self._together[service]]
        process.kill()
        process.wait()

    def reopen(self, service: str) -> None:
        """Starts the process of a service again, without waiting until it is ready."""
        self._open(self._together[service])

    def stop(self) -> None:
        """Asks every process to finish, and ends those that do not."""
        running = [process for process in self._processes.values() if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def pids(self) -> dict[str, int]:
        """The process id of each process, by its services."""
        return {"+".join(services): process.pid for services, process in self._processes.items()}

    def _open(self, services: tuple[str, ...]) -> None:
        log = self._log(services)
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVING_")}
        # Started in a folder of its own, where no `.env` of another platform is read; allocates as the image does.
        environment |= {"MALLOC_ARENA_MAX": "2"} | self._settings | {"LIVING_PORT": str(self._ports[services])}
        with open(log, "ab", opener=_for_me_alone) as output:
            self._processes[services] = subprocess.Popen(
                [sys.executable, "-m", self.programs.get(services[0], "services"), "serve", *services],
                env=environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def _wait_until_ready(self, services: tuple[str, ...], until: float) -> None:
        process, url = self._processes[services], f"http://127.0.0.1:{self._ports[services]}/readyz"
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Unavailable(
                    f"{' '.join(services)} ended with {process.returncode}:\n{self._end_of_log(services)}"
                )
            try:
                if httpx.get(url, timeout=5, verify=trusted()).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise Unavailable(f"{' '.join(services)} is not ready in time:\n{self._end_of_log(services)}")

    def _log(self, services: tuple[str, ...]) -> Path:
        return self._folder / "logs" / f"{services[0] if len(services) == 1 else 'living'}.log"

    def _end_of_log(self, services: tuple[str, ...]) -> str:
        return "\n".join(self._log(services).read_text(errors="replace").splitlines()[-30:])


@contextmanager
def opened(processes: Processes) -> Iterator[Processes]:
    """Processes that run for the length of a `with` block."""
    try:
        processes.start()
        yield processes
    finally:
        processes.stop()


def _for_me_alone(path: str, flags: int) -> int:
    """Opens a file that nobody else can read."""
    return os.open(path, flags, 0o600)


def _free_ports() -> Iterator[int]:
    """Ports, none twice, that the system gives to nobody by itself: a process that is killed finds its own free
    again."""
    for port in random.sample(range(10_000, 20_000), 10_000):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            yield port
