"""The machine: what a process has used of it, as /proc tells, whoever started that process, and how this one is set."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.app import _COLLECT

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What a process and its descendants used: `cpu` seconds of them all, and the `peak` resident memory of
    the largest (VmHWM, bytes). The peak is that of the process's whole life."""

    cpu: float
    peak: int


def look_for_garbage_as_the_platform() -> None:
    """Has this process look for garbage no oftener than one of the platform does (`services/app.py`)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


def use_of(pid: int) -> Use:
    """What a process has used so far. Zero once it is gone."""
    family = [pid, *_descendants(pid)]
    return Use(sum(map(_cpu, family)), max(map(_peak, family)))


def listener_on(port: int) -> int | None:
    """The process that listens on a TCP port of this machine; None when we may not see it."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for folder in PROC.glob("[0-9]*/fd"):
        try:
            if any(os.readlink(file) in sockets for file in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue  # It ended meanwhile, or is somebody else's.
    return None


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                yield rest[5]


def _descendants(pid: int) -> Iterator[int]:
    for children in PROC.glob(f"{pid}/task/*/children"):
        for child in map(int, _read(children).split()):
            yield child
            yield from _descendants(child)


def _cpu(pid: int) -> float:
    """Seconds of a process and of those children that it has seen end."""
    stat = _read(PROC / str(pid) / "stat")
    # The command's name stands in brackets and may hold anything, so count from the last one.
    fields = stat[stat.rfind(")") + 2 :].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", _read(PROC / str(pid) / "status"))
    return int(found[1]) * 1024 if found else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
