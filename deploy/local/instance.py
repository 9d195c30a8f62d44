"""Remembers an instance: its folder, the ports it was given, and the processes it started."""

import fcntl
import hashlib
import json
import random
import re
import shutil
import socket
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.account import Account
from deploy.local.files import locked, write_whole
from deploy.local.processes import Process
from deploy.local.servers import HOST, KINDS, Server
from deploy.local.trouble import Trouble

REPOSITORY = Path(__file__).resolve().parents[2]
STATE = "instance.json"
LOCK = "lock"
LOGS = "logs"
# Below the ports that the system hands to outgoing connections, which could take one of ours while we are down.
PORTS = range(20000, 30000)


@dataclass
class Record:
    """What an instance remembers of one server. The first process is the one that we started."""

    ports: dict[str, int]
    processes: list[Process] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """True while the process that we started runs."""
        return bool(self.processes) and self.processes[0].alive


class Instance:
    """A named set of servers with a folder of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.records = _read(folder / STATE)
        self._saving = threading.Lock()

    @property
    def exists(self) -> bool:
        return (self.folder / STATE).exists()

    def server(self, name: str) -> Server:
        """A server as this instance last ran it."""
        return KINDS[name](self.folder / name, self.records[name].ports)

    def running(self, name: str) -> bool:
        """Says whether the process of a server, by pid and start, still runs."""
        return name in self.records and self.records[name].running

    def log(self, name: str) -> Path:
        """What a server prints."""
        return self.folder / LOGS / f"{name}.log"

    def remember(self, name: str, record: Record) -> None:
        """Notes what became of a server, at once and on disk: we may be killed the next moment."""
        with self._saving:
            self.records[name] = record
            write_whole(self.folder / STATE, self._as_json())

    def _as_json(self) -> str:
        servers = {
            name: asdict(record) | {"settings": self.server(name).exports(), "log": str(self.log(name))}
            for name, record in self.records.items()
        }
        return json.dumps({"instance": self.name, "servers": servers}, indent=2) + "\n"

    def locked(self, say):
        """Keeps `up` and `down` of one instance apart."""
        (self.folder / LOGS).mkdir(parents=True, exist_ok=True)
        return locked(self.folder / LOCK, lambda: say(self.name, "waiting for another `up` or `down` ..."))

    def reload(self) -> None:
        """Reads the state again, once the lock is held."""
        self.records = _read(self.folder / STATE)

    def wipe(self, names: Iterable[str]) -> None:
        """Deletes the data of some servers; with the last one the instance itself."""
        for name in names:
            _delete(self.folder / name)
            for log in (self.log(name), _previous(self.log(name))):
                log.unlink(missing_ok=True)
            self.records.pop(name, None)
        if self.records:
            write_whole(self.folder / STATE, self._as_json())
        else:
            self._remove_itself()

    def _remove_itself(self) -> None:
        """Deletes only what we put there: the folder may be one that the user keeps other things in."""
        for name in (STATE, LOCK):
            (self.folder / name).unlink(missing_ok=True)
        for folder in (self.folder / LOGS, self.folder):
            if not any(folder.iterdir()):
                folder.rmdir()


def rotate(log: Path) -> None:
    """Begins a new log with each start and keeps the one before."""
    if log.exists():
        log.replace(_previous(log))
    log.touch()


def _previous(log: Path) -> Path:
    return log.with_suffix(".previous.log")


def _delete(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _read(state: Path) -> dict[str, Record]:
    if not state.exists():
        return {}
    try:
        servers = json.loads(state.read_text(encoding="utf-8"))["servers"]
        return {
            name: Record(known["ports"], [Process(**process) for process in known["processes"]])
            for name, known in servers.items()
            if name in KINDS
        }
    except (ValueError, KeyError, TypeError):
        raise Trouble(
            f"The state file {state} cannot be read: stop that instance's servers by hand and delete the file."
        ) from None


# -- where ---------------------------------------------------------------------------------------


def find_folder(name: str, chosen: str | None, account: Account | None = None) -> Path:
    """The folder of an instance. As root, one that the servers' user may enter."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        raise Trouble(f"The instance name {name!r} will not do: use lower-case letters, digits, - and _.")
    usual = (Path(chosen).absolute() if chosen else REPOSITORY / ".local") / name
    folders = [usual] if chosen else [usual, refuge(name)]
    known = [folder for folder in folders if (folder / STATE).exists()]
    if account is None:
        return (known or folders)[0]
    return _enterable(known or folders, account)


def refuge(name: str, repository: Path = REPOSITORY) -> Path:
    """Where an instance lives when the repository is in a private folder, such as root's home."""
    return Path("/var/lib/living-reviews") / hashlib.sha256(str(repository).encode()).hexdigest()[:12] / name


def _enterable(folders: list[Path], account: Account) -> Path:
    for folder in folders:
        if account.may_enter(folder):
            return folder
    raise Trouble(
        f"The servers run as the user {account.name}, who may not enter {folders[0]}: "
        f"choose another folder with --dir or LIVING_LOCAL_DIR, below /var/tmp for example."
    )


# -- ports ---------------------------------------------------------------------------------------


class Ports:
    """Chooses ports on which nobody listens and that no other `up` is about to use.

    While this object is open it holds a lock on one byte of a shared file per port that it chose.
    """

    def __init__(self, shared: Path) -> None:
        shared.parent.mkdir(parents=True, exist_ok=True)
        self._file = shared.open("a+b")
        self._mine: set[int] = set()

    def __enter__(self) -> "Ports":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def choose(self, names: Iterable[str], remembered: dict[str, int]) -> dict[str, int]:
        """Gives each name the port it had, if that is still free, or a new one."""
        return {name: self._choose(remembered.get(name)) for name in names}

    def _choose(self, remembered: int | None) -> int:
        if remembered and self._take(remembered):
            return remembered
        for port in random.sample(PORTS, 200):
            if self._take(port):
                return port
        raise Trouble(
            f"No free port was found on {HOST} between {PORTS.start} and {PORTS.stop - 1}: "
            f"stop some of the programs that listen there."
        )

    def _take(self, port: int) -> bool:
        if port in self._mine or not is_free(port) or not self._reserve(port):
            return False
        self._mine.add(port)
        return True

    def _reserve(self, port: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        return True


def is_free(port: int) -> bool:
    """Says whether a server could listen on a port now; a connection that is closing does not count."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True
