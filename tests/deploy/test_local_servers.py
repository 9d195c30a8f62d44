"""`deploy/local` with the real servers: they come, they stay, they end, and nothing else does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import look_up

pytestmark = pytest.mark.waits

REPOSITORY = Path(__file__).resolve().parents[2]
ALL = {"kafka", "elasticsearch", "postgres"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user may enter, unlike pytest's own; its name has a space in it."""
    made = Path(tempfile.mkdtemp(prefix="living local ", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    command(made, "down", "--wipe")
    shutil.rmtree(made)


def command(folder: Path, *arguments: str, code: int = 0) -> str:
    """Runs `deploy/local` for an instance of its own."""
    line = [sys.executable, "deploy/local", *arguments, "--instance", "second", "--dir", str(folder)]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=900)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def state(folder: Path) -> dict:
    return {row["server"]: row for row in json.loads(command(folder, "status", "--json"))}


def pids(folder: Path) -> set[int]:
    """Every process that the instance remembers."""
    servers = json.loads((folder / "second" / "instance.json").read_text())["servers"]
    return {process["pid"] for server in servers.values() for process in server["processes"]}


@pytest.mark.real
@pytest.mark.slow  # starts a JVM twice for Kafka and twice for Elasticsearch, 10 to 60 s
def test_an_instance_comes_up_once_survives_a_kill_and_ends_whole(folder):
    bystander = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    try:
        command(folder, "up", "--timeout", "300")
        first = state(folder)
        assert {name: row["state"] for name, row in first.items()} == dict.fromkeys(ALL, "running")

        again = command(folder, "up", "--timeout", "300")
        assert again.count("already running") == 3
        assert {name: row["pid"] for name, row in state(folder).items()} == {
            name: row["pid"] for name, row in first.items()
        }

        os.kill(first["postgres"]["pid"], signal.SIGKILL)
        assert command(folder, "up", "--timeout", "300").count("already running") == 2
        assert state(folder)["postgres"]["port"] == first["postgres"]["port"]

        known = {pid for pid in pids(folder) if look_up(pid)}  # helpers of a moment may have gone
        assert known > {row["pid"] for row in state(folder).values()}
        command(folder, "down")
        assert not any(look_up(pid) for pid in known)
        assert bystander.poll() is None
        assert command(folder, "status", code=3).count("stopped") == 3
    finally:
        bystander.kill()
        bystander.wait()
