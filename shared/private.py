"""Private: what the platform keeps on this machine - votes, secrets of webhooks, keys - is its owner's alone."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import Conflict
from shared.storage import unusable

if TYPE_CHECKING:
    from shared.settings import Settings


def keep_private(settings: Settings) -> list[str]:
    """Makes the data folder, and lets nobody else into what this process makes from now on or finds there.

    Only files that the settings name are mended, and what lies beside them under their name (`-wal`, `.lock`); and
    the folder, unless work goes on in it. Returns what could not be mended, each as a sentence.
    """
    os.umask(0o077)
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return [f"the data folder {folder} cannot be made: {error.strerror}"]
    shared = Path.cwd().is_relative_to(folder.resolve())
    folders = [] if shared else [folder]
    return [mended for path in (*folders, *_files(settings)) if (mended := _mended(path))]


def write_private(path: Path, text: str) -> None:
    """Writes a file that its owner alone can read, in one step. Raises Unavailable with the reason."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise unusable(path, error) from error


def write_new(path: Path, content: bytes) -> None:
    """Writes a new file that its owner alone can read; half of one is not left. Raises Conflict for one that is there,
    Unavailable with the reason."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"there is a file {path} already: name another") from error
    except OSError as error:
        raise unusable(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise unusable(path, error) from error


def link_path(settings: Settings) -> Path:
    """Where the invitation of the first admin is written."""
    return settings.data_dir / "first-admin"


def sqlite_file(url: str) -> Path | None:
    """The file of an `sqlite:FILE` or `sqlite:///FILE`; None for any other URL."""
    scheme, _, rest = url.partition(":")
    return Path(rest.removeprefix("///")) if scheme == "sqlite" else None


def is_private(path: Path) -> bool:
    """Whether nobody but its owner has any right to it."""
    return not path.stat().st_mode & 0o077


def _files(settings: Settings) -> Iterator[Path]:
    urls = (settings.log_url, settings.database_url, settings.search_url)
    kept = [str(path) for url in urls if (path := sqlite_file(url)) is not None]
    for name in (*kept, str(settings.signing_key), str(link_path(settings))):
        pattern = glob.escape(settings.resolved(name, "\0")).replace("\0", "*")
        yield from (Path(found) for found in sorted(glob.glob(pattern + "*")) if os.path.isfile(found))


def _mended(path: Path) -> str:
    """Takes everybody else's rights away; a sentence when that fails."""
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
    except FileNotFoundError:
        pass  # Gone meanwhile, as a write-ahead log may be.
    except OSError as error:
        return f"others may read {path}, and that cannot be mended: {error.strerror}"
    return ""
