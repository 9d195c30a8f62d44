"""Runs servers as somebody who may do little: Elasticsearch and PostgreSQL refuse to be root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import run
from deploy.local.trouble import Trouble

SYSTEM_USER = "living-local"


@dataclass(frozen=True)
class Account:
    """The user that servers run as: ourselves, or an unprivileged one when we are root."""

    name: str
    uid: int
    gid: int

    @property
    def _switch(self) -> dict:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def start(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen:
        """Starts a server in a session of its own, so that closing our terminal does not end it."""
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._switch,
            )

    def run(self, command: Sequence[str], what: str, timeout: float, **options) -> str:
        """Runs a tool to its end as this user and returns what it printed."""
        return run(command, what, timeout, **options, **self._switch)

    def may_enter(self, path: Path) -> bool:
        """Says whether this user gets to a path, or to as much of it as exists already."""
        existing = next(folder for folder in (path, *path.parents) if folder.exists())
        try:
            self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(existing)], "", timeout=60, cwd="/")
        except Trouble:
            return False
        return True

    def own(self, folder: Path) -> Path:
        """Makes a folder that belongs to this user; one that a third user made stays his."""
        folder.mkdir(parents=True, exist_ok=True)
        owner = folder.stat().st_uid
        if owner not in (self.uid, os.geteuid()):
            raise Trouble(
                f"{folder} belongs to user {owner}, but the servers would run as {self.name}: "
                f"run this as the user who made it, or choose another --dir."
            )
        if owner != self.uid:
            os.chown(folder, self.uid, self.gid)
        return folder


def servers_account() -> Account:
    """Picks the user for servers; as root, creates it when this machine does not have it yet."""
    if os.geteuid() != 0:
        return Account(os.environ.get("USER", str(os.geteuid())), os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create_system_user() -> pwd.struct_passwd:
    if not shutil.which("useradd"):
        raise Trouble(
            f"Servers cannot run as root and there is no `useradd` to make the user {SYSTEM_USER}: "
            f"create that user, or run this as a plain user."
        )
    run(
        [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            SYSTEM_USER,
        ],
        f"Creating the user {SYSTEM_USER}",
        timeout=60,
    )
    return pwd.getpwnam(SYSTEM_USER)
