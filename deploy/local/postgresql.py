"""Finds PostgreSQL's programs, which distributions put in places that are not on the PATH."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.local import packages
from deploy.local.processes import run
from deploy.local.trouble import Trouble

PROGRAMS = ("postgres", "initdb", "pg_isready")
USUAL_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "usr/lib/postgresql*/bin",
    "usr/local/pgsql/bin",
    "opt/postgresql*/bin",
    "opt/postgresql/*/bin",
)


def find(major: str | None = None, root: Path = Path("/")) -> Path | None:
    """The newest PostgreSQL here, or the one of a given major version."""
    found = {version: folder for folder in _folders(root) if (version := version_of(folder))}
    wanted = [version for version in found if major in (None, str(version[0]))]
    return found[max(wanted)] if wanted else None


def find_or_install(major: str | None, say) -> Path:
    """Finds PostgreSQL, and gets it from the distribution if we may."""
    if found := find(major):
        return found
    # Debian's package may start a cluster of its own on port 5432; ours uses other ports and never meets it.
    packages.install("postgresql", "postgres", say)
    return find(major) or _missing(major)


def version_of(folder: Path) -> tuple[int, ...] | None:
    """Asks `postgres` for its version; None when it does not answer."""
    try:
        said = run([str(folder / "postgres"), "--version"], "", timeout=60)
    except Trouble:
        return None
    number = re.search(r"\) (\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in number.groups()) if number else None


def _folders(root: Path) -> Iterator[Path]:
    """Every folder that holds all the programs; those on the PATH are often links into it."""
    linked = (shutil.which(program) for program in PROGRAMS)
    candidates = [Path(link).resolve().parent for link in linked if link]
    for pattern in USUAL_FOLDERS:
        candidates += root.glob(pattern)
    for folder in dict.fromkeys(candidates):
        if all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
            yield folder


def _missing(major: str | None) -> Path:
    if major:
        raise Trouble(
            f"The data was made by PostgreSQL {major}, which is not here: install that version, or start "
            f"anew with `down --only postgres --wipe`."
        )
    raise Trouble(
        "PostgreSQL is not installed: install it (on Debian and Ubuntu: apt-get install postgresql; on "
        "Fedora: dnf install postgresql-server) and try again."
    )
