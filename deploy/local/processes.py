"""Knows its own processes again, so that it ends what it started and nothing else.

A process is remembered with the moment it started: a pid alone may belong to somebody else by the
time we look again. Reads /proc, so it needs Linux.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.local.trouble import Trouble

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A pid and the moment its process started (boot, and clock ticks since)."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """True while this very process runs; one that waits only to be reaped does not run."""
        entry = look_up(self.pid)
        return entry is not None and entry.process == self


@dataclass(frozen=True)
class Entry:
    """What the system says of a running process."""

    process: Process
    parent: int
    session: int


def look_up(pid: int) -> Entry | None:
    """Finds a running process by its pid."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The command's name stands in brackets and may hold anything, so count from the last one.
    state, parent, _, session, *rest = stat[stat.rindex(")") + 2 :].split()
    if state in ("Z", "X"):
        return None
    return Entry(Process(pid, f"{_boot()}:{rest[15]}"), int(parent), int(session))


@cache
def _boot() -> str:
    """Tells this boot from others: the ticks of a start begin anew with each."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def family(recorded: Sequence[Process]) -> list[Process]:
    """Those of the recorded processes that run, and all that descend from them or share their session.

    The first one recorded leads the session. Its number proves nothing once all of them are gone.
    """
    entries = _running()
    found = {process.pid for process in recorded if process.alive}
    sessions = {process.pid for process in recorded[:1]} & {entries[pid].session for pid in found if pid in entries}
    grown = found
    while grown:
        grown = {
            pid
            for pid, entry in entries.items()
            if pid not in found and (entry.parent in found or entry.session in sessions)
        }
        found = found | grown
    return [entries[pid].process for pid in sorted(found) if pid in entries]


def _running() -> dict[int, Entry]:
    pids = (int(path.name) for path in PROC.iterdir() if path.name.isdigit())
    return {entry.process.pid: entry for pid in pids if (entry := look_up(pid))}


def at_work_in(folder: Path) -> list[int]:
    """The processes whose working folder is this one."""
    return [pid for pid in _running() if _working_folder(pid) == str(folder)]


def _working_folder(pid: int) -> str | None:
    try:
        return os.readlink(PROC / str(pid) / "cwd")
    except OSError:
        return None


def memory(recorded: Sequence[Process]) -> int:
    """The resident memory of a family in bytes; pages that its members share count once for each."""
    return sum(_resident(process.pid) for process in family(recorded))


def _resident(pid: int) -> int:
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def run(command: Sequence[str], what: str, timeout: float, **options) -> str:
    """Runs a tool to its end and returns what it printed; `what` opens the sentence if it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=timeout,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"{what} was not done after {timeout:.0f} s (`{command[0]}`): try again.") from None
    except OSError as error:
        raise Trouble(f"{what} failed: `{command[0]}` does not start ({error.strerror}).") from None
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise Trouble(f"{what} failed (`{command[0]}` ended with {done.returncode}). It said:\n{last}")
    return done.stdout


def end(recorded: Sequence[Process], gentle: signal.Signals, patience: float) -> None:
    """Asks a server to stop, waits, and kills what is left of it. Touches only what `family` proves ours."""
    members = family(recorded)
    leader = [process for process in members if process == recorded[0]]
    send(leader or members, gentle)
    if wait_until_gone(members, patience):
        return
    left = family([process for process in members if process.alive])
    send(left, signal.SIGKILL)
    if not wait_until_gone(left, 10):
        raise Trouble(f"Process {left[0].pid} did not end even when killed: look at it with `ps`.")


def send(processes: Sequence[Process], number: signal.Signals) -> None:
    """Signals those that still run."""
    for process in processes:
        if process.alive:
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                continue
            except PermissionError:
                raise Trouble(
                    f"Process {process.pid} belongs to another user: stop it as the user who started it."
                ) from None


def wait_until_gone(processes: Sequence[Process], patience: float) -> bool:
    """Waits for processes to end; False when some outlast our patience."""
    deadline = time.monotonic() + patience
    while any(process.alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
